//! multilingual-e5-small (Wang et al. 2024, arXiv:2402.05672): BERT's layers over the tokens of XLM-R, weights of four bits.

use std::path::Path;

use half::f16;
use rayon::prelude::*;

use super::blocks::{row_bytes, unpack};
use super::pieces::Pieces;
use super::{TABLE_FILE, TOKENIZER_FILE, TOWER_FILE};
use crate::VlmError;
use crate::checkpoint::SafetensorsFile;
use crate::cpu::linear::{Linear, LinearWeights, Precision};
use crate::cpu::norm::LayerNorm;
use crate::cpu::{CpuBert, CpuLayer};
use crate::model::{TokenBatch, TokenTable};
use crate::nn::bert::BertConfig;

/// Layers.
pub(super) const LAYERS: usize = 12;
/// Layers before the states that join the last ones in a sentence's vector; chosen on dev.
const EARLY: usize = 8;
/// Tokens of the longest sentence: a query has a dozen.
const MOST_TOKENS: usize = 128;

/// The tower on CPU cores, with its tokenizer and its token table, which stays on disk.
#[derive(Debug)]
pub struct LanguageTower {
    pieces: Pieces,
    table: TokenTable,
    encoder: CpuBert,
}

/// Sizes of the tower; its token table lies elsewhere.
pub(super) fn config() -> BertConfig {
    BertConfig::new().with_layers(LAYERS).with_early(EARLY)
}

impl LanguageTower {
    /// Loads the tower in `dir`, whose table has `vocabulary` rows.
    ///
    /// # Errors
    /// [`VlmError::Missing`], [`VlmError::Io`], [`VlmError::BadWeights`] or [`VlmError::BadTokenizer`].
    pub fn load(dir: &Path, vocabulary: usize) -> Result<Self, VlmError> {
        let path = dir.join(TOKENIZER_FILE);
        let pieces = Pieces::read(&path)?;
        if pieces.count() > vocabulary {
            let reason = format!("it has {} pieces, the model {vocabulary}", pieces.count());
            return Err(VlmError::BadTokenizer { path, reason });
        }
        let table = TokenTable::open_blocks(&dir.join(TABLE_FILE), [vocabulary, config().width])?;
        let encoder = read_encoder(&SafetensorsFile::open(&dir.join(TOWER_FILE))?)?;
        Ok(Self { pieces, table, encoder })
    }

    /// Sentences to sentence vectors, [`CpuBert::sentence_width`] numbers each: the mean of the last states, then that of
    /// the early ones.
    ///
    /// # Errors
    /// [`VlmError::BadText`] or [`VlmError::Io`].
    pub fn sentences<S: AsRef<str>>(&self, texts: &[S]) -> Result<Vec<f32>, VlmError> {
        let tokens = self.tokens(texts)?;
        Ok(self.encoder.forward_embedded(&tokens, &self.table.rows(&tokens.ids)?))
    }

    /// The tokens of sentences, ids of rows of the table.
    ///
    /// # Errors
    /// [`VlmError::BadText`].
    pub(crate) fn tokens<S: AsRef<str>>(&self, texts: &[S]) -> Result<TokenBatch, VlmError> {
        self.pieces.encode(texts, MOST_TOKENS)
    }

    /// Length of a sentence vector.
    pub fn sentence_width(&self) -> usize {
        self.encoder.sentence_width()
    }
}

/// The encoder whose numbers `file` has. Matrices of four bits are rounded to halves, which moves them by a fiftieth of a step
/// at most, and is half the memory.
fn read_encoder(file: &SafetensorsFile) -> Result<CpuBert, VlmError> {
    let config = config();
    let (width, hidden) = (config.width, config.hidden);
    let vector = |name: &str, shape: &[usize]| -> Result<Vec<f32>, VlmError> {
        file.halves(name, shape)?;
        file.floats(name, 0, shape.iter().product())
    };
    let norm = |name: &str| -> Result<LayerNorm, VlmError> {
        let [gain, bias] = ["gamma", "beta"].map(|part| vector(&format!("{name}.{part}"), &[width]));
        Ok(LayerNorm::new(&gain?, &bias?, config.norm_epsilon))
    };
    let linear = |names: &[String], input: usize, output: usize| -> Result<Linear, VlmError> {
        let numbers = names.iter().map(|name| {
            let bytes = file.bytes(&format!("{name}.weight"), &[output, row_bytes(input)])?;
            Ok((turned(&bytes, input, output), vector(&format!("{name}.bias"), &[output])?))
        });
        let numbers = numbers.collect::<Result<Vec<_>, VlmError>>()?;
        let weights: Vec<_> =
            numbers.iter().map(|(weight, bias)| (LinearWeights { weight, bias: Some(bias) }, 1.0)).collect();
        Ok(Linear::new(input, &weights, Precision::Half))
    };
    let layer = |n: usize| -> Result<CpuLayer, VlmError> {
        let name = |part: &str| format!("layers.{n}.{part}");
        Ok(CpuLayer {
            mixed: linear(&["query", "key", "value"].map(name), width, width)?,
            attention_out: linear(&[name("attention_out")], width, width)?,
            attention_norm: norm(&name("attention_norm"))?,
            up: linear(&[name("up")], width, hidden)?,
            down: linear(&[name("down")], hidden, width)?,
            norm: norm(&name("norm"))?,
            heads: config.heads,
        })
    };
    let (mut position, segment) = (vector("position", &[config.positions, width])?, vector("segment", &[width])?);
    for row in position.chunks_exact_mut(width) {
        row.iter_mut().zip(&segment).for_each(|(to, from)| *to += from);
    }
    let layers = (0..LAYERS).into_par_iter().map(layer).collect::<Result<Vec<_>, _>>()?;
    Ok(CpuBert::of_parts(position, norm("norm")?, layers, EARLY))
}

/// Rows of blocks, each what goes into one output, as halves `[input, output]`.
fn turned(bytes: &[u8], input: usize, output: usize) -> Vec<f32> {
    let (mut weights, mut row) = (vec![0.0; input * output], Vec::with_capacity(input));
    for (o, blocks) in bytes.chunks_exact(row_bytes(input)).enumerate() {
        row.clear();
        unpack(blocks, &mut row);
        for (to, from) in weights[o..].iter_mut().step_by(output).zip(&row) {
            *to = f16::from_f32(*from).to_f32();
        }
    }
    weights
}
