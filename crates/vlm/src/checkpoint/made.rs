//! Weights made up from their names, the same here and in `tests/golden/make_packs.py`: published sizes, nothing to download.

use std::collections::BTreeMap;

/// Tensors by name and shape whose numbers follow from both.
pub struct Made(BTreeMap<String, Vec<usize>>);

/// FNV-1a, 64 bits.
fn seed(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// SplitMix64's output function.
fn mixed(state: u64) -> u64 {
    let z = state.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Made {
    /// Of a list with a name and a shape in brackets a line.
    pub fn of(list: &str) -> Self {
        let parsed = list.lines().filter(|line| !line.is_empty()).map(|line| {
            let (name, shape) = line.split_once(' ').expect("a name and a shape");
            let sizes = shape.trim_matches(['[', ']']).split(',').map(str::trim).filter(|size| !size.is_empty());
            (name.to_owned(), sizes.map(|size| size.parse().expect("a number")).collect())
        });
        Self(parsed.collect())
    }

    pub fn names(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }

    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.0.get(name).map(Vec::as_slice)
    }

    /// Numbers of eleven bits at most, so that half precision holds them exactly: gains of normalisations about 1, the rest
    /// about 0, matrices so that what they give is about as large as what they are given.
    pub fn floats(&self, name: &str, first: usize, count: usize) -> Vec<f32> {
        let shape = &self.0[name];
        let seed = seed(name);
        let draw = |at: usize| (mixed(seed.wrapping_add(at as u64)) >> 54) as i32 - 512;
        if shape.len() == 1 && name.ends_with("weight") {
            return (first..first + count).map(|at| 1.0 + (draw(at) >> 1) as f32 / 1024.0).collect();
        }
        let fan_in: usize = shape.iter().skip(1).product();
        let scale = if shape.len() < 2 || name.contains("embed") {
            0.25
        } else {
            (0.5 * (3.0 / fan_in as f64).log2()).round_ties_even().exp2() as f32
        };
        (first..first + count).map(|at| (2 * draw(at) + 1) as f32 / 1024.0 * scale).collect()
    }
}
