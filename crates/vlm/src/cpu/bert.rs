//! The text tower on CPU cores without tensors: no padding, no repacking of weights, all cores on one query.
//!
//! The same weights and the same sums as [`BertEncoder`], which serves GPUs and training; a test holds the two
//! together. A query of a few words is answered in the time that memory takes to give the weights.

use rayon::prelude::*;

use super::encoder::add;
use super::linear::{Linear, Precision};
use super::norm::LayerNorm;
use super::pointwise::Pointwise;
use super::transformer::{attend, floats};
use crate::model::TokenBatch;
use crate::nn::bert::{BertEncoder, BertLayer};

/// Sentences that one task takes through all layers: their rows share each pass over the weights.
const SENTENCES_AT_ONCE: usize = 8;

/// The BERT encoder with weights laid out for CPU kernels.
#[derive(Debug, Clone)]
pub struct CpuBert {
    /// `[vocabulary, width]`.
    word: Vec<f32>,
    /// Position and segment together, `[positions, width]`.
    position: Vec<f32>,
    norm: LayerNorm,
    layers: Vec<CpuLayer>,
    early: usize,
    width: usize,
}

/// A post-norm layer.
#[derive(Debug, Clone)]
pub struct CpuLayer {
    /// Queries, keys and values side by side.
    pub mixed: Linear,
    /// Projection of the heads side by side.
    pub attention_out: Linear,
    /// After attention.
    pub attention_norm: LayerNorm,
    /// Into the feed-forward half.
    pub up: Linear,
    /// Out of it.
    pub down: Linear,
    /// After it.
    pub norm: LayerNorm,
    /// Attention heads.
    pub heads: usize,
}

impl CpuBert {
    /// Lays out the weights of `encoder`, whose layer normalisations add `norm_epsilon` to the variance.
    pub fn new(encoder: &BertEncoder, norm_epsilon: f64) -> Self {
        let width = encoder.word.weight.dims()[1];
        let segment = floats(encoder.segment.weight.val());
        let mut position = floats(encoder.position.weight.val());
        position.chunks_exact_mut(width).for_each(|row| add(row, &segment[..width]));
        Self {
            word: floats(encoder.word.weight.val()),
            position,
            norm: LayerNorm::of(&encoder.norm, norm_epsilon),
            layers: encoder.layers.iter().map(|layer| CpuLayer::new(layer, norm_epsilon)).collect(),
            early: encoder.early,
            width,
        }
    }

    /// An encoder of these parts, whose tokens come from outside; `position` has position and segment together.
    pub fn of_parts(position: Vec<f32>, norm: LayerNorm, layers: Vec<CpuLayer>, early: usize) -> Self {
        let width = norm.width();
        Self { word: Vec::new(), position, norm, layers, early, width }
    }

    /// Length of a sentence vector: twice the width of a token.
    pub fn sentence_width(&self) -> usize {
        2 * self.width
    }

    /// Sentence vectors `[batch, sentence_width]`, as [`BertEncoder::forward`] has them.
    pub fn forward(&self, tokens: &TokenBatch) -> Vec<f32> {
        let sentences: Vec<&[i32]> = tokens
            .ids
            .chunks_exact(tokens.tokens)
            .zip(tokens.mask.chunks_exact(tokens.tokens))
            .map(|(ids, mask)| &ids[..mask.iter().filter(|&&m| m == 1).count()])
            .collect();
        sentences.par_chunks(SENTENCES_AT_ONCE).flat_map_iter(|some| self.sentences(some)).collect()
    }

    /// The same of tokens whose embeddings `[batch, tokens, width]` come from outside.
    pub fn forward_embedded(&self, tokens: &TokenBatch, embedded: &[f32]) -> Vec<f32> {
        let long = tokens.tokens * self.width;
        let masks = tokens.mask.chunks_exact(tokens.tokens.max(1));
        let sentences: Vec<&[f32]> = embedded
            .chunks_exact(long.max(1))
            .zip(masks)
            .map(|(rows, mask)| &rows[..mask.iter().filter(|&&m| m == 1).count() * self.width])
            .collect();
        sentences.par_chunks(SENTENCES_AT_ONCE).flat_map_iter(|some| self.embedded(some)).collect()
    }

    fn sentences(&self, sentences: &[&[i32]]) -> Vec<f32> {
        let row = |id: &i32| &self.word[*id as usize * self.width..][..self.width];
        let embedded: Vec<Vec<f32>> = sentences.iter().map(|ids| ids.iter().flat_map(row).copied().collect()).collect();
        self.embedded(&embedded)
    }

