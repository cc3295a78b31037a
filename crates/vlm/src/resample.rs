//! Resizing as Pillow does it, to the number: published models were trained on its pixels.
//!
//! A convolution with antialiasing, first along rows, then along columns, rounded to bytes in between; weights are whole
//! numbers of 22 bits. `fast_image_resize`, which serves the bundled model, is quicker and off by up to five of 255 with the
//! cubic filter. Pillow takes columns first where that is less work; such pixels may be off by one.

use crate::Filter;

/// Bits of a weight after the point.
const BITS: u32 = 22;

/// Along one side: which numbers of the input each output is made of, and their weights.
struct Axis {
    first: Vec<usize>,
    weights: Vec<Vec<i32>>,
}

impl Axis {
    /// `output` numbers from the part of `input` numbers that begins at `from` and is `length` long.
    fn new(input: usize, (from, length): (f64, f64), output: usize, filter: Filter) -> Self {
        let scale = length / output as f64;
        // Enlarged, the filter is as wide as its name says; reduced, as wide as what falls into one number.
        let stretch = scale.max(1.0);
        let support = stretch
            * match filter {
                Filter::Bilinear => 1.0,
                Filter::Bicubic => 2.0,
                Filter::Lanczos => 3.0,
            };
        let one = |at: usize| {
            let centre = from + (at as f64 + 0.5) * scale;
            let first = ((centre - support + 0.5) as i64).max(0) as usize;
            let end = ((centre + support + 0.5) as i64).min(input as i64) as usize;
            let share = |k: usize| weight(filter, (k as f64 - centre + 0.5) / stretch);
            let sum: f64 = (first..end).map(share).sum();
            let whole = |k: usize| {
                let value = share(k) / sum * f64::from(1 << BITS);
                (value + 0.5f64.copysign(value)) as i32
            };
            (first, (first..end).map(whole).collect())
        };
        let (first, weights) = (0..output).map(one).unzip();
        Self { first, weights }
    }
}

/// The triangle, the cubic of Keys 1981 with a = -0.5, or Lanczos' windowed sinc with three lobes.
fn weight(filter: Filter, x: f64) -> f64 {
    let x = x.abs();
    match filter {
        Filter::Bilinear => (1.0 - x).max(0.0),
        Filter::Bicubic if x < 1.0 => (1.5 * x - 2.5) * x * x + 1.0,
        Filter::Bicubic if x < 2.0 => (((x - 5.0) * x + 8.0) * x - 4.0) * -0.5,
        Filter::Bicubic => 0.0,
        Filter::Lanczos if x < 3.0 => sinc(x) * sinc(x / 3.0),
        Filter::Lanczos => 0.0,
    }
}

fn sinc(x: f64) -> f64 {
    let x = x * std::f64::consts::PI;
    if x == 0.0 { 1.0 } else { x.sin() / x }
}

fn byte(sum: i32) -> u8 {
    (sum >> BITS).clamp(0, 255) as u8
}

/// Pixels of `size`, across and down, from a part of `rgb` (RGB8, `width` pixels a row): where that part begins and how long
/// it is, across and down.
pub(crate) fn resample(
    rgb: &[u8],
    width: usize,
    [across, down]: [(f64, f64); 2],
    [wide, high]: [usize; 2],
    filter: Filter,
) -> Vec<u8> {
    const HALF: i32 = 1 << (BITS - 1);
    let height = rgb.len() / 3 / width;
    let (columns, rows) = (Axis::new(width, across, wide, filter), Axis::new(height, down, high, filter));
    // Only the rows that count.
    let top = rows.first[0];
    let bottom = rows.first[high - 1] + rows.weights[high - 1].len();
    let mut narrowed = Vec::with_capacity((bottom - top) * wide * 3);
    for row in rgb.chunks_exact(width * 3).take(bottom).skip(top) {
        for (first, weights) in columns.first.iter().zip(&columns.weights) {
            let mut sums = [HALF; 3];
            for (pixel, weight) in row[first * 3..].chunks_exact(3).zip(weights) {
                for (sum, value) in sums.iter_mut().zip(pixel) {
                    *sum += i32::from(*value) * weight;
                }
            }
            narrowed.extend(sums.map(byte));
        }
    }
    let mut pixels = Vec::with_capacity(wide * high * 3);
    let mut sums = vec![HALF; wide * 3];
    for (first, weights) in rows.first.iter().zip(&rows.weights) {
        sums.fill(HALF);
        for (row, weight) in narrowed.chunks_exact(wide * 3).skip(first - top).zip(weights) {
            for (sum, value) in sums.iter_mut().zip(row) {
                *sum += i32::from(*value) * weight;
            }
        }
        pixels.extend(sums.iter().copied().map(byte));
    }
    pixels
}
