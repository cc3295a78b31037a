//! Photos made up for tests.
#![allow(dead_code, clippy::unwrap_used, reason = "each test binary uses a part, and a test may")]

use std::path::{Path, PathBuf};

use sightline_catalog::{Batch, Catalog, Conclusion, Location, ModelKey, NewPhoto, PhotoFacts, PhotoId, Reading};

pub fn open(dir: &tempfile::TempDir) -> Catalog {
    Catalog::open(dir.path()).unwrap()
}

pub fn model() -> ModelKey {
    ModelKey("model-a".into())
}

pub fn hash(number: u32) -> [u8; 32] {
    let mut hash = [7; 32];
    hash[..4].copy_from_slice(&number.to_be_bytes());
    hash
}

/// Eight numbers that 16-bit floats hold exactly.
pub fn vector(number: u32) -> Vec<f32> {
    (0..8).map(|place| ((number >> place) & 1) as f32 + 0.25).collect()
}

pub fn location(path: impl AsRef<Path>) -> Location {
    Location {
        path: path.as_ref().into(),
        size_bytes: 1234,
        modified_ns: 1_700_000_000_123_456_789,
        reading: Reading::default(),
    }
}

pub fn photo(number: u32) -> NewPhoto {
    photo_at(number, &format!("/photos/{number:06}.jpg"))
}

pub fn photo_at(number: u32, path: &str) -> NewPhoto {
    NewPhoto {
        hash: hash(number),
        width: 4000,
        height: 3000,
        orientation: 6,
        facts: PhotoFacts::default(),
        format: "jpeg".into(),
        size_bytes: 1234,
        fingerprint: None,
        thumbnail_jpeg: vec![number as u8; 300],
        locations: vec![location(path)],
        vectors: vec![(model(), vector(number))],
    }
}

pub fn commit(catalog: &Catalog, photos: Vec<NewPhoto>) -> Vec<PhotoId> {
    catalog.commit_batch(&Batch { photos, ..Batch::default() }).unwrap()
}

/// Has a scan conclude that files are gone; of how many something was known.
pub fn forget(catalog: &Catalog, gone: &[PathBuf]) -> usize {
    catalog.conclude(&Conclusion { gone: gone.to_vec(), ..Conclusion::default() }).unwrap()
}
