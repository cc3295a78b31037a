//! `model.toml`: what a model is, where it comes from, and how its files are checked.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::descriptor::DescriptorConfig;
use crate::heads::HeadsConfig;
use crate::{CAPTION_FILES, DecoderConfig, Preprocess, VlmError};

/// Name of the description in a model folder.
pub const INFO_FILE: &str = "model.toml";

/// The description of a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelInfo {
    /// Name of the model, such as `home-1`.
    pub name: String,
    /// One sentence for people.
    pub summary: String,
    /// Length of an embedding.
    pub dims: usize,
    /// Sizes of the projection heads.
    pub heads: HeadsConfig,
    /// Sizes of descriptors.
    pub descriptor: DescriptorConfig,
    /// Sizes of the caption decoder; absent in models that write no captions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decoder: Option<DecoderConfig>,
    /// Licences of the weights and their sources.
    pub licences: Vec<String>,
    /// What it was trained on.
    pub training_data: Vec<String>,
    /// How photos are prepared.
    pub preprocess: Preprocess,
    /// Sentences into which a class name is put for zero-shot classification; `{}` is the name.
    pub prompts: Vec<String>,
    /// When a match is strong or possible.
    pub thresholds: Thresholds,
    /// Measured scores by name, in percent unless the name says otherwise.
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

impl ModelInfo {
    /// Reads the description in `dir`.
    ///
    /// # Errors
    /// [`VlmError::Missing`], [`VlmError::Io`] or [`VlmError::BadInfo`].
    pub fn read(dir: &Path) -> Result<Self, VlmError> {
        let path = dir.join(INFO_FILE);
        let text = std::fs::read_to_string(&path).map_err(|source| match source.kind() {
            std::io::ErrorKind::NotFound => VlmError::Missing { path: path.clone() },
            std::io::ErrorKind::InvalidData => {
                VlmError::BadInfo { path: path.clone(), reason: "it is not text".into() }
            }
            _ => VlmError::Io { path: path.clone(), source },
        })?;
        toml::from_str(&text).map_err(|e| VlmError::BadInfo { path, reason: e.message().into() })
    }

    /// Hash of everything that changes a vector: the weights and the preparation of photos.
    ///
    /// Vectors of models with different ids are never compared.
    pub fn id(&self) -> String {
        self.hash(|name| !CAPTION_FILES.contains(&name))
    }

    /// Hash of everything that changes a caption.
    pub fn caption_id(&self) -> String {
        self.hash(|_| true)
    }

    fn hash(&self, counts: impl Fn(&str) -> bool) -> String {
        let mut hash = Sha256::new();
        for (name, file) in self.files.iter().filter(|(name, _)| counts(name)) {
            hash.update(format!("{name}\0{}\0", file.sha256));
        }
        let p = &self.preprocess;
        hash.update(format!("{}\0{:?}\0{:?}\0{:?}\0{:?}", p.size, p.fit, p.filter, p.mean, p.std));
        hex(&hash.finalize())[..16].to_owned()
    }

    /// Checks that every file is there with its size; quick, reads no contents.
    ///
    /// # Errors
    /// [`VlmError::Missing`] or [`VlmError::WrongFile`].
    pub fn check_sizes(&self, dir: &Path) -> Result<(), VlmError> {
        for (name, file) in &self.files {
            let path = dir.join(name);
            let found = std::fs::metadata(&path).map_err(|_| VlmError::Missing { path: path.clone() })?.len();
            if found != file.bytes {
                let (expected, found) = (format!("{} bytes", file.bytes), format!("{found} bytes"));
                return Err(VlmError::WrongFile { path, expected, found });
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
        let mut file = std::fs::File::open(path).map_err(io)?;
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

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
