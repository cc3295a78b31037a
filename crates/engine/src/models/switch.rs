//! Taking another model into use without a gap.
//!
//! While the model in use goes on answering, every photo gets its vector by the new one, and what the one in use was taught
//! is taught to it. Then one transaction changes over, and this process with it: whoever is killed before leaves the old
//! model, whoever is killed after the new one. Vectors of the old one stay, so that the way back costs nothing.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use sightline_catalog::{JobRow, JobState, ModelChange, PhotoId, VersionId};
use sightline_vlm::ModelInfo;
use sightline_vlm::packs::is_pack_name;
use sightline_vlm::tune::Version;

use super::choice::{Choice, SETTING};
use super::{ModelsError, model_in_use, whole};
use crate::batches::multiple_of_cores;
use crate::embedding::embed_all;
use crate::jobs::{Job, JobControl, JobCx};
use crate::loading::threads;
use crate::model_host::{Lane, ModelFolder, ModelHost, ModelSource};
use crate::serving::Serving;
use crate::settings::text_of;
use crate::teach::{TaughtAgain, fitting_version, teach_again};
use crate::{Engine, EngineError};

/// The setting in which a library keeps which models it has used, and how they were taught.
pub(super) const USED: &str = "models_used";
/// The setting in which a library keeps what came of teaching the model in use again.
const TAUGHT_AGAIN: &str = "model_taught_again";
/// Photos that a model's speed is told from.
const TRIED: usize = 8;

/// A model that the library has used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Used {
    /// Its untaught id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The version of it that was in use, by number.
    version: Option<i64>,
    /// The version, of whichever model, that a person taught, and that this one was taught again from.
    #[serde(default)]
    origin: Option<i64>,
}

/// A version's number.
fn number(version: &Option<(VersionId, Arc<Version>)>) -> Option<i64> {
    version.as_ref().map(|(version, _)| version.0)
}

/// What a version comes from: itself, or the one that it was taught again from.
fn origin(used: &[Used], version: i64) -> i64 {
    used.iter().find(|used| used.version == Some(version)).and_then(|used| used.origin).unwrap_or(version)
}

/// Whether what is in use of the present model, `now`, is yet to be taught to one of which `known` is in use: when that has
/// none, or one from an earlier teaching.
fn is_to_be_taught(used: &[Used], now: Option<i64>, known: Option<i64>) -> bool {
    now.is_some_and(|now| known.is_none_or(|known| origin(used, known) < origin(used, now)))
}

/// What it takes to use another model.
#[derive(Debug, Clone, PartialEq)]
pub struct SwitchPlan {
    /// The model's name.
    pub name: String,
    /// Whether the library uses it.
    pub already: bool,
    /// Photos of the library.
    pub photos: u64,
    /// Those of them that the model has to look at first.
    pub to_index: u64,
    /// How many it looks at in a second here; none where it has none to look at, or could read none.
    pub photos_per_second: Option<f64>,
    /// Seconds until it is in use, about.
    pub seconds: Option<f64>,
    /// Bytes that its vectors will take in the library beside those that are there.
    pub bytes: u64,
    /// Labels that it will be taught.
    pub labels: Vec<String>,
}

/// Takes a model into use: the bundled one, or a pack by name.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SwitchJob {
    name: String,
    /// What came of it.
    #[serde(skip)]
    pub summary: Option<SwitchSummary>,
}

/// What came of taking a model into use.
#[derive(Debug, Clone, PartialEq)]
pub struct SwitchSummary {
    /// The model's name.
    pub name: String,
    /// What its vectors lie under.
    pub id: String,
    /// Whether the library used it before.
    pub already: bool,
    /// Photos of the library.
    pub photos: u64,
    /// Photos that have no vector by it, as their files cannot be read now.
    pub unreadable: u64,
    /// What it was taught, where the model before had been taught and this one had not.
    pub taught: Option<TaughtAgain>,
}

impl SwitchJob {
    /// A job that takes the model of this name into use.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), summary: None }
    }
}

