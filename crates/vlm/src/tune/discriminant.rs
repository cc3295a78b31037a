//! A classifier in closed form, for lessons of so many labels that training one would take hours.
//!
//! Linear discriminant analysis (Fisher 1936; Hastie et al., The Elements of Statistical Learning, 4.3): every label is
//! a normal distribution around the mean of its photos, and all share one covariance, shrunk towards a round one.

use burn::tensor::{Device, Tensor};

use super::teacher::{INPUT_SCALE, Rows};
use crate::train::cholesky::inverse_upper;
use crate::train::{floats, matrix};

/// Share of the round covariance; chosen with the sharpness on ten splits of clothes, 20 and 4 photos a label.
const SHRINKAGE: f64 = 0.3;
/// Factor on logits: as they come they are far too sure of themselves.
const SHARPNESS: f64 = 0.1;
/// Rows of one product.
const AT_ONCE: usize = 4096;

/// Weight `[length, labels + 1]` and bias `[1, labels + 1]` of a classifier of descriptors times [`INPUT_SCALE`]; the
/// last class has the photos of no label, those of `general` among them.
pub(super) fn discriminant(photos: &Rows, general: &Rows, labels: usize) -> (Vec<f32>, Vec<f32>) {
    let device = Device::flex();
    let classes = labels + 1;
    let length = general.descriptors[0].len();
    let all = || {
        let own = photos.descriptors.iter().zip(photos.labels.iter().copied());
        own.chain(general.descriptors.iter().map(|row| (row, labels)))
    };
    let mut counts = vec![0usize; classes];
    let mut means = vec![0.0f32; classes * length];
    for (row, label) in all() {
        counts[label] += 1;
        means[label * length..][..length].iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
    }
    for (mean, count) in means.chunks_exact_mut(length).zip(&counts) {
        mean.iter_mut().for_each(|sum| *sum /= (*count).max(1) as f32);
    }
    // Within the classes.
    let mut scatter = Tensor::<2>::zeros([length, length], &device);
    let rows: Vec<(&Vec<f32>, usize)> = all().collect();
    for part in rows.chunks(AT_ONCE) {
        let centred = part
            .iter()
            .flat_map(|(row, label)| {
                row.iter().zip(&means[label * length..][..length]).map(|(value, mean)| value - mean)
            })
            .collect();
        let centred = matrix(centred, part.len(), length, &device);
        scatter = scatter + centred.clone().transpose().matmul(centred);
    }
    let mut covariance: Vec<f64> = floats(scatter).iter().map(|v| f64::from(*v) / rows.len() as f64).collect();
    let even = (0..length).map(|i| covariance[i * length + i]).sum::<f64>() / length as f64;
    for (place, value) in covariance.iter_mut().enumerate() {
        let round = if place % (length + 1) == 0 { even.max(f64::from(f32::EPSILON)) } else { 0.0 };
        *value = (1.0 - SHRINKAGE) * *value + SHRINKAGE * round;
    }
    let root: Vec<f32> = inverse_upper(&covariance, length).iter().map(|&v| v as f32).collect();
    let root = matrix(root, length, length, &device); // R^-1 of covariance = R^T R
    let means = matrix(means, classes, length, &device);
    let weight = root.clone().matmul(root.transpose().matmul(means.clone().transpose()));
    let bias = (means.transpose() * weight.clone()).sum_dim(0) * (-0.5 * SHARPNESS);
    (floats(weight * (SHARPNESS / INPUT_SCALE)), floats(bias))
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};

    use super::*;

    #[test]
    fn the_weights_solve_the_equations_of_the_shared_covariance() {
        let (labels, length) = (3, 4);
        let mut rng = StdRng::seed_from_u64(8);
        let mut rows = |label: Option<usize>| {
            let middle = label.unwrap_or(labels);
            let row = (0..length).map(|i| rng.random_range(-0.5..0.5) + if i == middle { 2.0 } else { 0.0 });
            (row.collect::<Vec<f32>>(), middle)
        };
        let split = |all: Vec<(Vec<f32>, usize)>| {
            let (descriptors, labels) = all.into_iter().unzip();
            Rows { shared: Vec::new(), descriptors, labels }
        };
        let photos = split((0..30).map(|i| rows(Some(i % labels))).collect());
        let general = split((0..20).map(|_| rows(None)).collect());
        let (weight, bias) = discriminant(&photos, &general, labels);
        // The same from the definition: covariance times weight is the mean, and the bias half their product.
        let all: Vec<(&Vec<f32>, usize)> = photos.descriptors.iter().zip(photos.labels.iter().copied()).collect();
        let all: Vec<_> = all.into_iter().chain(general.descriptors.iter().map(|row| (row, labels))).collect();
        let mean = |class: usize, i: usize| -> f64 {
            let own: Vec<f64> = all.iter().filter(|(_, l)| *l == class).map(|(row, _)| f64::from(row[i])).collect();
            own.iter().sum::<f64>() / own.len() as f64
        };
        let covariance = |i: usize, j: usize| -> f64 {
            let at = |row: &[f32], l: usize, i: usize| f64::from(row[i]) - mean(l, i);
            all.iter().map(|(row, l)| at(row, *l, i) * at(row, *l, j)).sum::<f64>() / all.len() as f64
        };
        let even = (0..length).map(|i| covariance(i, i)).sum::<f64>() / length as f64;
        for class in 0..=labels {
            let own = |i: usize| f64::from(weight[i * (labels + 1) + class]) * INPUT_SCALE / SHARPNESS;
            for i in 0..length {
                let shrunk = |j: usize| 0.7 * covariance(i, j) + if i == j { 0.3 * even } else { 0.0 };
                let got: f64 = (0..length).map(|j| shrunk(j) * own(j)).sum();
                assert!((got - mean(class, i)).abs() < 1e-4, "{class} {i}: {got}");
            }
            let half: f64 = (0..length).map(|i| mean(class, i) * own(i)).sum::<f64>() / -2.0;
            assert!((f64::from(bias[class]) - half * SHARPNESS).abs() < 1e-4);
        }
        // And it tells them apart.
        for (row, label) in &all {
            let score = |class: usize| -> f64 {
                (0..length).map(|i| f64::from(row[i] * weight[i * (labels + 1) + class]) * INPUT_SCALE).sum::<f64>()
                    + f64::from(bias[class])
            };
            assert!((0..=labels).all(|class| score(class) <= score(*label)));
        }
    }
}
