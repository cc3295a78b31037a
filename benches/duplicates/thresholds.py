"""Chooses the bars of near-duplicates on one half of `variants.py`'s photos and reports them on the other.

thresholds.py LIBRARY [FAR COSINE NEAR COSINE [PROVE]]: the library that the photos were indexed into, and the built example
`prove`, which has the last word on pixels. Fingerprints are read from the catalogue where it has
them, else made of the thumbnails as `media::Fingerprint` does.
"""

import io
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image


def fingerprint(jpeg):
    small = np.asarray(Image.open(io.BytesIO(jpeg)).convert("RGB").resize((9, 8), Image.BOX), np.int64).sum(2)
    return np.packbits((small[:, :-1] < small[:, 1:]).reshape(-1)).view(">u8").astype(np.uint64)[0]


paths = {}


def prove(program, found, names, a, b):
    """Leaves of the pairs found those that the pixels prove."""
    at = np.flatnonzero(found)
    pairs = "".join(f"{paths[names[a[i]]]}\t{paths[names[b[i]]]}\n" for i in at)
    told = subprocess.run([program], input=pairs, capture_output=True, text=True, check=True).stdout.splitlines()
    proven = np.zeros_like(found)
    proven[at] = [line == "1" for line in told]
    return proven


def load(library):
    file = sqlite3.connect(f"file:{library}/catalogue.sqlite?mode=ro", uri=True)
    model = max(file.execute("SELECT id, key FROM model").fetchall(), key=lambda row: -len(row[1]))[0]
    rows = file.execute(
        """SELECT min(path), jpeg, data, photo.id FROM photo JOIN location ON location.photo_id = photo.id
           JOIN thumbnail ON thumbnail.photo_id = photo.id JOIN vector ON vector.photo_id = photo.id AND model_id = ?
           GROUP BY photo.id""",
        [model],
    ).fetchall()
    names = [Path(row[0].decode()).stem for row in rows]
    paths.update(zip(names, (row[0].decode() for row in rows)))
    vectors = np.stack([np.frombuffer(row[2], np.float16).astype(np.float32) for row in rows])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    try:
        kept = dict(file.execute("SELECT photo_id, bits FROM fingerprint"))
        prints = np.array([np.int64(kept[row[3]]) for row in rows]).view(np.uint64)
        print("fingerprints of the catalogue")
    except sqlite3.OperationalError:
        prints = np.array([fingerprint(row[1]) for row in rows], np.uint64)
    return names, vectors, prints


def pairs(names, vectors, prints, half):
    """(Hamming distance, cosine, same photo, kinds) of every pair of one half's photos."""
    family = ["-".join(name.split("-")[:2]) for name in names]
    own = [index for index, name in enumerate(family) if int(name.split("-")[1]) % 2 == half]
    family, kinds = np.array(family)[own], [names[index].split("-")[2] if names[index].count("-") > 1 else "original" for index in own]
    bits, unit = prints[own], vectors[own]
    a, b = np.triu_indices(len(own), 1)
    return np.bitwise_count(bits[a] ^ bits[b]), (unit @ unit.T)[a, b], family[a] == family[b], np.array(kinds)[a], np.array(kinds)[b], np.array(names)[own], a, b


def scores(distance, cosine, same, near, least, sure, likely):
    found = ((distance <= near) & (cosine >= least)) | ((distance <= sure) & (cosine >= likely))
    right = (found & same).sum()
    return right / max(found.sum(), 1), right / same.sum(), found


def main():
    data = load(sys.argv[1])
    distance, cosine, same, *_ = pairs(*data, 0)
    print("chosen on one half:", same.sum(), "pairs of", len(same))
    for near in (0, 2, 4, 6, 8, 9, 10, 11, 12, 14, 15):
        for least in (0.0, 0.7, 0.8, 0.85, 0.88, 0.9, 0.92, 0.94):
            precision, recall, _ = scores(distance, cosine, same, near, least, -1, 2)
            print(f"distance <= {near:2}, cosine >= {least:.2f}: precision {precision:.4f} recall {recall:.4f}")
    if len(sys.argv) > 2:
        near, least, sure, likely = int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5])
        precision, recall, _ = scores(distance, cosine, same, near, least, sure, likely)
        print(f"chosen: precision {precision:.4f} recall {recall:.4f}")
        distance, cosine, same, first, second, names, a, b = pairs(*data, 1)
        precision, recall, found = scores(distance, cosine, same, near, least, sure, likely)
        if len(sys.argv) > 6:
            print(f"before the pixels are compared: recall {recall:.4f}, {(found & ~same).sum()} wrong of {found.sum()}")
            found = prove(sys.argv[6], found, names, a, b)
            precision, recall = (found & same).sum() / max(found.sum(), 1), (found & same).sum() / same.sum()
        print(f"the other half, {same.sum()} pairs of {len(same)}: precision {precision:.4f} recall {recall:.4f}, {(found & ~same).sum()} wrong")
        for kind in sorted(set(second)):
            of = same & (((first == "original") & (second == kind)) | ((second == "original") & (first == kind)))
            if of.any():
                print(f"  original and {kind}: recall {(found & of).sum() / of.sum():.3f}, median distance {np.median(distance[of])}, cosine {np.median(cosine[of]):.3f}")
        for index in np.flatnonzero(found & ~same)[:20]:
            print("  wrong:", names[a[index]], names[b[index]], distance[index], round(float(cosine[index]), 3))


main()
