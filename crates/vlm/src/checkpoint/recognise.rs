//! Which family a folder's checkpoint is of, its sizes, and what is missing in the folder.

use std::path::{Path, PathBuf};

use super::layouts::{CHINESE_CLIP, CLIP, Layout, OPEN_CLIP, SIGLIP};
use super::settings::Settings;
use super::source::Source;
use crate::model::{TextConfig, TokenizerConfig};
use crate::nn::bert_text::BertTextConfig;
use crate::nn::mlp::Activation;
use crate::nn::text_transformer::{TextPooling, TextTransformerConfig};
use crate::nn::vit::{ImagePooling, VitConfig};
use crate::{Filter, Fit, Preprocess, VlmError};

/// A published family of dual encoders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// CLIP as Hugging Face's transformers keeps it.
    Clip,
    /// CLIP as open_clip keeps it.
    OpenClip,
    /// SigLIP and SigLIP2 of a fixed resolution.
    Siglip,
    /// Chinese-CLIP.
    ChineseClip,
}

impl Family {
    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Clip => "CLIP",
            Self::OpenClip => "CLIP (open_clip)",
            Self::Siglip => "SigLIP",
            Self::ChineseClip => "Chinese-CLIP",
        }
    }

    pub(super) fn layout(self) -> Layout {
        match self {
            Self::Clip => CLIP,
            Self::OpenClip => OPEN_CLIP,
            Self::Siglip => SIGLIP,
            Self::ChineseClip => CHINESE_CLIP,
        }
    }
}

/// What a folder holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Recognised {
    /// The family.
    pub family: Family,
    /// Length of its vectors; none where the settings are missing.
    pub dims: Option<usize>,
    /// Side of its square input in pixels; none where the settings are missing.
    pub image_size: Option<usize>,
    /// Bytes of the file of weights, 0 where it is missing.
    pub weight_bytes: u64,
    /// The files that are missing; it can be converted when there are none.
    pub missing: Vec<String>,
}

/// Where the tokenizer comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tokens {
    /// `tokenizer.json` as it is.
    Json(PathBuf),
    /// CLIP's byte-pair vocabulary and merges.
    Bpe { vocabulary: PathBuf, merges: PathBuf },
    /// BERT's word pieces.
    WordPieces { vocabulary: PathBuf, lowercase: bool },
}

/// All that a conversion needs to know.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub family: Family,
    pub dims: usize,
    pub image: VitConfig,
    pub text: TextConfig,
    pub preprocess: Preprocess,
    pub tokenizer: TokenizerConfig,
    pub weights: Option<PathBuf>,
    pub tokens: Option<Tokens>,
    pub missing: Vec<String>,
}

/// Means and deviations of OpenAI's CLIP.
const CLIP_MEAN: [f32; 3] = [0.481_454_66, 0.457_827_5, 0.408_210_73];
const CLIP_STD: [f32; 3] = [0.268_629_54, 0.261_302_6, 0.275_777_1];

/// Says what the checkpoint in `folder` is and what it lacks. Reads settings and headers, no weights.
///
/// # Errors
/// [`VlmError::Missing`] where there is neither a known file of settings nor of weights, [`VlmError::BadCheckpoint`] for one
/// of a family or with a setting that is not known, [`VlmError::Io`] or [`VlmError::BadWeights`].
pub fn recognise(folder: &Path) -> Result<Recognised, VlmError> {
    let of = |plan: Plan| Recognised {
        family: plan.family,
        dims: Some(plan.dims),
        image_size: Some(plan.image.image_size),
        weight_bytes: plan.weights.and_then(|path| std::fs::metadata(path).ok()).map_or(0, |file| file.len()),
        missing: plan.missing,
    };
    match plan(folder)? {
        Some(plan) => Ok(of(plan)),
        None => by_names(folder),
    }
}

/// Names that weights go by, and the settings that belong to them.
const HF_WEIGHTS: &[&str] = &["model.safetensors", "pytorch_model.bin"];
const OPEN_CLIP_WEIGHTS: &[&str] =
    &["open_clip_model.safetensors", "open_clip_pytorch_model.bin", "open_clip_pytorch_model.safetensors"];
