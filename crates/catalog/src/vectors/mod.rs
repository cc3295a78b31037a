//! A model's vectors in memory, and the nearest among them.
//!
//! Rows are 16-bit floats as they lie in the database; scores are exact dot products of those
//! rows with a query in 32-bit floats, summed in 32 bits. Memory is what limits a search, so a
//! first look at bytes leaves out the rows that cannot be among the best, by a proven bound: the
//! answer is that of the full search. No approximation, no training.

mod builder;
mod change;
pub(crate) mod file;
mod screen;
mod search;
mod simd;
#[cfg(test)]
mod tests;
mod top;

use half::slice::HalfFloatSliceExt;

pub(crate) use builder::IndexBuilder;
use screen::Screen;
pub use search::{Nearest, ScoreStats};
use simd::Block;

use crate::tables::photo::PhotoId;

/// A snapshot of a model's vectors, sorted by photo.
#[derive(Debug, Clone)]
pub struct VectorIndex {
    dims: usize,
    /// Blocks a row.
    stride: usize,
    ids: Vec<PhotoId>,
    /// `stride` blocks a photo; numbers beyond `dims` are zero.
    blocks: Vec<Block>,
    /// The same rows in fewer bits.
    screen: Screen,
    /// The model's number in the catalogue; 0 of an index that is in none.
    pub(crate) model: i64,
    /// The last change of the catalogue that it knows of.
    pub(crate) as_of: i64,
    /// Rows that are not in the file of vectors, or are others there.
    pub(crate) unsaved: usize,
}

impl VectorIndex {
    /// An index of the given rows, in whatever order; of two rows of one photo the last counts.
    ///
    /// # Panics
    /// When a row is not of `dims` numbers.
    pub fn from_rows(dims: usize, rows: impl IntoIterator<Item = (PhotoId, Vec<f32>)>) -> Self {
        let rows = rows.into_iter();
        let mut index = IndexBuilder::new(dims, rows.size_hint().0);
        for (id, row) in rows {
            index.push(id, &row);
        }
        index.finish()
    }

    /// Numbers in a vector.
    pub fn dims(&self) -> usize {
        self.dims
    }

    /// Photos in the index.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is no photo in it.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Its photos, sorted.
    pub fn ids(&self) -> &[PhotoId] {
        &self.ids
    }

    /// A photo's vector, as far as 16-bit floats keep it.
    pub fn vector(&self, photo: PhotoId) -> Option<Vec<f32>> {
        let position = self.ids.binary_search(&photo).ok()?;
        let mut vector: Vec<f32> = self.row(position).iter().flat_map(|block| block.0.to_f32_vec()).collect();
        vector.truncate(self.dims);
        Some(vector)
    }

    fn row(&self, position: usize) -> &[Block] {
        &self.blocks[position * self.stride..][..self.stride]
    }
}
