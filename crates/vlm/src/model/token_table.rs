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
use crate::languages::blocks::{row_bytes, unpack};

/// Name of the only tensor in the file.
pub const TABLE: &str = "weight";

/// What the numbers of a row are kept as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Numbers {
    Halves,
    /// Blocks of four-bit numbers; see [`crate::languages::blocks`].
    Blocks,
}

/// A table of rows in a safetensors file.
#[derive(Debug)]
pub struct TokenTable {
    path: PathBuf,
    file: Mutex<File>,
    /// Where the first row begins.
    start: u64,
    rows: usize,
    width: usize,
    numbers: Numbers,
}

impl TokenTable {
    /// Opens the file of a table of `shape`, rows and columns; reads its header only.
    ///
    /// # Errors
    /// [`VlmError::Missing`], [`VlmError::Io`] or [`VlmError::BadWeights`].
    pub fn open(path: &Path, shape: [usize; 2]) -> Result<Self, VlmError> {
        let start = SafetensorsFile::open(path)?.halves(TABLE, &shape)?;
        Self::at(path, start, shape, Numbers::Halves)
    }

    /// The same of a table whose rows are blocks of four-bit numbers.
    ///
    /// # Errors
    /// [`VlmError::Missing`], [`VlmError::Io`] or [`VlmError::BadWeights`].
    pub fn open_blocks(path: &Path, shape: [usize; 2]) -> Result<Self, VlmError> {
        let start = SafetensorsFile::open(path)?.bytes_place(TABLE, &[shape[0], row_bytes(shape[1])])?;
        Self::at(path, start, shape, Numbers::Blocks)
    }

    fn at(path: &Path, start: u64, [rows, width]: [usize; 2], numbers: Numbers) -> Result<Self, VlmError> {
        let file = File::open(path).map_err(|source| VlmError::Io { path: path.into(), source })?;
        Ok(Self { path: path.into(), file: Mutex::new(file), start, rows, width, numbers })
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
        let mut bytes = vec![
            0;
            match self.numbers {
                Numbers::Halves => self.width * 2,
                Numbers::Blocks => row_bytes(self.width),
            }
        ];
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
            match self.numbers {
                Numbers::Halves => {
                    floats.extend(bytes.as_chunks::<2>().0.iter().map(|b| f16::from_le_bytes(*b).to_f32()));
                }
                Numbers::Blocks => unpack(&bytes, &mut floats),
            }
        }
        Ok(floats)
    }
}
