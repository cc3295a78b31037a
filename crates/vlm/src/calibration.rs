//! From a cosine to "this is it", "maybe" or "no".
//!
//! A cosine alone says little: some sentences are close to every photo, others to none. So a query is
//! first held against a background of general photos that ship with the model, or else of photos of the
//! library; a photo's score counts in
//! standard deviations above the background's mean (a z-score). Both are taken from the lower part of the
//! background's scores, as if it were normal: a background full of dogs must not hide a dog. The bars
//! of the bundled model were chosen on the dev split, those of others are measured (`bars.rs`).

mod bars;

pub use bars::measure as measure_bars;

use crate::{Embedding, Thresholds};

/// Quantiles of the background that tell where photos lie that do not match, and their standard scores.
const LOW: (f64, f64) = (0.1, -1.2816);
const MIDDLE: (f64, f64) = (0.4, -0.2533);

/// From this standard score on, photos of the background count as having what a tag names.
const HAS: f32 = 2.5;
/// Shares of such photos that make a difference: rarer things are all alike.
const SHARES: (f32, f32) = (0.03, 0.5);
/// Weight of the natural logarithm of the share in a tag's score.
const SHARE_WEIGHT: f32 = 1.5;

/// From this share of explained variance on two queries ask for the same: "dog" and "a dog" have 0.85, "dog" and "dogs"
/// 0.53.
const SAME: f32 = 0.8;

/// A straight line through the scores of two queries.
#[derive(Debug, Clone, Copy)]
struct Regression {
    slope: f32,
    /// Share of the variance that the line explains, 0 to 1.
    explained: f32,
}

/// How sure a match is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Match {
    /// Below the bar: not worth showing.
    None,
    /// Perhaps what was asked for.
    Possible,
    /// Most likely what was asked for.
    Strong,
}

/// The background of a model, with its bars.
#[derive(Debug, Clone)]
pub struct Calibration {
    background: Vec<Embedding>,
    thresholds: Thresholds,
}

/// A query's scores on the background.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QueryScale {
    mean: f32,
    deviation: f32,
    /// Share of the background's photos that seem to match.
    share: f32,
    thresholds: Thresholds,
}

impl Calibration {
    /// A calibration from embeddings of general photos. With fewer than two it knows of no photo whether it matches, and
    /// finds none.
    pub fn new(background: Vec<Embedding>, thresholds: Thresholds) -> Self {
        Self { background, thresholds }
    }

    /// Photos of the background; 0 for a model that ships none until [`Model::calibrate`](crate::Model::calibrate).
    pub fn photos(&self) -> usize {
        self.background.len()
    }

    /// The bars for scores.
    pub fn thresholds(&self) -> Thresholds {
        self.thresholds
    }

    /// Scores `query` against the background. Where there is none, nothing tells a match from chance: then every photo is
    /// possible, none is strong, and nothing is excluded.
    pub fn scale(&self, query: &Embedding) -> QueryScale {
        if self.background.len() < 2 {
            return QueryScale::blind(self.thresholds);
        }
        let mut scores = self.scores(query);
        scores.sort_by(f64::total_cmp);
        let quantile = |share: f64| scores.get((share * (scores.len() as f64 - 1.0)) as usize).copied().unwrap_or(0.0);
        let (low, middle) = (quantile(LOW.0), quantile(MIDDLE.0));
        let deviation = ((middle - low) / (MIDDLE.1 - LOW.1)).max(1e-6);
        let mean = middle - MIDDLE.1 * deviation;
        let has = mean + f64::from(HAS) * deviation;
        let share = scores.iter().filter(|score| **score >= has).count() as f32 / scores.len().max(1) as f32;
        QueryScale { mean: mean as f32, deviation: deviation as f32, share, thresholds: self.thresholds }
    }

