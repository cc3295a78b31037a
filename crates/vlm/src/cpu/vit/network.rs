//! The weights of burn's network, laid out for CPU kernels.

use burn::nn::{LayerNorm, Linear};

use super::{
    AttentionWeights, CpuVit, EdgeWeights, LayerWeights, LinearWeights, NormWeights, Pointwise, PoolWeights, Precision,
    VitSizes,
};
use crate::cpu::transformer::floats;
use crate::nn::attention::{Attention, AttentionPool};
use crate::nn::block::Block;
use crate::nn::mlp::{Activation, Mlp};
use crate::nn::vit::{Vit, VitConfig};

impl CpuVit {
    /// The network that `config` describes with the weights of `network`, the layers' in `precision`.
    pub(crate) fn of_network(config: &VitConfig, network: &Vit, precision: Precision) -> Self {
        let sizes = VitSizes {
            image_size: config.image_size,
            patch_size: config.patch_size,
            d_model: config.d_model,
            heads: config.heads,
            norm_epsilon: config.norm_epsilon,
            activation: config.activation.into(),
        };
        let patch = floats(network.patch.weight.val());
        let patch_bias = network.patch.bias.as_ref().map(|bias| floats(bias.val()));
        let class_token = network.class_token.as_ref().map(|token| floats(token.val()));
        let position = floats(network.position.val());
        let pre_norm = network.pre_norm.as_ref().map(OwnedNorm::of);
        let post_norm = OwnedNorm::of(&network.post_norm);
        let pool = network.pool.as_ref().map(OwnedPool::of);
        let projection = network.projection.as_ref().map(OwnedLinear::of);
        let edges = EdgeWeights {
            patch: &patch,
            patch_bias: patch_bias.as_deref(),
            class_token: class_token.as_deref(),
            position: &position,
            pre_norm: pre_norm.as_ref().map(OwnedNorm::weights),
            post_norm: post_norm.weights(),
            pool: pool.as_ref().map(OwnedPool::weights),
            projection: projection.as_ref().map(OwnedLinear::weights),
        };
        let mut tower = Self::new(sizes, &edges, precision);
        for layer in &network.layers {
            tower.push(&OwnedLayer::of(layer).weights());
        }
        tower
    }
}

impl From<Activation> for Pointwise {
    fn from(activation: Activation) -> Self {
        match activation {
            Activation::Gelu => Self::Gelu,
            Activation::QuickGelu => Self::QuickGelu,
            Activation::GeluTanh => Self::GeluTanh,
        }
    }
}

struct OwnedNorm {
    gain: Vec<f32>,
    bias: Vec<f32>,
}

impl OwnedNorm {
    fn of(norm: &LayerNorm) -> Self {
        let gain = floats(norm.gamma.val());
        let bias = norm.beta.as_ref().map_or_else(|| vec![0.0; gain.len()], |bias| floats(bias.val()));
        Self { gain, bias }
    }

    fn weights(&self) -> NormWeights<'_> {
        NormWeights { gain: &self.gain, bias: &self.bias }
    }
}

struct OwnedLinear {
    weight: Vec<f32>,
    bias: Option<Vec<f32>>,
}

impl OwnedLinear {
    fn of(linear: &Linear) -> Self {
        Self { weight: floats(linear.weight.val()), bias: linear.bias.as_ref().map(|bias| floats(bias.val())) }
    }

    fn weights(&self) -> LinearWeights<'_> {
        LinearWeights { weight: &self.weight, bias: self.bias.as_deref() }
    }
}

/// Queries, keys, values, and the projection of the heads.
struct OwnedAttention([OwnedLinear; 4]);

impl OwnedAttention {
    fn of(attention: &Attention) -> Self {
        Self([&attention.query, &attention.key, &attention.value, &attention.out].map(OwnedLinear::of))
    }

    fn weights(&self) -> AttentionWeights<'_> {
        let [query, key, value, out] = self.0.each_ref().map(OwnedLinear::weights);
        AttentionWeights { query, key, value, out }
    }
}

