//! XLM-R's tokenizer: the likeliest way to put a text together from pieces (Kudo 2018, arXiv:1804.10959).
//!
//! The rules for what comes before are the `tokenizers` crate's; its table of pieces, a tree of hash tables, would take
//! 200 MB and a second to load for this vocabulary, so that the pieces lie in one table here. A test holds both together.

use std::collections::HashMap;
use std::path::Path;

use serde::Deserialize;
use tokenizers::{NormalizedString, Normalizer, NormalizerWrapper};

use crate::VlmError;
use crate::model::TokenBatch;
use crate::model::tokenizer_file::{checked, shortened, tokenizer_bytes};

/// What stands for a blank, also before the first word.
const BLANK: char = '▁';
/// What an unknown character costs more than the rarest piece, as in SentencePiece.
const UNKNOWN_COST: f64 = 10.0;
/// Ids of what starts a sentence, pads it and ends it.
const START: i32 = 0;
const PADDING: i32 = 1;
const END: i32 = 2;

/// Pieces of text with the logarithms of how often they come.
#[derive(Debug)]
pub(super) struct Pieces {
    normalizer: NormalizerWrapper,
    /// Id and score by text.
    table: HashMap<String, (u32, f64)>,
    /// Bytes of the longest.
    longest: usize,
    unknown: u32,
    unknown_score: f64,
}

/// The parts of a `tokenizer.json` that are read.
#[derive(Deserialize)]
struct File {
    normalizer: NormalizerWrapper,
    model: Model,
}

#[derive(Deserialize)]
struct Model {
    unk_id: u32,
    vocab: Vec<(String, f64)>,
}

impl Pieces {
    /// Reads a `tokenizer.json` of the kind `Unigram`.
    ///
    /// # Errors
    /// [`VlmError::Missing`], [`VlmError::Io`] or [`VlmError::BadTokenizer`].
    pub fn read(path: &Path) -> Result<Self, VlmError> {
        let bad = |reason: String| VlmError::BadTokenizer { path: path.into(), reason };
        let bytes = tokenizer_bytes(path)?;
        checked(&bytes).map_err(bad)?;
        let file: File = serde_json::from_slice(&bytes).map_err(|e| bad(e.to_string()))?;
        Ok(Self::new(file.normalizer, file.model.vocab, file.model.unk_id))
    }

    fn new(normalizer: NormalizerWrapper, pieces: Vec<(String, f64)>, unknown: u32) -> Self {
        let least = pieces.iter().map(|(_, score)| *score).fold(f64::INFINITY, f64::min);
        let longest = pieces.iter().map(|(piece, _)| piece.len()).max().unwrap_or(0);
        let table = pieces.into_iter().zip(0..).map(|((piece, score), id)| (piece, (id, score))).collect();
        Self { normalizer, table, longest, unknown, unknown_score: least - UNKNOWN_COST }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.table.len()
    }

    /// Sentences as ids of pieces, cut to `most` with start and end, padded to the longest.
    ///
    /// # Errors
    /// [`VlmError::BadText`].
    pub fn encode<S: AsRef<str>>(&self, texts: &[S], most: usize) -> Result<TokenBatch, VlmError> {
        let sentence = |text: &S| -> Result<Vec<i32>, VlmError> {
            let mut normalized = NormalizedString::from(shortened(text.as_ref()));
            self.normalizer.normalize(&mut normalized).map_err(|e| VlmError::BadText { reason: e.to_string() })?;
            let mut ids = self.best(normalized.get());
            ids.truncate(most - 2);
            Ok([START].into_iter().chain(ids).chain([END]).collect())
        };
        let sentences = texts.iter().map(sentence).collect::<Result<Vec<_>, _>>()?;
        let tokens = sentences.iter().map(Vec::len).max().unwrap_or(0);
        let (mut ids, mut mask) = (Vec::new(), Vec::new());
        for sentence in &sentences {
            let padding = tokens - sentence.len();
            ids.extend(sentence.iter().copied().chain(std::iter::repeat_n(PADDING, padding)));
            mask.extend(std::iter::repeat_n(1, sentence.len()).chain(std::iter::repeat_n(0, padding)));
        }
        Ok(TokenBatch { ids, mask, batch: sentences.len(), tokens })
    }

