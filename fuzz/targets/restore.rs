//! Any bytes as a backup with jobs in it: restored, or refused with an error. What was restored is sound and has no job;
//! what is opened without a restore keeps no job that this installation did not mark.
#![no_main]

mod memory;

use std::fs;

use libfuzzer_sys::fuzz_target;
use sightline_catalog::{Catalog, Installation};

/// As for a catalogue: SQLite's caches of a few connections, and rows of the file.
fn most(bytes: &[u8]) -> usize {
    64 * memory::MIB + 64 * bytes.len()
}

fuzz_target!(|bytes: &[u8]| {
    memory::bounded(most(bytes), || restored_and_opened(bytes));
});

fn restored_and_opened(bytes: &[u8]) {
    let folder = tempfile::tempdir_in("/dev/shm").expect("a temporary folder");
    let (backup, library) = (folder.path().join("backup"), folder.path().join("library"));
    fs::write(&backup, bytes).expect("the file is written");
    if Catalog::restore(&library, &backup, &mut |_, _, _| true).is_ok()
        && let Ok(catalog) = Catalog::open(&library)
    {
        assert_eq!(catalog.jobs().expect("what was restored can be read"), []);
        // The numbers of jobs may be used up.
        if let Ok(id) = catalog.insert_job("index", "{}") {
            assert_eq!(catalog.jobs().expect("it can be read").last().map(|job| job.id), Some(id));
        }
    }
    let opened = folder.path().join("opened");
    fs::create_dir(&opened).expect("a folder");
    fs::write(opened.join(Catalog::FILE), bytes).expect("the file is written");
    if let Ok(catalog) = Catalog::open(&opened)
        && catalog.keep_jobs_of(&Installation([7; 32])).is_ok()
    {
        assert_eq!(catalog.jobs().ok().unwrap_or_default(), []);
    }
}
