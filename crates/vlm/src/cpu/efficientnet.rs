//! The image tower on CPU cores without tensors, channels last, strip by strip: one photo a core, or one photo on all.
//!
//! The same weights and the same sums as [`EfficientNet`], which serves GPUs and training; a test holds
//! the two together. It is faster than a general convolution because the hidden layer of a block, six
//! times as wide as its input, never leaves the second-level cache (the fusion of MobileNetV2's
//! inverted residual, Sandler et al. 2018, section 5).

use burn::nn::conv::Conv2d;
use rayon::prelude::*;

use crate::cpu::transformer::floats;
use crate::cpu::{Activation, Dense, Depthwise, Placement, Spare};
use crate::nn::efficientnet::{EfficientNet, InvertedResidual};

/// Floats of a block's hidden layer held at once: half a megabyte, a quarter to a half of a common second-level cache.
const STRIP_FLOATS: usize = 1 << 17;

/// Hidden channels from which on a block is split by channels: its maps are small, and rows shared out over cores would
/// need much of the same rows of the hidden layer.
const SPLIT_CHANNELS: usize = 256;

/// Channels that are not split: the widest vector.
const VECTOR: usize = 16;

/// Parts of a block at most; every part has sums of its own to add up.
const MOST_PARTS: usize = 8;

/// EfficientNet-Lite with weights laid out for CPU kernels.
#[derive(Debug, Clone)]
pub struct CpuEfficientNet {
    stem: Dense,
    blocks: Vec<CpuBlock>,
    head: Dense,
    spare: Spare<Scratch>,
}

#[derive(Debug, Clone)]
struct CpuBlock {
    /// Parts of the hidden channels, which add up to the output.
    parts: Vec<Part>,
    skip: bool,
    /// Whether the output is the end of a stage that the summary tells of.
    summarised: bool,
}

/// Some hidden channels of a block.
#[derive(Debug, Clone)]
struct Part {
    expand: Option<Dense>,
    depthwise: Depthwise,
    project: Dense,
}

/// What the tower gives for one photo; see [`TowerOutput`](crate::nn::efficientnet::TowerOutput).
#[derive(Debug, Clone, Default)]
pub struct PhotoFeatures {
    /// Feature map `[map * map, features]`.
    pub map: Vec<f32>,
    /// Stage summary `[summary_width]`.
    pub summary: Vec<f32>,
}

/// Buffers for one photo.
#[derive(Debug, Default)]
struct Scratch {
    current: Vec<f32>,
    next: Vec<f32>,
    strips: Strips,
    /// Outputs of all parts of a block but the first.
    sums: Vec<Vec<f32>>,
}

/// Buffers of a core for a block.
#[derive(Debug, Default)]
struct Strips {
    /// Rows of the hidden layer, padded.
    strip: Vec<f32>,
    /// What comes out of the depthwise convolution; windows of the stem.
    hidden: Vec<f32>,
}

impl CpuEfficientNet {
    /// Lays out the weights of `tower`.
    pub fn new(tower: &EfficientNet) -> Self {
        let (weight, bias) = host(&tower.stem);
        // `stem_rows` gathers pixels as [ky, kx, 3]; the weights are [output, 3, ky, kx].
        let stem = |i: usize, o: usize| weight[o * 27 + i % 3 * 9 + i / 3];
        Self {
            stem: Dense::new(27, &bias, Activation::Relu6, stem),
            blocks: (0..tower.blocks.len())
                .map(|block| CpuBlock::new(&tower.blocks[block], tower.is_summarised(block)))
                .collect(),
            head: pointwise(&tower.head, Activation::Relu6),
            spare: Spare::default(),
        }
    }

    /// Channels of the feature map.
    pub fn features(&self) -> usize {
        self.head.output()
    }

    /// Numbers in a stage summary.
    pub fn summary_width(&self) -> usize {
        self.blocks.iter().filter(|block| block.summarised).map(|block| 2 * block.output()).sum()
    }

    /// Normalised photos `[side, side, 3]` each through the tower.
    ///
    /// All photos have the same side. Photos are shared out over the cores; those that are left, fewer than there are cores,
    /// have all cores for each of them. Both ways give the same to the bit.
    pub fn forward(&self, photos: &[Vec<f32>], side: usize) -> Vec<PhotoFeatures> {
        self.each(photos, |photo, scratch, shared| {
            let (size, summary) = self.run_blocks(photo, side, self.blocks.len(), scratch, shared);
            let (input, output) = (self.head.input(), self.head.output());
            let mut map = vec![0.0; size * size * output];
            let at_once = if shared { (size * size).div_ceil(rayon::current_num_threads()) } else { size * size };
            let place = Placement { width: at_once, pitch: at_once * output };
            let features = &scratch.current[..size * size * input];
            let parts = map.chunks_mut(at_once * output).zip(features.chunks(at_once * input));
            parts.collect::<Vec<_>>().into_par_iter().for_each(|(map, x)| self.head.run(x, map, place, None));
            PhotoFeatures { map, summary }
        })
    }

