//! What kills a worker that takes too long, or whose answer nobody wants any more.

use std::io;
use std::process::Child;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::Stop;

/// How often it is asked whether an answer is still wanted.
const TICK: Duration = Duration::from_millis(50);

const TOO_SLOW: u8 = 1;
const STOPPED: u8 = 2;

/// How long an answer is waited for.
#[derive(Clone)]
pub struct Patience {
    /// No longer than this,
    pub time: Duration,
    /// and only until this says that it is no longer wanted.
    pub stop: Stop,
}

impl Patience {
    /// Waits for `time`, whatever happens.
    pub fn of(time: Duration) -> Self {
        Self { time, stop: Arc::new(|| false) }
    }
}

/// Why a worker was killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Killed {
    TooSlow,
    Stopped,
}

/// A thread that looks after one worker.
pub(super) struct Watch {
    /// Told how long the next answer may take, and by `None` that it has come.
    begun: Sender<Option<Patience>>,
    killed: Arc<AtomicU8>,
}

impl Watch {
    pub fn start(child: Arc<Mutex<Child>>) -> io::Result<Self> {
        let (begun, answers) = channel();
        let killed = Arc::new(AtomicU8::new(0));
        let mark = killed.clone();
        std::thread::Builder::new().name("worker's watch".into()).spawn(move || look_after(&child, &answers, &mark))?;
        Ok(Self { begun, killed })
    }

    /// Does `work`, for which the worker has `patience`.
    pub fn during<T>(&self, patience: &Patience, work: impl FnOnce() -> T) -> T {
        // The watch ends only after it has killed the worker, which the pipes tell.
        self.begun.send(Some(patience.clone())).ok();
        let done = work();
        self.begun.send(None).ok();
        done
    }

    /// Whether it has killed the worker, and why.
    pub fn killed(&self) -> Option<Killed> {
        match self.killed.load(Ordering::Acquire) {
            TOO_SLOW => Some(Killed::TooSlow),
            STOPPED => Some(Killed::Stopped),
            _ => None,
        }
    }
}

fn look_after(child: &Mutex<Child>, answers: &Receiver<Option<Patience>>, killed: &AtomicU8) {
    while let Ok(begun) = answers.recv() {
        let Some(patience) = begun else { continue };
        let begun = Instant::now();
        loop {
            let left = patience.time.saturating_sub(begun.elapsed());
            if !matches!(answers.recv_timeout(left.min(TICK)), Err(RecvTimeoutError::Timeout)) {
                break;
            }
            let why = match (begun.elapsed() >= patience.time, (patience.stop)()) {
                (_, true) => STOPPED,
                (true, false) => TOO_SLOW,
                (false, false) => continue,
            };
            killed.store(why, Ordering::Release);
            kill(child);
            return;
        }
    }
}

/// Ends a worker, whatever it is at.
pub(super) fn kill(child: &Mutex<Child>) {
    let mut child = child.lock().unwrap_or_else(PoisonError::into_inner);
    // It may have ended by itself; then there is only its entry to be cleared away.
    child.kill().ok();
    child.wait().ok();
}
