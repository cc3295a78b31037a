//! Training of the projection heads on frozen towers.
//!
//! Towers run once over photos, captions and class names ([`Encoder`]); what they give is kept
//! ([`TrainingData`]) and the heads are fitted to it in minutes on a CPU ([`fit`]). Two objectives add up:
//! captions and photos attract each other ([`losses::contrastive`]), and the classifier that the image
//! tower was trained with is distilled into the space ([`losses::distillation`]), so that the 1,000 names
//! it knows can be asked for although no caption mentions them.

pub mod caption;
pub(crate) mod cholesky;
mod data;
mod descriptor;
mod encoder;
mod fit;
mod languages;
pub mod losses;
mod probes;
mod progress;

pub use data::{ClassTexts, GroupTexts, TrainingData, View};
pub use descriptor::fit_descriptor;
pub use encoder::{CELLS, Encoder};
pub use fit::{TrainConfig, fit};
pub use languages::{LanguageData, LanguageTrainConfig, fit_languages};
pub(crate) use probes::{floats, matrix};
pub use progress::{DevScores, Step};
