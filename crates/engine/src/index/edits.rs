//! A file that was edited in place holds another content: is it still the same photo?
//!
//! It is when both contents were taken at the same moment, or, where one does not say when, when they look alike.
//! Then the new one inherits albums and a person's words. A camera that counts from the beginning again puts another
//! photo under an old name: that one inherits nothing.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use sightline_catalog::{Catalog, ModelKey, PhotoId};
use sightline_media::is_same_moment;

use crate::EngineError;

/// Least cosine of the vectors of a photo and of its edit.
const ALIKE: f32 = 0.9;

/// What lay where changed files lie.
#[derive(Debug, Default)]
pub(super) struct Edits(pub HashMap<PathBuf, PhotoId>);

impl Edits {
    /// The photo that lay at `path`, if what lies there now, taken at `recorded_at`, is an edit of it. A date that is a
    /// guess from the file's name does not count: the name is the same.
    pub fn before(
        &self,
        catalog: &Catalog,
        key: &ModelKey,
        path: &Path,
        recorded_at: Option<&str>,
        vector: &[f32],
    ) -> Result<Option<PhotoId>, EngineError> {
        let Some(before) = self.0.get(path).copied() else { return Ok(None) };
        let Some(row) = catalog.photo(before)? else { return Ok(None) };
        let same = match (row.recorded_at(), recorded_at) {
            (Some(then), Some(now)) => is_same_moment(then, now),
            _ => {
                let old = catalog.vectors_of(key, &[before])?.pop().flatten();
                old.is_some_and(|old| old.iter().zip(vector).map(|(a, b)| a * b).sum::<f32>() >= ALIKE)
            }
        };
        Ok(same.then_some(before))
    }

    /// As [`Edits::before`], where `now` is a photo of the library that lay nowhere: an edit was taken back.
    pub fn before_known(
        &self,
        catalog: &Catalog,
        key: &ModelKey,
        path: &Path,
        now: PhotoId,
    ) -> Result<Option<(PhotoId, [u8; 32])>, EngineError> {
        if !self.0.contains_key(path) || !catalog.paths_of(now)?.is_empty() {
            return Ok(None);
        }
        let Some(row) = catalog.photo(now)? else { return Ok(None) };
        let vector = catalog.vectors_of(key, &[now])?.pop().flatten().unwrap_or_default();
        let before = self.before(catalog, key, path, row.recorded_at(), &vector)?;
        Ok(before.map(|before| (before, row.hash)))
    }
}
