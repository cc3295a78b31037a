//! Very large pictures made smaller before they leave the decoder.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use super::{Limits, Rgb, most_bytes};

/// Averages squares of pixels where there are more bytes than [`most_bytes`]: as few as make it fit, and never so many
/// that the short side would be below `min_short_side`, unless nothing else makes it fit.
pub(super) fn to_fit(rgb: Rgb, min_short_side: u32, limits: &Limits) -> Rgb {
    let most = most_bytes(min_short_side, limits);
    let fits = |step: u32| u64::from(rgb.width.div_ceil(step)) * u64::from(rgb.height.div_ceil(step)) * 3 <= most;
    if rgb.pixels.len() as u64 <= most {
        return rgb;
    }
    let Some(least) = (2..=rgb.width.max(rgb.height)).find(|step| fits(*step)) else { return rgb };
    // The smaller the cheaper for all that comes after: down to twice what was asked for.
    let step = least.max(rgb.width.min(rgb.height) / min_short_side.max(1).saturating_mul(2));
    let (width, height) = (rgb.width.div_ceil(step), rgb.height.div_ceil(step));
    let mut small = Image::new(width, height, PixelType::U8x3);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Box));
    let source = ImageRef::new(rgb.width, rgb.height, &rgb.pixels, PixelType::U8x3);
    let resized = source.ok().and_then(|source| Resizer::new().resize(&source, &mut small, &options).ok());
    match resized {
        Some(()) => Rgb { width, height, pixels: small.into_vec() },
        None => rgb,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(width: u32, height: u32) -> Rgb {
        let pixels = (0..width * height).flat_map(|at| [(at % width * 255 / width) as u8, 40, 200]).collect();
        Rgb { width, height, pixels }
    }

    #[test]
    fn only_what_is_very_large_is_made_smaller_and_looks_the_same() {
        let limits = Limits::default();
        let small = picture(4000, 3000);
        assert_eq!(to_fit(small.clone(), 256, &limits), small);
        let large = to_fit(picture(6000, 4500), 256, &limits);
        assert_eq!((large.width, large.height), (750, 563));
        for (x, expected) in [(0, 0), (375, 127), (749, 254)] {
            let at = (200 * large.width + x) as usize * 3;
            let red = i32::from(large.pixels[at]);
            assert!((red - expected).abs() <= 1, "{red} at {x}");
            assert_eq!(large.pixels[at + 1..at + 3], [40, 200]);
        }
        let whole = picture(6000, 4500);
        assert_eq!(to_fit(whole.clone(), u32::MAX, &limits), whole, "asked for whole");
        let strip = to_fit(picture(60_000, 500), 256, &limits);
        assert!(strip.pixels.len() as u64 <= most_bytes(256, &limits), "{} x {}", strip.width, strip.height);
    }
}
