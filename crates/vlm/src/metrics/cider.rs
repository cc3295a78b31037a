//! CIDEr-D (Vedantam et al. 2015, "CIDEr: Consensus-based Image Description Evaluation").

use std::collections::BTreeMap;

use super::ngrams::{self, MAX_N};

/// The standard deviation, in words, of the penalty on a difference in length.
const SIGMA: f64 = 6.0;

/// How many images have each n-gram in at least one reference.
type DocumentFrequency<'a> = BTreeMap<Vec<&'a str>, f64>;

/// Mean CIDEr-D of tokenised captions (Vedantam et al. 2015), from 0 to 10.
///
/// Follows the `Cider` class of the COCO tools, which despite its name computes CIDEr-D: n-grams of 1 to 4 words
/// with equal weight, clipping to the reference, a Gaussian length penalty with sigma 6, times 10. Document
/// frequencies come from the references given; words are not stemmed; and a caption's length is its number of
/// bigrams, so an empty caption is as long as one word. An image without references scores zero, and so does every
/// caption of a single image, whose n-grams all occur in every document.
pub fn cider_d(references: &[Vec<Vec<String>>], candidates: &[Vec<String>]) -> f64 {
    if candidates.is_empty() {
        return 0.0;
    }
    let frequency = document_frequency(references);
    let log_images = (references.len() as f64).ln();
    let total: f64 = references
        .iter()
        .zip(candidates)
        .map(|(references, candidate)| {
            let candidate = TfIdf::new(candidate, &frequency, log_images);
            let similarity: f64 = references
                .iter()
                .map(|reference| candidate.similarity(&TfIdf::new(reference, &frequency, log_images)))
                .sum();
            10.0 * similarity / references.len().max(1) as f64
        })
        .sum();
    total / candidates.len() as f64
}

fn document_frequency(references: &[Vec<Vec<String>>]) -> DocumentFrequency<'_> {
    let mut frequency = DocumentFrequency::new();
    for references in references {
        let mut seen = ngrams::Counts::new();
        for reference in references {
            seen.append(&mut ngrams::count(&ngrams::words(reference)));
        }
        for ngram in seen.into_keys() {
            *frequency.entry(ngram).or_default() += 1.0;
        }
    }
    frequency
}

/// A caption as tf-idf weights of its n-grams.
struct TfIdf<'a> {
    weights: BTreeMap<Vec<&'a str>, f64>,
    /// The Euclidean norm of the weights of each n-gram order.
    norms: [f64; MAX_N],
    length: f64,
}

impl<'a> TfIdf<'a> {
    fn new(tokens: &'a [String], frequency: &DocumentFrequency<'_>, log_images: f64) -> Self {
        let words = ngrams::words(tokens);
        let mut squares = [0.0; MAX_N];
        let weights = ngrams::count(&words)
            .into_iter()
            .map(|(ngram, count)| {
                // An n-gram in no reference weighs as much as one in a single image.
                let images = frequency.get(&ngram).copied().unwrap_or(0.0).max(1.0);
                let weight = f64::from(count) * (log_images - images.ln());
                squares[ngram.len() - 1] += weight * weight;
                (ngram, weight)
            })
            .collect();
        Self { weights, norms: squares.map(f64::sqrt), length: words.len().saturating_sub(1) as f64 }
    }

    /// The mean over the n-gram orders of the clipped cosine with a reference, reduced by the length penalty.
    fn similarity(&self, reference: &TfIdf<'_>) -> f64 {
        let mut products = [0.0; MAX_N];
        for (ngram, weight) in &self.weights {
            if let Some(other) = reference.weights.get(ngram) {
                products[ngram.len() - 1] += weight.min(*other) * other;
            }
        }
        let cosines = (0..MAX_N).map(|order| {
            let norm = self.norms[order] * reference.norms[order];
            if norm == 0.0 { products[order] } else { products[order] / norm }
        });
        let difference = self.length - reference.length;
        cosines.sum::<f64>() / MAX_N as f64 * f64::exp(-difference * difference / (2.0 * SIGMA * SIGMA))
    }
}