    fn embedded<R: AsRef<[f32]>>(&self, sentences: &[R]) -> Vec<f32> {
        let mut x = Vec::new(); // [tokens of all sentences, width]
        for sentence in sentences {
            let start = x.len();
            x.extend_from_slice(sentence.as_ref());
            add(&mut x[start..], &self.position[..sentence.as_ref().len()]);
        }
        let mut x = self.norm.apply(&x);
        let lengths: Vec<usize> = sentences.iter().map(|sentence| sentence.as_ref().len() / self.width).collect();
        let mut early = x.clone();
        for (done, layer) in self.layers.iter().enumerate() {
            if done == self.early {
                early.clone_from(&x);
            }
            layer.run(&mut x, &lengths, self.width);
        }
        let mut out = Vec::with_capacity(sentences.len() * self.sentence_width());
        let mut start = 0;
        for length in lengths {
            let part = start..start + length * self.width;
            start = part.end;
            for states in [&x, &early] {
                out.extend(mean(&states[part.clone()], self.width));
            }
        }
        out
    }
}

impl CpuLayer {
    pub fn new(layer: &BertLayer, norm_epsilon: f64) -> Self {
        Self {
            mixed: Linear::of(&[&layer.query, &layer.key, &layer.value], Precision::Half),
            attention_out: Linear::of(&[&layer.attention_out], Precision::Half),
            attention_norm: LayerNorm::of(&layer.attention_norm, norm_epsilon),
            up: Linear::of(&[&layer.up], Precision::Half),
            down: Linear::of(&[&layer.down], Precision::Half),
            norm: LayerNorm::of(&layer.norm, norm_epsilon),
            heads: layer.heads,
        }
    }

    /// The layer over `x` `[tokens of all sentences, width]`, in place; tokens see their own sentence only, of which
    /// `lengths` has the tokens.
    pub fn run(&self, x: &mut Vec<f32>, lengths: &[usize], width: usize) {
        let mut rest = &*self.mixed.apply(x, Pointwise::Linear);
        let mut attended = Vec::with_capacity(x.len());
        for tokens in lengths {
            let (mixed, after) = rest.split_at(tokens * 3 * width);
            attended.extend(attend(mixed, width, self.heads));
            rest = after;
        }
        self.attention_out.add_to(&self.attention_out.rows(&attended), x);
        *x = self.attention_norm.apply(x);
        let hidden = self.up.apply(x, Pointwise::Gelu);
        self.down.add_to(&self.down.rows(&hidden), x);
        *x = self.norm.apply(x);
    }
}

/// Mean of the rows of `[tokens, width]`.
pub(super) fn mean(states: &[f32], width: usize) -> Vec<f32> {
    let mut mean = vec![0.0; width];
    states.chunks_exact(width).for_each(|state| add(&mut mean, state));
    let tokens = (states.len() / width) as f32;
    mean.iter_mut().for_each(|value| *value /= tokens);
    mean
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::token_tensors;
    use crate::nn::bert::BertConfig;
    use burn::tensor::Device;

    #[test]
    fn the_cpu_tower_gives_what_the_tensor_tower_gives() {
        let device = Device::flex();
        device.seed(3);
        let config = BertConfig::new()
            .with_vocabulary(50)
            .with_positions(12)
            .with_width(36)
            .with_hidden(70)
            .with_heads(3)
            .with_layers(3)
            .with_early(1);
        let encoder = config.init(&device);
        // Eleven sentences of 1 to 11 tokens: two tasks, each with ragged rows.
        let (batch, tokens) = (11, 11);
        let at = |i: usize| (i / tokens, i % tokens);
        let mask: Vec<i32> = (0..batch * tokens).map(|i| i32::from(at(i).1 <= at(i).0)).collect();
        let ids = (0..batch * tokens).map(|i| (i as i32 * 7 + 3) % 50 * mask[i]).collect();
        let given = TokenBatch { ids, mask, batch, tokens };
        let (ids, mask) = token_tensors(&given, &device);
        let want = floats(encoder.forward(ids, mask));
        let got = CpuBert::new(&encoder, config.norm_epsilon).forward(&given);
        assert_eq!(got.len(), want.len());
        let worst = got.iter().zip(&want).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst < 1e-5, "{worst}");
        assert!(want.iter().any(|v| v.abs() > 0.1), "the test must excite the tower");
        let words = floats(encoder.word.weight.val());
        let row = |id: &i32| &words[*id as usize * config.width..][..config.width];
        let embedded: Vec<f32> = given.ids.iter().flat_map(row).copied().collect();
        assert_eq!(CpuBert::new(&encoder, config.norm_epsilon).forward_embedded(&given, &embedded), got);
    }
}
