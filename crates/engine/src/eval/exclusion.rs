//! What excluding a term takes away and what it leaves, held against what people wrote about the same photos.
//!
//! A pair is a word that is wanted and one that is not. Photos are relevant whose captions have the one and not the
//! other, and unwanted where they have both. People do not write down all they see: some of the relevant photos do show
//! what is excluded, and some of the unwanted hardly.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use serde::Serialize;
use sightline_vlm::{Calibration, Embedding};

use super::captions::{read_captions, read_split};
use super::score::{percent, two_decimals};
use super::words::{singular, words};
use super::{embed_photos, embed_texts};
use crate::EngineError;
use crate::jobs::JobCx;
use crate::model_host::Lane;
use crate::search::terms::{shift, together};

/// The pairs that are measured when none are named: things, scenes and people, all common in Flickr8k.
pub const EXCLUSION_PAIRS: [(&str, &str); 12] = [
    ("dog", "snow"),
    ("beach", "people"),
    ("dog", "grass"),
    ("dog", "water"),
    ("dog", "ball"),
    ("dog", "beach"),
    ("beach", "dog"),
    ("snow", "dog"),
    ("snow", "people"),
    ("mountain", "snow"),
    ("mountain", "people"),
    ("ball", "dog"),
];

/// What to evaluate on.
#[derive(Debug, Clone)]
pub struct ExclusionTask {
    /// Folder of photos.
    pub images: PathBuf,
    /// CSV with the columns `image` and `caption`.
    pub captions: PathBuf,
    /// List of the images to use, one a line; all that have captions without it.
    pub split: Option<PathBuf>,
    /// What is wanted and what is not.
    pub pairs: Vec<(String, String)>,
}

/// One pair.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PairScore {
    /// The word that is wanted.
    pub wanted: String,
    /// The word that is not.
    pub unwanted: String,
    /// Photos whose captions have the one and not the other.
    pub relevant: usize,
    /// Percent of them that are found by the wanted word alone.
    pub recall_alone: f64,
    /// Percent of them that are found without what is excluded.
    pub recall: f64,
    /// The second recall in percent of the first.
    pub kept: f64,
    /// Photos whose captions have both and that are found by the wanted word.
    pub unwanted_found: usize,
    /// Percent of them that are taken away.
    pub removed: f64,
}

/// All pairs at one bar.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExclusionScore {
    /// Standard deviations from which a photo has what is excluded.
    pub bar: f32,
    /// Mean of the pairs' `kept`.
    pub kept: f64,
    /// The least of them.
    pub least_kept: f64,
    /// Percent of the unwanted photos of all pairs that are taken away.
    pub removed: f64,
}

/// The result.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExclusionReport {
    /// Each pair, at the bar in use.
    pub pairs: Vec<PairScore>,
    /// All pairs at the bar in use.
    pub used: ExclusionScore,
    /// At other bars.
    pub bars: Vec<ExclusionScore>,
    /// Photos that took part.
    pub photos: usize,
}

/// What is known of one photo in one pair.
struct Fit {
    is_relevant: bool,
    /// Standard deviations by which it has what is excluded.
    excluded: f32,
}

/// The photos of a pair that the wanted word finds and whose captions have it.
struct PairFits<'a> {
    pair: &'a (String, String),
    relevant: usize,
    found: Vec<Fit>,
}

impl ExclusionTask {
    /// Looks for each pair with and without the exclusion, as a search does.
    ///
    /// # Errors
    /// When the files cannot be read, no photo is readable, or the job is stopped.
    pub fn run(&self, cx: &JobCx<'_>) -> Result<ExclusionReport, EngineError> {
        let wanted = self.split.as_deref().map(read_split).transpose()?;
        let mut words_of: HashMap<String, HashSet<String>> = HashMap::new();
        for caption in read_captions(&self.captions)? {
            if wanted.as_ref().is_none_or(|wanted| wanted.contains(&caption.image)) {
                words_of.entry(caption.image).or_default().extend(words(&caption.text));
            }
        }
        let mut names: Vec<&String> = words_of.keys().collect();
        names.sort();
        let paths: Vec<PathBuf> = names.iter().map(|name| self.images.join(name)).collect();
        let host = cx.engine().host();
        let photos: Vec<(Embedding, &HashSet<String>)> = embed_photos(cx, &host, &paths)?
            .into_iter()
            .zip(&names)
            .filter_map(|(vector, name)| Some((vector?.shared, &words_of[*name])))
            .collect();
        if photos.is_empty() {
            let reason = "none of the photos could be read".into();
            return Err(EngineError::BadInput { path: self.images.clone(), reason });
        }
        let calibration = host.ready(Lane::Batch).wait()?.calibration;
        let mut pairs = Vec::with_capacity(self.pairs.len());
        for pair in &self.pairs {
            let (one, other) = pair;
            let vectors = embed_texts(cx, &[one.clone(), other.clone(), together(one, other)])?;
            pairs.push(fits(pair, &vectors, &calibration, &photos));
        }
        let bar = calibration.thresholds().exclude;
        Ok(ExclusionReport {
            pairs: pairs.iter().map(|pair| pair.score(bar)).collect(),
            used: all(&pairs, bar),
            bars: (1..=12).map(|quarter| all(&pairs, quarter as f32 / 4.0)).collect(),
            photos: photos.len(),
        })
    }
}

