//! Taking a version into use, or going back.
//!
//! First every photo gets its vector by the version, while the model in use goes on serving: an adapter's from the stored
//! vectors, a deep version's from the photos. Then one transaction changes which version is in use, and this process
//! changes over. A process that dies before leaves the old version, one that dies after the new one.

use serde::{Deserialize, Serialize};
use sightline_catalog::VersionId;

use crate::EngineError;
use crate::embedding::embed_all;
use crate::jobs::{Job, JobCx};

/// Takes a version into use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActivateJob {
    /// The version's number; none for the untaught model.
    version: Option<i64>,
    /// Whether this is a way back.
    back: bool,
}

impl ActivateJob {
    /// A job that takes a version into use.
    pub fn new(version: i64) -> Self {
        Self { version: Some(version), back: false }
    }

    /// A job that takes the untaught model into use.
    pub fn untaught() -> Self {
        Self { version: None, back: false }
    }
}

impl crate::Engine {
    /// A job that goes back to what was in use before the present version.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn rollback(&self) -> Result<ActivateJob, EngineError> {
        let version = self.catalog()?.version_before()?.map(|version| version.0);
        Ok(ActivateJob { version, back: true })
    }
}

impl Job for ActivateJob {
    const KIND: &'static str = "activate";

    fn run(&mut self, cx: &JobCx<'_>) -> Result<(), EngineError> {
        let engine = cx.engine();
        let catalog = engine.catalog()?;
        let version = match self.version {
            None => None,
            Some(id) => Some((VersionId(id), engine.load_version(VersionId(id))?)),
        };
        let next = engine.serving().with_version(version)?;
        let base = next.keys()?.base;
        embed_all(cx, &next, &mut Vec::new())?;
        engine.follow_choice()?;
        if engine.serving().keys()?.base != base {
            return Err(EngineError::ModelChanged);
        }
        catalog.use_version(next.version.as_ref().map(|(id, _)| *id), self.back)?;
        engine.serve(next);
        engine.save_vectors()
    }
}
