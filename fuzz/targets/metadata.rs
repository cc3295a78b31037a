//! Any bytes as a photo with EXIF and XMP, as a sidecar, and as a photo that a caption is written into.
#![no_main]

mod memory;

use std::cell::OnceCell;
use std::fs;
use std::path::Path;

use libfuzzer_sys::fuzz_target;
use memory::{MIB, bounded};
use sightline_media::Facts;
use sightline_media::caption_metadata::{CaptionMetadata, WriteTo, read, sidecar_path, write};

// Names decide only where raw files share TIFF's first bytes.
const NAMES: [&str; 4] = ["photo.jpg", "photo.nef", "photo.heic", "photo"];

/// A packet of 4 MiB unpacked from a few bytes with Brotli's window of 16 MiB, its tree of 50,000 elements and as many
/// attributes, and what a write makes of it; and of each byte of EXIF some fifteen texts in pieces of 24 bytes.
fn most(bytes: &[u8]) -> usize {
    64 * MIB + 400 * bytes.len()
}

thread_local! {
    static FOLDER: OnceCell<tempfile::TempDir> = const { OnceCell::new() };
}

fuzz_target!(|bytes: &[u8]| {
    let number = bytes.len() % NAMES.len();
    FOLDER.with(|folder| {
        let folder = folder.get_or_init(|| tempfile::tempdir_in("/dev/shm").expect("a temporary folder"));
        // A folder for each name: a sidecar of one may be the other's too.
        let folder = folder.path().join(number.to_string());
        fs::create_dir_all(&folder).expect("a folder for the name");
        bounded(most(bytes), || read_and_write(&folder.join(NAMES[number]), bytes));
    });
});

fn read_and_write(photo: &Path, bytes: &[u8]) {
    let sidecar = sidecar_path(photo);
    fs::write(photo, bytes).expect("the photo is written");
    drop(fs::remove_file(&sidecar));
    drop(read(photo));
    drop(Facts::read(photo));
    let words = CaptionMetadata { caption: Some("a dog".into()), keywords: vec!["dog".into()] };
    if write(photo, &words, WriteTo::File).is_ok() {
        let found = read(photo).expect("what was written can be read").expect("and is there");
        assert_eq!(found.caption.as_deref(), Some("a dog"));
    }
    fs::write(&sidecar, bytes).expect("the sidecar is written");
    drop(read(photo));
    drop(Facts::read(photo));
    if write(photo, &words, WriteTo::Sidecar).is_ok() {
        let found = read(photo).expect("what was written can be read").expect("and is there");
        assert_eq!(found.caption.as_deref(), Some("a dog"));
    }
}
