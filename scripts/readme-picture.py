#!/usr/bin/env python3
"""Draw docs/search.png, the README's picture: real searches over the sample photos.

    apt-get install python3-pil fonts-inter          # or fonts-dejavu-core
    target/release/sightline --library target/demo-library index assets/samples
    python3 scripts/readme-picture.py

Asks `sightline search --json` and draws what it says, so the picture shows the shipped model's
own ranking and scores.
"""

import argparse
import json
import subprocess
from pathlib import Path

from PIL import Image, ImageChops, ImageDraw, ImageFont, ImageOps

ROOT = Path(__file__).resolve().parent.parent
QUERIES = ["golden retriever", "a cup of coffee", "mountains", "people making music", "a submarine in an aquarium"]
TOP = 4

SCALE = 2  # drawn twice as large and scaled down: smooth corners
WIDTH, MARGIN, GAP = 1280, 40, 16
ROW, CAPTION = 176, 26
LEFT = 300
THUMB = (WIDTH - 2 * MARGIN - LEFT - (TOP - 1) * GAP) // TOP
GROUND, PANEL, LINE = "#0f1216", "#1a1f26", "#2a313b"
TEXT, DIM = "#f1f4f8", "#8d98a7"
MATCH = {"strong": "#4cc38a", "possible": "#e5b454"}

FONTS = {
    "regular": ["opentype/inter/Inter-Regular.otf", "truetype/dejavu/DejaVuSans.ttf"],
    "bold": ["opentype/inter/Inter-SemiBold.otf", "truetype/dejavu/DejaVuSans-Bold.ttf"],
}


def font(weight: str, size: int) -> ImageFont.FreeTypeFont:
    for name in FONTS[weight]:
        path = Path("/usr/share/fonts") / name
        if path.is_file():
            return ImageFont.truetype(str(path), size * SCALE)
    raise SystemExit("no font: apt-get install fonts-inter or fonts-dejavu-core")


def search(sightline: Path, library: Path, query: str) -> list[dict]:
    """What the tool answers, best first; exit code 1 stands for no match."""
    command = [sightline, "--library", library, "search", "--json", "--limit", str(TOP), query]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode > 1:
        raise SystemExit(f"sightline search {query!r} failed: {done.stderr.strip()}")
    hits = [json.loads(line) for line in done.stdout.splitlines() if line.strip()]
    return [hit for hit in hits if hit.get("match") in MATCH and "path" in hit][:TOP]


def rounded(size: tuple[int, int], radius: int) -> Image.Image:
    mask = Image.new("L", size, 0)
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, size[0] - 1, size[1] - 1), radius * SCALE, fill=255)
    return mask


def thumbnail(path: Path, size: tuple[int, int]) -> tuple[Image.Image, Image.Image]:
    """The photo upright on white, cropped to `size`, and its rounded mask."""
    photo = ImageOps.exif_transpose(Image.open(ROOT / path)).convert("RGBA")
    white = Image.new("RGBA", photo.size, "white")
    photo = Image.alpha_composite(white, photo).convert("RGB")
    return ImageOps.fit(photo, size, Image.Resampling.LANCZOS), rounded(size, 10)


def wrap(draw: ImageDraw.ImageDraw, text: str, face: ImageFont.FreeTypeFont, width: int) -> list[str]:
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if draw.textlength(longer, font=face) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def draw_row(sheet: Image.Image, top: int, query: str, hits: list[dict]) -> None:
    """One query on the left, what it found on the right."""
    draw = ImageDraw.Draw(sheet)
    s = SCALE
    box = (MARGIN * s, top * s, (MARGIN + LEFT - 28) * s, (top + ROW - CAPTION) * s)
    draw.rounded_rectangle(box, 12 * s, fill=PANEL, outline=LINE, width=s)
    # A magnifier: a circle and a handle.
    x, y = (MARGIN + 22) * s, (top + 22) * s
    draw.ellipse((x, y, x + 13 * s, y + 13 * s), outline=DIM, width=2 * s)
    draw.line((x + 11 * s, y + 11 * s, x + 17 * s, y + 17 * s), fill=DIM, width=2 * s + 1)
    face, small = font("bold", 20), font("regular", 13)
    for number, line in enumerate(wrap(draw, query, face, (LEFT - 72) * s)):
        draw.text((x, (top + 52 + 27 * number) * s), line, font=face, fill=TEXT)
    if not hits:
        left = (MARGIN + LEFT) * s
        draw.rounded_rectangle(
            (left, top * s, (WIDTH - MARGIN) * s, (top + ROW - CAPTION) * s), 12 * s, outline=LINE, width=s
        )
        middle = ((MARGIN + LEFT + WIDTH - MARGIN) * s // 2, (top + (ROW - CAPTION) // 2) * s)
        draw.text(middle, "Nothing matches.", font=font("regular", 18), fill=DIM, anchor="mm")
    for number, hit in enumerate(hits):
        left = MARGIN + LEFT + number * (THUMB + GAP)
        size = (THUMB * s, (ROW - CAPTION) * s)
        image, mask = thumbnail(Path(hit["path"]), size)
        if hit["match"] == "possible":
            mask = ImageChops.multiply(mask, Image.new("L", size, 150))
        sheet.paste(image, (left * s, top * s), mask)
        y = top + ROW - CAPTION + 15
        draw.ellipse(((left + 2) * s, (y - 4) * s, (left + 10) * s, (y + 4) * s), fill=MATCH[hit["match"]])
        label = f"{hit['match']}  {hit['score']:.2f}"
        draw.text(((left + 17) * s, y * s), label, font=small, fill=DIM, anchor="lm")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sightline", type=Path, default=ROOT / "target/release/sightline", help="the program")
    parser.add_argument("--library", type=Path, default=ROOT / "target/demo-library", help="library with the samples")
    parser.add_argument("--out", type=Path, default=ROOT / "docs/search.png", help="the picture to write")
    parser.add_argument("queries", nargs="*", default=QUERIES, help="what to search for")
    options = parser.parse_args()
    step = ROW + GAP
    height = 2 * MARGIN + len(options.queries) * step - GAP
    sheet = Image.new("RGB", (WIDTH * SCALE, height * SCALE), GROUND)
    for number, query in enumerate(options.queries):
        hits = search(options.sightline.absolute(), options.library.absolute(), query)
        draw_row(sheet, MARGIN + number * step, query, hits)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    sheet.resize((WIDTH, height), Image.Resampling.LANCZOS).save(options.out, optimize=True)
    print(f"{options.out}: {options.out.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
