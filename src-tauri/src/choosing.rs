//! The system's dialogs, and files that are dropped on the window: their paths go to `sightline-api` and not to the page.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sightline_api::{ChoiceKind, FileDialog, FileDrag, Question, Start};
use tauri::{AppHandle, DragDropEvent, Emitter, Manager, Window};
use tauri_plugin_dialog::{DialogExt, FileDialogBuilder, MessageDialogButtons};

use crate::shell::report;

/// Names a file that answers in place of a person, for tests: no driver can press a dialog of the system's. It is read
/// from the environment of the program, which a page cannot reach.
const ANSWERS: &str = "SIGHTLINE_DIALOG_ANSWERS";

/// Shows a dialog and waits for what is chosen, off the window's thread.
pub(crate) fn ask(app: &AppHandle, dialog: &FileDialog) -> Vec<PathBuf> {
    if let Some(answers) = std::env::var_os(ANSWERS) {
        return answer(Path::new(&answers));
    }
    let asked = asked(app, dialog);
    let chosen = match dialog.kind {
        ChoiceKind::Folders => asked.blocking_pick_folders(),
        ChoiceKind::Folder => asked.blocking_pick_folder().map(|path| vec![path]),
        ChoiceKind::File => asked.blocking_pick_file().map(|path| vec![path]),
        ChoiceKind::NewFile => asked.blocking_save_file().map(|path| vec![path]),
    };
    chosen.into_iter().flatten().filter_map(|path| path.into_path().ok()).collect()
}

/// Asks a question and waits for the answer, off the window's thread.
pub(crate) fn confirm(app: &AppHandle, question: &Question) -> bool {
    if let Some(answers) = std::env::var_os(ANSWERS) {
        return answer(Path::new(&answers)) == [Path::new("yes")];
    }
    let buttons = MessageDialogButtons::OkCancelCustom(question.yes.clone(), question.no.clone());
    let mut asked = app.dialog().message(&question.text).title(&question.title).buttons(buttons);
    if let Some(window) = app.get_webview_window("main") {
        asked = asked.parent(&window);
    }
    asked.blocking_show()
}

fn asked(app: &AppHandle, dialog: &FileDialog) -> FileDialogBuilder<tauri::Wry> {
    let mut asked = app.dialog().file().set_title(&dialog.title);
    if let Some(window) = app.get_webview_window("main") {
        asked = asked.set_parent(&window);
    }
    if let Some(name) = &dialog.name {
        asked = asked.set_file_name(name);
    }
    // A file to write gets the ending of the kind that is chosen; to read, all that fit are shown together.
    if dialog.kind == ChoiceKind::NewFile {
        for ending in dialog.endings {
            asked = asked.add_filter(ending.to_uppercase(), &[ending]);
        }
    } else if !dialog.endings.is_empty() {
        asked = asked.add_filter(&dialog.title, dialog.endings);
    }
    asked
}

/// The paths that a file has, one a line, for one dialog: the file goes.
fn answer(file: &Path) -> Vec<PathBuf> {
    match (std::fs::read_to_string(file), std::fs::remove_file(file)) {
        (Ok(paths), Ok(())) => paths.lines().map(PathBuf::from).collect(),
        _ => Vec::new(),
    }
}

/// Tells the page of files that are dragged over the window; what is let go is granted to it.
pub(crate) fn dragged(window: &Window, event: &DragDropEvent) {
    match event {
        DragDropEvent::Enter { .. } => report(window.emit("drag", FileDrag::Over)),
        DragDropEvent::Leave => report(window.emit("drag", FileDrag::Leave)),
        DragDropEvent::Drop { paths, .. } => {
            let (window, paths) = (window.clone(), paths.clone());
            // They may lie on a disk that has to wake up.
            tauri::async_runtime::spawn_blocking(move || {
                if let Some(start) = window.try_state::<Arc<Start>>() {
                    report(window.emit("drag", start.dropped(paths)));
                }
            });
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_serves_one_dialog() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("answers");
        std::fs::write(&file, "/home/anna/a b\n/home/anna/c\n").unwrap();
        assert_eq!(answer(&file), [Path::new("/home/anna/a b"), Path::new("/home/anna/c")]);
        assert!(answer(&file).is_empty(), "as if a person had closed it");
    }
}
