//! Moving photos that a person chose to the system's trash. They come back as duplicates do, by
//! [`crate::Engine::undo_trash`], with all that is known of them.
//!
//! Whoever calls this has asked the person: nothing is proven here but that each file is still the one that the library
//! knows. All files of a photo go, with what belongs to them.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use sightline_catalog::{PhotoId, TrashBatch};

use super::TrashSummary;
use super::seen::Seen;
use super::trash::{belonging, move_together};
use crate::EngineError;
use crate::jobs::{Job, JobCx};

/// Moves photos to the trash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrashPhotosJob {
    photos: Vec<i64>,
    /// What the last run did.
    #[serde(skip)]
    pub summary: TrashSummary,
}

impl TrashPhotosJob {
    /// A job for these photos.
    pub fn new(photos: &[PhotoId]) -> Self {
        Self { photos: photos.iter().map(|photo| photo.0).collect(), summary: TrashSummary::default() }
    }
}

impl Job for TrashPhotosJob {
    const KIND: &'static str = "trash_photos";

    fn run(&mut self, cx: &JobCx<'_>) -> Result<(), EngineError> {
        let (mut summary, mut batch) = (TrashSummary::default(), None);
        let ended = move_all(cx, &self.photos, &mut batch, &mut summary);
        self.summary = summary;
        if self.summary.moved > 0 {
            let engine = cx.engine();
            engine.library_changed();
            engine.duplicates_changed(&self.photos.iter().copied().map(PhotoId).collect::<HashSet<_>>())?;
        }
        ended
    }
}

/// Moves what is still there; what an earlier run has moved is not.
fn move_all(
    cx: &JobCx<'_>,
    photos: &[i64],
    batch: &mut Option<TrashBatch>,
    summary: &mut TrashSummary,
) -> Result<(), EngineError> {
    let catalog = cx.engine().catalog()?;
    for (photo, done) in photos.iter().copied().map(PhotoId).zip(1..) {
        for (_, place) in catalog.locations_of(photo)? {
            cx.check()?;
            let seen = Seen::of(catalog, photo, &place.path);
            let moved = seen.and_then(|seen| {
                let mut paths = vec![place.path.clone()];
                paths.extend(belonging(catalog, &place.path, None)?);
                // The last look before anything is moved.
                seen.again()?;
                move_together(cx, *batch, &paths, (photo, photo))
            });
            match moved {
                Ok(of_batch) => {
                    *batch = Some(of_batch);
                    summary.moved += 1;
                    summary.bytes += place.size_bytes;
                }
                Err(error @ (EngineError::Catalog(_) | EngineError::Cancelled)) => return Err(error),
                Err(error) => {
                    summary.failed += 1;
                    cx.item_failed(&place.path, error.code(), &error.to_string());
                }
            }
        }
        cx.progress("trash", done, photos.len() as u64, None)?;
    }
    Ok(())
}
