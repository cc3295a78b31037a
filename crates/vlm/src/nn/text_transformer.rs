//! The text tower of CLIP and of SigLIP: token and position embeddings, pre-norm layers, one state taken and projected.
//!
//! CLIP's looks back only and takes the state at the end-of-text token, which ends its sentence: whatever pads a batch
//! after it changes nothing. SigLIP's looks both ways over a sentence padded to its full length, padding and all, and takes
//! the last state. Token embeddings come from outside (`[tokens, d_model]` rows of a table that stays on disk).

use burn::module::{Module, Param};
use burn::nn::{LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::tensor::{Bool, Device, Int, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use super::block::{Block, BlockSizes};
use super::mlp::Activation;

/// Which state stands for the sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TextPooling {
    /// That of the highest token id, the first if there are several: the end-of-text token of CLIP's vocabulary.
    #[default]
    HighestId,
    /// That of the first token of id [`TextTransformerConfig::end_id`], or the first of all where there is none.
    EndToken,
    /// The last.
    Last,
}

/// The architecture as data; the defaults are the text tower of CLIP's ViT-B/32.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TextTransformerConfig {
    /// Rows of the token table. Default 49,408.
    pub vocabulary: usize,
    /// Longest sequence in tokens. Default 77.
    pub max_len: usize,
    /// Width of a token. Default 512.
    pub d_model: usize,
    /// Inner width of the feed-forward layers. Default 2048.
    pub ffn_dim: usize,
    /// Layers. Default 12.
    pub layers: usize,
    /// Attention heads; divide `d_model`. Default 8.
    pub heads: usize,
    /// Added to the variance in layer normalisation. Default 1e-5.
    pub norm_epsilon: f64,
    /// In the feed-forward layers: `gelu`, `quick_gelu` or `gelu_tanh`. Default `gelu`.
    pub activation: Activation,
    /// Whether a token sees those before it only. Default true.
    pub causal: bool,
    /// `highest_id`, `end_token` or `last`. Default `highest_id`.
    pub pooling: TextPooling,
    /// The token that `end_token` looks for. Default 49,407.
    pub end_id: u32,
    /// Whether the map to the shared space has a bias. Default false.
    pub projection_bias: bool,
}

impl Default for TextTransformerConfig {
    fn default() -> Self {
        Self {
            vocabulary: 49_408,
            max_len: 77,
            d_model: 512,
            ffn_dim: 2048,
            layers: 12,
            heads: 8,
            norm_epsilon: 1e-5,
            activation: Activation::Gelu,
            causal: true,
            pooling: TextPooling::HighestId,
            end_id: 49_407,
            projection_bias: false,
        }
    }
}

impl TextTransformerConfig {
    /// The tower with fresh weights on `device`; it gives vectors of `dims` numbers.
    pub fn init(&self, dims: usize, device: &Device) -> TextTransformer {
        let sizes = BlockSizes {
            d_model: self.d_model,
            ffn_dim: self.ffn_dim,
            heads: self.heads,
            norm_epsilon: self.norm_epsilon,
            activation: self.activation,
        };
        TextTransformer {
            position: Param::from_tensor(Tensor::zeros([self.max_len, self.d_model], device)),
            layers: (0..self.layers).map(|_| sizes.init(device)).collect(),
            post_norm: LayerNormConfig::new(self.d_model).with_epsilon(self.norm_epsilon).init(device),
            projection: LinearConfig::new(self.d_model, dims).with_bias(self.projection_bias).init(device),
            causal: self.causal,
        }
    }

    /// Where in a sequence of token ids the state stands that is taken.
    pub fn pooled_at(&self, ids: &[i32]) -> usize {
        match self.pooling {
            TextPooling::HighestId => {
                let highest = ids.iter().max();
                ids.iter().position(|id| Some(id) == highest).unwrap_or(0)
            }
            TextPooling::EndToken => ids.iter().position(|id| u32::try_from(*id) == Ok(self.end_id)).unwrap_or(0),
            TextPooling::Last => ids.len().saturating_sub(1),
        }
    }
}

/// A text transformer without its token table.
#[derive(Module, Debug)]
pub struct TextTransformer {
    /// Learned positions, `[max_len, d_model]`.
    pub position: Param<Tensor<2>>,
    /// The layers in order.
    pub layers: Vec<Block>,
    /// Normalisation after the last.
    pub post_norm: LayerNorm,
    /// To the shared space.
    pub projection: Linear,
    /// Whether a token sees those before it only.
    pub causal: bool,
}

impl TextTransformer {
    /// Token embeddings `[batch, tokens, d_model]` to vectors `[batch, dims]`, not yet of unit length. `pooled_at` has for
    /// each sequence the place of the state that is taken.
    pub fn forward(&self, embedded: Tensor<3>, pooled_at: &[usize]) -> Tensor<2> {
        let [batch, tokens, d_model] = embedded.dims();
        let device = embedded.device();
        let hidden = self.causal.then(|| causal(tokens, &device));
        let mut x = embedded + self.position.val().narrow(0, 0, tokens).unsqueeze::<3>();
        for layer in &self.layers {
            x = layer.forward(x, hidden.clone());
        }
        let rows: Vec<i32> = pooled_at.iter().enumerate().map(|(row, at)| (row * tokens + at) as i32).collect();
        let rows = Tensor::<1, Int>::from_data(TensorData::new(rows, [batch]), &device);
        let taken = x.reshape([batch * tokens, d_model]).select(0, rows);
        self.projection.forward(self.post_norm.forward(taken))
    }
}

/// True where the token of a column comes after that of a row.
fn causal(tokens: usize, device: &Device) -> Tensor<2, Bool> {
    let later: Vec<bool> = (0..tokens * tokens).map(|at| at % tokens > at / tokens).collect();
    Tensor::from_data(TensorData::new(later, [tokens, tokens]), device)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_of_the_first_end_token_is_taken() {
        let clip = TextTransformerConfig::default();
        assert_eq!(clip.pooled_at(&[49_406, 320, 49_407, 49_407, 0]), 2);
        let end = TextTransformerConfig { pooling: TextPooling::EndToken, end_id: 7, ..clip.clone() };
        assert_eq!(end.pooled_at(&[9, 8, 7, 7]), 2);
        assert_eq!(end.pooled_at(&[9, 8]), 0, "as transformers has it");
        assert_eq!(TextTransformerConfig { pooling: TextPooling::Last, ..clip }.pooled_at(&[5, 1, 0, 0]), 3);
    }

    #[test]
    fn padding_after_the_end_changes_nothing_in_a_causal_tower() {
        let device = Device::flex();
        device.seed(5);
        let config =
            TextTransformerConfig { d_model: 12, ffn_dim: 24, heads: 3, layers: 2, ..TextTransformerConfig::default() };
        let tower = config.init(6, &device);
        let given = Tensor::<3>::random([1, 9, 12], burn::tensor::Distribution::Normal(0.0, 1.0), &device);
        let rows = |t: Tensor<2>| t.into_data().try_to_vec::<f32>().unwrap();
        let long = rows(tower.forward(given.clone(), &[4]));
        let short = rows(tower.forward(given.narrow(1, 0, 5), &[4]));
        assert!(long.iter().any(|v| v.abs() > 0.05), "the tower must say something: {long:?}");
        assert!(long.iter().zip(&short).all(|(a, b)| (a - b).abs() < 1e-5), "{long:?} {short:?}");
    }
}
