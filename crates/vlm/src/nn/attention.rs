//! Multi-head attention, of a sequence over itself and of one learned query over a sequence.

use burn::module::{Module, Param};
use burn::nn::{LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::tensor::activation::softmax;
use burn::tensor::{Bool, Device, Int, Tensor};

use super::mlp::{Activation, Mlp};

/// The four projections of multi-head attention.
#[derive(Module, Debug)]
pub struct Attention {
    /// Query projection.
    pub query: Linear,
    /// Key projection.
    pub key: Linear,
    /// Value projection.
    pub value: Linear,
    /// Projection of the concatenated heads.
    pub out: Linear,
    /// Heads.
    pub heads: usize,
}

impl Attention {
    /// With fresh weights on `device`; `heads` divides `d_model`.
    pub fn new(d_model: usize, heads: usize, device: &Device) -> Self {
        let linear = || LinearConfig::new(d_model, d_model).init(device);
        Self { query: linear(), key: linear(), value: linear(), out: linear(), heads }
    }

    /// Softmax(Q K^T / sqrt(d)) V over the heads (Vaswani et al. 2017, eq. 1): `queries` `[batch, n, d_model]` over
    /// `states` `[batch, m, d_model]` to `[batch, n, d_model]`. `hidden` `[n, m]` is true where a state must not be seen.
    pub fn forward(&self, queries: Tensor<3>, states: Tensor<3>, hidden: Option<Tensor<2, Bool>>) -> Tensor<3> {
        let [batch, n, d_model] = queries.dims();
        let [_, m, _] = states.dims();
        let depth = d_model / self.heads;
        let split = |t: Tensor<3>, length: usize| t.reshape([batch, length, self.heads, depth]).swap_dims(1, 2);
        let q = split(self.query.forward(queries), n);
        let k = split(self.key.forward(states.clone()), m);
        let v = split(self.value.forward(states), m);
        let mut logits = q.matmul(k.swap_dims(2, 3)) / (depth as f64).sqrt(); // [batch, heads, n, m]
        if let Some(hidden) = hidden {
            logits = logits.mask_fill(hidden.unsqueeze::<4>().expand([batch, self.heads, n, m]), -1e9);
        }
        let mixed = softmax(logits, 3).matmul(v); // [batch, heads, n, depth]
        self.out.forward(mixed.swap_dims(1, 2).reshape([batch, n, d_model]))
    }
}

/// Keys and values of the rows that attention looks at, `[batch, heads, rows, depth]` each.
#[derive(Debug, Clone)]
pub struct KeyValue {
    keys: Tensor<4>,
    values: Tensor<4>,
}

impl KeyValue {
    /// Of keys and values `[batch, heads, rows, depth]`.
    pub fn new(keys: Tensor<4>, values: Tensor<4>) -> Self {
        Self { keys, values }
    }

    /// Sequences in the batch.
    pub fn batch(&self) -> usize {
        self.keys.dims()[0]
    }

    /// Rows of each sequence.
    pub fn rows(&self) -> usize {
        self.keys.dims()[2]
    }

    /// Rows of both, one after the other.
    pub fn joined(self, later: Self) -> Self {
        Self {
            keys: Tensor::cat(vec![self.keys, later.keys], 2),
            values: Tensor::cat(vec![self.values, later.values], 2),
        }
    }

    /// The sequences `rows` of the batch, in that order; one may be taken twice.
    pub fn select(self, rows: Tensor<1, Int>) -> Self {
        Self { keys: self.keys.select(0, rows.clone()), values: self.values.select(0, rows) }
    }

    /// Softmax(Q K^T / sqrt(depth)) V (Vaswani et al. 2017, eq. 1) of queries `[batch, heads, n, depth]`; `hidden` is
    /// true where a row must not be seen.
    pub fn mixed(&self, queries: Tensor<4>, hidden: Option<Tensor<4, Bool>>) -> Tensor<4> {
        let [_, _, _, depth] = queries.dims();
        let queries = queries / (depth as f64).sqrt();
        let mut logits = queries.matmul(self.keys.clone().swap_dims(2, 3)); // [batch, heads, n, rows]
        if let Some(hidden) = hidden {
            let shape = logits.dims();
            logits = logits.mask_fill(hidden.expand(shape), -1e9);
        }
        softmax(logits, 3).matmul(self.values.clone())
    }
}

impl Attention {
    /// `[batch, rows, d_model]` to `[batch, heads, rows, depth]`.
    fn split(&self, x: Tensor<3>) -> Tensor<4> {
        let [batch, rows, width] = x.dims();
        x.reshape([batch, rows, self.heads, width / self.heads]).swap_dims(1, 2)
    }

    /// Keys and values of `rows` `[batch, rows, d_model]`.
    pub fn remember(&self, rows: Tensor<3>) -> KeyValue {
        KeyValue::new(self.split(self.key.forward(rows.clone())), self.split(self.value.forward(rows)))
    }

    /// Attention of `x` `[batch, n, d_model]` over rows whose keys and values are at hand; `hidden` is true where a row
    /// must not be seen.
    pub fn look(&self, x: Tensor<3>, seen: &KeyValue, hidden: Option<Tensor<4, Bool>>) -> Tensor<3> {
        let [batch, n, width] = x.dims();
        let mixed = seen.mixed(self.split(self.query.forward(x)), hidden);
        self.out.forward(mixed.swap_dims(1, 2).reshape([batch, n, width]))
    }
}

/// One learned query that attends over a sequence, and a feed-forward layer after it: SigLIP's head.
#[derive(Module, Debug)]
pub struct AttentionPool {
    /// The query, `[d_model]`.
    pub probe: Param<Tensor<1>>,
    /// Attention of the query over the sequence.
    pub attention: Attention,
    /// Normalisation before the feed-forward layer.
    pub norm: LayerNorm,
    /// The feed-forward layer.
    pub mlp: Mlp,
}

impl AttentionPool {
    /// With fresh weights on `device`.
    pub fn new(
        d_model: usize,
        ffn_dim: usize,
        heads: usize,
        norm_epsilon: f64,
        activation: Activation,
        device: &Device,
    ) -> Self {
        Self {
            probe: Param::from_tensor(Tensor::zeros([d_model], device)),
            attention: Attention::new(d_model, heads, device),
            norm: LayerNormConfig::new(d_model).with_epsilon(norm_epsilon).init(device),
            mlp: Mlp::new(d_model, ffn_dim, activation, device),
        }
    }

    /// `[batch, tokens, d_model]` to `[batch, d_model]`.
    pub fn forward(&self, states: Tensor<3>) -> Tensor<2> {
        let [batch, _, d_model] = states.dims();
        let probe = self.probe.val().reshape([1, 1, d_model]).expand([batch, 1, d_model]);
        let pooled = self.attention.forward(probe, states, None);
        let pooled = pooled.clone() + self.mlp.forward(self.norm.forward(pooled));
        pooled.squeeze_dim(1)
    }
}
