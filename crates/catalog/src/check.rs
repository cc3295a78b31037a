//! Whether the catalogue is sound.

use std::path::Path;
use std::time::Instant;

use rusqlite::{Connection, Row};

use crate::deadline::{READING, within};
use crate::error::Failure;
use crate::safekeeping::{cut_short, page_bytes, watched};
use crate::tables::{missing, words};
use crate::{Catalog, CatalogError, Watch, connection, plain};

/// What a check found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// What is wrong, one sentence each.
    pub faults: Vec<String>,
}

impl CheckReport {
    /// Whether nothing is wrong.
    pub fn is_well(&self) -> bool {
        self.faults.is_empty()
    }
}

/// At most so many faults of pages and indexes are told.
const PAGE_FAULTS: usize = 100;

/// Counts that must be zero in a sound catalogue.
const RULES: [(&str, &str); 3] = [
    ("photo hashes that are not of 32 bytes", "SELECT count(*) FROM photo WHERE length(hash) <> 32"),
    (
        "files that are listed both as a photo and as a problem",
        "SELECT count(*) FROM location WHERE path IN (SELECT path FROM problem)",
    ),
    ("photos that lie nowhere and are not listed so, or the other way round", missing::UNEQUAL),
];

/// The vectors, each with the bytes that its model's have.
const VECTORS: &str = "SELECT vector.rowid, vector.data, 2 * model.dims FROM vector
    JOIN model ON model.id = vector.model_id";

impl Catalog {
    /// Examines every page, index and reference; takes a few times as long as reading the file. What is wrong is in the
    /// report, also when it is so much that not all could be examined.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn check(&self) -> Result<CheckReport, CatalogError> {
        // It takes as long as it takes. Not by a reader in use: FTS5 keeps what it read of the index of words with the
        // connection, and calls an index damaged that has changed since.
        let mut reader = self.another_reader()?;
        let faults = connection::ours(&mut reader, self.file()).and_then(|_| examine(&mut reader, self.file()));
        match faults.map_err(|failure| failure.at(self.file())) {
            Ok(faults) => Ok(CheckReport { faults }),
            Err(error) => as_fault(error),
        }
    }

    /// As [`Catalog::check`], of the library in `dir`, which need not open. Not for one that this process has open.
    ///
    /// # Errors
    /// When there is no library, it is of another schema version, or cannot be read, and when `watch` stops it.
    pub fn check_in(dir: &Path, watch: &mut Watch<'_>) -> Result<CheckReport, CatalogError> {
        let file = dir.join(Self::FILE);
        plain::must_be_plain(&file)?;
        connection::leave_log(&file);
        let found = connection::first_reader(&file).and_then(|(mut connection, _)| {
            let size = page_bytes(&connection).map_err(|error| CatalogError::sql(&file, error))?;
            let cut = cut_short(&file, size)?;
            let faults = watched(&mut connection, "check", watch, |connection| examine(connection, &file));
            Ok(cut.into_iter().chain(faults.map_err(|failure| failure.at(&file))?).collect())
        });
        match found {
            Ok(faults) => Ok(CheckReport { faults }),
            Err(CatalogError::Missing { .. }) => Err(CatalogError::Missing { path: dir.into() }),
            Err(error) => as_fault(error),
        }
    }
}

/// The report on a library that is such that it does not open.
fn as_fault(error: CatalogError) -> Result<CheckReport, CatalogError> {
    let faults = match error {
        CatalogError::Corrupt { detail, .. } => {
            vec![format!("the file is damaged so much that it cannot be opened: {detail}")]
        }
        CatalogError::ForeignSchema { differences, .. } => differences,
        CatalogError::Endless { .. } => vec![ENDLESS.into()],
        error => return Err(error),
    };
    Ok(CheckReport { faults })
}

/// How a fault of a page begins.
const PAGE_DAMAGED: &str = "a page of the file is damaged";

/// Whether a fault is such that no statement may be run that reads whole tables: it may not come to an end.
pub(crate) fn is_of_pages(fault: &str) -> bool {
    fault.starts_with(PAGE_DAMAGED) || fault == ENDLESS
}

/// What is said of a file whose rows do not come to an end.
pub(crate) const ENDLESS: &str = "reading a part of the file does not come to an end";

/// A part of the check: what it finds.
type Examination = fn(&Connection) -> Result<Vec<String>, Failure>;

/// All that is wrong in a file whose schema is ours.
///
/// Once its pages are found to belong to one tree each, no statement takes longer than the file's size accounts for.
/// In one where they do not, the rest is looked at for a limited time.
pub(crate) fn examine(connection: &mut Connection, file: &Path) -> Result<Vec<String>, Failure> {
    connection.execute_batch("BEGIN")?;
    let faults = examine_state(connection, file);
    connection.execute_batch("COMMIT")?;
    faults
}

fn examine_state(connection: &mut Connection, file: &Path) -> Result<Vec<String>, Failure> {
    let mut faults: Vec<String> = Vec::new();
    let is_whole = match first_fault_of_pages(connection) {
        Ok(found) => found.is_none(),
        Err(failure) => {
            faults.push(unreadable(failure)?);
            false
        }
    };
    let parts: &[Examination] =
        if is_whole { &[references, vectors, rules] } else { &[pages, references, vectors, rules] };
    let started = Instant::now();
    for examine_part in parts {
        // One time for all of them.
        let left = READING.saturating_sub(started.elapsed());
        let found = match is_whole {
            true => examine_part(connection),
            false => within(connection, file, left, |connection| examine_part(connection)),
        };
        match found {
            Ok(found) => faults.extend(found.into_iter().filter(|fault| !faults.contains(fault)).collect::<Vec<_>>()),
            Err(failure) => {
                let fault = unreadable(failure)?;
                if !faults.contains(&fault) {
                    faults.push(fault);
                }
            }
        }
    }
    Ok(faults)
}

