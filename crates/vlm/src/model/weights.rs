//! Weights between modules and safetensors files, half precision on disk and f32 in memory.
//!
//! Names in the files are the field names of the modules (`blocks.3.depthwise.weight`,
//! `layers.0.query.bias`). How they follow from the checkpoints:
//!
//! | module | EfficientNet-Lite checkpoint (batch norm folded) | MiniLM checkpoint |
//! |---|---|---|
//! | `stem` | `_conv_stem` + `_bn0` | |
//! | `blocks.N.expand` | `_blocks.N._expand_conv` + `_bn0` | |
//! | `blocks.N.depthwise` | `_blocks.N._depthwise_conv` + `_bn1` | |
//! | `blocks.N.project` | `_blocks.N._project_conv` + `_bn2` | |
//! | `head` | `_conv_head` + `_bn1` | |
//! | `word`, `position`, `segment`, `norm` | | `embeddings.{word,position,token_type}_embeddings`, `embeddings.LayerNorm` |
//! | `layers.N.query`, `key`, `value` | | `encoder.layer.N.attention.self.{query,key,value}` |
//! | `layers.N.attention_out`, `attention_norm` | | `encoder.layer.N.attention.output.{dense,LayerNorm}` |
//! | `layers.N.up`, `down`, `norm` | | `encoder.layer.N.intermediate.dense`, `encoder.layer.N.output.{dense,LayerNorm}` |
//!
//! Linear weights are `[input, output]` on disk (burn's layout). Pickle files are not read here.

use std::path::Path;

use burn::tensor::DType;
use burn_store::{FloatCastAdapter, KeyRemapper, ModuleSnapshot, PyTorchToBurnAdapter, SafetensorsStore};

use half::f16;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use crate::plain_file::read_plain;
use crate::{Embedding, VlmError};

/// Largest file of vectors that is read whole: the bundled model's has three megabytes.
const MOST_BYTES: u64 = 1 << 30;

/// From MiniLM's names to the encoder's, as pairs of regular expression and replacement.
const BERT_NAMES: &[(&str, &str)] = &[
    (r"^embeddings\.word_embeddings\.", "word."),
    (r"^embeddings\.position_embeddings\.", "position."),
    (r"^embeddings\.token_type_embeddings\.", "segment."),
    (r"^embeddings\.LayerNorm\.", "norm."),
    (r"^encoder\.layer\.(\d+)\.attention\.self\.(query|key|value)\.", "layers.$1.$2."),
    (r"^encoder\.layer\.(\d+)\.attention\.output\.dense\.", "layers.$1.attention_out."),
    (r"^encoder\.layer\.(\d+)\.attention\.output\.LayerNorm\.", "layers.$1.attention_norm."),
    (r"^encoder\.layer\.(\d+)\.intermediate\.dense\.", "layers.$1.up."),
    (r"^encoder\.layer\.(\d+)\.output\.dense\.", "layers.$1.down."),
    (r"^encoder\.layer\.(\d+)\.output\.LayerNorm\.", "layers.$1.norm."),
];

/// Loads every parameter of `module` from a file that [`save`] wrote; each float becomes f32.
///
/// # Errors
/// [`VlmError::Missing`], or [`VlmError::BadWeights`] when a tensor is missing or has another shape.
pub fn load<M: ModuleSnapshot>(module: &mut M, path: &Path) -> Result<(), VlmError> {
    apply(module, path, SafetensorsStore::from_file(path).with_from_adapter(FloatCastAdapter::to(DType::F32)))
}

/// Saves every parameter of `module`; each float becomes f16.
///
/// # Errors
/// [`VlmError::BadWeights`] when the file cannot be written.
pub fn save<M: ModuleSnapshot>(module: &M, path: &Path) -> Result<(), VlmError> {
    let mut store = SafetensorsStore::from_file(path).overwrite(true).with_to_adapter(FloatCastAdapter::to(DType::F16));
    module.save_into(&mut store).map_err(|e| VlmError::BadWeights { path: path.into(), reason: e.to_string() })
}

/// Loads a text tower from the checkpoint of MiniLM (`model.safetensors` of sentence-transformers).
///
/// # Errors
/// As [`load`].
pub fn load_minilm<M: ModuleSnapshot>(module: &mut M, path: &Path) -> Result<(), VlmError> {
    let mut names = KeyRemapper::new();
    for &(from, to) in BERT_NAMES {
        names = names.add_pattern(from, to).expect("the patterns above are valid");
    }
    apply(module, path, SafetensorsStore::from_file(path).remap(names).with_from_adapter(PyTorchToBurnAdapter))
}

fn apply<M: ModuleSnapshot>(module: &mut M, path: &Path, mut store: SafetensorsStore) -> Result<(), VlmError> {
    if !path.is_file() {
        return Err(VlmError::Missing { path: path.into() });
    }
    module
        .load_from(&mut store)
        .map(|_| ())
        .map_err(|e| VlmError::BadWeights { path: path.into(), reason: e.to_string() })
}

/// Reads embeddings under a name from a file that [`save_rows`] wrote.
///
/// # Errors
/// [`VlmError::Missing`], [`VlmError::Io`] or [`VlmError::BadWeights`].
pub fn load_rows(path: &Path, name: &str, dims: usize) -> Result<Vec<Embedding>, VlmError> {
    let bad = |reason: String| VlmError::BadWeights { path: path.into(), reason };
    let bytes = read_plain(path, MOST_BYTES).map_err(|unread| unread.error(path, |_, reason| bad(reason)))?;
    let file = SafeTensors::deserialize(&bytes).map_err(|e| bad(e.to_string()))?;
    let rows = file.tensor(name).map_err(|e| bad(e.to_string()))?;
    if rows.dtype() != Dtype::F16 || rows.shape().len() != 2 || rows.shape()[1] != dims {
        return Err(bad(format!("expected f16 rows of {dims}, found {:?} {:?}", rows.dtype(), rows.shape())));
    }
    let floats: Vec<f32> = rows.data().chunks_exact(2).map(|b| f16::from_le_bytes([b[0], b[1]]).to_f32()).collect();
    floats
        .chunks_exact(dims)
        .map(|row| Embedding::normalised(row.to_vec()).ok_or_else(|| bad("a row is zero".into())))
        .collect()
}

/// Saves embeddings as f16 rows, each lot under its name.
///
/// # Errors
/// [`VlmError::BadWeights`] when the file cannot be written.
pub fn save_rows(lots: &[(&str, &[Embedding])], path: &Path) -> Result<(), VlmError> {
    let bad = |reason: String| VlmError::BadWeights { path: path.into(), reason };
    let halves = |rows: &[Embedding]| -> Vec<u8> {
        rows.iter().flat_map(|r| r.as_slice()).flat_map(|&v| f16::from_f32(v).to_le_bytes()).collect()
    };
    let bytes: Vec<Vec<u8>> = lots.iter().map(|(_, rows)| halves(rows)).collect();
    let views = lots.iter().zip(&bytes).map(|((name, rows), bytes)| {
        let dims = rows.first().map_or(0, |r| r.as_slice().len());
        Ok((*name, TensorView::new(Dtype::F16, vec![rows.len(), dims], bytes)?))
    });
    let views = views.collect::<Result<Vec<_>, safetensors::SafeTensorError>>().map_err(|e| bad(e.to_string()))?;
    safetensors::serialize_to_file(views, None, path).map_err(|e| bad(e.to_string()))
}
