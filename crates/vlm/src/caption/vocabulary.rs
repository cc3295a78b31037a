//! Captions to token ids and back, with a byte-pair vocabulary (Sennrich et al. 2016, arXiv:1508.07909).
//!
//! Captions are lower-cased and lose their full stop; [`polished`] gives a sentence back to people.

use std::path::Path;

use tokenizers::models::bpe::{BPE, BpeTrainerBuilder};
use tokenizers::pre_tokenizers::metaspace::{Metaspace, PrependScheme};
use tokenizers::pre_tokenizers::punctuation::Punctuation;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::{AddedToken, DecoderWrapper, NormalizerWrapper, PostProcessorWrapper, PreTokenizerWrapper};
use tokenizers::{ModelWrapper, SplitDelimiterBehavior, TokenizerBuilder};

use crate::VlmError;
use crate::model::tokenizer_file::read_tokenizer;

/// Fills up shorter sentences of a batch.
pub const PAD: i32 = 0;
/// Before the first token.
pub const START: i32 = 1;
/// After the last token.
pub const END: i32 = 2;
/// What the vocabulary lacks.
pub const UNKNOWN: i32 = 3;
/// Stands for tokens that are to be restored.
pub const MASK: i32 = 4;
/// Tokens that are no words, in the order of their ids; the fourth stands for what the vocabulary lacks.
const SPECIAL: [&str; 5] = ["<pad>", "<start>", "<end>", "<unknown>", "<mask>"];

/// A token is learned if it occurs this often.
const LEAST_COUNT: u64 = 3;
/// What stands for the space before a word.
const SPACE: char = '\u{2581}';

/// The byte-pair vocabulary of the caption decoder.
#[derive(Debug, Clone)]
pub struct Vocabulary(tokenizers::Tokenizer);

impl Vocabulary {
    /// Learns `size` tokens from captions that [`cleaned`] has seen.
    ///
    /// # Errors
    /// [`VlmError::BadText`] when they are too few.
    pub fn learn(captions: &[String], size: usize) -> Result<Self, VlmError> {
        let bad = |e: tokenizers::Error| VlmError::BadText { reason: e.to_string() };
        let space = || Metaspace::new(SPACE, PrependScheme::Always, true);
        let punctuation = Punctuation::new(SplitDelimiterBehavior::Isolated);
        let mut tokenizer: tokenizers::TokenizerImpl<
            BPE,
            NormalizerWrapper,
            PreTokenizerWrapper,
            PostProcessorWrapper,
            DecoderWrapper,
        > = TokenizerBuilder::default()
            .with_model(BPE::builder().unk_token(SPECIAL[3].into()).build().map_err(bad)?)
            .with_normalizer(None)
            .with_pre_tokenizer(Some(Sequence::new(vec![space().into(), punctuation.into()]).into()))
            .with_post_processor(None)
            .with_decoder(Some(space().into()))
            .build()
            .map_err(bad)?;
        let mut trainer = BpeTrainerBuilder::new()
            .vocab_size(size)
            .min_frequency(LEAST_COUNT)
            .show_progress(false)
            .special_tokens(SPECIAL.map(|token| AddedToken::from(token, true)).to_vec())
            .build();
        tokenizer.train(&mut trainer, captions.iter()).map_err(bad)?;
        let model: ModelWrapper = tokenizer.get_model().clone().into();
        let mut generic = tokenizers::Tokenizer::new(model);
        generic.add_special_tokens(SPECIAL.map(|token| AddedToken::from(token, true))).map_err(bad)?;
        generic.with_pre_tokenizer(tokenizer.get_pre_tokenizer().cloned());
        generic.with_decoder(tokenizer.get_decoder().cloned());
        Ok(Self(generic))
    }

    /// Reads a vocabulary that [`Vocabulary::save`] wrote.
    ///
    /// # Errors
    /// [`VlmError::Missing`], [`VlmError::Io`] or [`VlmError::BadTokenizer`].
    pub fn read(path: &Path) -> Result<Self, VlmError> {
        read_tokenizer(path).map(Self)
    }

