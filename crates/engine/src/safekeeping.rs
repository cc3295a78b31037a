//! Backups of a library, their way back, and its repair.
//!
//! The functions work on a library that this process does not have open; an [`Engine`] has ways of its own. A backup holds what the catalogue holds: what a
//! person made (albums, captions, keywords, answers, settings), what the model was taught, and what was worked out
//! (thumbnails, vectors). The photos, the model that ships and the list of tags are files of their own and not in it.

use std::path::{Path, PathBuf};
use std::time::Instant;

use sightline_catalog::Catalog;
pub use sightline_catalog::{CheckReport, RepairReport, Salvage, Saved};

use crate::jobs::{JobControl, JobEvent, Meter};
use crate::new_file::may_be_replaced;
use crate::{Engine, EngineError};

/// Hears of the progress of long work.
type OnEvent<'a> = &'a (dyn Fn(JobEvent) + Sync);

/// Copies the library to `file` while others may go on using it; over a file that is there only with `force`. Returns
/// the bytes written.
///
/// # Errors
/// When there is no sound library or `file` cannot be written, and when `control` stopped it; then nothing is left.
pub fn back_up(
    library: &Path,
    file: &Path,
    force: bool,
    control: &JobControl,
    on_event: OnEvent<'_>,
) -> Result<u64, EngineError> {
    may_be_replaced(file)?;
    Ok(Catalog::back_up(library, file, force, &mut watching(control, on_event))?)
}

/// Puts a backup in the place of the library. Returns where the library lies now that was there before.
///
/// # Errors
/// When `file` is no sound backup, another process has the library open, or `control` stopped it; then the library is
/// as it was.
pub fn restore(
    library: &Path,
    file: &Path,
    control: &JobControl,
    on_event: OnEvent<'_>,
) -> Result<Option<PathBuf>, EngineError> {
    Ok(Catalog::restore(library, file, &mut watching(control, on_event))?)
}

/// Examines the library.
///
/// # Errors
/// When there is no library, it cannot be read, or `control` stopped it.
pub fn check(library: &Path, control: &JobControl, on_event: OnEvent<'_>) -> Result<CheckReport, EngineError> {
    Ok(Catalog::check_in(library, &mut watching(control, on_event))?)
}

/// Mends the library, or saves what can be read of it; a copy as it was is kept beside it.
///
/// # Errors
/// When there is nothing to be saved, another process has the library open, or `control` stopped it; then the library
/// is as it was.
pub fn repair(library: &Path, control: &JobControl, on_event: OnEvent<'_>) -> Result<RepairReport, EngineError> {
    Ok(Catalog::repair(library, &mut watching(control, on_event))?)
}

impl Engine {
    /// Copies the library that is open here to `file`, also over one that is there. Returns the bytes written.
    ///
    /// # Errors
    /// As [`back_up`].
    pub fn back_up(&self, file: &Path, control: &JobControl, on_event: OnEvent<'_>) -> Result<u64, EngineError> {
        may_be_replaced(file)?;
        Ok(self.catalog()?.back_up_to(file, true, &mut watching(control, on_event))?)
    }

    /// Examines the library that is open here.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn check(&self) -> Result<CheckReport, EngineError> {
        Ok(self.catalog()?.check()?)
    }
}

/// Passes progress on, and a person's wish to stop.
fn watching(control: &JobControl, on_event: OnEvent<'_>) -> impl FnMut(&'static str, u64, u64) -> bool {
    let (mut meter, started) = (Meter::default(), Instant::now());
    move |phase, done, total| {
        if let Some(progress) = meter.tick(started.elapsed(), phase, done, total, None).event {
            on_event(JobEvent::Progress(progress));
        }
        !control.stopping()
    }
}
