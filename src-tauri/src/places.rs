//! Where library, model and samples lie: installed, or in the source tree.

use std::path::PathBuf;

use sightline_api::Places;
use sightline_engine::home;
use tauri::path::BaseDirectory;
use tauri::{AppHandle, Manager};

/// Finds the places; the library is that of the command line: one library, two ways to it.
///
/// # Errors
/// When this user has no home folder.
pub fn find(app: &AppHandle) -> tauri::Result<Places> {
    let resource = |name: &str, in_tree: &str| {
        let installed = app.path().resolve(name, BaseDirectory::Resource).ok().filter(|path| path.is_dir());
        installed.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(in_tree))
    };
    Ok(Places {
        library: home::default_library().ok_or(tauri::Error::UnknownPath)?,
        model: home::named_model().unwrap_or_else(|| resource("models/home-1", "assets/models/home-1")),
        samples: resource("samples", "assets/samples"),
        decoder: sightline_engine::decoder_program(),
    })
}
