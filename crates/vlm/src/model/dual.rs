//! A published dual encoder: a vision transformer and a text tower, each with a map to the shared space.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};

use super::architecture::TextConfig;
use super::info::ModelInfo;
use super::rounding::{Drawn, drawn};
use super::token_table::TokenTable;
use super::tokenizer::TokenBatch;
use super::{IMAGE_FILE, TEXT_FILE, TOKENS_FILE, weights};
use crate::checkpoint::{SafetensorsFile, vit_shapes};
use crate::cpu::vit::Precision;
use crate::cpu::{CpuBertText, CpuTextTransformer, CpuVit, Named};
use crate::nn::bert_text::BertText;
use crate::nn::text_transformer::{TextTransformer, TextTransformerConfig};
use crate::nn::vit::{Vit, VitConfig};
use crate::{DeviceKind, VlmError};

/// How weights are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reading {
    /// What the layers of a text transformer are kept as on the CPU.
    pub text: Precision,
    /// Numbers of 32 bits that these halves could be of, drawn by this seed, in place of the halves.
    pub draw: Option<u64>,
}

impl Reading {
    /// The numbers of the files in 32 bits.
    pub const PLAIN: Self = Self { text: Precision::Float, draw: None };
}

/// The towers on a device.
#[derive(Debug)]
pub(crate) struct DualEncoder {
    /// Loaded when a photo comes: a search by words needs none.
    image: OnceLock<ImageTower>,
    image_config: VitConfig,
    text: TextTower,
    table: TokenTable,
    dir: PathBuf,
    dims: usize,
    device: Device,
    kind: DeviceKind,
    draw: Option<u64>,
}

/// The image tower in the form the device runs best.
#[derive(Debug)]
enum ImageTower {
    Cpu(Box<CpuVit>),
    Tensor(Box<Vit>),
}

/// The text tower in the form the device runs best.
#[derive(Debug)]
enum TextTower {
    CpuTransformer(Box<CpuTextTransformer>, TextTransformerConfig),
    CpuBert(Box<CpuBertText>),
    Transformer(Box<TextTransformer>, TextTransformerConfig),
    Bert(Box<BertText>),
}

impl DualEncoder {
    /// Loads the text tower that `text` describes from `dir`, and looks whether the image tower's file has what `image`
    /// describes.
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
        reading: Reading,
    ) -> Result<Self, VlmError> {
        let path = dir.join(IMAGE_FILE);
        let file = SafetensorsFile::open(&path)?;
        for (name, shape) in vit_shapes(image, info.dims) {
            file.halves(&name, &shape)?;
        }
        let table = TokenTable::open(&dir.join(TOKENS_FILE), text.table())?;
        let text = TextTower::load(&dir.join(TEXT_FILE), info.dims, text, device, kind, reading)?;
        Ok(Self {
            image: OnceLock::new(),
            image_config: image.clone(),
            text,
            table,
            dir: dir.into(),
            dims: info.dims,
            device: device.clone(),
            kind,
            draw: reading.draw,
        })
    }

    /// Loads the image tower if it is not loaded.
    ///
    /// # Errors
    /// [`VlmError::Missing`], [`VlmError::Io`] or [`VlmError::BadWeights`].
    pub fn want_image(&self) -> Result<(), VlmError> {
        if self.image.get().is_some() {
            return Ok(());
        }
        let mut tower = self.image_config.init(self.dims, &self.device);
        weights::load(&mut tower, &self.dir.join(IMAGE_FILE))?;
        if let Some(seed) = self.draw {
            tower = tower.map(&mut Drawn::new(seed));
        }
        let tower = match self.kind {
            DeviceKind::Cpu => {
                ImageTower::Cpu(Box::new(CpuVit::of_network(&self.image_config, &tower, Precision::Float)))
            }
            _ => ImageTower::Tensor(Box::new(tower)),
        };
        self.image.get_or_init(|| tower);
        Ok(())
    }

    /// Normalised photos, `side * side * 3` interleaved numbers each, to vectors in the shared space and what was pooled
    /// before the map to it, side by side, `[batch, dims + d_model]`. [`DualEncoder::want_image`] goes before.
    pub fn photos(&self, photos: &[Vec<f32>], side: usize) -> Tensor<2> {
        let batch = photos.len();
        match self.image.get().expect("the image tower was asked for") {
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
        let places = |config: &TextTransformerConfig| -> Vec<usize> {
            tokens.ids.chunks_exact(tokens.tokens).map(|ids| config.pooled_at(ids)).collect()
        };
        let shape = [tokens.batch, tokens.tokens, self.table.width()];
        let on_device = |embedded| Tensor::<3>::from_data(TensorData::new(embedded, shape), &self.device);
        let rows = |numbers: Vec<f32>| {
            Tensor::<2>::from_data(TensorData::new(numbers, [tokens.batch, self.dims]), &self.device)
        };
        match &self.text {
            TextTower::CpuTransformer(tower, config) => rows(tower.forward(&embedded, tokens.tokens, &places(config))),
            TextTower::CpuBert(tower) => rows(tower.forward(&embedded, tokens.tokens, &tokens.mask)),
            TextTower::Transformer(tower, config) => tower.forward(on_device(embedded), &places(config)),
            TextTower::Bert(tower) => {
                let mask: Vec<f32> = tokens.mask.iter().map(|&m| m as f32).collect();
                let shape = [tokens.batch, tokens.tokens];
                tower.forward(on_device(embedded), Tensor::from_data(TensorData::new(mask, shape), &self.device))
            }
        }
    }
}

impl TextTower {
    fn load(
        path: &Path,
        dims: usize,
        text: &TextConfig,
        device: &Device,
        kind: DeviceKind,
        reading: Reading,
    ) -> Result<Self, VlmError> {
        match (text, kind) {
            (TextConfig::Transformer(config), DeviceKind::Cpu) => {
                // Read tensor by tensor: what a search holds of a tower is little, and so is what it takes to load it.
                let file = SafetensorsFile::open(path)?;
                let mut seed = reading.draw;
                let mut floats = |name: &str, shape: &[usize]| {
                    file.halves(name, shape)?;
                    let floats = file.floats(name, 0, shape.iter().product())?;
                    Ok(match &mut seed {
                        Some(seed) => drawn(floats, seed),
                        None => floats,
                    })
                };
                let mut named = Named { floats: &mut floats };
                let tower = CpuTextTransformer::read(config, dims, reading.text, &mut named)?;
                Ok(Self::CpuTransformer(Box::new(tower), config.clone()))
            }
            (TextConfig::Transformer(config), _) => {
                let mut tower = config.init(dims, device);
                weights::load(&mut tower, path)?;
                Ok(Self::Transformer(Box::new(tower), config.clone()))
            }
            (TextConfig::Bert(config), _) => {
                let mut tower = config.init(dims, device);
                weights::load(&mut tower, path)?;
                if let Some(seed) = reading.draw {
                    tower = tower.map(&mut Drawn::new(seed));
                }
                Ok(match kind {
                    DeviceKind::Cpu => Self::CpuBert(Box::new(CpuBertText::of_network(config, &tower))),
                    _ => Self::Bert(Box::new(tower)),
                })
            }
        }
    }
}
