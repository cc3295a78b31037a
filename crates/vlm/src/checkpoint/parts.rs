//! The tensors of our networks, as their files have them.

use super::layouts::{
    BLIP_DECODER, BLIP_IMAGE, BLIP_QUESTION, BLIP_QUESTION_TABLE, IDEFICS3_CONNECTOR, IDEFICS3_IMAGE, IDEFICS3_TEXT,
    Table,
};
use crate::ImageToTextConfig;
use crate::image_to_text::{CONNECTOR_FILE, DECODER_FILE, QUESTION_FILE};
use crate::model::{IMAGE_FILE, TABLE, TOKENS_FILE};
use crate::nn::bert_text::BertTextConfig;
use crate::nn::cross_bert::CrossBertConfig;
use crate::nn::llama::LlamaConfig;
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

impl Parts {
    fn cross_bert(&mut self, prefix: &str, c: &CrossBertConfig, seen_width: usize) {
        self.plain(&format!("{prefix}position"), &[c.max_len, c.d_model]);
        self.norm(&format!("{prefix}norm"), c.d_model);
        for layer in 0..c.layers {
            let layer = format!("{prefix}layers.{layer}");
            self.attention(&format!("{layer}.attention"), c.d_model);
            self.norm(&format!("{layer}.attention_norm"), c.d_model);
            for (part, input) in [("query", c.d_model), ("key", seen_width), ("value", seen_width), ("out", c.d_model)]
            {
                self.linear(&format!("{layer}.cross.{part}"), input, c.d_model, true);
            }
            self.norm(&format!("{layer}.cross_norm"), c.d_model);
            self.mlp(&format!("{layer}.mlp"), c.d_model, c.ffn_dim);
            self.norm(&format!("{layer}.norm"), c.d_model);
        }
    }
}

/// Those of a [`CrossBert`](crate::nn::cross_bert::CrossBert).
fn cross_bert(c: &CrossBertConfig, seen_width: usize) -> Vec<Part> {
    let mut parts = Parts::default();
    parts.cross_bert("", c, seen_width);
    parts.0
}

/// Those of a [`CrossBertDecoder`](crate::nn::cross_bert::CrossBertDecoder).
fn cross_bert_decoder(c: &CrossBertConfig, seen_width: usize) -> Vec<Part> {
    let mut parts = Parts::default();
    parts.plain("token", &[c.vocabulary, c.d_model]);
    parts.cross_bert("bert.", c, seen_width);
    parts.linear("transform", c.d_model, c.d_model, true);
    parts.norm("transform_norm", c.d_model);
    parts.plain("bias", &[c.vocabulary]);
    parts.0
}

/// Those of a [`Llama`](crate::nn::llama::Llama).
fn llama(c: &LlamaConfig) -> Vec<Part> {
    let mut parts = Parts::default();
    parts.plain("token", &[c.vocabulary, c.d_model]);
    let narrow = c.depth() * c.kv_heads;
    for layer in 0..c.layers {
        let layer = format!("layers.{layer}");
        parts.plain(&format!("{layer}.attention_norm.gamma"), &[c.d_model]);
        for (part, output) in [("query", c.d_model), ("key", narrow), ("value", narrow), ("out", c.d_model)] {
            parts.linear(&format!("{layer}.{part}"), c.d_model, output, false);
        }
        parts.plain(&format!("{layer}.mlp_norm.gamma"), &[c.d_model]);
        parts.linear(&format!("{layer}.gate"), c.d_model, c.ffn_dim, false);
        parts.linear(&format!("{layer}.up"), c.d_model, c.ffn_dim, false);
        parts.linear(&format!("{layer}.down"), c.ffn_dim, c.d_model, false);
    }
    parts.plain("norm.gamma", &[c.d_model]);
    if !c.tied {
        parts.plain("output", &[c.vocabulary, c.d_model]);
    }
    parts.0
}

/// The files of a model that writes about photos: their names, their tensors, and what its layout calls these.
pub(super) fn image_to_text(config: &ImageToTextConfig) -> Vec<(&'static str, Vec<Part>, Table)> {
    let image = vit(config.image(), config.image().d_model);
    match config {
        ImageToTextConfig::Blip(c) => {
            let (text, width) = (&c.text, c.image.d_model);
            let seen_width = if c.answers { text.d_model } else { width };
            let mut files = vec![
                (IMAGE_FILE, image, BLIP_IMAGE),
                (DECODER_FILE, cross_bert_decoder(text, seen_width), BLIP_DECODER),
            ];
            if c.answers {
                files.push((QUESTION_FILE, cross_bert(text, width), BLIP_QUESTION));
                files.push((TOKENS_FILE, table([text.vocabulary, text.d_model]), BLIP_QUESTION_TABLE));
            }
            files
        }
        ImageToTextConfig::Idefics3(c) => {
            let mut connector = Parts::default();
            connector.linear("projection", c.image.d_model * c.scale_factor.pow(2), c.text.d_model, false);
            vec![
                (IMAGE_FILE, image, IDEFICS3_IMAGE),
                (CONNECTOR_FILE, connector.0, IDEFICS3_CONNECTOR),
                (DECODER_FILE, llama(&c.text), IDEFICS3_TEXT),
            ]
        }
    }
}

/// A token table of its own.
pub(super) fn table(shape: [usize; 2]) -> Vec<Part> {
    vec![Part { name: TABLE.into(), shape: shape.to_vec(), matrix: false }]
}
