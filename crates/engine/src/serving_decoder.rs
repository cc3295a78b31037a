//! What a shell's `main` does first: become a decoder, if it was started as one.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use sightline_media::isolation;

use crate::index::suspects;

/// Reads photos for the parent process and returns how that ended, if this process was started for it; a shell calls
/// this before anything else, and ends with what it returns.
pub fn serve_decoder(mut arguments: impl Iterator<Item = OsString>) -> Option<ExitCode> {
    let first = arguments.nth(1)?;
    if first == suspects::ARGUMENT {
        return Some(suspects::serve(arguments));
    }
    if first != isolation::ARGUMENT {
        return None;
    }
    Some(if isolation::serve().is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The program that runs now, to be started as a decoder, for [`crate::EngineConfig`]; only a program that calls
/// [`serve_decoder`] may ask.
pub fn decoder_program() -> Option<PathBuf> {
    // The path may meanwhile name a newer release, which would answer in another way.
    if cfg!(target_os = "linux") { Some("/proc/self/exe".into()) } else { std::env::current_exe().ok() }
}
