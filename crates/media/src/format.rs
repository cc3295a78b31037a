//! Which format a file has: by its first bytes, or by its name where a look inside would cost too much.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::structure;

/// A format whose pixels are decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum PhotoFormat {
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
    /// WebP, lossy or lossless.
    WebP,
    /// GIF; the first frame counts.
    Gif,
    /// Windows bitmap.
    Bmp,
    /// TIFF that is not a camera's raw file.
    Tiff,
    /// HEIC or HEIF; the primary image counts.
    Heic,
    /// AVIF; the primary image counts.
    Avif,
    /// JPEG XL; the first frame counts.
    Jxl,
    /// A camera's raw file of any maker; its embedded preview is what is decoded.
    Raw,
}

impl PhotoFormat {
    /// Lower-case name, stable.
    pub fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "jpeg",
            Self::Png => "png",
            Self::WebP => "webp",
            Self::Gif => "gif",
            Self::Bmp => "bmp",
            Self::Tiff => "tiff",
            Self::Heic => "heic",
            Self::Avif => "avif",
            Self::Jxl => "jxl",
            Self::Raw => "raw",
        }
    }
}

/// What a file is to this crate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A photo that is decoded.
    Photo,
    /// A photo or film in a format that is not; the name is for people.
    Unsupported(&'static str),
    /// An XMP file, which may be a photo's sidecar.
    Sidecar,
}

/// The kind that a file's name suggests; `None` for names that no photo, film or sidecar has.
pub(crate) fn by_name(path: &Path) -> Option<FileKind> {
    let extension = path.extension()?.to_str()?.to_ascii_lowercase();
    Some(match extension.as_str() {
        "jpg" | "jpeg" | "jpe" | "jfif" | "png" | "webp" | "gif" | "bmp" | "dib" | "tif" | "tiff" => FileKind::Photo,
        "jxl" => FileKind::Photo,
        "heic" | "heif" | "hif" => HEIC,
        "avif" | "avifs" => AVIF,
        "jp2" | "j2k" | "jpf" | "jpx" => FileKind::Unsupported("JPEG 2000"),
        "psd" | "psb" => FileKind::Unsupported("Photoshop"),
        "svg" => FileKind::Unsupported("SVG"),
        "ico" => FileKind::Unsupported("icon"),
        "mp4" | "m4v" | "mov" | "avi" | "mkv" | "webm" | "mts" | "3gp" | "mpg" | "mpeg" | "wmv" => {
            FileKind::Unsupported("video")
        }
        "xmp" => FileKind::Sidecar,
        raw if RAW.contains(&raw) => FileKind::Photo,
        _ => return None,
    })
}

#[cfg(libheif)]
const HEIC: FileKind = FileKind::Photo;
#[cfg(libheif)]
const AVIF: FileKind = FileKind::Photo;
#[cfg(not(libheif))]
const HEIC: FileKind = FileKind::Unsupported("HEIC (built without libheif: install libheif-dev and build again; it)");
#[cfg(not(libheif))]
const AVIF: FileKind = FileKind::Unsupported("AVIF (built without libheif: install libheif-dev and build again; it)");

/// Extensions of cameras' raw files.
const RAW: &[&str] = &[
    "3fr", "arw", "cr2", "cr3", "crw", "dcr", "dng", "erf", "fff", "iiq", "kdc", "mef", "mos", "mrw", "nef", "nrw",
    "orf", "ori", "pef", "raf", "rw2", "rwl", "sr2", "srf", "srw", "x3f",
];

/// Whether a file is called as photos are that are decoded.
pub fn has_photo_name(path: &Path) -> bool {
    by_name(path) == Some(FileKind::Photo)
}

/// Whether a file is a photo that is decoded, by its name and by its first bytes; a few dozen are enough.
pub fn is_photo(path: &Path, head: &[u8]) -> bool {
    has_photo_name(path) && matches!(sniff(head, path), Sniffed::Photo(_))
}

/// Whether the name is one of photos, films and their sidecars.
pub fn is_named_as_photo(path: &Path) -> bool {
    by_name(path).is_some()
}

/// What the contents are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sniffed {
    Photo(PhotoFormat),
    Unsupported(&'static str),
    Unknown,
}