    /// What enters block `block` of normalised photos `[side, side, 3]`, as the map `[positions, channels]`, with the
    /// summary of the stages before it.
    pub fn before(&self, block: usize, photos: &[Vec<f32>], side: usize) -> Vec<PhotoFeatures> {
        self.each(photos, |photo, scratch, shared| {
            let (size, summary) = self.run_blocks(photo, side, block, scratch, shared);
            let channels = self.blocks[block - 1].output();
            PhotoFeatures { map: scratch.current[..size * size * channels].to_vec(), summary }
        })
    }

    /// Photos side by side, one a core, while there are enough; then one after the other, which is `shared`.
    fn each(
        &self,
        photos: &[Vec<f32>],
        one: impl Fn(&[f32], &mut Scratch, bool) -> PhotoFeatures + Sync,
    ) -> Vec<PhotoFeatures> {
        let cores = rayon::current_num_threads();
        let (side_by_side, rest) = photos.split_at(photos.len() / cores * cores);
        let mut features: Vec<PhotoFeatures> = side_by_side
            .par_iter()
            .map_init(|| self.spare.take(), |scratch, photo| one(photo, scratch, false))
            .collect();
        // On one of the pool's own threads: from outside, each of fifty steps would wait until a thread has woken up.
        let last = || rest.iter().map(|photo| one(photo, &mut self.spare.take(), cores > 1)).collect::<Vec<_>>();
        if !rest.is_empty() {
            features.extend(rayon::scope(|_| last()));
        }
        features
    }

    /// The stem and the first `blocks` blocks into `scratch.current`; gives its side and the stages' summary.
    fn run_blocks(
        &self,
        photo: &[f32],
        side: usize,
        blocks: usize,
        scratch: &mut Scratch,
        shared: bool,
    ) -> (usize, Vec<f32>) {
        let mut summary = Vec::with_capacity(self.summary_width());
        let mut size = side.div_ceil(2);
        let line = size * self.stem.output();
        scratch.current.resize(size * line, 0.0);
        if shared {
            let rows = size.div_ceil(rayon::current_num_threads());
            scratch.current.par_chunks_mut(rows * line).enumerate().for_each(|(chunk, out)| {
                self.stem_rows(photo, side, chunk * rows, out, &mut self.spare.take().strips);
            });
        } else {
            self.stem_rows(photo, side, 0, &mut scratch.current, &mut scratch.strips);
        }
        for block in &self.blocks[..blocks] {
            size = if shared { block.run_shared(size, scratch, &self.spare) } else { block.run(size, scratch) };
            std::mem::swap(&mut scratch.current, &mut scratch.next);
            if block.summarised {
                summarise(&scratch.current[..size * size * block.output()], block.output(), &mut summary);
            }
        }
        (size, summary)
    }

    /// Rows of the 3x3 stem of stride 2 from `first` on: windows gathered row by row, then a matrix product.
    fn stem_rows(&self, photo: &[f32], side: usize, first: usize, out: &mut [f32], strips: &mut Strips) {
        let size = side.div_ceil(2);
        let pad = same_padding(side, 3, 2).0;
        let channels = self.stem.output();
        strips.hidden.clear();
        strips.hidden.resize(size * 27, 0.0); // what lies outside stays zero
        for (y, out) in out.chunks_exact_mut(size * channels).enumerate() {
            for ky in 0..3 {
                let row = (2 * (first + y) + ky).checked_sub(pad).filter(|row| *row < side);
                for (x, window) in strips.hidden.chunks_exact_mut(27).enumerate() {
                    let line = &mut window[9 * ky..][..9];
                    let Some(row) = row else {
                        line.fill(0.0);
                        continue;
                    };
                    let inside = (2 * x >= pad && 2 * x + 3 <= side + pad).then(|| (row * side + 2 * x - pad) * 3);
                    if let Some(at) = inside {
                        // Nine floats, as the compiler knows: a copy of unknown length is a call.
                        line.copy_from_slice(&photo[at..at + 9]);
                        continue;
                    }
                    // Columns of the window that are inside.
                    let (from, to) = (pad.saturating_sub(2 * x), (side + pad - 2 * x).min(3));
                    let pixels = &photo[(row * side + 2 * x + from - pad) * 3..][..(to - from) * 3];
                    line[3 * from..3 * to].copy_from_slice(pixels);
                }
            }
            let place = Placement { width: size, pitch: size * channels };
            self.stem.run(&strips.hidden, out, place, None);
        }
    }
}

impl CpuBlock {
    fn new(block: &InvertedResidual, summarised: bool) -> Self {
        let channels = block.depthwise.weight.dims()[0];
        let vectors = channels.div_ceil(VECTOR);
        let parts = if channels < SPLIT_CHANNELS { 1 } else { rayon::current_num_threads().min(MOST_PARTS) };
        let cut = |part: usize| (part * vectors / parts * VECTOR).min(channels);
        let parts = (0..parts).map(|part| Part::new(block, cut(part)..cut(part + 1))).collect();
        Self { parts, skip: block.skip, summarised }
    }

