//! Makes files that hurt, so that none has to be kept.

use crate::harness::root;

/// A file to be written.
pub struct Forged {
    pub name: String,
    pub bytes: Vec<u8>,
    /// Its size, if that is more than its bytes: a hole follows them.
    pub sparse: Option<u64>,
}

/// An XMP packet with one description.
pub fn packet(attributes: &str) -> String {
    format!(
        "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>\
         <rdf:Description {attributes}/></rdf:RDF></x:xmpmeta>"
    )
}

/// A box of ISO/IEC 14496-12.
pub fn boxed(kind: &[u8; 4], contents: &[u8]) -> Vec<u8> {
    [&(contents.len() as u32 + 8).to_be_bytes(), kind.as_slice(), contents].concat()
}

/// A good JPEG XL photo with a box before its picture.
pub fn jxl_with(added: &[u8]) -> Vec<u8> {
    let photo = std::fs::read(root().join("crates/media/tests/fixtures/boxed.jxl")).unwrap();
    // After the signature and the type of the file.
    let (head, rest) = photo.split_at(32);
    [head, added, rest].concat()
}

/// A `meta` box whose item of XMP lies in `extents` pieces of `length` bytes, after `boxes` empty boxes.
pub fn item_list(inside: bool, extents: u16, length: u32, boxes: usize) -> Vec<u8> {
    let entry = [&[2, 0, 0, 0, 0, 1, 0, 0], b"mime".as_slice(), b"\0application/rdf+xml\0\0"].concat();
    let iinf = boxed(b"iinf", &[&[0, 0, 0, 0, 0, 1], boxed(b"infe", &entry).as_slice()].concat());
    // Version 1; numbers of four bytes for the place and the length of each piece.
    let mut iloc = vec![1, 0, 0, 0, 0x44, 0, 0, 1, 0, 1, 0, u8::from(inside), 0, 0];
    iloc.extend(extents.to_be_bytes());
    for _ in 0..extents {
        iloc.extend([0; 4]);
        iloc.extend(length.to_be_bytes());
    }
    let empty = boxed(b"free", &[]).repeat(boxes);
    boxed(b"meta", &[&[0; 4], iinf.as_slice(), &boxed(b"iloc", &iloc), &empty, &boxed(b"idat", b"x")].concat())
}

/// Bits as Brotli has them, the lowest first (RFC 7932, section 1.5.1).
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    used: u32,
}

impl Bits {
    fn put(&mut self, value: u32, bits: u32) {
        for bit in 0..bits {
            if self.used.is_multiple_of(8) {
                self.bytes.push(0);
            }
            *self.bytes.last_mut().unwrap() |= ((value >> bit & 1) as u8) << (self.used % 8);
            self.used += 1;
        }
    }

    /// Bytes as they are: not the last meta-block, four nibbles of length.
    fn plain(&mut self, bytes: &[u8]) {
        self.put(0, 1);
        self.put(0, 2);
        self.put(bytes.len() as u32 - 1, 16);
        self.put(1, 1);
        self.used = self.used.next_multiple_of(8);
        self.bytes.extend(bytes);
        self.used += 8 * bytes.len() as u32;
    }

    /// A meta-block that is one command: copy `length` bytes from four bytes before.
    fn copy(&mut self, length: u32) {
        self.put(0, 1);
        self.put(2, 2);
        self.put(length - 1, 24);
        self.put(0, 1);
        // One type of block of each of three kinds; no postfix, no direct distances; one mode of context, one tree of each.
        self.put(0, 3 + 6 + 2 + 2);
        // Trees of one symbol: a literal of 8 bits, a command of 10, a distance of 6.
        for (symbol, bits) in [(0, 8), (COPY_LONGEST, 10), (FOUR_BACK, 6)] {
            self.put(1, 2);
            self.put(0, 2);
            self.put(symbol, bits);
        }
        self.put(length - SHORTEST_OF_LONGEST, 24);
        self.put(1, 1);
    }
}

/// The command that inserts nothing and copies 2,118 bytes and as many more as 24 bits say.
const COPY_LONGEST: u32 = 391;
const SHORTEST_OF_LONGEST: u32 = 2118;
/// The distances 3 and 4; a bit says which.
const FOUR_BACK: u32 = 17;

/// `head`, then `unit` again and again for `repeated` bytes, then `tail`, packed to a few bytes.
pub fn brotli_of(head: &[u8], unit: &[u8; 4], repeated: u32, tail: &[u8]) -> Vec<u8> {
    const MOST: u32 = 16_000_000;
    let mut bits = Bits::default();
    // A window of 2 to the 24th.
    bits.put(0b1111, 4);
    bits.plain(&[head, unit].concat());
    let mut left = repeated;
    while left > 0 {
        // Six nibbles of length, of which the highest must not be 0.
        let length = if left >= 2 * MOST { MOST } else { left.clamp(2_000_000, MOST) };
        bits.copy(length);
        left = left.saturating_sub(length);
    }
    bits.plain(tail);
    bits.put(3, 2);
    bits.bytes
}
