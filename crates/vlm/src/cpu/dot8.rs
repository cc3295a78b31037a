//! Products of rows and weights that are bytes, with exact 32-bit sums and f32 after them.
//!
//! A row's numbers are `step · (byte - zero)` with bytes 0..=255 whose range is the row's own; a column's weights are
//! `step · byte` with bytes -127..=127 (Jacob et al. 2018, arXiv:1712.05877, with a scale for each row and column). The
//! only unsafe code of the crate: calls of functions compiled for instructions that were found at run time, and their
//! loads.
#![allow(unsafe_code, reason = "instructions for dot products of bytes are in no safe crate")]

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::aligned::Aligned;
use super::gemm::{Block, Panel, TALLEST, panel_widths};
use super::norm::LayerNorm;
use super::pointwise::Pointwise;

/// Columns of the widest panel.
const WIDEST: usize = 64;

/// Rows that a task turns into bytes.
const ROWS_A_TASK: usize = 32;

/// What multiplies bytes here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Instructions {
    /// AVX-512 VNNI, 64 products in one instruction.
    #[cfg(target_arch = "x86_64")]
    Vnni512,
    /// AVX-VNNI, 32 products.
    #[cfg(target_arch = "x86_64")]
    Vnni256,
    /// AVX2, 16 products of 16-bit integers, so that no sum saturates.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// What the compiler makes of plain code; on AArch64 it widens and multiplies eight at a time.
    Plain,
}

impl Instructions {
    /// All that this processor has, the best first.
    fn found() -> Vec<Self> {
        let mut found = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            use std::arch::is_x86_feature_detected as has;
            if has!("avx512f") && has!("avx512bw") && has!("avx512vl") && has!("avx512dq") && has!("avx512vnni") {
                found.push(Self::Vnni512);
            }
            if has!("avx2") && has!("fma") && has!("avxvnni") {
                found.push(Self::Vnni256);
            }
            if has!("avx2") && has!("fma") {
                found.push(Self::Avx2);
            }
        }
        found.push(Self::Plain);
        found
    }

    /// 32-bit sums in a vector.
    fn lanes(self) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Vnni512 => 16,
            _ => 8,
        }
    }

    /// Inputs of a column that lie side by side.
    fn group(self) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Vnni512 | Self::Vnni256 => 4,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => 2,
            Self::Plain => 1,
        }
    }
}

/// Weights `[input, output]` as bytes in panels, as [`super::gemm`] has them but for groups of inputs.
#[derive(Debug, Clone)]
pub(super) struct Bytes {
    instructions: Instructions,
    input: usize,
    output: usize,
    /// Panels of groups of inputs of each column.
    data: Aligned<i8>,
    /// The step of each column.
    steps: Aligned<f32>,
    /// What each column's bytes add up to.
    sums: Aligned<i32>,
}

impl Bytes {
    pub fn pack(input: usize, output: usize, weight: &[f32]) -> Self {
        Self::pack_for(Instructions::found()[0], input, output, weight)
    }

    fn pack_for(instructions: Instructions, input: usize, output: usize, weight: &[f32]) -> Self {
        // 255 · 127 · 2^16 fits into 32 bits.
        assert!(input <= 1 << 16);
        let filled = output.next_multiple_of(WIDEST);
        let (mut steps, mut sums) = (Aligned::<f32>::zeroed(filled), Aligned::<i32>::zeroed(filled));
        for row in weight.chunks_exact(output.max(1)) {
            steps.iter_mut().zip(row).for_each(|(most, weight)| *most = most.max(weight.abs()));
        }
        // A column of zeros has zeros for bytes, whatever its step.
        steps.iter_mut().for_each(|most| *most = if *most < 1e-30 { 1.0 } else { *most / 127.0 });
        let (group, high) = (instructions.group(), input.next_multiple_of(instructions.group()));
        let mut data = Aligned::zeroed(high * output.next_multiple_of(instructions.lanes()));
        for panel in panels(output, instructions) {
            let to = &mut data[panel.first * high..panel.end * high];
            for i in 0..input {
                for o in panel.first..panel.end.min(output) {
                    let byte = (weight[i * output + o] / steps[o]).round() as i8;
                    sums[o] += i32::from(byte);
                    to[(i / group * panel.width() + o - panel.first) * group + i % group] = byte;
                }
            }
        }
        Self { instructions, input, output, data, steps, sums }
    }

    pub fn input(&self) -> usize {
        self.input
    }

    pub fn output(&self) -> usize {
        self.output
    }

