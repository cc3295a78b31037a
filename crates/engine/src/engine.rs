//! The engine: one library, one model, passed explicitly and cheap to clone.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use sightline_catalog::{Catalog, ModelKey, VectorIndex};
use sightline_vlm::DeviceChoice;

use crate::EngineError;
use crate::model_host::{ModelFolder, ModelHost, ModelSource};
use crate::tags::Tagger;

/// What an engine works on.
#[derive(Debug, Clone)]
pub struct EngineConfig {
    /// Folder of the library.
    pub library: PathBuf,
    /// Folder of the model.
    pub model_dir: PathBuf,
    /// Where the model runs.
    pub device: DeviceChoice,
}

/// The use cases, over one library and one model.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    config: EngineConfig,
    catalog: Option<Catalog>,
    host: ModelHost,
    memory: Memory,
}

/// What is kept in memory of the library, and what tells when it is stale.
#[derive(Default)]
struct Memory {
    /// Counts the commits of this process that change what a search sees.
    changes: AtomicU64,
    /// Counts those of them that change photos or vectors, and not only words.
    photo_changes: AtomicU64,
    /// The vectors, as of some count of changes of photos.
    vectors: Mutex<Option<(u64, Arc<VectorIndex>)>>,
    /// The list of tags in use, with its text.
    tagger: HeldTagger,
}

/// A list of tags, ready for use, with its text.
pub(crate) type HeldTagger = Mutex<Option<(String, Arc<Tagger>)>>;

impl Engine {
    /// Opens a library for reading and writing, and makes it if it is not there.
    ///
    /// # Errors
    /// When the library cannot be made or opened.
    pub fn open(config: EngineConfig) -> Result<Self, EngineError> {
        let catalog = Catalog::open(&config.library)?;
        Self::with(config, Some(catalog))
    }

    /// Opens a library that is there, and never writes to it.
    ///
    /// # Errors
    /// When there is no library or it cannot be opened.
    pub fn open_read_only(config: EngineConfig) -> Result<Self, EngineError> {
        let catalog = Catalog::open_read_only(&config.library)?;
        Self::with(config, Some(catalog))
    }

    /// An engine for work that needs only the model.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn without_library(config: EngineConfig) -> Result<Self, EngineError> {
        Self::with(config, None)
    }

    fn with(config: EngineConfig, catalog: Option<Catalog>) -> Result<Self, EngineError> {
        let source = Arc::new(ModelFolder(config.model_dir.clone()));
        Self::with_model(config, catalog, source)
    }

    /// An engine over any model; tests pass a fake.
    pub(crate) fn with_model(
        config: EngineConfig,
        catalog: Option<Catalog>,
        source: Arc<dyn ModelSource>,
    ) -> Result<Self, EngineError> {
        let host = ModelHost::start(source, config.device)?;
        Ok(Self(Arc::new(Inner { config, catalog, host, memory: Memory::default() })))
    }

    /// The same model with another library, which is made if it is not there.
    pub(crate) fn with_library(&self, library: &Path) -> Result<Self, EngineError> {
        let config = EngineConfig { library: library.into(), ..self.config().clone() };
        let (catalog, host) = (Some(Catalog::open(library)?), self.host().clone());
        Ok(Self(Arc::new(Inner { config, catalog, host, memory: Memory::default() })))
    }

    /// What the engine works on.
    pub fn config(&self) -> &EngineConfig {
        &self.0.config
    }

    /// The library's folder.
    pub fn library(&self) -> &Path {
        &self.0.config.library
    }

    /// The library.
    pub(crate) fn catalog(&self) -> Result<&Catalog, EngineError> {
        self.0.catalog.as_ref().ok_or(EngineError::NoLibrary)
    }

    /// The way to the model.
    pub fn host(&self) -> &ModelHost {
        &self.0.host
    }

    /// The model's id as the catalogue keeps it; reads no weights.
    pub(crate) fn model_key(&self) -> Result<ModelKey, EngineError> {
        Ok(ModelKey(self.host().spec()?.id.clone()))
    }

    /// Counts the changes of what a search sees, made by this process.
    pub fn changes(&self) -> u64 {
        self.0.memory.changes.load(Ordering::Acquire)
    }

    /// Says that a commit changed photos or vectors.
    pub(crate) fn library_changed(&self) {
        self.0.memory.photo_changes.fetch_add(1, Ordering::AcqRel);
        self.words_changed();
    }

    /// Says that a commit changed captions or keywords, and no vector.
    pub(crate) fn words_changed(&self) {
        self.0.memory.changes.fetch_add(1, Ordering::AcqRel);
    }

    /// The list of tags in use.
    pub(crate) fn held_tagger(&self) -> &HeldTagger {
        &self.0.memory.tagger
    }

    /// The library's vectors of the model in use, in memory; read again after a change.
    pub(crate) fn vectors(&self) -> Result<Arc<VectorIndex>, EngineError> {
        // Taken before reading: a commit in between makes the next search read once more.
        let changes = self.0.memory.photo_changes.load(Ordering::Acquire);
        let mut held = self.0.memory.vectors.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, vectors)) = &*held
            && *at == changes
        {
            return Ok(vectors.clone());
        }
        let dims = self.host().spec()?.dims;
        let vectors = Arc::new(self.catalog()?.load_vectors(&self.model_key()?, dims)?);
        *held = Some((changes, vectors.clone()));
        Ok(vectors)
    }
}
