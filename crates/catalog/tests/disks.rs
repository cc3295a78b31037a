//! Disks that are read-only or full, as real as the system lets a test make them.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use sightline_catalog::{Batch, Catalog};
use support::{commit, model, photo};

/// Tells a child which library to look at.
const LIBRARY: &str = "SIGHTLINE_TEST_DISK_LIBRARY";
/// A user without rights.
const NOBODY: u32 = 65534;

fn library_of_child() -> Option<PathBuf> {
    std::env::var_os(LIBRARY).map(PathBuf::from)
}

/// Runs one of the ignored tests below in a process of its own, through `shell` if there is one.
fn child(test: &str, library: &Path, unprivileged: bool, shell: Option<&str>) -> std::io::Result<Output> {
    let own = std::env::current_exe()?;
    let mut command = match shell {
        Some(script) => {
            let mut command = Command::new("unshare");
            command.args(["-Urm", "sh", "-c", script, "sh"]).arg(library).arg(&own);
            command
        }
        None => Command::new(&own),
    };
    command.args(["--exact", test, "--ignored", "--nocapture"]).env(LIBRARY, library);
    let root = std::fs::metadata("/proc/self")?.uid() == 0;
    if unprivileged && root {
        command.uid(NOBODY).gid(NOBODY);
    }
    command.output()
}

fn expect_success(test: &str, library: &Path) {
    match child(test, library, true, None) {
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success() && text.contains("1 passed"), "{text}");
        }
        Err(error) => eprintln!("SKIPPED {test}: cannot run as a user without rights: {error}"),
    }
}

fn allow(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// A library of three photos in a folder, writable only by this test; none of its files can be
/// written either.
fn closed_library(dir: &tempfile::TempDir) -> PathBuf {
    allow(dir.path(), 0o755);
    let library = dir.path().join("a library? 100%#1");
    commit(&Catalog::open(&library).unwrap(), (1..=3).map(photo).collect());
    lock(&library);
    library
}

fn lock(library: &Path) {
    for entry in std::fs::read_dir(library).unwrap() {
        allow(&entry.unwrap().path(), 0o444);
    }
    allow(library, 0o555);
}

#[test]
fn a_library_on_a_disk_that_cannot_be_written_can_be_searched() {
    let dir = tempfile::tempdir().unwrap();
    let library = closed_library(&dir);
    expect_success("reads_what_it_cannot_write", &library);
    allow(&library, 0o755);
}

#[test]
#[ignore = "run by the test above"]
fn reads_what_it_cannot_write() {
    let Some(library) = library_of_child() else { return };
    let catalog = Catalog::open_read_only(&library).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                assert_eq!(catalog.load_vectors(&model(), 8).unwrap().len(), 3);
                assert_eq!(catalog.status().unwrap().photos, 3);
            });
        }
    });
    assert!(catalog.check().unwrap().is_well());
    assert_eq!(Catalog::open(&library).unwrap_err().code(), "library_read_only");
    assert_eq!(Catalog::open(&library.join("below")).unwrap_err().code(), "library_denied");
}

/// Leaves the library as a killed writer would: what it committed is in the log only.
fn interrupt_a_writer(library: &Path) {
    let catalog = Catalog::open(library).unwrap();
    commit(&catalog, vec![photo(4)]);
    let copies = ["", "-wal", "-shm"].map(|suffix| {
        let file = library.join(format!("{}{suffix}", Catalog::FILE));
        let bytes = std::fs::read(&file).unwrap();
        (file, bytes)
    });
    drop(catalog);
    for (file, bytes) in copies {
        std::fs::write(file, bytes).unwrap();
    }
}

