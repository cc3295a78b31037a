//! What a library keeps of models: their vectors, which can be freed when another model is in use.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sightline_catalog::{Catalog, CatalogError, ModelKey};

use super::ModelsError;
use super::switch::{USED, Used};
use crate::jobs::{Job, JobCx};
use crate::teach::facts;
use crate::{Engine, EngineError};

/// What the keys of descriptors end in.
const DESCRIPTOR: &str = "/descriptor";
/// Letters of an id by which a model is named that nobody knows by name.
const SHORT: usize = 8;

/// The vectors that a library keeps of a model, whatever it was taught.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModelVectors {
    /// Photos that it has looked at.
    pub photos: u64,
    /// Bytes of all its vectors.
    pub bytes: u64,
    /// What they lie under.
    pub(super) keys: Vec<ModelKey>,
}

/// The vectors that are kept, by the model's untaught id.
pub(super) fn kept(catalog: &Catalog) -> Result<BTreeMap<String, ModelVectors>, EngineError> {
    // What versions of a model made belongs to the model.
    let versions = catalog.versions()?;
    let bases: BTreeMap<String, String> =
        versions.iter().filter_map(|row| facts(row).ok()).map(|facts| (facts.vectors, facts.base)).collect();
    let mut models: BTreeMap<String, ModelVectors> = BTreeMap::new();
    for vectors in catalog.kept_vectors()? {
        let id = vectors.key.0.strip_suffix(DESCRIPTOR).unwrap_or(&vectors.key.0);
        let base = bases.get(id).map_or(id, String::as_str);
        let model = models.entry(base.to_owned()).or_default();
        if vectors.key.0 == base {
            model.photos = vectors.count;
        }
        model.bytes += vectors.bytes;
        model.keys.push(vectors.key);
    }
    Ok(models)
}

/// The name of a model that is not here, of which vectors are kept.
pub(super) fn name_of(id: &str, used: &[Used]) -> String {
    let short: String = id.chars().take(SHORT).collect();
    let known = used.iter().find(|used| used.id == id);
    known.map_or_else(|| short.clone(), |used| format!("{}@{short}", used.name))
}

impl Engine {
    /// The models that the library has used.
    pub(super) fn models_used(&self) -> Result<Vec<Used>, EngineError> {
        Ok(self.setting(USED)?.unwrap_or_default())
    }
}

/// Frees the vectors of a model that is not in use.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FreeJob {
    name: String,
    /// Bytes that came free.
    #[serde(skip)]
    pub bytes: u64,
}

impl FreeJob {
    /// A job that frees what the library keeps of the model of this name.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), bytes: 0 }
    }
}

impl Job for FreeJob {
    const KIND: &'static str = "free_vectors";

    const KEEPS_ROW: bool = false;

    fn run(&mut self, cx: &JobCx<'_>) -> Result<(), EngineError> {
        let engine = cx.engine();
        let model = engine.models()?.into_iter().find(|model| model.name == self.name);
        let model = model.ok_or_else(|| ModelsError::Unknown { name: self.name.clone() })?;
        let vectors = model.vectors.unwrap_or_default();
        // Whichever model this process serves, or the library has chosen since.
        let served = engine.serving().keys().ok();
        let is_served = served.is_some_and(|served| vectors.keys.contains(&served.base));
        if model.in_use || is_served {
            return Err(ModelsError::VectorsInUse { name: model.name }.into());
        }
        let mut go_on = |phase: &'static str, done, total| {
            cx.announce(phase, done, total, None);
            !cx.stopping()
        };
        self.bytes = match engine.catalog()?.free_vectors(&vectors.keys, &mut go_on) {
            Err(CatalogError::Stopped) => return Err(EngineError::Cancelled),
            freed => freed?,
        };
        Ok(())
    }
}
