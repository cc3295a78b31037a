//! The image tower on CPU cores without tensors: one photo a core, channels last, strip by strip.
//!
//! The same weights and the same sums as [`EfficientNet`], which serves GPUs and training; a test holds
//! the two together. It is faster than a general convolution because the hidden layer of a block, six
//! times as wide as its input, never leaves the second-level cache (the fusion of MobileNetV2's
//! inverted residual, Sandler et al. 2018, section 5).

use burn::nn::conv::Conv2d;
use rayon::prelude::*;

use crate::cpu::transformer::floats;
use crate::cpu::{Activation, Dense, Depthwise, Placement};
use crate::nn::efficientnet::{EfficientNet, InvertedResidual};

/// Floats of a block's hidden layer held at once: a megabyte, half of a common second-level cache.
const STRIP_FLOATS: usize = 1 << 18;

/// EfficientNet-Lite with weights laid out for CPU kernels.
#[derive(Debug, Clone)]
pub struct CpuEfficientNet {
    stem: Dense,
    blocks: Vec<CpuBlock>,
    head: Dense,
}

#[derive(Debug, Clone)]
struct CpuBlock {
    expand: Option<Dense>,
    depthwise: Depthwise,
    project: Dense,
    skip: bool,
    /// Whether the output is the end of a stage that the summary tells of.
    summarised: bool,
}

/// What the tower gives for one photo; see [`TowerOutput`](crate::nn::efficientnet::TowerOutput).
#[derive(Debug, Clone, Default)]
pub struct PhotoFeatures {
    /// Feature map `[map * map, features]`.
    pub map: Vec<f32>,
    /// Stage summary `[summary_width]`.
    pub summary: Vec<f32>,
}

/// Buffers that a thread keeps between photos.
#[derive(Debug, Default)]
struct Scratch {
    current: Vec<f32>,
    next: Vec<f32>,
    strip: Vec<f32>,
    hidden: Vec<f32>,
}

impl CpuEfficientNet {
    /// Lays out the weights of `tower`.
    pub fn new(tower: &EfficientNet) -> Self {
        let (weight, bias) = host(&tower.stem);
        // `stem_windows` gathers pixels as [ky, kx, 3]; the weights are [output, 3, ky, kx].
        let stem = |i: usize, o: usize| weight[o * 27 + i % 3 * 9 + i / 3];
        Self {
            stem: Dense::new(27, &bias, Activation::Relu6, stem),
            blocks: (0..tower.blocks.len())
                .map(|block| CpuBlock::new(&tower.blocks[block], tower.is_summarised(block)))
                .collect(),
            head: pointwise(&tower.head, Activation::Relu6),
        }
    }

    /// Channels of the feature map.
    pub fn features(&self) -> usize {
        self.head.output()
    }

    /// Numbers in a stage summary.
    pub fn summary_width(&self) -> usize {
        self.blocks.iter().filter(|block| block.summarised).map(|block| 2 * block.project.output()).sum()
    }

    /// Normalised photos `[side, side, 3]` each through the tower.
    ///
    /// All photos have the same side; photos are shared out over the cores.
    pub fn forward(&self, photos: &[Vec<f32>], side: usize) -> Vec<PhotoFeatures> {
        photos.par_iter().map_init(Scratch::default, |scratch, photo| self.photo(photo, side, scratch)).collect()
    }

    /// What enters block `block` of normalised photos `[side, side, 3]`, as the map `[positions, channels]`, with the
    /// summary of the stages before it.
    pub fn before(&self, block: usize, photos: &[Vec<f32>], side: usize) -> Vec<PhotoFeatures> {
        let run = |scratch: &mut Scratch, photo: &Vec<f32>| {
            let (size, summary) = self.run_blocks(photo, side, block, scratch);
            let channels = self.blocks[block - 1].project.output();
            PhotoFeatures { map: scratch.current[..size * size * channels].to_vec(), summary }
        };
        photos.par_iter().map_init(Scratch::default, run).collect()
    }

    fn photo(&self, photo: &[f32], side: usize, scratch: &mut Scratch) -> PhotoFeatures {
        let (size, summary) = self.run_blocks(photo, side, self.blocks.len(), scratch);
        let mut map = vec![0.0; size * size * self.head.output()];
        let place = Placement { width: size, pitch: size * self.head.output() };
        self.head.run(&scratch.current, &mut map, place, None);
        PhotoFeatures { map, summary }
    }

