//! The model in use: untaught or as a version, changed as a whole.
//!
//! Whoever compares vectors takes one of these and keeps to it: while another version is taken into use, a search that
//! has begun goes on with the vectors, the words and the bars of the one that it began with.

use std::path::PathBuf;
use std::sync::Arc;

use sightline_catalog::{ModelKey, VersionId};
use sightline_vlm::PhotoVectors;
use sightline_vlm::tune::Version;

use crate::EngineError;
use crate::model_host::ModelHost;

/// A model in use.
#[derive(Clone)]
pub(crate) struct Serving {
    /// The way to it.
    pub host: ModelHost,
    /// What it was taught, with the version's number.
    pub version: Option<(VersionId, Arc<Version>)>,
    /// The folder that it was loaded from.
    pub folder: PathBuf,
}

impl Serving {
    /// What its vectors lie under; reads no weights.
    pub fn key(&self) -> Result<ModelKey, EngineError> {
        Ok(ModelKey(self.host.spec()?.id.clone()))
    }

    /// What its vectors, descriptors and the untaught model's vectors lie under.
    pub fn keys(&self) -> Result<VectorKeys, EngineError> {
        let spec = self.host.spec()?;
        Ok(VectorKeys {
            shared: ModelKey(spec.id.clone()),
            descriptor: ModelKey(spec.descriptor_id.clone()),
            base: ModelKey(spec.base_id.clone()),
        })
    }

    /// The same model with another version, or untaught; on a thread of its own.
    pub fn with_version(&self, version: Option<(VersionId, Arc<Version>)>) -> Result<Self, EngineError> {
        let host = self.host.with_version(version.as_ref().map(|(_, version)| version.clone()))?;
        Ok(Self { host, version, folder: self.folder.clone() })
    }

    /// What it was taught.
    pub fn taught(&self) -> Option<&Version> {
        self.version.as_ref().map(|(_, version)| &**version)
    }
}

/// What the vectors of a photo lie under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct VectorKeys {
    pub shared: ModelKey,
    pub descriptor: ModelKey,
    pub base: ModelKey,
}

impl VectorKeys {
    /// The rows of a photo's vectors.
    pub fn rows(&self, vectors: &PhotoVectors) -> Vec<(ModelKey, Vec<f32>)> {
        let mut rows = vec![
            (self.shared.clone(), vectors.shared.as_slice().to_vec()),
            (self.descriptor.clone(), vectors.descriptor.as_slice().to_vec()),
        ];
        rows.extend(vectors.base.iter().map(|base| (self.base.clone(), base.as_slice().to_vec())));
        rows
    }
}
