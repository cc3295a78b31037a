//! One state of a database, copied page by page.

use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use super::Watch;
use crate::error::{CatalogError, Failure};
use crate::{check, connection};

/// Pages between two reports of progress; 4 MiB.
pub(super) const PAGES_A_STEP: i32 = 512;
/// How often somebody who waits for a long statement is asked whether to go on.
const ASK_EVERY: Duration = Duration::from_millis(100);

/// Opens a database of any schema to be copied from, at the state that it has now.
pub(super) fn source(file: &Path) -> Result<Connection, CatalogError> {
    let connection = match connection::first_reader(file) {
        Ok((connection, _)) => connection,
        // As good as any, for a copy.
        Err(CatalogError::NeedsUpgrade { .. }) => open(file).map_err(|error| CatalogError::sql(file, error))?,
        Err(error) => return Err(error),
    };
    // A transaction of its own: what others write meanwhile does not make the copy start again.
    hold_state(&connection).map_err(|error| CatalogError::sql(file, error))?;
    Ok(connection)
}

/// Begins a transaction that sees the database as it is now. Reading a number of the header begins it and needs no
/// schema, which may be damaged.
pub(super) fn hold_state(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch("BEGIN")?;
    connection.pragma_query_value(None, "application_id", |row| row.get::<_, i64>(0)).map(drop)
}

pub(crate) fn open(file: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    connection.busy_timeout(Duration::from_secs(10))?;
    connection::distrust(&connection)?;
    Ok(connection)
}

/// Copies `source` to the file `part`, `pages` at a time, so that it is whole in one file, without a log beside it.
pub(super) fn copy_to_file(
    source: &Connection,
    part: &Path,
    pages: i32,
    phase: &'static str,
    watch: &mut Watch<'_>,
) -> Result<(), Failure> {
    let mut target = Connection::open(part)?;
    // The file is nobody's until it has its name: nothing needs to be rolled back.
    target.pragma_update(None, "synchronous", "OFF")?;
    let total = copy(source, &mut target, pages, phase, watch)?;
    if !watch(phase, total, total) {
        return Err(CatalogError::Stopped.into());
    }
    let left_log = target.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()));
    match left_log.map_err(|error| CatalogError::sql(part, error)) {
        // A damaged schema; then its log is emptied when it is closed.
        Err(CatalogError::Corrupt { .. }) => Ok(()),
        other => Ok(other?),
    }
}

/// Copies `source` over all that is in `target`, in one transaction; returns the number of pages.
pub(super) fn copy(
    source: &Connection,
    target: &mut Connection,
    pages: i32,
    phase: &'static str,
    watch: &mut Watch<'_>,
) -> Result<u64, Failure> {
    let backup = Backup::new(source, target)?;
    loop {
        let step = backup.step(pages)?;
        let progress = backup.progress();
        let total = u64::try_from(progress.pagecount).unwrap_or(0);
        let left = u64::try_from(progress.remaining).unwrap_or(0);
        if matches!(step, StepResult::Done) {
            return Ok(total);
        }
        if !watch(phase, total.saturating_sub(left), total) {
            return Err(CatalogError::Stopped.into());
        }
        if !matches!(step, StepResult::More) {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Runs `work`, which may be one long statement, while `watch` may stop it.
pub(crate) fn watched<T: Send>(
    connection: &mut Connection,
    phase: &'static str,
    watch: &mut Watch<'_>,
    work: impl FnOnce(&mut Connection) -> Result<T, Failure> + Send,
) -> Result<T, Failure> {
    let interrupt = connection.get_interrupt_handle();
    std::thread::scope(|scope| {
        let (done, result) = channel();
        scope.spawn(move || {
            // The other end waits for it.
            done.send(work(connection)).ok();
        });
        loop {
            match result.recv_timeout(ASK_EVERY) {
                Ok(result) => return result,
                Err(RecvTimeoutError::Timeout) if watch(phase, 0, 0) => {}
                Err(RecvTimeoutError::Timeout) => interrupt.interrupt(),
                // It panicked, which the scope passes on.
                Err(RecvTimeoutError::Disconnected) => return Err(CatalogError::Stopped.into()),
            }
        }
    })
}

/// Whether the file is a catalogue, whole, of a version that is known and with its schema.
pub(crate) fn examine(file: &Path, watch: &mut Watch<'_>) -> Result<(), CatalogError> {
    connection::inspect(file)?;
    let mut run = || -> Result<(), Failure> {
        let mut connection = open(file)?;
        if connection::ours(&mut connection, file)? == 0 {
            return Err(CatalogError::NotACatalogue { path: file.into() }.into());
        }
        let found = watched(&mut connection, "check", watch, |connection| check::first_fault_of_pages(connection))?;
        match found {
            Some(detail) => Err(CatalogError::Corrupt { path: file.into(), detail }.into()),
            None => Ok(()),
        }
    };
    run().map_err(|failure| failure.at(file))
}
