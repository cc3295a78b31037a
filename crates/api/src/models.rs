//! The commands about models: which there are, fetching, importing, taking into use, removing; and what crosses for them.

use serde::{Deserialize, Serialize};
use sightline_engine::models::{FetchJob, FreeJob, ImportJob, ModelEntry, ModelState, SwitchJob, VerifyJob};
use sightline_engine::teach;
use ts_rs::TS;

use crate::desk::job_row;
use crate::grants::{Grant, Purpose};
use crate::types::JobRow;
use crate::{Desk, ErrorReply};

/// The models that there are.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct Models {
    /// The bundled one first, then what is on this computer, then what can be had.
    pub models: Vec<ModelRow>,
    /// Bytes that are free on the disk of the models, where that is known.
    pub free_bytes: Option<u64>,
    /// What came of teaching the model in use again, if that was done when it was taken into use.
    pub taught_again: Option<TaughtAgain>,
}

/// A model.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct ModelRow {
    /// Its name.
    pub name: String,
    /// How it stands.
    pub state: ModelStanding,
    /// What is wrong with one that is broken.
    pub reason: Option<String>,
    /// Whether the library uses it.
    pub in_use: bool,
    /// One line for people.
    pub summary: String,
    /// What it is for: `search`, `captions`, `questions`; empty where that is not known.
    pub purposes: Vec<String>,
    /// Languages that it understands, where that is known.
    pub languages: Option<String>,
    /// Bytes on this computer, with what is kept of a download.
    pub bytes_on_disk: u64,
    /// What is to be had, for a published model.
    pub offer: Option<ModelOffer>,
    /// What the library keeps of it.
    pub vectors: Option<VectorsRow>,
    /// What came of trying it on this computer, where it was tried.
    pub proof: Option<ProofRow>,
}

/// What came of trying a model on the sample photos.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct ProofRow {
    /// Sentences that found their photo, of how many; null where there were no sample photos.
    pub right: Option<u32>,
    /// How many sentences there were.
    pub of: Option<u32>,
    /// How many of them found their photo by the bundled model.
    pub bundled: Option<u32>,
    /// Why it must not be used, and what to do; null where it may.
    pub fault: Option<String>,
}

/// How a model stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ModelStanding {
    /// It came with the program.
    Bundled,
    /// It is on this computer.
    Installed,
    /// It is on this computer, and something is wrong with it.
    Broken,
    /// Its download was begun.
    Begun,
    /// It can be fetched.
    Offered,
    /// The library uses it, and it is not here.
    Absent,
    /// It is not here, and the library keeps vectors of it.
    Gone,
}

/// What is to be had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct ModelOffer {
    /// The repository.
    pub repository: String,
    /// The licence's name.
    pub licence: String,
    /// Where its text is.
    pub licence_url: String,
    /// About how many bytes there are to fetch.
    pub bytes: u64,
    /// About how many bytes it takes then.
    pub bytes_on_disk: u64,
    /// Whether the checksum of its weights is published.
    pub digest_known: bool,
}

/// What a library keeps of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
pub struct VectorsRow {
    /// Photos that it has looked at.
    pub photos: u64,
    /// Bytes of its vectors.
    pub bytes: u64,
}

/// What came of teaching a model what the one before was taught.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct TaughtAgain {
    /// The version that was in use before.
    pub from: String,
    /// The version that came of it; null where it could not be taught.
    pub version: Option<String>,
    /// The labels.
    pub labels: Vec<String>,
    /// Percent of the held-out photos that the one before told right.
    pub before: Option<f64>,
    /// The same of the new one.
    pub after: Option<f64>,
    /// Why it could not be taught.
    pub problem: Option<String>,
}

/// A model to be fetched.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, TS)]
pub struct GetModel {
    /// Its name.
    pub name: String,
    /// The name of the licence, which the person has accepted.
    pub licence: String,
    /// Whether the files are kept as they were published, too.
    pub keep_original: bool,
}

/// A model in a folder.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, TS)]
pub struct ImportModel {
    /// The folder that the person chose.
    pub folder: Grant,
}

/// A model by name.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, TS)]
pub struct ModelRequest {
    /// Its name.
    pub name: String,
}

/// What it takes to use a model.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct SwitchPlan {
    /// Photos that it has to look at first.
    pub to_index: u64,
    /// How many it looks at in a second.
    pub photos_per_second: Option<f64>,
    /// Seconds until it is in use, about.
    pub seconds: Option<f64>,
    /// Bytes that its vectors will take.
    pub bytes: u64,
    /// Labels that it will be taught.
    pub labels: Vec<String>,
}

