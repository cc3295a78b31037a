//! A causal transformer of Llama's kind (Touvron et al. 2023, arXiv:2302.13971), in the sizes of SmolLM2: rotary positions
//! (Su et al. 2021, arXiv:2104.09864), grouped-query attention (Ainslie et al. 2023, arXiv:2305.13245), SwiGLU (Shazeer 2020,
//! arXiv:2002.05202) and root-mean-square normalisation (Zhang & Sennrich 2019, arXiv:1910.07467).

use burn::module::{Module, Param};
use burn::nn::{Linear, LinearConfig};
use burn::tensor::activation::{log_softmax, silu};
use burn::tensor::{Device, Int, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use super::attention::KeyValue;
use super::kv_cache::{KvCache, later};

/// The architecture as data; the defaults are SmolLM2-135M as SmolVLM-256M has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LlamaConfig {
    /// Rows of the token table. Default 49,280.
    pub vocabulary: usize,
    /// Longest sequence in tokens. Default 8192.
    pub max_len: usize,
    /// Width of a token. Default 576.
    pub d_model: usize,
    /// Inner width of the feed-forward layers. Default 1536.
    pub ffn_dim: usize,
    /// Layers. Default 30.
    pub layers: usize,
    /// Attention heads of queries; divide `d_model`. Default 9.
    pub heads: usize,
    /// Attention heads of keys and values; divide `heads`. Default 3.
    pub kv_heads: usize,
    /// Added to the mean square in normalisation. Default 1e-5.
    pub norm_epsilon: f64,
    /// Base of the rotary positions' frequencies. Default 100,000.
    pub rope_theta: f64,
    /// Whether the token table is the output's weights, too. Default false.
    pub tied: bool,
}

impl Default for LlamaConfig {
    fn default() -> Self {
        Self {
            vocabulary: 49_280,
            max_len: 8192,
            d_model: 576,
            ffn_dim: 1536,
            layers: 30,
            heads: 9,
            kv_heads: 3,
            norm_epsilon: 1e-5,
            rope_theta: 100_000.0,
            tied: false,
        }
    }
}

impl LlamaConfig {
    /// Width of a head.
    pub fn depth(&self) -> usize {
        self.d_model / self.heads
    }

    /// The network with fresh weights on `device`.
    pub fn init(&self, device: &Device) -> Llama {
        let norm =
            || RmsNorm { gamma: Param::from_tensor(Tensor::ones([self.d_model], device)), epsilon: self.norm_epsilon };
        let linear = |input, output| LinearConfig::new(input, output).with_bias(false).init(device);
        let (width, narrow) = (self.d_model, self.depth() * self.kv_heads);
        let layer = || LlamaLayer {
            attention_norm: norm(),
            query: linear(width, width),
            key: linear(width, narrow),
            value: linear(width, narrow),
            out: linear(width, width),
            mlp_norm: norm(),
            gate: linear(width, self.ffn_dim),
            up: linear(width, self.ffn_dim),
            down: linear(self.ffn_dim, width),
            heads: self.heads,
            kv_heads: self.kv_heads,
        };
        let table = || Param::from_tensor(Tensor::zeros([self.vocabulary, width], device));
        Llama {
            token: table(),
            layers: (0..self.layers).map(|_| layer()).collect(),
            norm: norm(),
            output: (!self.tied).then(table),
            rope_theta: self.rope_theta,
        }
    }
}

/// Normalisation by the root of the mean square.
#[derive(Module, Debug)]
pub struct RmsNorm {
    /// The gain, `[width]`.
    pub gamma: Param<Tensor<1>>,
    /// Added to the mean square.
    pub epsilon: f64,
}

impl RmsNorm {
    /// `[batch, rows, width]` to the same shape.
    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let mean = (x.clone() * x.clone()).mean_dim(2);
        x / (mean + self.epsilon).sqrt() * self.gamma.val().unsqueeze()
    }
}

/// One layer.
#[derive(Module, Debug)]
pub struct LlamaLayer {
    /// Normalisation before attention.
    pub attention_norm: RmsNorm,
    /// Query projection.
    pub query: Linear,
    /// Key projection, to fewer heads.
    pub key: Linear,
    /// Value projection, to fewer heads.
    pub value: Linear,
    /// Projection of the concatenated heads.
    pub out: Linear,
    /// Normalisation before the feed-forward half.
    pub mlp_norm: RmsNorm,
    /// What opens and shuts the inner units.
    pub gate: Linear,
    /// To the inner width.
    pub up: Linear,
    /// And back.
    pub down: Linear,
    /// Heads of queries.
    pub heads: usize,
    /// Heads of keys and values.
    pub kv_heads: usize,
}

/// Cosines and sines of the rotary positions of some rows, `[rows, depth / 2]` each.
#[derive(Debug, Clone)]
struct Rotation {
    cos: Tensor<2>,
    sin: Tensor<2>,
}

