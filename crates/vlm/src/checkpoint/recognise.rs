//! Which family a folder's checkpoint is of, its sizes, and what is missing in the folder.

use std::path::{Path, PathBuf};

use super::image_to_text::image_to_text_plan;
use super::layouts::{
    BLIP_IGNORED, CHINESE_CLIP, CLIP, IDEFICS3_IGNORED, Layout, MULTILINGUAL_CLIP, OPEN_CLIP, SIGLIP, Table,
};
use super::open_clip::open_clip_plan;
use super::parts::{self, Part};
use super::settings::Settings;
use super::source::Source;
use super::transformers::{hf_plan, multilingual_plan};
use crate::model::architecture;
use crate::model::{IMAGE_FILE, TEXT_FILE, TOKENS_FILE, TextConfig, TokenizerConfig};
use crate::nn::vit::VitConfig;
use crate::{ImageToTextConfig, Preprocess, VlmError};

/// A published family of models.
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
    /// sentence-transformers' multilingual text tower, with the CLIP it belongs to in the folder `0_CLIPModel`.
    MultilingualClip,
    /// BLIP, which describes photos.
    BlipCaptions,
    /// BLIP, which answers questions about photos.
    BlipQuestions,
    /// Idefics3 with a small language model: SmolVLM.
    SmolVlm,
}

impl Family {
    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Clip => "CLIP",
            Self::OpenClip => "CLIP (open_clip)",
            Self::Siglip => "SigLIP",
            Self::ChineseClip => "Chinese-CLIP",
            Self::MultilingualClip => "Multilingual CLIP",
            Self::BlipCaptions => "BLIP (captions)",
            Self::BlipQuestions => "BLIP (questions)",
            Self::SmolVlm => "SmolVLM",
        }
    }

    /// What a dual encoder's layout calls its tensors.
    fn layout(self) -> Option<Layout> {
        match self {
            Self::Clip => Some(CLIP),
            Self::OpenClip => Some(OPEN_CLIP),
            Self::Siglip => Some(SIGLIP),
            Self::ChineseClip => Some(CHINESE_CLIP),
            Self::MultilingualClip => Some(MULTILINGUAL_CLIP),
            Self::BlipCaptions | Self::BlipQuestions | Self::SmolVlm => None,
        }
    }

    /// Parts of the names of what a checkpoint may have besides what is asked for.
    pub(super) fn ignored(self) -> &'static [&'static str] {
        match self {
            Self::BlipCaptions | Self::BlipQuestions => BLIP_IGNORED,
            Self::SmolVlm => IDEFICS3_IGNORED,
            _ => self.layout().map_or(&[], |layout| layout.ignored),
        }
    }

    /// The token that ends every sentence, where published tokenizers may leave it to the library's settings.
    pub(super) fn end_token(self) -> Option<&'static [&'static str]> {
        (self == Self::Siglip).then_some(&["<eos>", "</s>"])
    }
}

/// What a folder holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Recognised {
    /// The family.
    pub family: Family,
    /// Length of its vectors; none where it makes none, or the settings are missing.
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
    pub networks: Networks,
    pub preprocess: Preprocess,
    pub tokenizer: TokenizerConfig,
    pub weights: Vec<PathBuf>,
    pub tokens: Option<Tokens>,
    pub missing: Vec<String>,
}

/// The networks of a checkpoint.
#[derive(Debug, Clone)]
pub(super) enum Networks {
    /// A dual encoder's towers, with the length of its vectors.
    Dual { dims: usize, image: VitConfig, text: TextConfig },
    /// Those of a model that writes about photos.
    ImageToText(ImageToTextConfig),
}

impl Plan {
    /// The image tower.
    pub fn image(&self) -> &VitConfig {
        match &self.networks {
            Networks::Dual { image, .. } => image,
            Networks::ImageToText(config) => config.image(),
        }
    }

    /// Whether its sizes can be true and fit each other; the error names the key.
    fn check(&self) -> Result<(), String> {
        match &self.networks {
            Networks::Dual { dims, image, text } => {
                architecture::check(*dims, image, text, &self.tokenizer, &self.preprocess)
            }
            Networks::ImageToText(config) => config.check(&self.preprocess),
        }
    }