/// A model that may be taken into use.
pub(super) struct Candidate {
    pub folder: PathBuf,
    /// The pack's name; none for the bundled model.
    pub pack: Option<String>,
}

impl Engine {
    /// A model that is here, by name.
    pub(super) fn candidate(&self, name: &str) -> Result<Candidate, EngineError> {
        let bundled = &self.config().model_dir;
        if ModelInfo::read(bundled).is_ok_and(|info| info.name == name) {
            return Ok(Candidate { folder: bundled.clone(), pack: None });
        }
        let folder = self.model_store()?.pack(name);
        if !is_pack_name(name) || !folder.join(sightline_vlm::INFO_FILE).is_file() {
            return Err(ModelsError::NotInstalled { name: name.into() }.into());
        }
        Ok(Candidate { folder, pack: Some(name.to_owned()) })
    }

    /// A model that was found to be sound and to make sense, on a thread of its own.
    fn sound(
        &self,
        cx: &JobCx<'_>,
        name: &str,
        candidate: &Candidate,
    ) -> Result<(Arc<ModelFolder>, ModelHost), EngineError> {
        let tried = || -> Result<_, EngineError> {
            whole(&candidate.folder)?.verify(&candidate.folder)?;
            let library = Some(self.catalog()?.clone());
            let source = Arc::new(ModelFolder { dir: candidate.folder.clone(), version: None, library });
            let host = ModelHost::start(source.clone(), self.config().device)?;
            host.embed_texts(Lane::Batch, vec!["a photo".into()]).wait()?;
            Ok((source, host))
        };
        let sound = tried().map_err(|error| match error {
            error @ EngineError::Catalog(_) => error,
            error => ModelsError::Broken { name: name.into(), reason: error.to_string() }.into(),
        })?;
        if let Some(pack) = &candidate.pack {
            self.must_be_proven(cx, pack, &candidate.folder)?;
        }
        Ok(sound)
    }

    /// Says what it takes to use a model: looks at a few photos with it, and changes nothing.
    ///
    /// # Errors
    /// [`ModelsError::NotInstalled`], [`ModelsError::Broken`] or [`ModelsError::Unproven`].
    pub fn switch_plan(&self, name: &str) -> Result<SwitchPlan, EngineError> {
        if let Some(plan) = self.writing_plan(name)? {
            return Ok(plan);
        }
        let (candidate, catalog) = (self.candidate(name)?, self.catalog()?);
        let control = JobControl::new();
        let (source, host) = self.sound(&JobCx::without_row(self, &control, &|_| {}), name, &candidate)?;
        let spec = host.spec()?.clone();
        self.follow_choice()?;
        let now = self.serving();
        let already = now.host.spec().is_ok_and(|now| now.base_id == spec.base_id);
        let used = self.models_used()?;
        let known = used.iter().find(|used| used.id == spec.base_id);
        let version = match known.and_then(|used| used.version).filter(|_| !already) {
            Some(version) => fitting_version(catalog, VersionId(version), |version| source.must_fit(version).is_ok())?,
            None => None,
        };
        let is_to_be_taught = !already && is_to_be_taught(&used, number(&now.version), number(&version));
        let labels = match &now.version {
            Some((_, version)) if is_to_be_taught => version.labels().to_vec(),
            _ => Vec::new(),
        };
        let version = version.filter(|_| !is_to_be_taught);
        let mut serving = Serving { host, version: None, folder: candidate.folder };
        if already {
            serving = now;
        } else if version.is_some() {
            serving = serving.with_version(version)?;
        }
        let lacking = catalog.photos_without_vector(&serving.key()?)?;
        let (to_index, mut photos_per_second) = (lacking.len() as u64, None);
        if to_index > 0 {
            let loader = self.loader(serving.host.ready(Lane::Batch).wait()?.preprocess);
            let began = Instant::now();
            let paths = lacking.iter().map(|(_, path)| path).take(multiple_of_cores(TRIED));
            let inputs: Vec<_> = paths.filter_map(|path| loader.load(path).ok()).collect();
            let reading = began.elapsed().as_secs_f64() / threads() as f64;
            let (count, began) = (inputs.len(), Instant::now());
            if count > 0 {
                serving.host.embed_images(Lane::Batch, inputs).wait()?;
                photos_per_second = Some(count as f64 / (reading + began.elapsed().as_secs_f64()));
            }
        }
        Ok(SwitchPlan {
            name: name.into(),
            already,
            photos: catalog.status()?.photos,
            to_index,
            photos_per_second,
            seconds: photos_per_second.map(|rate| to_index as f64 / rate),
            bytes: to_index * (spec.dims as u64) * 4,
            labels,
        })
    }
}

