//! Small pictures for lists.

use std::path::Path;

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use turbojpeg::{PixelFormat, Subsamp};

use crate::{Limits, MediaError, Rgb, open};

/// Quality of a thumbnail's JPEG, 1 to 100.
const THUMBNAIL_QUALITY: i32 = 80;
/// Quality of a picture's JPEG, 1 to 100.
const PICTURE_QUALITY: i32 = 92;

/// The photo at `path`, upright, as a JPEG whose long side has at most `long_side` pixels; `None` for all
/// that the file has.
///
/// # Errors
/// Those of [`open`].
pub fn picture(path: &Path, long_side: Option<u32>) -> Result<Vec<u8>, MediaError> {
    let photo = open(path, picture_short_side(long_side), &Limits::default())?;
    picture_of(&photo.rgb, long_side)
}

/// The shorter side to be decoded for a picture whose longer side is `long_side`.
pub fn picture_short_side(long_side: Option<u32>) -> u32 {
    // Three quarters: of most photos this is the short side that goes with the long one.
    long_side.map_or(u32::MAX, |side| side / 4 * 3)
}

/// A JPEG to be looked at of decoded pixels, its long side at most `long_side`; `None` for all there are.
///
/// # Errors
/// Those of [`thumbnail`].
pub fn picture_of(rgb: &Rgb, long_side: Option<u32>) -> Result<Vec<u8>, MediaError> {
    encode(rgb, long_side.unwrap_or(u32::MAX), PICTURE_QUALITY)
}

/// A JPEG of `rgb` whose long side has `long_side` pixels; smaller photos are not enlarged.
///
/// # Errors
/// [`MediaError::Broken`] when `rgb` has no pixels or the wrong number of bytes.
pub fn thumbnail(rgb: &Rgb, long_side: u32) -> Result<Vec<u8>, MediaError> {
    encode(rgb, long_side, THUMBNAIL_QUALITY)
}

fn encode(rgb: &Rgb, long_side: u32, quality: i32) -> Result<Vec<u8>, MediaError> {
    let broken = |reason: String| MediaError::Broken { path: Default::default(), reason };
    if rgb.width == 0 || rgb.height == 0 || rgb.pixels.len() != rgb.width as usize * rgb.height as usize * 3 {
        return Err(broken(format!("{} bytes are no {}x{} picture", rgb.pixels.len(), rgb.width, rgb.height)));
    }
    let long = rgb.width.max(rgb.height);
    let scale = f64::from(long_side.min(long)) / f64::from(long);
    let side = |v: u32| ((f64::from(v) * scale).round() as u32).max(1);
    let (width, height) = (side(rgb.width), side(rgb.height));
    let source =
        ImageRef::new(rgb.width, rgb.height, &rgb.pixels, PixelType::U8x3).map_err(|e| broken(e.to_string()))?;
    let mut small = Image::new(width, height, PixelType::U8x3);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
    Resizer::new().resize(&source, &mut small, &options).map_err(|e| broken(e.to_string()))?;
    let image = turbojpeg::Image {
        pixels: small.buffer(),
        width: width as usize,
        pitch: width as usize * 3,
        height: height as usize,
        format: PixelFormat::RGB,
    };
    let jpeg = turbojpeg::compress(image, quality, Subsamp::Sub2x2).map_err(|e| broken(e.to_string()))?;
    Ok(jpeg.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grey(width: u32, height: u32) -> Rgb {
        Rgb { width, height, pixels: vec![100; (width * height * 3) as usize] }
    }

    #[test]
    fn the_long_side_fits_and_small_photos_stay_small() {
        for (size, want) in [((1000, 500), (256, 128)), ((20_000, 10), (256, 1)), ((40, 60), (40, 60))] {
            let jpeg = thumbnail(&grey(size.0, size.1), 256).unwrap();
            let image = image::load_from_memory(&jpeg).unwrap();
            assert_eq!((image.width(), image.height()), want);
        }
    }

    #[test]
    fn a_picture_has_the_size_asked_for_or_all_there_is() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("p.jpg");
        std::fs::write(&path, thumbnail(&grey(1000, 500), u32::MAX).unwrap()).unwrap();
        for (long_side, want) in [(Some(400), (400, 200)), (Some(4000), (1000, 500)), (None, (1000, 500))] {
            let image = image::load_from_memory(&picture(&path, long_side).unwrap()).unwrap();
            assert_eq!((image.width(), image.height()), want);
        }
        assert_eq!(picture(&dir.path().join("gone.jpg"), None).unwrap_err().code(), "missing");
    }

    #[test]
    fn a_picture_without_pixels_is_refused() {
        assert!(thumbnail(&grey(0, 5), 256).is_err());
    }
}
