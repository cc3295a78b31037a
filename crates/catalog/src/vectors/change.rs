//! Rows that come, go and change in an index in memory: in place, as it may be half of the memory that there is.

use half::f16;

use super::VectorIndex;
use super::simd::{Block, LANES};
use crate::tables::photo::PhotoId;

/// Where rows are taken out and put in.
#[derive(Debug, Default)]
pub(super) struct Splice {
    /// Rows before.
    before: usize,
    /// Positions before, sorted.
    out: Vec<usize>,
    /// Positions after, sorted.
    put_in: Vec<usize>,
    /// Positions after of rows with other numbers, sorted.
    replaced: Vec<usize>,
}

impl Splice {
    /// Positions, afterwards, of the rows that are to be filled.
    pub fn filled(&self) -> impl Iterator<Item = usize> {
        self.put_in.iter().chain(&self.replaced).copied()
    }

    /// Moves what stays to where it belongs, `width` values a row; what is put in is anything.
    pub fn apply<T: Copy>(&self, values: &mut Vec<T>, width: usize, blank: T) {
        let mut end = self.before;
        for (index, &out) in self.out.iter().enumerate() {
            let next = self.out.get(index + 1).copied().unwrap_or(self.before);
            values.copy_within((out + 1) * width..next * width, (out - index) * width);
            end = self.before - index - 1;
        }
        values.truncate(end * width);
        let after = end + self.put_in.len();
        if after * width > values.capacity() {
            values.reserve_exact((with_room(after) - end) * width);
        }
        values.resize(after * width, blank);
        // From the back: what lies between two new rows moves by as many as come before it.
        let mut until = end;
        for (index, &position) in self.put_in.iter().enumerate().rev() {
            let from = position - index;
            values.copy_within(from * width..until * width, (position + 1) * width);
            until = from;
        }
    }
}

/// Rows that there is to be room for where there are `rows` now. Memory that nothing was written to is none, and moving
/// half a million rows to a larger place takes them twice, so that there is room for as many as come in a while.
pub(super) fn with_room(rows: usize) -> usize {
    rows + rows / 8 + 256
}

/// Values that are all the same, with room for as many more as [`with_room`] says, of `width` a row.
pub(super) fn roomy<T: Copy>(value: T, rows: usize, width: usize) -> Vec<T> {
    let mut values = Vec::with_capacity(with_room(rows) * width);
    values.resize(rows * width, value);
    values
}

impl VectorIndex {
    /// Puts rows in, in place of those that there were, or takes them out: photos, sorted, each with its row of 16-bit
    /// floats, low byte first, or none. Those are all changes up to the catalogue's change `as_of`.
    ///
    /// # Panics
    /// When a row is not of [`dims`](Self::dims) numbers.
    pub(crate) fn change(&mut self, changes: &[(PhotoId, Option<Vec<u8>>)], as_of: i64) {
        debug_assert!(changes.is_sorted_by(|a, b| a.0 < b.0), "one change a photo, sorted");
        let mut splice = Splice { before: self.len(), ..Splice::default() };
        let (mut fills, mut replacements) = (Vec::new(), Vec::new());
        for (photo, row) in changes {
            let found = self.ids.binary_search(photo);
            let (Ok(position) | Err(position)) = found;
            let after = position - splice.out.len() + splice.put_in.len();
            match (found, row) {
                (Ok(_), Some(row)) => {
                    splice.replaced.push(after);
                    replacements.push((*photo, row));
                }
                (Ok(position), None) => splice.out.push(position),
                (Err(_), Some(row)) => {
                    splice.put_in.push(after);
                    fills.push((*photo, row));
                }
                (Err(_), None) => {}
            }
        }
        splice.apply(&mut self.ids, 1, PhotoId(0));
        splice.apply(&mut self.blocks, self.stride, Block::ZERO);
        for (position, (photo, row)) in splice.filled().zip(fills.into_iter().chain(replacements)) {
            self.ids[position] = photo;
            write_row(&mut self.blocks[position * self.stride..][..self.stride], row, self.dims);
        }
        self.screen.follow(&splice, self.stride, &self.blocks);
        self.as_of = as_of;
        self.unsaved += splice.out.len() + splice.put_in.len() + splice.replaced.len();
    }
}

/// Writes a row of 16-bit floats, low byte first.
///
/// # Panics
/// When it is not of `dims` numbers.
pub(super) fn write_row(blocks: &mut [Block], bytes: &[u8], dims: usize) {
    assert_eq!(bytes.len(), 2 * dims, "a row of another length");
    for (block, bytes) in blocks.iter_mut().zip(bytes.chunks(2 * LANES)) {
        for (half, bytes) in block.0.iter_mut().zip(bytes.as_chunks::<2>().0) {
            *half = f16::from_le_bytes(*bytes);
        }
    }
}
