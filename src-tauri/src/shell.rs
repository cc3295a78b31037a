//! What only a window system can do, for the engine's desk.

use std::path::{Path, PathBuf};

use sightline_api::{FileDialog, JobRow, Question, Shell};
use tauri::{AppHandle, Emitter, WebviewWindow};

/// The window, as the desk sees it.
pub struct Window(pub AppHandle);

impl Shell for Window {
    fn job_changed(&self, job: &JobRow) {
        report(self.0.emit("job", job));
    }

    fn library_changed(&self) {
        report(self.0.emit("library_changed", ()));
    }

    fn reveal(&self, path: &Path) -> Result<(), String> {
        tauri_plugin_opener::reveal_item_in_dir(path).map_err(|error| format!("{}: {error}", path.display()))
    }

    fn choose(&self, dialog: &FileDialog) -> Vec<PathBuf> {
        crate::choosing::ask(&self.0, dialog)
    }

    fn confirm(&self, question: &Question) -> bool {
        crate::choosing::confirm(&self.0, question)
    }
}

/// Shows the window of the instance that runs already.
pub fn bring_forward(window: &WebviewWindow) {
    for done in [window.unminimize(), window.show(), window.set_focus()] {
        report(done);
    }
}

/// A window that does not hear is being closed; the engine's work does not depend on it.
pub(crate) fn report(done: tauri::Result<()>) {
    if let Err(error) = done {
        eprintln!("sightline: the window: {}", sightline_engine::foreign_text::for_terminal(&error.to_string()));
    }
}
