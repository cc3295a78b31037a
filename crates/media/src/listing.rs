//! Whether a file is there under exactly this name.
//!
//! Asking for a file by its path does not tell: where names are not case-sensitive, `IMG.JPG` is found although the
//! file has been renamed to `img.jpg`. The folder's own list does.

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::MediaError;
use crate::pairs::pair_key;

/// Lists of folders, each read once.
#[derive(Debug, Default)]
pub struct Listings {
    /// None for a folder that is not there.
    folders: HashMap<PathBuf, Option<HashSet<OsString>>>,
}

impl Listings {
    fn names(&mut self, folder: &Path) -> Result<Option<&HashSet<OsString>>, MediaError> {
        if !self.folders.contains_key(folder) {
            let names = match std::fs::read_dir(folder).map_err(|error| MediaError::io(folder, error)) {
                Ok(entries) => {
                    let names = entries.map(|entry| entry.map(|entry| entry.file_name()));
                    Some(names.collect::<Result<_, _>>().map_err(|error| MediaError::io(folder, error))?)
                }
                Err(MediaError::Missing { .. }) => None,
                Err(error) => return Err(error),
            };
            self.folders.insert(folder.to_path_buf(), names);
        }
        Ok(self.folders.get(folder).and_then(Option::as_ref))
    }

    /// Whether the list of its folder has the last name of `path`, byte for byte.
    ///
    /// # Errors
    /// When the folder is there and cannot be listed: then nothing is known.
    pub fn has(&mut self, path: &Path) -> Result<bool, MediaError> {
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return Ok(path.exists()) };
        Ok(self.names(folder)?.is_some_and(|names| names.contains(name)))
    }

    /// The files beside `path` that have its stem in whatever case, itself among them if it is there; sorted.
    ///
    /// # Errors
    /// As [`Listings::has`].
    pub fn of_same_stem(&mut self, path: &Path) -> Result<Vec<PathBuf>, MediaError> {
        let Some(folder) = path.parent() else { return Ok(Vec::new()) };
        let key = pair_key(path);
        let names = self.names(folder)?.into_iter().flatten();
        let mut same: Vec<PathBuf> =
            names.map(|name| folder.join(name)).filter(|other| pair_key(other) == key).collect();
        same.sort();
        Ok(same)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_very_name_counts() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("img_1.jpg"), "x").unwrap();
        std::fs::write(path("IMG_1.NEF"), "x").unwrap();
        let mut listings = Listings::default();
        assert!(listings.has(&path("img_1.jpg")).unwrap());
        assert!(!listings.has(&path("IMG_1.jpg")).unwrap());
        assert!(!listings.has(&path("gone/a.jpg")).unwrap());
        assert_eq!(listings.of_same_stem(&path("Img_1.png")).unwrap(), [path("IMG_1.NEF"), path("img_1.jpg")]);
    }
}
