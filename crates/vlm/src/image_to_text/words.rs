//! Text to token ids and back, for models that write, with their own `tokenizer.json`.

use std::path::{Path, PathBuf};

use crate::VlmError;
use crate::caption::generate::{Rules, Sentence};
use crate::caption::{Caption, CaptionWord};
use crate::model::tokenizer_file::read_tokenizer;

/// A model's tokenizer.
#[derive(Debug)]
pub struct Words {
    tokenizer: tokenizers::Tokenizer,
    /// Which tokens begin a word, in the order of their ids.
    begins: Vec<bool>,
}

impl Words {
    /// Reads `tokenizer.json` for a model of so many tokens.
    ///
    /// # Errors
    /// [`VlmError::Missing`], [`VlmError::Io`] or [`VlmError::BadTokenizer`].
    pub fn read(path: &Path, vocabulary: usize) -> Result<Self, VlmError> {
        let bad = |reason: String| VlmError::BadTokenizer { path: PathBuf::from(path), reason };
        let mut tokenizer = read_tokenizer(path)?;
        tokenizer.with_padding(None);
        tokenizer.with_truncation(None).map_err(|e| bad(e.to_string()))?;
        let known = tokenizer.get_vocab(true);
        if let Some(id) = known.values().find(|id| **id as usize >= vocabulary) {
            return Err(bad(format!("it has a token {id}, the model {vocabulary} tokens")));
        }
        // Word pieces mark what goes on; byte pairs and sentence pieces what begins.
        let marks_goings_on = known.keys().any(|piece| piece.starts_with("##"));
        let mut begins = vec![false; vocabulary];
        for (piece, id) in &known {
            begins[*id as usize] = match marks_goings_on {
                true => !piece.starts_with("##"),
                false => piece.starts_with(['\u{120}', '\u{2581}', ' ']),
            };
        }
        Ok(Self { tokenizer, begins })
    }

    /// The id of a token by its name.
    pub fn id(&self, token: &str) -> Option<i32> {
        self.tokenizer.token_to_id(token).and_then(|id| i32::try_from(id).ok())
    }

    /// The ids of a text, with what the tokenizer puts around it.
    ///
    /// # Errors
    /// [`VlmError::BadText`].
    pub fn encode(&self, text: &str) -> Result<Vec<i32>, VlmError> {
        let encoding = self.tokenizer.encode(text, true).map_err(|e| VlmError::BadText { reason: e.to_string() })?;
        Ok(encoding.get_ids().iter().map(|&id| id as i32).collect())
    }

    /// The text of ids, special tokens left out.
    pub fn text(&self, ids: &[i32]) -> String {
        let ids: Vec<u32> = ids.iter().map(|&id| id as u32).collect();
        self.tokenizer.decode(&ids, true).unwrap_or_default().trim().to_owned()
    }

    /// A sentence as people read it, with what the model thinks of its words; `finish` has the last say on the text.
    pub fn caption(&self, sentence: &Sentence, finish: impl Fn(&str) -> String) -> Caption {
        let text = finish(&self.text(&sentence.tokens));
        // The word that a token belongs to is the last of the text up to it.
        let mut least: Vec<f32> = Vec::new();
        for (at, &confidence) in sentence.log_probabilities.iter().enumerate() {
            let word = self.text(&sentence.tokens[..=at]).split_whitespace().count().saturating_sub(1);
            least.resize(least.len().max(word + 1), 0.0);
            least[word] = least[word].min(confidence);
        }
        let words = text.split_whitespace().enumerate().map(|(at, word)| CaptionWord {
            text: word.to_owned(),
            confidence: least.get(at).copied().unwrap_or_default(),
        });
        let sum: f32 = sentence.log_probabilities.iter().sum();
        let confidence = sum / sentence.log_probabilities.len().max(1) as f32;
        Caption { words: words.collect(), text, confidence }
    }

    /// Any tokens, in at most `max_words` words, up to one of `ends`.
    pub fn rules<'a>(&'a self, ends: &'a [i32], max_words: usize) -> PlainRules<'a> {
        PlainRules { begins: &self.begins, ends, max_words: max_words.max(1) }
    }
}

/// Any tokens, in so many words, up to an end.
#[derive(Debug)]
pub struct PlainRules<'a> {
    begins: &'a [bool],
    ends: &'a [i32],
    max_words: usize,
}

impl PlainRules<'_> {
    fn begins(&self, token: i32) -> bool {
        self.begins.get(token as usize).copied().unwrap_or_default()
    }
}

impl Rules for PlainRules<'_> {
    /// Words.
    type Said = usize;

    const ENDS_WITHIN_BEAM: bool = true;

    fn append(&self, said: &mut usize, token: i32) {
        *said += usize::from(self.begins(token));
    }

    fn allows(&self, said: &usize, token: i32) -> bool {
        self.ends(token) || *said < self.max_words || !self.begins(token)
    }

    fn ends(&self, token: i32) -> bool {
        self.ends.contains(&token)
    }
}
