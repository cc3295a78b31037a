//! A file read once: hash, facts and pixels.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::{ContentHash, Limits, MediaError, Metadata, Rgb, decode_bytes};

/// A photo in memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Photo {
    /// Hash of the file's bytes.
    pub hash: ContentHash,
    /// What the file says of itself.
    pub metadata: Metadata,
    /// Its pixels, upright, perhaps scaled down.
    pub rgb: Rgb,
}

/// Reads `path` once and decodes it; see [`decode_bytes`].
///
/// # Errors
/// [`MediaError::Missing`], [`MediaError::Denied`], [`MediaError::Io`], [`MediaError::TooLarge`] and those of
/// [`decode_bytes`].
pub fn open(path: &Path, min_short_side: u32, limits: &Limits) -> Result<Photo, MediaError> {
    let bytes = read(path, limits)?;
    let (metadata, rgb) = decode_bytes(&bytes, path, min_short_side, limits)?;
    Ok(Photo { hash: ContentHash::of(&bytes), metadata, rgb })
}

/// Reads the whole file at `path`.
///
/// # Errors
/// [`MediaError::Missing`], [`MediaError::Denied`], [`MediaError::Io`], or [`MediaError::TooLarge`] when it is over
/// `limits.max_file_bytes`.
pub fn read(path: &Path, limits: &Limits) -> Result<Vec<u8>, MediaError> {
    let io = |e| MediaError::io(path, e);
    let file = File::open(path).map_err(io)?;
    let size = file.metadata().map_err(io)?.len();
    let too_large = |size: u64| MediaError::TooLarge {
        path: path.into(),
        what: format!("a file of {} MiB", size >> 20),
        limit: format!("{} MiB", limits.max_file_bytes >> 20),
    };
    if size > limits.max_file_bytes {
        return Err(too_large(size));
    }
    // A pipe or a growing file has no true size: the bar holds for what is read, too.
    let mut bytes = Vec::with_capacity(size as usize);
    file.take(limits.max_file_bytes + 1).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() as u64 > limits.max_file_bytes {
        return Err(too_large(bytes.len() as u64));
    }
    Ok(bytes)
}
