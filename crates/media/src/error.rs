//! What can go wrong between a path and its pixels.

use std::io;
use std::path::{Path, PathBuf};

/// An error of the media crate; each variant names the file and, where there is one, the remedy.
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    /// Nothing is at the path.
    #[error("{}: there is no such file or folder; check the path or plug the disk in", path.display())]
    Missing {
        /// The path looked for.
        path: PathBuf,
    },
    /// The system forbids reading it.
    #[error("{}: permission denied; give yourself read access to it", path.display())]
    Denied {
        /// The file or folder.
        path: PathBuf,
    },
    /// Reading failed.
    #[error("{}: cannot be read: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A photo or film in a format that is not decoded.
    #[error("{}: {format} is not supported yet; a JPEG or PNG copy would be found", path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// Name of the format.
        format: &'static str,
    },
    /// The contents cannot be decoded.
    #[error("{}: the picture is damaged: {reason}; restore it from a backup or export it again", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// The decoder's words.
        reason: String,
    },
    /// More pixels or bytes than the limits allow.
    #[error("{}: {what} is over the limit of {limit}; export a smaller copy", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// What is too large, with its size.
        what: String,
        /// The limit, with its unit.
        limit: String,
    },
    /// More metadata in it or beside it than the limits allow.
    #[error("{}: {what} is over the limit of {limit}; take metadata out of it, or move it away", path.display())]
    TooMuchMetadata {
        /// The photo or its sidecar.
        path: PathBuf,
        /// What is too large.
        what: String,
        /// The limit, with its unit.
        limit: String,
    },
    /// The process that decoded it ended.
    #[error("{}: the decoder died of it; restore it from a backup or export it again", path.display())]
    DecoderDied {
        /// The file.
        path: PathBuf,
    },
    /// The whole program died twice while it read this file, the second time with nothing else to read.
    #[error(
        "{}: the program died twice while it read this file; restore it from a backup or export it again, or try it with `--retry`",
        path.display()
    )]
    ProgramDied {
        /// The file.
        path: PathBuf,
    },
    /// Decoding took too long.
    #[error("{}: not read after {seconds} seconds; export it again, or try it with `--retry`", path.display())]
    TooSlow {
        /// The file.
        path: PathBuf,
        /// How long was waited.
        seconds: u64,
    },
    /// It was not read to the end because that was no longer wanted.
    #[error("{}: no longer wanted", path.display())]
    Stopped {
        /// The file.
        path: PathBuf,
    },
    /// The contents are no picture at all.
    #[error("{}: this is not a picture", path.display())]
    NotAPhoto {
        /// The file.
        path: PathBuf,
    },
}

impl MediaError {
    /// A short stable code that programs may act on.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "missing",
            Self::Denied { .. } => "denied",
            Self::Io { .. } => "io",
            Self::Unsupported { .. } => "unsupported",
            Self::Broken { .. } => "broken",
            Self::TooLarge { .. } | Self::TooMuchMetadata { .. } => "too_large",
            Self::DecoderDied { .. } => "decoder_died",
            Self::ProgramDied { .. } => "program_died",
            Self::TooSlow { .. } => "too_slow",
            Self::Stopped { .. } => "cancelled",
            Self::NotAPhoto { .. } => "not_a_photo",
        }
    }

    /// The file or folder concerned.
    pub fn path(&self) -> &Path {
        match self {
            Self::Missing { path }
            | Self::Denied { path }
            | Self::Io { path, .. }
            | Self::Unsupported { path, .. }
            | Self::Broken { path, .. }
            | Self::TooLarge { path, .. }
            | Self::TooMuchMetadata { path, .. }
            | Self::DecoderDied { path }
            | Self::ProgramDied { path }
            | Self::TooSlow { path, .. }
            | Self::Stopped { path }
            | Self::NotAPhoto { path } => path,
        }
    }

    /// The error for a failed read of `path`.
    pub fn io(path: &Path, source: io::Error) -> Self {
        let path = path.to_path_buf();
        match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::Missing { path },
            io::ErrorKind::PermissionDenied => Self::Denied { path },
            _ => Self::Io { path, source },
        }
    }
}
