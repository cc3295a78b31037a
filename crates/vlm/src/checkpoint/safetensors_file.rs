//! A safetensors file read by parts: its header first, then whichever numbers are asked for.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use half::{bf16, f16};
use safetensors::tensor::{Dtype, Metadata, TensorInfo};

use crate::VlmError;
use crate::plain_file::open_plain;

/// Longest header that is read: those of published dual encoders have less than a tenth of a megabyte.
const MOST_HEADER: u64 = 16 << 20;

/// A safetensors file, its header read.
#[derive(Debug)]
pub struct SafetensorsFile {
    path: PathBuf,
    tensors: HashMap<String, TensorInfo>,
    /// Where the numbers begin.
    start: u64,
}

impl SafetensorsFile {
    /// Reads the header and checks that the file is as long as it says.
    ///
    /// # Errors
    /// [`VlmError::Missing`], [`VlmError::Io`] or [`VlmError::BadWeights`].
    pub fn open(path: &Path) -> Result<Self, VlmError> {
        let io = |source| VlmError::Io { path: path.into(), source };
        let bad = |reason: String| VlmError::BadWeights { path: path.into(), reason };
        let mut file = open_plain(path).map_err(|unread| unread.error(path, |_, reason| bad(reason)))?;
        let length = file.metadata().map_err(io)?.len();
        let mut head = Vec::new();
        Read::by_ref(&mut file).take(8).read_to_end(&mut head).map_err(io)?;
        let header = <[u8; 8]>::try_from(head.as_slice()).map_or(u64::MAX, u64::from_le_bytes);
        if header > MOST_HEADER || header > length.saturating_sub(8) {
            return Err(bad("it has no header of a safetensors file".into()));
        }
        head.clear();
        file.take(header).read_to_end(&mut head).map_err(io)?;
        let metadata: Metadata = serde_json::from_slice(&head).map_err(|e| bad(e.to_string()))?;
        let (start, end) = (8 + header, 8 + header + metadata.data_len() as u64);
        if length != end {
            return Err(bad(format!("it has {length} bytes, expected {end}")));
        }
        let tensors = metadata.tensors().into_iter().map(|(name, info)| (name, info.clone())).collect();
        Ok(Self { path: path.into(), tensors, start })
    }

    /// The names of its tensors.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// The shape of a tensor of floats; none where there is no such tensor or it holds integers.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        let info = self.tensors.get(name)?;
        matches!(info.dtype, Dtype::F32 | Dtype::F16 | Dtype::BF16).then_some(info.shape.as_slice())
    }

    /// Where in the file the numbers of a half-precision tensor of `shape` begin.
    ///
    /// # Errors
    /// [`VlmError::BadWeights`] where there is no such tensor.
    pub fn halves(&self, name: &str, shape: &[usize]) -> Result<u64, VlmError> {
        self.place(name, Dtype::F16, shape)
    }

    /// The same of a tensor of bytes.
    ///
    /// # Errors
    /// [`VlmError::BadWeights`] where there is no such tensor.
    pub fn bytes_place(&self, name: &str, shape: &[usize]) -> Result<u64, VlmError> {
        self.place(name, Dtype::U8, shape)
    }

    /// A tensor of bytes of `shape`.
    ///
    /// # Errors
    /// [`VlmError::Io`] or [`VlmError::BadWeights`].
    pub fn bytes(&self, name: &str, shape: &[usize]) -> Result<Vec<u8>, VlmError> {
        let place = self.bytes_place(name, shape)?;
        self.read(place, shape.iter().product())
    }

    fn place(&self, name: &str, dtype: Dtype, shape: &[usize]) -> Result<u64, VlmError> {
        let fits = self.tensors.get(name).filter(|info| info.dtype == dtype && info.shape == shape);
        fits.map(|info| self.start + info.data_offsets.0 as u64).ok_or_else(|| {
            let found = self.tensors.get(name).map(|info| format!("{:?} {:?}", info.dtype, info.shape));
            let found = found.unwrap_or_else(|| "none".into());
            self.bad(format!("{name}: expected {dtype:?} {shape:?}, found {found}"))
        })
    }

    fn read(&self, place: u64, count: usize) -> Result<Vec<u8>, VlmError> {
        let io = |source| VlmError::Io { path: self.path.clone(), source };
        let mut bytes = vec![0; count];
        // Opened anew: what is asked for comes from several threads, and an open file costs little beside its reading.
        let mut file = File::open(&self.path).map_err(io)?;
        file.seek(SeekFrom::Start(place)).map_err(io)?;
        file.read_exact(&mut bytes).map_err(io)?;
        Ok(bytes)
    }

    /// `count` numbers of a tensor from the `first` on, in row-major order.
    ///
    /// # Errors
    /// [`VlmError::Io`] or [`VlmError::BadWeights`].
    pub fn floats(&self, name: &str, first: usize, count: usize) -> Result<Vec<f32>, VlmError> {
        let info = self.tensors.get(name).ok_or_else(|| self.bad(format!("no tensor {name}")))?;
        let size = match info.dtype {
            Dtype::F32 => 4,
            Dtype::F16 | Dtype::BF16 => 2,
            other => return Err(self.bad(format!("{name}: expected floats, found {other:?}"))),
        };
        let (from, to) = info.data_offsets;
        if first.checked_add(count).and_then(|end| end.checked_mul(size)).is_none_or(|end| end > to - from) {
            return Err(self.bad(format!("{name}: expected more than {} bytes", to - from)));
        }
        let bytes = self.read(self.start + (from + first * size) as u64, count * size)?;
        let pairs = || bytes.as_chunks::<2>().0.iter();
        Ok(match info.dtype {
            Dtype::F16 => pairs().map(|b| f16::from_le_bytes(*b).to_f32()).collect(),
            Dtype::BF16 => pairs().map(|b| bf16::from_le_bytes(*b).to_f32()).collect(),
            _ => bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
        })
    }

    fn bad(&self, reason: String) -> VlmError {
        VlmError::BadWeights { path: self.path.clone(), reason }
    }
}
