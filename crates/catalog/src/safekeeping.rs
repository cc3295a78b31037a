//! Copies of the catalogue: a backup, its way back, and the one kept before an upgrade.
//!
//! A copy is written under a temporary name, flushed, and renamed, so that it is there whole or not at all.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use crate::error::{CatalogError, Failure};
use crate::status::beside;
use crate::{Catalog, migrations};

/// Pages between two reports of progress; 4 MiB.
const PAGES_A_STEP: i32 = 512;
/// How long a restore waits for another process that has the library open.
const PATIENCE: Duration = Duration::from_millis(500);

impl Catalog {
    /// Copies the library in `dir` to `file`, as it is at this moment, while others go on writing. `progress` is told
    /// the pages copied and their sum, and stops the copy by answering `false`. Returns whether the copy was made.
    ///
    /// # Errors
    /// When there is no library, or `file` is there already and `force` is not set, or cannot be written.
    pub fn back_up(
        dir: &Path,
        file: &Path,
        force: bool,
        progress: &mut dyn FnMut(u64, u64) -> bool,
    ) -> Result<bool, CatalogError> {
        let source = dir.join(Self::FILE);
        if std::fs::canonicalize(&source).ok().is_some_and(|own| std::fs::canonicalize(file).ok() == Some(own)) {
            return Err(CatalogError::BackupExists { path: file.into() });
        }
        if !force && file.symlink_metadata().is_ok() {
            return Err(CatalogError::BackupExists { path: file.into() });
        }
        drop(Self::open_read_only(dir)?);
        let part = beside(file, ".part");
        if !copy(&source, &part, progress)? {
            return Ok(false);
        }
        rename(&part, file)?;
        Ok(true)
    }

    /// Puts the backup `file` in the place of the library in `dir`. Returns where the library lies now that was there
    /// before. A backup of an earlier release is brought up to date when it is opened next.
    ///
    /// # Errors
    /// When `file` is not a sound catalogue or comes from a later release, when another process has the library open,
    /// or the disk is full; then the library stays as it is.
    pub fn restore(dir: &Path, file: &Path) -> Result<Option<PathBuf>, CatalogError> {
        examine(file)?;
        std::fs::create_dir_all(dir).map_err(|error| CatalogError::io(dir, error))?;
        let target = dir.join(Self::FILE);
        let part = beside(&target, ".restoring");
        copy(file, &part, &mut |_, _| true)?;
        examine(&part)?;
        if !target.exists() {
            rename(&part, &target)?;
            return Ok(None);
        }
        let held = hold(&target)?;
        let kept = dated(&target)?;
        // The name never stands for nothing: the old file gets a second one before the new file takes the first.
        if std::fs::hard_link(&target, &kept).is_err() {
            std::fs::copy(&target, &kept).map_err(|error| CatalogError::io(&kept, error))?;
            flush(&kept)?;
        }
        if held.is_none() {
            // A damaged file keeps its log, which must not be read into the new one.
            for end in ["-wal", "-shm"] {
                let log = beside(&target, end);
                if log.exists() {
                    std::fs::rename(&log, beside(&kept, end)).map_err(|error| CatalogError::io(&log, error))?;
                }
            }
        }
        rename(&part, &target)?;
        drop(held);
        Ok(Some(kept))
    }
}

/// Keeps a copy of the database of schema version `found` beside it, and removes those of versions before.
pub(crate) fn keep_before_upgrade(file: &Path, found: u32) -> Result<(), CatalogError> {
    let kept = beside(file, &format!(".v{found}"));
    let part = beside(&kept, ".part");
    copy(file, &part, &mut |_, _| true)?;
    rename(&part, &kept)?;
    for older in 1..found {
        // One that cannot be removed does no harm.
        std::fs::remove_file(beside(file, &format!(".v{older}"))).ok();
    }
    Ok(())
}

