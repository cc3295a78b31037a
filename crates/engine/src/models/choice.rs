//! Which model a library uses: the bundled one, or a pack by name.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use sightline_catalog::Catalog;
use sightline_vlm::INFO_FILE;
use sightline_vlm::packs::is_pack_name;

use super::ModelStore;
use crate::{EngineConfig, EngineError};

/// The setting in which a library keeps its choice.
pub(super) const SETTING: &str = "model";

/// A library's choice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Choice {
    /// The pack's name.
    pub name: String,
    /// What it was when it was chosen.
    pub id: String,
}

impl Choice {
    /// The choice that a library keeps in `setting`, if it has one.
    pub fn read(catalog: &Catalog, setting: &str) -> Result<Option<Self>, EngineError> {
        // What a later release wrote differently, or somebody else put there, counts as no choice.
        let choice = catalog.setting(setting)?.and_then(|text| serde_json::from_str::<Option<Self>>(&text).ok());
        Ok(choice.flatten().filter(|choice| is_pack_name(&choice.name)))
    }
}

/// The model that a library uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ModelInUse {
    /// Its folder.
    pub folder: PathBuf,
    /// The pack's name; none for the bundled model.
    pub pack: Option<String>,
    /// Whether it is on this computer.
    pub is_there: bool,
}

impl ModelInUse {
    /// Its name, when it is not on this computer.
    pub fn absent(self) -> Option<String> {
        self.pack.filter(|_| !self.is_there)
    }
}

/// The model that the library of `catalog` uses. A model that was named on the command line or in the environment
/// (`config.models` is none) goes before the library's choice.
pub(crate) fn model_in_use(config: &EngineConfig, catalog: Option<&Catalog>) -> Result<ModelInUse, EngineError> {
    let bundled = ModelInUse { folder: config.model_dir.clone(), pack: None, is_there: true };
    let (Some(models), Some(catalog)) = (&config.models, catalog) else { return Ok(bundled) };
    let Some(choice) = Choice::read(catalog, SETTING)? else { return Ok(bundled) };
    let folder = ModelStore::new(models).pack(&choice.name);
    let is_there = folder.join(INFO_FILE).is_file();
    Ok(ModelInUse { folder, pack: Some(choice.name), is_there })
}