impl Engine {
    /// What came of teaching the model in use again, if that was done when it was taken into use.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn taught_again(&self) -> Result<Option<TaughtAgain>, EngineError> {
        Ok(self.setting(TAUGHT_AGAIN)?.flatten())
    }
}

impl Job for SwitchJob {
    const KIND: &'static str = "switch_model";

    const KEEPS_ROW: bool = false;

    fn run(&mut self, cx: &JobCx<'_>) -> Result<(), EngineError> {
        let (engine, name) = (cx.engine(), self.name.as_str());
        let catalog = engine.catalog()?;
        cx.progress("verify", 0, 0, None)?;
        // One that describes or answers has no vectors: it is used at once.
        if let Some(used) = engine.use_writing(name)? {
            let photos = catalog.status()?.photos;
            let (name, id, already) = (used.name, used.id, used.already);
            self.summary = Some(SwitchSummary { name, id, already, photos, unreadable: 0, taught: None });
            return Ok(());
        }
        let candidate = engine.candidate(name)?;
        let (source, host) = engine.sound(cx, name, &candidate)?;
        let base = host.spec()?.base_id.clone();
        engine.follow_choice()?;
        let now = engine.serving();
        // The model in use may not be on this computer.
        let now_base = now.host.spec().ok().map(|spec| (spec.base_id.clone(), spec.name.clone()));
        let is_same = now_base.as_ref().is_some_and(|(now, _)| *now == base);
        let already = is_same && model_in_use(engine.config(), Some(catalog))?.folder == candidate.folder;
        let mut used = engine.models_used()?;
        let known = used.iter().find(|used| used.id == base).and_then(|used| used.version);
        let known = match known.filter(|_| !is_same) {
            Some(version) => fitting_version(catalog, VersionId(version), |version| source.must_fit(version).is_ok())?,
            None => None,
        };
        let untaught = Serving { host, version: None, folder: candidate.folder.clone() };
        let choice = candidate.pack.map(|name| Choice { name, id: base.clone() });
        let (mut unreadable, mut taught) = (Vec::new(), None);
        if !catalog.photos_without_vector(&untaught.key()?)?.is_empty() {
            must_be_there(engine, &unreadable)?;
        }
        let mut tried = None;
        let mut next: Option<Serving> = None;
        let next = loop {
            // Another version may have been taken into use since the last look, here or by another process.
            let before = catalog.version_in_use()?;
            let goes_with_it = match before {
                Some(before) => fitting_version(catalog, before, |version| now.host.must_fit(version).is_ok())?,
                None => None,
            };
            let mut version = match (is_same, &next) {
                (true, _) => goes_with_it.clone(),
                (false, Some(next)) => next.version.clone(),
                (false, None) => known.clone(),
            };
            let present = number(&goes_with_it);
            if !is_same && present != tried && is_to_be_taught(&used, present, number(&version)) {
                tried = present;
                // What a classifier is taught by, and is told by: the photos' vectors.
                embed_all(cx, &untaught, &mut unreadable)?;
                let (again, of_it) = teach_again(cx, &untaught.host, VersionId(present.unwrap_or_default()))?;
                if let (Some(now), Some((of_it, _))) = (present, &of_it) {
                    let from = Some(origin(&used, now));
                    used.retain(|used| used.id != base);
                    used.push(Used { id: base.clone(), name: name.to_owned(), version: Some(of_it.0), origin: from });
                }
                (taught, version) = (Some(again), of_it.or(version));
            }
            let is_as_before = next.as_ref().is_some_and(|next| number(&next.version) == number(&version));
            let serving = match next.take().filter(|_| is_as_before) {
                Some(next) => next,
                None => {
                    let embedding = if version.is_some() { untaught.with_version(version)? } else { untaught.clone() };
                    embed_all(cx, &embedding, &mut unreadable)?;
                    // Loaded anew, it takes its background from all photos, and is ready for the first question.
                    let ready = embedding.with_version(embedding.version.clone())?;
                    ready.host.ready(Lane::Batch).wait()?;
                    ready
                }
            };
            embed_all(cx, &serving, &mut unreadable)?;
            if !unreadable.is_empty() {
                must_be_there(engine, &unreadable)?;
            }
            whole(&serving.folder)
                .map_err(|error| ModelsError::Broken { name: name.into(), reason: error.to_string() })?;
            let version = serving.version.as_ref().map(|(version, _)| *version);
            let keep = |used: &mut Vec<Used>, id: &str, name: &str, version: Option<i64>| {
                let origin = version.map(|version| origin(used, version));
                used.retain(|used| used.id != id);
                used.push(Used { id: id.to_owned(), name: name.to_owned(), version, origin });
            };
            let mut kept = used.clone();
            if let Some((id, name)) = &now_base {
                keep(&mut kept, id, name, present);
            }
            keep(&mut kept, &base, name, version.map(|version| version.0));
            let settings = [
                (SETTING, text_of(SETTING, &choice)?),
                (USED, text_of(USED, &kept)?),
                (TAUGHT_AGAIN, text_of(TAUGHT_AGAIN, &taught)?),
            ];
            let key = serving.key()?;
            let change = ModelChange { settings: &settings, before, version, key: &key, passed_over: &unreadable };
            if catalog.change_model(&change)? {
                break serving;
            }
            next = Some(serving);
        };
        drop(untaught);
        engine.serve(next.clone());
        // What was indexed by the model before until now.
        embed_all(cx, &next, &mut unreadable)?;
        engine.library_changed();
        engine.save_vectors()?;
        let (id, photos) = (next.key()?.0, catalog.status()?.photos);
        let (name, unreadable) = (self.name.clone(), unreadable.len() as u64);
        self.summary = Some(SwitchSummary { name, id, already, photos, unreadable, taught });
        Ok(())
    }
}

