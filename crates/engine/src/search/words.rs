//! Photos whose captions say what was asked for, before those that only look like it.
//!
//! A person's words are taken at their word. The model's own captions can be wrong: theirs count fully only
//! where the photo looks like the query too.

use sightline_catalog::PhotoId;
use sightline_vlm::Match;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::query::{Query, Term};
use super::{Judge, Ranked};
use crate::{Engine, EngineError};

/// Words that captions need not share with a query.
const COMMON: [&str; 24] = [
    "a", "an", "the", "of", "in", "on", "at", "and", "with", "to", "is", "are", "by", "for", "from", "my", "its",
    "photo", "picture", "image", "some", "there", "near", "that",
];

/// The words of a text that say something.
pub(super) fn telling(text: &str) -> Vec<String> {
    // Composed, and with marks that are parts of letters, as in Thai.
    let text: String = text.nfkc().collect();
    let words = text.split(|c: char| !c.is_alphanumeric() && !is_combining_mark(c)).map(str::to_lowercase);
    let says_something = |word: &String| word.contains(char::is_alphanumeric) && !COMMON.contains(&word.as_str());
    words.filter(says_something).collect()
}

impl Engine {
    /// The matches, of which those come first whose current caption has all telling words of the wanted terms.
    pub(super) fn with_captioned(
        &self,
        query: &Query,
        limit: usize,
        judge: &Judge<'_>,
    ) -> Result<Vec<Ranked>, EngineError> {
        let wanted = || query.terms.iter().filter(|term| term.weight > 0.0);
        let words: Vec<String> = wanted().filter_map(Term::text).flat_map(telling).collect();
        if words.is_empty() || wanted().any(|term| term.text().is_none()) {
            return Ok(judge.matching(limit));
        }
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let mut said = self.catalog()?.with_words(&words)?;
        let mut named = self.catalog()?.with_words_or_names(&words)?;
        named.retain(|photo| said.binary_search(photo).is_err());
        let Judge { question, scale, exclusions, vectors, allowed } = judge;
        if let Some(allowed) = allowed {
            said.retain(|photo| allowed.binary_search(photo).is_ok());
            named.retain(|photo| allowed.binary_search(photo).is_ok());
        }
        exclusions.retain(vectors, &mut said);
        exclusions.retain(vectors, &mut named);
        if said.is_empty() && named.is_empty() {
            return Ok(judge.matching(limit));
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
        let mut photos = judge.matching(limit);
        let is_named = |ranked: &Ranked| named.binary_search(&ranked.photo).is_ok();
        photos.retain(|ranked| said.binary_search(&ranked.photo).is_err() && !is_named(ranked));
        photos.extend(strong);
        photos.extend(best(&believed, Match::Strong));
        photos.extend(best(&doubted, Match::Possible));
        photos.extend(best(&named, Match::Strong));
        let order = |ranked: &Ranked| match (ranked.confidence, said.binary_search(&ranked.photo).is_ok()) {
            (Match::Strong, true) => 0,
            // Whoever types a file's name wants that file, and a caption says more.
            (Match::Strong, false) if is_named(ranked) => 1,
            (Match::Strong, false) => 2,
            _ => 3,
        };
        let score = |ranked: &Ranked| ranked.score.unwrap_or(f32::MIN);
        photos.sort_by(|a, b| order(a).cmp(&order(b)).then(score(b).total_cmp(&score(a))).then(a.photo.cmp(&b.photo)));
        photos.truncate(limit);
        Ok(photos)
    }
}

/// The photos of a ranking, sorted.
pub(super) fn sorted(ranked: &[Ranked]) -> Vec<PhotoId> {
    let mut photos: Vec<PhotoId> = ranked.iter().map(|ranked| ranked.photo).collect();
    photos.sort_unstable();
    photos
}
