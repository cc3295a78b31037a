//! Raw files of each layout, put together here byte by byte: the preview, its turn, and what the file tells.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use sightline_media::{Limits, Metadata, Rgb, decode_bytes};

/// A preview of 60x40 pixels, red in its left half and blue in its right.
fn preview() -> Vec<u8> {
    let image = image::RgbImage::from_fn(60, 40, |x, _| image::Rgb(if x < 30 { [230, 20, 20] } else { [20, 20, 230] }));
    let mut bytes = std::io::Cursor::new(Vec::new());
    image.write_to(&mut bytes, image::ImageFormat::Jpeg).unwrap();
    bytes.into_inner()
}

type Entry = (u16, u16, u32, Vec<u8>);

fn text(tag: u16, value: &str) -> Entry {
    let bytes = [value.as_bytes(), b"\0"].concat();
    (tag, 2, bytes.len() as u32, bytes)
}

fn short(tag: u16, value: u16) -> Entry {
    (tag, 3, 1, value.to_le_bytes().to_vec())
}

fn long(tag: u16, value: u32) -> Entry {
    (tag, 4, 1, value.to_le_bytes().to_vec())
}

/// A little-endian directory that lies at `at`, and its values after it.
fn directory(at: usize, mut entries: Vec<Entry>) -> Vec<u8> {
    entries.sort_by_key(|entry| entry.0);
    let mut table = (entries.len() as u16).to_le_bytes().to_vec();
    let mut values = Vec::new();
    let start = at + 2 + entries.len() * 12 + 4;
    for (tag, kind, count, value) in entries {
        table.extend(tag.to_le_bytes());
        table.extend(kind.to_le_bytes());
        table.extend(count.to_le_bytes());
        if value.len() <= 4 {
            table.extend(&value);
            table.resize(table.len() + 4 - value.len(), 0);
        } else {
            table.extend(((start + values.len()) as u32).to_le_bytes());
            values.extend(value);
        }
    }
    table.extend([0; 4]);
    table.extend(values);
    table
}

/// Maker, model, a quarter turn and the date, in TIFF's layout under `magic`, with `more` in the first directory.
fn tiff(magic: &[u8; 4], more: Vec<Entry>) -> Vec<u8> {
    let first = |exif: u32| {
        let own = vec![text(0x010f, "Acme"), text(0x0110, "Acme One"), short(0x0112, 6), long(0x8769, exif)];
        directory(8, own.into_iter().chain(more.clone()).collect())
    };
    let exif = 8 + first(0).len();
    let mut bytes = [magic.as_slice(), &8u32.to_le_bytes(), &first(exif as u32)].concat();
    bytes.extend(directory(exif, vec![text(0x9003, "2024:05:06 07:08:09")]));
    bytes
}

fn boxed(kind: &[u8; 4], contents: &[u8]) -> Vec<u8> {
    [&(contents.len() as u32 + 8).to_be_bytes(), kind.as_slice(), contents].concat()
}

fn decode(name: &str, bytes: &[u8]) -> (Metadata, Rgb) {
    decode_bytes(bytes, Path::new(name), 1000, &Limits::default()).unwrap()
}

/// Turned a quarter clockwise, the left half of the preview lies on top.
fn assert_photo(name: &str, bytes: &[u8], size: (u32, u32)) {
    let (facts, rgb) = decode(name, bytes);
    assert_eq!(facts.format.name(), "raw", "{name}");
    assert_eq!((facts.width, facts.height), size, "{name}");
    assert_eq!((rgb.width, rgb.height, facts.orientation), (40, 60, 6), "{name}");
    let (top, bottom) = (&rgb.pixels[..3], &rgb.pixels[rgb.pixels.len() - 3..]);
    assert!(top[0] > 200 && bottom[2] > 200, "{name}: {top:?} {bottom:?}");
    assert_eq!(facts.exif.taken_at.as_deref(), Some("2024-05-06T07:08:09"), "{name}");
    assert_eq!(facts.exif.camera.as_deref(), Some("Acme One"), "{name}");
}

