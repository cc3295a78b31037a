//! Brings the library in line with folders of photos: new ones are embedded, the rest is
//! bookkeeping.
//!
//! Walk, compare by size and time, then by content (a move or a copy costs nothing), decode ahead
//! on loader threads, embed in batches, commit each batch in one transaction. A bad file becomes
//! a row on the problem list and never fails the job. What is gone is forgotten last, and never
//! because a folder could not be read, nor without asking when much of a folder is gone at once. A JPEG and its RAW
//! file, a Live Photo and its film are one photo. Running it again goes on where it stopped.

mod edits;
mod facts;
#[cfg(test)]
mod facts_tests;
mod guard;
mod in_flight;
mod load;
mod moved;
mod pairs;
#[cfg(test)]
mod reality_tests;
mod roots;
mod scan;
pub(crate) mod suspects;
#[cfg(test)]
mod tests;
mod under_way;
mod writer;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use sightline_catalog::{Absence, Conclusion, KeptOut};
use sightline_media::Found;

use crate::batches::batch_size;
use crate::embedding::embed_all;
use crate::jobs::{Job, JobCx};
use crate::loading::work_ahead;
use crate::{Engine, EngineError};
use guard::Losses;
pub(crate) use in_flight::forget as forget_in_flight;
use load::{Outcome, PhotoReader, Task};
use roots::Roots;
use scan::Plan;
pub(crate) use under_way::{UnderWay, overlap};
use writer::Writer;

/// A photo that is gone keeps its vector for 30 days, so that a disk plugged in again costs nothing.
const KEEP_GONE_S: u64 = 30 * 24 * 3600;

/// Indexes folders. Serialisable, so that it can be resumed by being run again.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct IndexJob {
    /// Absolute folders, none inside another.
    #[serde(with = "crate::paths")]
    roots: Vec<PathBuf>,
    /// Files known to be bad are tried again although they have not changed.
    retry: bool,
    /// What is gone is forgotten, however much it is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    forget: bool,
    /// If there are any, only these files and folders are looked at.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "crate::paths")]
    touched: Vec<PathBuf>,
    /// What is lost is not forgotten yet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    spare: bool,
    /// What the last run did.
    #[serde(skip)]
    pub summary: IndexSummary,
}

/// What a run of indexing did, in files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IndexSummary {
    /// Photos of readable formats that the folders hold, good or bad.
    pub found: u64,
    /// Photos embedded.
    pub embedded: u64,
    /// Files that are as they were at the last run.
    pub unchanged: u64,
    /// Files whose content was known from another place.
    pub relocated: u64,
    /// Photos of which files and sidecars were read anew, without looking at them.
    pub reread: u64,
    /// Files that are gone and were forgotten.
    pub removed: u64,
    /// Files of these folders that cannot be read, old ones included.
    pub problems: u64,
    /// Files of formats that are not read yet, old ones included.
    pub unsupported: u64,
    /// Files that belong to a photo beside them: RAW files of JPEGs, films of Live Photos.
    pub companions: u64,
    /// Files that stay out of the library because a person had them forgotten.
    pub kept_out: u64,
    /// Folders of which too much vanished to be forgotten without a question.
    pub held: Vec<Absence>,
    /// Files that may still be being written; to be looked at again.
    pub young: Vec<PathBuf>,
    /// Name of the device that embedded, if anything was.
    pub device: Option<String>,
}

impl IndexJob {
    /// A job for `folders`; relative ones are taken from the current folder.
    ///
    /// # Errors
    /// When one of them is not there, is no folder, or cannot be read.
    pub fn new(folders: &[PathBuf], retry: bool) -> Result<Self, EngineError> {
        let mut roots = folders.iter().map(|folder| readable(folder)).collect::<Result<Vec<_>, _>>()?;
        // Sorted, a folder comes before those inside it, which its own walk will reach.
        roots.sort();
        roots.dedup_by(|later, earlier| later.starts_with(&*earlier));
        Ok(Self { roots, retry, forget: false, touched: Vec::new(), spare: false, summary: IndexSummary::default() })
    }

    /// As [`IndexJob::new`]; what is gone from the folders is forgotten, however much it is.
    ///
    /// # Errors
    /// As [`IndexJob::new`].
    pub fn forgetting(folders: &[PathBuf]) -> Result<Self, EngineError> {
        Ok(Self { forget: true, ..Self::new(folders, false)? })
    }

