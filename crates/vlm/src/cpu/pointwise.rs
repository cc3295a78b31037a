//! Functions of single numbers in vectors: the exponential and the activations of transformers.

use pulp::{Arch, Simd, WithSimd};

/// What is done to each number that comes out of a matrix product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pointwise {
    /// Nothing.
    Linear,
    /// `x Φ(x)` with the error function (Hendrycks & Gimpel 2016, arXiv:1606.08415); absolute error below 1e-6
    /// for |x| < 6.
    Gelu,
    /// The same with `tanh(√(2/π) (x + 0.044715 x³))` for the error function; absolute error below 1e-6 for |x| < 6.
    GeluTanh,
    /// `x σ(1.702 x)`, as the first CLIP has it; absolute error below 1e-6 for |x| < 6.
    QuickGelu,
}

impl Pointwise {
    /// Replaces each number of `values`.
    pub fn run(self, values: &mut [f32]) {
        Arch::new().dispatch(Run { function: self, values });
    }

    /// The same within code that was chosen already.
    #[inline(always)]
    pub(super) fn run_with<S: Simd>(self, simd: S, values: &mut [f32]) {
        match self {
            Self::Linear => {}
            Self::Gelu => map::<S, Gelu>(simd, values),
            Self::GeluTanh => map::<S, GeluTanh>(simd, values),
            Self::QuickGelu => map::<S, QuickGelu>(simd, values),
        }
    }
}

struct Run<'a> {
    function: Pointwise,
    values: &'a mut [f32],
}

impl WithSimd for Run<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        self.function.run_with(simd, self.values);
    }
}

/// A function of a vector. Not a closure: what is not inlined is compiled without the instructions that were chosen, and
/// closures need not be.
trait Function {
    fn of<S: Simd>(simd: S, x: S::f32s) -> S::f32s;
}

#[inline(always)]
fn map<S: Simd, F: Function>(simd: S, values: &mut [f32]) {
    let (whole, rest) = S::as_mut_simd_f32s(values);
    for value in whole {
        *value = F::of(simd, *value);
    }
    if !rest.is_empty() {
        let value = F::of(simd, simd.partial_load_f32s(rest));
        simd.partial_store_f32s(rest, value);
    }
}

/// Evaluates a polynomial, its highest coefficient first.
#[inline(always)]
fn polynomial<S: Simd, const N: usize>(simd: S, x: S::f32s, coefficients: [f32; N]) -> S::f32s {
    let mut value = simd.splat_f32s(coefficients[0]);
    for coefficient in &coefficients[1..] {
        value = simd.mul_add_e_f32s(value, x, simd.splat_f32s(*coefficient));
    }
    value
}

/// `e^x`, relative error below 3e-7; below -87 it is 1.2e-38, above 88 1.7e38.
///
/// `2^n` times a polynomial over the rest (Cephes, `expf`).
#[inline(always)]
pub(super) fn exp<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    /// 1.5 · 2^23: a sum with it has the whole part in its lowest bits.
    const ROUND: f32 = 12_582_912.0;
    let x = simd.min_f32s(simd.max_f32s(x, simd.splat_f32s(-87.3)), simd.splat_f32s(88.3));
    let shifted = simd.mul_add_e_f32s(x, simd.splat_f32s(std::f32::consts::LOG2_E), simd.splat_f32s(ROUND));
    let whole = simd.sub_f32s(shifted, simd.splat_f32s(ROUND));
    let rest = simd.mul_add_e_f32s(whole, simd.splat_f32s(-0.693_359_4), x);
    let rest = simd.mul_add_e_f32s(whole, simd.splat_f32s(2.121_944_4e-4), rest);
    let tail = polynomial(
        simd,
        rest,
        [1.987_569_1e-4, 1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5, 1.0, 1.0],
    );
    let power = simd.wrapping_dyn_shl_u32s(simd.transmute_u32s_f32s(shifted), simd.splat_u32s(23));
    simd.mul_f32s(tail, simd.transmute_f32s_u32s(simd.add_u32s(power, simd.splat_u32s(0x3f80_0000))))
}

/// The error function as a quotient of polynomials, as Eigen has it.
#[inline(always)]
fn erf<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let x = simd.min_f32s(simd.max_f32s(x, simd.splat_f32s(-4.0)), simd.splat_f32s(4.0));
    let square = simd.mul_f32s(x, x);
    let above = polynomial(
        simd,
        square,
        [
            -2.726_142_3e-10,
            2.770_681_4e-8,
            -2.101_024e-6,
            -5.692_506_5e-5,
            -7.349_906_3e-4,
            -2.954_6e-3,
            -1.609_603_3e-2,
        ],
    );
    let below =
        polynomial(simd, square, [-1.456_607_2e-5, -2.133_740_6e-4, -1.682_827e-3, -7.373_329e-3, -1.426_473_9e-2]);
    simd.div_f32s(simd.mul_f32s(x, above), below)
}