/// Judges the photos of a pair; `vectors` are those of its words and of both together.
fn fits<'a>(
    pair: &'a (String, String),
    vectors: &[Embedding],
    calibration: &Calibration,
    photos: &[(Embedding, &HashSet<String>)],
) -> PairFits<'a> {
    let [one, other, both] = vectors else { return PairFits { pair, relevant: 0, found: Vec::new() } };
    let direction = calibration.exclusion(other, shift(one, both).as_ref(), Some(one));
    let (scale, away) = (calibration.scale(one), calibration.scale(&direction));
    let has = |words: &HashSet<String>, word: &str| singular(word).is_some_and(|word| words.contains(&word));
    let mut relevant = 0;
    let mut found = Vec::new();
    for (photo, words) in photos.iter().filter(|(_, words)| has(words, &pair.0)) {
        let is_relevant = !has(words, &pair.1);
        relevant += usize::from(is_relevant);
        if photo.dot(one) >= scale.possible_from() {
            found.push(Fit { is_relevant, excluded: away.z(photo.dot(&direction)) });
        }
    }
    PairFits { pair, relevant, found }
}

impl PairFits<'_> {
    /// Of the relevant photos that are found, or of the unwanted ones: how many there are, and how many are left.
    fn left(&self, is_relevant: bool, bar: f32) -> (usize, usize) {
        let found = || self.found.iter().filter(|fit| fit.is_relevant == is_relevant);
        (found().count(), found().filter(|fit| fit.excluded < bar).count())
    }

    fn score(&self, bar: f32) -> PairScore {
        let ((found, kept), (unwanted_found, unwanted_left)) = (self.left(true, bar), self.left(false, bar));
        PairScore {
            wanted: self.pair.0.clone(),
            unwanted: self.pair.1.clone(),
            relevant: self.relevant,
            recall_alone: percent(found, self.relevant),
            recall: percent(kept, self.relevant),
            kept: percent(kept, found),
            unwanted_found,
            removed: percent(unwanted_found - unwanted_left, unwanted_found),
        }
    }
}

/// All pairs at one bar; those of which nothing relevant is found say nothing.
fn all(pairs: &[PairFits<'_>], bar: f32) -> ExclusionScore {
    let scores: Vec<PairScore> =
        pairs.iter().map(|pair| pair.score(bar)).filter(|score| score.recall_alone > 0.0).collect();
    let kept = scores.iter().map(|score| score.kept);
    let (found, left) = pairs.iter().map(|pair| pair.left(false, bar)).fold((0, 0), |(a, b), (c, d)| (a + c, b + d));
    ExclusionScore {
        bar,
        kept: two_decimals(kept.clone().sum::<f64>() / scores.len().max(1) as f64),
        least_kept: kept.reduce(f64::min).unwrap_or(0.0),
        removed: percent(found - left, found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sightline_vlm::{CaptionBars, Thresholds};

    #[test]
    fn relevant_photos_are_those_with_the_one_word_and_not_the_other() {
        let photo = |wanted: f32, unwanted: f32| Embedding::normalised(vec![wanted, unwanted, 1.0]).unwrap();
        let background = (0..40).map(|i| photo((i as f32 * 1.7).sin() * 0.1, (i as f32 * 2.9).sin() * 0.1));
        let caption = CaptionBars::default();
        let thresholds = Thresholds { strong: 3.0, possible: 1.0, tag: 4.0, exclude: 2.0, caption };
        let calibration = Calibration::new(background.collect(), thresholds);
        let words = |all: &[&str]| all.iter().map(|word| (*word).to_owned()).collect::<HashSet<String>>();
        let (dog, snow, both) = (words(&["dog"]), words(&["snow"]), words(&["dog", "snow"]));
        let photos =
            [(photo(2.0, 0.0), &dog), (photo(0.0, 0.0), &dog), (photo(2.0, 2.0), &both), (photo(0.0, 2.0), &snow)];
        let vectors = [photo(1e6, 0.0), photo(0.0, 1e6), photo(1e6, 1e6)];
        let pair = ("dog".to_owned(), "snow".to_owned());
        let fits = fits(&pair, &vectors, &calibration, &photos);
        let score = fits.score(2.0);
        assert_eq!((score.relevant, score.recall_alone, score.recall, score.kept), (2, 50.0, 50.0, 100.0));
        assert_eq!((score.unwanted_found, score.removed), (1, 100.0));
        let score = fits.score(f32::NEG_INFINITY);
        assert_eq!((score.recall, score.kept, score.removed), (0.0, 0.0, 100.0));
        let all = all(&[fits], f32::INFINITY);
        assert_eq!((all.kept, all.least_kept, all.removed), (100.0, 100.0, 0.0));
    }
}
