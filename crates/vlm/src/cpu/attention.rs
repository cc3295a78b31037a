//! Attention of every token to all tokens of its sequence, a head at a time, on all cores.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::aligned::Aligned;
use super::gemm::{Block, Panels, Product, blocks};
use super::lanes;
use super::pointwise::{Pointwise, exp};

/// Queries whose scores stay in the first-level cache between the two products: a multiple of a tile's rows.
const QUERIES: usize = 24;

/// Rows that belong together, one sequence after another.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sequences<'a> {
    /// Rows of each.
    pub lengths: &'a [usize],
    /// Whether a row sees those before it and itself only.
    pub causal: bool,
}

/// Attends within sequences: `softmax(q kᵀ) v`. Queries must be scaled before.
///
/// `mixed` `[rows of all sequences, 3 * width]` has queries, keys and values side by side, `heads` of each; `out` is
/// `[rows of all sequences, width]`.
pub(super) fn attend(mixed: &[f32], sequences: &Sequences<'_>, width: usize, heads: usize, out: &mut [f32]) {
    assert_eq!(mixed.len(), 3 * out.len());
    assert!(width.is_multiple_of(heads) && out.len() == sequences.lengths.iter().sum::<usize>() * width);
    let cuts: Vec<usize> = (0..=heads).map(|head| head * (width / heads)).collect();
    let (mut tasks, mut rest, mut first) = (Vec::with_capacity(sequences.lengths.len() * heads), out, 0);
    for &tokens in sequences.lengths.iter().filter(|tokens| **tokens > 0) {
        let (sequence, after) = rest.split_at_mut(tokens * width);
        rest = after;
        let mixed = &mixed[first * 3 * width..][..tokens * 3 * width];
        tasks.extend(blocks(sequence, width, tokens, &cuts).into_iter().map(|block| (tokens, mixed, block)));
        first += tokens;
    }
    let one = |scratch: &mut Scratch, (tokens, mixed, mut block): (usize, &[f32], Block<'_>)| {
        let mixed = &mixed[block.column..];
        scratch.pack(mixed, tokens, width, width / heads);
        let head = Head { mixed, stride: 3 * width, causal: sequences.causal, scratch, out: &mut block.out };
        Arch::new().dispatch(head);
    };
    tasks.into_par_iter().with_max_len(4).for_each_init(Scratch::default, one);
}

/// One query `[width]`, scaled before, over each sequence of `tokens` rows of `mixed` `[sequences * tokens, 2 * width]`,
/// which has keys and values side by side; to `out` `[sequences, width]`.
pub fn attend_one(query: &[f32], mixed: &[f32], tokens: usize, heads: usize, out: &mut [f32]) {
    let width = query.len();
    let depth = width / heads;
    let sequences = mixed.par_chunks_exact(tokens * 2 * width).zip(out.par_chunks_exact_mut(width));
    sequences.for_each(|(mixed, out)| {
        for (head, out) in out.chunks_exact_mut(depth).enumerate() {
            let query = &query[head * depth..][..depth];
            let part = |token: usize, which: usize| &mixed[(2 * token + which) * width + head * depth..][..depth];
            let mut weights: Vec<f32> =
                (0..tokens).map(|token| query.iter().zip(part(token, 0)).map(|(q, k)| q * k).sum()).collect();
            let highest = weights.iter().copied().fold(f32::MIN, f32::max);
            weights.iter_mut().for_each(|weight| *weight = (*weight - highest).exp());
            let sum: f32 = weights.iter().sum();
            out.fill(0.0);
            for (token, weight) in weights.iter().enumerate() {
                out.iter_mut().zip(part(token, 1)).for_each(|(out, value)| *out += weight / sum * value);
            }
        }
    });
}

/// Buffers that a thread keeps between heads.
#[derive(Default)]
struct Scratch {
    keys: Panels,
    values: Panels,
    scores: Aligned<f32>,
}

impl Scratch {
    /// Packs keys turned over, and values, of the head that `mixed` starts with.
    fn pack(&mut self, mixed: &[f32], tokens: usize, width: usize, depth: usize) {
        let lanes = lanes();
        let row = |token: usize, which: usize| &mixed[token * 3 * width + which * width..][..depth];
        self.values.pack(tokens, depth, lanes, |token, columns, to| to.copy_from_slice(&row(token, 2)[columns]));
        self.keys.pack_turned(depth, tokens, lanes, |token| row(token, 1));
    }
}

/// One head of one sequence.
struct Head<'a, 'o> {
    mixed: &'a [f32],
    stride: usize,
    causal: bool,
    scratch: &'a mut Scratch,
    out: &'a mut [&'o mut [f32]],
}

