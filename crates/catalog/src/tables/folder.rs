//! The folders that were indexed.

use std::path::{Path, PathBuf};

use crate::path_bytes;
use crate::{Catalog, CatalogError};

pub(crate) const V1: &str = "
CREATE TABLE folder (
    path BLOB NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;
";

impl Catalog {
    /// Remembers that `folder`, an absolute path, was indexed.
    ///
    /// # Errors
    /// When the library cannot be written.
    pub fn add_folder(&self, folder: &Path) -> Result<(), CatalogError> {
        let path = path_bytes::encode(folder.components().as_path());
        // A second run on the same folders writes nothing, not even this.
        if self.has_folder(&path)? {
            return Ok(());
        }
        self.write(|transaction| {
            transaction.execute("INSERT INTO folder (path) VALUES (?1) ON CONFLICT DO NOTHING", [&path])?;
            Ok(())
        })
    }

    fn has_folder(&self, path: &[u8]) -> Result<bool, CatalogError> {
        self.read(|transaction| {
            let sql = "SELECT EXISTS (SELECT 1 FROM folder WHERE path = ?1)";
            Ok(transaction.prepare_cached(sql)?.query_row([path], |row| row.get(0))?)
        })
    }

    /// The folders that were indexed, by path.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn folders(&self) -> Result<Vec<PathBuf>, CatalogError> {
        self.read(|transaction| {
            let mut statement = transaction.prepare_cached("SELECT path FROM folder ORDER BY path")?;
            let paths = statement.query_map([], |row| row.get(0).map(path_bytes::decode))?;
            Ok(paths.collect::<Result<_, _>>()?)
        })
    }

    /// Removes `folder` from the list; its photos stay until they are forgotten.
    ///
    /// # Errors
    /// When the library cannot be written.
    pub fn remove_folder(&self, folder: &Path) -> Result<(), CatalogError> {
        let path = path_bytes::encode(folder.components().as_path());
        self.write(|transaction| {
            transaction.execute("DELETE FROM folder WHERE path = ?1", [&path])?;
            Ok(())
        })
    }
}
