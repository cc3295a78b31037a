//! TIFF in four inks, with the profile that `image` would pass over.

use std::io::Cursor;

use tiff::decoder::{Decoder, DecodingResult, Limits as TiffLimits};

use super::{Limits, Refusal, Rgb, Stored, colour};
use crate::structure;

/// Decodes eight-bit CMYK at full size.
pub(super) fn decode(bytes: &[u8], limits: &Limits) -> Result<Stored, Refusal> {
    let broken = |e: tiff::TiffError| Refusal::Broken(e.to_string());
    let mut decoder = Decoder::new(Cursor::new(bytes)).map_err(broken)?;
    let (width, height) = decoder.dimensions().map_err(broken)?;
    Refusal::check(width.into(), height.into(), 7, limits)?;
    let mut allowed = TiffLimits::default();
    allowed.decoding_buffer_size = limits.max_alloc_bytes as usize;
    allowed.intermediate_buffer_size = limits.max_alloc_bytes as usize;
    decoder = decoder.with_limits(allowed);
    let icc = structure::Tiff::new(bytes).and_then(|tiff| tiff.profile());
    let inks = match decoder.read_image().map_err(broken)? {
        DecodingResult::U8(inks) if inks.len() as u64 == u64::from(width) * u64::from(height) * 4 => inks,
        _ => return Err(Refusal::Broken("it is not four inks of eight bits".into())),
    };
    let pixels = colour::rgb_of_cmyk(&inks, icc);
    Ok(Stored { full_width: width, full_height: height, rgb: Rgb { width, height, pixels } })
}
