//! The matrix product that [`super::linear`] and [`super::attention`] share: packed panels, tiles of sums in registers.
//!
//! As in Goto & van de Geijn 2008: a stretch of [`STRETCH`] inputs of a block of rows stays in the second-level cache
//! while panels pass over it; sums are f32.

use half::f16;
use pulp::Simd;

use super::aligned::Aligned;
use super::pointwise::Pointwise;

/// Rows of the tallest tile.
pub(super) const TALLEST: usize = 6;

/// Inputs summed up before the sums go back to memory.
const STRETCH: usize = 384;

/// Splits `vectors` of columns into panels of like width, so that none is too narrow to keep the adders busy.
///
/// Six rows by four vectors are 24 sums: with 32 registers (AVX-512, NEON) there is room for the weights beside
/// them, and six rows need no more address registers than there are. With 16 (AVX2) two vectors fit.
pub(super) fn panel_widths(vectors: usize, lanes: usize) -> impl Iterator<Item = usize> + Clone {
    let widest = if lanes == 8 { 2 } else { 4 };
    let panels = vectors.div_ceil(widest);
    (0..panels).map(move |panel| vectors / panels + usize::from(panel < vectors % panels))
}

/// A matrix `[input, output]` in panels of whole vectors of columns, each `input` rows high, filled up with zeros.
#[derive(Debug, Clone, Default)]
pub(super) struct Panels {
    pub input: usize,
    pub output: usize,
    pub data: Aligned<f32>,
}

impl Panels {
    /// Packs for code with vectors of `lanes`; `row(i, columns, to)` gives these columns of row `i`.
    pub fn pack(
        &mut self,
        input: usize,
        output: usize,
        lanes: usize,
        mut row: impl FnMut(usize, std::ops::Range<usize>, &mut [f32]),
    ) {
        (self.input, self.output) = (input, output);
        self.data.resize(output.next_multiple_of(lanes) * input);
        for panel in panels(output, lanes) {
            let columns = panel.first..panel.end.min(output);
            for (i, to) in self.data[panel.first * input..panel.end * input].chunks_exact_mut(panel.width()).enumerate()
            {
                row(i, columns.clone(), &mut to[..columns.len()]);
                to[columns.len()..].fill(0.0);
            }
        }
    }

    /// Packs a matrix that is given by its columns.
    pub fn pack_turned<'a>(&mut self, input: usize, output: usize, lanes: usize, column: impl Fn(usize) -> &'a [f32]) {
        (self.input, self.output) = (input, output);
        self.data.resize(output.next_multiple_of(lanes) * input);
        for panel in panels(output, lanes) {
            let (to, width) = (&mut self.data[panel.first * input..panel.end * input], panel.width());
            for (o, index) in (panel.first..panel.end).enumerate() {
                let places = to[o..].iter_mut().step_by(width);
                if index < output {
                    places.zip(column(index)).for_each(|(to, from)| *to = *from);
                } else {
                    places.for_each(|to| *to = 0.0);
                }
            }
        }
    }
}

/// The same in halves (IEEE 754 binary16), which reads half the memory: two rows of inputs lie in the lower and the upper
/// halves of 32-bit numbers.
#[derive(Debug, Clone, Default)]
pub(super) struct HalfPanels {
    pub input: usize,
    pub output: usize,
    data: Aligned<u32>,
}

impl HalfPanels {
    /// Packs `weight` `[input, output]` for code with vectors of `lanes`; nothing if a half is not the same number.
    pub fn pack(input: usize, output: usize, lanes: usize, weight: &[f32]) -> Option<Self> {
        let same = |w: &f32| w.is_finite() && f16::from_f32(*w).to_f32().to_bits() == w.to_bits();
        if !weight.iter().all(same) {
            return None;
        }
        let bits = |i: usize, o: usize| {
            let inside = i < input && o < output;
            if inside { u32::from(f16::from_f32(weight[i * output + o]).to_bits()) } else { 0 }
        };
        let high = input.div_ceil(2);
        let mut data = Aligned::<u32>::zeroed(output.next_multiple_of(lanes) * high);
        for panel in panels(output, lanes) {
            let rows = data[panel.first * high..panel.end * high].chunks_exact_mut(panel.width());
            for (pair, row) in rows.enumerate() {
                for (to, o) in row.iter_mut().zip(panel.first..) {
                    *to = bits(2 * pair, o) | bits(2 * pair + 1, o) << 16;
                }
            }
        }
        Some(Self { input, output, data })
    }
}

/// Weights that a [`Product`] reads.
pub(super) trait Matrix {
    fn input(&self) -> usize;
    fn output(&self) -> usize;

    /// Adds to `sums` what a stretch of inputs of `MR` rows gives for the `NV` vectors of columns of a panel.
    fn accumulate<S: Simd, const MR: usize, const NV: usize>(
        &self,
        simd: S,
        inputs: [&[f32]; MR],
        start: usize,
        panel: Panel,
        sums: &mut [[S::f32s; NV]; MR],
    );
}

impl Matrix for Panels {
    fn input(&self) -> usize {
        self.input
    }

    fn output(&self) -> usize {
        self.output
    }

