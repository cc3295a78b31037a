//! Starting again, where the app before is dying.
//!
//! A second start hands over to the app that runs, over the session's bus. One that was killed a moment ago is still on
//! the bus and answers nothing; without another try the second start would end with nothing on the screen.

use std::process::Command;
use std::time::Duration;

/// Counts the tries, from one start of the program to the next.
const TRIES: &str = "SIGHTLINE_STARTS";
const MOST: u32 = 50;
const PAUSE: Duration = Duration::from_millis(100);

/// Whether a start failed because it could not hand over to an app that seemed to run.
pub(crate) fn was_handed_to_the_dead(error: &tauri::Error) -> bool {
    matches!(error, tauri::Error::PluginInitialization(plugin, _) if plugin == "single-instance")
}

/// Starts this program in place of itself, a little later; returns when it cannot, or has done so too often.
pub(crate) fn again() {
    let tries: u32 = std::env::var(TRIES).ok().and_then(|tries| tries.parse().ok()).unwrap_or(0);
    let (false, Ok(program)) = (tries >= MOST, std::env::current_exe()) else { return };
    std::thread::sleep(PAUSE);
    replace(Command::new(program).args(std::env::args_os().skip(1)).env(TRIES, (tries + 1).to_string()));
}

#[cfg(unix)]
fn replace(command: &mut Command) {
    use std::os::unix::process::CommandExt;

    // It returns only when it fails.
    drop(command.exec());
}

/// Other systems know at once that the app before is dead.
#[cfg(not(unix))]
fn replace(_: &mut Command) {}
