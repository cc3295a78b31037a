//! The training loop of the caption decoder.

use burn::config::Config;
use burn::grad_clipping::GradientClipping;
use burn::module::{Module, Param, ParamGroup};
use burn::optim::{AdamWConfig, GradientsAccumulator, GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Int, Tensor, TensorData};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::loss::token_cross_entropy;
use super::{Course, Lesson};
use crate::caption::decoder::{Decoder, DecoderConfig, Noise};
use crate::caption::vocabulary::{END, PAD, START};
use crate::{VlmError, weights};

/// Settings of a run; the defaults were chosen on the dev split.
#[derive(Config, Debug)]
pub struct CaptionConfig {
    /// The decoder to fit.
    pub decoder: DecoderConfig,
    /// Passes over the course.
    #[config(default = 8)]
    pub epochs: usize,
    /// Photos or sentences in a batch.
    #[config(default = 64)]
    pub batch: usize,
    /// Longest sentence in tokens; what is longer is passed over or cut.
    #[config(default = 17)]
    pub longest: usize,
    /// Probability of dropping a unit.
    #[config(default = 0.2)]
    pub dropout: f64,
    /// Parts of a batch that are computed side by side.
    #[config(default = 2)]
    pub parts: usize,
    /// Highest learning rate, reached after the warm-up.
    #[config(default = 1e-3)]
    pub learning_rate: f64,
    /// Steps in which the rate rises; then it falls along a cosine to zero.
    #[config(default = 100)]
    pub warm_up: usize,
    /// Decoupled weight decay of matrices; vectors have none.
    #[config(default = 0.05)]
    pub weight_decay: f32,
    /// Norm that each gradient tensor is clipped to.
    #[config(default = 1.0)]
    pub clip_norm: f32,
    /// Share of the target that is spread over the vocabulary.
    #[config(default = 0.1)]
    pub label_smoothing: f32,
    /// Seed of weights, batches and dropout.
    #[config(default = 0)]
    pub seed: u64,
}

/// One step of training.
#[derive(Debug, Clone, Copy)]
pub struct CaptionStep {
    /// Steps done.
    pub done: usize,
    /// Steps in all.
    pub total: usize,
    /// Cross-entropy of the step in nats a token, smoothing included.
    pub loss: f32,
}

/// Fits a decoder to `course`, from the weights in `init` if given, and saves it to `out` whenever
/// `on_epoch`, which is shown the decoder, asks for it: early stopping by the caller's measure.
///
/// `shared_mean` `[shared]` is what photos' embeddings have in common. The run is the same for the same data
/// and settings.
///
/// # Errors
/// [`VlmError::BadWeights`] when weights cannot be read or saved.
pub fn fit(
    config: &CaptionConfig,
    course: &impl Course,
    shared_mean: Vec<f32>,
    init: Option<&std::path::Path>,
    out: &std::path::Path,
    mut on_step: impl FnMut(CaptionStep),
    mut on_epoch: impl FnMut(usize, &Decoder) -> bool,
) -> Result<(), VlmError> {
    let plain = Device::flex();
    plain.seed(config.seed);
    let device = plain.autodiff();
    let mut rng = StdRng::seed_from_u64(config.seed);
    let mut decoder = config.decoder.init(&device);
    if let Some(init) = init {
        weights::load(&mut decoder, init)?;
    }
    let mean = Tensor::<1>::from_floats(shared_mean.as_slice(), &device);
    decoder.shared_mean = Param::from_tensor(mean).set_require_grad(false);
    let mut optimiser = optimiser(config);
    let epoch_steps = course.batches(config.batch, &mut rng).len();
    let total = epoch_steps * config.epochs;
    let mut done = 0;
    for epoch in 1..=config.epochs {
        for batch in course.batches(config.batch, &mut rng) {
            let (loss, gradients) = step(config, course, &decoder, &batch, &mut rng, &device);
            decoder = optimiser.step(config.learning_rate * schedule(config.warm_up, done, total), decoder, gradients);
            done += 1;
            on_step(CaptionStep { done, total, loss });
        }
        let trained = decoder.valid();
        if on_epoch(epoch, &trained) {
            weights::save(&trained, out)?;
        }
    }
    Ok(())
}

