//! The identity of a file's contents.

use std::fmt;
use std::io::Read;
use std::path::Path;

use crate::{Limits, MediaError, photo};

/// BLAKE3 of a file's bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentHash(pub [u8; 32]);

impl ContentHash {
    /// The hash of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContentHash({self})")
    }
}

/// Hashes a file without holding it in memory, however large it is.
///
/// # Errors
/// [`MediaError::Missing`], [`MediaError::Denied`] or [`MediaError::Io`].
pub fn hash_file(path: &Path) -> Result<ContentHash, MediaError> {
    must_be_plain(path)?;
    let file = std::fs::File::open(path).map_err(|e| MediaError::io(path, e))?;
    hash(file, path, u64::MAX, &|| false)
}

/// As [`hash_file`], of a file that is read only if it is no larger than a photo may be, and until `stopping`.
///
/// # Errors
/// Those of [`hash_file`], [`MediaError::TooLarge`] and [`MediaError::Stopped`].
pub fn hash_photo(path: &Path, limits: &Limits, stopping: &dyn Fn() -> bool) -> Result<ContentHash, MediaError> {
    must_be_plain(path)?;
    let (file, _) = photo::open_bounded(path, limits)?;
    hash(file, path, limits.max_file_bytes, stopping)
}

/// Refuses a pipe, which nobody may ever write into, a device, which may have no end, and a folder.
fn must_be_plain(path: &Path) -> Result<(), MediaError> {
    let metadata = std::fs::metadata(path).map_err(|e| MediaError::io(path, e))?;
    let refused = || std::io::Error::new(std::io::ErrorKind::InvalidInput, "not a plain file");
    if metadata.is_file() { Ok(()) } else { Err(MediaError::io(path, refused())) }
}

fn hash(mut file: impl Read, path: &Path, most: u64, stopping: &dyn Fn() -> bool) -> Result<ContentHash, MediaError> {
    let (mut hasher, mut buffer, mut total) = (blake3::Hasher::new(), vec![0; 1 << 18], 0);
    loop {
        if stopping() {
            return Err(MediaError::Stopped { path: path.to_owned() });
        }
        match file.read(&mut buffer).map_err(|e| MediaError::io(path, e))? {
            0 => return Ok(ContentHash(*hasher.finalize().as_bytes())),
            read => {
                hasher.update(&buffer[..read]);
                total += read as u64;
                // It grew, or never had a true size.
                if total > most {
                    return Err(photo::too_large(path, total, most));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_blake3() {
        // The test vector of the empty input in the BLAKE3 specification.
        let want = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";
        assert_eq!(ContentHash::of(b"").to_string(), want);
        let file = tempfile::NamedTempFile::new().unwrap();
        assert_eq!(hash_file(file.path()).unwrap().to_string(), want);
    }
}
