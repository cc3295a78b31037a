//! Writes that can be taken back: the file before is kept in memory, and put back byte for byte.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::error::MetadataError;
use super::replace::{self, Original, Times};
use super::{CaptionMetadata, embed, existing_sidecar, sidecar_path, write_sidecar};

/// Where caption and keywords are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteTo {
    /// An XMP file beside the photo.
    Sidecar,
    /// The photo's own file, if it is a JPEG.
    File,
}

/// A write that was done.
#[derive(Debug)]
pub struct Written {
    path: PathBuf,
    /// What the file held before; `None` where there was none.
    before: Option<Vec<u8>>,
    /// Hash of what it holds since; `None` where nothing was to be written.
    after: Option<blake3::Hash>,
}

/// Writes caption and keywords beside the photo or into it, so that it can be taken back.
///
/// # Errors
/// Those of [`write_sidecar`] and of [`embed`].
pub fn write(photo: &Path, metadata: &CaptionMetadata, to: WriteTo) -> Result<Written, MetadataError> {
    let path = match to {
        WriteTo::Sidecar => existing_sidecar(photo).unwrap_or_else(|| sidecar_path(photo)),
        WriteTo::File => photo.to_owned(),
    };
    let before = held(&path)?;
    match to {
        WriteTo::Sidecar => write_sidecar(photo, metadata).map(drop)?,
        WriteTo::File => embed(photo, metadata)?,
    }
    let after = held(&path)?.map(|bytes| blake3::hash(&bytes));
    Ok(Written { path, before, after })
}

impl Written {
    /// The file that was written.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Puts the file back as it was; where there was none, it is gone again.
    ///
    /// # Errors
    /// [`MetadataError::Changed`] when the file is no longer what was written, or it cannot be written.
    pub fn undo(&self) -> Result<(), MetadataError> {
        if held(&self.path)?.map(|bytes| blake3::hash(&bytes)) != self.after {
            return Err(MetadataError::Changed { path: self.path.clone() });
        }
        match (&self.before, self.after) {
            (Some(before), _) => replace::replace(&Original::read(&self.path)?, before, Times::Kept),
            (None, Some(_)) => fs::remove_file(&self.path).map_err(|source| MetadataError::io(&self.path, source)),
            (None, None) => Ok(()),
        }
    }
}

fn held(path: &Path) -> Result<Option<Vec<u8>>, MetadataError> {
    match replace::read_bounded(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(fault) => Err(MetadataError::io(path, fault)),
    }
}
