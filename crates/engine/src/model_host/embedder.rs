//! The seam between the engine and a model: what the host needs of one, and no more.
//!
//! The real model is in [`super::vlm_embedder`]; tests put a fake here that fails, panics or
//! counts when told to.

use std::ops::ControlFlow;
use std::sync::Arc;

use sightline_vlm::tune::Version;
use sightline_vlm::{
    Calibration, Caption, Described, DeviceChoice, DeviceReport, Embedding, Model, ModelInput, PhotoVectors,
    Preprocess, Search, Thresholds, VlmError,
};

use crate::EngineError;

/// What is known of a model before its weights are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelSpec {
    /// Hash of weights, preprocessing and adapter: vectors of two ids are never compared.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// The same of the untaught model.
    pub base_id: String,
    /// What its descriptors may be compared with.
    pub descriptor_id: String,
    /// Length of its vectors.
    pub dims: usize,
    /// Hash of all that changes a caption.
    pub caption_id: String,
    /// Whether it has a caption decoder.
    pub writes_captions: bool,
    /// Sentences into which a class name is put; `{}` is the name.
    pub prompts: Vec<String>,
}

/// Where a model comes from.
pub trait ModelSource: Send + Sync {
    /// Reads the description, not the weights.
    ///
    /// # Errors
    /// When the description is missing or wrong.
    fn spec(&self) -> Result<ModelSpec, VlmError>;

    /// Reads the weights onto a device; called on the host's thread.
    ///
    /// # Errors
    /// When files are missing or wrong, or the device cannot be used.
    fn load(&self, device: DeviceChoice) -> Result<Box<dyn Embedder>, VlmError>;

    /// Reads the untaught model onto the CPU, to teach it.
    ///
    /// # Errors
    /// When files are missing or wrong, or the library cannot be read.
    fn untaught(&self) -> Result<Model, EngineError>;

    /// Whether a version goes with the model, in every shape; reads no weights.
    ///
    /// # Errors
    /// When it does not, or the description is missing or wrong.
    fn must_fit(&self, version: &Version) -> Result<(), VlmError>;

    /// Gives a loaded model that ships no background one of the library's photos, or a larger one than the `held` photos
    /// that it has; see [`Embedder::calibrate`].
    ///
    /// # Errors
    /// When the library cannot be read, or the device fails.
    fn calibrate(&self, _model: &mut dyn Embedder, _held: usize) -> Result<(), EngineError> {
        Ok(())
    }

    /// The same model with another version, or untaught.
    fn with_version(&self, version: Option<Arc<Version>>) -> Arc<dyn ModelSource>;
}

/// A loaded model; it stays on the thread that loaded it.
pub trait Embedder {
    /// The device in use and why.
    fn device(&self) -> DeviceReport;
    /// The part that runs on loader threads.
    fn preprocess(&self) -> Preprocess;
    /// The part that tells a match from chance.
    fn calibration(&self) -> Calibration;
    /// Takes photos, by the untaught model, as the background; measures bars where none are given, and returns them.
    ///
    /// # Errors
    /// [`VlmError::Device`] when the device fails.
    fn calibrate(&mut self, photos: Vec<PhotoVectors>, bars: Option<Thresholds>) -> Result<Thresholds, VlmError>;
    /// Photos to compute between two looks at the interactive lane.
    fn step(&self) -> usize;
    /// The vectors of each photo.
    ///
    /// # Errors
    /// [`VlmError::Device`] when the device fails.
    fn embed_images(&mut self, photos: &[ModelInput]) -> Result<Vec<PhotoVectors>, VlmError>;
    /// One vector for each text.
    ///
    /// # Errors
    /// When a text cannot be tokenised or the device fails.
    fn embed_texts(&mut self, texts: &[String]) -> Result<Vec<Embedding>, VlmError>;
    /// Cosines of `question` with each part of a photo, a square of parts row by row.
    ///
    /// # Errors
    /// [`VlmError::Device`] when the device fails.
    fn locate(&mut self, photo: &ModelInput, question: &Embedding) -> Result<Vec<f32>, VlmError>;
    /// The vector of a class, averaged over the model's prompts.
    ///
    /// # Errors
    /// As [`Embedder::embed_texts`].
    fn embed_class(&mut self, name: &str) -> Result<Embedding, VlmError>;
    /// A caption for each photo; after each token `told` hears of the captions so far and may break off.
    ///
    /// # Errors
    /// [`VlmError::NoCaptions`], or [`VlmError::Device`] when the device fails.
    fn describe(
        &mut self,
        photos: &[ModelInput],
        search: &Search,
        told: &mut dyn FnMut(Vec<Caption>) -> ControlFlow<()>,
    ) -> Result<Vec<Described>, VlmError>;
}
