//! The bundled model's image heads and descriptor on CPU cores: the weights in halves, as the model's files have them, and
//! each read once for all photos.
//!
//! The same sums as [`Heads`] and [`Descriptor`], which serve GPUs and training; a test holds them together. For one photo
//! they are a walk through memory, for which halves are half the way.

use burn::nn;
use rayon::prelude::*;

use super::efficientnet::PhotoFeatures;
use super::linear::{Linear, LinearWeights, Precision};
use super::norm::LayerNorm;
use super::pointwise::Pointwise;
use super::transformer::floats;
use crate::descriptor::{BANDS, Descriptor, EPSILON};
use crate::heads::{Heads, ImageHead, SUMMARY_LIMIT};

/// Heads and descriptor with weights laid out for CPU kernels.
#[derive(Debug)]
pub struct CpuImageHeads {
    members: Vec<Member>,
    summary_mean: Vec<f32>,
    summary_deviation: Vec<f32>,
    descriptor_mean: Vec<f32>,
    axes: Linear,
}

/// Heads of a part of the vector.
#[derive(Debug)]
struct Member {
    mean_norm: LayerNorm,
    max_norm: LayerNorm,
    hidden: Linear,
    out: Linear,
    linear: Linear,
}

/// What is pooled from the tower for some photos, row by row; see [`Pooled`](crate::heads::Pooled).
#[derive(Debug, Clone, Default)]
pub struct PooledRows {
    /// `[photos, features]`.
    pub mean: Vec<f32>,
    /// `[photos, features]`.
    pub max: Vec<f32>,
    /// `[photos, summary]`.
    pub summary: Vec<f32>,
    /// Means over bands of positions, `[photos, BANDS, features]`; see [`crate::descriptor::bands`].
    pub bands: Vec<f32>,
}

impl PooledRows {
    /// Pools what the tower gives, whose maps have `features` channels.
    pub fn of(photos: &[PhotoFeatures], features: usize) -> Self {
        let mut pooled = Self::default();
        for photo in photos {
            let mut max = vec![f32::MIN; features];
            let positions = photo.map.len() / features;
            let band = positions / BANDS;
            let (mut mean, start) = (vec![0.0; features], pooled.bands.len());
            pooled.bands.resize(start + BANDS * features, 0.0);
            let sums = pooled.bands[start..].chunks_exact_mut(features);
            for (sum, map) in sums.zip(photo.map.chunks_exact(band * features)) {
                for position in map.chunks_exact(features) {
                    for ((sum, max), value) in sum.iter_mut().zip(&mut max).zip(position) {
                        *sum += value;
                        *max = max.max(*value);
                    }
                }
                mean.iter_mut().zip(sum.iter()).for_each(|(mean, sum)| *mean += sum);
                sum.iter_mut().for_each(|sum| *sum /= band as f32);
            }
            pooled.mean.extend(mean.iter().map(|sum| sum / positions as f32));
            pooled.max.extend(max);
            pooled.summary.extend_from_slice(&photo.summary);
        }
        pooled
    }
}

impl CpuImageHeads {
    /// Lays out the weights.
    pub fn new(heads: &Heads, descriptor: &Descriptor) -> Self {
        let axes = floats(descriptor.axes.val());
        let axes = (LinearWeights { weight: &axes, bias: None }, 1.0);
        Self {
            members: heads.image.iter().map(Member::new).collect(),
            summary_mean: floats(heads.summary_mean.val()),
            summary_deviation: floats(heads.summary_deviation.val()),
            descriptor_mean: floats(descriptor.mean.val()),
            axes: Linear::new(descriptor.axes.dims()[0], &[axes], Precision::Half),
        }
    }

    /// Vectors in the shared space `[photos, dims]`, the part of each member of unit length.
    pub fn shared(&self, pooled: &PooledRows) -> Vec<f32> {
        // On one of the pool's own threads: from outside, each of some steps would wait until a thread has woken up.
        rayon::scope(|_| self.project(&self.standardised(pooled)))
    }

