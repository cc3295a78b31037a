//! What a decoder keeps of the tokens it has been given: their keys and values, so that each is worked out once.

use burn::tensor::{Bool, Device, Int, Tensor};

use super::attention::KeyValue;

/// Keys and values of the tokens so far, layer by layer.
#[derive(Debug, Clone, Default)]
pub struct KvCache {
    /// One a layer.
    pub layers: Vec<KeyValue>,
    /// Tokens so far.
    pub tokens: usize,
}

impl KvCache {
    /// The sequences `rows`, in that order; one may be taken twice.
    pub fn select(self, rows: &Tensor<1, Int>) -> Self {
        Self { layers: self.layers.into_iter().map(|layer| layer.select(rows.clone())).collect(), ..self }
    }
}

/// What each of the last `rows` of `seen` tokens must not see: those after it. True there, `[1, 1, rows, seen]`.
pub fn later(rows: usize, seen: usize, device: &Device) -> Tensor<4, Bool> {
    Tensor::<2, Bool>::tril_mask([rows, seen], (seen - rows) as i64, device).unsqueeze::<4>()
}
