//! Text to token ids, with the `tokenizers` crate and the model's own `tokenizer.json`.

use std::path::Path;

use tokenizers::{PaddingParams, TruncationParams};

use crate::VlmError;

/// Sequences are cut to this many tokens, as sentence-transformers does for this checkpoint.
const MAX_TOKENS: usize = 128;

/// A batch of token sequences padded to the longest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenBatch {
    /// Row-major `[batch, tokens]`, padded with 0.
    pub ids: Vec<i32>,
    /// Row-major `[batch, tokens]`: 1 at tokens, 0 at padding.
    pub mask: Vec<i32>,
    /// Sequences in the batch.
    pub batch: usize,
    /// Tokens in the longest sequence.
    pub tokens: usize,
}

/// Word-piece tokenizer of the text tower.
#[derive(Debug, Clone)]
pub struct Tokenizer(tokenizers::Tokenizer);

impl Tokenizer {
    /// Reads `tokenizer.json`.
    ///
    /// # Errors
    /// [`VlmError::Missing`] or [`VlmError::BadTokenizer`].
    pub fn read(path: &Path) -> Result<Self, VlmError> {
        if !path.is_file() {
            return Err(VlmError::Missing { path: path.into() });
        }
        let bad = |e: tokenizers::Error| VlmError::BadTokenizer { path: path.into(), reason: e.to_string() };
        let mut inner = tokenizers::Tokenizer::from_file(path).map_err(bad)?;
        inner.with_padding(Some(PaddingParams::default()));
        inner.with_truncation(Some(TruncationParams { max_length: MAX_TOKENS, ..Default::default() })).map_err(bad)?;
        Ok(Self(inner))
    }

    /// Tokenises and pads `texts`; an empty slice gives an empty batch.
    ///
    /// # Errors
    /// [`VlmError::BadText`].
    pub fn encode<S: AsRef<str>>(&self, texts: &[S]) -> Result<TokenBatch, VlmError> {
        let inputs: Vec<&str> = texts.iter().map(AsRef::as_ref).collect();
        let encodings = self.0.encode_batch(inputs, true).map_err(|e| VlmError::BadText { reason: e.to_string() })?;
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
}
