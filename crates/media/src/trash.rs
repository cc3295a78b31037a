//! The system's trash: files go in whole and, where the system lets a program do that, come out again.

use std::path::{Path, PathBuf};

/// What can go wrong with the trash; each names the file and the remedy.
#[derive(Debug, thiserror::Error)]
pub enum TrashError {
    /// The file is gone.
    #[error("{}: the file is no longer there; index its folder again", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The system does not let this user move the file.
    #[error("{}: permission denied; make its folder writable for yourself and try again", path.display())]
    Denied {
        /// The file.
        path: PathBuf,
    },
    /// The file is on a disk that cannot be written.
    #[error("{}: its disk is read-only; unlock or remount it and try again", path.display())]
    ReadOnly {
        /// The file.
        path: PathBuf,
    },
    /// No room for the trash on its disk.
    #[error("{}: the disk of the trash is full; empty the trash and try again", path.display())]
    Full {
        /// The file.
        path: PathBuf,
    },
    /// There is no trash for the file's disk, as on many network shares.
    #[error("{}: its disk has no trash ({reason}); nothing was deleted: move the file to a disk of this computer, or remove it yourself", path.display())]
    NoTrash {
        /// The file.
        path: PathBuf,
        /// The system's words.
        reason: String,
    },
    /// It is not in the trash any more.
    #[error("{}: not in the trash any more; restore it from a backup", path.display())]
    NotInTrash {
        /// Where it lay.
        path: PathBuf,
    },
    /// Another file has taken its place.
    #[error("{}: another file is there now; move it away and undo again", path.display())]
    Taken {
        /// Where it lay.
        path: PathBuf,
    },
    /// The system's trash cannot be read by programs.
    #[error("{}: this system lets no program take files out of the trash; open the trash and put it back there", path.display())]
    NoWayBack {
        /// Where it lay.
        path: PathBuf,
    },
}

impl TrashError {
    /// A short stable code that programs may act on.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "missing",
            Self::Denied { .. } => "denied",
            Self::ReadOnly { .. } => "disk_read_only",
            Self::Full { .. } => "disk_full",
            Self::NoTrash { .. } => "no_trash",
            Self::NotInTrash { .. } => "not_in_trash",
            Self::Taken { .. } => "place_taken",
            Self::NoWayBack { .. } => "no_way_back",
        }
    }
}

/// Moves one file to the system's trash, under the name that it has.
///
/// # Errors
/// [`TrashError`]; then the file is where it was.
pub fn to_trash(path: &Path) -> Result<(), TrashError> {
    if path.symlink_metadata().is_err() {
        return Err(TrashError::Missing { path: path.into() });
    }
    trash::delete(path).map_err(|error| explained(path, &error))
}

fn explained(path: &Path, error: &trash::Error) -> TrashError {
    use std::io::ErrorKind;
    let path = path.to_path_buf();
    #[cfg(all(unix, not(target_os = "macos")))]
    if let trash::Error::FileSystem { source, .. } = error {
        return match source.kind() {
            ErrorKind::NotFound if !path.exists() => TrashError::Missing { path },
            ErrorKind::PermissionDenied => TrashError::Denied { path },
            ErrorKind::ReadOnlyFilesystem => TrashError::ReadOnly { path },
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => TrashError::Full { path },
            _ => TrashError::NoTrash { path, reason: source.to_string() },
        };
    }
    if let trash::Error::Os { code, .. } = error {
        match std::io::Error::from_raw_os_error(*code).kind() {
            ErrorKind::NotFound => return TrashError::Missing { path },
            ErrorKind::PermissionDenied => return TrashError::Denied { path },
            _ => {}
        }
    }
    TrashError::NoTrash { path, reason: error.to_string() }
}

/// Puts files back where they lay; gives the error of each that could not be. Of several of one name in the trash the
/// one that went last comes back.
#[cfg(not(any(target_os = "macos", target_os = "ios", target_os = "android")))]
pub fn from_trash(paths: &[PathBuf]) -> Vec<Result<(), TrashError>> {
    let listed = trash::os_limited::list().unwrap_or_default();
    paths.iter().map(|path| restore(path, &listed)).collect()
}

/// On this system the trash is its own program's.
#[cfg(any(target_os = "macos", target_os = "ios", target_os = "android"))]
pub fn from_trash(paths: &[PathBuf]) -> Vec<Result<(), TrashError>> {
    paths.iter().map(|path| Err(TrashError::NoWayBack { path: path.clone() })).collect()
}

#[cfg(not(any(target_os = "macos", target_os = "ios", target_os = "android")))]
fn restore(path: &Path, listed: &[trash::TrashItem]) -> Result<(), TrashError> {
    // The trash knows a file by its folder's real path.
    let real = path.parent().and_then(|parent| parent.canonicalize().ok());
    let real = real.zip(path.file_name()).map(|(parent, name)| parent.join(name));
    let is_it = |item: &trash::TrashItem| {
        let original = item.original_path();
        original == path || real.as_deref() == Some(&original)
    };
    if path.symlink_metadata().is_ok() {
        return Err(TrashError::Taken { path: path.into() });
    }
    let item = listed.iter().filter(|item| is_it(item)).max_by_key(|item| item.time_deleted);
    let Some(item) = item else { return Err(TrashError::NotInTrash { path: path.into() }) };
    trash::os_limited::restore_all([item.clone()]).map_err(|error| match error {
        trash::Error::RestoreCollision { .. } => TrashError::Taken { path: path.into() },
        error => explained(path, &error),
    })
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
