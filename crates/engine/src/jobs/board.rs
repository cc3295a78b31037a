//! Jobs in the background: started, watched, paused, resumed and cancelled by number.
//!
//! Each job runs on a thread of its own; those that index wait for each other, as they would only
//! share the model's time. What the board tells is the row in the catalogue, and for a job under
//! way its latest progress. A job that was stopped by the end of its process goes on at the next
//! start; one that a person paused does not.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sightline_catalog::{JobId, JobRow, JobState};

use super::{Job, JobControl, JobEvent, Progress};
use crate::captions::CaptionJob;
use crate::duplicates::{DuplicatesJob, TrashJob};
use crate::export::CopyJob;
use crate::index::IndexJob;
use crate::teach::{ActivateJob, TeachJob};
use crate::watch::FollowJob;
use crate::{Engine, EngineError};

/// Where the numbers of jobs that a person paused are kept.
const PAUSED_BY_HAND: &str = "jobs_paused_by_hand";

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

    /// Starts a job and returns at once.
    ///
    /// # Errors
    /// When its row cannot be written, or the system gives no thread.
    pub fn start<J: Job + 'static>(&self, job: J) -> Result<JobStatus, EngineError> {
        let id = self.0.engine.row_for(&job)?;
        self.mark_paused_by_hand(id.0, false)?;
        self.spawn(id, job)
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
        if let Some(live) = self.lock().get(&id) {
            live.control.pause();
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
        match row.kind.as_str() {
            IndexJob::KIND => self.spawn(row.id, read::<IndexJob>(&row)?),
            CaptionJob::KIND => self.spawn(row.id, read::<CaptionJob>(&row)?),
            CopyJob::KIND => self.spawn(row.id, read::<CopyJob>(&row)?),
            TeachJob::KIND => self.spawn(row.id, read::<TeachJob>(&row)?),
            ActivateJob::KIND => self.spawn(row.id, read::<ActivateJob>(&row)?),
            FollowJob::KIND => self.spawn(row.id, read::<FollowJob>(&row)?),
            DuplicatesJob::KIND => self.spawn(row.id, read::<DuplicatesJob>(&row)?),
            TrashJob::KIND => self.spawn(row.id, read::<TrashJob>(&row)?),
            kind => Err(EngineError::BadJob { id, reason: format!("this version knows no {kind} jobs") }),
        }
    }

    /// Lets the jobs go on that the end of their process stopped.
    ///
    /// # Errors
    /// When the library cannot be read or written.
    pub fn resume_interrupted(&self) -> Result<(), EngineError> {
        let by_hand = self.paused_by_hand()?;
        for job in self.unfinished()? {
            if job.state == JobState::Paused && !by_hand.contains(&job.id) {
                self.resume(job.id)?;
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
        let (control, status) = self.enter(id)?;
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
        let (control, queued) = self.enter(id)?;
        (self.0.listener)(&queued);
        self.work(id, job, &control)
    }

    /// Puts a job among those under way.
    fn enter(&self, id: JobId) -> Result<(JobControl, JobStatus), EngineError> {
        let control = JobControl::new();
        let mut status = self.status_of(self.row(id.0)?);
        status.state = JobState::Queued;
        let live = Live { control: control.clone(), status: status.clone() };
        if self.lock().insert(id.0, live).is_some() {
            return Err(EngineError::BadJob { id: id.0, reason: "it is under way already".into() });
        }
        Ok((control, status))
    }

    fn work<J: Job>(&self, id: JobId, job: &mut J, control: &JobControl) -> Result<(), EngineError> {
        let turn = (J::KIND == IndexJob::KIND).then(|| self.0.turn.lock().unwrap_or_else(PoisonError::into_inner));
        self.change(id, |status| status.state = JobState::Running);
        let tell = |event| self.hear(id, event);
        let result = self.0.engine.run_row(id, job, control, &tell);
        drop(turn);
        self.end(id, control, &result);
        result
    }

    fn hear(&self, id: JobId, event: JobEvent) {
        let progress = match event {
            JobEvent::Progress(progress) => progress,
            JobEvent::Waiting { process, .. } => return self.change(id, |status| status.waits_for = Some(process)),
            JobEvent::ItemFailed { .. } => return,
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

    fn end(&self, id: JobId, control: &JobControl, result: &Result<(), EngineError>) {
        self.change(id, |status| {
            (status.rate, status.eta_seconds, status.current, status.waits_for) = (0.0, None, None, None);
            status.state = match result {
                Ok(()) => JobState::Done,
                Err(EngineError::Cancelled) if control.pausing() => JobState::Paused,
                Err(EngineError::FolderGone { .. }) => JobState::Paused,
                Err(EngineError::Cancelled) => JobState::Cancelled,
                Err(error) => JobState::Failed { code: error.code().into() },
            };
            status.message = match result {
                Ok(()) | Err(EngineError::Cancelled) => None,
                Err(error) => Some(error.to_string()),
            };
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

fn read<J: Job>(row: &JobRow) -> Result<J, EngineError> {
    serde_json::from_str(&row.payload).map_err(|error| EngineError::BadJob { id: row.id.0, reason: error.to_string() })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;
    use std::time::{Duration, Instant};

    use super::*;
    use crate::testing::{RED, World};

    /// Several batches.
    const MANY: u8 = 120;

    type Heard = Arc<Mutex<Vec<JobStatus>>>;

    fn board(world: &World) -> (JobBoard, Heard) {
        let heard = Heard::default();
        let ears = heard.clone();
        (JobBoard::new(world.engine(), Box::new(move |status| ears.lock().unwrap().push(status.clone()))), heard)
    }

    fn wait(what: &str, done: impl Fn() -> bool) {
        let start = Instant::now();
        while !done() {
            assert!(start.elapsed() < Duration::from_secs(20), "{what}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn slow_world(photos: u8) -> World {
        let world = World::new();
        for number in 0..photos {
            world.photo(&format!("{number}.jpg"), RED, number);
        }
        world.fake.delay_ms.store(10, Ordering::SeqCst);
        world
    }

    fn job(world: &World) -> IndexJob {
        IndexJob::new(&[world.photos()], false).unwrap()
    }

    #[test]
    fn a_job_runs_in_the_background_and_every_change_is_told() {
        let world = slow_world(3);
        let (board, heard) = board(&world);
        let id = board.start(job(&world)).unwrap().id;
        wait("the job ends", || board.unfinished().unwrap().is_empty());
        assert_eq!(board.status(id).unwrap().state, JobState::Done);
        wait("the end is told", || heard.lock().unwrap().last().is_some_and(|status| status.state == JobState::Done));
        let heard = heard.lock().unwrap();
        assert_eq!(heard[0].state, JobState::Queued);
        assert!(heard.iter().any(|status| status.phase == "index" && status.done == 3));
        assert_eq!(world.fake.embedded(), 3);
    }

    #[test]
    fn a_paused_job_waits_for_a_person_and_embeds_nothing_twice() {
        let world = slow_world(MANY);
        let (first, _) = board(&world);
        let id = first.start(job(&world)).unwrap().id;
        wait("some are embedded", || world.fake.embedded() > 4);
        first.pause(id).unwrap();
        wait("it pauses", || first.status(id).unwrap().state == JobState::Paused);
        assert!(world.fake.embedded() < usize::from(MANY));
        let (next_start, _) = board(&world);
        next_start.resume_interrupted().unwrap();
        assert_eq!(next_start.status(id).unwrap().state, JobState::Paused, "a person paused it");
        next_start.resume(id).unwrap();
        wait("it ends", || next_start.unfinished().unwrap().is_empty());
        assert_eq!(world.fake.embedded(), usize::from(MANY));
    }

    #[test]
    fn a_job_stopped_by_the_end_of_the_app_goes_on_at_the_next_start() {
        let world = slow_world(MANY);
        let (first, _) = board(&world);
        let id = first.start(job(&world)).unwrap().id;
        wait("some are embedded", || world.fake.embedded() > 4);
        first.stop_all();
        assert_eq!(first.status(id).unwrap().state, JobState::Paused);
        let (next_start, _) = board(&world);
        next_start.resume_interrupted().unwrap();
        wait("it ends", || next_start.unfinished().unwrap().is_empty());
        assert_eq!(world.fake.embedded(), usize::from(MANY));
    }

    #[test]
    fn a_job_says_which_process_it_waits_for_and_begins_when_that_is_done() {
        let world = slow_world(2);
        let (board, heard) = board(&world);
        // As another process does: a turn is a lock on a file.
        let other = sightline_catalog::Catalog::open(world.engine().library()).unwrap();
        let turn = other.take_turn(IndexJob::KIND).unwrap().unwrap();
        let id = board.start(job(&world)).unwrap().id;
        let this = Some(Some(std::process::id()));
        wait("it says whom it waits for", || board.status(id).unwrap().waits_for == this);
        assert_eq!(world.fake.embedded(), 0);
        drop(turn);
        wait("it ends", || board.unfinished().unwrap().is_empty());
        assert_eq!((board.status(id).unwrap().waits_for, world.fake.embedded()), (None, 2));
        let heard = heard.lock().unwrap();
        assert!(heard.iter().any(|status| status.waits_for == this));
        assert!(heard.iter().any(|status| status.waits_for.is_none() && status.state == JobState::Running));
    }

    #[test]
    fn a_cancelled_job_is_over_also_when_it_was_waiting() {
        let world = slow_world(MANY);
        let (board, _) = board(&world);
        let running = board.start(job(&world)).unwrap().id;
        let mut other = job(&world);
        other = serde_json::from_str(&serde_json::to_string(&other).unwrap().replace("false", "true")).unwrap();
        let waiting = board.start(other).unwrap().id;
        assert_ne!(running, waiting);
        board.cancel(waiting).unwrap();
        board.cancel(running).unwrap();
        wait("both end", || board.unfinished().unwrap().is_empty());
        assert_eq!(board.status(waiting).unwrap().state, JobState::Cancelled);
        assert_eq!(board.status(running).unwrap().state, JobState::Cancelled);
        assert_eq!(board.cancel(99).unwrap_err().code(), "job_unknown");
    }
}
