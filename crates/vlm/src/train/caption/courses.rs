//! What the decoder is taught: batches of photos or of sentences.

use std::ops::ControlFlow;

use burn::tensor::{Device, Int, Tensor, TensorData};
use half::f16;
use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, SliceRandom};

use crate::caption::decoder::{Decoder, Memory, Noise};
use crate::caption::generate::{Search, write};
use crate::caption::vocabulary::{MASK, Vocabulary};
use crate::{Model, ModelInput, VlmError};

/// Photos with captions.
#[derive(Debug, Clone, Default)]
pub struct Photos {
    /// Views of all photos, such as plain and mirrored: feature maps, `[photos, positions, features]`.
    pub maps: Vec<Vec<f16>>,
    /// Embeddings of the same views, `[photos, shared]`.
    pub shared: Vec<Vec<f32>>,
    /// Token ids of each photo's captions.
    pub captions: Vec<Vec<Vec<i32>>>,
}

/// Sentences without photos.
#[derive(Debug, Clone, Default)]
pub struct Sentences {
    /// Token ids.
    pub ids: Vec<Vec<i32>>,
    /// Their embeddings in the shared space, the mean taken off, `[sentences, shared]`.
    pub centred: Vec<f32>,
    /// Standard deviation of the noise on an embedding, relative to its length.
    pub noise: f64,
    /// Share of batches in which a masked span is restored instead (MASS: Song et al. 2019, arXiv:1905.02450).
    pub masked: f64,
}

/// A batch: what is read, and the sentences to write, a like number of successive ones for each row read.
#[derive(Debug)]
pub struct Lesson {
    /// What the decoder has read.
    pub memory: Memory,
    /// Token ids, without start and end.
    pub sentences: Vec<Vec<i32>>,
}

/// What can be taught.
pub trait Course: Sync {
    /// Batches of one pass, as lists of indices.
    fn batches(&self, size: usize, rng: &mut StdRng) -> Vec<Vec<usize>>;
    /// The lesson over a part of a batch; sentences longer than `longest` tokens are passed over.
    fn lesson(
        &self,
        batch: &[usize],
        longest: usize,
        decoder: &Decoder,
        noise: &Noise,
        rng: &mut StdRng,
        device: &Device,
    ) -> Lesson;
}

/// Photos described together when a decoder is judged.
const DESCRIBED_AT_ONCE: usize = 50;
/// Captions of a photo in a batch.
const CAPTIONS: usize = 4;

impl Photos {
    /// Photos `batch` of one view as tensors: maps `[batch, positions, features]`, embeddings `[batch, shared]`.
    pub(super) fn tensors(
        &self,
        view: usize,
        batch: &[usize],
        features: usize,
        device: &Device,
    ) -> (Tensor<3>, Tensor<2>) {
        let photos = self.captions.len();
        let (map, shared) = (self.maps[view].len() / photos, self.shared[view].len() / photos);
        let maps = batch.iter().flat_map(|&p| &self.maps[view][p * map..(p + 1) * map]).map(|v| v.to_f32()).collect();
        let rows = batch.iter().flat_map(|&p| &self.shared[view][p * shared..(p + 1) * shared]).copied().collect();
        (
            Tensor::from_data(TensorData::new::<f32, _>(maps, [batch.len(), map / features, features]), device),
            Tensor::from_data(TensorData::new::<f32, _>(rows, [batch.len(), shared]), device),
        )
    }
}

impl Photos {
    /// Adds what `model` sees in `photos` to a view: maps and embeddings.
    ///
    /// # Errors
    /// [`VlmError::Device`] when the device gives no floats.
    pub fn append(
        model: &Model,
        photos: &[ModelInput],
        maps: &mut Vec<f16>,
        shared: &mut Vec<f32>,
    ) -> Result<(), VlmError> {
        let failed = |reason: String| VlmError::Device { device: model.device().name.clone(), reason };
        let (map, embeddings) = model.map_and_embeddings(photos)?;
        let floats = |data: TensorData| data.try_to_vec::<f32>().map_err(|e| failed(format!("{e:?}")));
        maps.extend(floats(map.into_data())?.into_iter().map(f16::from_f32));
        shared.extend(floats(embeddings.into_data())?);
        Ok(())
    }

    /// Captions that `decoder` writes for the first `count` photos of the first view.
    pub fn described(&self, count: usize, decoder: &Decoder, vocabulary: &Vocabulary, search: &Search) -> Vec<String> {
        let device = Device::flex();
        let features = decoder.feature_in.weight.dims()[0];
        let pieces = vocabulary.all_pieces();
        let photos: Vec<usize> = (0..count.min(self.captions.len())).collect();
        let describe = |batch: &[usize]| {
            let (maps, shared) = self.tensors(0, batch, features, &device);
            let memory = decoder.read(maps, shared, None);
            let sentences =
                write(decoder, &memory, batch.len(), search, &pieces, &device, |_| ControlFlow::Continue(()));
            sentences.into_iter().map(|s| vocabulary.pieces(&s.tokens).concat().trim().to_owned()).collect::<Vec<_>>()
        };
        photos.chunks(DESCRIBED_AT_ONCE).flat_map(describe).collect()
    }
}

