"""Makes near-duplicates of photos whose pairs are known: variants.py PHOTOS... OUT.

For each photo `N.jpg`: re-encoded, scaled, cropped, brightened, and two neighbours of a burst. Photos named `d....jpg` are
others, of which some show the same scene as another one.
"""

import random
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance

ORIGINALS, OTHERS = 150, 900


def burst(image, rng):
    """The next shot of a series: the camera moved and turned a little, the light changed, other noise."""
    width, height = image.size
    turned = image.rotate(rng.uniform(-1.5, 1.5), Image.BICUBIC)
    cut = [round(rng.uniform(0.02, 0.05) * side) for side in (width, height, width, height)]
    shot = turned.crop((cut[0], cut[1], width - cut[2], height - cut[3])).resize((width, height), Image.LANCZOS)
    shot = ImageEnhance.Brightness(shot).enhance(rng.uniform(0.92, 1.08))
    noise = np.random.default_rng(rng.randrange(2**32)).normal(0, 3, (height, width, 3))
    return Image.fromarray((np.asarray(shot, np.float32) + noise).clip(0, 255).astype(np.uint8))


def variants(image, rng):
    width, height = image.size
    yield "q40", image, {"quality": 40}
    yield "half", image.resize((max(width // 2, 96), max(height // 2, 96)), Image.LANCZOS), {"quality": 85}
    yield "large", image.resize((width * 8 // 5, height * 8 // 5), Image.BICUBIC), {"quality": 90}
    side = rng.choice([(0.05, 0, 1, 1), (0, 0.05, 1, 1), (0.025, 0.025, 0.975, 0.975), (0, 0, 0.95, 0.95)])
    yield "crop", image.crop(tuple(round(part * (width, height)[at % 2]) for at, part in enumerate(side))), {"quality": 90}
    yield "bright", ImageEnhance.Brightness(image).enhance(1.25), {"quality": 90}
    yield "burst1", burst(image, rng), {"quality": 90}
    yield "burst2", burst(image, rng), {"quality": 90}


def main():
    *folders, out = map(Path, sys.argv[1:])
    out.mkdir(parents=True)
    rng = random.Random(5)
    for number, folder in enumerate(folders):
        names = sorted(folder.rglob("*.jpg"))
        rng.shuffle(names)
        for index, name in enumerate(names[: ORIGINALS + OTHERS]):
            image = Image.open(name).convert("RGB")
            stem = f"{'o' if index < ORIGINALS else 'd'}{number}-{index:04}"
            (out / f"{stem}.jpg").write_bytes(name.read_bytes())
            if index < ORIGINALS:
                for kind, picture, options in variants(image, rng):
                    picture.save(out / f"{stem}-{kind}.jpg", **options)


main()