    /// Whether its tokens are BERT's.
    fn has_word_pieces(&self) -> bool {
        match &self.networks {
            Networks::Dual { text, .. } => matches!(text, TextConfig::Bert(_)),
            Networks::ImageToText(config) => matches!(config, ImageToTextConfig::Blip(_)),
        }
    }

    /// The files of the pack: their names, their tensors, and what the layout calls these.
    pub fn files(&self) -> Vec<(&'static str, Vec<Part>, Table)> {
        match (&self.networks, self.family.layout()) {
            (Networks::Dual { dims, image, text }, Some(layout)) => {
                let tensors = match text {
                    TextConfig::Transformer(c) => parts::text_transformer(c, *dims),
                    TextConfig::Bert(c) => parts::bert_text(c, *dims),
                };
                vec![
                    (IMAGE_FILE, parts::vit(image, *dims), layout.image),
                    (TEXT_FILE, tensors, layout.text),
                    (TOKENS_FILE, parts::table(text.table()), layout.table),
                ]
            }
            (Networks::ImageToText(config), _) => parts::image_to_text(config),
            (Networks::Dual { .. }, None) => Vec::new(),
        }
    }
}

/// Says what the checkpoint in `folder` is and what it lacks. Reads settings and headers, no weights.
///
/// # Errors
/// [`VlmError::Missing`] where there is neither a known file of settings nor of weights, [`VlmError::BadCheckpoint`] for one
/// of a family or with a setting that is not known, [`VlmError::Io`] or [`VlmError::BadWeights`].
pub fn recognise(folder: &Path) -> Result<Recognised, VlmError> {
    let of = |plan: Plan| Recognised {
        family: plan.family,
        dims: match plan.networks {
            Networks::Dual { dims, .. } => Some(dims),
            Networks::ImageToText(_) => None,
        },
        image_size: Some(plan.image().image_size),
        weight_bytes: plan.weights.iter().filter_map(|path| std::fs::metadata(path).ok()).map(|file| file.len()).sum(),
        missing: plan.missing,
    };
    match plan(folder)? {
        Some(plan) => Ok(of(plan)),
        None => by_names(folder),
    }
}

/// Names that weights go by, and the settings that belong to them.
pub(super) const HF_WEIGHTS: &[&str] = &["model.safetensors", "pytorch_model.bin"];
const OPEN_CLIP_WEIGHTS: &[&str] =
    &["open_clip_model.safetensors", "open_clip_pytorch_model.bin", "open_clip_pytorch_model.safetensors"];
pub(super) const HF_SETTINGS: &str = "config.json";
const OPEN_CLIP_SETTINGS: &str = "open_clip_config.json";

/// The conversion of the checkpoint in `folder`, with sizes that can be; none where its settings are missing.
pub(super) fn plan(folder: &Path) -> Result<Option<Plan>, VlmError> {
    let Some(plan) = said(folder)? else { return Ok(None) };
    plan.check().map_err(|reason| {
        let path = match plan.family {
            Family::OpenClip => root(folder).join(OPEN_CLIP_SETTINGS),
            Family::MultilingualClip if !reason.starts_with("image") => folder.join(HF_SETTINGS),
            _ => root(folder).join(HF_SETTINGS),
        };
        VlmError::BadCheckpoint { path, reason }
    })?;
    Ok(Some(plan))
}

/// What the settings in `folder` say.
fn said(folder: &Path) -> Result<Option<Plan>, VlmError> {
    let outer = Settings::read(&folder.join(HF_SETTINGS))?.filter(|settings| settings.has("model_type"));
    if let Some(settings) = outer
        && settings.word("model_type", "")? == "distilbert"
    {
        return multilingual_plan(&settings, folder);
    }
    let root = root(folder);
    let found = |names: &[&str]| first(&root, names);
    let hf = Settings::read(&root.join(HF_SETTINGS))?.filter(|settings| settings.has("model_type"));
    let open_clip = Settings::read(&root.join(OPEN_CLIP_SETTINGS))?;
    // A repository may have both; what has its weights is taken.
    let plan = match (open_clip, hf) {
        (Some(settings), hf) if hf.is_none() || found(OPEN_CLIP_WEIGHTS).is_some() => {
            let mut plan = open_clip_plan(&settings)?;
            plan.weights = found(OPEN_CLIP_WEIGHTS).or_else(|| found(HF_WEIGHTS)).into_iter().collect();
            plan.missing.extend(plan.weights.is_empty().then(|| OPEN_CLIP_WEIGHTS[0].to_owned()));
            plan
        }
        (_, Some(settings)) => {
            let mut plan = match image_to_text_plan(&settings, &root)? {
                Some(plan) => plan,
                None => hf_plan(&settings, &root)?,
            };
            plan.weights = found(HF_WEIGHTS).into_iter().collect();
            plan.missing.extend(plan.weights.is_empty().then(|| HF_WEIGHTS[0].to_owned()));
            plan
        }
        _ => return Ok(None),
    };
    Ok(Some(with_tokenizer(plan, &root)?))
}

