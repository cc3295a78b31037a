//! What `config.json` of transformers and sentence-transformers says, with the defaults that those libraries have.

use std::path::Path;

use super::preparation::{PREPROCESSOR, clip_preprocess, hf_preprocess};
use super::recognise::{Family, HF_SETTINGS, HF_WEIGHTS, INNER, Networks, Plan, first, with_tokenizer};
use super::settings::Settings;
use crate::VlmError;
use crate::model::{TextConfig, TokenizerConfig};
use crate::nn::bert_text::{BertPooling, BertTextConfig};
use crate::nn::mlp::Activation;
use crate::nn::text_transformer::{TextPooling, TextTransformerConfig};
use crate::nn::vit::{ImagePooling, VitConfig};

pub(super) fn activation(settings: &Settings, key: &str, default: &str) -> Result<Activation, VlmError> {
    match settings.word(key, default)?.as_str() {
        "gelu" => Ok(Activation::Gelu),
        "quick_gelu" => Ok(Activation::QuickGelu),
        "gelu_pytorch_tanh" | "gelu_new" => Ok(Activation::GeluTanh),
        _ => Err(settings.wrong(key, "gelu, quick_gelu or gelu_pytorch_tanh")),
    }
}

/// The plan for CLIP, SigLIP or Chinese-CLIP; its weights and tokenizer are not looked for yet.
pub(super) fn hf_plan(settings: &Settings, root: &Path) -> Result<Plan, VlmError> {
    let family = match settings.word("model_type", "")?.as_str() {
        "clip" => Family::Clip,
        "siglip" => Family::Siglip,
        "chinese_clip" => Family::ChineseClip,
        _ => return Err(settings.wrong("model_type", "clip, siglip, chinese_clip, blip or idefics3")),
    };
    let (v, t) =
        (settings.part("vision_config", "vision_config_dict"), settings.part("text_config", "text_config_dict"));
    let (patch, act, epsilon) = match family {
        Family::Siglip => (16, "gelu_pytorch_tanh", 1e-6),
        _ => (32, "quick_gelu", 1e-5),
    };
    let siglip = family == Family::Siglip;
    if siglip && !v.flag("vision_use_head", true)? {
        return Err(v.wrong("vision_use_head", "true"));
    }
    let image = VitConfig {
        image_size: v.size("image_size", 224)?,
        patch_size: v.size("patch_size", patch)?,
        d_model: v.size("hidden_size", 768)?,
        ffn_dim: v.size("intermediate_size", 3072)?,
        layers: v.size("num_hidden_layers", 12)?,
        heads: v.size("num_attention_heads", 12)?,
        norm_epsilon: v.number("layer_norm_eps", epsilon)?,
        activation: activation(&v, "hidden_act", act)?,
        class_token: !siglip,
        pre_norm: !siglip,
        patch_bias: siglip,
        pooling: if siglip { ImagePooling::Attention } else { ImagePooling::ClassToken },
        projection: !siglip,
    };
    let (dims, text) = match family {
        Family::ChineseClip => (settings.size("projection_dim", 512)?, TextConfig::Bert(bert(&t)?)),
        Family::Siglip => {
            let d_model = t.size("hidden_size", 768)?;
            let text = TextTransformerConfig {
                vocabulary: t.size("vocab_size", 32_000)?,
                max_len: t.size("max_position_embeddings", 64)?,
                d_model,
                ffn_dim: t.size("intermediate_size", 3072)?,
                layers: t.size("num_hidden_layers", 12)?,
                heads: t.size("num_attention_heads", 12)?,
                norm_epsilon: t.number("layer_norm_eps", 1e-6)?,
                activation: activation(&t, "hidden_act", act)?,
                causal: false,
                pooling: TextPooling::Last,
                projection_bias: true,
                ..TextTransformerConfig::default()
            };
            (t.size("projection_size", d_model)?, TextConfig::Transformer(text))
        }
        _ => {
            let end = t.size("eos_token_id", 49_407)?;
            let text = TextTransformerConfig {
                vocabulary: t.size("vocab_size", 49_408)?,
                max_len: t.size("max_position_embeddings", 77)?,
                d_model: t.size("hidden_size", 512)?,
                ffn_dim: t.size("intermediate_size", 2048)?,
                layers: t.size("num_hidden_layers", 12)?,
                heads: t.size("num_attention_heads", 8)?,
                norm_epsilon: t.number("layer_norm_eps", 1e-5)?,
                activation: activation(&t, "hidden_act", act)?,
                causal: true,
                // 2 is what files say from before the end token was looked at.
                pooling: if end == 2 { TextPooling::HighestId } else { TextPooling::EndToken },
                end_id: u32::try_from(end).map_err(|_| t.wrong("eos_token_id", "a token"))?,
                projection_bias: false,
            };
            (settings.size("projection_dim", 512)?, TextConfig::Transformer(text))
        }
    };
    let mut missing = Vec::new();
    let preprocess = match Settings::read(&root.join(PREPROCESSOR))? {
        Some(settings) => hf_preprocess(&settings, image.image_size)?,
        None => {
            missing.push(PREPROCESSOR.to_owned());
            // Only to be told about: what misses a file is not converted.
            clip_preprocess(image.image_size)
        }
    };
    let tokenizer = match &text {
        TextConfig::Bert(text) => TokenizerConfig { max_len: text.max_len, ..TokenizerConfig::default() },
        TextConfig::Transformer(text) if siglip => {
            // SigLIP2 has Gemma's vocabulary, which pads with 0; the first release had T5's, which pads with 1.
            let second = text.vocabulary > 100_000;
            TokenizerConfig {
                max_len: text.max_len,
                pad_to_max: true,
                pad_left: false,
                pad_id: u32::from(!second),
                lowercase: true,
                strip_punctuation: !second,
            }
        }
        TextConfig::Transformer(text) => TokenizerConfig { max_len: text.max_len, ..TokenizerConfig::default() },
    };
    let networks = Networks::Dual { dims, image, text };
    Ok(Plan { family, networks, preprocess, tokenizer, weights: Vec::new(), tokens: None, missing })
}

