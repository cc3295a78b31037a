//! The vision transformer on CPU cores without tensors: in f32, or with the layers' weights and inputs as bytes.
//!
//! Dosovitskiy et al. 2020 (arXiv:2010.11929) in the shapes of CLIP and SigLIP, the same sums as the network of burn's
//! tensors. Weights come as plain floats, linear ones `[input, output]`; it knows nothing of files.

mod network;
#[cfg(test)]
mod tests;

use rayon::prelude::*;

use super::attention::{Sequences, attend_one};
pub use super::encoder::{AttentionWeights, LayerWeights, NormWeights};
use super::encoder::{Encoder, EncoderSizes, Mlp, Scratch, add, normalise};
use super::linear::Linear;
pub use super::linear::{LinearWeights, Precision};
use super::norm::LayerNorm;
pub use super::pointwise::Pointwise;
use super::spare::Spare;

/// Rows of tokens that go through the layers together: enough to read weights seldom, and what is between the layers
/// stays in the third-level cache.
const ROWS_AT_ONCE: usize = 1024;

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
    patch: Linear,
    /// `[tokens, d_model]`, with the class token in the first.
    start: Vec<f32>,
    pre_norm: Option<LayerNorm>,
    encoder: Encoder,
    post_norm: LayerNorm,
    pool: Option<Pool>,
    projection: Option<Linear>,
    spare: Spare<Scratch>,
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
        let layers = sizes.layers();
        Self {
            sizes,
            patch: Linear::new(3 * area, &[(patch, 1.0)], Precision::Float),
            start,
            pre_norm: edges.pre_norm.map(|norm| layers.norm(norm)),
            encoder: Encoder::new(layers, precision),
            post_norm: layers.norm(edges.post_norm),
            pool: edges.pool.as_ref().map(|pool| Pool::new(&layers, pool)),
            projection: edges.projection.map(|layer| Linear::new(d_model, &[(layer, 1.0)], Precision::Float)),
            spare: Spare::default(),
        }
    }

    /// Adds a layer after those that there are.
    pub fn push(&mut self, layer: &LayerWeights<'_>) {
        self.encoder.push(layer);
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
            let lengths = self.lengths(scratch);
            let firsts: Vec<usize> = (0..lengths.len()).map(|photo| photo * self.tokens()).collect();
            let taken = self.pool.is_none().then_some(&*firsts);
            self.encoder.run(scratch, &Sequences { lengths: &lengths, causal: false }, taken);
            let mut normed = vec![0.0; scratch.x.len()];
            normalise(&self.post_norm, &scratch.x, &mut normed);
            match &self.pool {
                Some(pool) => pooled.extend(pool.run(&normed, self.tokens(), self.encoder.sizes())),
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
            let lengths = self.lengths(scratch);
            self.encoder.run(scratch, &Sequences { lengths: &lengths, causal: false }, None);
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

    /// Rows of each photo in `scratch`.
    fn lengths(&self, scratch: &Scratch) -> Vec<usize> {
        vec![self.tokens(); scratch.x.len() / self.start.len()]
    }
}

impl VitSizes {
    fn layers(&self) -> EncoderSizes {
        let Self { d_model, heads, norm_epsilon, activation, .. } = *self;
        EncoderSizes { d_model, heads, norm_epsilon, activation }
    }
}

impl Pool {
    /// In f32, whatever the layers are: it is a hundredth of the work.
    fn new(sizes: &EncoderSizes, pool: &PoolWeights<'_>) -> Self {
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
    fn run(&self, states: &[f32], tokens: usize, sizes: &EncoderSizes) -> Vec<f32> {
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

/// The lowest cosine between vectors `[rows, width]` of two networks: whether bytes are near enough to floats.
pub fn lowest_cosine(a: &[f32], b: &[f32], width: usize) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    let cosine = |(a, b): (&[f32], &[f32])| dot(a, b) / (dot(a, a) * dot(b, b)).sqrt();
    a.chunks_exact(width).zip(b.chunks_exact(width)).map(cosine).fold(1.0, f64::min)
}
