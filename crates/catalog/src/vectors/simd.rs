//! Dot products of rows with a query, as wide as the processor can: 16-bit floats with 32-bit
//! floats for scores, bytes with 16-bit integers for a first look.
//!
//! The only unsafe code of the crate: calls of functions compiled for instructions that were
//! found at run time, and their loads. Rows and queries come in aligned blocks padded with
//! zeros, so that there are no odd ends.
#![allow(unsafe_code)]

use half::f16;
use half::slice::HalfFloatSliceExt;

/// Numbers in a block.
pub(super) const LANES: usize = 32;

/// A part of a row: one cache line.
#[derive(Debug, Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C, align(64))]
pub(super) struct Block(pub [f16; LANES]);

impl Block {
    pub const ZERO: Self = Self([f16::ZERO; LANES]);
}

/// A part of a query.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
struct QueryBlock([f32; LANES]);

/// A query, in blocks.
#[derive(Debug, Clone)]
pub(super) struct Query(Vec<QueryBlock>);

impl Query {
    pub fn new(numbers: &[f32]) -> Self {
        let block = |numbers: &[f32]| {
            let mut block = QueryBlock([0.0; LANES]);
            block.0[..numbers.len()].copy_from_slice(numbers);
            block
        };
        Self(numbers.chunks(LANES).map(block).collect())
    }
}

/// Numbers in a block of codes.
pub(super) const CODES: usize = 64;

/// A part of a row as bytes: one cache line.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct CodeBlock(pub [i8; CODES]);

/// A part of a query as 16-bit integers.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
struct CodeQueryBlock([i16; CODES]);

/// A query as 16-bit integers, in blocks; of a size for which no sum overflows 32 bits.
#[derive(Debug, Clone)]
pub(super) struct CodeQuery(Vec<CodeQueryBlock>);

impl CodeQuery {
    /// The greatest number that a query of `dims` numbers may hold.
    pub fn greatest(dims: usize) -> i16 {
        // Codes are of at most 127.
        let greatest = i32::MAX as usize / (127 * dims.max(1));
        greatest.min(i16::MAX as usize) as i16
    }

    /// # Panics
    /// When a number is greater than [`greatest`](Self::greatest).
    pub fn new(numbers: &[i16]) -> Self {
        let greatest = Self::greatest(numbers.len());
        assert!(numbers.iter().all(|number| number.unsigned_abs() <= greatest.unsigned_abs()), "a sum may overflow");
        let block = |numbers: &[i16]| {
            let mut block = CodeQueryBlock([0; CODES]);
            block.0[..numbers.len()].copy_from_slice(numbers);
            block
        };
        Self(numbers.chunks(CODES).map(block).collect())
    }
}

/// A way to compute; one that this processor has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kernel(Instructions);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Instructions {
    Scalar,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "aarch64")]
    Neon,
}

