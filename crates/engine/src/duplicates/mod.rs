//! Duplicates: the same photo twice, or nearly so; which to keep; and the way to the system's trash and back.
//!
//! Exact: one content in several places, which the catalogue knows by its hash. Near: photos whose fingerprints differ in
//! few places and whose vectors by the untaught model point the same way, and of which the pixels prove that they show
//! the very same. Nothing here deletes.

mod best;
mod find;
mod job;
mod proof;
mod seen;
#[cfg(test)]
mod test_bin;
#[cfg(test)]
mod tests;
mod trash;
mod trash_photos;

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sightline_catalog::{Catalog, KeywordOrigin, PhotoId};
use sightline_media::caption_metadata::existing_sidecar;

use crate::{CaptionAuthor, Engine, EngineError};
use best::put_best_first;
pub use best::{DuplicateFile, Why};
pub(crate) use find::linked;
pub use job::DuplicatesJob;
pub(crate) use proof::Proofs;
pub use trash::{Gone, Keep, TrashJob, TrashSummary, Undoable, Undone};
pub use trash_photos::TrashPhotosJob;

/// Which duplicates are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DuplicateKind {
    /// Files of one content.
    Exact,
    /// Photos that look alike; their exact copies are among them.
    Near,
}

/// Files of one picture.
#[derive(Debug, Clone, PartialEq)]
pub struct DuplicateGroup {
    /// How they are alike.
    pub kind: DuplicateKind,
    /// Its photos, as they were found; some may lie nowhere any more.
    pub photos: Vec<PhotoId>,
    /// Its files, the best first.
    pub files: Vec<DuplicateFile>,
    /// What is freed when only the best is kept. Files that share their bytes on disk (hard links) free nothing.
    pub freed_bytes: u64,
}

/// Duplicates as they were last found, without those that are none any more.
pub(crate) type HeldDuplicates = Mutex<Option<Arc<Vec<DuplicateGroup>>>>;

impl DuplicateGroup {
    /// What is known of a group now; fewer than two files are no group, and are shown by none.
    fn of(catalog: &Catalog, photos: Vec<PhotoId>) -> Result<Self, EngineError> {
        let mut files: Vec<DuplicateFile> = Vec::new();
        for photo in &photos {
            files.extend(files_of(catalog, *photo)?);
        }
        let mut files = one_name_each(files);
        put_best_first(&mut files);
        let kind = if photos.len() > 1 { DuplicateKind::Near } else { DuplicateKind::Exact };
        let freed_bytes = freed(&files);
        Ok(Self { kind, photos, files, freed_bytes })
    }

    fn is_one(&self) -> bool {
        self.files.len() > 1
    }
}

/// A photo's files, with what they are judged by.
fn files_of(catalog: &Catalog, photo: PhotoId) -> Result<Vec<DuplicateFile>, EngineError> {
    let places = catalog.locations_of(photo)?;
    let Some(row) = (if places.is_empty() { None } else { catalog.photo(photo)? }) else { return Ok(Vec::new()) };
    let albums = catalog.albums_of(photo)?.len();
    // A person's words in the file or beside it count as those written here do.
    let written = catalog.caption(photo)?.is_some_and(|caption| caption.author != CaptionAuthor::Machine);
    let tagged = catalog.keywords(photo)?.iter().any(|word| word.origin != KeywordOrigin::Model && !word.removed);
    let file = |(location, place): (_, sightline_catalog::Location)| -> Result<_, EngineError> {
        let companions = catalog.companions_of_file(&place.path)?;
        Ok(DuplicateFile {
            photo,
            location,
            has_sidecar: existing_sidecar(&place.path).is_some(),
            path: place.path,
            companions_bytes: companions.iter().map(|companion| companion.size_bytes).sum(),
            companions: companions.into_iter().map(|companion| companion.path).collect(),
            size_bytes: place.size_bytes,
            modified_ns: place.modified_ns,
            width: row.width,
            height: row.height,
            format: row.format.clone(),
            taken_at: row.recorded_at().map(str::to_owned),
            camera: row.camera.clone(),
            rating: row.rating,
            albums,
            described: written || tagged,
            why: None,
        })
    };
    places.into_iter().map(file).collect()
}

