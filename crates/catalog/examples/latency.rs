//! Measures the exact search, and reading vectors from a catalogue.
//!
//! `cargo run --release -p sightline-catalog --example latency [REPEATS]`
#![allow(clippy::unwrap_used, reason = "a measurement may")]

use std::time::Instant;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sightline_catalog::{
    Batch, Catalog, DateSource, Filter, Location, ModelKey, NewPhoto, PhotoFacts, PhotoId, PlaceNames, Reading,
    VectorIndex,
};

const DIMS: usize = 512;
const HITS: usize = 50;

fn main() {
    let repeats = std::env::args().nth(1).map_or(100, |text| text.parse().unwrap());
    let mut random = StdRng::seed_from_u64(1);
    println!("{} threads, {DIMS} dimensions, top {HITS}, {repeats} queries each", rayon::current_num_threads());
    for count in [10_000, 100_000, 1_000_000] {
        search(&mut random, count, repeats);
    }
    load(&mut random, 100_000);
}

fn unit_vector(random: &mut StdRng) -> Vec<f32> {
    let mut vector: Vec<f32> = (0..DIMS).map(|_| random.random_range(-1.0..1.0)).collect();
    let norm = vector.iter().map(|number| number * number).sum::<f32>().sqrt();
    vector.iter_mut().for_each(|number| *number /= norm);
    vector
}

fn search(random: &mut StdRng, count: usize, repeats: usize) {
    // A few thousand different rows cost as much to compare as a million.
    let rows: Vec<Vec<f32>> = (0..4096).map(|_| unit_vector(random)).collect();
    let rows = (0..count).map(|number| (PhotoId(number as i64), rows[number * 7919 % 4096].clone()));
    let index = VectorIndex::from_rows(DIMS, rows);
    let tenth: Vec<PhotoId> = index.ids().iter().step_by(10).copied().collect();
    for (name, allow) in [("all", None), ("every tenth allowed", Some(tenth.as_slice()))] {
        let mut times = Vec::new();
        for _ in 0..repeats + 5 {
            let query = unit_vector(random);
            let started = Instant::now();
            let hits = index.nearest(&query, HITS, allow);
            times.push(started.elapsed().as_secs_f64() * 1e3);
            assert_eq!(hits.len(), HITS);
        }
        report(&format!("{count} vectors, {name}"), times.split_off(5));
    }
}

fn load(random: &mut StdRng, count: u32) {
    let dir = tempfile::tempdir().unwrap();
    let catalog = Catalog::open(dir.path()).unwrap();
    let model = ModelKey("model".into());
    let started = Instant::now();
    let numbers: Vec<u32> = (0..count).collect();
    for batch in numbers.chunks(1000) {
        let photos = batch.iter().map(|number| photo(*number, &model, unit_vector(random))).collect();
        catalog.commit_batch(&Batch { photos, ..Batch::default() }).unwrap();
    }
    println!("{count} photos committed in {:.1} s", started.elapsed().as_secs_f64());
    drop(catalog);
    let timed = |name: &str, work: &dyn Fn(&Catalog)| {
        let mut times = Vec::new();
        for _ in 0..5 {
            let catalog = Catalog::open_read_only(dir.path()).unwrap();
            let started = Instant::now();
            work(&catalog);
            times.push(started.elapsed().as_secs_f64() * 1e3);
        }
        report(name, times);
    };
    timed("load all vectors", &|catalog| assert_eq!(catalog.load_vectors(&model, DIMS).unwrap().len(), count as usize));
    timed("known under the root", &|catalog| {
        assert_eq!(catalog.known_under("/photos".as_ref()).unwrap().len(), count as usize);
    });
    timed("select all", &|catalog| assert_eq!(catalog.select(&Filter::default()).unwrap().len(), count as usize));
    timed("select a folder of 1000", &|catalog| {
        let filter = Filter { folder: Some("/photos/7".into()), ..Filter::default() };
        assert_eq!(catalog.select(&filter).unwrap().len(), 1000);
    });
    timed("select a place and a rating", &|catalog| {
        let filter = Filter { place: Some("lisbon".into()), rating: Some(4..=5), ..Filter::default() };
        assert!(!catalog.select(&filter).unwrap().is_empty());
    });
    timed("select a camera and a year", &|catalog| {
        let camera = Some("x100".into());
        let filter = Filter { camera, taken_after: Some("2007".into()), ..Filter::default() };
        assert!(!catalog.select(&filter).unwrap().is_empty());
    });
    timed("status", &|catalog| assert_eq!(catalog.status().unwrap().photos, u64::from(count)));
    timed("photos without a vector", &|catalog| assert!(catalog.photos_without_vector(&model).unwrap().is_empty()));
    timed("a known photo", &|catalog| {
        for id in 1..=50 {
            assert!(catalog.photo(PhotoId(id)).unwrap().is_some());
            assert_eq!(catalog.paths_of(PhotoId(id)).unwrap().len(), 1);
        }
    });
}

fn photo(number: u32, model: &ModelKey, vector: Vec<f32>) -> NewPhoto {
    let mut hash = [0; 32];
    // Spread as real hashes are.
    hash[..4].copy_from_slice(&number.wrapping_mul(0x9e37_79b9).to_be_bytes());
    let path = format!("/photos/{}/{number}.jpg", number / 1000).into();
    NewPhoto {
        hash,
        width: 4000,
        height: 3000,
        orientation: 1,
        facts: PhotoFacts {
            taken_at: Some(format!("{}-06-30T12:00:00", 2000 + number % 20)),
            date_source: Some(DateSource::Exif),
            camera: Some(["FUJIFILM X100V", "Canon EOS R5"][number as usize % 2].into()),
            rating: i8::try_from(number / 3 % 6).ok(),
            place: Some(PlaceNames {
                name: ["Lisbon, Portugal", "Porto, Portugal", "Berlin, Germany"][number as usize % 3].into(),
                other_names: vec!["EU".into()],
            }),
            ..PhotoFacts::default()
        },
        format: "jpeg".into(),
        size_bytes: 4_000_000,
        fingerprint: None,
        thumbnail_jpeg: vec![number as u8; 8_000],
        locations: vec![Location { path, size_bytes: 4_000_000, modified_ns: 0, reading: Reading::default() }],
        vectors: vec![(model.clone(), vector)],
    }
}

fn report(name: &str, mut times: Vec<f64>) {
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times[((times.len() - 1) as f64 * share).round() as usize];
    println!("{name}: median {:.2} ms, p95 {:.2} ms, best {:.2} ms", at(0.5), at(0.95), at(0.0));
}
