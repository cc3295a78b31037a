//! A first look at half the memory, which says what need not be looked at again.
//!
//! Each row x is kept as bytes q with a scale s besides, x = s q + e, and the length of the error
//! e. A query y becomes 16-bit integers r with a scale t, y = t r + f. Then
//!
//! x·y = s t (q·r) + (s q)·f + e·y,  so  |x·y - s t (q·r)| <= |s q| |f| + |e| |y|
//!
//! and a row whose score cannot reach the best few even at this bound's end is left out. What is
//! left is scored in full, so the answer is the same as without the first look.

use std::ops::Range;

use half::slice::HalfFloatSliceExt;
use rayon::prelude::*;

use super::change::{Splice, roomy};
use super::simd::{Block, CODES, CodeBlock, CodeQuery, Kernel, LANES};

/// The rows as bytes.
#[derive(Debug, Clone, Default)]
pub(super) struct Screen {
    dims: usize,
    /// Blocks a row.
    stride: usize,
    blocks: Vec<CodeBlock>,
    rows: Vec<RowCode>,
    /// The length of the longest row.
    longest: f32,
}

/// What turns a row's bytes back into numbers.
#[derive(Debug, Clone, Copy, Default)]
struct RowCode {
    scale: f32,
    /// Length of what was lost; infinite for a row with a number that is not finite.
    error: f32,
}

/// A query for the first look.
pub(super) struct ScreenQuery {
    codes: CodeQuery,
    scale: f32,
    length: f32,
    /// What is uncertain about every row alike: the query's own error, and rounding.
    slack: f32,
}

/// Between which numbers a score lies; NaN when nothing is known.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub low: f32,
    pub high: f32,
}

impl Screen {
    /// Makes the bytes of all rows, of `stride` blocks each.
    pub fn new(dims: usize, stride: usize, rows: &[Block]) -> Self {
        if stride == 0 {
            return Self::default();
        }
        let (count, code_stride) = (rows.len() / stride, dims.div_ceil(CODES));
        let blocks = roomy(CodeBlock([0; CODES]), count, code_stride);
        let mut screen =
            Self { dims, stride: code_stride, blocks, rows: vec![RowCode::default(); count], longest: 0.0 };
        screen.encode(stride, rows, 0..count);
        screen
    }

    /// Makes the bytes of some rows.
    fn encode(&mut self, stride: usize, rows: &[Block], some: Range<usize>) {
        let blocks = &mut self.blocks[some.start * self.stride..some.end * self.stride];
        let rows = rows[some.start * stride..some.end * stride].par_chunks(stride);
        let each = rows.zip(blocks.par_chunks_mut(self.stride)).zip(&mut self.rows[some]);
        let longest = each
            .with_min_len(256)
            .map_init(Vec::new, |numbers, ((row, blocks), code)| {
                numbers.resize(stride * LANES, 0.0f32);
                for (numbers, block) in numbers.chunks_mut(LANES).zip(row) {
                    block.0.convert_to_f32_slice(numbers);
                }
                let length = length(numbers);
                *code = encode(numbers, length, blocks);
                if code.error.is_finite() { length } else { 0.0 }
            })
            .reduce(|| 0.0, f32::max);
        // That of a row that has gone is kept: no row is longer.
        self.longest = self.longest.max(longest);
    }

    /// Follows rows that were taken out and put in, of `stride` blocks each.
    pub fn follow(&mut self, splice: &Splice, stride: usize, rows: &[Block]) {
        if stride == 0 {
            return;
        }
        splice.apply(&mut self.blocks, self.stride, CodeBlock([0; CODES]));
        splice.apply(&mut self.rows, 1, RowCode::default());
        for position in splice.filled() {
            self.encode(stride, rows, position..position + 1);
        }
    }

