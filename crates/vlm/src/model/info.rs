//! `model.toml`: what a model is, where it comes from, and how its files are checked.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::architecture::{self, TextConfig};
use super::tokenizer::TokenizerConfig;
use crate::descriptor::DescriptorConfig;
use crate::heads::HeadsConfig;
use crate::languages::{LANGUAGE_FILES, LanguagesConfig};
use crate::nn::vit::VitConfig;
use crate::plain_file::{open_plain, read_plain};
use crate::{CAPTION_FILES, DecoderConfig, ImageToTextConfig, Preprocess, VlmError};

/// Name of the description in a model folder.
pub const INFO_FILE: &str = "model.toml";

/// Longest description that is read: the bundled model's has three kilobytes.
const MOST_BYTES: u64 = 1 << 20;

/// The description of a model.
///
/// A published dual encoder has `image` and `text`, which say what its towers are; one that writes about photos has
/// `image_to_text` instead. The bundled model has neither: its
/// towers are EfficientNet-Lite2 and MiniLM-L6, with `heads` and `descriptor` on top of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelInfo {
    /// Name of the model, such as `home-1`.
    pub name: String,
    /// One sentence for people.
    pub summary: String,
    /// Length of an embedding; 0 in a model that has none.
    #[serde(default)]
    pub dims: usize,
    /// Sizes of the projection heads; absent in published dual encoders, which have a matrix in each tower.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heads: Option<HeadsConfig>,
    /// Sizes of descriptors; absent where a photo's descriptor is what its tower pools.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub descriptor: Option<DescriptorConfig>,
    /// The image tower of a published dual encoder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<VitConfig>,
    /// The text tower of a published dual encoder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<TextConfig>,
    /// The networks of a model that writes about photos, and does nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_to_text: Option<ImageToTextConfig>,
    /// The text tower for other languages than English; absent in models whose own knows them, or that know none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub languages: Option<LanguagesConfig>,
    /// What is done to a text beside what `tokenizer.json` says.
    #[serde(default, skip_serializing_if = "is_default")]
    pub tokenizer: TokenizerConfig,
    /// Sizes of the caption decoder; absent in models that write no captions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decoder: Option<DecoderConfig>,
    /// Licences of the weights and their sources.
    pub licences: Vec<String>,
    /// Where its weights come from, such as a repository with a revision; empty for the bundled model.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// What it was trained on.
    #[serde(default)]
    pub training_data: Vec<String>,
    /// How photos are prepared.
    pub preprocess: Preprocess,
    /// Sentences into which a class name is put for zero-shot classification; `{}` is the name.
    #[serde(default = "default_prompts")]
    pub prompts: Vec<String>,
    /// When a match is strong or possible.
    #[serde(default)]
    pub thresholds: Thresholds,
    /// Measured scores by name, in percent unless the name says otherwise.
    #[serde(default)]
    pub scores: BTreeMap<String, f64>,
    /// The files of the model by name.
    pub files: BTreeMap<String, FileInfo>,
}

/// Size and checksum of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileInfo {
    /// Bytes.
    pub bytes: u64,
    /// SHA-256 in lower-case hex.
    pub sha256: String,
}

/// Bars for a calibrated score; see [`crate::Calibration`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Thresholds {
    /// From here a match is strong.
    pub strong: f32,
    /// From here a match is possible.
    pub possible: f32,
    /// From here a tag is proposed.
    pub tag: f32,
    /// From here a photo has what a query excludes.
    #[serde(default = "default_exclude")]
    pub exclude: f32,
    /// When a caption is shown.
    #[serde(default)]
    pub caption: CaptionBars,
}

/// The bar of descriptions that were written before there was one.
fn default_exclude() -> f32 {
    1.6
}

/// When a sentence fits its photo, in standard scores; below one of these it is a guess, which is not shown.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CaptionBars {
    /// The sentence's own score.
    pub sentence: f32,
    /// That of people, told from other things, where it names them.
    pub people: f32,
    /// That of the thing it names first, unless it names people before.
    pub subject: f32,
    /// That of every other thing it names.
    pub thing: f32,
}

impl Default for CaptionBars {
    /// No bar: for a model for which none were chosen.
    fn default() -> Self {
        Self { sentence: f32::MIN, people: f32::MIN, subject: f32::MIN, thing: f32::MIN }
    }
}

impl Default for Thresholds {
    /// Bars in standard scores for a model for which none were measured: those of the bundled model, rounded.
    fn default() -> Self {
        Self { strong: 4.3, possible: 3.1, tag: 5.5, exclude: default_exclude(), caption: CaptionBars::default() }
    }
}