/// Copies one state of the database `from` to `part`, flushed; false when stopped, and then nothing is left.
fn copy(from: &Path, part: &Path, progress: &mut dyn FnMut(u64, u64) -> bool) -> Result<bool, CatalogError> {
    discard(part);
    let mut run = || -> Result<bool, Failure> {
        let source = open(from)?;
        // A transaction of its own: what others write meanwhile does not make the copy start again.
        source.execute_batch("BEGIN")?;
        source.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
        let mut target = Connection::open(part)?;
        let backup = Backup::new(&source, &mut target)?;
        loop {
            let step = backup.step(PAGES_A_STEP)?;
            let pages = backup.progress();
            let total = u64::try_from(pages.pagecount).unwrap_or(0);
            let left = u64::try_from(pages.remaining).unwrap_or(0);
            if !progress(total.saturating_sub(left), total) {
                return Ok(false);
            }
            match step {
                StepResult::Done => break,
                StepResult::More => {}
                _ => std::thread::sleep(Duration::from_millis(20)),
            }
        }
        drop(backup);
        // Whole in one file, without a log beside it.
        target.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()))?;
        Ok(true)
    };
    let copied = run().map_err(|failure| failure.at(part)).and_then(|whole| {
        if whole {
            flush(part)?;
        }
        Ok(whole)
    });
    if !matches!(copied, Ok(true)) {
        discard(part);
    }
    copied
}

fn open(file: &Path) -> Result<Connection, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    connection.busy_timeout(Duration::from_secs(10))?;
    Ok(connection)
}

/// Whether the file is a catalogue, whole, and of a version that is known.
fn examine(file: &Path) -> Result<(), CatalogError> {
    crate::connection::inspect(file)?;
    let run = || -> Result<(), Failure> {
        let connection = open(file)?;
        if migrations::version(&connection, file)? == 0 {
            return Err(CatalogError::NotACatalogue { path: file.into() }.into());
        }
        let found: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
        if found != "ok" {
            return Err(CatalogError::Corrupt { path: file.into(), detail: found }.into());
        }
        Ok(())
    };
    run().map_err(|failure| failure.at(file))
}

/// Makes the library one file that nobody else has open, and keeps it so; `None` when it is too damaged for that.
fn hold(file: &Path) -> Result<Option<Connection>, CatalogError> {
    let run = || -> Result<Connection, rusqlite::Error> {
        let connection = Connection::open(file)?;
        connection.busy_timeout(PATIENCE)?;
        // Leaving the write-ahead log needs the file for oneself.
        connection.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()))?;
        connection.execute_batch("BEGIN EXCLUSIVE")?;
        Ok(connection)
    };
    match run().map_err(|error| CatalogError::sql(file, error)) {
        Ok(connection) => Ok(Some(connection)),
        Err(CatalogError::Corrupt { .. } | CatalogError::NotACatalogue { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A name beside the file with today's date and hour that is not taken.
fn dated(file: &Path) -> Result<PathBuf, CatalogError> {
    let now: String = Connection::open_in_memory()
        .and_then(|clock| clock.query_row("SELECT strftime('%Y-%m-%d-%H%M%S', 'now')", [], |row| row.get(0)))
        .map_err(|error| CatalogError::sql(file, error))?;
    let first = beside(file, &format!(".{now}"));
    let further = (2..).map(|number| beside(file, &format!(".{now}-{number}")));
    Ok(std::iter::once(first.clone()).chain(further).find(|name| !name.exists()).unwrap_or(first))
}

fn discard(part: &Path) {
    for end in ["", "-journal", "-wal", "-shm"] {
        // What is not there need not be removed; what cannot be is met again on writing.
        std::fs::remove_file(beside(part, end)).ok();
    }
}

fn flush(file: &Path) -> Result<(), CatalogError> {
    let open = File::options().write(true).open(file);
    open.and_then(|open| open.sync_all()).map_err(|error| CatalogError::io(file, error))
}

fn rename(from: &Path, to: &Path) -> Result<(), CatalogError> {
    std::fs::rename(from, to).map_err(|error| CatalogError::io(to, error))?;
    #[cfg(unix)]
    if let Some(dir) = to.parent().filter(|dir| !dir.as_os_str().is_empty()) {
        File::open(dir).and_then(|dir| dir.sync_all()).map_err(|error| CatalogError::io(to, error))?;
    }
    Ok(())
}
