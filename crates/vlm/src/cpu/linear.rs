//! Linear layers for many rows on all cores: weights packed once, in f32 or as bytes.

use std::fmt;

use burn::nn;
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::aligned::Aligned;
use super::dot8::{Bytes, Rows8};
use super::gemm::{Block, HalfPanels, Matrix, Panels, Product, blocks, panels};
use super::lanes;
use super::pointwise::Pointwise;
use super::transformer::floats;

/// What weights are kept as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// 32-bit floats.
    Float,
    /// 16-bit floats where every weight is one, else 32-bit floats. Sums are f32: the same numbers from half the memory.
    Half,
    /// Bytes, with a scale for each output; rows that go in become bytes with a scale each. Sums are exact, then f32.
    Eight,
}

/// The weights of a linear layer as they are given: `weight` is `[input, output]`, as burn has it.
#[derive(Debug, Clone, Copy)]
pub struct LinearWeights<'a> {
    /// What input `i` adds to output `o` is at `i * output + o`.
    pub weight: &'a [f32],
    /// One number for each output.
    pub bias: Option<&'a [f32]>,
}

/// A linear layer.
#[derive(Clone)]
pub struct Linear {
    weights: Weights,
    /// Filled up to whole vectors.
    bias: Aligned<f32>,
}

#[derive(Clone)]
enum Weights {
    Float(Panels),
    Half(HalfPanels),
    Eight(Bytes),
}

/// Rows as a [`Linear`] layer reads them.
pub enum Rows<'a> {
    /// `[rows, input]`.
    Float(&'a [f32]),
    /// The same as bytes.
    Eight(Rows8),
}

/// Bytes of a block of rows that stay in the second-level cache.
const BLOCK_BYTES: usize = 400 << 10;

/// Rows of the tallest block.
const TALL: usize = 256;

/// Tasks for each thread: where another program takes one core for a while, the others go on.
const TASKS_A_THREAD: usize = 4;

