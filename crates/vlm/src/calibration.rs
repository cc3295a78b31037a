//! From a cosine to "this is it", "maybe" or "no".
//!
//! A cosine alone says little: some sentences are close to every photo, others to none. So a query is
//! first held against a background of general photos that ship with the model; a photo's score counts in
//! standard deviations above the background's mean (a z-score). The bars were chosen on the dev split.

use crate::{Embedding, Thresholds};

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
    thresholds: Thresholds,
}

impl Calibration {
    /// A calibration from embeddings of general photos; at least two.
    pub fn new(background: Vec<Embedding>, thresholds: Thresholds) -> Self {
        Self { background, thresholds }
    }

    /// Scores `query` against the background.
    pub fn scale(&self, query: &Embedding) -> QueryScale {
        let n = self.background.len().max(1) as f64;
        let scores = || self.background.iter().map(|b| f64::from(b.dot(query)));
        let mean = scores().sum::<f64>() / n;
        let variance = scores().map(|s| (s - mean).powi(2)).sum::<f64>() / n;
        QueryScale { mean: mean as f32, deviation: variance.sqrt().max(1e-6) as f32, thresholds: self.thresholds }
    }
}

impl QueryScale {
    /// Standard deviations by which `cosine` lies above the background's mean.
    pub fn z(&self, cosine: f32) -> f32 {
        (cosine - self.mean) / self.deviation
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

    #[test]
    fn a_score_is_judged_by_its_distance_from_the_background() {
        let at = |angle: f32| Embedding::normalised(vec![angle.cos(), angle.sin()]).unwrap();
        let thresholds = Thresholds { strong: 3.0, possible: 1.5 };
        // Cosines with the query at angle 0: 0 and 0.2, so mean 0.1 and deviation 0.1.
        let calibration = Calibration::new(vec![at(std::f32::consts::FRAC_PI_2), at(0.2f32.acos())], thresholds);
        let scale = calibration.scale(&at(0.0));
        assert!((scale.z(0.3) - 2.0).abs() < 1e-3);
        assert_eq!(scale.judge(0.45), Match::Strong);
        assert_eq!(scale.judge(0.3), Match::Possible);
        assert_eq!(scale.judge(0.2), Match::None);
    }
}
