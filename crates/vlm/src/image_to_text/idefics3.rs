//! Idefics3 (Laurençon et al. 2024, arXiv:2408.12637) as SmolVLM has it (Marafioti et al. 2025, arXiv:2504.05299): the states
//! of an image tower, so many neighbours in one, take the places of image tokens in a language model's prompt. One tile.

use std::path::Path;

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor};

use super::config::Idefics3Config;
use super::tower::Tower;
use super::{CONNECTOR_FILE, DECODER_FILE};
use crate::caption::generate::{NextToken, floats, ints};
use crate::model::IMAGE_FILE;
use crate::nn::kv_cache::KvCache;
use crate::nn::llama::Llama;
use crate::{DeviceKind, VlmError, weights};

/// From the image tower's states to the language model's tokens.
#[derive(Module, Debug)]
pub struct Connector {
    /// Of neighbouring states side by side.
    pub projection: Linear,
}

impl Connector {
    /// `[1, side * side, width]` to `[1, side / factor * side / factor, d_model]`: a square of `factor` states a side is one
    /// token.
    fn forward(&self, states: Tensor<3>, factor: usize) -> Tensor<3> {
        let [_, tokens, width] = states.dims();
        let side = tokens.isqrt();
        let few = side / factor;
        let squares = states.reshape([few, factor, few, factor, width]).permute([0, 2, 1, 3, 4]);
        self.projection.forward(squares.reshape([1, few * few, factor * factor * width]))
    }
}

/// Idefics3's networks on a device.
#[derive(Debug)]
pub struct Idefics3 {
    tower: Tower,
    connector: Connector,
    text: Llama,
    scale_factor: usize,
    image_id: i32,
    device: Device,
}

impl Idefics3 {
    /// Loads what `config` describes from `dir`.
    ///
    /// # Errors
    /// [`VlmError::Missing`] or [`VlmError::BadWeights`].
    pub fn load(dir: &Path, config: &Idefics3Config, device: &Device, kind: DeviceKind) -> Result<Self, VlmError> {
        let tower = Tower::load(&dir.join(IMAGE_FILE), &config.image, device, kind)?;
        let inner = config.image.d_model * config.scale_factor.pow(2);
        let projection = LinearConfig::new(inner, config.text.d_model).with_bias(false).init(device);
        let mut connector = Connector { projection };
        weights::load(&mut connector, &dir.join(CONNECTOR_FILE))?;
        let mut text = config.text.init(device);
        weights::load(&mut text, &dir.join(DECODER_FILE))?;
        let (scale_factor, image_id) = (config.scale_factor, config.image_id);
        Ok(Self { tower, connector, text, scale_factor, image_id, device: device.clone() })
    }

    /// Looks at a normalised photo, whose tokens take the places of the image tokens in `prompt`.
    pub fn begin(&self, photo: Vec<f32>, prompt: &[i32]) -> Idefics3Text<'_> {
        let image = self.connector.forward(self.tower.states(photo, &self.device), self.scale_factor);
        let [_, count, width] = image.dims();
        let mut parts: Vec<Tensor<3>> = Vec::new();
        let mut next = 0; // of the photo's tokens
        for run in prompt.chunk_by(|a, b| (*a == self.image_id) == (*b == self.image_id)) {
            let words = |ids: &[i32]| self.text.embed(ints(ids, &self.device)).reshape([1, ids.len(), width]);
            let taken = if run[0] == self.image_id { run.len().min(count - next) } else { 0 };
            if taken > 0 {
                parts.push(image.clone().narrow(1, next, taken));
                next += taken;
            }
            if taken < run.len() {
                parts.push(words(&run[taken..]));
            }
        }
        Idefics3Text { model: self, prompt: Some(Tensor::cat(parts, 1)), cache: KvCache::default() }
    }
}

/// A text under way.
pub struct Idefics3Text<'a> {
    model: &'a Idefics3,
    /// What is read before the first token.
    prompt: Option<Tensor<3>>,
    cache: KvCache,
}

impl NextToken for Idefics3Text<'_> {
    fn next(&mut self, last: &[Option<i32>]) -> Vec<f32> {
        let embedded = match self.prompt.take() {
            Some(prompt) => prompt,
            None => {
                // A row without a token is one of a photo that is done.
                let last: Vec<i32> = last.iter().map(|token| token.unwrap_or_default()).collect();
                self.model.text.embed(ints(&last, &self.model.device)).unsqueeze_dim(1)
            }
        };
        floats(self.model.text.next(embedded, &mut self.cache))
    }

    fn select(&mut self, parents: &[i32]) {
        self.cache = std::mem::take(&mut self.cache).select(&ints(parents, &self.model.device));
    }
}
