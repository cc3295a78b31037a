//! Which format a file has: by its first bytes, or by its name where a look inside would cost too much.

use std::path::Path;

use serde::{Deserialize, Serialize};

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
}

/// The kind that a file's name suggests; `None` for names that no photo or film has.
pub(crate) fn by_name(path: &Path) -> Option<FileKind> {
    let extension = path.extension()?.to_str()?.to_ascii_lowercase();
    Some(match extension.as_str() {
        "jpg" | "jpeg" | "jpe" | "jfif" | "png" | "webp" | "gif" | "bmp" | "dib" | "tif" | "tiff" => FileKind::Photo,
        "heic" | "heif" | "hif" => FileKind::Unsupported("HEIC"),
        "avif" => FileKind::Unsupported("AVIF"),
        "jxl" => FileKind::Unsupported("JPEG XL"),
        "jp2" | "j2k" | "jpf" | "jpx" => FileKind::Unsupported("JPEG 2000"),
        "psd" | "psb" => FileKind::Unsupported("Photoshop"),
        "svg" => FileKind::Unsupported("SVG"),
        "ico" => FileKind::Unsupported("icon"),
        "mp4" | "m4v" | "mov" | "avi" | "mkv" | "webm" | "mts" | "3gp" | "mpg" | "mpeg" | "wmv" => {
            FileKind::Unsupported("video")
        }
        _ => FileKind::Unsupported(raw_name(&extension)?),
    })
}

/// Name of a camera's raw format by its extension.
fn raw_name(extension: &str) -> Option<&'static str> {
    const RAW: &[(&str, &str)] = &[
        ("cr2", "RAW (CR2)"),
        ("cr3", "RAW (CR3)"),
        ("crw", "RAW (CRW)"),
        ("nef", "RAW (NEF)"),
        ("nrw", "RAW (NRW)"),
        ("arw", "RAW (ARW)"),
        ("sr2", "RAW (SR2)"),
        ("srw", "RAW (SRW)"),
        ("dng", "RAW (DNG)"),
        ("raf", "RAW (RAF)"),
        ("orf", "RAW (ORF)"),
        ("rw2", "RAW (RW2)"),
        ("pef", "RAW (PEF)"),
        ("iiq", "RAW (IIQ)"),
        ("3fr", "RAW (3FR)"),
        ("x3f", "RAW (X3F)"),
        ("kdc", "RAW (KDC)"),
        ("dcr", "RAW (DCR)"),
        ("mrw", "RAW (MRW)"),
        ("rwl", "RAW (RWL)"),
    ];
    RAW.iter().find(|(e, _)| *e == extension).map(|(_, name)| *name)
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
    } else if starts(b"FUJIFILMCCD-RAW") {
        Sniffed::Unsupported("RAW (RAF)")
    } else if starts(b"IIRO") || starts(b"IIRS") || starts(b"MMOR") {
        Sniffed::Unsupported("RAW (ORF)")
    } else if starts(b"IIU\0") {
        Sniffed::Unsupported("RAW (RW2)")
    } else if starts(b"FOVb") {
        Sniffed::Unsupported("RAW (X3F)")
    } else if starts(b"II*\0") || starts(b"MM\0*") || starts(b"II+\0") || starts(b"MM\0+") {
        tiff_family(bytes, path)
    } else if at(4, b"ftyp") {
        iso_media(bytes)
    } else if starts(&[0xff, 0x0a]) || starts(b"\0\0\0\x0cJXL ") {
        Sniffed::Unsupported("JPEG XL")
    } else if starts(b"\0\0\0\x0cjP  ") || starts(&[0xff, 0x4f, 0xff, 0x51]) {
        Sniffed::Unsupported("JPEG 2000")
    } else if starts(b"8BPS") {
        Sniffed::Unsupported("Photoshop")
    } else if starts(b"\x1aE\xdf\xa3") || (starts(b"RIFF") && at(8, b"AVI ")) {
        Sniffed::Unsupported("video")
    } else {
        match by_name(path) {
            Some(FileKind::Unsupported(name)) => Sniffed::Unsupported(name),
            _ => Sniffed::Unknown,
        }
    }
}

/// Raw files are TIFF containers whose first picture is a stamp: they must not pass for small photos.
fn tiff_family(bytes: &[u8], path: &Path) -> Sniffed {
    if bytes.get(8..10) == Some(b"CR") {
        return Sniffed::Unsupported("RAW (CR2)");
    }
    if let Some(FileKind::Unsupported(name)) = by_name(path) {
        return Sniffed::Unsupported(name);
    }
    Sniffed::Photo(PhotoFormat::Tiff)
}

fn iso_media(bytes: &[u8]) -> Sniffed {
    Sniffed::Unsupported(match bytes.get(8..12) {
        Some(b"avif" | b"avis") => "AVIF",
        Some(b"heic" | b"heix" | b"hevc" | b"hevx" | b"heim" | b"heis" | b"mif1" | b"msf1") => "HEIC",
        Some(b"crx ") => "RAW (CR3)",
        _ => "video",
    })
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
        assert_eq!(sniff(b"II*\0\x08\0\0\0", Path::new("a.NEF")), Sniffed::Unsupported("RAW (NEF)"));
        assert_eq!(sniff(b"II*\0\x10\0\0\0CR\x02\0", Path::new("a.tif")), Sniffed::Unsupported("RAW (CR2)"));
        assert_eq!(sniff(b"II*\0\x08\0\0\0", Path::new("a.tif")), Sniffed::Photo(PhotoFormat::Tiff));
    }

    #[test]
    fn names_of_other_files_are_passed_over() {
        for name in ["notes.txt", "album.xmp", "noextension", "photo.jpg.part"] {
            assert_eq!(by_name(Path::new(name)), None, "{name}");
        }
        assert_eq!(by_name(Path::new("A.JPG")), Some(FileKind::Photo));
    }
}