    /// Where each panel ends.
    pub fn panel_ends(&self) -> Vec<usize> {
        panels(self.output, self.instructions).map(|panel| panel.end.min(self.output)).collect()
    }

    /// The product of the rows and columns of `block`; see [`super::gemm::Product`].
    pub fn run(&self, x: &Rows8, bias: &[f32], after: Pointwise, onto: bool, mut block: Block<'_>) {
        let Some(columns) = block.out.first().map(|row| row.len()) else { return };
        assert!(x.input == self.input && x.steps.len() >= block.row + block.out.len());
        let of_block = block.column..block.column + columns;
        #[cfg(target_arch = "x86_64")]
        let wide =
            if self.instructions == Instructions::Avx2 { x.wide(block.row, block.out.len()) } else { Vec::new() };
        for panel in panels(self.output, self.instructions).filter(|panel| of_block.contains(&panel.first)) {
            let part = Part { weights: self, x, bias, onto, panel, row: block.row, column: block.column };
            match self.instructions {
                // SAFETY: weights are packed for these instructions only where `found` saw them.
                #[cfg(target_arch = "x86_64")]
                Instructions::Vnni512 => unsafe { x86::vnni512(&part, &mut block.out) },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                Instructions::Vnni256 => unsafe { x86::vnni256(&part, &mut block.out) },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                Instructions::Avx2 => unsafe { x86::avx2(&part, &wide, &mut block.out) },
                Instructions::Plain => plain(&part, &mut block.out),
            }
            if after != Pointwise::Linear {
                let columns = panel.first - block.column..panel.end.min(of_block.end) - block.column;
                Arch::new().dispatch(After { after, columns, rows: &mut block.out });
            }
        }
    }
}

fn panels(output: usize, instructions: Instructions) -> impl Iterator<Item = Panel> {
    let lanes = instructions.lanes();
    let mut first = 0;
    panel_widths(output.div_ceil(lanes), lanes).map(move |vectors| {
        let panel = Panel { first, end: first + vectors * lanes, vectors };
        first = panel.end;
        panel
    })
}

struct After<'a, 'o> {
    after: Pointwise,
    columns: std::ops::Range<usize>,
    rows: &'a mut [&'o mut [f32]],
}

impl WithSimd for After<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for row in self.rows {
            self.after.run_with(simd, &mut row[self.columns.clone()]);
        }
    }
}

/// Rows of numbers as bytes.
#[derive(Debug)]
pub struct Rows8 {
    input: usize,
    /// Bytes from the start of a row to that of the next: whole groups.
    pitch: usize,
    data: Aligned<u8>,
    /// The step of each row.
    steps: Vec<f32>,
    /// The byte that stands for 0.
    zeros: Vec<i32>,
}

impl Rows8 {
    /// `x` `[rows, input]`.
    pub fn new(x: &[f32], input: usize) -> Self {
        Self::fill(x, input, |x, bytes, steps, zeros| {
            Arch::new().dispatch(Quantise { x, input, bytes, steps, zeros });
        })
    }

    /// `x` `[rows, input]` after `norm`.
    pub fn normalised(x: &[f32], norm: &LayerNorm) -> Self {
        let input = norm.width();
        Self::fill(x, input, |x, bytes, steps, zeros| {
            let mut normalised = vec![0.0; x.len()];
            norm.run(x, &mut normalised);
            Arch::new().dispatch(Quantise { x: &normalised, input, bytes, steps, zeros });
        })
    }

    fn fill(x: &[f32], input: usize, some: impl Fn(&[f32], &mut [u8], &mut [f32], &mut [i32]) + Sync) -> Self {
        let (rows, pitch) = (x.len() / input, input.next_multiple_of(4));
        let mut out =
            Self { input, pitch, data: Aligned::zeroed(rows * pitch), steps: vec![0.0; rows], zeros: vec![0; rows] };
        x.par_chunks(ROWS_A_TASK * input)
            .zip(out.data.par_chunks_mut(ROWS_A_TASK * pitch))
            .zip(out.steps.par_chunks_mut(ROWS_A_TASK).zip(out.zeros.par_chunks_mut(ROWS_A_TASK)))
            .for_each(|((x, bytes), (steps, zeros))| some(x, bytes, steps, zeros));
        out
    }

    /// Rows as 16-bit integers.
    #[cfg(target_arch = "x86_64")]
    fn wide(&self, first: usize, rows: usize) -> Vec<i16> {
        self.data[first * self.pitch..][..rows * self.pitch].iter().map(|byte| i16::from(*byte)).collect()
    }
}

