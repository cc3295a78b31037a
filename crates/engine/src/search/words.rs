//! Photos whose captions say what was asked for, before those that only look like it.
//!
//! A person's words are taken at their word. The model's own captions can be wrong: theirs count fully only
//! where the photo looks like the query too.

use std::collections::HashMap;

use sightline_catalog::{CaptionAuthor, PhotoId, VectorIndex};
use sightline_vlm::{Embedding, Match, QueryScale};

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
    /// Puts photos whose current caption has all telling words of the query first. `scale` tells what a cosine with
    /// `question`, the query as a vector, is worth.
    pub(super) fn with_captioned(
        &self,
        query: &Query,
        ranking: Ranking,
        limit: usize,
        allowed: Option<&[PhotoId]>,
        vectors: &VectorIndex,
        (question, scale): (&Embedding, QueryScale),
    ) -> Result<Ranking, EngineError> {
        let words = telling_words(query, true);
        let like_a_photo = query.terms.iter().any(|term| matches!(term.meaning, Meaning::Photo(_)));
        if words.is_empty() || like_a_photo {
            return Ok(ranking);
        }
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let mut said = self.catalog()?.with_words(&words)?;
        for word in telling_words(query, false) {
            let unwanted = self.catalog()?.with_words(&[&word])?;
            said.retain(|photo| unwanted.binary_search(photo).is_err());
        }
        if let Some(allowed) = allowed {
            said.retain(|photo| allowed.binary_search(photo).is_ok());
        }
        if said.is_empty() {
            return Ok(ranking);
        }
        let scores = |limit| vectors.nearest(question.as_slice(), limit, Some(&said));
        let looks = |score| scale.judge(score);
        let is_said = |photo: &PhotoId| said.binary_search(photo).is_ok();
        let best = scores(limit);
        let mut photos: Vec<Ranked> = ranking.photos.into_iter().filter(|ranked| !is_said(&ranked.photo)).collect();
        if best.len() == limit && best.iter().all(|(_, score)| looks(*score) != Match::None) {
            // A common word: as many as are wanted look like it too, whoever wrote of them.
            let strong = |(photo, score)| Ranked { photo, score: Some(score), confidence: Match::Strong };
            photos.extend(best.into_iter().map(strong));
        } else {
            let scores: HashMap<PhotoId, f32> = scores(said.len()).into_iter().collect();
            let authors = self.catalog()?.whose_words(&words, &said)?;
            photos.extend(said.iter().zip(authors).map(|(&photo, author)| {
                let score = scores.get(&photo).copied();
                let believed = author != CaptionAuthor::Machine || score.is_some_and(|s| looks(s) != Match::None);
                Ranked { photo, score, confidence: if believed { Match::Strong } else { Match::Possible } }
            }));
        }
        let order = |ranked: &Ranked| match (ranked.confidence, is_said(&ranked.photo)) {
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
