//! Kinds of jobs: each brings what it takes to let one of its rows go on.

use std::path::Path;

use sightline_catalog::JobRow;

use super::{Job, JobBoard, JobStatus};
use crate::EngineError;

/// Makes of a payload one without the files and folders that were forgotten.
type Without = fn(&str, &dyn Fn(&Path) -> bool) -> Option<String>;

/// A kind of job, of which a row tells the name.
pub(crate) struct JobKind {
    /// The name, [`Job::KIND`].
    pub name: &'static str,
    /// Lets a row of this kind go on.
    pub go_on: fn(&JobBoard, &JobRow) -> Result<JobStatus, EngineError>,
    /// See [`Job::GOES_ON_BY_ITSELF`].
    pub goes_on_by_itself: bool,
    /// A payload of this kind without what was forgotten; see [`Job::without`].
    pub without: Without,
}

impl JobKind {
    /// The kind that `J` is.
    pub const fn of<J: Job + 'static>() -> Self {
        let (go_on, goes_on_by_itself) = (JobBoard::go_on::<J>, J::GOES_ON_BY_ITSELF);
        Self { name: J::KIND, go_on, goes_on_by_itself, without: without::<J> }
    }
}

/// The job that a row holds.
///
/// # Errors
/// [`EngineError::BadJob`] when it holds something else, and what [`Job::check`] finds wrong with it.
pub(super) fn read<J: Job>(row: &JobRow) -> Result<J, EngineError> {
    let wrong = |reason: String| EngineError::BadJob { id: row.id.0, reason };
    if row.kind != J::KIND {
        return Err(wrong(format!("it is no {} job", J::KIND)));
    }
    let job: J = serde_json::from_str(&row.payload).map_err(|error| wrong(error.to_string()))?;
    job.check()?;
    Ok(job)
}

/// One that cannot be read cannot go on, and goes too.
fn without<J: Job>(payload: &str, is_forgotten: &dyn Fn(&Path) -> bool) -> Option<String> {
    let job: J = serde_json::from_str(payload).ok()?;
    serde_json::to_string(&job.without(is_forgotten)?).ok()
}
