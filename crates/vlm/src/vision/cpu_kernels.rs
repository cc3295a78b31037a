//! The two convolutions an inverted residual needs, on one CPU core, channels last.
//!
//! [`Pointwise`] is a matrix product over pixels with its weights packed into panels as wide as a few
//! vector registers (Goto & van de Geijn 2008: the panel stays in cache while rows pass over it);
//! [`Depthwise`] walks channels in vectors and keeps the kernel's window in the first-level cache.
//! `pulp` chooses AVX-512, AVX2, NEON or scalar code at run time. Sums are f32. No threads here.

use pulp::{Arch, Simd, WithSimd};

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

/// A 1x1 convolution with packed weights.
#[derive(Debug, Clone)]
pub struct Pointwise {
    input: usize,
    output: usize,
    /// Panels of whole vectors of columns, as [`panel_widths`] has them, each `input` rows high. Zero-padded.
    panels: Vec<f32>,
    /// Zero-padded to whole panels.
    bias: Vec<f32>,
    activation: Activation,
}

impl Pointwise {
    /// Packs `weight` `[output, input]` for this processor.
    pub fn new(weight: &[f32], bias: &[f32], activation: Activation) -> Self {
        let (output, input) = (bias.len(), weight.len() / bias.len());
        let lanes = lanes();
        let mut panels = Vec::with_capacity(output.next_multiple_of(lanes) * input);
        let mut column = 0;
        for vectors in panel_widths(output.div_ceil(lanes), lanes) {
            let wide = vectors * lanes;
            for k in 0..input {
                panels.extend((column..column + wide).map(|c| if c < output { weight[c * input + k] } else { 0.0 }));
            }
            column += wide;
        }
        let mut bias = bias.to_vec();
        bias.resize(column, 0.0);
        Self { input, output, panels, bias, activation }
    }

    /// Channels that come out.
    pub fn output(&self) -> usize {
        self.output
    }

    /// Channels that go in.
    pub fn input(&self) -> usize {
        self.input
    }

    /// `x` `[pixels, input]` to `out`, placed as told; `skip` `[pixels, output]` is added after the sum.
    pub fn run(&self, x: &[f32], out: &mut [f32], place: Placement, skip: Option<&[f32]>) {
        Arch::new().dispatch(PointwiseRun { layer: self, x, out, place, skip });
    }
}

struct PointwiseRun<'a> {
    layer: &'a Pointwise,
    x: &'a [f32],
    out: &'a mut [f32],
    place: Placement,
    skip: Option<&'a [f32]>,
}

impl WithSimd for PointwiseRun<'_> {
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

impl PointwiseRun<'_> {
    /// All rows of a block against one panel, in tiles that fit into the register file.
    #[inline(always)]
    fn panel<S: Simd, const NV: usize>(&mut self, simd: S, rows: std::ops::Range<usize>, column: usize, offset: usize) {
        let mut row = rows.start;
        while row + 6 <= rows.end {
            self.tile::<S, 6, NV>(simd, row, column, offset);
            row += 6;
        }
        while row + 3 <= rows.end {
            self.tile::<S, 3, NV>(simd, row, column, offset);
            row += 3;
        }
        while row < rows.end {
            self.tile::<S, 1, NV>(simd, row, column, offset);
            row += 1;
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

/// A depthwise convolution followed by ReLU6.
#[derive(Debug, Clone)]
pub struct Depthwise {
    channels: usize,
    kernel: usize,
    stride: usize,
    /// `[kernel * kernel, channels]`.
    weights: Vec<f32>,
    bias: Vec<f32>,
}

impl Depthwise {
    /// Reorders `weight` `[channels, kernel, kernel]` to channels last.
    pub fn new(weight: &[f32], bias: &[f32], kernel: usize, stride: usize) -> Self {
        let (channels, taps) = (bias.len(), kernel * kernel);
        let weights = (0..taps * channels).map(|i| weight[i % channels * taps + i / channels]).collect();
        Self { channels, kernel, stride, weights, bias: bias.to_vec() }
    }

    /// Channels in and out.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Side of the kernel.
    pub fn kernel(&self) -> usize {
        self.kernel
    }

    /// Stride in both directions.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// Padded rows `x` of `in_width` pixels to `out`, rows of `out_width` pixels, as many as `out` holds.
    pub fn run(&self, x: &[f32], in_width: usize, out: &mut [f32], out_width: usize) {
        Arch::new().dispatch(DepthwiseRun { layer: self, x, in_width, out, out_width });
    }
}

struct DepthwiseRun<'a> {
    layer: &'a Depthwise,
    x: &'a [f32],
    in_width: usize,
    out: &'a mut [f32],
    out_width: usize,
}

impl WithSimd for DepthwiseRun<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        match self.layer.kernel {
            3 => self.vectors::<S, 3>(simd),
            5 => self.vectors::<S, 5>(simd),
            _ => self.scalars(0),
        }
    }
}

