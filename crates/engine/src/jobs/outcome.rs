//! How a run of a job ended, and what that makes of its row: said here and nowhere else.

use std::panic::{AssertUnwindSafe, catch_unwind};

use sightline_catalog::JobState;

use super::{Job, JobControl, JobCx};
use crate::EngineError;

/// How a run ended.
#[derive(Debug)]
pub(super) struct Outcome {
    /// How the job stands from then on.
    pub state: JobState,
    /// The job's own word.
    pub result: Result<(), EngineError>,
}

impl Outcome {
    /// What a run with this result comes to, under the control that it had.
    pub fn of(result: Result<(), EngineError>, control: &JobControl) -> Self {
        let state = match &result {
            Ok(()) => JobState::Done,
            Err(EngineError::Cancelled) if control.pausing() => JobState::Paused,
            // It goes on when the folder is there again.
            Err(EngineError::FolderGone { .. }) => JobState::Paused,
            Err(EngineError::Cancelled) => JobState::Cancelled,
            Err(error) => JobState::Failed { code: error.code().to_owned() },
        };
        Self { state, result }
    }

    /// Why it failed, for people.
    pub fn message(&self) -> Option<String> {
        match &self.result {
            Ok(()) | Err(EngineError::Cancelled) => None,
            Err(error) => Some(error.to_string()),
        }
    }
}

/// Runs a job. One that panics has failed, and is not begun again by itself.
pub(super) fn run<J: Job>(job: &mut J, cx: &JobCx<'_>) -> Result<(), EngineError> {
    let result = catch_unwind(AssertUnwindSafe(|| job.run(cx)));
    result.unwrap_or_else(|panic| {
        let detail = panic.downcast_ref::<String>().cloned();
        let detail = detail.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
        Err(EngineError::JobPanicked { kind: J::KIND, detail: detail.unwrap_or_else(|| "for no reason given".into()) })
    })
}
