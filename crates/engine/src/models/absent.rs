//! The model of a library that was made with a pack which is not on this computer.

use std::path::PathBuf;
use std::sync::Arc;

use sightline_vlm::tune::Version;
use sightline_vlm::{DeviceChoice, Model, VlmError};

use crate::EngineError;
use crate::model_host::{Embedder, ModelSource, ModelSpec};

/// A model that is not there: whatever needs one is told what to do, and the library opens without.
pub(crate) struct AbsentModel {
    pub name: String,
    pub folder: PathBuf,
}

impl AbsentModel {
    fn error(&self) -> VlmError {
        VlmError::NoPack { name: self.name.clone(), folder: self.folder.clone() }
    }
}

impl ModelSource for AbsentModel {
    fn spec(&self) -> Result<ModelSpec, VlmError> {
        Err(self.error())
    }

    fn load(&self, _: DeviceChoice) -> Result<Box<dyn Embedder>, VlmError> {
        Err(self.error())
    }

    fn untaught(&self) -> Result<Model, EngineError> {
        Err(self.error().into())
    }

    fn must_fit(&self, _: &Version) -> Result<(), VlmError> {
        Err(self.error())
    }

    fn with_version(&self, _: Option<Arc<Version>>) -> Arc<dyn ModelSource> {
        Arc::new(Self { name: self.name.clone(), folder: self.folder.clone() })
    }
}
