//! Each format against what Pillow and LittleCMS make of it; `fixtures/make.py` made the pictures and the references.

#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use sightline_media::{Limits, Metadata, Rgb, decode_bytes};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn decode(name: &str) -> (Metadata, Rgb) {
    let path = fixture(name);
    decode_bytes(&std::fs::read(&path).unwrap(), &path, 1000, &Limits::default()).unwrap()
}

/// A binary PPM of eight bits.
fn reference(name: &str) -> Rgb {
    let bytes = std::fs::read(fixture(name)).unwrap();
    let mut fields = bytes.splitn(5, u8::is_ascii_whitespace);
    assert_eq!(fields.next(), Some(b"P6".as_slice()));
    let mut number = || std::str::from_utf8(fields.next().unwrap()).unwrap().parse::<u32>().unwrap();
    let (width, height, most) = (number(), number(), number());
    assert_eq!(most, 255);
    let pixels = bytes[bytes.len() - (width * height * 3) as usize..].to_vec();
    Rgb { width, height, pixels }
}

/// Mean and largest difference of samples.
fn difference(got: &Rgb, want: &Rgb) -> (f64, u8) {
    assert_eq!((got.width, got.height), (want.width, want.height));
    let apart = || got.pixels.iter().zip(&want.pixels).map(|(a, b)| a.abs_diff(*b));
    (apart().map(f64::from).sum::<f64>() / got.pixels.len() as f64, apart().max().unwrap())
}

fn assert_like(name: &str, want: &str, mean: f64, most: u8) {
    let (_, got) = decode(name);
    let (average, largest) = difference(&got, &reference(want));
    assert!(average <= mean && largest <= most, "{name}: mean {average:.2}, largest {largest}");
}

/// Whether this build decodes HEIC; says so where it does not.
fn has_heif() -> bool {
    let path = fixture("p3.heic");
    let there = decode_bytes(&std::fs::read(&path).unwrap(), &path, 64, &Limits::default());
    match there {
        Err(error) if error.code() == "unsupported" => {
            assert!(error.to_string().contains("libheif"), "the remedy is named: {error}");
            eprintln!("skipped: built without libheif");
            false
        }
        there => {
            there.unwrap();
            true
        }
    }
}

#[test]
fn a_wide_gamut_profile_is_honoured_in_every_format() {
    for kind in ["jpg", "webp", "png", "tiff", "jxl"] {
        assert_like(&format!("p3.{kind}"), &format!("p3.{kind}.ppm"), 1.0, 6);
    }
    // The reference decoder's sums of chroma differ by a step or two.
    for kind in ["heic", "avif"] {
        if has_heif() {
            assert_like(&format!("p3.{kind}"), &format!("p3.{kind}.ppm"), 1.0, 12);
        }
    }
}

#[test]
fn grey_with_a_curve_of_its_own_is_shown_as_that_says() {
    assert_like("grey.jpg", "grey.jpg.ppm", 1.0, 4);
}

#[test]
fn four_inks_become_colours_with_and_without_a_profile() {
    assert_like("inks.jpg", "inks.jpg.ppm", 2.5, 12);
    assert_like("inks.tiff", "inks.tiff.ppm", 2.5, 12);
    assert_like("plain-inks.jpg", "plain-inks.jpg.ppm", 1.0, 4);
    assert_like("ycck.jpg", "ycck.jpg.ppm", 1.0, 4);
}

#[test]
fn sixteen_and_ten_bits_are_reduced_after_conversion() {
    assert_like("deep.png", "deep.png.ppm", 0.6, 1);
    assert_like("deep.tiff", "deep.tiff.ppm", 1.0, 8);
    if has_heif() {
        assert_like("deep.heic", "deep.heic.ppm", 2.0, 10);
    }
}

#[test]
fn transparency_lies_on_white_and_what_moves_shows_its_first_frame() {
    assert_like("clear.jxl", "clear.jxl.ppm", 1.0, 2);
    assert_like("moving.webp", "moving.webp.ppm", 0.5, 1);
    if has_heif() {
        assert_like("clear.heic", "clear.heic.ppm", 1.5, 8);
        assert_like("clear.avif", "clear.avif.ppm", 1.5, 8);
        assert_like("moving.avif", "moving.avif.ppm", 2.5, 12);
    }
}

