//! Photos that look like a photo.
//!
//! The bars for words do not fit here: two photos are closer to each other than any sentence is to
//! a photo. So the nearest are always shown, and those that stand out as far as a strong match of a
//! sentence are called strong.

use std::path::Path;

use sightline_catalog::PhotoId;
use sightline_vlm::{Embedding, Match};

use super::{Beyond, Ranked, Ranking, SearchReply, embed_file};
use crate::model_host::Lane;
use crate::serving::Serving;
use crate::{Engine, EngineError};

impl Engine {
    /// Finds photos that look like the photo at `file`, which need not be in the library; if it
    /// is, it is left out of the answer.
    ///
    /// # Errors
    /// When the photo cannot be read, or the library or the model cannot be used.
    pub fn similar(&self, file: &Path, limit: usize) -> Result<SearchReply, EngineError> {
        self.with_data(self.rank_similar_to_file(file, limit)?)
    }

    /// As [`Engine::similar`], without the photos' data.
    ///
    /// # Errors
    /// As [`Engine::similar`].
    pub fn rank_similar_to_file(&self, file: &Path, limit: usize) -> Result<Ranking, EngineError> {
        let hash = sightline_media::hash_photo(file, &sightline_media::Limits::default(), &|| false)?;
        let itself = self.catalog()?.by_hash(&hash.0)?;
        let serving = self.serving();
        // A photo of the library has been embedded already.
        let question = match self.stored_embedding(&serving, itself)? {
            Some(stored) => stored,
            None => embed_file(self, &serving, file)?,
        };
        self.nearest_but(&serving, &question, limit, itself)
    }

    /// Finds photos that look like a photo of the library.
    ///
    /// # Errors
    /// [`EngineError::PhotoGone`], or when the library or the model cannot be used.
    pub fn rank_similar(&self, photo: PhotoId, limit: usize) -> Result<Ranking, EngineError> {
        let serving = self.serving();
        let stored = self.stored_embedding(&serving, Some(photo))?.ok_or(EngineError::PhotoGone { id: photo.0 })?;
        self.nearest_but(&serving, &stored, limit, Some(photo))
    }

    fn stored_embedding(&self, serving: &Serving, photo: Option<PhotoId>) -> Result<Option<Embedding>, EngineError> {
        let Some(photo) = photo else { return Ok(None) };
        Ok(self.vectors(serving)?.vector(photo).and_then(Embedding::normalised))
    }

    fn nearest_but(
        &self,
        serving: &Serving,
        question: &Embedding,
        limit: usize,
        itself: Option<PhotoId>,
    ) -> Result<Ranking, EngineError> {
        let vectors = self.vectors(serving)?;
        self.must_be_searchable(vectors.is_empty())?;
        let scale = serving.host.ready(Lane::Interactive).wait()?.calibration.scale(question);
        let nearest = vectors.nearest(question.as_slice(), limit + usize::from(itself.is_some()), None).into_iter();
        let photos: Vec<Ranked> = nearest
            .filter(|(photo, _)| Some(*photo) != itself)
            .take(limit)
            .map(|(photo, score)| {
                let confidence = scale.judge(score).max(Match::Possible);
                Ranked { photo, score: Some(score), confidence }
            })
            .collect();
        let others =
            vectors.len() - usize::from(itself.is_some_and(|photo| vectors.ids().binary_search(&photo).is_ok()));
        let beyond = if photos.len() < others { Beyond::Matches } else { Beyond::Nothing };
        Ok(Ranking { photos, searched: vectors.len(), beyond, unknown: None, chips: Vec::new() })
    }
}
