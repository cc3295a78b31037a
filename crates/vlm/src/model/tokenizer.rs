//! Text to token ids, with the `tokenizers` crate and the model's own `tokenizer.json`.

use std::borrow::Cow;
use std::path::Path;

use serde::{Deserialize, Serialize};
use tokenizers::{PaddingDirection, PaddingParams, PaddingStrategy, TruncationParams};

use super::tokenizer_file::{read_tokenizer, shortened};
use crate::VlmError;

/// What is done to a text beside what `tokenizer.json` says; the defaults are MiniLM's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TokenizerConfig {
    /// Sequences are cut to this many tokens, start and end included. Default 128, as sentence-transformers cuts for MiniLM.
    pub max_len: usize,
    /// Whether every sequence is padded to `max_len`, not just to the longest of its batch. Default false.
    pub pad_to_max: bool,
    /// Whether padding goes before a sentence, not after it. Default false.
    pub pad_left: bool,
    /// The token that pads. Default 0.
    pub pad_id: u32,
    /// Whether the text is put into lower case first. Default false.
    pub lowercase: bool,
    /// Whether punctuation is taken off first, as SigLIP's first release does. Default false.
    pub strip_punctuation: bool,
}

impl Default for TokenizerConfig {
    fn default() -> Self {
        Self { max_len: 128, pad_to_max: false, pad_left: false, pad_id: 0, lowercase: false, strip_punctuation: false }
    }
}

/// A batch of token sequences padded to the longest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenBatch {
    /// Row-major `[batch, tokens]`, padded.
    pub ids: Vec<i32>,
    /// Row-major `[batch, tokens]`: 1 at tokens, 0 at padding.
    pub mask: Vec<i32>,
    /// Sequences in the batch.
    pub batch: usize,
    /// Tokens in the longest sequence.
    pub tokens: usize,
}

/// Tokenizer of the text tower.
#[derive(Debug, Clone)]
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    config: TokenizerConfig,
}

impl Tokenizer {
    /// Reads `tokenizer.json`, to be used with `config`.
    ///
    /// # Errors
    /// [`VlmError::Missing`], [`VlmError::Io`] or [`VlmError::BadTokenizer`].
    pub fn read(path: &Path, config: &TokenizerConfig) -> Result<Self, VlmError> {
        let bad = |e: tokenizers::Error| VlmError::BadTokenizer { path: path.into(), reason: e.to_string() };
        let mut inner = read_tokenizer(path)?;
        let strategy =
            if config.pad_to_max { PaddingStrategy::Fixed(config.max_len) } else { PaddingStrategy::BatchLongest };
        let direction = if config.pad_left { PaddingDirection::Left } else { PaddingDirection::Right };
        inner.with_padding(Some(PaddingParams {
            strategy,
            direction,
            pad_id: config.pad_id,
            ..PaddingParams::default()
        }));
        let truncation = TruncationParams { max_length: config.max_len, ..Default::default() };
        inner.with_truncation(Some(truncation)).map_err(bad)?;
        Ok(Self { inner, config: config.clone() })
    }

    /// One more than the highest token id that it can give.
    pub fn vocabulary(&self) -> usize {
        self.inner.get_vocab(true).values().max().map_or(0, |id| *id as usize + 1)
    }

    /// Tokenises and pads `texts`; an empty slice gives an empty batch.
    ///
    /// # Errors
    /// [`VlmError::BadText`].
    pub fn encode<S: AsRef<str>>(&self, texts: &[S]) -> Result<TokenBatch, VlmError> {
        let inputs: Vec<Cow<'_, str>> = texts.iter().map(|text| self.prepared(text.as_ref())).collect();
        let encodings =
            self.inner.encode_batch(inputs, true).map_err(|e| VlmError::BadText { reason: e.to_string() })?;
        let tokens = encodings.first().map_or(0, |e| e.get_ids().len());
        let flat = |pick: fn(&tokenizers::Encoding) -> &[u32]| {
            encodings.iter().flat_map(|e| pick(e).iter().map(|&v| v as i32)).collect()
        };
        Ok(TokenBatch {
            ids: flat(tokenizers::Encoding::get_ids),
            mask: flat(tokenizers::Encoding::get_attention_mask),
            batch: encodings.len(),
            tokens,
        })
    }

    /// What is done to a text before `tokenizer.json` has its say.
    fn prepared<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut text = Cow::Borrowed(shortened(text));
        if self.config.strip_punctuation {
            // Python's string.punctuation, and runs of white space as one space.
            let kept: String = text.chars().filter(|c| !c.is_ascii_punctuation()).collect();
            text = Cow::Owned(kept.split_whitespace().collect::<Vec<_>>().join(" "));
        }
        if self.config.lowercase { Cow::Owned(text.to_lowercase()) } else { text }
    }
}
