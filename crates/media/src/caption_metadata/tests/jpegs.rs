use std::fs;
use std::ops::Range;
use std::path::Path;

use super::{SMALL, XMP_HEADER, leftovers, metadata, picture_with, put, segment};
use crate::caption_metadata::jpeg::segments;
use crate::caption_metadata::replace::{Temporary, remove_leftovers};
use crate::caption_metadata::{CaptionMetadata, embed, packet, read, write_sidecar};

/// All bytes of a JPEG file but those of its XMP segment, and where that is.
fn without_xmp(bytes: &[u8]) -> (Vec<u8>, Option<Range<usize>>) {
    let span = segments(bytes)
        .0
        .into_iter()
        .map(|each| each.span)
        .find(|span| bytes[span.start + 1] == 0xe1 && bytes[span.start + 4..span.end].starts_with(XMP_HEADER));
    match span.clone() {
        Some(span) => ([&bytes[..span.start], &bytes[span.end..]].concat(), Some(span)),
        None => (bytes.to_vec(), None),
    }
}

#[test]
fn embedding_inserts_one_segment_after_jfif_and_no_other_byte() {
    let folder = tempfile::tempdir().unwrap();
    let photo = put(folder.path(), "photo.jpg", SMALL);
    let wanted = metadata("two\nlines", &["a", "b"]);
    embed(&photo, &wanted).unwrap();
    let (rest, span) = without_xmp(&fs::read(&photo).unwrap());
    assert_eq!(rest, SMALL);
    assert_eq!(span.unwrap().start, 20);
    assert_eq!(read(&photo).unwrap(), Some(wanted));
}

#[test]
fn the_segment_goes_after_exif_wherever_that_is() {
    let folder = tempfile::tempdir().unwrap();
    let others = [segment(0xfe, b"comment"), segment(0xe1, b"Exif\0\0II*\0"), segment(0xe2, b"ICC_PROFILE\0")];
    let bytes = picture_with(&others, b"");
    let photo = put(folder.path(), "photo.jpg", &bytes);
    embed(&photo, &metadata("a", &[])).unwrap();
    let (rest, span) = without_xmp(&fs::read(&photo).unwrap());
    assert_eq!(rest, bytes);
    assert_eq!(span.unwrap().start, 20 + others[0].len() + others[1].len());
}

#[test]
fn fill_bytes_comments_and_a_motion_photo_after_the_picture_stay() {
    let folder = tempfile::tempdir().unwrap();
    let film = b"\0\0\0\x18ftypmp42\xff\xd8\xff\xe1\0\x10film \xff\xd9 and more".repeat(50);
    let others = [b"\xff\xff\xff".to_vec(), segment(0xfe, b"http://ns.adobe.com/xap/1.0/\0"), segment(0xed, b"?")];
    let bytes = picture_with(&others, &film);
    let photo = put(folder.path(), "photo.jpg", &bytes);
    for (caption, keywords) in [("first", ["a"].as_slice()), ("second, longer", &[]), ("", &["b"])] {
        embed(&photo, &metadata(caption, keywords)).unwrap();
        let written = fs::read(&photo).unwrap();
        assert_eq!(without_xmp(&written).0, bytes);
        assert!(written.ends_with(&film));
        assert_eq!(read(&photo).unwrap(), Some(metadata(caption, keywords)));
    }
}

#[test]
fn an_existing_packet_is_edited_in_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let packet = include_bytes!("lightroom.xmp");
    let others = [segment(0xe2, b"ICC_PROFILE\0"), segment(0xe1, &[XMP_HEADER, packet].concat())];
    let bytes = picture_with(&others, b"");
    let photo = put(folder.path(), "photo.jpg", &bytes);
    let wanted = metadata("neu", &["k"]);
    embed(&photo, &wanted).unwrap();
    let written = fs::read(&photo).unwrap();
    let (rest, span) = without_xmp(&written);
    assert_eq!(rest, without_xmp(&bytes).0);
    let span = span.unwrap();
    assert_eq!(span.start, 20 + others[0].len());
    assert_eq!(&written[span.start + 4 + XMP_HEADER.len()..span.end], packet::set(packet, &wanted).unwrap());
}

#[test]
fn padding_makes_room_for_a_packet_near_the_limit() {
    let folder = tempfile::tempdir().unwrap();
    let photo = put(folder.path(), "photo.jpg", SMALL);
    let caption = "x".repeat(64_700);
    embed(&photo, &metadata(&caption, &[])).unwrap();
    assert_eq!(read(&photo).unwrap(), Some(metadata(&caption, &[])));
}

