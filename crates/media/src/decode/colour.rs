//! Colour profiles to sRGB (ICC.1:2022), through moxcms.
//!
//! A profile is a stranger's program: what cannot be read, does not fit the samples or makes the colour engine
//! give up is passed over, and the samples are taken for sRGB.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use moxcms::{ColorProfile, DataColorSpace, Layout, ParsingOptions, TransformExecutor, TransformOptions};

/// Largest profile that is read, bytes; printers' profiles have about 2 MB.
const LARGEST_PROFILE: usize = 8 << 20;
/// Pixels converted at once.
const CHUNK: usize = 1 << 14;
/// Samples of sRGB and of a profile may differ by this much before pixels are converted.
const CLOSE: u8 = 1;

fn parse(icc: &[u8], space: DataColorSpace) -> Option<ColorProfile> {
    let options = ParsingOptions { max_profile_size: LARGEST_PROFILE, ..ParsingOptions::default() };
    let profile = ColorProfile::new_from_slice_with_options(icc, options).ok()?;
    (profile.color_space == space).then_some(profile)
}

type Transform<V> = Arc<dyn TransformExecutor<V> + Send + Sync>;

fn transform8(profile: &ColorProfile, from: Layout) -> Option<Transform<u8>> {
    let srgb = ColorProfile::new_srgb();
    profile.create_transform_8bit(from, &srgb, Layout::Rgb, TransformOptions::default()).ok()
}

/// Whether RGB of this kind looks the same as sRGB: tried on a coarse grid of colours.
fn is_srgb(transform: &Transform<u8>) -> bool {
    let steps = [0u8, 16, 48, 96, 144, 192, 224, 255];
    let grid: Vec<u8> = (0..512).flat_map(|i: usize| [steps[i >> 6], steps[i >> 3 & 7], steps[i & 7]]).collect();
    let mut out = vec![0; grid.len()];
    transform.transform(&grid, &mut out).is_ok() && grid.iter().zip(&out).all(|(a, b)| a.abs_diff(*b) <= CLOSE)
}

/// Converts interleaved RGB in place.
fn convert<V: Copy + Default>(transform: &Transform<V>, pixels: &mut [V]) -> Option<()> {
    let mut out = vec![V::default(); pixels.len().min(CHUNK * 3)];
    for chunk in pixels.chunks_mut(CHUNK * 3) {
        let out = &mut out[..chunk.len()];
        transform.transform(chunk, out).ok()?;
        chunk.copy_from_slice(out);
    }
    Some(())
}

/// A curve for samples that are all grey, in place; `None` where the profile is not one for grey.
fn convert_grey(icc: &[u8], pixels: &mut [u8]) -> Option<()> {
    let transform = transform8(&parse(icc, DataColorSpace::Gray)?, Layout::Gray)?;
    let levels: Vec<u8> = (0..=255).collect();
    let mut curve = vec![0; 256 * 3];
    transform.transform(&levels, &mut curve).ok()?;
    pixels.iter_mut().for_each(|v| *v = curve[usize::from(*v) * 3]);
    Some(())
}

/// Runs a colour engine on what a stranger wrote: `None` where it refuses or gives up.
fn guarded<T>(convert: impl FnOnce() -> Option<T>) -> Option<T> {
    catch_unwind(AssertUnwindSafe(convert)).ok().flatten()
}

/// Converts RGB8 with the profile `icc` to sRGB in place; `grey` where all three samples of a pixel are the same.
pub(super) fn to_srgb(pixels: &mut [u8], icc: Option<&[u8]>, grey: bool) {
    let Some(icc) = icc else { return };
    guarded(|| {
        if grey {
            return convert_grey(icc, pixels);
        }
        let transform = transform8(&parse(icc, DataColorSpace::Rgb)?, Layout::Rgb)?;
        if is_srgb(&transform) { None } else { convert(&transform, pixels) }
    });
}

