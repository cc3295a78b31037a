//! What the towers gave, ready for batches.

use half::f16;

use super::CELLS;
use crate::convert::Classifier;

/// Everything the heads are fitted to.
#[derive(Debug, Clone)]
pub struct TrainingData {
    /// Length of an image feature.
    pub features: usize,
    /// Length of a stage summary.
    pub summary: usize,
    /// Length of a sentence vector.
    pub width: usize,
    /// Views of all photos: as they are, mirrored...
    pub views: Vec<View>,
    /// Sentence vectors of the captions, photo by photo, `photos * captions_per_photo * width` numbers.
    pub captions: Vec<f32>,
    /// Captions of a photo.
    pub captions_per_photo: usize,
    /// Texts that name the classifier's classes.
    pub classes: ClassTexts,
    /// Texts that name groups of classes, such as `dog`.
    pub groups: GroupTexts,
    /// The classifier to distil.
    pub classifier: Classifier,
}

/// The feature maps of all photos, reduced to cells, `photos * CELLS * features` numbers each, and summaries.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// Mean of each feature over a cell.
    pub mean: Vec<f16>,
    /// Maximum of each feature over a cell.
    pub max: Vec<f16>,
    /// Summaries of the tower's stages, `photos * summary` numbers.
    pub summary: Vec<f16>,
}

/// What an image head sees of one photo or probe.
#[derive(Debug, Clone)]
pub(super) struct Feature {
    pub mean: Vec<f32>,
    pub max: Vec<f32>,
    pub summary: Vec<f32>,
}

/// Sentence vectors of texts that name a class.
#[derive(Debug, Clone)]
pub struct ClassTexts {
    /// Vectors by class, each a whole number of sentence vectors.
    pub by_class: Vec<Vec<f32>>,
    /// The prompts that are averaged at evaluation, by class.
    pub evaluation: Vec<Vec<f32>>,
}

/// Sentence vectors of texts that name several classes at once.
#[derive(Debug, Clone)]
pub struct GroupTexts {
    /// Vectors by group, each a whole number of sentence vectors.
    pub by_group: Vec<Vec<f32>>,
    /// Classes of each group.
    pub members: Vec<Vec<usize>>,
}

impl TrainingData {
    /// Number of photos.
    pub fn photos(&self) -> usize {
        self.captions.len() / (self.captions_per_photo * self.width)
    }

    /// The captions of a photo, `captions_per_photo * width` numbers.
    pub(super) fn captions_of(&self, photo: usize) -> &[f32] {
        let length = self.captions_per_photo * self.width;
        &self.captions[photo * length..][..length]
    }

    /// A photo's stage summary.
    pub(super) fn summary_of(&self, view: usize, photo: usize) -> Vec<f32> {
        self.views[view].summary[photo * self.summary..][..self.summary].iter().map(|v| v.to_f32()).collect()
    }

    /// A photo's feature over the cells that `keep` tells: the mean of means and the maximum of maxima. The
    /// summary is that of the whole photo.
    pub(super) fn pooled(&self, view: usize, photo: usize, keep: impl Fn(usize) -> bool) -> Feature {
        let length = CELLS * self.features;
        let cells =
            |values: &'_ [f16]| -> Vec<f32> { values[photo * length..][..length].iter().map(|v| v.to_f32()).collect() };
        let mut feature = Feature {
            mean: vec![0.0; self.features],
            max: vec![0.0; self.features],
            summary: self.summary_of(view, photo),
        };
        let (means, maxima) = (cells(&self.views[view].mean), cells(&self.views[view].max));
        let kept: Vec<usize> = (0..CELLS).filter(|&cell| keep(cell)).collect();
        for &cell in &kept {
            let part = cell * self.features..(cell + 1) * self.features;
            feature.mean.iter_mut().zip(&means[part.clone()]).for_each(|(s, v)| *s += v / kept.len() as f32);
            feature.max.iter_mut().zip(&maxima[part]).for_each(|(m, v)| *m = m.max(*v));
        }
        feature
    }
}