/// The first of several files that is there.
pub(super) fn first(folder: &Path, names: &[&str]) -> Option<PathBuf> {
    names.iter().map(|name| folder.join(name)).find(|path| path.is_file())
}

/// Folder in which sentence-transformers keeps CLIP.
pub(super) const INNER: &str = "0_CLIPModel";

/// The folder itself, or the one in it in which sentence-transformers keeps CLIP.
fn root(folder: &Path) -> PathBuf {
    let inner = folder.join(INNER);
    if inner.is_dir() { inner } else { folder.into() }
}

/// The family by the names of the weights, for a folder without settings.
fn by_names(folder: &Path) -> Result<Recognised, VlmError> {
    let root = root(folder);
    let path = HF_WEIGHTS.iter().chain(OPEN_CLIP_WEIGHTS).map(|name| root.join(name)).find(|path| path.is_file());
    let path = path.ok_or_else(|| VlmError::Missing { path: root.join(HF_SETTINGS) })?;
    let source = Source::open(&path)?;
    let has = |name: &str| source.shape(name).is_some();
    let (family, settings) = if has("text_encoder.embeddings.LayerNorm.weight") {
        (Family::BlipQuestions, HF_SETTINGS)
    } else if has("text_decoder.bert.embeddings.LayerNorm.weight") {
        (Family::BlipCaptions, HF_SETTINGS)
    } else if has("model.connector.modality_projection.proj.weight") {
        (Family::SmolVlm, HF_SETTINGS)
    } else if has(MULTILINGUAL_CLIP.table[0].1) {
        (Family::MultilingualClip, "0_CLIPModel/config.json")
    } else if has("visual.conv1.weight") {
        (Family::OpenClip, OPEN_CLIP_SETTINGS)
    } else if has("vision_model.head.probe") {
        (Family::Siglip, HF_SETTINGS)
    } else if has(CHINESE_CLIP.table[0].1) && has("visual_projection.weight") {
        (Family::ChineseClip, HF_SETTINGS)
    } else if has(CLIP.table[0].1) && has("visual_projection.weight") {
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

/// Finds the tokenizer's files.
pub(super) fn with_tokenizer(mut plan: Plan, root: &Path) -> Result<Plan, VlmError> {
    let file = |name: &str| Some(root.join(name)).filter(|path| path.is_file());
    plan.tokens = if let Some(json) = file("tokenizer.json") {
        Some(Tokens::Json(json))
    } else if plan.has_word_pieces() {
        let settings = Settings::read(&root.join("tokenizer_config.json"))?;
        let lowercase = settings.map_or(Ok(true), |settings| settings.flag("do_lower_case", true))?;
        file("vocab.txt").map(|vocabulary| Tokens::WordPieces { vocabulary, lowercase })
    } else {
        let both = file("vocab.json")
            .zip(file("merges.txt"))
            .filter(|_| !matches!(plan.family, Family::Siglip | Family::SmolVlm));
        both.map(|(vocabulary, merges)| Tokens::Bpe { vocabulary, merges })
    };
    // A sentence that is padded to its full length is another one with its padding before it.
    if plan.tokenizer.pad_to_max
        && let Some(settings) = Settings::read(&root.join("tokenizer_config.json"))?
    {
        plan.tokenizer.pad_left = settings.word("padding_side", "right")? == "left";
    }
    if plan.tokens.is_none() {
        plan.missing.push(if plan.family == Family::ChineseClip { "vocab.txt" } else { "tokenizer.json" }.to_owned());
    }
    Ok(plan)
}
