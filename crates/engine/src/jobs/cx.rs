//! What a running job is given: the engine, the question whether to go on, and ears.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use sightline_media::isolation::Stop;
use sightline_vlm::Preprocess;

use super::JobControl;
use super::meter::{Meter, Progress};
use super::run::Row;
use crate::loading::Loader;
use crate::{Engine, EngineError};

/// How often a job looks into its row for what another process asks of it.
const LOOK_EVERY_MS: u64 = 500;

/// A hint of what a job is doing; the job's row is the truth.
#[derive(Debug, Clone, PartialEq)]
pub enum JobEvent {
    /// How far it is; at most ten a second.
    Progress(Progress),
    /// Another process does work of this kind on the library; the job begins when that ends.
    Waiting {
        /// The other process's number, if it is known.
        process: Option<u32>,
        /// What it does: a job's kind.
        kind: &'static str,
    },
    /// What an earlier run had reached is of no use; the job begins anew.
    BeginsAnew {
        /// Why, for people.
        reason: String,
    },
    /// One item could not be done; the job goes on.
    ItemFailed {
        /// The file.
        path: PathBuf,
        /// A short stable code.
        code: String,
        /// The reason, for people.
        message: String,
    },
}

/// The context of a running job.
pub struct JobCx<'a> {
    engine: &'a Engine,
    control: &'a JobControl,
    on_event: &'a (dyn Fn(JobEvent) + Sync),
    row: Option<Row>,
    started: Instant,
    meter: Mutex<Meter>,
    /// When the row is looked at next, in milliseconds since the job began.
    look_at_ms: AtomicU64,
    /// How far an earlier run of the job had come, of how many items.
    reached: (u64, u64),
    /// What was reported last.
    last: Mutex<Option<(&'static str, u64, u64)>>,
}

impl<'a> JobCx<'a> {
    /// A context for work that leaves no row, such as an evaluation.
    pub fn without_row(engine: &'a Engine, control: &'a JobControl, on_event: &'a (dyn Fn(JobEvent) + Sync)) -> Self {
        Self::new(engine, control, on_event, None)
    }

    pub(super) fn new(
        engine: &'a Engine,
        control: &'a JobControl,
        on_event: &'a (dyn Fn(JobEvent) + Sync),
        row: Option<Row>,
    ) -> Self {
        let (meter, last) = (Mutex::new(Meter::default()), Mutex::default());
        let reached = row.as_ref().map_or((0, 0), Row::reached);
        let look_at_ms = AtomicU64::new(LOOK_EVERY_MS);
        Self { engine, control, on_event, row, started: Instant::now(), meter, look_at_ms, reached, last }
    }

    /// The engine that the job runs in.
    pub fn engine(&self) -> &'a Engine {
        self.engine
    }

    /// Fails when the job should stop; call it between items.
    ///
    /// # Errors
    /// [`EngineError::Cancelled`].
    pub fn check(&self) -> Result<(), EngineError> {
        if self.stopping() { Err(EngineError::Cancelled) } else { Ok(()) }
    }

    /// Whether the job should stop: this process says so, or another one has, in the row.
    pub fn stopping(&self) -> bool {
        self.look_at_row();
        self.control.stopping()
    }

    /// Whether the job should stop, for those who ask on other threads.
    pub(crate) fn stop(&self) -> Stop {
        let control = self.control.clone();
        Arc::new(move || control.stopping())
    }

    /// Reads photos as a model wants them, until the job should stop.
    pub(crate) fn loader(&self, preprocess: Preprocess) -> Loader {
        Loader::new(self.engine.decoders().clone(), preprocess, self.stop())
    }

    /// Looks now and then at what others have written into the row; whichever thread comes first.
    fn look_at_row(&self) {
        let Some(row) = &self.row else { return };
        let now = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let due = self.look_at_ms.load(Ordering::Relaxed);
        let next = now.saturating_add(LOOK_EVERY_MS);
        if now >= due && self.look_at_ms.compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            row.obey(self.control);
        }
    }

    /// Reports that `done` of `total` items of `phase` are finished (0: the total is not known). See
    /// [`JobCx::reached`] for a job that goes on.
    ///
    /// # Errors
    /// When the job's row cannot be written.
    pub fn progress(
        &self,
        phase: &'static str,
        done: u64,
        total: u64,
        current: Option<&Path>,
    ) -> Result<(), EngineError> {
        match (&self.row, self.announce(phase, done, total, current)) {
            (Some(row), true) => row.progress(phase, done, total),
            _ => Ok(()),
        }
    }

    /// As [`JobCx::progress`], for those who have the library's writer to themselves: nothing is written into the row.
    /// Whether that is due.
    pub(crate) fn announce(&self, phase: &'static str, done: u64, total: u64, current: Option<&Path>) -> bool {
        *self.last.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some((phase, done, total));
        let due = {
            let mut meter = self.meter.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            meter.tick(self.started.elapsed(), phase, done, total, current)
        };
        if let Some(progress) = due.event {
            (self.on_event)(JobEvent::Progress(progress));
        }
        due.row
    }

    /// How many items of how many an earlier run of the job had finished; zeros when it is a new one. What a person has
    /// seen to be done is not to be taken back.
    pub(crate) fn reached(&self) -> (u64, u64) {
        self.reached
    }

    /// Items that an earlier run has done, of a work list that now holds only the `left` ones.
    pub(crate) fn done_before(&self, left: u64) -> u64 {
        self.reached.1.saturating_sub(left)
    }

    /// Keeps in the row what was reported last: it is written only now and then.
    pub(super) fn keep_progress(&self) -> Result<(), EngineError> {
        let last = *self.last.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        match (&self.row, last) {
            (Some(row), Some((phase, done, total))) => row.progress(phase, done, total),
            _ => Ok(()),
        }
    }

    /// The job's number, if it has a row.
    pub fn id(&self) -> Option<i64> {
        self.row.as_ref().map(Row::number)
    }

    /// Keeps what the job has reached, to go on from there after a stop or a crash.
    ///
    /// # Errors
    /// When the library cannot be written.
    pub fn keep_checkpoint(&self, data: &[u8]) -> Result<(), EngineError> {
        self.row.as_ref().map_or(Ok(()), |row| row.keep_checkpoint(data))
    }

    /// What the job had reached; no bytes when there are more than `most` of them.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn checkpoint(&self, most: usize) -> Result<Option<Vec<u8>>, EngineError> {
        self.row.as_ref().map_or(Ok(None), |row| row.checkpoint(most))
    }

    /// Says that what the job had reached is of no use, and that it begins anew.
    pub fn begins_anew(&self, reason: &str) {
        (self.on_event)(JobEvent::BeginsAnew { reason: reason.to_owned() });
    }

    /// Forgets what the job had reached.
    ///
    /// # Errors
    /// When the library cannot be written.
    pub fn drop_checkpoint(&self) -> Result<(), EngineError> {
        self.row.as_ref().map_or(Ok(()), Row::drop_checkpoint)
    }

    /// Reports an item that could not be done.
    pub fn item_failed(&self, path: &Path, code: &str, message: &str) {
        let (path, code, message) = (path.to_path_buf(), code.to_owned(), message.to_owned());
        (self.on_event)(JobEvent::ItemFailed { path, code, message });
    }
}
