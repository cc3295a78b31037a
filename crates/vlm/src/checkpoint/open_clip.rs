//! What `open_clip_config.json` says, with open_clip's defaults.

use super::preparation::{CLIP_MEAN, CLIP_STD};
use super::recognise::{Family, Networks, Plan};
use super::settings::Settings;
use crate::model::{TextConfig, TokenizerConfig};
use crate::nn::mlp::Activation;
use crate::nn::text_transformer::TextTransformerConfig;
use crate::nn::vit::VitConfig;
use crate::{Filter, Fit, Preprocess, VlmError};

/// The plan; its weights and tokenizer are not looked for yet.
pub(super) fn open_clip_plan(settings: &Settings) -> Result<Plan, VlmError> {
    let model = settings.part("model_cfg", "model_cfg");
    let (v, t) = (model.part("vision_cfg", "vision_cfg"), model.part("text_cfg", "text_cfg"));
    let plain = [(&v, "timm_model_name"), (&t, "hf_model_name"), (&v, "attentional_pool"), (&v, "no_ln_pre")];
    for (part, key) in plain {
        if part.has(key) && part.flag(key, true)? {
            return Err(part.wrong(key, "a plain vision transformer and text transformer"));
        }
    }
    for (part, key, only) in [(&v, "pool_type", "tok"), (&t, "pool_type", "argmax")] {
        if part.word(key, only)? != only {
            return Err(part.wrong(key, only));
        }
    }
    let activation = if model.flag("quick_gelu", false)? { Activation::QuickGelu } else { Activation::Gelu };
    let inner = |part: &Settings, width: usize| -> Result<usize, VlmError> {
        Ok((part.number("mlp_ratio", 4.0)? * width as f64) as usize)
    };
    let (width, text_width) = (v.size("width", 768)?, t.size("width", 512)?);
    let (image_size, kind) = v.square("image_size", &[])?.unwrap_or((224, usize::MAX));
    debug_assert_eq!(kind, usize::MAX);
    let (patch_size, _) = v.square("patch_size", &[])?.unwrap_or((16, usize::MAX));
    let image = VitConfig {
        image_size,
        patch_size,
        d_model: width,
        ffn_dim: inner(&v, width)?,
        layers: v.size("layers", 12)?,
        heads: width / v.size("head_width", 64)?.max(1),
        activation,
        ..VitConfig::default()
    };
    let text = TextTransformerConfig {
        vocabulary: t.size("vocab_size", 49_408)?,
        max_len: t.size("context_length", 77)?,
        d_model: text_width,
        ffn_dim: inner(&t, text_width)?,
        layers: t.size("layers", 12)?,
        heads: t.size("heads", 8)?,
        activation,
        ..TextTransformerConfig::default()
    };
    let p = settings.part("preprocess_cfg", "preprocess_cfg");
    let preprocess = Preprocess {
        size: image_size as u32,
        fit: match p.word("resize_mode", "shortest")?.as_str() {
            "shortest" => Fit::ShortestEdgeEven,
            "squash" => Fit::Stretch,
            _ => return Err(p.wrong("resize_mode", "shortest or squash")),
        },
        filter: match p.word("interpolation", "bicubic")?.as_str() {
            "bicubic" => Filter::Bicubic,
            "bilinear" => Filter::Bilinear,
            _ => return Err(p.wrong("interpolation", "bicubic or bilinear")),
        },
        mean: p.colour("mean", CLIP_MEAN)?,
        std: p.colour("std", CLIP_STD)?,
    };
    Ok(Plan {
        family: Family::OpenClip,
        tokenizer: TokenizerConfig { max_len: text.max_len, ..TokenizerConfig::default() },
        networks: Networks::Dual { dims: model.size("embed_dim", 512)?, image, text: TextConfig::Transformer(text) },
        preprocess,
        weights: Vec::new(),
        tokens: None,
        missing: Vec::new(),
    })
}
