//! The folders against the catalogue: what is new, what has changed, what is gone, what belongs together.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sightline_catalog::{Catalog, Companion, KeptOut, Known, PhotoId, Reading};
use sightline_media::caption_metadata::{is_sidecar_name, possible_sidecars};
use sightline_media::{FileKind, Found, Listings, MediaError, half_of_pair, is_reached, look, may_lead_pair};

use super::IndexSummary;
use super::edits::Edits;
use super::facts;
use super::pairs::Pairs;
use crate::EngineError;
use crate::jobs::JobCx;

/// A file changed so lately may still be being written.
const YOUNG: Duration = Duration::from_secs(1);

/// What a scan found to be done.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// New or changed photos.
    pub work: Vec<Found>,
    /// New files of formats that are not read yet, and folders that cannot be listed.
    pub unreadable: Vec<Unreadable>,
    /// Known files that are no longer there.
    pub gone: Vec<PathBuf>,
    /// What lay where changed files lie.
    pub edits: Edits,
    /// Companions that are new or have changed.
    pub joined: Vec<Companion>,
    /// Companions that stand alone from now on.
    pub parted: Vec<PathBuf>,
    /// Halves of pairs by the file that leads them: should that be unreadable, they are photos of their own.
    pub halves: HashMap<PathBuf, Vec<Found>>,
    /// Photos as they were whose facts are to be read anew.
    pub stale: Vec<PhotoId>,
    /// Those of the photos of which the program has died twice.
    pub died: BTreeSet<PathBuf>,
    /// Sidecars that were problems and are tried again.
    pub tried_sidecars: Vec<PathBuf>,
    /// Files that were passed over because they may still be being written.
    pub young: Vec<PathBuf>,
    /// What was forgotten and stays out.
    pub kept_out: KeptOut,
}

/// What is known of the part of the library that is looked at.
#[derive(Debug, Default)]
struct Before {
    files: HashMap<PathBuf, Known>,
    companions: HashMap<PathBuf, Companion>,
    /// Folders that could not be read: what lies in them may still be there.
    closed: Vec<PathBuf>,
    pairs: Pairs,
    /// Sidecars that are there: size and time of change.
    sidecars: HashMap<PathBuf, (u64, i64)>,
    /// Those of them that are problems and are to be tried again.
    retried: HashSet<PathBuf>,
    /// Files that are as they were, how their facts were read, and when anything about them changed last.
    same: Vec<(PathBuf, PhotoId, Reading, Option<i64>)>,
}

/// A file or folder for the problem list.
#[derive(Debug, Clone)]
pub(super) struct Unreadable {
    pub path: PathBuf,
    pub code: String,
    pub reason: String,
    pub size_bytes: u64,
    pub modified_ns: i64,
}

impl Before {
    fn add(&mut self, catalog: &Catalog, path: &Path) -> Result<(), EngineError> {
        self.files.extend(catalog.known_under(path)?);
        self.companions.extend(catalog.companions_under(path)?);
        Ok(())
    }
}

impl Plan {
    /// Walks `roots` and compares with the catalogue; writes nothing.
    pub fn scan(
        cx: &JobCx<'_>,
        roots: &[PathBuf],
        retry: bool,
        summary: &mut IndexSummary,
    ) -> Result<Self, EngineError> {
        let mut plan = Self { kept_out: cx.engine().catalog()?.kept_out()?, ..Self::default() };
        let mut seen = 0;
        // Looked through again, a folder is as far as it was.
        let reached = Some(cx.reached()).filter(|(_, total)| *total > 0);
        for root in roots {
            let mut before = Before::default();
            before.add(cx.engine().catalog()?, root)?;
            for found in sightline_media::walk(root) {
                cx.check()?;
                let found = match found {
                    Ok(found) => found,
                    Err(error) => {
                        if error.path() == *root {
                            // As good as unplugged: nothing may be concluded from what it hides.
                            return Err(error.into());
                        }
                        plan.close(cx, &mut before, &error, summary);
                        continue;
                    }
                };
                seen += 1;
                let (done, total) = reached.unwrap_or((seen, 0));
                cx.progress("scan", done, total, Some(&found.path))?;
                plan.meet(cx, &mut before, found, retry, summary);
            }
            plan.finish(cx, before, retry, summary);
        }
        Ok(plan)
    }

