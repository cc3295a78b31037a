//! BERT (Devlin et al. 2018, arXiv:1810.04805) as the text tower of a dual encoder: Chinese-CLIP's, and DistilBERT's in
//! sentence-transformers' multilingual CLIP.
//!
//! The layers are those of [`super::bert`]. Token embeddings come from outside, rows of a table that stays on disk.

use burn::module::{Module, Param};
use burn::nn::{LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::bert::{BertConfig, BertLayer, hidden, mean_pool};

/// Which states stand for the sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BertPooling {
    /// That of the first token.
    #[default]
    FirstToken,
    /// The mean over all tokens but padding.
    Mean,
}

/// The architecture as data; the defaults are Chinese-CLIP's base size.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BertTextConfig {
    /// Rows of the token table. Default 21,128.
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
    /// Whether an embedding of the first segment is added to every token. Default true; DistilBERT has none.
    pub segment: bool,
    /// `first_token` or `mean`. Default `first_token`.
    pub pooling: BertPooling,
}

impl Default for BertTextConfig {
    fn default() -> Self {
        Self {
            vocabulary: 21_128,
            max_len: 512,
            d_model: 768,
            ffn_dim: 3072,
            layers: 12,
            heads: 12,
            norm_epsilon: 1e-12,
            segment: true,
            pooling: BertPooling::FirstToken,
        }
    }
}

impl BertTextConfig {
    /// The tower with fresh weights on `device`; it gives vectors of `dims` numbers.
    pub fn init(&self, dims: usize, device: &Device) -> BertText {
        let layer = BertConfig::new()
            .with_width(self.d_model)
            .with_hidden(self.ffn_dim)
            .with_heads(self.heads)
            .with_norm_epsilon(self.norm_epsilon)
            .with_dropout(0.0);
        BertText {
            position: Param::from_tensor(Tensor::zeros([self.max_len, self.d_model], device)),
            segment: self.segment.then(|| Param::from_tensor(Tensor::zeros([self.d_model], device))),
            norm: LayerNormConfig::new(self.d_model).with_epsilon(self.norm_epsilon).init(device),
            layers: (0..self.layers).map(|_| layer.layer(device)).collect(),
            projection: LinearConfig::new(self.d_model, dims).with_bias(false).init(device),
            means: self.pooling == BertPooling::Mean,
        }
    }
}

/// A BERT encoder without its token table, with a map to the shared space.
#[derive(Module, Debug)]
pub struct BertText {
    /// Learned positions, `[max_len, d_model]`.
    pub position: Param<Tensor<2>>,
    /// Embedding of the first segment, `[d_model]`.
    pub segment: Option<Param<Tensor<1>>>,
    /// Normalisation of the summed embeddings.
    pub norm: LayerNorm,
    /// The layers in order.
    pub layers: Vec<BertLayer>,
    /// To the shared space.
    pub projection: Linear,
    /// Whether the mean of all states is taken, not the first.
    pub means: bool,
}

impl BertText {
    /// Token embeddings `[batch, tokens, d_model]` and their mask `[batch, tokens]`, 0 at padding, to vectors
    /// `[batch, dims]`, not yet of unit length.
    pub fn forward(&self, embedded: Tensor<3>, mask: Tensor<2>) -> Tensor<2> {
        let [_, tokens, _] = embedded.dims();
        let mut x = embedded + self.position.val().narrow(0, 0, tokens).unsqueeze::<3>();
        if let Some(segment) = &self.segment {
            x = x + segment.val().unsqueeze::<3>();
        }
        x = self.norm.forward(x);
        let padding = hidden(&mask);
        for layer in &self.layers {
            x = layer.forward(x, padding.clone());
        }
        let pooled = if self.means { mean_pool(x, mask) } else { x.narrow(1, 0, 1).squeeze_dim(1) };
        self.projection.forward(pooled)
    }
}
