//! From the towers into the shared space: pooling and projection heads.
//!
//! An embedding is the concatenation of `members` small ones, each of unit length and with heads of its
//! own, trained side by side: their cosines add up, which is an ensemble for the price of one vector.
//! A head is a linear map plus a one-layer perceptron over layer-normalised input. The image head sees the
//! mean and the maximum of each feature over the positions of the map: the mean says what the photo is of,
//! the maximum what is also in it. Attention over positions scored no better on the dev split. It also sees
//! a summary of the tower's last stages, which know what the classifier's features were trained to leave
//! out: that gave two points of recall.

use burn::config::Config;
use burn::module::{Module, Param};
use burn::nn::{LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::tensor::activation::gelu;
use burn::tensor::{Device, Distribution, Tensor};

/// Standard deviations beyond which a number of the summary counts no more: one odd channel must not decide.
pub(crate) const SUMMARY_LIMIT: f64 = 3.0;

/// Sizes of the heads.
#[derive(Config, Debug, PartialEq)]
pub struct HeadsConfig {
    /// Length of an embedding; divided evenly among the members.
    #[config(default = 512)]
    pub dims: usize,
    /// Heads trained side by side.
    #[config(default = 2)]
    pub members: usize,
    /// Channels of the feature map.
    #[config(default = 1280)]
    pub features: usize,
    /// Numbers in the summary of the image tower's stages.
    #[config(default = 1360)]
    pub summary: usize,
    /// Length of a sentence vector; its halves come from two depths of the text tower.
    #[config(default = 768)]
    pub text_width: usize,
    /// Hidden width of an image head.
    #[config(default = 384)]
    pub image_hidden: usize,
    /// Hidden width of a text head.
    #[config(default = 512)]
    pub text_hidden: usize,
    /// Temperature that the logit scales start from.
    #[config(default = 0.05)]
    pub temperature: f64,
}

impl HeadsConfig {
    /// Heads with fresh weights on `device`.
    pub fn init(&self, device: &Device) -> Heads {
        let dims = self.dims / self.members;
        let scale = |value: f64| Param::from_tensor(Tensor::full([self.members], value.ln(), device));
        Heads {
            image: (0..self.members).map(|_| self.image_head(dims, device)).collect(),
            text: (0..self.members).map(|_| self.text_head(dims, device)).collect(),
            summary_mean: frozen(Tensor::zeros([self.summary], device)),
            summary_deviation: frozen(Tensor::ones([self.summary], device)),
            caption_scale: scale(1.0 / self.temperature),
            class_scale: scale(30.0),
        }
    }

    fn image_head(&self, dims: usize, device: &Device) -> ImageHead {
        let norm = || LayerNormConfig::new(self.features).init(device);
        ImageHead {
            mean_norm: norm(),
            max_norm: norm(),
            hidden: LinearConfig::new(2 * self.features + self.summary, self.image_hidden).init(device),
            out: LinearConfig::new(self.image_hidden, dims).init(device),
            linear: LinearConfig::new(self.features + self.summary, dims).with_bias(false).init(device),
        }
    }

    fn text_head(&self, dims: usize, device: &Device) -> TextHead {
        TextHead {
            last_norm: LayerNormConfig::new(self.text_width / 2).init(device),
            early_norm: LayerNormConfig::new(self.text_width / 2).init(device),
            hidden: LinearConfig::new(self.text_width, self.text_hidden).init(device),
            out: LinearConfig::new(self.text_hidden, dims).init(device),
            linear: LinearConfig::new(self.text_width, dims).init(device),
        }
    }
}

/// The heads of both towers.
#[derive(Module, Debug)]
pub struct Heads {
    /// From pooled feature maps, one a member.
    pub image: Vec<ImageHead>,
    /// From sentence vectors, one a member.
    pub text: Vec<TextHead>,
    /// Mean of each number of the stage summary over the training photos, `[summary]`; not trained.
    pub summary_mean: Param<Tensor<1>>,
    /// Its standard deviation, `[summary]`; not trained.
    pub summary_deviation: Param<Tensor<1>>,
    /// Natural logarithm of the factor on cosines between photos and captions, `[members]`; for training.
    pub caption_scale: Param<Tensor<1>>,
    /// The same between photos and class names.
    pub class_scale: Param<Tensor<1>>,
}

impl Heads {
    /// Pooled feature maps to embeddings `[batch, dims]`.
    pub fn embed_images(&self, pooled: &Pooled) -> Tensor<2> {
        self.project_images(&self.standardised(pooled.clone()))
    }

    /// The same of what [`Heads::standardised`] gave.
    pub fn project_images(&self, standardised: &Pooled) -> Tensor<2> {
        Tensor::cat(self.image.iter().map(|head| head.forward(standardised, 0.0)).collect(), 1)
    }

    /// The same with the stage summary in standard deviations from its mean, as image heads take it.
    pub fn standardised(&self, pooled: Pooled) -> Pooled {
        let centred = pooled.summary - self.summary_mean.val().unsqueeze();
        let summary = (centred / self.summary_deviation.val().unsqueeze()).clamp(-SUMMARY_LIMIT, SUMMARY_LIMIT);
        Pooled { summary, ..pooled }
    }

    /// Sentence vectors `[batch, width]` to embeddings `[batch, dims]`.
    pub fn embed_texts(&self, sentences: Tensor<2>) -> Tensor<2> {
        embed_texts(&self.text, sentences)
    }
}

/// Sentence vectors `[batch, width]` through the heads of all members, `[batch, dims]`.
pub(crate) fn embed_texts(heads: &[TextHead], sentences: Tensor<2>) -> Tensor<2> {
    Tensor::cat(heads.iter().map(|head| head.forward(sentences.clone(), 0.0)).collect(), 1)
}

/// What an image head sees of a photo.
#[derive(Debug, Clone)]
pub struct Pooled {
    /// Mean of the features over the positions, `[batch, features]`.
    pub mean: Tensor<2>,
    /// Maximum of the features over the positions, `[batch, features]`.
    pub max: Tensor<2>,
    /// Summary of the tower's stages, `[batch, summary]`.
    pub summary: Tensor<2>,
}

impl Pooled {
    /// Pools a feature map `[batch, positions, features]` with a summary `[batch, summary]`.
    pub fn of(map: Tensor<3>, summary: Tensor<2>) -> Self {
        Self { mean: map.clone().mean_dim(1).squeeze_dim(1), max: map.max_dim(1).squeeze_dim(1), summary }
    }
}

/// Projection of a pooled feature map.
#[derive(Module, Debug)]
pub struct ImageHead {
    /// Normalises the mean feature.
    pub mean_norm: LayerNorm,
    /// Normalises the maximal feature.
    pub max_norm: LayerNorm,
    /// Perceptron over both and the summary, first layer.
    pub hidden: Linear,
    /// Perceptron, second layer.
    pub out: Linear,
    /// Linear map of the mean feature and the summary.
    pub linear: Linear,
}

impl ImageHead {
    /// Pooled maps, the summary standardised, to unit vectors `[batch, dims]`.
    ///
    /// `dropout` is the probability of dropping a feature or hidden unit: 0 but for training.
    pub fn forward(&self, pooled: &Pooled, dropout: f64) -> Tensor<2> {
        let mean = drop_units(self.mean_norm.forward(pooled.mean.clone()), dropout);
        let max = drop_units(self.max_norm.forward(pooled.max.clone()), dropout);
        let summary = drop_units(pooled.summary.clone(), dropout);
        let all = Tensor::cat(vec![mean.clone(), max, summary.clone()], 1);
        let hidden = drop_units(gelu(self.hidden.forward(all)), dropout);
        unit(self.linear.forward(Tensor::cat(vec![mean, summary], 1)) + self.out.forward(hidden))
    }
}

/// Projection of a sentence vector.
#[derive(Module, Debug)]
pub struct TextHead {
    /// Normalises the half of the sentence vector that is from the last layer.
    pub last_norm: LayerNorm,
    /// Normalises the half from an earlier layer.
    pub early_norm: LayerNorm,
    /// Perceptron, first layer.
    pub hidden: Linear,
    /// Perceptron, second layer.
    pub out: Linear,
    /// Linear map beside it.
    pub linear: Linear,
}

impl TextHead {
    /// Sentence vectors `[batch, width]` to unit vectors `[batch, dims]`.
    ///
    /// `dropout` is the probability of dropping a hidden unit: 0 but for training.
    pub fn forward(&self, sentence: Tensor<2>, dropout: f64) -> Tensor<2> {
        let halves = sentence.chunk(2, 1);
        let x =
            Tensor::cat(vec![self.last_norm.forward(halves[0].clone()), self.early_norm.forward(halves[1].clone())], 1);
        let hidden = drop_units(gelu(self.hidden.forward(x.clone())), dropout);
        unit(self.linear.forward(x) + self.out.forward(hidden))
    }
}

fn frozen(value: Tensor<1>) -> Param<Tensor<1>> {
    Param::from_tensor(value).set_require_grad(false)
}

/// Rows of `x` `[batch, dims]` scaled to unit length.
pub(crate) fn unit(x: Tensor<2>) -> Tensor<2> {
    let norm = x.clone().powi_scalar(2).sum_dim(1).sqrt().clamp_min(1e-6);
    x / norm
}

/// Zeroes each number with probability `p` and scales the rest up (Srivastava et al. 2014).
pub(crate) fn drop_units(x: Tensor<2>, p: f64) -> Tensor<2> {
    if p == 0.0 {
        return x;
    }
    let kept = x.random_like(Distribution::Bernoulli(1.0 - p));
    x * kept / (1.0 - p)
}
