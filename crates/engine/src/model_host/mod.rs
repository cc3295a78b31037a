//! One thread owns the weights and the device; everything else asks it.
//!
//! Requests come in two lanes: what a person waits for goes before batches, also between the
//! steps of a batch under way. The model is loaded at the first request that needs it. A panic is
//! contained and becomes an error; when a GPU fails, the model is loaded anew on the CPU and the
//! request is tried once more, and from then on the CPU is used.
//!
//! It does not know how a model computes (that is behind [`Embedder`]) nor what vectors are for.

mod background;
mod embedder;
#[cfg(test)]
pub(crate) mod fake;
mod slot;
mod text_host;
mod vlm_embedder;

use std::ops::ControlFlow;
use std::sync::{Arc, OnceLock};

use crossbeam_channel::{Receiver, Sender, bounded, select, unbounded};
use sightline_vlm::tune::Version;
use sightline_vlm::{
    Calibration, Caption, Described, DeviceChoice, DeviceReport, Embedding, Model, ModelInput, PhotoVectors,
    Preprocess, Search, VlmError,
};

pub use embedder::{Embedder, ModelSource, ModelSpec};
pub(crate) use slot::contained;
pub(crate) use text_host::{Prepared, TextHost};
pub(crate) use vlm_embedder::ModelFolder;

use crate::EngineError;
use slot::Slot;

/// Which queue a request waits in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// A person waits for it.
    Interactive,
    /// Part of a long job.
    Batch,
}

/// What other threads need of a loaded model.
#[derive(Debug, Clone)]
pub struct Ready {
    /// The device in use and why.
    pub device: DeviceReport,
    /// Runs on loader threads.
    pub preprocess: Preprocess,
    /// Tells matches from chance.
    pub calibration: Calibration,
}

enum Request {
    Ready(Reply<Ready>),
    Images(Vec<ModelInput>, Reply<Vec<PhotoVectors>>),
    Texts(Vec<String>, Reply<Vec<Embedding>>),
    Class(String, Reply<Embedding>),
    Locate(ModelInput, Embedding, Reply<Vec<f32>>),
    Describe(Vec<ModelInput>, Search, Option<Sender<Caption>>, Reply<Vec<Described>>),
}

type Reply<T> = Sender<Result<T, EngineError>>;

/// An answer that is on its way.
#[must_use = "the answer is lost if nobody waits for it"]
pub struct Ticket<T>(Receiver<Result<T, EngineError>>);

impl<T> Ticket<T> {
    /// Waits for the answer.
    ///
    /// # Errors
    /// The model's error, or [`EngineError::ModelGone`] when its thread has ended.
    pub fn wait(self) -> Result<T, EngineError> {
        self.0.recv().unwrap_or(Err(EngineError::ModelGone))
    }
}

/// The way to the model's thread; cheap to clone. The thread ends with the last clone.
#[derive(Clone)]
pub struct ModelHost {
    interactive: Sender<Request>,
    batches: Sender<Request>,
    source: Arc<dyn ModelSource>,
    spec: Arc<OnceLock<ModelSpec>>,
    device: DeviceChoice,
}