impl Linear {
    /// Packs layers of the same input for this processor; their outputs stand side by side. Each layer has
    /// `outputs` numbers and is multiplied by `scale`.
    pub fn new(input: usize, layers: &[(LinearWeights<'_>, f32)], precision: Precision) -> Self {
        let outputs: Vec<usize> = layers.iter().map(|(layer, _)| layer.weight.len() / input).collect();
        let output: usize = outputs.iter().sum();
        let mut bias = Aligned::zeroed(output.next_multiple_of(64));
        let mut joined = vec![0.0; input * output];
        let mut first = 0;
        for ((layer, scale), wide) in layers.iter().zip(outputs) {
            assert_eq!(layer.weight.len(), input * wide);
            for (to, from) in joined.chunks_exact_mut(output).zip(layer.weight.chunks_exact(wide)) {
                to[first..first + wide].iter_mut().zip(from).for_each(|(to, from)| *to = from * scale);
            }
            if let Some(from) = layer.bias {
                assert_eq!(from.len(), wide);
                bias[first..first + wide].iter_mut().zip(from).for_each(|(to, from)| *to = from * scale);
            }
            first += wide;
        }
        let float = || {
            let mut panels = Panels::default();
            panels.pack(input, output, lanes(), |i, columns, to| {
                to.copy_from_slice(&joined[i * output..][columns]);
            });
            Weights::Float(panels)
        };
        let weights = match precision {
            Precision::Float => float(),
            Precision::Half => HalfPanels::pack(input, output, lanes(), &joined).map_or_else(float, Weights::Half),
            Precision::Eight => Weights::Eight(Bytes::pack(input, output, &joined)),
        };
        Self { weights, bias }
    }

    /// The same of layers of tensors, all of the same input; their outputs stand side by side.
    pub fn of(layers: &[&nn::Linear], precision: Precision) -> Self {
        let numbers: Vec<(Vec<f32>, Option<Vec<f32>>)> = layers
            .iter()
            .map(|layer| (floats(layer.weight.val()), layer.bias.as_ref().map(|bias| floats(bias.val()))))
            .collect();
        let weights: Vec<(LinearWeights<'_>, f32)> =
            numbers.iter().map(|(weight, bias)| (LinearWeights { weight, bias: bias.as_deref() }, 1.0)).collect();
        Self::new(layers[0].weight.dims()[0], &weights, precision)
    }

    /// Numbers in a row that goes in.
    pub fn input(&self) -> usize {
        match &self.weights {
            Weights::Float(panels) => panels.input,
            Weights::Half(panels) => panels.input,
            Weights::Eight(bytes) => bytes.input(),
        }
    }

    /// Numbers in a row that comes out.
    pub fn output(&self) -> usize {
        match &self.weights {
            Weights::Float(panels) => panels.output,
            Weights::Half(panels) => panels.output,
            Weights::Eight(bytes) => bytes.output(),
        }
    }

    /// What its weights are kept as.
    pub fn precision(&self) -> Precision {
        match &self.weights {
            Weights::Float(_) => Precision::Float,
            Weights::Half(_) => Precision::Half,
            Weights::Eight(_) => Precision::Eight,
        }
    }

    /// What [`Self::run`] reads `x` `[rows, input]` as.
    pub fn rows<'a>(&self, x: &'a [f32]) -> Rows<'a> {
        match &self.weights {
            Weights::Float(_) | Weights::Half(_) => Rows::Float(x),
            Weights::Eight(_) => Rows::Eight(Rows8::new(x, self.input())),
        }
    }

    /// Rows `x` `[rows, input]` to rows `[rows, output]`, each number through `after`.
    pub fn apply(&self, x: &[f32], after: Pointwise) -> Vec<f32> {
        let mut out = vec![0.0; x.len() / self.input() * self.output()];
        self.run(&self.rows(x), after, &mut out);
        out
    }

    /// `x` to `out` `[rows, output]`, each number through `after`.
    pub fn run(&self, x: &Rows<'_>, after: Pointwise, out: &mut [f32]) {
        self.product(x, after, false, out);
    }

    /// Adds what comes out for `x` to `out` `[rows, output]`.
    pub fn add_to(&self, x: &Rows<'_>, out: &mut [f32]) {
        self.product(x, Pointwise::Linear, true, out);
    }

    fn product(&self, x: &Rows<'_>, after: Pointwise, onto: bool, out: &mut [f32]) {
        if out.is_empty() {
            return;
        }
        let rows = out.len() / self.output();
        let (ends, row_bytes): (Vec<usize>, usize) = match &self.weights {
            Weights::Float(_) | Weights::Half(_) => {
                (panels(self.output(), lanes()).map(|panel| panel.end.min(self.output())).collect(), 4 * 384)
            }
            Weights::Eight(bytes) => (bytes.panel_ends(), self.input()),
        };
        let tall = (BLOCK_BYTES / row_bytes).clamp(24, TALL);
        let stripes = (TASKS_A_THREAD * rayon::current_num_threads()).div_ceil(rows.div_ceil(tall)).min(ends.len());
        let cuts: Vec<usize> =
            std::iter::once(0).chain((1..=stripes).map(|i| ends[i * ends.len() / stripes - 1])).collect();
        let one = |block: Block<'_>| match (&self.weights, x) {
            (Weights::Float(weights), Rows::Float(x)) => {
                Arch::new().dispatch(Run { weights, bias: &self.bias, x, after, onto, block });
            }
            (Weights::Half(weights), Rows::Float(x)) => {
                Arch::new().dispatch(Run { weights, bias: &self.bias, x, after, onto, block });
            }
            (Weights::Eight(weights), Rows::Eight(x)) => weights.run(x, &self.bias, after, onto, block),
            _ => panic!("rows were made for another layer"),
        };
        blocks(out, self.output(), tall, &cuts).into_par_iter().with_max_len(1).for_each(one);
    }
}

