//! Which of several files of one picture is the best, by a rule that can be told.
//!
//! The first of these in which two files differ decides; what comes after it no longer counts. A person may choose
//! otherwise: this only says what is selected at first.

use std::path::{Path, PathBuf};

use sightline_catalog::{LocationId, PhotoId};

/// A file of a group.
#[derive(Debug, Clone, PartialEq)]
pub struct DuplicateFile {
    /// The photo that it holds.
    pub photo: PhotoId,
    /// Its number; goes with the photo's.
    pub location: LocationId,
    /// Where it lies.
    pub path: PathBuf,
    /// The files that belong to it and go where it goes: its raw file, the film of a Live Photo.
    pub companions: Vec<PathBuf>,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// The size of its companions in bytes.
    pub companions_bytes: u64,
    /// When it was last changed, in nanoseconds since 1970.
    pub modified_ns: i64,
    /// Width in pixels, upright.
    pub width: u32,
    /// Height in pixels, upright.
    pub height: u32,
    /// Its format, in lower case.
    pub format: String,
    /// When it was taken, as its file says.
    pub taken_at: Option<String>,
    /// The camera's name.
    pub camera: Option<String>,
    /// Its stars, -1 for a photo that was rejected.
    pub rating: Option<i8>,
    /// Whether a sidecar beside it says something of it.
    pub has_sidecar: bool,
    /// Albums that the photo is in.
    pub albums: usize,
    /// Whether a person gave the photo a caption or keywords, here or in its files.
    pub described: bool,
    /// Why another file of the group is better; none for the best.
    pub why: Option<Why>,
}

/// Why a file is better than another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// It has more pixels, by more than two percent.
    Pixels,
    /// Its raw file or its film belongs to it, it is raw itself, or it is of a format that cameras make.
    Format,
    /// It has more stars.
    Rating,
    /// It has a sidecar.
    Sidecar,
    /// It is compressed less: a tenth more bytes a pixel.
    Compression,
    /// It says which camera took it.
    Camera,
    /// It says when it was taken.
    Date,
    /// Its name or folder does not say that it is a copy or a download.
    Place,
    /// It is in more albums, or has a caption or keywords of a person's.
    Albums,
    /// It has lain unchanged for longer.
    Age,
    /// Nothing tells them apart; the shorter path is kept.
    Tie,
}

impl Why {
    /// A short stable word for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pixels => "pixels",
            Self::Format => "format",
            Self::Rating => "rating",
            Self::Sidecar => "sidecar",
            Self::Compression => "compression",
            Self::Camera => "camera",
            Self::Date => "date",
            Self::Place => "place",
            Self::Albums => "albums",
            Self::Age => "age",
            Self::Tie => "tie",
        }
    }
}

impl DuplicateFile {
    fn pixels(&self) -> f64 {
        f64::from(self.width) * f64::from(self.height)
    }

    /// Bytes a pixel, as far as they tell of compression: only among formats that lose by it.
    fn bytes_a_pixel(&self) -> f64 {
        self.size_bytes as f64 / self.pixels().max(1.0)
    }
}

/// How near a format is to what a camera makes.
fn format_rank(format: &str) -> u8 {
    match format {
        "raw" | "cr2" | "cr3" | "nef" | "arw" | "dng" | "raf" | "orf" | "rw2" => 2,
        "jpeg" | "heic" | "heif" | "avif" | "jxl" | "tiff" => 1,
        _ => 0,
    }
}

/// Whether a name or a folder says that the file is a copy.
fn looks_like_a_copy(path: &Path) -> bool {
    const FOLDERS: [&str; 7] = ["downloads", "download", "copy", "copies", "backup", "backups", "duplicates"];
    let words = |part: &str| {
        let part = part.to_lowercase();
        let copy =
            part.split(|c: char| !c.is_alphanumeric()).any(|word| word == "copy" || word == "kopie" || word == "copie");
        copy || part.contains("\u{526f}\u{672c}") || part.contains("\u{4e0b}\u{8f7d}")
    };
    let numbered = |stem: &str| {
        // "photo (1)", as systems and browsers name a second one.
        stem.strip_suffix(')').and_then(|rest| rest.rsplit_once('(')).is_some_and(|(name, number)| {
            !name.is_empty()
                && !number.is_empty()
                && number.len() < 3
                && number.bytes().all(|byte| byte.is_ascii_digit())
        })
    };
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let folders = path.parent().into_iter().flat_map(Path::components);
    let in_copies = folders
        .map(|part| part.as_os_str().to_string_lossy().into_owned())
        .any(|part| FOLDERS.contains(&part.to_lowercase().as_str()) || words(&part));
    words(&stem) || numbered(&stem) || in_copies
}

