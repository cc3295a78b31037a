//! The frozen towers of a model folder, run once over everything.

use std::path::Path;

use burn::tensor::Device;
use half::f16;

use super::View;
use crate::cpu::CpuEfficientNet;
use crate::model::{IMAGE_FILE, TEXT_FILE, TOKENIZER_FILE, token_tensors};
use crate::model::{Tokenizer, TokenizerConfig};
use crate::nn::bert::{BertConfig, BertEncoder};
use crate::nn::efficientnet::EfficientNetConfig;
use crate::{ModelInput, Preprocess, VlmError, weights};

/// Cells that a feature map is averaged into: 3 by 3.
pub const CELLS: usize = 9;

/// Texts of one tower call.
const TEXT_BATCH: usize = 64;

/// Both towers on the CPU, without heads.
#[derive(Debug)]
pub struct Encoder {
    image: CpuEfficientNet,
    text: BertEncoder,
    tokenizer: Tokenizer,
    device: Device,
}

impl Encoder {
    /// Loads the towers and the tokenizer in `dir`.
    ///
    /// # Errors
    /// Those of the weight files and of the tokenizer.
    pub fn load(dir: &Path) -> Result<Self, VlmError> {
        let device = Device::flex();
        let mut tower = EfficientNetConfig::new().init(&device);
        weights::load(&mut tower, &dir.join(IMAGE_FILE))?;
        let mut text = BertConfig::new().init(&device);
        weights::load(&mut text, &dir.join(TEXT_FILE))?;
        let tokenizer = Tokenizer::read(&dir.join(TOKENIZER_FILE), &TokenizerConfig::default())?;
        Ok(Self { image: CpuEfficientNet::new(&tower), text, tokenizer, device })
    }

    /// Adds the maps of `photos`, reduced to 3 by 3 cells, to `view`.
    pub fn append_cells(&self, preprocess: &Preprocess, photos: &[ModelInput], view: &mut View) {
        let floats: Vec<Vec<f32>> = photos.iter().map(|p| preprocess.normalise(p)).collect();
        for photo in self.image.forward(&floats, preprocess.size as usize) {
            let (mean, max) = cells(&photo.map, self.image.features());
            view.summary.extend(photo.summary.into_iter().map(f16::from_f32));
            view.mean.extend(mean.into_iter().map(f16::from_f32));
            view.max.extend(max.into_iter().map(f16::from_f32));
        }
    }

    /// Length of an image feature, of a stage summary and of a sentence vector.
    pub fn widths(&self) -> (usize, usize, usize) {
        (self.image.features(), self.image.summary_width(), self.text.sentence_width())
    }

    /// Texts to sentence vectors: `width` numbers a text. `done` is told how many are.
    ///
    /// # Errors
    /// [`VlmError::BadText`].
    pub fn sentences(&self, texts: &[String], mut done: impl FnMut(usize)) -> Result<Vec<f32>, VlmError> {
        // Texts of like length share a batch: padding costs as much as words.
        let mut order: Vec<usize> = (0..texts.len()).collect();
        order.sort_by_key(|&i| texts[i].len());
        let width = self.text.sentence_width();
        let mut vectors = vec![0.0; texts.len() * width];
        for (n, batch) in order.chunks(TEXT_BATCH).enumerate() {
            let batch_texts: Vec<&str> = batch.iter().map(|&i| texts[i].as_str()).collect();
            let (ids, mask) = token_tensors(&self.tokenizer.encode(&batch_texts)?, &self.device);
            let rows = self.text.forward(ids, mask).into_data().try_to_vec::<f32>().expect("flex computes in f32");
            for (&i, row) in batch.iter().zip(rows.chunks_exact(width)) {
                vectors[i * width..][..width].copy_from_slice(row);
            }
            done((n * TEXT_BATCH + batch.len()).min(texts.len()));
        }
        Ok(vectors)
    }
}

/// A square map `[side * side, features]` to the means and maxima over 3 by 3 blocks of positions.
fn cells(map: &[f32], features: usize) -> (Vec<f32>, Vec<f32>) {
    let side = (map.len() / features).isqrt();
    let (mut mean, mut max) = (vec![0.0; CELLS * features], vec![0.0f32; CELLS * features]);
    let mut counts = [0.0f32; CELLS];
    for (position, values) in map.chunks_exact(features).enumerate() {
        let cell = position / side * 3 / side * 3 + position % side * 3 / side;
        counts[cell] += 1.0;
        let part = cell * features..(cell + 1) * features;
        mean[part.clone()].iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
        max[part].iter_mut().zip(values).for_each(|(most, value)| *most = most.max(*value));
    }
    for (cell, count) in mean.chunks_exact_mut(features).zip(counts) {
        cell.iter_mut().for_each(|v| *v /= count.max(1.0));
    }
    (mean, max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_the_means_and_maxima_of_their_blocks() {
        // A 9x9 map of one feature whose value is the number of its block.
        let map: Vec<f32> = (0..81).map(|p| (p / 27 * 3 + p % 9 / 3) as f32).collect();
        assert_eq!(cells(&map, 1).0, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]);
        let ramp: Vec<f32> = (0..81).map(|p| p as f32).collect();
        let (mean, max) = cells(&ramp, 1);
        assert_eq!((mean[0], max[0]), (10.0, 20.0), "rows 0 to 2, columns 0 to 2");
    }
}
