use std::fs;

use super::{leftovers, metadata, put};
use crate::caption_metadata::{CaptionMetadata, MetadataError, embed, read, write_sidecar};

const LIGHTROOM: &[u8] = include_bytes!("lightroom.xmp");

#[test]
fn a_new_sidecar_is_named_after_the_whole_file_name_and_reads_back() {
    let folder = tempfile::tempdir().unwrap();
    let photo = put(folder.path(), "photo.jpg", b"x");
    let wanted = metadata("a <b> & \"c\"\r\nd", &["x", "y"]);
    let sidecar = write_sidecar(&photo, &wanted).unwrap();
    assert_eq!(sidecar, folder.path().join("photo.jpg.xmp"));
    assert_eq!(read(&photo).unwrap(), Some(wanted));
    assert_eq!(fs::read(&photo).unwrap(), b"x");
    assert_eq!(leftovers(folder.path()), [""; 0]);
}

#[test]
fn an_existing_lightroom_sidecar_is_used_and_keeps_its_contents() {
    let folder = tempfile::tempdir().unwrap();
    let photo = put(folder.path(), "photo.jpg", b"x");
    let sidecar = put(folder.path(), "photo.xmp", LIGHTROOM);
    assert_eq!(write_sidecar(&photo, &metadata("new", &["k"])).unwrap(), sidecar);
    assert!(!folder.path().join("photo.jpg.xmp").exists());
    let written = fs::read_to_string(&sidecar).unwrap();
    assert!(written.contains("crs:Exposure2012=\"+0.35\"") && written.contains("nature|lake"));
    assert_eq!(read(&photo).unwrap(), Some(metadata("new", &["k"])));
}

#[test]
fn the_sidecar_of_the_raw_file_beside_it_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let photo = put(folder.path(), "photo.jpg", b"x");
    let raw = put(folder.path(), "photo.CR2", b"x");
    let text = String::from_utf8(LIGHTROOM.to_vec()).unwrap().replace(
        "xmp:Rating=\"4\"",
        "xmlns:photoshop=\"http://ns.adobe.com/photoshop/1.0/\" photoshop:SidecarForExtension=\"cr2\"",
    );
    let sidecar = put(folder.path(), "photo.xmp", text.as_bytes());
    assert_eq!(write_sidecar(&photo, &metadata("new", &[])).unwrap(), folder.path().join("photo.jpg.xmp"));
    assert_eq!(fs::read(&sidecar).unwrap(), text.as_bytes());
    assert_eq!(read(&raw).unwrap().unwrap().caption.as_deref(), Some("A lake & a hill"));
}

#[test]
fn the_sidecar_counts_before_the_embedded_caption() {
    let folder = tempfile::tempdir().unwrap();
    let photo = put(folder.path(), "photo.jpg", super::SMALL);
    embed(&photo, &metadata("embedded", &["inside"])).unwrap();
    assert_eq!(read(&photo).unwrap(), Some(metadata("embedded", &["inside"])));
    write_sidecar(&photo, &metadata("beside", &[])).unwrap();
    assert_eq!(read(&photo).unwrap(), Some(metadata("beside", &["inside"])));
}

#[test]
fn a_malformed_sidecar_is_reported_and_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let photo = put(folder.path(), "photo.jpg", super::SMALL);
    for contents in [&LIGHTROOM[..900], b"", b"<x", b"\xff\xfe<\0x\0"] {
        let sidecar = put(folder.path(), "photo.jpg.xmp", contents);
        let fault = write_sidecar(&photo, &metadata("new", &[])).unwrap_err();
        assert!(matches!(&fault, MetadataError::MalformedSidecar { path, .. } if *path == sidecar), "{fault}");
        assert!(matches!(read(&photo), Err(MetadataError::MalformedSidecar { .. })));
        assert_eq!(fs::read(&sidecar).unwrap(), contents);
    }
}

#[test]
fn nothing_is_created_where_there_is_nothing_to_say() {
    let folder = tempfile::tempdir().unwrap();
    let photo = put(folder.path(), "photo.png", b"x");
    let sidecar = write_sidecar(&photo, &CaptionMetadata::default()).unwrap();
    assert!(!sidecar.exists());
    assert_eq!(read(&photo).unwrap(), None);
}

#[test]
fn a_missing_photo_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let photo = folder.path().join("none.jpg");
    assert!(matches!(read(&photo), Err(MetadataError::Missing { .. })));
    assert!(matches!(embed(&photo, &metadata("a", &[])), Err(MetadataError::Missing { .. })));
    assert!(matches!(write_sidecar(&photo, &metadata("a", &[])), Err(MetadataError::Missing { .. })));
}

#[test]
fn unchanged_sidecars_are_not_written_again() {
    let folder = tempfile::tempdir().unwrap();
    let photo = put(folder.path(), "photo.jpg", b"x");
    let sidecar = write_sidecar(&photo, &metadata("a", &["b"])).unwrap();
    let before = fs::metadata(&sidecar).unwrap().modified().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(20));
    write_sidecar(&photo, &metadata("a", &["b"])).unwrap();
    assert_eq!(fs::metadata(&sidecar).unwrap().modified().unwrap(), before);
}

#[test]
fn many_threads_in_one_folder_do_not_remove_each_others_files() {
    let folder = tempfile::tempdir().unwrap();
    let photos: Vec<_> = (0..4).map(|number| put(folder.path(), &format!("{number}.jpg"), super::SMALL)).collect();
    std::thread::scope(|scope| {
        for photo in &photos {
            scope.spawn(move || {
                for round in 0..20 {
                    embed(photo, &metadata(&format!("round {round}"), &[])).unwrap();
                }
            });
        }
    });
    assert!(photos.iter().all(|photo| read(photo).unwrap() == Some(metadata("round 19", &[]))));
    assert_eq!(leftovers(folder.path()), [""; 0]);
}
