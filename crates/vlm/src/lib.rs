//! The vision-language model: photos and sentences into one space.
//!
//! Pixels and strings go in, [`Embedding`]s come out; no tensor leaves this crate. It knows nothing of
//! photo files, catalogues or user interfaces. The same weights run on a GPU through wgpu and on the CPU,
//! chosen at run time by [`DeviceChoice`].

#![recursion_limit = "256"]

mod calibration;
mod caption;
pub mod checkpoint;
pub mod convert;
mod cpu;
mod descriptor;
mod device;
mod embedding;
mod error;
#[cfg(test)]
mod golden;
mod heads;
mod image_to_text;
pub mod languages;
pub mod metrics;
mod model;
mod nn;
pub mod packs;
mod plain_file;
mod preprocess;
mod resample;
pub mod retrieval;
pub mod train;
pub mod tune;

pub use calibration::{Calibration, Match, QueryScale, measure_bars};
pub use caption::{
    CAPTION_FILES, Caption, CaptionWord, DecoderConfig, Described, Sampling, Search, Vocabulary,
    cleaned as cleaned_caption,
};
pub use cpu::vit;
pub use descriptor::DescriptorConfig;
pub use device::{Adapter, DeviceChoice, DeviceKind, DeviceReport, adapters};
pub use embedding::{Embedding, PhotoVectors};
pub use error::VlmError;
pub use heads::HeadsConfig;
pub use image_to_text::{Answer, ImageToText, ImageToTextConfig};
pub use model::{
    Agreement, CaptionBars, Fault, FileInfo, Firsts, INFO_FILE, Language, Model, ModelInfo, Proof, TextConfig,
    Thresholds, TokenizerConfig, proof_photos, proof_sentences, prove, prove_firsts, weights,
};
pub use preprocess::{Filter, Fit, ModelInput, Preprocess};
