//! Whether a model computes right on this computer and makes sense: tried on the sample photos that come with the program.
//!
//! What is measured is `sightline_vlm::prove`'s to know. Here are the photos, the bundled model's own share beside it, the
//! file in which the outcome is kept with the pack, and the words for one that must not be used.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sightline_media::FileKind;
use sightline_vlm::packs::Purpose;
use sightline_vlm::{Fault, ModelInfo, ModelInput, Proof, prove, prove_firsts};

use super::ModelsError;
use super::store::write_json;
use super::switch::Candidate;
use crate::jobs::{Job, JobControl, JobCx, JobEvent};
use crate::model_host::contained;
use crate::{Engine, EngineError};

/// The last part of the samples' folder, and of that of bundled models beside it.
const SAMPLES: &str = "samples";
const MODELS: &str = "models";

impl Engine {
    /// Tries a model that is here on this computer, and keeps the outcome with it. Whether it may be used the outcome says.
    /// None for one that describes photos or answers questions.
    ///
    /// # Errors
    /// [`ModelsError::NotInstalled`] or [`ModelsError::Busy`]; [`EngineError::Cancelled`]; or when the outcome cannot be kept.
    pub fn prove_model(
        &self,
        name: &str,
        control: &JobControl,
        on_event: &(dyn Fn(JobEvent) + Sync),
    ) -> Result<Option<Proof>, EngineError> {
        self.try_model(&JobCx::without_row(self, control, on_event), name)
    }

    fn try_model(&self, cx: &JobCx<'_>, name: &str) -> Result<Option<Proof>, EngineError> {
        let Candidate { folder, pack } = self.candidate(name)?;
        if pack.is_none() {
            return prove_folder(cx, &folder).map(Some);
        }
        if ModelInfo::read(&folder)?.purpose() != Purpose::Search {
            return Ok(None);
        }
        let _lock = self.model_store()?.lock(name)?;
        prove_and_keep(cx, &folder).map(Some)
    }

    /// Whether the pack in `folder` may be used as far as is known without trying it.
    ///
    /// # Errors
    /// [`ModelsError::Unproven`], with what is wrong and what to do about it.
    pub(super) fn must_not_have_failed(&self, name: &str, folder: &Path) -> Result<(), EngineError> {
        let fault = Proof::read(folder, &ModelInfo::read(folder)?.id()).and_then(|proof| self.fault_of(name, &proof));
        fault.map_or(Ok(()), |reason| Err(ModelsError::Unproven { name: name.into(), reason }.into()))
    }

    /// Whether the pack in `folder` may be used: by what is kept of it, or by trying it now.
    ///
    /// # Errors
    /// [`ModelsError::Unproven`], with what is wrong and what to do about it.
    pub(super) fn must_be_proven(&self, cx: &JobCx<'_>, name: &str, folder: &Path) -> Result<(), EngineError> {
        if Proof::read(folder, &ModelInfo::read(folder)?.id()).is_none() {
            let _lock = self.model_store()?.lock(name)?;
            prove_and_keep(cx, folder)?;
        }
        self.must_not_have_failed(name, folder)
    }

    /// What is wrong with a model that was tried, and what to do about it, for people.
    pub fn fault_of(&self, name: &str, proof: &Proof) -> Option<String> {
        proof.fault(self.config().device).map(|fault| words(&fault, name))
    }
}

/// Holds a model against its checksums and tries it on this computer; fails when something is wrong with it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct VerifyJob {
    name: String,
}

impl VerifyJob {
    /// A job that verifies the model of this name.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned() }
    }
}

impl Job for VerifyJob {
    const KIND: &'static str = "verify_model";

    const KEEPS_ROW: bool = false;

    fn run(&mut self, cx: &JobCx<'_>) -> Result<(), EngineError> {
        let (engine, name) = (cx.engine(), self.name.as_str());
        cx.progress("verify", 0, 0, None)?;
        engine.verify_model(name)?;
        let fault = engine.try_model(cx, name)?.and_then(|proof| engine.fault_of(name, &proof));
        fault.map_or(Ok(()), |reason| Err(ModelsError::Unproven { name: name.into(), reason }.into()))
    }
}

/// As it is kept with a pack, or tried now and kept. None for a model that has no vectors to be tried by: it describes
/// photos or answers questions.
pub(super) fn proof_of(cx: &JobCx<'_>, folder: &Path, info: &ModelInfo) -> Result<Option<Proof>, EngineError> {
    if info.purpose() != Purpose::Search {
        return Ok(None);
    }
    match Proof::read(folder, &info.id()) {
        Some(proof) => Ok(Some(proof)),
        None => prove_and_keep(cx, folder).map(Some),
    }
}

