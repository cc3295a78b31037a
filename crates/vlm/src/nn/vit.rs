//! The vision transformer (Dosovitskiy et al. 2020, arXiv:2010.11929) in the shapes of CLIP and SigLIP.
//!
//! CLIP's has a class token, a normalisation before the layers, a patch convolution without bias, and gives the class
//! token through a normalisation and a linear map. SigLIP's has none of these: it normalises all states and pools them by
//! attention. Layer names are the same for both; [`crate::checkpoint`] has the table of what published files call them.

use burn::module::{Module, Param};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::attention::AttentionPool;
use super::block::{Block, BlockSizes};
use super::mlp::Activation;

/// How the states become one vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImagePooling {
    /// The class token's state, normalised.
    #[default]
    ClassToken,
    /// All states, normalised, through an attention-pooling head.
    Attention,
}

/// The architecture as data; the defaults are CLIP's ViT-B/32 at 224 pixels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VitConfig {
    /// Side of the square input in pixels; a multiple of `patch_size`. Default 224.
    pub image_size: usize,
    /// Side of a patch in pixels. Default 32.
    pub patch_size: usize,
    /// Width of a token. Default 768.
    pub d_model: usize,
    /// Inner width of the feed-forward layers. Default 3072.
    pub ffn_dim: usize,
    /// Layers. Default 12.
    pub layers: usize,
    /// Attention heads; divide `d_model`. Default 12.
    pub heads: usize,
    /// Added to the variance in layer normalisation. Default 1e-5.
    pub norm_epsilon: f64,
    /// In the feed-forward layers: `gelu`, `quick_gelu` or `gelu_tanh`. Default `gelu`.
    pub activation: Activation,
    /// Whether a learned token goes before the patches. Default true.
    pub class_token: bool,
    /// Whether tokens are normalised before the first layer. Default true.
    pub pre_norm: bool,
    /// Whether the patch convolution has a bias. Default false.
    pub patch_bias: bool,
    /// `class_token` or `attention`. Default `class_token`.
    pub pooling: ImagePooling,
    /// Whether a linear map without bias leads to the shared space. Default true.
    pub projection: bool,
}

impl Default for VitConfig {
    fn default() -> Self {
        Self {
            image_size: 224,
            patch_size: 32,
            d_model: 768,
            ffn_dim: 3072,
            layers: 12,
            heads: 12,
            norm_epsilon: 1e-5,
            activation: Activation::Gelu,
            class_token: true,
            pre_norm: true,
            patch_bias: false,
            pooling: ImagePooling::ClassToken,
            projection: true,
        }
    }
}

impl VitConfig {
    /// Patches of a photo.
    pub fn patches(&self) -> usize {
        (self.image_size / self.patch_size).pow(2)
    }

    /// Tokens of a photo: its patches and the class token.
    pub fn tokens(&self) -> usize {
        self.patches() + usize::from(self.class_token)
    }

    /// The tower with fresh weights on `device`; it gives vectors of `dims` numbers.
    pub fn init(&self, dims: usize, device: &Device) -> Vit {
        let norm = || LayerNormConfig::new(self.d_model).with_epsilon(self.norm_epsilon).init(device);
        let sizes = BlockSizes {
            d_model: self.d_model,
            ffn_dim: self.ffn_dim,
            heads: self.heads,
            norm_epsilon: self.norm_epsilon,
            activation: self.activation,
        };
        let side = [self.patch_size, self.patch_size];
        Vit {
            patch: Conv2dConfig::new([3, self.d_model], side).with_stride(side).with_bias(self.patch_bias).init(device),
            class_token: self.class_token.then(|| Param::from_tensor(Tensor::zeros([self.d_model], device))),
            position: Param::from_tensor(Tensor::zeros([self.tokens(), self.d_model], device)),
            pre_norm: self.pre_norm.then(norm),
            layers: (0..self.layers).map(|_| sizes.init(device)).collect(),
            post_norm: norm(),
            pool: (self.pooling == ImagePooling::Attention).then(|| {
                let (width, inner) = (self.d_model, self.ffn_dim);
                AttentionPool::new(width, inner, self.heads, self.norm_epsilon, self.activation, device)
            }),
            projection: self.projection.then(|| LinearConfig::new(self.d_model, dims).with_bias(false).init(device)),
        }
    }
}

/// A vision transformer.
#[derive(Module, Debug)]
pub struct Vit {
    /// From pixels to tokens.
    pub patch: Conv2d,
    /// The learned token before the patches, `[d_model]`.
    pub class_token: Option<Param<Tensor<1>>>,
    /// Learned positions, `[tokens, d_model]`, the class token's first.
    pub position: Param<Tensor<2>>,
    /// Normalisation before the first layer.
    pub pre_norm: Option<LayerNorm>,
    /// The layers in order.
    pub layers: Vec<Block>,
    /// Normalisation of what is pooled.
    pub post_norm: LayerNorm,
    /// Pooling by attention, where it is not the class token.
    pub pool: Option<AttentionPool>,
    /// To the shared space.
    pub projection: Option<Linear>,
}

/// What the tower gives for a batch.
#[derive(Debug, Clone)]
pub struct VitOutput {
    /// What is pooled, `[batch, d_model]`.
    pub pooled: Tensor<2>,
    /// The same in the shared space, `[batch, dims]`, not yet of unit length.
    pub shared: Tensor<2>,
}

impl Vit {
    /// Normalised pixels `[batch, 3, side, side]` to the states of all tokens after the last layer, normalised,
    /// `[batch, tokens, d_model]`.
    pub fn states(&self, pixels: Tensor<4>) -> Tensor<3> {
        self.post_norm.forward(self.through_layers(pixels))
    }

    /// Normalised pixels `[batch, 3, side, side]` through the tower.
    pub fn forward(&self, pixels: Tensor<4>) -> VitOutput {
        let x = self.through_layers(pixels);
        let pooled = match &self.pool {
            Some(pool) => pool.forward(self.post_norm.forward(x)),
            None => self.post_norm.forward(x.narrow(1, 0, 1)).squeeze_dim(1),
        };
        let shared = match &self.projection {
            Some(projection) => projection.forward(pooled.clone()),
            None => pooled.clone(),
        };
        VitOutput { pooled, shared }
    }

    /// Pixels through the layers, `[batch, tokens, d_model]`.
    fn through_layers(&self, pixels: Tensor<4>) -> Tensor<3> {
        let patches = self.patch.forward(pixels); // [batch, d_model, grid, grid]
        let [batch, d_model, _, _] = patches.dims();
        let mut x = patches.flatten::<3>(2, 3).swap_dims(1, 2); // [batch, patches, d_model]
        if let Some(class) = &self.class_token {
            let class = class.val().reshape([1, 1, d_model]).expand([batch, 1, d_model]);
            x = Tensor::cat(vec![class, x], 1);
        }
        x = x + self.position.val().unsqueeze::<3>();
        if let Some(norm) = &self.pre_norm {
            x = norm.forward(x);
        }
        for layer in &self.layers {
            x = layer.forward(x, None);
        }
        x
    }
}
