//! Models beside the bundled one: which can be had, which are there, and which one a library uses.
//!
//! A model that is there is a *pack*, a folder with `model.toml` and its files. Packs are fetched when a person asks for
//! one ([`FetchJob`]), or brought from a folder ([`ImportJob`]), and then tried ([`Engine::prove_model`]); a [`SwitchJob`] has
//! a library use one. What weights
//! compute is not known here.

mod absent;
mod checkpoint;
mod choice;
mod download;
mod error;
mod fetch;
mod http;
mod import;
mod list;
mod proof;
mod store;
mod switch;
#[cfg(test)]
mod tests;
mod vectors;
mod writing;

use std::path::Path;

pub use sightline_vlm::packs::Purpose;
use sightline_vlm::packs::{PublishedPack, published, published_in};
pub use sightline_vlm::{Agreement, Fault, Firsts, Language, Proof};
use sightline_vlm::{ModelInfo, VlmError};

pub(crate) use absent::AbsentModel;
pub(crate) use choice::{ModelInUse, model_in_use};
pub use error::ModelsError;
pub use fetch::{FetchJob, FetchSummary};
pub use import::{ImportJob, ImportSummary};
pub use list::{ModelEntry, ModelState, Offer, Removed};
pub use proof::VerifyJob;
pub use store::ModelStore;
pub use switch::{SwitchJob, SwitchPlan, SwitchSummary};
pub use vectors::{FreeJob, ModelVectors};
pub(crate) use writing::WritingPack;
pub use writing::WritingUse;

use crate::{Engine, EngineError};

/// Names a file with another list of published packs.
const LIST: &str = "SIGHTLINE_PACKS";

/// The published packs.
fn known() -> Result<Vec<PublishedPack>, VlmError> {
    let packs = match std::env::var_os(LIST).filter(|file| !file.is_empty()) {
        Some(file) => published_in(Path::new(&file))?,
        None => published(),
    };
    Ok(packs)
}

/// The description of a model whose files are all there with their sizes.
fn whole(folder: &Path) -> Result<ModelInfo, VlmError> {
    let info = ModelInfo::read(folder)?;
    info.check_sizes(folder)?;
    Ok(info)
}

impl Engine {
    /// The folder of packs.
    ///
    /// # Errors
    /// [`ModelsError::NoFolder`].
    pub fn model_store(&self) -> Result<ModelStore, EngineError> {
        Ok(self.config().models.clone().map(ModelStore::new).ok_or(ModelsError::NoFolder)?)
    }

    /// Bytes that are free on the disk of the models, where the system says.
    pub fn free_bytes_for_models(&self) -> Option<u64> {
        self.model_store().ok()?.free_bytes()
    }
}
