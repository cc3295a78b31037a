//! BERT as the text tower of a dual encoder on CPU cores: the same sums as [`BertText`], by the layers of [`super::bert`].

use super::bert::{CpuLayer, mean};
use super::encoder::add;
use super::linear::{Linear, Precision};
use super::norm::LayerNorm;
use super::pointwise::Pointwise;
use super::transformer::floats;
use crate::nn::bert_text::{BertText, BertTextConfig};

/// The tower without its token table, with weights laid out for CPU kernels.
#[derive(Debug)]
pub struct CpuBertText {
    /// Position and segment together, `[max_len, d_model]`.
    position: Vec<f32>,
    norm: LayerNorm,
    layers: Vec<CpuLayer>,
    projection: Linear,
    means: bool,
    d_model: usize,
}

impl CpuBertText {
    /// Lays out the weights of `network`, which `config` describes.
    pub fn of_network(config: &BertTextConfig, network: &BertText) -> Self {
        let d_model = config.d_model;
        let mut position = floats(network.position.val());
        if let Some(segment) = &network.segment {
            let segment = floats(segment.val());
            position.chunks_exact_mut(d_model).for_each(|row| add(row, &segment));
        }
        Self {
            position,
            norm: LayerNorm::of(&network.norm, config.norm_epsilon),
            layers: network.layers.iter().map(|layer| CpuLayer::new(layer, config.norm_epsilon)).collect(),
            projection: Linear::of(&[&network.projection], Precision::Half),
            means: network.means,
            d_model,
        }
    }

    /// Token embeddings `[batch, tokens, d_model]` and their mask `[batch, tokens]`, 0 at padding, which comes last, to
    /// vectors `[batch, dims]`, not yet of unit length.
    pub fn forward(&self, embedded: &[f32], tokens: usize, mask: &[i32]) -> Vec<f32> {
        let d = self.d_model;
        let mut lengths = Vec::new();
        let mut x = Vec::new();
        for (sequence, mask) in embedded.chunks_exact(tokens * d).zip(mask.chunks_exact(tokens)) {
            // A sentence of padding alone has its first token, which the pooling takes.
            let length = mask.iter().filter(|m| **m == 1).count().max(1);
            let first = x.len();
            x.extend_from_slice(&sequence[..length * d]);
            add(&mut x[first..], &self.position[..length * d]);
            lengths.push(length);
        }
        let mut x = self.norm.apply(&x);
        self.layers.iter().for_each(|layer| layer.run(&mut x, &lengths, d));
        let (mut pooled, mut rest) = (Vec::new(), &*x);
        for length in lengths {
            let (states, after) = rest.split_at(length * d);
            rest = after;
            if self.means { pooled.extend(mean(states, d)) } else { pooled.extend_from_slice(&states[..d]) }
        }
        self.projection.apply(&pooled, Pointwise::Linear)
    }
}

#[cfg(test)]
mod tests {
    use burn::module::Module;
    use burn::tensor::{Device, Tensor, TensorData};

    use super::*;
    use crate::cpu::testing::{Stirred, random};
    use crate::nn::bert_text::BertPooling;

    #[test]
    fn the_cpu_tower_gives_what_the_tensor_tower_gives() {
        let device = Device::flex();
        device.seed(4);
        for (segment, pooling) in [(true, BertPooling::FirstToken), (false, BertPooling::Mean)] {
            let config = BertTextConfig {
                max_len: 12,
                d_model: 36,
                ffn_dim: 70,
                layers: 3,
                heads: 3,
                segment,
                pooling,
                ..BertTextConfig::default()
            };
            let network = config.init(20, &device).map(&mut Stirred);
            let (batch, tokens) = (5, 11);
            let mask: Vec<i32> = (0..batch * tokens).map(|i| i32::from(i % tokens <= 2 * (i / tokens))).collect();
            let embedded = random(batch * tokens * 36, 1);
            let floats_of = |shape| TensorData::new(embedded.clone(), shape);
            let on_device = Tensor::<3>::from_data(floats_of([batch, tokens, 36]), &device);
            let masks: Vec<f32> = mask.iter().map(|m| *m as f32).collect();
            let masks = Tensor::<2>::from_data(TensorData::new(masks, [batch, tokens]), &device);
            let want = floats(network.forward(on_device, masks));
            let got = CpuBertText::of_network(&config, &network).forward(&embedded, tokens, &mask);
            assert_eq!(got.len(), want.len());
            let worst = got.iter().zip(&want).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(worst < 1e-5, "{worst}");
            assert!(want.iter().any(|v| v.abs() > 0.1), "the test must excite the tower");
        }
    }
}
