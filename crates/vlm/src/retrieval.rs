//! Recall at K, the measure of retrieval.

use crate::Embedding;

/// Percent of queries whose right answer is among the first 1, 5 and 10.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Recall {
    /// Recall at 1.
    pub r1: f64,
    /// Recall at 5.
    pub r5: f64,
    /// Recall at 10.
    pub r10: f64,
}

impl Recall {
    /// From the rank of the right answer of each query, 0 being first.
    pub fn of_ranks(ranks: &[usize]) -> Self {
        let at = |k| 100.0 * ranks.iter().filter(|&&r| r < k).count() as f64 / ranks.len().max(1) as f64;
        Self { r1: at(1), r5: at(5), r10: at(10) }
    }
}

/// Text-to-image recall: every caption ranks all photos; `owner[i]` is the photo of caption i.
///
/// A photo that scores the same as the right one counts as ahead of it.
pub fn text_to_image(captions: &[Embedding], photos: &[Embedding], owner: &[usize]) -> Recall {
    let ranks: Vec<usize> = captions
        .iter()
        .zip(owner)
        .map(|(caption, &own)| {
            let bar = caption.dot(&photos[own]);
            photos.iter().enumerate().filter(|(i, p)| *i != own && caption.dot(p) >= bar).count()
        })
        .collect();
    Recall::of_ranks(&ranks)
}

/// Image-to-text recall: every photo that has captions ranks all captions; its best own caption counts.
///
/// A foreign caption that scores the same counts as ahead.
pub fn image_to_text(captions: &[Embedding], photos: &[Embedding], owner: &[usize]) -> Recall {
    let ranks: Vec<usize> = photos
        .iter()
        .enumerate()
        .filter_map(|(photo, embedding)| {
            let scores: Vec<f32> = captions.iter().map(|c| c.dot(embedding)).collect();
            let own = scores.iter().zip(owner).filter(|(_, o)| **o == photo).map(|(s, _)| *s);
            let bar = own.max_by(f32::total_cmp)?;
            Some(scores.iter().zip(owner).filter(|(s, o)| **o != photo && **s >= bar).count())
        })
        .collect();
    Recall::of_ranks(&ranks)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(degrees: f32) -> Embedding {
        let (sin, cos) = degrees.to_radians().sin_cos();
        Embedding::normalised(vec![cos, sin]).unwrap()
    }

    #[test]
    fn recall_counts_the_rank_of_the_right_answer() {
        // Photos at 0, 40, 80 degrees. Caption 0 of photo 0 is nearest to photo 1.
        let photos = [at(0.0), at(40.0), at(80.0)];
        let captions = [at(30.0), at(41.0), at(90.0), at(5.0)];
        let owner = [0, 1, 2, 0];
        let recall = text_to_image(&captions, &photos, &owner);
        assert_eq!((recall.r1, recall.r5), (75.0, 100.0));
        // Each photo's best own caption is its nearest.
        assert_eq!(image_to_text(&captions, &photos, &owner).r1, 100.0);
    }

    #[test]
    fn a_tie_does_not_count_as_found() {
        let recall = text_to_image(&[at(0.0)], &[at(10.0), at(10.0)], &[0]);
        assert_eq!((recall.r1, recall.r5), (0.0, 100.0));
    }

    #[test]
    fn photos_without_captions_are_distractors_only() {
        let recall = image_to_text(&[at(0.0)], &[at(1.0), at(90.0)], &[0]);
        assert_eq!(recall.r1, 100.0);
    }
}
