//! Vectors in a file beside the database, and how what is in memory follows what is written.
#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sightline_catalog::{Batch, Catalog, ModelKey, PhotoId, VectorIndex};
use support::{commit, forget, hash, location, model, open, photo};

const DIMS: usize = 8;
/// More than are left without a file.
const MANY: u32 = 5000;

fn photos(catalog: &Catalog, numbers: std::ops::Range<u32>) -> Vec<PhotoId> {
    commit(catalog, numbers.map(photo).collect())
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("vectors-")).collect()
}

fn rows(index: &VectorIndex) -> Vec<(PhotoId, Vec<f32>)> {
    index.ids().iter().map(|id| (*id, index.vector(*id).unwrap())).collect()
}

fn load(dir: &Path) -> VectorIndex {
    Catalog::open_read_only(dir).unwrap().load_vectors(&model(), DIMS).unwrap()
}

/// As the database has it: a copy of it has no file of vectors.
fn truth(dir: &Path) -> Vec<(PhotoId, Vec<f32>)> {
    let copy = tempfile::tempdir().unwrap();
    Catalog::back_up(dir, &copy.path().join(Catalog::FILE), false, &mut |_, _, _| true).unwrap();
    rows(&load(copy.path()))
}

fn saved(dir: &tempfile::TempDir) -> (Catalog, Vec<PhotoId>, Arc<VectorIndex>) {
    let catalog = open(dir);
    let ids = photos(&catalog, 0..MANY);
    assert!(catalog.vectors_are_unsaved(&model()).unwrap());
    let mut held = Arc::new(catalog.load_vectors(&model(), DIMS).unwrap());
    assert!(catalog.save_vectors(&model(), &mut held).unwrap());
    (catalog, ids, held)
}

#[test]
fn vectors_in_memory_and_from_their_file_follow_whoever_writes() {
    let dir = tempfile::tempdir().unwrap();
    let (catalog, ids, mut held) = saved(&dir);
    assert!(!catalog.vectors_are_unsaved(&model()).unwrap());
    assert!(!catalog.save_vectors(&model(), &mut held).unwrap());
    assert_eq!(files(dir.path()).len(), 1);
    assert_eq!(rows(&load(dir.path())), truth(dir.path()));
    assert!(!catalog.refresh_vectors(&model(), &mut held).unwrap());

    // Another process changes a vector, finds a file gone, and adds some.
    let other = open(&dir);
    let vectors = vec![(ids[7], model(), vec![9.0; DIMS])];
    other.commit_batch(&Batch { vectors, ..Batch::default() }).unwrap();
    assert_eq!(forget(&other, &["/photos/000003.jpg".into()]), 1);
    photos(&other, MANY..MANY + 10);
    let expected = truth(dir.path());
    assert_eq!(expected.len() as u32, MANY + 9);
    assert!(catalog.refresh_vectors(&model(), &mut held).unwrap());
    assert_eq!(rows(&held), expected);
    assert_eq!(rows(&load(dir.path())), expected);

    // What comes back is found again, in its place among the others; what a search still holds stays as it was.
    let before = held.clone();
    let moves = vec![(location("/photos/again.jpg"), ids[3])];
    other.commit_batch(&Batch { moves, ..Batch::default() }).unwrap();
    assert!(catalog.refresh_vectors(&model(), &mut held).unwrap());
    assert_eq!((before.len() as u32, held.len() as u32), (MANY + 9, MANY + 10));
    assert_eq!(rows(&held), truth(dir.path()));
    assert_eq!(held.vector(ids[3]).unwrap(), support::vector(3));
    assert_eq!(other.by_hash(&hash(3)).unwrap(), Some(ids[3]));

    // Another model's are nothing to follow.
    let many = (1..MANY as i64).map(|id| (PhotoId(id), ModelKey("other".into()), vec![1.0; 2])).collect();
    other.commit_batch(&Batch { vectors: many, ..Batch::default() }).unwrap();
    let rows_before = Arc::as_ptr(&held);
    assert!(catalog.refresh_vectors(&model(), &mut held).unwrap());
    assert_eq!(Arc::as_ptr(&held), rows_before, "it was read anew");
    other.remove_vectors(&ModelKey("other".into())).unwrap();

    // A model whose vectors are all gone, and then some are there again.
    other.remove_vectors(&model()).unwrap();
    assert!(catalog.refresh_vectors(&model(), &mut held).unwrap());
    assert!(held.is_empty() && load(dir.path()).is_empty());
    let vectors = vec![(ids[1], model(), vec![3.0; DIMS])];
    other.commit_batch(&Batch { vectors, ..Batch::default() }).unwrap();
    assert!(catalog.refresh_vectors(&model(), &mut held).unwrap());
    assert_eq!(rows(&held), [(ids[1], vec![3.0; DIMS])]);
}

#[test]
fn a_file_of_vectors_is_replaced_when_much_has_changed() {
    let dir = tempfile::tempdir().unwrap();
    let (catalog, _, mut held) = saved(&dir);
    let first = files(dir.path());
    photos(&catalog, MANY..2 * MANY);
    catalog.refresh_vectors(&model(), &mut held).unwrap();
    assert!(catalog.save_vectors(&model(), &mut held).unwrap());
    let second = files(dir.path());
    assert!(second.len() == 1 && second != first);
    assert_eq!(rows(&load(dir.path())), truth(dir.path()));
}