    #[inline(always)]
    fn accumulate<S: Simd, const MR: usize, const NV: usize>(
        &self,
        simd: S,
        inputs: [&[f32]; MR],
        start: usize,
        panel: Panel,
        sums: &mut [[S::f32s; NV]; MR],
    ) {
        let (width, steps) = (NV * S::F32_LANES, inputs[0].len());
        let at = panel.first * self.input + start * width;
        let (weights, _) = S::as_simd_f32s(&self.data[at..][..steps * width]);
        for (step, weights) in (0..steps).zip(weights.chunks_exact(NV)) {
            let weights: [S::f32s; NV] = std::array::from_fn(|j| weights[j]);
            for i in 0..MR {
                let value = simd.splat_f32s(inputs[i][step]);
                for j in 0..NV {
                    sums[i][j] = simd.mul_add_e_f32s(value, weights[j], sums[i][j]);
                }
            }
        }
    }
}

impl Matrix for HalfPanels {
    fn input(&self) -> usize {
        self.input
    }

    fn output(&self) -> usize {
        self.output
    }

    #[inline(always)]
    fn accumulate<S: Simd, const MR: usize, const NV: usize>(
        &self,
        simd: S,
        inputs: [&[f32]; MR],
        start: usize,
        panel: Panel,
        sums: &mut [[S::f32s; NV]; MR],
    ) {
        let (width, steps) = (NV * S::F32_LANES, inputs[0].len());
        let at = panel.first * self.input.div_ceil(2) + start / 2 * width;
        let (pairs, _) = S::as_simd_u32s(&self.data[at..][..steps.div_ceil(2) * width]);
        let half = simd.splat_u32s(16);
        for (pair, weights) in (0..steps.div_ceil(2)).zip(pairs.chunks_exact(NV)) {
            let weights: [S::u32s; NV] = std::array::from_fn(|j| weights[j]);
            for (step, low) in [(2 * pair, true), (2 * pair + 1, false)] {
                if step == steps {
                    break;
                }
                let mut floats = [simd.splat_f32s(0.0); NV];
                for (float, bits) in floats.iter_mut().zip(weights) {
                    *float = upper_half(simd, if low { simd.wrapping_dyn_shl_u32s(bits, half) } else { bits });
                }
                for i in 0..MR {
                    let value = simd.splat_f32s(inputs[i][step]);
                    for j in 0..NV {
                        sums[i][j] = simd.mul_add_e_f32s(value, floats[j], sums[i][j]);
                    }
                }
            }
        }
    }
}

/// The halves in the upper 16 bits of `bits` as floats. A half's exponent and fraction three bits further down are a
/// float's, but for the exponents' offsets (127 and 15); infinities and what is no number become finite.
#[inline(always)]
fn upper_half<S: Simd>(simd: S, bits: S::u32s) -> S::f32s {
    /// 2^(127 - 15).
    const OFFSET: f32 = f32::from_bits((127 + 112) << 23);
    let sign = simd.and_u32s(bits, simd.splat_u32s(1 << 31));
    let rest = simd.and_u32s(simd.wrapping_dyn_shr_u32s(bits, simd.splat_u32s(3)), simd.splat_u32s(0x0fff_e000));
    simd.mul_f32s(simd.transmute_f32s_u32s(simd.or_u32s(sign, rest)), simd.splat_f32s(OFFSET))
}

/// The panels of a matrix of `output` columns in order.
pub(super) fn panels(output: usize, lanes: usize) -> impl Iterator<Item = Panel> + Clone {
    let mut first = 0;
    panel_widths(output.div_ceil(lanes), lanes).map(move |vectors| {
        let panel = Panel { first, end: first + vectors * lanes, vectors };
        first = panel.end;
        panel
    })
}

/// Columns that lie side by side in memory.
#[derive(Debug, Clone, Copy)]
pub(super) struct Panel {
    pub first: usize,
    /// Past the last output where the panel is filled up.
    pub end: usize,
    pub vectors: usize,
}

impl Panel {
    pub fn width(self) -> usize {
        self.end - self.first
    }
}

/// A product of some rows with some panels.
pub(super) struct Product<'a, 'o, M = Panels> {
    /// Row `r` starts at `r * stride` and is as long as the panels are high.
    pub x: &'a [f32],
    pub stride: usize,
    pub weights: &'a M,
    /// One number for each column, filled up to whole vectors; starts at the first column of the matrix.
    pub bias: Option<&'a [f32]>,
    /// Whether what is in `out` is added to.
    pub onto: bool,
    /// What follows the sum.
    pub after: Pointwise,
    /// The first of the columns that `out` has: where a panel starts.
    pub column: usize,
    /// For each row its columns: whole panels or all that are left.
    pub out: &'a mut [&'o mut [f32]],
}

