//! Photos whose captions say what was asked for, before those that only look like it.
//!
//! A person's words are taken at their word. The model's own captions can be wrong: theirs count fully only
//! where the photo looks like the query too.

use sightline_catalog::{PhotoId, VectorIndex};
use sightline_vlm::{Embedding, Match, QueryScale};

use super::Ranked;
use super::query::{Meaning, Query};
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
    /// Puts photos whose current caption has all telling words of the query before those of `rank`, which says what
    /// looks like it. `scale` tells what a cosine with `question`, the query as a vector, is worth.
    pub(super) fn with_captioned(
        &self,
        query: &Query,
        limit: usize,
        allowed: Option<&[PhotoId]>,
        vectors: &VectorIndex,
        (question, scale): (&Embedding, QueryScale),
        rank: impl FnOnce() -> Vec<Ranked>,
    ) -> Result<Vec<Ranked>, EngineError> {
        let words = telling_words(query, true);
        let like_a_photo = query.terms.iter().any(|term| matches!(term.meaning, Meaning::Photo(_)));
        if words.is_empty() || like_a_photo {
            return Ok(rank());
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
            return Ok(rank());
        }
        // The best of some photos; those without a vector are last among them.
        let best = |among: &[PhotoId], confidence| {
            let nearest = vectors.nearest(question.as_slice(), limit, Some(among)).into_iter();
            let ranked = |(photo, score)| Ranked { photo, score: Some(score), confidence };
            let mut best: Vec<Ranked> = nearest.map(ranked).collect();
            if best.len() < limit {
                let scored = sorted(&best);
                let unscored = among.iter().filter(|photo| scored.binary_search(photo).is_err());
                best.extend(unscored.map(|&photo| Ranked { photo, score: None, confidence }));
            }
            best
        };
        let looks = |ranked: &Ranked| ranked.score.is_some_and(|score| scale.judge(score) != Match::None);
        let mut strong = best(&said, Match::Strong);
        strong.retain(looks);
        if strong.len() >= limit {
            // A common word: as many as are wanted have it and look like it, whoever wrote of them.
            strong.truncate(limit);
            return Ok(strong);
        }
        let looking = sorted(&strong);
        let rest: Vec<PhotoId> = said.iter().copied().filter(|photo| looking.binary_search(photo).is_err()).collect();
        let believed = self.catalog()?.not_only_by_a_model(&words, &rest)?;
        let doubted: Vec<PhotoId> = rest.into_iter().filter(|photo| believed.binary_search(photo).is_err()).collect();
        let mut photos = rank();
        photos.retain(|ranked| said.binary_search(&ranked.photo).is_err());
        photos.extend(strong);
        photos.extend(best(&believed, Match::Strong));
        photos.extend(best(&doubted, Match::Possible));
        let order = |ranked: &Ranked| match (ranked.confidence, said.binary_search(&ranked.photo).is_ok()) {
            (Match::Strong, true) => 0,
            (Match::Strong, false) => 1,
            _ => 2,
        };
        let score = |ranked: &Ranked| ranked.score.unwrap_or(f32::MIN);
        photos.sort_by(|a, b| order(a).cmp(&order(b)).then(score(b).total_cmp(&score(a))).then(a.photo.cmp(&b.photo)));
        photos.truncate(limit);
        Ok(photos)
    }
}

/// The photos of a ranking, sorted.
fn sorted(ranked: &[Ranked]) -> Vec<PhotoId> {
    let mut photos: Vec<PhotoId> = ranked.iter().map(|ranked| ranked.photo).collect();
    photos.sort_unstable();
    photos
}
