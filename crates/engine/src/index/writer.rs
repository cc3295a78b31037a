//! The writing end of indexing: batches to the model, and each back into one transaction.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sightline_catalog::{Batch, FactsUpdate, Location, ModelKey, NewPhoto, PhotoId, Problem, Reading};
use sightline_vlm::PhotoVectors;

use super::IndexSummary;
use super::edits::Edits;
use super::in_flight::InFlight;
use super::load::{FreshPhoto, Outcome};
use super::scan::Unreadable;
use crate::EngineError;
use crate::batches::{Batches, batch_size};
use crate::jobs::JobCx;
use crate::model_host::Lane;
use crate::serving::{Serving, VectorKeys};

/// Rows without a vector are committed at least this often, if there are any.
const COMMIT_EVERY: Duration = Duration::from_secs(2);
/// Rows without a vector that one transaction takes at most.
const ROWS: usize = 512;

/// A photo that the model has or will get.
enum Pending {
    Fresh(Box<FreshPhoto>),
    Again(PhotoId, PathBuf),
}

/// Commits what the loader threads bring, a batch a transaction.
pub(super) struct Writer<'a, 'cx> {
    cx: &'a JobCx<'cx>,
    keys: VectorKeys,
    /// The files that are being read.
    pub in_flight: &'a InFlight,
    /// Those of which what came will be committed next.
    done_with: Vec<PathBuf>,
    summary: &'a mut IndexSummary,
    batches: Batches<'a, Pending, PhotoVectors>,
    /// Rows that need no vector.
    rows: Batch,
    committed_at: Instant,
    done: u64,
    total: u64,
    /// What lay where changed files lie.
    pub edits: Edits,
    /// Files that could not be read in this run.
    pub bad: Vec<PathBuf>,
    /// Known photos that were found at new places.
    pub relocated: Vec<PhotoId>,
    /// Sidecars that were refused in this run.
    pub refused_sidecars: Vec<PathBuf>,
    /// Facts that were read anew.
    facts: Vec<FactsUpdate>,
}

impl<'a, 'cx> Writer<'a, 'cx> {
    pub fn new(
        cx: &'a JobCx<'cx>,
        serving: &Serving,
        in_flight: &'a InFlight,
        summary: &'a mut IndexSummary,
    ) -> Result<Self, EngineError> {
        let (host, keys) = (serving.host.clone(), serving.keys()?);
        let batches = Batches::new(batch_size(), move |inputs| host.embed_images(Lane::Batch, inputs));
        let (rows, committed_at) = (Batch::default(), Instant::now());
        let (edits, bad, relocated) = (Edits::default(), Vec::new(), Vec::new());
        let (refused_sidecars, facts) = (Vec::new(), Vec::new());
        let (done, total) = (0, 0);
        Ok(Self {
            cx,
            keys,
            in_flight,
            done_with: Vec::new(),
            summary,
            batches,
            rows,
            committed_at,
            done,
            total,
            edits,
            bad,
            relocated,
            refused_sidecars,
            facts,
        })
    }

    /// Says that of the files to look at `done` are as they should be, from before.
    pub fn begin_at(&mut self, done: u64) {
        (self.done, self.total) = (done, done);
    }

    /// Says that `more` files are to come, of which `foreseen` were counted before.
    pub fn expect(&mut self, more: u64, foreseen: u64) -> Result<(), EngineError> {
        self.total = (self.total + more).saturating_sub(foreseen).max(self.done);
        if more == 0 { Ok(()) } else { self.tell(None) }
    }

    /// Says how far it is. What a person has seen to be done before a pause stays so.
    fn tell(&self, path: Option<&Path>) -> Result<(), EngineError> {
        let (before, of) = self.cx.reached();
        let done = if of == self.total { self.done.max(before) } else { self.done };
        self.cx.progress("index", done, self.total, path)
    }

    /// Puts files on the problem list that were not even tried.
    pub fn list(&mut self, unreadable: Vec<Unreadable>) -> Result<(), EngineError> {
        for file in unreadable {
            self.rows.problems.push(file.into());
            self.commit_rows_if(self.rows.problems.len() >= ROWS)?;
        }
        self.commit_rows_if(true)
    }

    /// Takes what became of one file.
    pub fn take(&mut self, outcome: Outcome) -> Result<(), EngineError> {
        let path = match outcome {
            Outcome::Fresh(photo, input) => {
                let path = photo.found.path.clone();
                let done = self.batches.push(Pending::Fresh(photo), input)?;
                self.commit(done)?;
                path
            }
            Outcome::Again(id, path, input) => {
                let done = self.batches.push(Pending::Again(id, path.clone()), input)?;
                self.commit(done)?;
                path
            }
            Outcome::Located(found, id) => {
                let path = found.path.clone();
                let catalog = self.cx.engine().catalog()?;
                self.rows.successions.extend(self.edits.before_known(catalog, &self.keys.shared, &path, id)?);
                self.rows.moves.push((location(found.path, found.size_bytes, found.modified_ns), id));
                self.relocated.push(id);
                self.summary.relocated += 1;
                self.done += 1;
                self.done_with.push(path.clone());
                path
            }
            Outcome::Bad(file) => {
                self.cx.item_failed(&file.path, &file.code, &file.reason);
                let path = file.path.clone();
                // Of a format that is not read, under the name of one that is: the next run counts it so as well.
                self.summary.problems += 1;
                self.rows.problems.push(file.into());
                self.bad.push(path.clone());
                self.done += 1;
                self.done_with.push(path.clone());
                path
            }
            Outcome::KeptOut(path) => {
                self.summary.kept_out += 1;
                self.done += 1;
                self.in_flight.end(vec![path.clone()]);
                path
            }
            Outcome::Skipped(path) | Outcome::Copy(sightline_media::Found { path, .. }) => {
                self.done += 1;
                self.in_flight.end(vec![path.clone()]);
                path
            }
        };
        let many = self.rows.moves.len() + self.rows.problems.len() >= ROWS;
        self.commit_rows_if(many || self.committed_at.elapsed() >= COMMIT_EVERY)?;
        self.tell(Some(&path))
    }

