//! The thread of models that write about photos: packs that describe, or answer questions.
//!
//! It holds one such model at a time, loaded when it is first asked for, freed when another is or when nobody has asked for
//! a while: memory holds the search model and one of these at most. What a person waits for goes before batches, also
//! between the photos of a batch. A panic is contained and becomes an error, and a GPU that fails is replaced by the CPU.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded, select, unbounded};
use sightline_vlm::{Answer, Caption, Described, DeviceChoice, DeviceKind, ImageToText, ModelInput, Search, VlmError};

use super::slot::contained;
use super::{Lane, ModelHost, Reply, Ticket};
use crate::EngineError;

/// How long a model that nobody asks stays in memory.
const IDLE: Duration = Duration::from_secs(120);

/// A model that writes about photos.
pub(crate) trait Writes: Send {
    /// Where it runs.
    fn kind(&self) -> DeviceKind;

    /// Describes a photo; `on_token` hears of each token and may stop the work.
    fn caption(
        &self,
        photo: &ModelInput,
        search: &Search,
        on_token: &mut dyn FnMut(Caption) -> ControlFlow<()>,
    ) -> Result<Caption, VlmError>;

    /// Answers a question about a photo; `on_token` hears of each token and may stop the work.
    fn answer(
        &self,
        photo: &ModelInput,
        question: &str,
        search: &Search,
        on_token: &mut dyn FnMut(Answer) -> ControlFlow<()>,
    ) -> Result<Answer, VlmError>;
}

impl Writes for ImageToText {
    fn kind(&self) -> DeviceKind {
        self.device().kind
    }

    fn caption(
        &self,
        photo: &ModelInput,
        search: &Search,
        on_token: &mut dyn FnMut(Caption) -> ControlFlow<()>,
    ) -> Result<Caption, VlmError> {
        Self::caption(self, photo, search, on_token)
    }

    fn answer(
        &self,
        photo: &ModelInput,
        question: &str,
        search: &Search,
        on_token: &mut dyn FnMut(Answer) -> ControlFlow<()>,
    ) -> Result<Answer, VlmError> {
        Self::answer(self, photo, question, search, on_token)
    }
}

/// How a model is loaded from its folder.
pub(crate) type Load = Arc<dyn Fn(&Path, DeviceChoice) -> Result<Box<dyn Writes>, VlmError> + Send + Sync>;

/// How packs are loaded.
fn packs() -> Load {
    Arc::new(|folder, device| Ok(Box::new(ImageToText::load(folder, device)?)))
}

/// A photo, prepared for the model that searches and for the one that writes.
#[derive(Debug, Clone)]
pub(crate) struct Prepared {
    pub search: ModelInput,
    pub writing: ModelInput,
}

enum Work {
    /// Describes photos, and has the search model embed each with what was written.
    Describe(Vec<Prepared>, ModelHost, Lane, Option<Sender<Caption>>, Reply<Vec<Described>>),
    Answer(ModelInput, String, Sender<Answer>, Reply<Answer>),
}

struct Request {
    /// The model's folder.
    folder: PathBuf,
    search: Search,
    work: Work,
}

/// The queue of what a person waits for, and that of batches.
type Lanes = (Sender<Request>, Sender<Request>);

/// The way to the thread, which is started when it is first asked for and ends with the last clone.
#[derive(Clone)]
pub(crate) struct TextHost {
    lanes: Arc<Mutex<Option<Lanes>>>,
    device: DeviceChoice,
    load: Load,
    idle: Duration,
}

impl TextHost {
    pub fn new(device: DeviceChoice) -> Self {
        Self::with(device, packs(), IDLE)
    }

    /// With models that are loaded in another way.
    pub fn with(device: DeviceChoice, load: Load, idle: Duration) -> Self {
        Self { lanes: Arc::default(), device, load, idle }
    }

    /// Captions of photos by the model in `folder`, with their vectors by `judge`. `so_far` hears of the first photo's
    /// token by token; dropping its other end stops the work.
    pub fn describe(
        &self,
        lane: Lane,
        folder: &Path,
        photos: Vec<Prepared>,
        judge: &ModelHost,
        search: Search,
        so_far: Option<Sender<Caption>>,
    ) -> Ticket<Vec<Described>> {
        self.ask(lane, folder, search, |reply| Work::Describe(photos, judge.clone(), lane, so_far, reply))
    }

