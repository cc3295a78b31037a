//! XMP in files that are made of boxes: HEIC and AVIF (ISO/IEC 23008-12), JPEG XL (ISO/IEC 18181-2), Canon's CR3.

use std::io::{self, Read, Seek, SeekFrom};

use super::container::{Ahead, bytes, piece, refuse};
use super::packet;
use crate::brotli;
use crate::structure::boxes;

/// Canon's and Adobe's name of a box that holds XMP (XMP Specification Part 3, 1.1).
const XMP_UUID: [u8; 16] = *b"\xbe\x7a\xcf\xcb\x97\xa9\x42\xe8\x9c\x71\x99\x94\x91\xe3\xaf\xac";
/// How HEIC calls XMP.
const XMP_TYPE: &[u8] = b"application/rdf+xml";
/// Boxes at the top of a file; a file with more is an attack on the patience.
const MOST_BOXES: usize = 10_000;
/// Largest `meta` box that is read: the items of a picture of thousands of tiles.
const LARGEST_META: u64 = 8 << 20;
/// Pieces in which a packet may lie; it is hardly ever more than one.
const MOST_EXTENTS: usize = 256;

/// The XMP packet of a file whose boxes begin where it begins.
pub(super) fn xmp(file: &mut Ahead<'_>) -> io::Result<Option<Vec<u8>>> {
    let packet_of = |file: &mut Ahead<'_>, length| piece(file, length, packet::LARGEST);
    let end = file.seek(SeekFrom::End(0))?;
    let mut start = 0_u64;
    for _ in 0..MOST_BOXES {
        go_to(file, start)?;
        let short = u32::from_be_bytes(bytes(file)?);
        let kind: [u8; 4] = bytes(file)?;
        let (head, size) = match short {
            // It goes on to the end.
            0 => (8, end.saturating_sub(start)),
            1 => (16, u64::from_be_bytes(bytes(file)?)),
            size => (8, size.into()),
        };
        let Some(length) = size.checked_sub(head) else { return Ok(None) };
        match &kind {
            b"xml " => return packet_of(file, length),
            b"brob" if length > 4 && &bytes(file)? == b"xml " => return packed(file, length - 4),
            b"uuid" if length > 16 && bytes(file)? == XMP_UUID => return packet_of(file, length - 16),
            b"meta" if length > LARGEST_META => return refuse("its list of items", "8 MiB"),
            b"meta" => {
                let Some(meta) = piece(file, length, LARGEST_META)? else { return Ok(None) };
                if let Some(place) = place_in(&meta) {
                    if place.extents.len() > MOST_EXTENTS {
                        return refuse("its XMP", "256 pieces");
                    }
                    return read_at(file, &meta, &place);
                }
            }
            _ => {}
        }
        let Some(next) = start.checked_add(size) else { return Ok(None) };
        start = next;
    }
    refuse("the file", "10,000 boxes")
}

/// Goes to a place, without reading anew what was read ahead.
fn go_to(file: &mut Ahead<'_>, place: u64) -> io::Result<()> {
    let here = file.stream_position()?;
    match i64::try_from(i128::from(place) - i128::from(here)) {
        Ok(way) => file.seek_relative(way),
        Err(_) => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// JPEG XL may pack a box with Brotli.
fn packed(file: &mut Ahead<'_>, length: u64) -> io::Result<Option<Vec<u8>>> {
    Ok(brotli::unpacked(file.take(length), packet::LARGEST).ok())
}

/// Where an item lies.
struct Place {
    /// In the `idat` box of its own `meta` box, and not in the file.
    inside: bool,
    /// Starts and lengths.
    extents: Vec<(u64, u64)>,
}

fn read_at(file: &mut Ahead<'_>, meta: &[u8], place: &Place) -> io::Result<Option<Vec<u8>>> {
    let inner = meta.get(4..).unwrap_or_default();
    let idat = boxes(inner).find(|(kind, _)| kind == b"idat").map_or(&[][..], |(_, contents)| contents);
    let mut packet = Vec::new();
    for &(start, length) in &place.extents {
        // One byte more than the limit, all extents together: the parser refuses what is longer.
        let left = (packet::LARGEST + 1).saturating_sub(packet.len() as u64);
        if place.inside {
            let range = usize::try_from(start).ok().zip(usize::try_from(start.saturating_add(length)).ok());
            let Some(part) = range.and_then(|(start, end)| idat.get(start..end)) else { return Ok(None) };
            packet.extend_from_slice(&part[..part.len().min(left as usize)]);
        } else {
            go_to(file, start)?;
            let Some(part) = piece(file, length.min(left), packet::LARGEST)? else { return Ok(None) };
            packet.extend(part);
        }
        if packet.len() as u64 > packet::LARGEST {
            break;
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
        let (extents, each) = (fields.number(2)?, index_size + offset_size + length_size);
        if item != wanted {
            fields.pass(each.checked_mul(usize::try_from(extents).ok()?)?)?;
            continue;
        }
        if other_file || method > 1 {
            return None;
        }
        // One more shows that there are too many.
        let place = (0..extents.min(MOST_EXTENTS as u64 + 1)).map(|_| {
            fields.number(index_size)?;
            let start = base.checked_add(fields.number(offset_size)?)?;
            Some((start, fields.number(length_size)?))
        });
        return Some(Place { inside: method == 1, extents: place.collect::<Option<_>>()? });
    }
    None
}

/// Numbers of a few bytes, high byte first, one after the other.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    /// Passes over `bytes`.
    fn pass(&mut self, bytes: usize) -> Option<()> {
        self.0 = self.0.get(bytes..)?;
        Some(())
    }

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
