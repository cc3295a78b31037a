//! Captions for files, in a library or not: told, kept, and written beside or into the files when that is asked.

use std::path::{Path, PathBuf};

use sightline_catalog::{CaptionAuthor, Overwrite, PhotoId};
use sightline_media::caption_metadata::WriteTo;
use sightline_media::{FileKind, Limits, hash_photo};
use sightline_vlm::{Described, Search};

use super::Judged;
use super::describing::{Seen, SeenLoader};
use super::write_out::{words_there, write_caption};
use crate::batches::Batches;
use crate::jobs::JobCx;
use crate::loading::work_ahead;
use crate::model_host::Lane;
use crate::serving::Serving;
use crate::{Engine, EngineError};

/// What to do with which files.
#[derive(Debug, Clone)]
pub struct CaptionFiles {
    /// Photos, and folders whose photos are meant.
    pub paths: Vec<PathBuf>,
    /// How captions are found.
    pub search: Search,
    /// Which captions that are there may be replaced.
    pub overwrite: Overwrite,
    /// Keeps captions in the library, of photos that are in it.
    pub save: bool,
    /// Writes captions out.
    pub write: Option<WriteTo>,
}

/// A file with its caption.
#[derive(Debug, Clone, PartialEq)]
pub struct CaptionedFile {
    /// The photo.
    pub path: PathBuf,
    /// The caption; none where the model is not sure.
    pub text: Option<String>,
    /// What the model wrote and how well it fits, which may be a guess; none for a caption that was there before.
    pub judged: Option<Judged>,
    /// What the model is sure of where it has no caption.
    pub tags: Vec<String>,
    /// Who wrote it.
    pub author: CaptionAuthor,
    /// Whether it was kept in the library.
    pub saved: bool,
    /// The file that it was written to.
    pub written_to: Option<PathBuf>,
}

/// What a loader thread finds out about a file.
enum Known {
    /// It has a caption that stays.
    Captioned(String, CaptionAuthor),
    /// It is to be described.
    Free(Seen),
}

impl CaptionFiles {
    /// Does it, handing each file to `told` as it is done; a bad file is reported and the others go on.
    ///
    /// # Errors
    /// When a path is not there, the model writes no captions, the library cannot be used, or the job is stopped.
    pub fn run(
        &self,
        cx: &JobCx<'_>,
        mut told: impl FnMut(CaptionedFile) -> Result<(), EngineError>,
    ) -> Result<(), EngineError> {
        let engine = cx.engine();
        let files = self.files()?;
        let total = files.len() as u64;
        let describing = engine.describing()?;
        let loader = describing.loader(Lane::Batch, |preprocess| cx.loader(preprocess))?;
        let mut batches =
            Batches::new(describing.batch_size(), |photos| describing.describe(Lane::Batch, photos, self.search));
        let mut done = 0;
        cx.progress("caption", 0, total, None)?;
        let mut finish = |described: Vec<(PathBuf, Described)>, done: &mut u64| -> Result<(), EngineError> {
            let (paths, described): (Vec<PathBuf>, Vec<Described>) = described.into_iter().unzip();
            for (path, judged) in paths.into_iter().zip(describing.judged(engine, Lane::Batch, described)?) {
                match self.keep(engine, &describing.serving, path.clone(), judged) {
                    Ok(file) => told(file)?,
                    Err(error) => cx.item_failed(&path, error.code(), &error.to_string()),
                }
                *done += 1;
                cx.progress("caption", *done, total, Some(&path))?;
            }
            Ok(())
        };
        let look = |path: PathBuf| {
            let known = self.look(engine, &loader, &path);
            (path, known)
        };
        let mut before = Vec::new();
        work_ahead(cx, files, 2 * describing.batch_size(), look, |(path, known)| {
            match known {
                Ok(Known::Free(input)) => {
                    let described = batches.push(path, input)?;
                    finish(described, &mut done)?;
                }
                Ok(Known::Captioned(text, author)) => {
                    let (text, tags) = (Some(text), Vec::new());
                    before.push(CaptionedFile {
                        path,
                        text,
                        judged: None,
                        tags,
                        author,
                        saved: false,
                        written_to: None,
                    });
                    done += 1;
                }
                Err(error) => {
                    cx.item_failed(&path, error.code(), &error.to_string());
                    done += 1;
                }
            }
            Ok(())
        })?;
        let last = batches.send()?;
        finish(last, &mut done)?;
        let last = batches.settle()?;
        finish(last, &mut done)?;
        before.into_iter().try_for_each(told)?;
        cx.progress("caption", total, total, None)
    }

    /// The photos meant, each once.
    fn files(&self) -> Result<Vec<PathBuf>, EngineError> {
        let mut files = Vec::new();
        for path in &self.paths {
            if !path.is_dir() {
                files.push(path.clone());
                continue;
            }
            for found in sightline_media::walk(path) {
                let found = found?;
                if matches!(found.kind, FileKind::Photo) {
                    files.push(found.path);
                }
            }
        }
        files.dedup();
        Ok(files)
    }

    fn look(&self, engine: &Engine, loader: &SeenLoader, path: &Path) -> Result<Known, EngineError> {
        if self.overwrite != Overwrite::All {
            let kept = match self.save {
                true => match photo_of(engine, path)? {
                    Some(photo) => engine.caption(photo)?,
                    None => None,
                },
                false => None,
            };
            let in_file = words_there(path)?.caption;
            // A caption in the file that is the model's own, written out before, is the model's.
            let own = kept.as_ref().filter(|kept| kept.author == CaptionAuthor::Machine);
            let in_file = in_file.filter(|text| own.is_none_or(|own| own.text != *text));
            if let Some(text) = in_file {
                return Ok(Known::Captioned(text, CaptionAuthor::File));
            }
            if let Some(kept) = kept
                && (self.overwrite == Overwrite::Never || kept.author != CaptionAuthor::Machine)
            {
                return Ok(Known::Captioned(kept.text, kept.author));
            }
        }
        Ok(Known::Free(loader.load(path)?))
    }

    fn keep(
        &self,
        engine: &Engine,
        serving: &Serving,
        path: PathBuf,
        judged: Judged,
    ) -> Result<CaptionedFile, EngineError> {
        let mut saved = false;
        if self.save {
            let Some(photo) = photo_of(engine, &path)? else { return Err(EngineError::NotIndexed { path }) };
            saved = engine.keep_caption(photo, &judged, &self.search, self.overwrite)?;
        }
        let text = judged.is_shown.then(|| judged.caption.text.clone());
        let written_to = match (self.write, &text) {
            (Some(to), Some(text)) => Some(write_caption(&path, text, to)?),
            _ => None,
        };
        let tags = if judged.is_shown { Vec::new() } else { engine.names_seen(serving, &judged.photo)? };
        let (judged, author) = (Some(judged), CaptionAuthor::Machine);
        Ok(CaptionedFile { path, text, judged, tags, author, saved, written_to })
    }
}

/// The photo of the library whose content the file has.
fn photo_of(engine: &Engine, path: &Path) -> Result<Option<PhotoId>, EngineError> {
    Ok(engine.catalog()?.by_hash(&hash_photo(path, &Limits::default(), &|| false)?.0)?)
}
