//! A limit of time on statements, so that no file can make one that never ends.
//!
//! A damaged file, or one that was made to, may have pages that lead to each other in circles: to whoever follows them
//! it has more rows than there are. A sound file of a size can be read in a time that follows from its size, on the
//! slowest of disks; what takes longer is ended.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode};

use crate::error::{CatalogError, Failure};

/// Steps of SQLite between two looks at the clock: some ten microseconds.
const STEPS: i32 = 2000;
/// Bytes that the slowest of disks reads in a second, and a processor looks through.
const BYTES_A_SECOND: u64 = 4 << 20;

/// For reading: what takes longer on a small library is no library.
pub(crate) const READING: Duration = Duration::from_secs(10);
/// For one transaction of writing.
pub(crate) const WRITING: Duration = Duration::from_secs(60);
/// For an upgrade, which writes whole tables anew.
pub(crate) const UPGRADING: Duration = Duration::from_secs(300);

/// Runs `work` on a connection to `file`; its statements are ended when `base` and the time that the file's size
/// accounts for are over. Work that is one step of SQLite, such as counting a whole table, must not be among them: the
/// clock is looked at between steps.
pub(crate) fn within<T>(
    connection: &mut Connection,
    file: &Path,
    base: Duration,
    work: impl FnOnce(&mut Connection) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let bytes = std::fs::metadata(file).map_or(0, |metadata| metadata.len());
    let limit = base + Duration::from_secs(bytes / BYTES_A_SECOND);
    // From the first step on: before that, another process is waited for.
    let mut end = None;
    let is_over = Arc::new(AtomicBool::new(false));
    let tell = is_over.clone();
    connection.progress_handler(
        STEPS,
        Some(move || {
            let now = Instant::now();
            let is_late = now >= *end.get_or_insert(now + limit);
            if is_late {
                tell.store(true, Ordering::Relaxed);
            }
            is_late
        }),
    )?;
    let result = work(connection);
    connection.progress_handler(0, None::<fn() -> bool>)?;
    match result {
        Err(Failure::Sql(error))
            if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted)
                && is_over.load(Ordering::Relaxed) =>
        {
            Err(CatalogError::Endless { path: file.into() }.into())
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENDLESS: &str = "WITH RECURSIVE c (x) AS (VALUES (1) UNION ALL SELECT x + 1 FROM c) SELECT max(x) FROM c";

    #[test]
    fn a_statement_without_end_is_ended_and_the_next_one_runs() {
        let mut connection = Connection::open_in_memory().unwrap();
        let file = Path::new("/no/such/file");
        let started = Instant::now();
        let result = within(&mut connection, file, Duration::from_millis(50), |connection| {
            Ok(connection.query_row(ENDLESS, [], |row| row.get::<_, i64>(0))?)
        });
        let Err(Failure::Catalog(error)) = result else { panic!("it ended by itself") };
        assert_eq!(error.code(), "catalogue_endless");
        assert!(started.elapsed() < Duration::from_secs(20));
        let long =
            "WITH RECURSIVE c (x) AS (VALUES (1) UNION ALL SELECT x + 1 FROM c LIMIT 200000) SELECT max(x) FROM c";
        let long: i64 = connection.query_row(long, [], |row| row.get(0)).unwrap();
        assert_eq!(long, 200_000, "no clock is left behind");
    }
}