    /// An answer by the model in `folder`. `so_far` hears of it token by token; dropping its other end stops the work.
    pub fn answer(
        &self,
        folder: &Path,
        photo: ModelInput,
        question: &str,
        search: Search,
        so_far: Sender<Answer>,
    ) -> Ticket<Answer> {
        self.ask(Lane::Interactive, folder, search, |reply| Work::Answer(photo, question.to_owned(), so_far, reply))
    }

    fn ask<T>(&self, lane: Lane, folder: &Path, search: Search, work: impl FnOnce(Reply<T>) -> Work) -> Ticket<T> {
        let (reply, answer) = bounded(1);
        let request = Request { folder: folder.into(), search, work: work(reply) };
        // Where the system gives no thread the request is dropped with its reply, which the ticket notices.
        if let Some((interactive, batches)) = self.lanes() {
            let queue = if lane == Lane::Interactive { interactive } else { batches };
            queue.send(request).ok();
        }
        Ticket(answer)
    }

    fn lanes(&self) -> Option<Lanes> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        if lanes.is_none() {
            let (interactive, first) = unbounded();
            let (batches, second) = unbounded();
            let slot = TextSlot { load: self.load.clone(), device: self.device, held: None };
            let idle = self.idle;
            let started =
                std::thread::Builder::new().name("writing".into()).spawn(move || serve(slot, &first, &second, idle));
            *lanes = started.is_ok().then_some((interactive, batches));
        }
        lanes.clone()
    }
}

fn serve(mut slot: TextSlot, interactive: &Receiver<Request>, batches: &Receiver<Request>, idle: Duration) {
    loop {
        let request = match interactive.try_recv() {
            Ok(request) => Ok(request),
            Err(_) => select! {
                recv(interactive) -> request => request,
                recv(batches) -> request => request,
                default(idle) => {
                    slot.free();
                    continue;
                }
            },
        };
        // Both senders live in one struct: when one is gone both are.
        let Ok(request) = request else { return };
        slot.answer(request, interactive);
    }
}

/// Where the model sits.
struct TextSlot {
    load: Load,
    device: DeviceChoice,
    held: Option<(PathBuf, Box<dyn Writes>)>,
}

impl TextSlot {
    fn free(&mut self) {
        let held = self.held.take();
        // Releasing a dead device may panic; there is nothing left to save then.
        contained(|| {
            drop(held);
            Ok(())
        })
        .ok();
    }

    /// Serves a request. Nobody may be waiting any more; then the answer is dropped.
    fn answer(&mut self, Request { folder, search, work }: Request, interactive: &Receiver<Request>) {
        match work {
            Work::Answer(photo, question, so_far, reply) => {
                let mut on_token = |answer| go_on(so_far.send(answer).is_ok());
                let answer = self.call(&folder, |model| model.answer(&photo, &question, &search, &mut on_token));
                drop(so_far);
                reply.send(answer).ok();
            }
            Work::Describe(photos, judge, lane, so_far, reply) => {
                let mut described = Vec::with_capacity(photos.len());
                let mut failed = None;
                for (at, photo) in photos.into_iter().enumerate() {
                    if at > 0 {
                        interactive.try_iter().for_each(|request| self.answer(request, interactive));
                    }
                    let mut on_token =
                        |caption| go_on(so_far.as_ref().is_none_or(|so_far| so_far.send(caption).is_ok()));
                    let caption = self.call(&folder, |model| model.caption(&photo.writing, &search, &mut on_token));
                    match caption.and_then(|caption| with_vectors(&judge, lane, photo.search, caption)) {
                        Ok(one) => described.push(one),
                        Err(error) => {
                            failed = Some(error);
                            break;
                        }
                    }
                }
                drop(so_far);
                reply.send(failed.map_or(Ok(described), Err)).ok();
            }
        }
    }

