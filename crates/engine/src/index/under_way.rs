//! Which folders are being indexed as a whole, by whichever process.

use std::path::{Path, PathBuf};

use sightline_catalog::JobState;

use super::IndexJob;
use crate::jobs::Job;
use crate::{Engine, EngineError};

/// A job that indexes folders, now or once it goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UnderWay {
    /// The job's number.
    pub job: i64,
    folders: Vec<PathBuf>,
}

impl UnderWay {
    /// The folders that it indexes.
    pub fn folders(&self) -> &[PathBuf] {
        &self.folders
    }

    /// Whether it reaches `path`, or something below it.
    pub fn reaches(&self, path: &Path) -> bool {
        overlap(&self.folders, path)
    }
}

/// Whether `path` lies in one of `folders`, or one of them in it.
pub(crate) fn overlap(folders: &[PathBuf], path: &Path) -> bool {
    folders.iter().any(|folder| path.starts_with(folder) || folder.starts_with(path))
}

impl Engine {
    /// The jobs that index folders: those that a living process runs, and of those that wait or are paused the ones
    /// that will go on, as `goes_on` says by their number.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub(crate) fn indexing(&self, goes_on: impl Fn(i64) -> bool) -> Result<Vec<UnderWay>, EngineError> {
        let catalog = self.catalog()?;
        let rows = catalog.jobs()?.into_iter().filter(|row| row.kind == IndexJob::KIND);
        let under_way = rows.filter(|row| match row.state {
            JobState::Running => goes_on(row.id.0) || catalog.is_job_alive(row.id),
            JobState::Queued | JobState::Paused => goes_on(row.id.0),
            JobState::Done | JobState::Failed { .. } | JobState::Cancelled => false,
        });
        // One that cannot be read cannot go on.
        let read = |row: sightline_catalog::JobRow| {
            let job: IndexJob = serde_json::from_str(&row.payload).ok()?;
            Some(UnderWay { job: row.id.0, folders: job.roots })
        };
        Ok(under_way.filter_map(read).collect())
    }
}