/// Why `one` is better than `other`; none when it is not.
pub(super) fn better(one: &DuplicateFile, other: &DuplicateFile) -> Option<Why> {
    /// Shares by which numbers have to differ to count: a turned or cut edge is no better photo.
    const PIXELS: f64 = 1.02;
    const BYTES: f64 = 1.10;
    let rank = |file: &DuplicateFile| format_rank(&file.format);
    let worth = |file: &DuplicateFile| (file.described, file.albums);
    let stars = |file: &DuplicateFile| file.rating.unwrap_or_default().max(0);
    let whole = |file: &DuplicateFile| !file.companions.is_empty();
    // Each says whether the first is better, and whether the second is.
    let steps = [
        // What goes takes its raw file or its film along.
        (Why::Format, whole(one) && !whole(other), whole(other) && !whole(one)),
        (Why::Pixels, one.pixels() > other.pixels() * PIXELS, other.pixels() > one.pixels() * PIXELS),
        // What a person did: albums and words are handed on, but a sidecar goes where its file goes.
        (Why::Rating, stars(one) > stars(other), stars(other) > stars(one)),
        (Why::Albums, worth(one) > worth(other), worth(other) > worth(one)),
        (Why::Sidecar, one.has_sidecar && !other.has_sidecar, other.has_sidecar && !one.has_sidecar),
        (Why::Format, rank(one) > rank(other), rank(other) > rank(one)),
        (
            Why::Compression,
            one.format == other.format && one.bytes_a_pixel() > other.bytes_a_pixel() * BYTES,
            one.format == other.format && other.bytes_a_pixel() > one.bytes_a_pixel() * BYTES,
        ),
        (Why::Camera, one.camera.is_some() && other.camera.is_none(), other.camera.is_some() && one.camera.is_none()),
        (
            Why::Date,
            one.taken_at.is_some() && other.taken_at.is_none(),
            other.taken_at.is_some() && one.taken_at.is_none(),
        ),
        (
            Why::Place,
            !looks_like_a_copy(&one.path) && looks_like_a_copy(&other.path),
            looks_like_a_copy(&one.path) && !looks_like_a_copy(&other.path),
        ),
        (Why::Age, one.modified_ns < other.modified_ns, other.modified_ns < one.modified_ns),
    ];
    for (why, is, is_not) in steps {
        if is {
            return Some(why);
        }
        if is_not {
            return None;
        }
    }
    let key = |file: &DuplicateFile| (file.path.as_os_str().len(), file.path.clone());
    (key(one) < key(other)).then_some(Why::Tie)
}

