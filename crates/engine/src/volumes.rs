//! Folders by volume: a disk that turns up under another mount point is the disk that it was.
//!
//! With each folder its volume's id is kept, and its path on that volume. When the volume is mounted elsewhere, the
//! folder and all that is known below it move there in one transaction, and nothing is read or embedded again.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use sightline_catalog::FolderVolume;
use sightline_media::{OnVolume, SystemVolumes, Volumes};

use crate::{Engine, EngineError};

/// What tells where volumes are mounted; tests put another in its place.
pub(crate) struct HeldVolumes(RwLock<Arc<dyn Volumes>>);

impl Default for HeldVolumes {
    fn default() -> Self {
        Self(RwLock::new(Arc::new(SystemVolumes::default())))
    }
}

/// A folder that is now somewhere else.
pub type Moved = (PathBuf, PathBuf);

impl Engine {
    /// What tells where volumes are mounted.
    pub(crate) fn volumes(&self) -> Arc<dyn Volumes> {
        self.held_volumes().0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Believes `volumes` instead of the system.
    #[cfg(test)]
    pub(crate) fn believe(&self, volumes: Arc<dyn Volumes>) {
        *self.held_volumes().0.write().unwrap() = volumes;
    }

    /// Moves the folders whose volume is now mounted elsewhere to where it is; returns from where to where.
    ///
    /// # Errors
    /// When the library cannot be read or written.
    pub fn follow_volumes(&self) -> Result<Vec<Moved>, EngineError> {
        let (catalog, volumes) = (self.catalog()?, self.volumes());
        let mut moved = Vec::new();
        for FolderVolume { folder, id, path } in catalog.folder_volumes()? {
            let place = OnVolume { id, path };
            if folder.is_dir() && volumes.locate(&folder).as_ref() == Some(&place) {
                continue;
            }
            let now = volumes.paths(&place).into_iter().find(|now| *now != folder && now.is_dir());
            if let Some(now) = now {
                catalog.move_folder(&folder, &now)?;
                moved.push((folder, now));
            }
        }
        if !moved.is_empty() {
            self.library_changed();
        }
        Ok(moved)
    }

    /// Remembers on which volume a folder of the library lies, if that has an id.
    pub(crate) fn remember_volume(&self, folder: &Path) -> Result<(), EngineError> {
        if let Some(OnVolume { id, path }) = self.volumes().locate(folder) {
            self.catalog()?.set_folder_volume(&FolderVolume { folder: folder.into(), id, path })?;
        }
        Ok(())
    }

    /// Whether another volume is at the folder's path than the one that was indexed.
    pub(crate) fn lies_on_another_volume(&self, folder: &Path) -> Result<bool, EngineError> {
        let Some(FolderVolume { id, path, .. }) = self.catalog()?.folder_volume(folder)? else { return Ok(false) };
        Ok(self.volumes().locate(folder) != Some(OnVolume { id, path }))
    }

    /// Whether a folder of the library is not there: not at all, or as the empty place where its disk is mounted.
    pub(crate) fn is_missing(&self, folder: &Path) -> Result<bool, EngineError> {
        if !folder.is_dir() {
            return Ok(true);
        }
        let is_empty = || std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none());
        Ok(is_empty() && self.lies_on_another_volume(folder)?)
    }
}