    /// Prepares a query; none when it holds something that is not a finite number.
    pub fn query(&self, query: &[f32]) -> Option<ScreenQuery> {
        let length = length(query);
        if !length.is_finite() {
            return None;
        }
        let scale = (greatest(query) / f32::from(CodeQuery::greatest(self.dims))).max(f32::MIN_POSITIVE);
        let codes: Vec<i16> = query.iter().map(|number| (number / scale) as i16).collect();
        let lost: Vec<f32> = query.iter().zip(&codes).map(|(number, code)| number - scale * f32::from(*code)).collect();
        // More than rounding to 32 bits can lose in the worst order, here and in the full score.
        let rounding = (8.0 + 4.0 * self.dims as f32) * f32::EPSILON * self.longest * length;
        let slack = 1.01 * self.longest * self::length(&lost) + rounding;
        Some(ScreenQuery { codes: CodeQuery::new(&codes), scale, length, slack })
    }

    /// The bounds of the scores of the rows at `positions`.
    pub fn bounds(
        &self,
        query: &ScreenQuery,
        positions: impl ExactSizeIterator<Item = usize> + Clone,
    ) -> impl Iterator<Item = Bounds> {
        let rows = positions.clone().map(|position| &self.blocks[position * self.stride..][..self.stride]);
        let scores = Kernel::best().code_scores(&query.codes, rows);
        let (scale, length, slack) = (query.scale, query.length, query.slack);
        scores.into_iter().zip(positions).map(move |(score, position)| {
            let row = self.rows[position];
            let middle = row.scale * (scale * score as f32);
            let radius = row.error * length + slack;
            Bounds { low: middle - radius, high: middle + radius }
        })
    }
}

/// Sums that are kept at a time.
const SIDE_BY_SIDE: usize = 16;
/// Adding and subtracting it rounds a number to an integer, in a way that every processor does
/// side by side.
const ROUNDING: f32 = 12_582_912.0;

/// Writes a row's bytes.
fn encode(numbers: &[f32], length: f32, blocks: &mut [CodeBlock]) -> RowCode {
    // No row of finite 16-bit floats is too long for 32 bits.
    if !length.is_finite() {
        return RowCode { scale: 0.0, error: f32::INFINITY };
    }
    let greatest = greatest(numbers);
    let scale = (greatest / 127.0).max(f32::MIN_POSITIVE);
    let inverse = 1.0 / scale;
    let mut squares = [0.0f32; SIDE_BY_SIDE];
    for (numbers, block) in numbers.chunks(CODES).zip(blocks) {
        for (number, code) in numbers.iter().zip(&mut block.0) {
            *code = (number * inverse + ROUNDING).to_bits() as i8;
        }
        for (numbers, codes) in numbers.chunks(SIDE_BY_SIDE).zip(block.0.chunks(SIDE_BY_SIDE)) {
            for ((sum, number), code) in squares.iter_mut().zip(numbers).zip(codes) {
                let lost = number - scale * f32::from(*code);
                *sum += lost * lost;
            }
        }
    }
    RowCode { scale, error: 1.001 * squares.iter().sum::<f32>().sqrt() }
}

/// The greatest size of a number; passes over what is not one.
fn greatest(numbers: &[f32]) -> f32 {
    fold(numbers, |greatest, number| if number > greatest { number } else { greatest }, f32::abs)
}

/// The length of a vector, or a little more, as the sum is rounded.
fn length(numbers: &[f32]) -> f32 {
    1.001 * fold(numbers, |sum, square| sum + square, |number| number * number).sqrt()
}

/// Folds in an order that a processor can keep side by side.
fn fold(numbers: &[f32], join: impl Fn(f32, f32) -> f32, each: impl Fn(f32) -> f32) -> f32 {
    let mut sums = [0.0f32; SIDE_BY_SIDE];
    for numbers in numbers.chunks(SIDE_BY_SIDE) {
        for (sum, number) in sums.iter_mut().zip(numbers) {
            *sum = join(*sum, each(*number));
        }
    }
    sums.into_iter().reduce(join).unwrap_or(0.0)
}
