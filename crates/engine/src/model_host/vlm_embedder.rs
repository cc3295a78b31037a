//! The real model behind the engine's seam.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

use sightline_catalog::Catalog;
use sightline_vlm::tune::{Depth, Version};
use sightline_vlm::{
    Calibration, Caption, Described, DeviceChoice, DeviceKind, DeviceReport, Embedding, Model, ModelInfo, ModelInput,
    PhotoVectors, Preprocess, Search, Thresholds, VlmError,
};

use super::background;
use super::embedder::{Embedder, ModelSource, ModelSpec};
use crate::EngineError;
use crate::batches::multiple_of_cores;

/// Photos a CPU computes at least between two looks at the interactive lane; more are no faster.
const CPU_STEP: usize = 8;

/// A model folder on disk, with what the model was taught.
pub(crate) struct ModelFolder {
    pub dir: PathBuf,
    pub version: Option<Arc<Version>>,
    /// Whose photos are the background of a model that ships none.
    pub library: Option<Catalog>,
}

impl ModelSource for ModelFolder {
    fn spec(&self) -> Result<ModelSpec, VlmError> {
        let info = ModelInfo::read(&self.dir)?;
        let base_id = info.id();
        let version = self.version.as_deref();
        if let Some(version) = version.filter(|version| version.base() != base_id) {
            return Err(VlmError::OtherModel { expected: base_id, found: version.base().into() });
        }
        // Only deep teaching changes descriptors and captions.
        let deep = version.filter(|version| version.depth() == Depth::Deep).map(Version::id);
        Ok(ModelSpec {
            id: version.map_or(&*base_id, Version::vectors_id).to_owned(),
            descriptor_id: format!("{}/descriptor", deep.unwrap_or(&base_id)),
            caption_id: deep.map_or_else(|| info.caption_id(), |deep| format!("{}+{deep}", info.caption_id())),
            writes_captions: info.decoder.is_some(),
            prompts: info.prompts,
            name: info.name,
            dims: info.dims,
            base_id,
        })
    }

    fn load(&self, device: DeviceChoice) -> Result<Box<dyn Embedder>, VlmError> {
        Ok(Box::new(Model::load_version(&self.dir, device, self.version.clone())?))
    }

    fn untaught(&self) -> Result<Model, EngineError> {
        let mut model = Model::load(&self.dir, DeviceChoice::Cpu)?;
        if model.background().0.is_empty() {
            self.calibrate(&mut model, 0)?;
        }
        Ok(model)
    }

    fn must_fit(&self, version: &Version) -> Result<(), VlmError> {
        version.must_fit(&ModelInfo::read(&self.dir)?)
    }

    fn calibrate(&self, model: &mut dyn Embedder, held: usize) -> Result<(), EngineError> {
        match &self.library {
            Some(library) => background::calibrate(library, &self.spec()?.base_id, model, held),
            None => Ok(()),
        }
    }

    fn with_version(&self, version: Option<Arc<Version>>) -> Arc<dyn ModelSource> {
        Arc::new(Self { dir: self.dir.clone(), version, library: self.library.clone() })
    }
}

impl Embedder for Model {
    fn device(&self) -> DeviceReport {
        Model::device(self).clone()
    }

    fn preprocess(&self) -> Preprocess {
        Model::preprocess(self).clone()
    }

    fn calibration(&self) -> Calibration {
        Model::calibration(self).clone()
    }

    fn calibrate(&mut self, photos: Vec<PhotoVectors>, bars: Option<Thresholds>) -> Result<Thresholds, VlmError> {
        Model::calibrate(self, photos, bars)
    }

    fn step(&self) -> usize {
        if Model::device(self).kind == DeviceKind::Cpu { multiple_of_cores(CPU_STEP) } else { usize::MAX }
    }

    fn embed_images(&mut self, photos: &[ModelInput]) -> Result<Vec<PhotoVectors>, VlmError> {
        Model::embed_images(self, photos)
    }

    fn embed_texts(&mut self, texts: &[String]) -> Result<Vec<Embedding>, VlmError> {
        Model::embed_texts(self, texts)
    }

    fn locate(&mut self, photo: &ModelInput, question: &Embedding) -> Result<Vec<f32>, VlmError> {
        Model::locate(self, photo, question)
    }

    fn embed_class(&mut self, name: &str) -> Result<Embedding, VlmError> {
        Model::embed_class(self, name)
    }

    fn describe(
        &mut self,
        photos: &[ModelInput],
        search: &Search,
        told: &mut dyn FnMut(Vec<Caption>) -> ControlFlow<()>,
    ) -> Result<Vec<Described>, VlmError> {
        Model::describe(self, photos, search, told)
    }
}
