//! A lesson from beginning to end, as a job.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use serde::{Deserialize, Serialize};
use sightline_vlm::tune::{
    Checkpoint, Depth, Ending, Example, Lesson, Moment, Objectives, Teacher, TuneConfig, Version,
};
use sightline_vlm::{Embedding, PhotoVectors};

use super::Source;
use super::gather::{Gathered, Item, Read, read};
use super::plan::TEACHABLE_DEEP;
use super::report::{CurvePoint, TeachReport, Told, prove};
use super::split::{Division, Part, divide, groups};
use super::versions::{Facts, VersionSummary, summary};
use crate::EngineError;
use crate::eval::two_decimals;
use crate::jobs::{Job, JobCx};
use crate::model_host::{Lane, ModelHost};
use crate::serving::VectorKeys;

/// Share of the photos to learn from that watch over the training, where a label has enough of them.
const WATCH: f64 = 0.1;
/// With more labels each is named by one sentence: five would take long to embed.
const LABELS_WITH_ALL_PROMPTS: usize = 200;
/// Sentences that are embedded at once.
const SENTENCES: usize = 64;
/// Passes over the photos that can be asked for.
const MOST_EPOCHS: usize = 10_000;
/// Photos a batch that can be asked for.
const MOST_BATCH: usize = 4096;
/// Points of a learning curve that are kept.
const CURVE: usize = 400;

/// The learning curves of the lessons of a process, by job.
pub(crate) type Curves = Mutex<HashMap<i64, Vec<CurvePoint>>>;

/// What a person may say of a lesson; the rest is the depth's own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TeachOptions {
    /// How deep.
    pub depth: Depth,
    /// Passes over the photos.
    pub epochs: Option<usize>,
    /// Highest learning rate.
    pub learning_rate: Option<f64>,
    /// Photos a batch.
    pub batch: Option<usize>,
    /// Seed of the split and of all chance.
    pub seed: u64,
    /// Photos of each label to learn from; none for three quarters of them.
    pub train_per_label: Option<usize>,
    /// Whether the objectives take turns.
    #[serde(default)]
    pub alternating: bool,
    /// Weights of the losses.
    #[serde(default)]
    pub objectives: Option<Objectives>,
}

/// Learns albums or folders. Serialisable, so that it can be resumed: it goes on from its checkpoint.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TeachJob {
    source: Source,
    options: TeachOptions,
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

/// What is kept of a lesson under way.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// Of the photos, labels and settings: a lesson that has changed begins anew.
    lesson: u64,
    curve: Vec<CurvePoint>,
    checkpoint: Vec<u8>,
}

impl TeachJob {
    /// A job that learns `source`.
    pub fn new(source: Source, options: TeachOptions) -> Self {
        Self { source, options, outcome: None }
    }

