//! Whether a model that was fetched or brought computes right on this device, and whether its weights make sense.
//!
//! Four things are measured, with photos whose contents are known and twenty sentences about them:
//!
//! - the CPU's vectors beside those of the GPU in use: the lowest cosine;
//! - the vectors by the half-precision weights beside those by 32-bit weights that round to the same halves, drawn at random:
//!   what the checkpoint's own rounding did, whose numbers are of that kind, can have done no more ([`super::rounding`]);
//! - the vectors of sentences by text weights of 8 bits beside those of 32 bits: whether searches may use them here;
//! - how many of the twenty sentences have their own photo first among all.
//!
//! It knows nothing of files of photos: pixels come prepared.

mod sentences;
#[cfg(test)]
mod tests;

use std::path::Path;

use serde::{Deserialize, Serialize};

use self::sentences::SENTENCES;
use super::dual::Reading;
use super::{Model, ModelInfo};
use crate::cpu::vit::Precision;
use crate::plain_file::read_plain;
use crate::{DeviceChoice, DeviceKind, Embedding, ModelInput, VlmError};

/// The file beside a model's description that keeps what was measured. It is no part of the model: its id is as before.
const PROOF_FILE: &str = "proof.json";
/// Longest one that is read: it has some hundred bytes.
const MOST_BYTES: u64 = 1 << 20;

/// Raised when something else is measured.
const VERSION: u32 = 1;

/// Least cosine of two devices: what towers of this size differ by in 32 bits is a thousandth of it.
const DEVICES: f32 = 0.999;
/// Least cosine of halves and what they may have been.
const HALVES: f32 = 0.999;
/// Least cosine of sentences by 8 bits and by 32 for 8 bits to be used.
const EIGHT: f32 = 0.99;
/// Sentences that must have their photo first. By chance each has with 1 in 39, so that ten of twenty have once in 2e10 tries
/// (184,756 ways of 39^-10 each, in two languages), and a model that puts the same photo first for each sentence has one
/// right. A model that finds less than half of what is as plain as this is of no use, whatever the reason.
const LEAST_RIGHT: u32 = 10;

/// Photos that are embedded between two looks at whether to go on.
const PHOTOS_AT_ONCE: usize = 4;
/// Photos that are embedded a second time by drawn weights.
const DRAWN_PHOTOS: usize = 8;
const SEED: u64 = 39;

/// What was measured of a model on a device.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Proof {
    version: u32,
    /// The model's id.
    pub id: String,
    /// The device in use.
    pub device: String,
    /// Why it could not be tried at all.
    #[serde(default)]
    pub failed: Option<String>,
    /// Whether sample photos were there: without them only sentences were compared.
    pub photos: bool,
    /// The CPU beside the GPU in use; none without a GPU.
    #[serde(default)]
    pub gpu: Option<Agreement>,
    /// The halves beside 32-bit numbers that they may have been; none for the bundled model's kind.
    #[serde(default)]
    pub halves: Option<Agreement>,
    /// Lowest cosine of a sentence by text weights of 8 bits and by those of 32; none where no 8 bits are computed with.
    #[serde(default)]
    pub eight: Option<f32>,
    /// Which sentences had their photo first; none without sample photos.
    #[serde(default)]
    pub firsts: Option<Firsts>,
}

/// The lowest cosines of vectors that were computed in two ways.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Agreement {
    /// Of photos; none without sample photos.
    pub photos: Option<f32>,
    /// Of sentences.
    pub sentences: f32,
}

impl Agreement {
    /// The lower of both.
    pub fn lowest(&self) -> f32 {
        self.photos.map_or(self.sentences, |photos| photos.min(self.sentences))
    }
}

/// How many sentences had their own photo first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Firsts {
    /// Those that had.
    pub right: u32,
    /// All.
    pub of: u32,
    /// The language in which they were asked: that of two with more right ones.
    pub language: Language,
    /// How many the bundled model has right on this computer, where it was asked.
    #[serde(default)]
    pub bundled: Option<u32>,
}

/// A language in which the sentences are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// English.
    English,
    /// Chinese.
    Chinese,
}

impl Language {
    /// Its name in English.
    pub fn name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Chinese => "Chinese",
        }
    }
}

/// What speaks against using a model.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// It could not be loaded, or gave no numbers.
    Failed {
        /// Why.
        reason: String,
    },
    /// The GPU computes other vectors than the CPU, whose make sense or were not judged.
    Gpu {
        /// The lowest cosine of both.
        cosine: f32,
    },
    /// Half precision changes what the weights compute.
    Halves {
        /// The lowest cosine of a vector before and after.
        cosine: f32,
    },
    /// Sentences do not find their photos, and those of the bundled model do: it is the weights.
    Weights {
        /// Sentences that found their photo.
        right: u32,
        /// All sentences.
        of: u32,
    },
    /// Nor do the bundled model's: it is this computer.
    Computer {
        /// Sentences that found their photo by the bundled model.
        bundled: u32,
        /// All sentences.
        of: u32,
    },
}

