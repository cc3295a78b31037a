//! Photos whose captions say what was asked for, before those that only look like it.
//!
//! A person's words are taken at their word. The model's own captions can be wrong: theirs count fully only
//! where the photo looks like the query too.

use std::collections::HashMap;

use sightline_catalog::{CaptionAuthor, PhotoId};
use sightline_vlm::Match;

use super::query::{Meaning, Query};
use super::{Ranked, Ranking};
use crate::{Engine, EngineError};

/// Words that captions need not share with a query.
const COMMON: [&str; 24] = [
    "a", "an", "the", "of", "in", "on", "at", "and", "with", "to", "is", "are", "by", "for", "from", "my", "its",
    "photo", "picture", "image", "some", "there", "near", "that",
];

/// The words of a query's terms of one sign that say something.
fn telling_words(query: &Query, wanted: bool) -> Vec<String> {
    let texts =
        query.terms.iter().filter(|term| (term.weight > 0.0) == wanted).filter_map(|term| match &term.meaning {
            Meaning::Text(text) => Some(text),
            Meaning::Photo(_) => None,
        });
    let words = texts.flat_map(|text| text.split(|c: char| !c.is_alphanumeric())).map(str::to_lowercase);
    words.filter(|word| !word.is_empty() && !COMMON.contains(&word.as_str())).collect()
}

impl Engine {
    /// Puts photos whose current caption has all telling words of the query first. `judge` gives a photo's cosine
    /// with the query and what the calibration makes of it.
    pub(super) fn with_captioned(
        &self,
        query: &Query,
        ranking: Ranking,
        limit: usize,
        allowed: Option<&[PhotoId]>,
        judge: impl Fn(PhotoId) -> Option<(f32, Match)>,
    ) -> Result<Ranking, EngineError> {
        let words = telling_words(query, true);
        let like_a_photo = query.terms.iter().any(|term| matches!(term.meaning, Meaning::Photo(_)));
        if words.is_empty() || like_a_photo {
            return Ok(ranking);
        }
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let mut said: HashMap<PhotoId, CaptionAuthor> = self.catalog()?.with_words(&words)?.into_iter().collect();
        for word in telling_words(query, false) {
            for (photo, _) in self.catalog()?.with_words(&[&word])? {
                said.remove(&photo);
            }
        }
        if let Some(allowed) = allowed {
            said.retain(|photo, _| allowed.binary_search(photo).is_ok());
        }
        if said.is_empty() {
            return Ok(ranking);
        }
        let mut photos: Vec<Ranked> =
            ranking.photos.into_iter().filter(|ranked| !said.contains_key(&ranked.photo)).collect();
        photos.extend(said.iter().map(|(&photo, author)| {
            let (score, looks) = judge(photo).map_or((None, Match::None), |(score, looks)| (Some(score), looks));
            let believed = *author != CaptionAuthor::Machine || looks != Match::None;
            Ranked { photo, score, confidence: if believed { Match::Strong } else { Match::Possible } }
        }));
        let order = |ranked: &Ranked| match (ranked.confidence, said.contains_key(&ranked.photo)) {
            (Match::Strong, true) => 0,
            (Match::Strong, false) => 1,
            _ => 2,
        };
        let score = |ranked: &Ranked| ranked.score.unwrap_or(f32::MIN);
        photos.sort_by(|a, b| order(a).cmp(&order(b)).then(score(b).total_cmp(&score(a))).then(a.photo.cmp(&b.photo)));
        photos.truncate(limit);
        Ok(Ranking { photos, ..ranking })
    }
}