/// Loss and gradients of a batch, the mean over its parts. Most of a step is not matrix products, which are all
/// that burn's CPU backend shares out over cores: so each part is a graph of its own, on a thread of its own.
fn step(
    config: &CaptionConfig,
    course: &impl Course,
    decoder: &Decoder,
    batch: &[usize],
    rng: &mut StdRng,
    device: &Device,
) -> (f32, GradientsParams) {
    let parts: Vec<(&[usize], u64)> =
        batch.chunks(batch.len().div_ceil(config.parts)).map(|part| (part, rng.random())).collect();
    let count = parts.len() as f32;
    let compute = |(part, seed): (&[usize], u64)| {
        // Graphs that share a parameter's node are one graph to burn: each part has nodes of its own.
        let decoder = &decoder.clone().fork(device);
        let (mut rng, noise) = (StdRng::seed_from_u64(seed), Noise::new(config.dropout, seed ^ 1));
        let lesson = course.lesson(part, config.longest, decoder, &noise, &mut rng, device);
        let (loss, surrogate) = loss(decoder, &lesson, config.label_smoothing, &noise, device);
        (loss, GradientsParams::from_grads((surrogate / count).backward(), decoder))
    };
    let done: Vec<(f32, GradientsParams)> = std::thread::scope(|scope| {
        let compute = &compute;
        let threads: Vec<_> = parts.into_iter().map(|part| scope.spawn(move || compute(part))).collect();
        threads.into_iter().map(|thread| thread.join().expect("a part of a step does not panic")).collect()
    });
    let mut gradients = GradientsAccumulator::new();
    let mut sum = 0.0;
    for (loss, part) in done {
        sum += loss / count;
        gradients.accumulate(decoder, part);
    }
    (sum, gradients.grads())
}

/// Teacher forcing: each token is to be told from those before it.
pub(crate) fn loss(
    decoder: &Decoder,
    lesson: &Lesson,
    smoothing: f32,
    noise: &Noise,
    device: &Device,
) -> (f32, Tensor<1>) {
    let sentences = &lesson.sentences;
    let longest = sentences.iter().map(Vec::len).max().unwrap_or(0) + 1;
    let mut ids = vec![PAD; sentences.len() * longest];
    let (mut kept, mut targets) = (Vec::new(), Vec::new());
    for (row, sentence) in sentences.iter().enumerate() {
        ids[row * longest] = START;
        for (i, &token) in sentence.iter().enumerate() {
            ids[row * longest + i + 1] = token;
        }
        kept.extend((0..=sentence.len()).map(|i| (row * longest + i) as i32));
        targets.extend(sentence.iter().copied().chain([END]));
    }
    let ids = Tensor::<2, Int>::from_data(TensorData::new(ids, [sentences.len(), longest]), device);
    let states = decoder.states(ids, &lesson.memory, Some(noise));
    let [rows, tokens, width] = states.dims();
    let kept = Tensor::<1, Int>::from_data(kept.as_slice(), device);
    let states = states.reshape([rows * tokens, width]).select(0, kept);
    token_cross_entropy(states, decoder.word.weight.val(), &targets, smoothing)
}

/// AdamW (Loshchilov & Hutter 2017); biases and norms do not decay.
fn optimiser(config: &CaptionConfig) -> ModuleOptimizer {
    let adam = |decay| AdamWConfig::new().with_beta_2(0.98).with_epsilon(1e-8).with_weight_decay(decay);
    let clipping = || Some(GradientClipping::Norm(config.clip_norm));
    let mut optimiser = adam(config.weight_decay).init().with_grad_clipping(GradientClipping::Norm(config.clip_norm));
    for vector in ["bias", "gamma", "beta"] {
        optimiser = optimiser.with_group(ParamGroup::from_predicate(vector), adam(0.0).build(), clipping());
    }
    optimiser
}

/// Linear warm-up, then half a cosine down to zero; a factor in 0..=1.
fn schedule(warm_up: usize, step: usize, total: usize) -> f64 {
    let rise = ((step + 1) as f64 / warm_up.max(1) as f64).min(1.0);
    rise * 0.5 * (1.0 + (std::f64::consts::PI * step as f64 / total as f64).cos())
}