    /// Vectors in the shared space and descriptors side by side, `[photos, dims + descriptor dims]`.
    pub fn vectors(&self, pooled: &PooledRows) -> Vec<f32> {
        let (shared, descriptors) = rayon::scope(|_| {
            let pooled = self.standardised(pooled);
            rayon::join(|| self.project(&pooled), || self.describe(&pooled))
        });
        let (dims, long) = (self.dims(), self.axes.output());
        shared.chunks_exact(dims).zip(descriptors.chunks_exact(long)).flat_map(|(a, b)| [a, b].concat()).collect()
    }

    /// Length of a vector in the shared space.
    fn dims(&self) -> usize {
        self.members.iter().map(|member| member.out.output()).sum()
    }

    /// The summary in standard deviations from its mean.
    fn standardised(&self, pooled: &PooledRows) -> PooledRows {
        let mut pooled = pooled.clone();
        let limit = SUMMARY_LIMIT as f32;
        for row in pooled.summary.chunks_exact_mut(self.summary_mean.len()) {
            for ((value, mean), deviation) in row.iter_mut().zip(&self.summary_mean).zip(&self.summary_deviation) {
                *value = ((*value - mean) / deviation).clamp(-limit, limit);
            }
        }
        pooled
    }

    fn project(&self, pooled: &PooledRows) -> Vec<f32> {
        let members: Vec<Vec<f32>> = self.members.par_iter().map(|member| member.run(pooled)).collect();
        let photos = pooled.summary.len() / self.summary_mean.len();
        let mut rows = Vec::with_capacity(photos * self.dims());
        for photo in 0..photos {
            for (member, out) in self.members.iter().zip(&members) {
                let width = member.out.output();
                rows.extend_from_slice(&out[photo * width..][..width]);
            }
        }
        rows
    }

    /// [`Descriptor::forward`].
    fn describe(&self, pooled: &PooledRows) -> Vec<f32> {
        let summary = self.summary_mean.len();
        let features = (self.descriptor_mean.len() - summary) / (2 + BANDS);
        let third = 1.0 / 3f32.sqrt();
        let root = |value: &f32| (value.max(0.0) + 1e-9).sqrt();
        let mut given = Vec::with_capacity(pooled.summary.len() / summary * self.descriptor_mean.len());
        let photos = pooled.summary.chunks_exact(summary).zip(pooled.mean.chunks_exact(features));
        let photos = photos.zip(pooled.max.chunks_exact(features)).zip(pooled.bands.chunks_exact(BANDS * features));
        for (((summary, mean), max), bands) in photos {
            let start = given.len();
            given.extend(summary.iter().map(|value| value * third / (summary.len() as f32).sqrt()));
            even(&mut given, mean.iter().map(root), third);
            even(&mut given, max.iter().copied(), third);
            for band in bands.chunks_exact(features) {
                even(&mut given, band.iter().map(root), 1.0 / (BANDS as f32).sqrt());
            }
            given[start..].iter_mut().zip(&self.descriptor_mean).for_each(|(value, mean)| *value -= mean);
        }
        let mut rows = self.axes.apply(&given, Pointwise::Linear);
        rows.chunks_exact_mut(self.axes.output()).for_each(unit);
        rows
    }
}

impl Member {
    fn new(head: &ImageHead) -> Self {
        let linear = |layer: &nn::Linear| Linear::of(&[layer], Precision::Half);
        Self {
            mean_norm: LayerNorm::of(&head.mean_norm, EPSILON),
            max_norm: LayerNorm::of(&head.max_norm, EPSILON),
            hidden: linear(&head.hidden),
            out: linear(&head.out),
            linear: linear(&head.linear),
        }
    }

    /// [`ImageHead::forward`] without dropout.
    fn run(&self, pooled: &PooledRows) -> Vec<f32> {
        let (mean, max) = (self.mean_norm.apply(&pooled.mean), self.max_norm.apply(&pooled.max));
        let features = self.mean_norm.width();
        let summary = self.linear.input() - features;
        let photos = pooled.summary.len() / summary;
        let (mut all, mut some) = (Vec::new(), Vec::new());
        for photo in 0..photos {
            let [mean, max] = [&mean, &max].map(|of| &of[photo * features..][..features]);
            let summary = &pooled.summary[photo * summary..][..summary];
            all.extend([mean, max, summary].concat());
            some.extend([mean, summary].concat());
        }
        let hidden = self.hidden.apply(&all, Pointwise::Gelu);
        let mut out = self.linear.apply(&some, Pointwise::Linear);
        self.out.add_to(&self.out.rows(&hidden), &mut out);
        out.chunks_exact_mut(self.out.output()).for_each(unit);
        out
    }
}

