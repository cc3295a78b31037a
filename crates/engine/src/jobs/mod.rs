//! One job model for everything that takes longer than 200 ms.
//!
//! A job is a value that can be serialised and run again: its work list is a query ("photos
//! without an embedding for this model"), so resuming needs no record of how far it got. Its row
//! in the catalogue is the truth; events are hints, at most ten a second. Cancelling is
//! cooperative, and a pause is a cancel that keeps its row.
//!
//! This module knows nothing of what a job does.

mod board;
mod control;
mod cx;
mod meter;
mod run;

pub use board::{JobBoard, JobStatus, Listener};
pub use control::JobControl;
pub use cx::{JobCx, JobEvent};
pub(crate) use meter::Meter;
pub use meter::Progress;
pub use run::JobSummary;
pub use sightline_catalog::JobState;

use serde::{Serialize, de::DeserializeOwned};

use crate::EngineError;

/// Work that reports progress, can be cancelled, and resumes by being run again.
pub trait Job: Serialize + DeserializeOwned + Send {
    /// The name under which its rows are kept; never change one that has been released.
    const KIND: &'static str;

    /// Whether its row stays when it is done.
    const KEEPS_ROW: bool = true;

    /// Does the work, calling [`JobCx::check`] often enough that a cancel is felt at once.
    ///
    /// # Errors
    /// [`EngineError::Cancelled`] when `check` said so; any other error fails the job.
    fn run(&mut self, cx: &JobCx<'_>) -> Result<(), EngineError>;
}
