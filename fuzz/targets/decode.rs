//! Any bytes as a photo: the decoders answer or refuse, within their limits. A decoder may panic where `decode_bytes`
//! makes an error of that; any other panic ends the run.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use sightline_media::{Limits, decode_bytes, thumbnail};

// Names decide only where raw files share TIFF's first bytes.
const NAMES: [&str; 4] = ["a.jpg", "a.nef", "a.heic", "a"];

// libFuzzer's own hook ends the run at every panic, also at one that is caught.
fuzz_target!(init: drop(std::panic::take_hook()), |bytes: &[u8]| {
    let limits = Limits { max_pixels: 4_000_000, max_alloc_bytes: 64 << 20, max_file_bytes: 1 << 20 };
    let name = NAMES[bytes.len() % NAMES.len()];
    if let Ok((metadata, rgb)) = decode_bytes(bytes, Path::new(name), 64, &limits) {
        assert_eq!(rgb.pixels.len() as u64, u64::from(rgb.width) * u64::from(rgb.height) * 3);
        assert!(metadata.width > 0 && metadata.height > 0);
        thumbnail(&rgb, 64).expect("decoded pixels make a thumbnail");
    }
});
