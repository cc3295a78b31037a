//! Makes a huge library out of a small one: the same thumbnails, vectors with some noise, files that do not exist.
//!
//! `cargo run --release --example multiply -- SMALL HUGE COUNT [TREE]`
//!
//! In TREE the photos get files, hard links to those of the small library, and an index finds nothing changed there.
//! One of ten is then a near-duplicate of another, no others are, and there are a small and a large album.
#![allow(clippy::unwrap_used, reason = "a measurement may")]

use std::path::{Path, PathBuf};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sightline_catalog::{Batch, Catalog, DateSource, Filter, Location, NewPhoto, PhotoFacts, PhotoId, Reading};

const NOISE: f32 = 0.02;
/// With a tree: albums, each with the number of its first photo and that of its last.
const ALBUMS: [(&str, usize, usize); 2] = [("Favourites", 100, 140), ("Travels", 1000, 3000)];
/// Version of what reads a photo's facts, so that an index finds them read.
const READER: u32 = 1;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [small, huge, count, rest @ ..] = arguments.as_slice() else { panic!("multiply SMALL HUGE COUNT [TREE]") };
    let tree = rest.first().map(|tree| {
        std::fs::create_dir_all(tree).unwrap();
        std::fs::canonicalize(tree).unwrap()
    });
    let small = Catalog::open_read_only(Path::new(small)).unwrap();
    let (model, _) = small.status().unwrap().vectors.remove(0);
    let dims = 512;
    let vectors = small.load_vectors(&model, dims).unwrap();
    let ids = small.select(&Filter::default()).unwrap();
    let huge = Catalog::open(Path::new(huge)).unwrap();
    huge.add_folder(tree.as_deref().unwrap_or(Path::new("/made-up"))).unwrap();
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
                fingerprint: tree.as_ref().map(|_| fingerprint(number, ids.len() as u32)),
                thumbnail_jpeg: small.thumbnail(id).unwrap().unwrap(),
                locations: vec![match &tree {
                    Some(tree) => linked(&small, id, tree, number),
                    None => Location {
                        path: PathBuf::from(format!("/made-up/{}/{number}.jpg", number / 1000)),
                        size_bytes: row.size_bytes,
                        modified_ns: 0,
                        reading: Reading::default(),
                    },
                }],
                vectors: vec![(model.clone(), vector.iter().map(|v| v + random.random_range(-NOISE..NOISE)).collect())],
            }
        });
        huge.commit_batch(&Batch { photos: photos.collect(), ..Batch::default() }).unwrap();
    }
    if tree.is_some() {
        let photos = huge.select(&Filter::default()).unwrap();
        for (name, from, to) in ALBUMS {
            let album = huge.create_album(name).unwrap();
            huge.add_to_album(album, &photos[from.min(photos.len())..to.min(photos.len())]).unwrap();
        }
    }
}

/// Spread as real ones are; every tenth photo has that of the one before it with the same thumbnail.
fn fingerprint(number: u32, different: u32) -> u64 {
    let shown = if number % 10 == 9 { number.saturating_sub(different) } else { number };
    u64::from(shown).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// A photo's file in the tree, as an index would note it.
fn linked(small: &Catalog, id: PhotoId, tree: &Path, number: u32) -> Location {
    let file = small.paths_of(id).unwrap().remove(0);
    let ending = file.extension().unwrap().to_string_lossy();
    let path = tree.join(format!("{}/{number}.{ending}", number / 1000));
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::hard_link(&file, &path).unwrap();
    let metadata = std::fs::metadata(&path).unwrap();
    let since = metadata.modified().unwrap().duration_since(std::time::UNIX_EPOCH).unwrap();
    let reading = Reading { version: READER, ..Reading::default() };
    Location { path, size_bytes: metadata.len(), modified_ns: since.as_nanos() as i64, reading }
}
