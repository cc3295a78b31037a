use std::fs;

use super::{SMALL, metadata, put};
use crate::caption_metadata::{MetadataError, WriteTo, read, write};

const LIGHTROOM: &[u8] = include_bytes!("lightroom.xmp");

#[test]
fn a_write_taken_back_leaves_every_byte_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let photo = put(folder.path(), "a.jpg", SMALL);
    let sidecar = put(folder.path(), "a.xmp", LIGHTROOM);
    let changed = fs::metadata(&photo).unwrap().modified().unwrap();
    for (to, path, before) in [(WriteTo::Sidecar, &sidecar, LIGHTROOM), (WriteTo::File, &photo, SMALL)] {
        let written = write(&photo, &metadata("new", &["k"]), to).unwrap();
        assert_eq!(written.path(), path);
        assert_ne!(fs::read(path).unwrap(), before);
        written.undo().unwrap();
        assert_eq!(fs::read(path).unwrap(), before);
    }
    assert_eq!(fs::metadata(&photo).unwrap().modified().unwrap(), changed);
}

#[test]
fn a_sidecar_that_was_made_is_gone_again() {
    let folder = tempfile::tempdir().unwrap();
    let photo = put(folder.path(), "a.jpg", SMALL);
    let written = write(&photo, &metadata("new", &[]), WriteTo::Sidecar).unwrap();
    assert_eq!(read(&photo).unwrap(), Some(metadata("new", &[])));
    written.undo().unwrap();
    assert_eq!(read(&photo).unwrap(), None);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn what_another_program_wrote_since_is_not_undone() {
    let folder = tempfile::tempdir().unwrap();
    let photo = put(folder.path(), "a.jpg", SMALL);
    let written = write(&photo, &metadata("new", &[]), WriteTo::Sidecar).unwrap();
    fs::write(written.path(), "theirs").unwrap();
    assert!(matches!(written.undo(), Err(MetadataError::Changed { .. })));
    assert_eq!(fs::read(written.path()).unwrap(), b"theirs");
    fs::remove_file(written.path()).unwrap();
    assert!(matches!(written.undo(), Err(MetadataError::Changed { .. })));
}
