//! Photos and places that are refused, each left exactly as it was.

use std::fs;
use std::path::Path;

use super::{SMALL, XMP_HEADER, leftovers, metadata, picture_with, put, segment};
use crate::caption_metadata::replace::{Original, Times, create, replace};
use crate::caption_metadata::{JpegFault, MetadataError, embed, read, write_sidecar};

/// Tries to embed into a file of these bytes, which must be refused and untouched, and returns the refusal.
fn refusal(bytes: &[u8]) -> MetadataError {
    let folder = tempfile::tempdir().unwrap();
    let photo = put(folder.path(), "photo.jpg", bytes);
    let fault = embed(&photo, &metadata("a", &["b"])).unwrap_err();
    assert_eq!(fs::read(&photo).unwrap(), bytes);
    assert_eq!(leftovers(folder.path()), [""; 0]);
    assert_eq!(fault.suggests_sidecar(), fault.to_string().contains("write a sidecar instead"), "{fault}");
    // The remedy works.
    if fault.suggests_sidecar() {
        write_sidecar(&photo, &metadata("a", &["b"])).unwrap();
        assert_eq!(read(&photo).unwrap(), Some(metadata("a", &["b"])));
    }
    fault
}

#[test]
fn other_formats_are_refused_and_a_sidecar_is_suggested() {
    for bytes in [b"\x89PNG\r\n\x1a\n".as_slice(), b"RIFF\0\0\0\0WEBP", b"II*\0", b"GIF89a", b"", b"\xff\xd8"] {
        let fault = refusal(bytes);
        assert!(matches!(fault, MetadataError::NotAJpeg { .. }) && fault.suggests_sidecar());
    }
}

#[test]
fn multi_picture_files_are_refused_because_their_offsets_would_shift() {
    let indexed = picture_with(&[segment(0xe2, b"MPF\0MM\0*\0\0\0\x08")], b"");
    let unindexed = picture_with(&[], &[b"\0\0\0", SMALL].concat());
    let with_header = picture_with(&[], &[b"header of the preview".as_slice(), SMALL].concat());
    for bytes in [indexed, unindexed, with_header] {
        assert!(matches!(refusal(&bytes), MetadataError::MultiPicture { .. }));
    }
}

#[test]
fn extended_xmp_and_several_packets_are_refused() {
    let packet = segment(0xe1, &[XMP_HEADER, include_bytes!("lightroom.xmp")].concat());
    let extension = segment(0xe1, b"http://ns.adobe.com/xmp/extension/\0rest");
    assert!(matches!(refusal(&picture_with(&[packet.clone(), extension], b"")), MetadataError::ExtendedXmp { .. }));
    let twice = picture_with(&[packet.clone(), packet], b"");
    assert!(matches!(refusal(&twice), MetadataError::SeveralPackets { packets: 2, .. }));
}

#[test]
fn a_packet_that_does_not_fit_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let photo = put(folder.path(), "photo.jpg", SMALL);
    let fault = embed(&photo, &metadata(&"x".repeat(65_400), &[])).unwrap_err();
    assert!(matches!(fault, MetadataError::PacketTooLarge { limit: 65_502, .. }), "{fault}");
    assert_eq!(fs::read(&photo).unwrap(), SMALL);
}

#[test]
fn malformed_embedded_xmp_is_reported_and_never_overwritten() {
    for packet in [b"<x:xmpmeta".as_slice(), b"", b"<a></b>"] {
        let bytes = picture_with(&[segment(0xe1, &[XMP_HEADER, packet].concat())], b"");
        assert!(matches!(refusal(&bytes), MetadataError::MalformedXmp { .. }));
        let folder = tempfile::tempdir().unwrap();
        let photo = put(folder.path(), "photo.jpg", &bytes);
        assert!(matches!(read(&photo), Err(MetadataError::MalformedXmp { .. })));
        // Beside a sidecar it does not count.
        write_sidecar(&photo, &metadata("only a caption", &[])).unwrap();
        assert_eq!(read(&photo).unwrap(), Some(metadata("only a caption", &[])));
    }
}

