//! XMP inside JPEG files (XMP Specification Part 3, JPEG; markers: ITU-T T.81, annex B).

use std::io::{self, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::container::{Ahead, Blocks, bytes, refuse, skip};
use super::error::{IptcFault, JpegFault, MetadataError};
use super::replace::{self, Original, Times};
use super::{CaptionMetadata, iptc, packet};

const START: &[u8] = &[0xff, 0xd8, 0xff];
const SCAN: u8 = 0xda;
const END: u8 = 0xd9;
const EXIF: &[u8] = b"Exif\0";
const XMP: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";
const EXTENSION: &[u8] = b"http://ns.adobe.com/xmp/extension/";
const PHOTOSHOP: &[u8] = b"Photoshop 3.0\0";
const MULTI_PICTURE: &[u8] = b"MPF\0";

/// Largest packet that Part 3 allows in one segment.
const LARGEST_PACKET: usize = 65_502;
/// A preview after the picture may have a header of its own.
const FURTHEST_PREVIEW: usize = 1024;
/// Segments before the picture that are looked at; a depth map in XMP takes some hundreds.
const MOST_SEGMENTS: usize = 10_000;
/// Photoshop data are text and settings; more is not read.
const LARGEST_PHOTOSHOP: usize = 4 << 20;
/// Largest content of a segment, whose length field counts itself.
const LARGEST_SEGMENT: usize = 65_533;

/// A segment before the picture.
#[derive(Debug, Clone)]
pub(super) struct Segment {
    marker: u8,
    /// From the marker to the end of the content.
    pub(super) span: Range<usize>,
    content: Range<usize>,
}

impl Segment {
    fn holds(&self, bytes: &[u8], marker: u8, signature: &[u8]) -> bool {
        self.marker == marker && bytes[self.content.clone()].starts_with(signature)
    }
}

/// The segments up to the picture, and where that starts or what is wrong before it.
pub(super) fn segments(bytes: &[u8]) -> (Vec<Segment>, Result<usize, JpegFault>) {
    let mut found = Vec::new();
    let mut at = 2;
    let end = loop {
        match bytes.get(at) {
            None => break Err(JpegFault::Truncated),
            Some(0xff) => {}
            Some(_) => break Err(JpegFault::NoMarker { offset: at }),
        }
        // Any number of 0xff may stand before the marker's code.
        let fill = bytes[at..].iter().take_while(|&&byte| byte == 0xff).count();
        let start = at + fill - 1;
        let Some(&marker) = bytes.get(start + 1) else { break Err(JpegFault::Truncated) };
        match marker {
            SCAN | END => break Ok(start),
            0x00 => break Err(JpegFault::NoMarker { offset: start }),
            0x01 | 0xd0..=0xd8 => at = start + 2,
            _ => {
                let Some(content) = content(bytes, start) else { break Err(JpegFault::Truncated) };
                at = content.end;
                found.push(Segment { marker, span: start..content.end, content });
            }
        }
    };
    (found, end)
}

/// The content of the segment whose marker is at `start`.
fn content(bytes: &[u8], start: usize) -> Option<Range<usize>> {
    let length = bytes.get(start + 2..start + 4)?;
    let content = start + 4..start + 2 + usize::from(u16::from_be_bytes([length[0], length[1]]));
    bytes.get(content.clone()).map(|_| content)
}

/// What follows the picture that starts at `scan`; `None` where the picture has no end.
fn trailer(bytes: &[u8], scan: usize) -> Option<&[u8]> {
    let mut at = scan;
    loop {
        let start = at + bytes.get(at..)?.iter().position(|&byte| byte == 0xff)?;
        at = match *bytes.get(start + 1)? {
            END => return bytes.get(start + 2..),
            0xff => start + 1,
            // Stuffed bytes and restart markers of the picture's own data.
            0x00 | 0x01 | 0xd0..=0xd8 => start + 2,
            _ => content(bytes, start)?.end,
        };
    }
}

/// The XMP packet and the Photoshop data of a JPEG file that begins where `file` is read; nothing behind its picture's
/// start is looked at, and no segment of another kind is held.
pub(super) fn blocks(file: &mut Ahead<'_>) -> io::Result<Blocks> {
    let mut found = Blocks::default();
    skip(file, 2)?;
    for _ in 0..MOST_SEGMENTS {
        // What is cut off or no marker ends the search, as it ends the decoder's.
        let Some(marker) = marker(file)? else { return Ok(found) };
        match marker {
            SCAN | END | 0x00 => return Ok(found),
            0x01 | 0xd0..=0xd8 => continue,
            _ => {}
        }
        let Some(length) = next(file)?.map(u16::from_be_bytes).and_then(|length| length.checked_sub(2)) else {
            return Ok(found);
        };
        if !matches!(marker, 0xe1 | 0xed) {
            skip(file, length.into())?;
            continue;
        }
        let mut content = Vec::new();
        file.take(length.into()).read_to_end(&mut content)?;
        if content.len() < usize::from(length) {
            return Ok(found);
        }
        match (marker, content.strip_prefix(XMP), content.strip_prefix(PHOTOSHOP)) {
            (0xe1, Some(packet), _) if found.xmp.is_none() => found.xmp = Some(packet.to_vec()),
            (0xed, _, Some(data)) if found.photoshop.len() < LARGEST_PHOTOSHOP => found.photoshop.extend(data),
            _ => {}
        }
    }
    refuse("the file", "10,000 segments before its picture")
}

/// The next marker's code, before which any number of 0xff may stand; `None` at the end and where there is none.
fn marker(file: &mut Ahead<'_>) -> io::Result<Option<u8>> {
    if next(file)? != Some([0xff]) {
        return Ok(None);
    }
    loop {
        match next(file)? {
            Some([0xff]) => {}
            Some([code]) => return Ok(Some(code)),
            None => return Ok(None),
        }
    }
}

/// The next bytes; `None` at the end.
fn next<const N: usize>(file: &mut Ahead<'_>) -> io::Result<Option<[u8; N]>> {
    match bytes(file) {
        Err(fault) if fault.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        read => read.map(Some),
    }
}

/// The Photoshop data of all segments, which form one stream.
fn photoshop(bytes: &[u8], segments: &[Segment]) -> Vec<u8> {
    let holding = segments.iter().filter(|segment| segment.holds(bytes, 0xed, PHOTOSHOP));
    holding.flat_map(|segment| &bytes[segment.content.start + PHOTOSHOP.len()..segment.content.end]).copied().collect()
}

/// Puts caption and keywords into a JPEG file; see [`super::embed`].
pub(super) fn embed(path: &Path, metadata: &CaptionMetadata) -> Result<(), MetadataError> {
    let original = Original::read(path)?;
    let edited = edit(&original.path, &original.bytes, metadata)?;
    if edited != original.bytes { replace::replace(&original, &edited, Times::Kept) } else { Ok(()) }
}

/// The bytes of the JPEG file with caption and keywords in them.
pub(super) fn edit(path: &Path, bytes: &[u8], metadata: &CaptionMetadata) -> Result<Vec<u8>, MetadataError> {
    let path = || PathBuf::from(path);
    if !bytes.starts_with(START) {
        return Err(MetadataError::NotAJpeg { path: path() });
    }
    let (segments, end) = segments(bytes);
    let scan = end.map_err(|source| MetadataError::MalformedJpeg { path: path(), source })?;
    if bytes.get(scan + 1) == Some(&END) {
        return Err(MetadataError::MalformedJpeg { path: path(), source: JpegFault::Truncated });
    }
    let all = |marker, signature| segments.iter().filter(move |each| each.holds(bytes, marker, signature));
    // Its offsets count from the start of the file or of its own segment, and all of them would be shifted.
    if all(0xe2, MULTI_PICTURE).next().is_some() || trailer(bytes, scan).is_some_and(may_hold_picture) {
        return Err(MetadataError::MultiPicture { path: path() });
    }
    if all(0xe1, EXTENSION).next().is_some() {
        return Err(MetadataError::ExtendedXmp { path: path() });
    }
    let packets = all(0xe1, XMP).count();
    if packets > 1 {
        return Err(MetadataError::SeveralPackets { path: path(), packets });
    }
    let mut replacements = Vec::new();
    let existing = all(0xe1, XMP).next();
    if let Some(packet) = new_packet(bytes, existing, metadata).map_err(|fault| fault.at(path()))? {
        let place = existing.map_or_else(|| insertion(bytes, &segments), |segment| segment.span.clone());
        replacements.push((place, segment(0xe1, &[XMP, &packet].concat())));
    }
    let caption = metadata.normalized().caption;
    if iptc::has_caption(&photoshop(bytes, &segments)) {
        let iptc = |source| MetadataError::Iptc { path: path(), source };
        let (Some(holder), None) = (all(0xed, PHOTOSHOP).next(), all(0xed, PHOTOSHOP).nth(1)) else {
            return Err(iptc(IptcFault::Spread));
        };
        let old = &bytes[holder.content.start + PHOTOSHOP.len()..holder.content.end];
        let new = [PHOTOSHOP, &iptc::set_caption(old, caption.as_deref()).map_err(iptc)?].concat();
        if new.len() > LARGEST_SEGMENT {
            return Err(iptc(IptcFault::TooLarge));
        }
        replacements.push((holder.span.clone(), segment(0xed, &new)));
    }
    Ok(iptc::splice(bytes, replacements))
}

/// Whether a second picture seems to follow. Maker notes give the place of such previews, counted from the EXIF data.
/// The film of a motion photo is found from the end of the file, so it may be shifted.
fn may_hold_picture(trailer: &[u8]) -> bool {
    let zeros = trailer.iter().take_while(|&&byte| byte == 0).count();
    let head = &trailer[zeros..trailer.len().min(zeros + FURTHEST_PREVIEW)];
    trailer.get(4..8) != Some(b"ftyp") && head.windows(START.len()).any(|window| window == START)
}

/// After the EXIF segment, which EXIF wants first; else after JFIF's.
fn insertion(bytes: &[u8], segments: &[Segment]) -> Range<usize> {
    let exif = segments.iter().find(|segment| segment.holds(bytes, 0xe1, EXIF));
    let at = match exif {
        Some(exif) => exif.span.end,
        None => segments.iter().take_while(|segment| segment.marker == 0xe0).last().map_or(2, |last| last.span.end),
    };
    at..at
}

fn segment(marker: u8, content: &[u8]) -> Vec<u8> {
    // Both callers have checked the size.
    let length = u16::try_from(content.len() + 2).unwrap_or(u16::MAX).to_be_bytes();
    [&[0xff, marker], length.as_slice(), content].concat()
}

/// Why there is no new packet.
enum NoPacket {
    Malformed(super::PacketError),
    TooLarge(usize),
}

impl NoPacket {
    fn at(self, path: PathBuf) -> MetadataError {
        match self {
            Self::Malformed(source) => MetadataError::MalformedXmp { path, source },
            Self::TooLarge(bytes) => MetadataError::PacketTooLarge { path, bytes, limit: LARGEST_PACKET },
        }
    }
}

/// The packet to be written; `None` where there is none and nothing to say.
fn new_packet(
    bytes: &[u8],
    existing: Option<&Segment>,
    metadata: &CaptionMetadata,
) -> Result<Option<Vec<u8>>, NoPacket> {
    let mut packet = match existing {
        Some(segment) => packet::set(&bytes[segment.content.start + XMP.len()..segment.content.end], metadata)
            .map_err(NoPacket::Malformed)?,
        None if metadata.normalized().is_empty() => return Ok(None),
        None => packet::new_embedded(metadata).into_bytes(),
    };
    if packet.len() > LARGEST_PACKET {
        let surplus = packet.len() - LARGEST_PACKET;
        packet::shrink_padding(&mut packet, surplus);
    }
    if packet.len() > LARGEST_PACKET { Err(NoPacket::TooLarge(packet.len())) } else { Ok(Some(packet)) }
}
