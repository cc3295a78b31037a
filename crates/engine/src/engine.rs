//! The engine: one library, one model, passed explicitly and cheap to clone.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use sightline_catalog::{Catalog, ModelKey, VectorIndex};
use sightline_vlm::{DeviceChoice, Preprocess};

use crate::EngineError;
use crate::captions::HeldJudge;
use crate::decoding::{Decoders, never};
use crate::duplicates::{HeldDuplicates, Proofs};
use crate::loading::Loader;
use crate::model_host::{Lane, ModelFolder, ModelHost, ModelSource, TextHost};
use crate::models::{AbsentModel, ModelInUse, model_in_use};
use crate::search::understand::HeldFolders;
use crate::serving::Serving;
use crate::tags::Tagger;
use crate::teach::{Curves, HeldSuggestions, version_in_use};
use crate::volumes::HeldVolumes;

/// What an engine works on.
#[derive(Debug, Clone)]
pub struct EngineConfig {
    /// Folder of the library.
    pub library: PathBuf,
    /// Folder of the model that the library uses unless it has chosen another.
    pub model_dir: PathBuf,
    /// Folder of the models that it may choose from, see [`crate::home::models_folder`]; `None` where the model was named
    /// by whoever started the program, whatever the library has chosen.
    pub models: Option<PathBuf>,
    /// Where the model runs.
    pub device: DeviceChoice,
    /// The program that decodes photos in processes of its own, see [`crate::decoder_program`]; `None` decodes in
    /// this one.
    pub decoder: Option<PathBuf>,
    /// Folder of this user's settings, see [`crate::home::settings_folder`]; without one no job is kept for later.
    pub settings: Option<PathBuf>,
}

/// The use cases, over one library and one model.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    config: EngineConfig,
    catalog: Option<Catalog>,
    serving: RwLock<Serving>,
    /// The way to the packs that describe and answer.
    text_host: TextHost,
    decoders: Arc<Decoders>,
    memory: Memory,
}

/// What is kept in memory of the library, and what tells when it is stale.
#[derive(Default)]
struct Memory {
    /// Counts the commits of this process that change what a search sees.
    changes: AtomicU64,
    /// Counts those of them that change photos or vectors, and not only words.
    photo_changes: AtomicU64,
    /// The vectors of a model.
    vectors: Mutex<Option<(ModelKey, Arc<VectorIndex>)>>,
    /// Whether their file could not be written, which is then not tried again.
    vectors_unwritable: AtomicBool,
    /// Which photos seem to be of which label.
    suggested: HeldSuggestions,
    /// The duplicates as they were last found.
    duplicates: HeldDuplicates,
    /// Which pictures were proven to be the same.
    proofs: Proofs,
    /// Learning curves of the lessons of this process, by job.
    curves: Curves,
    /// Folders by name, for what people mean by words.
    folders: HeldFolders,
    /// The list of tags in use, with its text.
    tagger: HeldTagger,
    /// The bundled model, where another is in use and photos are described.
    bundled: OnceLock<ModelHost>,
    /// What captions are judged by.
    judge: HeldJudge,
    /// What the system says of its volumes.
    volumes: HeldVolumes,
}

/// A list of tags, ready for use, with its text and the model that it was embedded by.
pub(crate) type HeldTagger = Mutex<Option<(String, ModelKey, Arc<Tagger>)>>;

impl Engine {
    /// Opens a library for reading and writing, and makes it if it is not there. Jobs in it that this installation was
    /// not asked for are taken off.
    ///
    /// # Errors
    /// When the library cannot be made or opened.
    pub fn open(config: EngineConfig) -> Result<Self, EngineError> {
        let catalog = Catalog::open(&config.library)?;
        match config.settings.as_deref().and_then(crate::installation::installation) {
            Some(installation) => catalog.keep_jobs_of(&installation)?,
            None => catalog.keep_no_jobs()?,
        };
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
        let used = model_in_use(&config, catalog.as_ref())?;
        let (dir, source) = (used.folder.clone(), source_of(used, catalog.as_ref()));
        Self::with_model_in(config, dir, catalog, source)
    }

    /// An engine over a fake of a model.
    #[cfg(test)]
    pub(crate) fn with_model(
        config: EngineConfig,
        catalog: Option<Catalog>,
        source: Arc<dyn ModelSource>,
    ) -> Result<Self, EngineError> {
        let dir = config.model_dir.clone();
        Self::with_model_in(config, dir, catalog, source)
    }

