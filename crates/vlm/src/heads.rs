//! From the towers into the shared space: attention pooling and projection heads.
//!
//! The positions of a feature map are averaged with the weights of a few learned queries beside the
//! plain mean, so that a caption's dog is not averaged away by its meadow (pooling by attention, Lee et
//! al. 2019, arXiv:1810.00825, without value projections: positions are averaged as they are).
//! Each head is a linear map plus a one-layer perceptron. Outputs are not scaled to unit length.

use burn::config::Config;
use burn::module::Module;
use burn::nn::{Dropout, DropoutConfig, LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::tensor::activation::{gelu, softmax};
use burn::tensor::{Device, Tensor};

/// Sizes of the heads.
#[derive(Config, Debug)]
pub struct HeadsConfig {
    /// Length of an embedding.
    pub dims: usize,
    /// Channels of the feature map.
    #[config(default = 1280)]
    pub features: usize,
    /// Width of the text tower.
    #[config(default = 384)]
    pub text_width: usize,
    /// Learned pooling queries.
    #[config(default = 4)]
    pub queries: usize,
    /// Hidden width of the image head.
    #[config(default = 1024)]
    pub image_hidden: usize,
    /// Hidden width of the text head.
    #[config(default = 2048)]
    pub text_hidden: usize,
    /// Probability of dropping a unit while training.
    #[config(default = 0.3)]
    pub dropout: f64,
}

impl HeadsConfig {
    /// Heads with fresh weights on `device`.
    pub fn init(&self, device: &Device) -> Heads {
        let dropout = || DropoutConfig::new(self.dropout).init();
        Heads {
            image: ImageHead {
                norm: LayerNormConfig::new(self.features).init(device),
                queries: LinearConfig::new(self.features, self.queries).init(device),
                hidden: LinearConfig::new(self.features * (1 + self.queries), self.image_hidden).init(device),
                out: LinearConfig::new(self.image_hidden, self.dims).init(device),
                linear: LinearConfig::new(self.features, self.dims).with_bias(false).init(device),
                dropout: dropout(),
            },
            text: TextHead {
                hidden: LinearConfig::new(self.text_width, self.text_hidden).init(device),
                out: LinearConfig::new(self.text_hidden, self.dims).init(device),
                linear: LinearConfig::new(self.text_width, self.dims).with_bias(false).init(device),
                dropout: dropout(),
            },
        }
    }
}

/// Both heads.
#[derive(Module, Debug)]
pub struct Heads {
    /// From feature maps.
    pub image: ImageHead,
    /// From sentence vectors.
    pub text: TextHead,
}

/// Attention pooling and projection of a feature map.
#[derive(Module, Debug)]
pub struct ImageHead {
    /// Normalises the features of a position.
    pub norm: LayerNorm,
    /// Logits of each query at a position.
    pub queries: Linear,
    /// Perceptron over the pooled features, first layer.
    pub hidden: Linear,
    /// Perceptron, second layer.
    pub out: Linear,
    /// Linear map of the mean feature.
    pub linear: Linear,
    /// Drops units while training; nothing at inference.
    pub dropout: Dropout,
}

impl ImageHead {
    /// Feature maps `[batch, positions, features]` to `[batch, dims]`.
    pub fn forward(&self, map: Tensor<3>) -> Tensor<2> {
        let [batch, _, features] = map.dims();
        let x = self.norm.forward(map);
        let mean = x.clone().mean_dim(1).squeeze_dim::<2>(1); // [batch, features]
        let weights = softmax(self.queries.forward(x.clone()), 1); // [batch, positions, queries]
        let [_, _, queries] = weights.dims();
        let attended = weights.swap_dims(1, 2).matmul(x).reshape([batch, queries * features]);
        let pooled = self.dropout.forward(Tensor::cat(vec![mean.clone(), attended], 1));
        let hidden = self.dropout.forward(gelu(self.hidden.forward(pooled)));
        self.linear.forward(self.dropout.forward(mean)) + self.out.forward(hidden)
    }
}

/// Projection of a sentence vector.
#[derive(Module, Debug)]
pub struct TextHead {
    /// Perceptron, first layer.
    pub hidden: Linear,
    /// Perceptron, second layer.
    pub out: Linear,
    /// Linear map beside it.
    pub linear: Linear,
    /// Drops units while training; nothing at inference.
    pub dropout: Dropout,
}

impl TextHead {
    /// Sentence vectors `[batch, width]` to `[batch, dims]`.
    pub fn forward(&self, sentence: Tensor<2>) -> Tensor<2> {
        let hidden = self.dropout.forward(gelu(self.hidden.forward(sentence.clone())));
        self.linear.forward(sentence) + self.out.forward(hidden)
    }
}