    /// Writes the vocabulary as `tokenizers` does.
    ///
    /// # Errors
    /// [`VlmError::BadTokenizer`] when the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), VlmError> {
        self.0.save(path, false).map_err(|e| VlmError::BadTokenizer { path: path.into(), reason: e.to_string() })
    }

    /// Number of tokens.
    pub fn size(&self) -> usize {
        self.0.get_vocab_size(true)
    }

    /// Token ids of a caption that [`cleaned`] has seen, without start and end.
    ///
    /// # Errors
    /// [`VlmError::BadText`].
    pub fn encode(&self, caption: &str) -> Result<Vec<i32>, VlmError> {
        let encoding = self.0.encode(caption, false).map_err(|e| VlmError::BadText { reason: e.to_string() })?;
        Ok(encoding.get_ids().iter().map(|&id| id as i32).collect())
    }

    /// The pieces of text that all tokens stand for, in the order of their ids.
    pub fn all_pieces(&self) -> Vec<String> {
        self.pieces(&(0..self.size() as i32).collect::<Vec<_>>())
    }

    /// The pieces of text that tokens stand for; one that begins a word begins with a space.
    pub fn pieces(&self, tokens: &[i32]) -> Vec<String> {
        let piece = |&token: &i32| self.0.id_to_token(token as u32).unwrap_or_default().replace(SPACE, " ");
        tokens.iter().map(piece).collect()
    }
}

/// A caption as the decoder learns it: lower case, spaces as in print, no quotes, no full stop.
pub fn cleaned(caption: &str) -> String {
    let mut text = String::with_capacity(caption.len());
    for c in caption.to_lowercase().chars() {
        match c {
            '"' | '`' | '\u{201c}' | '\u{201d}' => {}
            '\u{2019}' => text.push('\''),
            ',' | '.' | ';' | ':' | '!' | '?' | '\'' => {
                // Published captions put spaces before marks.
                text.truncate(text.trim_end().len());
                text.push(c);
            }
            c if c.is_whitespace() => {
                if !text.ends_with(' ') {
                    text.push(' ');
                }
            }
            c => text.push(c),
        }
    }
    text.trim().trim_end_matches(['.', '!', ' ']).trim().to_owned()
}

/// What the decoder has written, as a sentence: a capital and a full stop.
pub fn polished(caption: &str) -> String {
    let mut rest = caption.trim().chars();
    match rest.next() {
        Some(first) => format!("{}{}.", first.to_uppercase(), rest.as_str()),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captions_are_cleaned_of_what_their_authors_disagree_on() {
        for (given, want) in [
            (
                "A child in a pink dress is climbing up a set of stairs .",
                "a child in a pink dress is climbing up a set of stairs",
            ),
            ("The man 's hat , which is \"red\" , fell !", "the man's hat, which is red, fell"),
            ("  Two  dogs\tplay . . ", "two dogs play"),
            (" . ", ""),
        ] {
            assert_eq!(cleaned(given), want);
        }
    }

    #[test]
    fn a_sentence_begins_with_a_capital_and_ends_with_a_full_stop() {
        assert_eq!(polished(" two dogs play"), "Two dogs play.");
        assert_eq!(polished("  "), "");
    }

    #[test]
    fn tokens_give_the_caption_back() {
        let captions: Vec<String> = ["a man's dog", "a t-shirt, red and blue", "the dog and the man"]
            .iter()
            .flat_map(|c| vec![(*c).to_owned(); 4])
            .collect();
        let vocabulary = Vocabulary::learn(&captions, 80).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("v.json");
        vocabulary.save(&path).unwrap();
        for vocabulary in [vocabulary, Vocabulary::read(&path).unwrap()] {
            for caption in &captions {
                let ids = vocabulary.encode(caption).unwrap();
                assert!(ids.iter().all(|id| (5..80).contains(id)), "{ids:?}");
                assert_eq!(vocabulary.pieces(&ids).concat().trim(), caption);
            }
            assert_eq!(vocabulary.encode("a dog").unwrap().len(), 2, "frequent words are one token");
            assert_eq!(vocabulary.encode("\u{72d7}").unwrap().last(), Some(&3), "what it lacks is unknown");
        }
        let ids = |token: &str| Vocabulary::read(&path).unwrap().0.token_to_id(token);
        assert_eq!([ids("<pad>"), ids("<start>"), ids("<end>"), ids("<mask>")], [Some(0), Some(1), Some(2), Some(4)]);
    }
}