struct Quantise<'a> {
    x: &'a [f32],
    input: usize,
    bytes: &'a mut [u8],
    steps: &'a mut [f32],
    zeros: &'a mut [i32],
}

impl WithSimd for Quantise<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        /// 2^23: a sum with it has the nearest whole number in its lowest bits.
        const ROUND: f32 = 8_388_608.0;
        let rows = self.x.chunks_exact(self.input).zip(self.bytes.chunks_exact_mut(self.input.next_multiple_of(4)));
        for ((x, bytes), (step, zero)) in rows.zip(self.steps.iter_mut().zip(self.zeros.iter_mut())) {
            let (whole, rest) = S::as_simd_f32s(x);
            let (mut lows, mut highs) = (simd.splat_f32s(0.0), simd.splat_f32s(0.0));
            for value in whole {
                lows = simd.min_f32s(lows, *value);
                highs = simd.max_f32s(highs, *value);
            }
            let low = rest.iter().copied().fold(simd.reduce_min_f32s(lows), f32::min);
            let high = rest.iter().copied().fold(simd.reduce_max_f32s(highs), f32::max);
            let range = high - low;
            *step = if range < 1e-30 { 1.0 } else { range / 255.0 };
            let (each, nought) = (1.0 / *step, (-low / *step).round());
            *zero = nought as i32;
            for (byte, x) in bytes.iter_mut().zip(x) {
                *byte = ((x * each + nought).clamp(0.0, 255.0) + ROUND).to_bits() as u8;
            }
        }
    }
}

/// A block of rows against one panel.
struct Part<'a> {
    weights: &'a Bytes,
    x: &'a Rows8,
    bias: &'a [f32],
    onto: bool,
    panel: Panel,
    /// The block's first row.
    row: usize,
    /// The block's first column.
    column: usize,
}

impl<'a> Part<'a> {
    /// The panel's weights.
    fn data(&self) -> &'a [i8] {
        let high = self.weights.input.next_multiple_of(self.weights.instructions.group());
        &self.weights.data[self.panel.first * high..self.panel.end * high]
    }

    /// The bytes of row `row` of the block.
    fn bytes(&self, row: usize) -> &'a [u8] {
        &self.x.data[(self.row + row) * self.x.pitch..][..self.x.pitch]
    }

    /// Makes numbers of a row of sums, of which `out` has all columns of the block.
    #[inline(always)]
    fn finish(&self, row: usize, sums: &[i32], out: &mut [f32]) {
        let (step, zero) = (self.x.steps[self.row + row], self.x.zeros[self.row + row]);
        let from = self.panel.first - self.column;
        let columns = self.panel.width().min(out.len() - from);
        let out = &mut out[from..from + columns];
        let (sums, bias) = (&sums[..columns], &self.bias[self.panel.first..][..columns]);
        let steps = &self.weights.steps[self.panel.first..][..columns];
        let bytes = &self.weights.sums[self.panel.first..][..columns];
        let each = |i: usize| (sums[i] - zero * bytes[i]) as f32 * (step * steps[i]) + bias[i];
        if self.onto {
            (0..columns).for_each(|i| out[i] += each(i));
        } else {
            (0..columns).for_each(|i| out[i] = each(i));
        }
    }
}

/// Rows in tiles of like height: `(first, height)` of each.
fn tiles(rows: usize) -> impl Iterator<Item = (usize, usize)> {
    let tiles = rows.div_ceil(TALLEST);
    (0..tiles).map(move |tile| {
        let (height, taller) = (rows / tiles, rows % tiles);
        (tile * height + tile.min(taller), height + usize::from(tile < taller))
    })
}

fn plain(part: &Part<'_>, out: &mut [&mut [f32]]) {
    for (first, height) in tiles(out.len()) {
        let out = &mut out[first..first + height];
        match (height, part.panel.vectors) {
            (1, 1) => plain_tile::<1, 8>(part, first, out),
            (1, _) => plain_tile::<1, 16>(part, first, out),
            (2, 1) => plain_tile::<2, 8>(part, first, out),
            (2, _) => plain_tile::<2, 16>(part, first, out),
            (3, 1) => plain_tile::<3, 8>(part, first, out),
            (3, _) => plain_tile::<3, 16>(part, first, out),
            (4, 1) => plain_tile::<4, 8>(part, first, out),
            (4, _) => plain_tile::<4, 16>(part, first, out),
            (5, 1) => plain_tile::<5, 8>(part, first, out),
            (5, _) => plain_tile::<5, 16>(part, first, out),
            (_, 1) => plain_tile::<6, 8>(part, first, out),
            (_, _) => plain_tile::<6, 16>(part, first, out),
        }
    }
}

