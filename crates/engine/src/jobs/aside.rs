//! Jobs that step aside for a while, in whichever process they run.

use sightline_catalog::{JobId, JobState};

use super::board::PAUSED_BY_HAND;
use crate::{Engine, EngineError};

impl Engine {
    /// Asks the process that runs a job to pause it.
    ///
    /// # Errors
    /// When the library cannot be read or written.
    pub(crate) fn ask_to_pause(&self, job: JobId) -> Result<(), EngineError> {
        let mut ids: Vec<i64> = self.setting(PAUSED_BY_HAND)?.unwrap_or_default();
        if !ids.contains(&job.0) {
            ids.push(job.0);
            self.set_setting(PAUSED_BY_HAND, &ids)?;
        }
        Ok(self.catalog()?.set_job_state(job, &JobState::Paused)?)
    }

    /// Lets the jobs go on at their next chance that were asked to pause.
    ///
    /// # Errors
    /// When the library cannot be read or written.
    pub(crate) fn go_on_again(&self, jobs: &[i64]) -> Result<(), EngineError> {
        if jobs.is_empty() {
            return Ok(());
        }
        let mut ids: Vec<i64> = self.setting(PAUSED_BY_HAND)?.unwrap_or_default();
        ids.retain(|id| !jobs.contains(id));
        self.set_setting(PAUSED_BY_HAND, &ids)
    }
}
