//! The weights of a published checkpoint, whichever file they come in.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use burn::tensor::{DType, TensorData};
use burn_store::{ModuleStore, PytorchStore};

use super::safetensors_file::SafetensorsFile;
use crate::VlmError;

/// Weights by name; numbers are read when they are asked for.
pub(super) enum Source {
    /// A safetensors file.
    Safetensors(SafetensorsFile),
    /// A pickle: burn-store's reader interprets it and runs nothing.
    Pickle { path: PathBuf, store: Box<PytorchStore>, shapes: BTreeMap<String, Vec<usize>> },
    /// Several files, no tensor of which is in two.
    Several(Vec<Source>),
    /// Numbers made up by tests.
    #[cfg(test)]
    Made(super::made::Made),
}

impl Source {
    /// Opens one file or several.
    ///
    /// # Errors
    /// Those of [`Source::open`].
    pub fn all(paths: &[PathBuf]) -> Result<Self, VlmError> {
        match paths {
            [path] => Self::open(path),
            _ => Ok(Self::Several(paths.iter().map(|path| Self::open(path)).collect::<Result<_, _>>()?)),
        }
    }

    /// Opens a `.safetensors`, or else a `.bin` or `.pt`.
    ///
    /// # Errors
    /// [`VlmError::Missing`], [`VlmError::Io`] or [`VlmError::BadWeights`].
    pub fn open(path: &Path) -> Result<Self, VlmError> {
        if path.extension().is_some_and(|end| end == "safetensors") {
            return Ok(Self::Safetensors(SafetensorsFile::open(path)?));
        }
        if !path.is_file() {
            return Err(VlmError::Missing { path: path.into() });
        }
        let mut store = Box::new(PytorchStore::from_file(path));
        let tensors =
            store.get_all_tensors().map_err(|e| VlmError::BadWeights { path: path.into(), reason: e.to_string() })?;
        let floats = tensors.iter().filter(|(_, t)| matches!(t.dtype, DType::F32 | DType::F16 | DType::BF16));
        let shapes = floats.map(|(name, t)| (name.clone(), t.shape.to_vec())).collect();
        Ok(Self::Pickle { path: path.into(), store, shapes })
    }

    /// The names of its tensors of floats.
    pub fn names(&self) -> Vec<&str> {
        match self {
            Self::Safetensors(file) => file.names().filter(|name| file.shape(name).is_some()).collect(),
            Self::Pickle { shapes, .. } => shapes.keys().map(String::as_str).collect(),
            Self::Several(files) => files.iter().flat_map(Self::names).collect(),
            #[cfg(test)]
            Self::Made(made) => made.names(),
        }
    }

    /// The shape of a tensor of floats.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        match self {
            Self::Safetensors(file) => file.shape(name),
            Self::Pickle { shapes, .. } => shapes.get(name).map(Vec::as_slice),
            Self::Several(files) => files.iter().find_map(|file| file.shape(name)),
            #[cfg(test)]
            Self::Made(made) => made.shape(name),
        }
    }

    /// `count` numbers of a tensor from the `first` on, in row-major order. Of a pickle the whole tensor is read.
    ///
    /// # Errors
    /// [`VlmError::Io`] or [`VlmError::BadWeights`].
    pub fn floats(&mut self, name: &str, first: usize, count: usize) -> Result<Vec<f32>, VlmError> {
        match self {
            Self::Safetensors(file) => file.floats(name, first, count),
            Self::Pickle { path, store, .. } => {
                let bad =
                    |reason: String| VlmError::BadWeights { path: path.clone(), reason: format!("{name}: {reason}") };
                let tensor = store
                    .get_tensor(name)
                    .map_err(|e| bad(e.to_string()))?
                    .ok_or_else(|| bad("there is none".into()))?;
                let bytes = tensor.to_bytes().map_err(|e| bad(e.to_string()))?;
                let all = TensorData::from_bytes(bytes, tensor.shape.clone(), tensor.dtype)
                    .convert::<f32>()
                    .try_to_vec::<f32>()
                    .map_err(|e| bad(format!("{e:?}")))?;
                all.get(first..first + count).map(<[f32]>::to_vec).ok_or_else(|| bad("it is too short".into()))
            }
            Self::Several(files) => {
                let file = files.iter_mut().find(|file| file.shape(name).is_some());
                file.expect("asked for by a name that it gave").floats(name, first, count)
            }
            #[cfg(test)]
            Self::Made(made) => Ok(made.floats(name, first, count)),
        }
    }
}