impl Kernel {
    /// Those that this processor has, the fastest last.
    pub fn available() -> impl DoubleEndedIterator<Item = Self> {
        let known: &[(Instructions, bool)] = &[
            (Instructions::Scalar, true),
            #[cfg(target_arch = "x86_64")]
            (
                Instructions::Avx2,
                is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("f16c"),
            ),
            #[cfg(target_arch = "x86_64")]
            (Instructions::Avx512, is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw")),
            #[cfg(target_arch = "aarch64")]
            (Instructions::Neon, std::arch::is_aarch64_feature_detected!("neon")),
        ];
        let present: Vec<Self> = known.iter().filter(|(_, present)| *present).map(|(kind, _)| Self(*kind)).collect();
        present.into_iter()
    }

    /// The fastest.
    pub fn best() -> Self {
        Self::available().next_back().unwrap_or(Self(Instructions::Scalar))
    }

    /// The rows' dot products with the query. A row shorter than the query counts as padded with
    /// zeros.
    pub fn scores<'a>(self, query: &Query, rows: impl ExactSizeIterator<Item = &'a [Block]>) -> Vec<f32> {
        let mut scores = Vec::with_capacity(rows.len());
        match self.0 {
            Instructions::Scalar => scores.extend(rows.map(|row| dot_scalar(&query.0, row))),
            // SAFETY: a `Kernel` is made by `available` only, which found the instructions.
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2 => unsafe { x86::scores_avx2(&query.0, rows, &mut scores) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512 => unsafe { x86::scores_avx512(&query.0, rows, &mut scores) },
            // SAFETY: as above.
            #[cfg(target_arch = "aarch64")]
            Instructions::Neon => unsafe { arm::scores_neon(&query.0, rows, &mut scores) },
        }
        scores
    }

    /// The dot products of rows of codes with the query, exactly.
    pub fn code_scores<'a>(self, query: &CodeQuery, rows: impl ExactSizeIterator<Item = &'a [CodeBlock]>) -> Vec<i32> {
        let mut scores = Vec::with_capacity(rows.len());
        match self.0 {
            Instructions::Scalar => scores.extend(rows.map(|row| code_dot_scalar(&query.0, row))),
            // SAFETY: a `Kernel` is made by `available` only, which found the instructions.
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2 => unsafe { x86::code_scores_avx2(&query.0, rows, &mut scores) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512 => unsafe { x86::code_scores_avx512(&query.0, rows, &mut scores) },
            // SAFETY: as above.
            #[cfg(target_arch = "aarch64")]
            Instructions::Neon => unsafe { arm::code_scores_neon(&query.0, rows, &mut scores) },
        }
        scores
    }
}

fn code_dot_scalar(query: &[CodeQueryBlock], row: &[CodeBlock]) -> i32 {
    let blocks = query.iter().zip(row);
    let products = blocks.flat_map(|(query, row)| query.0.iter().zip(&row.0));
    products.map(|(a, b)| i32::from(*a) * i32::from(*b)).sum()
}

fn dot_scalar(query: &[QueryBlock], row: &[Block]) -> f32 {
    // Independent sums, which the compiler may keep side by side.
    let mut sums = [0.0f32; LANES];
    let mut wide = [0.0f32; LANES];
    for (query, row) in query.iter().zip(row) {
        row.0.convert_to_f32_slice(&mut wide);
        for ((sum, a), b) in sums.iter_mut().zip(&query.0).zip(&wide) {
            *sum += a * b;
        }
    }
    sums.iter().sum()
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::{Block, CodeBlock, CodeQueryBlock, QueryBlock};

    #[target_feature(enable = "avx512f,avx512bw")]
    pub fn code_scores_avx512<'a>(
        query: &[CodeQueryBlock],
        rows: impl Iterator<Item = &'a [CodeBlock]>,
        scores: &mut Vec<i32>,
    ) {
        for row in rows {
            let mut sums = [_mm512_setzero_si512(); 2];
            for (query, row) in query.iter().zip(row) {
                let (query, row) = (query.0.as_ptr(), row.0.as_ptr());
                for (part, sum) in sums.iter_mut().enumerate() {
                    // SAFETY: both blocks hold 64 numbers and are aligned to 64 bytes; this reads
                    // those from 0 to 31, then those from 32 to 63.
                    let (a, b) = unsafe {
                        (_mm512_load_si512(query.add(32 * part).cast()), _mm256_load_si256(row.add(32 * part).cast()))
                    };
                    *sum = _mm512_add_epi32(*sum, _mm512_madd_epi16(a, _mm512_cvtepi8_epi16(b)));
                }
            }
            let [a, b] = sums;
            scores.push(_mm512_reduce_add_epi32(_mm512_add_epi32(a, b)));
        }
    }

