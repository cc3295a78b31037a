//! A published dual encoder: a vision transformer and a text tower, each with a map to the shared space.

use std::path::Path;

use burn::tensor::{Device, Tensor, TensorData};

use super::architecture::TextConfig;
use super::info::ModelInfo;
use super::token_table::TokenTable;
use super::tokenizer::TokenBatch;
use super::{IMAGE_FILE, TEXT_FILE, TOKENS_FILE, weights};
use crate::cpu::CpuVit;
use crate::cpu::vit::Precision;
use crate::nn::bert_text::BertText;
use crate::nn::text_transformer::{TextTransformer, TextTransformerConfig};
use crate::nn::vit::{Vit, VitConfig};
use crate::{DeviceKind, VlmError};

/// The towers on a device.
#[derive(Debug)]
pub(crate) struct DualEncoder {
    image: ImageTower,
    text: TextTower,
    table: TokenTable,
    device: Device,
}

/// The image tower in the form the device runs best.
#[derive(Debug)]
enum ImageTower {
    Cpu(Box<CpuVit>),
    Tensor(Box<Vit>),
}

#[derive(Debug)]
enum TextTower {
    Transformer(Box<TextTransformer>, TextTransformerConfig),
    Bert(Box<BertText>),
}

impl DualEncoder {
    /// Loads what `image` and `text` describe from `dir`.
    ///
    /// # Errors
    /// [`VlmError::Missing`], [`VlmError::Io`] or [`VlmError::BadWeights`].
    pub fn load(
        dir: &Path,
        info: &ModelInfo,
        image: &VitConfig,
        text: &TextConfig,
        device: &Device,
        kind: DeviceKind,
    ) -> Result<Self, VlmError> {
        let mut tower = image.init(info.dims, device);
        weights::load(&mut tower, &dir.join(IMAGE_FILE))?;
        let image = match kind {
            DeviceKind::Cpu => ImageTower::Cpu(Box::new(CpuVit::of_network(image, &tower, Precision::Float))),
            _ => ImageTower::Tensor(Box::new(tower)),
        };
        let path = dir.join(TEXT_FILE);
        let text_tower = match text {
            TextConfig::Transformer(config) => {
                let mut tower = config.init(info.dims, device);
                weights::load(&mut tower, &path)?;
                TextTower::Transformer(Box::new(tower), config.clone())
            }
            TextConfig::Bert(config) => {
                let mut tower = config.init(info.dims, device);
                weights::load(&mut tower, &path)?;
                TextTower::Bert(Box::new(tower))
            }
        };
        let table = TokenTable::open(&dir.join(TOKENS_FILE), text.table())?;
        Ok(Self { image, text: text_tower, table, device: device.clone() })
    }

    /// Normalised photos, `side * side * 3` interleaved numbers each, to vectors in the shared space and what was pooled
    /// before the map to it, side by side, `[batch, dims + d_model]`.
    pub fn photos(&self, photos: &[Vec<f32>], side: usize) -> Tensor<2> {
        let batch = photos.len();
        match &self.image {
            ImageTower::Cpu(tower) => {
                let given = tower.forward(photos);
                let rows = |numbers: Vec<f32>| {
                    let shape = [batch, numbers.len() / batch.max(1)];
                    Tensor::<2>::from_data(TensorData::new(numbers, shape), &self.device)
                };
                Tensor::cat(vec![rows(given.shared), rows(given.pooled)], 1)
            }
            ImageTower::Tensor(tower) => {
                let data = TensorData::new(photos.concat(), [batch, side, side, 3]);
                let pixels = Tensor::<4>::from_data(data, &self.device).permute([0, 3, 1, 2]);
                let given = tower.forward(pixels);
                Tensor::cat(vec![given.shared, given.pooled], 1)
            }
        }
    }

    /// The rows of the token table for a batch, `[batch * tokens * d_model]`.
    ///
    /// # Errors
    /// Those of [`TokenTable::rows`].
    pub fn embedded(&self, tokens: &TokenBatch) -> Result<Vec<f32>, VlmError> {
        self.table.rows(&tokens.ids)
    }

    /// Sentences to vectors in the shared space, `[batch, dims]`; `embedded` is what [`DualEncoder::embedded`] gave for them.
    pub fn sentences(&self, tokens: &TokenBatch, embedded: Vec<f32>) -> Tensor<2> {
        let shape = [tokens.batch, tokens.tokens, self.table.width()];
        let embedded = Tensor::<3>::from_data(TensorData::new(embedded, shape), &self.device);
        match &self.text {
            TextTower::Transformer(tower, config) => {
                let places = tokens.ids.chunks_exact(tokens.tokens).map(|ids| config.pooled_at(ids));
                tower.forward(embedded, &places.collect::<Vec<_>>())
            }
            TextTower::Bert(tower) => {
                let mask: Vec<f32> = tokens.mask.iter().map(|&m| m as f32).collect();
                let shape = [tokens.batch, tokens.tokens];
                tower.forward(embedded, Tensor::from_data(TensorData::new(mask, shape), &self.device))
            }
        }
    }
}