#[test]
fn damaged_jpegs_are_refused_with_the_reason() {
    let fault = |bytes: &[u8]| match refusal(bytes) {
        MetadataError::MalformedJpeg { source, .. } => source,
        other => panic!("{other}"),
    };
    assert_eq!(fault(&SMALL[..100]), JpegFault::Truncated);
    assert_eq!(fault(b"\xff\xd8\xff\xd9"), JpegFault::Truncated);
    assert_eq!(fault(&picture_with(&[b"??".to_vec()], b"")), JpegFault::NoMarker { offset: 20 });
    assert_eq!(fault(&picture_with(&[b"\xff\0".to_vec()], b"")), JpegFault::NoMarker { offset: 20 });
}

#[test]
fn a_read_only_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let photo = put(folder.path(), "photo.jpg", SMALL);
    let sidecar = write_sidecar(&photo, &metadata("a", &[])).unwrap();
    for path in [&photo, &sidecar] {
        let mut permissions = fs::metadata(path).unwrap().permissions();
        permissions.set_readonly(true);
        fs::set_permissions(path, permissions).unwrap();
    }
    let fault = embed(&photo, &metadata("b", &[])).unwrap_err();
    assert!(matches!(&fault, MetadataError::ReadOnlyFile { path } if path.ends_with("photo.jpg")), "{fault}");
    let fault = write_sidecar(&photo, &metadata("b", &[])).unwrap_err();
    assert!(matches!(&fault, MetadataError::ReadOnlyFile { path } if path.ends_with("photo.jpg.xmp")), "{fault}");
    assert_eq!(fs::read(&photo).unwrap(), SMALL);
}

#[cfg(unix)]
#[test]
fn a_read_only_folder_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let photo = put(folder.path(), "photo.jpg", SMALL);
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555)).unwrap();
    let embedded = embed(&photo, &metadata("b", &[]));
    let beside = write_sidecar(&photo, &metadata("b", &[]));
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    assert!(matches!(embedded, Err(MetadataError::ReadOnlyFolder { .. })));
    assert!(matches!(beside, Err(MetadataError::ReadOnlyFolder { .. })));
    assert_eq!(fs::read(&photo).unwrap(), SMALL);
}

#[test]
fn what_another_program_has_just_written_is_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let photo = put(folder.path(), "photo.jpg", SMALL);
    let rewritten = |path: &Path| fs::write(path, [SMALL, b"longer"].concat()).unwrap();
    // As long and as old as before, but another file.
    let exchanged = |path: &Path| {
        let times = fs::metadata(path).unwrap().modified().unwrap();
        let other = put(folder.path(), "other.jpg", &fs::read(path).unwrap());
        fs::File::options().write(true).open(&other).unwrap().set_modified(times).unwrap();
        fs::rename(&other, path).unwrap();
    };
    let meddlers: [&dyn Fn(&Path); 2] = [&rewritten, &exchanged];
    for meddle in meddlers.into_iter().take(if cfg!(unix) { 2 } else { 1 }) {
        let original = Original::read(&photo).unwrap();
        meddle(&photo);
        let present = fs::read(&photo).unwrap();
        let fault = replace(&original, b"ours", Times::Kept).unwrap_err();
        assert!(matches!(fault, MetadataError::Changed { .. }), "{fault}");
        assert_eq!(fs::read(&photo).unwrap(), present);
    }
    assert!(matches!(create(&photo, b"ours"), Err(MetadataError::Changed { .. })));
    assert_eq!(leftovers(folder.path()), [""; 0]);
}

#[test]
fn a_folder_is_no_photo() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(read(folder.path()), Err(MetadataError::Io { .. })));
    assert!(matches!(embed(folder.path(), &metadata("a", &[])), Err(MetadataError::Io { .. })));
}

#[test]
fn damaged_files_of_any_kind_cause_no_panic() {
    let mut numbers = super::Numbers(7);
    let packet = segment(0xe1, &[XMP_HEADER, include_bytes!("lightroom.xmp")].concat());
    let whole = picture_with(&[packet, super::iptc::photoshop_segment(&[(120, b"caption"), (25, b"k")])], b"film");
    let path = Path::new("photo.jpg");
    for _ in 0..5000 {
        let mut bytes = whole.clone();
        for _ in 0..=numbers.below(6) {
            let at = numbers.below(bytes.len());
            bytes[at] = [0, 0xff, 0x1c, 0x80, 1][numbers.below(5)];
        }
        bytes.truncate(bytes.len() - numbers.below(2) * numbers.below(bytes.len() - 1));
        drop(crate::caption_metadata::jpeg::edit(path, &bytes, &metadata("new", &["k"])));
        drop(crate::caption_metadata::iptc::read(&bytes[numbers.below(bytes.len())..]));
    }
}
