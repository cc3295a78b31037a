//! A backup is whole, and a restore replaces the library whole or not at all.
#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use sightline_catalog::{Batch, Catalog};
use support::photo;

fn library(photos: std::ops::Range<u32>) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    add(&Catalog::open(dir.path()).unwrap(), photos);
    dir
}

fn add(catalog: &Catalog, photos: std::ops::Range<u32>) {
    catalog.commit_batch(&Batch { photos: photos.map(photo).collect(), ..Batch::default() }).unwrap();
}

fn photos(dir: &std::path::Path) -> u64 {
    let catalog = Catalog::open(dir).unwrap();
    assert!(catalog.check().unwrap().is_well());
    catalog.status().unwrap().photos
}

#[test]
fn a_backup_comes_back_and_the_library_before_is_kept() {
    let (dir, out) = (library(0..40), tempfile::tempdir().unwrap());
    let file = out.path().join("backup.sqlite");
    assert!(Catalog::back_up(dir.path(), &file, false, &mut |_, _| true).unwrap());
    add(&Catalog::open(dir.path()).unwrap(), 40..50);
    let kept = Catalog::restore(dir.path(), &file).unwrap().unwrap();
    assert_eq!(photos(dir.path()), 40);
    let before = tempfile::tempdir().unwrap();
    assert_eq!(Catalog::restore(before.path(), &kept).unwrap(), None);
    assert_eq!(photos(before.path()), 50);
}

#[test]
fn a_backup_is_one_state_while_another_writes() {
    let (dir, out) = (library(0..400), tempfile::tempdir().unwrap());
    let writer = Catalog::open(dir.path()).unwrap();
    let file = out.path().join("backup.sqlite");
    let mut next = 400;
    let mut progress = |_, _| {
        add(&writer, next..next + 1);
        next += 1;
        true
    };
    assert!(Catalog::back_up(dir.path(), &file, false, &mut progress).unwrap());
    let other = tempfile::tempdir().unwrap();
    Catalog::restore(other.path(), &file).unwrap();
    assert_eq!(photos(other.path()), 400);
}

#[test]
fn a_backup_overwrites_nothing_unasked_and_leaves_nothing_when_stopped() {
    let (dir, out) = (library(0..4), tempfile::tempdir().unwrap());
    let file = out.path().join("backup.sqlite");
    assert!(!Catalog::back_up(dir.path(), &file, false, &mut |_, _| false).unwrap());
    assert_eq!(std::fs::read_dir(out.path()).unwrap().count(), 0);
    std::fs::write(&file, "mine").unwrap();
    let error = Catalog::back_up(dir.path(), &file, false, &mut |_, _| true).unwrap_err();
    assert_eq!(error.code(), "backup_exists");
    assert_eq!(std::fs::read(&file).unwrap(), b"mine");
    assert!(Catalog::back_up(dir.path(), &file, true, &mut |_, _| true).unwrap());
}

#[test]
fn a_cut_or_foreign_file_is_not_restored() {
    let (dir, out) = (library(0..40), tempfile::tempdir().unwrap());
    let file = out.path().join("backup.sqlite");
    Catalog::back_up(dir.path(), &file, false, &mut |_, _| true).unwrap();
    let whole = std::fs::read(&file).unwrap();
    std::fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    assert_eq!(Catalog::restore(dir.path(), &file).unwrap_err().code(), "catalogue_corrupt");
    std::fs::write(&file, "a letter to my aunt, long enough to hold a header").unwrap();
    assert_eq!(Catalog::restore(dir.path(), &file).unwrap_err().code(), "not_a_catalogue");
    assert_eq!(photos(dir.path()), 40);
}

#[test]
fn a_library_in_use_is_not_replaced() {
    let (dir, out) = (library(0..4), tempfile::tempdir().unwrap());
    let file = out.path().join("backup.sqlite");
    Catalog::back_up(dir.path(), &file, false, &mut |_, _| true).unwrap();
    let user = Catalog::open(dir.path()).unwrap();
    assert_eq!(Catalog::restore(dir.path(), &file).unwrap_err().code(), "library_locked");
    add(&user, 4..6);
    drop(user);
    assert_eq!(photos(dir.path()), 6);
}