impl Course for Photos {
    fn batches(&self, size: usize, rng: &mut StdRng) -> Vec<Vec<usize>> {
        let mut order: Vec<usize> = (0..self.captions.len()).collect();
        order.shuffle(rng);
        order.chunks_exact(size).map(<[usize]>::to_vec).collect()
    }

    fn lesson(
        &self,
        batch: &[usize],
        longest: usize,
        decoder: &Decoder,
        noise: &Noise,
        rng: &mut StdRng,
        device: &Device,
    ) -> Lesson {
        let features = decoder.feature_in.weight.dims()[0];
        let view = rng.random_range(0..self.maps.len());
        let (maps, shared) = self.tensors(view, batch, features, device);
        let mut sentences = Vec::with_capacity(batch.len() * CAPTIONS);
        for &photo in batch {
            let mut short: Vec<&Vec<i32>> = self.captions[photo].iter().filter(|c| c.len() <= longest).collect();
            short.shuffle(rng);
            if short.is_empty() {
                short.extend(self.captions[photo].iter().min_by_key(|c| c.len()));
            }
            sentences.extend(short.iter().cycle().take(CAPTIONS).map(|c| c[..c.len().min(longest)].to_vec()));
        }
        Lesson { memory: decoder.read(maps, shared, Some(noise)), sentences }
    }
}

impl Course for Sentences {
    fn batches(&self, size: usize, rng: &mut StdRng) -> Vec<Vec<usize>> {
        // Sentences of like length share a batch: padding costs as much as words.
        let mut order: Vec<usize> = (0..self.ids.len()).collect();
        order.shuffle(rng);
        order.sort_by_key(|&i| self.ids[i].len());
        let mut batches: Vec<Vec<usize>> = order.chunks_exact(size).map(<[usize]>::to_vec).collect();
        batches.shuffle(rng);
        batches
    }

    fn lesson(
        &self,
        batch: &[usize],
        longest: usize,
        decoder: &Decoder,
        noise: &Noise,
        rng: &mut StdRng,
        device: &Device,
    ) -> Lesson {
        let whole: Vec<&[i32]> = batch.iter().map(|&i| &self.ids[i][..self.ids[i].len().min(longest)]).collect();
        if rng.random_bool(self.masked) {
            return masked(&whole, decoder, noise, rng, device);
        }
        let width = self.centred.len() / self.ids.len();
        let rows = batch.iter().flat_map(|&i| &self.centred[i * width..(i + 1) * width]).copied().collect();
        let rows = Tensor::<2>::from_data(TensorData::new::<f32, _>(rows, [batch.len(), width]), device);
        let length = rows.clone().powi_scalar(2).sum_dim(1).sqrt() / (width as f64).sqrt();
        let blur = normal(batch.len() * width, rng);
        let blur = Tensor::<2>::from_data(TensorData::new(blur, [batch.len(), width]), device) * length * self.noise;
        Lesson {
            memory: decoder.read_shared(rows + blur, Some(noise)),
            sentences: whole.into_iter().map(<[i32]>::to_vec).collect(),
        }
    }
}

/// Standard normal numbers (Box & Muller 1958).
fn normal(count: usize, rng: &mut StdRng) -> Vec<f32> {
    let mut pair = || {
        let (radius, angle): (f32, f32) = (rng.random_range(f32::MIN_POSITIVE..1.0), rng.random_range(0.0..1.0));
        let (sine, cosine) = (std::f32::consts::TAU * angle).sin_cos();
        let radius = (-2.0 * radius.ln()).sqrt();
        [radius * sine, radius * cosine]
    };
    (0..count.div_ceil(2)).flat_map(|_| pair()).take(count).collect()
}

/// Half of each sentence's tokens, successive ones, to be restored from the rest.
fn masked(whole: &[&[i32]], decoder: &Decoder, noise: &Noise, rng: &mut StdRng, device: &Device) -> Lesson {
    // The shortest sentence decides: all spans of a batch are read in one tensor without padding.
    let tokens = whole.iter().map(|s| s.len()).min().unwrap_or(0);
    let span = tokens.div_ceil(2);
    let mut read = Vec::with_capacity(whole.len() * tokens);
    let mut sentences = Vec::with_capacity(whole.len());
    for sentence in whole {
        let places: Vec<usize> = (0..=tokens - span).collect();
        let first = places.choose(rng).copied().unwrap_or(0);
        sentences.push(sentence[first..first + span].to_vec());
        read.extend((0..tokens).map(|i| if (first..first + span).contains(&i) { MASK } else { sentence[i] }));
    }
    let ids = Tensor::<2, Int>::from_data(TensorData::new(read, [whole.len(), tokens]), device);
    Lesson { memory: decoder.read_tokens(ids, Some(noise)), sentences }
}
