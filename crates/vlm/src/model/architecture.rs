//! What `model.toml` says of a model's towers, and whether it can be true.
//!
//! A description comes with whatever folder a person imports: sizes are bounded before anything is allocated by them.

use serde::{Deserialize, Serialize};

use super::info::ModelInfo;
use super::tokenizer::TokenizerConfig;
use crate::descriptor::BANDS;
use crate::nn::bert::BertConfig;
use crate::nn::bert_text::BertTextConfig;
use crate::nn::text_transformer::TextTransformerConfig;
use crate::nn::vit::{ImagePooling, VitConfig};
use crate::{DescriptorConfig, HeadsConfig, Preprocess};

/// Largest sizes that are believed: twice those of the largest published dual encoders.
pub(crate) const MOST_WIDTH: usize = 8_192;
const MOST_FFN: usize = 32_768;
const MOST_LAYERS: usize = 96;
const MOST_HEADS: usize = 128;
pub(crate) const MOST_VOCABULARY: usize = 2_000_000;
pub(crate) const MOST_TOKENS: usize = 8_192;
const MOST_SIDE: usize = 1_024;
/// Those of the bundled model's layout: some times its own.
const MOST_MEMBERS: usize = 16;
const MOST_HIDDEN: usize = 4_096;
const MOST_DECODER_TOKENS: usize = 65_536;
const MOST_DECODER_WIDTH: usize = 1_024;
const MOST_DECODER_LAYERS: usize = 12;

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

/// Whether the numbers by which texts and photos are prepared can be true, in every layout; the error names the key.
pub(super) fn check_preparation(tokenizer: &TokenizerConfig, preprocess: &Preprocess) -> Result<(), String> {
    within("tokenizer.max_len", tokenizer.max_len, MOST_TOKENS)?;
    within("preprocess.size", preprocess.size as usize, MOST_SIDE)?;
    if !preprocess.mean.iter().all(|mean| mean.is_finite()) {
        return Err(format!("preprocess.mean = {:?}, expected finite numbers", preprocess.mean));
    }
    if !preprocess.std.iter().all(|std| std.is_normal()) {
        return Err(format!("preprocess.std = {:?}, expected finite numbers other than 0", preprocess.std));
    }
    Ok(())
}

/// Whether a number is the only one that fits what it belongs to.
fn equal(key: &str, found: usize, expected: usize) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("{key} = {found}, expected {expected}")) }
}

/// Whether the sizes of a model of the bundled one's layout can be true: its towers are always the same.
pub(super) fn check_home(info: &ModelInfo, heads: &HeadsConfig, descriptor: &DescriptorConfig) -> Result<(), String> {
    let (towers, text) = (HeadsConfig::new(), BertConfig::new());
    within("dims", info.dims, MOST_WIDTH)?;
    if heads.dims != info.dims {
        return Err(format!("dims = {}, expected heads.dims = {}", info.dims, heads.dims));
    }
    within("heads.members", heads.members, MOST_MEMBERS)?;
    if !heads.dims.is_multiple_of(heads.members) {
        return Err(format!("heads.members = {}, which does not divide heads.dims = {}", heads.members, heads.dims));
    }
    equal("heads.features", heads.features, towers.features)?;
    equal("heads.summary", heads.summary, towers.summary)?;
    equal("heads.text_width", heads.text_width, towers.text_width)?;
    within("heads.image_hidden", heads.image_hidden, MOST_HIDDEN)?;
    within("heads.text_hidden", heads.text_hidden, MOST_HIDDEN)?;
    within("descriptor.dims", descriptor.dims, MOST_WIDTH)?;
    equal("descriptor.features", descriptor.features, towers.features)?;
    equal("descriptor.summary", descriptor.summary, towers.summary)?;
    // A position of the map for 32 pixels, begun ones included, and as many in each band of the descriptor.
    let positions = (info.preprocess.size as usize).div_ceil(32).pow(2);
    if !positions.is_multiple_of(BANDS) {
        let size = info.preprocess.size;
        return Err(format!("preprocess.size = {size}, which does not give {BANDS} bands of like height"));
    }
    // Two at least: a start and an end.
    if !(2..=text.positions).contains(&info.tokenizer.max_len) {
        return Err(format!("tokenizer.max_len = {}, expected 2 to {}", info.tokenizer.max_len, text.positions));
    }
    if info.tokenizer.pad_id as usize >= text.vocabulary {
        return Err(format!("tokenizer.pad_id = {}, expected less than {}", info.tokenizer.pad_id, text.vocabulary));
    }
    info.languages.as_ref().map_or(Ok(()), |languages| {
        within("languages.vocabulary", languages.vocabulary, MOST_VOCABULARY)?;
        within("languages.hidden", languages.hidden, MOST_HIDDEN)?;
        let (other, english) = (languages.other, languages.english);
        if !(-1.0 <= other && other < english && english <= 1.0) {
            let found = format!("languages.other = {other}, languages.english = {english}");
            return Err(format!("{found}, expected cosines, the second above the first"));
        }
        Ok(())
    })?;
    info.decoder.as_ref().map_or(Ok(()), |decoder| {
        within("decoder.vocabulary", decoder.vocabulary, MOST_DECODER_TOKENS)?;
        within("decoder.longest", decoder.longest, text.positions)?;
        within("decoder.width", decoder.width, MOST_DECODER_WIDTH)?;
        within("decoder.hidden", decoder.hidden, MOST_HIDDEN)?;
        within("decoder.heads", decoder.heads, MOST_HEADS)?;
        if !decoder.width.is_multiple_of(decoder.heads) {
            let (heads, width) = (decoder.heads, decoder.width);
            return Err(format!("decoder.heads = {heads}, which does not divide decoder.width = {width}"));
        }
        if decoder.memory_layers > MOST_DECODER_LAYERS {
            let layers = decoder.memory_layers;
            return Err(format!("decoder.memory_layers = {layers}, expected at most {MOST_DECODER_LAYERS}"));
        }
        within("decoder.layers", decoder.layers, MOST_DECODER_LAYERS)?;
        equal("decoder.features", decoder.features, towers.features)?;
        equal("decoder.positions", decoder.positions, positions)?;
        equal("decoder.shared", decoder.shared, info.dims)
    })
}

/// Whether the sizes of a dual encoder fit each other; the error names the key.
pub(crate) fn check(
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