    /// The stem and the first `blocks` blocks into `scratch.current`; gives its side and the stages' summary.
    fn run_blocks(&self, photo: &[f32], side: usize, blocks: usize, scratch: &mut Scratch) -> (usize, Vec<f32>) {
        let mut summary = Vec::with_capacity(self.summary_width());
        let mut size = side.div_ceil(2);
        self.stem_windows(photo, side, scratch);
        for block in &self.blocks[..blocks] {
            size = block.run(size, scratch);
            std::mem::swap(&mut scratch.current, &mut scratch.next);
            if block.summarised {
                summarise(
                    &scratch.current[..size * size * block.project.output()],
                    block.project.output(),
                    &mut summary,
                );
            }
        }
        (size, summary)
    }

    /// The 3x3 stem of stride 2: windows gathered row by row, then a matrix product.
    fn stem_windows(&self, photo: &[f32], side: usize, scratch: &mut Scratch) {
        let size = side.div_ceil(2);
        let pad = same_padding(side, 3, 2).0 as isize;
        let channels = self.stem.output();
        scratch.current.resize(size * size * channels, 0.0);
        scratch.hidden.resize(size * 27, 0.0);
        for y in 0..size {
            for (x, window) in scratch.hidden.chunks_exact_mut(27).enumerate() {
                for (tap, rgb) in window.chunks_exact_mut(3).enumerate() {
                    let row = (2 * y + tap / 3) as isize - pad;
                    let column = (2 * x + tap % 3) as isize - pad;
                    let inside = (0..side as isize).contains(&row) && (0..side as isize).contains(&column);
                    if inside {
                        rgb.copy_from_slice(&photo[(row as usize * side + column as usize) * 3..][..3]);
                    } else {
                        rgb.fill(0.0);
                    }
                }
            }
            let place = Placement { width: size, pitch: size * channels };
            let out = &mut scratch.current[y * size * channels..][..size * channels];
            self.stem.run(&scratch.hidden, out, place, None);
        }
    }
}

impl CpuBlock {
    fn new(block: &InvertedResidual, summarised: bool) -> Self {
        let (weight, bias) = host(&block.depthwise);
        let depthwise = Depthwise::new(&weight, &bias, block.depthwise.kernel_size[0], block.depthwise.stride[0]);
        Self {
            expand: block.expand.as_ref().map(|e| pointwise(e, Activation::Relu6)),
            depthwise,
            project: pointwise(&block.project, Activation::Linear),
            skip: block.skip,
            summarised,
        }
    }

    /// `scratch.current` `[size, size, input]` to `scratch.next`; returns the side of the output.
    fn run(&self, size: usize, scratch: &mut Scratch) -> usize {
        let Scratch { current, next, strip, hidden } = scratch;
        let (channels, kernel, stride) = (self.depthwise.channels(), self.depthwise.kernel(), self.depthwise.stride());
        let out_size = size.div_ceil(stride);
        let (before, after) = same_padding(size, kernel, stride);
        let padded = size + before + after;
        let pitch = padded * channels;
        let rows_at_once = (STRIP_FLOATS / (pitch * stride)).clamp(1, out_size);
        let strip_rows = (rows_at_once - 1) * stride + kernel;

        next.resize(out_size * out_size * self.project.output(), 0.0);
        strip.clear();
        strip.resize(strip_rows * pitch, 0.0); // the columns of padding stay zero
        hidden.resize(rows_at_once * out_size * channels, 0.0);

        let mut filled = 0; // padded rows [first, filled) are in the strip
        let mut first = 0;
        for out_row in (0..out_size).step_by(rows_at_once) {
            let rows = rows_at_once.min(out_size - out_row);
            let (from, to) = (out_row * stride, (out_row + rows - 1) * stride + kernel);
            // Rows that the strip before shares with this one move to the front.
            if filled > from {
                strip.copy_within((from - first) * pitch..(filled - first) * pitch, 0);
            }
            first = from;
            self.fill(current, size, before, filled.max(from)..to, first, strip, pitch);
            filled = to;

            let hidden = &mut hidden[..rows * out_size * channels];
            self.depthwise.run(strip, padded, hidden, out_size);
            let out = out_row * out_size * self.project.output()..(out_row + rows) * out_size * self.project.output();
            let skip = self.skip.then(|| &current[out.clone()]);
            let place = Placement { width: out_size, pitch: out_size * self.project.output() };
            self.project.run(hidden, &mut next[out], place, skip);
        }
        out_size
    }