/// Room that is free again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
pub struct Freed {
    /// In bytes.
    pub bytes: u64,
}

#[allow(missing_docs, reason = "named and documented in the list of commands and their types")]
impl Desk {
    pub fn models(&self, (): ()) -> Result<Models, ErrorReply> {
        Ok(Models {
            models: self.engine.models()?.into_iter().map(|model| self.model_row(model)).collect(),
            free_bytes: self.engine.free_bytes_for_models(),
            taught_again: self.engine.taught_again()?.map(taught_again),
        })
    }

    pub fn get_model(&self, request: GetModel) -> Result<JobRow, ErrorReply> {
        let job = FetchJob::new(&request.name, Some(&request.licence), request.keep_original)?;
        Ok(job_row(&self.jobs.start(job)?))
    }

    pub fn import_model(&self, request: ImportModel) -> Result<JobRow, ErrorReply> {
        let folder = self.grants.take_one(Purpose::ImportModel, &request.folder)?;
        Ok(job_row(&self.jobs.start(ImportJob::new(&folder, None)?)?))
    }

    pub fn switch_plan(&self, request: ModelRequest) -> Result<SwitchPlan, ErrorReply> {
        let plan = self.engine.switch_plan(&request.name)?;
        Ok(SwitchPlan {
            to_index: plan.to_index,
            photos_per_second: plan.photos_per_second,
            seconds: plan.seconds,
            bytes: plan.bytes,
            labels: plan.labels,
        })
    }

    pub fn use_model(&self, request: ModelRequest) -> Result<JobRow, ErrorReply> {
        Ok(job_row(&self.jobs.start(SwitchJob::new(&request.name))?))
    }

    pub fn stop_using_model(&self, request: ModelRequest) -> Result<(), ErrorReply> {
        Ok(self.engine.stop_using(&request.name)?)
    }

    pub fn free_vectors(&self, request: ModelRequest) -> Result<JobRow, ErrorReply> {
        Ok(job_row(&self.jobs.start(FreeJob::new(&request.name))?))
    }

    pub fn verify_model(&self, request: ModelRequest) -> Result<JobRow, ErrorReply> {
        Ok(job_row(&self.jobs.start(VerifyJob::new(&request.name))?))
    }

    pub fn remove_model(&self, request: ModelRequest) -> Result<Freed, ErrorReply> {
        Ok(Freed { bytes: self.engine.remove_model(&request.name)?.bytes })
    }

    fn model_row(&self, model: ModelEntry) -> ModelRow {
        let (state, reason) = match model.state {
            ModelState::Bundled => (ModelStanding::Bundled, None),
            ModelState::Installed => (ModelStanding::Installed, None),
            ModelState::Broken { reason } => (ModelStanding::Broken, Some(reason)),
            ModelState::Begun => (ModelStanding::Begun, None),
            ModelState::Offered => (ModelStanding::Offered, None),
            ModelState::Absent => (ModelStanding::Absent, None),
            ModelState::Gone => (ModelStanding::Gone, None),
        };
        let proof = model.proof.as_ref().map(|proof| ProofRow {
            right: proof.firsts.map(|firsts| firsts.right),
            of: proof.firsts.map(|firsts| firsts.of),
            bundled: proof.firsts.and_then(|firsts| firsts.bundled),
            fault: self.engine.fault_of(&model.name, proof),
        });
        ModelRow {
            name: model.name,
            state,
            reason,
            in_use: model.in_use,
            summary: model.summary,
            purposes: model
                .purpose
                .map_or(&[][..], |purpose| purpose.words())
                .iter()
                .map(ToString::to_string)
                .collect(),
            languages: model.languages,
            bytes_on_disk: model.bytes_on_disk,
            offer: model.offer.map(|offer| ModelOffer {
                repository: offer.repository,
                licence: offer.licence,
                licence_url: offer.licence_url,
                bytes: offer.bytes,
                bytes_on_disk: offer.bytes_on_disk,
                digest_known: offer.digest_known,
            }),
            vectors: model.vectors.map(|vectors| VectorsRow { photos: vectors.photos, bytes: vectors.bytes }),
            proof,
        }
    }
}

fn taught_again(again: teach::TaughtAgain) -> TaughtAgain {
    TaughtAgain {
        from: again.from,
        version: again.version,
        labels: again.labels,
        before: again.before,
        after: again.after,
        problem: again.problem,
    }
}
