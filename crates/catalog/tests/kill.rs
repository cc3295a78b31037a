//! A process that is killed while it writes loses nothing that it was told is committed.
#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sightline_catalog::{Batch, Catalog, JobState, Problem};
use support::{location, model, photo, vector};

/// Tells the child where its library is.
const LIBRARY: &str = "SIGHTLINE_TEST_KILL_LIBRARY";
const PHOTOS_A_BATCH: u32 = 16;
const KILLS: usize = 20;

/// What the child commits as its `number`th batch: photos, and things done to those before.
fn batch(catalog: &Catalog, number: u32) -> Batch {
    let first = number * PHOTOS_A_BATCH;
    let mut batch = Batch { photos: (first..first + PHOTOS_A_BATCH).map(photo).collect(), ..Batch::default() };
    for photo in &mut batch.photos {
        // As large as real ones, so that a batch is many pages and the log is often copied back.
        photo.thumbnail_jpeg.resize(9_000, number as u8);
    }
    batch.problems.push(Problem {
        path: format!("/photos/bad-{number}.jpg").into(),
        code: "broken".into(),
        reason: "ends too early".into(),
        size_bytes: number.into(),
        modified_ns: 0,
    });
    if let Some(before) = number.checked_sub(1) {
        let hash = support::hash(before * PHOTOS_A_BATCH);
        let id = catalog.by_hash(&hash).unwrap().expect("the batch before is there");
        batch.moves.push((location(format!("/copies/{before}.jpg")), id));
        batch.vectors.push((id, model(), vector(before * PHOTOS_A_BATCH)));
    }
    batch
}

/// The child: not a test of its own.
#[test]
#[ignore = "run by the test below"]
fn writes_until_it_is_killed() {
    let Some(library) = std::env::var_os(LIBRARY).map(PathBuf::from) else { return };
    let catalog = Catalog::open(&library).unwrap();
    let job = catalog.insert_job("index", "{}").unwrap();
    catalog.set_job_state(job, &JobState::Running).unwrap();
    let mut out = std::io::stdout();
    let mut number = catalog.status().unwrap().photos as u32 / PHOTOS_A_BATCH;
    loop {
        catalog.commit_batch(&batch(&catalog, number)).unwrap();
        writeln!(out, "committed {number}").unwrap();
        out.flush().unwrap();
        number += 1;
    }
}

#[test]
fn a_killed_writer_loses_no_committed_batch() {
    let dir = tempfile::tempdir().unwrap();
    let seed = 20_261_123;
    let mut random = StdRng::seed_from_u64(seed);
    let mut acknowledged = 0;
    for kill in 0..KILLS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "writes_until_it_is_killed", "--ignored", "--nocapture"])
            .env(LIBRARY, dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let reader = std::thread::spawn(move || {
            // The last line may be cut; only whole ones were said.
            let committed = |line: String| line.strip_prefix("committed ")?.parse::<u32>().ok();
            out.lines().map_while(Result::ok).filter_map(committed).last()
        });
        // Some die while the library is being opened.
        std::thread::sleep(Duration::from_micros(random.random_range(0..250_000)));
        child.kill().unwrap();
        child.wait().unwrap();
        if let Some(last) = reader.join().unwrap() {
            acknowledged = acknowledged.max(last + 1);
        }
        let catalog = Catalog::open(dir.path()).unwrap();
        let report = catalog.check().unwrap();
        assert!(report.is_well(), "after kill {kill}: {report:?}");
        let status = catalog.status().unwrap();
        let batches = status.photos as u32 / PHOTOS_A_BATCH;
        assert_eq!(status.photos as u32 % PHOTOS_A_BATCH, 0, "batches are whole");
        // One more may have been committed and not said.
        assert!((acknowledged..=acknowledged + 1).contains(&batches), "kill {kill}: {acknowledged} {batches}");
        assert_eq!(status.problems as u32, batches);
        assert_eq!(catalog.load_vectors(&model(), 8).unwrap().len() as u32, batches * PHOTOS_A_BATCH);
        assert!(catalog.jobs().unwrap().iter().all(|job| job.state != JobState::Running));
        acknowledged = batches;
    }
    assert!(acknowledged > KILLS as u32, "the children got to write: {acknowledged}");
}