impl Proof {
    /// What is kept of the model `id` in its folder; none where nothing is, or of something else.
    pub fn read(dir: &Path, id: &str) -> Option<Self> {
        let proof: Self = serde_json::from_slice(&read_plain(&dir.join(PROOF_FILE), MOST_BYTES).ok()?).ok()?;
        (proof.version == VERSION && proof.id == id).then_some(proof)
    }

    /// The name of the file in which it is kept, as JSON.
    pub fn file_name() -> &'static str {
        PROOF_FILE
    }

    /// What speaks against using the model on a device of this choice.
    pub fn fault(&self, choice: DeviceChoice) -> Option<Fault> {
        if let Some(reason) = &self.failed {
            return Some(Fault::Failed { reason: reason.clone() });
        }
        // A cosine that is not a number is below every bar.
        let below = |cosine: f32, bar: f32| cosine.is_nan() || cosine < bar;
        if let Some(firsts) = self.firsts.filter(|firsts| firsts.right < LEAST_RIGHT) {
            return Some(match firsts.bundled.filter(|bundled| *bundled < LEAST_RIGHT) {
                Some(bundled) => Fault::Computer { bundled, of: firsts.of },
                None => Fault::Weights { right: firsts.right, of: firsts.of },
            });
        }
        if let Some(cosine) = self.halves.map(|halves| halves.lowest()).filter(|cosine| below(*cosine, HALVES)) {
            return Some(Fault::Halves { cosine });
        }
        let gpu = self.gpu.filter(|_| choice != DeviceChoice::Cpu).map(|gpu| gpu.lowest());
        gpu.filter(|cosine| below(*cosine, DEVICES)).map(|cosine| Fault::Gpu { cosine })
    }

    /// What text weights may be kept as for searches on the CPU.
    pub(super) fn text_precision(&self) -> Precision {
        if self.eight.is_some_and(|cosine| cosine >= EIGHT) { Precision::Eight } else { Precision::Float }
    }

    /// Whether searches on the CPU use text weights of 8 bits.
    pub fn uses_eight_bits(&self) -> bool {
        self.text_precision() == Precision::Eight
    }

    /// Of a model that cannot be tried.
    pub fn of_failure(id: &str, device: &str, reason: String) -> Self {
        let (id, device) = (id.to_owned(), device.to_owned());
        let version = VERSION;
        Self {
            version,
            id,
            device,
            failed: Some(reason),
            photos: false,
            gpu: None,
            halves: None,
            eight: None,
            firsts: None,
        }
    }
}

/// Vectors of some photos and of all sentences, by one way of computing.
struct Vectors {
    photos: Vec<Embedding>,
    /// English, then Chinese.
    sentences: [Vec<Embedding>; 2],
}

impl Vectors {
    fn of(model: &Model, photos: &[ModelInput], step: &mut Step<'_>) -> Result<Self, VlmError> {
        let mut vectors = Vec::with_capacity(photos.len());
        for some in photos.chunks(PHOTOS_AT_ONCE) {
            vectors.extend(model.embed_images(some)?.into_iter().map(|photo| photo.shared));
            step.forward(some.len())?;
        }
        let english = model.embed_texts(&SENTENCES.map(|sentence| sentence.english))?;
        let chinese = model.embed_texts(&SENTENCES.map(|sentence| sentence.chinese))?;
        step.forward(1)?;
        Ok(Self { photos: vectors, sentences: [english, chinese] })
    }

    fn agreement(&self, other: &Self) -> Agreement {
        let lowest = |a: &[Embedding], b: &[Embedding]| a.iter().zip(b).map(|(a, b)| a.dot(b)).fold(1.0, f32::min);
        let photos = (!self.photos.is_empty()).then(|| lowest(&self.photos, &other.photos));
        let [english, chinese] = [0, 1].map(|at| lowest(&self.sentences[at], &other.sentences[at]));
        Agreement { photos, sentences: english.min(chinese) }
    }

    /// Sentences that have their photo first, in the language that has more of them.
    fn firsts(&self, names: &[&str]) -> Option<Firsts> {
        let place = |photo: &str| names.iter().position(|name| *name == photo);
        let asked: Vec<(usize, usize)> =
            SENTENCES.iter().enumerate().filter_map(|(at, sentence)| Some((at, place(sentence.photo)?))).collect();
        if asked.len() < SENTENCES.len() {
            return None;
        }
        let first = |question: &Embedding| {
            let cosines = self.photos.iter().map(|photo| photo.dot(question)).enumerate();
            cosines.max_by(|a, b| a.1.total_cmp(&b.1)).map(|(at, _)| at)
        };
        let right = |language: usize| {
            asked.iter().filter(|(at, own)| first(&self.sentences[language][*at]) == Some(*own)).count() as u32
        };
        let (english, chinese) = (right(0), right(1));
        let language = if chinese > english { Language::Chinese } else { Language::English };
        Some(Firsts { right: english.max(chinese), of: asked.len() as u32, language, bundled: None })
    }
}

