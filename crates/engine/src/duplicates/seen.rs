//! Files as they were when they were read: what is moved to the trash, and what stays, is looked at again right before.

use std::path::Path;

use sightline_catalog::{Catalog, PhotoId};
use sightline_media::{Limits, hash_photo};

use super::identity;
use crate::EngineError;

/// Reads a file whole and compares it with what the catalogue knows of it.
pub(super) fn is_as_known(catalog: &Catalog, photo: PhotoId, path: &Path) -> Result<(), EngineError> {
    let known = catalog.photo(photo)?.ok_or(EngineError::PhotoGone { id: photo.0 })?;
    let now = hash_photo(path, &Limits::default(), &|| false)?;
    if now.0 == known.hash { Ok(()) } else { Err(EngineError::ChangedSince { path: path.into() }) }
}

/// A file that stays or goes, as it was when it was read: nothing goes in favour of one that has changed since, and what
/// has changed since does not go.
pub(super) struct Seen<'a> {
    pub path: &'a Path,
    size: u64,
    modified: std::time::SystemTime,
    identity: Option<(u64, u64)>,
}

impl<'a> Seen<'a> {
    /// Reads it whole; refuses what is not what the catalogue knows.
    pub fn of(catalog: &Catalog, photo: PhotoId, path: &'a Path) -> Result<Self, EngineError> {
        let before = Self::look(path)?;
        is_as_known(catalog, photo, path)?;
        before.again()?;
        Ok(before)
    }

    fn look(path: &'a Path) -> Result<Self, EngineError> {
        let missing = |_| sightline_media::MediaError::Missing { path: path.into() };
        let metadata = std::fs::metadata(path).map_err(missing)?;
        let modified = metadata.modified().map_err(missing)?;
        Ok(Self { path, size: metadata.len(), modified, identity: identity(path) })
    }

    /// Refuses it when it is no longer there or has changed.
    pub fn again(&self) -> Result<(), EngineError> {
        let now = Self::look(self.path)?;
        let same = (now.size, now.modified, now.identity) == (self.size, self.modified, self.identity);
        if same { Ok(()) } else { Err(EngineError::ChangedSince { path: self.path.into() }) }
    }
}

/// Whether two paths name one file, so that moving one would take the other away. Hard links are two: their number says
/// so.
pub(super) fn is_one_file(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().ok();
    if real(one).is_some_and(|one| Some(one) == real(other)) {
        return true;
    }
    identity(one).is_some_and(|id| Some(id) == identity(other)) && links(one) < 2
}

#[cfg(unix)]
fn links(path: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    path.metadata().map_or(1, |metadata| metadata.nlink())
}

#[cfg(not(unix))]
fn links(_path: &Path) -> u64 {
    1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{BLUE, RED, World};

    #[test]
    fn a_file_that_changes_after_it_was_read_is_refused() {
        let world = World::new();
        let path = world.photo("red.jpg", RED, 0);
        world.index();
        let engine = world.engine();
        let catalog = engine.catalog().unwrap();
        let photo = catalog.known(&path).unwrap().unwrap().photo.unwrap();
        let seen = Seen::of(catalog, photo, &path).unwrap();
        seen.again().unwrap();
        let changed = |result: Result<(), EngineError>| assert_eq!(result.unwrap_err().code(), "changed_since");
        // Another file in its place, of the same size and time.
        let (bytes, modified) = (std::fs::read(&path).unwrap(), path.metadata().unwrap().modified().unwrap());
        let other = world.path("other");
        std::fs::write(&other, &bytes).unwrap();
        std::fs::File::options().write(true).open(&other).unwrap().set_modified(modified).unwrap();
        std::fs::rename(&other, &path).unwrap();
        changed(seen.again());
        let seen = Seen::of(catalog, photo, &path).unwrap();
        world.photo("red.jpg", BLUE, 0);
        changed(seen.again());
        assert!(Seen::of(catalog, photo, &path).is_err(), "it is not what the library knows");
        std::fs::remove_file(&path).unwrap();
        assert!(seen.again().is_err());
    }
}
