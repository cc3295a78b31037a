//! Where a person's library lies unless they say otherwise: one place for the app and the command line.

use std::path::PathBuf;

/// The library's folder: the one that `SIGHTLINE_LIBRARY` names, else one in the system's place for data.
/// `None` when this user has no home folder.
pub fn default_library() -> Option<PathBuf> {
    named("SIGHTLINE_LIBRARY").or_else(|| {
        let places = directories::ProjectDirs::from("", "", "sightline")?;
        Some(places.data_dir().to_path_buf())
    })
}

/// The model's folder that `SIGHTLINE_MODEL` names, if it names one.
pub fn named_model() -> Option<PathBuf> {
    named("SIGHTLINE_MODEL")
}

fn named(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from)
}
