//! Where the photos lie.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, Row};

use crate::path_bytes;
use crate::tables::photo::{self, PhotoId};
use crate::tables::problem;
use crate::{Catalog, CatalogError};

pub(crate) const V1: &str = "
CREATE TABLE location (
    id INTEGER PRIMARY KEY,
    path BLOB NOT NULL UNIQUE,
    photo_id INTEGER NOT NULL REFERENCES photo (id) ON DELETE CASCADE,
    size_bytes INTEGER NOT NULL,
    modified_ns INTEGER NOT NULL
) STRICT;
CREATE INDEX location_photo ON location (photo_id);
";

pub(crate) const V7: &str = "
ALTER TABLE location ADD COLUMN facts_version INTEGER NOT NULL DEFAULT 0;
ALTER TABLE location ADD COLUMN sidecar_bytes INTEGER;
ALTER TABLE location ADD COLUMN sidecar_modified_ns INTEGER;
";

pub(crate) const V11: &str = "
ALTER TABLE location ADD COLUMN status_changed_ns INTEGER;
";

/// How the facts of a file were read last: a file is read again when this is no longer what it would be now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reading {
    /// Version of what reads; 0 when nothing was read.
    pub version: u32,
    /// Size in bytes and time of last change, in nanoseconds since 1970, of the sidecar that was there.
    pub sidecar: Option<(u64, i64)>,
    /// When anything about the file itself changed last, in nanoseconds since 1970, where the system tells: programs can
    /// keep the other time, and not this one.
    pub status_changed_ns: Option<i64>,
}

/// A file that holds a photo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// Absolute path.
    pub path: PathBuf,
    /// Size in bytes.
    pub size_bytes: u64,
    /// Time of last change, in nanoseconds since 1970.
    pub modified_ns: i64,
    /// How its facts were read.
    pub reading: Reading,
}

/// What the catalogue knows of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// Size when it was last read, in bytes.
    pub size_bytes: u64,
    /// Time of last change when it was last read, in nanoseconds since 1970.
    pub modified_ns: i64,
    /// Whether it could not be read.
    pub is_problem: bool,
    /// The photo it holds; none exactly when it is a problem.
    pub photo: Option<PhotoId>,
    /// How its facts were read.
    pub reading: Reading,
}

/// A file's number; it is used again when the file is forgotten, and so goes with its photo's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LocationId(pub i64);

/// Says that `photo` lies at `location`, and so nothing else does.
pub(crate) fn put(connection: &Connection, photo: PhotoId, location: &Location) -> rusqlite::Result<()> {
    let path = path_bytes::encode(&location.path);
    problem::remove(connection, &path)?;
    let sql = "INSERT INTO location (path, photo_id, size_bytes, modified_ns,
                   facts_version, sidecar_bytes, sidecar_modified_ns, status_changed_ns)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
               ON CONFLICT (path) DO UPDATE SET photo_id = excluded.photo_id, size_bytes = excluded.size_bytes,
                   modified_ns = excluded.modified_ns, facts_version = excluded.facts_version,
                   sidecar_bytes = excluded.sidecar_bytes, sidecar_modified_ns = excluded.sidecar_modified_ns,
                   status_changed_ns = excluded.status_changed_ns";
    let size = location.size_bytes.cast_signed();
    let (sidecar_bytes, sidecar_ns) = location.reading.sidecar.unzip();
    let (version, sidecar_bytes) = (location.reading.version, sidecar_bytes.map(u64::cast_signed));
    let changed_ns = location.reading.status_changed_ns;
    let values = (&path, photo.0, size, location.modified_ns, version, sidecar_bytes, sidecar_ns, changed_ns);
    connection.prepare_cached(sql)?.execute(values).map(drop)
}

/// Says how the facts of the file at `path` were read, if `photo` still lies there.
pub(crate) fn put_reading(
    connection: &Connection,
    photo: PhotoId,
    path: &Path,
    reading: Reading,
) -> rusqlite::Result<()> {
    let sql = "UPDATE location SET facts_version = ?3, sidecar_bytes = ?4, sidecar_modified_ns = ?5,
                   status_changed_ns = ?6
               WHERE path = ?1 AND photo_id = ?2";
    let (bytes, modified_ns) = reading.sidecar.unzip();
    let (path, bytes) = (path_bytes::encode(path), bytes.map(u64::cast_signed));
    let values = (path, photo.0, reading.version, bytes, modified_ns, reading.status_changed_ns);
    connection.prepare_cached(sql)?.execute(values).map(drop)
}

