//! Sightline's desktop app: a window over the engine.
//!
//! Only what a window system brings is here: the window, events, dialogs, the file manager, and the protocol that
//! serves pictures. What the app can do is in `sightline-api`.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]
#![allow(clippy::let_underscore_must_use, reason = "what tauri's command macro writes has one")]

mod choosing;
#[cfg(target_os = "linux")]
mod drawing;
mod pictures;
mod places;
mod shell;
mod start;

use std::process::ExitCode;
use std::sync::Arc;

use serde_json::Value;
use sightline_api::{ErrorReply, Start};
use sightline_engine::home::library_choice;
use tauri::{Manager, RunEvent, State, Url, WebviewUrl, WebviewWindowBuilder, WindowEvent};

use shell::Window;

/// What glibc frees of a photo stays with the thread that held it, up to 64 MB for each: pictures are answered on many
/// threads, and half a gigabyte of nothing gathers within minutes. This one gives it back in the background.
#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Answers every command of the lists in `sightline-api`, off the window's thread.
#[tauri::command]
async fn call(start: State<'_, Arc<Start>>, name: String, request: Value) -> Result<Value, ErrorReply> {
    let start = start.inner().clone();
    let answered = tauri::async_runtime::spawn_blocking(move || start.dispatch(&name, request)).await;
    answered.unwrap_or_else(|panic| Err(ErrorReply::new("command_panicked", panic.to_string())))
}

/// Whether an address is the interface itself, as this system serves it; the window goes nowhere else.
fn is_the_app(url: &Url) -> bool {
    matches!((url.scheme(), url.host_str()), ("tauri", Some("localhost")) | ("http" | "https", Some("tauri.localhost")))
}

fn main() -> ExitCode {
    if let Some(ended) = sightline_engine::serve_decoder(std::env::args_os()) {
        return ended;
    }
    let app = tauri::Builder::default()
        .plugin(tauri_plugin_single_instance::init(|app, _arguments, _folder| {
            if let Some(window) = app.get_webview_window("main") {
                shell::bring_forward(&window);
            }
        }))
        .plugin(tauri_plugin_window_state::Builder::default().build())
        .plugin(tauri_plugin_dialog::init())
        .register_asynchronous_uri_scheme_protocol("sightline", pictures::serve)
        .invoke_handler(tauri::generate_handler![call])
        .on_window_event(|window, event| {
            if let WindowEvent::DragDrop(event) = event {
                choosing::dragged(window, event);
            }
        })
        .setup(|app| {
            // The library opens while the window appears; where it does not, the window says why.
            let shell = Arc::new(Window(app.handle().clone()));
            app.manage(Start::begin(places::find(app.handle()), library_choice(), shell));
            let window = WebviewWindowBuilder::new(app, "main", WebviewUrl::default())
                .title("Sightline")
                .inner_size(1200.0, 800.0)
                .min_inner_size(640.0, 480.0)
                .on_navigation(is_the_app)
                // A link in the page would save a file that it made itself.
                .on_download(|_, _| false)
                .build()?;
            #[cfg(target_os = "linux")]
            drawing::suit_the_machine(&window)?;
            #[cfg(not(target_os = "linux"))]
            drop(window);
            Ok(())
        })
        .build(tauri::generate_context!());
    match app {
        Ok(app) => {
            app.run(|app, event| {
                if let RunEvent::Exit = event
                    && let Some(start) = app.try_state::<Arc<Start>>()
                {
                    start.close();
                }
            });
            ExitCode::SUCCESS
        }
        Err(error) => {
            if start::was_handed_to_the_dead(&error) {
                start::again();
            }
            eprintln!("sightline: {}", sightline_engine::foreign_text::for_terminal(&error.to_string()));
            ExitCode::from(2)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_goes_nowhere_but_to_the_app() {
        let allowed = |url: &str| is_the_app(&url.parse().unwrap());
        assert!(allowed("tauri://localhost/") && allowed("http://tauri.localhost/index.html"));
        for url in
            ["https://example.com/", "http://localhost:8080/", "file:///etc/passwd", "tauri://other/", "about:blank"]
        {
            assert!(!allowed(url), "{url}");
        }
    }
}
