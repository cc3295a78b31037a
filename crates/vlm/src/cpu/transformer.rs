//! What a transformer layer needs beside its matrix products, for short sequences on all cores.

use burn::nn;
use burn::tensor::Tensor;
use rayon::prelude::*;

use super::{Activation, Dense, Placement};

/// A linear layer whose columns are shared out over the cores: with few rows to multiply, time goes by in
/// reading weights, and each core reads a part of its own.
#[derive(Debug, Clone)]
pub struct Linear {
    shards: Vec<Dense>,
    output: usize,
}

impl Linear {
    /// Lays out the weights of `layers`, all `[input, output]`; their outputs stand side by side.
    pub fn new(layers: &[&nn::Linear]) -> Self {
        let input = layers[0].weight.dims()[0];
        let bias = |l: &nn::Linear| l.bias.as_ref().map_or_else(|| vec![0.0; l.weight.dims()[1]], |b| floats(b.val()));
        let bias: Vec<f32> = layers.iter().flat_map(|layer| bias(layer)).collect();
        let wide = layers[0].weight.dims()[1];
        debug_assert!(layers.iter().all(|layer| layer.weight.dims() == [input, wide]));
        let weights: Vec<Vec<f32>> = layers.iter().map(|layer| floats(layer.weight.val())).collect();
        // Whole cache lines of an output row for each core.
        let part = bias.len().div_ceil(rayon::current_num_threads()).next_multiple_of(16);
        let shard = |(index, bias): (usize, &[f32])| {
            let first = index * part;
            let weight = |i: usize, o: usize| weights[(first + o) / wide][i * wide + (first + o) % wide];
            Dense::new(input, bias, Activation::Linear, weight)
        };
        Self { shards: bias.par_chunks(part).enumerate().map(shard).collect(), output: bias.len() }
    }

    /// `x` `[rows, input]` to `[rows, output]`, each number through `after`.
    pub fn run(&self, x: &[f32], after: impl Fn(f32) -> f32 + Sync) -> Vec<f32> {
        let parts: Vec<Vec<f32>> = self
            .shards
            .par_iter()
            .map(|shard| {
                let rows = x.len() / shard.input();
                let mut out = vec![0.0; rows * shard.output()];
                shard.run(x, &mut out, Placement { width: rows.max(1), pitch: 0 }, None);
                out.iter_mut().for_each(|value| *value = after(*value));
                out
            })
            .collect();
        let rows = parts.first().map_or(0, |part| part.len() / self.shards[0].output());
        let mut out = Vec::with_capacity(rows * self.output);
        for row in 0..rows {
            for (part, shard) in parts.iter().zip(&self.shards) {
                out.extend_from_slice(&part[row * shard.output()..][..shard.output()]);
            }
        }
        out
    }
}

/// Layer normalisation (Ba et al. 2016, arXiv:1607.06450).
#[derive(Debug, Clone)]
pub struct LayerNorm {
    gain: Vec<f32>,
    bias: Vec<f32>,
    epsilon: f32,
}

impl LayerNorm {
    /// The weights of `layer`; `epsilon` is added to the variance.
    pub fn new(layer: &nn::LayerNorm, epsilon: f64) -> Self {
        let gain = floats(layer.gamma.val());
        let bias = layer.beta.as_ref().map_or_else(|| vec![0.0; gain.len()], |bias| floats(bias.val()));
        Self { gain, bias, epsilon: epsilon as f32 }
    }

    /// Normalises each row of `x` `[rows, width]` in place.
    pub fn run(&self, x: &mut [f32]) {
        let width = self.gain.len();
        for row in x.chunks_exact_mut(width) {
            let mean = row.iter().sum::<f32>() / width as f32;
            let variance = row.iter().map(|value| (value - mean).powi(2)).sum::<f32>() / width as f32;
            let scale = (variance + self.epsilon).sqrt().recip();
            for ((value, gain), bias) in row.iter_mut().zip(&self.gain).zip(&self.bias) {
                *value = (*value - mean) * scale * gain + bias;
            }
        }
    }
}

/// x Φ(x) with the exact normal distribution (Hendrycks & Gimpel 2016, arXiv:1606.08415).
pub fn gelu(x: f32) -> f32 {
    0.5 * x * (1.0 + libm::erff(x * std::f32::consts::FRAC_1_SQRT_2))
}

/// Softmax(Q K^T / sqrt(d)) V (Vaswani et al. 2017, eq. 1) in `heads` heads, of every row over all rows.
/// `mixed` `[rows, 3 * width]` holds queries, keys and values side by side. Gives `[rows, width]`.
pub fn attend(mixed: &[f32], width: usize, heads: usize) -> Vec<f32> {
    let depth = width / heads;
    let scale = (depth as f32).sqrt().recip();
    let rows = mixed.len() / (3 * width);
    let part = |row: usize, which: usize, head: usize| &mixed[(3 * row + which) * width + head * depth..][..depth];
    let mut out = vec![0.0; rows * width];
    let mut weights = vec![0.0; rows];
    for (at, out) in out.chunks_exact_mut(depth).enumerate() {
        let (row, head) = (at / heads, at % heads);
        let query = part(row, 0, head);
        for (other, weight) in weights.iter_mut().enumerate() {
            *weight = query.iter().zip(part(other, 1, head)).map(|(q, k)| q * k).sum::<f32>() * scale;
        }
        let highest = weights.iter().copied().fold(f32::MIN, f32::max);
        weights.iter_mut().for_each(|weight| *weight = (*weight - highest).exp());
        let sum: f32 = weights.iter().sum();
        for (other, weight) in weights.iter().enumerate() {
            for (out, value) in out.iter_mut().zip(part(other, 2, head)) {
                *out += weight / sum * value;
            }
        }
    }
    out
}

/// Adds `y` to `x`, number by number.
pub fn add(x: &mut [f32], y: &[f32]) {
    x.iter_mut().zip(y).for_each(|(x, y)| *x += y);
}

/// A weight tensor as plain floats, row-major.
pub fn floats<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec::<f32>().expect("weights are loaded as f32")
}