impl fmt::Debug for Linear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Linear({}, {})", self.input(), self.output())
    }
}

struct Run<'a, 'o, M> {
    weights: &'a M,
    bias: &'a [f32],
    x: &'a [f32],
    after: Pointwise,
    onto: bool,
    block: Block<'o>,
}

impl<M: Matrix> WithSimd for Run<'_, '_, M> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let stride = self.weights.input();
        Product {
            x: &self.x[self.block.row * stride..],
            stride,
            weights: self.weights,
            bias: Some(self.bias),
            onto: self.onto,
            after: self.after,
            column: self.block.column,
            out: &mut self.block.out,
        }
        .run(simd);
    }
}

#[cfg(test)]
mod tests {
    use half::f16;

    use super::*;
    use crate::cpu::testing::random;

    /// Rows, inputs, outputs.
    const SIZES: [(usize, usize, usize); 9] = [
        (0, 5, 7),
        (1, 1, 1),
        (1, 768, 65),
        (7, 33, 64),
        (65, 129, 130),
        (50, 385, 17),
        (300, 64, 200),
        (13, 800, 96),
        (530, 40, 48),
    ];

    fn product(x: &[f32], w: &[f32], b: &[f32], input: usize) -> Vec<f64> {
        let output = b.len();
        let rows = x.len() / input;
        (0..rows * output)
            .map(|at| {
                let (r, o) = (at / output, at % output);
                let sum: f64 = (0..input).map(|i| f64::from(x[r * input + i]) * f64::from(w[i * output + o])).sum();
                sum + f64::from(b[o])
            })
            .collect()
    }

    /// Halves near zero, too, of which some have no leading one.
    fn halves(n: usize, seed: u64) -> Vec<f32> {
        let scale = |i: usize| [1.0, 1e-3, 1e-5, 1e-6][i % 4];
        random(n, seed).iter().enumerate().map(|(i, w)| f16::from_f32(w * scale(i)).to_f32()).collect()
    }

    #[test]
    fn weights_that_halves_cannot_hold_stay_floats() {
        let weights = |weight: &[f32]| {
            Linear::new(2, &[(LinearWeights { weight, bias: None }, 1.0)], Precision::Half).precision()
        };
        assert_eq!(weights(&[0.5, -65504.0, 6e-8, 0.0]), Precision::Float, "6e-8 lies between two halves");
        assert_eq!(weights(&[0.5, -65504.0, 2f32.powi(-24), 0.0]), Precision::Half);
        assert_eq!(weights(&[0.5, 65536.0, 1.0, 0.0]), Precision::Float);
        assert_eq!(weights(&[0.5, f32::INFINITY, 1.0, 0.0]), Precision::Float);
    }

    #[test]
    fn a_linear_layer_is_the_plain_matrix_product() {
        for ((rows, input, output), precision) in
            SIZES.into_iter().flat_map(|sizes| [(sizes, Precision::Float), (sizes, Precision::Half)])
        {
            let w = if precision == Precision::Half { halves(input * output, 1) } else { random(input * output, 1) };
            let (b, x) = (random(output, 2), random(rows * input, 3));
            let given = LinearWeights { weight: &w, bias: Some(&b) };
            let layer = Linear::new(input, &[(given, 1.0)], precision);
            assert_eq!(layer.precision(), precision);
            let want = product(&x, &w, &b, input);
            let mut out = vec![f32::NAN; rows * output];
            layer.run(&layer.rows(&x), Pointwise::Linear, &mut out);
            let mut onto = random(rows * output, 4);
            let before = onto.clone();
            layer.add_to(&layer.rows(&x), &mut onto);
            let mut curved = vec![f32::NAN; rows * output];
            layer.run(&layer.rows(&x), Pointwise::QuickGelu, &mut curved);
            for (i, want) in want.iter().enumerate() {
                let close = |got: f32, want: f64| (f64::from(got) - want).abs() < 3e-5;
                assert!(close(out[i], *want), "{rows} {input} {output}: {} {want}", out[i]);
                assert!(close(onto[i], *want + f64::from(before[i])));
                assert!(close(curved[i], *want / (1.0 + (-1.702 * *want).exp())));
            }
        }
    }

