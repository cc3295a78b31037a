"""Makes fixture.json: what pycocoevalcap computes for made-up captions.

The Rust tests compare the caption metrics with it. Run it again only to change the inputs:

    pip install pycocoevalcap==1.2 numpy    # needs Java for its tokeniser
    python crates/vlm/src/metrics/reference.py  # writes fixture.json beside it

The captions come from a seeded generator and from the list below, not from any data set.
"""

import json
import random
from pathlib import Path

from pycocoevalcap.bleu.bleu import Bleu
from pycocoevalcap.cider.cider import Cider
from pycocoevalcap.rouge.rouge import Rouge
from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer

IMAGES = 60
# The document frequencies depend on the set of images, so the scores of several sets are kept.
SET_SIZES = (60, 25, 7, 2, 1)

SUBJECTS = [
    "dog", "brown-and-white dog", "cat", "small boy", "girl", "woman's horse", "man", "cyclist", "group of children",
    "3-year-old child", "surfer", "street vendor", "red-haired woman", "pair of swans", "U.S. runner", "Dr. Smith",
    "farmer", "goalkeeper", "mother and her twins", "climber",
]
VERBS = [
    "runs", "jumps", "is sitting", "sleeps", "plays", "doesn't move", "looks around", "is about to eat", "waits",
    "climbs", "swims", "can't keep still", "walks slowly", "laughs", "rests",
]
PLACES = [
    "on the beach", "in front of a half-open door", "beside the neighbour's fence", "under a large tree",
    "near the St. John's bridge", "in the snow", "at a bus stop", "on a rock/wall", "by the lake", "in a busy market",
    "between two parked cars", "on the 2nd floor", "in a T-shirt shop", "at 10:30 p.m.", "on a 6-foot ladder",
]
EXTRAS = [
    "", "", "", "", " with a ball", " (and a hat)", ", while others watch", ' next to a sign that says "stop"',
    " - all alone", "; it's raining", " for 1,000 people", " with 2 1/2 apples", " & a friend", ", too!",
]
ENDS = [" .", ".", ".", "", "!", " ...", "?!"]

TOKEN_CASES = [
    "",
    " ",
    ".",
    "dog",
    "A dog's life isn't easy, they're told.",
    "the dogs' bowl and the boys' toys",
    "You can't, won't and shouldn't've; I'd say he'll go, we've seen I'm right",
    "don’t touch the girl’s hat",
    "gonna gotta wanna gimme lemme cannot dunno",
    "'tis 'twas rock'n'roll rock 'n' roll get 'em 'cause 'til",
    "o'clock O'Neill d'Artagnan y'all ma'am c'mon jack-o-lantern l'été",
    "the '90s, the 1980's and '98 again",
    "black-and-white t-shirt, mid-air x-ray 5-6-year-old",
    "a man - with a dog -- and a cat --- or ----- no",
    "anti- war and pro- peace and non- smoker",
    '"quoted" \'single\' ``old\'\' “curly” ‘one’',
    "(round) [square] {curly} <b>bold</b> 3<5",
    "1,000 2.5 .99 10:30 10:30am 12/25/2010 5% $5.00 £5 €5 5¢ #7 No. 5",
    "1/2 cup, 3 1/2 cups, 1½ cups, 2.5-inch 6-ft. 5'10 tall",
    "Mr. and Mrs. Jones vs. Dr. Who, Jr. on 5th Ave. now",
    "the U.S. team at 3 p.m. e.g. in L.A. etc. there",
    "no. not the no. 5 but no.",
    "Miss. or miss. in Wash. or wash. it",
    "and/or w/o w/ a/b/c a/b/c/d he/she's",
    "AT&T R&B A&W a&b salt &amp; pepper &lt;3",
    "what?! no!! yes? ok! hm... well",
    "dog!cat dog.cat dog,cat shirt,black-and-white end.Next",
    "www.example.com me@example.com http://example.com/x?y=1.",
    '#fun @home C++ c# * ** a_b ___ ~ ^ | \\ + =',
    ":) :-( ;-) =D :P :D -_- :Paul",
    "café naïve über straße 日本語 ½ ° ©",
    "word.; word., word.: word.) 5., x-y.,",
    "a. b.c. d.e.f Plan B. The end of vitamin C. A cat",
    "-5 +5 5-5 -5-6 a-5 a- -a -a-",
]