#[test]
fn the_family_of_tiff_gives_its_preview_upright_and_its_own_size() {
    let size = || vec![long(0x0100, 6000), long(0x0101, 4000)];
    for name in ["a.nef", "a.ARW", "a.cr2", "a.pef", "a.srw", "a.nrw", "a.sr2"] {
        assert_photo(name, &[tiff(b"II*\0", size()), preview()].concat(), (4000, 6000));
    }
    assert_photo("a.orf", &[tiff(b"IIRO", size()), preview()].concat(), (4000, 6000));
    let borders = vec![short(4, 10), short(5, 20), short(6, 4010), short(7, 6020)];
    assert_photo("a.rw2", &[tiff(b"IIU\0", borders), preview()].concat(), (4000, 6000));
}

#[test]
fn a_dng_is_known_under_any_name_and_tells_its_crop() {
    let crop = [5980u32, 1, 3990, 1].iter().flat_map(|v| v.to_le_bytes()).collect();
    let more = vec![(0xc612, 1, 4, vec![1, 4, 0, 0]), long(0x0100, 256), long(0x0101, 171), (0xc620, 5, 2, crop)];
    assert_photo("a.tif", &[tiff(b"II*\0", more), preview()].concat(), (3990, 5980));
}

#[test]
fn boxes_and_headers_of_canon_and_fuji_are_read() {
    let first = tiff(b"II*\0", vec![long(0x0100, 6000), long(0x0101, 4000)]);
    let exif = [b"II*\0".as_slice(), &8u32.to_le_bytes(), &directory(8, vec![text(0x9003, "2024:05:06 07:08:09")])];
    let canon = b"\x85\xc0\xb6\x87\x82\x0f\x11\xe0\x81\x11\xf4\xce\x46\x2b\x6a\x48";
    let inner = [canon.as_slice(), &boxed(b"CMT1", &first), &boxed(b"CMT2", &exif.concat())].concat();
    let movie = boxed(b"moov", &boxed(b"uuid", &inner));
    let cr3 = [boxed(b"ftyp", b"crx \0\0\0\x01crx isom"), movie, boxed(b"mdat", &preview())].concat();
    assert_photo("a.cr3", &cr3, (4000, 6000));

    let jpeg = preview();
    let block = [b"Exif\0\0".as_slice(), &tiff(b"II*\0", Vec::new())].concat();
    let segment = [&[0xff, 0xe1][..], &(block.len() as u16 + 2).to_be_bytes(), &block].concat();
    let jpeg = [&jpeg[..2], &segment, &jpeg[2..]].concat();
    let mut raf = b"FUJIFILMCCD-RAW 0201".to_vec();
    raf.resize(84, 0);
    for v in [108, jpeg.len() as u32, 108 + jpeg.len() as u32, 12] {
        raf.extend(v.to_be_bytes());
    }
    raf.resize(108, 0);
    raf.extend(jpeg);
    raf.extend([0, 0, 0, 1, 0x01, 0x11, 0, 4]);
    raf.extend([4000u16.to_be_bytes(), 6000u16.to_be_bytes()].concat());
    assert_photo("a.raf", &raf, (4000, 6000));
}

#[test]
fn a_size_that_cannot_be_is_not_believed_and_no_preview_is_told() {
    let more = vec![long(0x0100, u32::MAX), long(0x0101, u32::MAX)];
    assert_photo("a.nef", &[tiff(b"II*\0", more), preview()].concat(), (40, 60));
    let bare = tiff(b"II*\0", Vec::new());
    let refused = decode_bytes(&bare, Path::new("a.nef"), 64, &Limits::default()).unwrap_err();
    assert_eq!(refused.code(), "unsupported");
    assert!(refused.to_string().contains("preview"), "{refused}");
    // A directory that leads back to itself, and one that claims more than there is.
    for next in [8u32, 4, 0xffff_ff00] {
        let looped = [b"II*\0".as_slice(), &8u32.to_le_bytes(), &[0, 0], &next.to_le_bytes()].concat();
        assert!(decode_bytes(&looped, Path::new("a.dng"), 64, &Limits::default()).is_err());
    }
}
