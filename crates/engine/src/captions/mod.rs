//! Captions: written by the model or by a person, kept in versions, found by their words.
//!
//! A caption belongs to a photo, wherever its file lies. What a person has written is not overwritten
//! unasked, and every version can be gone back to. A sentence of the model's that does not fit its photo is a guess: it
//! is kept, so that it is not worked out again, and is never shown, searched, exported or written as a caption.

mod describing;
mod files;
mod fit;
mod job;
#[cfg(test)]
mod tests;
mod write_out;

use std::path::Path;

use sightline_catalog::{CaptionAuthor, CaptionRow, NewCaption, Overwrite, PhotoId};
use sightline_vlm::{Caption, Described, Search};

pub use files::{CaptionFiles, CaptionedFile};
pub(crate) use fit::HeldJudge;
pub use fit::Judged;
pub use job::{CaptionJob, CaptionScope, CaptionSummary};
pub use sightline_media::caption_metadata::{CaptionMetadata, WriteTo, Written};
pub use write_out::WriteOutPreview;

use crate::model_host::Lane;
use crate::serving::Serving;
use crate::{Engine, EngineError};

/// A word less likely than this, in nats, is marked as uncertain. On the dev split that is 1.4% of the words; 74% of
/// them stand in none of the photo's five captions, of the others 31% (`sightline eval caption`).
pub const UNCERTAIN: f32 = -2.5;

impl Engine {
    /// Describes a file, without a library. After each token `told` hears of the sentence so far, which nothing has
    /// judged yet.
    ///
    /// # Errors
    /// When the file cannot be read, or the model writes no captions or cannot be used.
    pub fn describe_file(
        &self,
        file: &Path,
        search: &Search,
        told: impl FnMut(Caption),
    ) -> Result<Judged, EngineError> {
        let describing = self.describing()?;
        let photo = describing.loader(Lane::Interactive, |preprocess| self.loader(preprocess))?.load(file)?;
        let (sender, so_far) = crossbeam_channel::unbounded();
        let ticket = describing.describe_one(photo, *search, sender);
        so_far.iter().for_each(told);
        describing.judged(self, Lane::Interactive, ticket.wait()?)?.pop().ok_or(EngineError::ModelGone)
    }

    /// What was written of photos, judged by the model in use.
    pub(crate) fn judged(
        &self,
        serving: &Serving,
        lane: Lane,
        described: Vec<Described>,
    ) -> Result<Vec<Judged>, EngineError> {
        if described.is_empty() {
            return Ok(Vec::new());
        }
        self.judge(serving, lane)?.judge(&serving.host, lane, described)
    }

    /// Describes a photo of the library and keeps the caption, also over a person's: they asked for it. A guess takes
    /// the place of no person's caption.
    ///
    /// # Errors
    /// As [`Engine::describe_file`], and when the library cannot be written.
    pub fn describe_photo(
        &self,
        photo: PhotoId,
        search: &Search,
        told: impl FnMut(Caption),
    ) -> Result<Judged, EngineError> {
        let judged = self.describe_file(&self.file_of(photo)?, search, told)?;
        self.keep_caption(photo, &judged, search, Overwrite::All)?;
        Ok(judged)
    }

    /// Keeps a caption or guess of the model's if `overwrite` lets it; tells whether it did.
    ///
    /// # Errors
    /// When the library cannot be written.
    pub fn keep_caption(
        &self,
        photo: PhotoId,
        judged: &Judged,
        search: &Search,
        overwrite: Overwrite,
    ) -> Result<bool, EngineError> {
        let new = by_machine(judged, search);
        let kept = self.catalog()?.put_caption(photo, &new, overwrite)?;
        self.words_changed();
        Ok(kept)
    }

    /// Keeps what a person wrote under a photo.
    ///
    /// # Errors
    /// [`EngineError::CaptionEmpty`], or when the library cannot be written.
    pub fn write_caption(&self, photo: PhotoId, text: &str) -> Result<(), EngineError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(EngineError::CaptionEmpty);
        }
        let author = CaptionAuthor::Person;
        let new = NewCaption { text: text.into(), author, model: None, settings: None, confidence: None };
        self.catalog()?.put_caption(photo, &new, Overwrite::All)?;
        self.words_changed();
        Ok(())
    }

    /// Takes the current caption back; the one before it is current then.
    ///
    /// # Errors
    /// When the library cannot be written.
    pub fn undo_caption(&self, photo: PhotoId) -> Result<bool, EngineError> {
        let undone = self.catalog()?.undo_caption(photo)?;
        self.words_changed();
        Ok(undone)
    }

    /// The current caption of a photo; none where there is only a guess.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn caption(&self, photo: PhotoId) -> Result<Option<CaptionRow>, EngineError> {
        Ok(self.catalog()?.caption(photo)?)
    }

    /// All versions of a photo's caption, the newest first.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn caption_history(&self, photo: PhotoId) -> Result<Vec<CaptionRow>, EngineError> {
        Ok(self.catalog()?.caption_history(photo)?)
    }

    /// Photos whose captions a person should look at: those with a guess, and then the least certain first.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn captions_to_review(&self, limit: usize) -> Result<Vec<PhotoId>, EngineError> {
        Ok(self.catalog()?.captions_to_review(limit)?)
    }
}

fn by_machine(Judged { caption, is_shown, written_by, .. }: &Judged, search: &Search) -> NewCaption {
    NewCaption {
        text: caption.text.clone(),
        author: CaptionAuthor::Machine,
        model: Some(written_by.clone()),
        settings: Some(settings_of(search)),
        confidence: is_shown.then_some(f64::from(caption.confidence)),
    }
}

/// How the model was asked, for people and for comparison.
fn settings_of(search: &Search) -> String {
    match search.sampling {
        Some(sampling) => format!("sampled, seed {}, at most {} words", sampling.seed, search.max_words),
        None => format!("beam {}, at most {} words", search.beam, search.max_words),
    }
}