    /// Takes a photo's facts, read anew; `None` where no file of it could be read. Its `sidecars` are those that could
    /// not.
    pub fn take_facts(&mut self, update: Option<FactsUpdate>, sidecars: Vec<Unreadable>) -> Result<(), EngineError> {
        self.done += 1;
        for sidecar in sidecars {
            self.refuse_sidecar(sidecar);
        }
        self.summary.reread += u64::from(update.is_some());
        self.facts.extend(update);
        if self.facts.len() >= ROWS || self.committed_at.elapsed() >= COMMIT_EVERY {
            self.commit_facts()?;
        }
        self.tell(None)
    }

    /// Puts a sidecar on the problem list; its photo is in the library without it.
    fn refuse_sidecar(&mut self, sidecar: Unreadable) {
        self.cx.item_failed(&sidecar.path, &sidecar.code, &sidecar.reason);
        self.summary.problems += 1;
        self.refused_sidecars.push(sidecar.path.clone());
        self.rows.problems.push(sidecar.into());
    }

    fn commit_facts(&mut self) -> Result<(), EngineError> {
        if self.facts.is_empty() {
            return Ok(());
        }
        let engine = self.cx.engine();
        engine.catalog()?.put_facts(&std::mem::take(&mut self.facts))?;
        engine.words_changed();
        self.committed_at = Instant::now();
        Ok(())
    }

    /// Waits for everything that was taken and commits it.
    pub fn flush(&mut self) -> Result<(), EngineError> {
        // One after the other: if the last batch fails, the one before it is not lost.
        let done = self.batches.send()?;
        self.commit(done)?;
        let done = self.batches.settle()?;
        self.commit(done)?;
        self.commit_facts()?;
        self.commit_rows_if(true)
    }

    /// Commits what the model is computing now and drops what it has not begun.
    pub fn finish_in_flight(&mut self) -> Result<(), EngineError> {
        self.batches.drop_waiting();
        let done = self.batches.settle()?;
        self.commit(done)?;
        self.commit_rows_if(true)
    }

    fn commit(&mut self, photos: Vec<(Pending, PhotoVectors)>) -> Result<(), EngineError> {
        if photos.is_empty() {
            return Ok(());
        }
        if self.summary.device.is_none() {
            let ready = self.cx.engine().host().ready(crate::model_host::Lane::Interactive);
            self.summary.device = Some(ready.wait()?.device.name);
        }
        let count = photos.len() as u64;
        let catalog = self.cx.engine().catalog()?;
        let mut refused = Vec::new();
        for (pending, vectors) in photos {
            if let Pending::Fresh(photo) = &pending {
                refused.extend(photo.sidecar.clone());
                let (path, recorded_at) = (&photo.found.path, photo.facts.recorded_at());
                let vector = vectors.shared.as_slice();
                let before = self.edits.before(catalog, &self.keys.shared, path, recorded_at, vector)?;
                self.rows.successions.extend(before.map(|before| (before, photo.hash.0)));
            }
            let vectors = self.keys.rows(&vectors);
            match pending {
                Pending::Fresh(photo) => {
                    self.done_with.push(photo.found.path.clone());
                    self.rows.photos.push(new_photo(*photo, vectors));
                }
                Pending::Again(id, path) => {
                    self.done_with.push(path);
                    self.rows.vectors.extend(vectors.into_iter().map(|(key, numbers)| (id, key, numbers)));
                }
            }
        }
        for sidecar in refused {
            self.refuse_sidecar(sidecar);
        }
        self.commit_rows_if(true)?;
        self.done += count;
        self.summary.embedded += count;
        self.tell(None)
    }

    fn commit_rows_if(&mut self, due: bool) -> Result<(), EngineError> {
        let rows = &self.rows;
        let empty =
            rows.photos.is_empty() && rows.vectors.is_empty() && rows.moves.is_empty() && rows.problems.is_empty();
        if !due || empty {
            return Ok(());
        }
        let engine = self.cx.engine();
        engine.catalog()?.commit_batch(&std::mem::take(&mut self.rows))?;
        self.in_flight.end(std::mem::take(&mut self.done_with));
        engine.library_changed();
        self.committed_at = Instant::now();
        Ok(())
    }
}

fn new_photo(photo: FreshPhoto, vectors: Vec<(ModelKey, Vec<f32>)>) -> NewPhoto {
    let FreshPhoto { found, hash, size: (width, height), orientation, format, .. } = photo;
    let location = Location { reading: photo.reading, ..location(found.path, found.size_bytes, found.modified_ns) };
    NewPhoto {
        hash: hash.0,
        width,
        height,
        orientation,
        facts: photo.facts,
        format: format.name().to_owned(),
        size_bytes: found.size_bytes,
        fingerprint: photo.fingerprint.map(|print| print.0),
        thumbnail_jpeg: photo.thumbnail_jpeg,
        locations: vec![location],
        vectors,
    }
}

/// A file whose facts have not been read.
fn location(path: PathBuf, size_bytes: u64, modified_ns: i64) -> Location {
    Location { path, size_bytes, modified_ns, reading: Reading::default() }
}

impl From<Unreadable> for Problem {
    fn from(file: Unreadable) -> Self {
        let Unreadable { path, code, reason, size_bytes, modified_ns } = file;
        Self { path, code, reason, size_bytes, modified_ns }
    }
}
