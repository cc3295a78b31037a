//! The training loop.

use burn::config::Config;
use burn::grad_clipping::GradientClipping;
use burn::module::{Module, Param, ParamGroup};
use burn::optim::{AdamWConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Distribution, Tensor};
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};

use super::losses::{contrastive, distillation, soft_cross_entropy};
use super::probes::{Probes, floats, matrix, pooled};
use super::{DevScores, Step, TrainingData};
use crate::heads::{Heads, HeadsConfig, Pooled};
use crate::retrieval::{image_to_text, text_to_image};
use crate::{Embedding, VlmError, weights};

/// Settings of a run; the defaults were chosen on the dev split.
#[derive(Config, Debug)]
pub struct TrainConfig {
    /// The heads to fit.
    pub heads: HeadsConfig,
    /// Passes over the photos.
    #[config(default = 20)]
    pub epochs: usize,
    /// Photos in a batch; all their captions come along.
    #[config(default = 500)]
    pub photos_per_batch: usize,
    /// Highest learning rate, reached after the warm-up.
    #[config(default = 1e-3)]
    pub learning_rate: f64,
    /// Share of the steps in which the rate rises; then it falls along a cosine to zero.
    #[config(default = 0.05)]
    pub warm_up: f64,
    /// Decoupled weight decay of matrices; vectors have none.
    #[config(default = 0.1)]
    pub weight_decay: f32,
    /// Norm that each gradient tensor is clipped to.
    #[config(default = 2.0)]
    pub clip_norm: f32,
    /// Weight of the distillation loss; the contrastive loss has 1.
    #[config(default = 1.0)]
    pub distillation: f64,
    /// Weight of the loss on groups of classes.
    #[config(default = 0.2)]
    pub groups: f64,
    /// Probes in a batch.
    #[config(default = 800)]
    pub probes: usize,
    /// Steps of distillation alone, before captions come in: the space first learns the classifier's names.
    #[config(default = 400)]
    pub distillation_steps: usize,
    /// Probability of dropping an image feature or hidden unit when captions are matched.
    #[config(default = 0.5)]
    pub image_dropout: f64,
    /// Probability of dropping a hidden unit of the text head when captions are matched.
    #[config(default = 0.3)]
    pub text_dropout: f64,
    /// Probability of dropping a unit when the classifier is distilled.
    #[config(default = 0.1)]
    pub distillation_dropout: f64,
    /// Share of photos and probes that are seen without their stage summary.
    #[config(default = 0.3)]
    pub summary_dropout: f64,
    /// Standard deviation of the noise on a standardised stage summary.
    #[config(default = 0.5)]
    pub summary_noise: f64,
    /// Largest factor on cosines, as a logarithm (CLIP has 100).
    #[config(default = 4.6)]
    pub max_log_scale: f64,
    /// Seed of weights, batches, probes and dropout.
    #[config(default = 0)]
    pub seed: u64,
}

