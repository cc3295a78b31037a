//! A transformer layer that normalises before each half (Xiong et al. 2020, arXiv:2002.04745), as CLIP and SigLIP have it.

use burn::module::Module;
use burn::nn::{LayerNorm, LayerNormConfig};
use burn::tensor::{Bool, Device, Tensor};

use super::attention::Attention;
use super::mlp::{Activation, Mlp};

/// One layer.
#[derive(Module, Debug)]
pub struct Block {
    /// Normalisation before attention.
    pub attention_norm: LayerNorm,
    /// Attention of the sequence over itself.
    pub attention: Attention,
    /// Normalisation before the feed-forward half.
    pub mlp_norm: LayerNorm,
    /// The feed-forward half.
    pub mlp: Mlp,
}

/// The sizes of a layer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BlockSizes {
    /// Width of a token.
    pub d_model: usize,
    /// Inner width of the feed-forward half.
    pub ffn_dim: usize,
    /// Attention heads.
    pub heads: usize,
    /// Added to the variance in layer normalisation.
    pub norm_epsilon: f64,
    /// In the feed-forward half.
    pub activation: Activation,
}

impl BlockSizes {
    /// A layer with fresh weights on `device`.
    pub fn init(&self, device: &Device) -> Block {
        let norm = || LayerNormConfig::new(self.d_model).with_epsilon(self.norm_epsilon).init(device);
        Block {
            attention_norm: norm(),
            attention: Attention::new(self.d_model, self.heads, device),
            mlp_norm: norm(),
            mlp: Mlp::new(self.d_model, self.ffn_dim, self.activation, device),
        }
    }
}

impl Block {
    /// `[batch, tokens, d_model]` to the same shape; `hidden` `[tokens, tokens]` is true where a token must not be seen.
    pub fn forward(&self, x: Tensor<3>, hidden: Option<Tensor<2, Bool>>) -> Tensor<3> {
        let normed = self.attention_norm.forward(x.clone());
        let x = x + self.attention.forward(normed.clone(), normed, hidden);
        x.clone() + self.mlp.forward(self.mlp_norm.forward(x))
    }
}
