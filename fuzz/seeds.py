#!/usr/bin/env python3
"""Makes the seeds of `fuzz/seeds` that have a structure which no mutation finds: EXIF and XMP in JPEG XL, HEIC, AVIF and
PNG, plain and packed; libraries of the latest schema, one with jobs; and what goes through a worker's pipe. The pictures
in them are those of `crates/media/tests/fixtures`, which `make.py` there makes.

    pip install brotli
    python3 fuzz/seeds.py
"""
import os, sqlite3, struct, zlib
import brotli

HERE = os.path.dirname(os.path.abspath(__file__))
PICTURES = f"{HERE}/../crates/media/tests/fixtures"
LIBRARIES = f"{HERE}/../crates/catalog/tests/fixtures"


def picture(name):
    with open(f"{PICTURES}/{name}", "rb") as file:
        return file.read()


def keep(target, name, data):
    os.makedirs(f"{HERE}/seeds/{target}", exist_ok=True)
    with open(f"{HERE}/seeds/{target}/{name}", "wb") as file:
        file.write(data)


# What a photo says.


def exif(description=b"a dog"):
    """A block laid out as TIFF: maker, model, description, stars, date with zone, comment and position."""
    def directory(start, entries):
        """Entries of (tag, kind, count, value), and after them the values that are longer than four bytes."""
        head, data = struct.pack("<H", len(entries)), b""
        place = start + 2 + 12 * len(entries) + 4
        for tag, kind, count, value in entries:
            if len(value) > 4:
                value, data = struct.pack("<I", place + len(data)), data + value + b"\0" * (len(value) % 2)
            head += struct.pack("<HHI", tag, kind, count) + value.ljust(4, b"\0")
        return head + struct.pack("<I", 0) + data

    def text(tag, words):
        return tag, 2, len(words) + 1, words + b"\0"

    def angle(*parts):
        return b"".join(struct.pack("<II", *part) for part in parts)

    def all_of(exif_at, gps_at):
        first = directory(8, [
            text(0x010E, description), text(0x010F, b"Acme"), text(0x0110, b"Acme One"),
            (0x0112, 3, 1, struct.pack("<H", 6)), (0x4746, 3, 1, struct.pack("<H", 4)),
            (0x8769, 4, 1, struct.pack("<I", exif_at)), (0x8825, 4, 1, struct.pack("<I", gps_at))])
        comment = b"ASCII\0\0\0" + b"by the sea"
        second = directory(exif_at, [
            text(0x9003, b"2024:05:06 07:08:09"), text(0x9011, b"+02:00"), text(0x9291, b"25"),
            (0x9286, 7, len(comment), comment), text(0xA434, b"Acme 50mm")])
        third = directory(gps_at, [
            text(1, b"N"), (2, 5, 3, angle((38, 1), (42, 1), (30, 1))),
            text(3, b"W"), (4, 5, 3, angle((9, 1), (8, 1), (15, 1)))])
        return first, second, third

    first, second, _ = all_of(0, 0)
    exif_at = 8 + len(first)
    return b"II*\0\x08\0\0\0" + b"".join(all_of(exif_at, exif_at + len(second)))


XMP = b"""<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF \
xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/" \
xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="3" xmp:CreateDate="2024-05-06T07:08:09+02:00"><dc:description>\
<rdf:Alt><rdf:li xml:lang="x-default">a dog</rdf:li></rdf:Alt></dc:description><dc:subject><rdf:Bag><rdf:li>dog</rdf:li>\
</rdf:Bag></dc:subject></rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>"""
# More than the 4 MiB that are unpacked, and just under them.
OVER, UNDER = XMP.ljust(5 << 20), XMP.ljust(4 << 20)


def box(kind, *contents):
    data = b"".join(contents)
    return struct.pack(">I", 8 + len(data)) + kind + data


def boxes(data):
    at = 0
    while at + 8 <= len(data):
        size, kind = struct.unpack(">I4s", data[at:at + 8])
        size = size or len(data) - at
        yield kind, data[at + 8:at + size]
        at += size


