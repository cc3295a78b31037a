//! Which model a library uses: the bundled one, or a pack by name.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use sightline_catalog::Catalog;
use sightline_vlm::packs::is_pack_name;
use sightline_vlm::{INFO_FILE, ModelInfo};

use super::{ModelStore, ModelsError};
use crate::model_host::Lane;
use crate::{Engine, EngineConfig, EngineError};

/// The setting in which a library keeps its choice.
const SETTING: &str = "model";

/// A library's choice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Choice {
    /// The pack's name.
    name: String,
    /// What it was when it was chosen.
    id: String,
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

/// What it means to use another model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UseReport {
    /// The model's name.
    pub name: String,
    /// What its vectors lie under.
    pub id: String,
    /// Whether the library used it before.
    pub already: bool,
    /// Photos of the library.
    pub photos: u64,
    /// Those of them that the model has to look at before it finds them.
    pub to_index: u64,
}

/// The model that the library of `catalog` uses. A model that was named on the command line or in the environment
/// (`config.models` is none) goes before the library's choice.
pub(crate) fn model_in_use(config: &EngineConfig, catalog: Option<&Catalog>) -> Result<ModelInUse, EngineError> {
    let bundled = ModelInUse { folder: config.model_dir.clone(), pack: None, is_there: true };
    let (Some(models), Some(catalog)) = (&config.models, catalog) else { return Ok(bundled) };
    // What a later release wrote differently, or somebody else put there, counts as no choice.
    let choice =
        catalog.setting(SETTING)?.and_then(|text| serde_json::from_str::<Option<Choice>>(&text).ok()).flatten();
    let Some(choice) = choice.filter(|choice| is_pack_name(&choice.name)) else { return Ok(bundled) };
    let folder = ModelStore::new(models).pack(&choice.name);
    let is_there = folder.join(INFO_FILE).is_file();
    Ok(ModelInUse { folder, pack: Some(choice.name), is_there })
}

impl Engine {
    /// Has the library use a model from the next start of the program on: the bundled one or a pack, which is first held
    /// against its checksums and tried.
    ///
    /// # Errors
    /// [`ModelsError::NotInstalled`] or [`ModelsError::Broken`]; then the library uses what it did.
    pub fn use_model(&self, name: &str) -> Result<UseReport, EngineError> {
        let catalog = self.catalog()?;
        let before = model_in_use(self.config(), Some(catalog))?;
        let bundled = ModelInfo::read(&self.config().model_dir)?;
        let (folder, pack) = if bundled.name == name {
            (self.config().model_dir.clone(), None)
        } else {
            (self.model_store()?.pack(name), Some(name))
        };
        let id = self.try_model(name, &folder)?;
        let choice = pack.map(|name| Choice { name: name.into(), id: id.clone() });
        let already = before.pack.as_deref() == pack;
        if !already {
            self.set_setting(SETTING, &choice)?;
        }
        let status = catalog.status()?;
        let embedded = status.vectors.iter().find(|(key, _)| key.0 == id).map_or(0, |(_, count)| *count);
        let to_index = status.photos.saturating_sub(embedded);
        Ok(UseReport { name: name.into(), id, already, photos: status.photos, to_index })
    }

    /// Holds a model against its checksums, loads it and has it embed a word. Gives its id.
    fn try_model(&self, name: &str, folder: &std::path::Path) -> Result<String, EngineError> {
        if !is_pack_name(name) || !folder.join(INFO_FILE).is_file() {
            return Err(ModelsError::NotInstalled { name: name.into() }.into());
        }
        let tried = || -> Result<String, EngineError> {
            ModelInfo::read(folder)?.verify(folder)?;
            let config = EngineConfig { model_dir: folder.into(), models: None, ..self.config().clone() };
            let host = Engine::without_library(config)?.host();
            host.embed_texts(Lane::Interactive, vec!["a photo".into()]).wait()?;
            Ok(host.spec()?.id.clone())
        };
        tried().map_err(|error| ModelsError::Broken { name: name.into(), reason: error.to_string() }.into())
    }
}
