//! XMP in files that are made of boxes: HEIC and AVIF (ISO/IEC 23008-12), JPEG XL (ISO/IEC 18181-2), Canon's CR3.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use super::container::{LARGEST, bytes, piece};
use crate::structure::boxes;

/// Canon's and Adobe's name of a box that holds XMP (XMP Specification Part 3, 1.1).
const XMP_UUID: [u8; 16] = *b"\xbe\x7a\xcf\xcb\x97\xa9\x42\xe8\x9c\x71\x99\x94\x91\xe3\xaf\xac";
/// How HEIC calls XMP.
const XMP_TYPE: &[u8] = b"application/rdf+xml";
/// Boxes at the top of a file; a file with more is an attack on the patience.
const MOST_BOXES: usize = 10_000;

/// The XMP packet of a file whose boxes begin where it begins.
pub(super) fn xmp(file: &mut File) -> io::Result<Option<Vec<u8>>> {
    let mut start = 0_u64;
    for _ in 0..MOST_BOXES {
        file.seek(SeekFrom::Start(start))?;
        let short = u32::from_be_bytes(bytes(file)?);
        let kind: [u8; 4] = bytes(file)?;
        let (head, size) = match short {
            // It goes on to the end.
            0 => (8, file.metadata()?.len().saturating_sub(start)),
            1 => (16, u64::from_be_bytes(bytes(file)?)),
            size => (8, size.into()),
        };
        let Some(length) = size.checked_sub(head) else { return Ok(None) };
        match &kind {
            b"xml " => return piece(file, length),
            b"brob" if length > 4 && &bytes(file)? == b"xml " => return packed(file, length - 4),
            b"uuid" if length > 16 && bytes(file)? == XMP_UUID => return piece(file, length - 16),
            b"meta" => {
                let Some(meta) = piece(file, length)? else { return Ok(None) };
                if let Some(place) = place_in(&meta) {
                    return read_at(file, &meta, place);
                }
            }
            _ => {}
        }
        let Some(next) = start.checked_add(size) else { return Ok(None) };
        start = next;
    }
    Ok(None)
}

/// JPEG XL may pack a box with Brotli.
fn packed(file: &mut File, length: u64) -> io::Result<Option<Vec<u8>>> {
    let Some(packed) = piece(file, length)? else { return Ok(None) };
    let mut packet = Vec::new();
    let unpacked =
        brotli_decompressor::Decompressor::new(packed.as_slice(), 4096).take(LARGEST).read_to_end(&mut packet);
    Ok(unpacked.ok().map(|_| packet))
}

/// Where an item lies.
struct Place {
    /// In the `idat` box of its own `meta` box, and not in the file.
    inside: bool,
    /// Starts and lengths.
    extents: Vec<(u64, u64)>,
}

fn read_at(file: &mut File, meta: &[u8], place: Place) -> io::Result<Option<Vec<u8>>> {
    let idat = || boxes(meta.get(4..)?).find(|(kind, _)| kind == b"idat").map(|(_, contents)| contents);
    let mut packet = Vec::new();
    for (start, length) in place.extents {
        if place.inside {
            let range = usize::try_from(start).ok().zip(usize::try_from(start.saturating_add(length)).ok());
            let Some(part) = range.and_then(|(start, end)| idat()?.get(start..end)) else { return Ok(None) };
            packet.extend_from_slice(part);
        } else {
            file.seek(SeekFrom::Start(start))?;
            let Some(part) = piece(file, length)? else { return Ok(None) };
            packet.extend(part);
        }
        if packet.len() as u64 > LARGEST {
            return Ok(None);
        }
    }
    Ok(Some(packet))
}

/// Where the XMP item of a `meta` box lies.
fn place_in(meta: &[u8]) -> Option<Place> {
    // Version and flags come first.
    let inner = meta.get(4..)?;
    let named = |name: &[u8; 4]| boxes(inner).find(|(kind, _)| kind == name).map(|(_, contents)| contents);
    let wanted = xmp_item(named(b"iinf")?)?;
    place_of(named(b"iloc")?, wanted)
}

/// The number of the item that is XMP (ISO/IEC 14496-12, 8.11.6).
fn xmp_item(iinf: &[u8]) -> Option<u32> {
    let mut fields = Fields(iinf);
    let version = fields.number(1)?;
    fields.number(3)?;
    fields.number(if version == 0 { 2 } else { 4 })?;
    boxes(fields.0).filter(|(kind, _)| kind == b"infe").find_map(|(_, entry)| {
        let mut fields = Fields(entry);
        let version = fields.number(1)?;
        fields.number(3)?;
        let item = fields.number(if version < 3 { 2 } else { 4 })?;
        fields.number(2)?;
        let kind = fields.number(4)? as u32;
        let mut texts = fields.0.split(|byte| *byte == 0);
        let is_xmp = version >= 2 && kind == u32::from_be_bytes(*b"mime") && texts.nth(1) == Some(XMP_TYPE);
        is_xmp.then_some(item as u32)
    })
}

/// Where an item lies (ISO/IEC 14496-12, 8.11.3).
fn place_of(iloc: &[u8], wanted: u32) -> Option<Place> {
    let mut fields = Fields(iloc);
    let version = fields.number(1)?;
    fields.number(3)?;
    let sizes = fields.number(2)?;
    let [offset_size, length_size, base_size, index_size] = [12, 8, 4, 0].map(|shift| (sizes >> shift & 15) as usize);
    let index_size = if version == 0 { 0 } else { index_size };
    let count = fields.number(if version < 2 { 2 } else { 4 })?;
    for _ in 0..count {
        let item = fields.number(if version < 2 { 2 } else { 4 })? as u32;
        let method = if version == 0 { 0 } else { fields.number(2)? & 15 };
        let other_file = fields.number(2)? != 0;
        let base = fields.number(base_size)?;
        let mut extents = Vec::new();
        for _ in 0..fields.number(2)? {
            fields.number(index_size)?;
            let start = base.checked_add(fields.number(offset_size)?)?;
            extents.push((start, fields.number(length_size)?));
        }
        if item == wanted {
            return (!other_file && method < 2).then_some(Place { inside: method == 1, extents });
        }
    }
    None
}

/// Numbers of a few bytes, high byte first, one after the other.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    /// The next number of `size` bytes; of none it is 0.
    fn number(&mut self, size: usize) -> Option<u64> {
        if size > 8 {
            return None;
        }
        let (head, rest) = self.0.split_at_checked(size)?;
        self.0 = rest;
        Some(head.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }
}
