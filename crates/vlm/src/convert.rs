//! From published checkpoints to this crate's files; called when a model is built, never by the app.
//!
//! The only place that opens a pickle (burn-store's reader interprets it without running code).

use std::path::Path;

use burn::module::Param;
use burn::nn::conv::Conv2d;
use burn::tensor::{Device, TensorData};
use burn_store::{ModuleStore, PytorchStore};

use crate::nn::bert::BertConfig;
use crate::nn::efficientnet::{EfficientNet, EfficientNetConfig};
use crate::{VlmError, weights};

/// Added to the variance in batch normalisation, as the checkpoint was trained.
const NORM_EPSILON: f32 = 1e-3;

/// The classifier on top of an image tower: logits are `weight · feature + bias`.
#[derive(Debug, Clone)]
pub struct Classifier {
    /// `[classes, features]`, row-major.
    pub weight: Vec<f32>,
    /// `[classes]`.
    pub bias: Vec<f32>,
}

/// Reads EfficientNet-Lite2 from a `.pth`, folds batch normalisation, writes the tower to `out`.
///
/// With `y = γ (w·x - μ) / sqrt(σ² + ε) + β`, the folded weight is `w γ / sqrt(σ² + ε)` and the folded
/// bias `β - μ γ / sqrt(σ² + ε)`. Returns the classifier that the tower was trained with.
///
/// # Errors
/// [`VlmError::Missing`] or [`VlmError::BadWeights`].
pub fn efficientnet_lite(pth: &Path, out: &Path) -> Result<Classifier, VlmError> {
    let mut checkpoint = Checkpoint::open(pth)?;
    let mut tower = EfficientNetConfig::new().init(&Device::flex());
    fold_tower(&mut tower, &mut checkpoint)?;
    weights::save(&tower, out)?;
    Ok(Classifier { weight: checkpoint.floats("_fc.weight")?, bias: checkpoint.floats("_fc.bias")? })
}

/// Reads MiniLM-L6 from sentence-transformers' `model.safetensors`, writes the tower to `out`.
///
/// # Errors
/// [`VlmError::Missing`] or [`VlmError::BadWeights`].
pub fn minilm(checkpoint: &Path, out: &Path) -> Result<(), VlmError> {
    let mut tower = BertConfig::new().init(&Device::flex());
    weights::load_minilm(&mut tower, checkpoint)?;
    weights::save(&tower, out)
}

fn fold_tower(tower: &mut EfficientNet, checkpoint: &mut Checkpoint<'_>) -> Result<(), VlmError> {
    checkpoint.fold(&mut tower.stem, "_conv_stem", "_bn0")?;
    for (n, block) in tower.blocks.iter_mut().enumerate() {
        let name = |part: &str| format!("_blocks.{n}.{part}");
        if let Some(expand) = &mut block.expand {
            checkpoint.fold(expand, &name("_expand_conv"), &name("_bn0"))?;
        }
        checkpoint.fold(&mut block.depthwise, &name("_depthwise_conv"), &name("_bn1"))?;
        checkpoint.fold(&mut block.project, &name("_project_conv"), &name("_bn2"))?;
    }
    checkpoint.fold(&mut tower.head, "_conv_head", "_bn1")
}

struct Checkpoint<'a> {
    path: &'a Path,
    store: PytorchStore,
}

impl<'a> Checkpoint<'a> {
    fn open(path: &'a Path) -> Result<Self, VlmError> {
        if !path.is_file() {
            return Err(VlmError::Missing { path: path.into() });
        }
        Ok(Self { path, store: PytorchStore::from_file(path) })
    }

    fn bad(&self, reason: String) -> VlmError {
        VlmError::BadWeights { path: self.path.into(), reason }
    }

    fn floats(&mut self, name: &str) -> Result<Vec<f32>, VlmError> {
        let path = self.path;
        let bad = |reason: String| VlmError::BadWeights { path: path.into(), reason };
        let tensor = self
            .store
            .get_tensor(name)
            .map_err(|e| bad(e.to_string()))?
            .ok_or_else(|| bad(format!("no tensor {name}")))?;
        let bytes = tensor.to_bytes().map_err(|e| bad(format!("{name}: {e}")))?;
        TensorData::from_bytes(bytes, tensor.shape.clone(), tensor.dtype)
            .convert::<f32>()
            .try_to_vec::<f32>()
            .map_err(|e| bad(format!("{name}: {e:?}")))
    }

    /// Puts convolution `conv` with normalisation `norm` into one convolution with a bias.
    fn fold(&mut self, into: &mut Conv2d, conv: &str, norm: &str) -> Result<(), VlmError> {
        let mut weight = self.floats(&format!("{conv}.weight"))?;
        let [gamma, beta, mean, variance] =
            ["weight", "bias", "running_mean", "running_var"].map(|part| self.floats(&format!("{norm}.{part}")));
        let (gamma, beta, mean, variance) = (gamma?, beta?, mean?, variance?);
        let shape = into.weight.dims();
        if weight.len() != shape.iter().product::<usize>() || gamma.len() != shape[0] {
            return Err(self.bad(format!("{conv} has {} weights, expected {shape:?}", weight.len())));
        }
        let scale: Vec<f32> = gamma.iter().zip(&variance).map(|(g, v)| g / (v + NORM_EPSILON).sqrt()).collect();
        let taps = weight.len() / shape[0];
        for (row, s) in weight.chunks_exact_mut(taps).zip(&scale) {
            row.iter_mut().for_each(|w| *w *= s);
        }
        let bias: Vec<f32> = (0..shape[0]).map(|c| beta[c] - mean[c] * scale[c]).collect();
        let device = into.weight.lazy_device();
        into.weight = Param::from_data(TensorData::new(weight, shape), &device);
        into.bias = Some(Param::from_data(TensorData::new(bias, [shape[0]]), &device));
        Ok(())
    }
}
