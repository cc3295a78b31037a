//! A depthwise convolution, channels last: it walks channels in vectors and keeps the kernel's window in the
//! first-level cache.

use pulp::{Arch, Simd, WithSimd};

use super::relu6;

/// Pixels of a row that share one pass over the kernel's weights.
const WIDEST: usize = 8;

/// Vectors of channels side by side that take turns: a pixel's part of memory is then read in one go.
const VECTORS: usize = 4;

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
        match (self.layer.kernel, self.layer.stride) {
            (3, 1) => self.vectors::<S, 3, 1>(simd),
            (3, 2) => self.vectors::<S, 3, 2>(simd),
            (5, 1) => self.vectors::<S, 5, 1>(simd),
            (5, 2) => self.vectors::<S, 5, 2>(simd),
            _ => self.scalars(0),
        }
    }
}

impl DepthwiseRun<'_> {
    /// Whole vectors of channels, some pixels of a row at a time; what is left goes to [`Self::scalars`].
    #[inline(always)]
    fn vectors<S: Simd, const K: usize, const STRIDE: usize>(&mut self, simd: S) {
        let channels = self.layer.channels;
        let whole = channels / S::F32_LANES * S::F32_LANES;
        let rows = self.out.len() / (self.out_width * channels);
        for first in (0..whole).step_by(VECTORS * S::F32_LANES) {
            let last = whole.min(first + VECTORS * S::F32_LANES);
            for y in 0..rows {
                let tiles = self.out_width.div_ceil(WIDEST);
                let mut x = 0;
                for tile in 0..tiles {
                    let pixels = self.out_width / tiles + usize::from(tile < self.out_width % tiles);
                    for channel in (first..last).step_by(S::F32_LANES) {
                        match pixels {
                            1 => self.pixels::<S, K, STRIDE, 1>(simd, y, x, channel),
                            2 => self.pixels::<S, K, STRIDE, 2>(simd, y, x, channel),
                            3 => self.pixels::<S, K, STRIDE, 3>(simd, y, x, channel),
                            4 => self.pixels::<S, K, STRIDE, 4>(simd, y, x, channel),
                            5 => self.pixels::<S, K, STRIDE, 5>(simd, y, x, channel),
                            6 => self.pixels::<S, K, STRIDE, 6>(simd, y, x, channel),
                            7 => self.pixels::<S, K, STRIDE, 7>(simd, y, x, channel),
                            _ => self.pixels::<S, K, STRIDE, WIDEST>(simd, y, x, channel),
                        }
                    }
                    x += pixels;
                }
            }
        }
        self.scalars(whole);
    }

    /// `N` pixels of a row: each input is read once for all windows that it is in.
    #[inline(always)]
    fn pixels<S: Simd, const K: usize, const STRIDE: usize, const N: usize>(
        &mut self,
        simd: S,
        y: usize,
        x: usize,
        channel: usize,
    ) {
        let channels = self.layer.channels;
        let mut sums = [S::as_simd_f32s(&self.layer.bias[channel..][..S::F32_LANES]).0[0]; N];
        for ky in 0..K {
            let mut weights = [sums[0]; K];
            for (kx, weight) in weights.iter_mut().enumerate() {
                let at = (ky * K + kx) * channels + channel;
                *weight = S::as_simd_f32s(&self.layer.weights[at..][..S::F32_LANES]).0[0];
            }
            let row = ((y * STRIDE + ky) * self.in_width + x * STRIDE) * channels + channel;
            // One bounds check a row of taps.
            let taps = &self.x[row..row + ((N - 1) * STRIDE + K - 1) * channels + S::F32_LANES];
            for column in 0..(N - 1) * STRIDE + K {
                let tap = S::as_simd_f32s(&taps[column * channels..][..S::F32_LANES]).0[0];
                for kx in 0..K {
                    if column >= kx && (column - kx) % STRIDE == 0 && (column - kx) / STRIDE < N {
                        let sum = &mut sums[(column - kx) / STRIDE];
                        *sum = simd.mul_add_e_f32s(tap, weights[kx], *sum);
                    }
                }
            }
        }
        for (i, &sum) in sums.iter().enumerate() {
            let at = (y * self.out_width + x + i) * channels + channel;
            S::as_mut_simd_f32s(&mut self.out[at..at + S::F32_LANES]).0[0] = relu6(simd, sum);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::testing::random;

    #[test]
    fn a_depthwise_convolution_is_the_plain_sum_over_its_window() {
        for (channels, kernel, stride, width) in
            [(32, 3, 1, 9), (40, 5, 2, 11), (3, 3, 2, 5), (20, 7, 1, 8), (48, 3, 1, 33), (16, 5, 1, 17)]
        {
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
