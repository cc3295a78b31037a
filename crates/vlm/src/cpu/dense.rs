//! A matrix product with a bias, its weights packed into panels as wide as a few vector registers.
//!
//! The panel stays in cache while rows pass over it (Goto & van de Geijn 2008). A 1x1 convolution is this
//! product over the pixels.

use pulp::{Arch, Simd, WithSimd};

use super::{lanes, relu6};

/// Output rows that share one pass over a weight panel: their inputs stay in the second-level cache.
const ROW_BLOCK: usize = 96;

/// Rows of the tallest tile.
const TALLEST: usize = 6;

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
    panels: Vec<f32>,
    /// Zero-padded to whole panels.
    bias: Vec<f32>,
    activation: Activation,
}

impl Dense {
    /// Packs the weights for this processor; `weight(i, o)` is what input `i` adds to output `o`.
    pub fn new(input: usize, bias: &[f32], activation: Activation, weight: impl Fn(usize, usize) -> f32) -> Self {
        let (output, lanes) = (bias.len(), lanes());
        let mut panels = Vec::with_capacity(output.next_multiple_of(lanes) * input);
        let mut column = 0;
        for vectors in panel_widths(output.div_ceil(lanes), lanes) {
            let wide = vectors * lanes;
            for i in 0..input {
                panels.extend((column..column + wide).map(|o| if o < output { weight(i, o) } else { 0.0 }));
            }
            column += wide;
        }
        let mut bias = bias.to_vec();
        bias.resize(column, 0.0);
        Self { input, output, panels, bias, activation }
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
        Arch::new().dispatch(DenseRun { layer: self, x, out, place, skip });
    }
}

struct DenseRun<'a> {
    layer: &'a Dense,
    x: &'a [f32],
    out: &'a mut [f32],
    place: Placement,
    skip: Option<&'a [f32]>,
}

impl WithSimd for DenseRun<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let (lanes, k) = (S::F32_LANES, self.layer.input);
        let pixels = self.x.len() / k;
        for start in (0..pixels).step_by(ROW_BLOCK) {
            let end = (start + ROW_BLOCK).min(pixels);
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

/// Splits `vectors` of columns into panels of like width, so that none is too narrow to keep the adders busy.
///
/// Six rows by four vectors are 24 sums: with 32 registers (AVX-512, NEON) there is room for the weights beside
/// them, and six rows need no more address registers than there are. With 16 (AVX2) two vectors fit.
fn panel_widths(vectors: usize, lanes: usize) -> impl Iterator<Item = usize> {
    let widest = if lanes == 8 { 2 } else { 4 };
    let panels = vectors.div_ceil(widest);
    (0..panels).map(move |panel| vectors / panels + usize::from(panel < vectors % panels))
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
        for (i, sums) in sums.iter().enumerate() {
            let pixel = row + i;
            let at =
                pixel / self.place.width * self.place.pitch + pixel % self.place.width * self.layer.output + column;
            let out = &mut self.out[at..at + columns];
            let skip = self.skip.map(|s| &s[pixel * self.layer.output + column..][..columns]);
            for (j, &sum) in sums.iter().enumerate() {
                let part = (j * S::F32_LANES).min(columns)..((j + 1) * S::F32_LANES).min(columns);
                let mut value = sum;
                if let Some(skip) = skip {
                    value = simd.add_f32s(value, simd.partial_load_f32s(&skip[part.clone()]));
                }
                if self.layer.activation == Activation::Relu6 {
                    value = relu6(simd, value);
                }
                simd.partial_store_f32s(&mut out[part], value);
            }
        }
    }
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
    fn placement_leaves_the_gaps_between_rows_alone() {
        let layer = Dense::new(1, &[0.0], Activation::Linear, |_, _| 2.0);
        let mut out = vec![-1.0; 6];
        layer.run(&[1.0, 2.0, 3.0, 4.0], &mut out, Placement { width: 2, pitch: 3 }, None);
        assert_eq!(out, [2.0, 4.0, -1.0, 6.0, 8.0, -1.0]);
    }
}