impl ModelHost {
    /// Starts the thread; no file is read before the first request.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(source: Arc<dyn ModelSource>, device: DeviceChoice) -> Result<Self, EngineError> {
        let (interactive, first) = unbounded();
        let (batches, second) = unbounded();
        let weights = source.clone();
        std::thread::Builder::new()
            .name("model".into())
            .spawn(move || serve(Slot::new(weights, device), &first, &second))
            .map_err(|source| EngineError::Thread { source })?;
        Ok(Self { interactive, batches, source, spec: Arc::default(), device })
    }

    /// A host of the same model with another version, or untaught, on a thread of its own.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn with_version(&self, version: Option<Arc<Version>>) -> Result<Self, EngineError> {
        Self::start(self.source.with_version(version), self.device)
    }

    /// The untaught model itself, on the CPU, to be taught on the caller's thread.
    ///
    /// # Errors
    /// When its files are missing or wrong.
    pub(crate) fn untaught(&self) -> Result<Model, EngineError> {
        self.source.untaught()
    }

    /// Whether a version goes with the model; reads no weights.
    ///
    /// # Errors
    /// When it does not, or the model's description is missing or wrong.
    pub(crate) fn must_fit(&self, version: &Version) -> Result<(), EngineError> {
        Ok(self.source.must_fit(version)?)
    }

    /// What the model's description says; read once.
    ///
    /// # Errors
    /// When the description is missing or wrong.
    pub fn spec(&self) -> Result<&ModelSpec, EngineError> {
        if let Some(spec) = self.spec.get() {
            return Ok(spec);
        }
        let spec = self.source.spec()?;
        Ok(self.spec.get_or_init(|| spec))
    }

    /// Loads the model if it is not loaded; the ticket may be waited for later.
    pub fn ready(&self, lane: Lane) -> Ticket<Ready> {
        self.ask(lane, Request::Ready)
    }

    /// The vectors of each photo.
    pub fn embed_images(&self, lane: Lane, photos: Vec<ModelInput>) -> Ticket<Vec<PhotoVectors>> {
        self.ask(lane, |reply| Request::Images(photos, reply))
    }

    /// One vector for each text.
    pub fn embed_texts(&self, lane: Lane, texts: Vec<String>) -> Ticket<Vec<Embedding>> {
        self.ask(lane, |reply| Request::Texts(texts, reply))
    }

    /// The vector of a class, averaged over the model's prompts.
    pub fn embed_class(&self, lane: Lane, name: String) -> Ticket<Embedding> {
        self.ask(lane, |reply| Request::Class(name, reply))
    }

    /// Cosines of `question` with each part of a photo, a square of parts row by row.
    pub fn locate(&self, lane: Lane, photo: ModelInput, question: Embedding) -> Ticket<Vec<f32>> {
        self.ask(lane, |reply| Request::Locate(photo, question, reply))
    }

    /// A caption for each photo, yet to be judged.
    pub fn describe(&self, lane: Lane, photos: Vec<ModelInput>, search: Search) -> Ticket<Vec<Described>> {
        self.ask(lane, |reply| Request::Describe(photos, search, None, reply))
    }

    /// A caption for one photo, yet to be judged. `so_far` hears of it token by token; dropping its other end stops the
    /// work.
    pub fn describe_aloud(&self, photo: ModelInput, search: Search, so_far: Sender<Caption>) -> Ticket<Vec<Described>> {
        self.ask(Lane::Interactive, |reply| Request::Describe(vec![photo], search, Some(so_far), reply))
    }

    fn ask<T>(&self, lane: Lane, request: impl FnOnce(Reply<T>) -> Request) -> Ticket<T> {
        let (reply, answer) = bounded(1);
        let queue = match lane {
            Lane::Interactive => &self.interactive,
            Lane::Batch => &self.batches,
        };
        // If the thread is gone the request is dropped with its reply, which the ticket notices.
        queue.send(request(reply)).ok();
        Ticket(answer)
    }
}

fn serve(mut slot: Slot, interactive: &Receiver<Request>, batches: &Receiver<Request>) {
    loop {
        let request = interactive.try_recv().or_else(|_| {
            select! {
                recv(interactive) -> request => request,
                recv(batches) -> request => request,
            }
        });
        // Both senders live in one struct: when one is gone both are, after what they queued.
        let Ok(request) = request else {
            batches.try_iter().for_each(|request| answer(&mut slot, request, interactive));
            return;
        };
        answer(&mut slot, request, interactive);
    }
}

/// Serves a request. Nobody may be waiting any more; then the answer is dropped.
fn answer(slot: &mut Slot, request: Request, interactive: &Receiver<Request>) {
    match request {
        Request::Ready(reply) => reply.send(slot.ready()).ok(),
        Request::Texts(texts, reply) => reply.send(slot.call(|model| model.embed_texts(&texts))).ok(),
        Request::Class(name, reply) => reply.send(slot.call(|model| model.embed_class(&name))).ok(),
        Request::Locate(photo, question, reply) => reply.send(slot.call(|model| model.locate(&photo, &question))).ok(),
        Request::Images(photos, reply) => {
            reply.send(in_steps(slot, &photos, interactive, |model, step| model.embed_images(step))).ok()
        }
        Request::Describe(photos, search, so_far, reply) => {
            let described = in_steps(slot, &photos, interactive, |model, step| {
                model.describe(step, &search, &mut |captions| {
                    let Some(so_far) = &so_far else { return ControlFlow::Continue(()) };
                    let heard = captions.into_iter().next().is_none_or(|caption| so_far.send(caption).is_ok());
                    if heard { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
                })
            });
            reply.send(described).ok()
        }
    };
}

/// Works on a batch in steps and looks after the interactive lane between them.
fn in_steps<T>(
    slot: &mut Slot,
    photos: &[ModelInput],
    interactive: &Receiver<Request>,
    work: impl Fn(&mut dyn Embedder, &[ModelInput]) -> Result<Vec<T>, VlmError>,
) -> Result<Vec<T>, EngineError> {
    let mut results = Vec::with_capacity(photos.len());
    let mut rest = photos;
    while !rest.is_empty() {
        let (step, after) = rest.split_at(slot.step()?.clamp(1, rest.len()));
        results.extend(slot.call(|model| work(model, step))?);
        rest = after;
        if !rest.is_empty() {
            interactive.try_iter().for_each(|request| answer(slot, request, interactive));
        }
    }
    Ok(results)
}

#[cfg(test)]
mod tests;