fn bert(t: &Settings) -> Result<BertTextConfig, VlmError> {
    if activation(t, "hidden_act", "gelu")? != Activation::Gelu {
        return Err(t.wrong("hidden_act", "gelu"));
    }
    Ok(BertTextConfig {
        vocabulary: t.size("vocab_size", 30_522)?,
        max_len: t.size("max_position_embeddings", 512)?,
        d_model: t.size("hidden_size", 768)?,
        ffn_dim: t.size("intermediate_size", 3072)?,
        layers: t.size("num_hidden_layers", 12)?,
        heads: t.size("num_attention_heads", 12)?,
        norm_epsilon: t.number("layer_norm_eps", 1e-12)?,
        ..BertTextConfig::default()
    })
}

/// Folder of the map to the shared space.
const DENSE: &str = "2_Dense";

/// DistilBERT for text, and for images what lies in [`INNER`].
pub(super) fn multilingual_plan(t: &Settings, folder: &Path) -> Result<Option<Plan>, VlmError> {
    let inner = folder.join(INNER);
    let clip = Settings::read(&inner.join(HF_SETTINGS))?;
    let Some(clip) = clip else { return Ok(None) };
    let mut plan = hf_plan(&clip, &inner)?;
    if plan.family != Family::Clip {
        return Err(clip.wrong("model_type", "clip"));
    }
    plan.missing.iter_mut().for_each(|name| *name = format!("{INNER}/{name}"));
    plan.family = Family::MultilingualClip;
    if activation(t, "activation", "gelu")? != Activation::Gelu {
        return Err(t.wrong("activation", "gelu"));
    }
    let text = BertTextConfig {
        vocabulary: t.size("vocab_size", 30_522)?,
        max_len: t.size("max_position_embeddings", 512)?,
        d_model: t.size("dim", 768)?,
        ffn_dim: t.size("hidden_dim", 3072)?,
        layers: t.size("n_layers", 6)?,
        heads: t.size("n_heads", 12)?,
        segment: false,
        pooling: BertPooling::Mean,
        ..BertTextConfig::default()
    };
    // As sentence-transformers cuts for it.
    let max_len = text.max_len.min(TokenizerConfig::default().max_len);
    plan.tokenizer = TokenizerConfig { max_len, ..TokenizerConfig::default() };
    let Networks::Dual { dims, image, .. } = plan.networks else { return Err(clip.wrong("model_type", "clip")) };
    plan.networks = Networks::Dual { dims, image, text: TextConfig::Bert(text) };
    for (place, name) in
        [(inner, format!("{INNER}/")), (folder.to_owned(), String::new()), (folder.join(DENSE), format!("{DENSE}/"))]
    {
        match first(&place, HF_WEIGHTS) {
            Some(path) => plan.weights.push(path),
            None => plan.missing.push(format!("{name}{}", HF_WEIGHTS[0])),
        }
    }
    with_tokenizer(plan, folder).map(Some)
}