    /// Channels that come out.
    fn output(&self) -> usize {
        self.parts[0].project.output()
    }

    /// `scratch.current` `[size, size, input]` to `scratch.next`; returns the side of the output.
    fn run(&self, size: usize, scratch: &mut Scratch) -> usize {
        let Scratch { current, next, strips, .. } = scratch;
        let out_size = size.div_ceil(self.parts[0].depthwise.stride());
        next.resize(out_size * out_size * self.output(), 0.0);
        for (index, part) in self.parts.iter().enumerate() {
            let put = if index > 0 { Put::Add } else { self.put_first() };
            part.run(current, size, 0, next, put, strips);
        }
        out_size
    }

    /// The same on all cores: a part of the channels each, or some rows.
    fn run_shared(&self, size: usize, scratch: &mut Scratch, spare: &Spare<Scratch>) -> usize {
        let Scratch { current, next, sums, .. } = scratch;
        let out_size = size.div_ceil(self.parts[0].depthwise.stride());
        let line = out_size * self.output();
        next.resize(out_size * line, 0.0);
        if let [part] = &self.parts[..] {
            let rows = out_size.div_ceil(rayon::current_num_threads());
            next.par_chunks_mut(rows * line).enumerate().for_each(|(chunk, out)| {
                part.run(current, size, chunk * rows, out, self.put_first(), &mut spare.take().strips);
            });
            return out_size;
        }
        sums.resize(self.parts.len() - 1, Vec::new());
        let mut outputs = vec![next];
        outputs.extend(sums);
        self.parts.par_iter().zip(&mut outputs).enumerate().for_each(|(index, (part, out))| {
            out.resize(out_size * line, 0.0);
            let put = if index > 0 { Put::Alone } else { self.put_first() };
            part.run(current, size, 0, out, put, &mut spare.take().strips);
        });
        if let Some((next, sums)) = outputs.split_first_mut() {
            for sum in sums {
                next.iter_mut().zip(sum.iter()).for_each(|(next, sum)| *next += sum);
            }
        }
        out_size
    }

    fn put_first(&self) -> Put {
        if self.skip { Put::Skip } else { Put::Alone }
    }
}

/// What becomes of a part's output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Put {
    /// It is the output.
    Alone,
    /// The block's input is added.
    Skip,
    /// It is added to what is there.
    Add,
}

impl Part {
    fn new(block: &InvertedResidual, channels: std::ops::Range<usize>) -> Self {
        let (weight, bias) = host(&block.depthwise);
        let (kernel, stride) = (block.depthwise.kernel_size[0], block.depthwise.stride[0]);
        let taps = kernel * kernel;
        let depthwise = &weight[channels.start * taps..channels.end * taps];
        let expand = block.expand.as_ref().map(|expand| {
            let (weight, bias) = host(expand);
            let input = expand.weight.dims()[1];
            let first = channels.start;
            let of = |i: usize, o: usize| weight[(first + o) * input + i];
            Dense::new(input, &bias[channels.clone()], Activation::Relu6, of)
        });
        let (project, mut out_bias) = host(&block.project);
        let hidden = block.project.weight.dims()[1];
        if channels.start > 0 {
            out_bias.fill(0.0);
        }
        let of = |i: usize, o: usize| project[o * hidden + channels.start + i];
        Self {
            expand,
            depthwise: Depthwise::new(depthwise, &bias[channels.clone()], kernel, stride),
            project: Dense::new(channels.len(), &out_bias, Activation::Linear, of),
        }
    }

    /// `current` `[size, size, input]` to the rows of the output that `out` has, from `first_row` on.
    fn run(&self, current: &[f32], size: usize, first_row: usize, out: &mut [f32], put: Put, strips: &mut Strips) {
        let Strips { strip, hidden } = strips;
        let (channels, kernel, stride) = (self.depthwise.channels(), self.depthwise.kernel(), self.depthwise.stride());
        let out_size = size.div_ceil(stride);
        let (before, after) = same_padding(size, kernel, stride);
        let padded = size + before + after;
        let pitch = padded * channels;
        let line = out_size * self.project.output();
        let all_rows = out.len() / line;
        let rows_at_once = (STRIP_FLOATS / (pitch * stride)).clamp(1, all_rows.max(1));
        let strip_rows = (rows_at_once - 1) * stride + kernel;

        strip.clear();
        strip.resize(strip_rows * pitch, 0.0); // the columns of padding stay zero
        hidden.resize(rows_at_once * out_size * channels, 0.0);

        let mut filled = 0; // padded rows [first, filled) are in the strip
        let mut first = 0;
        for (chunk, out) in out.chunks_mut(rows_at_once * line).enumerate() {
            let (out_row, rows) = (first_row + chunk * rows_at_once, out.len() / line);
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
            let place = Placement { width: out_size, pitch: line };
            match put {
                Put::Alone => self.project.run(hidden, out, place, None),
                Put::Skip => self.project.run(hidden, out, place, Some(&current[out_row * line..][..rows * line])),
                Put::Add => self.project.add_to(hidden, out, place),
            }
        }
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
