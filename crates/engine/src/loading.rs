//! Loader threads: they read, decode and prepare photos ahead of the model.
//!
//! Memory stays bounded: the results wait in a channel of fixed length, and the decoders share one
//! budget of bytes, of which a photo takes the smallest of a few sizes that does for it.

use std::cell::Cell;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use crossbeam_channel::{RecvTimeoutError, bounded};
use sightline_media::caption_metadata::Beside;
use sightline_media::isolation::Stop;
use sightline_media::{Limits, MediaError, Photo};
use sightline_vlm::{ModelInput, Preprocess};

use crate::EngineError;
use crate::decoding::{Decoders, Wanted};
use crate::jobs::JobCx;

/// What a decoder may hold, at the first, second and last try; most photos pass at the first.
const CLASSES: [u64; 3] = [32 << 20, 100 << 20, 400 << 20];
/// What all decoders may hold together.
const BUDGET: u64 = 448 << 20;
/// How often somebody who waits for a photo looks whether it is still wanted.
const TICK: Duration = Duration::from_millis(50);

/// Decodes photos for one model, within one budget of memory.
pub(crate) struct Loader {
    decoders: Arc<Decoders>,
    preprocess: Preprocess,
    stop: Stop,
    budget: Budget,
}

impl Loader {
    /// A loader whose photos are wanted until `stop` says otherwise.
    pub fn new(decoders: Arc<Decoders>, preprocess: Preprocess, stop: Stop) -> Self {
        Self { decoders, preprocess, stop, budget: Budget::default() }
    }

    /// Reads, decodes and prepares a photo.
    pub fn load(&self, path: &Path) -> Result<ModelInput, EngineError> {
        self.with_photo(path, |_, input| Ok(input))
    }

    /// Reads, decodes and prepares a photo, and gives `then` what the file says and shows; its pixels count as
    /// held until `then` returns.
    pub fn with_photo<R>(
        &self,
        path: &Path,
        then: impl FnOnce(Photo, ModelInput) -> Result<R, EngineError>,
    ) -> Result<R, EngineError> {
        self.with(path, None, then)
    }

    /// As [`Loader::with_photo`], with the facts that the file and those `beside` it tell.
    pub fn with_facts<R>(
        &self,
        path: &Path,
        beside: &[Beside],
        then: impl FnOnce(Photo, ModelInput) -> Result<R, EngineError>,
    ) -> Result<R, EngineError> {
        self.with(path, Some(beside), then)
    }

    fn with<R>(
        &self,
        path: &Path,
        beside: Option<&[Beside]>,
        then: impl FnOnce(Photo, ModelInput) -> Result<R, EngineError>,
    ) -> Result<R, EngineError> {
        let (photo, _share) = self.open(path, beside)?;
        let rgb = &photo.rgb;
        let input = self.preprocess.prepare(rgb.width, rgb.height, &rgb.pixels)?;
        then(photo, input)
    }

    fn open(&self, path: &Path, beside: Option<&[Beside]>) -> Result<(Photo, Share<'_>), EngineError> {
        open_within(&self.budget, &self.decoders, path, (self.preprocess.min_short_side(), beside), &self.stop)
    }
}

/// Reads and decodes a photo whose shorter side has at least `short_side` pixels where the file has them, with its facts
/// if the files `beside` it are given; its pixels count as held as long as the share.
pub(crate) fn open_within<'a>(
    budget: &'a Budget,
    decoders: &Decoders,
    path: &Path,
    (short_side, beside): (u32, Option<&[Beside]>),
    stop: &Stop,
) -> Result<(Photo, Share<'a>), EngineError> {
    let (min_short_side, spent) = (short_side, Cell::default());
    let mut refused = MediaError::Missing { path: path.into() };
    for max_alloc_bytes in CLASSES {
        let share = budget.take(max_alloc_bytes);
        let limits = Limits { max_alloc_bytes, ..Limits::default() };
        let wanted = Wanted { min_short_side, limits: &limits, beside, spent: &spent };
        match decoders.decode(path, &wanted, stop) {
            Ok(photo) => return Ok((photo, share)),
            Err(EngineError::Media(error @ MediaError::TooLarge { .. })) => refused = error,
            Err(error) => return Err(error),
        }
    }
    Err(refused.into())
}

/// What may be held at once, of bytes or of whatever else there is little.
pub(crate) struct Budget {
    left: Mutex<u64>,
    returned: Condvar,
}

/// A part of the budget; dropping it gives it back.
pub(crate) struct Share<'a>(&'a Budget, u64);

impl Default for Budget {
    /// The bytes that all decoders may hold together.
    fn default() -> Self {
        Self::of(BUDGET)
    }
}

impl Budget {
    pub fn of(whole: u64) -> Self {
        Self { left: Mutex::new(whole), returned: Condvar::new() }
    }

    /// Waits until `part` is left and takes it; it must not exceed the whole.
    pub fn take(&self, part: u64) -> Share<'_> {
        let left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let enough = self.returned.wait_while(left, |left| *left < part);
        *enough.unwrap_or_else(PoisonError::into_inner) -= part;
        Share(self, part)
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        *self.0.left.lock().unwrap_or_else(PoisonError::into_inner) += self.1;
        self.0.returned.notify_all();
    }
}

/// Threads that decode: one for each core.
pub(crate) fn threads() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from)
}

/// Runs `work` on `items` in several threads and hands the results, as they come, to `take` on
/// this one. At most `ahead` results wait. Ends early when the job is stopped (what has been
/// taken stays taken) or `take` fails.
pub(crate) fn work_ahead<T: Send, R: Send>(
    cx: &JobCx<'_>,
    items: Vec<T>,
    ahead: usize,
    work: impl Fn(T) -> R + Sync,
    mut take: impl FnMut(R) -> Result<(), EngineError>,
) -> Result<(), EngineError> {
    let threads = threads().min(items.len()).max(1);
    let queue = Mutex::new(items.into_iter());
    let (sender, results) = bounded(ahead.max(1));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let (sender, queue, work) = (sender.clone(), &queue, &work);
            scope.spawn(move || {
                while !cx.stopping() {
                    let next = queue.lock().unwrap_or_else(PoisonError::into_inner).next();
                    let Some(item) = next else { return };
                    // The receiver is gone when `take` failed: nobody wants the rest.
                    if sender.send(work(item)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        // Moved in, so that an early return wakes threads that wait for room.
        let results = results;
        loop {
            let result = results.recv_timeout(TICK);
            cx.check()?;
            match result {
                Ok(result) => take(result)?,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn the_decoders_never_hold_more_than_the_budget() {
        let (budget, held, most) = (Budget::of(BUDGET), AtomicU64::new(0), AtomicU64::new(0));
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let (budget, held, most) = (&budget, &held, &most);
                scope.spawn(move || {
                    for round in 0..200 {
                        let bytes = CLASSES[(thread + round) % CLASSES.len()];
                        let _share = budget.take(bytes);
                        let now = held.fetch_add(bytes, Ordering::SeqCst) + bytes;
                        most.fetch_max(now, Ordering::SeqCst);
                        held.fetch_sub(bytes, Ordering::SeqCst);
                    }
                });
            }
        });
        assert!(most.into_inner() <= BUDGET);
        assert_eq!(*budget.left.lock().unwrap(), BUDGET);
    }
}
