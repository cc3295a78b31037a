//! A second, longer vector of a photo: what the image tower saw, before the shared space lets most of it go.
//!
//! The shared space keeps of a photo what sentences tell. To tell one person's albums apart, more is needed: the
//! summary of the tower's stages, the mean and the maximum of its features, and their means over three bands from top
//! to bottom, each of like weight, along the principal axes that they have over general photos. A linear classifier
//! on it tells albums apart almost as well as on all the numbers that it is made of (see the model card).

use burn::config::Config;
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

use crate::heads::Pooled;

/// Bands of positions from the top of a photo to its bottom.
pub(crate) const BANDS: usize = 3;
/// Added to the variance in normalisation, as in PyTorch.
pub(crate) const EPSILON: f64 = 1e-5;

/// Sizes of a descriptor.
#[derive(Config, Debug, PartialEq)]
pub struct DescriptorConfig {
    /// Length of a descriptor.
    #[config(default = 1024)]
    pub dims: usize,
    /// Channels of the feature map.
    #[config(default = 1280)]
    pub features: usize,
    /// Numbers in the summary of the image tower's stages.
    #[config(default = 1360)]
    pub summary: usize,
}

impl DescriptorConfig {
    /// Numbers that a descriptor is made of.
    pub fn given(&self) -> usize {
        self.summary + (2 + BANDS) * self.features
    }

    /// Axes that say nothing yet, on `device`.
    pub fn init(&self, device: &Device) -> Descriptor {
        let fixed = |shape: [usize; 2]| Param::from_tensor(Tensor::zeros(shape, device)).set_require_grad(false);
        Descriptor {
            mean: Param::from_tensor(Tensor::zeros([self.given()], device)).set_require_grad(false),
            axes: fixed([self.given(), self.dims]),
        }
    }
}

/// The principal axes of what is pooled from the tower, fitted by `xtask model descriptor`.
#[derive(Module, Debug)]
pub struct Descriptor {
    /// Mean over general photos, `[given]`.
    pub mean: Param<Tensor<1>>,
    /// Orthonormal columns, `[given, dims]`.
    pub axes: Param<Tensor<2>>,
}

impl Descriptor {
    /// Pooled features, their summary standardised, and means over bands `[batch, BANDS, features]` to unit vectors
    /// `[batch, dims]`.
    pub fn forward(&self, pooled: &Pooled, bands: Tensor<3>) -> Tensor<2> {
        let centred = given(pooled, bands) - self.mean.val().unsqueeze();
        let x = centred.matmul(self.axes.val());
        let norm = x.clone().powi_scalar(2).sum_dim(1).sqrt().clamp_min(1e-6);
        x / norm
    }
}

/// Means of a map `[batch, positions, features]` over its bands, `[batch, BANDS, features]`.
pub(crate) fn bands(map: Tensor<3>) -> Tensor<3> {
    let [batch, positions, features] = map.dims();
    map.reshape([batch, BANDS, positions / BANDS, features]).mean_dim(2).squeeze_dim(2)
}

/// All that a descriptor is made of, `[batch, given]`: summary, mean, maximum and bands, each part of like length.
/// Means go through a square root first, as features are often rare and strong (Hellinger; Perronnin et al. 2010).
pub(crate) fn given(pooled: &Pooled, bands: Tensor<3>) -> Tensor<2> {
    let [_, summary] = pooled.summary.dims();
    let root = |x: Tensor<2>| x.clamp_min(0.0).add_scalar(1e-9).sqrt();
    let third = 1.0 / 3f64.sqrt();
    let mut parts = vec![
        pooled.summary.clone() * (third / (summary as f64).sqrt()),
        even(root(pooled.mean.clone())) * third,
        even(pooled.max.clone()) * third,
    ];
    for band in bands.split(1, 1) {
        parts.push(even(root(band.squeeze_dim(1))) * (1.0 / (BANDS as f64).sqrt()));
    }
    Tensor::cat(parts, 1)
}

/// Rows of mean 0 and length 1.
fn even(x: Tensor<2>) -> Tensor<2> {
    let width = x.dims()[1] as f64;
    let centred = x.clone() - x.mean_dim(1);
    let variance = centred.clone().powi_scalar(2).mean_dim(1);
    centred / variance.add_scalar(EPSILON).sqrt() / width.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_are_of_like_length_and_bands_run_from_top_to_bottom() {
        let device = Device::flex();
        let map = Tensor::<3>::from_floats(
            [[
                [1.0, 0.0],
                [1.0, 0.0],
                [1.0, 0.0],
                [0.0, 4.0],
                [0.0, 4.0],
                [0.0, 4.0],
                [9.0, 1.0],
                [9.0, 1.0],
                [9.0, 1.0],
            ]],
            &device,
        );
        let bands = bands(map.clone());
        let rows = bands.clone().into_data().try_to_vec::<f32>().unwrap();
        assert_eq!(rows, [1.0, 0.0, 0.0, 4.0, 9.0, 1.0]);
        let summary = Tensor::<2>::from_floats([[1.0, -1.0, 1.0]], &device);
        let pooled = Pooled::of(map, summary);
        let all = given(&pooled, bands).into_data().try_to_vec::<f32>().unwrap();
        assert_eq!(all.len(), 3 + 2 + 2 + 2 * BANDS);
        let length = |part: &[f32]| part.iter().map(|v| v * v).sum::<f32>();
        for part in [&all[..3], &all[3..5], &all[5..7], &all[7..9], &all[9..11]] {
            assert!((length(part) - 1.0 / 3.0).abs() < 1e-3, "{part:?}");
        }
        // Of two numbers the greater lies above the mean: the second in the middle band.
        assert!(all[7] > 0.0 && all[8] < 0.0 && all[9] < 0.0 && all[10] > 0.0);
    }
}
