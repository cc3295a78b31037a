//! XMP inside photos of all formats, for reading (XMP Specification Part 3; WebP Container Specification).
//!
//! What is read lies in a file, in memory, or in a file that another process reads for this one ([`Source`]). Of a packet
//! one byte more than the limit is read: then the parser refuses it, and nobody holds it.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use super::error::{MetadataError, PacketError};
use super::{CaptionMetadata, boxes, iptc, jpeg, packet, png};

/// What is read at once, so that a walk over headers is no system call each.
const AHEAD: usize = 64 << 10;
/// TIFF's tag for XMP.
const TIFF_XMP: u16 = 700;
/// TIFF's tags for IPTC: Photoshop's resources, and datasets alone.
const TIFF_PHOTOSHOP: u16 = 34_377;
const TIFF_IPTC: u16 = 33_723;

/// A photo's bytes, wherever they are.
pub trait Source: Read + Seek {}

impl<T: Read + Seek + ?Sized> Source for T {}

/// A photo's bytes with some read ahead.
pub(crate) type Ahead<'a> = BufReader<&'a mut dyn Source>;

/// What a photo holds of metadata that are no EXIF.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    /// The XMP packet.
    pub xmp: Option<Vec<u8>>,
    /// Photoshop's image resources, which hold IPTC; empty where there are none.
    pub photoshop: Vec<u8>,
    /// Why the packet was not looked for to the end: the file is built as no photo is.
    pub refused: Option<PacketError>,
    /// What a person may have written into a PNG's own texts.
    pub text: Option<String>,
    /// When a PNG says that it was made, in the form of [`crate::dates`].
    pub created_at: Option<String>,
}

impl Blocks {
    /// Caption and keywords of the photo at `path`, XMP's before IPTC's.
    pub fn words(&self, path: &Path) -> Result<CaptionMetadata, MetadataError> {
        let malformed = |source| MetadataError::MalformedXmp { path: path.to_owned(), source };
        if let Some(refused) = &self.refused {
            return Err(malformed(refused.clone()));
        }
        let xmp = self.xmp.as_ref().map(|packet| packet::read(packet).map_err(malformed)).transpose()?;
        Ok(xmp.unwrap_or_default().or(iptc::read(&self.photoshop).words))
    }
}

/// Metadata from inside the photo; nothing for a format that is not known here.
pub(super) fn read(path: &Path) -> Result<Blocks, MetadataError> {
    let failed = |source| MetadataError::io(path, source);
    let metadata = std::fs::metadata(path).map_err(failed)?;
    if !metadata.is_file() {
        return Err(failed(io::ErrorKind::InvalidInput.into()));
    }
    read_from(&mut File::open(path).map_err(failed)?).map_err(failed)
}

/// As [`read`], of a photo's bytes.
pub(super) fn read_from(source: &mut dyn Source) -> io::Result<Blocks> {
    source.rewind()?;
    let mut file = BufReader::with_capacity(AHEAD, source);
    // Without reading on: the end of a short file is no fault here.
    let head = file.fill_buf()?.get(..12).map(<[u8]>::to_vec).unwrap_or_default();
    let xmp = |xmp| Blocks { xmp, ..Blocks::default() };
    let found = match head.as_slice() {
        [0xff, 0xd8, 0xff, ..] => jpeg::blocks(&mut file),
        [0x89, b'P', b'N', b'G', ..] => png::blocks(&mut file),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P'] => webp(&mut file).map(xmp),
        // Also Panasonic's and Olympus's raw files, which have marks of their own.
        [b'I', b'I', 42, 0, ..] | [b'I', b'I', b'U', 0, ..] | [b'I', b'I', b'R', b'O' | b'S', ..] => {
            tiff(&mut file, u16::from_le_bytes, u32::from_le_bytes)
        }
        [b'M', b'M', 0, 42, ..] | [b'M', b'M', b'O', b'R', ..] => {
            tiff(&mut file, u16::from_be_bytes, u32::from_be_bytes)
        }
        [_, _, _, _, b'f', b't', b'y', b'p', ..] | [0, 0, 0, 12, b'J', b'X', b'L', b' ', ..] => {
            boxes::xmp(&mut file).map(xmp)
        }
        [b'F', b'U', b'J', b'I', b'F', b'I', b'L', b'M', ..] => fuji(&mut file),
        _ => Ok(Blocks::default()),
    };
    match found {
        // A cut-off photo is the decoder's to report.
        Err(fault) if fault.kind() == io::ErrorKind::UnexpectedEof => Ok(Blocks::default()),
        Err(fault) => {
            let refused = Some(fault.downcast::<PacketError>()?);
            Ok(Blocks { refused, ..Blocks::default() })
        }
        found => found,
    }
}