/// Fits heads to `train`, telling each step and each epoch's scores on `dev`, and saves them to `out`.
///
/// The run is the same for the same data, settings and number of cores.
///
/// # Errors
/// [`VlmError::BadWeights`] when the heads cannot be saved.
pub fn fit(
    config: &TrainConfig,
    train: &TrainingData,
    dev: &TrainingData,
    out: &std::path::Path,
    mut on_step: impl FnMut(Step),
    mut on_epoch: impl FnMut(usize, DevScores),
) -> Result<DevScores, VlmError> {
    let plain = Device::flex();
    plain.seed(config.seed);
    let device = plain.clone().autodiff();
    let mut rng = StdRng::seed_from_u64(config.seed);
    let mut heads = config.heads.init(&device);
    (heads.summary_mean, heads.summary_deviation) = summary_moments(train, &device);
    let mut optimiser = optimiser(config.weight_decay, config.clip_norm);
    let probes = Probes::new(train, &plain);
    let epoch_steps = train.photos() / config.photos_per_batch;
    let total = config.distillation_steps + epoch_steps * config.epochs;
    let mut order: Vec<usize> = (0..train.photos()).collect();
    let mut scores = evaluate(&heads.valid(), dev, &probes, &plain);
    for done in 0..total {
        let joint = done.checked_sub(config.distillation_steps);
        if joint.is_none_or(|step| step % epoch_steps == 0) {
            order.shuffle(&mut rng);
        }
        if joint == Some(0) {
            optimiser = self::optimiser(config.weight_decay, config.clip_norm);
        }
        let at = joint.unwrap_or(0) % epoch_steps * config.photos_per_batch;
        let batch =
            Batch::draw(config, &heads, train, &probes, &order[at..at + config.photos_per_batch], &mut rng, &device);
        let losses = Losses::of(config, &heads, &batch, joint.is_some(), &device);
        let members = config.heads.members as f32;
        let step = Step {
            done: done + 1,
            total,
            contrastive: losses.contrastive.clone().into_scalar::<f32>() / members,
            distillation: losses.distillation.clone().into_scalar::<f32>() / members,
        };
        let rate = config.learning_rate
            * match joint {
                None => 0.2 + 0.8 * schedule(config.warm_up, done, config.distillation_steps),
                Some(step) => schedule(config.warm_up, step, epoch_steps * config.epochs),
            };
        let gradients = GradientsParams::from_grads(losses.weighted(config).backward(), &heads);
        heads = optimiser.step(rate, heads, gradients);
        on_step(step);
        let epoch_ends = joint.map_or(done + 1 == config.distillation_steps, |step| (step + 1) % epoch_steps == 0);
        if epoch_ends {
            scores = evaluate(&heads.valid(), dev, &probes, &plain);
            on_epoch(joint.map_or(0, |step| (step + 1) / epoch_steps), scores);
        }
    }
    weights::save(&heads.valid(), out)?;
    Ok(scores)
}

/// Means and standard deviations of the stage summaries over the photos.
fn summary_moments(data: &TrainingData, device: &Device) -> (Param<Tensor<1>>, Param<Tensor<1>>) {
    let photos = data.photos();
    let (mut sum, mut squares) = (vec![0.0f64; data.summary], vec![0.0f64; data.summary]);
    for photo in 0..photos {
        for ((sum, square), value) in sum.iter_mut().zip(&mut squares).zip(data.summary_of(0, photo)) {
            *sum += f64::from(value);
            *square += f64::from(value).powi(2);
        }
    }
    let count = photos as f64;
    let mean: Vec<f32> = sum.iter().map(|sum| (sum / count) as f32).collect();
    let deviation: Vec<f32> = (sum.iter().zip(&squares))
        .map(|(sum, square)| ((square / count - (sum / count).powi(2)).max(0.0).sqrt() + 1e-3) as f32)
        .collect();
    let fixed = |values: Vec<f32>| {
        Param::from_tensor(Tensor::<1>::from_floats(values.as_slice(), device)).set_require_grad(false)
    };
    (fixed(mean), fixed(deviation))
}

/// AdamW (Loshchilov & Hutter 2017); biases, norms and scales do not decay.
pub(super) fn optimiser(weight_decay: f32, clip_norm: f32) -> ModuleOptimizer {
    let adam = |decay| AdamWConfig::new().with_beta_2(0.98).with_epsilon(1e-8).with_weight_decay(decay);
    let clipping = || Some(GradientClipping::Norm(clip_norm));
    let mut optimiser = adam(weight_decay).init().with_grad_clipping(GradientClipping::Norm(clip_norm));
    for vector in ["bias", "gamma", "beta", "scale"] {
        optimiser = optimiser.with_group(ParamGroup::from_predicate(vector), adam(0.0).build(), clipping());
    }
    optimiser
}

/// Linear warm-up over a share of the steps, then half a cosine down; a factor in 0..=1.
pub(super) fn schedule(warm_up: f64, step: usize, total: usize) -> f64 {
    let rise = ((step + 1) as f64 / (warm_up * total as f64).max(1.0)).min(1.0);
    rise * 0.5 * (1.0 + (std::f64::consts::PI * step as f64 / total as f64).cos())
}

/// What a step looks at.
struct Batch {
    photos: Pooled,
    captions: Tensor<2>,
    probes: Pooled,
    opinion: Tensor<2>,
    names: Tensor<2>,
    group_names: Tensor<2>,
    group_target: Tensor<2>,
}

