//! The job that a change on disk leads to: indexing, of what was touched and no more.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::EngineError;
use crate::index::{IndexJob, IndexSummary};
use crate::jobs::{Job, JobCx};

/// Brings the library in line with a few files and folders.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FollowJob(IndexJob);

impl FollowJob {
    /// A job for `touched` below `roots`; see [`IndexJob::of_touched`].
    pub(super) fn new(roots: &[PathBuf], touched: Vec<PathBuf>, spare: bool) -> Self {
        Self(IndexJob::of_touched(roots.to_vec(), touched, spare))
    }

    /// What it did.
    pub fn summary(&self) -> &IndexSummary {
        &self.0.summary
    }
}

impl Job for FollowJob {
    const KIND: &'static str = "follow";
    // One for every few files that change: a list of them would be of no use to anybody.
    const KEEPS_ROW: bool = false;

    fn looks_at(&self) -> &[PathBuf] {
        self.0.looked_at()
    }

    fn without(self, is_forgotten: &dyn Fn(&Path) -> bool) -> Option<Self> {
        self.0.without(is_forgotten).map(Self)
    }

    fn run(&mut self, cx: &JobCx<'_>) -> Result<(), EngineError> {
        self.0.run(cx)
    }
}
