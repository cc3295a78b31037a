//! The image tower: EfficientNet-Lite, batch normalisation folded into the convolutions.
//!
//! Tan & Le 2019 (arXiv:1905.11946), *lite* variant: ReLU6 everywhere, no squeeze-and-excite, stem and
//! head not scaled. The tower ends after the head convolution: it gives a feature map and, of the last stages
//! on the way, the mean and maximum of their channels over the positions. The head's features were made to
//! tell 1,000 classes apart; the stages before it still know what that leaves out. Earlier ones would add
//! little and see the sharpness of a photo more than what it shows. It knows nothing of files: the weights
//! are put into it by [`crate::weights`].

use burn::config::Config;
use burn::module::Module;
use burn::nn::PaddingConfig2d;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::tensor::activation::relu6;
use burn::tensor::{Device, Tensor};

/// One row of the architecture table: a run of equal inverted-residual blocks.
#[derive(Config, Debug, Copy)]
pub struct StageConfig {
    /// Blocks in the run, after depth scaling.
    pub repeats: usize,
    /// Side of the depthwise kernel.
    pub kernel: usize,
    /// Stride of the first block; the others have 1.
    pub stride: usize,
    /// Width of the hidden layer as a multiple of the input's.
    pub expand: usize,
    /// Output channels, after width scaling.
    pub channels: usize,
}

/// The architecture as data; the defaults are EfficientNet-Lite2 (width 1.1, depth 1.2, 260 px).
#[derive(Config, Debug)]
pub struct EfficientNetConfig {
    /// Side of the square input in pixels.
    #[config(default = 260)]
    pub image_size: usize,
    /// Channels of the stem convolution.
    #[config(default = 32)]
    pub stem_channels: usize,
    /// The stages in order.
    #[config(default = "lite2_stages()")]
    pub stages: Vec<StageConfig>,
    /// Channels of the feature map that leaves the tower.
    #[config(default = 1280)]
    pub features: usize,
}

fn lite2_stages() -> Vec<StageConfig> {
    [
        (1, 3, 1, 1, 16),
        (3, 3, 2, 6, 24),
        (3, 5, 2, 6, 48),
        (4, 3, 2, 6, 88),
        (4, 5, 1, 6, 120),
        (5, 5, 2, 6, 208),
        (1, 3, 1, 6, 352),
    ]
    .into_iter()
    .map(|(repeats, kernel, stride, expand, channels)| StageConfig::new(repeats, kernel, stride, expand, channels))
    .collect()
}

impl EfficientNetConfig {
    /// The tower with fresh weights on `device`.
    pub fn init(&self, device: &Device) -> EfficientNet {
        let mut blocks = Vec::new();
        let mut channels = self.stem_channels;
        for stage in &self.stages {
            for repeat in 0..stage.repeats {
                let stride = if repeat == 0 { stage.stride } else { 1 };
                blocks.push(InvertedResidual::new(channels, stage, stride, device));
                channels = stage.channels;
            }
        }
        EfficientNet {
            stem: conv(3, self.stem_channels, 3, 2, 1, device),
            blocks,
            head: conv(channels, self.features, 1, 1, 1, device),
        }
    }
}

/// `SAME` padding as in TensorFlow: an odd pixel goes to the bottom right.
fn conv(input: usize, output: usize, kernel: usize, stride: usize, groups: usize, device: &Device) -> Conv2d {
    Conv2dConfig::new([input, output], [kernel, kernel])
        .with_stride([stride, stride])
        .with_groups(groups)
        .with_padding(if kernel == 1 { PaddingConfig2d::Valid } else { PaddingConfig2d::Same })
        .init(device)
}

/// A 1x1 expansion, a depthwise convolution and a linear 1x1 projection, with a skip where shapes agree.
#[derive(Module, Debug)]
pub struct InvertedResidual {
    /// 1x1 expansion; absent where the multiple is 1.
    pub expand: Option<Conv2d>,
    /// Depthwise convolution.
    pub depthwise: Conv2d,
    /// 1x1 projection, no activation after it.
    pub project: Conv2d,
    /// Whether the input is added to the output.
    pub skip: bool,
}

impl InvertedResidual {
    fn new(input: usize, stage: &StageConfig, stride: usize, device: &Device) -> Self {
        let hidden = input * stage.expand;
        Self {
            expand: (stage.expand != 1).then(|| conv(input, hidden, 1, 1, 1, device)),
            depthwise: conv(hidden, hidden, stage.kernel, stride, hidden, device),
            project: conv(hidden, stage.channels, 1, 1, 1, device),
            skip: stride == 1 && input == stage.channels,
        }
    }

    /// `[batch, input, h, w]` to `[batch, channels, h / stride, w / stride]`.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let hidden = match &self.expand {
            Some(expand) => relu6(expand.forward(input.clone())),
            None => input.clone(),
        };
        let output = self.project.forward(relu6(self.depthwise.forward(hidden)));
        if self.skip { output + input } else { output }
    }
}

/// Stages that the summary tells of, from the end.
pub const SUMMARISED_STAGES: usize = 3;

/// What the tower gives for a batch.
#[derive(Debug, Clone)]
pub struct TowerOutput {
    /// Features after the head convolution, `[batch, features, map, map]`, values in 0..=6.
    pub map: Tensor<4>,
    /// Of each of the last [`SUMMARISED_STAGES`] stages the channels' means, then their maxima, over the positions of the
    /// stage's output, `[batch, 2 * channels of those stages]`.
    pub summary: Tensor<2>,
}

/// Means and maxima of a stage's output `[batch, channels, h, w]` over its positions, `[batch, channels]` each.
pub(crate) fn stage_summary(output: &Tensor<4>) -> [Tensor<2>; 2] {
    let positions = output.clone().flatten::<3>(2, 3);
    [positions.clone().mean_dim(2).squeeze_dim(2), positions.max_dim(2).squeeze_dim(2)]
}

/// EfficientNet-Lite without its classifier.
#[derive(Module, Debug)]
pub struct EfficientNet {
    /// 3x3 convolution of stride 2.
    pub stem: Conv2d,
    /// The inverted residual blocks in order.
    pub blocks: Vec<InvertedResidual>,
    /// 1x1 convolution to the feature width.
    pub head: Conv2d,
}

impl EfficientNet {
    /// Normalised pixels `[batch, 3, side, side]` through the tower.
    pub fn forward(&self, pixels: Tensor<4>) -> TowerOutput {
        let mut x = relu6(self.stem.forward(pixels));
        let mut summary = Vec::new();
        for (index, block) in self.blocks.iter().enumerate() {
            x = block.forward(x);
            if self.is_summarised(index) {
                summary.extend(stage_summary(&x));
            }
        }
        TowerOutput { map: relu6(self.head.forward(x)), summary: Tensor::cat(summary, 1) }
    }

    /// Whether a block is the last of one of the last stages. A stage begins with a block without a skip.
    pub(crate) fn is_summarised(&self, block: usize) -> bool {
        let later_stages = self.blocks[block + 1..].iter().filter(|b| !b.skip).count();
        later_stages < SUMMARISED_STAGES && self.blocks.get(block + 1).is_none_or(|next| !next.skip)
    }
}
