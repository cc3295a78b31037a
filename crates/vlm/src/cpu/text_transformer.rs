//! The text tower of CLIP and of SigLIP on CPU cores without tensors, the layers' weights in f32 or as bytes.
//!
//! The same sums as [`TextTransformer`](crate::nn::text_transformer::TextTransformer), which serves GPUs; a test holds the
//! two together. In a causal tower nothing after the state that is taken is computed. SigLIP's sees its padding, all of it.

use super::attention::Sequences;
use super::encoder::{AttentionWeights, Encoder, EncoderSizes, LayerWeights, NormWeights, Scratch, add, normalise};
use super::linear::{Linear, LinearWeights, Precision};
use super::norm::LayerNorm;
use super::pointwise::Pointwise;
use super::spare::Spare;
use crate::nn::text_transformer::TextTransformerConfig;

/// Rows of tokens that go through the layers together.
const ROWS_AT_ONCE: usize = 1024;

/// The tower without its token table, with weights laid out for CPU kernels.
#[derive(Debug)]
pub struct CpuTextTransformer {
    /// `[max_len, d_model]`.
    position: Vec<f32>,
    encoder: Encoder,
    post_norm: LayerNorm,
    projection: Linear,
    causal: bool,
    spare: Spare<Scratch>,
}

/// Gives the numbers of a tensor by its name and shape.
type Floats<'a, E> = &'a mut dyn FnMut(&str, &[usize]) -> Result<Vec<f32>, E>;

/// Weights by the names of [`TextTransformer`](crate::nn::text_transformer::TextTransformer)'s fields, one after the other, so
/// that no more than a layer is held twice.
pub struct Named<'a, E> {
    /// Where they come from.
    pub floats: Floats<'a, E>,
}

impl<E> Named<'_, E> {
    fn get(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, E> {
        let floats = (self.floats)(name, shape)?;
        assert_eq!(floats.len(), shape.iter().product::<usize>(), "{name}");
        Ok(floats)
    }

    fn norm(&mut self, name: &str, width: usize) -> Result<[Vec<f32>; 2], E> {
        Ok([self.get(&format!("{name}.gamma"), &[width])?, self.get(&format!("{name}.beta"), &[width])?])
    }

    fn linear(&mut self, name: &str, input: usize, output: usize) -> Result<[Vec<f32>; 2], E> {
        Ok([self.get(&format!("{name}.weight"), &[input, output])?, self.get(&format!("{name}.bias"), &[output])?])
    }
}

impl CpuTextTransformer {
    /// The tower that `config` describes, which gives vectors of `dims` numbers; the layers' weights in `precision`.
    ///
    /// # Errors
    /// Those of `weights`.
    pub fn read<E>(
        config: &TextTransformerConfig,
        dims: usize,
        precision: Precision,
        weights: &mut Named<'_, E>,
    ) -> Result<Self, E> {
        let (d, ffn) = (config.d_model, config.ffn_dim);
        let sizes = EncoderSizes {
            d_model: d,
            heads: config.heads,
            norm_epsilon: config.norm_epsilon,
            activation: config.activation.into(),
        };
        let position = weights.get("position", &[config.max_len, d])?;
        let mut encoder = Encoder::new(sizes, precision);
        for layer in 0..config.layers {
            let at = |part: &str| format!("layers.{layer}.{part}");
            let attention_norm = weights.norm(&at("attention_norm"), d)?;
            let query = weights.linear(&at("attention.query"), d, d)?;
            let key = weights.linear(&at("attention.key"), d, d)?;
            let value = weights.linear(&at("attention.value"), d, d)?;
            let out = weights.linear(&at("attention.out"), d, d)?;
            let mlp_norm = weights.norm(&at("mlp_norm"), d)?;
            let up = weights.linear(&at("mlp.up"), d, ffn)?;
            let down = weights.linear(&at("mlp.down"), ffn, d)?;
            let [query, key, value, out, up, down] = [&query, &key, &value, &out, &up, &down].map(linear);
            encoder.push(&LayerWeights {
                attention_norm: norm(&attention_norm),
                attention: AttentionWeights { query, key, value, out },
                mlp_norm: norm(&mlp_norm),
                up,
                down,
            });
        }
        let post_norm = sizes.norm(norm(&weights.norm("post_norm", d)?));
        let weight = weights.get("projection.weight", &[d, dims])?;
        let bias = config.projection_bias.then(|| weights.get("projection.bias", &[dims])).transpose()?;
        let projection = LinearWeights { weight: &weight, bias: bias.as_deref() };
        let projection = Linear::new(d, &[(projection, 1.0)], Precision::Float);
        Ok(Self { position, encoder, post_norm, projection, causal: config.causal, spare: Spare::default() })
    }

