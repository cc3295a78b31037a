//! The work of forgetting, as a job.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sightline_catalog::{Catalog, CatalogError, JobState, Turn};

use crate::index::{IndexJob, forget_in_flight};
use crate::job_kinds::JOB_KINDS;
use crate::jobs::{Job, JobCx};
use crate::watch::FollowJob;
use crate::{Engine, EngineError};

/// Photos that one transaction forgets.
const STEP: usize = 64;
/// How often a job that waits looks again.
const POLL: Duration = Duration::from_millis(100);

/// Forgets all that [`Engine::ask_to_forget`] has written down: first the rows, so that nothing is found or shown any
/// more, then their bytes. It asks for nothing itself, so that its own row names nothing; run again, it does what is left.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForgetJob {
    /// Tells this wish from others: one that comes while another is being done is not taken for the same work, which may
    /// have looked for wishes already.
    #[serde(default)]
    pub wish: u64,
    /// Photos that the last run forgot.
    #[serde(skip)]
    pub forgotten: u64,
}

impl Job for ForgetJob {
    const KIND: &'static str = "forget";
    const KEEPS_ROW: bool = false;

    fn run(&mut self, cx: &JobCx<'_>) -> Result<(), EngineError> {
        let engine = cx.engine();
        // A wish may come while another is done.
        while engine.is_forgetting()? {
            self.forgotten += forget_rows(cx)?;
            let mut paused = Vec::new();
            let erased = self.erase(cx, &mut paused);
            // However it ended, the others go on.
            engine.go_on_again(&paused)?;
            erased?;
        }
        Ok(())
    }
}

impl ForgetJob {
    /// The work of a new wish.
    pub fn of_new_wish() -> Self {
        Self { wish: rand::random(), forgotten: 0 }
    }

    /// Erases the bytes, while those who index step aside; says which it has asked to.
    fn erase(&mut self, cx: &JobCx<'_>, paused: &mut Vec<i64>) -> Result<(), EngineError> {
        let engine = cx.engine();
        let catalog = engine.catalog()?;
        let folders = catalog.folders_to_forget()?;
        let _turns = hold_indexing(cx, &folders, paused)?;
        // What a run had read before and has written since is kept out, but for what lay in a folder that it knew.
        self.forgotten += forget_rows(cx)?;
        let kept_out = catalog.kept_out()?;
        let is_forgotten = |path: &Path| kept_out.file(path) || folders.iter().any(|folder| path.starts_with(folder));
        forget_in_flight(engine.library(), &is_forgotten);
        take_out_of_jobs(catalog, &is_forgotten)?;
        // The library's writer is the one who erases, so the row waits.
        let erased = catalog.erase(&mut |phase, done, total| {
            cx.announce(phase, done, total, None);
            !cx.stopping()
        });
        match erased {
            Err(CatalogError::Stopped) => return Err(EngineError::Cancelled),
            other => other?,
        }
        engine.drop_memory();
        engine.library_changed();
        Ok(())
    }
}

/// Forgets all rows; returns how many photos' they were.
fn forget_rows(cx: &JobCx<'_>) -> Result<u64, EngineError> {
    let engine = cx.engine();
    let catalog = engine.catalog()?;
    let (total, mut done) = (catalog.forgetting()?.photos, 0);
    loop {
        cx.check()?;
        let some = catalog.forget_some(STEP)? as u64;
        if some == 0 {
            break;
        }
        done += some;
        engine.library_changed();
        cx.progress("forget", done, total.max(done), None)?;
    }
    engine.drop_memory();
    Ok(done)
}

/// Has those pause who index, in whichever process, and keeps them from going on while the turns are held: what they
/// read is named in the library's folder until they end. One that waits to index what is to be forgotten is ended. Those
/// that were asked to pause are put into `paused`.
fn hold_indexing(cx: &JobCx<'_>, folders: &[PathBuf], paused: &mut Vec<i64>) -> Result<[Turn; 2], EngineError> {
    let engine = cx.engine();
    let catalog = engine.catalog()?;
    let (mut index, mut follow) = (None, None);
    loop {
        for row in catalog.jobs()?.into_iter().filter(|row| row.kind == IndexJob::KIND) {
            let reaches = || {
                let job: Option<IndexJob> = serde_json::from_str(&row.payload).ok();
                job.is_some_and(|job| job.roots().iter().any(|root| folders.iter().any(|f| root.starts_with(f))))
            };
            match row.state {
                JobState::Running if catalog.is_job_alive(row.id) && !paused.contains(&row.id.0) => {
                    engine.ask_to_pause(row.id)?;
                    paused.push(row.id.0);
                }
                // It has not begun, and would bring the folder back.
                JobState::Queued if reaches() => catalog.set_job_state(row.id, &JobState::Cancelled)?,
                _ => {}
            }
        }
        if index.is_none() {
            index = catalog.take_turn(IndexJob::KIND)?;
        }
        if follow.is_none() {
            follow = catalog.take_turn(FollowJob::KIND)?;
        }
        (index, follow) = match (index, follow) {
            (Some(index), Some(follow)) => return Ok([index, follow]),
            one => one,
        };
        cx.progress("wait", 0, 0, None)?;
        cx.check()?;
        std::thread::sleep(POLL);
    }
}

/// Takes what is forgotten out of jobs that wait to go on, and off the list what has nothing else to do.
fn take_out_of_jobs(catalog: &Catalog, is_forgotten: &dyn Fn(&Path) -> bool) -> Result<(), EngineError> {
    for row in catalog.jobs()? {
        let Some(kind) = JOB_KINDS.iter().find(|kind| kind.name == row.kind) else { continue };
        if catalog.is_job_alive(row.id) {
            continue;
        }
        match (kind.without)(&row.payload, is_forgotten) {
            Some(payload) if payload == row.payload => {}
            Some(payload) => catalog.set_job_payload(row.id, &row.kind, &payload)?,
            None => catalog.remove_job(row.id)?,
        }
    }
    Ok(())
}

impl Engine {
    /// Does what is left of a forgetting that was asked for, if anything is.
    ///
    /// # Errors
    /// As [`Engine::run_job`].
    pub fn finish_forgetting(&self) -> Result<(), EngineError> {
        if !self.is_forgetting()? {
            return Ok(());
        }
        self.run_job(&mut ForgetJob::default(), &crate::jobs::JobControl::new(), &|_| {})
    }
}