/// Up and down.
struct OwnedMlp([OwnedLinear; 2]);

impl OwnedMlp {
    fn of(mlp: &Mlp) -> Self {
        Self([&mlp.up, &mlp.down].map(OwnedLinear::of))
    }

    fn weights(&self) -> [LinearWeights<'_>; 2] {
        self.0.each_ref().map(OwnedLinear::weights)
    }
}

struct OwnedLayer {
    attention_norm: OwnedNorm,
    attention: OwnedAttention,
    mlp_norm: OwnedNorm,
    mlp: OwnedMlp,
}

impl OwnedLayer {
    fn of(layer: &Block) -> Self {
        Self {
            attention_norm: OwnedNorm::of(&layer.attention_norm),
            attention: OwnedAttention::of(&layer.attention),
            mlp_norm: OwnedNorm::of(&layer.mlp_norm),
            mlp: OwnedMlp::of(&layer.mlp),
        }
    }

    fn weights(&self) -> LayerWeights<'_> {
        let [up, down] = self.mlp.weights();
        LayerWeights {
            attention_norm: self.attention_norm.weights(),
            attention: self.attention.weights(),
            mlp_norm: self.mlp_norm.weights(),
            up,
            down,
        }
    }
}

struct OwnedPool {
    probe: Vec<f32>,
    attention: OwnedAttention,
    norm: OwnedNorm,
    mlp: OwnedMlp,
}

impl OwnedPool {
    fn of(pool: &AttentionPool) -> Self {
        Self {
            probe: floats(pool.probe.val()),
            attention: OwnedAttention::of(&pool.attention),
            norm: OwnedNorm::of(&pool.norm),
            mlp: OwnedMlp::of(&pool.mlp),
        }
    }

    fn weights(&self) -> PoolWeights<'_> {
        let [up, down] = self.mlp.weights();
        PoolWeights { probe: &self.probe, attention: self.attention.weights(), norm: self.norm.weights(), up, down }
    }
}

#[cfg(test)]
mod tests {
    use burn::module::Module;
    use burn::tensor::{Device, Tensor, TensorData};

    use super::*;
    use crate::cpu::testing::{Stirred, random};
    use crate::nn::vit::ImagePooling;

    #[test]
    fn the_kernels_give_what_the_network_of_tensors_gives() {
        let small = VitConfig {
            image_size: 32,
            patch_size: 8,
            d_model: 48,
            ffn_dim: 96,
            layers: 3,
            heads: 4,
            ..VitConfig::default()
        };
        let clip = VitConfig { activation: Activation::QuickGelu, ..small.clone() };
        let siglip = VitConfig {
            activation: Activation::GeluTanh,
            class_token: false,
            pre_norm: false,
            patch_bias: true,
            pooling: ImagePooling::Attention,
            projection: false,
            norm_epsilon: 1e-6,
            ..small.clone()
        };
        let device = Device::flex();
        device.seed(7);
        for config in [small, clip, siglip] {
            let dims = if config.projection { 32 } else { 48 };
            let network = config.init(dims, &device).map(&mut Stirred);
            let tower = CpuVit::of_network(&config, &network, Precision::Float);
            let photos: Vec<Vec<f32>> = (0..3).map(|seed| random(32 * 32 * 3, seed)).collect();
            let given = tower.forward(&photos);
            let pixels = Tensor::<4>::from_data(TensorData::new(photos.concat(), [3, 32, 32, 3]), &device);
            let want = network.forward(pixels.permute([0, 3, 1, 2]));
            for (given, want) in [(&given.pooled, floats(want.pooled)), (&given.shared, floats(want.shared))] {
                assert_eq!(given.len(), want.len());
                let range = want.iter().fold(0f32, |most, value| most.max(value.abs()));
                for (given, want) in given.iter().zip(&want) {
                    assert!((given - want).abs() < 1e-4 * range, "{config:?}: {given}, not {want}");
                }
            }
        }
    }
}
