//! Folders watched while they change: new photos are searchable seconds after they are written.
//!
//! The system tells what is touched ([`ears`]); what is touched waits until nobody writes to it any more
//! ([`settling`]); then a [`FollowJob`] indexes just that. What is lost is judged a little later than what is new, and
//! together, so that a folder that is being emptied is seen as a whole by the guard against mass loss. Folders of the
//! library that come, go, or turn up elsewhere are noticed every other second, for a few file system calls.
//!
//! A folder that a job indexes as a whole is left to that job: what is touched in it meanwhile is followed when the job
//! has ended. A job that a person has paused has not ended, and one that a person has stopped is not done in its place.

#[cfg(test)]
mod beside_tests;
mod ears;
mod follow;
mod settling;
#[cfg(test)]
mod tests;
mod watcher;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, unbounded};
use sightline_catalog::JobId;
use sightline_media::caption_metadata::is_sidecar_name;

pub use ears::Hearing;
use ears::{Heard, Watched};
pub use follow::FollowJob;
use settling::{Settling, Touch};
pub use watcher::Watcher;

use crate::index::{IndexSummary, UnderWay};
use crate::jobs::{JobBoard, JobControl, JobState};
use crate::{Engine, EngineError};

/// How often it is seen to whether folders came, went or moved.
const TEND: Duration = Duration::from_secs(2);
/// Losses are judged when none was added for this long...
const LOSSES_REST: Duration = Duration::from_secs(3);
/// ...and at the latest after this long.
const LOSSES_WAIT: Duration = Duration::from_secs(60);
/// What could not be followed is tried again after this long, and each time after twice as long...
const AGAIN: Duration = Duration::from_secs(30);
/// ...as often as this.
const DOUBLINGS: u32 = 5;
/// A stop is felt within this time.
const STOP: Duration = Duration::from_millis(200);

/// What a watch tells of itself.
#[derive(Debug)]
pub enum WatchEvent {
    /// It began to listen to a folder.
    Watching {
        /// The folder.
        folder: PathBuf,
        /// How changes are learned of.
        hearing: Hearing,
        /// Where the system does not tell: how often everything is looked at.
        interval: Option<Duration>,
    },
    /// A folder is not there any more, or not the library's.
    Left {
        /// The folder.
        folder: PathBuf,
    },
    /// A folder's disk is now mounted elsewhere.
    Moved {
        /// Where it was.
        from: PathBuf,
        /// Where it is.
        to: PathBuf,
    },
    /// Something changed, and the library was brought in line.
    Followed {
        /// What was touched; the folder itself when all of it was looked at.
        touched: Vec<PathBuf>,
        /// What was done.
        summary: Box<IndexSummary>,
    },
    /// Something could not be done now; it is tried again.
    Failed {
        /// Why.
        error: EngineError,
    },
}

/// Watches folders of a library until it is told to stop.
pub struct Watch<'a> {
    engine: &'a Engine,
    /// The folders to watch; all of the library when there are none.
    only: Vec<PathBuf>,
    control: &'a JobControl,
    tell: &'a dyn Fn(WatchEvent),
    watched: Vec<Watched>,
    settling: Settling,
    /// How soon what failed is tried again for the first time, and how often it has failed since it last went well.
    again: (Duration, u32),
    /// Tells which folders are being indexed as a whole.
    indexing: Box<dyn Fn() -> Result<Vec<UnderWay>, EngineError> + 'a>,
    /// What it told last.
    under_way: Vec<UnderWay>,
    /// What is gone, since when, and since when nothing was added.
    losses: Option<(BTreeSet<PathBuf>, Instant, Instant)>,
    ears: (Sender<Heard>, Receiver<Heard>),
}

impl<'a> Watch<'a> {
    /// A watch on the folders `only` of the library, or on all that it has at any time when `only` is empty; `tell`
    /// hears of what it does.
    pub fn new(engine: &'a Engine, only: Vec<PathBuf>, control: &'a JobControl, tell: &'a dyn Fn(WatchEvent)) -> Self {
        let (settling, ears) = (Settling::default(), unbounded());
        let indexing = Box::new(move || engine.indexing(|_| false));
        let (watched, under_way) = (Vec::new(), Vec::new());
        let again = (AGAIN, 0);
        Self { engine, only, control, tell, watched, settling, again, indexing, under_way, losses: None, ears }
    }