/// What stands in four columns from the one numbered `first`.
fn reading_from_row(row: &Row<'_>, first: usize) -> rusqlite::Result<Reading> {
    let bytes: Option<i64> = row.get(first + 1)?;
    Ok(Reading {
        version: row.get(first)?,
        sidecar: bytes.map(i64::cast_unsigned).zip(row.get(first + 2)?),
        status_changed_ns: row.get(first + 3)?,
    })
}

const KNOWN: &str = "
SELECT path, size_bytes, modified_ns, photo_id, facts_version, sidecar_bytes, sidecar_modified_ns, status_changed_ns
FROM location
WHERE path = ?1 OR (path >= ?2 AND path < ?3)
UNION ALL
SELECT path, size_bytes, modified_ns, NULL, 0, NULL, NULL, NULL FROM problem
WHERE path = ?1 OR (path >= ?2 AND path < ?3)";

fn known_from_row(row: &Row<'_>) -> rusqlite::Result<(PathBuf, Known)> {
    let photo = row.get::<_, Option<i64>>(3)?.map(PhotoId);
    let known = Known {
        size_bytes: row.get::<_, i64>(1)?.cast_unsigned(),
        modified_ns: row.get(2)?,
        is_problem: photo.is_none(),
        photo,
        reading: reading_from_row(row, 4)?,
    };
    Ok((path_bytes::decode(row.get(0)?), known))
}

impl Catalog {
    /// What the catalogue knows of one path.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn known(&self, path: &Path) -> Result<Option<Known>, CatalogError> {
        let path = path_bytes::encode(path);
        let nothing: &[u8] = &[];
        self.read(|transaction| {
            let mut statement = transaction.prepare_cached(KNOWN)?;
            let row = statement.query_row((&path, nothing, nothing), known_from_row).optional()?;
            Ok(row.map(|(_, known)| known))
        })
    }

    /// What the catalogue knows of `folder` and everything below it.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn known_under(&self, folder: &Path) -> Result<HashMap<PathBuf, Known>, CatalogError> {
        let (own, start, end) = path_bytes::folder_and_below(folder);
        self.read(|transaction| {
            let mut statement = transaction.prepare_cached(KNOWN)?;
            Ok(statement.query_map((&own, &start, &end), known_from_row)?.collect::<Result<_, _>>()?)
        })
    }

    /// Where a photo lies, by path; empty when it is gone.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn paths_of(&self, photo: PhotoId) -> Result<Vec<PathBuf>, CatalogError> {
        self.read(|transaction| {
            let mut statement =
                transaction.prepare_cached("SELECT path FROM location WHERE photo_id = ?1 ORDER BY path")?;
            let paths = statement.query_map([photo.0], |row| row.get(0).map(path_bytes::decode))?;
            Ok(paths.collect::<Result<_, _>>()?)
        })
    }

    /// Where each of these photos lies, in their order, as [`Catalog::paths_of`] tells it one by one.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn paths_of_each(&self, photos: &[PhotoId]) -> Result<Vec<Vec<PathBuf>>, CatalogError> {
        self.read(|transaction| {
            let mut statement =
                transaction.prepare_cached("SELECT path FROM location WHERE photo_id = ?1 ORDER BY path")?;
            let mut all = Vec::with_capacity(photos.len());
            for photo in photos {
                let paths = statement.query_map([photo.0], |row| row.get(0).map(path_bytes::decode))?;
                all.push(paths.collect::<Result<_, _>>()?);
            }
            Ok(all)
        })
    }

    /// The files of a photo with their numbers, by path; empty when it is gone.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn locations_of(&self, photo: PhotoId) -> Result<Vec<(LocationId, Location)>, CatalogError> {
        self.read(|transaction| {
            let sql = "SELECT id, path, size_bytes, modified_ns, facts_version, sidecar_bytes, sidecar_modified_ns,
                           status_changed_ns
                       FROM location WHERE photo_id = ?1 ORDER BY path";
            let row = |row: &Row<'_>| {
                let size_bytes = row.get::<_, i64>(2)?.cast_unsigned();
                let (path, modified_ns) = (path_bytes::decode(row.get(1)?), row.get(3)?);
                let location = Location { path, size_bytes, modified_ns, reading: reading_from_row(row, 4)? };
                Ok((LocationId(row.get(0)?), location))
            };
            Ok(transaction.prepare_cached(sql)?.query_map([photo.0], row)?.collect::<Result<_, _>>()?)
        })
    }

    /// The photos that lie in more than one place.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn photos_with_copies(&self) -> Result<Vec<PhotoId>, CatalogError> {
        self.read(|transaction| {
            let sql = "SELECT photo_id FROM location GROUP BY photo_id HAVING count(*) > 1 ORDER BY photo_id";
            Ok(photo::select(transaction, sql, [])?)
        })
    }
}