/// Puts the best file first and says of each other why; the others stay in their order.
pub(super) fn put_best_first(files: &mut [DuplicateFile]) {
    // The rule has tolerances, so that it is no order to sort by: one goes through.
    let Some(best) =
        (0..files.len()).reduce(|best, at| if better(&files[at], &files[best]).is_some() { at } else { best })
    else {
        return;
    };
    files[..=best].rotate_right(1);
    let (first, others) = files.split_at_mut(1);
    first[0].why = None;
    for other in others {
        other.why = Some(better(&first[0], other).unwrap_or(Why::Tie));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str) -> DuplicateFile {
        DuplicateFile {
            photo: PhotoId(1),
            location: LocationId(1),
            path: path.into(),
            companions: Vec::new(),
            size_bytes: 1_000_000,
            companions_bytes: 0,
            modified_ns: 5,
            width: 4000,
            height: 3000,
            format: "jpeg".into(),
            taken_at: Some("2021-06-30T12:00:00".into()),
            camera: Some("X100V".into()),
            rating: None,
            has_sidecar: false,
            albums: 0,
            described: false,
            why: None,
        }
    }

    #[test]
    fn each_step_decides_where_those_before_it_are_equal() {
        let best = file("/p/a.jpg");
        let worse = |change: fn(&mut DuplicateFile)| {
            let mut other = file("/p/b.jpg");
            change(&mut other);
            assert_eq!(better(&other, &best), None);
            better(&best, &other)
        };
        assert_eq!(worse(|f| f.width = 2000), Some(Why::Pixels));
        assert_eq!(worse(|f| f.format = "png".into()), Some(Why::Format));
        assert_eq!(worse(|f| f.size_bytes = 500_000), Some(Why::Compression));
        assert_eq!(worse(|f| f.camera = None), Some(Why::Camera));
        assert_eq!(worse(|f| f.taken_at = None), Some(Why::Date));
        assert_eq!(worse(|f| f.path = "/p/Downloads/a.jpg".into()), Some(Why::Place));
        assert_eq!(worse(|f| f.path = "/p/a (1).jpg".into()), Some(Why::Place));
        assert_eq!(worse(|f| f.path = "/p/a - Copy.jpg".into()), Some(Why::Place));
        assert_eq!(worse(|f| f.modified_ns = 9), Some(Why::Age));
        assert_eq!(worse(|_| {}), Some(Why::Tie));
        // More pixels outweigh everything after them; a cut edge does not.
        assert_eq!(worse(|f| (f.width, f.albums, f.modified_ns) = (3000, 4, 0)), Some(Why::Pixels));
        assert_eq!(worse(|f| (f.width, f.camera) = (4040, None)), Some(Why::Camera));
        let mut raw = file("/p/a.dng");
        (raw.format, raw.camera) = ("dng".into(), None);
        assert_eq!(better(&raw, &best), Some(Why::Format));
        let mut with_raw = file("/p/b (1).jpg");
        (with_raw.companions, with_raw.width) = (vec!["/p/b (1).raf".into()], 2000);
        assert_eq!(better(&with_raw, &best), Some(Why::Format));
        let better_for = |change: fn(&mut DuplicateFile)| {
            let mut other = file("/p/Downloads/z (1).jpg");
            (other.size_bytes, other.modified_ns) = (500_000, 9);
            change(&mut other);
            assert_eq!(better(&best, &other), None);
            better(&other, &best)
        };
        // What a person did outweighs everything but pixels.
        assert_eq!(better_for(|f| f.albums = 1), Some(Why::Albums));
        assert_eq!(better_for(|f| f.described = true), Some(Why::Albums));
        assert_eq!(better_for(|f| f.rating = Some(3)), Some(Why::Rating));
        assert_eq!(better_for(|f| f.has_sidecar = true), Some(Why::Sidecar));
        assert_eq!(worse(|f| (f.rating, f.width) = (Some(5), 2000)), Some(Why::Pixels));
        assert_eq!(worse(|f| f.rating = Some(-1)), Some(Why::Tie), "a rejection is no reason to keep it");
    }

    #[test]
    fn names_that_only_resemble_copies_are_none() {
        for path in ["/p/copyright/a.jpg", "/p/IMG_(2021).jpg", "/p/photocopier.jpg", "/p/(1).jpg"] {
            assert!(!looks_like_a_copy(Path::new(path)), "{path}");
        }
        for path in ["/p/Copy of a.jpg", "/p/a_copy.jpg", "/p/a copy/b.jpg", "/backup/a.jpg", "/p/a(2).jpg"] {
            assert!(looks_like_a_copy(Path::new(path)), "{path}");
        }
    }

    #[test]
    fn the_best_comes_first_with_the_reasons_of_the_others() {
        let mut files = vec![file("/p/Downloads/a.jpg"), file("/p/small.jpg"), file("/p/a.jpg")];
        files[1].width = 800;
        put_best_first(&mut files);
        let told: Vec<_> = files.iter().map(|file| (file.path.to_str().unwrap(), file.why)).collect();
        assert_eq!(
            told,
            [("/p/a.jpg", None), ("/p/Downloads/a.jpg", Some(Why::Place)), ("/p/small.jpg", Some(Why::Pixels))]
        );
    }
}
