//! Requests and replies of teaching, as they cross.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::grants::Grant;

/// How much of the model is taught.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum TeachDepth {
    /// A classifier over what is stored of each photo; seconds. Finds albums, leaves the search space as it is.
    Probe,
    /// A map of the stored vectors; under a minute. The search space bends towards the albums.
    Adapter,
    /// The last layers of the model itself; minutes, and the library is read again when it is activated.
    Deep,
}

/// Albums to learn.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, TS)]
pub struct TeachPlanRequest {
    /// Their numbers.
    pub albums: Vec<i64>,
}

/// What would be learned.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct TeachPlan {
    /// The albums in the order asked for.
    pub labels: Vec<TeachPlanLabel>,
    /// Photos to learn from.
    pub train: usize,
    /// Photos kept to prove what was learned.
    pub held_out: usize,
    /// Photos that are in more than one of the albums, and are left out.
    pub in_several: Vec<i64>,
    /// What to know before starting, a code each: `few_photos`, `imbalance`, `in_several`, `near_duplicates`,
    /// `too_many_for_deep`.
    pub warnings: Vec<String>,
    /// Why it cannot be done, a code: `no_labels`, `no_photos`; null when it can.
    pub problem: Option<String>,
    /// Seconds that each depth takes, as far as can be told.
    pub seconds: TeachSeconds,
}

/// Expected duration in seconds by depth.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, TS)]
pub struct TeachSeconds {
    /// Of a probe.
    pub probe: f64,
    /// Of an adapter.
    pub adapter: f64,
    /// Of deep learning.
    pub deep: f64,
}

/// An album in a plan.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct TeachPlanLabel {
    /// The album's number.
    pub album: i64,
    /// Its name.
    pub name: String,
    /// Photos that can be learned from.
    pub photos: usize,
    /// Those of them that nearly repeat another one.
    pub near_duplicates: usize,
    /// Fewer than eight photos: it will be learned badly.
    pub few: bool,
}

/// Begins to learn.
#[derive(Debug, Clone, PartialEq, Deserialize, TS)]
pub struct TeachStart {
    /// Albums by number.
    pub albums: Vec<i64>,
    /// How much of the model is taught.
    pub depth: TeachDepth,
    /// Passes over the photos; null for the depth's own.
    pub epochs: Option<usize>,
    /// Learning rate; null for the depth's own.
    pub learning_rate: Option<f64>,
    /// Photos a batch; null for the depth's own.
    pub batch: Option<usize>,
    /// Seed of the split and of all chance.
    pub seed: u64,
}

/// A version of the model.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct VersionRow {
    /// Its number.
    pub id: i64,
    /// Its name, `v1`.
    pub name: String,
    /// How it was taught.
    pub depth: TeachDepth,
    /// Whether the library uses it.
    pub active: bool,
    /// When it was made, in seconds since 1970.
    pub made_at: i64,
    /// What it knows.
    pub labels: Vec<String>,
    /// Percent of the held-out photos told right before; null where there were too few to hold any out.
    pub before: Option<f64>,
    /// Percent of them told right now.
    pub after: Option<f64>,
    /// Points of recall at 10 that general search gained (lost, if negative).
    pub guard_change: f64,
}

/// A version by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, TS)]
pub struct VersionRequest {
    /// Its number.
    pub version: i64,
}

/// A version and a file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct VersionFile {
    /// Its number.
    pub version: i64,
    /// Where it is written, as a person chose.
    pub file: Grant,
}

/// A version in a file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct ImportVersion {
    /// The file that a person chose.
    pub file: Grant,
}

/// A share in percent with its 95% interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, TS)]
pub struct Interval {
    /// The share.
    pub percent: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of it.
    pub high: f64,
}

/// What a version learned, proven on photos that it had not seen.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct TeachReport {
    /// The version.
    pub version: VersionRow,
    /// Photos learned from.
    pub train: usize,
    /// Photos held out.
    pub held_out: usize,
    /// Of the held-out photos, told right by the untaught model; null when none were held out.
    pub before: Option<Interval>,
    /// Told right by this version.
    pub after: Option<Interval>,
    /// Recall at 10 of general queries before, in percent.
    pub guard_before: f64,
    /// And after.
    pub guard_after: f64,
    /// By label.
    pub labels: Vec<LabelReport>,
    /// Held-out photos by true label (row) and answer (column), in the order of `labels`.
    pub confusion: Vec<Vec<u32>>,
    /// Held-out photos that were told wrong, the surest first.
    pub mistakes: Vec<Mistake>,
    /// The learning curve.
    pub curve: Vec<CurvePoint>,
    /// Seconds that it took.
    pub seconds: f64,
}

/// How well one label was learned.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct LabelReport {
    /// The label.
    pub name: String,
    /// Photos learned from.
    pub train: usize,
    /// Photos held out.
    pub held_out: usize,
    /// Percent of the photos called so that are; null when none was called so.
    pub precision: Option<f64>,
    /// Percent of its photos that were called so; null when none was held out.
    pub recall: Option<f64>,
    /// Held-out photos told right, the surest first, those of the library only.
    pub hits: Vec<i64>,
}

/// A held-out photo told wrong.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct Mistake {
    /// The photo's number; null when it is not in the library.
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
#[derive(Debug, Clone, Copy, PartialEq, Serialize, TS)]
pub struct CurvePoint {
    /// Step of training.
    pub step: u64,
    /// Training loss, in nats.
    pub loss: f64,
    /// Percent told right of the photos that watch over the training; null between two looks at them.
    pub accuracy: Option<f64>,
}

/// A job by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, TS)]
pub struct JobRequest {
    /// Its number.
    pub job: i64,
}

/// The learning curve of a job so far.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct TeachCurve {
    /// Its points.
    pub points: Vec<CurvePoint>,
    /// The version that came of it, once it is over.
    pub version: Option<i64>,
}

/// Asks for photos that seem to be of a label.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, TS)]
pub struct SuggestionsRequest {
    /// Of this label only; null for all.
    pub label: Option<String>,
    /// Photos at most.
    pub limit: usize,
}

/// Photos that seem to be of a label and are not in its album.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct Suggestions {
    /// The active version's labels with the number of photos suggested for each.
    pub labels: Vec<SuggestedLabel>,
    /// The photos, the surest first.
    pub photos: Vec<SuggestionRow>,
}

/// A label and how many photos wait for an answer.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct SuggestedLabel {
    /// The label.
    pub name: String,
    /// The album of this name; null when there is none.
    pub album: Option<i64>,
    /// Photos suggested.
    pub photos: usize,
}

/// A photo that seems to be of a label.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct SuggestionRow {
    /// The photo.
    pub photo: i64,
    /// The label.
    pub label: String,
    /// How surely, 0 to 1.
    pub confidence: f64,
}

/// A person's answer to a suggestion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is: the photo goes into the label's album.
    Yes,
    /// It is not: it is never suggested again, and the next lesson learns that.
    No,
    /// Takes back either.
    Undo,
}

/// Answers a suggestion.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, TS)]
pub struct AnswerSuggestion {
    /// The photo.
    pub photo: i64,
    /// The label.
    pub label: String,
    /// The answer.
    pub verdict: Verdict,
}
