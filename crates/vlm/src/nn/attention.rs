//! Multi-head attention, of a sequence over itself and of one learned query over a sequence.

use burn::module::{Module, Param};
use burn::nn::{LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::tensor::activation::softmax;
use burn::tensor::{Bool, Device, Tensor};

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
