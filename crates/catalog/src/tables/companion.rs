//! Files that belong to a photo's file beside them: the film of a Live Photo, the RAW file of a JPEG.
//!
//! A pair is shown as one photo, so a companion is neither a photo nor a problem of its own.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, Row};

use crate::path_bytes;
use crate::tables::photo::PhotoId;
use crate::{Catalog, CatalogError};

pub(crate) const V5: &str = "
CREATE TABLE companion (
    path BLOB NOT NULL PRIMARY KEY,
    main BLOB NOT NULL REFERENCES location (path) ON DELETE CASCADE ON UPDATE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('raw', 'film')),
    size_bytes INTEGER NOT NULL,
    modified_ns INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX companion_main ON companion (main);
";

/// What a companion is to its photo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CompanionKind {
    /// What the camera's sensor saw.
    Raw,
    /// The film of a Live Photo.
    Film,
}

impl CompanionKind {
    /// The kind in one word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Film => "film",
        }
    }

    fn from_str(word: &str) -> Self {
        match word {
            "raw" => Self::Raw,
            _ => Self::Film,
        }
    }
}

/// A file that belongs to a photo's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Companion {
    /// Absolute path.
    pub path: PathBuf,
    /// The photo's file that it belongs to.
    pub main: PathBuf,
    /// What it is to it.
    pub kind: CompanionKind,
    /// Size in bytes.
    pub size_bytes: u64,
    /// Time of last change, in nanoseconds since 1970.
    pub modified_ns: i64,
}

const COLUMNS: &str = "companion.path, main, kind, companion.size_bytes, companion.modified_ns";

fn from_row(row: &Row<'_>) -> rusqlite::Result<Companion> {
    Ok(Companion {
        path: path_bytes::decode(row.get(0)?),
        main: path_bytes::decode(row.get(1)?),
        kind: CompanionKind::from_str(row.get_ref(2)?.as_str()?),
        size_bytes: row.get::<_, i64>(3)?.cast_unsigned(),
        modified_ns: row.get(4)?,
    })
}

/// Writes a companion; its photo's file must be known.
pub(crate) fn put(connection: &Connection, companion: &Companion) -> rusqlite::Result<()> {
    let sql = "INSERT INTO companion (path, main, kind, size_bytes, modified_ns) VALUES (?1, ?2, ?3, ?4, ?5)
               ON CONFLICT (path) DO UPDATE SET main = excluded.main, kind = excluded.kind,
                   size_bytes = excluded.size_bytes, modified_ns = excluded.modified_ns";
    let (path, main) = (path_bytes::encode(&companion.path), path_bytes::encode(&companion.main));
    let values = (path, main, companion.kind.as_str(), companion.size_bytes.cast_signed(), companion.modified_ns);
    connection.prepare_cached(sql)?.execute(values).map(drop)
}

/// The photo's file that the companion at `path` belongs to.
pub(crate) fn main_of(connection: &Connection, path: &[u8]) -> rusqlite::Result<Option<Vec<u8>>> {
    let sql = "SELECT main FROM companion WHERE path = ?1";
    connection.prepare_cached(sql)?.query_row([path], |row| row.get(0)).optional()
}

/// Forgets the companion at `path`; returns how many there were.
pub(crate) fn remove(connection: &Connection, path: &[u8]) -> rusqlite::Result<usize> {
    connection.prepare_cached("DELETE FROM companion WHERE path = ?1")?.execute([path])
}

impl Catalog {
    /// The photo's file that a file belongs to, if it belongs to one.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn main_of(&self, path: &Path) -> Result<Option<PathBuf>, CatalogError> {
        let path = path_bytes::encode(path);
        self.read(|transaction| Ok(main_of(transaction, &path)?.map(path_bytes::decode)))
    }

    /// The companions at `path` or below it.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn companions_under(&self, path: &Path) -> Result<HashMap<PathBuf, Companion>, CatalogError> {
        let (own, start, end) = path_bytes::folder_and_below(path);
        self.read(|transaction| {
            let sql =
                format!("SELECT {COLUMNS} FROM companion WHERE path = ?1 OR (path >= ?2 AND path < ?3) ORDER BY path");
            let mut statement = transaction.prepare_cached(&sql)?;
            let rows = statement.query_map((&own, &start, &end), from_row)?;
            Ok(rows.map(|row| row.map(|row| (row.path.clone(), row))).collect::<Result<_, _>>()?)
        })
    }

    /// The companions of a photo, by path; those of each of its copies.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn companions_of(&self, photo: PhotoId) -> Result<Vec<Companion>, CatalogError> {
        self.read(|transaction| {
            let sql = format!(
                "SELECT {COLUMNS} FROM location JOIN companion ON companion.main = location.path
                 WHERE location.photo_id = ?1 ORDER BY companion.path"
            );
            Ok(transaction.prepare_cached(&sql)?.query_map([photo.0], from_row)?.collect::<Result<_, _>>()?)
        })
    }

    /// The companions of one of a photo's files, by path; they go where it goes.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn companions_of_file(&self, main: &Path) -> Result<Vec<Companion>, CatalogError> {
        let main = path_bytes::encode(main);
        self.read(|transaction| {
            let sql = format!("SELECT {COLUMNS} FROM companion WHERE main = ?1 ORDER BY path");
            Ok(transaction.prepare_cached(&sql)?.query_map([main], from_row)?.collect::<Result<_, _>>()?)
        })
    }
}
