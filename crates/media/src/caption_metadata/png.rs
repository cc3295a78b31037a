//! The texts of a PNG: XMP, other metadata that programs pack into texts, and what a person wrote (PNG Specification,
//! 11.3.3).

use std::io::{self, Read, Seek, SeekFrom};

use flate2::read::ZlibDecoder;

use super::container::{Ahead, Blocks, bytes, piece, skip};
use super::packet;
use super::words::of_person;
use crate::dates;
use crate::facts::LONGEST_CAPTION;

/// The keyword of XMP.
const XMP: &[u8] = b"XML:com.adobe.xmp\0";
/// The keyword of a date.
const CREATED: &[u8] = b"Creation Time";
/// How ImageMagick's keyword of a block of metadata begins, which exiv2 and libraries after it write too.
const RAW_PROFILE: &[u8] = b"Raw profile type ";

/// Its texts may stand before the pixels and after them.
pub(super) fn blocks(file: &mut Ahead<'_>) -> io::Result<Blocks> {
    let (mut found, mut words) = (Blocks::default(), None);
    file.seek(SeekFrom::Start(8))?;
    // A file that ends too early keeps what was read of it.
    while let (Ok(length), Ok(kind)) = (bytes(file).map(u32::from_be_bytes), bytes(file)) {
        match &kind {
            b"IEND" => break,
            kind @ (b"iTXt" | b"tEXt" | b"zTXt") => {
                // The keyword and what says how the text is packed come before the packet.
                let Some(chunk) = piece(file, length.into(), packet::LARGEST + 1024)? else { break };
                let rest = u64::from(length).saturating_sub(chunk.len() as u64);
                match chunk.strip_prefix(XMP).and_then(plain) {
                    Some(text) if found.xmp.is_none() => found.xmp = Some(text.to_owned()),
                    _ => {
                        take_profile(&mut found, &chunk, kind);
                        if found.created_at.is_none() {
                            found.created_at = created_at(&chunk, kind);
                        }
                        words = words.into_iter().chain(written(&chunk, kind)).min_by_key(|(rank, _)| *rank);
                    }
                }
                skip(file, rest + 4)?;
            }
            _ => skip(file, u64::from(length) + 4)?,
        }
    }
    found.text = words.map(|(_, text)| text);
    Ok(found)
}

/// Takes IPTC and XMP out of a text that holds them.
fn take_profile(found: &mut Blocks, chunk: &[u8], kind: &[u8; 4]) {
    match raw_profile(chunk, kind, &["iptc", "xmp", "APP1", "8bim"], packet::LARGEST) {
        Some(("iptc" | "8bim", contents)) if found.photoshop.is_empty() => found.photoshop = contents,
        Some(("xmp" | "APP1", contents)) if found.xmp.is_none() && contents.first() == Some(&b'<') => {
            found.xmp = Some(contents);
        }
        _ => {}
    }
}

/// The contents of a text that is one of the blocks of metadata `named`, at most `limit` bytes of them: the block's name,
/// its length, and its bytes as digits.
pub(crate) fn raw_profile<'a>(
    chunk: &[u8],
    kind: &[u8; 4],
    named: &[&'a str],
    limit: u64,
) -> Option<(&'a str, Vec<u8>)> {
    let (keyword, _) = split(chunk)?;
    let keyword = std::str::from_utf8(keyword.strip_prefix(RAW_PROFILE)?).ok()?;
    let name = named.iter().find(|name| **name == keyword)?;
    let text = text_of(chunk, kind, 3 * limit)?;
    let mut lines = std::str::from_utf8(&text).ok()?.trim_start().splitn(3, '\n');
    let (_, length, digits) = (lines.next()?, lines.next()?, lines.next()?);
    let length: usize = length.trim().parse().ok().filter(|length| *length as u64 <= limit)?;
    let mut digits = digits.chars().filter(|sign| !sign.is_whitespace()).map(|sign| sign.to_digit(16));
    let byte = |_| Some((digits.next()?? << 4 | digits.next()??) as u8);
    let contents = (0..length).map(byte).collect::<Option<_>>()?;
    Some((name, contents))
}

/// The date in a text that is one.
fn created_at(chunk: &[u8], kind: &[u8; 4]) -> Option<String> {
    let (keyword, _) = split(chunk)?;
    let is_date = keyword.eq_ignore_ascii_case(CREATED);
    dates::of_text(&String::from_utf8_lossy(&text_of(chunk, kind, 100).filter(|_| is_date)?))
}

/// The text of a chunk whose keyword says that a person wrote it (PNG Specification, 11.3.3.2), and how little that is a
/// caption: 0 for what is one.
fn written(chunk: &[u8], kind: &[u8; 4]) -> Option<(usize, String)> {
    const KEYWORDS: [&[u8]; 4] = [b"Description", b"Caption", b"Comment", b"Title"];
    let (keyword, _) = split(chunk)?;
    let rank = KEYWORDS.iter().position(|known| *known == keyword)?;
    let text = text_of(chunk, kind, LONGEST_CAPTION as u64)?;
    let text = match kind {
        b"iTXt" => String::from_utf8_lossy(&text).into_owned(),
        _ => text.iter().map(|&byte| char::from(byte)).collect(),
    };
    Some((rank, of_person(&text)?))
}

fn split(chunk: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = chunk.iter().position(|&byte| byte == 0)?;
    Some((&chunk[..end], &chunk[end + 1..]))
}

/// The text of a chunk, at most `limit` bytes of it where it is packed.
fn text_of(chunk: &[u8], kind: &[u8; 4], limit: u64) -> Option<Vec<u8>> {
    let (_, rest) = split(chunk)?;
    match (kind, rest) {
        (b"tEXt", _) => Some(rest.to_vec()),
        (b"zTXt", [0, packed @ ..]) => Some(unpacked(packed, limit)),
        (b"iTXt", [1, 0, ..]) => Some(unpacked(rest[2..].splitn(3, |&byte| byte == 0).nth(2)?, limit)),
        (b"iTXt", _) => plain(rest).map(<[u8]>::to_vec),
        _ => None,
    }
}

/// The beginning of a packed text; what is damaged ends it.
fn unpacked(packed: &[u8], limit: u64) -> Vec<u8> {
    let mut text = Vec::new();
    drop(ZlibDecoder::new(packed).take(limit).read_to_end(&mut text));
    text
}

/// The text of an `iTXt` chunk after its keyword. XMP there is not compressed, says Part 3.
fn plain(rest: &[u8]) -> Option<&[u8]> {
    let [0, _, rest @ ..] = rest else { return None };
    let mut fields = rest.splitn(3, |&byte| byte == 0);
    fields.nth(2)
}
