//! Caption metrics as the COCO caption tools (`pycocoevalcap`) compute them.
//!
//! Published captioning scores nearly all come from those tools, so a score is only comparable when it follows
//! them in every detail: the tokeniser, the smoothing constants and the departures from the papers. Each
//! submodule names the paper and the departure it follows.

mod bleu;
mod cider;
mod ngrams;
mod rouge;
mod tokens;

pub use bleu::bleu;
pub use cider::cider_d;
pub use rouge::rouge_l;
pub use tokens::tokenise;

/// The scores of a set of candidate captions, as fractions (CIDEr-D in its usual range of 0 to 10).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CaptionScores {
    /// Corpus BLEU-1 to BLEU-4 (Papineni et al. 2002), see [`bleu()`].
    pub bleu: [f64; 4],
    /// Mean ROUGE-L (Lin 2004), see [`rouge_l`].
    pub rouge_l: f64,
    /// Mean CIDEr-D (Vedantam et al. 2015), see [`cider_d`]. The COCO tools print it as "CIDEr".
    pub cider_d: f64,
}

/// Tokenises references and candidates as the COCO tools do and computes every metric.
///
/// `references[i]` holds the reference captions of image `i`, and `candidates[i]` the caption to judge. The
/// document frequencies of CIDEr-D come from the references given here, so its value depends on the whole set of
/// images and is not comparable between sets. With no image, all scores are zero.
///
/// # Panics
///
/// If the two slices differ in length: a shifted pairing would give plausible but wrong scores.
pub fn score(references: &[Vec<String>], candidates: &[String]) -> CaptionScores {
    assert_eq!(references.len(), candidates.len(), "every candidate needs the references of its image");
    let references: Vec<Vec<Vec<String>>> =
        references.iter().map(|captions| captions.iter().map(|caption| tokenise(caption)).collect()).collect();
    let candidates: Vec<Vec<String>> = candidates.iter().map(|caption| tokenise(caption)).collect();
    CaptionScores {
        bleu: bleu(&references, &candidates),
        rouge_l: rouge_l(&references, &candidates),
        cider_d: cider_d(&references, &candidates),
    }
}

#[cfg(test)]
mod tests;