    /// Where in the space photos lie that have `unwanted` beyond what any photo of `wanted` has of it.
    ///
    /// Most things go together: a photo of a mountain has more of snow than others, one of a dog less, snow or not. So
    /// from `unwanted`, and from `shift`, the way from what is wanted alone to both together, goes what can be told from
    /// `wanted` (the linear regression of their scores on the background); what is left is added up, each in its own
    /// standard deviations. A photo's cosine with the result is judged by [`QueryScale::excluded_from`].
    ///
    /// It is `unwanted` itself where nothing is wanted, or the same: then everything wanted is unwanted.
    pub fn exclusion(&self, unwanted: &Embedding, shift: Option<&Embedding>, wanted: Option<&Embedding>) -> Embedding {
        let Some(wanted) = wanted.filter(|wanted| self.regression(unwanted, wanted).explained < SAME) else {
            return unwanted.clone();
        };
        let apart = |one| Embedding::combined([(1.0, one), (-self.regression(one, wanted).slope, wanted)]);
        let apart = [Some(unwanted), shift].into_iter().flatten().filter_map(apart);
        let weighted: Vec<(f32, Embedding)> = apart.map(|one| (1.0 / self.scale(&one).deviation, one)).collect();
        let sum = Embedding::combined(weighted.iter().map(|(weight, one)| (*weight, one)));
        sum.unwrap_or_else(|| unwanted.clone())
    }

    /// How far the scores of `one` follow from those of `other`, over the background.
    fn regression(&self, one: &Embedding, other: &Embedding) -> Regression {
        let (ones, others) = (self.scores(one), self.scores(other));
        let mean = |scores: &[f64]| scores.iter().sum::<f64>() / scores.len().max(1) as f64;
        let (mean_one, mean_other) = (mean(&ones), mean(&others));
        let (mut both, mut squares_one, mut squares_other) = (0.0, 0.0, 0.0);
        for (a, b) in ones.iter().zip(&others) {
            both += (a - mean_one) * (b - mean_other);
            squares_one += (a - mean_one).powi(2);
            squares_other += (b - mean_other).powi(2);
        }
        let slope = (both / squares_other.max(f64::MIN_POSITIVE)) as f32;
        let explained = (both * both / (squares_one * squares_other).max(f64::MIN_POSITIVE)) as f32;
        Regression { slope, explained }
    }

    /// The background's cosines with `query`, in its own order.
    fn scores(&self, query: &Embedding) -> Vec<f64> {
        self.background.iter().map(|photo| f64::from(photo.dot(query))).collect()
    }
}

impl QueryScale {
    /// One by which every cosine lies between `possible` and `strong`, in their order.
    fn blind(thresholds: Thresholds) -> Self {
        // Cosines from -1 to 1 fill the middle half of what lies between the bars.
        let gap = (thresholds.strong - thresholds.possible).max(0.1);
        let deviation = 4.0 / gap;
        let mean = -deviation * (thresholds.possible + gap / 2.0);
        Self { mean, deviation, share: 0.0, thresholds: Thresholds { exclude: f32::INFINITY, ..thresholds } }
    }

    /// Standard deviations by which `cosine` lies above the background's mean.
    pub fn z(&self, cosine: f32) -> f32 {
        (cosine - self.mean) / self.deviation
    }

    /// How well a tag fits: its standard score, and more where it is common, since what is common is likelier to be
    /// there (Bayes). On the dev split that finds a third more tags at the same precision.
    pub fn tag_score(&self, cosine: f32) -> f32 {
        let (rare, common) = SHARES;
        self.z(cosine) + SHARE_WEIGHT * (self.share.clamp(rare, common) / rare).ln()
    }

    /// The least cosine of a photo that is at least a possible match.
    pub fn possible_from(&self) -> f32 {
        self.mean + self.thresholds.possible * self.deviation
    }

    /// The cosine with an [exclusion](Calibration::exclusion) from which on a photo has what is excluded; half the bar
    /// where `weight` is 2.
    pub fn excluded_from(&self, weight: f32) -> f32 {
        self.mean + self.thresholds.exclude / weight * self.deviation
    }

    /// The background's mean cosine, as that of photos that do not match.
    pub fn mean(&self) -> f32 {
        self.mean
    }

