//! The one training loop.

use std::ops::ControlFlow;

use burn::grad_clipping::GradientClipping;
use burn::module::Module;
use burn::optim::{AdamWConfig, GradientsParams, ModuleOptimizer, OptimizerRecord};
use burn::tensor::Bytes;
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use super::guard::MARGIN;
use super::pupil::Pupil;
use super::teacher::Teacher;
use super::version::Version;
use crate::VlmError;

/// A step of training, told as it is done.
#[derive(Debug, Clone)]
pub struct Moment {
    /// Steps done.
    pub step: usize,
    /// Steps in all, if nothing ends the run before.
    pub steps: usize,
    /// Joint loss of the step, in nats.
    pub loss: f64,
    /// Percent of the watched photos told right, when they have just been looked at.
    pub accuracy: Option<f64>,
    /// From here a run can go on, when it is worth keeping.
    pub checkpoint: Option<Checkpoint>,
}

/// All that a run needs to go on from a step, as bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint(pub Vec<u8>);

/// How a run ended.
#[derive(Debug)]
pub struct Ending {
    /// The best state; of those whose guard held, the one that told most of the watched photos right.
    pub version: Version,
    /// Recall at 10 of the guard by that state, in percent.
    pub guard: f64,
    /// Whether the guard fell further than it may, which ended the run.
    pub guard_fell: bool,
    /// Whether the watched photos were told no better for long, which ended the run.
    pub early: bool,
}

/// What a checkpoint keeps beside matrices.
#[derive(Debug, Clone, PartialEq)]
struct Kept {
    step: usize,
    epoch: usize,
    /// Of the best state so far: percent of the watched photos told right, the epoch since which nothing is better,
    /// and the guard's recall.
    best: Option<(f64, usize, f64)>,
}

/// Bytes of a [`Kept`].
const KEPT_BYTES: usize = 41;

impl Kept {
    fn to_bytes(&self) -> Vec<u8> {
        let (score, since, guard) = self.best.unwrap_or_default();
        let mut bytes = Vec::with_capacity(KEPT_BYTES);
        bytes.extend((self.step as u64).to_le_bytes());
        bytes.extend((self.epoch as u64).to_le_bytes());
        bytes.push(u8::from(self.best.is_some()));
        bytes.extend(score.to_le_bytes());
        bytes.extend((since as u64).to_le_bytes());
        bytes.extend(guard.to_le_bytes());
        bytes
    }

    /// None when these bytes are not what [`Kept::to_bytes`] makes.
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; KEPT_BYTES] = bytes.try_into().ok()?;
        let number = |at: usize| bytes[at..at + 8].try_into().map(u64::from_le_bytes).ok();
        let count = |at| number(at).and_then(|number| usize::try_from(number).ok());
        let best = match bytes[16] {
            0 => None,
            1 => Some((f64::from_bits(number(17)?), count(25)?, f64::from_bits(number(33)?))),
            _ => return None,
        };
        Some(Self { step: count(0)?, epoch: count(8)?, best })
    }

    /// Whether a run of `epochs` passes of `epoch_steps` steps can have come to this.
    fn is_reached_by(&self, epochs: usize, epoch_steps: usize) -> bool {
        self.epoch <= epochs
            && self.epoch.checked_mul(epoch_steps) == Some(self.step)
            && self
                .best
                .is_none_or(|(score, since, guard)| score.is_finite() && guard.is_finite() && since <= self.epoch)
    }
}

