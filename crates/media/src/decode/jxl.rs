//! JPEG XL through jxl-oxide: the first frame, in sRGB, upright.

use std::borrow::Cow;

use jxl_oxide::{AllocTracker, EnumColourEncoding, JxlImage, Moxcms, RenderingIntent};

use super::{Limits, Refusal, Rgb, Stored, on_white};
use crate::structure;

/// Decodes at full size. Its metadata boxes are left out: they may be packed without a bound.
pub(super) fn decode(bytes: &[u8], limits: &Limits) -> Result<Stored, Refusal> {
    let stream = codestream(bytes);
    render(&stream, true, limits).or_else(|refusal| match refusal {
        // A profile that nobody can read: the samples are shown as they are.
        Refusal::Broken(_) => render(&stream, false, limits).map_err(|_| refusal),
        refusal => Err(refusal),
    })
}

fn render(stream: &[u8], managed: bool, limits: &Limits) -> Result<Stored, Refusal> {
    let refused = |e: Box<dyn std::error::Error + Send + Sync>| {
        let reason = e.to_string();
        if reason.contains("out of memory") || reason.contains("failed to allocate") {
            let limit = format!("{} MiB of memory", limits.max_alloc_bytes >> 20);
            return Refusal::TooLarge { what: "decoding it".into(), limit };
        }
        Refusal::Broken(reason)
    };
    let tracker = AllocTracker::with_limit(limits.max_alloc_bytes as usize);
    let mut image = JxlImage::builder().alloc_tracker(tracker).read(stream).map_err(refused)?;
    Refusal::check(image.width().into(), image.height().into(), 3, limits)?;
    if managed {
        let srgb = if image.pixel_format().is_grayscale() {
            EnumColourEncoding::gray_srgb(RenderingIntent::Relative)
        } else {
            EnumColourEncoding::srgb(RenderingIntent::Relative)
        };
        image.set_cms(Moxcms);
        image.request_color_encoding(srgb);
    }
    let frame = image.render_frame(0).map_err(refused)?;
    let mut samples = frame.stream();
    let (width, height, channels) = (samples.width(), samples.height(), samples.channels() as usize);
    Refusal::check(width.into(), height.into(), 3, limits)?;
    let mut pixels = Vec::with_capacity(width as usize * height as usize * 3);
    let mut row = vec![0u8; width as usize * channels];
    for _ in 0..height {
        samples.write_to_buffer(&mut row);
        for pixel in row.chunks_exact(channels) {
            pixels.extend(match *pixel {
                [grey] => [grey; 3],
                [grey, alpha] => on_white([grey, grey, grey, alpha]),
                [r, g, b] => [r, g, b],
                [r, g, b, alpha, ..] => on_white([r, g, b, alpha]),
                [] => [0; 3],
            });
        }
    }
    Ok(Stored { full_width: width, full_height: height, rgb: Rgb { width, height, pixels } })
}

/// The pictures' bytes, out of their boxes where they are in such (ISO/IEC 18181-2).
fn codestream(bytes: &[u8]) -> Cow<'_, [u8]> {
    if bytes.starts_with(&[0xff, 0x0a]) {
        return Cow::Borrowed(bytes);
    }
    let mut stream = Vec::new();
    for (kind, contents) in structure::boxes(bytes) {
        match &kind {
            b"jxlc" => stream.extend_from_slice(contents),
            b"jxlp" => stream.extend_from_slice(contents.get(4..).unwrap_or_default()),
            _ => {}
        }
    }
    Cow::Owned(stream)
}
