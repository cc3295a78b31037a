//! How containers are laid out: directories of TIFF 6.0, boxes of ISO/IEC 14496-12, Fuji's header. No pixels.

/// Directories looked at in one file.
const MAX_DIRECTORIES: usize = 32;
/// Entries looked at in one directory.
const MAX_ENTRIES: u16 = 512;

/// A file laid out as TIFF, or as a maker's variant of it with another magic number.
#[derive(Clone, Copy)]
pub(crate) struct Tiff<'a> {
    bytes: &'a [u8],
    pub little: bool,
}

/// One entry of a directory; `value` is as stored.
#[derive(Clone, Copy)]
pub(crate) struct Entry<'a> {
    pub tag: u16,
    pub kind: u16,
    pub count: u32,
    pub value: &'a [u8],
}

impl<'a> Tiff<'a> {
    /// `None` where the first bytes are no TIFF header.
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        let little = match bytes.get(..4)? {
            b"II*\0" | b"IIRO" | b"IIRS" | b"IIU\0" => true,
            b"MM\0*" | b"MMOR" => false,
            _ => return None,
        };
        Some(Self { bytes, little })
    }

    fn short(&self, bytes: &[u8]) -> Option<u16> {
        let two = bytes.get(..2)?.try_into().ok()?;
        Some(if self.little { u16::from_le_bytes(two) } else { u16::from_be_bytes(two) })
    }

    fn long(&self, bytes: &[u8]) -> Option<u32> {
        let four = bytes.get(..4)?.try_into().ok()?;
        Some(if self.little { u32::from_le_bytes(four) } else { u32::from_be_bytes(four) })
    }

    /// The first number of an entry of shorts or longs.
    fn number(&self, entry: &Entry<'_>) -> Option<u32> {
        match entry.kind {
            3 => self.short(entry.value).map(u32::from),
            4 | 13 => self.long(entry.value),
            _ => None,
        }
    }

    /// Entries of the directory at `at` that lie within the file, and the place of the next directory.
    fn directory(&self, at: u32) -> Option<(Vec<Entry<'a>>, u32)> {
        let at = at as usize;
        let count = self.short(self.bytes.get(at..)?)?;
        let entry = |i: u16| {
            let raw = self.bytes.get(at + 2 + usize::from(i) * 12..)?.get(..12)?;
            let (tag, kind, count) = (self.short(raw)?, self.short(&raw[2..])?, self.long(&raw[4..])?);
            let size = usize::try_from(count).ok()?.checked_mul(size_of_kind(kind)?)?;
            let value = if size <= 4 {
                &raw[8..8 + size]
            } else {
                let place = self.long(&raw[8..])? as usize;
                self.bytes.get(place..place.checked_add(size)?)?
            };
            Some(Entry { tag, kind, count, value })
        };
        let entries = (0..count.min(MAX_ENTRIES)).filter_map(entry).collect();
        let next = self.bytes.get(at + 2 + usize::from(count) * 12..).and_then(|b| self.long(b)).unwrap_or(0);
        Some((entries, next))
    }

    /// Entries of the first directory.
    pub fn first(&self) -> Vec<Entry<'a>> {
        let entries = || self.directory(self.long(self.bytes.get(4..)?)?);
        entries().map_or_else(Vec::new, |(entries, _)| entries)
    }

    /// All directories that can be reached: the chain, sub-directories and EXIF's.
    fn directories(&self) -> Vec<Vec<Entry<'a>>> {
        let mut waiting: Vec<u32> = self.bytes.get(4..).and_then(|b| self.long(b)).into_iter().collect();
        let (mut seen, mut found) = (Vec::new(), Vec::new());
        while let Some(at) = waiting.pop()
            && found.len() < MAX_DIRECTORIES
        {
            if at == 0 || seen.contains(&at) {
                continue;
            }
            seen.push(at);
            let Some((entries, next)) = self.directory(at) else { continue };
            waiting.push(next);
            for entry in entries.iter().filter(|e| matches!(e.tag, 0x014a | 0x8769) && matches!(e.kind, 4 | 13)) {
                waiting.extend(entry.value.chunks_exact(4).take(MAX_DIRECTORIES).filter_map(|b| self.long(b)));
            }
            found.push(entries);
        }
        found
    }

    /// The colour profile of the first picture.
    pub fn profile(&self) -> Option<&'a [u8]> {
        self.first().into_iter().find(|entry| entry.tag == 0x8773).map(|entry| entry.value)
    }

    /// Whether it is Adobe's raw format under any name.
    pub fn is_dng(&self) -> bool {
        self.first().iter().any(|entry| entry.tag == 0xc612)
    }

    /// Width and height of the largest picture in it; where a DNG or a Panasonic tells the crop, that.
    pub fn largest_size(&self) -> Option<(u32, u32)> {
        let directories = self.directories();
        let number = |entries: &[Entry<'a>], tag| entries.iter().find(|e| e.tag == tag).and_then(|e| self.number(e));
        if self.bytes.starts_with(b"IIU\0") {
            let side = |low, high| number(directories.first()?, high)?.checked_sub(number(directories.first()?, low)?);
            // The sensor's borders: left 5 and right 7, top 4 and bottom 6.
            return side(5, 7).zip(side(4, 6)).filter(|&(w, h)| w > 0 && h > 0);
        }
        let crop = |entries: &[Entry<'a>]| {
            let entry = entries.iter().find(|e| e.tag == 0xc620 && e.count == 2)?;
            let step = match entry.kind {
                3 => return Some((self.short(entry.value)?.into(), self.short(&entry.value[2..])?.into())),
                4 => 4,
                5 => 8,
                _ => return None,
            };
            let side = |at: usize| {
                let above = self.long(&entry.value[at..])?;
                if step == 4 { Some(above) } else { above.checked_div(self.long(&entry.value[at + 4..])?) }
            };
            side(0).zip(side(step))
        };
        if let Some(crop) = directories.iter().find_map(|entries| crop(entries)) {
            return Some(crop);
        }
        let sizes = directories.iter().flat_map(|entries| {
            let stored = number(entries, 0x0100).zip(number(entries, 0x0101));
            stored.into_iter().chain(number(entries, 0xa002).zip(number(entries, 0xa003)))
        });
        sizes.filter(|&(w, h)| w > 0 && h > 0).max_by_key(|&(w, h)| u64::from(w) * u64::from(h))
    }
}

