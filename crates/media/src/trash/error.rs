//! What can go wrong with the trash; each names the file and the remedy.

use std::io::{self, ErrorKind};
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
    /// What lies in the trash is not what went in.
    #[error("{}: what is in the trash under this name is not the file that was moved there; look at it in the trash", path.display())]
    NotTheSame {
        /// Where it lay.
        path: PathBuf,
    },
    /// It could not be put back, and is still in the trash.
    #[error("{}: could not be put back ({reason}); {}", path.display(), match kept {
        Some(kept) => format!("it is still in the trash, as {}", kept.display()),
        None => "it is still in the trash".to_owned(),
    })]
    NotBack {
        /// Where it lay.
        path: PathBuf,
        /// Where it lies in the trash, if that is a file.
        kept: Option<PathBuf>,
        /// The system's words.
        reason: String,
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
            Self::NotTheSame { .. } => "not_the_same",
            Self::NotBack { .. } => "not_back",
            Self::NoWayBack { .. } => "no_way_back",
        }
    }

    /// Why `path` could not be moved to the trash.
    #[cfg(all(unix, not(target_os = "macos")))]
    pub(super) fn on_the_way_in(path: &Path, source: &io::Error) -> Self {
        let is_there = path.symlink_metadata().is_ok();
        let path = path.to_path_buf();
        match source.kind() {
            ErrorKind::NotFound if !is_there => Self::Missing { path },
            ErrorKind::PermissionDenied => Self::Denied { path },
            ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { path },
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::Full { path },
            _ => Self::NoTrash { path, reason: source.to_string() },
        }
    }
}
