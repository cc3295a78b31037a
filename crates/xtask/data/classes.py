"""Names and hypernyms of the classifier's 1,000 classes, from packages that publish them.

    apt-get install wordnet-base
    python3 -m venv target/classes && target/classes/bin/pip install timm==1.0.31 torchvision==0.29.2 open_clip_torch==3.3.0
    target/classes/bin/python crates/xtask/data/classes.py

Writes classes.json beside this file, in the classifier's order: for each class the WordNet id, its names (open_clip's
curated one first, then torchvision's, timm's lemmas, WordNet's synonyms), its hypernyms, nearest first, and its gloss.
"""

import json
import pathlib
from importlib.metadata import files

from open_clip.zero_shot_metadata import IMAGENET_CLASSNAMES
from torchvision.models._meta import _IMAGENET_CATEGORIES

NOUNS = pathlib.Path("/usr/share/wordnet/data.noun")
LEVELS = 9

# Hypernyms that say nothing of what a photo shows.
TOO_GENERAL = {
    "entity", "physical entity", "abstraction", "object", "whole", "matter", "thing", "unit", "physical object",
    "artifact", "artefact", "living thing", "organism", "being", "causal agent", "instrumentality", "instrumentation",
    "natural object", "substance", "part", "piece", "way", "attribute", "psychological feature", "group", "grouping",
    "relation", "measure", "abstract entity", "cause", "causal agency", "food, nutrient", "implement", "covering",
    "structure", "construction", "commodity", "trade good", "good", "area", "creation", "device", "equipment",
    "article", "chordate", "vertebrate", "craniate", "animate thing", "placental", "placental mammal", "eutherian",
    "eutherian mammal", "conveyance", "transport", "consumer goods", "component", "constituent", "component part",
    "social group", "solid", "passage", "line", "arthropod",
}


def timm_file(name):
    path = next(file for file in files("timm") if file.name == name)
    return pathlib.Path(path.locate()).read_text(encoding="utf-8").splitlines()


def wordnet():
    """Offset of a noun synset -> (words, offsets of hypernyms, gloss); wndb(5WN) has the format."""
    nouns = {}
    for line in NOUNS.read_text(encoding="latin1").splitlines():
        if line.startswith(" "):
            continue
        head, _, gloss = line.partition("|")
        parts = head.split()
        count = int(parts[3], 16)
        words = [parts[4 + 2 * n].replace("_", " ") for n in range(count)]
        at = 4 + 2 * count
        pointers = [parts[at + 1 + 4 * n:at + 5 + 4 * n] for n in range(int(parts[at]))]
        above = [offset for sign, offset, kind, _ in pointers if sign in ("@", "@i") and kind == "n"]
        nouns[parts[0]] = (words, above, gloss.strip())
    return nouns


def main():
    synsets = [line.strip() for line in timm_file("imagenet_synsets.txt")]
    lemmas = dict(line.split("\t") for line in timm_file("imagenet_synset_to_lemma.txt"))
    nouns = wordnet()
    classes = []
    for number, wnid in enumerate(synsets):
        words, above, gloss = nouns[wnid[1:]]
        names = []
        for name in [IMAGENET_CLASSNAMES[number], _IMAGENET_CATEGORIES[number], *lemmas[wnid].split(", "), *words]:
            name = name.strip()
            if name and name.lower() not in [other.lower() for other in names]:
                names.append(name)
        chain = []
        for _ in range(LEVELS):
            if not above:
                break
            words_above, further, _ = nouns[above[0]]
            if not any(word.lower() in TOO_GENERAL for word in words_above):
                chain.append(words_above)
            above = further
        gloss = gloss.split(";")[0].strip("() ")
        classes.append({"wnid": wnid, "names": names, "hypernyms": chain, "gloss": gloss})
    out = pathlib.Path(__file__).with_name("classes.json")
    out.write_text(json.dumps(classes, indent=0), encoding="utf-8")


if __name__ == "__main__":
    main()
