//! Where library, model and samples lie: installed, or in the source tree.

use std::path::PathBuf;

use sightline_api::Places;
use sightline_engine::home;
use tauri::path::BaseDirectory;
use tauri::{AppHandle, Manager};

/// Finds the places; the library is that of the command line: one library, two ways to it. Its path is empty when this
/// user has no home folder.
pub fn find(app: &AppHandle) -> Places {
    let resource = |name: &str, in_tree: &str| {
        let installed = app.path().resolve(name, BaseDirectory::Resource).ok().filter(|path| path.is_dir());
        installed.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(in_tree))
    };
    Places {
        library: home::default_library().unwrap_or_default(),
        model: home::named_model().unwrap_or_else(|| resource("models/home-1", "assets/models/home-1")),
        models: if home::named_model().is_none() { home::models_folder() } else { None },
        samples: resource("samples", "assets/samples"),
        decoder: sightline_engine::decoder_program(),
        settings: home::settings_folder(),
    }
}
