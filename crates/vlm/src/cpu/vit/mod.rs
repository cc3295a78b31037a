//! The vision transformer on CPU cores without tensors: in f32, or with the layers' weights and inputs as bytes.
//!
//! Dosovitskiy et al. 2020 (arXiv:2010.11929) in the shapes of CLIP and SigLIP, the same sums as the network of burn's
//! tensors. Weights come as plain floats, linear ones `[input, output]`; it knows nothing of files.

mod network;
#[cfg(test)]
mod tests;

use rayon::prelude::*;

use super::attention::{attend, attend_one};
use super::dot8::Rows8;
use super::linear::{Linear, Rows};
pub use super::linear::{LinearWeights, Precision};
use super::norm::LayerNorm;
pub use super::pointwise::Pointwise;
use super::spare::Spare;

/// Rows of tokens that go through the layers together: enough to read weights seldom, and what is between the layers
/// stays in the third-level cache.
const ROWS_AT_ONCE: usize = 1024;

/// Rows that a task normalises.
const ROWS_A_TASK: usize = 32;

/// The sizes of the network.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VitSizes {
    /// Side of the square input in pixels; a multiple of `patch_size`.
    pub image_size: usize,
    /// Side of a patch in pixels.
    pub patch_size: usize,
    /// Width of a token.
    pub d_model: usize,
    /// Attention heads; divide `d_model`.
    pub heads: usize,
    /// Added to the variance in layer normalisation.
    pub norm_epsilon: f64,
    /// Between the two linear maps of a layer.
    pub activation: Pointwise,
}

impl VitSizes {
    fn patches(&self) -> usize {
        (self.image_size / self.patch_size).pow(2)
    }
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

/// SigLIP's head: a learned query attends over the tokens, and a feed-forward half follows.
#[derive(Debug, Clone, Copy)]
pub struct PoolWeights<'a> {
    /// The query, `[d_model]`.
    pub probe: &'a [f32],
    /// Its attention, and what follows.
    pub attention: AttentionWeights<'a>,
    /// Before the feed-forward half.
    pub norm: NormWeights<'a>,
    /// `[d_model, ffn_dim]`.
    pub up: LinearWeights<'a>,
    /// `[ffn_dim, d_model]`.
    pub down: LinearWeights<'a>,
}

/// What is around the layers.
#[derive(Debug, Clone, Copy)]
pub struct EdgeWeights<'a> {
    /// The patch convolution, `[d_model, 3, patch_size, patch_size]`.
    pub patch: &'a [f32],
    /// Its bias, `[d_model]`.
    pub patch_bias: Option<&'a [f32]>,
    /// The learned token before the patches, `[d_model]`.
    pub class_token: Option<&'a [f32]>,
    /// `[tokens, d_model]`, the class token's first.
    pub position: &'a [f32],
    /// Before the first layer.
    pub pre_norm: Option<NormWeights<'a>>,
    /// Before pooling.
    pub post_norm: NormWeights<'a>,
    /// Pooling by attention; without it the class token is taken, or the first where there is none.
    pub pool: Option<PoolWeights<'a>>,
    /// To the shared space, `[d_model, dims]`.
    pub projection: Option<LinearWeights<'a>>,
}

/// A vision transformer with weights laid out for CPU kernels.
#[derive(Debug)]
pub struct CpuVit {
    sizes: VitSizes,
    precision: Precision,
    patch: Linear,
    /// `[tokens, d_model]`, with the class token in the first.
    start: Vec<f32>,
    pre_norm: Option<LayerNorm>,
    layers: Vec<Layer>,
    post_norm: LayerNorm,
    pool: Option<Pool>,
    projection: Option<Linear>,
    spare: Spare<Scratch>,
}

#[derive(Debug)]
struct Layer {
    attention_norm: LayerNorm,
    /// Queries, keys and values side by side; queries are scaled.
    mixed: Linear,
    out: Linear,
    mlp: Mlp,
}

#[derive(Debug)]
struct Mlp {
    norm: LayerNorm,
    up: Linear,
    down: Linear,
}

#[derive(Debug)]
struct Pool {
    /// The scaled query of the probe.
    query: Vec<f32>,
    /// Keys and values side by side.
    mixed: Linear,
    out: Linear,
    mlp: Mlp,
}