    /// Looks at `paths` alone, files or folders below `roots`, and at the other halves of their pairs.
    pub fn touched(
        cx: &JobCx<'_>,
        roots: &[PathBuf],
        paths: &[PathBuf],
        retry: bool,
        summary: &mut IndexSummary,
    ) -> Result<Self, EngineError> {
        let catalog = cx.engine().catalog()?;
        let (mut plan, mut before, mut listings) =
            (Self { kept_out: catalog.kept_out()?, ..Self::default() }, Before::default(), Listings::default());
        let mut todo: BTreeSet<PathBuf> = paths.iter().filter(|path| is_walked(roots, path)).cloned().collect();
        for path in todo.clone() {
            if half_of_pair(&path).is_some() || may_lead_pair(&path) {
                todo.extend(listings.of_same_stem(&path).unwrap_or_default());
            }
            if is_sidecar_name(&path) {
                // `photo.jpg.xmp` is of `photo.jpg`; `photo.xmp` of files of its stem, and not of a folder `photo`.
                todo.extend(Some(path.with_extension("")).filter(|photo| photo.extension().is_some()));
                todo.extend(listings.of_same_stem(&path).unwrap_or_default());
            }
            // Another name of the same file, which a hard link gave it, has changed with it.
            if let Some(id) = catalog.known(&path)?.and_then(|known| known.photo) {
                todo.extend(catalog.paths_of(id)?.into_iter().filter(|other| is_walked(roots, other)));
            }
        }
        let mut walked: Vec<PathBuf> = Vec::new();
        for path in todo {
            cx.check()?;
            // A folder's own walk has reached it.
            if walked.iter().any(|folder| path.starts_with(folder)) {
                continue;
            }
            // In a folder that cannot be listed: nothing is known of it.
            let is_root = roots.contains(&path);
            let Ok(there) = (if is_root { Ok(true) } else { listings.has(&path) }) else { continue };
            before.add(catalog, &path)?;
            if !there {
                continue;
            }
            if !path.is_dir() {
                for sidecar in possible_sidecars(&path) {
                    if listings.has(&sidecar).is_ok_and(|there| there)
                        && let Ok(Some(found)) = look(&sidecar)
                    {
                        plan.meet(cx, &mut before, found, retry, summary);
                    }
                }
                match look(&path) {
                    Ok(Some(found)) => plan.meet(cx, &mut before, found, retry, summary),
                    Ok(None) => {}
                    Err(error) => plan.close(cx, &mut before, &error, summary),
                }
                continue;
            }
            for found in sightline_media::walk(&path) {
                cx.check()?;
                match found {
                    Ok(found) if is_young(&found) => {
                        before.files.remove(&found.path);
                        before.companions.remove(&found.path);
                        plan.young.push(found.path);
                    }
                    Ok(found) => plan.meet(cx, &mut before, found, retry, summary),
                    Err(error) => plan.close(cx, &mut before, &error, summary),
                }
            }
            walked.push(path);
        }
        plan.finish(cx, before, retry, summary);
        Ok(plan)
    }

    /// Takes note of something that cannot be read.
    fn close(&mut self, cx: &JobCx<'_>, before: &mut Before, error: &MediaError, summary: &mut IndexSummary) {
        let path = error.path().to_path_buf();
        // A link to nowhere, or a file that went away just now, is no problem.
        if !matches!(error, MediaError::Missing { .. }) && !self.kept_out.file(&path) {
            cx.item_failed(&path, error.code(), &error.to_string());
            self.unreadable.push(Unreadable::folder(path.clone(), error));
            summary.problems += 1;
        }
        before.closed.push(path);
    }