    #[test]
    fn layers_side_by_side_are_those_layers_scaled() {
        let (input, wide, rows) = (24, 40, 5);
        let (w, b, x) = (random(3 * input * wide, 1), random(wide, 2), random(rows * input, 3));
        let parts: Vec<LinearWeights<'_>> = w
            .chunks_exact(input * wide)
            .enumerate()
            .map(|(i, weight)| LinearWeights { weight, bias: (i != 1).then_some(&b[..]) })
            .collect();
        let layer = Linear::new(input, &[(parts[0], 0.5), (parts[1], 1.0), (parts[2], 1.0)], Precision::Float);
        let mut out = vec![f32::NAN; rows * 3 * wide];
        layer.run(&layer.rows(&x), Pointwise::Linear, &mut out);
        for (part, (weight, scale)) in w.chunks_exact(input * wide).zip([0.5, 1.0, 1.0]).enumerate() {
            let bias = if part == 1 { vec![0.0; wide] } else { b.clone() };
            for (at, want) in product(&x, weight, &bias, input).iter().enumerate() {
                let got = out[at / wide * 3 * wide + part * wide + at % wide];
                assert!((f64::from(got) - want * scale).abs() < 1e-5);
            }
        }
    }

    /// Rounding moves a weight by at most half of its column's step and an input by at most half of its row's.
    #[test]
    fn a_layer_of_bytes_is_as_near_as_its_steps_allow() {
        for (rows, input, output) in SIZES {
            let (w, b) = (random(input * output, 1), random(output, 2));
            // Rows of one sign too, and one of zeros.
            let mut x = random(rows * input, 3);
            x.chunks_exact_mut(input).enumerate().for_each(|(r, row)| match r % 4 {
                1 => row.iter_mut().for_each(|v| *v = v.abs() + 3.0),
                2 => row.iter_mut().for_each(|v| *v = -v.abs() * 100.0),
                3 => row.fill(0.0),
                _ => {}
            });
            let given = LinearWeights { weight: &w, bias: Some(&b) };
            let layer = Linear::new(input, &[(given, 1.0)], Precision::Eight);
            let want = product(&x, &w, &b, input);
            let mut out = vec![f32::NAN; rows * output];
            layer.run(&layer.rows(&x), Pointwise::Linear, &mut out);
            let mut onto = vec![1.0; rows * output];
            layer.add_to(&layer.rows(&x), &mut onto);
            for (i, want) in want.iter().enumerate() {
                let (row, o) = (&x[i / output * input..][..input], i % output);
                let column = || (0..input).map(|k| w[k * output + o]);
                let weight_step = column().fold(0.0f32, |a, v| a.max(v.abs())) / 127.0;
                let (low, high) = row.iter().fold((0.0f32, 0.0f32), |(l, h), v| (l.min(*v), h.max(*v)));
                let row_step = (high - low) / 255.0;
                let bound: f32 = row
                    .iter()
                    .zip(column())
                    .map(|(x, w)| {
                        0.5 * weight_step * x.abs() + 0.5 * row_step * w.abs() + 0.25 * weight_step * row_step
                    })
                    .sum();
                let bound = f64::from(bound * 1.001 + 1e-4 * (1.0 + want.abs() as f32));
                assert!(
                    (f64::from(out[i]) - want).abs() <= bound,
                    "{rows} {input} {output}: {} {want} {bound}",
                    out[i]
                );
                assert!((f64::from(onto[i]) - 1.0 - want).abs() <= bound);
            }
        }
    }
}