impl Rotation {
    /// Of the `rows` positions from `first` on.
    fn new(first: usize, rows: usize, depth: usize, theta: f64, device: &Device) -> Self {
        let half = depth / 2;
        let angle = |at: usize| {
            let (row, pair) = (first + at / half, at % half);
            row as f64 / theta.powf(2.0 * pair as f64 / depth as f64)
        };
        let table = |of: fn(f64) -> f64| {
            let numbers: Vec<f32> = (0..rows * half).map(|at| of(angle(at)) as f32).collect();
            Tensor::<2>::from_data(TensorData::new(numbers, [rows, half]), device)
        };
        Self { cos: table(f64::cos), sin: table(f64::sin) }
    }

    /// Turns `[batch, heads, rows, depth]`: the first half of each head with the second.
    fn turn(&self, x: Tensor<4>) -> Tensor<4> {
        let half = x.dims()[3] / 2;
        let (a, b) = (x.clone().narrow(3, 0, half), x.narrow(3, half, half));
        let (cos, sin) = (self.cos.clone().unsqueeze::<4>(), self.sin.clone().unsqueeze::<4>());
        let first = a.clone() * cos.clone() - b.clone() * sin.clone();
        Tensor::cat(vec![first, b * cos + a * sin], 3)
    }
}

impl LlamaLayer {
    /// `[batch, rows, d_model]` through the layer, with keys and values of all rows, those `before` included.
    fn forward(&self, x: Tensor<3>, before: Option<KeyValue>, rotation: &Rotation) -> (Tensor<3>, KeyValue) {
        let [batch, rows, width] = x.dims();
        let depth = width / self.heads;
        let split = |t: Tensor<3>, heads| t.reshape([batch, rows, heads, depth]).swap_dims(1, 2);
        let normed = self.attention_norm.forward(x.clone());
        let queries = rotation.turn(split(self.query.forward(normed.clone()), self.heads));
        let keys = rotation.turn(split(self.key.forward(normed.clone()), self.kv_heads));
        let new = KeyValue::new(keys, split(self.value.forward(normed), self.kv_heads));
        let own = match before {
            Some(before) => before.joined(new),
            None => new,
        };
        // The queries of a group stand one after the other before their keys, which are not copied for each.
        let group = self.heads / self.kv_heads;
        let queries = queries.reshape([batch, self.kv_heads, group * rows, depth]);
        let hidden = (rows > 1).then(|| {
            let later = later(rows, own.rows(), &x.device());
            later.repeat_dim(2, group)
        });
        let mixed = own.mixed(queries, hidden).reshape([batch, self.heads, rows, depth]);
        let x = x + self.out.forward(mixed.swap_dims(1, 2).reshape([batch, rows, width]));
        let normed = self.mlp_norm.forward(x.clone());
        let inner = silu(self.gate.forward(normed.clone())) * self.up.forward(normed);
        (x + self.down.forward(inner), own)
    }
}

/// The network.
#[derive(Module, Debug)]
pub struct Llama {
    /// Token embeddings, `[vocabulary, d_model]`.
    pub token: Param<Tensor<2>>,
    /// The layers in order.
    pub layers: Vec<LlamaLayer>,
    /// Normalisation before the output.
    pub norm: RmsNorm,
    /// The output's weights, `[vocabulary, d_model]`, where they are not the token embeddings.
    pub output: Option<Param<Tensor<2>>>,
    /// Base of the rotary positions' frequencies.
    pub rope_theta: f64,
}

impl Llama {
    /// Embeddings `[rows, d_model]` of tokens.
    pub fn embed(&self, tokens: Tensor<1, Int>) -> Tensor<2> {
        self.token.val().select(0, tokens)
    }

    /// Log-probabilities `[batch, vocabulary]` of the token after `embedded` `[batch, rows, d_model]`; `cache` grows by
    /// these.
    pub fn next(&self, embedded: Tensor<3>, cache: &mut KvCache) -> Tensor<2> {
        let [_, rows, width] = embedded.dims();
        let mut x = embedded;
        let depth = self.layers.first().map_or(width, |layer| width / layer.heads);
        let rotation = Rotation::new(cache.tokens, rows, depth, self.rope_theta, &x.device());
        let mut before = std::mem::take(&mut cache.layers).into_iter();
        for layer in &self.layers {
            let (after, own) = layer.forward(x, before.next(), &rotation);
            x = after;
            cache.layers.push(own);
        }
        cache.tokens += rows;
        let last = self.norm.forward(x.narrow(1, rows - 1, 1)).squeeze_dim::<2>(1);
        let output = self.output.as_ref().unwrap_or(&self.token).val();
        log_softmax(last.matmul(output.transpose()), 1)
    }
}
