//! Who describes photos: the decoder of the model in use, or a pack that was chosen for it.
//!
//! A pack's sentences are held against their photos by the model in use, as the decoder's own are. Where a published search
//! model is in use, the bundled one describes, and holds sentences against photos.

use std::path::Path;

use crossbeam_channel::Sender;
use sightline_vlm::{Caption, Described, ModelInput, Preprocess, Search};

use super::Judged;
use crate::batches::batch_size;
use crate::loading::Loader;
use crate::model_host::{Lane, Prepared, TextHost, Ticket};
use crate::models::WritingPack;
use crate::serving::Serving;
use crate::{Engine, EngineError};

/// Describes photos.
pub(crate) struct Describing {
    /// Who judges: the model in use, or the bundled one, whose bars for sentences were measured.
    pub serving: Serving,
    pack: Option<(WritingPack, TextHost)>,
}

/// A photo, prepared for whoever describes it.
#[derive(Debug, Clone)]
pub(crate) enum Seen {
    Own(ModelInput),
    Pack(Prepared),
}

/// Reads photos for whoever describes them.
pub(crate) struct SeenLoader {
    loader: Loader,
    /// How the model in use wants its photos.
    search: Preprocess,
    /// How the pack wants them.
    writing: Option<Preprocess>,
}

impl SeenLoader {
    /// Reads, decodes and prepares a photo.
    pub fn load(&self, path: &Path) -> Result<Seen, EngineError> {
        let Some(writing) = &self.writing else { return Ok(Seen::Own(self.loader.load(path)?)) };
        self.loader.with_photo(path, |photo, _| {
            let rgb = &photo.rgb;
            let prepare = |preprocess: &Preprocess| preprocess.prepare(rgb.width, rgb.height, &rgb.pixels);
            Ok(Seen::Pack(Prepared { search: prepare(&self.search)?, writing: prepare(writing)? }))
        })
    }
}

impl Engine {
    /// Whoever describes photos of this library now.
    pub(crate) fn describing(&self) -> Result<Describing, EngineError> {
        let pack = self.captioner()?.map(|pack| (pack, self.text_host().clone()));
        let in_use = self.serving();
        // A published search model neither describes nor has measured bars for sentences.
        let serving = if in_use.host.spec()?.writes_captions { in_use } else { self.bundled(in_use)? };
        Ok(Describing { serving, pack })
    }
}

impl Describing {
    /// What tells its captions from another's.
    pub fn caption_id(&self) -> Result<String, EngineError> {
        match &self.pack {
            Some((pack, _)) => Ok(pack.id.clone()),
            None => Ok(self.serving.host.spec()?.caption_id.clone()),
        }
    }

    /// Photos a batch: a pack takes seconds for one, and what is not committed is lost when the program dies.
    pub fn batch_size(&self) -> usize {
        if self.pack.is_some() { 1 } else { batch_size() }
    }

    /// Loads the model in use if need be; `loader` makes a loader for photos prepared in one way.
    pub fn loader(&self, lane: Lane, loader: impl FnOnce(Preprocess) -> Loader) -> Result<SeenLoader, EngineError> {
        let search = self.serving.host.ready(lane).wait()?.preprocess;
        let writing = self.pack.as_ref().map(|(pack, _)| pack.preprocess.clone());
        // Decoded large enough for both.
        let larger = writing.clone().filter(|writing| writing.size > search.size).unwrap_or_else(|| search.clone());
        Ok(SeenLoader { loader: loader(larger), search, writing })
    }

    /// A caption for each photo, yet to be judged.
    pub fn describe(&self, lane: Lane, photos: Vec<Seen>, search: Search) -> Ticket<Vec<Described>> {
        let (mut own, mut prepared) = (Vec::new(), Vec::new());
        for photo in photos {
            match photo {
                Seen::Own(photo) => own.push(photo),
                Seen::Pack(photo) => prepared.push(photo),
            }
        }
        match &self.pack {
            Some((pack, host)) => host.describe(lane, &pack.folder, prepared, &self.serving.host, search, None),
            None => self.serving.host.describe(lane, own, search),
        }
    }

    /// A caption for one photo, yet to be judged. `so_far` hears of it token by token; dropping its other end stops the
    /// work.
    pub fn describe_one(&self, photo: Seen, search: Search, so_far: Sender<Caption>) -> Ticket<Vec<Described>> {
        let host = &self.serving.host;
        match (photo, &self.pack) {
            (Seen::Pack(photo), Some((pack, writer))) => {
                writer.describe(Lane::Interactive, &pack.folder, vec![photo], host, search, Some(so_far))
            }
            (Seen::Own(photo) | Seen::Pack(Prepared { search: photo, .. }), _) => {
                host.describe_aloud(photo, search, so_far)
            }
        }
    }

    /// What was written of photos, judged.
    pub fn judged(&self, engine: &Engine, lane: Lane, described: Vec<Described>) -> Result<Vec<Judged>, EngineError> {
        let mut judged = engine.judged(&self.serving, lane, described)?;
        let id = self.caption_id()?;
        judged.iter_mut().for_each(|judged| judged.written_by.clone_from(&id));
        Ok(judged)
    }
}
