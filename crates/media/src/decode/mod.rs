//! Bytes to upright sRGB pixels, within limits of memory.

mod colour;
#[cfg(libheif)]
mod hdr;
#[cfg(libheif)]
mod heif;
#[cfg(libheif)]
mod heif_refs;
mod jpeg;
mod jxl;
pub(crate) mod orient;
mod other;
mod png_gamma;
mod raw;
mod shrink;
mod tiff_cmyk;

use std::io::Cursor;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::MediaError;
use crate::caption_metadata::Beside;
use crate::facts::FactsFound;
use crate::format::{PhotoFormat, Sniffed, sniff};
use crate::metadata::{ExifFacts, Metadata};

/// What a decoder may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Largest photo, width times height.
    pub max_pixels: u64,
    /// Most bytes a decoder may hold.
    pub max_alloc_bytes: u64,
    /// Largest file that is read.
    pub max_file_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_pixels: 200_000_000, max_alloc_bytes: 400 << 20, max_file_bytes: 256 << 20 }
    }
}

impl Limits {
    /// These, and no more than `most` of anything.
    pub(crate) fn within(self, most: &Self) -> Self {
        Self {
            max_pixels: self.max_pixels.min(most.max_pixels),
            max_alloc_bytes: self.max_alloc_bytes.min(most.max_alloc_bytes),
            max_file_bytes: self.max_file_bytes.min(most.max_file_bytes),
        }
    }
}

/// Bytes of pixels that are given out at most, where fewer than [`SMALL`] are asked for of the short side: a picture for a
/// model or a list is not worth gigabytes, whatever it was drawn with.
const MOST_BYTES: u64 = 64 << 20;
const SMALL: u32 = 1024;

/// The most bytes of pixels that [`decode_bytes`] gives.
pub(crate) fn most_bytes(min_short_side: u32, limits: &Limits) -> u64 {
    let all = limits.max_pixels.saturating_mul(3);
    if min_short_side <= SMALL { MOST_BYTES.min(all) } else { all }
}

/// Decoded pixels: RGB8, interleaved, sRGB, upright, transparency laid on white.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rgb {
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// `width * height * 3` bytes.
    pub pixels: Vec<u8>,
}

/// Loads what the codecs load when they are first used, for a process that can open no file afterwards.
pub(crate) fn load_libraries() {
    #[cfg(libheif)]
    heif::load();
}

/// Pixels as stored, with the size the file declares (larger when decoded scaled).
struct Stored {
    full_width: u32,
    full_height: u32,
    rgb: Rgb,
}

/// A decoder's refusal, still without the path.
enum Refusal {
    Broken(String),
    Unsupported(&'static str),
    TooLarge { what: String, limit: String },
}

impl Refusal {
    fn at(self, path: &Path) -> MediaError {
        let path = PathBuf::from(path);
        match self {
            Self::Broken(reason) => MediaError::Broken { path, reason },
            Self::Unsupported(format) => MediaError::Unsupported { path, format },
            Self::TooLarge { what, limit } => MediaError::TooLarge { path, what, limit },
        }
    }

