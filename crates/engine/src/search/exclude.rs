//! What a query does not want: photos that are taken away after the wanted ones are found.
//!
//! An unwanted term never touches the order of the others. It is judged on its own, by how much more a photo has of it
//! than photos of what is wanted have anyway; see [`Calibration::exclusion`]. A caption or keyword of a person's with
//! its words is believed, one of a model's where the photo has more of it than most.

use sightline_catalog::{Catalog, PhotoId, VectorIndex};
use sightline_vlm::{Calibration, Embedding};

use super::terms::Unwanted;
use super::words;
use crate::EngineError;

/// One unwanted term.
#[derive(Debug)]
struct Exclusion {
    direction: Embedding,
    /// The cosine from which on a photo has it.
    from: f32,
    /// That of photos without it.
    mean: f32,
    /// Photos, sorted, about which a person or their file says it.
    said: Vec<PhotoId>,
    /// Photos, sorted, about which only a model says it.
    doubted: Vec<PhotoId>,
}

/// All that a query does not want.
#[derive(Debug)]
pub(super) struct Exclusions(Vec<Exclusion>);

impl Exclusions {
    pub fn new(
        unwanted: &[Unwanted],
        wanted: Option<&Embedding>,
        calibration: &Calibration,
        catalog: &Catalog,
    ) -> Result<Self, EngineError> {
        let mut all = Vec::with_capacity(unwanted.len());
        for Unwanted { weight, alone, shift, text } in unwanted {
            let direction = calibration.exclusion(alone, shift.as_ref(), wanted);
            let scale = calibration.scale(&direction);
            let words = text.as_deref().map(words::telling).unwrap_or_default();
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let mut doubted = catalog.with_words(&words)?;
            let said = catalog.not_only_by_a_model(&words, &doubted)?;
            doubted.retain(|photo| said.binary_search(photo).is_err());
            all.push(Exclusion { direction, from: scale.excluded_from(*weight), mean: scale.mean(), said, doubted });
        }
        Ok(Self(all))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes away the unwanted of some photos, which are sorted.
    pub fn retain(&self, vectors: &VectorIndex, photos: &mut Vec<PhotoId>) {
        for Exclusion { direction, from, mean, said, doubted } in &self.0 {
            let direction = direction.as_slice();
            let shown = vectors.at_least(direction, *from, Some(photos));
            let doubted: Vec<PhotoId> = doubted.iter().copied().filter(|id| photos.binary_search(id).is_ok()).collect();
            let believed = vectors.at_least(direction, *mean, Some(&doubted));
            let has = |photo: &PhotoId| [&shown, said, &believed].iter().any(|list| list.binary_search(photo).is_ok());
            photos.retain(|photo| !has(photo));
        }
    }

    /// The `limit` photos nearest to `question`, best first, without the unwanted ones. It looks no further than to
    /// where scores fall below `floor`.
    pub fn nearest(
        &self,
        vectors: &VectorIndex,
        question: &Embedding,
        (limit, floor): (usize, f32),
        allowed: Option<&[PhotoId]>,
    ) -> Vec<(PhotoId, f32)> {
        if self.is_empty() {
            return vectors.nearest(question.as_slice(), limit, allowed);
        }
        // Some of the nearest go: more are asked for, and more again where that was not enough.
        let mut asked = limit.saturating_add(limit / 2).saturating_add(SPARE);
        loop {
            let nearest = vectors.nearest(question.as_slice(), asked, allowed);
            let is_all = nearest.len() < asked || nearest.last().is_some_and(|(_, score)| *score < floor);
            let mut photos: Vec<PhotoId> = nearest.iter().map(|(photo, _)| *photo).collect();
            photos.sort_unstable();
            self.retain(vectors, &mut photos);
            if photos.len() >= limit || is_all {
                let kept = nearest.into_iter().filter(|(photo, _)| photos.binary_search(photo).is_ok());
                return kept.take(limit).collect();
            }
            asked = asked.saturating_mul(4);
        }
    }
}

/// Photos asked for beyond half as many again as are wanted.
const SPARE: usize = 64;