/// Bytes of one value of a kind (TIFF 6.0, section 2).
fn size_of_kind(kind: u16) -> Option<usize> {
    [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4].get(usize::from(kind)).copied().filter(|&size| size > 0)
}

/// Kinds and contents of the boxes in `bytes`, up to the first that is cut.
pub(crate) fn boxes(bytes: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let kind: [u8; 4] = rest.get(4..8)?.try_into().ok()?;
        let (head, size) = match u32::from_be_bytes(rest[..4].try_into().ok()?) {
            0 => (8, rest.len()),
            1 => (16, usize::try_from(u64::from_be_bytes(rest.get(8..16)?.try_into().ok()?)).ok()?),
            size => (8, size as usize),
        };
        // The last one may be cut short: a picture's first part is worth having.
        let end = size.min(rest.len());
        let contents = rest.get(head..end)?;
        rest = &rest[end..];
        Some((kind, contents))
    })
}

/// The blocks in which Canon's CR3 keeps its directories: the main one, EXIF's and GPS's.
pub(crate) struct CanonBlocks<'a> {
    pub first: &'a [u8],
    pub exif: Option<&'a [u8]>,
    pub gps: Option<&'a [u8]>,
}

/// `None` for a file that is no CR3.
pub(crate) fn canon_blocks(bytes: &[u8]) -> Option<CanonBlocks<'_>> {
    const CANON: [u8; 16] = *b"\x85\xc0\xb6\x87\x82\x0f\x11\xe0\x81\x11\xf4\xce\x46\x2b\x6a\x48";
    if bytes.get(4..12) != Some(b"ftypcrx ") {
        return None;
    }
    let (_, movie) = boxes(bytes).find(|(kind, _)| kind == b"moov")?;
    let inner = boxes(movie).find_map(|(kind, b)| (&kind == b"uuid").then(|| b.strip_prefix(&CANON)).flatten())?;
    let named = |name: &[u8; 4]| boxes(inner).find(|(kind, _)| kind == name).map(|(_, contents)| contents);
    Some(CanonBlocks { first: named(b"CMT1")?, exif: named(b"CMT2"), gps: named(b"CMT4") })
}

/// Where Fuji's RAF keeps its JPEG, which holds the EXIF.
pub(crate) fn fuji_jpeg(bytes: &[u8]) -> Option<&[u8]> {
    let long = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?) as usize);
    bytes.get(long(84)?..long(84)?.checked_add(long(88)?)?)
}

/// Width and height of the picture in Fuji's RAF, from the header of its sensor data.
pub(crate) fn fuji_size(bytes: &[u8]) -> Option<(u32, u32)> {
    let long = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?));
    let short = |at: usize| Some(u16::from_be_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?));
    let start = long(92)? as usize;
    let (mut at, mut size) = (start.checked_add(4)?, None);
    for _ in 0..long(start)?.min(256) {
        // The cropped picture, else the whole sensor: height before width.
        match short(at)? {
            0x0111 => return Some((short(at + 6)?.into(), short(at + 4)?.into())),
            0x0100 => size = Some((short(at + 6)?.into(), short(at + 4)?.into())),
            _ => {}
        }
        at += 4 + usize::from(short(at + 2)?);
    }
    size
}
