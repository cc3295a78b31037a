//! A lesson from beginning to end, as a job.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use serde::{Deserialize, Serialize};
use sightline_vlm::tune::{Checkpoint, Depth, Ending, Moment, Teacher, can_go_on};

use super::Source;
use super::checkpoint::{Identity, Kept, MOST_BYTES};
use super::curve::Points;
use super::evaluate::{label_embeddings, tell};
use super::lesson::{identity, lesson};
use super::options::TeachOptions;
use super::photos::{Photos, prepared};
use super::report::{CurvePoint, TeachReport, prove};
use super::versions::{Facts, VersionSummary, summary};
use crate::EngineError;
use crate::eval::two_decimals;
use crate::jobs::{Job, JobCx};
use crate::model_host::ModelHost;
use crate::serving::VectorKeys;

/// The learning curves of the lessons of a process, by job.
pub(crate) type Curves = Mutex<HashMap<i64, Vec<CurvePoint>>>;

/// Learns albums or folders. Serialisable, so that it can be resumed: it goes on from its checkpoint.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TeachJob {
    pub(super) source: Source,
    pub(super) options: TeachOptions,
    /// The job that first taught this, where it is taught again.
    #[serde(skip)]
    pub(super) first: Option<i64>,
    /// What came of the last run.
    #[serde(skip)]
    pub outcome: Option<(VersionSummary, TeachReport)>,
}

/// A learning curve so far.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// Its points.
    pub points: Vec<CurvePoint>,
    /// The version that came of it, once it is over.
    pub version: Option<i64>,
}

impl TeachJob {
    /// A job that learns `source`.
    pub fn new(source: Source, options: TeachOptions) -> Self {
        Self { source, options, first: None, outcome: None }
    }
}

impl TeachJob {
    /// Whether it learns a folder that `is_forgotten`.
    fn learns(&self, is_forgotten: &dyn Fn(&std::path::Path) -> bool) -> bool {
        matches!(&self.source, Source::Folders(root) if is_forgotten(root))
    }
}

impl crate::Engine {
    /// The learning curve of a job.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn teach_curve(&self, job: i64) -> Result<Curve, EngineError> {
        let version = self.versions()?.into_iter().find(|version| version.job == Some(job));
        if let Some(version) = version {
            let points = self.version_report(version.id)?.1.curve;
            return Ok(Curve { points, version: Some(version.id) });
        }
        let curves = self.curves().lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Curve { points: curves.get(&job).cloned().unwrap_or_default(), version: None })
    }
}

impl Job for TeachJob {
    const KIND: &'static str = "teach";

    fn without(self, is_forgotten: &dyn Fn(&std::path::Path) -> bool) -> Option<Self> {
        (!self.learns(is_forgotten)).then_some(self)
    }

    fn check(&self) -> Result<(), EngineError> {
        self.options.check()
    }

    fn run(&mut self, cx: &JobCx<'_>) -> Result<(), EngineError> {
        // Lessons are about the untaught model, whatever is in use.
        let serving = cx.engine().serving();
        let host = match serving.taught() {
            Some(version) if version.depth() == Depth::Deep => serving.host.with_version(None)?,
            _ => serving.host.clone(),
        };
        self.learn_by(cx, &host)
    }
}

