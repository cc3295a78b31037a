//! Any bytes as a catalogue: opened, upgraded, checked, read and written, and repaired, with an error or not, never a
//! crash. What was repaired is sound.
#![no_main]

mod memory;

use std::fs;

use libfuzzer_sys::fuzz_target;
use sightline_catalog::{Batch, Catalog, CatalogError};

fn use_it(folder: &std::path::Path) -> Result<(), CatalogError> {
    drop(Catalog::open_read_only(folder));
    let catalog = Catalog::open(folder)?;
    catalog.check()?;
    catalog.status()?;
    catalog.jobs()?;
    catalog.known_under(std::path::Path::new("/photos"))?;
    catalog.commit_batch(&Batch::default())?;
    Ok(())
}

/// SQLite's caches of 2 MiB a connection, of which there are a few, and its sorting; and rows of the file, read and written
/// anew.
fn most(bytes: &[u8]) -> usize {
    64 * memory::MIB + 64 * bytes.len()
}

fuzz_target!(|bytes: &[u8]| {
    memory::bounded(most(bytes), || opened_and_repaired(bytes));
});

fn opened_and_repaired(bytes: &[u8]) {
    let folder = tempfile::tempdir_in("/dev/shm").expect("a temporary folder");
    fs::write(folder.path().join(Catalog::FILE), bytes).expect("the file is written");
    drop(use_it(folder.path()));
    fs::write(folder.path().join(Catalog::FILE), bytes).expect("the file is written again");
    drop(Catalog::check_in(folder.path(), &mut |_, _, _| true));
    if Catalog::repair(folder.path(), &mut |_, _, _| true).is_ok() {
        let report = Catalog::check_in(folder.path(), &mut |_, _, _| true).expect("what was repaired can be examined");
        assert!(report.is_well(), "{:?}", report.faults);
    }
}
