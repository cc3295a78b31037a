//! Loader threads: they read, decode and prepare photos ahead of the model.
//!
//! Memory stays bounded: the results wait in a channel of fixed length, and a photo that needs
//! more memory than is usual is decoded while no other such photo is.

use std::path::Path;
use std::sync::Mutex;

use crossbeam_channel::bounded;
use sightline_media::{Limits, MediaError, Photo};
use sightline_vlm::{ModelInput, Preprocess};

use crate::EngineError;
use crate::jobs::JobCx;

/// Decoded bytes that every thread may hold at once.
const USUAL_ALLOC_BYTES: u64 = 96 << 20;

/// Decodes photos for one model, within one budget of memory.
pub(crate) struct Loader {
    preprocess: Preprocess,
    limits: Limits,
    /// Held while a photo beyond the usual size is decoded.
    big: Mutex<()>,
}

impl Loader {
    pub fn new(preprocess: Preprocess) -> Self {
        Self { preprocess, limits: Limits::default(), big: Mutex::new(()) }
    }

    /// Reads, decodes and prepares a photo.
    pub fn load(&self, path: &Path) -> Result<(Photo, ModelInput), EngineError> {
        let photo = self.open(path)?;
        let rgb = &photo.rgb;
        let input = self.preprocess.prepare(rgb.width, rgb.height, &rgb.pixels)?;
        Ok((photo, input))
    }

    fn open(&self, path: &Path) -> Result<Photo, MediaError> {
        let short_side = self.preprocess.min_short_side();
        let usual = Limits {
            max_alloc_bytes: self.limits.max_alloc_bytes.min(USUAL_ALLOC_BYTES),
            max_pixels: self.limits.max_pixels.min(USUAL_ALLOC_BYTES / 3),
            ..self.limits.clone()
        };
        match sightline_media::open(path, short_side, &usual) {
            Err(MediaError::TooLarge { .. }) => {
                let _alone = self.big.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
                sightline_media::open(path, short_side, &self.limits)
            }
            other => other,
        }
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
                    let next = queue.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).next();
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
        for result in results {
            if cx.stopping() {
                break;
            }
            take(result)?;
        }
        cx.check()
    })
}
