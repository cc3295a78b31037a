//! Makes a huge library out of a small one: the same thumbnails, vectors with some noise, files that do not exist.
//!
//! `cargo run --release --example multiply -- SMALL HUGE COUNT`
#![allow(clippy::unwrap_used, reason = "a measurement may")]

use std::path::{Path, PathBuf};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sightline_catalog::{Batch, Catalog, DateSource, Filter, Location, NewPhoto, PhotoFacts, Reading};

const NOISE: f32 = 0.02;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [small, huge, count] = arguments.as_slice() else { panic!("multiply SMALL HUGE COUNT") };
    let small = Catalog::open_read_only(Path::new(small)).unwrap();
    let (model, _) = small.status().unwrap().vectors.remove(0);
    let dims = 512;
    let vectors = small.load_vectors(&model, dims).unwrap();
    let ids = small.select(&Filter::default()).unwrap();
    let huge = Catalog::open(Path::new(huge)).unwrap();
    huge.add_folder(Path::new("/made-up")).unwrap();
    let mut random = StdRng::seed_from_u64(1);
    let numbers: Vec<u32> = (0..count.parse().unwrap()).collect();
    for batch in numbers.chunks(2000) {
        let photos = batch.iter().map(|&number| {
            let id = ids[number as usize % ids.len()];
            let row = small.photo(id).unwrap().unwrap();
            let mut hash = [0; 32];
            hash[..4].copy_from_slice(&number.to_be_bytes());
            let vector = vectors.vector(id).unwrap();
            NewPhoto {
                hash,
                width: row.width,
                height: row.height,
                orientation: row.orientation,
                facts: PhotoFacts {
                    taken_at: Some(format!(
                        "20{:02}-{:02}-{:02}T12:00:00",
                        number % 25,
                        number % 12 + 1,
                        number % 28 + 1
                    )),
                    date_source: Some(DateSource::Exif),
                    camera: row.camera,
                    lens: row.lens,
                    ..PhotoFacts::default()
                },
                format: row.format,
                size_bytes: row.size_bytes,
                fingerprint: None,
                thumbnail_jpeg: small.thumbnail(id).unwrap().unwrap(),
                locations: vec![Location {
                    path: PathBuf::from(format!("/made-up/{}/{number}.jpg", number / 1000)),
                    size_bytes: row.size_bytes,
                    modified_ns: 0,
                    reading: Reading::default(),
                }],
                vectors: vec![(model.clone(), vector.iter().map(|v| v + random.random_range(-NOISE..NOISE)).collect())],
            }
        });
        huge.commit_batch(&Batch { photos: photos.collect(), ..Batch::default() }).unwrap();
    }
}