    /// Runs `work` on the model of a folder; when a device other than the CPU fails, once more on the CPU.
    fn call<T>(
        &mut self,
        folder: &Path,
        mut work: impl FnMut(&dyn Writes) -> Result<T, VlmError>,
    ) -> Result<T, EngineError> {
        let error = match self.attempt(folder, &mut work) {
            Err(error) if error.is_device_failure() => error,
            other => return other,
        };
        let on_cpu = self.held.as_ref().is_some_and(|(_, model)| model.kind() == DeviceKind::Cpu);
        self.free();
        if on_cpu || self.device == DeviceChoice::Cpu {
            return Err(error);
        }
        self.device = DeviceChoice::Cpu;
        self.attempt(folder, &mut work)
    }

    fn attempt<T>(
        &mut self,
        folder: &Path,
        work: &mut impl FnMut(&dyn Writes) -> Result<T, VlmError>,
    ) -> Result<T, EngineError> {
        if self.held.as_ref().is_none_or(|(of, _)| of != folder) {
            // First, so that two are never held.
            self.free();
            let (load, device) = (self.load.clone(), self.device);
            self.held = Some((folder.into(), contained(|| load(folder, device))?));
        }
        let (_, model) = self.held.as_ref().expect("it was just loaded");
        contained(|| work(model.as_ref()))
    }
}

