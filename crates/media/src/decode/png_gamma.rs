//! The gamma that a PNG declares, where it is not the screen's.

/// How far a declared gamma may lie from 1/2.2 before pixels are corrected.
const CLOSE: f64 = 0.05;

/// A table from stored to sRGB-like values; `None` where the file needs no correction.
///
/// The `gAMA` chunk holds 100,000 times the file's exponent; it counts only where neither `sRGB` nor
/// `iCCP` says better (PNG specification, 11.3.2.2). The screen's exponent is taken as 2.2.
pub(super) fn table(bytes: &[u8]) -> Option<[u8; 256]> {
    let mut gamma = None;
    let mut at = 8;
    while let Some(head) = bytes.get(at..at + 8) {
        let length = u32::from_be_bytes(head[..4].try_into().ok()?) as usize;
        match &head[4..] {
            b"sRGB" | b"iCCP" => return None,
            b"gAMA" => gamma = Some(u32::from_be_bytes(bytes.get(at + 8..at + 12)?.try_into().ok()?)),
            b"IDAT" | b"IEND" => break,
            _ => {}
        }
        at = at.checked_add(12)?.checked_add(length)?;
    }
    let file = f64::from(gamma.filter(|&g| g > 0)?) / 100_000.0;
    let exponent = 1.0 / (file * 2.2);
    if (exponent - 1.0).abs() < CLOSE {
        return None;
    }
    Some(std::array::from_fn(|v| ((v as f64 / 255.0).powf(exponent) * 255.0).round() as u8))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
        let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
        for (name, data) in chunks {
            bytes.extend((data.len() as u32).to_be_bytes());
            bytes.extend(*name);
            bytes.extend(*data);
            bytes.extend([0; 4]);
        }
        bytes
    }

    #[test]
    fn linear_values_are_brightened_and_screen_values_left_alone() {
        let linear = table(&png(&[(b"gAMA", &100_000u32.to_be_bytes())])).unwrap();
        assert_eq!((linear[0], linear[255]), (0, 255));
        assert_eq!(linear[55], 127, "(55 / 255) ^ (1 / 2.2) is 0.498");
        assert!(table(&png(&[(b"gAMA", &45_455u32.to_be_bytes())])).is_none());
    }

    #[test]
    fn a_profile_or_srgb_wins_over_gamma_and_nonsense_is_ignored() {
        let gamma = 100_000u32.to_be_bytes();
        assert!(table(&png(&[(b"gAMA", &gamma), (b"sRGB", &[0])])).is_none());
        assert!(table(&png(&[(b"gAMA", &[0; 4])])).is_none());
        assert!(table(b"\x89PNG\r\n\x1a\n\xff\xff\xff\xffgAMA").is_none());
    }
}
