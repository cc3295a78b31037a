//! A file read once: hash, facts and pixels.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::{ContentHash, FactsFound, Limits, MediaError, Metadata, Rgb, decode_bytes};

/// A photo in memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Photo {
    /// Hash of the file's bytes.
    pub hash: ContentHash,
    /// What the file says of itself.
    pub metadata: Metadata,
    /// Its pixels, upright, perhaps scaled down.
    pub rgb: Rgb,
    /// What it and the files beside it say, where that was asked for.
    pub facts: Option<FactsFound>,
}

/// Reads `path` once and decodes it; see [`decode_bytes`].
///
/// # Errors
/// [`MediaError::Missing`], [`MediaError::Denied`], [`MediaError::Io`], [`MediaError::TooLarge`] and those of
/// [`decode_bytes`].
pub fn open(path: &Path, min_short_side: u32, limits: &Limits) -> Result<Photo, MediaError> {
    let bytes = read(path, limits)?;
    let (metadata, rgb) = decode_bytes(&bytes, path, min_short_side, limits)?;
    Ok(Photo { hash: ContentHash::of(&bytes), metadata, rgb, facts: None })
}

/// Reads the whole file at `path`.
///
/// # Errors
/// [`MediaError::Missing`], [`MediaError::Denied`], [`MediaError::Io`], or [`MediaError::TooLarge`] when it is over
/// `limits.max_file_bytes`.
pub fn read(path: &Path, limits: &Limits) -> Result<Vec<u8>, MediaError> {
    let (file, size) = open_bounded(path, limits)?;
    // A pipe or a growing file has no true size: the bar holds for what is read, too.
    let mut bytes = Vec::with_capacity(size as usize);
    file.take(limits.max_file_bytes + 1).read_to_end(&mut bytes).map_err(|e| MediaError::io(path, e))?;
    if bytes.len() as u64 > limits.max_file_bytes {
        return Err(too_large(path, bytes.len() as u64, limits.max_file_bytes));
    }
    Ok(bytes)
}

/// Opens the file at `path`, if its size is within the limits, and tells its size.
///
/// # Errors
/// As [`read`].
pub fn open_bounded(path: &Path, limits: &Limits) -> Result<(File, u64), MediaError> {
    let io = |e| MediaError::io(path, e);
    let file = File::open(path).map_err(io)?;
    let size = file.metadata().map_err(io)?.len();
    if size > limits.max_file_bytes {
        return Err(too_large(path, size, limits.max_file_bytes));
    }
    Ok((file, size))
}

pub(crate) fn too_large(path: &Path, size: u64, limit: u64) -> MediaError {
    let what = format!("a file of {} MiB", size.div_ceil(1 << 20));
    MediaError::TooLarge { path: path.into(), what, limit: format!("{} MiB", limit >> 20) }
}
