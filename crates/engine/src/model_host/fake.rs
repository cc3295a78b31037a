//! A model made of a few lines, for tests: deterministic, and failing when told to.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sightline_vlm::tune::Version;
use sightline_vlm::{
    Calibration, Caption, CaptionBars, CaptionWord, Described, DeviceChoice, DeviceKind, DeviceReport, Embedding,
    Filter, Fit, Model, ModelInput, PhotoVectors, Preprocess, Search, Thresholds, VlmError,
};

use super::{Embedder, ModelSource, ModelSpec};
use crate::EngineError;

/// Colours that the fake knows by name, as the axes of its space.
const AXES: [&str; 4] = ["red", "green", "blue", "grey"];

/// Counters and switches shared by a test and the fakes it makes.
#[derive(Debug)]
pub(crate) struct Fake {
    /// Photos embedded so far.
    pub photos: AtomicUsize,
    /// Times the weights were loaded.
    pub loads: AtomicUsize,
    /// The GPU returns an error at its next batch.
    pub gpu_fails: AtomicBool,
    /// The next batch panics.
    pub panics: AtomicBool,
    /// A batch panics when this many photos have been embedded.
    pub panics_after: AtomicUsize,
    /// Milliseconds that a photo takes.
    pub delay_ms: AtomicUsize,
    /// Another model: another id, other vectors.
    pub second_model: AtomicBool,
    /// Captions name another colour than the photo's.
    pub lies: AtomicBool,
    /// Photos of each background that it was given, and whether bars came with it.
    pub calibrated: Mutex<Vec<(usize, bool)>>,
}

impl Fake {
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            photos: AtomicUsize::new(0),
            loads: AtomicUsize::new(0),
            gpu_fails: AtomicBool::new(false),
            panics: AtomicBool::new(false),
            panics_after: AtomicUsize::new(usize::MAX),
            delay_ms: AtomicUsize::new(0),
            second_model: AtomicBool::new(false),
            lies: AtomicBool::new(false),
            calibrated: Mutex::default(),
        })
    }

    pub fn embedded(&self) -> usize {
        self.photos.load(Ordering::SeqCst)
    }
}

pub(crate) struct FakeSource(pub Arc<Fake>);

impl ModelSource for FakeSource {
    fn spec(&self) -> Result<ModelSpec, VlmError> {
        let id = if self.0.second_model.load(Ordering::SeqCst) { "fake-2" } else { "fake-1" };
        Ok(ModelSpec {
            id: id.into(),
            base_id: id.into(),
            descriptor_id: format!("{id}/descriptor"),
            prompts: vec!["a {}".into()],
            caption_id: id.into(),
            writes_captions: true,
            name: "fake".into(),
            dims: AXES.len(),
        })
    }

    fn load(&self, device: DeviceChoice) -> Result<Box<dyn Embedder>, VlmError> {
        self.0.loads.fetch_add(1, Ordering::SeqCst);
        Ok(Box::new(FakeModel { fake: self.0.clone(), gpu: device != DeviceChoice::Cpu }))
    }

    fn untaught(&self) -> Result<Model, EngineError> {
        Err(VlmError::Missing { path: "no model".into() }.into())
    }

    fn must_fit(&self, _: &Version) -> Result<(), VlmError> {
        Ok(())
    }

    fn with_version(&self, _: Option<Arc<Version>>) -> Arc<dyn ModelSource> {
        Arc::new(Self(self.0.clone()))
    }
}

struct FakeModel {
    fake: Arc<Fake>,
    gpu: bool,
}

impl Embedder for FakeModel {
    fn device(&self) -> DeviceReport {
        let kind = if self.gpu { DeviceKind::Gpu } else { DeviceKind::Cpu };
        DeviceReport { name: "fake".into(), kind, reason: "asked for".into() }
    }

    fn preprocess(&self) -> Preprocess {
        tiny_preprocess()
    }

    fn calibration(&self) -> Calibration {
        // Mixtures of all colours: against them a colour's own photo lies above z = 1.5, another's below -1.
        let background = (0..40).map(|mixture| {
            let share = |axis: usize| 1.0 + (mixture as f32 * 1.7 + axis as f32 * 2.1).sin();
            Embedding::normalised((0..4).map(share).collect())
        });
        let caption = CaptionBars { sentence: 1.0, ..CaptionBars::default() };
        let thresholds = Thresholds { strong: 1.5, possible: 1.0, tag: 2.0, exclude: 1.5, caption };
        Calibration::new(background.flatten().collect(), thresholds)
    }

