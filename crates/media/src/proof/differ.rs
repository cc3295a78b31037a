//! What stands in one of two pictures that lie over each other and does not stand in the other.

use super::plane::{Canvas, Plane};
use super::register::Laid;

/// Pixels of one block in doubt up to which two pictures are the same.
pub(super) const MOST_IN_DOUBT: usize = 12;
/// Difference of a coarse pixel's colours up to which two pictures are the same.
pub(super) const COLOUR: f32 = 24.0;

/// Pixels of a side of a block.
const BLOCK: usize = 12;
/// Steps of 256 by which a pixel may differ from all of its neighbours in the other picture, at least, and what the
/// spread of the other picture's values adds to it at most.
const TOLERANCE: f32 = 20.0;
const MOST_SPREAD: f32 = 14.0;
/// Spread of a block in which something shows.
const TELLING: f32 = 5.0;
/// Pixels at the edge of the common part that say nothing.
const EDGE: usize = 3;

/// How two pictures differ.
#[derive(Debug, Clone, Copy)]
pub(super) struct Difference {
    /// Blocks in which something shows.
    pub telling: usize,
    /// Pixels in doubt of the worst block.
    pub worst: usize,
    /// The greatest difference of colours.
    pub colour: f32,
}

/// How `b`, laid over `a`, differs from it.
pub(super) fn between(a: &Canvas, b: &Canvas, laid: &Laid) -> Difference {
    let own = a.light.softened();
    let other = warped(&own, &b.light, laid);
    let curve = Curve::of(&own, &other);
    let expected = Plane { values: own.values.iter().map(|value| curve.at(*value)).collect(), ..own.clone() };
    let (low, high) = (range(&expected, f32::min), range(&expected, f32::max));
    let (other_low, other_high) = (range(&other, f32::min), range(&other, f32::max));
    let (width, height) = (own.width, own.height);
    let mut doubt = vec![0u32; width * height];
    for (at, doubt) in doubt.iter_mut().enumerate() {
        let (there, here) = (other.values[at], expected.values[at]);
        if there.is_nan() {
            continue;
        }
        let most = TOLERANCE + curve.spread(own.values[at]).min(MOST_SPREAD);
        let more = there > high.values[at] + most || there < low.values[at] - most;
        let less = here > other_high.values[at] + most || here < other_low.values[at] - most;
        *doubt = u32::from(more || less);
    }
    clear_edges(&mut doubt, &other);
    let worst = fullest(&doubt, width, height);
    Difference { telling: telling(&own, &other), worst, colour: colours(a, b, laid) }
}

/// `b` as it lies over `a`; NaN where it does not reach.
fn warped(a: &Plane, b: &Plane, laid: &Laid) -> Plane {
    // Of a larger picture several pixels make one.
    let (across, down) = laid.growth();
    let size = |own: usize, factor: f32, other: usize| ((own as f32 * factor).round() as usize).clamp(1, other);
    let b = b.scaled(size(a.width, across, b.width), size(a.height, down, b.height)).softened();
    let map = laid.pixels(a, &b);
    let mut laid_over = Plane::new(a.width, a.height);
    for y in 0..a.height {
        for x in 0..a.width {
            let (bx, by) = map.of(x, y);
            laid_over.values[y * a.width + x] = b.between(bx, by).unwrap_or(f32::NAN);
        }
    }
    laid_over
}

/// Which light in the other picture goes with each in this one: any change of brightness or contrast.
///
/// Medians, so that what stands in one picture only does not count for what is expected of it.
struct Curve {
    middle: Vec<f32>,
    spread: Vec<f32>,
}

impl Curve {
    const STEPS: usize = 64;
    /// Pixels that tell what to expect.
    const ENOUGH: u32 = 40;
    /// Standard deviation of a normal distribution in units of the distance between its quartiles.
    const OF_QUARTILES: f32 = 0.741;

    fn step(value: f32) -> f32 {
        (value / 256.0 * Self::STEPS as f32 - 0.5).clamp(0.0, (Self::STEPS - 1) as f32)
    }

    fn of(own: &Plane, other: &Plane) -> Self {
        let mut counts = vec![[0u32; 256]; Self::STEPS];
        for (own, other) in own.values.iter().zip(&other.values).filter(|(_, other)| !other.is_nan()) {
            counts[Self::step(*own).round() as usize][(other.round() as usize).min(255)] += 1;
        }
        let filled: Vec<u32> = counts.iter().map(|row| row.iter().sum()).collect();
        let of = |at: usize| {
            // Neighbours help where there are few pixels.
            let around = |reach: usize| at.saturating_sub(reach)..(at + reach + 1).min(Self::STEPS);
            let is_enough = |reach: &usize| filled[around(*reach)].iter().sum::<u32>() >= Self::ENOUGH;
            let near = &counts[around((0..Self::STEPS).find(is_enough).unwrap_or(Self::STEPS))];
            let row = std::array::from_fn(|value| near.iter().map(|row| row[value]).sum());
            (quantile(&row, 0.5), Self::OF_QUARTILES * (quantile(&row, 0.75) - quantile(&row, 0.25)))
        };
        let (middle, spread) = (0..Self::STEPS).map(of).unzip();
        Self { middle, spread }
    }

