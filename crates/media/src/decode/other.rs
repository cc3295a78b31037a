//! PNG, WebP, GIF, BMP and TIFF through the `image` crate; the first frame of those that move.

use std::io::Cursor;

use image::{DynamicImage, ExtendedColorType, ImageDecoder, ImageFormat, ImageReader};

use super::{Limits, Refusal, Rgb, Stored, colour, on_white, png_gamma, tiff_cmyk};
use crate::format::PhotoFormat;
use crate::structure;

/// Decodes at full size.
pub(super) fn decode(bytes: &[u8], format: PhotoFormat, limits: &Limits) -> Result<Stored, Refusal> {
    let broken = |e: image::ImageError| match e {
        image::ImageError::Limits(limit) => Refusal::TooLarge {
            what: format!("decoding it ({limit})"),
            limit: format!("{} MiB of memory", limits.max_alloc_bytes >> 20),
        },
        image::ImageError::Unsupported(_) => Refusal::Unsupported(match format {
            PhotoFormat::Tiff | PhotoFormat::Raw => "TIFF of this kind",
            _ => "this kind of picture",
        }),
        e => Refusal::Broken(e.to_string()),
    };
    let mut reader = ImageReader::with_format(Cursor::new(bytes), image_format(format));
    let mut allowed = image::Limits::no_limits();
    allowed.max_alloc = Some(limits.max_alloc_bytes);
    reader.limits(allowed);
    let mut decoder = reader.into_decoder().map_err(broken)?;
    let (width, height) = decoder.dimensions();
    if decoder.original_color_type() == ExtendedColorType::Cmyk8 {
        return tiff_cmyk::decode(bytes, limits);
    }
    // The TIFF decoder hands out profiles that are stored as plain bytes only.
    let in_tiff = || Some(structure::Tiff::new(bytes)?.profile()?.to_vec());
    let icc = if format == PhotoFormat::Tiff { in_tiff() } else { decoder.icc_profile().ok().flatten() };
    // The decoder's own pixels and the RGB made of them are held together.
    let stored_bytes = u64::from(decoder.color_type().bytes_per_pixel());
    Refusal::check(width.into(), height.into(), stored_bytes + 3, limits)?;
    let image = DynamicImage::from_decoder(decoder).map_err(broken)?;
    let mut pixels = srgb_on_white(image, icc.as_deref());
    if let Some(table) = (format == PhotoFormat::Png).then(|| png_gamma::table(bytes)).flatten() {
        pixels.iter_mut().for_each(|v| *v = table[usize::from(*v)]);
    }
    Ok(Stored { full_width: width, full_height: height, rgb: Rgb { width, height, pixels } })
}

fn image_format(format: PhotoFormat) -> ImageFormat {
    match format {
        PhotoFormat::Jpeg => ImageFormat::Jpeg,
        PhotoFormat::Png => ImageFormat::Png,
        PhotoFormat::WebP => ImageFormat::WebP,
        PhotoFormat::Gif => ImageFormat::Gif,
        PhotoFormat::Bmp => ImageFormat::Bmp,
        // A raw file without a preview may have a stamp that a TIFF reader understands; the rest never come here.
        PhotoFormat::Tiff | PhotoFormat::Raw | PhotoFormat::Heic | PhotoFormat::Avif | PhotoFormat::Jxl => {
            ImageFormat::Tiff
        }
    }
}

/// RGB8 in sRGB with transparency laid on white; 16-bit and float samples are reduced after conversion.
fn srgb_on_white(image: DynamicImage, icc: Option<&[u8]>) -> Vec<u8> {
    let grey = !image.color().has_color();
    let mut image = image;
    if let (DynamicImage::ImageRgb16(deep), Some(icc)) = (&mut image, icc) {
        colour::to_srgb16(deep.as_flat_samples_mut().samples, icc);
        return image.into_rgb8().into_raw();
    }
    if !image.color().has_alpha() {
        let mut pixels = image.into_rgb8().into_raw();
        colour::to_srgb(&mut pixels, icc, grey);
        return pixels;
    }
    let rgba = image.into_rgba8();
    let mut pixels: Vec<u8> = rgba.pixels().flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect();
    colour::to_srgb(&mut pixels, icc, grey);
    for (rgb, stored) in pixels.chunks_exact_mut(3).zip(rgba.pixels()) {
        rgb.copy_from_slice(&on_white([rgb[0], rgb[1], rgb[2], stored[3]]));
    }
    pixels
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encode(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    #[test]
    fn transparency_shows_white_and_16_bits_are_reduced() {
        let clear = DynamicImage::ImageRgba8(image::RgbaImage::from_pixel(2, 1, image::Rgba([255, 0, 0, 0])));
        let stored = decode(&encode(&clear, ImageFormat::Png), PhotoFormat::Png, &Limits::default()).ok().unwrap();
        assert_eq!(stored.rgb.pixels, [255; 6]);
        let deep = DynamicImage::ImageRgb16(image::ImageBuffer::from_pixel(1, 1, image::Rgb([0u16, 0x8080, 0xffff])));
        let stored = decode(&encode(&deep, ImageFormat::Png), PhotoFormat::Png, &Limits::default()).ok().unwrap();
        assert_eq!(stored.rgb.pixels, [0, 128, 255]);
    }

    #[test]
    fn a_bomb_is_refused_before_it_is_unpacked() {
        let mut bytes = encode(&DynamicImage::new_luma8(8, 8), ImageFormat::Png);
        // The header claims 100,000 x 100,000 pixels (its checksum is put right).
        bytes[16..24].copy_from_slice(&[0, 1, 0x86, 0xa0, 0, 1, 0x86, 0xa0]);
        let crc = crc32(&bytes[12..29]);
        bytes[29..33].copy_from_slice(&crc.to_be_bytes());
        let refused = decode(&bytes, PhotoFormat::Png, &Limits::default());
        assert!(matches!(refused, Err(Refusal::TooLarge { .. })));
    }

    fn crc32(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(!0u32, |crc, b| {
            (0..8).fold(crc ^ u32::from(*b), |c, _| if c & 1 == 1 { c >> 1 ^ 0xedb8_8320 } else { c >> 1 })
        })
    }
}