/// Converts RGB16 to sRGB in place where the profile differs from it.
pub(super) fn to_srgb16(pixels: &mut [u16], icc: &[u8]) {
    guarded(|| {
        let profile = parse(icc, DataColorSpace::Rgb)?;
        if is_srgb(&transform8(&profile, Layout::Rgb)?) {
            return None;
        }
        let srgb = ColorProfile::new_srgb();
        let transform =
            profile.create_transform_16bit(Layout::Rgb, &srgb, Layout::Rgb, TransformOptions::default()).ok()?;
        convert(&transform, pixels)
    });
}

/// RGB8 of CMYK8, 0 for no ink. Without a profile that can be used inks are mixed by multiplication.
pub(super) fn rgb_of_cmyk(inks: &[u8], icc: Option<&[u8]>) -> Vec<u8> {
    let converted = guarded(|| {
        let transform = transform8(&parse(icc?, DataColorSpace::Cmyk)?, Layout::Rgba)?;
        let mut rgb = vec![0; inks.len() / 4 * 3];
        for (inks, rgb) in inks.chunks(CHUNK * 4).zip(rgb.chunks_mut(CHUNK * 3)) {
            transform.transform(inks, rgb).ok()?;
        }
        Some(rgb)
    });
    converted.unwrap_or_else(|| multiplied(inks))
}

fn multiplied(inks: &[u8]) -> Vec<u8> {
    let mix = |ink: u8, black: u8| (u16::from(255 - ink) * u16::from(255 - black) / 255) as u8;
    inks.chunks_exact(4).flat_map(|p| [mix(p[0], p[3]), mix(p[1], p[3]), mix(p[2], p[3])]).collect()
}

/// The profile of RGB with Display P3's or BT.2020's primaries, as ISO/IEC 23091-2 numbers them.
#[cfg(libheif)]
pub(super) fn wide_gamut(primaries: u8) -> Option<Vec<u8>> {
    match primaries {
        9 => ColorProfile::new_bt2020().encode().ok(),
        11 | 12 => ColorProfile::new_display_p3().encode().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inks_without_a_profile_become_rgb() {
        // No ink is white, full black is black, full cyan has no red.
        let inks = [0, 0, 0, 0, 246, 246, 246, 255, 255, 0, 0, 0];
        assert_eq!(rgb_of_cmyk(&inks, None), [255, 255, 255, 0, 0, 0, 0, 255, 255]);
        assert_eq!(rgb_of_cmyk(&inks, Some(b"no profile")), rgb_of_cmyk(&inks, None));
    }

    #[test]
    fn adobe_rgb_becomes_srgb_and_srgb_stays() {
        let adobe = ColorProfile::new_adobe_rgb().encode().unwrap();
        let mut pixels = [128, 64, 32, 128, 128, 128];
        to_srgb(&mut pixels, Some(&adobe), false);
        // Adobe RGB (1998), 4.3.5, to XYZ, and from there by IEC 61966-2-1: 146.1 61.8 23.4 and 129.0 thrice.
        for (got, want) in pixels.iter().zip([146u8, 62, 23, 129, 129, 129]) {
            assert!(got.abs_diff(want) <= 1, "{pixels:?}");
        }
        let srgb = ColorProfile::new_srgb().encode().unwrap();
        let mut same = [1, 2, 3, 250, 128, 7];
        to_srgb(&mut same, Some(&srgb), false);
        assert_eq!(same, [1, 2, 3, 250, 128, 7]);
    }

    #[test]
    fn a_broken_or_misplaced_profile_is_passed_over() {
        let mut adobe = ColorProfile::new_adobe_rgb().encode().unwrap();
        let before = [200, 100, 50];
        let mut pixels = before;
        to_srgb(&mut pixels, Some(&adobe), true);
        assert_eq!(pixels, before, "an RGB profile says nothing of grey");
        to_srgb(&mut pixels, Some(&adobe[..100]), false);
        assert_eq!(pixels, before);
        adobe.iter_mut().skip(128).for_each(|v| *v ^= 0x5a);
        to_srgb(&mut pixels, Some(&adobe), false);
        assert_eq!(pixels, before);
    }
}
