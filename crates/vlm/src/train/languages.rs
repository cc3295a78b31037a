//! Fitting the heads of the multilingual tower to the vectors of English sentences and to photos.

use burn::config::Config;
use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use half::f16;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::fit::{optimiser, schedule};
use super::losses::contrastive;
use super::probes::matrix;
use crate::languages::LanguagesConfig;
use crate::{HeadsConfig, VlmError, weights};

/// Settings of a run; the defaults were chosen on the dev split.
#[derive(Config, Debug)]
pub struct LanguageTrainConfig {
    /// Steps.
    #[config(default = 900)]
    pub steps: usize,
    /// Sentences in a batch; half of them have a photo.
    #[config(default = 1024)]
    pub batch: usize,
    /// Highest learning rate, reached after the warm-up.
    #[config(default = 1e-3)]
    pub learning_rate: f64,
    /// Share of the steps in which the rate rises; then it falls along a cosine to zero.
    #[config(default = 0.1)]
    pub warm_up: f64,
    /// Decoupled weight decay of matrices; vectors have none.
    #[config(default = 0.05)]
    pub weight_decay: f32,
    /// Probability of dropping a hidden unit.
    #[config(default = 0.2)]
    pub dropout: f64,
    /// Factor on cosines in both contrastive losses.
    #[config(default = 20.0)]
    pub scale: f64,
    /// Weight of one minus the cosine to the English sentence's vector.
    #[config(default = 4.0)]
    pub distance: f64,
    /// Weight of telling the English sentence's vector from those of the batch.
    #[config(default = 0.5)]
    pub sentences: f64,
    /// Weight of telling the photo from those of the batch.
    #[config(default = 2.0)]
    pub photos: f64,
    /// Seed of weights, batches and dropout.
    #[config(default = 0)]
    pub seed: u64,
}

/// Sentences, the vectors that they shall get, and their photos.
#[derive(Debug, Clone, Default)]
pub struct LanguageData {
    /// Length of a sentence vector.
    pub width: usize,
    /// Length of a vector in the shared space.
    pub dims: usize,
    /// Sentence vectors of the multilingual tower, `[sentences, width]`; those with a photo come first.
    pub sentences: Vec<f16>,
    /// The row of `targets` of each sentence.
    pub target_of: Vec<u32>,
    /// Vectors of English sentences, `[rows, dims]`, of unit length.
    pub targets: Vec<f32>,
    /// The row of `photos` of each sentence that has one.
    pub photo_of: Vec<u32>,
    /// Vectors of photos, `[rows, dims]`, of unit length.
    pub photos: Vec<f32>,
}

impl LanguageData {
    fn batch(&self, config: &LanguageTrainConfig, rng: &mut StdRng, device: &Device) -> [Tensor<2>; 3] {
        let half = config.batch / 2;
        let with: Vec<usize> = (0..half).map(|_| rng.random_range(0..self.photo_of.len())).collect();
        let all = self.target_of.len();
        let drawn: Vec<usize> =
            with.iter().copied().chain((half..config.batch).map(|_| rng.random_range(0..all))).collect();
        let sentences =
            drawn.iter().flat_map(|&s| &self.sentences[s * self.width..][..self.width]).map(|v| v.to_f32()).collect();
        let row = |rows: &'_ [f32], at: u32| rows[at as usize * self.dims..][..self.dims].to_vec();
        let targets = drawn.iter().flat_map(|&s| row(&self.targets, self.target_of[s])).collect();
        let photos = with.iter().flat_map(|&s| row(&self.photos, self.photo_of[s])).collect();
        [
            matrix(sentences, config.batch, self.width, device),
            matrix(targets, config.batch, self.dims, device),
            matrix(photos, half, self.dims, device),
        ]
    }
}

/// Fits heads to `data` and saves them to `out`; `on_step` is given the number of steps done and the loss.
///
/// The run is the same for the same data, settings and number of cores.
///
/// # Errors
/// [`VlmError::BadWeights`] when the heads cannot be saved.
pub fn fit_languages(
    config: &LanguageTrainConfig,
    sizes: (&LanguagesConfig, &HeadsConfig),
    data: &LanguageData,
    out: &std::path::Path,
    mut on_step: impl FnMut(usize, f32),
) -> Result<(), VlmError> {
    let plain = Device::flex();
    plain.seed(config.seed);
    let device = plain.clone().autodiff();
    let mut rng = StdRng::seed_from_u64(config.seed);
    let mut heads = sizes.0.init(sizes.1, &device);
    let members = (sizes.1.members as f64).sqrt();
    let mut optimiser = optimiser(config.weight_decay, 2.0);
    let scale = Tensor::<1>::from_floats([config.scale as f32], &device);
    for done in 0..config.steps {
        let [sentences, targets, photos] = data.batch(config, &mut rng, &device);
        let parts: Vec<Tensor<2>> =
            heads.text.iter().map(|head| head.forward(sentences.clone(), config.dropout)).collect();
        let vectors = Tensor::cat(parts, 1) / members;
        let cosine = (vectors.clone() * targets.clone()).sum() / config.batch as f64;
        let with = vectors.clone().narrow(0, 0, config.batch / 2);
        let loss = (cosine.neg() + 1.0) * config.distance
            + contrastive(targets, vectors, scale.clone()) * config.sentences
            + contrastive(photos, with, scale.clone()) * config.photos;
        let value = loss.clone().into_scalar::<f32>();
        let gradients = GradientsParams::from_grads(loss.backward(), &heads);
        let rate = config.learning_rate * schedule(config.warm_up, done, config.steps);
        heads = optimiser.step(rate, heads, gradients);
        on_step(done + 1, value);
    }
    weights::save(&heads.valid(), out)
}
