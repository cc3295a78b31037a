//! Moving duplicates to the system's trash, and back; with `trash_photos` the one place of the program that takes photos
//! away.
//!
//! A file goes only when it is proven to show what the one kept in its place shows, when both were read right before and
//! are what the catalogue says, and when the two are not one file under two names. Whoever asks for it need not be
//! believed: the proof is made here. What a person gave the photo is handed on first. Each step is written down before
//! it is made.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use sightline_catalog::{Catalog, Location, LocationId, PhotoId, ToTrash, TrashBatch};
use sightline_media::caption_metadata::{copy_sidecar, existing_sidecar};
use sightline_media::trash::{ToRestore, TrashError};
use sightline_media::{ContentHash, is_named_as_photo, is_pair};

use super::DuplicateFile;
use super::proof::Prover;
use super::seen::{Seen, is_as_known, is_one_file};
#[cfg(test)]
use super::test_bin as bin;
use crate::jobs::{Job, JobCx};
use crate::{Engine, EngineError};
#[cfg(not(test))]
use sightline_media::trash as bin;

/// A file by the numbers of its photo and its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Gone {
    /// The photo.
    pub photo: i64,
    /// The place.
    pub location: i64,
}

/// A file that stays, and those that go in its favour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keep {
    /// The file that stays.
    pub kept: Gone,
    /// The files that go.
    pub gone: Vec<Gone>,
}

impl From<&DuplicateFile> for Gone {
    fn from(file: &DuplicateFile) -> Self {
        Self { photo: file.photo.0, location: file.location.0 }
    }
}

/// What a run moved.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrashSummary {
    /// Photos' files in the trash, companions aside.
    pub moved: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Files that were not moved, and why.
    pub failed: u64,
}

/// Moves files to the trash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrashJob {
    groups: Vec<Keep>,
    /// What the last run did.
    #[serde(skip)]
    pub summary: TrashSummary,
}

impl TrashJob {
    /// A job that keeps one file of each group.
    ///
    /// # Errors
    /// [`EngineError::LastCopy`] when a file that goes is to be kept as well.
    pub fn new(groups: Vec<Keep>) -> Result<Self, EngineError> {
        let kept: HashSet<Gone> = groups.iter().map(|group| group.kept).collect();
        if let Some(file) = groups.iter().flat_map(|group| &group.gone).find(|file| kept.contains(file)) {
            return Err(EngineError::LastCopy { id: file.photo });
        }
        Ok(Self { groups, summary: TrashSummary::default() })
    }
}

/// The files that belong to a photo's file and go where it goes: its raw file, its film, and its sidecar, unless that
/// is `kept`'s too or another photo's of the same name. What is `kept` or its own sidecar never goes.
pub(super) fn belonging(catalog: &Catalog, file: &Path, kept: Option<&Path>) -> Result<Vec<PathBuf>, EngineError> {
    let kept_sidecar = kept.and_then(existing_sidecar);
    let stays = |path: &Path| {
        Some(path) == kept || kept_sidecar.as_deref().is_some_and(|other| other == path || is_one_file(path, other))
    };
    let mut files: Vec<PathBuf> = catalog.companions_of_file(file)?.into_iter().map(|row| row.path).collect();
    // Rows may come from anybody: what the walk would not have paired does not belong together.
    files.retain(|path| is_pair(file, path) && !stays(path));
    let Some(sidecar) = existing_sidecar(file) else { return Ok(files) };
    let own_name = sidecar.file_name().zip(file.file_name()).is_some_and(|(sidecar, file)| {
        sidecar.to_string_lossy().to_lowercase().starts_with(&file.to_string_lossy().to_lowercase())
    });
    // `photo.xmp` may be that of `photo.cr2` beside `photo.jpg`.
    let of_another = !own_name && has_namesake(file, &sidecar, &files);
    if !stays(&sidecar) && !of_another {
        files.push(sidecar);
    }
    Ok(files)
}

/// Whether a file that stays has the photo's name with another ending.
fn has_namesake(file: &Path, sidecar: &Path, going: &[PathBuf]) -> bool {
    let Some(entries) = file.parent().and_then(|folder| std::fs::read_dir(folder).ok()) else { return true };
    let stays = |path: &PathBuf| path != file && path != sidecar && !going.contains(path);
    entries.flatten().map(|entry| entry.path()).filter(stays).any(|path| path.file_stem() == file.file_stem())
}

impl Job for TrashJob {
    const KIND: &'static str = "trash";

    fn run(&mut self, cx: &JobCx<'_>) -> Result<(), EngineError> {
        let total = self.groups.iter().map(|group| group.gone.len() as u64).sum();
        let prover = Prover::new(cx)?;
        let summary = TrashSummary::default();
        let mut run = Run { cx, prover, batch: None, done: 0, total, summary, changed: HashSet::new() };
        let ended = self.groups.iter().try_for_each(|group| run.group(group));
        self.summary = run.summary.clone();
        let engine = cx.engine();
        if !run.changed.is_empty() {
            engine.library_changed();
            engine.duplicates_changed(&run.changed)?;
        }
        ended
    }
}