    /// Fails when a photo of this size is over `limits`, counting `bytes_per_pixel` in memory.
    fn check(width: u64, height: u64, bytes_per_pixel: u64, limits: &Limits) -> Result<(), Self> {
        if width == 0 || height == 0 {
            return Err(Self::Broken("it has no pixels".into()));
        }
        let pixels = width * height;
        if pixels > limits.max_pixels {
            let limit = format!("{} megapixels", limits.max_pixels / 1_000_000);
            return Err(Self::TooLarge { what: format!("{width}x{height} pixels"), limit });
        }
        if pixels * bytes_per_pixel > limits.max_alloc_bytes {
            let limit = format!("{} MiB of memory", limits.max_alloc_bytes >> 20);
            return Err(Self::TooLarge { what: format!("decoding {width}x{height} pixels"), limit });
        }
        Ok(())
    }
}

/// One pixel of red, green, blue and opacity laid on white.
fn on_white([r, g, b, alpha]: [u8; 4]) -> [u8; 3] {
    let alpha = u32::from(alpha);
    [r, g, b].map(|v| ((u32::from(v) * alpha + 255 * (255 - alpha) + 127) / 255) as u8)
}

/// Decodes a thumbnail that a library holds. A library may come from anybody, and this is done in this process: nothing
/// but a JPEG of a thumbnail's size is looked at, by a decoder in safe Rust.
///
/// # Errors
/// As [`decode_bytes`].
pub fn decode_thumbnail(jpeg: &[u8], min_short_side: u32) -> Result<Rgb, MediaError> {
    /// A panorama's is long: sixteen times as long as high, at twice the size that is made.
    const LIMITS: Limits = Limits { max_pixels: 4 << 20, max_alloc_bytes: 32 << 20, max_file_bytes: 4 << 20 };
    let path = Path::new("thumbnail.jpg");
    if !jpeg.starts_with(&[0xff, 0xd8, 0xff]) || jpeg.len() as u64 > LIMITS.max_file_bytes {
        return Err(MediaError::NotAPhoto { path: path.into() });
    }
    Ok(decode_bytes(jpeg, path, min_short_side, &LIMITS)?.1)
}

/// Whether photos of this format are turned upright by their decoders, as their own headers say; no other word counts.
pub(crate) fn turns_itself(format: PhotoFormat) -> bool {
    matches!(format, PhotoFormat::Heic | PhotoFormat::Avif | PhotoFormat::Jxl)
}

/// As [`decode_bytes`], with the facts of the photo and of what lies `beside` it, and turned as those say.
///
/// # Errors
/// As [`decode_bytes`].
pub fn decode_with_facts(
    bytes: &[u8],
    path: &Path,
    min_short_side: u32,
    limits: &Limits,
    beside: &[Beside],
) -> Result<(Metadata, Rgb, FactsFound), MediaError> {
    let (mut metadata, mut rgb) = decode_bytes(bytes, path, min_short_side, limits)?;
    // A parser that gives up costs what it would have found, and no more.
    let read = catch_unwind(|| FactsFound::of(metadata.exif.clone(), &mut Cursor::new(bytes), path, beside));
    let found = read.unwrap_or_else(|_| Ok(FactsFound::default())).map_err(|source| MediaError::io(path, source))?;
    let is_turned_here = !turns_itself(metadata.format);
    if let Some(turn) = found.facts.orientation.filter(|turn| is_turned_here && *turn != metadata.orientation) {
        let was_wide = metadata.orientation >= 5;
        rgb = orient::upright(orient::undone(rgb, metadata.orientation), turn);
        if was_wide != (turn >= 5) {
            (metadata.width, metadata.height) = (metadata.height, metadata.width);
        }
        metadata.orientation = turn;
    }
    Ok((metadata, rgb, found))
}

/// Decodes `bytes` to pixels whose short side is at least `min_short_side` where the photo's is.
///
/// JPEG is scaled down while decoding, others when they are very large. The same bytes give the same pixels. A photo cut
/// short is returned when most of it came out.
///
/// # Errors
/// [`MediaError::NotAPhoto`], [`MediaError::Unsupported`], [`MediaError::Broken`] or [`MediaError::TooLarge`].
pub fn decode_bytes(
    bytes: &[u8],
    path: &Path,
    min_short_side: u32,
    limits: &Limits,
) -> Result<(Metadata, Rgb), MediaError> {
    let format = match sniff(bytes, path) {
        Sniffed::Photo(format) => format,
        Sniffed::Unsupported(format) => return Err(MediaError::Unsupported { path: path.into(), format }),
        Sniffed::Unknown if bytes.is_empty() => return Err(Refusal::Broken("the file is empty".into()).at(path)),
        Sniffed::Unknown => return Err(MediaError::NotAPhoto { path: path.into() }),
    };
    // Codecs are given hostile bytes: a panic in one is a damaged file, not the end of the program.
    let decoded = catch_unwind(|| {
        let mut facts = ExifFacts::read(bytes, format);
        let stored = match format {
            PhotoFormat::Jpeg => jpeg::decode(bytes, min_short_side, limits),
            PhotoFormat::Raw => raw::decode(bytes, min_short_side, limits),
            PhotoFormat::Jxl => jxl::decode(bytes, limits),
            #[cfg(libheif)]
            PhotoFormat::Heic | PhotoFormat::Avif => heif::decode(bytes, limits),
            _ => other::decode(bytes, format, limits),
        };
        if turns_itself(format) {
            facts.orientation = 0;
        }
        (facts, stored)
    });
    let (facts, stored) = decoded.map_err(|_| Refusal::Broken("the decoder gave up".into()).at(path))?;
    let Stored { full_width, full_height, rgb } = stored.map_err(|refusal| refusal.at(path))?;
    let rgb = orient::upright(shrink::to_fit(rgb, min_short_side, limits), facts.orientation);
    Ok((facts.metadata(full_width, full_height, format), rgb))
}
