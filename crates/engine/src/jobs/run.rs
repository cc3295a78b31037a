//! Runs a job and keeps its row: the truth about what was asked, how far it is, how it ended.

use std::time::Duration;

use sightline_catalog::{Catalog, JobId, JobRow, JobState, Turn};

use super::board::PAUSED_BY_HAND;
use super::outcome::{self, Outcome};
use super::{Job, JobControl, JobCx, JobEvent, registry};
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
    engine: Engine,
    catalog: Catalog,
    id: JobId,
    reached: (u64, u64),
}

impl Row {
    fn of(engine: &Engine, catalog: &Catalog, id: JobId) -> Result<Self, EngineError> {
        let reached = catalog.job(id)?.map_or((0, 0), |row| (row.done, row.total));
        Ok(Self { engine: engine.clone(), catalog: catalog.clone(), id, reached })
    }

    /// Stops the job if another process has said so in the row.
    pub fn obey(&self, control: &JobControl) {
        // A row that cannot be read now says nothing.
        let Ok(Some(row)) = self.catalog.job(self.id) else { return };
        match row.state {
            JobState::Cancelled => control.cancel(),
            // On a disk without locks another start takes every running job for one that nobody runs.
            JobState::Paused if self.is_paused_by_hand() => control.pause(),
            _ => {}
        }
    }

    /// Whether another process has ended the job, or taken it off.
    fn is_ended(&self) -> bool {
        self.catalog.job(self.id).is_ok_and(|row| row.is_none_or(|row| row.state == JobState::Cancelled))
    }

    fn is_paused_by_hand(&self) -> bool {
        let paused: Option<Vec<i64>> = self.engine.setting(PAUSED_BY_HAND).unwrap_or_default();
        paused.is_some_and(|ids| ids.contains(&self.id.0))
    }

    pub fn progress(&self, phase: &str, done: u64, total: u64) -> Result<(), EngineError> {
        Ok(self.catalog.job_progress(self.id, phase, done, total)?)
    }

    /// How many items of how many were done when this run began.
    pub fn reached(&self) -> (u64, u64) {
        self.reached
    }

    pub fn number(&self) -> i64 {
        self.id.0
    }

    pub fn keep_checkpoint(&self, data: &[u8]) -> Result<(), EngineError> {
        Ok(self.catalog.keep_checkpoint(self.id, data)?)
    }

    pub fn checkpoint(&self, most: usize) -> Result<Option<Vec<u8>>, EngineError> {
        Ok(self.catalog.checkpoint(self.id, most)?)
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
        self.run_row(self.row_for(job)?, job, control, on_event).result
    }

    /// A row for `job`. The same work that was paused before goes on, so that it does not stay on the list.
    pub(super) fn row_for<J: Job>(&self, job: &J) -> Result<JobId, EngineError> {
        job.check()?;
        let payload = serde_json::to_string(job).map_err(|error| bad_job(0, &error))?;
        let catalog = self.catalog()?;
        let same = |row: &JobRow| row.state == JobState::Paused && row.kind == J::KIND && row.payload == payload;
        Ok(match catalog.jobs()?.into_iter().find(same) {
            Some(row) => {
                // It is asked for again: what its row says of an earlier wish to stop is over.
                catalog.set_job_state(row.id, &JobState::Queued)?;
                row.id
            }
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
        let catalog = self.catalog()?;
        let row = catalog.job(JobId(id))?.ok_or_else(|| bad_job(id, &"there is no such job"))?;
        let mut job: J = registry::read(&row)?;
        catalog.set_job_state(row.id, &JobState::Queued)?;
        self.run_row(row.id, &mut job, control, on_event).result?;
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

    /// Runs the job of a row to its end, and says in the row how that was.
    pub(super) fn run_row<J: Job>(
        &self,
        id: JobId,
        job: &mut J,
        control: &JobControl,
        on_event: &(dyn Fn(JobEvent) + Sync),
    ) -> Outcome {
        let (catalog, row) = match self.catalog().and_then(|catalog| Ok((catalog, Row::of(self, catalog, id)?))) {
            Ok(row) => row,
            Err(error) => return Outcome::of(Err(error), control),
        };
        let result = match self.turn(J::KIND, &row, control, on_event) {
            Err(error) => Err(error),
            // Ended while it waited for its turn.
            Ok(_turn) if row.is_ended() => Err(EngineError::Cancelled),
            Ok(_turn) => {
                if let Err(error) = catalog.set_job_state(id, &JobState::Running) {
                    // Another process runs it, and the row is that process's.
                    return Outcome::of(Err(error.into()), control);
                }
                let cx = JobCx::new(self, control, on_event, Some(row));
                match outcome::run(job, &cx) {
                    // It goes on from where a person has seen it stop.
                    Err(error @ (EngineError::Cancelled | EngineError::FolderGone { .. })) => {
                        cx.keep_progress().and(Err(error))
                    }
                    result => result,
                }
            }
        };
        let outcome = Outcome::of(result, control);
        let mut kept = catalog.set_job_state(id, &outcome.state);
        let is_over = matches!(outcome.state, JobState::Done | JobState::Failed { .. });
        if kept.is_ok() && is_over && !J::KEEPS_ROW {
            kept = catalog.remove_job(id);
        }
        match (outcome, kept) {
            (Outcome { result: Ok(()), .. }, Err(error)) => Outcome::of(Err(error.into()), control),
            // The job's own error says more than a row that could not be written because of it.
            (outcome, _) => outcome,
        }
    }
}

impl Engine {
    /// Waits until no other process does work of this kind on the library, and says whom it waits for.
    fn turn(
        &self,
        kind: &'static str,
        row: &Row,
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
            row.obey(control);
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
