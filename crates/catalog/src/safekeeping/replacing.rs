//! A library put in the place of another one, of which a copy is kept.
//!
//! SQLite itself writes the new library over the old one, in one transaction in the write-ahead log, and holds the
//! file for itself meanwhile: killed at any instruction, the library is the old one or the new one, and a process that
//! was about to open it opens one of the two. Only a file that SQLite cannot read at all is replaced by name.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode};

use super::copying::{PAGES_A_STEP, copy, copy_to_file};
use super::part::{Part, SIDE_FILES, flush_folder};
use super::{Watch, cut_short, page_bytes};
use crate::CatalogError;
use crate::connection::{self, Journal};
use crate::error::Failure;
use crate::status::beside;

/// How long a library is waited for that another process has open.
const PATIENCE: Duration = Duration::from_millis(500);

/// A library's file, held for oneself.
pub(crate) enum Held {
    /// Nothing is there, or a file without a byte.
    Nothing,
    /// A database that nobody else has open until this is dropped.
    Database(Connection),
    /// A file that SQLite does not take for a database.
    Unreadable,
}

impl Held {
    /// Holds the library in `file`.
    pub fn take(file: &Path) -> Result<Self, CatalogError> {
        match std::fs::metadata(file) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::Nothing),
            Err(error) => return Err(CatalogError::io(file, error)),
            Ok(metadata) if metadata.is_file() && metadata.len() == 0 => return Ok(Self::Nothing),
            Ok(metadata) if metadata.is_file() => {}
            Ok(_) => return Err(CatalogError::NotACatalogue { path: file.into() }),
        }
        let run = || -> rusqlite::Result<Connection> {
            let connection = connection::open_to_write(file)?;
            connection.busy_timeout(PATIENCE)?;
            connection.pragma_update_and_check(None, "locking_mode", "EXCLUSIVE", |_| Ok(()))?;
            // In this mode the lock outlives its transaction.
            connection.execute_batch("BEGIN EXCLUSIVE; COMMIT")?;
            Ok(connection)
        };
        match run() {
            Ok(connection) => Ok(Self::Database(connection)),
            Err(error) => match error.sqlite_error_code() {
                Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => Ok(Self::Unreadable),
                Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                    Err(CatalogError::InUse { path: file.into() })
                }
                _ => Err(CatalogError::sql(file, error)),
            },
        }
    }

    /// What is wrong with the file's length, if anything is.
    pub fn cut_short(&self, file: &Path) -> Result<Option<String>, CatalogError> {
        let Self::Database(connection) = self else { return Ok(None) };
        let size = page_bytes(connection).map_err(|error| CatalogError::sql(file, error))?;
        cut_short(file, size)
    }

    /// Copies the library held to `part`, to be worked on.
    pub fn copy_to(&self, file: &Path, part: &Path, watch: &mut Watch<'_>) -> Result<(), CatalogError> {
        match self {
            Self::Database(connection) => copy_to_file(connection, part, PAGES_A_STEP, "copy", watch)
                .map_err(|failure| failure.at(part).renamed(part, file)),
            Self::Nothing | Self::Unreadable => {
                std::fs::copy(file, part).map(drop).map_err(|error| CatalogError::io(file, error))
            }
        }
    }

    /// Puts `part`, a sound database in one file, in the place of the library. Returns where that is kept.
    pub fn replace(self, file: &Path, part: Part, watch: &mut Watch<'_>) -> Result<Option<PathBuf>, CatalogError> {
        let kept = dated(file)?;
        match self {
            Self::Database(mut held) => {
                let copy_kept = Part::of(&kept)?;
                let named = |failure: Failure| failure.at(copy_kept.path()).renamed(copy_kept.path(), &kept);
                copy_to_file(&held, copy_kept.path(), PAGES_A_STEP, "keep", watch).map_err(named)?;
                keep_rights(file, copy_kept.path());
                copy_kept.take_name(&kept)?;
                overwrite(&mut held, part.path(), Journal::of(file), watch).map_err(|failure| failure.at(file))?;
                Ok(Some(kept))
            }
            Self::Nothing => {
                // The log of a database that is gone must not be read into another one.
                let kept = move_logs(file, &kept)?;
                part.take_name(file)?;
                Ok(kept)
            }
            Self::Unreadable => {
                // First all of it gets a second name: only then may the first be lost.
                for end in ["-wal", "-journal", ""] {
                    let (from, to) = (beside(file, end), beside(&kept, end));
                    if from.exists() && std::fs::hard_link(&from, &to).is_err() {
                        std::fs::copy(&from, &to).map_err(|error| CatalogError::io(&to, error))?;
                    }
                }
                flush_folder(file)?;
                keep_rights(file, part.path());
                // No log may lie beside the new file, not for an instant. SQLite could read nothing of the old one
                // with it; whoever can finds both under the other name.
                for end in SIDE_FILES {
                    let log = beside(file, end);
                    if log.exists() {
                        std::fs::remove_file(&log).map_err(|error| CatalogError::io(&log, error))?;
                    }
                }
                flush_folder(file)?;
                part.take_name(file)?;
                Ok(Some(kept))
            }
        }
    }
}

