//! How often proposed tags are right: held against what people wrote about the same photos.
//!
//! A tag counts as right where one of the photo's captions has its name, in the singular or the plural. People do not
//! write down all they see, so the true precision is higher.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use serde::Serialize;

use super::captions::{read_captions, read_split};
use super::embed_photos;
use super::score::two_decimals;
use super::words::{singular, words};
use crate::EngineError;
use crate::jobs::JobCx;
use crate::model_host::Lane;
use crate::tags::{MOST, Tagger};

/// Tags that fewer photos have are left out: their share says nothing.
const LEAST: usize = 5;

/// What to evaluate on.
#[derive(Debug, Clone)]
pub struct TagTask {
    /// Folder of photos.
    pub images: PathBuf,
    /// CSV with the columns `image` and `caption`.
    pub captions: PathBuf,
    /// List of the images to use, one a line; all that have captions without it.
    pub split: Option<PathBuf>,
}

/// Right and wrong from one bar on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TagScore {
    /// Standard deviations from which a tag is proposed.
    pub bar: f32,
    /// Share of the proposals that a caption names, in percent.
    pub precision: f64,
    /// Share of the tags named by captions that are proposed, in percent.
    pub recall: f64,
    /// Tags a photo.
    pub tags_per_photo: f64,
}

/// The result.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TagReport {
    /// At the bar in use.
    pub used: TagScore,
    /// At other bars.
    pub bars: Vec<TagScore>,
    /// Tags that took part.
    pub tags: usize,
    /// Photos that took part.
    pub photos: usize,
}

impl TagTask {
    /// Proposes tags for the photos and compares with their captions.
    ///
    /// # Errors
    /// When the files cannot be read, no photo is readable, or the job is stopped.
    pub fn run(&self, cx: &JobCx<'_>) -> Result<TagReport, EngineError> {
        let wanted = self.split.as_deref().map(read_split).transpose()?;
        let mut words_of: HashMap<String, HashSet<String>> = HashMap::new();
        for caption in read_captions(&self.captions)? {
            if wanted.as_ref().is_none_or(|wanted| wanted.contains(&caption.image)) {
                words_of.entry(caption.image).or_default().extend(words(&caption.text));
            }
        }
        let mut names: Vec<String> = words_of.keys().cloned().collect();
        names.sort();
        let paths: Vec<PathBuf> = names.iter().map(|name| self.images.join(name)).collect();
        let photos: Vec<_> = embed_photos(cx, &cx.engine().host(), &paths)?
            .into_iter()
            .zip(&names)
            .filter_map(|(vector, name)| Some((vector?.shared, &words_of[name])))
            .collect();
        if photos.is_empty() {
            let reason = "none of the photos could be read".into();
            return Err(EngineError::BadInput { path: self.images.clone(), reason });
        }
        let tagger = Tagger::of_first_list(&cx.engine().host(), Lane::Batch)?;
        let named = |tag: &str, words: &HashSet<String>| singular(tag).is_some_and(|tag| words.contains(&tag));
        let tags: HashSet<&str> = tagger
            .names()
            .filter(|tag| photos.iter().filter(|(_, words)| named(tag, words)).count() >= LEAST)
            .collect();
        let truths: usize = photos.iter().map(|(_, words)| tags.iter().filter(|tag| named(tag, words)).count()).sum();
        let at = |bar: f32| {
            let (mut right, mut proposed) = (0, 0);
            for (vector, words) in &photos {
                let mine = tagger.judge(vector, bar).into_iter().take(MOST);
                for (tag, _) in mine.filter(|(tag, _)| tags.contains(tag.name.as_str())) {
                    proposed += 1;
                    right += usize::from(named(&tag.name, words));
                }
            }
            let percent = |part: usize, whole: usize| two_decimals(100.0 * part as f64 / whole.max(1) as f64);
            TagScore {
                bar,
                precision: percent(right, proposed),
                recall: percent(right, truths),
                tags_per_photo: two_decimals(proposed as f64 / photos.len() as f64),
            }
        };
        let bars = (4..=14).map(|half| at(half as f32 / 2.0)).collect();
        Ok(TagReport { used: at(tagger.bar), bars, tags: tags.len(), photos: photos.len() })
    }
}
