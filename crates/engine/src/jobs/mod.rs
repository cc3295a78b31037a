//! One job model for everything that takes longer than 200 ms.
//!
//! A job is a value that can be serialised and run again: its work list is a query ("photos
//! without an embedding for this model"), so resuming needs no record of how far it got. Its row
//! in the catalogue is the truth; events are hints, at most ten a second. Cancelling is
//! cooperative, and a pause is a cancel that keeps its row. Another process asks for either by the row's state. A job that
//! panics has failed.
//!
//! This module knows nothing of what a job does; the kinds are listed in `job_kinds`.

mod aside;
mod board;
mod control;
mod cx;
mod meter;
mod outcome;
mod registry;
mod run;

pub use board::{JobBoard, JobStatus, Listener};
pub use control::JobControl;
pub use cx::{JobCx, JobEvent};
pub(crate) use meter::Meter;
pub use meter::Progress;
pub(crate) use registry::JobKind;
pub use run::JobSummary;
pub use sightline_catalog::JobState;

use std::path::{Path, PathBuf};

use serde::{Serialize, de::DeserializeOwned};

use crate::EngineError;

/// Work that reports progress, can be cancelled, and resumes by being run again.
pub trait Job: Serialize + DeserializeOwned + Send {
    /// The name under which its rows are kept; never change one that has been released.
    const KIND: &'static str;

    /// Whether its row stays when it is done or has failed.
    const KEEPS_ROW: bool = true;

    /// Whether it goes on by itself at the next start when the end of its process has stopped it; else when a person says so.
    const GOES_ON_BY_ITSELF: bool = true;

    /// The files and folders that it brings in line with the library, if that is what it does: no two jobs of a board
    /// do so with one folder at once.
    fn looks_at(&self) -> &[PathBuf] {
        &[]
    }

    /// The job without files and folders that a person had forgotten, as `is_forgotten` says; `None` when nothing is left
    /// to do. A kind whose payload names any has to say.
    fn without(self, _is_forgotten: &dyn Fn(&Path) -> bool) -> Option<Self>
    where
        Self: Sized,
    {
        Some(self)
    }

    /// Looks whether what was asked for makes sense, before a row is written or a run begins.
    ///
    /// # Errors
    /// [`EngineError::SettingWrong`].
    fn check(&self) -> Result<(), EngineError> {
        Ok(())
    }

    /// Does the work, calling [`JobCx::check`] often enough that a cancel is felt at once.
    ///
    /// # Errors
    /// [`EngineError::Cancelled`] when `check` said so; any other error fails the job.
    fn run(&mut self, cx: &JobCx<'_>) -> Result<(), EngineError>;
}