/// Teaches a fresh pupil, or goes on from a checkpoint of the same lesson and settings; none when `told` breaks.
///
/// AdamW (Loshchilov & Hutter 2017), linear warm-up, half a cosine down, clipped gradients. The same lesson, settings
/// and seed give the same version.
///
/// # Errors
/// [`VlmError::BadLesson`] when the checkpoint is of another lesson or damaged, which [`can_go_on`] tells before, and when
/// the loss becomes infinite.
pub fn teach(
    teacher: &Teacher,
    from: Option<&Checkpoint>,
    mut told: impl FnMut(Moment) -> ControlFlow<()>,
) -> Result<Option<Ending>, VlmError> {
    let config = &teacher.config;
    let epoch_steps = teacher.photos().div_ceil(config.batch.max(1));
    let steps = epoch_steps * config.epochs;
    let before = teacher.guard_before();
    if teacher.is_learned_at_once() {
        let version = teacher.version(&teacher.pupil()?.valid());
        return Ok(Some(Ending { version, guard: before, guard_fell: false, early: false }));
    }
    let mut optimiser = AdamWConfig::new()
        .with_beta_2(0.98)
        .with_epsilon(1e-8)
        .with_weight_decay(config.weight_decay)
        .init()
        .with_grad_clipping(GradientClipping::Norm(config.clip_norm));
    let (mut pupil, mut best, mut kept);
    match from {
        Some(checkpoint) => (pupil, best, optimiser, kept) = restore(teacher, checkpoint, optimiser)?,
        None => {
            pupil = teacher.pupil()?;
            best = pupil.clone().valid();
            kept = Kept { step: 0, epoch: 0, best: None };
        }
    }
    let (mut guard_fell, mut early) = (false, false);
    while kept.epoch < config.epochs && !guard_fell && !early {
        // Seeded by epoch, so that a run that goes on is the run that never stopped.
        let mut rng = StdRng::seed_from_u64(config.seed.wrapping_mul(1_000_003).wrapping_add(kept.epoch as u64));
        teacher.device.clone().inner().seed(config.seed.wrapping_add(1 + kept.epoch as u64));
        let mut order: Vec<usize> = (0..teacher.photos()).collect();
        order.shuffle(&mut rng);
        let watched = (kept.epoch + 1) % config.watch_every.max(1) == 0 || kept.epoch + 1 == config.epochs;
        for (index, batch) in order.chunks(config.batch.max(1)).enumerate() {
            let loss = teacher.loss(&pupil, batch, kept.step, &mut rng);
            let value = loss.clone().into_scalar::<f32>();
            if !value.is_finite() {
                let reason = format!("the loss of step {} is {value}; learn at a lower rate", kept.step + 1);
                return Err(VlmError::BadLesson { reason });
            }
            let gradients = GradientsParams::from_grads(loss.backward(), &pupil);
            pupil = optimiser.step(config.learning_rate * schedule(config.warm_up, kept.step, steps), pupil, gradients);
            kept.step += 1;
            let mut moment =
                Moment { step: kept.step, steps, loss: f64::from(value), accuracy: None, checkpoint: None };
            if watched && index + 1 == epoch_steps {
                let state = pupil.clone().valid();
                let guard = teacher.guard_recall(&state);
                moment.accuracy = teacher.accuracy(&state);
                guard_fell = guard < before - MARGIN;
                let score = moment.accuracy.unwrap_or(0.0);
                // Of equals the later one, which has seen more.
                if !guard_fell && kept.best.is_none_or(|(most, _, _)| score >= most) {
                    let improved = kept.best.is_none_or(|(most, _, _)| score > most) || moment.accuracy.is_none();
                    let since = if improved { kept.epoch } else { kept.best.map_or(kept.epoch, |best| best.1) };
                    kept.best = Some((score, since, guard));
                    best = state;
                }
                early = kept.best.is_some_and(|(_, since, _)| kept.epoch - since >= config.patience);
                // A run that ends here is not gone on with from here: killed now, it comes to this end again.
                if !guard_fell && !early {
                    let ahead = Kept { epoch: kept.epoch + 1, ..kept.clone() };
                    moment.checkpoint = Some(save(teacher, &pupil, &best, &optimiser, &ahead));
                }
            }
            if told(moment).is_break() {
                return Ok(None);
            }
        }
        kept.epoch += 1;
    }
    let guard = kept.best.map_or(before, |(_, _, guard)| guard);
    Ok(Some(Ending { version: teacher.version(&best), guard, guard_fell, early }))
}

