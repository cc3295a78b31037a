//! Teaching the model a person's albums: from labelled photos to a version that the library uses.
//!
//! A lesson is frozen first (which photos, which labels, which are held out), then learned, then proven on the photos
//! held out; the version that comes of it is kept and used only by choice. How learning works is `sightline_vlm::tune`'s
//! business.

mod activate;
mod again;
mod checkpoint;
mod curve;
mod evaluate;
mod gather;
mod job;
mod lesson;
mod options;
mod photos;
mod pixels;
mod plan;
mod report;
mod split;
mod suggest;
mod versions;

pub use activate::ActivateJob;
pub use again::TaughtAgain;
pub(crate) use again::teach_again;
pub(crate) use job::Curves;
pub use job::{Curve, TeachJob};
pub use options::TeachOptions;
pub use plan::{Plan, PlanLabel, TEACHABLE_DEEP};
pub use report::{CurvePoint, Interval, LabelReport, Mistake, TeachReport, Told};
pub(crate) use suggest::HeldSuggestions;
pub use suggest::{SuggestedLabel, Suggestion, Suggestions};
pub use versions::VersionSummary;
pub(crate) use versions::{Facts, facts, fitting_version, version_in_use};

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Where labels come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    /// Albums of the library by number; their names are the labels.
    Albums(Vec<i64>),
    /// A folder of folders, each named as its label; its photos need not be in the library.
    Folders(#[serde(with = "crate::paths::one")] PathBuf),
}