#[test]
fn a_file_of_vectors_that_is_spoilt_or_of_another_state_is_not_used() {
    let dir = tempfile::tempdir().unwrap();
    let (catalog, ids, _) = saved(&dir);
    let file = files(dir.path()).remove(0);
    let expected = rows(&load(dir.path()));
    let good = std::fs::read(&file).unwrap();
    let mut bad = good.clone();
    *bad.last_mut().unwrap() ^= 1;
    for bytes in [&bad[..], &good[..good.len() / 2], b""] {
        std::fs::write(&file, bytes).unwrap();
        assert_eq!(rows(&load(dir.path())), expected);
    }
    std::fs::remove_file(&file).unwrap();
    assert_eq!(rows(&load(dir.path())), expected);

    // A backup from before the file, brought back, and changed as often: numbers of changes are the same again.
    std::fs::write(&file, &good).unwrap();
    let backup = dir.path().join("backup");
    let early = tempfile::tempdir().unwrap();
    drop(catalog);
    let catalog = open(&early);
    photos(&catalog, 0..MANY);
    catalog.back_up_to(&backup, false, &mut |_, _, _| true).unwrap();
    Catalog::restore(dir.path(), &backup, &mut |_, _, _| true).unwrap();
    let catalog = open(&dir);
    let vectors = vec![(ids[7], model(), vec![9.0; DIMS])];
    catalog.commit_batch(&Batch { vectors, ..Batch::default() }).unwrap();
    let loaded = load(dir.path());
    assert_eq!(loaded.vector(ids[7]).unwrap(), [9.0; DIMS]);
    assert_eq!(rows(&loaded), truth(dir.path()));
}

#[test]
fn a_library_that_names_another_file_leads_to_none() {
    let dir = tempfile::tempdir().unwrap();
    let (catalog, _, mut held) = saved(&dir);
    let expected = rows(&held);
    let outside = tempfile::tempdir().unwrap();
    let other = outside.path().join("vectors-0123456789abcdef.bin");
    std::fs::copy(files(dir.path()).remove(0), &other).unwrap();
    let inside = dir.path().join("letters.bin");
    std::fs::write(&inside, "mine").unwrap();
    for name in [other.to_str().unwrap(), "letters.bin", "vectors-/../letters.bin", "../letters.bin", ""] {
        let file = rusqlite::Connection::open(dir.path().join(Catalog::FILE)).unwrap();
        file.execute("UPDATE vector_file SET name = ?1", [name]).unwrap();
        assert_eq!(rows(&load(dir.path())), expected);
        let count = catalog.status().unwrap().photos as u32;
        photos(&catalog, count..count + MANY);
        catalog.refresh_vectors(&model(), &mut held).unwrap();
        assert!(catalog.save_vectors(&model(), &mut held).unwrap(), "{name}");
        assert!(other.exists() && inside.exists(), "{name}");
        forget(
            &catalog,
            &(count..count + MANY).map(|number| format!("/photos/{number:06}.jpg").into()).collect::<Vec<_>>(),
        );
        catalog.refresh_vectors(&model(), &mut held).unwrap();
        catalog.save_vectors(&model(), &mut held).unwrap();
    }
}

#[test]
fn repair_forgets_files_of_vectors() {
    let dir = tempfile::tempdir().unwrap();
    let (catalog, ids, _) = saved(&dir);
    drop(catalog);
    let file = rusqlite::Connection::open(dir.path().join(Catalog::FILE)).unwrap();
    // As a damaged page would: nothing of it is noted as a change.
    file.execute_batch("DROP TRIGGER photo_change_embedded_again").unwrap();
    file.execute("UPDATE vector SET data = zeroblob(3) WHERE photo_id = ?1", [ids[5].0]).unwrap();
    drop(file);
    Catalog::repair(dir.path(), &mut |_, _, _| true).unwrap();
    let loaded = load(dir.path());
    assert_eq!(loaded.len() as u32, MANY - 1);
    assert!(loaded.vector(ids[5]).is_none());
}

/// Tells the child where its library is.
const LIBRARY: &str = "SIGHTLINE_TEST_VECTORS_LIBRARY";
const KILLS: usize = 8;

/// The child: not a test of its own.
#[test]
#[ignore = "run by the test below"]
fn saves_until_it_is_killed() {
    let Some(library) = std::env::var_os(LIBRARY).map(PathBuf::from) else { return };
    let catalog = Catalog::open(&library).unwrap();
    let mut number = catalog.status().unwrap().photos as u32;
    let mut held = Arc::new(catalog.load_vectors(&model(), DIMS).unwrap());
    let mut out = std::io::stdout();
    loop {
        let ids = photos(&catalog, number..number + MANY);
        number += MANY;
        writeln!(out, "committed").unwrap();
        catalog.refresh_vectors(&model(), &mut held).unwrap();
        if catalog.save_vectors(&model(), &mut held).unwrap() {
            writeln!(out, "saved").unwrap();
        }
        // Something that only a later change tells.
        let vectors = vec![(ids[0], model(), vec![7.0; DIMS])];
        catalog.commit_batch(&Batch { vectors, ..Batch::default() }).unwrap();
    }
}

#[test]
fn a_process_that_is_killed_while_it_saves_leaves_no_wrong_file() {
    let dir = tempfile::tempdir().unwrap();
    let mut random = StdRng::seed_from_u64(20_261_126);
    let mut saved = 0;
    for kill in 0..KILLS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "saves_until_it_is_killed", "--ignored", "--nocapture"])
            .env(LIBRARY, dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // Killed around the time when it saves, however fast it is.
        let mut out = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        assert!(out.any(|line| line.ends_with("committed")), "kill {kill}");
        std::thread::sleep(Duration::from_micros(random.random_range(0..250_000)));
        child.kill().unwrap();
        child.wait().unwrap();
        saved += out.filter(|line| line.ends_with("saved")).count();
        let catalog = open(&dir);
        assert!(catalog.check().unwrap().is_well(), "after kill {kill}");
        assert!(rows(&load(dir.path())) == truth(dir.path()), "after kill {kill}");
    }
    assert!(saved > 1, "the children got to save: {saved}");
}