/// `MR` rows by `W` columns.
fn plain_tile<const MR: usize, const W: usize>(part: &Part<'_>, first: usize, out: &mut [&mut [f32]]) {
    let (weights, _) = part.data().as_chunks::<W>();
    let inputs: [&[u8]; MR] = std::array::from_fn(|i| &part.bytes(first + i)[..weights.len()]);
    let mut sums = [[0i32; W]; MR];
    for (step, weights) in weights.iter().enumerate() {
        for i in 0..MR {
            let input = i16::from(inputs[i][step]);
            for j in 0..W {
                sums[i][j] += i32::from(input) * i32::from(i16::from(weights[j]));
            }
        }
    }
    for (i, (sums, out)) in sums.iter().zip(out).enumerate() {
        part.finish(first + i, sums, out);
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::{Part, TALLEST, WIDEST, tiles};

    /// A function that takes all rows of a block past one panel, a tile of sums at a time.
    macro_rules! panel {
        ($name:ident, $features:literal, $tile:ident, $inputs:ty, $lanes:literal, $store:expr, |$part:ident $(, $more:ident: $type:ty)?| $row:expr) => {
            #[target_feature(enable = $features)]
            pub(super) fn $name($part: &Part<'_> $(, $more: $type)?, out: &mut [&mut [f32]]) {
                let row_of = $row;
                let (data, _) = $part.data().as_chunks();
                let mut sums = [[0i32; WIDEST]; TALLEST];
                macro_rules! sized {
                    ($first:expr, $mr:literal, $nv:literal) => {{
                        let inputs: [$inputs; $mr] = std::array::from_fn(|i| row_of($first + i));
                        for (sums, tile) in sums.iter_mut().zip($tile::<$mr, $nv>(data, inputs)) {
                            for (to, vector) in sums.chunks_exact_mut($lanes).zip(tile) {
                                $store(to, vector);
                            }
                        }
                    }};
                }
                macro_rules! wide {
                    ($first:expr, $height:expr, $nv:literal) => {
                        match $height {
                            1 => sized!($first, 1, $nv),
                            2 => sized!($first, 2, $nv),
                            3 => sized!($first, 3, $nv),
                            4 => sized!($first, 4, $nv),
                            5 => sized!($first, 5, $nv),
                            _ => sized!($first, 6, $nv),
                        }
                    };
                }
                for (first, height) in tiles(out.len()) {
                    match $part.panel.vectors {
                        1 => wide!(first, height, 1),
                        2 => wide!(first, height, 2),
                        3 => wide!(first, height, 3),
                        _ => wide!(first, height, 4),
                    }
                    for (i, sums) in sums[..height].iter().enumerate() {
                        $part.finish(first + i, sums, out[first + i]);
                    }
                }
            }
        };
    }

    panel!(vnni512, "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni", tile_vnni512, &[[u8; 4]], 16, store512, |part| {
        |row| part.bytes(row).as_chunks().0
    });
    panel!(vnni256, "avx2,fma,avxvnni", tile_vnni256, &[[u8; 4]], 8, store256, |part| |row| part
        .bytes(row)
        .as_chunks()
        .0);
    panel!(avx2, "avx2,fma", tile_avx2, &[[i16; 2]], 8, store256, |part, wide: &[i16]| {
        |row| wide[row * part.x.pitch..][..part.x.pitch].as_chunks().0
    });

    #[target_feature(enable = "avx512f")]
    #[inline]
    fn store512(to: &mut [i32], vector: __m512i) {
        assert!(to.len() >= 16);
        // SAFETY: there is room for 16.
        unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), vector) }
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    fn store256(to: &mut [i32], vector: __m256i) {
        assert!(to.len() >= 8);
        // SAFETY: there is room for 8.
        unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), vector) }
    }

    /// `MR` rows by `NV` vectors of columns.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
    #[inline]
    fn tile_vnni512<const MR: usize, const NV: usize>(
        data: &[[i8; 64]],
        inputs: [&[[u8; 4]]; MR],
    ) -> [[__m512i; NV]; MR] {
        let mut sums = [[_mm512_setzero_si512(); NV]; MR];
        let steps = data.len() / NV;
        let inputs: [&[[u8; 4]]; MR] = inputs.map(|row| &row[..steps]);
        for (step, weights) in (0..steps).zip(data.chunks_exact(NV)) {
            // SAFETY: an array of 64 bytes is what is loaded.
            let load = |j: usize| unsafe { _mm512_loadu_si512(weights[j].as_ptr().cast()) };
            let weights: [__m512i; NV] = std::array::from_fn(load);
            for i in 0..MR {
                let input = _mm512_set1_epi32(i32::from_le_bytes(inputs[i][step]));
                for j in 0..NV {
                    sums[i][j] = _mm512_dpbusd_epi32(sums[i][j], input, weights[j]);
                }
            }
        }
        sums
    }

    /// `MR` rows by `NV` vectors of columns.
    #[target_feature(enable = "avx2,fma,avxvnni")]
    #[inline]
    fn tile_vnni256<const MR: usize, const NV: usize>(
        data: &[[i8; 32]],
        inputs: [&[[u8; 4]]; MR],
    ) -> [[__m256i; NV]; MR] {
        let mut sums = [[_mm256_setzero_si256(); NV]; MR];
        let steps = data.len() / NV;
        let inputs: [&[[u8; 4]]; MR] = inputs.map(|row| &row[..steps]);
        for (step, weights) in (0..steps).zip(data.chunks_exact(NV)) {
            // SAFETY: an array of 32 bytes is what is loaded.
            let load = |j: usize| unsafe { _mm256_loadu_si256(weights[j].as_ptr().cast()) };
            let weights: [__m256i; NV] = std::array::from_fn(load);
            for i in 0..MR {
                let input = _mm256_set1_epi32(i32::from_le_bytes(inputs[i][step]));
                for j in 0..NV {
                    sums[i][j] = _mm256_dpbusd_avx_epi32(sums[i][j], input, weights[j]);
                }
            }
        }
        sums
    }

    /// `MR` rows by `NV` vectors of columns.
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn tile_avx2<const MR: usize, const NV: usize>(
        data: &[[i8; 16]],
        inputs: [&[[i16; 2]]; MR],
    ) -> [[__m256i; NV]; MR] {
        let mut sums = [[_mm256_setzero_si256(); NV]; MR];
        let steps = data.len() / NV;
        let inputs: [&[[i16; 2]]; MR] = inputs.map(|row| &row[..steps]);
        for (step, weights) in (0..steps).zip(data.chunks_exact(NV)) {
            // SAFETY: an array of 16 bytes is what is loaded.
            let load = |j: usize| unsafe { _mm256_cvtepi8_epi16(_mm_loadu_si128(weights[j].as_ptr().cast())) };
            let weights: [__m256i; NV] = std::array::from_fn(load);
            for i in 0..MR {
                let [low, high] = inputs[i][step].map(|input| u32::from(input as u16));
                let input = _mm256_set1_epi32((low | high << 16) as i32);
                for j in 0..NV {
                    sums[i][j] = _mm256_add_epi32(sums[i][j], _mm256_madd_epi16(input, weights[j]));
                }
            }
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::gemm::blocks;
    use crate::cpu::testing::random;

    #[test]
    fn all_instructions_give_the_same_numbers_but_for_the_rounding_of_the_last_sums() {
        for (rows, input, output) in [(1, 1, 1), (7, 33, 65), (13, 130, 40), (50, 768, 64), (3, 5, 200)] {
            let (w, bias) = (random(input * output, 1), random(output.next_multiple_of(64), 2));
            let x = Rows8::new(&random(rows * input, 3), input);
            let results: Vec<Vec<f32>> = Instructions::found()
                .into_iter()
                .map(|instructions| {
                    let weights = Bytes::pack_for(instructions, input, output, &w);
                    let mut out = vec![0.25; rows * output];
                    for onto in [false, true] {
                        for block in blocks(&mut out, output, 8, &[0, output]) {
                            weights.run(&x, &bias, Pointwise::Linear, onto, block);
                        }
                    }
                    out
                })
                .collect();
            for (row, result) in results.iter().enumerate() {
                let far = result.iter().zip(&results[0]).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                assert!(far < 1e-5, "{:?}: {far}", Instructions::found()[row]);
            }
        }
    }

    #[test]
    fn extreme_bytes_do_not_saturate() {
        let (input, output) = (1024, 16);
        let x = Rows8::new(&vec![1.0; input], input);
        let exact = input as f32;
        for instructions in Instructions::found() {
            let weights = Bytes::pack_for(instructions, input, output, &vec![1.0; input * output]);
            let mut out = vec![0.0; output];
            let block = blocks(&mut out, output, 8, &[0, output]).remove(0);
            weights.run(&x, &[0.0; 64], Pointwise::Linear, false, block);
            assert!(out.iter().all(|v| (v / exact - 1.0).abs() < 1e-6), "{instructions:?}: {out:?}");
        }
    }
}