impl Batch {
    fn draw(
        config: &TrainConfig,
        heads: &Heads,
        data: &TrainingData,
        probes: &Probes,
        photos: &[usize],
        rng: &mut StdRng,
        device: &Device,
    ) -> Self {
        let view = rng.random_range(0..data.views.len());
        let whole: Vec<_> = photos.iter().map(|&p| data.pooled(view, p, |_| true)).collect();
        let captions: Vec<f32> = photos.iter().flat_map(|&p| data.captions_of(p)).copied().collect();
        let drawn = probes.draw(data, view, photos, config.probes, rng);
        // The classifier is not trained: its opinion is computed beside the graph.
        let plain = device.clone().inner();
        let opinion = probes.opinion(pooled(&drawn, &plain).mean);
        let group_target = group_target(opinion.clone(), &data.groups.members);
        let (classes, groups) = (&data.classes.by_class, &data.groups.by_group);
        Self {
            photos: with_worn_summaries(config, heads.standardised(pooled(&whole, device))),
            captions: matrix(captions, photos.len() * data.captions_per_photo, data.width, device),
            probes: with_worn_summaries(config, heads.standardised(pooled(&drawn, device))),
            opinion: opinion.autodiff(),
            names: matrix(one_of_each(classes, data.width, rng), classes.len(), data.width, device),
            group_names: matrix(one_of_each(groups, data.width, rng), groups.len(), data.width, device),
            group_target: group_target.autodiff(),
        }
    }
}

/// Adds noise to the standardised summaries and puts the mean in place of some: other cameras give other
/// summaries than the photos at hand, and no head shall lean on them alone.
fn with_worn_summaries(config: &TrainConfig, pooled: Pooled) -> Pooled {
    let [rows, _] = pooled.summary.dims();
    let kept =
        Tensor::<2>::random([rows, 1], Distribution::Bernoulli(1.0 - config.summary_dropout), &pooled.summary.device());
    let noise = pooled.summary.random_like(Distribution::Normal(0.0, config.summary_noise));
    Pooled { summary: (pooled.summary + noise) * kept, ..pooled }
}

/// The losses of a batch, each summed over the members.
struct Losses {
    contrastive: Tensor<1>,
    distillation: Tensor<1>,
    groups: Tensor<1>,
}

impl Losses {
    /// Without `captions` the contrastive loss is zero.
    fn of(config: &TrainConfig, heads: &Heads, batch: &Batch, captions: bool, device: &Device) -> Self {
        let zero = || Tensor::<1>::zeros([1], device);
        let mut sum = Self { contrastive: zero(), distillation: zero(), groups: zero() };
        let dropout = config.distillation_dropout;
        for member in 0..heads.image.len() {
            let (image, text) = (&heads.image[member], &heads.text[member]);
            let scale = |log: Tensor<1>| log.narrow(0, member, 1).clamp_max(config.max_log_scale).exp();
            if captions {
                let images = image.forward(&batch.photos, config.image_dropout);
                let texts = text.forward(batch.captions.clone(), config.text_dropout);
                sum.contrastive = sum.contrastive + contrastive(images, texts, scale(heads.caption_scale.val()));
            }
            let class_scale = scale(heads.class_scale.val());
            let probes = image.forward(&batch.probes, dropout) * class_scale.unsqueeze();
            let logits = probes.clone().matmul(text.forward(batch.names.clone(), dropout).transpose());
            let group_logits = text.forward(batch.group_names.clone(), dropout).matmul(probes.transpose());
            sum.distillation = sum.distillation + distillation(logits, batch.opinion.clone());
            sum.groups = sum.groups + soft_cross_entropy(group_logits, batch.group_target.clone());
        }
        sum
    }

    fn weighted(self, config: &TrainConfig) -> Tensor<1> {
        self.contrastive + self.distillation * config.distillation + self.groups * config.groups
    }
}

/// One random sentence vector of each list.
fn one_of_each(lists: &[Vec<f32>], width: usize, rng: &mut StdRng) -> Vec<f32> {
    lists
        .iter()
        .flat_map(|list| {
            let pick = rng.random_range(0..list.len() / width);
            &list[pick * width..][..width]
        })
        .copied()
        .collect()
}