impl DepthwiseRun<'_> {
    /// Whole vectors of channels, four pixels of a row at a time; what is left goes to [`Self::scalars`].
    #[inline(always)]
    fn vectors<S: Simd, const K: usize>(&mut self, simd: S) {
        let channels = self.layer.channels;
        let whole = channels / S::F32_LANES * S::F32_LANES;
        let rows = self.out.len() / (self.out_width * channels);
        for channel in (0..whole).step_by(S::F32_LANES) {
            let load = |slice: &[f32], at: usize| S::as_simd_f32s(&slice[at..at + S::F32_LANES]).0[0];
            let weights: [[S::f32s; K]; K] = std::array::from_fn(|ky| {
                std::array::from_fn(|kx| load(&self.layer.weights, (ky * K + kx) * channels + channel))
            });
            let bias = load(&self.layer.bias, channel);
            for y in 0..rows {
                let mut x = 0;
                while x + 4 <= self.out_width {
                    self.pixels::<S, K, 4>(simd, y, x, channel, &weights, bias);
                    x += 4;
                }
                while x < self.out_width {
                    self.pixels::<S, K, 1>(simd, y, x, channel, &weights, bias);
                    x += 1;
                }
            }
        }
        self.scalars(whole);
    }

    #[inline(always)]
    fn pixels<S: Simd, const K: usize, const N: usize>(
        &mut self,
        simd: S,
        y: usize,
        x: usize,
        channel: usize,
        weights: &[[S::f32s; K]; K],
        bias: S::f32s,
    ) {
        let (channels, stride) = (self.layer.channels, self.layer.stride);
        let mut sums = [bias; N];
        for (ky, weights) in weights.iter().enumerate() {
            let row = ((y * stride + ky) * self.in_width + x * stride) * channels + channel;
            // One bounds check a row of taps.
            let taps = &self.x[row..row + ((N - 1) * stride + K - 1) * channels + S::F32_LANES];
            for (kx, &weight) in weights.iter().enumerate() {
                for (i, sum) in sums.iter_mut().enumerate() {
                    let tap = S::as_simd_f32s(&taps[(i * stride + kx) * channels..][..S::F32_LANES]).0[0];
                    *sum = simd.mul_add_e_f32s(tap, weight, *sum);
                }
            }
        }
        for (i, &sum) in sums.iter().enumerate() {
            let at = (y * self.out_width + x + i) * channels + channel;
            simd.partial_store_f32s(&mut self.out[at..at + S::F32_LANES], relu6(simd, sum));
        }
    }

    /// Channels from `first` on, one at a time: the tail of narrow layers and kernels of unusual size.
    fn scalars(&mut self, first: usize) {
        let Depthwise { channels, kernel, stride, .. } = *self.layer;
        if first == channels {
            return;
        }
        for (pixel, out) in self.out.chunks_exact_mut(channels).enumerate() {
            let (x, y) = (pixel % self.out_width, pixel / self.out_width);
            for (channel, out) in out.iter_mut().enumerate().skip(first) {
                let mut sum = self.layer.bias[channel];
                for tap in 0..kernel * kernel {
                    let (row, column) = (y * stride + tap / kernel, x * stride + tap % kernel);
                    sum += self.x[(row * self.in_width + column) * channels + channel]
                        * self.layer.weights[tap * channels + channel];
                }
                *out = sum.clamp(0.0, 6.0);
            }
        }
    }
}

#[inline(always)]
fn relu6<S: Simd>(simd: S, value: S::f32s) -> S::f32s {
    simd.min_f32s(simd.max_f32s(value, simd.splat_f32s(0.0)), simd.splat_f32s(6.0))
}

/// Floats in a vector register of the code that [`Arch`] will choose.
fn lanes() -> usize {
    struct Lanes;
    impl WithSimd for Lanes {
        type Output = usize;
        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) -> usize {
            S::F32_LANES
        }
    }
    Arch::new().dispatch(Lanes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};

    fn random(n: usize, seed: u64) -> Vec<f32> {
        let mut rng = StdRng::seed_from_u64(seed);
        (0..n).map(|_| rng.random_range(-1.0..1.0)).collect()
    }

    #[test]
    fn a_pointwise_convolution_is_the_plain_matrix_product() {
        for (pixels, input, output) in [(1, 1, 1), (130, 27, 32), (97, 16, 24), (81, 120, 88), (50, 48, 33)] {
            let (w, b, x, skip) =
                (random(input * output, 1), random(output, 2), random(pixels * input, 3), random(pixels * output, 4));
            let layer = Pointwise::new(&w, &b, Activation::Relu6);
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
        let layer = Pointwise::new(&[2.0], &[0.0], Activation::Linear);
        let mut out = vec![-1.0; 6];
        layer.run(&[1.0, 2.0, 3.0, 4.0], &mut out, Placement { width: 2, pitch: 3 }, None);
        assert_eq!(out, [2.0, 4.0, -1.0, 6.0, 8.0, -1.0]);
    }

    #[test]
    fn a_depthwise_convolution_is_the_plain_sum_over_its_window() {
        for (channels, kernel, stride, width) in [(32, 3, 1, 9), (40, 5, 2, 11), (3, 3, 2, 5), (20, 7, 1, 8)] {
            let rows = 3;
            let in_width = (width - 1) * stride + kernel;
            let in_rows = (rows - 1) * stride + kernel;
            let (w, b) = (random(channels * kernel * kernel, 5), random(channels, 6));
            let x = random(in_rows * in_width * channels, 7);
            let mut out = vec![f32::NAN; rows * width * channels];
            Depthwise::new(&w, &b, kernel, stride).run(&x, in_width, &mut out, width);
            for (i, &got) in out.iter().enumerate() {
                let (c, ox, oy) = (i % channels, i / channels % width, i / channels / width);
                let mut want = f64::from(b[c]);
                for ky in 0..kernel {
                    for kx in 0..kernel {
                        let at = ((oy * stride + ky) * in_width + ox * stride + kx) * channels + c;
                        want += f64::from(x[at]) * f64::from(w[(c * kernel + ky) * kernel + kx]);
                    }
                }
                assert!((f64::from(got) - want.clamp(0.0, 6.0)).abs() < 1e-5);
            }
        }
    }
}
