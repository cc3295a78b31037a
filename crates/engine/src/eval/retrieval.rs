//! Recall at K of photos by their captions and of captions by their photos.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Instant;

use serde::Serialize;
use sightline_vlm::Embedding;
use sightline_vlm::retrieval::{image_to_text, text_to_image};

use super::captions::{read_captions, read_split};
use super::score::{Recall, two_decimals};
use super::{embed_photos, embed_texts};
use crate::EngineError;
use crate::jobs::JobCx;

/// What to evaluate on.
#[derive(Debug, Clone)]
pub struct RetrievalTask {
    /// Folder of photos.
    pub images: PathBuf,
    /// CSV with the columns `image` and `caption`.
    pub captions: PathBuf,
    /// List of the images to use, one a line; all that have captions without it.
    pub split: Option<PathBuf>,
}

/// The result.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RetrievalReport {
    /// A caption looks for its photo.
    pub text_to_image: Recall,
    /// A photo looks for any of its captions.
    pub image_to_text: Recall,
    /// Photos that took part.
    pub photos: usize,
    /// Captions that took part.
    pub captions: usize,
    /// Wall time of everything.
    pub seconds: f64,
}

impl RetrievalTask {
    /// Embeds photos and captions and ranks each against all of the others.
    ///
    /// # Errors
    /// When the files cannot be read, no photo is readable, or the job is stopped.
    pub fn run(&self, cx: &JobCx<'_>) -> Result<RetrievalReport, EngineError> {
        let started = Instant::now();
        let mut captions = read_captions(&self.captions)?;
        if let Some(split) = &self.split {
            let wanted = read_split(split)?;
            captions.retain(|caption| wanted.contains(&caption.image));
        }
        let mut names: Vec<String> = Vec::new();
        let mut index_of: HashMap<String, usize> = HashMap::new();
        for caption in &captions {
            index_of.entry(caption.image.clone()).or_insert_with(|| {
                names.push(caption.image.clone());
                names.len() - 1
            });
        }
        if names.is_empty() {
            let path = self.split.clone().unwrap_or_else(|| self.captions.clone());
            let reason = "none of these images has a caption".into();
            return Err(EngineError::BadInput { path, reason });
        }
        let paths: Vec<PathBuf> = names.iter().map(|name| self.images.join(name)).collect();
        let embedded = embed_photos(cx, &cx.engine().host(), &paths)?;
        // Photos that could not be read take no part, nor do their captions.
        let kept: Vec<usize> = (0..paths.len()).filter(|&index| embedded[index].is_some()).collect();
        let place: HashMap<usize, usize> = kept.iter().enumerate().map(|(place, &index)| (index, place)).collect();
        if kept.is_empty() {
            let reason = "none of the photos could be read".into();
            return Err(EngineError::BadInput { path: self.images.clone(), reason });
        }
        captions.retain(|caption| place.contains_key(&index_of[&caption.image]));
        let photo_of: Vec<usize> = captions.iter().map(|caption| place[&index_of[&caption.image]]).collect();
        let texts: Vec<String> = captions.into_iter().map(|caption| caption.text).collect();
        let text_vectors = embed_texts(cx, &texts)?;
        let photos: Vec<Embedding> = embedded.into_iter().flatten().map(|photo| photo.shared).collect();
        Ok(RetrievalReport {
            text_to_image: text_to_image(&text_vectors, &photos, &photo_of).into(),
            image_to_text: image_to_text(&text_vectors, &photos, &photo_of).into(),
            photos: photos.len(),
            captions: texts.len(),
            seconds: two_decimals(started.elapsed().as_secs_f64()),
        })
    }
}
