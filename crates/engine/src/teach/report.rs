//! What a version learned, proven on photos that it had not seen.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use sightline_vlm::tune::LabelScore;

use crate::eval::two_decimals;

/// Mistakes that are kept.
const MISTAKES: usize = 60;
/// Photos told right that are kept for each label.
const HITS: usize = 12;
/// With more labels than this no table of mistakes is kept.
const LARGEST_TABLE: usize = 200;
/// What a photo is taken for that seems to be of no label.
pub(super) const NONE: &str = "none of them";

/// A version's report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TeachReport {
    /// How it was taught: `probe`, `adapter` or `deep`.
    pub depth: String,
    /// Photos learned from.
    pub train: usize,
    /// Photos held out.
    pub held_out: usize,
    /// Held-out photos told right by the untaught model, by the labels' names alone; none when none were held out.
    pub before: Option<Interval>,
    /// Held-out photos told right by the version.
    pub after: Option<Interval>,
    /// Recall at 10 of general queries before, in percent.
    pub guard_before: f64,
    /// And after.
    pub guard_after: f64,
    /// Whether the run ended because general search fell too far.
    pub guard_fell: bool,
    /// By label.
    pub labels: Vec<LabelReport>,
    /// Held-out photos by true label (row) and answer (column); empty when there are very many labels.
    pub confusion: Vec<Vec<u32>>,
    /// Held-out photos told wrong, the surest first.
    pub mistakes: Vec<Mistake>,
    /// The learning curve.
    pub curve: Vec<CurvePoint>,
    /// Photos that could not be read.
    pub unreadable: usize,
    /// Seconds to read, to learn and to evaluate.
    pub seconds: [f64; 3],
}

impl TeachReport {
    /// All names of labels in it.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let mistakes = self.mistakes.iter().flat_map(|mistake| [&mistake.label, &mistake.taken_for]);
        self.labels.iter().map(|label| &label.name).chain(mistakes).map(String::as_str)
    }
}

/// A share in percent with its 95% interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The share.
    pub percent: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of it.
    pub high: f64,
}

/// The normal distribution's quantile that leaves 95% between itself and its negative.
const Z: f64 = 1.959_963_984_540_054;

impl Interval {
    /// The score interval of `part` of `whole` (Wilson 1927), none of nothing.
    ///
    /// `(p + z²/2n ± z·√(p(1−p)/n + z²/4n²)) / (1 + z²/n)`. Unlike intervals drawn from the sample itself it does not
    /// shrink to a point where all answers are right: of few photos that proves little.
    #[must_use]
    pub fn wilson(part: usize, whole: usize) -> Option<Self> {
        if whole == 0 {
            return None;
        }
        let n = whole as f64;
        let share = part.min(whole) as f64 / n;
        let spread = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
        let end = |middle: f64| two_decimals(100.0 * (middle / (1.0 + Z * Z / n)).clamp(0.0, 1.0));
        let middle = share + Z * Z / (2.0 * n);
        Some(Self { percent: two_decimals(100.0 * share), low: end(middle - spread), high: end(middle + spread) })
    }

    /// The same share with its score interval: reports of earlier releases have one that came of drawing anew.
    fn of_score(self, whole: usize) -> Option<Self> {
        Self::wilson((self.percent / 100.0 * whole as f64).round() as usize, whole)
    }
}

impl TeachReport {
    /// The report with score intervals, whichever release wrote it.
    pub(super) fn with_score_intervals(mut self) -> Self {
        let score = |share: Interval| share.of_score(self.held_out);
        (self.before, self.after) = (self.before.and_then(score), self.after.and_then(score));
        self
    }
}

/// How well one label was learned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LabelReport {
    /// The label.
    pub name: String,
    /// Photos learned from.
    pub train: usize,
    /// Photos held out.
    pub held_out: usize,
    /// Percent of the photos called so that are; none when none was called so.
    pub precision: Option<f64>,
    /// Percent of its photos that were called so; none when none was held out.
    pub recall: Option<f64>,
    /// Held-out photos of the library told right, the surest first.
    pub hits: Vec<i64>,
}

/// A held-out photo told wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mistake {
    /// The photo's number, if it is in the library.
    pub photo: Option<i64>,
    /// Its file.
    pub path: String,
    /// What it is.
    pub label: String,
    /// What it was taken for.
    pub taken_for: String,
    /// How surely, 0 to 1.
    pub confidence: f64,
}

/// A moment of learning.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// Step of training.
    pub step: u64,
    /// Training loss, in nats.
    pub loss: f64,
    /// Percent of the watched photos told right, where they were just looked at.
    pub accuracy: Option<f64>,
}

/// A held-out photo and what was made of it.
#[derive(Debug, Clone)]
pub struct Told {
    /// Its number, if it is in the library.
    pub photo: Option<i64>,
    /// Its file.
    pub path: PathBuf,
    /// Its label by index.
    pub label: usize,
    /// What the untaught model takes it for; none for nothing.
    pub before: Option<usize>,
    /// What the version makes of it, the surest first.
    pub after: Vec<LabelScore>,
}

impl Told {
    /// What the version takes it for. With one label the question is whether it is of that label at all.
    pub fn answer(&self, labels: usize) -> Option<usize> {
        let first = self.after.first()?;
        (labels > 1 || first.confidence >= 0.5).then_some(first.label)
    }
}

/// The parts of a report that held-out photos give.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Proof {
    pub before: Option<Interval>,
    pub after: Option<Interval>,
    pub labels: Vec<LabelReport>,
    pub confusion: Vec<Vec<u32>>,
    pub mistakes: Vec<Mistake>,
}