    /// Token embeddings `[batch, tokens, d_model]` to vectors `[batch, dims]`, not yet of unit length. `pooled_at` has for
    /// each sequence the place of the state that is taken.
    pub fn forward(&self, embedded: &[f32], tokens: usize, pooled_at: &[usize]) -> Vec<f32> {
        let d = self.encoder.sizes().d_model;
        assert_eq!(embedded.len(), pooled_at.len() * tokens * d);
        let mut states = Vec::with_capacity(pooled_at.len() * d);
        let mut scratch = self.spare.take();
        let some = (ROWS_AT_ONCE / tokens.max(1)).max(1);
        let mut shared = vec![0.0; pooled_at.len() * self.projection.output()];
        // On one of the pool's own threads: from outside, each step would wait until a thread has woken up.
        rayon::scope(|_| {
            for (embedded, pooled_at) in embedded.chunks(some * tokens * d).zip(pooled_at.chunks(some)) {
                self.states(embedded, tokens, pooled_at, &mut scratch);
                states.extend_from_slice(&scratch.x);
            }
            let mut normed = vec![0.0; states.len()];
            normalise(&self.post_norm, &states, &mut normed);
            self.projection.run(&self.projection.rows(&normed), Pointwise::Linear, &mut shared);
        });
        shared
    }

    /// The states that are taken of some sequences, in `scratch.x`.
    fn states(&self, embedded: &[f32], tokens: usize, pooled_at: &[usize], scratch: &mut Scratch) {
        let d = self.encoder.sizes().d_model;
        let (mut lengths, mut taken) = (Vec::new(), Vec::new());
        scratch.x.clear();
        for (sequence, at) in embedded.chunks_exact(tokens * d).zip(pooled_at) {
            let length = if self.causal { at + 1 } else { tokens };
            let first = scratch.x.len();
            taken.push(first / d + at);
            lengths.push(length);
            scratch.x.extend_from_slice(&sequence[..length * d]);
            add(&mut scratch.x[first..], &self.position[..length * d]);
        }
        self.encoder.run(scratch, &Sequences { lengths: &lengths, causal: self.causal }, Some(&taken));
    }
}

fn norm([gain, bias]: &[Vec<f32>; 2]) -> NormWeights<'_> {
    NormWeights { gain, bias }
}

fn linear([weight, bias]: &[Vec<f32>; 2]) -> LinearWeights<'_> {
    LinearWeights { weight, bias: Some(bias) }
}

#[cfg(test)]
mod tests {
    use burn::module::Module;
    use burn::tensor::{Device, Tensor, TensorData};

    use super::*;
    use crate::VlmError;
    use crate::checkpoint::SafetensorsFile;
    use crate::cpu::testing::{Stirred, random};
    use crate::cpu::transformer::floats;
    use crate::cpu::vit::lowest_cosine;
    use crate::model::weights;
    use crate::nn::mlp::Activation;

    const TOKENS: usize = 14;

    fn configs() -> [TextTransformerConfig; 3] {
        let clip = TextTransformerConfig {
            max_len: 20,
            d_model: 48,
            ffn_dim: 96,
            layers: 3,
            heads: 4,
            ..TextTransformerConfig::default()
        };
        let quick = TextTransformerConfig { activation: Activation::QuickGelu, ..clip.clone() };
        let siglip = TextTransformerConfig {
            activation: Activation::GeluTanh,
            causal: false,
            projection_bias: true,
            norm_epsilon: 1e-6,
            ..clip.clone()
        };
        [clip, quick, siglip]
    }

    /// Both towers by the same file: what it has in half precision is what both compute with.
    fn both(config: &TextTransformerConfig, precision: Precision, places: &[usize]) -> (Vec<f32>, Vec<f32>) {
        let (device, dims) = (Device::flex(), 24);
        device.seed(9);
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("text.safetensors");
        weights::save(&config.init(dims, &device).map(&mut Stirred), &path).unwrap();
        let mut network = config.init(dims, &device);
        weights::load(&mut network, &path).unwrap();
        let file = SafetensorsFile::open(&path).unwrap();
        let mut read = |name: &str, shape: &[usize]| {
            assert_eq!(file.shape(name), Some(shape), "{name}");
            file.floats(name, 0, shape.iter().product())
        };
        let mut named = Named::<VlmError> { floats: &mut read };
        let tower = CpuTextTransformer::read(config, dims, precision, &mut named).unwrap();
        assert!(tower.forward(&[], TOKENS, &[]).is_empty());
        let embedded = random(places.len() * TOKENS * config.d_model, 3);
        let data = TensorData::new(embedded.clone(), [places.len(), TOKENS, config.d_model]);
        let want = floats(network.forward(Tensor::from_data(data, &device), places));
        (tower.forward(&embedded, TOKENS, places), want)
    }

    #[test]
    fn the_cpu_tower_gives_what_the_tensor_tower_gives() {
        for config in configs() {
            // More sentences than go through together, of every length.
            let places: Vec<usize> = (0..100).map(|i| if config.causal { i % TOKENS } else { TOKENS - 1 }).collect();
            let (got, want) = both(&config, Precision::Float, &places);
            assert_eq!(got.len(), want.len());
            let range = want.iter().fold(0f32, |most, value| most.max(value.abs()));
            let worst = got.iter().zip(&want).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(range > 0.1 && worst < 1e-4 * range, "{config:?}: {worst} of {range}");
        }
    }

    #[test]
    fn layers_of_bytes_stay_near_those_of_tensors() {
        for config in configs() {
            let (got, want) = both(&config, Precision::Eight, &[5, TOKENS - 1, 1]);
            let cosine = lowest_cosine(&got, &want, 24);
            assert!(cosine > 0.999 && got != want, "{config:?}: {cosine}");
        }
    }
}
