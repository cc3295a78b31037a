//! The folders of a run, and whether they are still there.

use std::path::{Path, PathBuf};

use super::load::Outcome;
use super::readable;
use crate::EngineError;

/// Folders with the disks they lie on.
pub(super) struct Roots(Vec<(PathBuf, Option<u64>)>);

impl Roots {
    /// The folders as they are now.
    pub fn of(folders: &[PathBuf]) -> Self {
        Self(folders.iter().map(|folder| (folder.clone(), disk(folder))).collect())
    }

    /// Fails when `outcome` is one that a disk pulled out would have, and the file's folder is gone; so that a run
    /// stops there instead of listing every file that it can no longer read.
    pub fn must_be_there(&self, outcome: &Outcome) -> Result<(), EngineError> {
        let path = match outcome {
            Outcome::Skipped(path) => path,
            Outcome::Bad(file) if file.code == "io" => &file.path,
            _ => return Ok(()),
        };
        match self.0.iter().find(|(root, _)| path.starts_with(root)) {
            // An empty folder is left where a disk was mounted.
            Some((root, before)) if readable(root).is_err() || disk(root) != *before => {
                Err(EngineError::FolderGone { path: root.clone() })
            }
            _ => Ok(()),
        }
    }
}

/// The number of the disk that a folder lies on, where the system has one.
#[cfg(unix)]
pub(super) fn disk(folder: &Path) -> Option<u64> {
    std::fs::metadata(folder).ok().map(|metadata| std::os::unix::fs::MetadataExt::dev(&metadata))
}

#[cfg(not(unix))]
pub(super) fn disk(_: &Path) -> Option<u64> {
    None
}
