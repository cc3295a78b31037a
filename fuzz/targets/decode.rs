//! Any bytes as a photo: the decoders answer or refuse, within their limits. A decoder may panic where `decode_bytes`
//! makes an error of that; any other panic ends the run.
#![no_main]

mod memory;

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use memory::{MIB, bounded};
use sightline_media::{Limits, decode_bytes, thumbnail};

// Names decide only where raw files share TIFF's first bytes.
const NAMES: [&str; 4] = ["a.jpg", "a.nef", "a.heic", "a"];

/// What the decoder may hold, three times the pixels that come of it (as decoded, in sRGB, turned), 32 MiB for tables of
/// profiles and a copy of the file in pieces; libheif, which takes no limit, as much as a worker.
fn most(bytes: &[u8], limits: &Limits) -> usize {
    let is_heif = bytes.get(4..8) == Some(b"ftyp");
    let ours = limits.max_alloc_bytes as usize + 9 * limits.max_pixels as usize + 32 * MIB;
    if is_heif { 1024 * MIB } else { ours + 16 * bytes.len() }
}

// libFuzzer's own hook ends the run at every panic, also at one that is caught.
fuzz_target!(init: drop(std::panic::take_hook()), |bytes: &[u8]| {
    let limits = Limits { max_pixels: 4_000_000, max_alloc_bytes: 64 << 20, max_file_bytes: 1 << 20 };
    let name = NAMES[bytes.len() % NAMES.len()];
    bounded(most(bytes, &limits), || {
        if let Ok((metadata, rgb)) = decode_bytes(bytes, Path::new(name), 64, &limits) {
            assert_eq!(rgb.pixels.len() as u64, u64::from(rgb.width) * u64::from(rgb.height) * 3);
            assert!(metadata.width > 0 && metadata.height > 0);
            thumbnail(&rgb, 64).expect("decoded pixels make a thumbnail");
        }
    });
});
