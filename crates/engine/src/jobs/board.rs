//! Jobs in the background: started, watched, paused, resumed and cancelled by number.
//!
//! Each job runs on a thread of its own; those that index wait for each other, as they would only
//! share the model's time. What the board tells is the row in the catalogue, and for a job under
//! way its latest progress. A job that was stopped by the end of its process goes on at the next
//! start; one that a person paused does not.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sightline_catalog::{CatalogError, JobId, JobRow, JobState};

use super::outcome::Outcome;
use super::{Job, JobControl, JobEvent, Progress, registry};
use crate::forgetting::ForgetJob;
use crate::index::{IndexJob, UnderWay, overlap};
use crate::job_kinds::JOB_KINDS;
use crate::watch::FollowJob;
use crate::{Engine, EngineError};

/// Where the numbers of jobs that a person paused are kept.
pub(super) const PAUSED_BY_HAND: &str = "jobs_paused_by_hand";

/// How often a job looks whether another one has left its folders.
const FOLDERS_POLL: Duration = Duration::from_millis(50);

/// How long those that step aside may take to end.
const STEP_ASIDE: Duration = Duration::from_secs(30);

/// How a job stands.
#[derive(Debug, Clone, PartialEq)]
pub struct JobStatus {
    /// The job's number.
    pub id: i64,
    /// What sort of job it is.
    pub kind: String,
    /// How it stands.
    pub state: JobState,
    /// Why it failed, for people.
    pub message: Option<String>,
    /// What it is doing, a word.
    pub phase: String,
    /// Items finished in this phase.
    pub done: u64,
    /// Items in this phase; 0 while it is not known.
    pub total: u64,
    /// Items a second over the last ten seconds.
    pub rate: f64,
    /// Seconds to the end of the phase, once there is a rate to tell it from.
    pub eta_seconds: Option<f64>,
    /// The file last worked on.
    pub current: Option<PathBuf>,
    /// Whether it waits for another process to end its work on the library; that process's number, if it is known.
    pub waits_for: Option<Option<u32>>,
}

/// Told of every change of a job, and of its progress at most ten times a second.
pub type Listener = dyn Fn(&JobStatus) + Send + Sync;

/// The jobs of an engine; cheap to clone.
#[derive(Clone)]
pub struct JobBoard(Arc<Inner>);

struct Inner {
    engine: Engine,
    listener: Box<Listener>,
    live: Mutex<BTreeMap<i64, Live>>,
    /// Held by the job that indexes.
    turn: Mutex<()>,
}

struct Live {
    control: JobControl,
    status: JobStatus,
    /// Files and folders that it looks at.
    looks_at: Vec<PathBuf>,
}

impl JobBoard {
    /// A board without jobs under way; `listener` hears of all.
    pub fn new(engine: Engine, listener: Box<Listener>) -> Self {
        Self(Arc::new(Inner { engine, listener, live: Mutex::default(), turn: Mutex::new(()) }))
    }

    /// The engine that its jobs run in.
    pub fn engine(&self) -> &Engine {
        &self.0.engine
    }

