//! What goes through the pipes: a head in MessagePack and a body of raw bytes, each with its length before it.

use std::io::{self, Read, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Heads are names, dates and reasons; a longer one is no head.
const LONGEST_HEAD: u32 = 1 << 20;
/// A body of no more than this is given its room before it comes; the room of a longer one grows with what has come.
const AT_ONCE: usize = 16 << 20;

/// Writes one frame.
pub(super) fn write(to: &mut (impl Write + ?Sized), head: &impl Serialize, body: &[u8]) -> io::Result<()> {
    begin(to, head, body.len() as u64)?;
    to.write_all(body)?;
    to.flush()
}

/// Writes a frame but for its body, which must follow.
pub(super) fn begin(to: &mut (impl Write + ?Sized), head: &impl Serialize, body_bytes: u64) -> io::Result<()> {
    let head = rmp_serde::to_vec_named(head).map_err(io::Error::other)?;
    let length = u32::try_from(head.len()).ok().filter(|length| *length <= LONGEST_HEAD);
    let length = length.ok_or_else(|| wrong("a head is too long"))?;
    let mut lengths = [0; 12];
    lengths[..4].copy_from_slice(&length.to_le_bytes());
    lengths[4..].copy_from_slice(&body_bytes.to_le_bytes());
    to.write_all(&[&lengths[..], &head].concat())
}

/// Reads one frame; `None` at the end of the input. `allowed` says from the head how long its body may be.
///
/// A frame that is cut short or names other lengths is an error. What is held for it is never more than a few times what
/// came, and [`AT_ONCE`].
pub(super) fn read<H: DeserializeOwned>(
    from: &mut impl Read,
    allowed: impl FnOnce(&H) -> u64,
) -> io::Result<Option<(H, Vec<u8>)>> {
    let mut lengths = [0; 12];
    match from.read(&mut lengths)? {
        0 => return Ok(None),
        read => from.read_exact(&mut lengths[read..])?,
    }
    let (head, body) = lengths.split_at(4);
    let head_bytes = head.iter().rev().fold(0u32, |length, byte| length << 8 | u32::from(*byte));
    let body_bytes = body.iter().rev().fold(0u64, |length, byte| length << 8 | u64::from(*byte));
    if head_bytes > LONGEST_HEAD {
        return Err(wrong("a head is too long"));
    }
    let mut head = vec![0; head_bytes as usize];
    from.read_exact(&mut head)?;
    let head: H = rmp_serde::from_slice(&head).map_err(|error| wrong(&error.to_string()))?;
    if body_bytes > allowed(&head) {
        return Err(wrong("a body is too long"));
    }
    let body_bytes = usize::try_from(body_bytes).map_err(|_| wrong("a body is too long"))?;
    let mut body = Vec::new();
    while body.len() < body_bytes {
        let part = (body_bytes - body.len()).min(AT_ONCE.max(body.len()));
        body.reserve_exact(part);
        if from.by_ref().take(part as u64).read_to_end(&mut body)? < part {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(Some((head, body)))
}

fn wrong(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed() -> Vec<u8> {
        let mut bytes = Vec::new();
        write(&mut bytes, &"head", b"body").unwrap();
        bytes
    }

    #[test]
    fn what_is_written_is_read_and_the_end_is_an_end() {
        let two = [framed(), framed()].concat();
        let mut from = two.as_slice();
        for _ in 0..2 {
            let (head, body) = read::<String>(&mut from, |_| 4).unwrap().unwrap();
            assert_eq!((head.as_str(), body.as_slice()), ("head", b"body".as_slice()));
        }
        assert!(read::<String>(&mut from, |_| 4).unwrap().is_none());
    }

    #[test]
    fn hostile_lengths_are_refused_before_anything_is_allocated() {
        let mut long_head = framed();
        long_head[..4].fill(0xff);
        let mut long_body = framed();
        long_body[4..12].fill(0xff);
        for bytes in [long_head, long_body] {
            let error = read::<String>(&mut bytes.as_slice(), |_| 1 << 30).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        }
        assert!(read::<String>(&mut framed().as_slice(), |_| 3).is_err(), "the body is longer than allowed");
    }

    #[test]
    fn a_body_longer_than_its_first_room_comes_whole() {
        let body: Vec<u8> = (0..AT_ONCE * 3 + 5).map(|at| (at % 251) as u8).collect();
        let mut bytes = Vec::new();
        write(&mut bytes, &"head", &body).unwrap();
        let (_, found) = read::<String>(&mut bytes.as_slice(), |_| u64::MAX).unwrap().unwrap();
        assert!(found == body && found.capacity() == body.len());
        assert!(read::<String>(&mut &bytes[..bytes.len() - 1], |_| u64::MAX).is_err());
    }

    #[test]
    fn a_frame_cut_anywhere_is_an_error() {
        let whole = framed();
        for length in 1..whole.len() {
            assert!(read::<String>(&mut &whole[..length], |_| 4).is_err(), "cut at {length}");
        }
    }
}