/// A run of the job under way.
struct Run<'a, 'cx> {
    cx: &'a JobCx<'cx>,
    prover: Prover<'a>,
    batch: Option<TrashBatch>,
    done: u64,
    total: u64,
    summary: TrashSummary,
    changed: HashSet<PhotoId>,
}

impl Run<'_, '_> {
    fn group(&mut self, group: &Keep) -> Result<(), EngineError> {
        self.cx.check()?;
        let catalog = self.cx.engine().catalog()?;
        let Some(kept) = place(catalog, group.kept)? else {
            return self.refuse_all(group, &EngineError::PhotoGone { id: group.kept.photo });
        };
        let seen = match Seen::of(catalog, PhotoId(group.kept.photo), &kept.path) {
            Ok(seen) => seen,
            Err(error) => return self.refuse_all(group, &error),
        };
        for file in &group.gone {
            self.cx.check()?;
            // Moved by a run that was stopped, or gone since the list was made.
            if let Some(place) = place(catalog, *file)? {
                match self.file(catalog, *file, &place, group.kept, &seen) {
                    Ok(()) => {
                        self.summary.moved += 1;
                        self.summary.bytes += place.size_bytes;
                        self.changed.extend([PhotoId(file.photo), PhotoId(group.kept.photo)]);
                    }
                    Err(error @ (EngineError::Catalog(_) | EngineError::Cancelled)) => return Err(error),
                    Err(error) => {
                        self.summary.failed += 1;
                        self.cx.item_failed(&place.path, error.code(), &error.to_string());
                    }
                }
            }
            self.done += 1;
            self.cx.progress("trash", self.done, self.total, Some(&kept.path))?;
        }
        Ok(())
    }

    /// Moves one file with its companions, and writes that down before and after.
    fn file(
        &mut self,
        catalog: &Catalog,
        file: Gone,
        place: &Location,
        kept: Gone,
        seen: &Seen<'_>,
    ) -> Result<(), EngineError> {
        let photo = PhotoId(file.photo);
        if is_one_file(&place.path, seen.path) {
            return Err(EngineError::SameFile { path: place.path.clone(), other: seen.path.into() });
        }
        let going = Seen::of(catalog, photo, &place.path)?;
        self.must_be_duplicate(catalog, file, kept, &place.path, seen.path)?;
        let mut paths = vec![place.path.clone()];
        paths.extend(belonging(catalog, &place.path, Some(seen.path))?);
        if photo.0 == kept.photo {
            // The words beside one of two equal files are those of the other too.
            copy_sidecar(&place.path, seen.path)?;
        }
        // The last look before anything is moved.
        seen.again()?;
        going.again()?;
        self.batch = Some(move_together(self.cx, self.batch, &paths, (photo, PhotoId(kept.photo)))?);
        Ok(())
    }

    /// Refuses what is not proven to show the same as the file kept in its place, and what a person said is none.
    fn must_be_duplicate(
        &self,
        catalog: &Catalog,
        file: Gone,
        kept: Gone,
        path: &Path,
        other: &Path,
    ) -> Result<(), EngineError> {
        let (one, two) = (PhotoId(file.photo), PhotoId(kept.photo));
        let refused = catalog.no_duplicates()?.contains(&(one.min(two), one.max(two)));
        let proven = !refused && (one == two || self.is_proven(one, two)?);
        let no = || EngineError::NoDuplicate { path: path.into(), other: other.into() };
        if proven { Ok(()) } else { Err(no()) }
    }

