//! Where formats that the EXIF reader does not know keep their EXIF: as one block laid out like a TIFF file.

use std::io::{self, BufReader, Cursor, Seek, SeekFrom};

use crate::brotli;
use crate::caption_metadata::{Ahead, Source, bytes, piece, png, skip};
use crate::format::PhotoFormat;
use crate::structure::{self, CanonBlocks, Entry, Tiff};

/// A larger block of its own is not read, packed or not.
const LARGEST: u64 = 4 << 20;

/// What was found.
pub(crate) enum Sought {
    Found(Vec<u8>),
    /// There is none, or the EXIF reader finds it itself.
    None,
    OverLimit,
}

/// JPEG's mark of EXIF, which other containers have no need of, and writers put there all the same.
const MARK: &[u8] = b"Exif\0\0";

/// The block of a file that is no JPEG.
pub(crate) fn find(bytes: &[u8], format: PhotoFormat) -> Sought {
    let found = match format {
        PhotoFormat::Jxl => in_boxes(bytes),
        PhotoFormat::Raw => in_raw(bytes),
        PhotoFormat::Png | PhotoFormat::WebP => find_in(&mut Cursor::new(bytes), format).ok(),
        _ => None,
    };
    found.unwrap_or(Sought::None)
}

/// The block of a PNG or WebP file, of which no more is read than is needed.
///
/// # Errors
/// When it cannot be read.
pub(crate) fn find_in(photo: &mut dyn Source, format: PhotoFormat) -> io::Result<Sought> {
    photo.rewind()?;
    let mut file = BufReader::new(photo);
    let found = match format {
        PhotoFormat::WebP => in_webp(&mut file),
        PhotoFormat::Png => in_png(&mut file),
        _ => Ok(None),
    };
    match found {
        // Cut off: the decoder's to report.
        Err(fault) if fault.kind() == io::ErrorKind::UnexpectedEof => Ok(Sought::None),
        found => Ok(found?.map_or(Sought::None, bounded)),
    }
}

fn bounded(block: Vec<u8>) -> Sought {
    match block.len() as u64 > LARGEST {
        true => Sought::OverLimit,
        false => Sought::Found(block.strip_prefix(MARK).unwrap_or(&block).to_vec()),
    }
}

/// The chunk of that name; writers disagree whether JPEG's mark stands in front.
fn in_webp(file: &mut Ahead<'_>) -> io::Result<Option<Vec<u8>>> {
    file.seek(SeekFrom::Start(12))?;
    loop {
        let name: [u8; 4] = bytes(file)?;
        let length = u32::from_le_bytes(bytes(file)?);
        if &name == b"EXIF" {
            return piece(file, length.into(), LARGEST);
        }
        skip(file, u64::from(length) + u64::from(length % 2))?;
    }
}

/// The chunk of PNG's third edition, else the text that programs before it made of the block.
fn in_png(file: &mut Ahead<'_>) -> io::Result<Option<Vec<u8>>> {
    let mut profile = None;
    file.seek(SeekFrom::Start(8))?;
    while let (Ok(length), Ok(kind)) = (bytes(file).map(u32::from_be_bytes), bytes::<4>(file)) {
        let length = u64::from(length);
        match &kind {
            b"IEND" => break,
            b"eXIf" => return piece(file, length, LARGEST),
            b"tEXt" | b"zTXt" | b"iTXt" => {
                let Some(chunk) = piece(file, length, LARGEST)? else { break };
                if let Some((_, contents)) = png::raw_profile(&chunk, &kind, &["exif", "APP1"], LARGEST) {
                    // One of that name may hold XMP.
                    profile = profile.or(Some(contents).filter(|block| is_block(block)));
                }
                skip(file, length - chunk.len() as u64 + 4)?;
            }
            _ => skip(file, length + 4)?,
        }
    }
    Ok(profile)
}

fn is_block(contents: &[u8]) -> bool {
    Tiff::new(contents.strip_prefix(MARK).unwrap_or(contents)).is_some()
}

fn in_raw(bytes: &[u8]) -> Option<Sought> {
    if bytes.starts_with(b"FUJIFILMCCD-RAW") {
        return in_jpeg(structure::fuji_jpeg(bytes)?).map(Sought::Found);
    }
    match bytes.get(..4)? {
        b"IIRO" | b"IIRS" | b"IIU\0" => Some(Sought::Found([b"II*\0".as_slice(), &bytes[4..]].concat())),
        b"MMOR" => Some(Sought::Found([b"MM\0*".as_slice(), &bytes[4..]].concat())),
        _ => joined(&structure::canon_blocks(bytes)?),
    }
}

/// JPEG XL: a box of its own, perhaps packed with Brotli. Its first four bytes say where the block starts.
fn in_boxes(bytes: &[u8]) -> Option<Sought> {
    let block = structure::boxes(bytes).find_map(|(kind, contents)| match &kind {
        // One byte more shows that it is too large.
        b"Exif" => Some(contents[..contents.len().min(LARGEST as usize + 1)].to_vec()),
        b"brob" => brotli::unpacked(contents.strip_prefix(b"Exif")?, LARGEST).ok(),
        _ => None,
    })?;
    if block.len() as u64 > LARGEST {
        return Some(Sought::OverLimit);
    }
    // Some writers leave the number out.
    if Tiff::new(&block).is_some() {
        return Some(Sought::Found(block));
    }
    let start = u32::from_be_bytes(block.get(..4)?.try_into().ok()?) as usize;
    let block = block.get(start.checked_add(4)?..)?;
    // Some writers leave JPEG's own mark in front.
    Some(Sought::Found(block.strip_prefix(MARK).unwrap_or(block).to_vec()))
}