    fn at(&self, value: f32) -> f32 {
        let step = Self::step(value);
        let (low, part) = (step as usize, step.fract());
        self.middle[low] * (1.0 - part) + self.middle[(low + 1).min(Self::STEPS - 1)] * part
    }

    fn spread(&self, value: f32) -> f32 {
        self.spread[Self::step(value).round() as usize]
    }
}

/// The value below which a part of all lies.
fn quantile(counts: &[u32; 256], part: f32) -> f32 {
    let wanted = part * counts.iter().sum::<u32>() as f32;
    let mut below = 0.0;
    for (value, count) in counts.iter().enumerate() {
        let count = *count as f32;
        if count > 0.0 && below + count >= wanted {
            return value as f32 - 0.5 + (wanted - below) / count;
        }
        below += count;
    }
    255.0
}

/// The least or the greatest of each pixel and its eight neighbours.
fn range(plane: &Plane, of: fn(f32, f32) -> f32) -> Plane {
    let (width, height) = (plane.width, plane.height);
    let mut across = Plane::new(width, height);
    for y in 0..height {
        for x in 0..width {
            let (left, right) = (x.saturating_sub(1), (x + 1).min(width - 1));
            across.values[y * width + x] = of(of(plane.at(left, y), plane.at(x, y)), plane.at(right, y));
        }
    }
    let mut both = Plane::new(width, height);
    for y in 0..height {
        let (above, below) = (y.saturating_sub(1), (y + 1).min(height - 1));
        for x in 0..width {
            both.values[y * width + x] = of(of(across.at(x, above), across.at(x, y)), across.at(x, below));
        }
    }
    both
}

/// Nothing counts near the edge of what lies within both pictures.
fn clear_edges(doubt: &mut [u32], other: &Plane) {
    let (width, height) = (other.width, other.height);
    for y in 0..height {
        for x in 0..width {
            let at_edge = x < EDGE || y < EDGE || x + EDGE >= width || y + EDGE >= height;
            if doubt[y * width + x] > 0 && !at_edge {
                let outside = |dx: usize, dy: usize| other.at(x + dx - EDGE, y + dy - EDGE).is_nan();
                if (0..3).any(|i| (0..3).any(|j| outside(i * EDGE, j * EDGE))) {
                    doubt[y * width + x] = 0;
                }
            } else {
                doubt[y * width + x] = 0;
            }
        }
    }
}

/// The most pixels in doubt of any block; blocks lie over each other by half.
fn fullest(doubt: &[u32], width: usize, height: usize) -> usize {
    let mut most = 0;
    for top in (0..height).step_by(BLOCK / 2) {
        for left in (0..width).step_by(BLOCK / 2) {
            let right = (left + BLOCK).min(width);
            let rows = top..(top + BLOCK).min(height);
            let count: u32 = rows.map(|y| doubt[y * width + left..y * width + right].iter().sum::<u32>()).sum();
            most = most.max(count as usize);
        }
    }
    most
}

/// Blocks of the common part in which something shows.
fn telling(own: &Plane, other: &Plane) -> usize {
    let mut count = 0;
    for top in (0..own.height).step_by(BLOCK) {
        for left in (0..own.width).step_by(BLOCK) {
            let (mut n, mut sum, mut squares) = (0.0f32, 0.0f32, 0.0f32);
            for y in top..(top + BLOCK).min(own.height) {
                for x in left..(left + BLOCK).min(own.width) {
                    if !other.at(x, y).is_nan() {
                        let value = own.at(x, y);
                        (n, sum, squares) = (n + 1.0, sum + value, squares + value * value);
                    }
                }
            }
            let full = n * 2.0 > (BLOCK * BLOCK) as f32;
            count += usize::from(full && squares / n - (sum / n).powi(2) > TELLING * TELLING);
        }
    }
    count
}

/// The greatest difference of colours, beyond what a change of light brings along.
fn colours(a: &Canvas, b: &Canvas, laid: &Laid) -> f32 {
    let mut most = 0.0f32;
    let planes = || a.colours.iter().zip(&b.colours);
    for (own, other) in planes() {
        let map = laid.pixels(own, other);
        for y in 0..own.height {
            for x in 0..own.width {
                let (bx, by) = map.of(x, y);
                let Some(there) = other.between(bx, by) else { continue };
                let here = own.at(x, y);
                // A brighter copy has stronger colours.
                most = most.max((here - there).abs() - 0.3 * here.abs().max(there.abs()));
            }
        }
    }
    most
}
