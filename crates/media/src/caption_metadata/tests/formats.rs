use std::fs;
use std::path::{Path, PathBuf};

use super::corpus::corpus;
use super::{XMP_HEADER, metadata, output, picture_with, put, segment};
use crate::caption_metadata::packet::new_embedded;
use crate::caption_metadata::{Sources, embed, read, sources};

#[test]
fn embedded_xmp_is_read_from_png_webp_and_tiff() {
    let folder = tempfile::tempdir().unwrap();
    let wanted = metadata("in a <box> 中文", &["k", "l"]);
    let packet = new_embedded(&wanted).into_bytes();
    let length = |extra: usize| u32::try_from(packet.len() + extra).unwrap();

    let text = [b"XML:com.adobe.xmp\0\0\0\0\0".as_slice(), &packet].concat();
    let chunk = [&length(22).to_be_bytes(), b"iTXt".as_slice(), &text, b"sum."].concat();
    let png = [b"\x89PNG\r\n\x1a\n\0\0\0\x02IDATxxsum.".as_slice(), &chunk, b"\0\0\0\0IENDsum."].concat();

    let chunk = [b"XMP ".as_slice(), &length(0).to_le_bytes(), &packet].concat();
    let webp = [b"RIFF\0\0\0\0WEBPVP8 \x03\0\0\0abc\0".as_slice(), &chunk].concat();

    let little = [b"II*\0\x08\0\0\0\x01\0\xbc\x02\x01\0".as_slice(), &length(0).to_le_bytes(), b"\x16\0\0\0", &packet];
    let big = [b"MM\0*\0\0\0\x08\0\x01\x02\xbc\0\x07".as_slice(), &length(0).to_be_bytes(), b"\0\0\0\x16", &packet];

    for (name, bytes) in [("a.png", png), ("a.webp", webp), ("a.tif", little.concat()), ("b.tif", big.concat())] {
        let photo = put(folder.path(), name, &bytes);
        assert_eq!(read(&photo).unwrap(), Some(wanted.clone()), "{name}");
        assert!(embed(&photo, &wanted).unwrap_err().suggests_sidecar(), "{name}");
        // A cut-off file is the decoder's to report.
        put(folder.path(), name, &bytes[..bytes.len() / 2]);
        assert_eq!(read(&photo).unwrap(), None, "{name}");
    }
}

#[test]
fn what_exiftool_writes_into_real_png_webp_and_tiff_files_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let mut copies: Vec<PathBuf> = Vec::new();
    for (name, extension) in [("png-suite", "png"), ("webp", "webp"), ("tiff", "tif"), ("exif", "tiff")] {
        let Ok(entries) = fs::read_dir(corpus().join(name)) else { continue };
        let photos = entries.flatten().filter(|entry| entry.path().extension().is_some_and(|own| own == extension));
        for (number, photo) in photos.enumerate() {
            copies.push(put(folder.path(), &format!("{number}.{extension}"), &fs::read(photo.path()).unwrap()));
        }
    }
    if copies.is_empty() {
        eprintln!("SKIPPED: no photos in {}; put them there to test on real files", corpus().display());
        return;
    }
    let arguments = ["-v0", "-overwrite_original", "-XMP-dc:Description=<&> 中文", "-XMP-dc:Subject=k"];
    if output("exiftool", &arguments, &copies).is_none() {
        return;
    }
    // The damaged ones among them get nothing from exiftool itself.
    let printed = output("exiftool", &["-j", "-XMP-dc:Description"], &copies).unwrap();
    let printed: Vec<serde_json::Value> = serde_json::from_slice(&printed).unwrap();
    assert_eq!(printed.len(), copies.len());
    let holding = printed.iter().zip(&copies).filter(|(record, _)| record.get("Description").is_some());
    let holding: Vec<&PathBuf> = holding.map(|(_, copy)| copy).collect();
    for copy in &holding {
        assert_eq!(read(copy).unwrap(), Some(metadata("<&> 中文", &["k"])), "{}", copy.display());
    }
    for extension in ["png", "webp", "tif"] {
        assert!(holding.iter().any(|copy| copy.extension().is_some_and(|own| own == extension)), "{extension}");
    }
    eprintln!("exiftool's captions are read in {} of {} photos", holding.len(), copies.len());
}