#[test]
fn each_format_is_upright_in_all_eight_orientations() {
    for orientation in 1..=8 {
        for (kind, mean, most) in
            [("png", 0.0, 0), ("jpg", 1.5, 8), ("jxl", 1.5, 8), ("heic", 2.5, 12), ("avif", 2.5, 12)]
        {
            if matches!(kind, "heic" | "avif") && !has_heif() {
                continue;
            }
            let name = format!("turned-{orientation}.{kind}");
            assert_like(&name, &format!("turned-{orientation}.ppm"), mean, most);
            let (facts, rgb) = decode(&name);
            assert_eq!((facts.width, facts.height), (rgb.width, rgb.height), "{name}");
        }
    }
}

#[test]
fn exif_is_read_from_boxes() {
    let mut names = vec!["photo.jxl", "boxed.jxl"];
    if has_heif() {
        names.push("p3.heic");
    }
    for name in names {
        let (facts, _) = decode(name);
        assert_eq!(facts.exif.taken_at.as_deref(), Some("2024-05-06T07:08:09"), "{name}");
        assert_eq!(facts.exif.camera.as_deref(), Some("Acme One"), "{name}");
    }
    assert_like("photo.jxl", "photo.jxl.ppm", 1.5, 8);
}

#[test]
fn cut_and_changed_files_are_refused_or_shown_and_never_more() {
    let limits = Limits { max_pixels: 1 << 20, max_alloc_bytes: 32 << 20, ..Limits::default() };
    for entry in std::fs::read_dir(fixture("")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|e| e == "ppm" || e == "py") {
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        let mut seed = 7u64;
        let mut random = |below: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 33) as usize % below
        };
        for _ in 0..20 {
            let mut bytes = bytes[..bytes.len() - random(bytes.len() / 2)].to_vec();
            for _ in 0..random(6) {
                let at = random(bytes.len());
                bytes[at] = random(256) as u8;
            }
            if let Ok((_, rgb)) = decode_bytes(&bytes, &path, 1000, &limits) {
                assert_eq!(rgb.pixels.len(), rgb.width as usize * rgb.height as usize * 3, "{}", path.display());
            }
        }
    }
}

#[test]
fn a_picture_over_the_limits_is_refused_in_every_format() {
    let limits = Limits { max_pixels: 1000, ..Limits::default() };
    for name in ["p3.jpg", "p3.png", "p3.tiff", "p3.webp", "p3.jxl", "inks.tiff", "p3.heic", "p3.avif"] {
        if (name.ends_with("heic") || name.ends_with("avif")) && !has_heif() {
            continue;
        }
        let path = fixture(name);
        let refused = decode_bytes(&std::fs::read(&path).unwrap(), &path, 1000, &limits).unwrap_err();
        assert_eq!(refused.code(), "too_large", "{name}");
    }
}

#[test]
fn every_sound_heic_and_avif_of_the_corpus_is_decoded() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/corpus");
    if !corpus.is_dir() || !has_heif() {
        eprintln!("skipped: no corpus at {} or no libheif", corpus.display());
        return;
    }
    // Cut in their boxes; heif-info cannot read them either.
    let damaged = [
        "corrupted.hif",
        "IllegalArgumentException.HeifReader.processBoxes.heif",
        "NegativeArraySizeException.ItemInfoBox.init.heif",
    ];
    let mut decoded = 0;
    for found in ["avif", "heif", "heic-other"].iter().flat_map(|folder| sightline_media::walk(&corpus.join(folder))) {
        let path = found.unwrap().path;
        let name = path.file_name().unwrap().to_str().unwrap();
        let photo = sightline_media::open(&path, 64, &Limits::default());
        if damaged.contains(&name) {
            assert_eq!(photo.unwrap_err().code(), "broken", "{name}");
        } else {
            photo.unwrap();
            decoded += 1;
        }
    }
    assert_eq!(decoded, 26);
}
