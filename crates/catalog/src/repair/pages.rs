//! The pages of a database file, read without SQLite, which gives up a table at its first damaged page.
//!
//! The format is described at <https://sqlite.org/fileformat2.html>. Every number read may be wrong: what does not fit
//! is counted as lost and passed over, and no page is read twice.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use rusqlite::types::Value;

use super::record::{record, varint};
use crate::connection::PAGE_BYTES;

/// Bytes of the file's header, before the first page's own.
const HEADER: usize = 100;
/// How every database begins.
const MAGIC: &[u8] = b"SQLite format 3\0";

/// What a tree of pages holds: rows under a number, or rows in the order of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tree {
    /// A table with row numbers.
    Numbered,
    /// An index, or a table without row numbers.
    Keyed,
}

/// A row: its number, in a tree of such, and its values.
pub(super) type Row = (Option<i64>, Vec<Value>);

/// What could not be read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Unread {
    /// Pages, with all that lies below them.
    pub pages: u64,
    /// Rows of pages that could be read otherwise.
    pub rows: u64,
}

/// A database file, page by page.
pub(super) struct Pages {
    /// None in the absence of any page.
    file: Option<File>,
    /// The header, if it is one.
    header: Option<[u8; HEADER]>,
    page_bytes: usize,
    /// Bytes of a page that hold something.
    usable: usize,
    count: u32,
    /// Pages that belong to something that was read, by number.
    seen: Vec<bool>,
}

