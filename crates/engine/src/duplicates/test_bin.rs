//! A trash for tests: a hidden folder beside the files. The real one is tried by the tests of the command line.

use std::path::{Path, PathBuf};

use sightline_media::hash_file;
use sightline_media::trash::{ToRestore, TrashError};

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

pub(super) fn from_trash(files: &[ToRestore]) -> Vec<Result<(), TrashError>> {
    let restore = |ToRestore { path, hash, .. }: &ToRestore| {
        if path.exists() {
            return Err(TrashError::Taken { path: path.clone() });
        }
        if inside(path).is_file() && hash.is_some_and(|hash| hash_file(&inside(path)).unwrap() != hash) {
            return Err(TrashError::NotTheSame { path: path.clone() });
        }
        std::fs::rename(inside(path), path).map_err(|_| TrashError::NotInTrash { path: path.clone() })
    };
    files.iter().map(restore).collect()
}
