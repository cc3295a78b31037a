//! Jobs: what was asked, how far it is, how it ended.
//!
//! A process that runs a job holds a lock on a file beside the catalogue. The system drops the
//! lock with the process, however it ends; so a job that is marked as running and whose lock is
//! free was run by a process that is dead.

use std::fs::TryLockError;
use std::path::PathBuf;

use rusqlite::{Connection, OptionalExtension, Row};

use crate::error::Failure;
use crate::tables::job_mark::unmarked;
use crate::{Catalog, CatalogError, plain};

pub(crate) const V1: &str = "
CREATE TABLE job (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    phase TEXT NOT NULL DEFAULT '',
    done INTEGER NOT NULL DEFAULT 0,
    total INTEGER NOT NULL DEFAULT 0,
    started_at INTEGER NOT NULL DEFAULT (unixepoch()),
    updated_at INTEGER NOT NULL DEFAULT (unixepoch()),
    payload TEXT NOT NULL,
    error TEXT
) STRICT;
";

/// Jobs in a library at most: one every five minutes for some years.
const MOST: usize = 500_000;

/// A job's number in its catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JobId(pub i64);

/// How a job stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobState {
    /// Asked for and not begun.
    Queued,
    /// A living process works on it.
    Running,
    /// Stopped before its end, to go on later.
    Paused,
    /// Finished.
    Done,
    /// Ended by an error.
    Failed {
        /// The error's code.
        code: String,
    },
    /// Ended by a person.
    Cancelled,
}

impl JobState {
    /// The state in one word.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Done => "done",
            Self::Failed { .. } => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    fn parse(word: &str, error: Option<String>) -> Self {
        match word {
            "queued" => Self::Queued,
            "running" => Self::Running,
            "paused" => Self::Paused,
            "done" => Self::Done,
            "cancelled" => Self::Cancelled,
            _ => Self::Failed { code: error.unwrap_or_default() },
        }
    }
}

/// A job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobRow {
    /// Its number.
    pub id: JobId,
    /// What sort of job it is.
    pub kind: String,
    /// How it stands.
    pub state: JobState,
    /// The part of it under way.
    pub phase: String,
    /// Items finished in this phase.
    pub done: u64,
    /// Items of this phase.
    pub total: u64,
    /// When it was asked for, in seconds since 1970.
    pub started_at: i64,
    /// When its row last changed, in seconds since 1970.
    pub updated_at: i64,
    /// What was asked, as its kind writes it.
    pub payload: String,
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<JobRow> {
    Ok(JobRow {
        id: JobId(row.get(0)?),
        kind: row.get(1)?,
        state: JobState::parse(row.get_ref(2)?.as_str()?, row.get(9)?),
        phase: row.get(3)?,
        done: row.get::<_, i64>(4)?.cast_unsigned(),
        total: row.get::<_, i64>(5)?.cast_unsigned(),
        started_at: row.get(6)?,
        updated_at: row.get(7)?,
        payload: unmarked(row.get(8)?),
    })
}

fn set_state(connection: &Connection, id: JobId, state: &JobState) -> Result<(), Failure> {
    let error = match state {
        JobState::Failed { code } => Some(code),
        _ => None,
    };
    let sql = "UPDATE job SET state = ?2, error = ?3, updated_at = unixepoch() WHERE id = ?1";
    match connection.prepare_cached(sql)?.execute((id.0, state.as_str(), error))? {
        0 => Err(CatalogError::UnknownJob { id: id.0 }.into()),
        _ => Ok(()),
    }
}

impl Catalog {
    /// Adds a job, queued.
    ///
    /// # Errors
    /// When the library cannot be written.
    pub fn insert_job(&self, kind: &str, payload: &str) -> Result<JobId, CatalogError> {
        let marked = self.installation().get().map(|installation| installation.marked(kind, payload));
        let payload = marked.as_deref().unwrap_or(payload);
        self.write(|transaction| {
            let mut insert =
                transaction.prepare_cached("INSERT INTO job (kind, state, payload) VALUES (?1, ?2, ?3)")?;
            Ok(JobId(insert.insert((kind, JobState::Queued.as_str(), payload))?))
        })
    }

    /// Says how a job stands. The process that sets it running is taken to run it until it says
    /// otherwise, or ends.
    ///
    /// # Errors
    /// [`CatalogError::UnknownJob`]; [`CatalogError::JobRunning`] when another process runs it;
    /// or when the library cannot be written.
    pub fn set_job_state(&self, id: JobId, state: &JobState) -> Result<(), CatalogError> {
        if *state == JobState::Running {
            self.lock_job(id)?;
        }
        let written = self.write(|transaction| set_state(transaction, id, state));
        if *state != JobState::Running || written.is_err() {
            self.unlock_job(id)?;
        }
        written
    }

