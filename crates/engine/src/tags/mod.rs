//! Tags: words that the model proposes for a photo, and keywords that a person gave it or that its file brought.
//!
//! A proposal is worked out when a photo is looked at and kept nowhere. What a person says to it is kept: taken, it is
//! a keyword; taken off, it is not proposed again. No file is written.

mod tagger;
#[cfg(test)]
mod tests;
mod vocabulary;

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

use sightline_catalog::{KeywordOrigin, PhotoId};
use sightline_vlm::Embedding;

pub use tagger::MOST;
pub(crate) use tagger::{Tagger, question};
pub use vocabulary::Tag;

use crate::model_host::Lane;
use crate::search::embed_file;
use crate::serving::Serving;
use crate::{Engine, EngineError};

/// A word at a photo.
#[derive(Debug, Clone, PartialEq)]
pub struct PhotoTag {
    /// The word, or a few of them.
    pub name: String,
    /// Whose word it is.
    pub origin: KeywordOrigin,
    /// How well it fits, if the model proposes it; see `sightline_vlm::QueryScale::tag_score`.
    pub score: Option<f32>,
}

impl PhotoTag {
    fn proposed((tag, score): (&Tag, f32)) -> Self {
        Self { name: tag.name.clone(), origin: KeywordOrigin::Model, score: Some(score) }
    }
}

impl Engine {
    /// A photo's keywords, and after them what the model proposes, the likeliest first.
    ///
    /// # Errors
    /// When the library, the list of tags or the model cannot be used.
    pub fn tags(&self, photo: PhotoId) -> Result<Vec<PhotoTag>, EngineError> {
        let said = self.catalog()?.keywords(photo)?;
        let mut tags: Vec<PhotoTag> = said
            .iter()
            .filter(|row| !row.removed)
            .map(|row| PhotoTag { name: row.word.clone(), origin: row.origin, score: None })
            .collect();
        let serving = self.serving();
        let vectors = self.vectors(&serving)?;
        let Some(vector) = vectors.vector(photo).and_then(|vector| Embedding::normalised(vector.to_vec())) else {
            return Ok(tags);
        };
        let tagger = self.tagger(&serving, Lane::Interactive)?;
        let proposed = tagger.propose(&vector).into_iter();
        let answered = |tag: &Tag| said.iter().any(|row| row.word.to_lowercase() == tag.name.to_lowercase());
        tags.extend(proposed.filter(|(tag, _)| !answered(tag)).map(PhotoTag::proposed));
        Ok(tags)
    }

    /// What the model proposes for a file, in a library or not.
    ///
    /// # Errors
    /// When a file, the list of tags or the model cannot be used.
    pub fn tags_of_file(&self, file: &Path) -> Result<Vec<PhotoTag>, EngineError> {
        let serving = self.serving();
        let vector = embed_file(self, &serving, file)?;
        let tagger = self.tagger(&serving, Lane::Interactive)?;
        Ok(tagger.propose(&vector).into_iter().map(PhotoTag::proposed).collect())
    }

    /// Names of the tags that the model would propose for a photo with this vector, the likeliest first.
    pub(crate) fn names_seen(&self, serving: &Serving, photo: &Embedding) -> Result<Vec<String>, EngineError> {
        let tagger = self.tagger(serving, Lane::Batch)?;
        Ok(tagger.propose(photo).into_iter().map(|(tag, _)| tag.name.clone()).collect())
    }

    /// Gives a photo a keyword, or takes the model's word for it.
    ///
    /// # Errors
    /// [`EngineError::KeywordEmpty`], or when the library cannot be written.
    pub fn keep_tag(&self, photo: PhotoId, name: &str) -> Result<(), EngineError> {
        let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
        if name.is_empty() {
            return Err(EngineError::KeywordEmpty);
        }
        self.catalog()?.add_keyword(photo, &name)?;
        self.words_changed();
        Ok(())
    }

    /// Takes a tag off a photo, whoever gave it; it is not proposed again.
    ///
    /// # Errors
    /// When the library cannot be written.
    pub fn remove_tag(&self, photo: PhotoId, name: &str) -> Result<(), EngineError> {
        self.catalog()?.remove_keyword(photo, name)?;
        self.words_changed();
        Ok(())
    }

    /// Takes back what [`Engine::remove_tag`] did.
    ///
    /// # Errors
    /// When the library cannot be written.
    pub fn restore_tag(&self, photo: PhotoId, name: &str) -> Result<(), EngineError> {
        self.catalog()?.restore_keyword(photo, name)?;
        self.words_changed();
        Ok(())
    }

    /// The file with the list of tags that may be proposed, for the user to edit; made if it is not there.
    ///
    /// # Errors
    /// When the library cannot be written.
    pub fn tag_list(&self) -> Result<PathBuf, EngineError> {
        vocabulary::write(self.library())
    }

    /// The list of tags, embedded; anew when the list was edited.
    pub(crate) fn tagger(&self, serving: &Serving, lane: Lane) -> Result<Arc<Tagger>, EngineError> {
        let (text, key) = (vocabulary::text(self.library())?, serving.key()?);
        let mut held = self.held_tagger().lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, by, tagger)) = &*held
            && *of == text
            && *by == key
        {
            return Ok(tagger.clone());
        }
        let tagger = Arc::new(Tagger::new(vocabulary::parse(&text), &serving.host, lane)?);
        *held = Some((text, key, tagger.clone()));
        Ok(tagger)
    }
}