    fn with_model_in(
        config: EngineConfig,
        model_dir: PathBuf,
        catalog: Option<Catalog>,
        source: Arc<dyn ModelSource>,
    ) -> Result<Self, EngineError> {
        let serving = RwLock::new(served(&config, model_dir, catalog.as_ref(), source)?);
        let decoders = Arc::new(Decoders::new(config.decoder.clone()));
        let text_host = TextHost::new(config.device);
        Ok(Self(Arc::new(Inner { config, catalog, serving, text_host, decoders, memory: Memory::default() })))
    }

    /// The same model with another library, which is made if it is not there, and has no choice.
    pub(crate) fn with_library(&self, library: &Path) -> Result<Self, EngineError> {
        let config = EngineConfig { library: library.into(), models: None, ..self.config().clone() };
        let catalog = Some(Catalog::open(library)?);
        let serving = RwLock::new(Serving { version: None, ..self.serving() });
        let (decoders, text_host) = (self.decoders().clone(), self.0.text_host.clone());
        Ok(Self(Arc::new(Inner { config, catalog, serving, text_host, decoders, memory: Memory::default() })))
    }

    /// What the engine works on.
    pub fn config(&self) -> &EngineConfig {
        &self.0.config
    }

    /// Folder of the model in use.
    pub fn model_dir(&self) -> PathBuf {
        self.serving().folder
    }

    /// The library's folder.
    pub fn library(&self) -> &Path {
        &self.0.config.library
    }

    /// Whether the library lies on a network share, where it is slower and used by one process at a time.
    pub fn library_is_on_share(&self) -> bool {
        self.0.catalog.as_ref().is_some_and(Catalog::is_on_share)
    }

    /// The library.
    pub(crate) fn catalog(&self) -> Result<&Catalog, EngineError> {
        self.0.catalog.as_ref().ok_or(EngineError::NoLibrary)
    }

    /// The processes that decode.
    pub(crate) fn decoders(&self) -> &Arc<Decoders> {
        &self.0.decoders
    }

    /// Reads photos as a model wants them, for somebody who waits for them; a job asks its context for a loader.
    pub(crate) fn loader(&self, preprocess: Preprocess) -> Loader {
        Loader::new(self.decoders().clone(), preprocess, never())
    }

