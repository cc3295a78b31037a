//! JPEG through libjpeg-turbo, scaled down in the frequency domain.

use image::ImageDecoder;
use image::codecs::jpeg::JpegDecoder;
use turbojpeg::{Colorspace, Decompressor, Image, PixelFormat, ScalingFactor};

use super::{Limits, Refusal, Rgb, Stored, colour};

/// A progressive file may repeat scans to waste time; real ones have about ten.
const MAX_SCANS: u32 = 500;

/// Share of rows that must have come out of a damaged file.
const ENOUGH: f64 = 0.5;

/// Decodes with the largest reduction (1/2, 1/4 or 1/8) that keeps `min_short_side`.
pub(super) fn decode(bytes: &[u8], min_short_side: u32, limits: &Limits) -> Result<Stored, Refusal> {
    let broken = |e: turbojpeg::Error| Refusal::Broken(e.to_string());
    let mut decoder = Decompressor::new().map_err(broken)?;
    let header = match decoder.read_header(bytes) {
        Ok(header) => header,
        // Rare samplings that libjpeg-turbo's interface has no name for.
        Err(_) => return fallback(bytes, limits),
    };
    let short = header.width.min(header.height);
    let reduction = if header.is_lossless {
        1
    } else {
        [8, 4, 2].into_iter().find(|r| short / r >= min_short_side as usize).unwrap_or(1)
    };
    let factor = ScalingFactor::new(1, reduction);
    let (width, height) = (factor.scale(header.width), factor.scale(header.height));
    let cmyk = matches!(header.colorspace, Colorspace::CMYK | Colorspace::YCCK);
    let depth: usize = if cmyk { 4 } else { 3 };
    // Progressive files hold all coefficients at full size: two bytes a component.
    Refusal::check(header.width as u64, header.height as u64, 0, limits)?;
    let progressive = is_progressive(bytes);
    let held = (width * height * (depth + 3)) as u64
        + if progressive { (header.width * header.height * 2 * depth) as u64 } else { 0 };
    if held > limits.max_alloc_bytes {
        let limit = format!("{} MiB of memory", limits.max_alloc_bytes >> 20);
        return Err(Refusal::TooLarge { what: format!("decoding {}x{} pixels", header.width, header.height), limit });
    }

    decoder.set_scaling_factor(factor).map_err(broken)?;
    decoder.set_scan_limit(MAX_SCANS).map_err(broken)?;
    let format = if cmyk { PixelFormat::CMYK } else { PixelFormat::RGB };
    let mut pixels = vec![128; width * height * depth];
    let image = Image { pixels: pixels.as_mut_slice(), width, pitch: width * depth, height, format };
    if let Err(error) = decoder.decompress(bytes, image)
        && !is_harmless(&error.to_string())
        && rows_decoded(&pixels, width * depth) < ENOUGH
    {
        return Err(broken(error));
    }
    let icc = profile(bytes);
    if cmyk {
        // Adobe writes CMYK inverted, 255 for no ink; libjpeg-turbo hands it out as stored.
        pixels.iter_mut().for_each(|v| *v = 255 - *v);
        pixels = colour::rgb_of_cmyk(&pixels, icc.as_deref());
    } else {
        colour::to_srgb(&mut pixels, icc.as_deref(), header.colorspace == Colorspace::Gray);
    }
    Ok(Stored {
        full_width: header.width as u32,
        full_height: header.height as u32,
        rgb: Rgb { width: width as u32, height: height as u32, pixels },
    })
}

/// Whether it is a complaint of libjpeg's about what stands in a file whose pixels are all there: bytes before the end
/// that belong to nothing, or numbers in headers that do not matter.
fn is_harmless(complaint: &str) -> bool {
    const HARMLESS: [&str; 4] = [
        "extraneous bytes before marker 0xd9",
        "Invalid SOS parameters for sequential JPEG",
        "Unknown Adobe color transform code",
        "unknown JFIF revision number",
    ];
    HARMLESS.iter().any(|harmless| complaint.contains(harmless))
}

/// The share of rows above the first of those that are of one grey, which is what a cut file ends with.
fn rows_decoded(pixels: &[u8], row_bytes: usize) -> f64 {
    let rows = pixels.len() / row_bytes;
    let blank = pixels.chunks_exact(row_bytes).rev().take_while(|r| r.iter().all(|v| v.abs_diff(r[0]) <= 1)).count();
    (rows - blank) as f64 / rows as f64
}