/// The first thing that SQLite finds wrong with the file's pages. It looks at each page once before it follows any row,
/// and goes no further when one belongs to two trees.
pub(crate) fn first_fault_of_pages(connection: &Connection) -> Result<Option<String>, Failure> {
    let found: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    Ok((found != "ok").then(|| found.replace('\n', " ")))
}

/// The sentence for damage that was met, unless the failure is of another kind.
fn unreadable(failure: Failure) -> Result<String, Failure> {
    match &failure {
        Failure::Sql(error) if is_damage(error) => Ok(format!("a part of the file cannot be read: {error}")),
        Failure::Catalog(CatalogError::Endless { .. }) => Ok(ENDLESS.into()),
        _ => Err(failure),
    }
}

/// Whether SQLite stumbled over the file, and not over the disk or a person's wish to stop.
pub(crate) fn is_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{ConstraintViolation, DatabaseCorrupt, NotADatabase, Unknown};
    let code = error.sqlite_error_code();
    // Of a damaged table of words, or of a schema that lacks something, it says no more than that it failed.
    code.is_none() || matches!(code, Some(DatabaseCorrupt | NotADatabase | ConstraintViolation | Unknown))
}

fn pages(connection: &Connection) -> Result<Vec<String>, Failure> {
    let sql = format!("PRAGMA integrity_check({PAGE_FAULTS})");
    let mut statement = connection.prepare(&sql)?;
    let mut faults: Vec<String> = Vec::new();
    for line in statement.query_map([], |row| row.get::<_, String>(0))? {
        let line = match line {
            Ok(line) => line,
            // It gives up at some damage; what it said before counts.
            Err(error) => {
                faults.push(unreadable(error.into())?);
                break;
            }
        };
        for line in line.lines() {
            if let Some(fault) = in_words(line)
                && !faults.contains(&fault)
            {
                faults.push(fault);
            }
        }
    }
    Ok(faults)
}

/// SQLite's finding in plain words; `None` where it finds nothing.
fn in_words(line: &str) -> Option<String> {
    let (number, rest) = line.split_once(' ').unwrap_or((line, ""));
    if line == "ok" || line.starts_with("*** in database") {
        return None;
    }
    let index = |words: &str| rest.rsplit_once(words).map(|(_, index)| index);
    Some(if let Some(index) = index("missing from index ").or_else(|| index("entries in index ")) {
        format!("the index {index} does not agree with its table")
    } else if let Some(index) = index("non-unique entry in index ") {
        format!("the index {index} holds what may be there only once twice")
    } else if line.contains("FTS5") {
        format!("the table of words is damaged ({line})")
    } else if number == "Tree" || number == "Page" || number == "Freelist" || number == "Freelist:" {
        format!("{PAGE_DAMAGED} ({line})")
    } else {
        format!("a row is damaged ({line})")
    })
}

fn references(connection: &Connection) -> Result<Vec<String>, Failure> {
    let mut statement = connection.prepare("PRAGMA foreign_key_check")?;
    let row = |row: &Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, String>(2)?));
    let mut counts = std::collections::BTreeMap::<_, usize>::new();
    for orphan in statement.query_map([], row)? {
        *counts.entry(orphan?).or_default() += 1;
    }
    let sentence = |((table, parent), count)| {
        let (noun, verb) = if count == 1 { ("row", "refers") } else { ("rows", "refer") };
        format!("{count} {noun} of {table} {verb} to a {parent} that is not there")
    };
    Ok(counts.into_iter().map(sentence).collect())
}

fn vectors(connection: &Connection) -> Result<Vec<String>, Failure> {
    let (mut wrong, mut not_finite) = (0, 0);
    each_bad_vector(connection, &mut |_, length| if length { wrong += 1 } else { not_finite += 1 })?;
    let told = [
        (wrong, "vectors of a length that is not their model's"),
        (not_finite, "vectors that hold something that is no number"),
    ];
    Ok(told.into_iter().filter(|(count, _)| *count > 0).map(|(count, rule)| format!("{rule}: {count}")).collect())
}

/// Shows the row of each vector that no search can use, and whether it is its length that is wrong.
pub(crate) fn each_bad_vector(connection: &Connection, show: &mut dyn FnMut(i64, bool)) -> Result<(), Failure> {
    let mut statement = connection.prepare(VECTORS)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (id, bytes) = (row.get(0)?, row.get::<_, i64>(2)?);
        let data = row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
        if i64::try_from(data.len()).ok() != Some(bytes) {
            show(id, true);
        } else if !data.as_chunks::<2>().0.iter().all(|half| half::f16::from_le_bytes(*half).is_finite()) {
            show(id, false);
        }
    }
    Ok(())
}

fn rules(connection: &Connection) -> Result<Vec<String>, Failure> {
    let mut faults = Vec::new();
    for (rule, sql) in RULES {
        let count: i64 = connection.query_row(sql, [], |row| row.get(0))?;
        if count > 0 {
            faults.push(format!("{rule}: {count}"));
        }
    }
    let count = words::unequal(connection)?;
    if count > 0 {
        faults.push(format!("photos whose words are not those of their captions and keywords: {count}"));
    }
    Ok(faults)
}
