//! What a person had forgotten and does not want back: marks of contents, files and folders, and no more.
//!
//! A mark is a hash under a key that is drawn at random for each library, so that a list of hashes of known photos tells
//! nothing of it; only who has both this library and the very photo can see that it was forgotten. Everything that
//! writes where photos lie asks here first, in its own transaction: what was read before a photo was forgotten and is
//! written after it does not bring it back.

use std::collections::HashSet;
use std::path::Path;

use rusqlite::{Connection, OptionalExtension};

use crate::path_bytes;
use crate::{Catalog, CatalogError};

pub(crate) const V10: &str = "
CREATE TABLE forgotten (
    mark BLOB NOT NULL PRIMARY KEY CHECK (length(mark) = 32),
    kind TEXT NOT NULL CHECK (kind IN ('photo', 'file', 'folder'))
) STRICT, WITHOUT ROWID;
CREATE TABLE to_forget (
    id INTEGER PRIMARY KEY,
    photo_id INTEGER UNIQUE,
    folder BLOB UNIQUE,
    CHECK ((photo_id IS NULL) <> (folder IS NULL))
) STRICT;
CREATE TABLE erasure (
    place INTEGER PRIMARY KEY CHECK (place = 1),
    key BLOB NOT NULL CHECK (length(key) = 32),
    is_due INTEGER NOT NULL CHECK (is_due IN (0, 1)),
    number INTEGER NOT NULL
) STRICT;
";

/// What a mark is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Photo,
    File,
    Folder,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Photo => "photo",
            Self::File => "file",
            Self::Folder => "folder",
        }
    }
}

/// Makes a library's marks.
#[derive(Clone)]
pub(crate) struct Marker([u8; 32]);

impl Marker {
    fn mark(&self, kind: Kind, bytes: &[u8]) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(kind.as_str().as_bytes());
        hasher.update(&[0]);
        hasher.update(bytes);
        hasher.finalize().into()
    }

    fn of_path(&self, kind: Kind, path: &Path) -> [u8; 32] {
        self.mark(kind, &path_bytes::encode(path.components().as_path()))
    }
}

/// The library's marker; none where nothing was ever forgotten.
pub(crate) fn marker(connection: &Connection) -> rusqlite::Result<Option<Marker>> {
    let mut statement = connection.prepare_cached("SELECT key FROM erasure")?;
    statement.query_row([], |row| row.get(0).map(Marker)).optional()
}

/// Says that bytes are to be erased, and gives the library's marker, which is made at the first time.
pub(crate) fn begin(connection: &Connection) -> rusqlite::Result<Marker> {
    // SQLite's generator is seeded by the system's. Who erases now sees by the number that there is a new wish.
    let sql = "INSERT INTO erasure (place, key, is_due, number) VALUES (1, randomblob(32), 1, -1)
               ON CONFLICT DO UPDATE SET is_due = 1, number = -1 RETURNING key";
    connection.query_row(sql, [], |row| row.get(0).map(Marker))
}

fn put(connection: &Connection, kind: Kind, mark: &[u8; 32]) -> rusqlite::Result<()> {
    let sql = "INSERT INTO forgotten (mark, kind) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    connection.prepare_cached(sql)?.execute((mark, kind.as_str())).map(drop)
}

/// Keeps a content out.
pub(crate) fn mark_photo(connection: &Connection, marker: &Marker, hash: &[u8]) -> rusqlite::Result<()> {
    put(connection, Kind::Photo, &marker.mark(Kind::Photo, hash))
}

/// Keeps a path out, as it is stored.
pub(crate) fn mark_path(connection: &Connection, marker: &Marker, kind: Kind, path: &[u8]) -> rusqlite::Result<()> {
    put(connection, kind, &marker.mark(kind, path))
}

/// Lets a path in again; says whether it was kept out.
pub(crate) fn let_in(connection: &Connection, marker: &Marker, kind: Kind, path: &Path) -> rusqlite::Result<bool> {
    drop_mark(connection, &marker.of_path(kind, path))
}

fn drop_mark(connection: &Connection, mark: &[u8; 32]) -> rusqlite::Result<bool> {
    Ok(connection.prepare_cached("DELETE FROM forgotten WHERE mark = ?1")?.execute([mark])? > 0)
}

fn has(connection: &Connection, mark: &[u8; 32]) -> rusqlite::Result<bool> {
    let mut statement = connection.prepare_cached("SELECT EXISTS (SELECT 1 FROM forgotten WHERE mark = ?1)")?;
    statement.query_row([mark], |row| row.get(0))
}