    /// Writes the hidden layer's padded rows into the strip, whose row 0 is padded row `first`.
    #[allow(clippy::too_many_arguments)]
    fn fill(
        &self,
        current: &[f32],
        size: usize,
        before: usize,
        rows: std::ops::Range<usize>,
        first: usize,
        strip: &mut [f32],
        pitch: usize,
    ) {
        let channels = self.depthwise.channels();
        let real = rows.start.max(before)..rows.end.min(before + size);
        for row in rows.filter(|r| !real.contains(r)) {
            strip[(row - first) * pitch..][..pitch].fill(0.0);
        }
        if real.is_empty() {
            return;
        }
        let out = &mut strip[(real.start - first) * pitch + before * channels..];
        match &self.expand {
            Some(expand) => {
                let line = size * expand.input();
                let x = &current[(real.start - before) * line..(real.end - before) * line];
                expand.run(x, out, Placement { width: size, pitch }, None);
            }
            None => {
                let line = size * channels;
                for (i, row) in real.enumerate() {
                    out[i * pitch..][..line].copy_from_slice(&current[(row - before) * line..][..line]);
                }
            }
        }
    }
}

/// Adds the means and then the maxima of the channels of `[positions, channels]` to `summary`.
fn summarise(values: &[f32], channels: usize, summary: &mut Vec<f32>) {
    let (mut sum, mut max) = (vec![0.0; channels], vec![f32::MIN; channels]);
    for position in values.chunks_exact(channels) {
        for ((sum, max), value) in sum.iter_mut().zip(&mut max).zip(position) {
            *sum += value;
            *max = max.max(*value);
        }
    }
    let positions = (values.len() / channels) as f32;
    summary.extend(sum.iter().map(|sum| sum / positions));
    summary.extend(max);
}

/// Zeros before and after a side of `size` pixels, as TensorFlow's `SAME` has it.
fn same_padding(size: usize, kernel: usize, stride: usize) -> (usize, usize) {
    let total = ((size.div_ceil(stride) - 1) * stride + kernel).saturating_sub(size);
    (total / 2, total - total / 2)
}

fn pointwise(conv: &Conv2d, activation: Activation) -> Dense {
    let (weight, bias) = host(conv);
    let input = conv.weight.dims()[1];
    Dense::new(input, &bias, activation, |i, o| weight[o * input + i])
}

/// Weights and bias of a convolution as plain floats.
fn host(conv: &Conv2d) -> (Vec<f32>, Vec<f32>) {
    let bias = conv.bias.as_ref().map(|bias| floats(bias.val()));
    let channels = conv.weight.dims()[0];
    (floats(conv.weight.val()), bias.unwrap_or_else(|| vec![0.0; channels]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::efficientnet::{EfficientNetConfig, StageConfig};
    use burn::tensor::{Device, Distribution, Tensor};

    #[test]
    fn the_cpu_tower_gives_what_the_tensor_tower_gives() {
        let device = Device::flex();
        device.seed(7);
        for (side, stages) in [
            (
                33,
                vec![
                    StageConfig::new(1, 3, 1, 1, 16),
                    StageConfig::new(2, 5, 2, 6, 24),
                    StageConfig::new(2, 3, 2, 4, 40),
                ],
            ),
            (64, vec![StageConfig::new(2, 3, 2, 6, 8), StageConfig::new(1, 5, 1, 3, 17)]),
        ] {
            let tower =
                EfficientNetConfig::new().with_image_size(side).with_stages(stages).with_features(50).init(&device);
            let pixels = Tensor::<4>::random([2, 3, side, side], Distribution::Uniform(-1.0, 1.0), &device);
            let given = tower.forward(pixels.clone());
            let want = given.map.permute([0, 2, 3, 1]).into_data().try_to_vec::<f32>().unwrap();
            let summary = given.summary.into_data().try_to_vec::<f32>().unwrap();
            let photos: Vec<Vec<f32>> = pixels
                .permute([0, 2, 3, 1])
                .into_data()
                .try_to_vec::<f32>()
                .unwrap()
                .chunks_exact(side * side * 3)
                .map(<[f32]>::to_vec)
                .collect();
            let cpu = CpuEfficientNet::new(&tower);
            let got = cpu.forward(&photos, side);
            assert!(got.iter().all(|photo| photo.summary.len() == cpu.summary_width()));
            let flat = |pick: fn(&PhotoFeatures) -> &Vec<f32>| got.iter().flat_map(pick).copied().collect::<Vec<_>>();
            for (got, want) in [(flat(|p| &p.map), &want), (flat(|p| &p.summary), &summary)] {
                assert_eq!(got.len(), want.len());
                let worst = got.iter().zip(want).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                assert!(worst < 1e-4, "side {side}: {worst}");
            }
            assert!(want.iter().any(|&v| v > 0.01), "the test photo must excite the tower");
        }
    }
}
