//! Which volume each folder lies on, so that a disk is known again wherever it turns up.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, Row};

use crate::error::Failure;
use crate::path_bytes;
use crate::{Catalog, CatalogError};

pub(crate) const V5: &str = "
CREATE TABLE volume (
    folder BLOB NOT NULL PRIMARY KEY REFERENCES folder (path) ON DELETE CASCADE ON UPDATE CASCADE,
    id TEXT NOT NULL,
    path BLOB NOT NULL
) STRICT, WITHOUT ROWID;
";

/// Where a folder lies, told without a mount point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderVolume {
    /// The folder, as it was last found.
    pub folder: PathBuf,
    /// Its volume's id.
    pub id: String,
    /// Its path below the volume's root; empty for the root itself.
    pub path: PathBuf,
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<FolderVolume> {
    let (folder, path) = (path_bytes::decode(row.get(0)?), path_bytes::decode(row.get(2)?));
    Ok(FolderVolume { folder, id: row.get(1)?, path })
}

/// Tables that name files by path.
const TABLES: [&str; 4] = ["location", "problem", "companion", "absence"];

/// Gives every row of `table` below the folder of `from` the same place below `to`, but for those in the half-open
/// ranges `not`. A row that is there already stays.
fn move_rows(
    connection: &Connection,
    table: &str,
    from: &Path,
    to: &[u8],
    not: &[(Vec<u8>, Vec<u8>)],
) -> Result<usize, Failure> {
    let (own, start, end) = path_bytes::folder_and_below(from);
    let mut select =
        connection.prepare(&format!("SELECT path FROM {table} WHERE path = ?1 OR (path >= ?2 AND path < ?3)"))?;
    let paths: Vec<Vec<u8>> =
        select.query_map((&own, &start, &end), |row| row.get(0))?.collect::<Result<_, rusqlite::Error>>()?;
    let mut replace = connection.prepare(&format!("UPDATE OR IGNORE {table} SET path = ?2 WHERE path = ?1"))?;
    let mut delete = connection.prepare(&format!("DELETE FROM {table} WHERE path = ?1"))?;
    let mut moved = 0;
    for path in paths.iter().filter(|path| !not.iter().any(|(start, end)| *path >= start && *path < end)) {
        let new = [to, &path[own.len()..]].concat();
        if replace.execute((path, &new))? == 0 {
            delete.execute([path])?;
        } else {
            moved += 1;
        }
    }
    Ok(moved)
}

impl Catalog {
    /// Where the folders lie whose volume is known, by folder.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn folder_volumes(&self) -> Result<Vec<FolderVolume>, CatalogError> {
        self.read(|transaction| {
            let mut statement = transaction.prepare_cached("SELECT folder, id, path FROM volume ORDER BY folder")?;
            Ok(statement.query_map([], from_row)?.collect::<Result<_, _>>()?)
        })
    }

    /// Where a folder lies, if its volume is known.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn folder_volume(&self, folder: &Path) -> Result<Option<FolderVolume>, CatalogError> {
        let folder = path_bytes::encode(folder.components().as_path());
        self.read(|transaction| {
            let mut statement = transaction.prepare_cached("SELECT folder, id, path FROM volume WHERE folder = ?1")?;
            Ok(statement.query_row([folder], from_row).optional()?)
        })
    }

    /// Remembers where a folder of the library lies; writes nothing when that is known.
    ///
    /// # Errors
    /// When the folder is not one of the library's, or the library cannot be written.
    pub fn set_folder_volume(&self, place: &FolderVolume) -> Result<(), CatalogError> {
        if self.folder_volume(&place.folder)?.as_ref() == Some(place) {
            return Ok(());
        }
        let folder = path_bytes::encode(place.folder.components().as_path());
        let sql = "INSERT INTO volume (folder, id, path) VALUES (?1, ?2, ?3)
                   ON CONFLICT (folder) DO UPDATE SET id = excluded.id, path = excluded.path";
        self.write(|transaction| {
            Ok(transaction.execute(sql, (folder, &place.id, path_bytes::encode(&place.path))).map(drop)?)
        })
    }

    /// Says that the folder `from` is now at `to`, with everything below it: photos, problems, companions. What is
    /// known at `to` already stays as it is. Files below folders of the library that lie inside `from` on another
    /// volume stay where they are. Returns how many photos' files moved.
    ///
    /// # Errors
    /// When the library cannot be written; then all stays.
    pub fn move_folder(&self, from: &Path, to: &Path) -> Result<usize, CatalogError> {
        let volumes = self.folder_volumes()?;
        let own_volume = volumes.iter().find(|place| place.folder == from).map(|place| &place.id);
        let elsewhere = volumes
            .iter()
            .filter(|place| place.folder != from && place.folder.starts_with(from) && Some(&place.id) != own_volume);
        let not: Vec<_> = elsewhere
            .map(|place| {
                let (_, start, end) = path_bytes::folder_and_below(&place.folder);
                (start, end)
            })
            .collect();
        let (old, _, _) = path_bytes::folder_and_below(from);
        let (new, _, _) = path_bytes::folder_and_below(to);
        self.write(|transaction| {
            if transaction.execute("UPDATE OR IGNORE folder SET path = ?2 WHERE path = ?1", (&old, &new))? == 0 {
                transaction.execute("DELETE FROM folder WHERE path = ?1", [&old])?;
            }
            transaction.execute("UPDATE absence SET folder = ?2 WHERE folder = ?1", (&old, &new))?;
            let mut photos = 0;
            for table in TABLES {
                let moved = move_rows(transaction, table, from, &new, &not)?;
                photos += if table == "location" { moved } else { 0 };
            }
            Ok(photos)
        })
    }
}