    /// Says how far a job is, in items of its phase.
    ///
    /// # Errors
    /// [`CatalogError::UnknownJob`], or when the library cannot be written.
    pub fn job_progress(&self, id: JobId, phase: &str, done: u64, total: u64) -> Result<(), CatalogError> {
        let sql = "UPDATE job SET phase = ?2, done = ?3, total = ?4, updated_at = unixepoch() WHERE id = ?1";
        self.write(|transaction| {
            let values = (id.0, phase, done.cast_signed(), total.cast_signed());
            match transaction.prepare_cached(sql)?.execute(values)? {
                0 => Err(CatalogError::UnknownJob { id: id.0 }.into()),
                _ => Ok(()),
            }
        })
    }

    /// All jobs, newest last.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn jobs(&self) -> Result<Vec<JobRow>, CatalogError> {
        self.read(|transaction| {
            let sql = "SELECT id, kind, state, phase, done, total, started_at, updated_at, payload, error
                       FROM job ORDER BY id";
            let mut statement = transaction.prepare_cached(sql)?;
            let mut jobs = Vec::new();
            for job in statement.query_map([], from_row)? {
                if jobs.len() == MOST {
                    // Pages that lead to each other in circles would fill the memory before their time is over.
                    return Err(CatalogError::Endless { path: self.file().into() }.into());
                }
                jobs.push(job?);
            }
            Ok(jobs)
        })
    }

    /// One job, if there is one of this number.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn job(&self, id: JobId) -> Result<Option<JobRow>, CatalogError> {
        self.read(|transaction| {
            let sql = "SELECT id, kind, state, phase, done, total, started_at, updated_at, payload, error
                       FROM job WHERE id = ?1";
            Ok(transaction.prepare_cached(sql)?.query_row([id.0], from_row).optional()?)
        })
    }

    /// Whether a living process, this one or another, runs the job.
    pub fn is_job_alive(&self, id: JobId) -> bool {
        if self.running().contains_key(&id.0) {
            return true;
        }
        // Who runs a job holds its lock, which its end has dropped.
        plain::open(&self.lock_path(id)).is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
    }

    /// Says what a job is asked from now on, which nobody works on.
    ///
    /// # Errors
    /// When the library cannot be written.
    pub fn set_job_payload(&self, id: JobId, kind: &str, payload: &str) -> Result<(), CatalogError> {
        let marked = self.installation().get().map(|installation| installation.marked(kind, payload));
        let payload = marked.as_deref().unwrap_or(payload);
        self.write(|transaction| {
            Ok(transaction.execute("UPDATE job SET payload = ?2 WHERE id = ?1", (id.0, payload)).map(drop)?)
        })
    }

    /// Removes a job's row, which nobody will ask for again.
    ///
    /// # Errors
    /// When the library cannot be written.
    pub fn remove_job(&self, id: JobId) -> Result<(), CatalogError> {
        self.write(|transaction| Ok(transaction.execute("DELETE FROM job WHERE id = ?1", [id.0]).map(drop)?))
    }

    /// Marks as paused what dead processes left as running.
    pub(crate) fn pause_jobs_of_the_dead(&self) -> Result<(), CatalogError> {
        let running = self.jobs()?.into_iter().filter(|job| job.state == JobState::Running);
        for JobRow { id, .. } in running {
            match self.lock_job(id) {
                Ok(()) => self.set_job_state(id, &JobState::Paused)?,
                Err(CatalogError::JobRunning { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn lock_path(&self, id: JobId) -> PathBuf {
        self.dir().join(format!("job-{}.lock", id.0))
    }

    fn lock_job(&self, id: JobId) -> Result<(), CatalogError> {
        let mut running = self.running();
        if self.is_read_only() || running.contains_key(&id.0) {
            return Ok(());
        }
        let path = self.lock_path(id);
        let file = plain::open_lock(&path, self.rights())?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => Err(CatalogError::JobRunning { id: id.0 }),
            // A file system without locks: as good as nobody else.
            Ok(()) | Err(TryLockError::Error(_)) => {
                running.insert(id.0, file);
                Ok(())
            }
        }
    }

    fn unlock_job(&self, id: JobId) -> Result<(), CatalogError> {
        let Some(lock) = self.running().remove(&id.0) else { return Ok(()) };
        let path = self.lock_path(id);
        // Windows removes a file only after it is closed.
        drop(lock);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(CatalogError::io(&path, error)),
            _ => Ok(()),
        }
    }
}
