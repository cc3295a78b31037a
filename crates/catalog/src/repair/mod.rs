//! A damaged library made sound again, without loss of what a person made.
//!
//! All work is done on copies: what was there is kept beside, and only a library that passes the check takes its place.
//! What SQLite can read is mended; a file that stays damaged is read page by page into a new one.

mod mend;
mod pages;
mod record;
mod roots;
mod salvage;
mod shape;

use std::path::{Path, PathBuf};

use rusqlite::Connection;

use crate::check::{ENDLESS, examine, is_damage, is_of_pages};
use crate::deadline::{UPGRADING, within};
use crate::error::{CatalogError, Failure};
use crate::migrations::{self, KNOWN};
use crate::safekeeping::{Held, Part, watched};
use crate::{Catalog, Watch, connection, plain};

/// What a repair found and did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RepairReport {
    /// What was wrong, one sentence each; nothing in a sound library, which is left as it is.
    pub faults: Vec<String>,
    /// Where the library lies as it was before; none when nothing was wrong.
    pub kept: Option<PathBuf>,
    /// What was put right, one sentence each.
    pub mended: Vec<String>,
    /// What could be read of a file that had to be made anew.
    pub salvage: Option<Salvage>,
}

/// What could be read of a damaged file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Salvage {
    /// The tables that held something, by name.
    pub tables: Vec<Saved>,
    /// Pages that could not be read.
    pub unread_pages: u64,
    /// Files that the next indexing reads again, since something of their photos was lost.
    pub read_again: u64,
}

/// What became of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// Its name.
    pub table: String,
    /// Rows saved.
    pub saved: u64,
    /// Those of them that were put together from the table's indexes; what is missing stands in the photos' files.
    pub rebuilt: u64,
    /// Rows lost.
    pub lost: u64,
    /// Whether more may be lost: nothing tells how many rows the pages held that could not be read.
    pub at_least: bool,
}

impl Catalog {
    /// Repairs the library in `dir`, which no process may have open. Returns what was done.
    ///
    /// # Errors
    /// When another process has the library open, the file is none of this program's or of a later release, too little
    /// of it can be read, the disk is full, or `watch` stops it. Then the library is as it was.
    pub fn repair(dir: &Path, watch: &mut Watch<'_>) -> Result<RepairReport, CatalogError> {
        let file = dir.join(Self::FILE);
        plain::must_be_plain(&file)?;
        let held = Held::take(&file)?;
        if matches!(held, Held::Nothing) {
            return Err(CatalogError::Missing { path: dir.into() });
        }
        // The copy will be of whole pages.
        let mut report = RepairReport { faults: Vec::from_iter(held.cut_short(&file)?), ..RepairReport::default() };
        let part = Part::of(&file)?;
        held.copy_to(&file, part.path(), watch)?;
        let named = |error: CatalogError| error.renamed(part.path(), &file);
        let sound = match mend(&part, &mut report, watch).map_err(named)? {
            Mended::WasWell => return Ok(report),
            Mended::IsWell => part,
            Mended::No => {
                let new = Part::of(&file)?;
                let named = |error: CatalogError| error.renamed(new.path(), &file);
                report.salvage = Some(salvage::salvage(part.path(), new.path(), watch).map_err(named)?);
                drop(part);
                let (mended, left) = mend_rows(new.path(), watch).map_err(named)?;
                if let Some(detail) = left.into_iter().next() {
                    return Err(CatalogError::BeyondRepair { path: file, detail });
                }
                report.mended = vec!["what can be read was put into a new file".into()];
                report.mended.extend(mended);
                new
            }
        };
        report.kept = held.replace(&file, sound, watch)?;
        Ok(report)
    }
}

enum Mended {
    WasWell,
    IsWell,
    No,
}

/// Mends a copy in place, if SQLite can.
fn mend(part: &Part, report: &mut RepairReport, watch: &mut Watch<'_>) -> Result<Mended, CatalogError> {
    let mut run = || -> Result<Mended, Failure> {
        let mut connection = connection::open_to_write(part.path())?;
        let found = connection::ours(&mut connection, part.path())?;
        if found == 0 {
            return Err(CatalogError::NotACatalogue { path: part.path().into() }.into());
        }
        if found < KNOWN {
            within(&mut connection, part.path(), UPGRADING, |connection| {
                let transaction = connection.transaction()?;
                migrations::lift(&transaction, found, KNOWN)?;
                Ok(transaction.commit()?)
            })?;
        }
        report.faults.extend(watched(&mut connection, "check", watch, |connection| examine(connection, part.path()))?);
        if report.faults.is_empty() {
            return Ok(Mended::WasWell);
        }
        if report.faults.iter().any(|fault| is_of_pages(fault)) {
            // Page by page, none is read twice.
            return Ok(Mended::No);
        }
        let (mended, left) = mend_examined(&mut connection, part.path(), watch)?;
        report.mended = mended;
        Ok(if left.is_empty() { Mended::IsWell } else { Mended::No })
    };
    match run() {
        Err(Failure::Sql(error)) if is_damage(&error) => {
            if report.faults.is_empty() {
                report.faults.push(format!("the file is damaged so much that it cannot be opened: {error}"));
            }
            Ok(Mended::No)
        }
        // What somebody else made of it is not run: what is in its tables is read page by page.
        Err(Failure::Catalog(CatalogError::ForeignSchema { differences, .. })) => {
            report.faults.extend(differences);
            Ok(Mended::No)
        }
        Err(Failure::Catalog(CatalogError::Endless { .. })) => {
            if report.faults.is_empty() {
                report.faults.push(ENDLESS.into());
            }
            report.mended.clear();
            Ok(Mended::No)
        }
        other => other.map_err(|failure| failure.at(part.path())),
    }
}

/// Mends a new file, whose pages are whole and whose rows may be as wrong as they were. Returns what was mended, and what
/// is still wrong.
fn mend_rows(file: &Path, watch: &mut Watch<'_>) -> Result<(Vec<String>, Vec<String>), CatalogError> {
    let mut run = || -> Result<(Vec<String>, Vec<String>), Failure> {
        let mut connection = connection::open_to_write(file)?;
        connection::ours(&mut connection, file)?;
        let faults = watched(&mut connection, "check", watch, |connection| examine(connection, file))?;
        if faults.is_empty() {
            return Ok((Vec::new(), faults));
        }
        mend_examined(&mut connection, file, watch)
    };
    run().map_err(|failure| failure.at(file))
}

/// Mends a library in which faults were found, and examines it again.
fn mend_examined(
    connection: &mut Connection,
    file: &Path,
    watch: &mut Watch<'_>,
) -> Result<(Vec<String>, Vec<String>), Failure> {
    let mended = watched(connection, "mend", watch, |connection| within(connection, file, UPGRADING, mend::mend))?;
    let left = watched(connection, "check", watch, |connection| examine(connection, file))?;
    Ok((mended, left))
}