pub(crate) fn bytes<const N: usize>(file: &mut Ahead<'_>) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// The next `length` bytes, or so many of them that it shows that they are over `limit`; `None` where the file is shorter.
pub(crate) fn piece(file: &mut Ahead<'_>, length: u64, limit: u64) -> io::Result<Option<Vec<u8>>> {
    let wanted = length.min(limit + 1);
    let mut piece = Vec::new();
    file.take(wanted).read_to_end(&mut piece)?;
    Ok(Some(piece).filter(|piece| piece.len() as u64 == wanted))
}

/// The next `length` bytes, which are a packet.
fn packet_of(file: &mut Ahead<'_>, length: u64) -> io::Result<Option<Vec<u8>>> {
    piece(file, length, packet::LARGEST)
}

/// Ends a walk over a file that is built as no photo is.
pub(super) fn refuse<T>(what: &'static str, limit: &'static str) -> io::Result<T> {
    Err(io::Error::other(PacketError::TooLarge { what, limit }))
}

/// Passes over `length` bytes.
pub(crate) fn skip(file: &mut Ahead<'_>, length: u64) -> io::Result<()> {
    file.seek_relative(i64::try_from(length).map_err(|_| io::Error::from(io::ErrorKind::UnexpectedEof))?)
}

/// Fuji's raw files hold a JPEG, which holds the metadata.
fn fuji(file: &mut Ahead<'_>) -> io::Result<Blocks> {
    file.seek(SeekFrom::Start(84))?;
    let start = u32::from_be_bytes(bytes(file)?);
    file.seek(SeekFrom::Start(start.into()))?;
    jpeg::blocks(file)
}

fn webp(file: &mut Ahead<'_>) -> io::Result<Option<Vec<u8>>> {
    file.seek(SeekFrom::Start(12))?;
    loop {
        let name: [u8; 4] = bytes(file)?;
        let length = u32::from_le_bytes(bytes(file)?);
        if &name == b"XMP " {
            return packet_of(file, length.into());
        }
        skip(file, u64::from(length) + u64::from(length % 2))?;
    }
}

fn tiff(file: &mut Ahead<'_>, short: fn([u8; 2]) -> u16, long: fn([u8; 4]) -> u32) -> io::Result<Blocks> {
    file.seek(SeekFrom::Start(4))?;
    let directory = long(bytes(file)?);
    file.seek(SeekFrom::Start(directory.into()))?;
    let mut places = Vec::new();
    for _ in 0..short(bytes(file)?) {
        let tag = short(bytes(file)?);
        let kind = short(bytes(file)?);
        let (count, place) = (long(bytes(file)?), long(bytes(file)?));
        let length = match kind {
            // Bytes, or undefined bytes.
            1 | 7 => u64::from(count),
            // IPTC is often declared as numbers of four bytes.
            4 if tag == TIFF_IPTC => 4 * u64::from(count),
            _ => continue,
        };
        // More than four bytes, so they stand elsewhere.
        if matches!(tag, TIFF_XMP | TIFF_PHOTOSHOP | TIFF_IPTC) && length > 4 && places.len() < 8 {
            places.push((tag, place, length));
        }
    }
    let mut found = Blocks::default();
    for (tag, place, length) in places {
        file.seek(SeekFrom::Start(place.into()))?;
        let block = packet_of(file, length)?;
        match tag {
            TIFF_XMP if found.xmp.is_none() => found.xmp = block,
            TIFF_PHOTOSHOP => found.photoshop.extend(block.unwrap_or_default()),
            TIFF_IPTC => found.photoshop.extend(iptc::as_resource(&block.unwrap_or_default())),
            _ => {}
        }
    }
    Ok(found)
}
