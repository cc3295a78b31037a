//! Files that are two halves of one photo: a JPEG and its RAW file, a Live Photo and its film.
//!
//! Told by name alone: the same folder, the same stem in whatever case.

use std::path::{Path, PathBuf};

/// What a file is to the photo beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Half {
    /// The RAW file of a camera.
    Raw,
    /// The film of a Live Photo.
    Film,
}

/// Endings of cameras' RAW files.
const RAW: &[&str] = &[
    "cr2", "cr3", "crw", "nef", "nrw", "arw", "sr2", "srw", "dng", "raf", "orf", "rw2", "pef", "iiq", "3fr", "x3f",
    "kdc", "dcr", "mrw", "rwl",
];
/// Endings of the photos that cameras put beside a RAW file or a film.
const MAIN: &[&str] = &["jpg", "jpeg", "jpe", "heic", "heif", "hif"];

fn ends_in(path: &Path, endings: &[&str]) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|own| endings.iter().any(|ending| own.eq_ignore_ascii_case(ending)))
}

/// What the file would be to a photo of the same stem; `None` for files that are nobody's half.
pub fn half_of_pair(path: &Path) -> Option<Half> {
    // Only what iPhones write: a film in another container that shares a photo's name is a film of its own.
    if ends_in(path, RAW) {
        Some(Half::Raw)
    } else if ends_in(path, &["mov"]) {
        Some(Half::Film)
    } else {
        None
    }
}

/// Whether the file may be the photo of a pair.
pub fn may_lead_pair(path: &Path) -> bool {
    ends_in(path, MAIN)
}

/// What the halves of a pair have in common: the folder and the stem in lower case.
pub fn pair_key(path: &Path) -> PathBuf {
    let mut stem = path.file_stem().unwrap_or_default().to_owned();
    stem.make_ascii_lowercase();
    path.with_file_name(stem)
}

/// Whether `half` may belong to the photo `main`, as their names have it.
pub fn is_pair(main: &Path, half: &Path) -> bool {
    half_of_pair(half).is_some() && may_lead_pair(main) && pair_key(half) == pair_key(main)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_share_folder_and_stem_in_whatever_case() {
        let key = |path: &str| pair_key(Path::new(path));
        assert_eq!(key("/a/IMG_1.JPG"), key("/a/img_1.Cr2"));
        assert_ne!(key("/a/IMG_1.JPG"), key("/b/IMG_1.CR2"));
        assert_ne!(key("/a/IMG_1.JPG"), key("/a/IMG_12.CR2"));
        assert_eq!(half_of_pair(Path::new("a.NEF")), Some(Half::Raw));
        assert_eq!(half_of_pair(Path::new("a.MOV")), Some(Half::Film));
        assert_eq!(half_of_pair(Path::new("a.mp4")), None);
        assert!(may_lead_pair(Path::new("a.HEIC")) && !may_lead_pair(Path::new("a.png")));
    }
}