#[derive(Debug, Default)]
struct Scratch {
    x: Vec<f32>,
    normed: Vec<f32>,
    mixed: Vec<f32>,
    attended: Vec<f32>,
    hidden: Vec<f32>,
}

/// What the network gives for some photos.
#[derive(Debug, Clone, PartialEq)]
pub struct VitVectors {
    /// What is pooled, `[photos, d_model]`.
    pub pooled: Vec<f32>,
    /// The same in the shared space, `[photos, dims]`, not yet of unit length.
    pub shared: Vec<f32>,
}

impl CpuVit {
    /// The network without layers, which [`Self::push`] adds one by one, so that weights need not be held twice.
    pub fn new(sizes: VitSizes, edges: &EdgeWeights<'_>, precision: Precision) -> Self {
        let (d_model, side) = (sizes.d_model, sizes.patch_size);
        let area = side * side;
        // Patches are gathered as [ky, kx, 3]; the weights are [output, 3, ky, kx].
        let mut patch = vec![0.0; 3 * area * d_model];
        for (at, to) in patch.iter_mut().enumerate() {
            let (i, o) = (at / d_model, at % d_model);
            *to = edges.patch[(o * 3 + i % 3) * area + i / 3];
        }
        let patch = LinearWeights { weight: &patch, bias: edges.patch_bias };
        let mut start = edges.position.to_vec();
        if let Some(class) = edges.class_token {
            add(&mut start[..d_model], class);
        }
        assert_eq!(start.len(), (sizes.patches() + usize::from(edges.class_token.is_some())) * d_model);
        Self {
            sizes,
            precision,
            patch: Linear::new(3 * area, &[(patch, 1.0)], Precision::Float),
            start,
            pre_norm: edges.pre_norm.map(|norm| sizes.norm(norm)),
            layers: Vec::new(),
            post_norm: sizes.norm(edges.post_norm),
            pool: edges.pool.as_ref().map(|pool| Pool::new(&sizes, pool)),
            projection: edges.projection.map(|layer| Linear::new(d_model, &[(layer, 1.0)], Precision::Float)),
            spare: Spare::default(),
        }
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

    /// Tokens of a photo.
    pub fn tokens(&self) -> usize {
        self.start.len() / self.sizes.d_model
    }

    /// Normalised photos `[side, side, 3]` each through the network, all cores on them.
    pub fn forward(&self, photos: &[Vec<f32>]) -> VitVectors {
        let d_model = self.sizes.d_model;
        let mut pooled = Vec::with_capacity(photos.len() * d_model);
        self.each_group(photos, |scratch| {
            let last = self.layers.len().saturating_sub(1);
            for layer in self.layers.iter().take(last) {
                self.layer(layer, scratch);
            }
            match (&self.pool, self.layers.last()) {
                (None, Some(layer)) => self.first_of_layer(layer, scratch),
                (None, None) => keep_first(&mut scratch.x, self.tokens(), d_model),
                (Some(_), Some(layer)) => self.layer(layer, scratch),
                (Some(_), None) => {}
            }
            let mut normed = vec![0.0; scratch.x.len()];
            normalise(&self.post_norm, &scratch.x, &mut normed);
            match &self.pool {
                Some(pool) => pooled.extend(pool.run(&normed, self.tokens(), &self.sizes)),
                None => pooled.extend(normed),
            }
        });
        let shared = match &self.projection {
            Some(projection) => {
                let mut shared = vec![0.0; photos.len() * projection.output()];
                projection.run(&projection.rows(&pooled), Pointwise::Linear, &mut shared);
                shared
            }
            None => pooled.clone(),
        };
        VitVectors { pooled, shared }
    }

    /// The states of all tokens after the last layer, normalised: `[photos, tokens, d_model]`.
    pub fn states(&self, photos: &[Vec<f32>]) -> Vec<f32> {
        let mut states = Vec::with_capacity(photos.len() * self.start.len());
        self.each_group(photos, |scratch| {
            self.layers.iter().for_each(|layer| self.layer(layer, scratch));
            let first = states.len();
            states.resize(first + scratch.x.len(), 0.0);
            normalise(&self.post_norm, &scratch.x, &mut states[first..]);
        });
        states
    }

    /// Tokens of some photos at a time, with positions, in `Scratch::x`.
    fn each_group(&self, photos: &[Vec<f32>], mut then: impl FnMut(&mut Scratch) + Send) {
        let mut scratch = self.spare.take();
        // On one of the pool's own threads: from outside, each step would wait until a thread has woken up.
        rayon::scope(|_| {
            for some in photos.chunks((ROWS_AT_ONCE / self.tokens()).max(1)) {
                self.embed(some, &mut scratch);
                then(&mut scratch);
            }
        });
    }

    /// Patches of photos through the convolution, as a matrix product.
    fn embed(&self, photos: &[Vec<f32>], scratch: &mut Scratch) {
        let VitSizes { image_size, patch_size, d_model, .. } = self.sizes;
        let (grid, line) = (image_size / patch_size, 3 * patch_size);
        let (patches, high) = (grid * grid, patch_size * line);
        let Scratch { x, normed, hidden, .. } = scratch;
        hidden.resize(photos.len() * patches * high, 0.0);
        hidden.par_chunks_exact_mut(high).enumerate().with_min_len(8).for_each(|(index, patch)| {
            let (photo, at) = (&photos[index / patches], index % patches);
            assert_eq!(photo.len(), image_size * image_size * 3, "photos are as large as the network wants them");
            let corner = (at / grid * patch_size * image_size + at % grid * patch_size) * 3;
            for (row, to) in patch.chunks_exact_mut(line).enumerate() {
                to.copy_from_slice(&photo[corner + row * image_size * 3..][..line]);
            }
        });
        normed.resize(photos.len() * patches * d_model, 0.0);
        self.patch.run(&self.patch.rows(hidden), Pointwise::Linear, normed);
        x.clear();
        let class = (self.tokens() - patches) * d_model;
        for patches in normed.chunks_exact(patches * d_model) {
            let first = x.len();
            x.extend_from_slice(&self.start);
            add(&mut x[first + class..], patches);
        }
        if let Some(norm) = &self.pre_norm {
            normed.resize(x.len(), 0.0);
            normalise(norm, x, normed);
            std::mem::swap(x, normed);
        }
    }

    /// Queries, keys and values, and attention, into `Scratch::attended`.
    fn attention(&self, layer: &Layer, scratch: &mut Scratch) {
        let Scratch { x, normed, mixed, attended, .. } = scratch;
        mixed.resize(3 * x.len(), 0.0);
        attended.resize(x.len(), 0.0);
        layer.mixed.run(&rows_after(&layer.attention_norm, x, normed, self.precision), Pointwise::Linear, mixed);
        attend(mixed, self.tokens(), self.sizes.d_model, self.sizes.heads, attended);
    }

    fn layer(&self, layer: &Layer, scratch: &mut Scratch) {
        self.attention(layer, scratch);
        let Scratch { x, normed, attended, hidden, .. } = scratch;
        layer.out.add_to(&layer.out.rows(attended), x);
        layer.mlp.run(x, normed, hidden, self.sizes.activation);
    }

    /// A layer of which only the first token of each photo is wanted.
    fn first_of_layer(&self, layer: &Layer, scratch: &mut Scratch) {
        self.attention(layer, scratch);
        let Scratch { x, normed, attended, hidden, .. } = scratch;
        keep_first(x, self.tokens(), self.sizes.d_model);
        keep_first(attended, self.tokens(), self.sizes.d_model);
        layer.out.add_to(&layer.out.rows(attended), x);
        layer.mlp.run(x, normed, hidden, self.sizes.activation);
    }
}

impl VitSizes {
    fn norm(&self, weights: NormWeights<'_>) -> LayerNorm {
        assert_eq!(weights.gain.len(), self.d_model);
        LayerNorm::new(weights.gain, weights.bias, self.norm_epsilon)
    }

