//! Giving the room of vectors that nobody needs back to the disk.

use crate::deadline::{UPGRADING, within};
use crate::safekeeping::{Watch, watched};
use crate::status::bytes_on_disk;
use crate::tables::model::ModelKey;
use crate::tables::{change, model, vector, vector_file};
use crate::{Catalog, CatalogError};

impl Catalog {
    /// Deletes the vectors of these models and writes the database anew without their room, which needs as much of the
    /// disk as the library takes; says how many bytes that gave back. Called again after a stop it does what is left.
    ///
    /// # Errors
    /// [`CatalogError::Stopped`] when `watch` stops it, [`CatalogError::InUse`] when somebody goes on reading what was
    /// there before, or when the disk is full. The vectors may be gone then, and their room not given back.
    pub fn free_vectors(&self, keys: &[ModelKey], watch: &mut Watch<'_>) -> Result<u64, CatalogError> {
        let before = bytes_on_disk(self.file());
        let files = self.write(|transaction| {
            let mut files = Vec::new();
            for key in keys {
                let Some(model) = model::find(transaction, key)? else { continue };
                files.extend(vector_file::of(transaction, model.id)?.map(|(name, _)| name));
                vector::remove_all(transaction, model.id)?;
                change::all(transaction, model.id)?;
            }
            Ok(files)
        })?;
        for file in files {
            // One that cannot be removed now is swept away later.
            std::fs::remove_file(self.dir().join(file)).ok();
        }
        let free: i64 = self.read(|transaction| {
            Ok(transaction.query_row("SELECT freelist_count FROM pragma_freelist_count", [], |row| row.get(0))?)
        })?;
        if free > 0 {
            self.vacuum("free", watch)?;
            self.cut_log(watch)?;
        }
        Ok(before.saturating_sub(bytes_on_disk(self.file())))
    }

    /// Writes the database anew without what is free in it.
    pub(crate) fn vacuum(&self, phase: &'static str, watch: &mut Watch<'_>) -> Result<(), CatalogError> {
        self.on_writer(|connection| {
            watched(connection, phase, watch, |connection| {
                within(connection, self.file(), UPGRADING, |connection| Ok(connection.execute_batch("VACUUM")?))
            })
        })
    }
}
