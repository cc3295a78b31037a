//! The layers that vision and text transformers share: each half normalises first, all cores on every step.
//!
//! Xiong et al. 2020 (arXiv:2002.04745), as CLIP and SigLIP have it; the same sums as [`crate::nn::block`]. Rows of several
//! sequences go through together, of any lengths.

use rayon::prelude::*;

use super::attention::{Sequences, attend};
use super::dot8::Rows8;
use super::linear::{Linear, LinearWeights, Precision, Rows};
use super::norm::LayerNorm;
use super::pointwise::Pointwise;

/// Rows that a task normalises.
const ROWS_A_TASK: usize = 32;

/// The sizes of the layers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct EncoderSizes {
    /// Width of a token.
    pub d_model: usize,
    /// Attention heads; divide `d_model`.
    pub heads: usize,
    /// Added to the variance in layer normalisation.
    pub norm_epsilon: f64,
    /// Between the two linear maps of a layer.
    pub activation: Pointwise,
}

/// Gain and bias of a layer normalisation.
#[derive(Debug, Clone, Copy)]
pub struct NormWeights<'a> {
    /// `[d_model]`.
    pub gain: &'a [f32],
    /// `[d_model]`.
    pub bias: &'a [f32],
}

/// The four projections of multi-head attention, all `[d_model, d_model]`.
#[derive(Debug, Clone, Copy)]
pub struct AttentionWeights<'a> {
    /// Query projection.
    pub query: LinearWeights<'a>,
    /// Key projection.
    pub key: LinearWeights<'a>,
    /// Value projection.
    pub value: LinearWeights<'a>,
    /// Projection of the heads side by side.
    pub out: LinearWeights<'a>,
}

/// A layer.
#[derive(Debug, Clone, Copy)]
pub struct LayerWeights<'a> {
    /// Before attention.
    pub attention_norm: NormWeights<'a>,
    /// Attention of the tokens over themselves.
    pub attention: AttentionWeights<'a>,
    /// Before the feed-forward half.
    pub mlp_norm: NormWeights<'a>,
    /// `[d_model, ffn_dim]`.
    pub up: LinearWeights<'a>,
    /// `[ffn_dim, d_model]`.
    pub down: LinearWeights<'a>,
}

/// Layers with weights laid out for CPU kernels.
#[derive(Debug)]
pub(super) struct Encoder {
    sizes: EncoderSizes,
    precision: Precision,
    layers: Vec<Layer>,
}

#[derive(Debug)]
struct Layer {
    attention_norm: LayerNorm,
    /// Queries, keys and values side by side; queries are scaled.
    mixed: Linear,
    out: Linear,
    mlp: Mlp,
}

/// The feed-forward half.
#[derive(Debug)]
pub(super) struct Mlp {
    norm: LayerNorm,
    up: Linear,
    down: Linear,
}

/// What is between the steps of a layer.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    /// The rows themselves.
    pub x: Vec<f32>,
    pub normed: Vec<f32>,
    pub mixed: Vec<f32>,
    pub attended: Vec<f32>,
    pub hidden: Vec<f32>,
}

impl Encoder {
    /// Without layers.
    pub fn new(sizes: EncoderSizes, precision: Precision) -> Self {
        Self { sizes, precision, layers: Vec::new() }
    }

    pub fn sizes(&self) -> &EncoderSizes {
        &self.sizes
    }

    /// Adds a layer after those that there are.
    pub fn push(&mut self, layer: &LayerWeights<'_>) {
        let (sizes, precision) = (&self.sizes, self.precision);
        let LayerWeights { attention, .. } = layer;
        let mixed = [(attention.query, sizes.query_scale()), (attention.key, 1.0), (attention.value, 1.0)];
        self.layers.push(Layer {
            attention_norm: sizes.norm(layer.attention_norm),
            mixed: Linear::new(sizes.d_model, &mixed, precision),
            out: Linear::new(sizes.d_model, &[(attention.out, 1.0)], precision),
            mlp: Mlp::new(sizes, layer.mlp_norm, layer.up, layer.down, precision),
        });
    }