/// The colour profile from its pieces (ICC.1:2022, annex B.4); `None` where one is missing.
fn profile(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut pieces = Vec::new();
    let mut at = 2;
    while let Some(&[0xff, marker, high, low]) = bytes.get(at..at + 4).and_then(|b| <&[u8; 4]>::try_from(b).ok()) {
        if marker == 0xff {
            at += 1;
            continue;
        }
        if marker == 0xda || marker == 0xd9 {
            break;
        }
        let end = at + 2 + usize::from(u16::from_be_bytes([high, low]));
        if marker == 0xe2
            && let Some([number, count, piece @ ..]) =
                bytes.get(at + 4..end).and_then(|b| b.strip_prefix(b"ICC_PROFILE\0"))
        {
            pieces.push((*number, *count, piece));
        }
        at = end.max(at + 2);
    }
    pieces.sort_by_key(|(number, _, _)| *number);
    let count = usize::from(pieces.first()?.1);
    let whole =
        pieces.len() == count && pieces.iter().zip(1..).all(|((number, _, _), want)| usize::from(*number) == want);
    whole.then(|| pieces.into_iter().flat_map(|(_, _, piece)| piece).copied().collect())
}

/// Whether the first frame header is a progressive one.
fn is_progressive(bytes: &[u8]) -> bool {
    let mut at = 2;
    while let Some(&[0xff, marker, high, low]) = bytes.get(at..at + 4).and_then(|b| <&[u8; 4]>::try_from(b).ok()) {
        match marker {
            0xff => at += 1,
            0xc2 | 0xc6 | 0xca | 0xce => return true,
            0xc0 | 0xc1 | 0xc3 | 0xda | 0xd9 => return false,
            _ => at += 2 + usize::from(u16::from_be_bytes([high, low])),
        }
    }
    false
}

fn fallback(bytes: &[u8], limits: &Limits) -> Result<Stored, Refusal> {
    let broken = |e: image::ImageError| Refusal::Broken(e.to_string());
    let decoder = JpegDecoder::new(std::io::Cursor::new(bytes)).map_err(broken)?;
    let (width, height) = decoder.dimensions();
    Refusal::check(width.into(), height.into(), 6, limits)?;
    let rgb = image::DynamicImage::from_decoder(decoder).map_err(broken)?.into_rgb8();
    Ok(Stored { full_width: width, full_height: height, rgb: Rgb { width, height, pixels: rgb.into_raw() } })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jpeg(width: u32, height: u32) -> Vec<u8> {
        let image = image::RgbImage::from_fn(width, height, |x, y| image::Rgb([x as u8, y as u8, (x ^ y) as u8]));
        let mut bytes = std::io::Cursor::new(Vec::new());
        image.write_to(&mut bytes, image::ImageFormat::Jpeg).unwrap();
        bytes.into_inner()
    }

    #[test]
    fn large_photos_are_decoded_small_but_never_below_the_bar() {
        for (side, bar, want) in [(800, 100, 100), (800, 101, 200), (800, 390, 400), (800, 500, 800), (64, 390, 64)] {
            let stored = decode(&jpeg(side * 2, side), bar, &Limits::default()).ok().unwrap();
            assert_eq!((stored.full_width, stored.full_height), (side * 2, side));
            assert_eq!(stored.rgb.height, want);
            assert_eq!(stored.rgb.pixels.len() as u32, stored.rgb.width * stored.rgb.height * 3);
        }
    }

    #[test]
    fn a_complaint_about_a_photo_whose_pixels_are_all_there_is_no_damage() {
        // A letter: a lower part of one colour looks like what is missing.
        let image = image::RgbImage::from_fn(256, 256, |x, y| match y {
            0..96 => image::Rgb([x as u8, y as u8, (x ^ y) as u8]),
            _ => image::Rgb([255; 3]),
        });
        let mut bytes = std::io::Cursor::new(Vec::new());
        image.write_to(&mut bytes, image::ImageFormat::Jpeg).unwrap();
        let bytes = bytes.into_inner();
        let whole = decode(&bytes, 256, &Limits::default()).ok().unwrap().rgb;
        let end = bytes.len() - 2;
        let junk = [&bytes[..end], &[0, 0, 0x12, 0x34].repeat(3), &[0xff, 0xd9]].concat();
        let scan = bytes.windows(2).position(|marker| marker == [0xff, 0xda]).unwrap();
        let header_end = scan + 2 + usize::from(u16::from_be_bytes([bytes[scan + 2], bytes[scan + 3]]));
        // As in Samsung's panoramas: 0 where 63 belongs, and no end.
        let mut samsung = bytes[..end].to_vec();
        samsung[header_end - 3..header_end].fill(0);
        samsung.extend(b"SEFHk\0\0\0 a trailer SEFT");
        for odd in [junk, samsung] {
            assert!(Decompressor::new().unwrap().read_header(&odd).is_ok());
            assert_eq!(decode(&odd, 256, &Limits::default()).ok().unwrap().rgb, whole);
        }
        assert!(decode(&bytes[..end / 4], 256, &Limits::default()).is_err(), "cut off it is damaged");
    }

    #[test]
    fn a_photo_cut_near_its_end_is_kept_and_one_cut_early_is_refused() {
        let bytes = jpeg(256, 256);
        assert!(decode(&bytes[..bytes.len() * 9 / 10], 256, &Limits::default()).is_ok());
        assert!(matches!(decode(&bytes[..bytes.len() / 5], 256, &Limits::default()), Err(Refusal::Broken(_))));
    }
}
