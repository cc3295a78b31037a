//! Feature vectors at which the classifier is asked for its opinion.
//!
//! Photos at hand show few of its 1,000 classes. So parts of photos are mixed with each other and pushed
//! towards a class: along the class's own weights, or along those weights times the covariance of real
//! features (the direction in which real features move when that logit rises). The classifier then says
//! what the result is: targets are right whatever the probe.

use burn::tensor::activation::softmax;
use burn::tensor::{Device, Tensor, TensorData};
use rand::Rng;
use rand::rngs::StdRng;

use super::TrainingData;
use super::data::Feature;
use crate::heads::Pooled;

/// A pushed probe's logit rises by this much.
const GAIN: std::ops::Range<f32> = 4.0..18.0;

/// A feature's maximum rises by this much for 1 that its mean rises.
const PEAK: std::ops::Range<f32> = 1.0..4.0;

/// Features stay in ReLU6's range.
const FEATURE_RANGE: (f32, f32) = (0.0, 6.0);

/// Makes probes out of training photos.
pub(super) struct Probes {
    mean: Vec<f32>,
    /// Three directions a class, each raising its logit by 1: `[3][classes * features]`.
    directions: [Vec<f32>; 3],
    weight: Tensor<2>,
    bias: Tensor<2>,
    classes: usize,
    features: usize,
}

impl Probes {
    pub fn new(data: &TrainingData, device: &Device) -> Self {
        let (features, classes) = (data.features, data.classifier.bias.len());
        let photos = data.photos();
        let pooled: Vec<f32> = (0..photos).flat_map(|p| data.pooled(0, p, |_| true).mean).collect();
        let pooled = matrix(pooled, photos, features, device);
        let mean = pooled.clone().mean_dim(0);
        let residual = pooled - mean.clone();
        let covariance = residual.clone().transpose().matmul(residual) / photos as f64;
        let weight = matrix(data.classifier.weight.clone(), classes, features, device);
        let centred = weight.clone() - weight.clone().mean_dim(0);
        let unit_gain = |d: Tensor<2>| d.clone() / (d * centred.clone()).sum_dim(1);
        let own = unit_gain(centred.clone());
        let natural = unit_gain(centred.clone().matmul(covariance));
        let between = (own.clone() + natural.clone()) / 2.0;
        Self {
            mean: floats(mean),
            directions: [own, between, natural].map(floats),
            weight: weight.transpose(),
            bias: matrix(data.classifier.bias.clone(), 1, classes, device),
            classes,
            features,
        }
    }

    /// `count` probes from parts of the given photos: a fifth as they are, a fifth mixed in pairs, the rest pushed.
    ///
    /// Most come with the stage summary of another photo: the classifier does not look at it, so what it says
    /// must be learned whatever the summary.
    pub fn draw(
        &self,
        data: &TrainingData,
        view: usize,
        photos: &[usize],
        count: usize,
        rng: &mut StdRng,
    ) -> Vec<Feature> {
        (0..count)
            .map(|i| {
                let mut part = part_of(data, view, photos[rng.random_range(0..photos.len())], rng);
                if (count / 5..count * 2 / 5).contains(&i) {
                    let other = part_of(data, view, photos[rng.random_range(0..photos.len())], rng);
                    let share: f32 = rng.random();
                    part.mean.iter_mut().zip(&other.mean).for_each(|(a, b)| *a = share * *a + (1.0 - share) * b);
                    part.max.iter_mut().zip(&other.max).for_each(|(a, b)| *a = a.max(*b));
                    part.summary.iter_mut().zip(&other.summary).for_each(|(a, b)| *a = share * *a + (1.0 - share) * b);
                } else if i >= count * 2 / 5 {
                    self.push(&mut part, rng);
                    part.summary = data.summary_of(view, photos[rng.random_range(0..photos.len())]);
                } else if rng.random() {
                    part.summary = data.summary_of(view, photos[rng.random_range(0..photos.len())]);
                }
                part
            })
            .collect()
    }

    /// Moves a feature towards the mean and then towards a random class.
    ///
    /// What rises in the mean rises more in the maximum, as an object fills a part of a photo only; what
    /// falls to nothing in the mean falls in the maximum too.
    fn push(&self, feature: &mut Feature, rng: &mut StdRng) {
        let class = rng.random_range(0..self.classes);
        let direction = &self.directions[rng.random_range(0..3)][class * self.features..][..self.features];
        let (keep, gain, peak) = (rng.random::<f32>(), rng.random_range(GAIN), rng.random_range(PEAK));
        let features = feature.mean.iter_mut().zip(&mut feature.max);
        for ((value, most), (mean, along)) in features.zip(self.mean.iter().zip(direction)) {
            let before = *value;
            *value = (mean + keep * (before - mean) + gain * along).clamp(FEATURE_RANGE.0, FEATURE_RANGE.1);
            let left = *most * (*value / (before + 1e-4)).min(1.0);
            *most = value.max(left + peak * (*value - before).max(0.0)).min(FEATURE_RANGE.1);
        }
    }

    /// The classifier's probabilities at features `[batch, features]`.
    pub fn opinion(&self, features: Tensor<2>) -> Tensor<2> {
        softmax(features.matmul(self.weight.clone()) + self.bias.clone(), 1)
    }
}

/// The feature of a random rectangle of cells.
fn part_of(data: &TrainingData, view: usize, photo: usize, rng: &mut StdRng) -> Feature {
    let mut span = || {
        let length = rng.random_range(1..=3usize);
        let start = rng.random_range(0..=3 - length);
        start..start + length
    };
    let (rows, columns) = (span(), span());
    data.pooled(view, photo, |cell| rows.contains(&(cell / 3)) && columns.contains(&(cell % 3)))
}

/// A matrix on a device from row-major numbers.
pub(crate) fn matrix(values: Vec<f32>, rows: usize, columns: usize, device: &Device) -> Tensor<2> {
    Tensor::from_data(TensorData::new(values, [rows, columns]), device)
}

/// Features on a device.
pub(super) fn pooled(parts: &[Feature], device: &Device) -> Pooled {
    let flat = |pick: fn(&Feature) -> &[f32]| {
        matrix(parts.iter().flat_map(pick).copied().collect(), parts.len(), pick(&parts[0]).len(), device)
    };
    Pooled { mean: flat(|f| &f.mean), max: flat(|f| &f.max), summary: flat(|f| &f.summary) }
}

/// The numbers of a tensor, row-major.
pub(crate) fn floats(tensor: Tensor<2>) -> Vec<f32> {
    tensor.into_data().try_to_vec::<f32>().expect("training computes in f32")
}
