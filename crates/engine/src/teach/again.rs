//! Teaching another model what a version of the present one was taught.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sightline_catalog::{JobId, VersionId};
use sightline_vlm::tune::{Depth, Version};

use super::versions::{Facts, facts};
use super::{Source, TeachJob, TeachOptions};
use crate::jobs::{Job, JobCx};
use crate::model_host::ModelHost;
use crate::{Engine, EngineError};

/// Seed of what is taught again where the first lesson's is not known.
const SEED: u64 = 1;

/// What came of teaching a model again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaughtAgain {
    /// The version that was in use.
    pub from: String,
    /// The version that came of it; none where it could not be taught.
    pub version: Option<String>,
    /// How it was taught: `probe`, `adapter` or `deep`.
    pub depth: String,
    /// The labels.
    pub labels: Vec<String>,
    /// Percent of the held-out photos that the version in use told right; none when none were held out.
    pub before: Option<f64>,
    /// The same of the new one.
    pub after: Option<f64>,
    /// Why it could not be taught, for people.
    pub problem: Option<String>,
}

/// A version that has come of it, by number.
type NewVersion = (VersionId, Arc<Version>);

/// Teaches the untaught model behind `host` what version `from` was taught: the same albums or folders as they are today,
/// as deep as it can be taught. What keeps it from that is told, and no error.
pub(crate) fn teach_again(
    cx: &JobCx<'_>,
    host: &ModelHost,
    from: VersionId,
) -> Result<(TaughtAgain, Option<NewVersion>), EngineError> {
    let engine = cx.engine();
    let row = engine.version_row(from.0)?;
    let facts = facts(&row)?;
    let mut again = TaughtAgain {
        from: row.name,
        version: None,
        depth: facts.depth.as_str().into(),
        labels: facts.labels.clone(),
        before: facts.report.after.map(|interval| interval.percent),
        after: None,
        problem: None,
    };
    let mut job = lesson_of(engine, &facts)?;
    let mut learned = job.learn_by(cx, host);
    if learned.as_ref().is_err_and(|error| error.code() == "model_lacks") && job.options.depth != Depth::Probe {
        // What a published model brings is enough for a classifier.
        job.options = TeachOptions { depth: Depth::Probe, objectives: None, ..job.options };
        cx.drop_checkpoint()?;
        learned = job.learn_by(cx, host);
    }
    match (learned, job.outcome) {
        (Err(EngineError::Cancelled), _) | (Ok(()), None) => Err(EngineError::Cancelled),
        (Err(error), _) => {
            again.problem = Some(error.to_string());
            Ok((again, None))
        }
        (Ok(()), Some((summary, report))) => {
            again.version = Some(summary.name);
            again.depth = summary.depth.into();
            again.labels = summary.labels;
            again.after = report.after.map(|interval| interval.percent);
            let version = Version::from_bytes(&engine.catalog()?.version_weights(VersionId(summary.id))?)?;
            Ok((again, Some((VersionId(summary.id), Arc::new(version)))))
        }
    }
}

/// The lesson that a version was taught by; where its job is not known any more, the albums of its labels.
fn lesson_of(engine: &Engine, facts: &Facts) -> Result<TeachJob, EngineError> {
    let catalog = engine.catalog()?;
    let row = facts.job.map(|job| catalog.job(JobId(job))).transpose()?.flatten();
    let known = row.filter(|row| row.kind == TeachJob::KIND).and_then(|row| serde_json::from_str(&row.payload).ok());
    if let Some(job) = known {
        return Ok(TeachJob { first: facts.job, ..job });
    }
    let albums = engine.albums_named(&facts.labels)?.into_iter().flatten().collect();
    let options = TeachOptions {
        depth: facts.depth,
        epochs: None,
        learning_rate: None,
        batch: None,
        seed: SEED,
        train_per_label: None,
        alternating: false,
        objectives: None,
    };
    Ok(TeachJob::new(Source::Albums(albums), options))
}
