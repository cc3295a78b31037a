//! A trash for tests: a hidden folder beside the files. The real one is tried by the tests of the command line.

use std::path::{Path, PathBuf};

use sightline_media::trash::TrashError;

fn inside(path: &Path) -> PathBuf {
    path.parent().unwrap().join(".bin").join(path.file_name().unwrap())
}

pub(super) fn to_trash(path: &Path) -> Result<(), TrashError> {
    let to = inside(path);
    // A file of this name stands for a disk without a trash.
    if to.parent().unwrap().is_file() {
        return Err(TrashError::NoTrash { path: path.into(), reason: "told to".into() });
    }
    std::fs::create_dir_all(to.parent().unwrap()).unwrap();
    std::fs::rename(path, to).map_err(|_| TrashError::Missing { path: path.into() })
}

pub(super) fn from_trash(paths: &[PathBuf]) -> Vec<Result<(), TrashError>> {
    let restore = |path: &PathBuf| {
        if path.exists() {
            return Err(TrashError::Taken { path: path.clone() });
        }
        std::fs::rename(inside(path), path).map_err(|_| TrashError::NotInTrash { path: path.clone() })
    };
    paths.iter().map(restore).collect()
}