/// What is done and what there is to do; who listens says whether to go on.
struct Step<'a> {
    done: u64,
    total: u64,
    progress: &'a mut dyn FnMut(u64, u64) -> bool,
}

impl Step<'_> {
    fn forward(&mut self, by: usize) -> Result<(), VlmError> {
        self.done += by as u64;
        if (self.progress)(self.done, self.total.max(self.done)) { Ok(()) } else { Err(VlmError::Stopped) }
    }
}

/// Measures the model in `dir` on the device that `choice` selects, with the sample `photos` prepared for it, by file name;
/// none where there are no samples. `progress` hears of steps done and in all, and says whether to go on.
///
/// # Errors
/// [`VlmError::Stopped`], or whatever keeps the model from being loaded or from giving vectors.
pub fn prove(
    dir: &Path,
    choice: DeviceChoice,
    photos: &[(String, ModelInput)],
    progress: &mut dyn FnMut(u64, u64) -> bool,
) -> Result<Proof, VlmError> {
    let info = ModelInfo::read(dir)?;
    let names: Vec<&str> = photos.iter().map(|(name, _)| name.as_str()).collect();
    let photos: Vec<ModelInput> = photos.iter().map(|(_, photo)| photo.clone()).collect();
    let some = &photos[..photos.len().min(DRAWN_PHOTOS)];
    let mut step = Step { done: 0, total: (photos.len() + some.len() + 3) as u64, progress };
    let load = |choice, reading| Model::load_reading(dir, choice, None, reading);

    // The model on the device in use is loaded first: without it nothing needs to be measured. One at a time is in memory.
    let in_use = load(choice, Reading::PLAIN)?;
    let device = in_use.device().clone();
    let on_gpu = match device.kind {
        DeviceKind::Cpu => None,
        _ => {
            step.total += photos.len() as u64 + 1;
            Some(Vectors::of(&in_use, &photos, &mut step)?)
        }
    };
    let model = match device.kind {
        DeviceKind::Cpu => in_use,
        _ => {
            drop(in_use);
            load(DeviceChoice::Cpu, Reading::PLAIN)?
        }
    };
    let plain = Vectors::of(&model, &photos, &mut step)?;
    drop(model);
    let (mut halves, mut eight) = (None, None);
    if info.image.is_some() {
        let drawn = load(DeviceChoice::Cpu, Reading { draw: Some(SEED), ..Reading::PLAIN })?;
        halves = Some(plain.agreement_of_some(&Vectors::of(&drawn, some, &mut step)?));
        drop(drawn);
    }
    if matches!(info.text, Some(super::TextConfig::Transformer(_))) {
        let bytes = load(DeviceChoice::Cpu, Reading { text: Precision::Eight, ..Reading::PLAIN })?;
        eight = Some(plain.agreement_of_some(&Vectors::of(&bytes, &[], &mut step)?).sentences);
    }
    Ok(Proof {
        version: VERSION,
        id: info.id(),
        device: device.name,
        failed: None,
        photos: !photos.is_empty(),
        gpu: on_gpu.map(|gpu| plain.agreement(&gpu)),
        halves,
        eight,
        firsts: plain.firsts(&names),
    })
}

/// The sentences of [`prove`], each in English and in Chinese.
pub fn proof_sentences() -> impl Iterator<Item = [&'static str; 2]> {
    SENTENCES.iter().map(|sentence| [sentence.english, sentence.chinese])
}

/// The file names of the photos that they are about, in the same order.
pub fn proof_photos() -> impl Iterator<Item = &'static str> {
    SENTENCES.iter().map(|sentence| sentence.photo)
}

/// How many sentences find their photo by the model in `dir` on the CPU, to compare another model with; see [`prove`].
///
/// # Errors
/// Those of [`prove`].
pub fn prove_firsts(
    dir: &Path,
    photos: &[(String, ModelInput)],
    progress: &mut dyn FnMut(u64, u64) -> bool,
) -> Result<Option<Firsts>, VlmError> {
    let names: Vec<&str> = photos.iter().map(|(name, _)| name.as_str()).collect();
    let photos: Vec<ModelInput> = photos.iter().map(|(_, photo)| photo.clone()).collect();
    let model = Model::load_reading(dir, DeviceChoice::Cpu, None, Reading::PLAIN)?;
    let mut step = Step { done: 0, total: photos.len() as u64 + 1, progress };
    Ok(Vectors::of(&model, &photos, &mut step)?.firsts(&names))
}

impl Vectors {
    /// The agreement with vectors of the first photos only.
    fn agreement_of_some(&self, other: &Self) -> Agreement {
        other.agreement(self)
    }
}
