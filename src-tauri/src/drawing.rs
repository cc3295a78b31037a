//! How the page is drawn on Linux: without a graphics processor the plain way, which is faster there and takes less memory.
//!
//! WebKit draws through OpenGL. Where no graphics processor does that, Mesa's software driver plays one: each picture is
//! in memory as it was decoded and once more as a texture, and textures of photos left long ago stay. `benches/README.md`
//! has the figures.

use std::path::Path;

use tauri::WebviewWindow;
use webkit2gtk::{HardwareAccelerationPolicy, SettingsExt, WebViewExt};

/// Has the page drawn without OpenGL where no graphics processor would do it.
///
/// # Errors
/// When the window is gone.
pub(crate) fn suit_the_machine(window: &WebviewWindow) -> tauri::Result<()> {
    if has_graphics_processor(Path::new("/dev")) {
        return Ok(());
    }
    window.with_webview(|webview| {
        if let Some(settings) = webview.inner().settings() {
            settings.set_hardware_acceleration_policy(HardwareAccelerationPolicy::Never);
        }
    })
}

/// Whether there is one that programs may draw with, or that of the Windows host.
fn has_graphics_processor(devices: &Path) -> bool {
    // A card without a render node only shows pictures.
    let nodes = std::fs::read_dir(devices.join("dri")).into_iter().flatten().flatten();
    devices.join("dxg").exists()
        || nodes.into_iter().any(|node| node.file_name().as_encoded_bytes().starts_with(b"renderD"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_that_only_shows_pictures_is_no_graphics_processor() {
        let devices = tempfile::tempdir().unwrap();
        assert!(!has_graphics_processor(devices.path()), "no folder of cards");
        std::fs::create_dir(devices.path().join("dri")).unwrap();
        std::fs::write(devices.path().join("dri/card0"), "").unwrap();
        assert!(!has_graphics_processor(devices.path()));
        std::fs::write(devices.path().join("dri/renderD128"), "").unwrap();
        assert!(has_graphics_processor(devices.path()));
    }
}