/// For each group a distribution over the probes: how much of the group the classifier sees in each.
///
/// Groups that hardly any probe shows get an all-zero row, which adds nothing to the loss.
fn group_target(opinion: Tensor<2>, members: &[Vec<usize>]) -> Tensor<2> {
    let [probes, classes] = opinion.dims();
    let device = opinion.device();
    let mut member = vec![0.0; classes * members.len()];
    for (group, of) in members.iter().enumerate() {
        of.iter().for_each(|&class| member[class * members.len() + group] = 1.0);
    }
    let seen = opinion.matmul(matrix(member, classes, members.len(), &device)); // [probes, groups]
    let shown = seen.clone().max_dim(0).greater_elem(0.5).float(); // [1, groups]
    let share = seen.clone() / seen.sum_dim(0).clamp_min(1e-9);
    (share * shown.expand([probes, members.len()])).transpose()
}

/// Scores of heads without dropout on photos they were not fitted to.
fn evaluate(heads: &Heads, dev: &TrainingData, probes: &Probes, device: &Device) -> DevScores {
    let photos = dev.photos();
    let whole: Vec<_> = (0..photos).map(|p| dev.pooled(0, p, |_| true)).collect();
    let whole = pooled(&whole, device);
    let rows = |t: Tensor<2>| -> Vec<Embedding> {
        let dims = t.dims()[1];
        Embedding::rows(&floats(t), dims, "CPU").expect("heads give unit vectors")
    };
    let images = heads.embed_images(&whole);
    let captions = heads.embed_texts(matrix(dev.captions.clone(), dev.captions.len() / dev.width, dev.width, device));
    let names = class_vectors(heads, dev, device);
    let mut rng = StdRng::seed_from_u64(1);
    let everyone: Vec<usize> = (0..photos).collect();
    let drawn = probes.draw(dev, 0, &everyone, 2 * photos, &mut rng);
    let drawn = pooled(&drawn, device);
    let drawn_images = heads.embed_images(&drawn);
    let agreement = agreement(images.clone().matmul(names.clone()), probes.opinion(whole.mean));
    let probe_agreement = self::agreement(drawn_images.matmul(names), probes.opinion(drawn.mean));
    let (images, captions) = (rows(images), rows(captions));
    let owner: Vec<usize> = (0..captions.len()).map(|i| i / dev.captions_per_photo).collect();
    DevScores {
        text_to_image: text_to_image(&captions, &images, &owner),
        image_to_text: image_to_text(&captions, &images, &owner),
        agreement,
        probe_agreement,
    }
}

/// The classes' embeddings, the mean over their evaluation prompts, `[dims, classes]`.
fn class_vectors(heads: &Heads, data: &TrainingData, device: &Device) -> Tensor<2> {
    let prompts = data.classes.evaluation[0].len() / data.width;
    let classes = data.classes.evaluation.len();
    let vectors = heads.embed_texts(matrix(data.classes.evaluation.concat(), classes * prompts, data.width, device));
    let dims = vectors.dims()[1];
    let mean = vectors.reshape([classes, prompts, dims]).mean_dim(1).squeeze_dim::<2>(1);
    let norm = mean.clone().powi_scalar(2).sum_dim(1).sqrt();
    (mean / norm).transpose()
}

/// Percent of rows whose highest logit is where the probability is highest, among those over a half.
fn agreement(logits: Tensor<2>, opinion: Tensor<2>) -> f64 {
    let classes = opinion.dims()[1];
    let first = |row: &[f32]| row.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map(|(i, v)| (i, *v));
    let (logits, opinion) = (floats(logits), floats(opinion));
    let sure: Vec<bool> = logits
        .chunks_exact(classes)
        .zip(opinion.chunks_exact(classes))
        .filter_map(|(logits, opinion)| {
            let (class, p) = first(opinion)?;
            (p > 0.5).then(|| first(logits).is_some_and(|(nearest, _)| nearest == class))
        })
        .collect();
    100.0 * sure.iter().filter(|&&s| s).count() as f64 / sure.len().max(1) as f64
}
