//! Where a person's library lies unless they say otherwise: one place for the app and the command line.

use std::io::Write;
use std::path::{Path, PathBuf};

use sightline_catalog::Catalog;

/// The variable that names the library's folder.
const LIBRARY: &str = "SIGHTLINE_LIBRARY";
/// What a folder is called that is made for a library among other files.
const OWN_FOLDER: &str = "Sightline";

/// The library's folder: the one that `SIGHTLINE_LIBRARY` names, else the one that a person has chosen, else one in
/// the system's place for data. `None` when this user has no home folder.
pub fn default_library() -> Option<PathBuf> {
    let choice = library_choice();
    named(LIBRARY).or_else(|| choice.chosen()).or(choice.standard)
}

/// The model's folder that `SIGHTLINE_MODEL` names, if it names one.
pub fn named_model() -> Option<PathBuf> {
    named("SIGHTLINE_MODEL")
}

/// The folder of models beside the bundled one: the one that `SIGHTLINE_MODELS` names, else one in the system's place for
/// data. `None` when this user has no home folder.
pub fn models_folder() -> Option<PathBuf> {
    let places = || directories::ProjectDirs::from("", "", "sightline").map(|places| places.data_dir().join("models"));
    named("SIGHTLINE_MODELS").or_else(places)
}

/// Where this user's settings of Sightline are kept.
pub fn settings_folder() -> Option<PathBuf> {
    directories::ProjectDirs::from("", "", "sightline").map(|places| places.config_dir().to_path_buf())
}

/// A person's choice of a library, which lasts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LibraryChoice {
    /// The file that keeps it; `None` where the surroundings name the library, or there is no place to keep it.
    pub file: Option<PathBuf>,
    /// The library without a choice.
    pub standard: Option<PathBuf>,
}

/// Where this user's choice is kept.
pub fn library_choice() -> LibraryChoice {
    let Some(places) = directories::ProjectDirs::from("", "", "sightline") else { return LibraryChoice::default() };
    let file = named(LIBRARY).is_none().then(|| places.config_dir().join("chosen-library"));
    LibraryChoice { file, standard: Some(places.data_dir().to_path_buf()) }
}

impl LibraryChoice {
    /// The library that was chosen, if one was.
    pub fn chosen(&self) -> Option<PathBuf> {
        let bytes = std::fs::read(self.file.as_ref()?).ok()?;
        (!bytes.is_empty()).then(|| crate::paths::from_bytes(bytes)).filter(|path| path.is_absolute())
    }

    /// Keeps `library` as the choice; the standard one needs none. Returns whether there is a place to keep it.
    ///
    /// # Errors
    /// When that cannot be written.
    pub fn keep(&self, library: &Path) -> std::io::Result<bool> {
        let Some(file) = &self.file else { return Ok(false) };
        if self.standard.as_deref() == Some(library) {
            return match std::fs::remove_file(file) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
                _ => Ok(true),
            };
        }
        let folder = file.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)?;
        // Whole or not at all: half a path would be another folder.
        let mut part = tempfile::NamedTempFile::new_in(folder)?;
        part.write_all(library.as_os_str().as_encoded_bytes())?;
        part.as_file().sync_all()?;
        part.persist(file).map_err(|error| error.error)?;
        Ok(true)
    }
}

/// Whether a library lies in `folder`.
pub fn is_library(folder: &Path) -> bool {
    folder.join(Catalog::FILE).symlink_metadata().is_ok()
}

/// The library that a person means who points at `folder`: itself if one lies in it or it is empty, else a folder of
/// its own in it, so that a library's files do not lie among photos.
pub fn library_in(folder: &Path) -> PathBuf {
    let is_empty = std::fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_none());
    if is_library(folder) || is_empty { folder.to_path_buf() } else { folder.join(OWN_FOLDER) }
}

fn named(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_lasts_and_the_standard_library_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let (file, standard) = (dir.path().join("config/chosen-library"), dir.path().join("standard"));
        let choice = LibraryChoice { file: Some(file.clone()), standard: Some(standard.clone()) };
        assert_eq!(choice.chosen(), None);
        let other = dir.path().join("another place");
        assert!(choice.keep(&other).unwrap());
        assert_eq!(choice.chosen(), Some(other));
        assert!(choice.keep(&standard).unwrap());
        assert_eq!((choice.chosen(), file.exists()), (None, false));
        assert!(choice.keep(&standard).unwrap(), "again");
        assert!(!LibraryChoice::default().keep(&standard).unwrap());
    }

    #[test]
    fn a_library_does_not_spread_among_photos() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(library_in(dir.path()), dir.path());
        std::fs::write(dir.path().join("photo.jpg"), "").unwrap();
        assert_eq!(library_in(dir.path()), dir.path().join(OWN_FOLDER));
        std::fs::write(dir.path().join(Catalog::FILE), "").unwrap();
        assert_eq!(library_in(dir.path()), dir.path());
    }
}
