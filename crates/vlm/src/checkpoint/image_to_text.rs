//! What `config.json` of transformers says of models that write about photos, with the defaults that it has.

use std::path::Path;

use super::preparation::{PREPROCESSOR, clip_preprocess, hf_preprocess, one_tile};
use super::recognise::{Family, Networks, Plan};
use super::settings::Settings;
use super::transformers::activation;
use crate::image_to_text::{BlipConfig, Idefics3Config, ImageToTextConfig};
use crate::model::TokenizerConfig;
use crate::nn::cross_bert::CrossBertConfig;
use crate::nn::llama::LlamaConfig;
use crate::nn::mlp::Activation;
use crate::nn::vit::VitConfig;
use crate::{Preprocess, VlmError};

/// The plan for BLIP or SmolVLM, none for another model; its weights and tokenizer are not looked for yet.
pub(super) fn image_to_text_plan(settings: &Settings, root: &Path) -> Result<Option<Plan>, VlmError> {
    let kind = settings.word("model_type", "")?;
    let (family, config) = match kind.as_str() {
        "blip" => blip(settings)?,
        "idefics3" => (Family::SmolVlm, ImageToTextConfig::Idefics3(idefics3(settings)?)),
        _ => return Ok(None),
    };
    let size = config.image().image_size;
    let mut missing = Vec::new();
    let preprocess: Preprocess = match Settings::read(&root.join(PREPROCESSOR))? {
        Some(settings) if family == Family::SmolVlm => one_tile(&settings, size)?,
        Some(settings) => hf_preprocess(&settings, size)?,
        None => {
            missing.push(PREPROCESSOR.to_owned());
            // Only to be told about: what misses a file is not converted.
            clip_preprocess(size)
        }
    };
    Ok(Some(Plan {
        family,
        networks: Networks::ImageToText(config),
        preprocess,
        tokenizer: TokenizerConfig::default(),
        weights: Vec::new(),
        tokens: None,
        missing,
    }))
}

fn token(settings: &Settings, key: &str, default: usize) -> Result<i32, VlmError> {
    i32::try_from(settings.size(key, default)?).map_err(|_| settings.wrong(key, "a token"))
}

fn blip(settings: &Settings) -> Result<(Family, ImageToTextConfig), VlmError> {
    let answers = match settings.first_word("architectures")?.as_deref() {
        Some("BlipForConditionalGeneration") => false,
        Some("BlipForQuestionAnswering") => true,
        _ => {
            let expected = "BlipForConditionalGeneration or BlipForQuestionAnswering";
            return Err(settings.wrong("architectures", expected));
        }
    };
    let (v, t) =
        (settings.part("vision_config", "vision_config_dict"), settings.part("text_config", "text_config_dict"));
    if activation(&t, "hidden_act", "gelu")? != Activation::Gelu {
        return Err(t.wrong("hidden_act", "gelu"));
    }
    let image = VitConfig {
        image_size: v.size("image_size", 384)?,
        patch_size: v.size("patch_size", 16)?,
        d_model: v.size("hidden_size", 768)?,
        ffn_dim: v.size("intermediate_size", 3072)?,
        layers: v.size("num_hidden_layers", 12)?,
        heads: v.size("num_attention_heads", 12)?,
        norm_epsilon: v.number("layer_norm_eps", 1e-5)?,
        activation: activation(&v, "hidden_act", "gelu")?,
        pre_norm: false,
        patch_bias: true,
        projection: false,
        ..VitConfig::default()
    };
    let text = CrossBertConfig {
        vocabulary: t.size("vocab_size", 30_524)?,
        max_len: t.size("max_position_embeddings", 512)?,
        d_model: t.size("hidden_size", 768)?,
        ffn_dim: t.size("intermediate_size", 3072)?,
        layers: t.size("num_hidden_layers", 12)?,
        // The library's default is 8, with which no checkpoint was published.
        heads: t.size("num_attention_heads", 12)?,
        norm_epsilon: t.number("layer_norm_eps", 1e-12)?,
    };
    let seen = t.size("encoder_hidden_size", 768)?;
    if seen != image.d_model {
        return Err(t.wrong("encoder_hidden_size", "the width of the image tower"));
    }
    let (start_id, end_id) = (token(&t, "bos_token_id", 30_522)?, token(&t, "sep_token_id", 102)?);
    let family = if answers { Family::BlipQuestions } else { Family::BlipCaptions };
    Ok((family, ImageToTextConfig::Blip(BlipConfig { answers, start_id, end_id, image, text })))
}

fn idefics3(settings: &Settings) -> Result<Idefics3Config, VlmError> {
    let (v, t) =
        (settings.part("vision_config", "vision_config_dict"), settings.part("text_config", "text_config_dict"));
    if t.word("model_type", "llama")? != "llama" {
        return Err(t.wrong("model_type", "llama"));
    }
    if t.word("hidden_act", "silu")? != "silu" {
        return Err(t.wrong("hidden_act", "silu"));
    }
    for key in ["attention_bias", "mlp_bias"] {
        if t.flag(key, false)? {
            return Err(t.wrong(key, "false"));
        }
    }
    let image = VitConfig {
        image_size: v.size("image_size", 224)?,
        patch_size: v.size("patch_size", 32)?,
        d_model: v.size("hidden_size", 1152)?,
        ffn_dim: v.size("intermediate_size", 3072)?,
        layers: v.size("num_hidden_layers", 12)?,
        heads: v.size("num_attention_heads", 16)?,
        norm_epsilon: v.number("layer_norm_eps", 1e-6)?,
        activation: activation(&v, "hidden_act", "gelu_pytorch_tanh")?,
        class_token: false,
        pre_norm: false,
        patch_bias: true,
        projection: false,
        ..VitConfig::default()
    };
    let heads = t.size("num_attention_heads", 32)?;
    // Where the rotary positions are said has changed over the library's releases.
    let rope = t.part("rope_parameters", "rope_scaling");
    if rope.word("rope_type", "default")? != "default" {
        return Err(rope.wrong("rope_type", "default"));
    }
    let text = LlamaConfig {
        vocabulary: t.size("vocab_size", 32_000)?,
        max_len: t.size("max_position_embeddings", 2048)?,
        d_model: t.size("hidden_size", 4096)?,
        ffn_dim: t.size("intermediate_size", 11_008)?,
        layers: t.size("num_hidden_layers", 32)?,
        heads,
        kv_heads: t.size("num_key_value_heads", heads)?,
        norm_epsilon: t.number("rms_norm_eps", 1e-5)?,
        rope_theta: rope.number("rope_theta", t.number("rope_theta", 10_000.0)?)?,
        tied: settings.flag("tie_word_embeddings", t.flag("tie_word_embeddings", false)?)?,
    };
    if text.heads == 0 {
        return Err(t.wrong("num_attention_heads", "a number above 0"));
    }
    if t.size("head_dim", text.depth())? != text.depth() {
        return Err(t.wrong("head_dim", "hidden_size / num_attention_heads"));
    }
    // The tokenizer knows another: see `ImageToText::load`.
    let end = token(&t, "eos_token_id", 2)?;
    Ok(Idefics3Config {
        scale_factor: settings.size("scale_factor", 2)?,
        image_id: token(settings, "image_token_id", 128_257)?,
        end_ids: vec![end],
        image,
        text,
    })
}