/// Whether a content is kept out.
pub(crate) fn keeps_photo_out(connection: &Connection, marker: &Marker, hash: &[u8]) -> rusqlite::Result<bool> {
    has(connection, &marker.mark(Kind::Photo, hash))
}

/// Whether a file is kept out, or a folder that it lies in.
pub(crate) fn keeps_file_out(connection: &Connection, marker: &Marker, file: &Path) -> rusqlite::Result<bool> {
    if has(connection, &marker.of_path(Kind::File, file))? {
        return Ok(true);
    }
    for folder in file.ancestors().skip(1) {
        if has(connection, &marker.of_path(Kind::Folder, folder))? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The change of the catalogue at which bytes were erased last: vectors of an earlier one are kept in no file.
pub(crate) fn erased_at(connection: &Connection) -> rusqlite::Result<i64> {
    connection.prepare_cached("SELECT coalesce(max(number), 0) FROM erasure")?.query_row([], |row| row.get(0))
}

/// What is kept out of a library, to be asked for many files.
#[derive(Clone, Default)]
pub struct KeptOut {
    marker: Option<Marker>,
    marks: HashSet<[u8; 32]>,
}

impl std::fmt::Debug for KeptOut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeptOut({} marks)", self.marks.len())
    }
}

impl KeptOut {
    fn has(&self, mark: impl FnOnce(&Marker) -> [u8; 32]) -> bool {
        !self.marks.is_empty() && self.marker.as_ref().is_some_and(|marker| self.marks.contains(&mark(marker)))
    }

    /// Whether a content is kept out.
    pub fn photo(&self, hash: &[u8; 32]) -> bool {
        self.has(|marker| marker.mark(Kind::Photo, hash))
    }

    /// Whether a file is kept out, or a folder that it lies in.
    pub fn file(&self, file: &Path) -> bool {
        self.has(|marker| marker.of_path(Kind::File, file)) || file.ancestors().skip(1).any(|above| self.folder(above))
    }

    fn folder(&self, folder: &Path) -> bool {
        self.has(|marker| marker.of_path(Kind::Folder, folder))
    }
}

impl Catalog {
    /// What is kept out.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn kept_out(&self) -> Result<KeptOut, CatalogError> {
        self.read(|transaction| {
            let Some(marker) = marker(transaction)? else { return Ok(KeptOut::default()) };
            let mut statement = transaction.prepare_cached("SELECT mark FROM forgotten")?;
            let marks = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
            Ok(KeptOut { marker: Some(marker), marks })
        })
    }

    /// How many photos, by content, and how many folders are kept out.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn kept_out_counts(&self) -> Result<(u64, u64), CatalogError> {
        self.read(|transaction| {
            let sql = "SELECT coalesce(sum(kind = 'photo'), 0), coalesce(sum(kind = 'folder'), 0) FROM forgotten";
            let counts = transaction.query_row(sql, [], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))?;
            Ok((counts.0.cast_unsigned(), counts.1.cast_unsigned()))
        })
    }

    /// Lets a file in again, and its content if that is given; says whether either was kept out.
    ///
    /// # Errors
    /// When the library cannot be written.
    pub fn let_file_in(&self, file: &Path, hash: Option<&[u8; 32]>) -> Result<bool, CatalogError> {
        self.write(|transaction| {
            let Some(marker) = marker(transaction)? else { return Ok(false) };
            let of_file = let_in(transaction, &marker, Kind::File, file)?;
            let of_content = match hash {
                Some(hash) => drop_mark(transaction, &marker.mark(Kind::Photo, hash))?,
                None => false,
            };
            Ok(of_file || of_content)
        })
    }

    /// Lets a folder in again; says whether it was kept out.
    ///
    /// # Errors
    /// When the library cannot be written.
    pub fn let_folder_in(&self, folder: &Path) -> Result<bool, CatalogError> {
        self.write(|transaction| match marker(transaction)? {
            Some(marker) => Ok(let_in(transaction, &marker, Kind::Folder, folder)?),
            None => Ok(false),
        })
    }

    /// Lets everything in again that is kept out; returns how many photos and folders that are.
    ///
    /// # Errors
    /// When the library cannot be written.
    pub fn let_all_in(&self) -> Result<(u64, u64), CatalogError> {
        let counts = self.kept_out_counts()?;
        self.write(|transaction| Ok(transaction.execute("DELETE FROM forgotten", []).map(|_| counts)?))
    }
}