    /// One over the root of the width of a head.
    fn query_scale(&self) -> f32 {
        1.0 / ((self.d_model / self.heads) as f32).sqrt()
    }
}

impl Mlp {
    fn new(
        sizes: &VitSizes,
        norm: NormWeights<'_>,
        up: LinearWeights<'_>,
        down: LinearWeights<'_>,
        precision: Precision,
    ) -> Self {
        let up = Linear::new(sizes.d_model, &[(up, 1.0)], precision);
        Self { norm: sizes.norm(norm), down: Linear::new(up.output(), &[(down, 1.0)], precision), up }
    }

    /// Adds what comes out for `x` to it.
    fn run(&self, x: &mut [f32], normed: &mut Vec<f32>, hidden: &mut Vec<f32>, activation: Pointwise) {
        hidden.resize(x.len() / self.up.input() * self.up.output(), 0.0);
        self.up.run(&rows_after(&self.norm, x, normed, self.up.precision()), activation, hidden);
        self.down.add_to(&self.down.rows(hidden), x);
    }
}

impl Pool {
    /// In f32, whatever the layers are: it is a hundredth of the work.
    fn new(sizes: &VitSizes, pool: &PoolWeights<'_>) -> Self {
        let linear = |layers: &[(LinearWeights<'_>, f32)]| Linear::new(sizes.d_model, layers, Precision::Float);
        let query = linear(&[(pool.attention.query, sizes.query_scale())]);
        let mut probe = vec![0.0; sizes.d_model];
        query.run(&query.rows(pool.probe), Pointwise::Linear, &mut probe);
        Self {
            query: probe,
            mixed: linear(&[(pool.attention.key, 1.0), (pool.attention.value, 1.0)]),
            out: linear(&[(pool.attention.out, 1.0)]),
            mlp: Mlp::new(sizes, pool.norm, pool.up, pool.down, Precision::Float),
        }
    }

    /// Normalised states `[photos, tokens, d_model]` to `[photos, d_model]`.
    fn run(&self, states: &[f32], tokens: usize, sizes: &VitSizes) -> Vec<f32> {
        let mut mixed = vec![0.0; 2 * states.len()];
        self.mixed.run(&self.mixed.rows(states), Pointwise::Linear, &mut mixed);
        let mut attended = vec![0.0; states.len() / tokens];
        attend_one(&self.query, &mixed, tokens, sizes.heads, &mut attended);
        let mut pooled = vec![0.0; attended.len()];
        self.out.run(&self.out.rows(&attended), Pointwise::Linear, &mut pooled);
        self.mlp.run(&mut pooled, &mut Vec::new(), &mut Vec::new(), sizes.activation);
        pooled
    }
}

/// Rows of `x` after `norm`, for a layer of that precision.
fn rows_after<'a>(norm: &LayerNorm, x: &[f32], normed: &'a mut Vec<f32>, precision: Precision) -> Rows<'a> {
    match precision {
        Precision::Float => {
            normed.resize(x.len(), 0.0);
            normalise(norm, x, normed);
            Rows::Float(normed)
        }
        Precision::Eight => Rows::Eight(Rows8::normalised(x, norm)),
    }
}

/// Rows of `x` through `norm`, on all cores.
fn normalise(norm: &LayerNorm, x: &[f32], out: &mut [f32]) {
    let some = ROWS_A_TASK * norm.width();
    x.par_chunks(some).zip(out.par_chunks_mut(some)).for_each(|(x, out)| norm.run(x, out));
}

/// Keeps the first of every `tokens` rows.
fn keep_first(rows: &mut Vec<f32>, tokens: usize, width: usize) {
    let photos = rows.len() / (tokens * width);
    for photo in 0..photos {
        rows.copy_within(photo * tokens * width..(photo * tokens + 1) * width, photo * width);
    }
    rows.truncate(photos * width);
}

fn add(x: &mut [f32], y: &[f32]) {
    assert_eq!(x.len(), y.len());
    x.iter_mut().zip(y).for_each(|(x, y)| *x += y);
}

/// The lowest cosine between vectors `[rows, width]` of two networks: whether bytes are near enough to floats.
pub fn lowest_cosine(a: &[f32], b: &[f32], width: usize) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    let cosine = |(a, b): (&[f32], &[f32])| dot(a, b) / (dot(a, a) * dot(b, b)).sqrt();
    a.chunks_exact(width).zip(b.chunks_exact(width)).map(cosine).fold(1.0, f64::min)
}
