//! An index as a file, which is read in one go: a header, the photos, sums of the parts, the rows.
//!
//! Numbers lie as this machine keeps them. What is not whole, or of another kind of machine, is no such file.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use bytemuck::{cast_slice, cast_slice_mut};
use rayon::prelude::*;

use super::VectorIndex;
use super::change::roomy;
use super::screen::Screen;
use super::simd::{Block, LANES};
use crate::plain;
use crate::tables::photo::PhotoId;

/// "SLvec" and the version of the format; reads otherwise on a machine of another byte order.
const MAGIC: u64 = 0x534c_7665_6300_0001;
/// Bytes that a thread reads at a time.
const PART: usize = 4 << 20;
/// Numbers before the photos.
const HEADER: usize = 5;

/// Writes an index, its `as_of` included.
pub(crate) fn write(index: &VectorIndex, file: &mut File) -> io::Result<()> {
    let blocks: &[u8] = cast_slice(&index.blocks);
    let ids: Vec<i64> = index.ids.iter().map(|id| id.0).collect();
    let sums: Vec<u32> = blocks.par_chunks(PART).map(crc32fast::hash).collect();
    let head = [MAGIC, index.dims as u64, ids.len() as u64, index.as_of.cast_unsigned()];
    let sum = sum(&head, &ids, &sums);
    let mut out = BufWriter::new(file);
    out.write_all(cast_slice(&head))?;
    out.write_all(&sum.to_ne_bytes())?;
    out.write_all(cast_slice(&ids))?;
    out.write_all(cast_slice(&sums))?;
    out.write_all(blocks)?;
    out.flush()
}

/// Reads an index of rows of `dims` numbers; fails with [`io::ErrorKind::InvalidData`] when it is not one, whole.
pub(crate) fn read(path: &Path, dims: usize) -> io::Result<VectorIndex> {
    let mut file = opened(path)?;
    let mut head = [0u64; HEADER];
    file.read_exact(cast_slice_mut(&mut head))?;
    let [head @ .., known_sum] = head;
    let [magic, of_dims, count, as_of] = head;
    let stride = dims.div_ceil(LANES);
    let size = file.metadata()?.len();
    // Nothing is taken for as long as it says it is, but for as long as it is.
    let count = usize::try_from(count).ok().filter(|count| *count as u64 <= size).ok_or_else(spoilt)?;
    let bytes = count.checked_mul(stride * size_of::<Block>()).ok_or_else(spoilt)?;
    let parts = bytes.div_ceil(PART);
    let before = HEADER * size_of::<u64>() + count * size_of::<i64>() + parts * size_of::<u32>();
    if magic != MAGIC || of_dims != dims as u64 || size != (before as u64).saturating_add(bytes as u64) {
        return Err(spoilt());
    }
    let (mut ids, mut sums) = (vec![0i64; count], vec![0u32; parts]);
    file.read_exact(cast_slice_mut(&mut ids))?;
    file.read_exact(cast_slice_mut(&mut sums))?;
    if sum(&head, &ids, &sums) != known_sum || !ids.is_sorted_by(|a, b| a < b) {
        return Err(spoilt());
    }
    let mut blocks = roomy(Block::ZERO, count, stride);
    let each = cast_slice_mut::<Block, u8>(&mut blocks).par_chunks_mut(PART).zip(&sums).enumerate();
    each.try_for_each_init(
        || opened(path),
        |file, (number, (part, sum))| {
            let file = file.as_mut().map_err(|error| io::Error::from(error.kind()))?;
            file.seek(SeekFrom::Start((before + number * PART) as u64))?;
            file.read_exact(part)?;
            if crc32fast::hash(part) == *sum { Ok(()) } else { Err(spoilt()) }
        },
    )?;
    let screen = Screen::new(dims, stride, &blocks);
    let ids = ids.into_iter().map(PhotoId).collect();
    Ok(VectorIndex { dims, stride, ids, blocks, screen, model: 0, as_of: as_of.cast_signed(), unsaved: 0 })
}

fn sum(head: &[u64], ids: &[i64], sums: &[u32]) -> u64 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(cast_slice(head));
    hasher.update(cast_slice(ids));
    hasher.update(cast_slice(sums));
    hasher.finalize().into()
}

/// The file, if it is no link and no pipe: the library may come from anybody.
fn opened(path: &Path) -> io::Result<File> {
    plain::open(path).map_err(io::Error::other)
}

fn spoilt() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "not a whole file of vectors")
}
