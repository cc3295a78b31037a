//! A query's terms as vectors.

use std::path::Path;

use sightline_vlm::Embedding;

use super::embed_file;
use super::query::{Meaning, Query, Term};
use super::taught::taught_text;
use crate::model_host::Lane;
use crate::serving::Serving;
use crate::{Engine, EngineError};

/// What a query wants and what it does not.
#[derive(Debug)]
pub(super) struct Embedded {
    /// All wanted terms as one vector of unit length; none when nothing is wanted.
    pub wanted: Option<Embedding>,
    /// The unwanted terms, in the order of the query.
    pub unwanted: Vec<Unwanted>,
}

/// A term that photos must not match.
#[derive(Debug)]
pub(super) struct Unwanted {
    /// Times it counts, above zero.
    pub weight: f32,
    /// Its own vector.
    pub alone: Embedding,
    /// The way from the wanted words to a sentence with this term too, where both are words.
    pub shift: Option<Embedding>,
    /// Its words; none of a photo.
    pub text: Option<String>,
}

/// A sentence that has what is wanted and what is not.
pub(crate) fn together(wanted: &str, unwanted: &str) -> String {
    format!("{wanted} with {unwanted}")
}

/// The way from `one` to `other`; none where they are the same.
pub(crate) fn shift(one: &Embedding, other: &Embedding) -> Option<Embedding> {
    Embedding::combined([(1.0, other), (-1.0, one)])
}

/// Texts to be embedded, each once.
#[derive(Debug, Default)]
struct Texts(Vec<String>);

impl Texts {
    /// The place of a text among all.
    fn place(&mut self, text: &str) -> usize {
        self.0.iter().position(|known| known == text).unwrap_or_else(|| {
            self.0.push(text.to_owned());
            self.0.len() - 1
        })
    }
}

/// Embeds the terms, all their texts in one call of the model. A label that the model was taught counts besides its
/// words.
pub(super) fn embed(engine: &Engine, serving: &Serving, query: &Query, base: &Path) -> Result<Embedded, EngineError> {
    let (wanted, unwanted): (Vec<&Term>, Vec<&Term>) = query.terms.iter().partition(|term| term.weight > 0.0);
    let sentence = wanted.iter().filter_map(|term| term.text()).collect::<Vec<_>>().join(", ");
    let mut texts = Texts::default();
    for text in query.terms.iter().filter_map(Term::text) {
        texts.place(text);
    }
    let shifts: Vec<Option<(usize, usize)>> = unwanted
        .iter()
        .map(|term| term.text().filter(|_| !sentence.is_empty()))
        .map(|text| text.map(|text| (texts.place(&sentence), texts.place(&together(&sentence, text)))))
        .collect();
    let vectors = match texts.0.as_slice() {
        [] => Vec::new(),
        _ => serving.host.embed_texts(Lane::Interactive, texts.0.clone()).wait()?,
    };
    let learned = |(text, vector): (&String, Embedding)| match serving.taught() {
        Some(taught) => taught_text(taught, text, &vector),
        None => vector,
    };
    let vectors: Vec<Embedding> = texts.0.iter().zip(vectors).map(learned).collect();
    let at = |place: usize| vectors.get(place).cloned().ok_or(EngineError::ModelGone);
    let mut vector_of = |term: &Term| match &term.meaning {
        Meaning::Text(text) => at(texts.place(text)),
        Meaning::Photo(file) => embed_file(engine, serving, &base.join(file)),
    };
    let mut parts = Vec::with_capacity(wanted.len());
    for term in wanted {
        parts.push((term.weight, vector_of(term)?));
    }
    // Opposite vectors would cancel out; no two terms have such.
    let sum = Embedding::combined(parts.iter().map(|(weight, part)| (*weight, part)));
    let sum = sum.or_else(|| parts.into_iter().next().map(|(_, part)| part));
    let mut away = Vec::with_capacity(unwanted.len());
    for (term, places) in unwanted.into_iter().zip(shifts) {
        let shift = match places {
            Some((sentence, both)) => shift(&at(sentence)?, &at(both)?),
            None => None,
        };
        let text = term.text().map(str::to_owned);
        away.push(Unwanted { weight: -term.weight, alone: vector_of(term)?, shift, text });
    }
    Ok(Embedded { wanted: sum, unwanted: away })
}
