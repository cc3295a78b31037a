//! BERT (Devlin et al. 2018, arXiv:1810.04805) whose layers also look at something else: BLIP's text networks (Li et al.
//! 2022, arXiv:2201.12086). One that reads a question looks at a photo; one that writes looks at a photo or at a question.
//!
//! Post-norm, learned positions, no segments. Token embeddings come from outside for reading, and are the output's weights
//! for writing.

use burn::module::{Module, Param};
use burn::nn::{LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::tensor::activation::{gelu, log_softmax};
use burn::tensor::{Device, Int, Tensor};
use serde::{Deserialize, Serialize};

use super::attention::{Attention, KeyValue};
use super::kv_cache::KvCache;
use super::mlp::{Activation, Mlp};

/// The architecture as data; the defaults are BLIP's base size.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CrossBertConfig {
    /// Rows of the token table. Default 30,524.
    pub vocabulary: usize,
    /// Longest sequence in tokens. Default 512.
    pub max_len: usize,
    /// Width of a token. Default 768.
    pub d_model: usize,
    /// Inner width of the feed-forward layers. Default 3072.
    pub ffn_dim: usize,
    /// Layers. Default 12.
    pub layers: usize,
    /// Attention heads; divide `d_model`. Default 12.
    pub heads: usize,
    /// Added to the variance in layer normalisation. Default 1e-12.
    pub norm_epsilon: f64,
}

impl Default for CrossBertConfig {
    fn default() -> Self {
        Self {
            vocabulary: 30_524,
            max_len: 512,
            d_model: 768,
            ffn_dim: 3072,
            layers: 12,
            heads: 12,
            norm_epsilon: 1e-12,
        }
    }
}

impl CrossBertConfig {
    /// The layers with fresh weights on `device`; what they look at is `seen_width` wide.
    pub fn init(&self, seen_width: usize, device: &Device) -> CrossBert {
        let norm = || LayerNormConfig::new(self.d_model).with_epsilon(self.norm_epsilon).init(device);
        let linear = |input| LinearConfig::new(input, self.d_model).init(device);
        let layer = || CrossBertLayer {
            attention: Attention::new(self.d_model, self.heads, device),
            attention_norm: norm(),
            cross: Attention {
                query: linear(self.d_model),
                key: linear(seen_width),
                value: linear(seen_width),
                out: linear(self.d_model),
                heads: self.heads,
            },
            cross_norm: norm(),
            mlp: Mlp::new(self.d_model, self.ffn_dim, Activation::Gelu, device),
            norm: norm(),
        };
        CrossBert {
            position: Param::from_tensor(Tensor::zeros([self.max_len, self.d_model], device)),
            norm: norm(),
            layers: (0..self.layers).map(|_| layer()).collect(),
        }
    }

    /// The network that writes, with fresh weights on `device`; what it looks at is `seen_width` wide.
    pub fn init_decoder(&self, seen_width: usize, device: &Device) -> CrossBertDecoder {
        CrossBertDecoder {
            token: Param::from_tensor(Tensor::zeros([self.vocabulary, self.d_model], device)),
            bert: self.init(seen_width, device),
            transform: LinearConfig::new(self.d_model, self.d_model).init(device),
            transform_norm: LayerNormConfig::new(self.d_model).with_epsilon(self.norm_epsilon).init(device),
            bias: Param::from_tensor(Tensor::zeros([self.vocabulary], device)),
        }
    }
}

/// One layer.
#[derive(Module, Debug)]
pub struct CrossBertLayer {
    /// Attention of the sequence over itself.
    pub attention: Attention,
    /// Normalisation after it.
    pub attention_norm: LayerNorm,
    /// Attention over what is looked at.
    pub cross: Attention,
    /// Normalisation after it.
    pub cross_norm: LayerNorm,
    /// The feed-forward half.
    pub mlp: Mlp,
    /// Normalisation after it.
    pub norm: LayerNorm,
}

impl CrossBertLayer {
    /// `[batch, rows, d_model]` through the layer, with keys and values of all own rows, those `before` included. What is
    /// looked at is one for all of the batch.
    fn forward(&self, x: Tensor<3>, before: Option<KeyValue>, seen: &KeyValue) -> (Tensor<3>, KeyValue) {
        let [batch, rows, width] = x.dims();
        let new = self.attention.remember(x.clone());
        let own = match before {
            Some(before) => before.joined(new),
            None => new,
        };
        let x = self.attention_norm.forward(x.clone() + self.attention.look(x, &own, None));
        // All rows stand in one sequence of queries, so that what is looked at is not copied for each.
        let queries = x.clone().reshape([1, batch * rows, width]);
        let looked = self.cross.look(queries, seen, None).reshape([batch, rows, width]);
        let x = self.cross_norm.forward(x + looked);
        (self.norm.forward(x.clone() + self.mlp.forward(x)), own)
    }
}

/// The layers with their positions.
#[derive(Module, Debug)]
pub struct CrossBert {
    /// Learned positions, `[max_len, d_model]`.
    pub position: Param<Tensor<2>>,
    /// Normalisation of the summed embeddings.
    pub norm: LayerNorm,
    /// The layers in order.
    pub layers: Vec<CrossBertLayer>,
}

impl CrossBert {
    /// Keys and values, layer by layer, of what is looked at, `[1, rows, seen_width]`.
    pub fn look_at(&self, seen: Tensor<3>) -> Vec<KeyValue> {
        self.layers.iter().map(|layer| layer.cross.remember(seen.clone())).collect()
    }

    /// Token embeddings `[batch, tokens, d_model]` through the layers, each token seeing all others of its sequence and
    /// those in `cache`, which grows by these. `seen` is what [`CrossBert::look_at`] gave.
    pub fn forward(&self, embedded: Tensor<3>, seen: &[KeyValue], cache: &mut KvCache) -> Tensor<3> {
        let [_, tokens, _] = embedded.dims();
        let position = self.position.val().narrow(0, cache.tokens, tokens).unsqueeze::<3>();
        let mut x = self.norm.forward(embedded + position);
        let mut before = std::mem::take(&mut cache.layers).into_iter();
        for (layer, seen) in self.layers.iter().zip(seen) {
            let (after, own) = layer.forward(x, before.next(), seen);
            x = after;
            cache.layers.push(own);
        }
        cache.tokens += tokens;
        x
    }
}

/// The network that writes.
#[derive(Module, Debug)]
pub struct CrossBertDecoder {
    /// Token embeddings, also the output's weights, `[vocabulary, d_model]`.
    pub token: Param<Tensor<2>>,
    /// The layers.
    pub bert: CrossBert,
    /// Before the output.
    pub transform: Linear,
    /// Normalisation after it.
    pub transform_norm: LayerNorm,
    /// Of the output, `[vocabulary]`.
    pub bias: Param<Tensor<1>>,
}

impl CrossBertDecoder {
    /// Log-probabilities `[rows, vocabulary]` of the token after `last` `[rows]`; `cache` grows by it.
    pub fn next(&self, last: Tensor<1, Int>, seen: &[KeyValue], cache: &mut KvCache) -> Tensor<2> {
        let embedded = self.token.val().select(0, last).unsqueeze_dim::<3>(1);
        let state = self.bert.forward(embedded, seen, cache).squeeze_dim::<2>(1);
        let state = self.transform_norm.forward(gelu(self.transform.forward(state)));
        log_softmax(state.matmul(self.token.val().transpose()) + self.bias.val().unsqueeze(), 1)
    }
}
