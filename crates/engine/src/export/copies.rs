//! Copies of photos in a folder; nothing that is there is overwritten.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sightline_catalog::PhotoId;

use crate::EngineError;
use crate::jobs::{Job, JobCx};

/// Copies photos into a folder.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CopyJob {
    photos: Vec<i64>,
    #[serde(with = "crate::paths::one")]
    folder: PathBuf,
}

impl CopyJob {
    /// A job that copies `photos` into `folder`, which must be there.
    ///
    /// # Errors
    /// [`EngineError::NotAFolder`].
    pub fn new(photos: &[PhotoId], folder: &Path) -> Result<Self, EngineError> {
        if !folder.is_dir() {
            return Err(EngineError::NotAFolder { path: folder.into() });
        }
        Ok(Self { photos: photos.iter().map(|photo| photo.0).collect(), folder: folder.into() })
    }
}

impl Job for CopyJob {
    const KIND: &'static str = "copy";

    fn run(&mut self, cx: &JobCx<'_>) -> Result<(), EngineError> {
        let total = self.photos.len() as u64;
        for (done, photo) in (0..).zip(&self.photos) {
            cx.check()?;
            let from = cx.engine().file_of(PhotoId(*photo))?;
            cx.progress("copy", done, total, Some(&from))?;
            // Its RAW file or film goes with it.
            let companions = cx.engine().catalog()?.companions_of_file(&from)?;
            for from in std::iter::once(from).chain(companions.into_iter().map(|companion| companion.path)) {
                if let Err(error) = copy_into(&from, &self.folder) {
                    // A full disk stops all of it, a bad file only itself.
                    let EngineError::Io { source, .. } = &error else { return Err(error) };
                    if source.kind() == std::io::ErrorKind::StorageFull {
                        return Err(error);
                    }
                    cx.item_failed(&from, error.code(), &error.to_string());
                }
            }
        }
        cx.progress("copy", total, total, None)
    }
}

/// Copies a file under its own name, or with a number after it where that is taken by another content.
fn copy_into(from: &Path, folder: &Path) -> Result<(), EngineError> {
    let io = |path: &Path| {
        let path = path.to_path_buf();
        move |source: std::io::Error| EngineError::Io { path, source }
    };
    let hash = sightline_media::hash_file(from)?;
    for number in 1.. {
        let to = folder.join(numbered(from, number));
        if to.exists() {
            // Run again after a pause: what has been copied is there.
            if sightline_media::hash_file(&to)? == hash {
                return Ok(());
            }
            continue;
        }
        let mut part = tempfile::NamedTempFile::new_in(folder).map_err(io(&to))?;
        let mut source = std::fs::File::open(from).map_err(io(from))?;
        std::io::copy(&mut source, part.as_file_mut()).map_err(io(&to))?;
        if let Ok(changed) = source.metadata().and_then(|data| data.modified()) {
            part.as_file().set_modified(changed).map_err(io(&to))?;
        }
        part.as_file().sync_all().map_err(io(&to))?;
        part.persist_noclobber(&to).map_err(|error| io(&to)(error.error))?;
        return Ok(());
    }
    Ok(())
}

/// `a.jpg`, then `a 2.jpg`, `a 3.jpg`...
fn numbered(path: &Path, number: u32) -> OsString {
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    if number > 1 {
        name.push(format!(" {number}"));
    }
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Engine;
    use crate::testing::{BLUE, RED, World};

    fn everything(engine: &Engine) -> Vec<PhotoId> {
        engine.browse(&sightline_catalog::Filter::default(), sightline_catalog::DateOrder::NewestFirst).unwrap()
    }

    #[test]
    fn copies_keep_their_names_and_overwrite_nothing() {
        let world = World::new();
        world.photo("a/x.jpg", RED, 0);
        world.photo("b/x.jpg", BLUE, 0);
        world.index();
        let engine = world.engine();
        let out = tempfile::tempdir().unwrap();
        std::fs::write(out.path().join("x.jpg"), "mine").unwrap();
        for _again in 0..2 {
            let mut job = CopyJob::new(&everything(&engine), out.path()).unwrap();
            engine.run_job(&mut job, &world.control, &|_| {}).unwrap();
        }
        let read = |name: &str| std::fs::read(out.path().join(name)).unwrap();
        assert_eq!(read("x.jpg"), b"mine");
        let mut copies = [read("x 2.jpg"), read("x 3.jpg")];
        let mut originals = ["a/x.jpg", "b/x.jpg"].map(|name| std::fs::read(world.path(name)).unwrap());
        copies.sort();
        originals.sort();
        assert_eq!(copies, originals);
        assert_eq!(std::fs::read_dir(out.path()).unwrap().count(), 3);
    }
}