    /// A job that looks only at `touched`, files or folders below `roots`, there or not. With `spare`, what is lost is
    /// not forgotten yet: more may be on its way, which is to be judged together.
    pub(crate) fn of_touched(roots: Vec<PathBuf>, touched: Vec<PathBuf>, spare: bool) -> Self {
        Self { roots, retry: false, forget: false, touched, spare, summary: IndexSummary::default() }
    }

    /// The folders, absolute and none inside another.
    pub fn roots(&self) -> &[PathBuf] {
        &self.roots
    }

    /// What it looks at: its folders, or what was touched in them.
    pub(crate) fn looked_at(&self) -> &[PathBuf] {
        if self.touched.is_empty() { &self.roots } else { &self.touched }
    }

    fn losses(&self) -> Losses {
        match (self.forget, self.spare) {
            (true, _) => Losses::All,
            (false, true) => Losses::Later,
            (false, false) => Losses::Guarded,
        }
    }
}

/// The folder's one true path, if it is a folder that can be listed.
fn readable(folder: &Path) -> Result<PathBuf, EngineError> {
    let path = || folder.to_path_buf();
    let wrong = |source: std::io::Error| match source.kind() {
        std::io::ErrorKind::NotFound => EngineError::FolderMissing { path: path() },
        std::io::ErrorKind::NotADirectory => EngineError::NotAFolder { path: path() },
        _ => EngineError::FolderUnreadable { path: path(), source },
    };
    let absolute = std::fs::canonicalize(folder).map_err(wrong)?;
    std::fs::read_dir(&absolute).map_err(wrong)?;
    Ok(absolute)
}

impl IndexJob {
    /// Follows folders whose disk is now mounted elsewhere, and sees that each is there.
    fn go_where_the_folders_are(&mut self, engine: &Engine) -> Result<(), EngineError> {
        let moved = engine.follow_volumes()?;
        for root in &mut self.roots {
            if let Some((_, now)) = moved.iter().find(|(before, _)| before == root) {
                root.clone_from(now);
            }
            readable(root)?;
            if engine.is_missing(root)? {
                return Err(EngineError::FolderMissing { path: root.clone() });
            }
            engine.catalog()?.add_folder(root)?;
        }
        Ok(())
    }
}

impl Job for IndexJob {
    const KIND: &'static str = "index";

    fn looks_at(&self) -> &[PathBuf] {
        self.looked_at()
    }

    fn without(mut self, is_forgotten: &dyn Fn(&Path) -> bool) -> Option<Self> {
        let whole = self.touched.is_empty();
        self.roots.retain(|root| !is_forgotten(root));
        self.touched.retain(|path| !is_forgotten(path));
        (!self.roots.is_empty() && whole == self.touched.is_empty()).then_some(self)
    }

