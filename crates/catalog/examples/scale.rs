//! Measures a catalogue of any size as the app uses it: opening, searching with and without filters, and the lists
//! that a window asks for. Writes the file of vectors if there is none, and makes no other change.
//!
//! `cargo run --release -p sightline-catalog --example scale -- LIBRARY [QUERIES]`; `synthetic` makes such libraries.
#![allow(clippy::unwrap_used, reason = "a measurement may")]

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sightline_catalog::{Catalog, DateOrder, Filter, ModelKey, PhotoId, VectorIndex};

const DIMS: usize = 512;
const HITS: usize = 50;
/// How much of a question is a photo of the library; the rest is noise, as a sentence is far from every photo.
const SHARE: f32 = 0.3;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let library = Path::new(arguments.first().expect("scale LIBRARY [QUERIES]"));
    let queries = arguments.get(1).map_or(200, |text| text.parse().unwrap());
    let started = Instant::now();
    let catalog = Catalog::open(library).unwrap();
    println!("open: {:.1} ms", ms(started));
    let started = Instant::now();
    let key = model(&catalog);
    println!("models: {:.1} ms", ms(started));
    let started = Instant::now();
    let mut vectors = Arc::new(catalog.load_vectors(&key, DIMS).unwrap());
    println!("{} vectors of {}: {:.0} ms", vectors.len(), key.0, ms(started));
    println!("after loading: {}", memory());
    let started = Instant::now();
    if catalog.save_vectors(&key, &mut vectors).unwrap() {
        println!("vectors written to their file: {:.0} ms", ms(started));
    }
    let started = Instant::now();
    assert!(!catalog.refresh_vectors(&key, &mut vectors).unwrap());
    println!("nothing new to follow: {:.2} ms", ms(started));
    let mut random = StdRng::seed_from_u64(1);
    search(&catalog, &vectors, &mut random, queries);
    println!("after searching: {}", memory());
    lists(&catalog, queries.min(7));
    println!("at the end: {}", memory());
}

fn ms(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}

/// The model with the vectors that are searched.
fn model(catalog: &Catalog) -> ModelKey {
    let models = catalog.status().unwrap().vectors;
    models.into_iter().map(|(key, _)| key).find(|key| !key.0.contains('/')).unwrap()
}

fn question(vectors: &VectorIndex, random: &mut StdRng) -> Vec<f32> {
    let noise: Vec<f32> = (0..DIMS).map(|_| random.random_range(-1.0f32..1.0)).collect();
    let photo = vectors.ids()[random.random_range(0..vectors.len())];
    let (photo, each) = (vectors.vector(photo).unwrap(), (3.0 / DIMS as f32).sqrt());
    photo.iter().zip(noise).map(|(photo, noise)| SHARE * photo + (1.0 - SHARE * SHARE).sqrt() * each * noise).collect()
}

fn search(catalog: &Catalog, vectors: &VectorIndex, random: &mut StdRng, queries: usize) {
    let after = Filter { taken_after: Some("2020".into()), ..Filter::default() };
    let camera = Filter { camera: Some("x100".into()), ..Filter::default() };
    let album = catalog.albums().unwrap().first().map(|album| album.id);
    let folder = Filter { folder: Some(catalog.folders().unwrap()[0].join("2007")), ..Filter::default() };
    let filters = [
        ("all", None),
        ("after:2020", Some(after)),
        ("camera:x100", Some(camera)),
        ("in a folder", Some(folder)),
        ("in an album", album.map(|album| Filter { album: Some(album), ..Filter::default() })),
    ];
    for (name, filter) in filters {
        let mut times = Vec::with_capacity(queries);
        let mut allowed = None;
        for _ in 0..queries + 3 {
            let question = question(vectors, random);
            let started = Instant::now();
            let allow: Option<Vec<PhotoId>> = filter.as_ref().map(|filter| catalog.select(filter).unwrap());
            let hits = vectors.nearest(&question, HITS, allow.as_deref());
            times.push(ms(started));
            allowed = allow.map(|allow| allow.len());
            assert!(!hits.is_empty());
        }
        report(&format!("nearest, {name} ({})", allowed.unwrap_or(vectors.len())), times.split_off(3));
    }
    for words in [&["man"][..], &["dog", "street"], &["theremin"], &["nothing-has-it"]] {
        let (mut times, mut found) = (Vec::new(), 0);
        for _ in 0..queries.min(20) {
            let started = Instant::now();
            found = catalog.with_words(words).unwrap().len();
            times.push(ms(started));
        }
        report(&format!("captions with {} ({found})", words.join(" ")), times);
    }
}

fn lists(catalog: &Catalog, repeats: usize) {
    let timed = |name: &str, work: &dyn Fn() -> usize| {
        let (mut times, mut found) = (Vec::new(), 0);
        for _ in 0..repeats {
            let started = Instant::now();
            found = work();
            times.push(ms(started));
        }
        report(&format!("{name} ({found})"), times);
    };
    let camera = Filter { camera: Some("x100".into()), ..Filter::default() };
    let year = Filter { taken_after: Some("2007".into()), taken_before: Some("2008".into()), ..Filter::default() };
    let newest = |filter: &Filter| catalog.select_by_date(filter, DateOrder::NewestFirst).unwrap().len();
    timed("photos, newest first", &|| newest(&Filter::default()));
    timed("photos of a camera, newest first", &|| newest(&camera));
    timed("photos of a year, newest first", &|| newest(&year));
    timed("status", &|| catalog.status().unwrap().photos as usize);
    timed("facets", &|| catalog.facets().unwrap().cameras.len());
    timed("albums", &|| catalog.albums().unwrap().len());
    let root = &catalog.folders().unwrap()[0];
    timed("photos below a folder", &|| catalog.photos_below(root).unwrap() as usize);
    timed("files below a folder", &|| catalog.files_below(root).unwrap() as usize);
    timed("photos with copies", &|| catalog.photos_with_copies().unwrap().len());
    timed("captions to review", &|| catalog.captions_to_review(10_000).unwrap().len());
    timed("photos without a vector", &|| catalog.photos_without_vector(&model(catalog)).unwrap().len());
    timed("known under the root", &|| catalog.known_under(root).unwrap().len());
    timed("one photo with its places", &|| {
        let id = PhotoId(7);
        catalog.photo(id).unwrap().map_or(0, |_| catalog.paths_of(id).unwrap().len())
    });
}

/// What this process holds, and the most it held.
fn memory() -> String {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else { return String::from("unknown") };
    let of = |name: &str| status.lines().find(|line| line.starts_with(name)).unwrap_or_default().to_owned();
    format!("{}, {}", of("VmRSS").replace('\t', " "), of("VmHWM").replace('\t', " "))
}

fn report(name: &str, mut times: Vec<f64>) {
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times[((times.len() - 1) as f64 * share).round() as usize];
    println!("{name}: p50 {:.1} ms, p95 {:.1} ms, p99 {:.1} ms, best {:.1} ms", at(0.5), at(0.95), at(0.99), at(0.0));
}
