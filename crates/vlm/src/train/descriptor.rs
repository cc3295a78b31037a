//! The principal axes of what descriptors are made of, over general photos.

use burn::module::Param;
use burn::tensor::{Device, Distribution, Tensor};

use super::cholesky::inverse_upper;
use super::{CELLS, View};
use crate::descriptor::{BANDS, Descriptor, DescriptorConfig, given};
use crate::heads::{Heads, Pooled};
use crate::{HeadsConfig, VlmError, weights};

/// Passes of subspace iteration.
const PASSES: usize = 8;
/// Photos of one computation.
const AT_ONCE: usize = 500;

/// Fits the axes to the photos of `view` and saves them to `out`; the heads in `heads` tell how summaries are
/// standardised.
///
/// Principal component analysis by subspace iteration (Halko et al. 2011, arXiv:0909.4061, algorithm 4.4): the axes
/// span the subspace of largest variance, in no particular order, which no dot product depends on.
///
/// # Errors
/// [`VlmError::Missing`] and [`VlmError::BadWeights`] when weights cannot be read or saved.
pub fn fit_descriptor(
    config: &DescriptorConfig,
    view: &View,
    heads: (&HeadsConfig, &std::path::Path),
    seed: u64,
    out: &std::path::Path,
) -> Result<(), VlmError> {
    let device = Device::flex();
    device.seed(seed);
    let mut fitted = heads.0.init(&device);
    weights::load(&mut fitted, heads.1)?;
    let rows = all_rows(config, view, &fitted, &device);
    let mean = rows.clone().mean_dim(0);
    let centred = rows - mean.clone();
    let mut axes = Tensor::<2>::random([config.given(), config.dims], Distribution::Normal(0.0, 1.0), &device);
    for _ in 0..PASSES {
        axes = orthonormal(centred.clone().transpose().matmul(centred.clone().matmul(axes)));
    }
    let kept = |t| Param::from_tensor(t).set_require_grad(false);
    let descriptor =
        Descriptor { mean: Param::from_tensor(mean.squeeze_dim::<1>(0)).set_require_grad(false), axes: kept(axes) };
    weights::save(&descriptor, out)
}

fn all_rows(config: &DescriptorConfig, view: &View, heads: &Heads, device: &Device) -> Tensor<2> {
    let photos = view.summary.len() / config.summary;
    let per_band = CELLS / BANDS;
    let mut parts = Vec::new();
    for start in (0..photos).step_by(AT_ONCE) {
        let count = AT_ONCE.min(photos - start);
        let numbers = |values: &[half::f16], length: usize| -> Vec<f32> {
            values[start * length..][..count * length].iter().map(|v| v.to_f32()).collect()
        };
        let cells = |values| {
            let data = numbers(values, CELLS * config.features);
            let shape = [count, CELLS, config.features];
            Tensor::<3>::from_data(burn::tensor::TensorData::new(data, shape), device)
        };
        let (means, maxima) = (cells(&view.mean), cells(&view.max));
        let summary = burn::tensor::TensorData::new(numbers(&view.summary, config.summary), [count, config.summary]);
        let pooled = heads.standardised(Pooled {
            mean: means.clone().mean_dim(1).squeeze_dim(1),
            max: maxima.max_dim(1).squeeze_dim(1),
            summary: Tensor::from_data(summary, device),
        });
        // Cells run row by row, so that a band is a run of them.
        let bands = means.reshape([count, BANDS, per_band, config.features]).mean_dim(2).squeeze_dim(2);
        parts.push(given(&pooled, bands));
    }
    Tensor::cat(parts, 0)
}

/// Columns that span the same space and are orthonormal: Cholesky QR, twice for accuracy (Yamamoto et al. 2015).
fn orthonormal(mut columns: Tensor<2>) -> Tensor<2> {
    for _ in 0..2 {
        let device = columns.device();
        let gram = columns.clone().transpose().matmul(columns.clone());
        let size = gram.dims()[0];
        let gram: Vec<f64> = gram.into_data().convert::<f64>().try_to_vec().expect("the device computes in floats");
        let inverse: Vec<f32> = inverse_upper(&gram, size).iter().map(|&v| v as f32).collect();
        columns = columns.matmul(Tensor::from_data(burn::tensor::TensorData::new(inverse, [size, size]), &device));
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_columns_become_orthonormal_and_span_the_same_space() {
        let device = Device::flex();
        device.seed(3);
        let columns = Tensor::<2>::random([40, 6], Distribution::Normal(0.0, 1.0), &device);
        let q = orthonormal(columns.clone());
        let gram = q.clone().transpose().matmul(q.clone());
        let worst: f32 = (gram - Tensor::eye(6, &device)).abs().max().into_scalar();
        assert!(worst < 1e-4, "{worst}");
        let kept = q.clone().matmul(q.transpose().matmul(columns.clone()));
        let lost: f32 = (kept - columns).abs().max().into_scalar();
        assert!(lost < 1e-4, "{lost}");
    }
}
