//! A safetensors file written a piece at a time, in half precision, its checksum taken on the way.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use half::f16;
use serde_json::{Map, json};
use sha2::{Digest, Sha256};

use super::parts::Part;
use crate::model::{FileInfo, hex};
use crate::{INFO_FILE, ModelInfo, VlmError};

/// A file in the making.
pub(super) struct Writer {
    path: PathBuf,
    file: BufWriter<File>,
    hash: Sha256,
    bytes: u64,
}

impl Writer {
    /// Begins a file.
    ///
    /// # Errors
    /// [`VlmError::Write`].
    pub fn plain(path: &Path) -> Result<Self, VlmError> {
        let file = File::create(path).map_err(|source| VlmError::Write { path: path.into(), source })?;
        Ok(Self { path: path.into(), file: BufWriter::with_capacity(1 << 20, file), hash: Sha256::new(), bytes: 0 })
    }

    /// Begins a safetensors file of `parts`, whose numbers are to follow in their order.
    ///
    /// # Errors
    /// [`VlmError::Write`].
    pub fn safetensors(path: &Path, parts: &[Part]) -> Result<Self, VlmError> {
        let mut writer = Self::plain(path)?;
        let (mut header, mut start) = (Map::new(), 0);
        for part in parts {
            let end = start + part.shape.iter().product::<usize>() * 2;
            header.insert(
                part.name.clone(),
                json!({ "dtype": "F16", "shape": part.shape, "data_offsets": [start, end] }),
            );
            start = end;
        }
        let mut header = serde_json::Value::Object(header).to_string().into_bytes();
        header.resize(header.len().next_multiple_of(8), b' ');
        writer.bytes(&(header.len() as u64).to_le_bytes())?;
        writer.bytes(&header)?;
        Ok(writer)
    }

    /// Adds bytes.
    ///
    /// # Errors
    /// [`VlmError::Write`].
    pub fn bytes(&mut self, bytes: &[u8]) -> Result<(), VlmError> {
        self.file.write_all(bytes).map_err(|source| VlmError::Write { path: self.path.clone(), source })?;
        self.hash.update(bytes);
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    /// Adds numbers, rounded to half precision; says which is none that this holds.
    ///
    /// # Errors
    /// [`VlmError::Write`].
    pub fn halves(&mut self, floats: &[f32]) -> Result<Result<(), f32>, VlmError> {
        let mut bytes = Vec::with_capacity(floats.len() * 2);
        for &value in floats {
            let half = f16::from_f32(value);
            if !half.is_finite() {
                return Ok(Err(value));
            }
            bytes.extend_from_slice(&half.to_le_bytes());
        }
        self.bytes(&bytes).map(Ok)
    }

    /// Ends the file.
    ///
    /// # Errors
    /// [`VlmError::Write`].
    pub fn finish(self) -> Result<FileInfo, VlmError> {
        let failed = |source| VlmError::Write { path: self.path.clone(), source };
        self.file.into_inner().map_err(|e| failed(e.into_error()))?;
        Ok(FileInfo { bytes: self.bytes, sha256: hex(&self.hash.finalize()) })
    }
}

/// Waits until the file at `path` is on the disk itself.
///
/// # Errors
/// [`VlmError::Write`].
pub(super) fn flush(path: &Path) -> Result<(), VlmError> {
    let file = File::options().write(true).open(path).and_then(|file| file.sync_all());
    file.map_err(|source| VlmError::Write { path: path.into(), source })
}

/// Writes the description in `pack`, whole or not at all: a folder without it is no model.
///
/// # Errors
/// [`VlmError::BadInfo`] or [`VlmError::Write`].
pub(super) fn describe(pack: &Path, info: &ModelInfo) -> Result<(), VlmError> {
    let (path, partial) = (pack.join(INFO_FILE), pack.join(format!("{INFO_FILE}.partial")));
    let text = toml::to_string(info).map_err(|e| VlmError::BadInfo { path: path.clone(), reason: e.to_string() })?;
    let mut file = Writer::plain(&partial)?;
    file.bytes(text.as_bytes())?;
    file.finish()?;
    flush(&partial)?;
    std::fs::rename(&partial, &path).map_err(|source| VlmError::Write { path, source })
}