#[test]
fn nothing_is_written_where_nothing_changes() {
    let folder = tempfile::tempdir().unwrap();
    let photo = put(folder.path(), "photo.jpg", SMALL);
    embed(&photo, &CaptionMetadata::default()).unwrap();
    assert_eq!(fs::read(&photo).unwrap(), SMALL);
    embed(&photo, &metadata("a", &[])).unwrap();
    let (changed, written) = (fs::metadata(&photo).unwrap(), fs::read(&photo).unwrap());
    embed(&photo, &metadata("a", &[])).unwrap();
    assert_eq!(fs::read(&photo).unwrap(), written);
    #[cfg(unix)]
    assert_eq!(
        std::os::unix::fs::MetadataExt::ino(&fs::metadata(&photo).unwrap()),
        std::os::unix::fs::MetadataExt::ino(&changed)
    );
}

#[test]
fn captions_can_be_taken_out_again() {
    let folder = tempfile::tempdir().unwrap();
    let photo = put(folder.path(), "photo.jpg", SMALL);
    embed(&photo, &metadata("a", &["b"])).unwrap();
    embed(&photo, &CaptionMetadata::default()).unwrap();
    assert_eq!(read(&photo).unwrap(), None);
    assert_eq!(without_xmp(&fs::read(&photo).unwrap()).0, SMALL);
    assert_eq!(leftovers(folder.path()), [""; 0]);
}

#[cfg(unix)]
#[test]
fn permissions_and_times_stay() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let folder = tempfile::tempdir().unwrap();
    let photo = put(folder.path(), "photo.jpg", SMALL);
    fs::set_permissions(&photo, fs::Permissions::from_mode(0o640)).unwrap();
    let day = std::time::UNIX_EPOCH + std::time::Duration::new(1_000_000_000, 123_456_789);
    let times = fs::FileTimes::new().set_modified(day).set_accessed(day + std::time::Duration::from_secs(7));
    fs::File::open(&photo).unwrap().set_times(times).unwrap();
    embed(&photo, &metadata("a", &[])).unwrap();
    let after = fs::metadata(&photo).unwrap();
    assert_eq!(after.modified().unwrap(), day);
    assert_eq!(after.accessed().unwrap(), day + std::time::Duration::from_secs(7));
    assert_eq!(after.mode() & 0o7777, 0o640);
}

#[cfg(unix)]
#[test]
fn a_link_within_its_folder_stays_and_its_target_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let target = put(folder.path(), "target.jpg", SMALL);
    let link = folder.path().join("link.jpg");
    std::os::unix::fs::symlink("target.jpg", &link).unwrap();
    embed(&link, &metadata("a", &[])).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(read(&target).unwrap(), Some(metadata("a", &[])));
    assert_eq!(leftovers(folder.path()), [""; 0]);
}

#[cfg(unix)]
#[test]
fn nothing_is_written_through_a_link_that_leads_out_of_the_folder() {
    let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let photo = put(folder.path(), "photo.jpg", SMALL);
    let target = put(elsewhere.path(), "target.jpg", SMALL);
    let sidecar = write_sidecar(&target, &metadata("mine", &[])).unwrap();
    let link = |to: &Path, name: &str| {
        let link = folder.path().join(name);
        std::os::unix::fs::symlink(to, &link).unwrap();
        link
    };
    let to_photo = link(&target, "link.jpg");
    assert_eq!(embed(&to_photo, &metadata("a", &[])).unwrap_err().code(), "link");
    assert_eq!(fs::read(&target).unwrap(), SMALL);
    // Nor through a sidecar that is one.
    link(&sidecar, "photo.jpg.xmp");
    let before = fs::read(&sidecar).unwrap();
    assert_eq!(write_sidecar(&photo, &metadata("a", &[])).unwrap_err().code(), "link");
    assert_eq!(fs::read(&sidecar).unwrap(), before);
    assert_eq!(read(&photo).unwrap(), Some(metadata("mine", &[])), "it is still read");
    assert_eq!((leftovers(folder.path()), leftovers(elsewhere.path())), (vec![], vec![]));
}

#[test]
fn leftovers_of_a_killed_run_are_removed_and_files_of_others_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let photo = put(folder.path(), "photo.jpg", SMALL);
    put(folder.path(), ".sightline-caption-4242424-7.tmp", b"half a photo");
    let busy = put(folder.path(), ".sightline-caption-4242425-0.tmp", b"another process is at it");
    let busy = fs::File::open(busy).unwrap();
    busy.lock().unwrap();
    let others = [".sightline-caption-.tmp", ".sightline-caption-1-x.tmp", "sightline-caption-1-1.tmp", "a.tmp"];
    for name in others {
        put(folder.path(), name, b"not ours");
    }
    embed(&photo, &metadata("a", &[])).unwrap();
    assert_eq!(leftovers(folder.path()), [".sightline-caption-4242425-0.tmp"]);
    assert!(others.iter().all(|name| folder.path().join(name).exists()));
}

#[test]
fn a_temporary_file_in_use_is_not_taken_for_a_leftover() {
    let folder = tempfile::tempdir().unwrap();
    let temporary = Temporary::new(folder.path(), true).unwrap();
    remove_leftovers(folder.path());
    assert!(temporary.path.exists());
    drop(temporary);
    assert_eq!(leftovers(folder.path()), [""; 0]);
}
