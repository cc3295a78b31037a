//! The folders against the catalogue: what is new, what has changed, what is gone.

use std::path::PathBuf;

use sightline_catalog::Known;
use sightline_media::{FileKind, Found, MediaError};

use super::IndexSummary;
use crate::EngineError;
use crate::jobs::JobCx;

/// What a scan found to be done.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// New or changed photos.
    pub work: Vec<Found>,
    /// New files of formats that are not read yet, and folders that cannot be listed.
    pub unreadable: Vec<Unreadable>,
    /// Known files that are no longer there.
    pub gone: Vec<PathBuf>,
}

/// A file or folder for the problem list.
#[derive(Debug)]
pub(super) struct Unreadable {
    pub path: PathBuf,
    pub code: String,
    pub reason: String,
    pub size_bytes: u64,
    pub modified_ns: i64,
}

impl Plan {
    /// Walks `roots` and compares with the catalogue; writes nothing.
    pub fn scan(
        cx: &JobCx<'_>,
        roots: &[PathBuf],
        retry: bool,
        summary: &mut IndexSummary,
    ) -> Result<Self, EngineError> {
        let catalog = cx.engine().catalog()?;
        let mut plan = Self::default();
        let mut seen = 0;
        for root in roots {
            let mut known = catalog.known_under(root)?;
            let mut closed: Vec<PathBuf> = Vec::new();
            for found in sightline_media::walk(root) {
                cx.check()?;
                let found = match found {
                    Ok(found) => found,
                    Err(error) => {
                        let path = error.path().to_path_buf();
                        if path == *root {
                            // As good as unplugged: nothing may be concluded from what it hides.
                            return Err(error.into());
                        }
                        // A link to nowhere, or a file that went away just now, is no problem.
                        if !matches!(error, MediaError::Missing { .. }) {
                            cx.item_failed(&path, error.code(), &error.to_string());
                            plan.unreadable.push(Unreadable::folder(path.clone(), &error));
                            summary.problems += 1;
                        }
                        closed.push(path);
                        continue;
                    }
                };
                seen += 1;
                cx.progress("scan", seen, 0, Some(&found.path))?;
                let before = known.remove(&found.path);
                plan.sort_in(cx, found, before, retry, summary);
            }
            // What lies in a folder that could not be read may still be there.
            plan.gone.extend(known.into_keys().filter(|path| !closed.iter().any(|folder| path.starts_with(folder))));
        }
        Ok(plan)
    }

    fn sort_in(
        &mut self,
        cx: &JobCx<'_>,
        found: Found,
        before: Option<Known>,
        retry: bool,
        summary: &mut IndexSummary,
    ) {
        let same = before
            .as_ref()
            .is_some_and(|known| known.size_bytes == found.size_bytes && known.modified_ns == found.modified_ns);
        let was_bad = before.is_some_and(|known| known.is_problem);
        match found.kind {
            FileKind::Unsupported(format) => {
                summary.unsupported += 1;
                if !(same && was_bad) {
                    let unreadable = Unreadable::unsupported(&found, format);
                    cx.item_failed(&found.path, &unreadable.code, &unreadable.reason);
                    self.unreadable.push(unreadable);
                }
            }
            FileKind::Photo => {
                summary.found += 1;
                match (same, was_bad) {
                    (true, true) if !retry => summary.problems += 1,
                    (true, false) => summary.unchanged += 1,
                    _ => self.work.push(found),
                }
            }
        }
    }
}

impl Unreadable {
    /// A file that was tried.
    pub fn file(found: &Found, error: &MediaError) -> Self {
        let (code, reason) = (error.code().to_owned(), error.to_string());
        // A flaky disk or a missing right is no property of the file: no size and time that the next scan could take
        // for unchanged.
        let passes = matches!(error, MediaError::Io { .. } | MediaError::Denied { .. });
        let (size_bytes, modified_ns) = if passes { (0, 0) } else { (found.size_bytes, found.modified_ns) };
        Self { path: found.path.clone(), code, reason, size_bytes, modified_ns }
    }

    /// A file that is not tried, because its format is not read yet.
    fn unsupported(found: &Found, format: &'static str) -> Self {
        let path = found.path.clone();
        Self::file(found, &MediaError::Unsupported { path, format })
    }

    /// A folder that cannot be listed; it has no size or time to tell whether it changed.
    fn folder(path: PathBuf, error: &MediaError) -> Self {
        let (code, reason) = (error.code().to_owned(), error.to_string());
        Self { path, code, reason, size_bytes: 0, modified_ns: 0 }
    }
}
