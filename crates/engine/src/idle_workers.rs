//! Workers that wait for a photo: as many as there may soon be photos for, and after a while only one.
//!
//! A worker takes some ten megabytes while it waits. One is kept for the next photo that somebody opens, which should
//! not wait for a process to start.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use crate::loading::threads;

/// How long a worker waits before it is ended, unless it is the last.
const PATIENCE: Duration = Duration::from_secs(10);

/// The workers, of any kind; dropping one ends it.
pub(crate) struct IdleWorkers<W> {
    patience: Duration,
    waiting: Arc<Mutex<Waiting<W>>>,
}

struct Waiting<W> {
    /// Each with the time since when, the oldest first.
    workers: Vec<(Instant, W)>,
    /// Whether a thread looks after them.
    looked_after: bool,
}

impl<W: Send + 'static> Default for IdleWorkers<W> {
    fn default() -> Self {
        Self::with_patience(PATIENCE)
    }
}

impl<W: Send + 'static> IdleWorkers<W> {
    fn with_patience(patience: Duration) -> Self {
        let waiting = Waiting { workers: Vec::new(), looked_after: false };
        Self { patience, waiting: Arc::new(Mutex::new(waiting)) }
    }

    /// The worker that waits for the shortest time, so that the others may end.
    pub fn take(&self) -> Option<W> {
        lock(&self.waiting).workers.pop().map(|(_, worker)| worker)
    }

    /// Keeps a worker for the next photo, or ends it where enough wait.
    pub fn put_back(&self, worker: W) {
        let mut waiting = lock(&self.waiting);
        if waiting.workers.len() >= threads() {
            // Ending a process takes a moment, which nobody else should wait for.
            drop(waiting);
            return;
        }
        waiting.workers.push((Instant::now(), worker));
        if waiting.workers.len() > 1 && !waiting.looked_after {
            let (patience, workers) = (self.patience, Arc::downgrade(&self.waiting));
            let thread = std::thread::Builder::new().name("idle workers".into());
            // Without the thread they only stay.
            waiting.looked_after = thread.spawn(move || look_after(&workers, patience)).is_ok();
        }
    }
}

/// Ends those that have waited for too long, until there is only one.
fn look_after<W>(workers: &Weak<Mutex<Waiting<W>>>, patience: Duration) {
    loop {
        std::thread::sleep(patience);
        let Some(workers) = workers.upgrade() else { return };
        let mut waiting = lock(&workers);
        let but_one = waiting.workers.len().saturating_sub(1);
        let old = waiting.workers[..but_one].iter().take_while(|(since, _)| since.elapsed() >= patience).count();
        let ended: Vec<_> = waiting.workers.drain(..old).collect();
        waiting.looked_after = waiting.workers.len() > 1;
        let done = !waiting.looked_after;
        drop(waiting);
        drop(ended);
        if done {
            return;
        }
    }
}

fn lock<W>(waiting: &Mutex<Waiting<W>>) -> MutexGuard<'_, Waiting<W>> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_that_are_not_needed_end_but_for_one() {
        let idle = IdleWorkers::with_patience(Duration::from_millis(50));
        let worker = Arc::new(());
        for _ in 0..threads() + 3 {
            idle.put_back(worker.clone());
        }
        assert!(Arc::strong_count(&worker) <= 1 + threads(), "no more wait than can be at work");
        let begun = Instant::now();
        while Arc::strong_count(&worker) > 2 {
            assert!(begun.elapsed() < Duration::from_secs(20), "{} wait still", Arc::strong_count(&worker) - 1);
            std::thread::sleep(Duration::from_millis(10));
        }
        assert!(idle.take().is_some(), "one is kept");
        assert!(idle.take().is_none());
    }
}
