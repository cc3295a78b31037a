//! Files of a model's folder. Only plain ones are opened, as the folder is whatever a person imports: opening a pipe waits for
//! ever, and a device has no end.

use std::fs::File;
use std::io::{Error, ErrorKind, Read};
use std::path::{Path, PathBuf};

use crate::VlmError;

/// Why a file was not opened or read.
#[derive(Debug)]
pub(crate) enum Unread {
    /// There is none.
    Absent,
    /// The system's reason.
    Io(Error),
    /// It is no file of that kind.
    Unfit(String),
}

impl Unread {
    /// The error of the model file at `path`; `unfit` makes that of one that cannot be meant.
    pub fn error(self, path: &Path, unfit: impl FnOnce(PathBuf, String) -> VlmError) -> VlmError {
        match self {
            Self::Absent => VlmError::Missing { path: path.into() },
            Self::Io(source) => VlmError::Io { path: path.into(), source },
            Self::Unfit(reason) => unfit(path.into(), reason),
        }
    }
}

impl From<Unread> for Error {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::Absent => ErrorKind::NotFound.into(),
            Unread::Io(error) => error,
            Unread::Unfit(reason) => Self::new(ErrorKind::InvalidInput, reason),
        }
    }
}

/// Opens a plain file.
pub(crate) fn open_plain(path: &Path) -> Result<File, Unread> {
    let unread = |error: Error| match error.kind() {
        ErrorKind::NotFound => Unread::Absent,
        _ => Unread::Io(error),
    };
    if !std::fs::metadata(path).map_err(unread)?.is_file() {
        return Err(Unread::Unfit("it is no plain file".into()));
    }
    File::open(path).map_err(unread)
}

/// Reads a plain file of at most `most` bytes.
pub(crate) fn read_plain(path: &Path, most: u64) -> Result<Vec<u8>, Unread> {
    let mut bytes = Vec::new();
    open_plain(path)?.take(most + 1).read_to_end(&mut bytes).map_err(Unread::Io)?;
    if bytes.len() as u64 > most {
        return Err(Unread::Unfit(format!("it is longer than {most} bytes")));
    }
    Ok(bytes)
}
