//! Bringing a model from a folder, for a computer without a network.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sightline_vlm::checkpoint::About;
use sightline_vlm::packs::{PublishedFile, is_pack_name};
use sightline_vlm::{ModelInfo, Proof, VlmError};

use super::checkpoint::{Found, recognise};
use super::fetch::{make_pack, must_fit};
use super::proof::proof_of;
use super::store::{folder_bytes, remove_folder};
use super::{ModelsError, known, whole};
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
    /// Its licences, where it is a published model.
    pub licences: Vec<String>,
    /// A published model whose weights have the same name and size, and another content.
    pub unlike: Option<String>,
    /// What came of trying it on this computer.
    pub proof: Option<Proof>,
}

impl ImportJob {
    /// Brings the model in `folder` under a name: the one given, else that of the folder.
    ///
    /// # Errors
    /// [`ModelsError::NotRecognised`], [`ModelsError::Incomplete`] or [`ModelsError::BadName`].
    pub fn new(folder: &Path, name: Option<&str>) -> Result<Self, EngineError> {
        let folder = std::fs::canonicalize(folder).map_err(|source| -> EngineError {
            match source.kind() {
                std::io::ErrorKind::NotFound => EngineError::FolderMissing { path: folder.into() },
                _ => ModelsError::io(folder)(source).into(),
            }
        })?;
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
        let (about, unlike) = about(cx, &self.folder, &name, family)?;
        let info = make_pack(cx, &store, &self.folder, &about)?;
        remove_folder(&store.partial(&self.name))?;
        let (id, bytes_on_disk) = (info.id(), folder_bytes(&pack));
        let proof = proof_of(cx, &pack, &info)?;
        let licences = info.licences;
        self.summary = Some(ImportSummary { name, folder: pack, id, family, bytes_on_disk, licences, unlike, proof });
        Ok(())
    }
}

/// What is said of the model in a folder: what the list of published models says, if it is one of them.
///
/// Also gives the name of a published model whose weights have this name and size, and another content: a model of the same
/// sizes, or one that was damaged on the way here.
fn about(cx: &JobCx<'_>, folder: &Path, name: &str, family: &str) -> Result<(About, Option<String>), EngineError> {
    let mut unknown = About {
        name: name.to_owned(),
        summary: format!("Imported {family}"),
        licences: Vec::new(),
        source: format!("imported from {}", folder.display()),
    };
    let (mut digests, mut unlike) = (BTreeMap::new(), None);
    for pack in known()? {
        let ends = |file: &PublishedFile| [".safetensors", ".bin"].iter().any(|ending| file.name().ends_with(ending));
        let is_weights = |file: &&PublishedFile| file.sha256.is_some() && ends(file);
        let mut files = pack.files.iter().filter(is_weights).peekable();
        if files.peek().is_none() {
            continue;
        }
        let mut is_published = true;
        for file in files {
            let path = folder.join(file.name());
            if std::fs::metadata(&path).map(|there| there.len()).ok() != file.bytes {
                is_published = false;
                break;
            }
            if !digests.contains_key(&path) {
                digests.insert(path.clone(), digest(cx, &path)?);
            }
            if digests.get(&path) != file.sha256.as_ref() {
                (is_published, unlike) = (false, Some(pack.name.clone()));
                break;
            }
        }
        if is_published {
            let licence = pack.licence.as_ref().map(|licence| format!("{} ({})", licence.name, licence.url));
            unknown.summary = pack.summary.clone();
            unknown.licences = licence.into_iter().collect();
            unknown.source = format!("{} @ {}, imported from {}", pack.repository, pack.revision, folder.display());
            return Ok((unknown, None));
        }
    }
    Ok((unknown, unlike))
}

/// SHA-256 of a file, in lower-case hex.
fn digest(cx: &JobCx<'_>, path: &Path) -> Result<String, EngineError> {
    let mut file = std::fs::File::open(path).map_err(ModelsError::io(path))?;
    let total = file.metadata().map_or(0, |file| file.len());
    let (mut hash, mut done, mut buffer) = (Sha256::new(), 0, vec![0; 1 << 20]);
    loop {
        cx.check()?;
        let read = file.read(&mut buffer).map_err(ModelsError::io(path))?;
        if read == 0 {
            return Ok(format!("{:x}", hash.finalize()));
        }
        hash.update(&buffer[..read]);
        done += read as u64;
        cx.progress("verify", done, total, Some(path))?;
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