    #[target_feature(enable = "avx2")]
    pub fn code_scores_avx2<'a>(
        query: &[CodeQueryBlock],
        rows: impl Iterator<Item = &'a [CodeBlock]>,
        scores: &mut Vec<i32>,
    ) {
        for row in rows {
            let mut sums = [_mm256_setzero_si256(); 4];
            for (query, row) in query.iter().zip(row) {
                let (query, row) = (query.0.as_ptr(), row.0.as_ptr());
                for (part, sum) in sums.iter_mut().enumerate() {
                    // SAFETY: both blocks hold 64 numbers and are aligned to 64 bytes; this reads
                    // sixteen of them at multiples of sixteen, up to the last.
                    let (a, b) = unsafe {
                        (_mm256_load_si256(query.add(16 * part).cast()), _mm_load_si128(row.add(16 * part).cast()))
                    };
                    *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(a, _mm256_cvtepi8_epi16(b)));
                }
            }
            let [a, b, c, d] = sums;
            let sum = _mm256_add_epi32(_mm256_add_epi32(a, b), _mm256_add_epi32(c, d));
            let sum = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256::<1>(sum));
            let sum = _mm_add_epi32(sum, _mm_shuffle_epi32::<0b01_00_11_10>(sum));
            scores.push(_mm_cvtsi128_si32(_mm_add_epi32(sum, _mm_shuffle_epi32::<0b10_11_00_01>(sum))));
        }
    }

    #[target_feature(enable = "avx512f")]
    pub fn scores_avx512<'a>(query: &[QueryBlock], rows: impl Iterator<Item = &'a [Block]>, scores: &mut Vec<f32>) {
        for row in rows {
            let mut sums = [_mm512_setzero_ps(); 2];
            for (query, row) in query.iter().zip(row) {
                let (query, row) = (query.0.as_ptr(), row.0.as_ptr());
                for (part, sum) in sums.iter_mut().enumerate() {
                    // SAFETY: both blocks hold 32 numbers and are aligned to 64 bytes; this reads
                    // those from 0 to 15, then those from 16 to 31.
                    let (a, b) =
                        unsafe { (_mm512_load_ps(query.add(16 * part)), _mm256_load_si256(row.add(16 * part).cast())) };
                    *sum = _mm512_fmadd_ps(a, _mm512_cvtph_ps(b), *sum);
                }
            }
            let [a, b] = sums;
            scores.push(_mm512_reduce_add_ps(_mm512_add_ps(a, b)));
        }
    }

    #[target_feature(enable = "avx2,fma,f16c")]
    pub fn scores_avx2<'a>(query: &[QueryBlock], rows: impl Iterator<Item = &'a [Block]>, scores: &mut Vec<f32>) {
        for row in rows {
            let mut sums = [_mm256_setzero_ps(); 4];
            for (query, row) in query.iter().zip(row) {
                let (query, row) = (query.0.as_ptr(), row.0.as_ptr());
                for (part, sum) in sums.iter_mut().enumerate() {
                    // SAFETY: both blocks hold 32 numbers and are aligned to 64 bytes; this reads
                    // eight of them at multiples of eight, up to the last.
                    let (a, b) =
                        unsafe { (_mm256_load_ps(query.add(8 * part)), _mm_load_si128(row.add(8 * part).cast())) };
                    *sum = _mm256_fmadd_ps(a, _mm256_cvtph_ps(b), *sum);
                }
            }
            let [a, b, c, d] = sums;
            let sum = _mm256_add_ps(_mm256_add_ps(a, b), _mm256_add_ps(c, d));
            let sum = _mm_add_ps(_mm256_castps256_ps128(sum), _mm256_extractf128_ps::<1>(sum));
            let sum = _mm_add_ps(sum, _mm_movehl_ps(sum, sum));
            scores.push(_mm_cvtss_f32(_mm_add_ss(sum, _mm_shuffle_ps::<1>(sum, sum))));
        }
    }
}

#[cfg(target_arch = "aarch64")]
mod arm {
    use std::arch::aarch64::*;

    use super::{Block, CODES, CodeBlock, CodeQueryBlock, LANES, QueryBlock};

    #[target_feature(enable = "neon")]
    pub fn code_scores_neon<'a>(
        query: &[CodeQueryBlock],
        rows: impl Iterator<Item = &'a [CodeBlock]>,
        scores: &mut Vec<i32>,
    ) {
        for row in rows {
            let mut sums = [vdupq_n_s32(0); 4];
            for (query, row) in query.iter().zip(row) {
                let (query, row) = (query.0.as_ptr(), row.0.as_ptr());
                for part in 0..CODES / 8 {
                    // SAFETY: both blocks hold 64 numbers; this reads eight of them at multiples
                    // of eight, up to the last.
                    let (a, b) = unsafe { (vld1q_s16(query.add(8 * part)), vmovl_s8(vld1_s8(row.add(8 * part)))) };
                    let [low, high] = [2 * (part % 2), 2 * (part % 2) + 1];
                    sums[low] = vmlal_s16(sums[low], vget_low_s16(a), vget_low_s16(b));
                    sums[high] = vmlal_high_s16(sums[high], a, b);
                }
            }
            let [a, b, c, d] = sums;
            scores.push(vaddvq_s32(vaddq_s32(vaddq_s32(a, b), vaddq_s32(c, d))));
        }
    }

    #[target_feature(enable = "neon")]
    pub fn scores_neon<'a>(query: &[QueryBlock], rows: impl Iterator<Item = &'a [Block]>, scores: &mut Vec<f32>) {
        for row in rows {
            let mut sums = [vdupq_n_f32(0.0); LANES / 4];
            for (query, row) in query.iter().zip(row) {
                let (query, row) = (query.0.as_ptr(), row.0.as_ptr().cast::<u16>());
                for (part, sum) in sums.iter_mut().enumerate() {
                    // SAFETY: both blocks hold 32 numbers, and an `f16` is laid out as a `u16`;
                    // this reads four of them at multiples of four, up to the last.
                    let (a, b) = unsafe { (vld1q_f32(query.add(4 * part)), vld1_u16(row.add(4 * part))) };
                    *sum = vfmaq_f32(*sum, a, vcvt_f32_f16(vreinterpret_f16_u16(b)));
                }
            }
            let mut all = sums[0];
            for sum in &sums[1..] {
                all = vaddq_f32(all, *sum);
            }
            scores.push(vaddvq_f32(all));
        }
    }
}
