//! Runs a job and keeps its row: the truth about what was asked, how far it is, how it ended.

use std::time::Duration;

use sightline_catalog::{Catalog, JobId, JobRow, JobState, Turn};

use super::{Job, JobControl, JobCx, JobEvent};
use crate::{Engine, EngineError};

/// How often a waiting job looks whether its turn has come.
const POLL: Duration = Duration::from_millis(100);

/// A job's row, for lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobSummary {
    /// The job's number.
    pub id: i64,
    /// What sort of job it is.
    pub kind: String,
    /// How it stands, one word.
    pub state: String,
    /// Items finished in its last phase.
    pub done: u64,
    /// Items of its last phase.
    pub total: u64,
}

/// The row of the job under way.
pub(super) struct Row {
    catalog: Catalog,
    id: JobId,
}

impl Row {
    pub fn progress(&self, phase: &str, done: u64, total: u64) -> Result<(), EngineError> {
        Ok(self.catalog.job_progress(self.id, phase, done, total)?)
    }

    pub fn number(&self) -> i64 {
        self.id.0
    }

    pub fn keep_checkpoint(&self, data: &[u8]) -> Result<(), EngineError> {
        Ok(self.catalog.keep_checkpoint(self.id, data)?)
    }

    pub fn checkpoint(&self) -> Result<Option<Vec<u8>>, EngineError> {
        Ok(self.catalog.checkpoint(self.id)?)
    }

    pub fn drop_checkpoint(&self) -> Result<(), EngineError> {
        Ok(self.catalog.drop_checkpoint(self.id)?)
    }
}

impl Engine {
    /// Runs `job` on this thread to its end, with a row in the catalogue; takes over the row of the
    /// same work if that was paused.
    ///
    /// # Errors
    /// The job's own error; [`EngineError::Cancelled`] when `control` stopped it.
    pub fn run_job<J: Job>(
        &self,
        job: &mut J,
        control: &JobControl,
        on_event: &(dyn Fn(JobEvent) + Sync),
    ) -> Result<(), EngineError> {
        self.run_row(self.row_for(job)?, job, control, on_event)
    }

    /// A row for `job`. The same work that was paused before goes on, so that it does not stay on the list.
    pub(super) fn row_for<J: Job>(&self, job: &J) -> Result<JobId, EngineError> {
        let payload = serde_json::to_string(job).map_err(|error| bad_job(0, &error))?;
        let catalog = self.catalog()?;
        let same = |row: &JobRow| row.state == JobState::Paused && row.kind == J::KIND && row.payload == payload;
        Ok(match catalog.jobs()?.into_iter().find(same) {
            Some(row) => row.id,
            None => catalog.insert_job(J::KIND, &payload)?,
        })
    }

    /// Runs a paused or failed job again; what it had committed is not done twice.
    ///
    /// # Errors
    /// [`EngineError::BadJob`] when the row is not of such a job, else as [`Engine::run_job`].
    pub fn resume_job<J: Job>(
        &self,
        id: i64,
        control: &JobControl,
        on_event: &(dyn Fn(JobEvent) + Sync),
    ) -> Result<J, EngineError> {
        let row = self.catalog()?.jobs()?.into_iter().find(|row| row.id.0 == id && row.kind == J::KIND);
        let Some(row) = row else {
            return Err(bad_job(id, &format!("there is no such {} job", J::KIND)));
        };
        let mut job: J = serde_json::from_str(&row.payload).map_err(|error| bad_job(id, &error))?;
        self.run_row(row.id, &mut job, control, on_event)?;
        Ok(job)
    }

    /// The jobs that were paused, by a person or by the end of their process.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn unfinished_jobs(&self) -> Result<Vec<JobSummary>, EngineError> {
        let rows = self.catalog()?.jobs()?.into_iter();
        let unfinished = rows.filter(|row| matches!(row.state, JobState::Paused | JobState::Running));
        Ok(unfinished
            .map(|row| JobSummary {
                id: row.id.0,
                kind: row.kind,
                state: row.state.as_str().to_owned(),
                done: row.done,
                total: row.total,
            })
            .collect())
    }

    pub(super) fn run_row<J: Job>(
        &self,
        id: JobId,
        job: &mut J,
        control: &JobControl,
        on_event: &(dyn Fn(JobEvent) + Sync),
    ) -> Result<(), EngineError> {
        let catalog = self.catalog()?;
        let result = match self.turn(J::KIND, control, on_event) {
            Err(error) => Err(error),
            Ok(_turn) => {
                catalog.set_job_state(id, &JobState::Running)?;
                let row = Row { catalog: catalog.clone(), id };
                job.run(&JobCx::new(self, control, on_event, Some(row)))
            }
        };
        let state = match &result {
            Ok(()) => JobState::Done,
            Err(EngineError::Cancelled) if control.pausing() => JobState::Paused,
            Err(EngineError::FolderGone { .. }) => JobState::Paused,
            Err(EngineError::Cancelled) => JobState::Cancelled,
            Err(error) => JobState::Failed { code: error.code().to_owned() },
        };
        let mut kept = catalog.set_job_state(id, &state);
        if kept.is_ok() && state == JobState::Done && !J::KEEPS_ROW {
            kept = catalog.remove_job(id);
        }
        // The job's own error says more than a row that could not be written because of it.
        result?;
        Ok(kept?)
    }
}

impl Engine {
    /// Waits until no other process does work of this kind on the library, and says whom it waits for.
    fn turn(
        &self,
        kind: &'static str,
        control: &JobControl,
        on_event: &(dyn Fn(JobEvent) + Sync),
    ) -> Result<Turn, EngineError> {
        let catalog = self.catalog()?;
        let mut told = None;
        loop {
            if let Some(turn) = catalog.take_turn(kind)? {
                return Ok(turn);
            }
            // Also when yet another process got in first.
            let process = catalog.turn_of(kind);
            if told != Some(process) {
                on_event(JobEvent::Waiting { process, kind });
                told = Some(process);
            }
            if control.stopping() {
                return Err(EngineError::Cancelled);
            }
            std::thread::sleep(POLL);
        }
    }
}

fn bad_job(id: i64, reason: &dyn std::fmt::Display) -> EngineError {
    EngineError::BadJob { id, reason: reason.to_string() }
}
