//! The models that there are: bundled, on this computer, begun, or to be had.

use std::collections::BTreeMap;

use sightline_vlm::packs::{Purpose, is_pack_name};
use sightline_vlm::{ModelInfo, Proof};

use super::store::{folder_bytes, remove_folder};
use super::vectors::{kept, name_of};
use super::writing::in_use;
use super::{ModelStore, ModelVectors, ModelsError, known, model_in_use, whole};
use crate::{Engine, EngineConfig, EngineError};

/// A model.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelEntry {
    /// Its name.
    pub name: String,
    /// How it stands.
    pub state: ModelState,
    /// Whether the library uses it.
    pub in_use: bool,
    /// One line for people.
    pub summary: String,
    /// Languages that it understands, where that is known.
    pub languages: Option<String>,
    /// What it is for, where that is known.
    pub purpose: Option<Purpose>,
    /// Length of its vectors.
    pub dims: Option<usize>,
    /// Bytes on this computer, with what is kept of a download.
    pub bytes_on_disk: u64,
    /// What came of trying a pack on this computer, where it was tried.
    pub proof: Option<Proof>,
    /// What is to be had, for a published model.
    pub offer: Option<Offer>,
    /// What the library keeps of it, if it keeps anything.
    pub vectors: Option<ModelVectors>,
}

/// How a model stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelState {
    /// It came with the program.
    Bundled,
    /// It is on this computer.
    Installed,
    /// It is on this computer, and something is wrong with it.
    Broken {
        /// What is wrong.
        reason: String,
    },
    /// Its download, or the making of it, was begun.
    Begun,
    /// It can be fetched.
    Offered,
    /// The library uses it, and it is not here.
    Absent,
    /// It is not here, and the library keeps vectors of it.
    Gone,
}

impl ModelState {
    /// The state in one word.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Bundled => "bundled",
            Self::Installed => "installed",
            Self::Broken { .. } => "broken",
            Self::Begun => "begun",
            Self::Offered => "offered",
            Self::Absent => "absent",
            Self::Gone => "gone",
        }
    }
}

/// What is to be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The repository.
    pub repository: String,
    /// The licence's name.
    pub licence: String,
    /// Where its text is.
    pub licence_url: String,
    /// About how many bytes there are to fetch.
    pub bytes: u64,
    /// About how many bytes the pack takes.
    pub bytes_on_disk: u64,
    /// Whether the digest of its weights is published; else it is kept at the first download.
    pub digest_known: bool,
}

/// What was removed of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Removed {
    /// Bytes that are free again.
    pub bytes: u64,
}

impl Engine {
    /// The models that there are for this engine's library: the bundled one first, then what is on this computer, then
    /// what can be had.
    ///
    /// # Errors
    /// When the library, the bundled model or a list of packs cannot be read.
    pub fn models(&self) -> Result<Vec<ModelEntry>, EngineError> {
        let mut models = list(self.config(), self.catalog().ok())?;
        if let Ok(catalog) = self.catalog() {
            self.add_vectors(&mut models, kept(catalog)?)?;
        }
        Ok(models)
    }

    /// Says of each model what the library keeps of it; those that are not here are added.
    fn add_vectors(
        &self,
        models: &mut Vec<ModelEntry>,
        mut kept: BTreeMap<String, ModelVectors>,
    ) -> Result<(), EngineError> {
        for model in models.iter_mut() {
            let folder = match model.state {
                ModelState::Bundled => Some(self.config().model_dir.clone()),
                ModelState::Installed => self.model_store().ok().map(|store| store.pack(&model.name)),
                _ => None,
            };
            let info = folder.and_then(|folder| ModelInfo::read(&folder).ok());
            model.vectors = info.and_then(|info| kept.remove(&info.id()));
        }
        let used = self.models_used()?;
        for (id, vectors) in kept {
            let in_use = models.iter_mut().find(|model| model.in_use && model.state == ModelState::Absent);
            match in_use.filter(|model| used.iter().any(|used| used.id == id && used.name == model.name)) {
                Some(model) => model.vectors = Some(vectors),
                None => models.push(ModelEntry {
                    name: name_of(&id, &used),
                    state: ModelState::Gone,
                    in_use: false,
                    summary: String::new(),
                    languages: None,
                    purpose: Some(Purpose::Search),
                    dims: None,
                    bytes_on_disk: 0,
                    offer: None,
                    proof: None,
                    vectors: Some(vectors),
                }),
            }
        }
        Ok(())
    }

    /// Holds a model against its checksums.
    ///
    /// # Errors
    /// [`ModelsError::NotInstalled`] or [`ModelsError::Broken`].
    pub fn verify_model(&self, name: &str) -> Result<(), EngineError> {
        let bundled = &self.config().model_dir;
        let folder = match ModelInfo::read(bundled) {
            Ok(info) if info.name == name => bundled.clone(),
            _ => self.model_store()?.pack(name),
        };
        if !is_pack_name(name) || !folder.is_dir() {
            return Err(ModelsError::NotInstalled { name: name.into() }.into());
        }
        let verified = ModelInfo::read(&folder).and_then(|info| info.verify(&folder));
        Ok(verified.map_err(|error| ModelsError::Broken { name: name.into(), reason: error.to_string() })?)
    }

