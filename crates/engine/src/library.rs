//! The folders of a library and what there is to filter by.

use std::path::{Path, PathBuf};

use sightline_catalog::{Absence, Facet, Facets};

use crate::{Engine, EngineError};

/// A folder of the library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    /// Its path.
    pub path: PathBuf,
    /// Photos of different content below it.
    pub photos: u64,
    /// Whether it is not there, perhaps on a disk that is unplugged.
    pub missing: bool,
}

impl Folder {
    /// A number for it, the same as long as its path: 48 bits of a hash.
    pub fn id(&self) -> i64 {
        let hash = blake3::hash(self.path.as_os_str().as_encoded_bytes());
        hash.as_bytes()[..6].iter().fold(0, |number, byte| number << 8 | i64::from(*byte))
    }
}

impl Engine {
    /// The folders that were indexed, by path.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn folders(&self) -> Result<Vec<Folder>, EngineError> {
        let catalog = self.catalog()?;
        let mut folders = Vec::new();
        for path in catalog.folders()? {
            let (photos, missing) = (catalog.photos_below(&path)?, self.is_missing(&path)?);
            folders.push(Folder { path, photos, missing });
        }
        Ok(folders)
    }

    /// Takes a folder off the library; no file in it is touched, and adding it again costs nothing.
    ///
    /// # Errors
    /// When the library cannot be written.
    pub fn remove_folder(&self, folder: &Path) -> Result<(), EngineError> {
        self.catalog()?.remove_folder(folder)?;
        self.library_changed();
        Ok(())
    }

    /// Folders of which so much vanished that a person is asked before it is forgotten.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn absences(&self) -> Result<Vec<Absence>, EngineError> {
        Ok(self.catalog()?.absences()?)
    }

    /// The answer that what vanished from `folder` stays in the library; to forget it, run
    /// [`crate::index::IndexJob::forgetting`]. Returns how many files that are.
    ///
    /// # Errors
    /// When the library cannot be written.
    pub fn keep_absent(&self, folder: &Path) -> Result<usize, EngineError> {
        let kept = self.catalog()?.keep_absent(folder)?;
        self.words_changed();
        Ok(kept)
    }

    /// The keywords of photos, the most used first.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn keywords_used(&self) -> Result<Vec<Facet>, EngineError> {
        Ok(self.catalog()?.keywords_used()?)
    }

    /// What there is to filter by.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn facets(&self) -> Result<Facets, EngineError> {
        Ok(self.catalog()?.facets()?)
    }

    /// Whether the library knows something of `path`: a photo's file, a problem or a folder.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn knows(&self, path: &Path) -> Result<bool, EngineError> {
        let catalog = self.catalog()?;
        Ok(path == self.library() || catalog.known(path)?.is_some() || catalog.folders()?.iter().any(|f| f == path))
    }
}
