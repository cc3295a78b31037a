//! A matrix product with a bias, its weights packed into panels as wide as a few vector registers.
//!
//! The panel stays in cache while rows pass over it (Goto & van de Geijn 2008). A 1x1 convolution is this
//! product over the pixels.

use pulp::{Arch, Simd, WithSimd};

use super::aligned::Aligned;
use super::gemm::{TALLEST, panel_widths};
use super::{lanes, relu6};

/// Output rows that share one pass over a weight panel: their inputs stay in the second-level cache.
const ROW_BLOCK: usize = 96;

/// What follows the sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// The sum itself.
    Linear,
    /// The sum clamped to 0..=6.
    Relu6,
}

/// Where the pixels of the output go: rows of `width` pixels, `pitch` floats apart.
#[derive(Debug, Clone, Copy)]
pub struct Placement {
    /// Pixels in a row.
    pub width: usize,
    /// Floats from the start of a row to that of the next.
    pub pitch: usize,
}

/// A linear layer with packed weights.
#[derive(Debug, Clone)]
pub struct Dense {
    input: usize,
    output: usize,
    /// Panels of whole vectors of columns, as [`panel_widths`] has them, each `input` rows high. Zero-padded.
    panels: Aligned<f32>,
    /// Zero-padded to whole panels.
    bias: Aligned<f32>,
    activation: Activation,
}

impl Dense {
    /// Packs the weights for this processor; `weight(i, o)` is what input `i` adds to output `o`.
    pub fn new(input: usize, bias: &[f32], activation: Activation, weight: impl Fn(usize, usize) -> f32) -> Self {
        let (output, lanes) = (bias.len(), lanes());
        let columns = output.next_multiple_of(lanes);
        let mut panels = Aligned::zeroed(columns * input);
        let (mut column, mut rest) = (0, &mut *panels);
        for vectors in panel_widths(output.div_ceil(lanes), lanes) {
            let wide = vectors * lanes;
            let (panel, after) = rest.split_at_mut(wide * input);
            for (i, row) in panel.chunks_exact_mut(wide).enumerate() {
                for (o, to) in (column..output).zip(row) {
                    *to = weight(i, o);
                }
            }
            (column, rest) = (column + wide, after);
        }
        let mut filled = Aligned::zeroed(columns);
        filled[..output].copy_from_slice(bias);
        Self { input, output, panels, bias: filled, activation }
    }

    /// Numbers in a row that comes out.
    pub fn output(&self) -> usize {
        self.output
    }

    /// Numbers in a row that goes in.
    pub fn input(&self) -> usize {
        self.input
    }

    /// `x` `[pixels, input]` to `out`, placed as told; `skip` `[pixels, output]` is added after the sum.
    pub fn run(&self, x: &[f32], out: &mut [f32], place: Placement, skip: Option<&[f32]>) {
        Arch::new().dispatch(DenseRun { layer: self, x, out, place, skip, onto: false, starts: [0; ROW_BLOCK] });
    }

    /// Adds what comes out for `x` to `out`.
    pub fn add_to(&self, x: &[f32], out: &mut [f32], place: Placement) {
        Arch::new().dispatch(DenseRun { layer: self, x, out, place, skip: None, onto: true, starts: [0; ROW_BLOCK] });
    }
}

struct DenseRun<'a> {
    layer: &'a Dense,
    x: &'a [f32],
    out: &'a mut [f32],
    place: Placement,
    skip: Option<&'a [f32]>,
    /// Whether `out` is added to.
    onto: bool,
    /// Where each pixel of a block of rows goes: a division takes as long as a dozen products.
    starts: [usize; ROW_BLOCK],
}

impl WithSimd for DenseRun<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let (lanes, k) = (S::F32_LANES, self.layer.input);
        let pixels = self.x.len() / k;
        for start in (0..pixels).step_by(ROW_BLOCK) {
            let end = (start + ROW_BLOCK).min(pixels);
            for (pixel, at) in (start..end).zip(&mut self.starts) {
                *at = pixel / self.place.width * self.place.pitch + pixel % self.place.width * self.layer.output;
            }
            let (mut column, mut offset) = (0, 0);
            for vectors in panel_widths(self.layer.bias.len() / lanes, lanes) {
                match vectors {
                    1 => self.panel::<S, 1>(simd, start..end, column, offset),
                    2 => self.panel::<S, 2>(simd, start..end, column, offset),
                    3 => self.panel::<S, 3>(simd, start..end, column, offset),
                    _ => self.panel::<S, 4>(simd, start..end, column, offset),
                }
                (column, offset) = (column + vectors * lanes, offset + vectors * lanes * k);
            }
        }
    }
}