    /// Takes `scratch.x` `[rows of all sequences, d_model]` through all layers. Where rows are `taken`, only those are left,
    /// in that order; they are spared half of the last layer's work.
    pub fn run(&self, scratch: &mut Scratch, sequences: &Sequences<'_>, taken: Option<&[usize]>) {
        let last = self.layers.len().saturating_sub(1);
        for (index, layer) in self.layers.iter().enumerate() {
            self.attention(layer, scratch, sequences);
            let Scratch { x, normed, attended, hidden, .. } = scratch;
            if let Some(taken) = taken.filter(|_| index == last) {
                keep(x, taken, self.sizes.d_model);
                keep(attended, taken, self.sizes.d_model);
            }
            layer.out.add_to(&layer.out.rows(attended), x);
            layer.mlp.run(x, normed, hidden, self.sizes.activation);
        }
        if let Some(taken) = taken.filter(|_| self.layers.is_empty()) {
            keep(&mut scratch.x, taken, self.sizes.d_model);
        }
    }

    /// Queries, keys and values, and attention, into `Scratch::attended`.
    fn attention(&self, layer: &Layer, scratch: &mut Scratch, sequences: &Sequences<'_>) {
        let Scratch { x, normed, mixed, attended, .. } = scratch;
        mixed.resize(3 * x.len(), 0.0);
        attended.resize(x.len(), 0.0);
        layer.mixed.run(&rows_after(&layer.attention_norm, x, normed, self.precision), Pointwise::Linear, mixed);
        attend(mixed, sequences, self.sizes.d_model, self.sizes.heads, attended);
    }
}

impl EncoderSizes {
    pub fn norm(&self, weights: NormWeights<'_>) -> LayerNorm {
        assert_eq!(weights.gain.len(), self.d_model);
        LayerNorm::new(weights.gain, weights.bias, self.norm_epsilon)
    }

    /// One over the root of the width of a head.
    pub fn query_scale(&self) -> f32 {
        1.0 / ((self.d_model / self.heads) as f32).sqrt()
    }
}

impl Mlp {
    pub fn new(
        sizes: &EncoderSizes,
        norm: NormWeights<'_>,
        up: LinearWeights<'_>,
        down: LinearWeights<'_>,
        precision: Precision,
    ) -> Self {
        let up = Linear::new(sizes.d_model, &[(up, 1.0)], precision);
        Self { norm: sizes.norm(norm), down: Linear::new(up.output(), &[(down, 1.0)], precision), up }
    }

    /// Adds what comes out for `x` to it.
    pub fn run(&self, x: &mut [f32], normed: &mut Vec<f32>, hidden: &mut Vec<f32>, activation: Pointwise) {
        hidden.resize(x.len() / self.up.input() * self.up.output(), 0.0);
        self.up.run(&rows_after(&self.norm, x, normed, self.up.precision()), activation, hidden);
        self.down.add_to(&self.down.rows(hidden), x);
    }
}

/// Rows of `x` after `norm`, for a layer of that precision.
fn rows_after<'a>(norm: &LayerNorm, x: &[f32], normed: &'a mut Vec<f32>, precision: Precision) -> Rows<'a> {
    match precision {
        Precision::Float | Precision::Half => {
            normed.resize(x.len(), 0.0);
            normalise(norm, x, normed);
            Rows::Float(normed)
        }
        Precision::Eight => Rows::Eight(Rows8::normalised(x, norm)),
    }
}

/// Rows of `x` through `norm`, on all cores.
pub(super) fn normalise(norm: &LayerNorm, x: &[f32], out: &mut [f32]) {
    let some = ROWS_A_TASK * norm.width();
    x.par_chunks(some).zip(out.par_chunks_mut(some)).for_each(|(x, out)| norm.run(x, out));
}

/// Keeps these rows, which are in order and none twice.
fn keep(rows: &mut Vec<f32>, taken: &[usize], width: usize) {
    for (to, from) in taken.iter().enumerate() {
        rows.copy_within(from * width..(from + 1) * width, to * width);
    }
    rows.truncate(taken.len() * width);
}

pub(super) fn add(x: &mut [f32], y: &[f32]) {
    assert_eq!(x.len(), y.len());
    x.iter_mut().zip(y).for_each(|(x, y)| *x += y);
}
