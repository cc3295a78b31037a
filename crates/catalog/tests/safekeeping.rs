//! A backup is whole, and a restore replaces the library whole or not at all.
#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use rusqlite::Connection;
use sightline_catalog::{Batch, Catalog};
use support::photo;

/// Where the middle of a library of 400 photos lies.
const MIDDLE: usize = 12 * 8192;

fn library(photos: std::ops::Range<u32>) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    add(&Catalog::open(dir.path()).unwrap(), photos);
    // All in one file: readers that close last leave the log.
    let file = Connection::open(dir.path().join(Catalog::FILE)).unwrap();
    file.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    dir
}

fn add(catalog: &Catalog, photos: std::ops::Range<u32>) {
    catalog.commit_batch(&Batch { photos: photos.map(photo).collect(), ..Batch::default() }).unwrap();
}

fn go_on(_: &str, _: u64, _: u64) -> bool {
    true
}

fn back_up(dir: &Path, file: &Path) {
    assert!(Catalog::back_up(dir, file, false, &mut go_on).unwrap() > 0);
}

fn photos(dir: &Path) -> u64 {
    let catalog = Catalog::open(dir).unwrap();
    assert!(catalog.check().unwrap().is_well());
    catalog.status().unwrap().photos
}

#[test]
fn a_backup_comes_back_and_the_library_before_is_kept() {
    let (dir, out) = (library(0..40), tempfile::tempdir().unwrap());
    let file = out.path().join("backup.sqlite");
    back_up(dir.path(), &file);
    add(&Catalog::open(dir.path()).unwrap(), 40..50);
    let kept = Catalog::restore(dir.path(), &file, &mut go_on).unwrap().unwrap();
    assert_eq!(photos(dir.path()), 40);
    let before = tempfile::tempdir().unwrap();
    assert_eq!(Catalog::restore(before.path(), &kept, &mut go_on).unwrap(), None);
    assert_eq!(photos(before.path()), 50);
}

#[test]
fn a_backup_overwrites_nothing_unasked_and_leaves_nothing_when_stopped() {
    let (dir, out) = (library(0..4), tempfile::tempdir().unwrap());
    let file = out.path().join("backup.sqlite");
    let error = Catalog::back_up(dir.path(), &file, false, &mut |_, _, _| false).unwrap_err();
    assert_eq!(error.code(), "cancelled");
    assert_eq!(std::fs::read_dir(out.path()).unwrap().count(), 0);
    std::fs::write(&file, "mine").unwrap();
    let error = Catalog::back_up(dir.path(), &file, false, &mut go_on).unwrap_err();
    assert_eq!(error.code(), "backup_exists");
    assert_eq!(std::fs::read(&file).unwrap(), b"mine");
    assert!(Catalog::back_up(dir.path(), &file, true, &mut go_on).unwrap() > 0);
}

#[test]
fn a_backup_is_not_written_where_it_cannot_be_or_over_the_library() {
    let (dir, out) = (library(0..4), tempfile::tempdir().unwrap());
    let code = |file: &Path| Catalog::back_up(dir.path(), file, true, &mut go_on).unwrap_err().code();
    assert_eq!(code(out.path()), "backup_is_folder");
    assert_eq!(code(&out.path().join("no folder/backup")), "file_not_written");
    assert_eq!(code(&dir.path().join(Catalog::FILE)), "library_itself");
    assert_eq!(
        code(&dir.path().join("../").join(dir.path().file_name().unwrap()).join(Catalog::FILE)),
        "library_itself"
    );
    assert_eq!(code(&dir.path().join("catalogue.sqlite-wal")), "library_itself");
    assert_eq!(photos(dir.path()), 4);
    let nothing = Catalog::back_up(out.path(), &out.path().join("backup"), false, &mut go_on).unwrap_err();
    assert_eq!(nothing.code(), "library_missing");
}

#[test]
fn a_damaged_library_does_not_take_the_place_of_a_good_backup() {
    let (dir, out) = (library(0..400), tempfile::tempdir().unwrap());
    let file = out.path().join("backup.sqlite");
    back_up(dir.path(), &file);
    let before = std::fs::read(&file).unwrap();
    overwrite(&dir.path().join(Catalog::FILE), MIDDLE, MIDDLE + 2 * 8192);
    let error = Catalog::back_up(dir.path(), &file, true, &mut go_on).unwrap_err();
    assert_eq!(error.code(), "catalogue_corrupt");
    assert!(error.to_string().contains("library") || error.to_string().contains("catalogue.sqlite"), "{error}");
    assert!(error.to_string().contains("check --repair"), "{error}");
    assert_eq!(std::fs::read(&file).unwrap(), before);
    assert_eq!(std::fs::read_dir(out.path()).unwrap().count(), 1);
}

