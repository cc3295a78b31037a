//! A row's bytes as values.

use rusqlite::types::Value;

/// A number of one to nine bytes at `at`, and where the next one begins.
pub(super) fn varint(bytes: &[u8], at: usize) -> Option<(i64, usize)> {
    let mut value = 0u64;
    for place in 0..9 {
        let byte = *bytes.get(at + place)?;
        if place == 8 {
            value = value << 8 | u64::from(byte);
        } else {
            value = value << 7 | u64::from(byte & 0x7f);
        }
        if byte < 0x80 || place == 8 {
            return Some((value.cast_signed(), at + place + 1));
        }
    }
    None
}

/// The values of a row; `None` when the bytes are none.
pub(super) fn record(bytes: &[u8]) -> Option<Vec<Value>> {
    let (header, mut at) = varint(bytes, 0)?;
    let header = usize::try_from(header).ok().filter(|header| *header <= bytes.len())?;
    let mut body = header;
    let mut values = Vec::new();
    while at < header {
        let (kind, next) = varint(bytes, at)?;
        at = next;
        let (value, length) = value(kind, bytes.get(body..)?)?;
        values.push(value);
        body += length;
    }
    // A row fills its bytes.
    (at == header && body == bytes.len()).then_some(values)
}

/// A value of a kind, at the beginning of `bytes`, and how many of them it takes.
fn value(kind: i64, bytes: &[u8]) -> Option<(Value, usize)> {
    let integer = |length: usize| -> Option<(Value, usize)> {
        let bytes = bytes.get(..length)?;
        // Its sign is that of the first byte.
        let sign = i64::from((*bytes.first()?).cast_signed() >> 7);
        let value = bytes.iter().fold(sign, |value, byte| value << 8 | i64::from(*byte));
        Some((Value::Integer(value), length))
    };
    match kind {
        0 => Some((Value::Null, 0)),
        1..=4 => integer(usize::try_from(kind).ok()?),
        5 => integer(6),
        6 => integer(8),
        7 => Some((Value::Real(f64::from_be_bytes(*bytes.first_chunk()?)), 8)),
        8 | 9 => Some((Value::Integer(kind - 8), 0)),
        12.. => {
            let length = usize::try_from((kind - 12) / 2).ok()?;
            let bytes = bytes.get(..length)?.to_vec();
            let value = if kind % 2 == 0 { Value::Blob(bytes) } else { Value::Text(String::from_utf8(bytes).ok()?) };
            Some((value, length))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_every_length_are_read() {
        let cases: [(&[u8], i64); 5] = [
            (&[0x00], 0),
            (&[0x7f], 127),
            (&[0x81, 0x00], 128),
            (&[0xff; 9], -1),
            (&[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x05], 5),
        ];
        for (bytes, number) in cases {
            assert_eq!(varint(bytes, 0), Some((number, bytes.len())));
            assert_eq!(varint(&bytes[..bytes.len() - 1], 0), None);
        }
    }

    #[test]
    fn values_keep_their_sign_and_a_row_fills_its_bytes() {
        let row = [5, 0, 1, 15, 9, 0xfe, b'a'];
        let values = vec![Value::Null, Value::Integer(-2), Value::Text("a".into()), Value::Integer(1)];
        assert_eq!(record(&row), Some(values));
        assert_eq!(record(&row[..6]), None);
        assert_eq!(record(&[&row[..], &[0]].concat()), None);
        assert_eq!(record(&[2, 10]), None, "of no kind");
        assert_eq!(record(&[2, 15, 0xff]), None, "no text");
    }
}
