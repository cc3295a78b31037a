//! Libraries that cannot be opened or written: a clear error, and nothing lost.
#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use std::path::Path;

use rusqlite::Connection;
use sightline_catalog::{Batch, Catalog, CatalogError};
use support::{commit, model, open, photo};

fn code(result: Result<Catalog, CatalogError>) -> &'static str {
    let error = result.unwrap_err();
    assert!(error.to_string().contains(':'), "{error}");
    error.code()
}

/// A library of three photos, closed.
fn library() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    commit(&open(&dir), (1..=3).map(photo).collect());
    dir
}

fn overwrite(file: &Path, from: usize, to: usize) {
    let mut bytes = std::fs::read(file).unwrap();
    for (place, byte) in bytes.iter_mut().enumerate().take(to).skip(from) {
        *byte = place as u8 ^ 0x5a;
    }
    std::fs::write(file, bytes).unwrap();
}

#[test]
fn a_library_that_is_not_there_is_missing_for_readers_and_made_for_writers() {
    let dir = tempfile::tempdir().unwrap();
    let library = dir.path().join("a/b");
    assert_eq!(code(Catalog::open_read_only(&library)), "library_missing");
    assert!(!library.exists(), "a reader makes nothing");
    let catalog = Catalog::open(&library).unwrap();
    assert_eq!(catalog.dir(), library);
    assert_eq!(catalog.status().unwrap().photos, 0);
    // The file is there but nobody got to write its schema.
    let empty = dir.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    std::fs::write(empty.join(Catalog::FILE), b"").unwrap();
    assert_eq!(code(Catalog::open_read_only(&empty)), "library_missing");
    Catalog::open(&empty).unwrap();
}

#[test]
fn a_file_where_the_folder_should_be_is_said_so() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, b"x").unwrap();
    for path in [file.clone(), file.join("below")] {
        assert_eq!(code(Catalog::open(&path)), "library_not_a_folder");
        assert_eq!(code(Catalog::open_read_only(&path)), "library_not_a_folder");
    }
}

#[test]
fn files_of_others_are_not_touched() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join(Catalog::FILE);
    let text = b"this is no database, but somebody wants to keep it. ".repeat(100);
    std::fs::write(&file, &text).unwrap();
    assert_eq!(code(Catalog::open(dir.path())), "not_a_catalogue");
    assert_eq!(code(Catalog::open_read_only(dir.path())), "not_a_catalogue");
    assert_eq!(std::fs::read(&file).unwrap(), text);
    std::fs::remove_file(&file).unwrap();
    Connection::open(&file).unwrap().execute_batch("CREATE TABLE accounts (id INTEGER)").unwrap();
    let before = std::fs::read(&file).unwrap();
    assert_eq!(code(Catalog::open(dir.path())), "not_a_catalogue");
    assert_eq!(code(Catalog::open_read_only(dir.path())), "not_a_catalogue");
    assert_eq!(std::fs::read(&file).unwrap(), before);
    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir(&file).unwrap();
    assert_eq!(code(Catalog::open(dir.path())), "library_not_plain");
    assert_eq!(code(Catalog::open_read_only(dir.path())), "library_not_plain");
}

#[test]
fn a_damaged_catalogue_is_an_error_and_never_a_panic() {
    let healthy = library();
    let bytes = std::fs::read(healthy.path().join(Catalog::FILE)).unwrap();
    // The head, the schema, then every page after it, one at a time.
    let ranges = [(0, 40), (100, 2000)].into_iter().chain((8192..bytes.len()).step_by(8192).map(|at| (at, at + 8192)));
    for (from, to) in ranges {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join(Catalog::FILE);
        std::fs::write(&file, &bytes).unwrap();
        overwrite(&file, from, to);
        let examine = || -> Result<bool, CatalogError> {
            let catalog = Catalog::open(dir.path())?;
            let well = catalog.check()?.is_well();
            catalog.load_vectors(&model(), 8)?;
            catalog.status()?;
            catalog.commit_batch(&Batch { photos: vec![photo(9)], ..Batch::default() })?;
            Ok(well)
        };
        match examine() {
            Ok(well) => assert!(!well, "damage at {from} was not seen"),
            Err(error) => {
                let expected = ["catalogue_corrupt", "not_a_catalogue"];
                assert!(expected.contains(&error.code()), "damage at {from}: {error:?}");
            }
        }
    }
    for length in [1, 100, 4096, bytes.len() / 2, bytes.len() - 1] {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(Catalog::FILE), &bytes[..length]).unwrap();
        let report = Catalog::open(dir.path()).and_then(|catalog| catalog.check());
        assert!(!report.is_ok_and(|report| report.is_well()), "cut at {length}");
    }
}