/// Tries a pack and keeps the outcome with it.
pub(super) fn prove_and_keep(cx: &JobCx<'_>, folder: &Path) -> Result<Proof, EngineError> {
    let proof = prove_folder(cx, folder)?;
    write_json(&folder.join(Proof::file_name()), &proof)?;
    Ok(proof)
}

fn prove_folder(cx: &JobCx<'_>, folder: &Path) -> Result<Proof, EngineError> {
    let (config, info) = (cx.engine().config(), ModelInfo::read(folder)?);
    let samples = samples(&config.model_dir);
    let photos = load(cx, samples.as_deref(), &info)?;
    let proven = listening(cx, |progress| contained(|| prove(folder, config.device, &photos, progress)));
    let mut proof = match proven {
        Ok(proof) => proof,
        Err(error @ (EngineError::Model(_) | EngineError::ModelPanicked { .. })) => {
            Proof::of_failure(&info.id(), config.device.name(), error.to_string())
        }
        Err(error) => return Err(error),
    };
    if let Some(firsts) = &mut proof.firsts
        && folder != config.model_dir
    {
        let bundled = ModelInfo::read(&config.model_dir)?;
        let photos = load(cx, samples.as_deref(), &bundled)?;
        let found = listening(cx, |progress| contained(|| prove_firsts(&config.model_dir, &photos, progress)))?;
        firsts.bundled = found.map(|found| found.right);
    }
    Ok(proof)
}

/// Does `work`, whose progress is the job's, and whose end is that of the job when that is to stop.
fn listening<T>(
    cx: &JobCx<'_>,
    work: impl FnOnce(&mut dyn FnMut(u64, u64) -> bool) -> Result<T, EngineError>,
) -> Result<T, EngineError> {
    let mut broken = Ok(());
    let done = work(&mut |done, total| {
        broken = cx.check().and_then(|()| cx.progress("prove", done, total, None));
        broken.is_ok()
    });
    broken?;
    done
}

/// Where the sample photos lie: beside the folder of bundled models, in the source tree and where the program is installed.
fn samples(bundled: &Path) -> Option<PathBuf> {
    let models = bundled.parent().filter(|folder| folder.file_name().is_some_and(|name| name == MODELS))?;
    Some(models.parent()?.join(SAMPLES)).filter(|folder| folder.is_dir())
}

/// The sample photos prepared for a model, by file name.
fn load(cx: &JobCx<'_>, samples: Option<&Path>, info: &ModelInfo) -> Result<Vec<(String, ModelInput)>, EngineError> {
    let Some(samples) = samples else { return Ok(Vec::new()) };
    let loader = cx.loader(info.preprocess.clone());
    let mut photos = Vec::new();
    for found in sightline_media::walk(samples) {
        cx.check()?;
        let found = found?;
        let path = found.path;
        let Some(name) = path.file_name().and_then(|name| name.to_str()).map(str::to_owned) else { continue };
        // One that cannot be read is as one that is not there.
        if matches!(found.kind, FileKind::Photo)
            && let Ok(input) = loader.load(&path)
        {
            photos.push((name, input));
        }
    }
    Ok(photos)
}

/// What is wrong, whether it is the weights or this computer, and what to do.
fn words(fault: &Fault, name: &str) -> String {
    match fault {
        Fault::Failed { reason } => {
            format!("it could not be tried: {reason}; `sightline model remove {name}`, then get or import it again")
        }
        Fault::Gpu { cosine } => format!(
            "the graphics processor computes other vectors than the CPU (cosine {cosine:.4}): it is the maths on this \
             device, not the weights; choose the CPU (--device cpu, or Settings), or look for a newer driver and \
             `sightline model verify {name}`"
        ),
        Fault::Halves { cosine } => format!(
            "its weights lose too much in half precision (cosine {cosine:.4}): it is the weights, not this computer; \
             choose another model"
        ),
        Fault::Weights { right, of } => format!(
            "{right} of {of} sentences find their sample photo, and half must: it is the weights, not this computer; \
             `sightline model remove {name}`, then get or import it again, or choose another model"
        ),
        Fault::Computer { bundled, of } => format!(
            "few sentences find their sample photo, and by the bundled model {bundled} of {of} do: it is the maths on this \
             computer, not the weights; `sightline model verify {name}` tries again"
        ),
    }
}
