//! The bundled model's towers: EfficientNet-Lite2 and MiniLM-L6, with heads fitted on top of them.

use std::path::Path;

use burn::tensor::{Device, Tensor, TensorData};

use super::info::ModelInfo;
use super::tokenizer::TokenBatch;
use super::{DESCRIPTOR_FILE, HEADS_FILE, IMAGE_FILE, TEXT_FILE, to_rows, token_tensors, weights};
use crate::cpu::transformer::floats;
use crate::cpu::{CpuBert, CpuEfficientNet, CpuImageHeads, PooledRows};
use crate::descriptor::{Descriptor, bands};
use crate::heads::{Heads, Pooled, TextHead, embed_texts};
use crate::nn::bert::{BertConfig, BertEncoder};
use crate::nn::efficientnet::{EfficientNet, EfficientNetConfig};
use crate::tune::Version;
use crate::{DescriptorConfig, DeviceKind, HeadsConfig, VlmError};

/// Towers and heads on a device.
#[derive(Debug)]
pub(crate) struct HomeEncoder {
    image: ImageTower,
    text: TextTower,
    image_heads: ImageHeads,
    text_heads: Vec<TextHead>,
    members: usize,
    device: Device,
}

/// The image tower in the form the device runs best.
#[derive(Debug)]
enum ImageTower {
    Cpu(Box<CpuEfficientNet>),
    Tensor(Box<EfficientNet>),
}

/// Image heads and descriptor in the form the device runs best.
#[derive(Debug)]
enum ImageHeads {
    Cpu(Box<CpuImageHeads>),
    Tensor(Box<(Heads, Descriptor)>),
}

/// The text tower in the form the device runs best.
#[derive(Debug)]
enum TextTower {
    Cpu(Box<CpuBert>),
    Tensor(Box<BertEncoder>),
}

impl ModelInfo {
    /// Sizes of heads and descriptors.
    ///
    /// # Errors
    /// [`VlmError::Lacks`] for a published dual encoder.
    pub(crate) fn home(&self) -> Result<(&HeadsConfig, &DescriptorConfig), VlmError> {
        let lacks = || VlmError::Lacks { model: self.name.clone(), needs: "heads of its own" };
        self.heads.as_ref().zip(self.descriptor.as_ref()).ok_or_else(lacks)
    }
}

impl HomeEncoder {
    /// Loads the towers from `dir`, with what `version` was taught.
    ///
    /// # Errors
    /// Those of the files.
    pub fn load(
        dir: &Path,
        info: &ModelInfo,
        version: Option<&Version>,
        device: &Device,
        kind: DeviceKind,
    ) -> Result<Self, VlmError> {
        let (heads_config, descriptor_config) = info.home()?;
        let mut tower = EfficientNetConfig::new().init(device);
        weights::load(&mut tower, &dir.join(IMAGE_FILE))?;
        let bert = BertConfig::new();
        let mut encoder = bert.init(device);
        weights::load(&mut encoder, &dir.join(TEXT_FILE))?;
        let mut heads = heads_config.init(device);
        weights::load(&mut heads, &dir.join(HEADS_FILE))?;
        let mut descriptor = descriptor_config.init(device);
        weights::load(&mut descriptor, &dir.join(DESCRIPTOR_FILE))?;
        if let Some(version) = version {
            version.merge_image(&mut tower, device);
            version.merge_text(&mut encoder, device);
        }
        let text_heads = heads.text.clone();
        let (image, text, image_heads) = match kind {
            DeviceKind::Cpu => (
                ImageTower::Cpu(Box::new(CpuEfficientNet::new(&tower))),
                TextTower::Cpu(Box::new(CpuBert::new(&encoder, bert.norm_epsilon))),
                ImageHeads::Cpu(Box::new(CpuImageHeads::new(&heads, &descriptor))),
            ),
            _ => (
                ImageTower::Tensor(Box::new(tower)),
                TextTower::Tensor(Box::new(encoder)),
                ImageHeads::Tensor(Box::new((heads, descriptor))),
            ),
        };
        let members = heads_config.members;
        Ok(Self { image, text, image_heads, text_heads, members, device: device.clone() })
    }

    /// Normalised photos to feature maps `[batch, positions, features]` and stage summaries `[batch, summary]`.
    pub fn features(&self, floats: &[Vec<f32>], side: usize) -> (Tensor<3>, Tensor<2>) {
        let batch = floats.len();
        match &self.image {
            ImageTower::Cpu(tower) => {
                let given = tower.forward(floats, side);
                let (features, summary) = (tower.features(), tower.summary_width());
                let positions = given[0].map.len() / features;
                let maps = given.iter().flat_map(|photo| &photo.map).copied().collect();
                let summaries = given.iter().flat_map(|photo| &photo.summary).copied().collect();
                (
                    Tensor::from_data(TensorData::new::<f32, _>(maps, [batch, positions, features]), &self.device),
                    Tensor::from_data(TensorData::new::<f32, _>(summaries, [batch, summary]), &self.device),
                )
            }
            ImageTower::Tensor(tower) => {
                let data = TensorData::new(floats.concat(), [batch, side, side, 3]);
                let pixels = Tensor::<4>::from_data(data, &self.device).permute([0, 3, 1, 2]);
                let given = tower.forward(pixels);
                (given.map.flatten::<3>(2, 3).swap_dims(1, 2), given.summary)
            }
        }
    }

