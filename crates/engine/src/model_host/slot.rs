//! Where the loaded model sits: lazy loading, contained panics, the way back from a dead GPU.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use sightline_vlm::{DeviceChoice, DeviceKind, VlmError};

use super::{Embedder, ModelSource, Ready};
use crate::EngineError;

/// How often a larger background is looked for.
const LOOK_AGAIN: Duration = Duration::from_secs(10);

/// Where the photos come from against which scores are held.
#[derive(Debug, Clone, Copy)]
enum Background {
    Unknown,
    /// From the model's folder.
    Shipped,
    /// From the library, where more were last looked for then.
    Library {
        looked: Instant,
    },
}

pub(super) struct Slot {
    source: Arc<dyn ModelSource>,
    device: DeviceChoice,
    model: Option<Box<dyn Embedder>>,
    /// Why the CPU took over, once it did.
    fell_back: Option<String>,
    background: Background,
}

impl Slot {
    pub fn new(source: Arc<dyn ModelSource>, device: DeviceChoice) -> Self {
        Self { source, device, model: None, fell_back: None, background: Background::Unknown }
    }

    /// Loads the model if need be and hands out its thread-safe parts.
    pub fn ready(&mut self) -> Result<Ready, EngineError> {
        self.see_to_background()?;
        let fell_back = self.fell_back.clone();
        let model = self.loaded()?;
        let mut device = model.device();
        if let Some(reason) = fell_back {
            device.reason = reason;
        }
        Ok(Ready { device, preprocess: model.preprocess(), calibration: model.calibration() })
    }

    /// A model that ships no background gets one from the library, and a larger one as that grows.
    fn see_to_background(&mut self) -> Result<(), EngineError> {
        match self.background {
            Background::Shipped => return Ok(()),
            Background::Library { looked } if looked.elapsed() < LOOK_AGAIN => return Ok(()),
            Background::Library { .. } | Background::Unknown => {}
        }
        let held = self.loaded()?.calibration().photos();
        if matches!(self.background, Background::Unknown) && held > 0 {
            self.background = Background::Shipped;
            return Ok(());
        }
        self.background = Background::Library { looked: Instant::now() };
        let (source, model) = (self.source.clone(), self.loaded()?);
        source.calibrate(model, held)
    }

    /// Photos to embed between two looks at the interactive lane.
    pub fn step(&mut self) -> Result<usize, EngineError> {
        Ok(self.loaded()?.step())
    }

    /// Runs `work` on the model; when a device other than the CPU fails, once more on the CPU.
    pub fn call<T>(&mut self, work: impl Fn(&mut dyn Embedder) -> Result<T, VlmError>) -> Result<T, EngineError> {
        let error = match self.attempt(&work) {
            Err(error) if error.is_device_failure() => error,
            other => return other,
        };
        let on_cpu = self.model.as_ref().is_some_and(|model| model.device().kind == DeviceKind::Cpu);
        // A device that failed is not to be trusted with the next batch either.
        self.forget_model();
        if on_cpu || self.device == DeviceChoice::Cpu {
            return Err(error);
        }
        self.device = DeviceChoice::Cpu;
        self.fell_back = Some(format!("the GPU failed ({error}), so the CPU took over"));
        self.attempt(&work)
    }

    fn attempt<T>(&mut self, work: impl Fn(&mut dyn Embedder) -> Result<T, VlmError>) -> Result<T, EngineError> {
        let model = self.loaded()?;
        contained(|| work(model))
    }

    fn loaded(&mut self) -> Result<&mut dyn Embedder, EngineError> {
        if self.model.is_none() {
            let (source, device) = (self.source.clone(), self.device);
            self.model = Some(contained(|| source.load(device))?);
        }
        Ok(self.model.as_mut().expect("it was just loaded").as_mut())
    }

    fn forget_model(&mut self) {
        self.background = Background::Unknown;
        let model = self.model.take();
        // Releasing a dead device may panic too; there is nothing left to save then.
        contained(|| {
            drop(model);
            Ok(())
        })
        .ok();
    }
}

/// Turns a panic into an error. What it touched is thrown away, so no broken state is seen.
pub(crate) fn contained<T>(work: impl FnOnce() -> Result<T, VlmError>) -> Result<T, EngineError> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => Ok(result?),
        Err(panic) => {
            let detail = panic
                .downcast_ref::<String>()
                .cloned()
                .or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string))
                .unwrap_or_else(|| "no reason given".into());
            Err(EngineError::ModelPanicked { detail })
        }
    }
}