impl<M: Matrix> Product<'_, '_, M> {
    #[inline(always)]
    pub fn run<S: Simd>(mut self, simd: S) {
        let Some(columns) = self.out.first().map(|row| row.len()) else { return };
        let (first, end, k) = (self.column, self.column + columns, self.weights.input());
        let panels =
            panels(self.weights.output(), S::F32_LANES).filter(move |panel| (first..end).contains(&panel.first));
        let mut start = 0;
        while start < k || start == 0 {
            let stretch = start..(start + STRETCH).min(k);
            for panel in panels.clone() {
                match panel.vectors {
                    1 => self.panel::<S, 1>(simd, stretch.clone(), panel),
                    2 => self.panel::<S, 2>(simd, stretch.clone(), panel),
                    3 => self.panel::<S, 3>(simd, stretch.clone(), panel),
                    _ => self.panel::<S, 4>(simd, stretch.clone(), panel),
                }
                if stretch.end == k && self.after != Pointwise::Linear {
                    let columns = panel.first - first..panel.end.min(end) - first;
                    for row in self.out.iter_mut() {
                        self.after.run_with(simd, &mut row[columns.clone()]);
                    }
                }
            }
            start += STRETCH;
        }
    }

    /// All rows against a stretch of a panel, in tiles of like height that fit into the register file: a tile of one row
    /// takes as long to read its weights as one of six.
    #[inline(always)]
    fn panel<S: Simd, const NV: usize>(&mut self, simd: S, stretch: std::ops::Range<usize>, panel: Panel) {
        let rows = self.out.len();
        let tiles = rows.div_ceil(TALLEST);
        let mut row = 0;
        for tile in 0..tiles {
            let height = rows / tiles + usize::from(tile < rows % tiles);
            let stretch = stretch.clone();
            match height {
                1 => self.tile::<S, 1, NV>(simd, row, stretch, panel),
                2 => self.tile::<S, 2, NV>(simd, row, stretch, panel),
                3 => self.tile::<S, 3, NV>(simd, row, stretch, panel),
                4 => self.tile::<S, 4, NV>(simd, row, stretch, panel),
                5 => self.tile::<S, 5, NV>(simd, row, stretch, panel),
                _ => self.tile::<S, TALLEST, NV>(simd, row, stretch, panel),
            }
            row += height;
        }
    }

    /// `MR` rows by `NV` vectors of columns.
    #[inline(always)]
    fn tile<S: Simd, const MR: usize, const NV: usize>(
        &mut self,
        simd: S,
        row: usize,
        stretch: std::ops::Range<usize>,
        panel: Panel,
    ) {
        let width = NV * S::F32_LANES;
        let inputs: [&[f32]; MR] =
            std::array::from_fn(|i| &self.x[(row + i) * self.stride + stretch.start..][..stretch.len()]);
        let from = panel.first - self.column;
        let columns = width.min(self.out[row].len() - from);
        let part = |j: usize| (from + (j * S::F32_LANES).min(columns))..(from + ((j + 1) * S::F32_LANES).min(columns));

        let mut sums = [[simd.splat_f32s(0.0); NV]; MR];
        if let Some(bias) = self.bias.filter(|_| stretch.start == 0) {
            let (bias, _) = S::as_simd_f32s(&bias[panel.first..][..width]);
            sums = [std::array::from_fn(|j| bias[j]); MR];
        }
        self.weights.accumulate(simd, inputs, stretch.start, panel, &mut sums);
        let onto = self.onto || stretch.start > 0;
        for (row, sums) in self.out[row..row + MR].iter_mut().zip(sums) {
            if columns == width {
                let (out, _) = S::as_mut_simd_f32s(&mut row[from..][..width]);
                for (out, sum) in out.iter_mut().zip(sums) {
                    *out = if onto { simd.add_f32s(*out, sum) } else { sum };
                }
                continue;
            }
            for (j, sum) in sums.into_iter().enumerate() {
                let out = &mut row[part(j)];
                let sum = if onto { simd.add_f32s(simd.partial_load_f32s(out), sum) } else { sum };
                simd.partial_store_f32s(out, sum);
            }
        }
    }
}

/// A block of a matrix that one task writes.
pub(super) struct Block<'o> {
    /// Its first row.
    pub row: usize,
    /// Its first column.
    pub column: usize,
    /// Its columns of each of its rows.
    pub out: Vec<&'o mut [f32]>,
}

/// Cuts `out`, whose rows are `width` wide, into blocks of at most `tall` rows and the columns between `cuts`.
pub(super) fn blocks<'o>(out: &'o mut [f32], width: usize, tall: usize, cuts: &[usize]) -> Vec<Block<'o>> {
    let mut blocks = Vec::new();
    let rows = out.len() / width;
    let parts = rows.div_ceil(tall.max(1)).max(1);
    let (mut row, mut rest) = (0, out);
    for part in 0..parts {
        let height = rows / parts + usize::from(part < rows % parts);
        let (these, after) = rest.split_at_mut(height * width);
        rest = after;
        let base = blocks.len();
        blocks.extend(cuts.windows(2).map(|cut| Block { row, column: cut[0], out: Vec::with_capacity(height) }));
        for mut line in these.chunks_exact_mut(width) {
            for (block, cut) in blocks[base..].iter_mut().zip(cuts.windows(2)) {
                let (columns, after) = line.split_at_mut(cut[1] - cut[0]);
                block.out.push(columns);
                line = after;
            }
        }
        row += height;
    }
    blocks
}
