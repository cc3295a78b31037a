//! What a transformer layer or an inverted residual needs, on CPU cores: sums are f32, layout is row-major.
//!
//! `pulp` chooses AVX-512, AVX2, NEON or scalar code at run time, [`dot8`] does so for products of bytes. Threads are the
//! caller's, but for [`attention`], [`linear`], [`encoder`] and what is made of them.

mod aligned;
mod attention;
mod bert;
mod bert_text;
mod dense;
mod depthwise;
mod dot8;
mod efficientnet;
mod encoder;
mod gemm;
mod heads;
pub mod linear;
pub mod norm;
mod pointwise;
mod spare;
mod text_transformer;
pub mod transformer;
pub mod vit;

pub use bert::{CpuBert, CpuLayer};
pub(crate) use bert_text::CpuBertText;
pub use dense::{Activation, Dense, Placement};
pub use depthwise::Depthwise;
pub use efficientnet::CpuEfficientNet;
pub use heads::{CpuImageHeads, PooledRows};
pub use spare::Spare;
pub(crate) use text_transformer::{CpuTextTransformer, Named};
pub use vit::CpuVit;

use pulp::{Arch, Simd, WithSimd};

#[inline(always)]
fn relu6<S: Simd>(simd: S, value: S::f32s) -> S::f32s {
    simd.min_f32s(simd.max_f32s(value, simd.splat_f32s(0.0)), simd.splat_f32s(6.0))
}

/// Floats in a vector register of the code that [`Arch`] will choose.
fn lanes() -> usize {
    struct Lanes;
    impl WithSimd for Lanes {
        type Output = usize;
        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) -> usize {
            S::F32_LANES
        }
    }
    Arch::new().dispatch(Lanes)
}

#[cfg(test)]
mod testing {
    use burn::module::{ModuleMapper, Param};
    use burn::tensor::{Distribution, Tensor};
    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};

    /// `n` numbers between -1 and 1.
    pub fn random(n: usize, seed: u64) -> Vec<f32> {
        let mut rng = StdRng::seed_from_u64(seed);
        (0..n).map(|_| rng.random_range(-1.0..1.0)).collect()
    }

    /// Adds noise to every number: fresh networks have zeros where published ones have numbers.
    pub struct Stirred;

    impl ModuleMapper for Stirred {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            param.map(|tensor| {
                let noise = Tensor::random(tensor.shape(), Distribution::Normal(0.0, 0.05), &tensor.device());
                tensor + noise
            })
        }
    }
}
