//! Cameras' raw files through the largest JPEG that is embedded in them.
//!
//! Every maker keeps its previews elsewhere (directories, notes of the maker's own, boxes), but all keep them as
//! whole JPEG files. So they are looked for by what they are: a start, well-formed segments, and a frame header.

use memchr::memmem;

use super::{Limits, Refusal, Stored, jpeg, other};
use crate::format::PhotoFormat;
use crate::structure;

/// Previews that are tried, largest first.
const TRIED: usize = 4;
/// Previews that are remembered while looking; real files have two to five.
const KEPT: usize = 32;
/// Segments before a frame header.
const MAX_SEGMENTS: usize = 64;

/// Decodes the largest preview; the size is the raw picture's own where the file tells it.
pub(super) fn decode(bytes: &[u8], min_short_side: u32, limits: &Limits) -> Result<Stored, Refusal> {
    let mut refusal = None;
    for (_, at) in previews(bytes).into_iter().take(TRIED) {
        match jpeg::decode(&bytes[at..], min_short_side, limits) {
            Ok(mut stored) => {
                if let Some((width, height)) = own_size(bytes, limits)
                    && width >= stored.full_width
                    && height >= stored.full_height
                {
                    (stored.full_width, stored.full_height) = (width, height);
                }
                return Ok(stored);
            }
            Err(error) => refusal = refusal.or(Some(error)),
        }
    }
    // A preview in plain strips is a picture that a TIFF reader understands.
    let plain = structure::Tiff::new(bytes).map(|_| other::decode(bytes, PhotoFormat::Tiff, limits));
    match (plain, refusal) {
        (Some(Ok(stored)), _) => Ok(stored),
        (_, Some(refusal)) => Err(refusal),
        _ => Err(Refusal::Unsupported("a RAW file without a preview")),
    }
}

/// Pixels and places of embedded JPEG files, largest first.
fn previews(bytes: &[u8]) -> Vec<(u64, usize)> {
    let mut found: Vec<(u64, usize)> = Vec::new();
    for at in memmem::find_iter(bytes, &[0xff, 0xd8, 0xff]) {
        if let Some(pixels) = frame(&bytes[at..]) {
            found.push((pixels, at));
            if found.len() > 2 * KEPT {
                found.sort_by(|a, b| b.cmp(a));
                found.truncate(KEPT);
            }
        }
    }
    found.sort_by(|a, b| b.cmp(a));
    found
}

/// Pixels of the JPEG at the start of `bytes`; `None` where it is none, or the sensor's own in lossless JPEG.
fn frame(bytes: &[u8]) -> Option<u64> {
    let mut at = 2;
    for _ in 0..MAX_SEGMENTS {
        let &[0xff, marker, high, low] = bytes.get(at..at + 4)? else { return None };
        match marker {
            0xc0..=0xc2 => {
                let &[8, h1, h0, w1, w0, 1 | 3] = bytes.get(at + 4..at + 10)? else { return None };
                let pixels = u64::from(u16::from_be_bytes([h1, h0])) * u64::from(u16::from_be_bytes([w1, w0]));
                return (pixels > 0).then_some(pixels);
            }
            0xc4 | 0xdb | 0xdd | 0xe0..=0xef | 0xfe => at += 2 + usize::from(u16::from_be_bytes([high, low]).max(2)),
            _ => return None,
        }
    }
    None
}

/// Width and height of the raw picture as stored, before it is turned.
fn own_size(bytes: &[u8], limits: &Limits) -> Option<(u32, u32)> {
    let size = if bytes.starts_with(b"FUJIFILMCCD-RAW") {
        structure::fuji_size(bytes)
    } else if let Some(block) = structure::canon_blocks(bytes) {
        structure::Tiff::new(block.first)?.largest_size()
    } else {
        structure::Tiff::new(bytes)?.largest_size()
    };
    size.filter(|&(width, height)| u64::from(width) * u64::from(height) <= limits.max_pixels)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jpeg(width: u32, height: u32, level: u8) -> Vec<u8> {
        let mut bytes = std::io::Cursor::new(Vec::new());
        image::RgbImage::from_pixel(width, height, image::Rgb([level, 90, 40]))
            .write_to(&mut bytes, image::ImageFormat::Jpeg)
            .unwrap();
        bytes.into_inner()
    }

    #[test]
    fn the_largest_preview_that_decodes_is_taken() {
        let mut bytes = vec![7; 500];
        bytes.extend(jpeg(64, 48, 10));
        // Larger, but nothing of it is left behind its header.
        let torn = jpeg(640, 480, 200);
        let header = memmem::find(&torn, &[0xff, 0xda]).unwrap();
        bytes.extend(&torn[..header]);
        bytes.extend([0; 300]);
        bytes.extend(jpeg(128, 96, 120));
        // The sensor's data in lossless JPEG is no preview.
        bytes.extend([0xff, 0xd8, 0xff, 0xc3, 0, 11, 14, 0x20, 0, 0x20, 0, 1, 0, 0, 0]);
        let stored = decode(&bytes, 96, &Limits::default()).ok().unwrap();
        assert_eq!((stored.rgb.width, stored.rgb.height), (128, 96));
        assert!(stored.rgb.pixels[0].abs_diff(120) < 4);
    }

    #[test]
    fn a_file_without_a_preview_is_told_and_a_flood_of_starts_ends() {
        let refused = decode(&[9; 4000], 64, &Limits::default());
        assert!(matches!(refused, Err(Refusal::Unsupported(_))));
        let flood: Vec<u8> = [0xff, 0xd8, 0xff].repeat(1 << 20);
        assert!(decode(&flood, 64, &Limits::default()).is_err());
    }
}