const HF_SETTINGS: &str = "config.json";
const OPEN_CLIP_SETTINGS: &str = "open_clip_config.json";

/// The conversion of the checkpoint in `folder`; none where its settings are missing.
pub(super) fn plan(folder: &Path) -> Result<Option<Plan>, VlmError> {
    let root = root(folder);
    let found = |names: &[&str]| names.iter().map(|name| root.join(name)).find(|path| path.is_file());
    let hf = Settings::read(&root.join(HF_SETTINGS))?.filter(|settings| settings.has("model_type"));
    let open_clip = Settings::read(&root.join(OPEN_CLIP_SETTINGS))?;
    // A repository may have both; what has its weights is taken.
    let plan = match (open_clip, hf) {
        (Some(settings), hf) if hf.is_none() || found(OPEN_CLIP_WEIGHTS).is_some() => {
            let mut plan = open_clip_plan(&settings)?;
            plan.weights = found(OPEN_CLIP_WEIGHTS).or_else(|| found(HF_WEIGHTS));
            plan.missing.extend(plan.weights.is_none().then(|| OPEN_CLIP_WEIGHTS[0].to_owned()));
            plan
        }
        (_, Some(settings)) => {
            let mut plan = hf_plan(&settings, &root)?;
            plan.weights = found(HF_WEIGHTS);
            plan.missing.extend(plan.weights.is_none().then(|| HF_WEIGHTS[0].to_owned()));
            plan
        }
        _ => return Ok(None),
    };
    Ok(Some(with_tokenizer(plan, &root)?))
}

/// The folder itself, or the one in it in which sentence-transformers keeps CLIP.
fn root(folder: &Path) -> PathBuf {
    let inner = folder.join("0_CLIPModel");
    if inner.is_dir() { inner } else { folder.into() }
}

/// The family by the names of the weights, for a folder without settings.
fn by_names(folder: &Path) -> Result<Recognised, VlmError> {
    let root = root(folder);
    let path = HF_WEIGHTS.iter().chain(OPEN_CLIP_WEIGHTS).map(|name| root.join(name)).find(|path| path.is_file());
    let path = path.ok_or_else(|| VlmError::Missing { path: root.join(HF_SETTINGS) })?;
    let source = Source::open(&path)?;
    let has = |name: &str| source.shape(name).is_some();
    let (family, settings) = if has("visual.conv1.weight") {
        (Family::OpenClip, OPEN_CLIP_SETTINGS)
    } else if has("vision_model.head.probe") {
        (Family::Siglip, HF_SETTINGS)
    } else if has(CHINESE_CLIP.table) && has("visual_projection.weight") {
        (Family::ChineseClip, HF_SETTINGS)
    } else if has(CLIP.table) && has("visual_projection.weight") {
        (Family::Clip, HF_SETTINGS)
    } else {
        return Err(VlmError::BadCheckpoint {
            path,
            reason: "its tensors are not those of a family that is known".into(),
        });
    };
    let weight_bytes = std::fs::metadata(&path).map_or(0, |file| file.len());
    Ok(Recognised { family, dims: None, image_size: None, weight_bytes, missing: vec![settings.to_owned()] })
}

fn activation(settings: &Settings, key: &str, default: &str) -> Result<Activation, VlmError> {
    match settings.word(key, default)?.as_str() {
        "gelu" => Ok(Activation::Gelu),
        "quick_gelu" => Ok(Activation::QuickGelu),
        "gelu_pytorch_tanh" | "gelu_new" => Ok(Activation::GeluTanh),
        _ => Err(settings.wrong(key, "gelu, quick_gelu or gelu_pytorch_tanh")),
    }
}

