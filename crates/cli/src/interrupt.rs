//! Ctrl-C and SIGTERM: the first asks the job to stop, the second ends the process.

use sightline_engine::jobs::JobControl;

use crate::output::Output;

/// Ends the process as a shell expects of one that was interrupted.
const INTERRUPTED: i32 = 130;

/// A control that the first Ctrl-C cancels.
pub(crate) fn job_control(output: Output) -> anyhow::Result<JobControl> {
    let control = JobControl::new();
    let handle = control.clone();
    ctrlc::set_handler(move || {
        if handle.stopping() {
            std::process::exit(INTERRUPTED);
        }
        handle.cancel();
        output.note("stopping", "stopping after the batch in flight; again to stop at once");
    })?;
    Ok(control)
}
