//! The loaded decoder: photos' features in, captions out.

use std::ops::ControlFlow;
use std::path::Path;

use burn::tensor::{Device, Tensor};

use super::decoder::{Decoder, DecoderConfig};
use super::generate::{Search, Sentence, write};
use super::vocabulary::{Vocabulary, polished};
use crate::tune::Version;
use crate::{Embedding, VlmError, weights};

/// Files of the decoder in a model folder: its weights and its vocabulary. No vector depends on them.
pub const CAPTION_FILES: [&str; 2] = ["caption.safetensors", "caption-vocabulary.json"];

/// A caption with what the decoder thinks of it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Caption {
    /// The sentence, with a capital and a full stop; empty when nothing could be said.
    pub text: String,
    /// Its words in order.
    pub words: Vec<CaptionWord>,
    /// Mean log-probability of its tokens, in nats: 0 is certain.
    pub confidence: f32,
}

/// A word of a caption.
#[derive(Debug, Clone, PartialEq)]
pub struct CaptionWord {
    /// The word with the marks that stand at it.
    pub text: String,
    /// Log-probability of its least likely token, in nats.
    pub confidence: f32,
}

/// What the decoder writes of a photo, and what it can be judged by.
#[derive(Debug, Clone, PartialEq)]
pub struct Described {
    /// The photo in the shared space.
    pub photo: Embedding,
    /// The caption.
    pub caption: Caption,
    /// The caption's text in the shared space.
    pub text: Embedding,
}

/// The decoder of a model folder, on a device.
#[derive(Debug)]
pub struct Captioner {
    decoder: Decoder,
    vocabulary: Vocabulary,
    /// The texts of its tokens.
    pieces: Vec<String>,
    device: Device,
}

impl Captioner {
    /// Loads the decoder in `dir`, with what it was taught.
    ///
    /// # Errors
    /// Those of the weight file and of the vocabulary.
    pub(crate) fn load(
        dir: &Path,
        config: &DecoderConfig,
        device: &Device,
        version: Option<&Version>,
    ) -> Result<Self, VlmError> {
        let mut decoder = config.init(device);
        weights::load(&mut decoder, &dir.join(CAPTION_FILES[0]))?;
        if let Some(version) = version {
            version.merge_decoder(&mut decoder, device);
        }
        let vocabulary = Vocabulary::read(&dir.join(CAPTION_FILES[1]))?;
        let pieces = vocabulary.all_pieces();
        Ok(Self { decoder, vocabulary, pieces, device: device.clone() })
    }

    /// Writes captions for photos: feature maps `[photos, positions, features]`, embeddings `[photos, shared]`.
    ///
    /// After each token `told` hears of the likeliest captions so far; breaking ends the work with those.
    pub(crate) fn describe(
        &self,
        maps: Tensor<3>,
        shared: Tensor<2>,
        search: &Search,
        mut told: impl FnMut(Vec<Caption>) -> ControlFlow<()>,
    ) -> Vec<Caption> {
        let photos = maps.dims()[0];
        let memory = self.decoder.read(maps, shared, None);
        let sentences = write(&self.decoder, &memory, photos, search, &self.pieces, &self.device, |sentences| {
            told(sentences.iter().map(|sentence| self.caption(sentence)).collect())
        });
        sentences.iter().map(|sentence| self.caption(sentence)).collect()
    }

    fn caption(&self, sentence: &Sentence) -> Caption {
        let pieces = self.vocabulary.pieces(&sentence.tokens);
        let mut words: Vec<CaptionWord> = Vec::new();
        for (piece, &confidence) in pieces.iter().zip(&sentence.log_probabilities) {
            match words.last_mut() {
                Some(word) if !piece.starts_with(' ') => {
                    word.text.push_str(piece);
                    word.confidence = word.confidence.min(confidence);
                }
                _ => words.push(CaptionWord { text: piece.trim_start().to_owned(), confidence }),
            }
        }
        let text = polished(&pieces.concat());
        let sum: f32 = sentence.log_probabilities.iter().sum();
        let confidence = sum / sentence.log_probabilities.len().max(1) as f32;
        if let (Some(first), Some(capital)) = (words.first_mut(), text.chars().next()) {
            let rest: String = first.text.chars().skip(1).collect();
            first.text = format!("{capital}{rest}");
        }
        if let Some(last) = words.last_mut() {
            last.text.push('.');
        }
        Caption { text, words, confidence }
    }
}