# JPEG XL (ISO/IEC 18181-2).


def jxl(*metadata, parts=1):
    """The picture after its metadata, whole or in parts that are numbered."""
    stream = b"".join(data for kind, data in boxes(picture("clear.jxl")) if kind == b"jxlc") or picture("clear.jxl")
    head = b"\0\0\0\x0cJXL \r\n\x87\n" + box(b"ftyp", b"jxl \0\0\0\0jxl ")
    if parts == 1:
        return head + b"".join(metadata) + box(b"jxlc", stream)
    step = -(-len(stream) // parts)
    numbers = [number | (0x80000000 if number == parts - 1 else 0) for number in range(parts)]
    pieces = [box(b"jxlp", struct.pack(">I", number), stream[at * step:(at + 1) * step]) for at, number in enumerate(numbers)]
    return head + b"".join(metadata) + b"".join(pieces)


def packed(kind, data):
    return box(b"brob", kind, brotli.compress(data))


exif_box = box(b"Exif", b"\0\0\0\0", exif())
both = {
    "plain.jxl": jxl(exif_box, box(b"xml ", XMP)),
    "packed.jxl": jxl(packed(b"Exif", b"\0\0\0\0" + exif()), packed(b"xml ", XMP)),
    "split.jxl": jxl(exif_box, parts=2),
}
metadata = {
    "over.jxl": jxl(packed(b"xml ", OVER)),
    "under.jxl": jxl(packed(b"xml ", UNDER)),
    # A window of 1 GiB, which Brotli does not have, and five bytes.
    "window.jxl": jxl(box(b"brob", b"xml ", b"\x11\x1e\x08\0\x02<x/>\n\x03")),
    "over-exif.jxl": jxl(packed(b"Exif", b"\0\0\0\0" + exif(b"x" * (5 << 20)))),
}

# HEIC and AVIF (ISO/IEC 23008-12): items beside the picture's own.


def extents(iloc):
    """What an `iloc` box says: items with method, base and extents."""
    version, sizes = iloc[0], struct.unpack(">H", iloc[4:6])[0]
    offset, length, base, index = [sizes >> shift & 15 for shift in (12, 8, 4, 0)]
    at = 6

    def number(size):
        nonlocal at
        at += size
        return int.from_bytes(iloc[at - size:at], "big")

    for _ in range(number(2 if version < 2 else 4)):
        item = number(2 if version < 2 else 4)
        method = number(2) & 15 if version else 0
        number(2)
        start = number(base)
        pieces = []
        for _ in range(number(2)):
            number(index if version else 0)
            place = start + number(offset)
            pieces.append((place, number(length)))
        yield item, method, pieces


def heif(name, inside=False, pieces=1):
    """The picture with EXIF after its data and XMP there too, or `inside` the list of items; XMP in so many pieces."""
    data = picture(name)
    parts = list(boxes(data))
    meta = next(contents for kind, contents in parts if kind == b"meta")
    inner = list(boxes(meta[4:]))
    items = list(extents(next(contents for kind, contents in inner if kind == b"iloc")))
    last = max(item for item, _, _ in items)
    block = b"\0\0\0\0" + exif()
    step = -(-len(XMP) // pieces)
    cuts = [(at, min(step, len(XMP) - at)) for at in range(0, len(XMP), step)]

    def made(moved, end):
        def entry(item, method, pieces):
            head = struct.pack(">HHHH", item, method, 0, len(pieces))
            return head + b"".join(struct.pack(">II", place, length) for place, length in pieces)

        all_items = [(i, m, [(p + (0 if m else moved), n) for p, n in e]) for i, m, e in items]
        all_items.append((last + 1, 0, [(end, len(block))]))
        here = 0 if inside else end + len(block)
        all_items.append((last + 2, int(inside), [(here + at, length) for at, length in cuts]))
        found = []
        for kind, contents in inner:
            if kind == b"iinf":
                count = struct.unpack(">H", contents[4:6])[0]
                info = [box(b"infe", struct.pack(">IHH", 2 << 24, item, 0), rest) for item, rest in
                        [(last + 1, b"Exif\0"), (last + 2, b"mime\0application/rdf+xml\0")]]
                contents = contents[:4] + struct.pack(">H", count + 2) + contents[6:] + b"".join(info)
            if kind == b"iloc":
                head = struct.pack(">IHH", 1 << 24, 0x4400, len(all_items))
                contents = head + b"".join(entry(*item) for item in all_items)
            if kind != b"idat":
                found.append(box(kind, contents))
        if inside:
            found.append(box(b"idat", XMP))
        return box(b"meta", meta[:4], *found)

    grown = len(made(0, 0)) - len(box(b"meta", meta))
    after = block if inside else block + XMP
    whole = b"".join(made(grown, len(data) + grown + 8) if kind == b"meta" else box(kind, contents)
                     for kind, contents in parts)
    assert len(whole) == len(data) + grown
    return whole + box(b"mdat", after)


both |= {
    "items.heic": heif("turned-1.heic"),
    "inside.heic": heif("turned-6.heic", inside=True),
    "items.avif": heif("turned-1.avif"),
    "inside.avif": heif("turned-6.avif", inside=True),
}
metadata |= {
    "pieces.heic": heif("turned-1.heic", pieces=3),
    # Canon's raw files are boxes too.
    "adobe.cr3": box(b"ftyp", b"crx \0\0\0\x01crx isom")
    + box(b"uuid", bytes.fromhex("be7acfcb97a942e89c71999491e3afac"), XMP),
}

# PNG: EXIF, XMP and texts, packed and not.


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(*chunks):
    data = picture("turned-1.png")
    return data[:33] + b"".join(chunks) + data[33:]


xmp_key = b"XML:com.adobe.xmp\0"
both["texts.png"] = png(
    chunk(b"eXIf", exif()), chunk(b"iTXt", xmp_key + b"\0\0\0\0" + XMP), chunk(b"tEXt", b"Description\0a dog"))
both["packed.png"] = png(
    chunk(b"zTXt", b"Description\0\0" + zlib.compress(b"a dog" * 100)),
    chunk(b"iTXt", xmp_key + b"\x01\0\0\0" + zlib.compress(XMP)))
metadata["over.png"] = png(
    chunk(b"zTXt", b"Comment\0\0" + zlib.compress(OVER, 9)), chunk(b"iTXt", xmp_key + b"\x01\0\0\0" + zlib.compress(OVER, 9)))

for name, data in both.items():
    keep("metadata", name, data)
    keep("decode", name, data)
for name, data in metadata.items():
    keep("metadata", name, data)
for name in ["boxed.jxl", "photo.jxl", "p3.jxl", "clear.heic", "deep.heic", "clear.avif", "moving.avif"]:
    keep("decode", name, picture(name))

# Libraries, in pages as small as there are.


def library(*more):
    database = sqlite3.connect(":memory:")
    database.execute("PRAGMA page_size = 512")
    with open(f"{LIBRARIES}/schema-9.sql", encoding="utf-8") as script:
        database.executescript(script.read())
    for statement in more:
        database.execute(statement)
    database.commit()
    database.execute("VACUUM")
    return database.serialize()


keep("catalogue", "9.sqlite", library())
keep("restore", "9.sqlite", library(
    """INSERT INTO job (kind, state, phase, done, total, started_at, updated_at, payload)
       VALUES ('copy', 'paused', 'copy', 0, 1, 1700000030, 1700000030,
               '{"photos":[1],"folder":"/home/you/.config/autostart"}')""",
    "INSERT INTO checkpoint (job_id, data) VALUES (3, x'00112233')"))

# The worker's pipe: MessagePack with names, as rmp-serde writes it.


def pack(value):
    if value is None or isinstance(value, bool):
        return {None: b"\xc0", False: b"\xc2", True: b"\xc3"}[value]
    if isinstance(value, int):
        return struct.pack(">Bq", 0xD3, value) if value < 0 else struct.pack(">BQ", 0xCF, value)
    if isinstance(value, float):
        return struct.pack(">Bd", 0xCB, value)
    if isinstance(value, str):
        return struct.pack(">BH", 0xDA, len(value.encode())) + value.encode()
    if isinstance(value, (list, tuple)):
        return struct.pack(">BH", 0xDC, len(value)) + b"".join(map(pack, value))
    pairs = b"".join(pack(key) + pack(item) for key, item in value.items())
    return struct.pack(">BH", 0xDE, len(value)) + pairs


def stream(kind, *frames):
    """Kind of exchange, and frames whose lengths the target makes."""
    return bytes([0x80 | kind]) + b"|frame|".join(pack(head) + (b"|body|" + body if body else b"")
                                                  for head, body in frames)


words = {"caption": "a dog", "keywords": ["dog", "sea"]}
exif_facts = {"orientation": 6, "taken_at": "2024-05-06T07:08:09.25+02:00", "changed_at": "2024-05-06T07:08:09",
              "camera": "Acme One", "lens": "Acme 50mm", "position": [38.7, -9.1], "rating": 4,
              "is_over_limit": False, "words": "a dog"}
facts = {"facts": {"taken_at": ["2024-05-06", "Xmp"], "camera": "Acme One", "lens": None, "position": [38.7, -9.1],
                   "rating": -1, "words": words},
         "inside": {"what": "its XMP", "limit": "4 MiB"}, "beside": [0, {"what": "the sidecar", "limit": "4 MiB"}]}
of_photo = {"width": 3, "height": 2, "orientation": 6, "format": "Jpeg", "exif": exif_facts}


def decoded(found):
    return {"Decoded": {"metadata": of_photo, "width": 3, "height": 2, "facts": found}}, bytes(range(18))


confinement = {"environment_cleared": True, "no_new_privileges": True, "system_calls_filtered": True, "landlock": 3,
               "memory_bytes": 1 << 30, "opens_files": False, "opens_sockets": False, "starts_programs": False}
limits = {"max_pixels": 1000000, "max_alloc_bytes": 16 << 20, "max_file_bytes": 1 << 20}


def photo(data):
    return {"name": "a.jpg", "bytes": len(data), "limits": limits}


def decode(data, beside):
    listed = None if beside is None else [{"has_full_name": True, "bytes": len(beside)}]
    return {"Decode": {"photo": photo(data), "min_short_side": 64, "beside": listed}}, data + (beside or b"")


small = picture("turned-1.jpg")
wants = {"Wants": {"offset": 2, "bytes": 5}}, b""
for name, data in {
    "decoded": stream(0, decoded(None)),
    "refused": stream(0, ({"Refused": {"TooLarge": {"what": "9x9 pixels", "limit": "8 megapixels"}}}, b"")),
    "unsupported": stream(0, ({"Refused": {"Unsupported": "PSD"}}, b"")),
    "no-photo": stream(0, ({"Refused": "NotAPhoto"}, b"")),
    "with-facts": stream(1, decoded(facts)),
    "facts": stream(2, wants, wants, ({"Facts": facts}, b"")),
    "confinement": stream(3, ({"Confinement": confinement}, b"")),
    "asked": stream(4, decode(small, XMP), ("Confinement", b""), decode(small, None)),
    "asked-facts": stream(4, ({"Facts": {"photo": photo(small[:4]), "beside": [{"has_full_name": True, "bytes": len(XMP)}]}},
                              XMP), *[("Piece", small[at:at + 1]) for at in range(4)] * 10),
    "honest.jpg": b"\x05" + small,
    "honest.png": b"\x05" + both["texts.png"],
    "honest.jxl": b"\x05" + both["plain.jxl"],
    "honest.avif": b"\x05" + both["items.avif"],
}.items():
    keep("pipe", name, data)
