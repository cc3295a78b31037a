//! Makes the context that `tauri::generate_context!` reads.

fn main() {
    tauri_build::build();
}