#[test]
fn what_exiftool_writes_into_boxes_and_raw_files_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let fixture = |name: &str| put(folder.path(), name, &fs::read(fixtures.join(name)).unwrap());
    let mut copies = ["deep.heic", "p3.heic", "turned-4.heic", "p3.avif", "moving.avif", "boxed.jxl", "p3.jxl"]
        .map(fixture)
        .to_vec();
    let raw = corpus().join("raw/Issue 247-1.nef");
    copies.extend(fs::read(raw).ok().map(|bytes| put(folder.path(), "raw.nef", &bytes)));
    let arguments =
        ["-v0", "-overwrite_original", "-XMP-dc:Description=<&> 中文", "-XMP-dc:Subject=k", "-XMP-xmp:Rating=4"];
    if output("exiftool", &arguments, &copies).is_none() {
        return;
    }
    let printed = output("exiftool", &["-j", "-XMP-dc:Description"], &copies).unwrap();
    let printed: Vec<serde_json::Value> = serde_json::from_slice(&printed).unwrap();
    let holding = printed.iter().zip(&copies).filter(|(record, _)| record.get("Description").is_some());
    let holding: Vec<&PathBuf> = holding.map(|(_, copy)| copy).collect();
    for copy in &holding {
        let told = read_sources(copy).embedded;
        assert_eq!((told.words, told.rating), (metadata("<&> 中文", &["k"]), Some(4)), "{}", copy.display());
        // Cut anywhere, it is read or not, and nothing breaks.
        let bytes = fs::read(copy).unwrap();
        for length in (0..bytes.len()).step_by(bytes.len() / 50 + 1) {
            read_sources(&put(folder.path(), "cut", &bytes[..length]));
        }
    }
    for extension in ["heic", "avif", "jxl"] {
        assert!(holding.iter().any(|copy| copy.extension().is_some_and(|own| own == extension)), "{extension}");
    }
    eprintln!("read in {holding:?}");
}

fn read_sources(photo: &Path) -> Sources {
    sources(&mut fs::File::open(photo).unwrap(), photo, &[]).unwrap()
}

#[test]
fn a_packed_box_and_canons_box_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let wanted = metadata("in a box", &["k"]);
    let packet = new_embedded(&wanted).into_bytes();
    let boxed = |kind: &[u8], contents: &[u8]| {
        [&u32::try_from(contents.len() + 8).unwrap().to_be_bytes(), kind, contents].concat()
    };
    let uuid = b"\xbe\x7a\xcf\xcb\x97\xa9\x42\xe8\x9c\x71\x99\x94\x91\xe3\xaf\xac";
    let head = boxed(b"ftyp", b"crx \0\0\0\x01");
    let canon = [head.clone(), boxed(b"moov", b"abc"), boxed(b"uuid", &[uuid.as_slice(), &packet].concat())].concat();
    assert_eq!(read(&put(folder.path(), "a.cr3", &canon)).unwrap(), Some(wanted.clone()));
    // A Brotli stream (RFC 7932, 9.2): one stored block of so many bytes, and the last, which is empty.
    let stored = ((packet.len() as u32 - 1) << 4 | 1 << 20).to_le_bytes();
    let brob = boxed(b"brob", &[b"xml ", &stored[..3], &packet, &[3]].concat());
    let jxl = [boxed(b"JXL ", b"\r\n\x87\n"), brob].concat();
    assert_eq!(read(&put(folder.path(), "packed.jxl", &jxl)).unwrap(), Some(wanted.clone()));
    // 64-bit sizes, and one that wraps around.
    let mut large = [0, 0, 0, 1].to_vec();
    large.extend(b"xml ");
    large.extend((packet.len() as u64 + 16).to_be_bytes());
    let jxl = [boxed(b"JXL ", b"\r\n\x87\n"), large.clone(), packet.clone()].concat();
    assert_eq!(read(&put(folder.path(), "a.jxl", &jxl)).unwrap(), Some(wanted.clone()));
    large[8..].fill(0xff);
    let wrapped = [boxed(b"JXL ", b"\r\n\x87\n"), large, packet.clone()].concat();
    assert_eq!(read(&put(folder.path(), "b.jxl", &wrapped)).unwrap(), None);

    let jpeg = picture_with(&[segment(0xe1, &[XMP_HEADER, &packet].concat())], &[]);
    let mut raf = [b"FUJIFILMCCD-RAW ".as_slice(), &[0; 68], &[0, 0, 0, 92]].concat();
    raf.extend(u32::try_from(jpeg.len()).unwrap().to_be_bytes());
    raf.extend(jpeg);
    assert_eq!(read(&put(folder.path(), "a.raf", &raf)).unwrap(), Some(wanted));
}
