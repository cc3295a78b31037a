//! A library in figures.

use std::path::{Path, PathBuf};

use crate::safekeeping::folder_of;
use crate::tables::model::ModelKey;
use crate::tables::vector_file;
use crate::{Catalog, CatalogError};

/// What a library holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Photos of different content that lie somewhere.
    pub photos: u64,
    /// Files that hold a photo; copies count.
    pub locations: u64,
    /// Photos that lie somewhere and have a vector, by model.
    pub vectors: Vec<(ModelKey, u64)>,
    /// Files and folders that could not be read.
    pub problems: u64,
    /// Folders that were indexed.
    pub folders: u64,
    /// Photos that lie nowhere and are kept in case they come back.
    pub missing: u64,
    /// Size of the catalogue's files in bytes.
    pub bytes_on_disk: u64,
}

impl Catalog {
    /// Counts what the library holds.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn status(&self) -> Result<Status, CatalogError> {
        let bytes_on_disk = bytes_on_disk(self.file());
        self.read(|transaction| {
            // Row by row: SQLite counts a whole table in one step, which no deadline ends.
            let count = |table: &str| -> rusqlite::Result<u64> {
                let sql = format!("SELECT coalesce(sum(1), 0) FROM {table}");
                transaction.prepare_cached(&sql)?.query_row([], |row| row.get::<_, i64>(0)).map(i64::cast_unsigned)
            };
            let missing = count("missing")?;
            let mut per_model = transaction.prepare_cached(
                "SELECT model.key, count(*) FROM vector JOIN model ON model.id = vector.model_id
                 WHERE vector.photo_id NOT IN (SELECT photo_id FROM missing)
                 GROUP BY model.id ORDER BY model.id",
            )?;
            let vectors = per_model
                .query_map([], |row| Ok((ModelKey(row.get(0)?), row.get::<_, i64>(1)?.cast_unsigned())))?
                .collect::<Result<_, _>>()?;
            Ok(Status {
                photos: count("photo")?.saturating_sub(missing),
                locations: count("location")?,
                vectors,
                problems: count("problem")?,
                folders: count("folder")?,
                missing,
                bytes_on_disk,
            })
        })
    }
}

/// SQLite's own files beside the database end in `-wal` and `-shm`.
pub(crate) fn beside(file: &Path, suffix: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Bytes of the catalogue's files.
pub(crate) fn bytes_on_disk(file: &Path) -> u64 {
    let files = ["", "-wal", "-shm"].map(|suffix| beside(file, suffix)).into_iter();
    let files = files.chain(vector_file::files(folder_of(file)));
    files.filter_map(|file| std::fs::metadata(file).ok()).map(|file| file.len()).sum()
}
