//! The photos that are measured: a folder's, or generated ones.

use std::path::{Path, PathBuf};

use sightline_media::{FileKind, Rgb};

use crate::EngineError;
use crate::jobs::JobCx;

/// Photos generated when none are given.
const COUNT: usize = 24;
/// 12 megapixels, as telephones take them.
const SIZE: (u32, u32) = (4000, 3000);

/// The photos and a sentence about them.
pub(super) fn gather(
    cx: &JobCx<'_>,
    folder: Option<&Path>,
    scratch: &Path,
) -> Result<(Vec<PathBuf>, String), EngineError> {
    if let Some(folder) = folder {
        let mut paths = Vec::new();
        for found in sightline_media::walk(folder) {
            let found = found?;
            if matches!(found.kind, FileKind::Photo) {
                paths.push(found.path);
            }
        }
        if paths.is_empty() {
            let reason = "there is no photo in it".into();
            return Err(EngineError::BadInput { path: folder.into(), reason });
        }
        let about = format!("{} photos of {}", paths.len(), folder.display());
        return Ok((paths, about));
    }
    let mut paths = Vec::with_capacity(COUNT);
    for number in 0..COUNT {
        cx.check()?;
        let path = scratch.join(format!("{number:02}.jpg"));
        let jpeg = sightline_media::thumbnail(&scene(number as u32), SIZE.0)?;
        std::fs::write(&path, jpeg).map_err(|source| EngineError::Io { path: path.clone(), source })?;
        paths.push(path);
        cx.progress("generate", number as u64 + 1, COUNT as u64, None)?;
    }
    Ok((paths, format!("{COUNT} generated JPEGs of {} x {}", SIZE.0, SIZE.1)))
}

/// One generated photo of 12 megapixels.
pub(super) fn large(scratch: &Path) -> Result<PathBuf, EngineError> {
    let path = scratch.join("large.jpg");
    let jpeg = sightline_media::thumbnail(&scene(1), SIZE.0)?;
    std::fs::write(&path, jpeg).map_err(|source| EngineError::Io { path: path.clone(), source })?;
    Ok(path)
}

/// Gradients, edges and noise, so that the JPEG is about as large as a real one.
fn scene(seed: u32) -> Rgb {
    let (width, height) = SIZE;
    let mut noise = seed.wrapping_mul(0x9e37_79b9) | 1;
    let mut pixels = Vec::with_capacity((width * height * 3) as usize);
    for y in 0..height {
        for x in 0..width {
            noise ^= noise << 13;
            noise ^= noise >> 17;
            noise ^= noise << 5;
            let tile = (x / 160 + y / 120 + seed) % 7 * 24;
            let grain = noise % 24;
            pixels.push((x * 160 / width + tile / 2 + grain) as u8);
            pixels.push((y * 160 / height + tile / 3 + grain) as u8);
            pixels.push(((seed * 10 + tile) % 200 + grain) as u8);
        }
    }
    Rgb { width, height, pixels }
}