#[test]
fn a_catalogue_of_a_later_release_is_left_alone() {
    let dir = library();
    let file = dir.path().join(Catalog::FILE);
    Connection::open(&file).unwrap().pragma_update(None, "user_version", 99).unwrap();
    for result in [Catalog::open(dir.path()), Catalog::open_read_only(dir.path())] {
        let error = result.unwrap_err();
        assert!(matches!(error, CatalogError::TooNew { found: 99, .. }), "{error:?}");
    }
}

#[test]
fn a_reader_cannot_write_and_sees_what_others_commit() {
    let dir = library();
    let reader = Catalog::open_read_only(dir.path()).unwrap();
    assert!(reader.is_read_only());
    let error = reader.commit_batch(&Batch { photos: vec![photo(4)], ..Batch::default() }).unwrap_err();
    assert_eq!(error.code(), "library_read_only");
    assert_eq!(reader.status().unwrap().photos, 3);
    commit(&open(&dir), vec![photo(4)]);
    assert_eq!(reader.status().unwrap().photos, 4);
}

#[test]
fn two_writers_take_turns() {
    let dir = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for writer in 0..2u32 {
            let dir = &dir;
            scope.spawn(move || {
                // Opened at once, so that both try to make it.
                let catalog = open(dir);
                for number in 0..40 {
                    commit(&catalog, vec![photo(1 + writer * 1000 + number)]);
                }
            });
        }
    });
    let catalog = open(&dir);
    assert_eq!(catalog.status().unwrap().photos, 80);
    assert!(catalog.check().unwrap().is_well());
}

#[test]
fn a_lock_that_is_never_given_back_is_an_error_in_the_end() {
    let dir = library();
    let catalog = open(&dir);
    let other = Connection::open(dir.path().join(Catalog::FILE)).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = catalog.commit_batch(&Batch { photos: vec![photo(4)], ..Batch::default() }).unwrap_err();
    assert_eq!(error.code(), "library_locked");
    assert_eq!(catalog.status().unwrap().photos, 3, "reading goes on");
    other.execute_batch("ROLLBACK").unwrap();
    commit(&catalog, vec![photo(4)]);
}

#[test]
fn the_check_finds_rows_that_make_no_sense() {
    let dir = library();
    let file = Connection::open(dir.path().join(Catalog::FILE)).unwrap();
    file.execute_batch(
        "PRAGMA foreign_keys = OFF;
         UPDATE vector SET data = x'0000' WHERE photo_id = 1;
         UPDATE vector SET data = x'007c0000000000000000000000000000' WHERE photo_id = 3;
         UPDATE location SET photo_id = 77 WHERE photo_id = 2;
         INSERT INTO caption (photo_id, text, author) VALUES (1, 'Rex', 'person');",
    )
    .unwrap();
    let catalog = open(&dir);
    let report = catalog.check().unwrap();
    let faults = [
        "1 row of location refers to a photo that is not there",
        "vectors of a length that is not their model's: 1",
        "vectors that hold something that is no number: 1",
        "photos whose words are not those of their captions and keywords: 1",
    ];
    assert_eq!(report.faults, faults);
    assert_eq!(catalog.load_vectors(&model(), 8).unwrap_err().code(), "vector_wrong_dims");
}