    /// Proven of the two themselves, or by way of a third one of their group as it was found.
    fn is_proven(&self, one: PhotoId, two: PhotoId) -> Result<bool, EngineError> {
        if self.prover.is_same(one, two)? {
            return Ok(true);
        }
        let groups = self.cx.engine().held_groups().clone();
        let both = |group: &&super::DuplicateGroup| group.photos.contains(&one) && group.photos.contains(&two);
        let Some(group) = groups.as_deref().and_then(|groups| groups.iter().find(both)) else { return Ok(false) };
        for third in group.photos.iter().filter(|third| **third != one && **third != two) {
            if self.prover.is_same(one, *third)? && self.prover.is_same(*third, two)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn refuse_all(&mut self, group: &Keep, error: &EngineError) -> Result<(), EngineError> {
        let catalog = self.cx.engine().catalog()?;
        for file in &group.gone {
            if let Some(place) = place(catalog, *file)? {
                self.cx.item_failed(&place.path, error.code(), &error.to_string());
                self.summary.failed += 1;
            }
        }
        self.done += group.gone.len() as u64;
        self.cx.progress("trash", self.done, self.total, None)
    }
}

/// Moves a photo's file, the first of `paths`, and what belongs to it, and writes that down before and after. What
/// belongs to it and cannot be moved stays, and is said to have failed.
pub(super) fn move_together(
    cx: &JobCx<'_>,
    batch: Option<TrashBatch>,
    paths: &[PathBuf],
    (photo, kept): (PhotoId, PhotoId),
) -> Result<TrashBatch, EngineError> {
    let catalog = cx.engine().catalog()?;
    let rows: Vec<ToTrash> = paths.iter().map(|path| ToTrash { path: path.clone(), photo, kept }).collect();
    let batch = catalog.begin_trash(batch, &rows)?;
    let (mut moved, mut left) = (Vec::new(), Vec::new());
    for (index, path) in paths.iter().enumerate() {
        match bin::to_trash(path) {
            Ok(()) => moved.push(path.clone()),
            Err(error) if index == 0 => {
                catalog.abandon_trash(batch, paths)?;
                return Err(error.into());
            }
            Err(error) => {
                cx.item_failed(path, error.code(), &error.to_string());
                left.push(path.clone());
            }
        }
    }
    catalog.end_trash(&moved)?;
    catalog.abandon_trash(batch, &left)?;
    Ok(batch)
}

/// The place of a number, if it is still that photo's.
fn place(catalog: &Catalog, file: Gone) -> Result<Option<Location>, EngineError> {
    let places = catalog.locations_of(PhotoId(file.photo))?;
    Ok(places.into_iter().find(|(id, _)| *id == LocationId(file.location)).map(|(_, place)| place))
}

/// What can be taken out of the trash again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undoable {
    /// Files that went together, companions among them.
    pub files: u64,
    /// When the first of them went, in seconds since 1970.
    pub trashed_at: i64,
}

/// What came back out of the trash.
#[derive(Debug, Default)]
pub struct Undone {
    /// Files that lie again where they lay.
    pub back: Vec<PathBuf>,
    /// Those that do not, and why.
    pub failed: Vec<EngineError>,
}

impl Engine {
    /// What [`Engine::undo_trash`] would take out of the trash.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn undoable_trash(&self) -> Result<Option<Undoable>, EngineError> {
        let last = self.catalog()?.last_trashed()?;
        Ok(last.and_then(|(_, rows)| {
            let trashed_at = rows.iter().map(|row| row.trashed_at).min()?;
            Some(Undoable { files: rows.len() as u64, trashed_at })
        }))
    }

    /// Takes what went to the trash last out of it, and takes back what its photos had handed on. A file that is no
    /// longer in the trash is not asked for again; one whose place is taken, that cannot be put back or is not what went
    /// in stays in the trash.
    ///
    /// # Errors
    /// When the library cannot be read or written.
    pub fn undo_trash(&self) -> Result<Undone, EngineError> {
        let catalog = self.catalog()?;
        let Some((batch, rows)) = catalog.last_trashed()? else { return Ok(Undone::default()) };
        // Rows may come from anybody: nothing goes to the trash from here but photos, their films and sidecars.
        let (rows, foreign): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| is_named_as_photo(&row.path));
        catalog.forget_trashed(batch, &foreign.into_iter().map(|row| row.path).collect::<Vec<_>>())?;
        let mut files = Vec::with_capacity(rows.len());
        for row in &rows {
            // A photo is known by what it holds; what belongs to it is not.
            let known = if row.is_photo { catalog.photo(row.photo)? } else { None };
            let since = row.modified_ns.and_then(|since| u64::try_from(since).ok());
            files.push(ToRestore {
                path: row.path.clone(),
                hash: known.map(|known| ContentHash(known.hash)),
                modified: since.map(|since| UNIX_EPOCH + Duration::from_nanos(since)),
            });
        }
        let (mut undone, mut lost) = (Undone::default(), Vec::new());
        for (row, result) in rows.iter().zip(bin::from_trash(&files)) {
            match result {
                Ok(()) => undone.back.push(row.path.clone()),
                // Written down and never moved: the process ended in between.
                Err(TrashError::Taken { .. }) if is_as_known(catalog, row.photo, &row.path).is_ok() => {
                    undone.back.push(row.path.clone());
                }
                Err(error) => {
                    if matches!(error, TrashError::NotInTrash { .. }) {
                        lost.push(row.path.clone());
                    }
                    undone.failed.push(error.into());
                }
            }
        }
        catalog.untrash(batch, &undone.back)?;
        catalog.forget_trashed(batch, &lost)?;
        self.library_changed();
        self.duplicates_changed(&rows.iter().flat_map(|row| [row.photo, row.kept]).collect())?;
        Ok(undone)
    }
}