    fn config(&self) -> TuneConfig {
        let own = TuneConfig::new(self.options.depth);
        let mixing = if self.options.alternating { sightline_vlm::tune::Mixing::Alternating } else { own.mixing };
        TuneConfig {
            epochs: self.options.epochs.unwrap_or(own.epochs).max(1),
            learning_rate: self.options.learning_rate.unwrap_or(own.learning_rate),
            batch: self.options.batch.unwrap_or(own.batch).max(1),
            objectives: self.options.objectives.unwrap_or(own.objectives),
            seed: self.options.seed,
            mixing,
            ..own
        }
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

impl TeachOptions {
    /// Looks whether a training with these settings can come to anything.
    ///
    /// # Errors
    /// [`EngineError::SettingWrong`].
    pub fn check(&self) -> Result<(), EngineError> {
        let wrong = |name, value: String, allowed| Err(EngineError::SettingWrong { name, value, allowed });
        if let Some(rate) = self.learning_rate.filter(|rate| !(rate.is_finite() && *rate > 0.0 && *rate <= 1.0)) {
            return wrong("learning rate", rate.to_string(), "a number above 0, at most 1");
        }
        let counts = [
            ("epochs", self.epochs, MOST_EPOCHS, "a whole number from 1 to 10000"),
            ("batch size", self.batch, MOST_BATCH, "a whole number from 1 to 4096"),
            ("photos a label", self.train_per_label, usize::MAX, "a whole number above 0"),
        ];
        for (name, count, most, allowed) in counts {
            if let Some(count) = count.filter(|count| !(1..=most).contains(count)) {
                return wrong(name, count.to_string(), allowed);
            }
        }
        if let Some(Objectives { contrastive, classes, captions, keep }) = self.objectives {
            let weights = [contrastive, classes, captions, keep];
            if let Some(weight) = weights.into_iter().find(|weight| !(weight.is_finite() && *weight >= 0.0)) {
                return wrong("weight of an objective", weight.to_string(), "a number from 0");
            }
            if weights.iter().sum::<f64>() <= 0.0 {
                return wrong("weights of the objectives", "0".into(), "above 0 together");
            }
        }
        Ok(())
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
        let engine = cx.engine();
        let config = self.config();
        let deep = config.depth == Depth::Deep;
        let started = Instant::now();
        cx.progress("read", 0, 0, None)?;
        let mut gathered = engine.gather(&self.source)?;
        if gathered.items.iter().all(|item| item.label.is_none()) {
            return Err(EngineError::NothingToTeach);
        }
        // Lessons are about the untaught model, whatever is in use.
        let serving = engine.serving();
        let host = match serving.taught() {
            Some(version) if version.depth() == Depth::Deep => serving.host.with_version(None)?,
            _ => serving.host.clone(),
        };
        let base = host.spec()?.base_id.clone();
        let keys = VectorKeys {
            shared: sightline_catalog::ModelKey(base.clone()),
            descriptor: sightline_catalog::ModelKey(format!("{base}/descriptor")),
            base: sightline_catalog::ModelKey(base),
        };
        let photos = read(cx, &host, &keys, &gathered.items, deep)?;
        let unreadable = photos.iter().filter(|photo| photo.is_none()).count();
        let (items, photos): (Vec<Item>, Vec<Read>) = std::mem::take(&mut gathered.items)
            .into_iter()
            .zip(photos)
            .filter_map(|(item, photo)| Some((item, photo?)))
            .unzip();
        let parts = self.parts(&items, &photos);
        let read_seconds = started.elapsed().as_secs_f64();

        let learning = Instant::now();
        let lesson = lesson(cx, &host, &gathered, &items, &photos, &parts)?;
        let model = host.untaught()?;
        let config = match self.options.epochs {
            Some(_) => config,
            None => config.for_photos(lesson.train.len()),
        };
        let Some(teacher) = Teacher::new(config, &lesson, &model, |done, total| {
            cx.progress("look", done as u64, total as u64, None).is_ok() && !cx.stopping()
        })?
        else {
            return cx.check();
        };
        let identity = identity(&self.options, &items, &parts);
        let (ending, curve) = self.learn(cx, &teacher, identity)?;
        let learn_seconds = learning.elapsed().as_secs_f64();

        let proving = Instant::now();
        let version = ending.version;
        let held_out: Vec<usize> = (0..items.len()).filter(|&i| parts[i] == Part::HeldOut).collect();
        let classes = label_embeddings(cx, &host, &gathered.labels, &lesson)?;
        let told = tell(cx, &host, &classes, &version, &items, &photos, &held_out)?;
        let mut train = vec![0; gathered.labels.len()];
        let learned_from = items.iter().zip(&parts).filter(|(_, part)| **part != Part::HeldOut);
        learned_from.filter_map(|(item, _)| item.label).for_each(|label| train[label] += 1);
        let proof = prove(&gathered.labels, &train, &told);
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
            unreadable,
            seconds: [read_seconds, learn_seconds, proving.elapsed().as_secs_f64()].map(two_decimals),
        };
        let facts = Facts {
            depth: version.depth(),
            vectors: version.vectors_id().to_owned(),
            base: version.base().to_owned(),
            labels: version.labels().to_vec(),
            report: report.clone(),
            job: cx.id(),
        };
        let row = engine.keep_version(&facts, version.to_bytes())?;
        cx.drop_checkpoint()?;
        self.outcome = Some((summary(&row, false, version.base())?, report));
        Ok(())
    }
}

impl TeachJob {
    fn parts(&self, items: &[Item], photos: &[Read]) -> Vec<Part> {
        let prints: Vec<_> = photos.iter().map(|photo| photo.fingerprint).collect();
        let labels: Vec<Option<usize>> = items.iter().map(|item| item.label).collect();
        // The others are held in check by their dropout, and would miss the photos.
        let watch = if self.options.depth == Depth::Deep { WATCH } else { 0.0 };
        let division = Division { train_per_label: self.options.train_per_label, watch, seed: self.options.seed };
        divide(&labels, &groups(&prints), division)
    }

    /// Trains, from the checkpoint if there is one of this very lesson.
    fn learn(
        &self,
        cx: &JobCx<'_>,
        teacher: &Teacher,
        identity: u64,
    ) -> Result<(Ending, Vec<CurvePoint>), EngineError> {
        let kept: Option<Kept> = cx
            .checkpoint()?
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .filter(|kept: &Kept| kept.lesson == identity);
        let (mut curve, checkpoint) = match kept {
            Some(kept) => (kept.curve, Some(Checkpoint(kept.checkpoint))),
            None => (Vec::new(), None),
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
            (Some(ending), _) => Ok((ending, thinned(curve))),
            (None, Some(error)) => Err(error),
            (None, None) => Err(EngineError::Cancelled),
        }
    }

