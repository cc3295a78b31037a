//! A perceptual hash: alike for photos that look alike.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use crate::{MediaError, Rgb, decode_thumbnail};

/// Columns and rows of the small picture; each row has one difference fewer than columns.
const COLUMNS: usize = 9;
const ROWS: usize = 8;
/// Pixels of the short side that a picture is decoded to at least: a JPEG decoded to hardly more than the small picture
/// differs from the same one decoded whole in as many places as another crop of it.
const SHORT_SIDE: u32 = 96;

/// Whether a photo gets darker or brighter from left to right, at 64 places (a difference hash, Krawetz 2013).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint(pub u64);

impl Fingerprint {
    /// The fingerprint of a photo's pixels.
    ///
    /// # Errors
    /// [`MediaError::Broken`] when `rgb` has no pixels or the wrong number of bytes.
    pub fn of(rgb: &Rgb) -> Result<Self, MediaError> {
        let broken = |reason: String| MediaError::Broken { path: Default::default(), reason };
        let source =
            ImageRef::new(rgb.width, rgb.height, &rgb.pixels, PixelType::U8x3).map_err(|e| broken(e.to_string()))?;
        let mut small = Image::new(COLUMNS as u32, ROWS as u32, PixelType::U8x3);
        let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Box));
        Resizer::new().resize(&source, &mut small, &options).map_err(|e| broken(e.to_string()))?;
        let grey: Vec<u32> = small.buffer().chunks_exact(3).map(|p| p.iter().map(|&v| u32::from(v)).sum()).collect();
        let brighter = grey.chunks_exact(COLUMNS).flat_map(|row| row.windows(2).map(|pair| pair[0] < pair[1]));
        Ok(Self(brighter.fold(0, |bits, bit| bits << 1 | u64::from(bit))))
    }

    /// The fingerprint of a library's thumbnail.
    ///
    /// # Errors
    /// Those of [`decode_thumbnail`].
    pub fn of_thumbnail(jpeg: &[u8]) -> Result<Self, MediaError> {
        Self::of(&decode_thumbnail(jpeg, SHORT_SIDE)?)
    }

    /// Whether it tells anything: that of a flat picture, or of one that only gets darker, is that of many others.
    pub fn is_telling(self) -> bool {
        /// Places of 64 that are brighter, and that are not, at least.
        const LEAST: u32 = 6;
        (LEAST..=64 - LEAST).contains(&self.0.count_ones())
    }

    /// Places of 64 at which two differ.
    pub fn distance(self, other: Self) -> u32 {
        (self.0 ^ other.0).count_ones()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::thumbnail;

    /// A picture of waves that differ by `phase`.
    fn waves(width: u32, height: u32, phase: f32, light: f32) -> Rgb {
        let value = |x: u32, y: u32| {
            let (x, y) = (x as f32 / width as f32, y as f32 / height as f32);
            ((((x * 9.0 + phase).sin() + (y * 7.0 + x * 3.0 * phase).cos()) * 50.0 + 120.0) * light) as u8
        };
        let pixels = (0..height).flat_map(|y| (0..width).flat_map(move |x| [value(x, y); 3])).collect();
        Rgb { width, height, pixels }
    }

    #[test]
    fn a_flat_picture_tells_nothing() {
        let flat = Rgb { width: 40, height: 30, pixels: vec![250; 40 * 30 * 3] };
        assert!(!Fingerprint::of(&flat).unwrap().is_telling());
        assert!(!Fingerprint(u64::MAX).is_telling());
        assert!(Fingerprint::of(&waves(640, 480, 0.3, 1.0)).unwrap().is_telling());
    }

    #[test]
    fn a_smaller_darker_compressed_copy_is_near_and_another_picture_is_far() {
        let photo = waves(640, 480, 0.3, 1.0);
        let print = Fingerprint::of(&photo).unwrap();
        let copy = Fingerprint::of_thumbnail(&thumbnail(&waves(640, 480, 0.3, 0.7), 200).unwrap()).unwrap();
        assert!(print.distance(copy) <= 4, "{}", print.distance(copy));
        let other = Fingerprint::of(&waves(640, 480, 2.4, 1.0)).unwrap();
        assert!(print.distance(other) > 12, "{}", print.distance(other));
    }
}
