//! Bringing a model from a folder, for a computer without a network.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sightline_vlm::checkpoint::About;
use sightline_vlm::packs::is_pack_name;
use sightline_vlm::{ModelInfo, Proof, VlmError};

use super::checkpoint::{Found, recognise};
use super::fetch::{make_pack, must_fit};
use super::proof::prove_and_keep;
use super::store::{folder_bytes, remove_folder};
use super::{ModelsError, whole};
use crate::EngineError;
use crate::jobs::{Job, JobCx};

/// What a folder should hold.
const NO_CHECKPOINT: &str = "it holds no model; a published one has a config.json or open_clip_config.json beside its \
                             weights, and one of Sightline a model.toml";

/// Makes a pack of the checkpoint in a folder, which stays as it is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ImportJob {
    folder: PathBuf,
    name: String,
    /// What came of it.
    #[serde(skip)]
    pub summary: Option<ImportSummary>,
}

/// What came of an import.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportSummary {
    /// The model's name.
    pub name: String,
    /// The pack's folder.
    pub folder: PathBuf,
    /// The model's id.
    pub id: String,
    /// What sort of model it is, for people.
    pub family: &'static str,
    /// Bytes that the pack takes.
    pub bytes_on_disk: u64,
    /// What came of trying it on this computer.
    pub proof: Proof,
}

impl ImportJob {
    /// Brings the model in `folder` under a name: the one given, else that of the folder.
    ///
    /// # Errors
    /// [`ModelsError::NotRecognised`], [`ModelsError::Incomplete`] or [`ModelsError::BadName`].
    pub fn new(folder: &Path, name: Option<&str>) -> Result<Self, EngineError> {
        let folder = std::fs::canonicalize(folder).map_err(ModelsError::io(folder))?;
        let name = name.map_or_else(|| name_of(&folder), |name| Ok(name.to_owned()))?;
        if !is_pack_name(&name) {
            return Err(ModelsError::BadName { name }.into());
        }
        found(&folder)?;
        Ok(Self { folder, name, summary: None })
    }
}

impl Job for ImportJob {
    const KIND: &'static str = "import_model";

    const KEEPS_ROW: bool = false;

    fn run(&mut self, cx: &JobCx<'_>) -> Result<(), EngineError> {
        let store = cx.engine().model_store()?;
        let family = found(&self.folder)?.name();
        if !is_pack_name(&self.name) {
            return Err(ModelsError::BadName { name: self.name.clone() }.into());
        }
        let _lock = store.lock(&self.name)?;
        let (pack, name) = (store.pack(&self.name), self.name.clone());
        let bundled = ModelInfo::read(&cx.engine().config().model_dir).is_ok_and(|info| info.name == name);
        if whole(&pack).is_ok() || bundled {
            return Err(ModelsError::NameTaken { name }.into());
        }
        must_fit(&store, folder_bytes(&self.folder))?;
        let source = format!("imported from {}", self.folder.display());
        let about = About { name: name.clone(), summary: format!("Imported {}", family), licences: Vec::new(), source };
        let info = make_pack(cx, &store, &self.folder, &about)?;
        remove_folder(&store.partial(&self.name))?;
        let (id, bytes_on_disk) = (info.id(), folder_bytes(&pack));
        let proof = prove_and_keep(cx, &pack)?;
        self.summary = Some(ImportSummary { name, folder: pack, id, family, bytes_on_disk, proof });
        Ok(())
    }
}

/// What a folder holds, if a pack can be made of it.
fn found(folder: &Path) -> Result<Found, EngineError> {
    let refused = |reason: String| ModelsError::NotRecognised { folder: folder.into(), reason };
    let (found, missing) = recognise(folder).map_err(|error| match error {
        VlmError::Missing { .. } => refused(NO_CHECKPOINT.into()),
        VlmError::BadInfo { path, reason } | VlmError::BadCheckpoint { path, reason } => {
            refused(format!("{}: {reason}", path.display()))
        }
        other => refused(other.to_string()),
    })?;
    match missing.is_empty() {
        true => Ok(found),
        false => Err(ModelsError::Incomplete { folder: folder.into(), missing }.into()),
    }
}

/// A name made of the folder's.
fn name_of(folder: &Path) -> Result<String, ModelsError> {
    let name = folder.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    let plain = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '-' };
    let name: String = name.chars().map(plain).take(64).collect();
    let name = name.trim_matches('-').to_owned();
    if is_pack_name(&name) { Ok(name) } else { Err(ModelsError::BadName { name }) }
}