    /// The likeliest pieces of a text after normalisation, by dynamic programming over its characters; unknown characters in
    /// a row are one piece.
    fn best(&self, text: &str) -> Vec<i32> {
        if text.is_empty() {
            return Vec::new();
        }
        let mut spelled: String = text.chars().map(|c| if c == ' ' { BLANK } else { c }).collect();
        if !spelled.starts_with(BLANK) {
            spelled.insert(0, BLANK);
        }
        /// The best way to a place in the text: its score, where its last piece starts, and the piece.
        #[derive(Clone, Copy)]
        struct Way {
            score: f64,
            from: usize,
            piece: u32,
        }
        let mut ways: Vec<Option<Way>> = vec![None; spelled.len() + 1];
        let starts: Vec<usize> = spelled.char_indices().map(|(at, _)| at).chain([spelled.len()]).collect();
        for (index, &from) in starts[..starts.len() - 1].iter().enumerate() {
            let so_far = if from == 0 { 0.0 } else { ways[from].map_or(f64::NEG_INFINITY, |way| way.score) };
            let next = starts[index + 1];
            let mut single = false;
            for &to in starts[index + 1..].iter().take_while(|&&to| to - from <= self.longest) {
                // A word starts with a blank: no piece reaches over one.
                if to > next && spelled[..to].ends_with(BLANK) {
                    break;
                }
                if let Some(&(piece, score)) = self.table.get(&spelled[from..to]) {
                    single |= to == next;
                    if ways[to].is_none_or(|way| so_far + score > way.score) {
                        ways[to] = Some(Way { score: so_far + score, from, piece });
                    }
                }
            }
            let score = so_far + self.unknown_score;
            if !single && ways[next].is_none_or(|way| score > way.score) {
                ways[next] = Some(Way { score, from, piece: self.unknown });
            }
        }
        let (mut ids, mut at) = (Vec::new(), spelled.len());
        while let Some(way) = ways[at].filter(|_| at > 0) {
            let unknown = way.piece == self.unknown;
            if !unknown || ids.last() != Some(&(self.unknown as i32)) {
                ids.push(way.piece as i32);
            }
            at = way.from;
        }
        ids.reverse();
        ids
    }
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};

    use super::*;
    use crate::languages::convert::tokenizer;

    #[test]
    fn texts_are_cut_as_the_tokenizers_crate_cuts_them() {
        let mut rng = StdRng::seed_from_u64(7);
        let letters = ['▁', 'a', 'b', 'c', 'é', '狗', '海'];
        let mut pieces: Vec<(String, f64)> = ["<s>", "<pad>", "</s>", "<unk>"].map(|s| (s.to_owned(), 0.0)).into();
        for _ in 0..150 {
            let piece: String = (0..rng.random_range(1..5)).map(|_| letters[rng.random_range(0..7)]).collect();
            let blank = piece.chars().skip(1).any(|c| c == '▁');
            if !blank && pieces.iter().all(|(known, _)| *known != piece) {
                pieces.push((piece, rng.random_range(-12.0..-2.0)));
            }
        }
        let theirs = tokenizer(pieces.clone(), 3).unwrap();
        let ours = Pieces::new(theirs.get_normalizer().unwrap().clone(), pieces, 3);
        let typed = ['a', 'b', 'c', 'é', '狗', '海', ' ', ' ', 'x', '\u{301}', 'Ａ', '\t', '▁'];
        for _ in 0..3000 {
            let text: String = (0..rng.random_range(0..14)).map(|_| typed[rng.random_range(0..13)]).collect();
            let want: Vec<i32> =
                theirs.encode(text.as_str(), true).unwrap().get_ids().iter().map(|&id| id as i32).collect();
            let got = ours.encode(&[&text], 64).unwrap().ids;
            assert_eq!(got, want, "{text:?}");
        }
    }

    #[test]
    fn a_batch_is_padded_to_its_longest_and_cut() {
        let theirs =
            tokenizer(["<s>", "<pad>", "</s>", "<unk>", "▁", "a"].map(|s| (s.to_owned(), -1.0)).into(), 3).unwrap();
        let pieces = ["<s>", "<pad>", "</s>", "<unk>", "▁", "a"].map(|s| (s.to_owned(), -1.0)).into();
        let ours = Pieces::new(theirs.get_normalizer().unwrap().clone(), pieces, 3);
        let batch = ours.encode(&["a", "aaaaaaaaa"], 6).unwrap();
        assert_eq!((batch.batch, batch.tokens), (2, 6));
        assert_eq!(batch.ids, [0, 4, 5, 2, 1, 1, 0, 4, 5, 5, 5, 2]);
        assert_eq!(batch.mask, [1, 1, 1, 1, 0, 0, 1, 1, 1, 1, 1, 1]);
    }
}
