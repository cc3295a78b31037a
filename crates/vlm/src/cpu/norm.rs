//! Layer normalisation of rows.

use burn::nn;
use pulp::{Arch, Simd, WithSimd};

use super::aligned::Aligned;
use super::transformer::floats;

/// Layer normalisation (Ba et al. 2016, arXiv:1607.06450): mean and variance in f32, in two passes.
#[derive(Debug, Clone)]
pub struct LayerNorm {
    gain: Aligned<f32>,
    bias: Aligned<f32>,
    epsilon: f32,
}

impl LayerNorm {
    /// `epsilon` is added to the variance; gain and bias are as long as a row.
    pub fn new(gain: &[f32], bias: &[f32], epsilon: f64) -> Self {
        assert_eq!(gain.len(), bias.len());
        let copy = |from: &[f32]| {
            let mut to = Aligned::zeroed(from.len());
            to.copy_from_slice(from);
            to
        };
        Self { gain: copy(gain), bias: copy(bias), epsilon: epsilon as f32 }
    }

    /// The same of a layer of tensors.
    pub fn of(layer: &nn::LayerNorm, epsilon: f64) -> Self {
        let gain = floats(layer.gamma.val());
        let bias = layer.beta.as_ref().map_or_else(|| vec![0.0; gain.len()], |bias| floats(bias.val()));
        Self::new(&gain, &bias, epsilon)
    }

    /// Numbers in a row.
    pub fn width(&self) -> usize {
        self.gain.len()
    }

    /// Rows of `x` to rows.
    pub fn apply(&self, x: &[f32]) -> Vec<f32> {
        let mut out = vec![0.0; x.len()];
        self.run(x, &mut out);
        out
    }

    /// Rows of `x` to rows of `out`.
    pub fn run(&self, x: &[f32], out: &mut [f32]) {
        Arch::new().dispatch(Run { norm: self, x, out });
    }
}

struct Run<'a> {
    norm: &'a LayerNorm,
    x: &'a [f32],
    out: &'a mut [f32],
}

impl WithSimd for Run<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let width = self.norm.width();
        for (x, out) in self.x.chunks_exact(width).zip(self.out.chunks_exact_mut(width)) {
            let mean = sum_of_powers::<S, 1>(simd, x, 0.0) / width as f32;
            let variance = sum_of_powers::<S, 2>(simd, x, mean) / width as f32;
            let scale = 1.0 / (variance + self.norm.epsilon).sqrt();
            let (means, scales) = (simd.splat_f32s(mean), simd.splat_f32s(scale));
            let (whole, rest) = S::as_mut_simd_f32s(out);
            let [x, gain, bias] = [x, &self.norm.gain, &self.norm.bias].map(|s| S::as_simd_f32s(s));
            for (((out, x), gain), bias) in whole.iter_mut().zip(x.0).zip(gain.0).zip(bias.0) {
                *out = simd.mul_add_e_f32s(simd.mul_f32s(simd.sub_f32s(*x, means), scales), *gain, *bias);
            }
            for (((out, x), gain), bias) in rest.iter_mut().zip(x.1).zip(gain.1).zip(bias.1) {
                *out = (x - mean) * scale * gain + bias;
            }
        }
    }
}

/// The sum of the numbers' distances from `from` to the power of `POWER`, 1 or 2. No closure says which: what is not inlined
/// is compiled without the instructions that were chosen.
#[inline(always)]
fn sum_of_powers<S: Simd, const POWER: usize>(simd: S, x: &[f32], from: f32) -> f32 {
    let (whole, rest) = S::as_simd_f32s(x);
    let (mut sums, froms) = ([simd.splat_f32s(0.0); 4], simd.splat_f32s(from));
    for some in whole.chunks(4) {
        for (sum, value) in sums.iter_mut().zip(some) {
            let value = simd.sub_f32s(*value, froms);
            *sum = if POWER == 1 { simd.add_f32s(*sum, value) } else { simd.mul_add_e_f32s(value, value, *sum) };
        }
    }
    let whole = simd.add_f32s(simd.add_f32s(sums[0], sums[1]), simd.add_f32s(sums[2], sums[3]));
    let mut sum = simd.reduce_sum_f32s(whole);
    for value in rest {
        sum += (value - from).powi(POWER as i32);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::testing::random;

    #[test]
    fn rows_are_normalised_as_the_formula_has_it() {
        for (rows, width) in [(0, 5), (1, 1), (3, 7), (2, 64), (4, 768), (2, 1151)] {
            let (gain, bias) = (random(width, 1), random(width, 2));
            let x: Vec<f32> = random(rows * width, 3).iter().map(|v| 3.0 * v + 2.0).collect();
            let mut out = vec![f32::NAN; rows * width];
            LayerNorm::new(&gain, &bias, 1e-5).run(&x, &mut out);
            for (x, out) in x.chunks_exact(width).zip(out.chunks_exact(width)) {
                let mean = x.iter().map(|v| f64::from(*v)).sum::<f64>() / width as f64;
                let variance = x.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / width as f64;
                for (i, (x, out)) in x.iter().zip(out).enumerate() {
                    let want =
                        (f64::from(*x) - mean) / (variance + 1e-5).sqrt() * f64::from(gain[i]) + f64::from(bias[i]);
                    assert!((want - f64::from(*out)).abs() < 1e-5, "{rows}x{width}: {want} {out}");
                }
            }
        }
    }
}
