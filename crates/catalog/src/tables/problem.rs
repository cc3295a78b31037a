//! Files and folders that could not be read, and why.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, Row};

use crate::path_bytes;
use crate::{Catalog, CatalogError};

pub(crate) const V1: &str = "
CREATE TABLE problem (
    path BLOB NOT NULL PRIMARY KEY,
    code TEXT NOT NULL,
    reason TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    modified_ns INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
";

/// A file or folder that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Absolute path.
    pub path: PathBuf,
    /// A short stable code.
    pub code: String,
    /// What is wrong with it, for people.
    pub reason: String,
    /// Size when it was tried, in bytes.
    pub size_bytes: u64,
    /// Time of last change when it was tried, in nanoseconds since 1970.
    pub modified_ns: i64,
}

/// Puts `problem` on the list; what lay at its path before is no longer there.
pub(crate) fn put(connection: &Connection, problem: &Problem) -> rusqlite::Result<()> {
    let path = path_bytes::encode(&problem.path);
    connection.prepare_cached("DELETE FROM location WHERE path = ?1")?.execute([&path])?;
    let sql = "INSERT INTO problem (path, code, reason, size_bytes, modified_ns) VALUES (?1, ?2, ?3, ?4, ?5)
               ON CONFLICT (path) DO UPDATE SET code = excluded.code, reason = excluded.reason,
                   size_bytes = excluded.size_bytes, modified_ns = excluded.modified_ns";
    let values = (&path, &problem.code, &problem.reason, problem.size_bytes as i64, problem.modified_ns);
    connection.prepare_cached(sql)?.execute(values).map(drop)
}

/// Takes the problem at `path` off the list; returns how many there were.
pub(crate) fn remove(connection: &Connection, path: &[u8]) -> rusqlite::Result<usize> {
    connection.prepare_cached("DELETE FROM problem WHERE path = ?1")?.execute([path])
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Problem> {
    Ok(Problem {
        path: path_bytes::decode(row.get(0)?),
        code: row.get(1)?,
        reason: row.get(2)?,
        size_bytes: row.get::<_, i64>(3)?.cast_unsigned(),
        modified_ns: row.get(4)?,
    })
}

impl Catalog {
    /// Everything that could not be read, by path.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn problems(&self) -> Result<Vec<Problem>, CatalogError> {
        self.read(|transaction| {
            let sql = "SELECT path, code, reason, size_bytes, modified_ns FROM problem ORDER BY path";
            let mut statement = transaction.prepare_cached(sql)?;
            Ok(statement.query_map([], from_row)?.collect::<Result<_, _>>()?)
        })
    }

    /// Takes `path` off the list, so that the next scan tries it again; says whether it was on it.
    ///
    /// # Errors
    /// When the library cannot be written.
    pub fn clear_problem(&self, path: &Path) -> Result<bool, CatalogError> {
        let path = path_bytes::encode(path);
        self.write(|transaction| Ok(remove(transaction, &path)? > 0))
    }
}
