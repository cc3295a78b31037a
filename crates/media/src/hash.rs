//! The identity of a file's contents.

use std::fmt;
use std::io::Read;
use std::path::Path;

use crate::MediaError;

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

/// Hashes a file without holding it in memory.
///
/// # Errors
/// [`MediaError::Missing`], [`MediaError::Denied`] or [`MediaError::Io`].
pub fn hash_file(path: &Path) -> Result<ContentHash, MediaError> {
    let io = |e| MediaError::io(path, e);
    let mut file = std::fs::File::open(path).map_err(io)?;
    let (mut hasher, mut buffer) = (blake3::Hasher::new(), vec![0; 1 << 18]);
    loop {
        match file.read(&mut buffer).map_err(io)? {
            0 => return Ok(ContentHash(*hasher.finalize().as_bytes())),
            read => hasher.update(&buffer[..read]),
        };
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