/// The first segment of a JPEG that holds EXIF.
fn in_jpeg(jpeg: &[u8]) -> Option<Vec<u8>> {
    let mut at = 2;
    while let &[0xff, marker @ 0xe0..=0xef, high, low] = jpeg.get(at..at + 4)? {
        let end = at + 2 + usize::from(u16::from_be_bytes([high, low]).max(2));
        if marker == 0xe1
            && let Some(block) = jpeg.get(at + 4..end)?.strip_prefix(MARK)
        {
            return Some(block.to_vec());
        }
        at = end;
    }
    None
}

/// Canon's CR3 keeps each directory in a TIFF block of its own: one block is made of them.
fn joined<'a>(blocks: &CanonBlocks<'a>) -> Option<Sought> {
    const EXIF: u16 = 0x8769;
    const GPS: u16 = 0x8825;
    let first = Tiff::new(blocks.first)?;
    let entries = |block: Option<&'a [u8]>| {
        let tiff = block.and_then(Tiff::new).filter(|tiff| tiff.little == first.little);
        tiff.map_or_else(Vec::new, |tiff| tiff.first())
    };
    let (main, exif, gps) = (first.first(), entries(blocks.exif), entries(blocks.gps));
    // Many entries may say that they are the same bytes, each of which would be copied.
    let values = main.iter().chain(&exif).chain(&gps).map(|entry| entry.value.len() as u64);
    if values.sum::<u64>() > LARGEST {
        return Some(Sought::OverLimit);
    }
    let mut main = owned(&main);
    main.retain(|(tag, ..)| *tag != EXIF && *tag != GPS);
    let mut out = Block { bytes: Vec::new(), little: first.little };
    out.bytes.extend(if first.little { b"II" } else { b"MM" });
    out.short(42);
    out.long(8);
    // Both pointers are written last, when it is known where they lead.
    let pointers = [EXIF, GPS].map(pointer);
    main.extend(pointers);
    main.sort_by_key(|(tag, ..)| *tag);
    let places = out.directory(&main);
    for (tag, entries) in [(EXIF, owned(&exif)), (GPS, owned(&gps))] {
        let start = out.bytes.len() as u32;
        let index = main.iter().position(|(t, ..)| *t == tag)?;
        out.put_long(places[index], start);
        out.directory(&entries);
    }
    Some(Sought::Found(out.bytes))
}

type Owned = (u16, u16, u32, Vec<u8>);

fn owned(entries: &[Entry<'_>]) -> Vec<Owned> {
    entries.iter().map(|e| (e.tag, e.kind, e.count, e.value.to_vec())).collect()
}

fn pointer(tag: u16) -> Owned {
    (tag, 4, 1, vec![0; 4])
}

struct Block {
    bytes: Vec<u8>,
    little: bool,
}

impl Block {
    fn short(&mut self, v: u16) {
        self.bytes.extend(if self.little { v.to_le_bytes() } else { v.to_be_bytes() });
    }

    fn long(&mut self, v: u32) {
        self.bytes.extend(if self.little { v.to_le_bytes() } else { v.to_be_bytes() });
    }

    fn put_long(&mut self, at: usize, v: u32) {
        let four = if self.little { v.to_le_bytes() } else { v.to_be_bytes() };
        self.bytes[at..at + 4].copy_from_slice(&four);
    }

    /// Writes a directory and what it points to; returns where each entry's value field lies.
    fn directory(&mut self, entries: &[Owned]) -> Vec<usize> {
        self.short(entries.len() as u16);
        let mut places = Vec::new();
        for (tag, kind, count, _) in entries {
            self.short(*tag);
            self.short(*kind);
            self.long(*count);
            places.push(self.bytes.len());
            self.long(0);
        }
        self.long(0);
        for ((.., value), &place) in entries.iter().zip(&places) {
            if value.len() <= 4 {
                self.bytes[place..place + value.len()].copy_from_slice(value);
            } else {
                let start = self.bytes.len() as u32;
                self.put_long(place, start);
                self.bytes.extend(value);
            }
        }
        places
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(kind: &[u8; 4], contents: &[u8]) -> Vec<u8> {
        [&(contents.len() as u32 + 8).to_be_bytes(), kind.as_slice(), contents].concat()
    }

    /// A CR3 whose `entries` are all the same `bytes`.
    fn canon(entries: u16, bytes: u32) -> Vec<u8> {
        let mut block = [b"II*\0\x08\0\0\0".as_slice(), &entries.to_le_bytes()].concat();
        let start = 8 + 2 + u32::from(entries) * 12 + 4;
        for tag in 0..entries {
            block.extend([(0x9000 + tag).to_le_bytes(), 7_u16.to_le_bytes()].concat());
            block.extend([bytes.to_le_bytes(), start.to_le_bytes()].concat());
        }
        block.extend(vec![b'x'; bytes as usize + 4]);
        let canon = b"\x85\xc0\xb6\x87\x82\x0f\x11\xe0\x81\x11\xf4\xce\x46\x2b\x6a\x48";
        let inner = [canon.as_slice(), &boxed(b"CMT1", &block), &boxed(b"CMT2", &block)].concat();
        [boxed(b"ftyp", b"crx \0\0\0\x01"), boxed(b"moov", &boxed(b"uuid", &inner))].concat()
    }

    #[test]
    fn entries_that_share_their_bytes_make_no_block_of_many_times_the_file() {
        let small = find(&canon(20, 100), PhotoFormat::Raw);
        assert!(matches!(&small, Sought::Found(block) if block.len() > 2 * 20 * 100));
        let bytes = canon(500, 5 << 10);
        assert!(bytes.len() < 50 << 10, "{}", bytes.len());
        assert!(matches!(find(&bytes, PhotoFormat::Raw), Sought::OverLimit));
    }
}