/// The sentence of a class where a description names none.
fn default_prompts() -> Vec<String> {
    vec!["a photo of a {}.".into()]
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl ModelInfo {
    /// Reads the description in `dir`.
    ///
    /// # Errors
    /// [`VlmError::Missing`], [`VlmError::Io`] or [`VlmError::BadInfo`].
    pub fn read(dir: &Path) -> Result<Self, VlmError> {
        let path = dir.join(INFO_FILE);
        let bad = |reason: String| VlmError::BadInfo { path: path.clone(), reason };
        let bytes = read_plain(&path, MOST_BYTES).map_err(|unread| unread.error(&path, |_, reason| bad(reason)))?;
        let text = String::from_utf8(bytes).map_err(|_| bad("it is not text".into()))?;
        let info: Self = toml::from_str(&text).map_err(|e| {
            let line = e.span().map(|span| text[..span.start].matches('\n').count() + 1);
            bad(line.map_or_else(|| e.message().to_owned(), |line| format!("line {line}: {}", e.message())))
        })?;
        info.check().map_err(bad)?;
        Ok(info)
    }

    /// Whether what it says can be true; the error names the key.
    pub(crate) fn check(&self) -> Result<(), String> {
        if let Some(name) = self.files.keys().find(|name| !is_file_name(name)) {
            return Err(format!("files.{name:?}, expected the name of a file in the model's own folder"));
        }
        architecture::check_preparation(&self.tokenizer, &self.preprocess)?;
        if let Some(config) = &self.image_to_text {
            let others = [self.heads.is_some(), self.descriptor.is_some(), self.decoder.is_some()];
            if others.contains(&true) || self.image.is_some() || self.text.is_some() || self.dims != 0 {
                return Err("dims, image, text, heads, descriptor or decoder beside image_to_text".into());
            }
            return config.check(&self.preprocess);
        }
        if self.languages.is_some() && self.heads.is_none() {
            return Err("languages without heads".into());
        }
        match (&self.image, &self.text) {
            (Some(image), Some(text)) => {
                if self.heads.is_some() || self.descriptor.is_some() || self.decoder.is_some() {
                    return Err("heads, descriptor or decoder beside image and text".into());
                }
                architecture::check(self.dims, image, text, &self.tokenizer, &self.preprocess)
            }
            (None, None) => match (&self.heads, &self.descriptor) {
                (Some(heads), Some(descriptor)) => architecture::check_home(self, heads, descriptor),
                _ => Err("neither image and text nor heads and descriptor".into()),
            },
            (Some(_), None) => Err("image without text".into()),
            (None, Some(_)) => Err("text without image".into()),
        }
    }

    /// Length of a photo's descriptor.
    pub fn descriptor_dims(&self) -> usize {
        match (&self.descriptor, &self.image) {
            (Some(descriptor), _) => descriptor.dims,
            (None, Some(image)) => image.d_model,
            (None, None) => self.dims,
        }
    }

    /// Hash of everything that changes a photo's vector: the weights and the preparation of photos.
    ///
    /// Vectors of models with different ids are never compared.
    pub fn id(&self) -> String {
        self.hash(|name| !CAPTION_FILES.contains(&name) && !LANGUAGE_FILES.contains(&name))
    }

    /// Hash of everything that changes a caption.
    pub fn caption_id(&self) -> String {
        self.hash(|name| !LANGUAGE_FILES.contains(&name))
    }

    fn hash(&self, counts: impl Fn(&str) -> bool) -> String {
        let mut hash = Sha256::new();
        for (name, file) in self.files.iter().filter(|(name, _)| counts(name)) {
            hash.update(format!("{name}\0{}\0", file.sha256));
        }
        let p = &self.preprocess;
        hash.update(format!("{}\0{:?}\0{:?}\0{:?}\0{:?}", p.size, p.fit, p.filter, p.mean, p.std));
        // What the bundled model's description leaves out was added later and counts only where it is there.
        if let (Some(image), Some(text)) = (&self.image, &self.text) {
            hash.update(format!("\0{image:?}\0{text:?}\0{:?}", self.tokenizer));
        }
        if let Some(config) = &self.image_to_text {
            hash.update(format!("\0{config:?}"));
        }
        hex(&hash.finalize())[..16].to_owned()
    }

    /// Checks that every file is there with its size; quick, reads no contents.
    ///
    /// # Errors
    /// [`VlmError::Missing`] or [`VlmError::WrongFile`].
    pub fn check_sizes(&self, dir: &Path) -> Result<(), VlmError> {
        for (name, file) in &self.files {
            let path = dir.join(name);
            let there = std::fs::metadata(&path).map_err(|_| VlmError::Missing { path: path.clone() })?;
            if !there.is_file() || there.len() != file.bytes {
                let found = if there.is_file() { format!("{} bytes", there.len()) } else { "no plain file".into() };
                return Err(VlmError::WrongFile { path, expected: format!("{} bytes", file.bytes), found });
            }
        }
        Ok(())
    }

    /// Checks the SHA-256 of every file.
    ///
    /// # Errors
    /// [`VlmError::Missing`], [`VlmError::Io`] or [`VlmError::WrongFile`].
    pub fn verify(&self, dir: &Path) -> Result<(), VlmError> {
        self.check_sizes(dir)?;
        for (name, file) in &self.files {
            let path = dir.join(name);
            let found = FileInfo::of(&path)?.sha256;
            if found != file.sha256 {
                return Err(VlmError::WrongFile { path, expected: file.sha256.clone(), found });
            }
        }
        Ok(())
    }
}

impl FileInfo {
    /// Size and checksum of the file at `path`.
    ///
    /// # Errors
    /// [`VlmError::Io`].
    pub fn of(path: &Path) -> Result<Self, VlmError> {
        let io = |source| VlmError::Io { path: path.into(), source };
        let mut file = open_plain(path).map_err(|unread| io(unread.into()))?;
        let (mut hash, mut bytes, mut buffer) = (Sha256::new(), 0, vec![0; 1 << 20]);
        loop {
            let read = file.read(&mut buffer).map_err(io)?;
            if read == 0 {
                return Ok(Self { bytes, sha256: hex(&hash.finalize()) });
            }
            hash.update(&buffer[..read]);
            bytes += read as u64;
        }
    }
}

/// Whether a name leads to a file in the folder itself.
fn is_file_name(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    matches!((parts.next(), parts.next()), (Some(std::path::Component::Normal(own)), None) if own == name)
        && !name.contains('\\')
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