    /// Removes a model from this computer, with what is kept of its download and of its checkpoint. The vectors that it
    /// made stay in the library.
    ///
    /// # Errors
    /// [`ModelsError::InUse`], [`ModelsError::Bundled`] or [`ModelsError::NotInstalled`].
    pub fn remove_model(&self, name: &str) -> Result<Removed, EngineError> {
        let bundled = ModelInfo::read(&self.config().model_dir)?.name;
        if bundled == name {
            return Err(ModelsError::Bundled { name: bundled }.into());
        }
        let store = self.model_store()?;
        let folders = [store.pack(name), store.partial(name), store.original(name)];
        if !is_pack_name(name) || !folders.iter().any(|folder| folder.is_dir()) {
            return Err(ModelsError::NotInstalled { name: name.into() }.into());
        }
        let used = model_in_use(self.config(), self.catalog().ok())?.pack;
        if used.as_deref() == Some(name) && folders[0].is_dir() {
            return Err(ModelsError::InUse { name: name.into(), bundled }.into());
        }
        let (captioner, _) = in_use(self.config(), self.catalog().ok())?;
        if captioner.as_deref() == Some(name) && folders[0].is_dir() {
            return Err(ModelsError::Describes { name: name.into(), bundled }.into());
        }
        if self.is_switching_to(name)? {
            return Err(ModelsError::Busy { name: name.into() }.into());
        }
        let _lock = store.lock(name)?;
        // Whoever had it answer questions asks the best of those that are left.
        if self.catalog().is_ok_and(|catalog| !catalog.is_read_only()) {
            self.stop_using(name)?;
        }
        let bytes = folders.iter().map(|folder| folder_bytes(folder)).sum();
        folders.iter().try_for_each(|folder| remove_folder(folder))?;
        Ok(Removed { bytes })
    }
}

fn list(config: &EngineConfig, catalog: Option<&sightline_catalog::Catalog>) -> Result<Vec<ModelEntry>, EngineError> {
    let used = model_in_use(config, catalog)?;
    let entry = |name: &str, state, folder: &std::path::Path| ModelEntry {
        name: name.into(),
        state,
        in_use: false,
        summary: String::new(),
        languages: None,
        purpose: None,
        dims: None,
        bytes_on_disk: folder_bytes(folder),
        proof: None,
        offer: None,
        vectors: None,
    };
    let described = |info: ModelInfo, entry: ModelEntry| ModelEntry {
        purpose: Some(info.purpose()),
        dims: Some(info.dims).filter(|dims| *dims > 0),
        summary: info.summary,
        ..entry
    };
    let info = ModelInfo::read(&config.model_dir)?;
    let bundled = entry(&info.name.clone(), ModelState::Bundled, &config.model_dir);
    let mut models = vec![ModelEntry { in_use: used.pack.is_none(), ..described(info, bundled) }];
    let mut published = known()?;
    let Some(store) = config.models.as_ref().map(ModelStore::new) else { return Ok(models) };
    for name in store.names() {
        let folder = store.pack(&name);
        let mut model = match whole(&folder) {
            Ok(info) => {
                let proof = Proof::read(&folder, &info.id());
                ModelEntry { proof, ..described(info, entry(&name, ModelState::Installed, &folder)) }
            }
            Err(error) => entry(&name, ModelState::Broken { reason: error.to_string() }, &folder),
        };
        model.bytes_on_disk += folder_bytes(&store.partial(&name)) + folder_bytes(&store.original(&name));
        models.push(model);
    }
    for name in store.unfinished() {
        if !models.iter().any(|model| model.name == name) {
            models.push(entry(&name, ModelState::Begun, &store.partial(&name)));
        }
    }
    for pack in &mut published {
        let Some(licence) = pack.licence.as_ref().filter(|_| pack.offered) else { continue };
        let offer = Offer {
            repository: pack.repository.clone(),
            licence: licence.name.clone(),
            licence_url: licence.url.clone(),
            bytes: pack.bytes(),
            bytes_on_disk: pack.bytes_on_disk(),
            digest_known: pack.files.iter().all(|f| f.sha256.is_some() || !f.is_weights()),
        };
        let model = match models.iter_mut().find(|model| model.name == pack.name) {
            Some(model) => model,
            None => {
                models.push(entry(&pack.name, ModelState::Offered, &store.partial(&pack.name)));
                models.last_mut().expect("it was just put there")
            }
        };
        (model.languages, model.offer) = (Some(pack.languages.clone()), Some(offer));
        model.dims = model.dims.or(Some(pack.dims).filter(|dims| *dims > 0));
        model.purpose = model.purpose.or(Some(pack.purpose));
        if model.summary.is_empty() {
            model.summary = pack.summary.clone();
        }
    }
    let (captioner, answerer) = in_use(config, catalog)?;
    for name in [&captioner, &answerer].into_iter().flatten() {
        if let Some(model) = models.iter_mut().find(|model| model.name == *name && model.state != ModelState::Offered) {
            model.in_use = true;
        } else if !models.iter().any(|model| model.name == *name) {
            models.push(ModelEntry { in_use: true, ..entry(name, ModelState::Absent, &store.pack(name)) });
        }
    }
    if let Some(name) = &used.pack {
        match models.iter_mut().find(|model| model.name == *name) {
            Some(model) => {
                model.in_use = true;
                if matches!(model.state, ModelState::Offered) {
                    model.state = ModelState::Absent;
                }
            }
            None => models.push(ModelEntry { in_use: true, ..entry(name, ModelState::Absent, &store.pack(name)) }),
        }
    }
    Ok(models)
}
