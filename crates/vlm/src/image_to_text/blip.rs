//! BLIP (Li et al. 2022, arXiv:2201.12086): describes a photo, or answers a question about it.

use std::path::Path;

use burn::tensor::{Device, Tensor, TensorData};

use super::config::BlipConfig;
use super::tower::Tower;
use super::{DECODER_FILE, QUESTION_FILE};
use crate::caption::generate::{NextToken, floats, ints};
use crate::model::{IMAGE_FILE, TOKENS_FILE, TokenTable};
use crate::nn::attention::KeyValue;
use crate::nn::cross_bert::{CrossBert, CrossBertDecoder};
use crate::nn::kv_cache::KvCache;
use crate::{DeviceKind, VlmError, weights};

/// BLIP's networks on a device.
#[derive(Debug)]
pub struct Blip {
    tower: Tower,
    /// Reads questions; its token table stays on disk.
    reader: Option<(CrossBert, TokenTable)>,
    decoder: CrossBertDecoder,
    start_id: i32,
    device: Device,
}

impl Blip {
    /// Loads what `config` describes from `dir`.
    ///
    /// # Errors
    /// [`VlmError::Missing`], [`VlmError::Io`] or [`VlmError::BadWeights`].
    pub fn load(dir: &Path, config: &BlipConfig, device: &Device, kind: DeviceKind) -> Result<Self, VlmError> {
        let (text, width) = (&config.text, config.image.d_model);
        let tower = Tower::load(&dir.join(IMAGE_FILE), &config.image, device, kind)?;
        let reader = match config.answers {
            true => {
                let mut reader = text.init(width, device);
                weights::load(&mut reader, &dir.join(QUESTION_FILE))?;
                Some((reader, TokenTable::open(&dir.join(TOKENS_FILE), [text.vocabulary, text.d_model])?))
            }
            false => None,
        };
        // What writes an answer looks at the question as it was read.
        let seen_width = if config.answers { text.d_model } else { width };
        let mut decoder = text.init_decoder(seen_width, device);
        weights::load(&mut decoder, &dir.join(DECODER_FILE))?;
        Ok(Self { tower, reader, decoder, start_id: config.start_id, device: device.clone() })
    }

    /// The rows of the token table for a question, which the network's reader wants.
    ///
    /// # Errors
    /// Those of [`TokenTable::rows`].
    pub fn embedded(&self, question: &[i32]) -> Result<Vec<f32>, VlmError> {
        self.reader.as_ref().map_or(Ok(Vec::new()), |(_, table)| table.rows(question))
    }

    /// Looks at a normalised photo, and reads the question that [`Blip::embedded`] is given for, if there is one.
    pub fn begin(&self, photo: Vec<f32>, question: Vec<f32>) -> BlipText<'_> {
        let mut seen = self.tower.states(photo, &self.device);
        if let Some((reader, table)) = &self.reader {
            let rows = question.len() / table.width();
            let embedded = Tensor::from_data(TensorData::new(question, [1, rows, table.width()]), &self.device);
            seen = reader.forward(embedded, &reader.look_at(seen), &mut KvCache::default());
        }
        BlipText { blip: self, seen: self.decoder.bert.look_at(seen), cache: KvCache::default() }
    }
}

/// A text under way.
pub struct BlipText<'a> {
    blip: &'a Blip,
    seen: Vec<KeyValue>,
    cache: KvCache,
}

impl NextToken for BlipText<'_> {
    fn next(&mut self, last: &[Option<i32>]) -> Vec<f32> {
        let last: Vec<i32> = last.iter().map(|token| token.unwrap_or(self.blip.start_id)).collect();
        floats(self.blip.decoder.next(ints(&last, &self.blip.device), &self.seen, &mut self.cache))
    }

    fn select(&mut self, parents: &[i32]) {
        self.cache = std::mem::take(&mut self.cache).select(&ints(parents, &self.blip.device));
    }
}
