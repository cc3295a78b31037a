//! The handle by which a person stops a job.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

const RUN: u8 = 0;
const PAUSE: u8 = 1;
const CANCEL: u8 = 2;

/// Asks a running job to stop; cheap to clone, safe to use from a signal handler's thread.
#[derive(Debug, Clone, Default)]
pub struct JobControl(Arc<AtomicU8>);

impl JobControl {
    /// A control that has not been used yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Stops the job for good at its next check; what it committed stays.
    pub fn cancel(&self) {
        self.0.store(CANCEL, Ordering::Release);
    }

    /// Stops the job at its next check and keeps its row, so that it can be resumed.
    pub fn pause(&self) {
        // A cancel is not taken back by a late pause; if one got in first there is nothing to do.
        self.0.compare_exchange(RUN, PAUSE, Ordering::AcqRel, Ordering::Acquire).ok();
    }

    /// Whether the job should stop, for either reason.
    pub fn stopping(&self) -> bool {
        self.0.load(Ordering::Acquire) != RUN
    }

    /// Whether the stop is a pause.
    pub fn pausing(&self) -> bool {
        self.0.load(Ordering::Acquire) == PAUSE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cancel_is_not_weakened_by_a_late_pause() {
        let control = JobControl::new();
        assert!(!control.stopping());
        control.pause();
        assert!(control.stopping() && control.pausing());
        control.cancel();
        assert!(control.stopping() && !control.pausing());
        control.pause();
        assert!(!control.pausing());
    }
}