    /// The verdict on a photo whose cosine with the query is `cosine`.
    pub fn judge(&self, cosine: f32) -> Match {
        match self.z(cosine) {
            z if z >= self.thresholds.strong => Match::Strong,
            z if z >= self.thresholds.possible => Match::Possible,
            _ => Match::None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CaptionBars;

    fn at(cosine: f64) -> Embedding {
        Embedding::normalised(vec![cosine as f32, (1.0 - cosine * cosine).sqrt() as f32]).unwrap()
    }

    const NO_BARS: CaptionBars = CaptionBars { sentence: 0.0, people: 0.0, subject: 0.0, thing: 0.0 };
    const THRESHOLDS: Thresholds = Thresholds { strong: 3.0, possible: 1.5, tag: 4.0, exclude: 1.2, caption: NO_BARS };

    #[test]
    fn a_score_is_judged_by_its_distance_from_the_background() {
        // Cosines spread evenly over 0 to 0.2: quantile 0.1 is 0.02, quantile 0.4 is 0.08.
        let background = (0..=100).map(|i| at(f64::from(i) * 0.002)).collect();
        let scale = Calibration::new(background, THRESHOLDS).scale(&at(1.0));
        let deviation = 0.06 / 1.0283;
        let mean = 0.08 + 0.2533 * deviation;
        assert!((f64::from(scale.z(0.3)) - (0.3 - mean) / deviation).abs() < 1e-3);
        assert_eq!(scale.judge(0.3), Match::Strong);
        assert_eq!(scale.judge(0.2), Match::Possible);
        assert_eq!(scale.judge(0.15), Match::None);
        // Nothing of the background lies above 2.5, so that the tag is rare.
        assert!((scale.tag_score(0.3) - scale.z(0.3)).abs() < 1e-6);
    }

    #[test]
    fn without_a_background_every_photo_is_possible_and_nothing_is_excluded() {
        for thresholds in [THRESHOLDS, Thresholds::default()] {
            let calibration = Calibration::new(Vec::new(), thresholds);
            assert_eq!(calibration.photos(), 0);
            assert_eq!(calibration.exclusion(&at(0.3), None, Some(&at(0.9))).as_slice().len(), 2);
            let scale = calibration.scale(&at(1.0));
            for cosine in [-1.0, -0.1, 0.0, 0.3, 1.0] {
                assert_eq!(scale.judge(cosine), Match::Possible, "{cosine}");
                assert!(cosine < scale.excluded_from(2.0));
            }
            assert!(scale.z(0.3) > scale.z(0.2), "what is nearer still comes first");
            assert!(scale.possible_from() <= -1.0);
        }
    }

    #[test]
    fn an_exclusion_knows_what_the_wanted_photos_have_of_it_anyway() {
        // In three dimensions: the first two are what is wanted and what is not, which go together in the background.
        let photo = |wanted: f32, unwanted: f32| Embedding::normalised(vec![wanted, unwanted, 1.0]).unwrap();
        let background = (0..100).map(|i| {
            let wanted = (i as f32 * 1.7).sin() * 0.3;
            photo(wanted, 0.8 * wanted + (i as f32 * 2.9).sin() * 0.15)
        });
        let calibration = Calibration::new(background.collect(), THRESHOLDS);
        let (wanted, unwanted) = (photo(1e6, 0.0), photo(0.0, 1e6));
        let judged = |direction: &Embedding, photo: &Embedding| {
            direction.dot(photo) >= calibration.scale(direction).excluded_from(1.0)
        };
        let apart = calibration.exclusion(&unwanted, None, Some(&wanted));
        let alone = calibration.exclusion(&unwanted, None, None);
        assert_eq!(alone, unwanted);
        // As much of it as every photo of what is wanted: only the plain score would take it away.
        let typical = photo(1.0, 0.8);
        assert!(judged(&alone, &typical) && !judged(&apart, &typical));
        // Much more than that.
        let other = photo(0.6, 0.9);
        assert!(judged(&alone, &other) && judged(&apart, &other));
        assert_eq!(calibration.exclusion(&wanted, None, Some(&wanted)), wanted, "all of it goes");
    }

    #[test]
    fn a_background_full_of_matches_does_not_hide_a_match() {
        let plain: Vec<Embedding> = (0..=100).map(|i| at(f64::from(i) * 0.002)).collect();
        let matches = (0..=40).map(|_| at(0.6));
        let crowded = plain.iter().cloned().chain(matches).collect();
        let scale = Calibration::new(crowded, THRESHOLDS).scale(&at(1.0));
        assert_eq!(scale.judge(0.6), Match::Strong);
        // 41 of 142 photos match: the tag is common.
        let more = 1.5 * (41.0_f32 / 142.0 / 0.03).ln();
        assert!((scale.tag_score(0.2) - scale.z(0.2) - more).abs() < 1e-4);
    }
}