struct Gelu;

impl Function for Gelu {
    #[inline(always)]
    fn of<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
        let half = simd.mul_f32s(x, simd.splat_f32s(0.5));
        let share = erf(simd, simd.mul_f32s(x, simd.splat_f32s(std::f32::consts::FRAC_1_SQRT_2)));
        simd.mul_add_e_f32s(half, share, half)
    }
}

/// `x / (1 + e^-z)`.
#[inline(always)]
fn gated<S: Simd>(simd: S, x: S::f32s, z: S::f32s) -> S::f32s {
    simd.div_f32s(x, simd.add_f32s(simd.splat_f32s(1.0), exp(simd, simd.neg_f32s(z))))
}

struct GeluTanh;

impl Function for GeluTanh {
    #[inline(always)]
    fn of<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
        // 1 + tanh(u) is 2 σ(2u).
        const TWICE: f32 = 1.595_769;
        let square = simd.mul_f32s(x, x);
        let slope = simd.mul_add_e_f32s(square, simd.splat_f32s(0.044_715 * TWICE), simd.splat_f32s(TWICE));
        gated(simd, x, simd.mul_f32s(x, slope))
    }
}

struct QuickGelu;

impl Function for QuickGelu {
    #[inline(always)]
    fn of<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
        gated(simd, x, simd.mul_f32s(x, simd.splat_f32s(1.702)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reference(function: Pointwise, x: f64) -> f64 {
        match function {
            Pointwise::Linear => x,
            Pointwise::Gelu => 0.5 * x * (1.0 + libm::erf(x / std::f64::consts::SQRT_2)),
            Pointwise::GeluTanh => {
                0.5 * x * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x * x * x)).tanh())
            }
            Pointwise::QuickGelu => x / (1.0 + (-1.702 * x).exp()),
        }
    }

    #[test]
    fn activations_are_within_a_millionth_of_their_formulas() {
        let xs: Vec<f32> = (-60_001..=60_001).map(|i| i as f32 * 1e-4).collect();
        for function in [Pointwise::Linear, Pointwise::Gelu, Pointwise::GeluTanh, Pointwise::QuickGelu] {
            let mut got = xs.clone();
            function.run(&mut got);
            let error = |(x, got): (&f32, &f32)| (reference(function, f64::from(*x)) - f64::from(*got)).abs();
            let worst = xs.iter().zip(&got).map(error).fold(0.0, f64::max);
            assert!(worst < 1e-6, "{function:?}: {worst}");
        }
    }

    #[test]
    fn activations_of_large_numbers_are_those_numbers_or_nothing() {
        for function in [Pointwise::Gelu, Pointwise::GeluTanh, Pointwise::QuickGelu] {
            for x in [10.0f32, 50.0, 1e4, 1e15] {
                let mut values = [x, -x, 0.0];
                function.run(&mut values);
                assert!((values[0] / x - 1.0).abs() < 1e-6, "{function:?} of {x}: {values:?}");
                assert!(values[1].abs() <= x * 1e-7 && values[2] == 0.0, "{function:?} of -{x}: {values:?}");
            }
        }
    }

    #[test]
    fn the_exponential_is_within_three_ten_millionths() {
        struct Exp<'a>(&'a mut [f32]);
        impl Function for Exp<'_> {
            #[inline(always)]
            fn of<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
                exp(simd, x)
            }
        }
        impl WithSimd for Exp<'_> {
            type Output = ();
            #[inline(always)]
            fn with_simd<S: Simd>(self, simd: S) {
                map::<S, Self>(simd, self.0);
            }
        }
        let xs: Vec<f32> = (-87_000..=88_000).map(|i| i as f32 * 1e-3).collect();
        let mut got = xs.clone();
        Arch::new().dispatch(Exp(&mut got));
        let worst = xs.iter().zip(&got).map(|(x, g)| (f64::from(*g) / f64::from(*x).exp() - 1.0).abs());
        let worst = worst.fold(0.0, f64::max);
        assert!(worst < 3e-7, "{worst}");
        let mut far = [-1e30, f32::MIN, -100.0];
        Arch::new().dispatch(Exp(&mut far));
        assert!(far.iter().all(|v| *v >= 0.0 && *v < 2e-38));
    }
}
