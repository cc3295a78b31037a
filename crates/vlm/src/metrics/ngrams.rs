//! N-gram counts, shared by BLEU and CIDEr-D.

use std::collections::BTreeMap;

/// The longest n-gram that BLEU and CIDEr-D look at.
pub(super) const MAX_N: usize = 4;

/// How often each n-gram of 1 to [`MAX_N`] words occurs in a caption.
///
/// Ordered, so that sums over it run in the same order each time and a score is reproducible to the last bit.
pub(super) type Counts<'a> = BTreeMap<Vec<&'a str>, u32>;

/// Splits tokens into the words that n-grams are made of.
///
/// The tokeniser joins a mixed number ("3 1/2") by a no-break space into one token. The COCO tools split at any
/// white space before they count n-grams, and so take it as two words.
pub(super) fn words(tokens: &[String]) -> Vec<&str> {
    tokens.iter().flat_map(|token| token.split_whitespace()).collect()
}

/// Counts the n-grams of a caption.
pub(super) fn count<'a>(words: &[&'a str]) -> Counts<'a> {
    let mut counts = Counts::new();
    for n in 1..=MAX_N {
        for ngram in words.windows(n) {
            *counts.entry(ngram.to_vec()).or_default() += 1;
        }
    }
    counts
}
