//! What only shows page by page: stops half-way, writers in between, kills.

use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::*;
use crate::migrations::{KNOWN, lift};

/// A library of some pages, and its folder.
fn library(notes: u32) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    drop(Catalog::open(dir.path()).unwrap());
    write(dir.path(), 0..notes);
    dir
}

fn write(dir: &Path, notes: std::ops::Range<u32>) {
    let catalog = Catalog::open(dir).unwrap();
    for note in notes {
        catalog.set_setting(&format!("note {note}"), &"long ".repeat(1000)).unwrap();
    }
}

fn notes(file: &Path) -> u32 {
    let connection = Connection::open(file).unwrap();
    connection.query_row("SELECT count(*) FROM setting", [], |row| row.get(0)).unwrap()
}

fn names(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_backup_stopped_after_any_page_leaves_what_was_there() {
    let (dir, out) = (library(20), tempfile::tempdir().unwrap());
    let file = out.path().join("backup");
    std::fs::write(&file, "an older one").unwrap();
    let library = dir.path().join(Catalog::FILE);
    for pages in 0.. {
        let mut left = pages;
        let mut stop = |_: &str, _, _| {
            left -= 1;
            left >= 0
        };
        let result = back_up_from(&source(&library).unwrap(), &library, &file, true, 1, &mut stop);
        if result.is_ok() {
            assert!(pages > 20, "it takes more steps than {pages}");
            break;
        }
        assert_eq!(result.unwrap_err().code(), "cancelled");
        assert_eq!(names(out.path()), ["backup"]);
        assert_eq!(std::fs::read(&file).unwrap(), b"an older one");
    }
    assert_eq!(notes(&file), 20);
}

#[test]
fn writers_go_on_while_a_backup_is_made_of_one_state() {
    let (dir, out) = (library(20), tempfile::tempdir().unwrap());
    let (library, file) = (dir.path().join(Catalog::FILE), out.path().join("backup"));
    let writer = Catalog::open(dir.path()).unwrap();
    let (mut next, mut longest) = (20, Duration::ZERO);
    let mut write_a_page = |phase: &str, _, _| {
        if phase == "copy" {
            let start = Instant::now();
            writer.set_setting(&format!("note {next}"), &"long ".repeat(1000)).unwrap();
            longest = longest.max(start.elapsed());
            next += 1;
        }
        true
    };
    back_up_from(&source(&library).unwrap(), &library, &file, false, 1, &mut write_a_page).unwrap();
    assert!(next > 40, "it wrote between the pages: {next}");
    assert!(longest < Duration::from_secs(5), "a writer waited {longest:?}");
    assert_eq!(notes(&file), 20);
    assert_eq!(notes(&library), next);
}

#[test]
fn two_backups_to_one_file_at_once_are_both_whole() {
    let (one, two, out) = (library(20), library(30), tempfile::tempdir().unwrap());
    let file = out.path().join("backup");
    let (library, mut begun) = (one.path().join(Catalog::FILE), false);
    let mut other_in_between = |_: &str, _, _| {
        if !std::mem::replace(&mut begun, true) {
            Catalog::back_up(two.path(), &file, true, &mut |_, _, _| true).unwrap();
            assert_eq!(notes(&file), 30);
        }
        true
    };
    back_up_from(&source(&library).unwrap(), &library, &file, true, 1, &mut other_in_between).unwrap();
    assert_eq!(notes(&file), 20);
    assert_eq!(names(out.path()), ["backup"]);
}

#[test]
fn a_copy_before_an_upgrade_is_of_the_state_under_the_lock() {
    // What another process does between the first look at the version and the lock: it upgrades.
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join(Catalog::FILE);
    let late = Connection::open(&file).unwrap();
    late.pragma_update(None, "journal_mode", "wal").unwrap();
    lift(&late, 0, KNOWN - 1).unwrap();
    late.execute_batch("BEGIN IMMEDIATE").unwrap();
    lift(&late, KNOWN - 1, KNOWN).unwrap();
    std::thread::scope(|scope| {
        let upgrade = scope.spawn(|| Catalog::open(dir.path()).map(drop));
        std::thread::sleep(Duration::from_millis(300));
        late.execute_batch("COMMIT").unwrap();
        upgrade.join().unwrap().unwrap();
    });
    let kept = beside(&file, &format!(".v{}", KNOWN - 1));
    assert!(!kept.exists(), "under the lock there was no older library to keep");
}