/// Appends `values`, moved and scaled to mean 0 and length `length`.
fn even(to: &mut Vec<f32>, values: impl Iterator<Item = f32>, length: f32) {
    let start = to.len();
    to.extend(values);
    let row = &mut to[start..];
    let width = row.len() as f32;
    let mean = row.iter().sum::<f32>() / width;
    row.iter_mut().for_each(|value| *value -= mean);
    let variance = row.iter().map(|value| value * value).sum::<f32>() / width;
    let scale = length / (variance + EPSILON as f32).sqrt() / width.sqrt();
    row.iter_mut().for_each(|value| *value *= scale);
}

/// Scales `row` to unit length.
fn unit(row: &mut [f32]) {
    let norm = row.iter().map(|value| value * value).sum::<f32>().sqrt().max(1e-6);
    row.iter_mut().for_each(|value| *value /= norm);
}

#[cfg(test)]
mod tests {
    use burn::module::Module;
    use burn::tensor::{Device, Tensor, TensorData};

    use super::*;
    use crate::cpu::testing::{Stirred, random};
    use crate::descriptor::bands;
    use crate::heads::Pooled;
    use crate::{DescriptorConfig, HeadsConfig};

    #[test]
    fn maps_are_pooled_as_tensors_are() {
        let (features, positions) = (5, 12);
        let photos = [1, 2].map(|seed| PhotoFeatures { map: random(positions * features, seed), summary: vec![1.0] });
        let rows = PooledRows::of(&photos, features);
        let maps: Vec<f32> = photos.iter().flat_map(|photo| &photo.map).copied().collect();
        let device = Device::flex();
        let map = Tensor::<3>::from_data(TensorData::new(maps, [2, positions, features]), &device);
        let pooled = Pooled::of(map.clone(), Tensor::from_floats([[1.0], [1.0]], &device));
        for (got, want) in [
            (rows.mean, floats(pooled.mean)),
            (rows.max, floats(pooled.max)),
            (rows.summary, floats(pooled.summary)),
            (rows.bands, floats(bands(map))),
        ] {
            assert_eq!(got.len(), want.len());
            assert!(got.iter().zip(&want).all(|(got, want)| (got - want).abs() < 1e-6), "{got:?} {want:?}");
        }
    }

    #[test]
    fn heads_and_descriptors_are_those_of_tensors() {
        let device = Device::flex();
        let (features, summary) = (48, 37);
        let config = HeadsConfig::new().with_dims(40).with_features(features).with_summary(summary);
        let heads = config.with_image_hidden(30).init(&device).map(&mut Stirred);
        let config = DescriptorConfig::new().with_dims(50).with_features(features).with_summary(summary);
        let descriptor = config.init(&device).map(&mut Stirred);
        let cpu = CpuImageHeads::new(&heads, &descriptor);
        for photos in [1, 2, 7] {
            let tensor = |width: usize, seed: u64| {
                let values = random(photos * width, seed).iter().map(|v| 4.0 * v).collect::<Vec<_>>();
                (Tensor::<2>::from_data(TensorData::new(values.clone(), [photos, width]), &device), values)
            };
            let [mean, max, bands] = [(features, 1), (features, 2), (BANDS * features, 3)].map(|(w, s)| tensor(w, s));
            let summaries = tensor(summary, 4);
            let pooled = Pooled { mean: mean.0, max: max.0, summary: summaries.0 };
            let standardised = heads.standardised(pooled);
            let shared = heads.project_images(&standardised);
            let three = bands.0.reshape([photos, BANDS, features]);
            let both = floats(Tensor::cat(vec![shared.clone(), descriptor.forward(&standardised, three)], 1));
            let rows = PooledRows { mean: mean.1, max: max.1, summary: summaries.1, bands: bands.1 };
            for (got, want) in [(cpu.shared(&rows), floats(shared)), (cpu.vectors(&rows), both)] {
                assert_eq!(got.len(), want.len());
                for (got, want) in got.iter().zip(&want) {
                    assert!((got - want).abs() < 1e-5, "{photos}: {got} {want}");
                }
            }
        }
    }
}