/// Writes the database `part` over the one held, in one transaction.
fn overwrite(held: &mut Connection, part: &Path, journal: Journal, watch: &mut Watch<'_>) -> Result<(), Failure> {
    // Every commit is flushed, as is SQLite's way unless it is told otherwise. A reader who meets a half-written file
    // with a rollback journal could not put it right; on a share there is no other way, and the next writer does.
    held.pragma_update(None, "fullfsync", true)?;
    let mode = held.pragma_update_and_check(None, "journal_mode", journal.mode(), |row| row.get::<_, String>(0));
    match mode {
        Ok(_) => {}
        // A damaged schema; a library of this program has the log already.
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt) => {}
        Err(error) => return Err(error.into()),
    }
    let new = Connection::open(part)?;
    let wanted = page_bytes(held)?;
    if page_bytes(&new)? != wanted {
        // A log takes pages of one size only.
        new.pragma_update(None, "page_size", wanted.cast_signed())?;
        new.execute_batch("VACUUM")?;
    }
    let total = copy(&new, held, PAGES_A_STEP, "replace", watch)?;
    // Too late to stop.
    watch("replace", total, total);
    // Should that fail, the next one to open the library does it. Without such a log it does nothing.
    held.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).ok();
    Ok(())
}

/// Moves what lies beside a database that is gone; returns its new name, if anything did.
fn move_logs(file: &Path, kept: &Path) -> Result<Option<PathBuf>, CatalogError> {
    let mut moved = None;
    for end in SIDE_FILES {
        let (from, to) = (beside(file, end), beside(kept, end));
        if from.exists() {
            std::fs::rename(&from, &to).map_err(|error| CatalogError::io(&from, error))?;
            moved = Some(to);
        }
    }
    flush_folder(file)?;
    Ok(moved)
}

/// The copy is for the eyes of those who may read the original.
fn keep_rights(original: &Path, copy: &Path) {
    // A disk without rights keeps none.
    std::fs::metadata(original).and_then(|metadata| std::fs::set_permissions(copy, metadata.permissions())).ok();
}

/// A name beside the file with today's date and hour that is not taken.
fn dated(file: &Path) -> Result<PathBuf, CatalogError> {
    let now: String = Connection::open_in_memory()
        .and_then(|clock| clock.query_row("SELECT strftime('%Y-%m-%d-%H%M%S', 'now')", [], |row| row.get(0)))
        .map_err(|error| CatalogError::sql(file, error))?;
    let first = beside(file, &format!(".{now}"));
    let further = (2..).map(|number| beside(file, &format!(".{now}-{number}")));
    Ok(std::iter::once(first.clone()).chain(further).find(|name| name.symlink_metadata().is_err()).unwrap_or(first))
}