#[test]
fn what_a_killed_writer_committed_can_be_read_on_a_disk_that_cannot_be_written() {
    let dir = tempfile::tempdir().unwrap();
    let library = closed_library(&dir);
    allow(&library, 0o755);
    allow(&library.join(Catalog::FILE), 0o644);
    interrupt_a_writer(&library);
    lock(&library);
    expect_success("reads_four_photos", &library);
    // Without the shared memory nobody can tell what of the log is committed.
    allow(&library, 0o755);
    std::fs::remove_file(library.join(format!("{}-shm", Catalog::FILE))).unwrap();
    allow(&library, 0o555);
    expect_success("needs_recovery", &library);
    allow(&library, 0o755);
    allow(&library.join(Catalog::FILE), 0o644);
    allow(&library.join(format!("{}-wal", Catalog::FILE)), 0o644);
    assert_eq!(Catalog::open(&library).unwrap().status().unwrap().photos, 4, "nothing was lost");
}

#[test]
#[ignore = "run by the test above"]
fn reads_four_photos() {
    let Some(library) = library_of_child() else { return };
    let catalog = Catalog::open_read_only(&library).unwrap();
    assert_eq!(catalog.status().unwrap().photos, 4);
}

#[test]
#[ignore = "run by the test above"]
fn needs_recovery() {
    let Some(library) = library_of_child() else { return };
    assert_eq!(Catalog::open_read_only(&library).unwrap_err().code(), "library_needs_recovery");
}

#[test]
fn a_library_that_may_not_be_seen_is_denied() {
    let dir = tempfile::tempdir().unwrap();
    let library = closed_library(&dir);
    allow(&library, 0o000);
    expect_success("is_denied", &library);
    allow(&library, 0o755);
    allow(&library.join(Catalog::FILE), 0o000);
    expect_success("is_denied", &library);
}

#[test]
#[ignore = "run by the test above"]
fn is_denied() {
    let Some(library) = library_of_child() else { return };
    assert_eq!(Catalog::open_read_only(&library).unwrap_err().code(), "library_denied");
    assert_eq!(Catalog::open(&library).unwrap_err().code(), "library_denied");
}

#[test]
fn a_full_disk_loses_nothing_that_was_committed() {
    let dir = tempfile::tempdir().unwrap();
    let mount = "mount -t tmpfs -o size=3m tmpfs \"$1\" || exit 77; shift; exec \"$@\"";
    match child("fills_the_disk", dir.path(), false, Some(mount)) {
        Ok(output) if output.status.success() => {
            let text = String::from_utf8_lossy(&output.stdout);
            assert!(text.contains("1 passed"), "{text}");
        }
        Ok(output) if output.status.code() == Some(101) => {
            panic!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
        }
        Ok(output) => eprintln!(
            "SKIPPED a_full_disk_loses_nothing_that_was_committed: no disk of its own ({}): {}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        ),
        Err(error) => eprintln!("SKIPPED a_full_disk_loses_nothing_that_was_committed: {error}"),
    }
}

#[test]
#[ignore = "run by the test above"]
fn fills_the_disk() {
    let Some(disk) = library_of_child() else { return };
    let ballast = disk.join("ballast");
    std::fs::write(&ballast, vec![1; 1 << 20]).unwrap();
    let catalog = Catalog::open(&disk).unwrap();
    let mut committed = 0;
    let error = loop {
        let photos = (0..8).map(|number| photo(committed * 8 + number)).collect();
        match catalog.commit_batch(&Batch { photos, ..Batch::default() }) {
            Ok(_) => committed += 1,
            Err(error) => break error,
        }
        assert!(committed < 10_000, "the disk is never full");
    };
    assert_eq!(error.code(), "disk_full", "{error}");
    let count = || Catalog::open_read_only(&disk).unwrap().status().unwrap().photos;
    assert_eq!(count(), u64::from(committed) * 8);
    assert_eq!(catalog.set_setting("key", &"x".repeat(2 << 20)).unwrap_err().code(), "disk_full");
    std::fs::remove_file(&ballast).unwrap();
    commit(&catalog, vec![photo(1_000_000)]);
    assert!(catalog.check().unwrap().is_well());
    drop(catalog);
    assert_eq!(count(), u64::from(committed) * 8 + 1);
    // Nor can a library be made where there is no room for it.
    std::fs::write(&ballast, vec![1; 8 << 20]).unwrap_err();
    let error = Catalog::open(&disk.join("another")).unwrap_err();
    assert_eq!(error.code(), "disk_full", "{error}");
}