    /// Takes a file that is there.
    fn meet(&mut self, cx: &JobCx<'_>, before: &mut Before, found: Found, retry: bool, summary: &mut IndexSummary) {
        if self.kept_out.file(&found.path) {
            summary.kept_out += u64::from(found.kind == FileKind::Photo);
            return;
        }
        if found.kind == FileKind::Sidecar {
            before.sidecars.insert(found.path.clone(), facts::stamp(&found));
            if let Some(known) = before.files.remove(&found.path) {
                if !retry && is_same(&known, &found) {
                    summary.problems += 1;
                } else {
                    self.tried_sidecars.push(found.path.clone());
                    before.retried.insert(found.path);
                }
            }
            return;
        }
        let Some(found) = before.pairs.offer(found) else { return };
        let known = before.files.remove(&found.path);
        // Seen again as it was; changed, it gets another chance.
        if !retry && known.is_some_and(|known| known.is_problem && is_same(&known, &found)) {
            before.pairs.is_bad(&found.path);
        }
        self.sort_in(cx, before, found, known, retry, summary);
    }

    /// Concludes, when all files are met, which belong together and which are gone.
    fn finish(&mut self, cx: &JobCx<'_>, mut before: Before, retry: bool, summary: &mut IndexSummary) {
        let (pairs, alone) = std::mem::take(&mut before.pairs).settle();
        for pair in pairs {
            summary.companions += 1;
            before.files.remove(&pair.companion.path);
            if before.companions.remove(&pair.companion.path).as_ref() != Some(&pair.companion) {
                self.joined.push(pair.companion.clone());
            }
            self.halves.entry(pair.companion.main).or_default().push(pair.half);
        }
        for half in alone {
            let known = before.files.remove(&half.path);
            self.parted.extend(before.companions.remove(&half.path).map(|companion| companion.path));
            self.sort_in(cx, &mut before, half, known, retry, summary);
        }
        let is_stale = |(path, _, reading, changed_ns): &(PathBuf, PhotoId, Reading, Option<i64>)| {
            facts::reading(path, *changed_ns, |sidecar| before.sidecars.get(sidecar).copied()) != *reading
                || possible_sidecars(path).iter().any(|sidecar| before.retried.contains(sidecar))
        };
        self.stale.extend(before.same.iter().filter(|file| is_stale(file)).map(|(_, photo, ..)| *photo));
        let left = before.files.into_keys().chain(before.companions.into_keys());
        self.gone.extend(left.filter(|path| !before.closed.iter().any(|folder| path.starts_with(folder))));
    }

    /// Takes the halves of pairs whose leading file turned out to be unreadable: each is a photo of its own.
    pub fn halves_of(&mut self, bad: &[PathBuf]) -> Vec<Found> {
        let halves: Vec<Found> = bad.iter().filter_map(|main| self.halves.remove(main)).flatten().collect();
        self.joined.retain(|companion| !bad.contains(&companion.main));
        halves
    }

    fn sort_in(
        &mut self,
        cx: &JobCx<'_>,
        before: &mut Before,
        found: Found,
        known: Option<Known>,
        retry: bool,
        summary: &mut IndexSummary,
    ) {
        let same = known.as_ref().is_some_and(|known| is_same(known, &found));
        let was_bad = known.is_some_and(|known| known.is_problem);
        match found.kind {
            FileKind::Sidecar => {}
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
                    (true, false) => {
                        summary.unchanged += 1;
                        let changed_ns = found.status_changed_ns;
                        let file = known.and_then(|known| Some((found.path, known.photo?, known.reading, changed_ns)));
                        before.same.extend(file);
                    }
                    _ => {
                        let photo = known.and_then(|known| known.photo);
                        self.edits.0.extend(photo.map(|photo| (found.path.clone(), photo)));
                        self.work.push(found);
                    }
                }
            }
        }
    }
}

/// Programs that write into a file in place can keep its size and its time; that something about it changed shows even so.
fn is_same(known: &Known, found: &Found) -> bool {
    let changed_ns = known.reading.status_changed_ns.zip(found.status_changed_ns);
    known.size_bytes == found.size_bytes
        && known.modified_ns == found.modified_ns
        && changed_ns.is_none_or(|(then, now)| then == now)
}

/// Whether a walk of one of `roots` would reach `path`.
fn is_walked(roots: &[PathBuf], path: &Path) -> bool {
    roots.iter().any(|root| is_reached(root, path))
}

fn is_young(found: &Found) -> bool {
    let modified = Duration::from_nanos(u64::try_from(found.modified_ns).unwrap_or(0));
    let now = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
    now.abs_diff(modified) < YOUNG
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
