//! Questions about a photo, answered by a pack that can.

#[cfg(test)]
mod tests;

use std::ops::ControlFlow;
use std::path::Path;

use sightline_catalog::PhotoId;
use sightline_vlm::{Answer, Search};

use crate::{Engine, EngineError};

/// Longest answer in words and in tokens.
const MOST_WORDS: usize = 80;
const MOST_TOKENS: usize = 128;

/// An answer, and who gave it.
#[derive(Debug, Clone, PartialEq)]
pub struct Answered {
    /// The answer; empty when nothing could be said.
    pub text: String,
    /// Mean log-probability of its tokens, in nats: 0 is certain.
    pub confidence: f32,
    /// The model's name.
    pub model: String,
}

impl Engine {
    /// Answers a question about a file, in a library or not, with the best model here that can. After each token
    /// `on_token` hears of the answer so far; breaking ends the work with that.
    ///
    /// # Errors
    /// [`ModelsError::NoAnswerer`](crate::models::ModelsError::NoAnswerer), an empty question, or when the file cannot be
    /// read or the model cannot be used.
    pub fn ask_file(
        &self,
        file: &Path,
        question: &str,
        mut on_token: impl FnMut(&str) -> ControlFlow<()>,
    ) -> Result<Answered, EngineError> {
        let pack = self.answerer()?;
        let photo = self.loader(pack.preprocess).load(file)?;
        let search =
            Search { beam: 1, length_penalty: 0.0, max_words: MOST_WORDS, max_tokens: MOST_TOKENS, sampling: None };
        // No more than one token ahead of who listens: who stops gets no more than was shown.
        let (sender, so_far) = crossbeam_channel::bounded(0);
        let ticket = self.text_host().answer(&pack.folder, photo, question, search, sender);
        for answer in &so_far {
            if on_token(&answer.text).is_break() {
                break;
            }
        }
        drop(so_far);
        let Answer { text, confidence } = ticket.wait()?;
        Ok(Answered { text, confidence, model: pack.name })
    }

    /// Answers a question about a photo of the library, as [`Engine::ask_file`] does.
    ///
    /// # Errors
    /// As [`Engine::ask_file`], and [`EngineError::PhotoGone`].
    pub fn ask_photo(
        &self,
        photo: PhotoId,
        question: &str,
        on_token: impl FnMut(&str) -> ControlFlow<()>,
    ) -> Result<Answered, EngineError> {
        self.ask_file(&self.file_of(photo)?, question, on_token)
    }
}
