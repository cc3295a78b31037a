//! Sets `cfg(libheif)` where the system has libheif: HEIC and AVIF are decoded then, and listed as unsupported otherwise.

use std::path::Path;

fn main() {
    println!("cargo::rustc-check-cfg=cfg(libheif)");
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var_os("CARGO_FEATURE_HEIF").is_none() {
        return;
    }
    // Installed later, or taken away: these folders change.
    if let Ok(folders) = pkg_config::get_variable("pkg-config", "pc_path") {
        for folder in folders.split(':').filter(|folder| Path::new(folder).is_dir()) {
            println!("cargo::rerun-if-changed={folder}");
        }
    }
    match pkg_config::Config::new().atleast_version("1.14").probe("libheif") {
        Ok(_) => println!("cargo::rustc-cfg=libheif"),
        Err(_) => println!(
            "cargo::warning=libheif is not there: HEIC and AVIF will be listed as unsupported; scripts/setup.sh installs it"
        ),
    }
}
