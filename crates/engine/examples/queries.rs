//! Measures a library of any size as somebody meets it who searches: from the start to the first answer, and answers
//! with the words embedded, filters and captions applied and the photos' data read, alone and while another connection
//! commits new photos. Adds those photos to the library.
//!
//! `cargo run --release -p sightline-engine --example queries -- LIBRARY MODEL [REPEATS]`; the catalogue's example
//! `synthetic` makes such libraries.
#![allow(clippy::unwrap_used, reason = "a measurement may")]

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use sightline_catalog::{Batch, Catalog, Location, ModelKey, NewPhoto, PhotoFacts, Reading};
use sightline_engine::search::{Interpretation, SearchRequest};
use sightline_engine::{DeviceChoice, Engine, EngineConfig, Filter};

/// Hits asked for, as a screen shows them.
const HITS: usize = 50;
/// Photos of a commit, and the time between two: four times as fast as two cores embed.
const BATCH: u32 = 32;
const EVERY: Duration = Duration::from_millis(80);

/// Queries of every kind; the words are in common and in rare captions, and in none.
const KINDS: [(&str, [&str; 4]); 7] = [
    ("words", ["two children at sunset", "a plate of pasta with basil", "red car in the snow", "people at a wedding"]),
    ("words of captions", ["a man", "a dog in the street", "a lighthouse", "a theremin"]),
    ("words, after:", ["snow after:2015", "a red car after:2020", "flowers after:2010-06", "a lake after:2022"]),
    ("words, camera:", ["snow camera:x100v", "a red car camera:canon", "a lake camera:iphone", "food camera:z"]),
    (
        "words, in:",
        ["snow in:\"Town 8\"", "a red car in:\"Country 4\"", "a lake in:\"Town 20\"", "food in:\"Country 8\""],
    ),
    ("words, rating>=", ["snow rating>=4", "a red car rating>=3", "a lake rating>=5", "food rating>=1"]),
    (
        "three filters",
        [
            "snow camera:x100v after:2012 rating>=4",
            "a red car camera:canon before:2015 rating>=1",
            "a lake in:\"Country 8\" after:2003 rating>=2",
            "food camera:pixel after:2010 rating>=5",
        ],
    ),
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [library, model, rest @ ..] = arguments.as_slice() else { panic!("queries LIBRARY MODEL [REPEATS]") };
    let repeats = rest.first().map_or(30, |text| text.parse().unwrap());
    let started = Instant::now();
    let engine = Engine::open(EngineConfig {
        library: library.into(),
        model_dir: model.into(),
        models: None,
        device: DeviceChoice::Cpu,
        decoder: None,
        settings: sightline_engine::home::settings_folder(),
    });
    let engine = engine.unwrap();
    engine.prepare();
    println!("open: {:.0} ms", ms(started));
    ask(&engine, KINDS[0].1[0]);
    println!("open to the first answer: {:.0} ms; {}", ms(started), memory());
    for (kind, queries) in KINDS {
        measure(&engine, kind, &queries, repeats);
    }
    let (done, committed) = (AtomicBool::new(false), AtomicU32::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| commit(Path::new(library), &engine, &done, &committed));
        measure(&engine, "words, while photos are committed", &KINDS[0].1, repeats);
        done.store(true, Ordering::Relaxed);
    });
    println!("{} photos were committed meanwhile; {}", committed.load(Ordering::Relaxed), memory());
}

fn ms(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}

fn ask(engine: &Engine, query: &str) -> usize {
    let (base, filter) = (Path::new("/"), &Filter::default());
    engine
        .search(&SearchRequest { query, limit: HITS, less_likely: 0, base, filter, reading: Interpretation::Plain })
        .unwrap()
        .hits
        .len()
}

fn measure(engine: &Engine, name: &str, queries: &[&str], repeats: usize) {
    let (mut times, mut found) = (Vec::with_capacity(repeats * queries.len()), 0);
    for _ in 0..repeats {
        for query in queries {
            let started = Instant::now();
            found += ask(engine, query);
            times.push(ms(started));
        }
    }
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times[((times.len() - 1) as f64 * share).round() as usize];
    let (count, found) = (times.len(), found / repeats);
    println!(
        "{name}: p50 {:.1} ms, p95 {:.1} ms, most {:.1} ms, {count} queries, {found} hits of 4",
        at(0.5),
        at(0.95),
        at(1.0)
    );
}

/// Commits photos as indexing does, until it is done.
fn commit(library: &Path, engine: &Engine, done: &AtomicBool, committed: &AtomicU32) {
    let catalog = Catalog::open(library).unwrap();
    let keys: Vec<(ModelKey, u64)> = catalog.status().unwrap().vectors;
    let key = keys.into_iter().map(|(key, _)| key).find(|key| !key.0.contains('/')).unwrap();
    let dims = engine.host().spec().unwrap().dims;
    let from = catalog.status().unwrap().photos as u32;
    while !done.load(Ordering::Relaxed) {
        let begin = from + committed.load(Ordering::Relaxed);
        let photos = (begin..begin + BATCH).map(|number| photo(number, &key, dims)).collect();
        catalog.commit_batch(&Batch { photos, ..Batch::default() }).unwrap();
        committed.fetch_add(BATCH, Ordering::Relaxed);
        std::thread::sleep(EVERY);
    }
}

fn photo(number: u32, key: &ModelKey, dims: usize) -> NewPhoto {
    let mut hash = [0xee; 32];
    hash[..4].copy_from_slice(&number.wrapping_mul(0x9e37_79b9).to_be_bytes());
    let path = PathBuf::from(format!("/made-up/later/IMG_{number:07}.jpg"));
    let mut vector = vec![0.01; dims];
    vector[number as usize % dims] = 0.9;
    NewPhoto {
        hash,
        width: 4000,
        height: 3000,
        orientation: 1,
        facts: PhotoFacts::default(),
        format: "jpeg".into(),
        size_bytes: 4_000_000,
        fingerprint: Some(u64::from(number)),
        thumbnail_jpeg: vec![number as u8; 9_000],
        locations: vec![Location { path, size_bytes: 4_000_000, modified_ns: 0, reading: Reading::default() }],
        vectors: vec![(key.clone(), vector)],
    }
}

/// What this process holds, and the most it held.
fn memory() -> String {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else { return String::from("memory unknown") };
    let of = |name: &str| status.lines().find(|line| line.starts_with(name)).unwrap_or_default().replace('\t', " ");
    format!("{}, {}", of("VmRSS"), of("VmHWM"))
}
