//! What `model.toml` says of a model that writes about photos, and whether it can be true.

use serde::{Deserialize, Serialize};

use crate::Preprocess;
use crate::model::architecture::{MOST_TOKENS, MOST_VOCABULARY, MOST_WIDTH, check_image, layers, within};
use crate::nn::cross_bert::CrossBertConfig;
use crate::nn::llama::LlamaConfig;
use crate::nn::vit::VitConfig;

/// The networks of a model that writes about photos.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum ImageToTextConfig {
    /// BLIP: a BERT that looks at the photo writes, or one that looks at what another has read of photo and question.
    Blip(BlipConfig),
    /// Idefics3, SmolVLM's: a language model with the photo among its tokens.
    Idefics3(Idefics3Config),
}

/// BLIP's networks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlipConfig {
    /// Whether it answers questions, and has a network that reads them; else it describes.
    pub answers: bool,
    /// The token before the first.
    pub start_id: i32,
    /// The token after the last.
    pub end_id: i32,
    /// The image tower.
    pub image: VitConfig,
    /// The text networks.
    pub text: CrossBertConfig,
}

/// Idefics3's networks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Idefics3Config {
    /// So many patches a side become one token of the photo.
    pub scale_factor: usize,
    /// The token in whose places the photo's stand.
    pub image_id: i32,
    /// The tokens that end an answer.
    pub end_ids: Vec<i32>,
    /// The image tower.
    pub image: VitConfig,
    /// The language model.
    pub text: LlamaConfig,
}

impl Idefics3Config {
    /// Tokens of a photo.
    pub fn image_tokens(&self) -> usize {
        self.image.patches() / self.scale_factor.pow(2).max(1)
    }

    /// What a photo is asked, as the model's chat template has it; each `<image>` is a token of the photo.
    pub fn prompt(&self, question: &str) -> String {
        let image = "<image>".repeat(self.image_tokens());
        let around = "<fake_token_around_image>";
        format!("<|im_start|>User:{around}<global-img>{image}{around}{}<end_of_utterance>\nAssistant:", question.trim())
    }
}

impl ImageToTextConfig {
    /// The image tower.
    pub fn image(&self) -> &VitConfig {
        match self {
            Self::Blip(c) => &c.image,
            Self::Idefics3(c) => &c.image,
        }
    }

    /// Whether it describes photos.
    pub fn captions(&self) -> bool {
        match self {
            Self::Blip(c) => !c.answers,
            Self::Idefics3(_) => true,
        }
    }

    /// Whether it answers questions about them.
    pub fn answers(&self) -> bool {
        match self {
            Self::Blip(c) => c.answers,
            Self::Idefics3(_) => true,
        }
    }

    /// Whether the sizes can be true and fit each other; the error names the key.
    pub(crate) fn check(&self, preprocess: &Preprocess) -> Result<(), String> {
        check_image(self.image(), preprocess)?;
        if self.image().projection {
            return Err("image.projection = true, expected false in a model that writes".into());
        }
        let token = |key: &str, id: i32, vocabulary: usize| match usize::try_from(id) {
            Ok(id) if id < vocabulary => Ok(()),
            _ => Err(format!("{key} = {id}, expected less than {vocabulary}")),
        };
        match self {
            Self::Blip(c) => {
                let t = &c.text;
                layers("text", t.d_model, t.ffn_dim, t.layers, t.heads, t.norm_epsilon)?;
                within("text.vocabulary", t.vocabulary, MOST_VOCABULARY)?;
                within("text.max_len", t.max_len, MOST_TOKENS)?;
                token("start_id", c.start_id, t.vocabulary)?;
                token("end_id", c.end_id, t.vocabulary)
            }
            Self::Idefics3(c) => {
                let t = &c.text;
                layers("text", t.d_model, t.ffn_dim, t.layers, t.heads, t.norm_epsilon)?;
                within("text.vocabulary", t.vocabulary, MOST_VOCABULARY)?;
                within("text.max_len", t.max_len, MOST_WIDTH.max(MOST_TOKENS))?;
                within("text.kv_heads", t.kv_heads, t.heads)?;
                if !t.heads.is_multiple_of(t.kv_heads) || !t.depth().is_multiple_of(2) {
                    return Err(format!("text.kv_heads = {}, which does not fit text.heads = {}", t.kv_heads, t.heads));
                }
                if !(t.rope_theta > 1.0 && t.rope_theta.is_finite()) {
                    return Err(format!("text.rope_theta = {}, expected a number above 1", t.rope_theta));
                }
                let side = c.image.image_size / c.image.patch_size;
                within("scale_factor", c.scale_factor, side)?;
                if !side.is_multiple_of(c.scale_factor) || c.image.class_token {
                    return Err(format!("scale_factor = {}, which does not divide {side} patches", c.scale_factor));
                }
                within("text.max_len in tokens of a photo", c.image_tokens(), t.max_len)?;
                c.end_ids.iter().try_for_each(|id| token("end_ids", *id, t.vocabulary))?;
                token("image_id", c.image_id, t.vocabulary)
            }
        }
    }
}