/// Looks at the first bytes; the name decides only where raw files share TIFF's.
pub(crate) fn sniff(bytes: &[u8], path: &Path) -> Sniffed {
    let starts = |magic: &[u8]| bytes.starts_with(magic);
    let at = |offset: usize, magic: &[u8]| bytes.get(offset..offset + magic.len()) == Some(magic);
    if starts(&[0xff, 0xd8, 0xff]) {
        Sniffed::Photo(PhotoFormat::Jpeg)
    } else if starts(b"\x89PNG\r\n\x1a\n") {
        Sniffed::Photo(PhotoFormat::Png)
    } else if starts(b"RIFF") && at(8, b"WEBP") {
        Sniffed::Photo(PhotoFormat::WebP)
    } else if starts(b"GIF87a") || starts(b"GIF89a") {
        Sniffed::Photo(PhotoFormat::Gif)
    } else if starts(b"BM") {
        Sniffed::Photo(PhotoFormat::Bmp)
    } else if [b"FUJIFILMCCD-RAW".as_slice(), b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"FOVb", b"\0MRM"]
        .iter()
        .any(|m| starts(m))
        || at(6, b"HEAPCCDR")
    {
        Sniffed::Photo(PhotoFormat::Raw)
    } else if starts(b"II*\0") || starts(b"MM\0*") || starts(b"II+\0") || starts(b"MM\0+") {
        tiff_family(bytes, path)
    } else if at(4, b"ftyp") {
        iso_media(bytes)
    } else if starts(&[0xff, 0x0a]) || starts(b"\0\0\0\x0cJXL ") {
        Sniffed::Photo(PhotoFormat::Jxl)
    } else if starts(b"\0\0\0\x0cjP  ") || starts(&[0xff, 0x4f, 0xff, 0x51]) {
        Sniffed::Unsupported("JPEG 2000")
    } else if starts(b"8BPS") {
        Sniffed::Unsupported("Photoshop")
    } else if starts(b"\x1aE\xdf\xa3") || (starts(b"RIFF") && at(8, b"AVI ")) {
        Sniffed::Unsupported("video")
    } else {
        match by_name(path) {
            Some(FileKind::Unsupported(name)) => Sniffed::Unsupported(name),
            _ if is_raw_name(path) && !bytes.is_empty() => Sniffed::Photo(PhotoFormat::Raw),
            _ => Sniffed::Unknown,
        }
    }
}

fn is_raw_name(path: &Path) -> bool {
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
    RAW.contains(&extension.as_str())
}

/// Raw files are TIFF containers whose first picture is a stamp: they must not pass for small photos.
fn tiff_family(bytes: &[u8], path: &Path) -> Sniffed {
    let raw =
        bytes.get(8..10) == Some(b"CR") || is_raw_name(path) || structure::Tiff::new(bytes).is_some_and(|t| t.is_dng());
    Sniffed::Photo(if raw { PhotoFormat::Raw } else { PhotoFormat::Tiff })
}

fn iso_media(bytes: &[u8]) -> Sniffed {
    let known = |kind, format| match kind {
        FileKind::Photo => Sniffed::Photo(format),
        FileKind::Unsupported(name) => Sniffed::Unsupported(name),
        FileKind::Sidecar => Sniffed::Unknown,
    };
    // Files of AV1 may give the family's general brand first.
    let brands = bytes.get(8..bytes.len().min(64)).unwrap_or_default();
    match bytes.get(8..12) {
        Some(b"avif" | b"avis") => known(AVIF, PhotoFormat::Avif),
        Some(b"mif1" | b"msf1") if brands.chunks(4).any(|b| b == b"avif" || b == b"avis") => {
            known(AVIF, PhotoFormat::Avif)
        }
        Some(b"heic" | b"heix" | b"hevc" | b"hevx" | b"heim" | b"heis" | b"mif1" | b"msf1") => {
            known(HEIC, PhotoFormat::Heic)
        }
        Some(b"crx ") => Sniffed::Photo(PhotoFormat::Raw),
        _ => Sniffed::Unsupported("video"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_win_over_the_name() {
        let sniffed = sniff(b"\x89PNG\r\n\x1a\nrest", Path::new("holiday.jpg"));
        assert_eq!(sniffed, Sniffed::Photo(PhotoFormat::Png));
    }

    #[test]
    fn a_raw_file_does_not_pass_for_a_tiff() {
        assert_eq!(sniff(b"II*\0\x08\0\0\0", Path::new("a.NEF")), Sniffed::Photo(PhotoFormat::Raw));
        assert_eq!(sniff(b"II*\0\x10\0\0\0CR\x02\0", Path::new("a.tif")), Sniffed::Photo(PhotoFormat::Raw));
        assert_eq!(sniff(b"II*\0\x08\0\0\0", Path::new("a.tif")), Sniffed::Photo(PhotoFormat::Tiff));
    }

    #[test]
    fn a_photo_has_a_photos_name_and_contents() {
        let jpeg = [0xff, 0xd8, 0xff, 0xe0, 0, 16];
        assert!(is_photo(Path::new("a.jpg"), &jpeg) && is_photo(Path::new("a.png"), &jpeg));
        assert!(!is_photo(Path::new("a.desktop"), &jpeg) && !is_photo(Path::new("a"), &jpeg));
        assert!(!is_photo(Path::new("a.jpg"), b"[Desktop Entry]") && !is_photo(Path::new("a.jpg"), b""));
    }

    #[test]
    fn names_of_other_files_are_passed_over() {
        assert_eq!(by_name(Path::new("photo.jpg.XMP")), Some(FileKind::Sidecar));
        for name in ["notes.txt", "noextension", "photo.jpg.part"] {
            assert_eq!(by_name(Path::new(name)), None, "{name}");
        }
        assert_eq!(by_name(Path::new("A.JPG")), Some(FileKind::Photo));
    }
}
