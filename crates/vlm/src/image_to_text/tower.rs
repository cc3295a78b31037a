//! The image tower of a model that writes, in the form that its device runs best.

use std::path::Path;

use burn::tensor::{Device, Tensor, TensorData};

use crate::cpu::CpuVit;
use crate::cpu::vit::Precision;
use crate::nn::vit::{Vit, VitConfig};
use crate::{DeviceKind, VlmError, weights};

/// The tower.
#[derive(Debug)]
pub enum Tower {
    /// Kernels of our own.
    Cpu(Box<CpuVit>),
    /// Tensors.
    Tensor(Box<Vit>),
}

impl Tower {
    /// Loads what `config` describes from the file at `path`.
    ///
    /// # Errors
    /// [`VlmError::Missing`] or [`VlmError::BadWeights`].
    pub fn load(path: &Path, config: &VitConfig, device: &Device, kind: DeviceKind) -> Result<Self, VlmError> {
        let mut tower = config.init(config.d_model, device);
        weights::load(&mut tower, path)?;
        Ok(match kind {
            DeviceKind::Cpu => Self::Cpu(Box::new(CpuVit::of_network(config, &tower, Precision::Float))),
            _ => Self::Tensor(Box::new(tower)),
        })
    }

    /// A normalised photo, `side * side * 3` interleaved numbers, to the states of all its tokens, `[1, tokens, d_model]`.
    pub fn states(&self, photo: Vec<f32>, device: &Device) -> Tensor<3> {
        let side = (photo.len() / 3).isqrt();
        match self {
            Self::Cpu(tower) => {
                let states = tower.states(&[photo]);
                let (tokens, numbers) = (tower.tokens(), states.len());
                Tensor::from_data(TensorData::new(states, [1, tokens, numbers / tokens]), device)
            }
            Self::Tensor(tower) => {
                let pixels = Tensor::<4>::from_data(TensorData::new(photo, [1, side, side, 3]), device);
                tower.states(pixels.permute([0, 3, 1, 2]))
            }
        }
    }
}
