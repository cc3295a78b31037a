//! What one transaction of indexing writes.

use crate::facts;
use crate::tables::location::{self, Location};
use crate::tables::model::ModelKey;
use crate::tables::photo::{self, NewPhoto, PhotoId};
use crate::tables::problem::{self, Problem};
use crate::tables::{fingerprint, thumbnail, vector};
use crate::{Catalog, CatalogError, succession};

/// Rows that belong together: all of them are committed, or none.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Batch {
    /// Photos of contents that the catalogue did not know.
    pub photos: Vec<NewPhoto>,
    /// Vectors of photos that it knew.
    pub vectors: Vec<(PhotoId, ModelKey, Vec<f32>)>,
    /// Places where photos that it knew were found: moves, copies, returns.
    pub moves: Vec<(Location, PhotoId)>,
    /// Files that could not be read.
    pub problems: Vec<Problem>,
    /// Photos that lay where now the photo with this hash lies, which is the same one edited: it gets their albums
    /// and what a person wrote of them, unless they lie elsewhere too.
    pub successions: Vec<(PhotoId, [u8; 32])>,
}

impl Catalog {
    /// Commits a batch in one transaction; returns the numbers of its photos, in their order.
    ///
    /// A path belongs to what was said of it last: a photo found there takes a problem off the
    /// list, and a problem means that no photo lies there.
    ///
    /// # Errors
    /// [`CatalogError::WrongDims`], [`CatalogError::NotFinite`], [`CatalogError::UnknownPhoto`],
    /// or when the library cannot be written; then nothing of the batch is kept.
    pub fn commit_batch(&self, batch: &Batch) -> Result<Vec<PhotoId>, CatalogError> {
        self.write(|transaction| {
            let mut ids = Vec::with_capacity(batch.photos.len());
            for new in &batch.photos {
                let id = photo::put(transaction, new)?;
                thumbnail::put(transaction, id, &new.thumbnail_jpeg)?;
                if let Some(bits) = new.fingerprint {
                    fingerprint::put(transaction, id, bits)?;
                }
                for place in &new.locations {
                    location::put(transaction, id, place)?;
                }
                facts::put(transaction, id, &new.facts)?;
                for (model, numbers) in &new.vectors {
                    vector::put(transaction, id, model, numbers)?;
                }
                ids.push(id);
            }
            for (id, model, numbers) in &batch.vectors {
                vector::put(transaction, *id, model, numbers)?;
            }
            for (place, id) in &batch.moves {
                if !photo::exists(transaction, *id)? {
                    return Err(CatalogError::UnknownPhoto { id: id.0 }.into());
                }
                location::put(transaction, *id, place)?;
            }
            for problem in &batch.problems {
                problem::put(transaction, problem)?;
            }
            for (from, hash) in &batch.successions {
                if let Some(to) = photo::find(transaction, hash)? {
                    succession::inherit(transaction, *from, to)?;
                }
            }
            Ok(ids)
        })
    }
}
