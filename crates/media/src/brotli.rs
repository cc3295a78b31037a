//! Brotli (RFC 7932), in which JPEG XL may pack a box.

use std::io::{self, Read};

/// The first bits of a stream with a window of up to 1 GiB, which RFC 7932 does not have: a few bytes would take as much
/// memory.
const LARGE_WINDOW: u8 = 0x11;

/// What `from` unpacks to, or one byte more than `most` of it.
///
/// # Errors
/// When it is no such stream or is cut short before that.
pub(crate) fn unpacked(mut from: impl Read, most: u64) -> io::Result<Vec<u8>> {
    let mut first = [0];
    from.read_exact(&mut first)?;
    if first[0] & 0x7f == LARGE_WINDOW {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut bytes = Vec::new();
    let stream = first.as_slice().chain(from);
    brotli_decompressor::Decompressor::new(stream, 4096).take(most + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Five bytes as they are, after what says how large the window is.
    const PLAIN: &[u8] = b"\x40\x00\x10hello\x03";
    const WIDE: &[u8] = b"\x11\x1e\x08\0\x02hello\x03";

    #[test]
    fn a_window_larger_than_brotli_has_is_refused_before_it_is_made() {
        let mut known = Vec::new();
        brotli_decompressor::Decompressor::new(WIDE, 4096).read_to_end(&mut known).unwrap();
        assert_eq!(known, b"hello", "the unpacker takes it");
        assert!(unpacked(WIDE, 100).is_err());
        assert_eq!(unpacked(PLAIN, 100).unwrap(), b"hello");
    }

    #[test]
    fn no_more_than_one_byte_over_the_limit_is_unpacked() {
        assert_eq!(unpacked(PLAIN, 3).unwrap(), b"hell");
        assert!(unpacked(&PLAIN[..6], 100).is_err());
        assert!(unpacked(&PLAIN[..0], 100).is_err());
    }
}
