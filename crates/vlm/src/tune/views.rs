//! Changed copies of a photo, so that its label is learned and not its framing.

use rand::Rng;
use rand::rngs::StdRng;

use crate::{ModelInput, Preprocess};

/// Least share of a photo that a copy shows.
const LEAST_AREA: f64 = 0.5;
/// Largest natural logarithm of the change of a copy's proportions.
const PROPORTIONS: f64 = 0.29;
/// Looks that a deeply taught model takes at a photo.
pub const LOOKS: usize = 4;
/// The margin that a closer look leaves out, as a part of the side.
const CLOSER: usize = 9;
/// How far brightness and contrast may be from 1.
const LIGHT: f32 = 0.3;

/// A random part of a photo, often mirrored, in another light.
pub fn changed(photo: &ModelInput, preprocess: &Preprocess, rng: &mut StdRng) -> ModelInput {
    let side = preprocess.size as usize;
    let (area, proportions) = (rng.random_range(LEAST_AREA..=1.0), rng.random_range(-PROPORTIONS..=PROPORTIONS).exp());
    let part = |of: f64| (of.sqrt().min(1.0) * side as f64).round().max(1.0) as usize;
    let (width, height) = (part(area * proportions), part(area / proportions));
    let (left, top) = (rng.random_range(0..=side - width), rng.random_range(0..=side - height));
    let mirrored = rng.random_bool(0.5);
    let (brightness, contrast) =
        (rng.random_range(1.0 - LIGHT..=1.0 + LIGHT), rng.random_range(1.0 - LIGHT..=1.0 + LIGHT));
    let light = |v: u8| ((f32::from(v) * brightness - 127.5) * contrast + 127.5).clamp(0.0, 255.0) as u8;
    part_of(photo, preprocess, (left, top), (width, height), mirrored, light)
}

/// Parts of a photo that a deeply taught model looks at besides the whole: the middle, and towards two corners.
pub fn parts(photo: &ModelInput, preprocess: &Preprocess) -> [ModelInput; LOOKS - 1] {
    let side = preprocess.size as usize;
    let margin = side / CLOSER;
    let size = side - 2 * margin;
    let at = |corner, mirrored| part_of(photo, preprocess, corner, (size, size), mirrored, |v| v);
    [at((margin, margin), true), at((0, 0), false), at((2 * margin, 2 * margin), true)]
}

fn part_of(
    photo: &ModelInput,
    preprocess: &Preprocess,
    (left, top): (usize, usize),
    (width, height): (usize, usize),
    mirrored: bool,
    light: impl Fn(u8) -> u8,
) -> ModelInput {
    let (pixels, side) = (photo.as_bytes(), preprocess.size as usize);
    let mut rgb = Vec::with_capacity(width * height * 3);
    for y in top..top + height {
        for x in 0..width {
            let from = left + if mirrored { width - 1 - x } else { x };
            rgb.extend(pixels[(y * side + from) * 3..][..3].iter().map(|&v| light(v)));
        }
    }
    preprocess.prepare(width as u32, height as u32, &rgb).unwrap_or_else(|_| photo.clone())
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;
    use crate::{Filter, Fit};

    #[test]
    fn a_copy_is_of_the_same_size_and_differs_and_is_the_same_for_a_seed() {
        let preprocess =
            Preprocess { size: 16, fit: Fit::Squash, filter: Filter::Bilinear, mean: [0.5; 3], std: [0.5; 3] };
        let pixels: Vec<u8> = (0..16 * 16 * 3).map(|i| (i * 7 % 251) as u8).collect();
        let photo = preprocess.prepare(16, 16, &pixels).unwrap();
        let copy = |seed| changed(&photo, &preprocess, &mut StdRng::seed_from_u64(seed));
        assert_eq!(copy(1).as_bytes().len(), photo.as_bytes().len());
        assert_eq!(copy(1).as_bytes(), copy(1).as_bytes());
        assert_ne!(copy(1).as_bytes(), copy(2).as_bytes());
        assert_ne!(copy(1).as_bytes(), photo.as_bytes());
    }
}
