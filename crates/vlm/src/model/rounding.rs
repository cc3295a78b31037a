//! Numbers of 32 bits that half precision would round to given halves.
//!
//! A checkpoint of 32-bit numbers and the halves made of it differ as one such draw and the same halves do: what the
//! rounding does to a model's vectors can be told without the checkpoint.

use burn::module::{ModuleMapper, Param};
use burn::tensor::{Tensor, TensorData};
use half::f16;

/// In place of each of `halves`, one of the numbers that round to it, all of them as likely; `seed` moves on.
pub(super) fn drawn(mut halves: Vec<f32>, seed: &mut u64) -> Vec<f32> {
    for value in &mut halves {
        *value = one(*value, seed);
    }
    halves
}

fn one(half: f32, seed: &mut u64) -> f32 {
    let bits = f16::from_f32(half.abs()).to_bits();
    let at = |bits: u16| f16::from_bits(bits).to_f32();
    // Below nought lies the smallest negative number; above the largest there is none.
    let below = if bits == 0 { -at(1) } else { at(bits - 1) };
    let above = if bits >= f16::MAX.to_bits() { half.abs() } else { at(bits + 1) };
    let (low, high) = ((below + half.abs()) / 2.0, (half.abs() + above) / 2.0);
    // SplitMix64 (Steele et al. 2014).
    *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (*seed ^ (*seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    let share = ((z ^ (z >> 31)) >> 40) as f32 / (1u64 << 24) as f32;
    (low + (high - low) * share).copysign(if bits == 0 { 1.0 } else { half })
}

/// [`drawn`] for each parameter of a network.
pub(super) struct Drawn {
    seed: u64,
}

impl Drawn {
    pub fn new(seed: u64) -> Self {
        Self { seed }
    }
}

impl ModuleMapper for Drawn {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|tensor| {
            let (shape, device) = (tensor.dims(), tensor.device());
            let halves = tensor.into_data().try_to_vec::<f32>().expect("weights are loaded as f32");
            Tensor::from_data(TensorData::new(drawn(halves, &mut self.seed), shape), &device)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_drawn_rounds_to_the_halves_and_is_spread_about_them() {
        let halves: Vec<f32> = [0.0, 1.0, -1.0, 0.1, -6.1e-5, 3e-7, 65_504.0, -0.333, 2.0]
            .into_iter()
            .flat_map(|value| vec![f16::from_f32(value).to_f32(); 2_000])
            .collect();
        let drawn = drawn(halves.clone(), &mut 7);
        let again = halves.iter().zip(&drawn).filter(|(half, drawn)| f16::from_f32(**drawn).to_f32() == **half).count();
        // One in 2^24 is a tie, which goes to the even neighbour.
        assert!(again + 2 >= halves.len(), "{again} of {}", halves.len());
        for (half, drawn) in halves.chunks(2_000).zip(drawn.chunks(2_000)) {
            let step = if half[0] == 0.0 { 6e-8 } else { (half[0].abs() * 2f32.powi(-10)).max(6e-8) };
            let spread = drawn.iter().map(|v| (v - half[0]).abs()).sum::<f32>() / 2_000.0;
            assert!(spread > 0.05 * step && spread <= step, "{}: {spread} of {step}", half[0]);
        }
    }
}
