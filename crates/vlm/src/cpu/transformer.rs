//! Attention for short sequences, on one core.

use burn::tensor::Tensor;

/// Softmax(Q K^T / sqrt(d)) V (Vaswani et al. 2017, eq. 1) in `heads` heads, of every row over all rows.
/// `mixed` `[rows, 3 * width]` holds queries, keys and values side by side. Gives `[rows, width]`.
pub fn attend(mixed: &[f32], width: usize, heads: usize) -> Vec<f32> {
    let depth = width / heads;
    let scale = (depth as f32).sqrt().recip();
    let rows = mixed.len() / (3 * width);
    let part = |row: usize, which: usize, head: usize| &mixed[(3 * row + which) * width + head * depth..][..depth];
    let mut out = vec![0.0; rows * width];
    let mut weights = vec![0.0; rows];
    for (at, out) in out.chunks_exact_mut(depth).enumerate() {
        let (row, head) = (at / heads, at % heads);
        let query = part(row, 0, head);
        for (other, weight) in weights.iter_mut().enumerate() {
            *weight = query.iter().zip(part(other, 1, head)).map(|(q, k)| q * k).sum::<f32>() * scale;
        }
        let highest = weights.iter().copied().fold(f32::MIN, f32::max);
        weights.iter_mut().for_each(|weight| *weight = (*weight - highest).exp());
        let sum: f32 = weights.iter().sum();
        for (other, weight) in weights.iter().enumerate() {
            for (out, value) in out.iter_mut().zip(part(other, 2, head)) {
                *out += weight / sum * value;
            }
        }
    }
    out
}

/// A weight tensor as plain floats, row-major.
pub fn floats<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec::<f32>().expect("weights are loaded as f32")
}