    fn calibrate(&mut self, photos: Vec<PhotoVectors>, bars: Option<Thresholds>) -> Result<Thresholds, VlmError> {
        self.fake.calibrated.lock().unwrap().push((photos.len(), bars.is_some()));
        Ok(bars.unwrap_or_default())
    }

    fn step(&self) -> usize {
        2
    }

    fn embed_images(&mut self, photos: &[ModelInput]) -> Result<Vec<PhotoVectors>, VlmError> {
        if self.gpu && self.fake.gpu_fails.load(Ordering::SeqCst) {
            return Err(VlmError::Device { device: "fake".into(), reason: "lost".into() });
        }
        let worn_out = self.fake.embedded() >= self.fake.panics_after.load(Ordering::SeqCst);
        if worn_out || self.fake.panics.swap(false, Ordering::SeqCst) {
            panic!("told to");
        }
        let delay = self.fake.delay_ms.load(Ordering::SeqCst) * photos.len();
        std::thread::sleep(Duration::from_millis(delay as u64));
        self.fake.photos.fetch_add(photos.len(), Ordering::SeqCst);
        let vectors = |photo| {
            let shared = colour_vector(photo);
            PhotoVectors { descriptor: shared.clone(), shared, base: None }
        };
        Ok(photos.iter().map(vectors).collect())
    }

    fn embed_texts(&mut self, texts: &[String]) -> Result<Vec<Embedding>, VlmError> {
        Ok(texts.iter().map(|text| words_vector(text)).collect())
    }

    fn locate(&mut self, photo: &ModelInput, question: &Embedding) -> Result<Vec<f32>, VlmError> {
        // Each of the 4x4 pixels is a part.
        let part = |pixel: &[u8]| {
            let colour = [0, 1, 2].map(|channel| f32::from(pixel[channel]));
            Embedding::normalised([&colour[..], &[1.0]].concat()).unwrap()
        };
        Ok(photo.as_bytes().chunks_exact(3).map(|pixel| part(pixel).dot(question)).collect())
    }

    fn embed_class(&mut self, name: &str) -> Result<Embedding, VlmError> {
        Ok(words_vector(name))
    }

    fn describe(
        &mut self,
        photos: &[ModelInput],
        search: &Search,
        told: &mut dyn FnMut(Vec<Caption>) -> ControlFlow<()>,
    ) -> Result<Vec<Described>, VlmError> {
        let vectors = self.embed_images(photos)?;
        let mut written = vec![Caption::default(); photos.len()];
        for word in ["A", "colour", "seen."].iter().take(search.max_tokens) {
            for (caption, photo) in written.iter_mut().zip(photos) {
                let strongest = (0..3).max_by_key(|&channel| photo.as_bytes()[channel]).unwrap_or(0);
                let lies = self.fake.lies.load(Ordering::SeqCst);
                let strongest = if lies { (strongest + 1) % 3 } else { strongest };
                let word = word.replace("colour", AXES[strongest]);
                let confidence = -(photo.as_bytes()[0] as f32) / 255.0;
                caption.text = format!("{} {word}", caption.text).trim().to_owned();
                caption.confidence = confidence;
                caption.words.push(CaptionWord { text: word, confidence });
            }
            if told(written.clone()).is_break() {
                break;
            }
        }
        let described = written.into_iter().zip(vectors).map(|(caption, photo)| {
            let text = words_vector(&caption.text);
            Described { photo: photo.shared, caption, text }
        });
        Ok(described.collect())
    }
}

/// Photos as the fake wants them: 4x4 pixels.
pub(crate) fn tiny_preprocess() -> Preprocess {
    Preprocess { size: 4, fit: Fit::Squash, filter: Filter::Bilinear, mean: [0.5; 3], std: [0.5; 3] }
}

fn colour_vector(photo: &ModelInput) -> Embedding {
    let mean = |channel: usize| {
        let values = photo.as_bytes().iter().skip(channel).step_by(3);
        values.map(|&v| f32::from(v)).sum::<f32>() / 16.0
    };
    Embedding::normalised(vec![mean(0), mean(1), mean(2), 1.0]).unwrap()
}

fn words_vector(text: &str) -> Embedding {
    let counts = AXES.iter().map(|axis| text.matches(axis).count() as f32 + 1e-3);
    Embedding::normalised(counts.collect()).unwrap()
}