    fn run(&mut self, cx: &JobCx<'_>) -> Result<(), EngineError> {
        let engine = cx.engine();
        let catalog = engine.catalog()?;
        // The model in use now, to the end: what another one made would be lost.
        engine.follow_choice()?;
        let serving = engine.serving();
        let model = serving.key()?;
        self.summary = IndexSummary::default();
        let whole = self.touched.is_empty();
        if whole {
            self.go_where_the_folders_are(engine)?;
        } else {
            // Since it was asked for, a folder may have been taken out of the library; nothing brings it back but a person.
            let folders = catalog.folders()?;
            // Nothing is concluded from a folder that is not there.
            let is_there = |root: &PathBuf| readable(root).is_ok() && !engine.is_missing(root).unwrap_or(true);
            self.roots.retain(|root| folders.contains(root) && is_there(root));
        }
        let roots = Roots::of(&self.roots);
        let mut plan = match whole {
            true => Plan::scan(cx, &self.roots, self.retry, &mut self.summary)?,
            false => Plan::touched(cx, &self.roots, &self.touched, self.retry, &mut self.summary)?,
        };
        let (losses, young, found) = (self.losses(), std::mem::take(&mut plan.young), self.summary.found);
        let in_flight = plan.suspects(cx, whole)?;
        let kept_out = std::mem::take(&mut plan.kept_out);
        let mut writer = Writer::new(cx, &serving, &in_flight, &mut self.summary)?;
        writer.edits = std::mem::take(&mut plan.edits);
        writer.list(std::mem::take(&mut plan.unreadable))?;
        let died = std::mem::take(&mut plan.died);
        let task = |found: Found| if died.contains(&found.path) { Task::Fatal(found) } else { Task::New(found) };
        let tasks: Vec<Task> = std::mem::take(&mut plan.work).into_iter().map(task).collect();
        let (mut lacking, stale) = (0, BTreeSet::from_iter(plan.stale.iter().copied()).len() as u64);
        if whole {
            // All photos of the folders count, those that are as they should be as done: a run that goes on after a
            // pause does not begin at nothing.
            lacking = catalog.photos_without_vector(&model)?.len() as u64;
            writer.begin_at((found - tasks.len() as u64).saturating_sub(lacking + stale));
        }
        writer.expect(tasks.len() as u64 + lacking + stale, 0)?;
        let copies = embed(cx, &mut writer, (&roots, &kept_out), tasks, true)?;
        // Copies of files that were read in the same run: by now their content is known.
        embed(cx, &mut writer, (&roots, &kept_out), copies.into_iter().map(Task::New).collect(), false)?;
        let halves = plan.halves_of(&std::mem::take(&mut writer.bad));
        writer.expect(halves.len() as u64, 0)?;
        embed(cx, &mut writer, (&roots, &kept_out), halves.into_iter().map(Task::New).collect(), false)?;
        if whole {
            // Photos that an earlier run, or another model, left without a vector of this one.
            let photos = catalog.photos_without_vector(&model)?.into_iter();
            let tasks: Vec<Task> = photos.map(|(id, path)| Task::Again { id, path }).collect();
            writer.expect(tasks.len() as u64, lacking)?;
            embed(cx, &mut writer, (&roots, &kept_out), tasks, false)?;
        }
        let photos = plan.stale.iter().chain(&std::mem::take(&mut writer.relocated)).copied().collect();
        facts::read_anew(cx, &mut writer, photos, stale)?;
        let refused = std::mem::take(&mut writer.refused_sidecars);
        drop(writer);
        for sidecar in plan.tried_sidecars.iter().filter(|sidecar| !refused.contains(sidecar)) {
            catalog.clear_problem(sidecar)?;
        }
        let verdict = guard::judge(engine, &self.roots, plan.gone, losses)?;
        let held = |path: &PathBuf| verdict.held.iter().any(|absence| path.starts_with(&absence.folder));
        let parted = plan.parted.into_iter().filter(|path| losses != Losses::Later && !held(path)).collect();
        let left = if whole { moved::left_folders(engine, &self.roots)? } else { Vec::new() };
        let mut gone = verdict.gone;
        gone.extend(moved::old_places(engine, &left)?);
        let conclusion = Conclusion { joined: plan.joined, parted, gone };
        self.summary.removed = catalog.conclude(&conclusion)? as u64;
        moved::take_off_empty(engine, &left)?;
        for root in self.roots.iter().filter(|root| whole && !held(root)) {
            engine.remember_volume(root)?;
        }
        (self.summary.held, self.summary.young) = (verdict.held, young);
        if whole || !conclusion.is_empty() {
            engine.library_changed();
        }
        if whole {
            catalog.collect_garbage(now_s(), KEEP_GONE_S)?;
        }
        // Another model may have been taken into use meanwhile, which has not seen what was indexed since.
        let now = engine.serving();
        if now.key()? != model {
            embed_all(cx, &now, &mut Vec::new())?;
            engine.library_changed();
        }
        engine.save_vectors()?;
        Ok(())
    }
}

/// Seconds since 1970.
fn now_s() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs().cast_signed())
}

/// Reads and embeds files; returns those whose content another of them has, to be done later.
fn embed(
    cx: &JobCx<'_>,
    writer: &mut Writer<'_, '_>,
    (roots, kept_out): (&Roots, &KeptOut),
    tasks: Vec<Task>,
    put_copies_off: bool,
) -> Result<Vec<Found>, EngineError> {
    let mut copies = Vec::new();
    if tasks.is_empty() {
        return Ok(copies);
    }
    let reader = PhotoReader::new(cx, writer.in_flight, kept_out, put_copies_off)?;
    let read = |task| reader.read(task);
    let result = work_ahead(cx, tasks, 2 * batch_size(), read, |outcome| match outcome? {
        Outcome::Copy(found) => {
            copies.push(found);
            Ok(())
        }
        outcome => roots.must_be_there(&outcome).and_then(|()| writer.take(outcome)),
    });
    match result {
        // What the model is computing is committed, not lost.
        Err(error @ (EngineError::Cancelled | EngineError::FolderGone { .. })) => {
            writer.finish_in_flight().and(Err(error))
        }
        Err(error) => Err(error),
        Ok(()) => writer.flush().map(|()| copies),
    }
}