fn go_on(heard: bool) -> ControlFlow<()> {
    if heard { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
}

/// A caption with what the search model makes of it and of its photo.
fn with_vectors(judge: &ModelHost, lane: Lane, photo: ModelInput, caption: Caption) -> Result<Described, EngineError> {
    let (photos, texts) = (judge.embed_images(lane, vec![photo]), judge.embed_texts(lane, vec![caption.text.clone()]));
    let photo = photos.wait()?.pop().ok_or(EngineError::ModelGone)?.shared;
    let text = texts.wait()?.pop().ok_or(EngineError::ModelGone)?;
    Ok(Described { photo, caption, text })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    use super::*;
    use crate::model_host::fake::{Fake, FakeSource, tiny_preprocess};

    #[derive(Default)]
    struct State {
        loads: AtomicUsize,
        alive: AtomicUsize,
        most_alive: AtomicUsize,
        panics: AtomicBool,
        gpu_fails: AtomicBool,
        stopped: AtomicBool,
    }

    struct Parrot(Arc<State>, String, DeviceKind);

    impl Drop for Parrot {
        fn drop(&mut self) {
            self.0.alive.fetch_sub(1, Ordering::SeqCst);
        }
    }

    impl Writes for Parrot {
        fn kind(&self) -> DeviceKind {
            self.2
        }

        fn caption(
            &self,
            _: &ModelInput,
            _: &Search,
            on_token: &mut dyn FnMut(Caption) -> ControlFlow<()>,
        ) -> Result<Caption, VlmError> {
            let caption = Caption { text: format!("A red photo by {}.", self.1), ..Caption::default() };
            assert!(on_token(caption.clone()).is_continue());
            Ok(caption)
        }

        fn answer(
            &self,
            _: &ModelInput,
            question: &str,
            _: &Search,
            on_token: &mut dyn FnMut(Answer) -> ControlFlow<()>,
        ) -> Result<Answer, VlmError> {
            assert!(!self.0.panics.swap(false, Ordering::SeqCst), "the parrot fell off its perch");
            if self.2 == DeviceKind::Gpu && self.0.gpu_fails.load(Ordering::SeqCst) {
                return Err(VlmError::Device { device: "gpu".into(), reason: "lost".into() });
            }
            let mut text = String::new();
            for word in question.split(' ') {
                text = format!("{text} {word}").trim().to_owned();
                if on_token(Answer { text: text.clone(), confidence: 0.0 }).is_break() {
                    self.0.stopped.store(true, Ordering::SeqCst);
                    break;
                }
                std::thread::sleep(Duration::from_millis(2));
            }
            Ok(Answer { text: format!("{}: {text}", self.1), confidence: -0.5 })
        }
    }

    fn host(device: DeviceChoice, idle: Duration) -> (TextHost, Arc<State>) {
        let state = Arc::new(State::default());
        let of = state.clone();
        let load: Load = Arc::new(move |folder, device| {
            of.loads.fetch_add(1, Ordering::SeqCst);
            let alive = of.alive.fetch_add(1, Ordering::SeqCst) + 1;
            of.most_alive.fetch_max(alive, Ordering::SeqCst);
            let kind = if device == DeviceChoice::Cpu { DeviceKind::Cpu } else { DeviceKind::Gpu };
            Ok(Box::new(Parrot(of.clone(), folder.display().to_string(), kind)))
        });
        (TextHost::with(device, load, idle), state)
    }

    fn photo() -> ModelInput {
        tiny_preprocess().prepare(1, 1, &[200, 9, 9]).unwrap()
    }

    fn ask(host: &TextHost, folder: &str, question: &str) -> Result<Answer, EngineError> {
        let (sender, so_far) = unbounded();
        let ticket = host.answer(Path::new(folder), photo(), question, Search::default(), sender);
        so_far.iter().for_each(drop);
        ticket.wait()
    }

    #[test]
    fn one_writing_model_is_held_at_a_time_and_freed_when_nobody_asks() {
        let (host, state) = host(DeviceChoice::Cpu, Duration::from_millis(50));
        assert_eq!(ask(&host, "a", "what is this").unwrap().text, "a: what is this");
        ask(&host, "a", "and that").unwrap();
        assert_eq!(state.loads.load(Ordering::SeqCst), 1);
        ask(&host, "b", "here").unwrap();
        assert_eq!((state.loads.load(Ordering::SeqCst), state.most_alive.load(Ordering::SeqCst)), (2, 1));
        for _ in 0..200 {
            if state.alive.load(Ordering::SeqCst) == 0 {
                return assert_eq!(ask(&host, "b", "again").unwrap().text, "b: again");
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("it was never freed");
    }

    #[test]
    fn a_panic_and_a_dead_gpu_are_survived() {
        let (host, state) = host(DeviceChoice::Gpu, IDLE);
        state.panics.store(true, Ordering::SeqCst);
        assert!(ask(&host, "a", "x").is_ok_and(|answer| answer.text == "a: x"), "tried again on the CPU");
        let (host, state) = self::host(DeviceChoice::Cpu, IDLE);
        state.panics.store(true, Ordering::SeqCst);
        assert!(matches!(ask(&host, "a", "x"), Err(EngineError::ModelPanicked { .. })));
        assert_eq!(ask(&host, "a", "x").unwrap().text, "a: x", "the next question is answered");
        let (host, state) = self::host(DeviceChoice::Gpu, IDLE);
        state.gpu_fails.store(true, Ordering::SeqCst);
        assert_eq!(ask(&host, "a", "x y").unwrap().text, "a: x y");
        assert_eq!(state.loads.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn an_answer_stops_when_nobody_listens() {
        let (host, state) = host(DeviceChoice::Cpu, IDLE);
        let (sender, so_far) = bounded(0);
        let long = "word ".repeat(1000);
        let ticket = host.answer(Path::new("a"), photo(), &long, Search::default(), sender);
        assert_eq!(so_far.recv().unwrap().text, "word");
        drop(so_far);
        assert!(ticket.wait().unwrap().text.len() < 40);
        assert!(state.stopped.load(Ordering::SeqCst));
    }

    #[test]
    fn a_pack_s_caption_comes_with_the_search_model_s_vectors() {
        let (host, _) = host(DeviceChoice::Cpu, IDLE);
        let judge = ModelHost::start(Arc::new(FakeSource(Fake::new())), DeviceChoice::Cpu).unwrap();
        let photos = vec![Prepared { search: photo(), writing: photo() }; 3];
        let ticket = host.describe(Lane::Batch, Path::new("a"), photos, &judge, Search::default(), None);
        let described = ticket.wait().unwrap();
        assert_eq!(described.len(), 3);
        let own = judge.embed_images(Lane::Batch, vec![photo()]).wait().unwrap();
        assert!(described.iter().all(|one| one.caption.text == "A red photo by a." && one.photo == own[0].shared));
    }
}
