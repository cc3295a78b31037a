//! The caption decoder: a pre-norm transformer (Vaswani et al. 2017, arXiv:1706.03762; Xiong et al. 2020,
//! arXiv:2002.04745) that reads a photo and writes a sentence, token by token.
//!
//! What it reads is its *memory*: the image tower's feature map, one row a position, behind one row for the
//! embedding in the space that photos and sentences share. The shared row lets it learn to write from
//! sentences alone, from their own embeddings (Nukrai et al. 2022, arXiv:2211.00575), before it sees photos.
//! Token embeddings are tied to the output. It takes token ids; [`super::Vocabulary`] makes them.

use std::cell::RefCell;
use std::path::Path;

use burn::config::Config;
use burn::module::{Module, Param};
use burn::nn::{Embedding, EmbeddingConfig, Initializer, LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::tensor::activation::relu;
use burn::tensor::{Bool, Device, Int, Tensor, TensorData};
use rand::rngs::StdRng;
use rand::{RngCore, SeedableRng};

use crate::nn::attention::{Attention, KeyValue};
use crate::{VlmError, weights};

/// Sizes of the decoder.
#[derive(Config, Debug, PartialEq)]
pub struct DecoderConfig {
    /// Tokens of the vocabulary.
    #[config(default = 8000)]
    pub vocabulary: usize,
    /// Longest sentence in tokens, its start included.
    #[config(default = 48)]
    pub longest: usize,
    /// Width of a token.
    #[config(default = 256)]
    pub width: usize,
    /// Width of the feed-forward layers.
    #[config(default = 1024)]
    pub hidden: usize,
    /// Attention heads.
    #[config(default = 8)]
    pub heads: usize,
    /// Layers in which the memory's rows see each other.
    #[config(default = 1)]
    pub memory_layers: usize,
    /// Layers of the decoder.
    #[config(default = 3)]
    pub layers: usize,
    /// Channels of the feature map.
    #[config(default = 1280)]
    pub features: usize,
    /// Positions of the feature map.
    #[config(default = 81)]
    pub positions: usize,
    /// Length of an embedding in the shared space.
    #[config(default = 512)]
    pub shared: usize,
}

impl DecoderConfig {
    /// The decoder with fresh weights on `device`.
    pub fn init(&self, device: &Device) -> Decoder {
        let norm = |width| LayerNormConfig::new(width).init(device);
        let table = |rows, width, std| {
            EmbeddingConfig::new(rows, width).with_initializer(Initializer::Normal { mean: 0.0, std }).init(device)
        };
        let attention = || Attention::new(self.width, self.heads, device);
        let layer = |across: bool| Layer {
            own_norm: norm(self.width),
            own: attention(),
            across_norm: across.then(|| norm(self.width)),
            across: across.then(attention),
            norm: norm(self.width),
            up: LinearConfig::new(self.width, self.hidden).init(device),
            down: LinearConfig::new(self.hidden, self.width).init(device),
        };
        Decoder {
            word: table(self.vocabulary, self.width, 0.04),
            place: table(self.longest, self.width, 0.02),
            feature_norm: norm(self.features),
            feature_in: LinearConfig::new(self.features, self.width).init(device),
            feature_place: table(self.positions, self.width, 0.02),
            shared_mean: Param::from_tensor(Tensor::zeros([self.shared], device)).set_require_grad(false),
            shared_in: LinearConfig::new(self.shared, self.width).init(device),
            memory_layers: (0..self.memory_layers).map(|_| layer(false)).collect(),
            memory_norm: norm(self.width),
            layers: (0..self.layers).map(|_| layer(true)).collect(),
            norm: norm(self.width),
        }
    }
}

/// What a token's embedding is multiplied by: its table starts small so that the tied output does too.
const WORD_SCALE: f64 = 8.0;

/// Drops units while training (Srivastava et al. 2014), the same ones for the same seed on any number of threads.
#[derive(Debug)]
pub struct Noise {
    rate: f64,
    random: RefCell<StdRng>,
}

impl Noise {
    /// Drops units with probability `rate`, in steps of 1/256.
    pub fn new(rate: f64, seed: u64) -> Self {
        Self { rate, random: RefCell::new(StdRng::seed_from_u64(seed)) }
    }
}

/// Zeroes numbers of `x` at random and scales the rest up; without `noise`, nothing.
fn dropped(x: Tensor<3>, noise: Option<&Noise>) -> Tensor<3> {
    let Some(noise) = noise else { return x };
    let shape = x.dims();
    let mut bytes = vec![0; shape.iter().product()];
    noise.random.borrow_mut().fill_bytes(&mut bytes);
    let bar = (noise.rate * 256.0).round();
    let kept = (256.0 / (256.0 - bar)) as f32;
    let mask: Vec<f32> = bytes.iter().map(|&byte| if f64::from(byte) < bar { 0.0 } else { kept }).collect();
    let device = x.device();
    x * Tensor::from_data(TensorData::new(mask, shape), &device)
}

/// One pre-norm layer; layers of the decoder also look at the memory.
#[derive(Module, Debug)]
pub struct Layer {
    /// Normalisation before self-attention.
    pub own_norm: LayerNorm,
    /// Attention over the own rows.
    pub own: Attention,
    /// Normalisation before attention over the memory.
    pub across_norm: Option<LayerNorm>,
    /// Attention over the memory.
    pub across: Option<Attention>,
    /// Normalisation before the feed-forward layer.
    pub norm: LayerNorm,
    /// Feed-forward, first half.
    pub up: Linear,
    /// Feed-forward, second half.
    pub down: Linear,
}

impl Layer {
    /// `[batch, rows, width]` through the layer; also gives the keys and values of all own rows, those `before`
    /// included. `memory` is that of the photos, each of which belongs to `batch / photos` successive sentences.
    fn forward(
        &self,
        x: Tensor<3>,
        before: Option<KeyValue>,
        hidden: Option<Tensor<4, Bool>>,
        memory: Option<&KeyValue>,
        noise: Option<&Noise>,
    ) -> (Tensor<3>, KeyValue) {
        let rows = self.own_norm.forward(x.clone());
        let new = self.own.remember(rows.clone());
        let own = match before {
            Some(before) => before.joined(new),
            None => new,
        };
        let mut x = x + dropped(self.own.look(rows, &own, hidden), noise);
        if let (Some(norm), Some(across), Some(memory)) = (&self.across_norm, &self.across, memory) {
            let [batch, rows, width] = x.dims();
            let photos = memory.batch();
            // The sentences of a photo stand in one row of queries: its memory is not copied for each.
            let queries = norm.forward(x.clone()).reshape([photos, batch / photos * rows, width]);
            let seen = across.look(queries, memory, None).reshape([batch, rows, width]);
            x = x + dropped(seen, noise);
        }
        let wide = relu(self.up.forward(self.norm.forward(x.clone())));
        (x + dropped(self.down.forward(wide), noise), own)
    }
}

/// The caption decoder.
#[derive(Module, Debug)]
pub struct Decoder {
    /// Token embeddings, also the output's weights.
    pub word: Embedding,
    /// Learned places in the sentence.
    pub place: Embedding,
    /// Normalises a position's features.
    pub feature_norm: LayerNorm,
    /// From features to the decoder's width.
    pub feature_in: Linear,
    /// Learned places in the map.
    pub feature_place: Embedding,
    /// Mean of the photos' embeddings, which lie in a cone, `[shared]`; not trained.
    pub shared_mean: Param<Tensor<1>>,
    /// From the shared space to the decoder's width.
    pub shared_in: Linear,
    /// Layers in which the memory's rows see each other.
    pub memory_layers: Vec<Layer>,
    /// Normalisation of the memory.
    pub memory_norm: LayerNorm,
    /// The decoder's layers in order.
    pub layers: Vec<Layer>,
    /// Normalisation before the output.
    pub norm: LayerNorm,
}

/// What the decoder has read of photos: keys and values of their memory, layer by layer.
#[derive(Debug, Clone)]
pub struct Memory(Vec<KeyValue>);

impl Memory {
    /// The photos `rows`.
    pub fn select(self, rows: Tensor<1, Int>) -> Self {
        Self(self.0.into_iter().map(|memory| memory.select(rows.clone())).collect())
    }
}

/// The sentences written so far: keys and values of their tokens, layer by layer.
#[derive(Debug, Clone, Default)]
pub struct Written {
    layers: Vec<KeyValue>,
    tokens: usize,
}

impl Written {
    /// The sentences `rows`, in that order; one may be taken twice.
    pub fn select(self, rows: Tensor<1, Int>) -> Self {
        Self { layers: self.layers.into_iter().map(|seen| seen.select(rows.clone())).collect(), ..self }
    }
}

impl Decoder {
    /// Loads weights onto the CPU.
    ///
    /// # Errors
    /// [`VlmError::Missing`] or [`VlmError::BadWeights`].
    pub fn load(path: &Path, config: &DecoderConfig) -> Result<Self, VlmError> {
        let mut decoder = config.init(&Device::flex());
        weights::load(&mut decoder, path)?;
        Ok(decoder)
    }

    /// Reads photos: feature maps `[photos, positions, features]` and embeddings `[photos, shared]` of unit length.
    pub fn read(&self, maps: Tensor<3>, shared: Tensor<2>, noise: Option<&Noise>) -> Memory {
        let features = self.feature_in.forward(dropped(self.feature_norm.forward(maps), noise));
        let places = self.feature_place.weight.val().unsqueeze::<3>();
        let shared = self.shared_row(shared - self.shared_mean.val().unsqueeze());
        self.understand(Tensor::cat(vec![shared, features + places], 1), noise)
    }

    /// Reads embeddings alone, `[sentences, shared]`, their mean already taken off.
    pub fn read_shared(&self, centred: Tensor<2>, noise: Option<&Noise>) -> Memory {
        self.understand(self.shared_row(centred), noise)
    }

    /// Reads sentences: ids `[sentences, tokens]`, mask tokens in place of what is to be restored.
    pub fn read_tokens(&self, ids: Tensor<2, Int>, noise: Option<&Noise>) -> Memory {
        self.understand(self.embed(ids, 0), noise)
    }

    /// Centred embeddings scaled to the length of normal noise, as one row of memory.
    fn shared_row(&self, centred: Tensor<2>) -> Tensor<3> {
        let [_, width] = centred.dims();
        let norm = centred.clone().powi_scalar(2).sum_dim(1).sqrt().clamp_min(1e-6);
        self.shared_in.forward(centred / norm * (width as f64).sqrt()).unsqueeze_dim(1)
    }

    fn understand(&self, rows: Tensor<3>, noise: Option<&Noise>) -> Memory {
        let mut x = dropped(rows, noise);
        for layer in &self.memory_layers {
            x = layer.forward(x, None, None, None, noise).0;
        }
        let x = self.memory_norm.forward(x);
        Memory(self.layers.iter().filter_map(|layer| layer.across.as_ref()).map(|a| a.remember(x.clone())).collect())
    }

    fn embed(&self, ids: Tensor<2, Int>, first: usize) -> Tensor<3> {
        let [_, tokens] = ids.dims();
        let places = self.place.weight.val().narrow(0, first, tokens).unsqueeze::<3>();
        self.word.forward(ids) * WORD_SCALE + places
    }

    /// States before the output, `[sentences, tokens, width]`, of whole sentences at once: for training.
    ///
    /// `ids` `[sentences, tokens]` begin with the start token; successive sentences share a photo of `memory`.
    pub fn states(&self, ids: Tensor<2, Int>, memory: &Memory, noise: Option<&Noise>) -> Tensor<3> {
        let [_, tokens] = ids.dims();
        let hidden = Tensor::<2, Bool>::tril_mask([tokens, tokens], 0, &ids.device()).unsqueeze::<4>();
        let mut x = dropped(self.embed(ids, 0), noise);
        for (layer, memory) in self.layers.iter().zip(&memory.0) {
            x = layer.forward(x, None, Some(hidden.clone()), Some(memory), noise).0;
        }
        self.norm.forward(x)
    }

    /// Log-probabilities `[sentences, vocabulary]` of the token after `last` `[sentences]`; `written` grows by it.
    pub fn next(&self, last: Tensor<1, Int>, memory: &Memory, written: &mut Written) -> Tensor<2> {
        let mut x = self.embed(last.unsqueeze_dim(1), written.tokens);
        let mut before = std::mem::take(&mut written.layers).into_iter();
        for (layer, memory) in self.layers.iter().zip(&memory.0) {
            let (after, own) = layer.forward(x, before.next(), None, Some(memory), None);
            x = after;
            written.layers.push(own);
        }
        written.tokens += 1;
        let state = self.norm.forward(x).squeeze_dim::<2>(1);
        burn::tensor::activation::log_softmax(state.matmul(self.word.weight.val().transpose()), 1)
    }
}
