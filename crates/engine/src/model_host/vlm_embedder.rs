//! The real model behind the engine's seam.

use std::ops::ControlFlow;
use std::path::PathBuf;

use sightline_vlm::{
    Calibration, Caption, DeviceChoice, DeviceKind, DeviceReport, Embedding, Model, ModelInfo, ModelInput, Preprocess,
    Search, VlmError,
};

use super::embedder::{Embedder, ModelSource, ModelSpec};
use crate::batches::multiple_of_cores;

/// Photos a CPU computes at least between two looks at the interactive lane; more are no faster.
const CPU_STEP: usize = 8;

/// A model folder on disk.
pub(crate) struct ModelFolder(pub PathBuf);

impl ModelSource for ModelFolder {
    fn spec(&self) -> Result<ModelSpec, VlmError> {
        let info = ModelInfo::read(&self.0)?;
        let (id, caption_id, writes_captions) = (info.id(), info.caption_id(), info.decoder.is_some());
        Ok(ModelSpec { id, caption_id, writes_captions, name: info.name, dims: info.dims })
    }

    fn load(&self, device: DeviceChoice) -> Result<Box<dyn Embedder>, VlmError> {
        Ok(Box::new(Model::load(&self.0, device)?))
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

    fn step(&self) -> usize {
        if Model::device(self).kind == DeviceKind::Cpu { multiple_of_cores(CPU_STEP) } else { usize::MAX }
    }

    fn embed_images(&mut self, photos: &[ModelInput]) -> Result<Vec<Embedding>, VlmError> {
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
    ) -> Result<Vec<Caption>, VlmError> {
        Model::describe(self, photos, search, told)
    }
}
