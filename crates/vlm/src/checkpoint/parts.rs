//! The tensors of our towers, as their files have them.

use crate::nn::bert_text::BertTextConfig;
use crate::nn::text_transformer::TextTransformerConfig;
use crate::nn::vit::{ImagePooling, VitConfig};

/// One tensor of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    /// Its path in the module.
    pub name: String,
    /// Its shape in the file; that of a matrix is `[input, output]`.
    pub shape: Vec<usize>,
    /// Whether it is the matrix of a linear layer.
    pub matrix: bool,
}

/// The list of a tower's tensors in the making.
#[derive(Default)]
struct Parts(Vec<Part>);

impl Parts {
    fn plain(&mut self, name: &str, shape: &[usize]) {
        self.0.push(Part { name: name.into(), shape: shape.into(), matrix: false });
    }

    fn linear(&mut self, name: &str, input: usize, output: usize, bias: bool) {
        self.0.push(Part { name: format!("{name}.weight"), shape: vec![input, output], matrix: true });
        if bias {
            self.plain(&format!("{name}.bias"), &[output]);
        }
    }

    fn norm(&mut self, name: &str, width: usize) {
        self.plain(&format!("{name}.gamma"), &[width]);
        self.plain(&format!("{name}.beta"), &[width]);
    }

    fn attention(&mut self, name: &str, d_model: usize) {
        for part in ["query", "key", "value", "out"] {
            self.linear(&format!("{name}.{part}"), d_model, d_model, true);
        }
    }

    fn mlp(&mut self, name: &str, d_model: usize, ffn_dim: usize) {
        self.linear(&format!("{name}.up"), d_model, ffn_dim, true);
        self.linear(&format!("{name}.down"), ffn_dim, d_model, true);
    }

    fn blocks(&mut self, layers: usize, d_model: usize, ffn_dim: usize) {
        for layer in 0..layers {
            self.norm(&format!("layers.{layer}.attention_norm"), d_model);
            self.attention(&format!("layers.{layer}.attention"), d_model);
            self.norm(&format!("layers.{layer}.mlp_norm"), d_model);
            self.mlp(&format!("layers.{layer}.mlp"), d_model, ffn_dim);
        }
    }
}

/// Those of a [`Vit`](crate::nn::vit::Vit).
pub(super) fn vit(c: &VitConfig, dims: usize) -> Vec<Part> {
    let mut parts = Parts::default();
    parts.plain("patch.weight", &[c.d_model, 3, c.patch_size, c.patch_size]);
    if c.patch_bias {
        parts.plain("patch.bias", &[c.d_model]);
    }
    if c.class_token {
        parts.plain("class_token", &[c.d_model]);
    }
    parts.plain("position", &[c.tokens(), c.d_model]);
    if c.pre_norm {
        parts.norm("pre_norm", c.d_model);
    }
    parts.blocks(c.layers, c.d_model, c.ffn_dim);
    parts.norm("post_norm", c.d_model);
    if c.pooling == ImagePooling::Attention {
        parts.plain("pool.probe", &[c.d_model]);
        parts.attention("pool.attention", c.d_model);
        parts.norm("pool.norm", c.d_model);
        parts.mlp("pool.mlp", c.d_model, c.ffn_dim);
    }
    if c.projection {
        parts.linear("projection", c.d_model, dims, false);
    }
    parts.0
}

/// Their names and shapes.
pub(crate) fn vit_shapes(c: &VitConfig, dims: usize) -> impl Iterator<Item = (String, Vec<usize>)> {
    vit(c, dims).into_iter().map(|part| (part.name, part.shape))
}

/// Those of a [`TextTransformer`](crate::nn::text_transformer::TextTransformer).
pub(super) fn text_transformer(c: &TextTransformerConfig, dims: usize) -> Vec<Part> {
    let mut parts = Parts::default();
    parts.plain("position", &[c.max_len, c.d_model]);
    parts.blocks(c.layers, c.d_model, c.ffn_dim);
    parts.norm("post_norm", c.d_model);
    parts.linear("projection", c.d_model, dims, c.projection_bias);
    parts.0
}

/// Those of a [`BertText`](crate::nn::bert_text::BertText).
pub(super) fn bert_text(c: &BertTextConfig, dims: usize) -> Vec<Part> {
    let mut parts = Parts::default();
    parts.plain("position", &[c.max_len, c.d_model]);
    if c.segment {
        parts.plain("segment", &[c.d_model]);
    }
    parts.norm("norm", c.d_model);
    for layer in 0..c.layers {
        for part in ["query", "key", "value", "attention_out"] {
            parts.linear(&format!("layers.{layer}.{part}"), c.d_model, c.d_model, true);
        }
        parts.norm(&format!("layers.{layer}.attention_norm"), c.d_model);
        parts.linear(&format!("layers.{layer}.up"), c.d_model, c.ffn_dim, true);
        parts.linear(&format!("layers.{layer}.down"), c.ffn_dim, c.d_model, true);
        parts.norm(&format!("layers.{layer}.norm"), c.d_model);
    }
    parts.linear("projection", c.d_model, dims, false);
    parts.0
}