fn hf_plan(settings: &Settings, root: &Path) -> Result<Plan, VlmError> {
    let family = match settings.word("model_type", "")?.as_str() {
        "clip" => Family::Clip,
        "siglip" => Family::Siglip,
        "chinese_clip" => Family::ChineseClip,
        _ => return Err(settings.wrong("model_type", "clip, siglip or chinese_clip")),
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
                pad_id: u32::from(!second),
                lowercase: true,
                strip_punctuation: !second,
            }
        }
        TextConfig::Transformer(text) => TokenizerConfig { max_len: text.max_len, ..TokenizerConfig::default() },
    };
    Ok(Plan { family, dims, image, text, preprocess, tokenizer, weights: None, tokens: None, missing })
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

const PREPROCESSOR: &str = "preprocessor_config.json";

fn clip_preprocess(size: usize) -> Preprocess {
    let (fit, filter) = (Fit::ShortestEdge, Filter::Bicubic);
    Preprocess { size: size as u32, fit, filter, mean: CLIP_MEAN, std: CLIP_STD }
}

/// What `preprocessor_config.json` says.
fn hf_preprocess(settings: &Settings, image_size: usize) -> Result<Preprocess, VlmError> {
    let expected = format!("{image_size}, as in config.json");
    let (size, kind) = settings.square("size", &[&["shortest_edge"], &["height", "width"]])?.unwrap_or((image_size, 0));
    if size != image_size || !settings.flag("do_resize", true)? {
        return Err(settings.wrong("size", &expected));
    }
    // A number alone is the shortest edge where there is a crop after it, else both.
    let crops = settings.flag("do_center_crop", settings.has("crop_size"))?;
    let fit = if kind == 1 || (kind == usize::MAX && !crops) { Fit::Squash } else { Fit::ShortestEdge };
    if fit == Fit::ShortestEdge {
        let crop = settings.square("crop_size", &[&["height", "width"]])?.map_or(size, |(size, _)| size);
        if !crops || crop != size {
            return Err(settings.wrong("crop_size", &expected));
        }
    }
    let filter = match settings.size("resample", 3)? {
        2 => Filter::Bilinear,
        3 => Filter::Bicubic,
        _ => return Err(settings.wrong("resample", "2 or 3")),
    };
    if (settings.number("rescale_factor", 1.0 / 255.0)? * 255.0 - 1.0).abs() > 1e-4 {
        return Err(settings.wrong("rescale_factor", "1/255"));
    }
    let (mean, std) = if settings.flag("do_normalize", true)? {
        (settings.colour("image_mean", CLIP_MEAN)?, settings.colour("image_std", CLIP_STD)?)
    } else {
        ([0.0; 3], [1.0; 3])
    };
    Ok(Preprocess { size: size as u32, fit, filter, mean, std })
}

fn open_clip_plan(settings: &Settings) -> Result<Plan, VlmError> {
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
            "squash" => Fit::Squash,
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
        dims: model.size("embed_dim", 512)?,
        image,
        tokenizer: TokenizerConfig { max_len: text.max_len, ..TokenizerConfig::default() },
        text: TextConfig::Transformer(text),
        preprocess,
        weights: None,
        tokens: None,
        missing: Vec::new(),
    })
}

/// Finds the tokenizer's files.
fn with_tokenizer(mut plan: Plan, root: &Path) -> Result<Plan, VlmError> {
    let file = |name: &str| Some(root.join(name)).filter(|path| path.is_file());
    plan.tokens = if let Some(json) = file("tokenizer.json") {
        Some(Tokens::Json(json))
    } else if plan.family == Family::ChineseClip {
        let settings = Settings::read(&root.join("tokenizer_config.json"))?;
        let lowercase = settings.map_or(Ok(true), |settings| settings.flag("do_lower_case", true))?;
        file("vocab.txt").map(|vocabulary| Tokens::WordPieces { vocabulary, lowercase })
    } else {
        let both = file("vocab.json").zip(file("merges.txt")).filter(|_| plan.family != Family::Siglip);
        both.map(|(vocabulary, merges)| Tokens::Bpe { vocabulary, merges })
    };
    if plan.tokens.is_none() {
        plan.missing.push(if plan.family == Family::ChineseClip { "vocab.txt" } else { "tokenizer.json" }.to_owned());
    }
    Ok(plan)
}
