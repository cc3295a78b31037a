//! Token embeddings that stay on disk: a sentence needs a few rows of a table of hundreds of megabytes.
//!
//! Rows are read by their place in the file; the system keeps the pages that are asked for often.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use half::f16;

use crate::VlmError;
use crate::checkpoint::SafetensorsFile;

/// Name of the only tensor in the file.
pub const TABLE: &str = "weight";

/// A table of half-precision rows in a safetensors file.
#[derive(Debug)]
pub struct TokenTable {
    path: PathBuf,
    file: Mutex<File>,
    /// Where the first row begins.
    start: u64,
    rows: usize,
    width: usize,
}

impl TokenTable {
    /// Opens the file of a table of `shape`, rows and columns; reads its header only.
    ///
    /// # Errors
    /// [`VlmError::Missing`], [`VlmError::Io`] or [`VlmError::BadWeights`].
    pub fn open(path: &Path, shape: [usize; 2]) -> Result<Self, VlmError> {
        let header = SafetensorsFile::open(path)?;
        let start = header.halves(TABLE, &shape)?;
        let file = File::open(path).map_err(|source| VlmError::Io { path: path.into(), source })?;
        Ok(Self { path: path.into(), file: Mutex::new(file), start, rows: shape[0], width: shape[1] })
    }

    /// Columns of the table.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The rows of `ids`, one after another.
    ///
    /// # Errors
    /// [`VlmError::BadText`] for an id that the table lacks, or [`VlmError::Io`].
    pub fn rows(&self, ids: &[i32]) -> Result<Vec<f32>, VlmError> {
        let io = |source| VlmError::Io { path: self.path.clone(), source };
        let mut floats = Vec::with_capacity(ids.len() * self.width);
        let mut bytes = vec![0; self.width * 2];
        // A panic with the file in hand leaves it as good as it was: each read says where it begins.
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        for (at, &id) in ids.iter().enumerate() {
            let row = usize::try_from(id).ok().filter(|row| *row < self.rows).ok_or_else(|| VlmError::BadText {
                reason: format!("token {id} is not among the {} of the model", self.rows),
            })?;
            // Padding comes in runs.
            if at == 0 || ids[at - 1] != id {
                file.seek(SeekFrom::Start(self.start + (row * bytes.len()) as u64)).map_err(io)?;
                file.read_exact(&mut bytes).map_err(io)?;
            }
            floats.extend(bytes.as_chunks::<2>().0.iter().map(|b| f16::from_le_bytes(*b).to_f32()));
        }
        Ok(floats)
    }
}
