//! Any bytes as a photo with EXIF and XMP, as a sidecar, and as a photo that a caption is written into.
#![no_main]

use std::cell::OnceCell;
use std::fs;

use libfuzzer_sys::fuzz_target;
use sightline_media::Facts;
use sightline_media::caption_metadata::{CaptionMetadata, WriteTo, read, sidecar_path, write};

// Names decide only where raw files share TIFF's first bytes.
const NAMES: [&str; 4] = ["photo.jpg", "photo.nef", "photo.heic", "photo"];

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
        let photo = folder.join(NAMES[number]);
        let sidecar = sidecar_path(&photo);
        fs::write(&photo, bytes).expect("the photo is written");
        drop(fs::remove_file(&sidecar));
        drop(read(&photo));
        drop(Facts::read(&photo));
        let words = CaptionMetadata { caption: Some("a dog".into()), keywords: vec!["dog".into()] };
        if write(&photo, &words, WriteTo::File).is_ok() {
            let found = read(&photo).expect("what was written can be read").expect("and is there");
            assert_eq!(found.caption.as_deref(), Some("a dog"));
        }
        fs::write(&sidecar, bytes).expect("the sidecar is written");
        drop(read(&photo));
        drop(Facts::read(&photo));
        if write(&photo, &words, WriteTo::Sidecar).is_ok() {
            let found = read(&photo).expect("what was written can be read").expect("and is there");
            assert_eq!(found.caption.as_deref(), Some("a dog"));
        }
    });
});
