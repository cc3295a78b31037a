//! A watch on a thread of its own, for a process that does other things besides.

use std::path::PathBuf;
use std::thread::JoinHandle;

use super::{Watch, WatchEvent};
use crate::EngineError;
use crate::jobs::{JobBoard, JobControl};

/// Watches all folders of a library until it is dropped; what it finds to do are jobs of the board.
#[derive(Debug)]
pub struct Watcher {
    control: JobControl,
    thread: Option<JoinHandle<()>>,
}

impl Watcher {
    /// Begins to watch; `tell` hears of what is done.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(board: JobBoard, tell: impl Fn(WatchEvent) + Send + 'static) -> Result<Self, EngineError> {
        let control = JobControl::new();
        let stop = control.clone();
        let watch = move || {
            let engine = board.engine().clone();
            while !stop.stopping() {
                let watch = Watch::new(&engine, Vec::<PathBuf>::new(), &stop, &tell).beside(&board);
                let Err(error) = watch.run(&|job| board.run(job)) else { return };
                tell(WatchEvent::Failed { error });
                // The library could not be read: another process may be writing to it for long.
                std::thread::sleep(std::time::Duration::from_secs(2));
            }
        };
        let thread = std::thread::Builder::new().name("watch".into()).spawn(watch);
        let thread = Some(thread.map_err(|source| EngineError::Thread { source })?);
        Ok(Self { control, thread })
    }

    /// Begins nothing new; a job under way goes on until it is stopped or done.
    pub fn stop(&self) {
        self.control.cancel();
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.control.cancel();
        if let Some(thread) = self.thread.take() {
            // A panic of the watch has been told on its own thread.
            thread.join().ok();
        }
    }
}
