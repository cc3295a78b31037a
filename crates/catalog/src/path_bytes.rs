//! Paths as the catalogue keeps them: bytes, because a path need not be text.
//!
//! Unix: the bytes as they are. Windows: UTF-16, high byte first, which loses nothing and sorts
//! a folder's files together.

use std::path::{Path, PathBuf};

#[cfg(unix)]
pub(crate) fn encode(path: &Path) -> Vec<u8> {
    use std::os::unix::ffi::OsStrExt;
    path.as_os_str().as_bytes().to_vec()
}

#[cfg(unix)]
pub(crate) fn decode(bytes: Vec<u8>) -> PathBuf {
    use std::os::unix::ffi::OsStringExt;
    std::ffi::OsString::from_vec(bytes).into()
}

#[cfg(windows)]
pub(crate) fn encode(path: &Path) -> Vec<u8> {
    use std::os::windows::ffi::OsStrExt;
    path.as_os_str().encode_wide().flat_map(u16::to_be_bytes).collect()
}

#[cfg(windows)]
pub(crate) fn decode(bytes: Vec<u8>) -> PathBuf {
    use std::os::windows::ffi::OsStringExt;
    let (units, _) = bytes.as_chunks::<2>();
    let units: Vec<u16> = units.iter().copied().map(u16::from_be_bytes).collect();
    std::ffi::OsString::from_wide(&units).into()
}

/// Where the folder of a stored path ends, before the separator and the file's name.
pub(crate) fn folder_end(path: &[u8]) -> usize {
    let separator = encode(Path::new(std::path::MAIN_SEPARATOR_STR));
    let mut units = path.chunks_exact(separator.len());
    units.rposition(|unit| unit == separator).map_or(0, |at| at * separator.len())
}

/// The stored path of `folder` itself, and the half-open range of the paths below it.
pub(crate) fn folder_and_below(folder: &Path) -> (Vec<u8>, Vec<u8>, Vec<u8>) {
    // Without a trailing separator, except that of a root.
    let own = encode(folder.components().as_path());
    let separator = encode(Path::new(std::path::MAIN_SEPARATOR_STR));
    let mut start = own.clone();
    if !start.ends_with(&separator) {
        start.extend_from_slice(&separator);
    }
    // No path has anything between the separator and its successor.
    let mut end = start.clone();
    if let Some(last) = end.last_mut() {
        *last += 1;
    }
    (own, start, end)
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_holds_what_is_below_it_and_not_its_neighbours() {
        let (own, start, end) = folder_and_below(Path::new("/a/b/"));
        assert_eq!(own, b"/a/b");
        let below = |path: &str| {
            let path = encode(Path::new(path));
            start <= path && path < end
        };
        assert!(below("/a/b/c.jpg") && below("/a/b/c/d.jpg"));
        assert!(!below("/a/b") && !below("/a/b.jpg") && !below("/a/bc/d.jpg") && !below("/a/b0"));
        let (own, start, end) = folder_and_below(Path::new("/"));
        assert_eq!((own.as_slice(), start.as_slice(), end.as_slice()), (&b"/"[..], &b"/"[..], &b"0"[..]));
    }

    #[test]
    fn every_path_comes_back_as_it_was() {
        for bytes in [&b"/a/\xff\xfe\n.jpg"[..], b"", "/\u{1f436}/x".as_bytes()] {
            assert_eq!(encode(&decode(bytes.to_vec())), bytes);
        }
    }
}