    /// Leaves folders also to the jobs of `board` that wait or are paused.
    pub(super) fn beside(mut self, board: &'a JobBoard) -> Self {
        self.indexing = Box::new(move || board.indexing());
        self
    }

    /// Watches until `control` stops it; each job is run by `follow`.
    ///
    /// # Errors
    /// When the library cannot be read. What fails for a folder or a job is told and tried again.
    pub fn run(mut self, follow: &dyn Fn(&mut FollowJob) -> Result<(), EngineError>) -> Result<(), EngineError> {
        let mut tend_at = Instant::now();
        while !self.control.stopping() {
            let now = Instant::now();
            if tend_at <= now {
                self.tend()?;
                tend_at = now + TEND;
            }
            let asked = self.watched.iter_mut().filter_map(|watched| watched.tend(now)).min();
            let losses = self.losses.as_ref().map(|(_, first, last)| (*first + LOSSES_WAIT).min(*last + LOSSES_REST));
            let next = [Some(tend_at), Some(now + STOP), asked, self.settling.due(), losses];
            let next = next.into_iter().flatten().min().unwrap_or(now);
            match self.ears.1.recv_timeout(next.saturating_duration_since(Instant::now())) {
                Ok(heard) => {
                    self.hear(heard);
                    while let Ok(heard) = self.ears.1.try_recv() {
                        self.hear(heard);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
            self.follow_touched(follow)?;
            self.follow_losses(follow)?;
        }
        Ok(())
    }

    fn hear(&mut self, heard: Heard) {
        let now = Instant::now();
        match heard {
            Heard::Touched(path, touch) => self.settling.touch(path, touch, now),
            Heard::Missed => {
                let folders: Vec<PathBuf> = self.watched.iter().map(|watched| watched.folder.clone()).collect();
                folders.into_iter().for_each(|folder| self.settling.touch(folder, Touch::Named, now));
            }
        }
    }

    /// Listens to the folders that are there now, and to no others.
    fn tend(&mut self) -> Result<(), EngineError> {
        for (from, to) in self.engine.follow_volumes()? {
            for only in self.only.iter_mut().filter(|only| **only == from) {
                only.clone_from(&to);
            }
            (self.tell)(WatchEvent::Moved { from, to });
        }
        let mut wanted = self.engine.catalog()?.folders()?;
        if !self.only.is_empty() {
            wanted.retain(|folder| self.only.contains(folder));
        }
        // One inside another is heard of with it.
        wanted.dedup_by(|later, earlier| later.starts_with(&*earlier));
        wanted.retain(|folder| !self.engine.is_missing(folder).unwrap_or(true));
        let (stay, leave): (Vec<_>, Vec<_>) = std::mem::take(&mut self.watched)
            .into_iter()
            .partition(|watched| wanted.contains(&watched.folder) && watched.is_there());
        self.watched = stay;
        for watched in leave {
            (self.tell)(WatchEvent::Left { folder: watched.folder });
        }
        for folder in wanted {
            if self.watched.iter().any(|watched| watched.folder == folder) {
                continue;
            }
            match Watched::new(&folder, &self.engine.volumes(), &self.ears.0) {
                Ok(watched) => {
                    let (hearing, interval) = (watched.hearing, watched.interval());
                    (self.tell)(WatchEvent::Watching { folder: folder.clone(), hearing, interval });
                    self.watched.push(watched);
                    // What changed while nobody listened.
                    self.settling.touch(folder, Touch::Named, Instant::now());
                }
                Err(error) => {
                    let source = std::io::Error::other(error);
                    (self.tell)(WatchEvent::Failed { error: EngineError::FolderUnreadable { path: folder, source } });
                }
            }
        }
        Ok(())
    }

    /// The watched folders that are the library's still: a job's row must not name one that was forgotten.
    fn roots(&self) -> Result<Vec<PathBuf>, EngineError> {
        let folders = self.engine.catalog()?.folders()?;
        let watched = self.watched.iter().map(|watched| &watched.folder);
        Ok(watched.filter(|folder| folders.contains(folder)).cloned().collect())
    }

    /// Follows what is ready.
    fn follow_touched(
        &mut self,
        follow: &dyn Fn(&mut FollowJob) -> Result<(), EngineError>,
    ) -> Result<(), EngineError> {
        let now = Instant::now();
        if self.settling.due().is_none_or(|due| due > now) {
            return Ok(());
        }
        self.see_what_is_indexed()?;
        let held = |path: &Path| self.under_way.iter().any(|job| job.reaches(path));
        let look = |path: &Path| {
            let metadata = std::fs::metadata(path).ok()?;
            Some((metadata.len(), metadata.modified().ok()?))
        };
        let mut ready = self.settling.ready(now, held, look);
        if ready.is_empty() {
            return Ok(());
        }
        let roots = self.roots()?;
        ready.retain(|path| is_below(&roots, path));
        let (whole, ready): (Vec<_>, Vec<_>) = ready.into_iter().partition(|path| roots.contains(path));
        for folder in whole {
            self.follow(FollowJob::new(&roots, vec![folder.clone()], false), vec![folder], follow);
        }
        let mut touched = Vec::new();
        for path in ready {
            if self.concerns(&path)? {
                touched.push(path);
            }
        }
        if touched.is_empty() {
            return Ok(());
        }
        let gone: Vec<PathBuf> =
            touched.iter().filter(|path| !path.exists() && !is_sidecar_name(path)).cloned().collect();
        if !gone.is_empty() {
            let now = Instant::now();
            let (losses, _, last) = self.losses.get_or_insert_with(|| (BTreeSet::new(), now, now));
            losses.extend(gone);
            *last = now;
        }
        self.follow(FollowJob::new(&roots, touched.clone(), true), touched, follow);
        Ok(())
    }

    /// Sees which folders are being indexed. One whose job was stopped is not looked at as a whole in its place.
    fn see_what_is_indexed(&mut self) -> Result<(), EngineError> {
        let now = (self.indexing)()?;
        let before = std::mem::replace(&mut self.under_way, now);
        for ended in before.iter().filter(|job| !self.under_way.iter().any(|other| other.job == job.job)) {
            let row = self.engine.catalog()?.job(JobId(ended.job))?;
            if row.is_some_and(|row| row.state == JobState::Cancelled) {
                ended.folders().iter().for_each(|folder| self.settling.forget(folder));
            }
        }
        Ok(())
    }

    /// Whether a touched path may matter: much else is written in a folder of photos.
    fn concerns(&self, path: &Path) -> Result<bool, EngineError> {
        if path.is_dir() {
            return Ok(true);
        }
        if path.exists() {
            return Ok(!matches!(sightline_media::look(path), Ok(None)));
        }
        // Its photo is to be read without it.
        if is_sidecar_name(path) {
            return Ok(true);
        }
        // Gone, it may have been a folder.
        let catalog = self.engine.catalog()?;
        Ok(!catalog.known_under(path)?.is_empty() || !catalog.companions_under(path)?.is_empty())
    }

    /// Judges what was lost, once no more is lost.
    fn follow_losses(&mut self, follow: &dyn Fn(&mut FollowJob) -> Result<(), EngineError>) -> Result<(), EngineError> {
        let now = Instant::now();
        let due = |(_, first, last): &(BTreeSet<PathBuf>, Instant, Instant)| {
            now >= *last + LOSSES_REST || now >= *first + LOSSES_WAIT
        };
        if let Some((losses, _, _)) = self.losses.take_if(|losses| due(losses)) {
            let roots = self.roots()?;
            let losses: Vec<PathBuf> = losses.into_iter().filter(|path| is_below(&roots, path)).collect();
            if !losses.is_empty() {
                self.follow(FollowJob::new(&roots, losses.clone(), false), losses, follow);
            }
        }
        Ok(())
    }

    fn follow(
        &mut self,
        mut job: FollowJob,
        touched: Vec<PathBuf>,
        follow: &dyn Fn(&mut FollowJob) -> Result<(), EngineError>,
    ) {
        match follow(&mut job) {
            Ok(()) => {
                let summary = job.summary().clone();
                let now = Instant::now();
                self.again.1 = 0;
                summary.young.iter().for_each(|path| self.settling.touch(path.clone(), Touch::Changed, now));
                (self.tell)(WatchEvent::Followed { touched, summary: Box::new(summary) });
            }
            Err(EngineError::Cancelled) => {}
            Err(error) => {
                let (first, failures) = self.again;
                let due = Instant::now() + first * 2u32.pow(failures.min(DOUBLINGS));
                self.again.1 = failures.saturating_add(1);
                touched.into_iter().for_each(|path| self.settling.again(path, due));
                (self.tell)(WatchEvent::Failed { error });
            }
        }
    }
}

fn is_below(roots: &[PathBuf], path: &Path) -> bool {
    roots.iter().any(|root| path.starts_with(root))
}
