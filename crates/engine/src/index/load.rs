//! What a loader thread does with one file: is its content known, can it be read, is it ready.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use sightline_catalog::{Catalog, KeptOut, PhotoFacts, PhotoId, Reading};
use sightline_media::caption_metadata::beside;
use sightline_media::{ContentHash, Fingerprint, Found, Limits, MediaError, PhotoFormat, hash_photo};
use sightline_vlm::ModelInput;

use super::facts;
use super::in_flight::InFlight;
use super::scan::Unreadable;
use crate::EngineError;
use crate::decoding::patiently;
use crate::jobs::JobCx;
use crate::loading::Loader;
use crate::model_host::{Lane, ModelHost};

/// Long side of a thumbnail in pixels.
pub(super) const THUMBNAIL: u32 = 256;

/// One file to be read.
#[derive(Debug)]
pub(super) enum Task {
    /// New or changed since the last scan.
    New(Found),
    /// The program has died of it twice.
    Fatal(Found),
    /// Known, but without a vector of the model in use.
    Again { id: PhotoId, path: PathBuf },
}

/// What became of a task.
pub(super) enum Outcome {
    /// Read and ready for the model.
    Fresh(Box<FreshPhoto>, ModelInput),
    /// Its content is a photo that the catalogue knows.
    Located(Found, PhotoId),
    /// Its content is that of another file of this run, which is being read.
    Copy(Found),
    /// A known photo, ready for the model.
    Again(PhotoId, PathBuf, ModelInput),
    /// It cannot be read.
    Bad(Unreadable),
    /// It is gone or has changed since it was found; the next scan will tell.
    Skipped(PathBuf),
    /// Its content was forgotten and stays out.
    KeptOut(PathBuf),
}

/// A photo that the catalogue does not know yet.
pub(super) struct FreshPhoto {
    pub found: Found,
    pub hash: ContentHash,
    /// Width and height in pixels, upright.
    pub size: (u32, u32),
    /// EXIF orientation of the file, 1 to 8.
    pub orientation: u8,
    pub format: PhotoFormat,
    /// Of the pixels that were decoded for the model.
    pub fingerprint: Option<Fingerprint>,
    pub thumbnail_jpeg: Vec<u8>,
    /// What the file and its sidecar say.
    pub facts: PhotoFacts,
    /// How that was read.
    pub reading: Reading,
    /// Its sidecar, if that says more than any photo needs.
    pub sidecar: Option<Unreadable>,
}

/// Reads files on several threads.
pub(super) struct PhotoReader<'a> {
    cx: &'a JobCx<'a>,
    in_flight: &'a InFlight,
    catalog: &'a Catalog,
    kept_out: &'a KeptOut,
    host: ModelHost,
    loader: Mutex<Option<Arc<Loader>>>,
    /// Contents that a thread has taken on, if copies are put off.
    taken: Option<Mutex<HashSet<ContentHash>>>,
}

impl<'a> PhotoReader<'a> {
    /// A reader. With `put_copies_off`, files of equal content are read once and the others come
    /// back as [`Outcome::Copy`].
    pub fn new(
        cx: &'a JobCx<'a>,
        in_flight: &'a InFlight,
        kept_out: &'a KeptOut,
        put_copies_off: bool,
    ) -> Result<Self, EngineError> {
        let engine = cx.engine();
        Ok(Self {
            cx,
            in_flight,
            catalog: engine.catalog()?,
            kept_out,
            host: engine.host(),
            loader: Mutex::default(),
            taken: put_copies_off.then(Mutex::default),
        })
    }

    /// Reads one file; fails only when the catalogue or the model does.
    pub fn read(&self, task: Task) -> Result<Outcome, EngineError> {
        let (path, result) = match task {
            Task::New(found) => {
                self.in_flight.begin(&found.path);
                (found.path.clone(), self.read_new(found))
            }
            Task::Again { id, path } => {
                self.in_flight.begin(&path);
                (path.clone(), self.read_again(id, path))
            }
            Task::Fatal(found) => {
                let died = MediaError::ProgramDied { path: found.path.clone() };
                return Ok(Outcome::Bad(Unreadable::file(&found, &died)));
            }
        };
        match result {
            Err(EngineError::Media(MediaError::Missing { .. })) => Ok(Outcome::Skipped(path)),
            other => other,
        }
    }

    fn read_new(&self, found: Found) -> Result<Outcome, EngineError> {
        match self.read_good(&found) {
            Err(EngineError::Media(error)) if !matches!(error, MediaError::Missing { .. }) => {
                Ok(Outcome::Bad(Unreadable::file(&found, &error)))
            }
            Ok(Some(outcome)) => Ok(outcome),
            Ok(None) => Ok(Outcome::Copy(found)),
            Err(error) => Err(error),
        }
    }

    /// `None` when another thread reads the same content.
    fn read_good(&self, found: &Found) -> Result<Option<Outcome>, EngineError> {
        let stopping = || self.cx.stopping();
        let hash = patiently(&self.cx.stop(), || Ok(hash_photo(&found.path, &Limits::default(), &stopping)?))?;
        if self.kept_out.photo(&hash.0) {
            return Ok(Some(Outcome::KeptOut(found.path.clone())));
        }
        if let Some(id) = self.catalog.read_before(&hash.0)? {
            return Ok(Some(Outcome::Located(found.clone(), id)));
        }
        if let Some(taken) = &self.taken {
            let mut taken = taken.lock().unwrap_or_else(PoisonError::into_inner);
            if !taken.insert(hash) {
                return Ok(None);
            }
        }
        // Before the sidecar is read: a change meanwhile is found by the next run.
        let reading = facts::reading_on_disk(&found.path);
        let beside = beside(&found.path);
        self.loader()?.with_facts(&found.path, &beside, |photo, input| {
            let read = photo.facts.unwrap_or_default();
            if let Some(over_limit) = read.inside {
                return Err(over_limit.at(&found.path).into());
            }
            let thumbnail_jpeg = sightline_media::thumbnail(&photo.rgb, THUMBNAIL)?;
            let fingerprint = Fingerprint::of(&photo.rgb).ok();
            let metadata = photo.metadata;
            let fresh = FreshPhoto {
                found: found.clone(),
                hash: photo.hash,
                size: (metadata.width, metadata.height),
                orientation: metadata.orientation,
                format: metadata.format,
                fingerprint,
                thumbnail_jpeg,
                facts: facts::to_catalog(read.facts),
                reading,
                sidecar: facts::refused_sidecar(read.beside, &beside),
            };
            Ok(Some(Outcome::Fresh(Box::new(fresh), input)))
        })
    }

    fn read_again(&self, id: PhotoId, path: PathBuf) -> Result<Outcome, EngineError> {
        let (hash, input) = match self.loader()?.with_photo(&path, |photo, input| Ok((photo.hash, input))) {
            Ok(loaded) => loaded,
            // On an unplugged disk, or broken since: it keeps its place in the library.
            Err(EngineError::Media(_)) => return Ok(Outcome::Skipped(path)),
            Err(error) => return Err(error),
        };
        let same = self.catalog.by_hash(&hash.0)? == Some(id);
        Ok(if same { Outcome::Again(id, path, input) } else { Outcome::Skipped(path) })
    }

    /// The loader; the model is loaded when the first photo needs it.
    fn loader(&self) -> Result<Arc<Loader>, EngineError> {
        let mut loader = self.loader.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(loader) = &*loader {
            return Ok(loader.clone());
        }
        let ready = self.host.ready(Lane::Batch).wait()?;
        Ok(loader.insert(Arc::new(self.cx.loader(ready.preprocess))).clone())
    }
}
