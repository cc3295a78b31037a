//! Makes a library of as many photos as one likes that do not exist: rows, places, thumbnails as large as real ones, a
//! vector that is searched and a descriptor for each, captions with common and rare words.
//!
//! `cargo run --release --example synthetic -- FOLDER COUNT [MODEL DESCRIPTOR]`, the last two being the keys under
//! which the vectors lie (`sightline status --json` of a real library tells them).
#![allow(clippy::unwrap_used, reason = "a measurement may")]

use std::path::{Path, PathBuf};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sightline_catalog::{Batch, CaptionAuthor, Catalog, Location, ModelKey, NewCaption, NewPhoto, Overwrite};

/// Numbers in a vector that is searched, and in a descriptor.
const DIMS: [usize; 2] = [512, 1024];
/// Photos are of as many sorts; those of one sort are alike.
const SORTS: usize = 2000;
const BATCH: usize = 2000;
const CAMERAS: [&str; 5] = ["FUJIFILM X100V", "Canon EOS R5", "Apple iPhone 14 Pro", "NIKON Z 6", "Google Pixel 7"];
/// Words of captions, the most common first: every second photo has the first, every fourth the second and so on.
const WORDS: [&str; 10] =
    ["man", "street", "tree", "dog", "beach", "mountain", "bicycle", "lighthouse", "accordion", "zebra"];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (folder, count, keys) = match arguments.as_slice() {
        [folder, count] => (folder, count, ["model".to_owned(), "model/descriptor".to_owned()]),
        [folder, count, model, descriptor] => (folder, count, [model.clone(), descriptor.clone()]),
        _ => panic!("synthetic FOLDER COUNT [MODEL DESCRIPTOR]"),
    };
    let catalog = Catalog::open(Path::new(folder)).unwrap();
    catalog.add_folder(Path::new("/made-up")).unwrap();
    let mut random = StdRng::seed_from_u64(1);
    let sorts: Vec<[Vec<f32>; 2]> =
        (0..SORTS).map(|_| DIMS.map(|dims| (0..dims).map(|_| gauss(&mut random)).collect())).collect();
    let numbers: Vec<u32> = (0..count.parse().unwrap()).collect();
    for batch in numbers.chunks(BATCH) {
        let photos = batch.iter().map(|&number| photo(&mut random, number, &keys, &sorts)).collect();
        let ids = catalog.commit_batch(&Batch { photos, ..Batch::default() }).unwrap();
        let captions: Vec<_> = ids.into_iter().map(|id| (id, caption(&mut random))).collect();
        catalog.put_captions(&captions, Overwrite::Machine).unwrap();
    }
}

/// About a normal distribution of mean 0 and deviation 1.
fn gauss(random: &mut StdRng) -> f32 {
    (0..4).map(|_| random.random_range(-0.866f32..0.866)).sum()
}

fn photo(random: &mut StdRng, number: u32, keys: &[String; 2], sorts: &[[Vec<f32>; 2]]) -> NewPhoto {
    let mut hash = [0; 32];
    // Spread as real hashes are.
    hash[..4].copy_from_slice(&number.wrapping_mul(0x9e37_79b9).to_be_bytes());
    let sort = &sorts[random.random_range(0..sorts.len())];
    let mut vector = |centre: &[f32]| -> Vec<f32> {
        let row: Vec<f32> = centre.iter().map(|centre| 0.6 * centre + 0.8 * gauss(random)).collect();
        let length = row.iter().map(|number| number * number).sum::<f32>().sqrt();
        row.iter().map(|number| number / length).collect()
    };
    let vectors = keys.iter().zip(sort).map(|(key, centre)| (ModelKey(key.clone()), vector(centre))).collect();
    let size_bytes = 4_000_000 + u64::from(number);
    NewPhoto {
        hash,
        width: 4000,
        height: 3000,
        orientation: 1,
        taken_at: (number % 10 > 0).then(|| {
            let (year, month, day) = (2000 + number / 20_000 % 25, number % 12 + 1, number % 28 + 1);
            format!("{year}-{month:02}-{day:02}T{:02}:{:02}:{:02}", number % 24, number % 60, number / 7 % 60)
        }),
        camera: Some(CAMERAS[number as usize % CAMERAS.len()].into()),
        lens: None,
        latitude: None,
        longitude: None,
        format: if number % 50 == 0 { "png" } else { "jpeg" }.into(),
        size_bytes,
        thumbnail_jpeg: vec![number as u8; 9_000],
        caption: None,
        keywords: Vec::new(),
        locations: vec![Location {
            path: PathBuf::from(format!("/made-up/{:04}/IMG_{number:07}.jpg", number / 1000)),
            size_bytes,
            modified_ns: 1_700_000_000_000_000_000,
        }],
        vectors,
    }
}

fn caption(random: &mut StdRng) -> NewCaption {
    let words: Vec<&str> = WORDS
        .iter()
        .zip(1..)
        .filter(|(_, rank)| random.random_bool(0.5f64.powi(*rank)))
        .map(|(word, _)| *word)
        .collect();
    let text = if words.is_empty() { "an indoor scene".to_owned() } else { format!("a {}", words.join(" and a ")) };
    let person = random.random_bool(0.05);
    NewCaption {
        text,
        author: if person { CaptionAuthor::Person } else { CaptionAuthor::Machine },
        model: (!person).then(|| "made-up".into()),
        settings: None,
        confidence: (!person).then_some(-0.5),
    }
}
