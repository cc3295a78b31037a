//! Scores as they are printed: percent with two decimals.

use serde::Serialize;

/// Recall at 1, 5 and 10 in percent, two decimals.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Recall {
    /// The right answer is the first.
    pub r1: f64,
    /// It is among the first 5.
    pub r5: f64,
    /// It is among the first 10.
    pub r10: f64,
}

impl From<sightline_vlm::retrieval::Recall> for Recall {
    fn from(recall: sightline_vlm::retrieval::Recall) -> Self {
        Self { r1: two_decimals(recall.r1), r5: two_decimals(recall.r5), r10: two_decimals(recall.r10) }
    }
}

/// `part` of `whole` in percent, two decimals; 0 of nothing is 0.
pub(crate) fn percent(part: usize, whole: usize) -> f64 {
    two_decimals(part as f64 / whole.max(1) as f64 * 100.0)
}

/// How many of `scores` are ahead of the right one; one that scores the same is.
pub(crate) fn rank_of(scores: &[f32], right: usize) -> usize {
    scores.iter().filter(|&&score| score >= scores[right]).count() - 1
}

/// Enough for times and percentages.
pub(crate) fn two_decimals(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rank_counts_what_scores_higher_or_the_same() {
        let scores = [0.1, 0.9, 0.5, 0.5, 0.2];
        let ranks: Vec<_> = (0..5).map(|right| rank_of(&scores, right)).collect();
        assert_eq!(ranks, [4, 0, 2, 2, 3]);
    }

    #[test]
    fn shares_are_in_percent_with_two_decimals() {
        assert_eq!(percent(1, 3), 33.33);
        assert_eq!(percent(0, 0), 0.0);
        let recall = sightline_vlm::retrieval::Recall { r1: 100.0 / 3.0, r5: 50.0, r10: 200.0 / 3.0 };
        assert_eq!(Recall::from(recall), Recall { r1: 33.33, r5: 50.0, r10: 66.67 });
    }
}
