//! HEIC and AVIF through the system's libheif: the primary image, put together from its tiles and turned upright.

use libheif_rs::{ColorSpace, HeifContext, HeifError, LibHeif, RgbChroma, TransferCharacteristics};

use super::{Limits, Refusal, Rgb, Stored, colour, hdr, heif_refs};

/// Has libheif load its codecs, which may lie in files of their own, and keep them.
pub(super) fn load() {
    std::mem::forget(LibHeif::new());
}

/// Decodes at full size. libheif applies the file's own rotation and mirroring; EXIF's must not be applied again.
pub(super) fn decode(bytes: &[u8], limits: &Limits) -> Result<Stored, Refusal> {
    let broken = |e: HeifError| Refusal::Broken(e.message.to_string());
    let heif = LibHeif::new();
    let bytes = heif_refs::trimmed(bytes);
    let mut context = HeifContext::read_from_bytes(&bytes).map_err(broken)?;
    // Photos are decoded side by side already.
    context.set_max_decoding_threads(0);
    let handle = context.primary_image_handle().map_err(broken)?;
    let (deep, alpha) = (handle.luma_bits_per_pixel() > 8, handle.has_alpha_channel());
    // Planes and interleaved samples in libheif, and the RGB made of them. The crate cannot tell libheif 1.15 a
    // limit: what the file declares is checked here, a stream that lies is for the process's own limit.
    let held = match (deep, alpha) {
        (false, false) => 8,
        (false, true) => 10,
        (true, false) => 12,
        (true, true) => 16,
    };
    Refusal::check(handle.width().into(), handle.height().into(), held, limits)?;
    let stored = (handle.ispe_width().unsigned_abs(), handle.ispe_height().unsigned_abs());
    Refusal::check(stored.0.max(1).into(), stored.1.max(1).into(), held, limits)?;
    let chroma = match (deep, alpha) {
        (false, false) => RgbChroma::Rgb,
        (false, true) => RgbChroma::Rgba,
        (true, false) => RgbChroma::HdrRgbLe,
        (true, true) => RgbChroma::HdrRgbaLe,
    };
    let image = heif.decode(&handle, ColorSpace::Rgb(chroma), None).map_err(broken)?;
    let plane = image.planes().interleaved.ok_or_else(|| Refusal::Broken("it has no colours".into()))?;
    let (width, height) = (plane.width, plane.height);
    Refusal::check(width.into(), height.into(), held, limits)?;
    let channels = if alpha { 4 } else { 3 };
    let row_bytes = width as usize * channels * if deep { 2 } else { 1 };
    if plane.stride < row_bytes || plane.data.len() < plane.stride * height as usize {
        return Err(Refusal::Broken("the decoder gave too few pixels".into()));
    }
    let rows = plane.data.chunks_exact(plane.stride).map(|row| &row[..row_bytes]);
    let profile = handle.color_profile_raw().map(|profile| profile.data);
    let declared = handle.color_profile_nclx();
    let curve = declared.as_ref().and_then(|nclx| match nclx.transfer_characteristics() {
        TransferCharacteristics::ITU_R_BT_2100_0_PQ => Some(hdr::Curve::Pq),
        TransferCharacteristics::ITU_R_BT_2100_0_HLG => Some(hdr::Curve::Hlg),
        _ => None,
    });
    let profile = profile.or_else(|| colour::wide_gamut(declared.as_ref()?.color_primaries() as u8));
    let mut pixels = Vec::with_capacity(width as usize * height as usize * 3);
    if deep {
        let most = (1u32 << plane.bits_per_pixel.clamp(9, 16)) - 1;
        let tone = curve.map(|curve| hdr::Tone::new(curve, most));
        for pixel in rows.flat_map(|row| row.chunks_exact(channels * 2)) {
            let sample = |i: usize| u32::from(u16::from_le_bytes([pixel[i * 2], pixel[i * 2 + 1]])).min(most);
            let eight = |v: u32| ((v * 255 + most / 2) / most) as u8;
            let colour = [sample(0), sample(1), sample(2)];
            let [r, g, b] = tone.as_ref().map_or(colour.map(eight), |tone| tone.srgb(colour));
            pixels.extend(super::on_white([r, g, b, if alpha { eight(sample(3)) } else { 255 }]));
        }
        // The tone curve ends in sRGB; anything else is as its profile says.
        colour::to_srgb(&mut pixels, profile.as_deref().filter(|_| tone.is_none()), false);
    } else {
        for row in rows {
            if alpha {
                pixels.extend(row.chunks_exact(4).flat_map(|p| super::on_white([p[0], p[1], p[2], p[3]])));
            } else {
                pixels.extend(row);
            }
        }
        colour::to_srgb(&mut pixels, profile.as_deref(), false);
    }
    drop(image);
    Ok(Stored { full_width: width, full_height: height, rgb: Rgb { width, height, pixels } })
}