impl TeachJob {
    /// Learns by the untaught model behind `host`.
    pub(super) fn learn_by(&mut self, cx: &JobCx<'_>, host: &ModelHost) -> Result<(), EngineError> {
        let engine = cx.engine();
        let config = self.options.config();
        let started = Instant::now();
        cx.progress("read", 0, 0, None)?;
        let gathered = engine.gather(&self.source)?;
        if gathered.items.iter().all(|item| item.label.is_none()) {
            return Err(EngineError::NothingToTeach);
        }
        let base = host.spec()?.base_id.clone();
        let keys = VectorKeys {
            shared: sightline_catalog::ModelKey(base.clone()),
            descriptor: sightline_catalog::ModelKey(format!("{base}/descriptor")),
            base: sightline_catalog::ModelKey(base.clone()),
        };
        let photos = Photos::read(&self.options, cx, host, &keys, gathered)?;
        let (labels, items, parts) = (&photos.labels, &photos.items, &photos.parts);
        let read_seconds = started.elapsed().as_secs_f64();

        let learning = Instant::now();
        let lesson = lesson(cx, host, labels, (items, parts), &photos.used, &photos.used_vectors())?;
        let model = host.untaught()?;
        let config = match self.options.epochs {
            Some(_) => config,
            None => config.for_photos(lesson.train.len()),
        };
        let Some((teacher, used)) = prepared(cx, host, config, &lesson, &model, &photos)? else {
            return cx.check();
        };
        let identity = identity(&base, &self.options, labels, items, parts, &used);
        let (ending, curve) = self.learn(cx, &teacher, &identity)?;
        let learn_seconds = learning.elapsed().as_secs_f64();

        let proving = Instant::now();
        let version = ending.version;
        let classes = label_embeddings(cx, host, labels, &lesson)?;
        let (told, not_told) = tell(cx, host, &keys, &classes, &version, &photos)?;
        let mut train = vec![0; labels.len()];
        used.iter().filter_map(|&place| items[place].label).for_each(|label| train[label] += 1);
        let proof = prove(labels, &train, &told);
        let report = TeachReport {
            depth: version.depth().as_str().into(),
            train: train.iter().sum(),
            held_out: told.len(),
            before: proof.before,
            after: proof.after,
            guard_before: two_decimals(teacher.guard_before()),
            guard_after: two_decimals(ending.guard),
            guard_fell: ending.guard_fell,
            labels: proof.labels,
            confusion: proof.confusion,
            mistakes: proof.mistakes,
            curve,
            unreadable: photos.unreadable + photos.used.len() - used.len() + not_told,
            seconds: [read_seconds, learn_seconds, proving.elapsed().as_secs_f64()].map(two_decimals),
        };
        let facts = Facts {
            depth: version.depth(),
            vectors: version.vectors_id().to_owned(),
            base: version.base().to_owned(),
            labels: version.labels().to_vec(),
            report: report.clone(),
            job: self.first.or(cx.id()),
        };
        let row = engine.keep_version(&facts, version.to_bytes())?;
        cx.drop_checkpoint()?;
        self.outcome = Some((summary(&row, false, version.base())?, report));
        Ok(())
    }

    /// Trains, from the checkpoint if there is one of this very lesson.
    fn learn(
        &self,
        cx: &JobCx<'_>,
        teacher: &Teacher,
        identity: &Identity,
    ) -> Result<(Ending, Vec<CurvePoint>), EngineError> {
        let (mut curve, checkpoint) = match reached(cx, teacher, identity)? {
            Some(Kept { curve, state }) => (curve, Some(Checkpoint(state))),
            None => (Points::default(), None),
        };
        let job = cx.id();
        let mut failed = None;
        let ending = sightline_vlm::tune::teach(teacher, checkpoint.as_ref(), |moment| {
            let told = self.hear(cx, job, identity, &mut curve, moment).and_then(|()| cx.check());
            match told {
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => {
                    failed = Some(error);
                    ControlFlow::Break(())
                }
            }
        })?;
        match (ending, failed) {
            (Some(ending), _) => Ok((ending, curve.points())),
            (None, Some(error)) => Err(error),
            (None, None) => Err(EngineError::Cancelled),
        }
    }

    fn hear(
        &self,
        cx: &JobCx<'_>,
        job: Option<i64>,
        identity: &Identity,
        curve: &mut Points,
        moment: Moment,
    ) -> Result<(), EngineError> {
        let Moment { step, steps, loss, accuracy, checkpoint } = moment;
        curve.push(CurvePoint { step: step as u64, loss, accuracy });
        if let Some(job) = job {
            let mut curves = cx.engine().curves().lock().unwrap_or_else(PoisonError::into_inner);
            curves.insert(job, curve.points());
        }
        if let Some(Checkpoint(state)) = checkpoint
            && let Some(bytes) = (Kept { curve: curve.clone(), state }).to_bytes(identity)
        {
            cx.keep_checkpoint(&bytes)?;
        }
        cx.progress("train", step as u64, steps as u64, None)
    }
}

/// What an earlier run of this very lesson had reached. One that is damaged, or of another lesson, is said to be so, and
/// the lesson begins anew.
fn reached(cx: &JobCx<'_>, teacher: &Teacher, identity: &Identity) -> Result<Option<Kept>, EngineError> {
    let Some(bytes) = cx.checkpoint(MOST_BYTES)? else { return Ok(None) };
    let kept = Kept::from_bytes(&bytes, identity).map_err(|error| error.to_string());
    let usable = kept.and_then(|kept| {
        let state = Checkpoint(kept.state);
        can_go_on(teacher, &state).map_err(|error| error.to_string())?;
        Ok(Kept { state: state.0, ..kept })
    });
    if let Err(reason) = &usable {
        cx.begins_anew(reason);
    }
    Ok(usable.ok())
}
