//! The names that a library has: of places, cameras, folders, keywords and files. Names are few and photos are many, so
//! indexes are stepped through from name to name where there is one.

use std::path::{Path, PathBuf};

use crate::error::Failure;
use crate::tables::change;
use crate::tables::photo::PhotoId;
use crate::{Catalog, CatalogError, Facet, path_bytes};

/// All values of an indexed column, each once.
fn values(transaction: &rusqlite::Transaction<'_>, column: &'static str) -> Result<Vec<String>, Failure> {
    let sql = format!(
        "WITH RECURSIVE name (value) AS (
             SELECT min({column}) FROM photo WHERE {column} IS NOT NULL UNION ALL
             SELECT (SELECT min({column}) FROM photo WHERE {column} > name.value) FROM name WHERE value IS NOT NULL)
         SELECT value FROM name WHERE value IS NOT NULL"
    );
    let mut statement = transaction.prepare_cached(&sql)?;
    Ok(statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?)
}

impl Catalog {
    /// The names of all places where photos were taken, of towns, regions and countries, as [`crate::fold_name`] has
    /// them; each once, sorted.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn place_names(&self) -> Result<Vec<String>, CatalogError> {
        let keys = self.read(|transaction| values(transaction, "place_key"))?;
        let names = keys.iter().flat_map(|key| key.split('|')).map(str::trim).filter(|name| !name.is_empty());
        let mut names: Vec<String> = names.map(str::to_owned).collect();
        names.sort_unstable();
        names.dedup();
        Ok(names)
    }

    /// The names of all cameras, sorted.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn camera_names(&self) -> Result<Vec<String>, CatalogError> {
        self.read(|transaction| values(transaction, "camera"))
    }

    /// The keywords of photos, the most used first.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn keywords_used(&self) -> Result<Vec<Facet>, CatalogError> {
        self.read(|transaction| {
            let sql = "SELECT min(word), count(*) FROM keyword WHERE NOT removed GROUP BY word ORDER BY 2 DESC, 1";
            let row = |row: &rusqlite::Row<'_>| {
                Ok(Facet { value: row.get(0)?, photos: row.get::<_, i64>(1)?.cast_unsigned() })
            };
            Ok(transaction.prepare_cached(sql)?.query_map([], row)?.collect::<Result<_, _>>()?)
        })
    }

    /// The folders in which photos lie themselves, by path, and the number of the last change, which is another one
    /// when they may be others.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn folders_of_photos(&self) -> Result<(i64, Vec<PathBuf>), CatalogError> {
        self.read(|transaction| {
            let number = change::last(transaction)?;
            let mut folders: Vec<PathBuf> = Vec::new();
            let mut statement = transaction.prepare_cached("SELECT path FROM location ORDER BY path")?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let path = path_bytes::decode(row.get(0)?);
                let Some(folder) = path.parent() else { continue };
                if folders.last().is_none_or(|last| last != folder) {
                    folders.push(folder.to_path_buf());
                }
            }
            folders.sort_unstable();
            folders.dedup();
            Ok((number, folders))
        })
    }

    /// The number of the last change of where photos lie, or of their vectors.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn last_change(&self) -> Result<i64, CatalogError> {
        self.read(|transaction| Ok(change::last(transaction)?))
    }

    /// The photos of which a file meets a condition, sorted.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn photos_by_file(&self, meets: impl Fn(&Path) -> bool) -> Result<Vec<PhotoId>, CatalogError> {
        self.read(|transaction| {
            let mut statement = transaction.prepare_cached("SELECT path, photo_id FROM location")?;
            let mut rows = statement.query([])?;
            let mut photos = Vec::new();
            while let Some(row) = rows.next()? {
                if meets(&path_bytes::decode(row.get(0)?)) {
                    photos.push(PhotoId(row.get(1)?));
                }
            }
            photos.sort_unstable();
            photos.dedup();
            Ok(photos)
        })
    }

    /// The photos that are RAW files, and those with one beside them, sorted.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn photos_with_raw(&self) -> Result<Vec<PhotoId>, CatalogError> {
        self.read(|transaction| {
            let sql = "SELECT id FROM photo WHERE format = 'raw' UNION
                       SELECT photo_id FROM location WHERE path IN (SELECT main FROM companion WHERE kind = 'raw')
                       ORDER BY 1";
            let mut statement = transaction.prepare_cached(sql)?;
            Ok(statement.query_map([], |row| Ok(PhotoId(row.get(0)?)))?.collect::<Result<_, _>>()?)
        })
    }

    /// Today, `YYYY-MM-DD`, as the clock on the wall has it.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn today(&self) -> Result<String, CatalogError> {
        self.read(|transaction| Ok(transaction.query_row("SELECT date('now', 'localtime')", [], |row| row.get(0))?))
    }
}