    /// Normalised photos to vectors in the shared space and descriptors, side by side.
    ///
    /// # Errors
    /// What the device says.
    pub fn photos(&self, floats: &[Vec<f32>], side: usize) -> Result<Vec<f32>, String> {
        if let (ImageTower::Cpu(tower), ImageHeads::Cpu(heads)) = (&self.image, &self.image_heads) {
            // On the pool's own threads from end to end: waking them up between two steps would take as long as some steps.
            return Ok(rayon::scope(|_| {
                heads.vectors(&PooledRows::of(&tower.forward(floats, side), tower.features()))
            }));
        }
        let (map, summary) = self.features(floats, side);
        let bands = bands(map.clone());
        to_rows(self.vectors(Pooled::of(map, summary), bands))
    }

    /// Vectors in the shared space and descriptors, side by side.
    pub fn vectors(&self, pooled: Pooled, bands: Tensor<3>) -> Tensor<2> {
        match &self.image_heads {
            ImageHeads::Cpu(heads) => {
                let photos = pooled.mean.dims()[0];
                self.tensor(heads.vectors(&rows(pooled, Some(bands))), photos)
            }
            ImageHeads::Tensor(both) => {
                let (heads, descriptor) = &**both;
                let pooled = heads.standardised(pooled);
                let descriptors = descriptor.forward(&pooled, bands);
                Tensor::cat(vec![heads.project_images(&pooled), descriptors], 1)
            }
        }
    }

    /// Embeddings `[batch, dims]` of unit length, by the untaught heads.
    pub fn embeddings(&self, pooled: &Pooled) -> Tensor<2> {
        let parts = match &self.image_heads {
            ImageHeads::Cpu(heads) => self.tensor(heads.shared(&rows(pooled.clone(), None)), pooled.mean.dims()[0]),
            ImageHeads::Tensor(both) => both.0.embed_images(pooled),
        };
        // Each member has unit length; together they shall.
        parts / (self.members as f64).sqrt()
    }

    /// Rows of numbers on the device.
    fn tensor(&self, values: Vec<f32>, rows: usize) -> Tensor<2> {
        let width = values.len() / rows;
        Tensor::from_data(TensorData::new(values, [rows, width]), &self.device)
    }

    /// The vectors of each part of a photo, row by row over the map's positions. A part is a position of the map with its
    /// neighbours; the stage summary stays that of the whole photo, so that only what the last features say differs from
    /// part to part.
    pub fn parts(&self, photo: &[Vec<f32>], side: usize) -> Tensor<2> {
        let (map, summary) = self.features(photo, side);
        let [_, positions, features] = map.dims();
        let side = positions.isqrt();
        let grid = map.reshape([side, side, features]);
        let part = |position: usize| {
            let around = |at: usize| at.saturating_sub(1)..(at + 2).min(side);
            let (rows, columns) = (around(position / side), around(position % side));
            let count = rows.len() * columns.len();
            grid.clone().slice([rows, columns, 0..features]).reshape([1, count, features])
        };
        let pooled = (0..positions).map(|position| Pooled::of(part(position), summary.clone()));
        let (means, maxima): (Vec<_>, Vec<_>) = pooled.map(|p| (p.mean, p.max)).unzip();
        let summary = summary.clone().repeat_dim(0, positions);
        // The bands, too, stay those of the whole photo.
        let bands = bands(grid.reshape([1, positions, features])).repeat_dim(0, positions);
        self.vectors(Pooled { mean: Tensor::cat(means, 0), max: Tensor::cat(maxima, 0), summary }, bands)
    }

    /// Sentences to vectors in the shared space, `[batch, dims]`.
    pub fn sentences(&self, tokens: &TokenBatch) -> Tensor<2> {
        let sentences = match &self.text {
            TextTower::Cpu(tower) => {
                let data = TensorData::new(tower.forward(tokens), [tokens.batch, tower.sentence_width()]);
                Tensor::from_data(data, &self.device)
            }
            TextTower::Tensor(tower) => {
                let (ids, mask) = token_tensors(tokens, &self.device);
                tower.forward(ids, mask)
            }
        };
        embed_texts(&self.text_heads, sentences)
    }
}

fn rows(pooled: Pooled, bands: Option<Tensor<3>>) -> PooledRows {
    PooledRows {
        mean: floats(pooled.mean),
        max: floats(pooled.max),
        summary: floats(pooled.summary),
        bands: bands.map(floats).unwrap_or_default(),
    }
}