#[test]
fn what_is_no_backup_is_not_restored() {
    let (dir, out) = (library(0..40), tempfile::tempdir().unwrap());
    let file = out.path().join("backup.sqlite");
    let code = || Catalog::restore(dir.path(), &file, &mut go_on).unwrap_err().code();
    assert_eq!(code(), "backup_missing");
    back_up(dir.path(), &file);
    let whole = std::fs::read(&file).unwrap();
    for length in [whole.len() / 2, whole.len() - 1, 9000, 100] {
        std::fs::write(&file, &whole[..length]).unwrap();
        assert_eq!(code(), "backup_damaged", "cut at {length}");
    }
    std::fs::write(&file, "a letter to my aunt, long enough to hold a header").unwrap();
    assert_eq!(code(), "not_a_backup");
    std::fs::write(&file, "").unwrap();
    assert_eq!(code(), "not_a_backup");
    std::fs::remove_file(&file).unwrap();
    Connection::open(&file).unwrap().execute_batch("CREATE TABLE accounts (id INTEGER)").unwrap();
    assert_eq!(code(), "not_a_backup");
    std::fs::write(&file, &whole).unwrap();
    Connection::open(&file).unwrap().pragma_update(None, "user_version", 99).unwrap();
    assert_eq!(code(), "catalogue_too_new");
    let error = Catalog::restore(dir.path(), &dir.path().join(Catalog::FILE), &mut go_on).unwrap_err();
    assert_eq!(error.code(), "library_itself");
    assert_eq!(photos(dir.path()), 40);
    let names = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let known = ["", "-wal", "-shm"].map(|end| format!("{}{end}", Catalog::FILE));
    let left: Vec<_> = names.filter(|name| !known.contains(name)).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_library_in_use_is_not_replaced() {
    let (dir, out) = (library(0..4), tempfile::tempdir().unwrap());
    let file = out.path().join("backup.sqlite");
    back_up(dir.path(), &file);
    let code = || Catalog::restore(dir.path(), &file, &mut go_on).unwrap_err().code();
    let user = Catalog::open(dir.path()).unwrap();
    assert_eq!(code(), "library_in_use");
    add(&user, 4..6);
    drop(user);
    let reader = Catalog::open_read_only(dir.path()).unwrap();
    reader.status().unwrap();
    assert_eq!(code(), "library_in_use");
    drop(reader);
    assert_eq!(photos(dir.path()), 6);
}

#[test]
fn a_restore_stopped_anywhere_changes_nothing() {
    let (dir, out) = (library(0..40), tempfile::tempdir().unwrap());
    let file = out.path().join("backup.sqlite");
    back_up(dir.path(), &file);
    add(&Catalog::open(dir.path()).unwrap(), 40..50);
    for steps in 0.. {
        let mut left = steps;
        let mut stop = |_: &str, done, total| {
            left -= i32::from(done < total || total == 0);
            left >= 0
        };
        match Catalog::restore(dir.path(), &file, &mut stop) {
            Err(error) => assert_eq!(error.code(), "cancelled"),
            Ok(_) => break,
        }
        assert_eq!(photos(dir.path()), 50, "stopped after {steps} steps");
    }
    assert_eq!(photos(dir.path()), 40);
}

#[test]
fn a_backup_of_pages_of_another_size_comes_back() {
    let (dir, out) = (library(0..40), tempfile::tempdir().unwrap());
    let file = out.path().join("backup.sqlite");
    back_up(dir.path(), &file);
    Connection::open(&file).unwrap().execute_batch("PRAGMA page_size = 4096; VACUUM").unwrap();
    add(&Catalog::open(dir.path()).unwrap(), 40..50);
    assert!(Catalog::restore(dir.path(), &file, &mut go_on).unwrap().is_some());
    assert_eq!(photos(dir.path()), 40);
}

/// A library with a page of garbage in it and a committed setting in its log alone, as a killed process leaves it.
fn damaged_with_log() -> tempfile::TempDir {
    let (dir, killed) = (library(0..400), tempfile::tempdir().unwrap());
    let writer = Catalog::open(dir.path()).unwrap();
    writer.set_setting("language", "zh").unwrap();
    for end in ["", "-wal"] {
        let name = format!("{}{end}", Catalog::FILE);
        std::fs::copy(dir.path().join(&name), killed.path().join(&name)).unwrap();
    }
    overwrite(&killed.path().join(Catalog::FILE), MIDDLE, MIDDLE + 2 * 8192);
    killed
}

#[test]
fn what_was_committed_to_a_damaged_library_is_in_the_copy_kept() {
    let (dir, good, out) = (damaged_with_log(), library(0..7), tempfile::tempdir().unwrap());
    let file = out.path().join("backup.sqlite");
    back_up(good.path(), &file);
    let kept = Catalog::restore(dir.path(), &file, &mut go_on).unwrap().unwrap();
    assert_eq!(photos(dir.path()), 7);
    let kept = Connection::open(kept).unwrap();
    let language: String =
        kept.query_row("SELECT value FROM setting WHERE key = 'language'", [], |row| row.get(0)).unwrap();
    assert_eq!(language, "zh");
}

#[test]
fn a_log_never_meets_a_database_that_is_not_its_own() {
    let (good, out) = (library(0..7), tempfile::tempdir().unwrap());
    let file = out.path().join("backup.sqlite");
    back_up(good.path(), &file);
    // A head that SQLite does not know, and a database that is gone: their logs are kept, and not read.
    for head in [true, false] {
        let dir = damaged_with_log();
        let (database, log) = (dir.path().join(Catalog::FILE), dir.path().join("catalogue.sqlite-wal"));
        if head {
            overwrite(&database, 0, 16);
            // The log as it is has the head in it, and SQLite would read it all. This one it throws away.
            overwrite(&log, 0, 16);
        } else {
            std::fs::remove_file(&database).unwrap();
        }
        let (bytes, log_bytes) = (std::fs::read(&database).ok(), std::fs::read(&log).unwrap());
        let kept = Catalog::restore(dir.path(), &file, &mut go_on).unwrap().unwrap();
        assert_eq!(photos(dir.path()), 7);
        let name = kept.to_str().unwrap().trim_end_matches("-wal").to_owned();
        assert!(std::fs::read(&name).ok() == bytes, "the database is kept as it was");
        let log = std::fs::read(format!("{name}-wal")).ok();
        assert!(head || log == Some(log_bytes), "and so is its log");
    }
}

fn overwrite(file: &Path, from: usize, to: usize) {
    let mut bytes = std::fs::read(file).unwrap();
    bytes[from..to].iter_mut().enumerate().for_each(|(place, byte)| *byte = place as u8 ^ 0x5a);
    std::fs::write(file, bytes).unwrap();
}

/// Tells the child what to restore where.
const KILLED: &str = "SIGHTLINE_TEST_KILL_RESTORE";

/// The child: not a test of its own.
#[test]
#[ignore = "run by the test below"]
fn restores_until_it_is_killed() {
    let Some(dir) = std::env::var_os(KILLED).map(PathBuf::from) else { return };
    for number in 0.. {
        let backup = ["one", "two"][number % 2];
        Catalog::restore(&dir.join("library"), &dir.join(backup), &mut go_on).unwrap();
    }
}

#[test]
fn a_restore_killed_at_any_moment_leaves_the_one_library_or_the_other() {
    let (one, two, dir) = (library(0..400), library(0..500), tempfile::tempdir().unwrap());
    back_up(one.path(), &dir.path().join("one"));
    back_up(two.path(), &dir.path().join("two"));
    Catalog::restore(&dir.path().join("library"), &dir.path().join("one"), &mut go_on).unwrap();
    let mut random = StdRng::seed_from_u64(20_261_126);
    let mut kept_libraries = 0;
    for kill in 0..30 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "restores_until_it_is_killed", "--ignored"])
            .env(KILLED, dir.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_micros(random.random_range(0..400_000)));
        assert_eq!(child.try_wait().unwrap(), None, "it goes on until it is killed");
        child.kill().unwrap();
        child.wait().unwrap();
        let found = photos(&dir.path().join("library"));
        assert!([400, 500].contains(&found), "kill {kill}: {found} photos");
        for entry in std::fs::read_dir(dir.path().join("library")).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if name.starts_with("catalogue.sqlite.2") {
                kept_libraries += 1;
                let kept = Connection::open(&path).unwrap();
                let found: i64 = kept.query_row("SELECT count(*) FROM location", [], |row| row.get(0)).unwrap();
                assert!([400, 500].contains(&found), "kill {kill}: {found} photos in {name}");
                std::fs::remove_file(&path).unwrap();
            }
        }
    }
    assert!(kept_libraries > 10, "the children got to restore: {kept_libraries}");
}

#[test]
fn a_library_that_is_open_here_is_backed_up_and_stays_in_use() {
    let (dir, out) = (library(0..40), tempfile::tempdir().unwrap());
    let file = out.path().join("backup.sqlite");
    let user = Catalog::open(dir.path()).unwrap();
    add(&user, 40..45);
    user.back_up_to(&file, false, &mut go_on).unwrap();
    // The locks of a file go with any handle on it that a process closes, so that it must not be opened besides.
    assert_eq!(Catalog::restore(dir.path(), &file, &mut go_on).unwrap_err().code(), "library_in_use");
    add(&user, 45..50);
    drop(user);
    assert_eq!(photos(dir.path()), 50);
    Catalog::restore(dir.path(), &file, &mut go_on).unwrap();
    assert_eq!(photos(dir.path()), 45);
}