/// Compares answers with the truth; `train` has the photos learned from of each label.
pub(super) fn prove(names: &[String], train: &[usize], told: &[Told]) -> Proof {
    let count = names.len();
    let answers: Vec<Option<usize>> = told.iter().map(|photo| photo.answer(count)).collect();
    let right: Vec<bool> = told.iter().zip(&answers).map(|(photo, answer)| *answer == Some(photo.label)).collect();
    let before: Vec<bool> = told.iter().map(|photo| photo.before == Some(photo.label)).collect();
    let interval = |right: &[bool]| Interval::wilson(right.iter().filter(|right| **right).count(), right.len());
    let mut confusion = if count <= LARGEST_TABLE { vec![vec![0; count]; count] } else { Vec::new() };
    for (photo, answer) in told.iter().zip(&answers) {
        if let (Some(row), Some(answer)) = (confusion.get_mut(photo.label), answer) {
            row[*answer] += 1;
        }
    }
    let sure = |photo: &Told| photo.after.first().map_or(0.0, |score| f64::from(score.confidence));
    let share = |part: usize, whole: usize| (whole > 0).then(|| two_decimals(100.0 * part as f64 / whole as f64));
    let labels = (0..count).map(|label| {
        let own: Vec<usize> = (0..told.len()).filter(|&i| told[i].label == label).collect();
        let called = answers.iter().filter(|answer| **answer == Some(label)).count();
        let mut hits: Vec<&Told> = own.iter().filter(|&&i| right[i]).map(|&i| &told[i]).collect();
        let found = hits.len();
        hits.sort_by(|a, b| sure(b).total_cmp(&sure(a)));
        LabelReport {
            name: names[label].clone(),
            train: train[label],
            held_out: own.len(),
            precision: share(found, called),
            recall: share(found, own.len()),
            hits: hits.into_iter().filter_map(|photo| photo.photo).take(HITS).collect(),
        }
    });
    let wrong = told.iter().zip(&answers).zip(&right).filter(|(_, right)| !**right);
    let mut mistakes: Vec<Mistake> = wrong
        .map(|((photo, answer), _)| Mistake {
            photo: photo.photo,
            path: photo.path.display().to_string(),
            label: names[photo.label].clone(),
            taken_for: answer.map_or_else(|| NONE.to_owned(), |answer| names[answer].clone()),
            confidence: sure(photo),
        })
        .collect();
    let labels = labels.collect();
    mistakes.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    mistakes.truncate(MISTAKES);
    Proof { before: interval(&before), after: interval(&right), labels, confusion, mistakes }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(label: usize, answer: usize, confidence: f32) -> Told {
        let after = vec![LabelScore { label: answer, confidence }];
        Told { photo: Some(label as i64), path: "a.jpg".into(), label, before: Some(0), after }
    }

    #[test]
    fn precision_recall_and_confusion_are_counted_by_label() {
        let names = ["rex", "bella"].map(String::from);
        let all = [told(0, 0, 0.9), told(0, 1, 0.8), told(1, 1, 0.7), told(1, 1, 0.95), told(1, 0, 0.99)];
        let proof = prove(&names, &[5, 6], &all);
        assert_eq!(proof.confusion, [[1, 1], [1, 2]]);
        assert_eq!(proof.after.unwrap().percent, 60.0);
        assert_eq!(proof.before.unwrap().percent, 40.0);
        let (rex, bella) = (&proof.labels[0], &proof.labels[1]);
        assert_eq!((rex.precision, rex.recall, rex.train, rex.held_out), (Some(50.0), Some(50.0), 5, 2));
        assert_eq!((bella.precision, bella.recall), (Some(66.67), Some(66.67)));
        let worst = &proof.mistakes[0];
        assert_eq!((worst.label.as_str(), worst.taken_for.as_str()), ("bella", "rex"), "the surest mistake is first");
        assert_eq!(proof.mistakes.len(), 2);
    }

    #[test]
    fn one_label_is_told_from_nothing() {
        let names = ["rex".to_owned()];
        let proof = prove(&names, &[5], &[told(0, 0, 0.9), told(0, 0, 0.2)]);
        assert_eq!(proof.after.unwrap().percent, 50.0);
        assert_eq!(proof.mistakes[0].taken_for, NONE);
        assert_eq!(prove(&names, &[5], &[]).after, None);
    }

    #[test]
    fn the_interval_is_the_published_score_interval() {
        // Newcombe, "Two-sided confidence intervals for the single proportion", Statistics in Medicine 17 (1998), table I,
        // method 3, in percent.
        for (part, whole, low, high) in
            [(81, 263, 25.53, 36.62), (15, 148, 6.24, 16.05), (0, 20, 0.0, 16.11), (1, 29, 0.61, 17.18)]
        {
            let found = Interval::wilson(part, whole).unwrap();
            assert_eq!((found.low, found.high), (low, high), "{part} of {whole}");
        }
    }

    #[test]
    fn all_right_of_few_photos_is_no_certainty() {
        // n / (n + z²).
        let all = Interval::wilson(36, 36).unwrap();
        assert_eq!((all.percent, all.low, all.high), (100.0, 90.36, 100.0));
        let none = Interval::wilson(0, 36).unwrap();
        assert_eq!((none.percent, none.low, none.high), (0.0, 0.0, 9.64));
        assert_eq!(Interval::wilson(0, 0), None);
    }

    #[test]
    fn a_report_of_an_earlier_release_gets_a_score_interval() {
        let drawn = Interval { percent: 100.0, low: 100.0, high: 100.0 };
        assert_eq!(drawn.of_score(36), Interval::wilson(36, 36));
        let drawn = Interval { percent: 66.67, low: 50.0, high: 83.33 };
        assert_eq!(drawn.of_score(30), Interval::wilson(20, 30));
    }
}
