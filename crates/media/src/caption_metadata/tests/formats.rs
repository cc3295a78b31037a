use std::fs;
use std::path::PathBuf;

use super::corpus::corpus;
use super::{metadata, output, put};
use crate::caption_metadata::packet::new_embedded;
use crate::caption_metadata::{embed, read};

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
