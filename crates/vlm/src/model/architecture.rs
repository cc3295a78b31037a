//! What `model.toml` says of a model's towers, and whether it can be true.
//!
//! A description comes with whatever folder a person imports: sizes are bounded before anything is allocated by them.

use serde::{Deserialize, Serialize};

use super::tokenizer::TokenizerConfig;
use crate::Preprocess;
use crate::nn::bert_text::BertTextConfig;
use crate::nn::text_transformer::TextTransformerConfig;
use crate::nn::vit::{ImagePooling, VitConfig};

/// Largest sizes that are believed: twice those of the largest published dual encoders.
pub(crate) const MOST_WIDTH: usize = 8_192;
const MOST_FFN: usize = 32_768;
const MOST_LAYERS: usize = 96;
const MOST_HEADS: usize = 128;
pub(crate) const MOST_VOCABULARY: usize = 2_000_000;
pub(crate) const MOST_TOKENS: usize = 8_192;
const MOST_SIDE: usize = 1_024;

/// The text tower of a published dual encoder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum TextConfig {
    /// CLIP's and SigLIP's.
    Transformer(TextTransformerConfig),
    /// Chinese-CLIP's, and DistilBERT.
    Bert(BertTextConfig),
}

impl TextConfig {
    /// Rows and columns of the token table.
    pub fn table(&self) -> [usize; 2] {
        match self {
            Self::Transformer(c) => [c.vocabulary, c.d_model],
            Self::Bert(c) => [c.vocabulary, c.d_model],
        }
    }

    /// Longest sequence in tokens.
    pub fn max_len(&self) -> usize {
        match self {
            Self::Transformer(c) => c.max_len,
            Self::Bert(c) => c.max_len,
        }
    }
}

/// What is wrong with a number, if anything: its key, what it is and what it may be.
pub(crate) fn within(key: &str, found: usize, most: usize) -> Result<(), String> {
    if (1..=most).contains(&found) { Ok(()) } else { Err(format!("{key} = {found}, expected 1 to {most}")) }
}

pub(crate) fn layers(
    of: &str,
    d_model: usize,
    ffn_dim: usize,
    layers: usize,
    heads: usize,
    epsilon: f64,
) -> Result<(), String> {
    within(&format!("{of}.d_model"), d_model, MOST_WIDTH)?;
    within(&format!("{of}.ffn_dim"), ffn_dim, MOST_FFN)?;
    within(&format!("{of}.layers"), layers, MOST_LAYERS)?;
    within(&format!("{of}.heads"), heads, MOST_HEADS)?;
    if !d_model.is_multiple_of(heads) {
        return Err(format!("{of}.heads = {heads}, which does not divide {of}.d_model = {d_model}"));
    }
    if !(epsilon > 0.0 && epsilon < 0.1) {
        return Err(format!("{of}.norm_epsilon = {epsilon}, expected a small number above 0"));
    }
    Ok(())
}

/// Whether the sizes of an image tower can be true and fit the preparation of photos; the error names the key.
pub(crate) fn check_image(image: &VitConfig, preprocess: &Preprocess) -> Result<(), String> {
    layers("image", image.d_model, image.ffn_dim, image.layers, image.heads, image.norm_epsilon)?;
    within("image.image_size", image.image_size, MOST_SIDE)?;
    within("image.patch_size", image.patch_size, image.image_size)?;
    within("image.image_size in patches", image.tokens(), MOST_TOKENS)?;
    if preprocess.size as usize != image.image_size {
        let (size, expected) = (preprocess.size, image.image_size);
        return Err(format!("preprocess.size = {size}, expected image.image_size = {expected}"));
    }
    Ok(())
}

/// Whether the sizes of a dual encoder fit each other; the error names the key.
pub(super) fn check(
    dims: usize,
    image: &VitConfig,
    text: &TextConfig,
    tokenizer: &TokenizerConfig,
    preprocess: &Preprocess,
) -> Result<(), String> {
    within("dims", dims, MOST_WIDTH)?;
    check_image(image, preprocess)?;
    if !image.class_token && image.pooling == ImagePooling::ClassToken {
        return Err("image.pooling = class_token without image.class_token".into());
    }
    if !image.projection && image.d_model != dims {
        return Err(format!("image.d_model = {}, expected dims = {dims} without image.projection", image.d_model));
    }
    match text {
        TextConfig::Transformer(c) => layers("text", c.d_model, c.ffn_dim, c.layers, c.heads, c.norm_epsilon)?,
        TextConfig::Bert(c) => layers("text", c.d_model, c.ffn_dim, c.layers, c.heads, c.norm_epsilon)?,
    }
    within("text.vocabulary", text.table()[0], MOST_VOCABULARY)?;
    within("text.max_len", text.max_len(), MOST_TOKENS)?;
    // Two at least: a start and an end.
    if !(2..=text.max_len()).contains(&tokenizer.max_len) {
        return Err(format!("tokenizer.max_len = {}, expected 2 to {}", tokenizer.max_len, text.max_len()));
    }
    if tokenizer.pad_id as usize >= text.table()[0] {
        return Err(format!("tokenizer.pad_id = {}, expected less than {}", tokenizer.pad_id, text.table()[0]));
    }
    Ok(())
}