    /// The model in use. Work that compares vectors takes it once, and keeps to it.
    pub(crate) fn serving(&self) -> Serving {
        self.0.serving.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes another model into use; work under way goes on with the one it has.
    pub(crate) fn serve(&self, serving: Serving) {
        *self.0.serving.write().unwrap_or_else(PoisonError::into_inner) = serving;
        self.library_changed();
    }

    /// Serves the model that the library uses, where another process has had it use another since.
    pub(crate) fn follow_choice(&self) -> Result<(), EngineError> {
        let (config, catalog) = (self.config(), self.0.catalog.as_ref());
        if config.models.is_none() || catalog.is_none() {
            return Ok(());
        }
        let used = model_in_use(config, catalog)?;
        if used.folder != self.serving().folder {
            let (dir, source) = (used.folder.clone(), source_of(used, catalog));
            self.serve(served(config, dir, catalog, source)?);
        }
        Ok(())
    }

    /// The way to the model in use.
    pub fn host(&self) -> ModelHost {
        self.serving().host
    }

    /// The way to the packs that describe and answer.
    pub(crate) fn text_host(&self) -> &TextHost {
        &self.0.text_host
    }

    /// The bundled model untaught, for what `in_use` cannot do; the latter where it is the same.
    pub(crate) fn bundled(&self, in_use: Serving) -> Result<Serving, EngineError> {
        let folder = self.config().model_dir.clone();
        if in_use.folder == folder {
            return Ok(in_use);
        }
        let held = &self.0.memory.bundled;
        let host = match held.get() {
            Some(host) => host.clone(),
            None => {
                let source = ModelFolder { dir: folder.clone(), version: None, library: self.0.catalog.clone() };
                let host = ModelHost::start(Arc::new(source), self.config().device)?;
                held.get_or_init(|| host).clone()
            }
        };
        Ok(Serving { host, version: None, folder })
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

    /// Drops what is kept in memory of photos, some of which were forgotten.
    pub(crate) fn drop_memory(&self) {
        let memory = &self.0.memory;
        *memory.vectors.lock().unwrap_or_else(PoisonError::into_inner) = None;
        *memory.suggested.lock().unwrap_or_else(PoisonError::into_inner) = None;
        *memory.duplicates.lock().unwrap_or_else(PoisonError::into_inner) = None;
        *memory.folders.lock().unwrap_or_else(PoisonError::into_inner) = None;
        memory.proofs.drop_all();
    }

    /// Folders by name, as they were last read.
    pub(crate) fn held_folders(&self) -> &HeldFolders {
        &self.0.memory.folders
    }

    /// The list of tags in use.
    pub(crate) fn held_tagger(&self) -> &HeldTagger {
        &self.0.memory.tagger
    }

    /// What captions are judged by.
    pub(crate) fn held_judge(&self) -> &HeldJudge {
        &self.0.memory.judge
    }

    /// What the system says of its volumes.
    pub(crate) fn held_volumes(&self) -> &HeldVolumes {
        &self.0.memory.volumes
    }

    /// Which photos seem to be of which label, as last worked out.
    pub(crate) fn held_suggestions(&self) -> &HeldSuggestions {
        &self.0.memory.suggested
    }

    /// The duplicates as they were last found.
    pub(crate) fn held_duplicates(&self) -> &HeldDuplicates {
        &self.0.memory.duplicates
    }

    /// Which pictures were proven to be the same, and which not.
    pub(crate) fn proofs(&self) -> &Proofs {
        &self.0.memory.proofs
    }

    /// The learning curves of this process's lessons.
    pub(crate) fn curves(&self) -> &Curves {
        &self.0.memory.curves
    }

    /// Counts the commits of this process that changed photos or vectors.
    pub(crate) fn photo_changes(&self) -> u64 {
        self.0.memory.photo_changes.load(Ordering::Acquire)
    }

    /// The library's vectors of a model, in memory. What changed since the last call is followed, whichever process
    /// changed it.
    pub(crate) fn vectors(&self, serving: &Serving) -> Result<Arc<VectorIndex>, EngineError> {
        let (key, catalog) = (serving.key()?, self.catalog()?);
        let mut held = self.0.memory.vectors.lock().unwrap_or_else(PoisonError::into_inner);
        let mut vectors = match held.take() {
            Some((of, mut vectors)) if of == key => {
                catalog.refresh_vectors(&key, &mut vectors)?;
                vectors
            }
            // Another model's are gone by now: both would be twice as much.
            _ => Arc::new(catalog.load_vectors(&key, serving.host.spec()?.dims)?),
        };
        let unwritable = &self.0.memory.vectors_unwritable;
        if !catalog.is_read_only() && !unwritable.load(Ordering::Relaxed) {
            // Without the file the next start takes longer, and nothing is lost.
            let saved = catalog.save_vectors(&key, &mut vectors);
            unwritable.store(saved.is_err(), Ordering::Relaxed);
        }
        *held = Some((key, vectors.clone()));
        Ok(vectors)
    }

    /// Begins to load the model and to read the vectors, so that the first search waits for neither.
    pub fn prepare(&self) {
        drop(self.host().ready(Lane::Interactive));
        let engine = self.clone();
        // What fails here fails again, and is told, when somebody searches.
        let work = move || drop(engine.vectors(&engine.serving()));
        drop(std::thread::Builder::new().name("vectors".into()).spawn(work));
    }

    /// After work that changed vectors: has them in their file if they are many, so that they are read at once.
    pub(crate) fn save_vectors(&self) -> Result<(), EngineError> {
        let serving = self.serving();
        if self.catalog()?.vectors_are_unsaved(&serving.key()?)? {
            self.vectors(&serving)?;
        }
        Ok(())
    }
}

/// Where the model that a library uses comes from.
fn source_of(used: ModelInUse, catalog: Option<&Catalog>) -> Arc<dyn ModelSource> {
    match used {
        ModelInUse { pack: Some(name), is_there: false, folder } => Arc::new(AbsentModel { name, folder }),
        ModelInUse { folder, .. } => Arc::new(ModelFolder { dir: folder, version: None, library: catalog.cloned() }),
    }
}

/// A model as a library uses it: with the version in use, if that goes with it.
fn served(
    config: &EngineConfig,
    folder: PathBuf,
    catalog: Option<&Catalog>,
    source: Arc<dyn ModelSource>,
) -> Result<Serving, EngineError> {
    let version = match catalog {
        Some(catalog) => version_in_use(catalog, &*source)?,
        None => None,
    };
    let source = match &version {
        Some((_, version)) => source.with_version(Some(version.clone())),
        None => source,
    };
    Ok(Serving { host: ModelHost::start(source, config.device)?, version, folder })
}
