//! Fills an index, straight from the database's bytes where it can.

use half::slice::HalfFloatSliceExt;

use super::VectorIndex;
use super::change::{with_room, write_row};
use super::screen::Screen;
use super::simd::{Block, LANES};
use crate::tables::photo::PhotoId;

/// An index to be.
pub(crate) struct IndexBuilder(VectorIndex);

impl IndexBuilder {
    /// Makes room for `rows` rows of `dims` numbers.
    pub fn new(dims: usize, rows: usize) -> Self {
        let stride = dims.div_ceil(LANES);
        let (ids, blocks) = (Vec::with_capacity(rows), Vec::with_capacity(with_room(rows) * stride));
        Self(VectorIndex { dims, stride, ids, blocks, screen: Screen::default(), model: 0, as_of: 0, unsaved: 0 })
    }

    /// Adds a row of 16-bit floats, low byte first.
    ///
    /// # Panics
    /// When it is not of `dims` numbers.
    pub fn push_bytes(&mut self, id: PhotoId, bytes: &[u8]) {
        self.0.ids.push(id);
        let from = self.0.blocks.len();
        self.0.blocks.resize(from + self.0.stride, Block::ZERO);
        write_row(&mut self.0.blocks[from..], bytes, self.0.dims);
    }

    /// Adds a row.
    ///
    /// # Panics
    /// When it is not of `dims` numbers.
    pub fn push(&mut self, id: PhotoId, row: &[f32]) {
        assert_eq!(row.len(), self.0.dims, "a row of another length");
        self.0.ids.push(id);
        for numbers in row.chunks(LANES) {
            let mut block = Block::ZERO;
            block.0[..numbers.len()].convert_from_f32_slice(numbers);
            self.0.blocks.push(block);
        }
    }

    /// The index, sorted by photo.
    pub fn finish(self) -> VectorIndex {
        let mut index = self.sorted();
        index.screen = Screen::new(index.dims, index.stride, &index.blocks);
        index
    }

    fn sorted(self) -> VectorIndex {
        let index = self.0;
        if index.ids.is_sorted_by(|a, b| a < b) {
            return index;
        }
        // Rows come in order unless photos were embedded later than others; then they are moved.
        let mut order: Vec<usize> = (0..index.ids.len()).collect();
        order.sort_by_key(|&position| (index.ids[position], std::cmp::Reverse(position)));
        order.dedup_by_key(|position| index.ids[*position]);
        let mut sorted = Self::new(index.dims, order.len()).0;
        for position in order {
            sorted.ids.push(index.ids[position]);
            sorted.blocks.extend_from_slice(index.row(position));
        }
        sorted
    }
}