def sentence(rng: random.Random) -> str:
    text = f"{rng.choice(['A', 'The', 'One'])} {rng.choice(SUBJECTS)} {rng.choice(VERBS)} {rng.choice(PLACES)}"
    return text + rng.choice(EXTRAS) + rng.choice(ENDS)


def similar_sentences(rng: random.Random, count: int) -> list[str]:
    """Captions of one image: they share words, as captions by different people do."""
    first = sentence(rng)
    words = first.split()
    captions = [first]
    while len(captions) < count:
        other = sentence(rng).split()
        cut = rng.randint(1, len(words) - 1)
        captions.append(" ".join(words[:cut] + other[min(cut, len(other) - 1):]))
    return captions


def candidate(rng: random.Random, index: int, own: list[str], other: list[str]) -> str:
    words = own[0].split()
    kinds = [
        lambda: own[-1],
        lambda: other[0],
        lambda: " ".join(word for word in words for _ in range(rng.randint(1, 3))),
        lambda: words[1],
        lambda: " ".join(own + other),
        lambda: " ,, ".join(words) + " !!! ...",
        lambda: " ".join(rng.sample(words, len(words))),
        lambda: " ".join(words[:4]),
        lambda: " ".join(words[: len(words) // 2] + other[0].split()[len(words) // 2 :]),
        lambda: own[0].upper(),
        lambda: "the man's 2 dogs can't see the 10:30 train-station clock",
        lambda: "" if index == 11 else "the the the the the",
    ]
    return kinds[index % len(kinds)]()


def tokenise(captions: list[str]) -> list[str]:
    by_id = {index: [{"caption": caption}] for index, caption in enumerate(captions)}
    # The tokeniser reads one text, where the next caption can change a final full stop: so a word between them.
    separated = {}
    for index, caption in by_id.items():
        separated[(index, "caption")] = caption
        separated[(index, "separator")] = [{"caption": "separator"}]
    tokens = PTBTokenizer().tokenize(separated)
    assert all(tokens[(index, "separator")] == ["separator"] for index in by_id)
    return [tokens[(index, "caption")][0] for index in by_id]


def main() -> None:
    rng = random.Random(20150408)
    references = [similar_sentences(rng, 5 if image % 6 else rng.randint(1, 4)) for image in range(IMAGES)]
    candidates = [
        candidate(rng, image, references[image], references[(image * 7 + 13) % IMAGES]) for image in range(IMAGES)
    ]
    # An empty reference and an empty candidate of one image: ROUGE-L takes them as equal.
    references[30], candidates[30] = [""], ""
    flat = tokenise([caption for captions in references for caption in captions] + candidates + TOKEN_CASES)
    tokens = iter(flat)
    gts = {image: [next(tokens) for _ in captions] for image, captions in enumerate(references)}
    res = {image: [next(tokens)] for image in range(IMAGES)}
    images = [
        {
            "references": references[image],
            "candidate": candidates[image],
            "reference_tokens": gts[image],
            "candidate_tokens": res[image][0],
        }
        for image in range(IMAGES)
    ]
    sets = []
    for size in SET_SIZES:
        some_gts = {image: gts[image] for image in range(size)}
        some_res = {image: res[image] for image in range(size)}
        bleu, _ = Bleu(4).compute_score(some_gts, some_res, verbose=0)
        rouge, _ = Rouge().compute_score(some_gts, some_res)
        cider, _ = Cider().compute_score(some_gts, some_res)
        sets.append({"images": size, "bleu": bleu, "rouge_l": float(rouge), "cider_d": float(cider)})
    cases = [{"caption": caption, "tokens": next(tokens)} for caption in TOKEN_CASES]
    fixture = {"images": images, "sets": sets, "token_cases": cases}
    text = json.dumps(fixture, ensure_ascii=False, indent=1) + "\n"
    Path(__file__).with_name("fixture.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