/// Photos of a folder that cannot be read and are no reason to ask.
const FEW: u64 = 10;

/// Fails when a folder of the library is not there, or much of it cannot be read: its photos could be found no more by a
/// model that has not seen them. `unreadable` photos were tried.
fn must_be_there(engine: &Engine, unreadable: &[PhotoId]) -> Result<(), EngineError> {
    engine.follow_volumes()?;
    let catalog = engine.catalog()?;
    let paths = catalog.paths_of_each(unreadable)?;
    for folder in engine.folders()? {
        if engine.is_missing(&folder.path)? {
            return Err(ModelsError::FolderMissing { folder: folder.path }.into());
        }
        let below = |paths: &&Vec<PathBuf>| paths.iter().any(|path| path.starts_with(&folder.path));
        let missing = paths.iter().filter(below).count() as u64;
        if missing > FEW && 5 * missing > folder.photos {
            return Err(ModelsError::PhotosMissing { folder: folder.path, missing, photos: folder.photos }.into());
        }
    }
    Ok(())
}

impl Engine {
    /// Whether the library is about to use the model of this name.
    pub(super) fn is_switching_to(&self, name: &str) -> Result<bool, EngineError> {
        let Ok(catalog) = self.catalog() else { return Ok(false) };
        let is_it = |row: &JobRow| {
            let under_way = matches!(row.state, JobState::Queued | JobState::Running);
            under_way
                && row.kind == SwitchJob::KIND
                && serde_json::from_str::<SwitchJob>(&row.payload).is_ok_and(|job| job.name == name)
        };
        Ok(catalog.jobs()?.iter().any(is_it))
    }
}