    /// Starts a job and returns at once. The same work under way already is not begun a second time.
    ///
    /// # Errors
    /// When its row cannot be written, or the system gives no thread.
    pub fn start<J: Job + 'static>(&self, job: J) -> Result<JobStatus, EngineError> {
        if let Some(under_way) = self.same(&job)? {
            return Ok(under_way);
        }
        let id = self.0.engine.row_for(&job)?;
        self.mark_paused_by_hand(id.0, false)?;
        self.spawn(id, job)
    }

    /// The same work, if it is under way and nobody has stopped it.
    fn same<J: Job>(&self, job: &J) -> Result<Option<JobStatus>, EngineError> {
        let payload =
            serde_json::to_string(job).map_err(|error| EngineError::BadJob { id: 0, reason: error.to_string() })?;
        let goes_on = |row: &JobRow| self.lock().get(&row.id.0).is_some_and(|live| !live.control.stopping());
        let rows = self.0.engine.catalog()?.jobs()?.into_iter();
        let same = rows.rev().find(|row| row.kind == J::KIND && row.payload == payload && goes_on(row));
        same.map(|row| self.status(row.id.0)).transpose()
    }

    /// The jobs of this board and of other processes that index folders, now or once they go on.
    pub(crate) fn indexing(&self) -> Result<Vec<UnderWay>, EngineError> {
        let by_hand = self.paused_by_hand()?;
        self.0.engine.indexing(|id| by_hand.contains(&id) || self.lock().contains_key(&id))
    }

    /// Stops a job for good; what it committed stays.
    ///
    /// # Errors
    /// When the library cannot be read or written.
    pub fn cancel(&self, id: i64) -> Result<JobStatus, EngineError> {
        match self.lock().get(&id) {
            Some(live) => live.control.cancel(),
            None => self.0.engine.catalog()?.set_job_state(JobId(id), &JobState::Cancelled)?,
        }
        self.status(id)
    }

    /// Stops a job until it is resumed by hand.
    ///
    /// # Errors
    /// When the library cannot be read or written.
    pub fn pause(&self, id: i64) -> Result<JobStatus, EngineError> {
        self.mark_paused_by_hand(id, true)?;
        let live = self.lock().get(&id).map(|live| live.control.pause()).is_some();
        let catalog = self.0.engine.catalog()?;
        if !live && self.row(id)?.state == JobState::Running && catalog.is_job_alive(JobId(id)) {
            // The process that runs it sees its row.
            catalog.set_job_state(JobId(id), &JobState::Paused)?;
        }
        self.status(id)
    }

    /// Lets a job that was stopped go on.
    ///
    /// # Errors
    /// [`EngineError::BadJob`], or when the library cannot be read or written.
    pub fn resume(&self, id: i64) -> Result<JobStatus, EngineError> {
        if self.lock().contains_key(&id) {
            return self.status(id);
        }
        self.mark_paused_by_hand(id, false)?;
        let row = self.row(id)?;
        match JOB_KINDS.iter().find(|kind| kind.name == row.kind) {
            Some(kind) => (kind.go_on)(self, &row),
            None => Err(EngineError::BadJob { id, reason: format!("this version knows no {} jobs", row.kind) }),
        }
    }

    /// Lets a row of the kind `J` go on.
    pub(crate) fn go_on<J: Job + 'static>(&self, row: &JobRow) -> Result<JobStatus, EngineError> {
        if row.state == JobState::Running && self.0.engine.catalog()?.is_job_alive(row.id) {
            // It may have begun here, by another press, since this one looked.
            if self.lock().contains_key(&row.id.0) {
                return self.status(row.id.0);
            }
            return Err(CatalogError::JobRunning { id: row.id.0 }.into());
        }
        self.spawn(row.id, registry::read::<J>(row)?)
    }

    /// Lets the jobs go on that the end of their process stopped.
    ///
    /// # Errors
    /// When the library cannot be read or written.
    pub fn resume_interrupted(&self) -> Result<(), EngineError> {
        let by_hand = self.paused_by_hand()?;
        for job in self.unfinished()? {
            let asks = JOB_KINDS.iter().any(|kind| kind.name == job.kind && !kind.goes_on_by_itself);
            if job.state == JobState::Paused && !by_hand.contains(&job.id) && !asks {
                // One that cannot go on is no reason for the others not to; a person sees it among those that wait.
                self.resume(job.id).ok();
            }
        }
        Ok(())
    }

    /// Stops all jobs that are under way so that they go on at the next start, and waits for them.
    pub fn stop_all(&self) {
        self.lock().values().for_each(|live| live.control.pause());
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(5);
        while !self.lock().is_empty() && std::time::Instant::now() < deadline {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }

    /// The jobs that are not over, oldest first.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn unfinished(&self) -> Result<Vec<JobStatus>, EngineError> {
        let rows = self.0.engine.catalog()?.jobs()?.into_iter();
        let open = rows.filter(|row| matches!(row.state, JobState::Queued | JobState::Running | JobState::Paused));
        Ok(open.map(|row| self.status_of(row)).collect())
    }

    /// How a job stands.
    ///
    /// # Errors
    /// [`EngineError::BadJob`] when there is none of this number.
    pub fn status(&self, id: i64) -> Result<JobStatus, EngineError> {
        if let Some(live) = self.lock().get(&id) {
            return Ok(live.status.clone());
        }
        Ok(self.status_of(self.row(id)?))
    }

    fn row(&self, id: i64) -> Result<JobRow, EngineError> {
        let rows = self.0.engine.catalog()?.jobs()?;
        let row = rows.into_iter().find(|row| row.id.0 == id);
        row.ok_or_else(|| EngineError::BadJob { id, reason: "there is no such job".into() })
    }

    fn status_of(&self, row: JobRow) -> JobStatus {
        if let Some(live) = self.lock().get(&row.id.0) {
            return live.status.clone();
        }
        // Queued by a process that ended before its turn came.
        let state = if row.state == JobState::Queued { JobState::Paused } else { row.state };
        JobStatus {
            id: row.id.0,
            kind: row.kind,
            state,
            message: None,
            phase: row.phase,
            done: row.done,
            total: row.total,
            rate: 0.0,
            eta_seconds: None,
            current: None,
            waits_for: None,
        }
    }

    fn spawn<J: Job + 'static>(&self, id: JobId, mut job: J) -> Result<JobStatus, EngineError> {
        let Some((control, status)) = self.enter(id, &job)? else { return self.status(id.0) };
        // What the row says of an earlier wish to stop is over.
        let queued = self.0.engine.catalog().and_then(|catalog| Ok(catalog.set_job_state(id, &JobState::Queued)?));
        if let Err(error) = queued {
            self.lock().remove(&id.0);
            return Err(error);
        }
        let (board, queued) = (self.clone(), status.clone());
        let thread = std::thread::Builder::new().name(format!("{} {}", J::KIND, id.0));
        let spawned = thread.spawn(move || {
            // Told here: after the thread has started, its own changes could be told of first.
            (board.0.listener)(&queued);
            // Who cares for the result hears of it.
            board.work(id, &mut job, &control).ok();
        });
        if let Err(source) = spawned {
            self.lock().remove(&id.0);
            return Err(EngineError::Thread { source });
        }
        Ok(status)
    }

    /// Runs a job on this thread to its end.
    ///
    /// # Errors
    /// The job's own, or when its row cannot be written.
    pub fn run<J: Job>(&self, job: &mut J) -> Result<(), EngineError> {
        let id = self.0.engine.row_for(job)?;
        let Some((control, queued)) = self.enter(id, job)? else {
            return Err(EngineError::BadJob { id: id.0, reason: "it is under way already".into() });
        };
        (self.0.listener)(&queued);
        self.work(id, job, &control)
    }

    /// Puts a job among those under way, in one step; `None` when it is there, whose handle stays.
    fn enter<J: Job>(&self, id: JobId, job: &J) -> Result<Option<(JobControl, JobStatus)>, EngineError> {
        let control = JobControl::new();
        let mut status = self.status_of(self.row(id.0)?);
        status.state = JobState::Queued;
        let live = Live { control: control.clone(), status: status.clone(), looks_at: job.looks_at().to_vec() };
        match self.lock().entry(id.0) {
            Entry::Vacant(free) => drop(free.insert(live)),
            Entry::Occupied(_) => return Ok(None),
        }
        Ok(Some((control, status)))
    }

    /// Waits until the jobs have ended that follow changes in the folders of `job` since before it came. Those that
    /// index take turns, and begin after it.
    fn wait_for_followers<J: Job>(&self, job: &J, control: &JobControl) {
        let follows = |live: &Live| {
            live.status.kind == FollowJob::KIND && job.looks_at().iter().any(|path| overlap(&live.looks_at, path))
        };
        while !control.stopping() && self.lock().values().any(follows) {
            std::thread::sleep(FOLDERS_POLL);
        }
    }

    fn work<J: Job>(&self, id: JobId, job: &mut J, control: &JobControl) -> Result<(), EngineError> {
        let turn = (J::KIND == IndexJob::KIND).then(|| {
            let turn = self.0.turn.lock().unwrap_or_else(PoisonError::into_inner);
            self.wait_for_followers(job, control);
            turn
        });
        let aside = if J::KIND == ForgetJob::KIND { self.have_indexing_step_aside() } else { Vec::new() };
        self.change(id, |status| status.state = JobState::Running);
        let tell = |event| self.hear(id, event);
        let outcome = self.0.engine.run_row(id, job, control, &tell);
        drop(turn);
        self.end(id, &outcome);
        self.let_go_on(&aside);
        outcome.result
    }

    /// Pauses the jobs that index: what they read is named in the library's folder until they end. Gives their numbers.
    fn have_indexing_step_aside(&self) -> Vec<i64> {
        let live = self.lock();
        let indexing = live.iter().filter(|(_, live)| live.status.kind == IndexJob::KIND && !live.control.stopping());
        indexing.map(|(id, live)| (live.control.pause(), *id).1).collect()
    }

    /// Lets those go on that have stepped aside, but for what a person has paused or ended meanwhile.
    fn let_go_on(&self, aside: &[i64]) {
        let deadline = std::time::Instant::now() + STEP_ASIDE;
        while aside.iter().any(|id| self.lock().contains_key(id)) && std::time::Instant::now() < deadline {
            std::thread::sleep(FOLDERS_POLL);
        }
        let by_hand = self.paused_by_hand().unwrap_or_default();
        for id in aside.iter().filter(|id| !by_hand.contains(id)) {
            if self.row(*id).is_ok_and(|row| row.state == JobState::Paused) {
                // It is told by itself how it goes on.
                self.resume(*id).ok();
            }
        }
    }

    fn hear(&self, id: JobId, event: JobEvent) {
        let progress = match event {
            JobEvent::Progress(progress) => progress,
            JobEvent::Waiting { process, .. } => return self.change(id, |status| status.waits_for = Some(process)),
            JobEvent::ItemFailed { .. } | JobEvent::BeginsAnew { .. } => return,
        };
        let Progress { phase, done, total, rate, eta_seconds, current } = progress;
        self.change(id, |status| {
            status.waits_for = None;
            status.phase = phase.into();
            (status.done, status.total) = (done, total);
            (status.rate, status.eta_seconds) = (rate, eta_seconds);
            status.current = current;
        });
    }

    fn end(&self, id: JobId, outcome: &Outcome) {
        self.change(id, |status| {
            (status.rate, status.eta_seconds, status.current, status.waits_for) = (0.0, None, None, None);
            (status.state, status.message) = (outcome.state.clone(), outcome.message());
        });
        self.lock().remove(&id.0);
    }

    fn change(&self, id: JobId, change: impl FnOnce(&mut JobStatus)) {
        let mut live = self.lock();
        let Some(job) = live.get_mut(&id.0) else { return };
        change(&mut job.status);
        let status = job.status.clone();
        // The listener may ask the board.
        drop(live);
        (self.0.listener)(&status);
    }

    fn paused_by_hand(&self) -> Result<Vec<i64>, EngineError> {
        Ok(self.0.engine.setting(PAUSED_BY_HAND)?.unwrap_or_default())
    }

    fn mark_paused_by_hand(&self, id: i64, paused: bool) -> Result<(), EngineError> {
        let before = self.paused_by_hand()?;
        let mut ids: Vec<i64> = before.iter().copied().filter(|other| *other != id).collect();
        ids.extend(paused.then_some(id));
        if ids == before { Ok(()) } else { self.0.engine.set_setting(PAUSED_BY_HAND, &ids) }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<i64, Live>> {
        self.0.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