impl DenseRun<'_> {
    /// All rows of a block against one panel, in tiles of like height that fit into the register file: a tile of one row
    /// takes as long to read its weights as one of six.
    #[inline(always)]
    fn panel<S: Simd, const NV: usize>(&mut self, simd: S, rows: std::ops::Range<usize>, column: usize, offset: usize) {
        let tiles = rows.len().div_ceil(TALLEST);
        let mut row = rows.start;
        for tile in 0..tiles {
            let height = rows.len() / tiles + usize::from(tile < rows.len() % tiles);
            match height {
                1 => self.tile::<S, 1, NV>(simd, row, column, offset),
                2 => self.tile::<S, 2, NV>(simd, row, column, offset),
                3 => self.tile::<S, 3, NV>(simd, row, column, offset),
                4 => self.tile::<S, 4, NV>(simd, row, column, offset),
                5 => self.tile::<S, 5, NV>(simd, row, column, offset),
                _ => self.tile::<S, TALLEST, NV>(simd, row, column, offset),
            }
            row += height;
        }
    }

    /// `MR` pixels by `NV` vectors of output channels.
    #[inline(always)]
    fn tile<S: Simd, const MR: usize, const NV: usize>(&mut self, simd: S, row: usize, column: usize, offset: usize) {
        let k = self.layer.input;
        let width = NV * S::F32_LANES;
        let inputs: [&[f32]; MR] = std::array::from_fn(|i| &self.x[(row + i) * k..][..k]);
        let (panel, _) = S::as_simd_f32s(&self.layer.panels[offset..][..k * width]);
        let (bias, _) = S::as_simd_f32s(&self.layer.bias[column..][..width]);
        let mut sums: [[S::f32s; NV]; MR] = [std::array::from_fn(|j| bias[j]); MR];
        for (step, weights) in (0..k).zip(panel.chunks_exact(NV)) {
            let weights: [S::f32s; NV] = std::array::from_fn(|j| weights[j]);
            for i in 0..MR {
                let value = simd.splat_f32s(inputs[i][step]);
                for j in 0..NV {
                    sums[i][j] = simd.mul_add_e_f32s(value, weights[j], sums[i][j]);
                }
            }
        }
        let columns = width.min(self.layer.output - column);
        let (onto, activation) = (self.onto, self.layer.activation);
        for (i, sums) in sums.into_iter().enumerate() {
            let at = self.starts[(row + i) % ROW_BLOCK] + column;
            let out = &mut self.out[at..at + columns];
            let skip = self.skip.map(|s| &s[(row + i) * self.layer.output + column..][..columns]);
            if columns == width {
                let (out, _) = S::as_mut_simd_f32s(out);
                let skip = skip.map(|s| S::as_simd_f32s(s).0);
                for j in 0..NV {
                    let value = if let Some(skip) = skip { simd.add_f32s(sums[j], skip[j]) } else { sums[j] };
                    out[j] = finish(simd, value, out[j], onto, activation);
                }
                continue;
            }
            for (j, sum) in sums.into_iter().enumerate() {
                let part = (j * S::F32_LANES).min(columns)..((j + 1) * S::F32_LANES).min(columns);
                let mut value = sum;
                if let Some(skip) = skip {
                    value = simd.add_f32s(value, simd.partial_load_f32s(&skip[part.clone()]));
                }
                let out = &mut out[part];
                value = finish(simd, value, simd.partial_load_f32s(out), onto, activation);
                simd.partial_store_f32s(out, value);
            }
        }
    }
}

/// What is stored for a sum where `before` was.
#[inline(always)]
fn finish<S: Simd>(simd: S, sum: S::f32s, before: S::f32s, onto: bool, activation: Activation) -> S::f32s {
    let sum = if onto { simd.add_f32s(sum, before) } else { sum };
    if activation == Activation::Relu6 { relu6(simd, sum) } else { sum }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::testing::random;

    #[test]
    fn a_dense_layer_is_the_plain_matrix_product() {
        for (pixels, input, output) in [(1, 1, 1), (130, 27, 32), (97, 16, 24), (81, 120, 88), (50, 48, 33)] {
            let (w, b, x, skip) =
                (random(input * output, 1), random(output, 2), random(pixels * input, 3), random(pixels * output, 4));
            let layer = Dense::new(input, &b, Activation::Relu6, |i, o| w[o * input + i]);
            let mut out = vec![f32::NAN; pixels * output];
            layer.run(&x, &mut out, Placement { width: pixels, pitch: pixels * output }, Some(&skip));
            for p in 0..pixels {
                for o in 0..output {
                    let sum: f64 = (0..input).map(|k| f64::from(x[p * input + k]) * f64::from(w[o * input + k])).sum();
                    let want = (sum + f64::from(b[o]) + f64::from(skip[p * output + o])).clamp(0.0, 6.0);
                    assert!(
                        (f64::from(out[p * output + o]) - want).abs() < 1e-5,
                        "{pixels} {input} {output} at {p},{o}"
                    );
                }
            }
        }
    }

    #[test]
    fn halves_of_the_inputs_add_up_to_the_whole() {
        let (pixels, input, output) = (50, 40, 33);
        let (w, b, x) = (random(input * output, 1), random(output, 2), random(pixels * input, 3));
        let mut sums = vec![f32::NAN; pixels * output];
        let place = Placement { width: pixels, pitch: pixels * output };
        for (first, bias) in [(0, &b), (20, &vec![0.0; output])] {
            let half = Dense::new(20, bias, Activation::Linear, |i, o| w[o * input + first + i]);
            let x: Vec<f32> = x.chunks_exact(input).flat_map(|x| x[first..first + 20].to_vec()).collect();
            if first == 0 { half.run(&x, &mut sums, place, None) } else { half.add_to(&x, &mut sums, place) }
        }
        let mut whole = vec![f32::NAN; pixels * output];
        Dense::new(input, &b, Activation::Linear, |i, o| w[o * input + i]).run(&x, &mut whole, place, None);
        assert!(sums.iter().zip(&whole).all(|(a, b)| (a - b).abs() < 1e-5));
    }

    #[test]
    fn placement_leaves_the_gaps_between_rows_alone() {
        let layer = Dense::new(1, &[0.0], Activation::Linear, |_, _| 2.0);
        let mut out = vec![-1.0; 6];
        layer.run(&[1.0, 2.0, 3.0, 4.0], &mut out, Placement { width: 2, pitch: 3 }, None);
        assert_eq!(out, [2.0, 4.0, -1.0, 6.0, 8.0, -1.0]);
    }
}