/// Looks whether a run can go on from a checkpoint.
///
/// # Errors
/// [`VlmError::BadLesson`] when it is of another lesson or damaged.
pub fn can_go_on(teacher: &Teacher, from: &Checkpoint) -> Result<(), VlmError> {
    restore(teacher, from, AdamWConfig::new().init()).map(drop)
}

/// Linear warm-up over a share of the steps, then half a cosine down; a factor in 0..=1.
fn schedule(warm_up: f64, step: usize, total: usize) -> f64 {
    let rise = ((step + 1) as f64 / (warm_up * total as f64).max(1.0)).min(1.0);
    rise * 0.5 * (1.0 + (std::f64::consts::PI * step as f64 / total.max(1) as f64).cos())
}

fn save(teacher: &Teacher, pupil: &Pupil, best: &Pupil, optimiser: &ModuleOptimizer, kept: &Kept) -> Checkpoint {
    let flat = |pupil: &Pupil| -> Vec<u8> {
        let values = teacher.layout.values(pupil);
        values.iter().flat_map(|(_, _, values)| values).flat_map(|v| v.to_le_bytes()).collect()
    };
    let (now, best) = (flat(&pupil.valid()), flat(best));
    let moments = optimiser.to_record().into_bytes().map(|bytes| bytes.to_vec()).unwrap_or_default();
    let parts = [("now", now), ("best", best), ("moments", moments), ("kept", kept.to_bytes())];
    let views = parts.iter().map(|(name, bytes)| {
        (*name, TensorView::new(Dtype::U8, vec![bytes.len()], bytes).expect("as many bytes as there are"))
    });
    Checkpoint(safetensors::serialize(views, None).expect("plain bytes can be written"))
}

fn restore(
    teacher: &Teacher,
    checkpoint: &Checkpoint,
    optimiser: ModuleOptimizer,
) -> Result<(Pupil, Pupil, ModuleOptimizer, Kept), VlmError> {
    let bad = |reason: String| VlmError::BadLesson { reason: format!("the saved state cannot be used: {reason}") };
    let file = SafeTensors::deserialize(&checkpoint.0).map_err(|e| bad(e.to_string()))?;
    let part = |name: &str| file.tensor(name).map(|tensor| tensor.data().to_vec()).map_err(|e| bad(e.to_string()));
    let numbers = |name: &str| -> Result<Vec<Vec<f32>>, VlmError> {
        let bytes = part(name)?;
        let all: Vec<f32> = bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
        if bytes.len() % 4 != 0 || all.len() != teacher.layout.shapes().sum::<usize>() {
            return Err(bad("it is of another lesson".into()));
        }
        if all.iter().any(|number| !number.is_finite()) {
            return Err(bad(format!("{name} has a number that is none")));
        }
        let mut rest = all.as_slice();
        Ok(teacher
            .layout
            .shapes()
            .map(|length| {
                let (own, later) = rest.split_at(length);
                rest = later;
                own.to_vec()
            })
            .collect())
    };
    let epoch_steps = teacher.photos().div_ceil(teacher.config.batch.max(1));
    let kept = Kept::from_bytes(&part("kept")?)
        .filter(|kept| kept.is_reached_by(teacher.config.epochs, epoch_steps))
        .ok_or_else(|| bad("it is of another run".into()))?;
    let record =
        OptimizerRecord::from_bytes(Bytes::from_bytes_vec(part("moments")?)).map_err(|e| bad(e.to_string()))?;
    let now = teacher.layout.with(numbers("now")?, &teacher.device);
    let best = teacher.layout.with(numbers("best")?, &teacher.device.clone().inner());
    Ok((now, best, optimiser.load_record(record), kept))
}
