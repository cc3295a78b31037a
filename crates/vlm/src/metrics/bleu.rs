//! BLEU (Papineni et al. 2002, "BLEU: a Method for Automatic Evaluation of Machine Translation").

use super::ngrams::{self, Counts, MAX_N};

/// Added to a numerator, so that no n-gram in common gives a score near zero and not a division by zero later.
const TINY: f64 = 1e-15;
/// Added to a denominator, so that a corpus without n-grams of an order can be scored.
const SMALL: f64 = 1e-9;

/// Corpus BLEU-1 to BLEU-4 of tokenised captions (Papineni et al. 2002).
///
/// Follows the COCO tools: the effective reference length is, per image, the reference length closest to the
/// candidate's (the shorter one on a tie), and the precisions and the length ratio are smoothed by their constants
/// (1e-15 above, 1e-9 below the line). An image without references counts as one with an empty reference.
pub fn bleu(references: &[Vec<Vec<String>>], candidates: &[Vec<String>]) -> [f64; 4] {
    let mut matched = [0u64; MAX_N];
    let mut total = [0u64; MAX_N];
    let mut candidate_length = 0usize;
    let mut reference_length = 0usize;
    for (references, candidate) in references.iter().zip(candidates) {
        let candidate = ngrams::words(candidate);
        let references: Vec<Vec<&str>> = references.iter().map(|reference| ngrams::words(reference)).collect();
        candidate_length += candidate.len();
        reference_length += closest_length(&references, candidate.len());
        let limits = clipping_limits(&references);
        for (ngram, count) in ngrams::count(&candidate) {
            let limit = limits.get(&ngram).copied().unwrap_or(0);
            matched[ngram.len() - 1] += u64::from(count.min(limit));
            total[ngram.len() - 1] += u64::from(count);
        }
    }
    if candidates.is_empty() {
        return [0.0; MAX_N];
    }
    let brevity = brevity_penalty(candidate_length, reference_length);
    let mut product = 1.0;
    std::array::from_fn(|order| {
        product *= (matched[order] as f64 + TINY) / (total[order] as f64 + SMALL);
        brevity * f64::powf(product, 1.0 / (order + 1) as f64)
    })
}

/// The reference length closest to the candidate's; the shorter one on a tie.
fn closest_length(references: &[Vec<&str>], candidate: usize) -> usize {
    references.iter().map(Vec::len).min_by_key(|&length| (length.abs_diff(candidate), length)).unwrap_or(0)
}

/// The most often that each n-gram occurs in any one reference: a candidate gets no credit beyond that.
fn clipping_limits<'a>(references: &[Vec<&'a str>]) -> Counts<'a> {
    let mut limits = Counts::new();
    for reference in references {
        for (ngram, count) in ngrams::count(reference) {
            let limit = limits.entry(ngram).or_default();
            *limit = count.max(*limit);
        }
    }
    limits
}

/// The penalty on a corpus whose candidates are shorter than their references.
fn brevity_penalty(candidate: usize, reference: usize) -> f64 {
    let ratio = (candidate as f64 + TINY) / (reference as f64 + SMALL);
    if ratio < 1.0 { f64::exp(1.0 - 1.0 / ratio) } else { 1.0 }
}
