//! Which tags of a list fit a photo.
//!
//! A tag is judged as a search for it would be: its cosine with the photo counts in standard deviations above the
//! mean of general photos, and by how common it is among them (see `sightline_vlm::QueryScale::tag_score`), so that
//! one bar serves every tag, also those that the user adds.

use sightline_vlm::{Calibration, Embedding, QueryScale};

use super::vocabulary::{self, Tag};
use crate::EngineError;
use crate::model_host::{Lane, ModelHost};

/// No more than this many are proposed for a photo.
pub const MOST: usize = 8;

/// What the model is asked for a tag, or for any thing that may be in a photo.
pub(crate) fn question(thing: &str) -> String {
    format!("a photo of a {thing}.")
}

/// Phrases of one call of the model.
const BATCH: usize = 64;

/// A list of tags, ready to be held against photos.
#[derive(Debug)]
pub(crate) struct Tagger {
    tags: Vec<(Tag, Embedding, QueryScale)>,
    /// Standard deviations from which a tag is proposed.
    pub bar: f32,
}

impl Tagger {
    /// Embeds the list's phrases.
    pub fn new(tags: Vec<Tag>, host: &ModelHost, lane: Lane) -> Result<Self, EngineError> {
        let calibration = host.ready(lane).wait()?.calibration;
        let mut vectors = Vec::with_capacity(tags.len());
        for chunk in tags.chunks(BATCH) {
            let phrases = chunk.iter().map(|tag| question(&tag.phrase)).collect();
            vectors.extend(host.embed_texts(lane, phrases).wait()?);
        }
        Ok(Self { tags: scaled(tags, vectors, &calibration), bar: calibration.thresholds().tag })
    }

    /// The list that a library begins with.
    pub fn of_first_list(host: &ModelHost, lane: Lane) -> Result<Self, EngineError> {
        Self::new(vocabulary::first(), host, lane)
    }

    /// The names of the list.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tags.iter().map(|(tag, ..)| tag.name.as_str())
    }

    /// The tags to be proposed for a photo, the best first, with their scores.
    pub fn propose(&self, photo: &Embedding) -> Vec<(&Tag, f32)> {
        let mut fitting = self.judge(photo, self.bar);
        fitting.truncate(MOST);
        fitting
    }

    /// The tags that fit a photo at least as well as `bar`, the best first, with their scores.
    pub fn judge(&self, photo: &Embedding, bar: f32) -> Vec<(&Tag, f32)> {
        let scores = self.tags.iter().map(|(tag, vector, scale)| (tag, scale.tag_score(photo.dot(vector))));
        let mut fitting: Vec<_> = scores.filter(|(_, score)| *score >= bar).collect();
        fitting.sort_by(|a, b| b.1.total_cmp(&a.1));
        fitting
    }
}

fn scaled(tags: Vec<Tag>, vectors: Vec<Embedding>, calibration: &Calibration) -> Vec<(Tag, Embedding, QueryScale)> {
    let with_scale = |(tag, vector): (Tag, Embedding)| {
        let scale = calibration.scale(&vector);
        (tag, vector, scale)
    };
    tags.into_iter().zip(vectors).map(with_scale).collect()
}