impl WithSimd for Head<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Scratch { keys, values, scores } = self.scratch;
        let tokens = keys.output;
        let pitch = tokens.next_multiple_of(S::F32_LANES);
        scores.resize(QUERIES * pitch);
        for (some, out) in self.out.chunks_mut(QUERIES).enumerate() {
            let mut rows: Vec<&mut [f32]> =
                scores.chunks_exact_mut(pitch).take(out.len()).map(|r| &mut r[..tokens]).collect();
            let queries = &self.mixed[some * QUERIES * self.stride..];
            let product = Product {
                x: queries,
                stride: self.stride,
                weights: keys,
                bias: None,
                onto: false,
                after: Pointwise::Linear,
                column: 0,
                out: &mut rows,
            };
            product.run(simd);
            let mut sums = [0.0; QUERIES];
            for (index, (row, sum)) in rows.iter_mut().zip(&mut sums).enumerate() {
                let seen = if self.causal { (some * QUERIES + index + 1).min(tokens) } else { tokens };
                let (row, hidden) = row.split_at_mut(seen);
                *sum = exponentials(simd, row);
                hidden.fill(0.0);
            }
            let product = Product {
                x: scores,
                stride: pitch,
                weights: values,
                bias: None,
                onto: false,
                after: Pointwise::Linear,
                column: 0,
                out: &mut *out,
            };
            product.run(simd);
            for (row, sum) in out.iter_mut().zip(sums) {
                let share = 1.0 / sum;
                for value in row.iter_mut() {
                    *value *= share;
                }
            }
        }
    }
}

/// `e` to the power of each number less the highest; gives their sum.
#[inline(always)]
fn exponentials<S: Simd>(simd: S, row: &mut [f32]) -> f32 {
    let (whole, rest) = S::as_mut_simd_f32s(row);
    let mut highest = simd.splat_f32s(f32::MIN);
    for value in whole.iter() {
        highest = simd.max_f32s(highest, *value);
    }
    let highest = rest.iter().copied().fold(simd.reduce_max_f32s(highest), f32::max);
    let highest = simd.splat_f32s(highest);
    let mut sum = simd.splat_f32s(0.0);
    for value in whole {
        *value = exp(simd, simd.sub_f32s(*value, highest));
        sum = simd.add_f32s(sum, *value);
    }
    let mut sum = simd.reduce_sum_f32s(sum);
    if !rest.is_empty() {
        let value = exp(simd, simd.sub_f32s(simd.partial_load_f32s(rest), highest));
        simd.partial_store_f32s(rest, value);
        sum += rest.iter().sum::<f32>();
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::testing::random;

    #[test]
    fn attention_is_the_plain_softmax_over_what_a_token_may_see() {
        let cases: [(&[usize], usize, usize); 6] = [
            (&[], 2, 4),
            (&[1], 1, 1),
            (&[50, 50], 3, 64),
            (&[197], 2, 32),
            (&[65, 65, 65], 1, 20),
            (&[7, 0, 64, 1, 30], 2, 24),
        ];
        for (causal, (lengths, heads, depth)) in [false, true].into_iter().flat_map(|c| cases.map(|case| (c, case))) {
            let width = heads * depth;
            let rows: usize = lengths.iter().sum();
            let mixed: Vec<f32> = random(rows * 3 * width, 1).iter().map(|v| v * 1.5).collect();
            let mut out = vec![f32::NAN; rows * width];
            attend(&mixed, &Sequences { lengths, causal }, width, heads, &mut out);
            let number = |token: usize, which: usize, c: usize| f64::from(mixed[(token * 3 + which) * width + c]);
            let mut first = 0;
            for &tokens in lengths {
                for (at, got) in out.iter().enumerate().skip(first * width).take(tokens * width) {
                    let (token, column) = (at / width, at % width);
                    let head = column / depth * depth;
                    let seen = if causal { token + 1 } else { first + tokens };
                    let weight = |other: usize| {
                        (head..head + depth).map(|c| number(token, 0, c) * number(other, 1, c)).sum::<f64>().exp()
                    };
                    let whole: f64 = (first..seen).map(weight).sum();
                    let want = (first..seen).map(|other| weight(other) / whole * number(other, 2, column)).sum::<f64>();
                    assert!((want - f64::from(*got)).abs() < 1e-5, "{lengths:?} {causal}: {want} {got}");
                }
                first += tokens;
            }
        }
    }

    #[test]
    fn scores_far_from_nought_do_not_overflow() {
        let mut out = [f32::NAN; 4];
        let four = Sequences { lengths: &[4], causal: false };
        attend(&[1e4, 1e4, 1.0, -1e4, 1e4, 2.0, 1e4, -1e4, 3.0, 0.0, 0.0, 4.0], &four, 1, 1, &mut out);
        assert!(out.iter().all(|v| (1.0..=4.0).contains(v)), "{out:?}");
    }
}
