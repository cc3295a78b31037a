//! Files that vanished in such number that a person is asked before any is forgotten.
//!
//! A row is a file that is not there and whose photo stays in the library: until the person answers, or for good
//! where the answer was to keep it.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension};

use crate::path_bytes;
use crate::tables::forgotten;
use crate::{Catalog, CatalogError};

pub(crate) const V5: &str = "
CREATE TABLE absence (
    path BLOB NOT NULL PRIMARY KEY,
    folder BLOB NOT NULL,
    kept INTEGER NOT NULL DEFAULT 0 CHECK (kept IN (0, 1))
) STRICT, WITHOUT ROWID;
CREATE INDEX absence_folder ON absence (folder, kept);
";

/// A question that waits for an answer: are these photos to be forgotten?
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Absence {
    /// The folder of the library.
    pub folder: PathBuf,
    /// Its photos' files that are not there.
    pub missing: u64,
    /// Its photos' files that the library knows.
    pub known: u64,
}

/// Forgets that the file at `path` was missed.
pub(crate) fn remove(connection: &Connection, path: &[u8]) -> rusqlite::Result<usize> {
    connection.prepare_cached("DELETE FROM absence WHERE path = ?1")?.execute([path])
}

impl Catalog {
    /// The questions that wait for an answer, by folder.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn absences(&self) -> Result<Vec<Absence>, CatalogError> {
        let asked: Vec<(PathBuf, i64)> = self.read(|transaction| {
            let sql = "SELECT folder, count(*) FROM absence WHERE kept = 0 GROUP BY folder ORDER BY folder";
            let mut statement = transaction.prepare_cached(sql)?;
            let rows = statement.query_map([], |row| Ok((path_bytes::decode(row.get(0)?), row.get(1)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })?;
        let with_known = |(folder, missing): (PathBuf, i64)| {
            let known = self.files_below(&folder)?;
            Ok(Absence { folder, missing: missing.cast_unsigned(), known })
        };
        asked.into_iter().map(with_known).collect()
    }

    /// The files of `folder` that are missed, each with whether it is kept for good.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn absent_of(&self, folder: &Path) -> Result<HashMap<PathBuf, bool>, CatalogError> {
        let (own, _, _) = path_bytes::folder_and_below(folder);
        self.read(|transaction| {
            let mut statement = transaction.prepare_cached("SELECT path, kept FROM absence WHERE folder = ?1")?;
            let rows = statement.query_map([own], |row| Ok((path_bytes::decode(row.get(0)?), row.get(1)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Asks whether the files `missing` of `folder` are to be forgotten, besides those that it asks of already.
    ///
    /// # Errors
    /// When the library cannot be written.
    pub fn ask_for_absent(&self, folder: &Path, missing: &[PathBuf]) -> Result<(), CatalogError> {
        let (own, _, _) = path_bytes::folder_and_below(folder);
        self.write(|transaction| {
            let sql = "INSERT INTO absence (path, folder) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
            let mut insert = transaction.prepare_cached(sql)?;
            let marker = forgotten::marker(transaction)?;
            for path in missing {
                if let Some(marker) = &marker
                    && forgotten::keeps_file_out(transaction, marker, path)?
                {
                    continue;
                }
                insert.execute((path_bytes::encode(path), &own))?;
            }
            Ok(())
        })
    }

    /// The answer that the missed files of `folder` are to be kept; returns how many were asked for.
    ///
    /// # Errors
    /// When the library cannot be written.
    pub fn keep_absent(&self, folder: &Path) -> Result<usize, CatalogError> {
        let (own, _, _) = path_bytes::folder_and_below(folder);
        let sql = "UPDATE absence SET kept = 1 WHERE folder = ?1 AND kept = 0";
        self.write(|transaction| Ok(transaction.execute(sql, [own])?))
    }

    /// Says that files are there again, or no longer matter.
    ///
    /// # Errors
    /// When the library cannot be written.
    pub fn no_longer_absent<'a>(&self, paths: impl IntoIterator<Item = &'a PathBuf>) -> Result<(), CatalogError> {
        let mut paths = paths.into_iter().peekable();
        if paths.peek().is_none() {
            return Ok(());
        }
        self.write(|transaction| {
            for path in paths {
                remove(transaction, &path_bytes::encode(path))?;
            }
            Ok(())
        })
    }

    /// Of files that are gone, those without which their photo lies nowhere, and those whose photo lies elsewhere too;
    /// in their order. What is no photo's file is in neither.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn lost_and_moved(&self, gone: &[PathBuf]) -> Result<(Vec<PathBuf>, Vec<PathBuf>), CatalogError> {
        let going: HashSet<Vec<u8>> = gone.iter().map(|path| path_bytes::encode(path)).collect();
        self.read(|transaction| {
            let mut photo_at = transaction.prepare_cached("SELECT photo_id FROM location WHERE path = ?1")?;
            let mut places = transaction.prepare_cached("SELECT path FROM location WHERE photo_id = ?1")?;
            let (mut lost, mut moved) = (Vec::new(), Vec::new());
            for path in gone {
                let photo: Option<i64> = photo_at.query_row([path_bytes::encode(path)], |row| row.get(0)).optional()?;
                let Some(photo) = photo else { continue };
                let mut stays = false;
                for place in places.query_map([photo], |row| row.get::<_, Vec<u8>>(0))? {
                    stays |= !going.contains(&place?);
                }
                if stays { &mut moved } else { &mut lost }.push(path.clone());
            }
            Ok((lost, moved))
        })
    }
}
