//! What one transaction of indexing writes.

use std::path::Path;

use rusqlite::Connection;

use crate::error::Failure;
use crate::facts;
use crate::tables::forgotten::{self, Marker};
use crate::tables::location::{self, Location};
use crate::tables::model::ModelKey;
use crate::tables::photo::{self, NewPhoto, PhotoId};
use crate::tables::problem::{self, Problem};
use crate::tables::{fingerprint, thumbnail, vector, words};
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
    /// list, and a problem means that no photo lies there. What a person had forgotten meanwhile is passed over, and
    /// has no number.
    ///
    /// # Errors
    /// [`CatalogError::WrongDims`], [`CatalogError::NotFinite`], [`CatalogError::UnknownPhoto`],
    /// or when the library cannot be written; then nothing of the batch is kept.
    pub fn commit_batch(&self, batch: &Batch) -> Result<Vec<PhotoId>, CatalogError> {
        self.write(|transaction| {
            let mut ids = Vec::with_capacity(batch.photos.len());
            let admission = Admission { connection: transaction, marker: forgotten::marker(transaction)? };
            for new in &batch.photos {
                let Some(places) = admission.places(new)? else { continue };
                let id = photo::put(transaction, new)?;
                thumbnail::put(transaction, id, &new.thumbnail_jpeg)?;
                if let Some(bits) = new.fingerprint {
                    fingerprint::put(transaction, id, bits)?;
                }
                for place in places {
                    location::put(transaction, id, place)?;
                }
                facts::put(transaction, id, &new.facts)?;
                for (model, numbers) in &new.vectors {
                    vector::put(transaction, id, model, numbers)?;
                }
                ids.push(id);
            }
            for (id, model, numbers) in &batch.vectors {
                if admission.is_forgotten(*id)? {
                    continue;
                }
                vector::put(transaction, *id, model, numbers)?;
            }
            for (place, id) in &batch.moves {
                if admission.is_forgotten(*id)? || admission.refuses(&place.path)? {
                    continue;
                }
                if !photo::exists(transaction, *id)? {
                    return Err(CatalogError::UnknownPhoto { id: id.0 }.into());
                }
                location::put(transaction, *id, place)?;
                words::index(transaction, *id)?;
            }
            for problem in &batch.problems {
                if admission.refuses(&problem.path)? {
                    continue;
                }
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

/// Who is let in: not what a person had forgotten.
struct Admission<'a> {
    connection: &'a Connection,
    /// None where nothing was ever forgotten.
    marker: Option<Marker>,
}

impl Admission<'_> {
    fn refuses(&self, file: &Path) -> Result<bool, Failure> {
        match &self.marker {
            Some(marker) => Ok(forgotten::keeps_file_out(self.connection, marker, file)?),
            None => Ok(false),
        }
    }

    /// The places of a new photo; none when it is kept out.
    fn places<'p>(&self, new: &'p NewPhoto) -> Result<Option<Vec<&'p Location>>, Failure> {
        let Some(marker) = &self.marker else { return Ok(Some(new.locations.iter().collect())) };
        if forgotten::keeps_photo_out(self.connection, marker, &new.hash)? {
            return Ok(None);
        }
        let mut places = Vec::with_capacity(new.locations.len());
        for place in &new.locations {
            if !self.refuses(&place.path)? {
                places.push(place);
            }
        }
        Ok((!places.is_empty() || new.locations.is_empty()).then_some(places))
    }

    /// Whether a photo that was known is gone because it was forgotten.
    fn is_forgotten(&self, photo: PhotoId) -> Result<bool, Failure> {
        Ok(self.marker.is_some() && !photo::exists(self.connection, photo)?)
    }
}
