//! The system's trash: files go in whole and, where the system lets a program do that, come out again.
//!
//! Where the trash lies on another disk than the file, a file is copied, written through to the disk and compared before
//! the other one is removed, on the way in as on the way out (`trash/across.rs`): after a power cut there are two rather
//! than none.

#[cfg(all(unix, not(any(target_os = "macos", target_os = "ios", target_os = "android"))))]
mod across;
mod error;
#[cfg(all(unix, not(any(target_os = "macos", target_os = "ios", target_os = "android"))))]
mod freedesktop;

use std::path::{Path, PathBuf};
use std::time::SystemTime;

pub use error::TrashError;

use crate::ContentHash;

/// A file that is to come out of the trash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToRestore {
    /// Where it lay, and is to lie again.
    pub path: PathBuf,
    /// What it held, if that is known: a file that holds something else stays in the trash.
    pub hash: Option<ContentHash>,
    /// When it was written last, if that is known: not every way into the trash keeps it.
    pub modified: Option<SystemTime>,
}

/// Moves one file to the system's trash, under the name that it has.
///
/// # Errors
/// [`TrashError`]; then the file is where it was.
pub fn to_trash(path: &Path) -> Result<(), TrashError> {
    if path.symlink_metadata().is_err() {
        return Err(TrashError::Missing { path: path.into() });
    }
    #[cfg(all(unix, not(any(target_os = "macos", target_os = "ios", target_os = "android"))))]
    if let Some(trash) = freedesktop::on_another_disk(path) {
        return freedesktop::copy_in(path, &trash);
    }
    trash::delete(path).map_err(|error| explained(path, &error))
}

fn explained(path: &Path, error: &trash::Error) -> TrashError {
    #[cfg(all(unix, not(target_os = "macos")))]
    if let trash::Error::FileSystem { source, .. } = error {
        return TrashError::on_the_way_in(path, source);
    }
    if let trash::Error::Os { code, .. } = error {
        use std::io::ErrorKind;
        match std::io::Error::from_raw_os_error(*code).kind() {
            ErrorKind::NotFound => return TrashError::Missing { path: path.into() },
            ErrorKind::PermissionDenied => return TrashError::Denied { path: path.into() },
            _ => {}
        }
    }
    TrashError::NoTrash { path: path.into(), reason: error.to_string() }
}

/// Puts files back where they lay; gives the error of each that could not be, which then is in the trash as before. Of
/// several of one name in the trash the one that went last comes back.
pub fn from_trash(files: &[ToRestore]) -> Vec<Result<(), TrashError>> {
    restore_all(files)
}

#[cfg(all(unix, not(any(target_os = "macos", target_os = "ios", target_os = "android"))))]
fn restore_all(files: &[ToRestore]) -> Vec<Result<(), TrashError>> {
    freedesktop::restore_all(files)
}

/// The system moves the file itself, and refuses where another lies.
#[cfg(target_os = "windows")]
fn restore_all(files: &[ToRestore]) -> Vec<Result<(), TrashError>> {
    let listed = trash::os_limited::list().unwrap_or_default();
    let restore = |file: &ToRestore| {
        let path = || file.path.clone();
        if file.path.symlink_metadata().is_ok() {
            return Err(TrashError::Taken { path: path() });
        }
        let of_it = listed.iter().filter(|item| item.original_path() == file.path);
        let item = of_it.max_by_key(|item| item.time_deleted).ok_or(TrashError::NotInTrash { path: path() })?;
        trash::os_limited::restore_all([item.clone()]).map_err(|error| match error {
            trash::Error::RestoreCollision { .. } => TrashError::Taken { path: path() },
            error => TrashError::NotBack { path: path(), kept: None, reason: error.to_string() },
        })
    };
    files.iter().map(restore).collect()
}

/// On this system the trash is its own program's.
#[cfg(any(target_os = "macos", target_os = "ios", target_os = "android"))]
fn restore_all(files: &[ToRestore]) -> Vec<Result<(), TrashError>> {
    files.iter().map(|file| Err(TrashError::NoWayBack { path: file.path.clone() })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_not_moved() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("gone.jpg");
        assert_eq!(to_trash(&path).unwrap_err().code(), "missing");
    }
}