/// Of several names of the same bytes on disk one, the file's own before links to it: the others take no room, and a
/// person made them.
fn one_name_each(mut files: Vec<DuplicateFile>) -> Vec<DuplicateFile> {
    // Links of a name or of a folder lead elsewhere.
    files.sort_by_cached_key(|file| std::fs::canonicalize(&file.path).is_ok_and(|real| real != file.path));
    let mut seen: HashSet<(u64, u64)> = HashSet::new();
    files.retain(|file| identity(&file.path).is_none_or(|bytes| seen.insert(bytes)));
    files
}

/// Bytes that are freed when all but the first file go.
fn freed(files: &[DuplicateFile]) -> u64 {
    files.iter().skip(1).map(|file| file.size_bytes + file.companions_bytes).sum()
}

/// What two names of the same bytes on disk have in common; none where the system does not tell.
#[cfg(unix)]
fn identity(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    path.metadata().ok().map(|metadata| (metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn identity(_path: &Path) -> Option<(u64, u64)> {
    None
}

impl Engine {
    /// The duplicates as [`DuplicatesJob`] last found them in this process, brought up to date with what has gone to
    /// the trash since; none when it has not run. `kind` and `folder` (one of the files lies below it) narrow them.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn duplicates(
        &self,
        kind: Option<DuplicateKind>,
        folder: Option<&Path>,
    ) -> Result<Option<Vec<DuplicateGroup>>, EngineError> {
        let Some(all) = self.held_groups().clone() else { return Ok(None) };
        let fits = |group: &&DuplicateGroup| {
            group.is_one()
                && kind.is_none_or(|kind| group.kind == kind)
                && folder.is_none_or(|folder| group.files.iter().any(|file| file.path.starts_with(folder)))
        };
        Ok(Some(all.iter().filter(fits).cloned().collect()))
    }

    /// Remembers that no two of `photos` are duplicates; of a single one, that its copies are wanted.
    ///
    /// # Errors
    /// When the library cannot be written.
    pub fn say_no_duplicates(&self, photos: &[PhotoId]) -> Result<(), EngineError> {
        self.catalog()?.say_no_duplicates(photos)?;
        if let Some(held) = &mut *self.held_groups() {
            Arc::make_mut(held).retain(|group| group.photos != photos);
        }
        Ok(())
    }

    /// Takes back what [`Engine::say_no_duplicates`] remembered, and shows the group again.
    ///
    /// # Errors
    /// When the library cannot be read or written.
    pub fn take_back_no_duplicates(&self, photos: &[PhotoId]) -> Result<(), EngineError> {
        let catalog = self.catalog()?;
        catalog.take_back_no_duplicates(photos)?;
        let group = DuplicateGroup::of(catalog, photos.to_vec())?;
        if let Some(held) = &mut *self.held_groups() {
            let groups = Arc::make_mut(held);
            groups.insert(0, group);
        }
        Ok(())
    }

    /// Looks again at the groups of photos that came or went.
    fn duplicates_changed(&self, photos: &HashSet<PhotoId>) -> Result<(), EngineError> {
        let catalog = self.catalog()?;
        if let Some(held) = &mut *self.held_groups() {
            for group in Arc::make_mut(held) {
                if group.photos.iter().any(|photo| photos.contains(photo)) {
                    *group = DuplicateGroup::of(catalog, std::mem::take(&mut group.photos))?;
                }
            }
        }
        Ok(())
    }

    fn held_groups(&self) -> MutexGuard<'_, Option<Arc<Vec<DuplicateGroup>>>> {
        self.held_duplicates().lock().unwrap_or_else(PoisonError::into_inner)
    }
}
