//! Captions for many photos, as a job.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use sightline_catalog::{AlbumId, Filter, NewCaption, Overwrite, PhotoId};
use sightline_vlm::{Described, Search};

use super::{by_machine, settings_of};
use crate::EngineError;
use crate::batches::Batches;
use crate::jobs::{Job, JobCx};
use crate::loading::work_ahead;
use crate::model_host::Lane;

/// Which photos are described.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum CaptionScope {
    /// All of the library.
    All,
    /// Those of an album, by its number.
    Album(i64),
    /// These, by number.
    Photos(Vec<i64>),
}

/// Describes photos of the library. Serialisable, so that it can be resumed by being run again: photos that
/// have their caption are passed over.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CaptionJob {
    scope: CaptionScope,
    overwrite: OverwriteName,
    beam: usize,
    max_words: usize,
    /// What the last run did.
    #[serde(skip)]
    pub summary: CaptionSummary,
}

/// [`Overwrite`] by a name that is kept in job rows.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum OverwriteName {
    Never,
    Machine,
    All,
}

/// What a run did, in photos.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CaptionSummary {
    /// Photos of the scope.
    pub photos: u64,
    /// Photos that got a caption or a guess.
    pub described: u64,
    /// Those of them of which the model is not sure.
    pub unsure: u64,
    /// Photos that could not be read.
    pub failed: u64,
}

impl CaptionJob {
    /// A job for the photos of `scope`.
    pub fn new(scope: CaptionScope, overwrite: Overwrite, search: &Search) -> Self {
        let overwrite = match overwrite {
            Overwrite::Never => OverwriteName::Never,
            Overwrite::Machine => OverwriteName::Machine,
            Overwrite::All => OverwriteName::All,
        };
        let (beam, max_words) = (search.beam, search.max_words);
        Self { scope, overwrite, beam, max_words, summary: CaptionSummary::default() }
    }
}

impl Job for CaptionJob {
    const KIND: &'static str = "caption";

    fn run(&mut self, cx: &JobCx<'_>) -> Result<(), EngineError> {
        let engine = cx.engine();
        let catalog = engine.catalog()?;
        let search = Search { beam: self.beam, max_words: self.max_words, ..Search::default() };
        let describing = engine.describing()?;
        let (model, settings) = (describing.caption_id()?, settings_of(&search));
        let overwrite = match self.overwrite {
            OverwriteName::Never => Overwrite::Never,
            OverwriteName::Machine => Overwrite::Machine,
            OverwriteName::All => Overwrite::All,
        };
        let scope = match &self.scope {
            CaptionScope::All => catalog.select(&Filter::default())?,
            CaptionScope::Album(album) => {
                catalog.select(&Filter { album: Some(AlbumId(*album)), ..Filter::default() })?
            }
            CaptionScope::Photos(photos) => photos.iter().copied().map(PhotoId).collect(),
        };
        let work = catalog.captionable(&scope, overwrite, &model, &settings)?;
        self.summary = CaptionSummary { photos: scope.len() as u64, ..CaptionSummary::default() };
        // Those that were described before a pause are not on the list any more.
        let before = cx.done_before(work.len() as u64);
        let total = before + work.len() as u64;
        cx.progress("caption", before, total, None)?;
        if work.is_empty() {
            return Ok(());
        }
        let loader = describing.loader(Lane::Batch, |preprocess| cx.loader(preprocess))?;
        let mut batches =
            Batches::new(describing.batch_size(), |photos| describing.describe(Lane::Batch, photos, search));
        let summary = &mut self.summary;
        let keep = |summary: &mut CaptionSummary, described: Vec<(PhotoId, Described)>| -> Result<(), EngineError> {
            let (photos, described): (Vec<PhotoId>, Vec<Described>) = described.into_iter().unzip();
            let judged = describing.judged(engine, Lane::Batch, described)?;
            let captions: Vec<(PhotoId, NewCaption)> =
                photos.into_iter().zip(&judged).map(|(photo, judged)| (photo, by_machine(judged, &search))).collect();
            summary.unsure += judged.iter().filter(|judged| !judged.is_shown).count() as u64;
            summary.described += catalog.put_captions(&captions, overwrite)? as u64;
            engine.words_changed();
            Ok(())
        };
        let load = |photo: PhotoId| -> (PhotoId, PathBuf, Result<_, EngineError>) {
            match engine.file_of(photo) {
                Ok(path) => (photo, path.clone(), loader.load(&path)),
                Err(error) => (photo, PathBuf::new(), Err(error)),
            }
        };
        let result = work_ahead(cx, work, 2 * describing.batch_size(), load, |(photo, path, loaded)| {
            match loaded {
                Ok(input) => {
                    let described = batches.push(photo, input)?;
                    keep(summary, described)?;
                }
                Err(error) => {
                    cx.item_failed(&path, error.code(), &error.to_string());
                    summary.failed += 1;
                }
            }
            cx.progress("caption", before + summary.described + summary.failed, total, Some(&path))
        });
        match result {
            // What the model is computing is kept, not lost.
            Err(EngineError::Cancelled) => {
                batches.drop_waiting();
                keep(summary, batches.settle()?)?;
                Err(EngineError::Cancelled)
            }
            Err(error) => Err(error),
            Ok(()) => {
                let last = batches.send()?;
                keep(summary, last)?;
                let last = batches.settle()?;
                keep(summary, last)?;
                cx.progress("caption", before + summary.described + summary.failed, total, None)
            }
        }
    }
}