    fn hear(
        &self,
        cx: &JobCx<'_>,
        job: Option<i64>,
        lesson: u64,
        curve: &mut Vec<CurvePoint>,
        moment: Moment,
    ) -> Result<(), EngineError> {
        let Moment { step, steps, loss, accuracy, checkpoint } = moment;
        curve.push(CurvePoint { step: step as u64, loss, accuracy });
        if let Some(job) = job {
            let mut curves = cx.engine().curves().lock().unwrap_or_else(PoisonError::into_inner);
            curves.entry(job).or_default().clone_from(&thinned(curve.clone()));
        }
        if let Some(Checkpoint(checkpoint)) = checkpoint {
            let kept = Kept { lesson, curve: curve.clone(), checkpoint };
            let bytes = serde_json::to_vec(&kept).map_err(|e| EngineError::BadVersion { reason: e.to_string() })?;
            cx.keep_checkpoint(&bytes)?;
        }
        cx.progress("train", step as u64, steps as u64, None)
    }
}

/// At most [`CURVE`] points, those with an accuracy among them.
fn thinned(curve: Vec<CurvePoint>) -> Vec<CurvePoint> {
    let every = curve.len().div_ceil(CURVE).max(1);
    let last = curve.len().saturating_sub(1);
    let keep = |(index, point): (usize, CurvePoint)| {
        (index % every == 0 || index == last || point.accuracy.is_some()).then_some(point)
    };
    curve.into_iter().enumerate().filter_map(keep).collect()
}

/// What a lesson is about; another lesson has another number. It is the same in every release and on every machine: a
/// checkpoint is found by it.
fn identity(options: &TeachOptions, items: &[Item], parts: &[Part]) -> u64 {
    let mut hash = blake3::Hasher::new();
    // Each piece after its length, so that no two lists of pieces read alike.
    let mut add = |bytes: &[u8]| {
        hash.update(&(bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    add(serde_json::to_string(options).unwrap_or_default().as_bytes());
    for (item, part) in items.iter().zip(parts) {
        add(item.path.as_os_str().as_encoded_bytes());
        add(&item.label.map_or(u64::MAX, |label| label as u64).to_le_bytes());
        add(&(item.captions.len() as u64).to_le_bytes());
        item.captions.iter().for_each(|caption| add(caption.as_bytes()));
        add(&[*part as u8]);
    }
    hash.finalize().as_bytes()[..8].iter().rev().fold(0u64, |number, byte| number << 8 | u64::from(*byte))
}

/// The lesson over the photos that are not held out.
fn lesson(
    cx: &JobCx<'_>,
    host: &ModelHost,
    gathered: &Gathered,
    items: &[Item],
    photos: &[Read],
    parts: &[Part],
) -> Result<Lesson, EngineError> {
    let prompts = &host.spec()?.prompts;
    let prompts =
        if gathered.labels.len() > LABELS_WITH_ALL_PROMPTS { &prompts[..1.min(prompts.len())] } else { prompts };
    let mut lesson = Lesson { labels: gathered.labels.clone(), ..Lesson::default() };
    for label in &gathered.labels {
        let first = lesson.sentences.len();
        lesson.sentences.extend(prompts.iter().map(|prompt| prompt.replace("{}", label)));
        lesson.label_sentences.push((first..lesson.sentences.len()).collect());
    }
    let mut left_out = vec![0usize; gathered.labels.len()];
    let per_label = TEACHABLE_DEEP / gathered.labels.len().max(1);
    for ((item, photo), part) in items.iter().zip(photos).zip(parts) {
        if let (Some(label), true) = (item.label, photo.input.is_some()) {
            left_out[label] += 1;
            if left_out[label] > per_label.max(1) {
                continue;
            }
        }
        let first = lesson.sentences.len();
        let sentences = match part {
            Part::Train => {
                lesson.sentences.extend(item.captions.iter().cloned());
                (first..lesson.sentences.len()).collect()
            }
            _ => Vec::new(),
        };
        let example =
            Example { vectors: photo.vectors.clone(), input: photo.input.clone(), label: item.label, sentences };
        match part {
            Part::Train => lesson.train.push(example),
            Part::Watch => lesson.watch.push(example),
            Part::HeldOut => {}
        }
    }
    for chunk in lesson.sentences.chunks(SENTENCES) {
        cx.progress("look", lesson.sentence_vectors.len() as u64, lesson.sentences.len() as u64, None)?;
        lesson.sentence_vectors.extend(host.embed_texts(Lane::Batch, chunk.to_vec()).wait()?);
    }
    Ok(lesson)
}

/// The labels in the shared space.
fn label_embeddings(
    cx: &JobCx<'_>,
    host: &ModelHost,
    labels: &[String],
    lesson: &Lesson,
) -> Result<Vec<Embedding>, EngineError> {
    if labels.len() > LABELS_WITH_ALL_PROMPTS {
        // One sentence each, which is there already.
        return Ok(lesson.label_sentences.iter().map(|own| lesson.sentence_vectors[own[0]].clone()).collect());
    }
    let mut classes = Vec::with_capacity(labels.len());
    for label in labels {
        cx.check()?;
        classes.push(host.embed_class(Lane::Batch, label.clone()).wait()?);
    }
    Ok(classes)
}

/// What the untaught model, by the embeddings of the labels, and the version make of the photos held out.
fn tell(
    cx: &JobCx<'_>,
    host: &ModelHost,
    classes: &[Embedding],
    version: &Version,
    items: &[Item],
    photos: &[Read],
    held_out: &[usize],
) -> Result<Vec<Told>, EngineError> {
    let total = held_out.len() as u64;
    cx.progress("evaluate", 0, total, None)?;
    if held_out.is_empty() {
        return Ok(Vec::new());
    }
    let calibration = host.ready(Lane::Batch).wait()?.calibration;
    let before = |vectors: &PhotoVectors| -> Option<usize> {
        let scores: Vec<f32> = classes.iter().map(|class| class.dot(&vectors.shared)).collect();
        let best = scores.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1))?;
        let is_match = classes.len() > 1 || calibration.scale(&classes[0]).judge(*best.1) != sightline_vlm::Match::None;
        is_match.then_some(best.0)
    };
    let taught = match version.depth() {
        Depth::Deep => Some(host.with_version(Some(std::sync::Arc::new(version.clone())))?),
        _ => None,
    };
    let mut told = Vec::with_capacity(held_out.len());
    for part in held_out.chunks(64) {
        let now: Vec<PhotoVectors> = match &taught {
            None => version.adapt_photos(part.iter().map(|&i| photos[i].vectors.clone()).collect()),
            Some(taught) => {
                let inputs = part.iter().filter_map(|&i| photos[i].input.clone()).collect();
                taught.embed_images(Lane::Batch, inputs).wait()?
            }
        };
        for (&index, after) in part.iter().zip(version.classify(&now)) {
            let Some(label) = items[index].label else { continue };
            told.push(Told {
                photo: items[index].photo.map(|photo| photo.0),
                path: items[index].path.clone(),
                label,
                before: before(&photos[index].vectors),
                after,
            });
        }
        cx.progress("evaluate", told.len() as u64, total, None)?;
        cx.check()?;
    }
    Ok(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> TeachOptions {
        TeachOptions {
            depth: Depth::Adapter,
            epochs: None,
            learning_rate: None,
            batch: None,
            seed: 1,
            train_per_label: None,
            alternating: false,
            objectives: None,
        }
    }

    #[test]
    fn settings_that_lead_nowhere_are_refused_before_anything_begins() {
        assert!(options().check().is_ok());
        for rate in [f64::NAN, f64::INFINITY, -1e-3, 0.0, 1e9] {
            let options = TeachOptions { learning_rate: Some(rate), ..options() };
            assert_eq!(options.check().unwrap_err().code(), "setting_wrong", "{rate}");
            let job = TeachJob::new(Source::Albums(Vec::new()), options);
            assert_eq!(Job::check(&job).unwrap_err().code(), "setting_wrong");
        }
        let wrong = [
            TeachOptions { epochs: Some(0), ..options() },
            TeachOptions { epochs: Some(usize::MAX), ..options() },
            TeachOptions { batch: Some(0), ..options() },
            TeachOptions { train_per_label: Some(0), ..options() },
        ];
        for options in wrong {
            assert_eq!(options.check().unwrap_err().code(), "setting_wrong", "{options:?}");
        }
        let weights = |keep| Some(Objectives { contrastive: 0.0, classes: 0.0, captions: 0.0, keep });
        for keep in [f64::NAN, -1.0, 0.0] {
            assert!(TeachOptions { objectives: weights(keep), ..options() }.check().is_err(), "{keep}");
        }
        assert!(TeachOptions { objectives: weights(1.0), ..options() }.check().is_ok());
    }
}