impl Pages {
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let bytes = file.metadata()?.len();
        let mut header = [0; HEADER];
        let header = file.read_exact(&mut header).is_ok().then_some(header).filter(|header| header.starts_with(MAGIC));
        let stated = header.map(|header| match u16::from_be_bytes([header[16], header[17]]) {
            1 => 1 << 16,
            size => usize::from(size),
        });
        let page_bytes = stated.filter(|size| (512..=1 << 16).contains(size) && size.is_power_of_two());
        let page_bytes = page_bytes.unwrap_or(PAGE_BYTES as usize);
        let reserved = header.map_or(0, |header| usize::from(header[20]));
        let usable = if page_bytes - reserved < 480 { page_bytes } else { page_bytes - reserved };
        let count = u32::try_from(bytes.div_ceil(page_bytes as u64)).unwrap_or(u32::MAX);
        let file = Some(file);
        Ok(Self { file, header, page_bytes, usable, count, seen: vec![false; count as usize + 1] })
    }

    /// No page at all.
    pub fn none() -> Self {
        Self { file: None, header: None, page_bytes: 512, usable: 512, count: 0, seen: Vec::new() }
    }

    /// The number at `place` of the header, if that can be read.
    fn header_number(&self, place: usize) -> Option<u32> {
        self.header.as_ref().and_then(|header| number(header, place))
    }

    /// The schema's version, if the header can be read.
    pub fn user_version(&self) -> Option<u32> {
        self.header_number(60)
    }

    /// Shows all rows of the tree whose root is page `root`.
    pub fn rows<E>(&mut self, root: u32, tree: Tree, show: &mut dyn FnMut(Row) -> Result<(), E>) -> Result<Unread, E> {
        let mut unread = Unread::default();
        // The first page is the last of the list, so that rows come in their order.
        let mut todo = vec![root];
        while let Some(page) = todo.pop() {
            let Some(node) = self.node(page, tree) else {
                unread.pages += 1;
                continue;
            };
            self.seen[page as usize] = true;
            todo.extend(node.children.iter().rev());
            for cell in &node.cells {
                match self.row(&node.bytes, *cell, tree) {
                    Some((row, more)) => {
                        self.take(&more);
                        show(row)?;
                    }
                    None => unread.rows += 1,
                }
            }
        }
        Ok(unread)
    }

    /// The rows of a page by itself, if it belongs to such a tree and all of them can be read; it may be read again.
    pub fn peek(&mut self, page: u32, tree: Tree) -> Option<Vec<Row>> {
        let node = self.node(page, tree)?;
        let rows: Option<Vec<(Row, Vec<u32>)>> =
            node.cells.iter().map(|cell| self.row(&node.bytes, *cell, tree)).collect();
        Some(rows?.into_iter().map(|(row, _)| row).collect())
    }

    /// Takes the pages that are in use no more for seen; whether all of them are known.
    pub fn pass_free_pages(&mut self) -> bool {
        let (Some(mut trunk), Some(total)) = (self.header_number(32), self.header_number(36)) else { return false };
        let mut found = 0;
        while trunk != 0 {
            let Some(bytes) = self.unseen(trunk) else { return false };
            let (Some(next), Some(leaves)) = (number(&bytes, 0), number(&bytes, 4)) else { return false };
            if leaves as usize > self.usable / 4 - 2 {
                return false;
            }
            self.seen[trunk as usize] = true;
            found += 1;
            for leaf in 0..leaves as usize {
                let Some(page) = number(&bytes, 8 + 4 * leaf).filter(|page| *page <= self.count) else { return false };
                self.seen[page as usize] = true;
                found += 1;
            }
            trunk = next;
        }
        found == total
    }

    /// Shows the rows of each page that holds rows and that no tree led to.
    pub fn strays<E>(&mut self, show: &mut dyn FnMut(Tree, Vec<Row>) -> Result<(), E>) -> Result<(), E> {
        for page in 2..=self.count {
            for tree in [Tree::Numbered, Tree::Keyed] {
                // A page of which one row makes no sense may be anything.
                if let Some(rows) = self.peek(page, tree).filter(|rows| !rows.is_empty()) {
                    self.seen[page as usize] = true;
                    show(tree, rows)?;
                }
            }
        }
        Ok(())
    }

    /// The page's bytes, unless it was read before or cannot be.
    fn unseen(&mut self, page: u32) -> Option<Vec<u8>> {
        if page == 0 || self.seen.get(page as usize).copied() != Some(false) {
            return None;
        }
        let file = self.file.as_mut()?;
        file.seek(SeekFrom::Start(u64::from(page - 1) * self.page_bytes as u64)).ok()?;
        let mut bytes = vec![0; self.page_bytes];
        let mut filled = 0;
        // The last page of a file that was cut: what is there of it.
        while filled < bytes.len() {
            match file.read(&mut bytes[filled..]).ok()? {
                0 => break,
                more => filled += more,
            }
        }
        Some(bytes)
    }

    /// A page of a tree, if it is one.
    fn node(&mut self, page: u32, tree: Tree) -> Option<Node> {
        let bytes = self.unseen(page)?;
        let head = if page == 1 { HEADER } else { 0 };
        let (leaf, inner) = match tree {
            Tree::Numbered => (13, 5),
            Tree::Keyed => (10, 2),
        };
        let kind = *bytes.get(head)?;
        if kind != leaf && kind != inner {
            return None;
        }
        let count = usize::from(short(&bytes, head + 3)?);
        let first = head + if kind == leaf { 8 } else { 12 };
        let end = first + 2 * count;
        let mut places = Vec::with_capacity(count);
        for at in (first..end).step_by(2) {
            let place = usize::from(short(&bytes, at)?);
            if !(end..self.usable).contains(&place) {
                return None;
            }
            places.push(place);
        }
        let mut node = Node { bytes, cells: Vec::new(), children: Vec::new() };
        for place in places {
            if kind == inner {
                node.children.push(number(&node.bytes, place)?);
            }
            match tree {
                Tree::Numbered if kind == inner => {}
                Tree::Numbered => node.cells.push(place),
                Tree::Keyed => node.cells.push(if kind == inner { place + 4 } else { place }),
            }
        }
        if kind == inner {
            node.children.push(number(&node.bytes, head + 8)?);
        }
        Some(node)
    }

    /// Takes pages for read.
    fn take(&mut self, pages: &[u32]) {
        for page in pages {
            self.seen[*page as usize] = true;
        }
    }

    /// The row at `place` of a page, and the further pages that it lies on.
    fn row(&mut self, page: &[u8], place: usize, tree: Tree) -> Option<(Row, Vec<u32>)> {
        let (length, mut at) = varint(page, place)?;
        let mut row_number = None;
        if tree == Tree::Numbered {
            let (number, next) = varint(page, at)?;
            (row_number, at) = (Some(number), next);
        }
        let length = usize::try_from(length).ok().filter(|length| *length <= self.count as usize * self.usable)?;
        let local = self.local(length, tree);
        let mut payload = page.get(at..at + local).filter(|_| at + local <= self.usable)?.to_vec();
        let mut more = Vec::new();
        if local < length {
            let first = number(page, at + local)?;
            more = self.overflow(first, length, &mut payload)?;
        }
        Some(((row_number, record(&payload)?), more))
    }

    /// How many bytes of a row lie in its own page.
    fn local(&self, length: usize, tree: Tree) -> usize {
        let usable = self.usable;
        let most = match tree {
            Tree::Numbered => usable - 35,
            Tree::Keyed => (usable - 12) * 64 / 255 - 23,
        };
        if length <= most {
            return length;
        }
        let least = (usable - 12) * 32 / 255 - 23;
        let fitting = least + (length - least) % (usable - 4);
        if fitting <= most { fitting } else { least }
    }

    /// Reads the rest of a row from the pages that follow each other from `next` on.
    fn overflow(&mut self, mut next: u32, length: usize, payload: &mut Vec<u8>) -> Option<Vec<u32>> {
        let mut chain = Vec::new();
        while payload.len() < length {
            let bytes = self.unseen(next).filter(|_| !chain.contains(&next))?;
            chain.push(next);
            let more = (length - payload.len()).min(self.usable - 4);
            payload.extend_from_slice(&bytes[4..4 + more]);
            next = number(&bytes, 0)?;
        }
        (next == 0).then_some(chain)
    }
}

/// A page of a tree.
struct Node {
    bytes: Vec<u8>,
    /// Where its rows begin.
    cells: Vec<usize>,
    children: Vec<u32>,
}

fn short(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}
