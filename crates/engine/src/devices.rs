//! What a person may know of the processor and the model in use.

use std::path::Path;

use sightline_vlm::{DeviceKind, ModelInfo, adapters};

use crate::model_host::Lane;
use crate::{Engine, EngineError};

/// A processor that the model could run on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceOption {
    /// What sort it is.
    pub kind: DeviceKind,
    /// Its name.
    pub name: String,
    /// Whether the model runs on it.
    pub in_use: bool,
    /// Why it is used or not.
    pub reason: String,
}

/// The model in use, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelCard {
    /// Its name.
    pub name: String,
    /// Its identity.
    pub id: String,
    /// The card, in Markdown; empty when the model came without one.
    pub markdown: String,
    /// Size of its files.
    pub bytes: u64,
}

impl Engine {
    /// The processors of this computer, the one in use first.
    ///
    /// # Errors
    /// When the model cannot be loaded.
    pub fn devices(&self) -> Result<Vec<DeviceOption>, EngineError> {
        let used = self.host().ready(Lane::Interactive).wait()?.device;
        let mut options =
            vec![DeviceOption { kind: used.kind, name: used.name.clone(), in_use: true, reason: used.reason.clone() }];
        for adapter in adapters() {
            let name = format!("{} ({})", adapter.name, adapter.backend);
            if name == used.name {
                continue;
            }
            let (kind, reason) = match adapter.software {
                true => (DeviceKind::SoftwareGpu, "a program that plays a GPU: slower than the CPU itself"),
                false => (DeviceKind::Gpu, used.reason.as_str()),
            };
            options.push(DeviceOption { kind, name, in_use: false, reason: reason.into() });
        }
        if used.kind != DeviceKind::Cpu {
            let reason = "slower than the GPU".into();
            options.push(DeviceOption { kind: DeviceKind::Cpu, name: "CPU".into(), in_use: false, reason });
        }
        Ok(options)
    }

    /// The model's card.
    ///
    /// # Errors
    /// When the model's description cannot be read.
    pub fn model_card(&self) -> Result<ModelCard, EngineError> {
        let dir = &self.model_dir();
        let info = ModelInfo::read(dir)?;
        let bytes = info.files.values().map(|file| file.bytes).sum();
        Ok(ModelCard { id: info.id(), name: info.name, markdown: card(dir)?, bytes })
    }
}

fn card(dir: &Path) -> Result<String, EngineError> {
    let path = dir.join("MODEL_CARD.md");
    match std::fs::read_to_string(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        read => read.map_err(|source| EngineError::Io { path, source }),
    }
}
