//! Copies of photos in a folder; nothing that is there is overwritten.
//!
//! A photo that cannot be copied is passed over, and named at the end.

use std::ffi::OsString;
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sightline_catalog::PhotoId;
use sightline_media::{MediaError, hash_file, is_pair, is_photo};

use crate::EngineError;
use crate::jobs::{Job, JobCx};
use crate::new_file::new_file_in;

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
    /// [`EngineError::NoFolderForCopies`].
    pub fn new(photos: &[PhotoId], folder: &Path) -> Result<Self, EngineError> {
        if !folder.is_dir() {
            return Err(EngineError::NoFolderForCopies { path: folder.into() });
        }
        Ok(Self { photos: photos.iter().map(|photo| photo.0).collect(), folder: folder.into() })
    }
}

impl Job for CopyJob {
    const KIND: &'static str = "copy";

    fn without(self, is_forgotten: &dyn Fn(&Path) -> bool) -> Option<Self> {
        (!is_forgotten(&self.folder)).then_some(self)
    }

    fn run(&mut self, cx: &JobCx<'_>) -> Result<(), EngineError> {
        let total = self.photos.len() as u64;
        let mut skipped: Vec<Skipped> = Vec::new();
        for (done, photo) in (0..).zip(&self.photos) {
            cx.check()?;
            let copied = copy_photo(cx, PhotoId(*photo), &self.folder, done, total)?;
            for one in copied {
                cx.item_failed(&one.path, one.code, &one.reason);
                skipped.push(one);
            }
        }
        cx.progress("copy", total, total, None)?;
        if skipped.is_empty() { Ok(()) } else { Err(EngineError::NotAllCopied { skipped: list(&skipped) }) }
    }
}

/// A file that was not copied.
struct Skipped {
    path: PathBuf,
    code: &'static str,
    reason: String,
}

/// Files that an error names.
const MOST_NAMED: usize = 5;

/// Some of them by name, with the reason.
fn list(skipped: &[Skipped]) -> String {
    let mut lines: Vec<String> = skipped.iter().take(MOST_NAMED).map(|one| one.reason.clone()).collect();
    if skipped.len() > MOST_NAMED {
        lines.push(format!("and {} more", skipped.len() - MOST_NAMED));
    }
    lines.join("; ")
}

/// Copies a photo with what belongs to it; gives back what could not be copied. Only what ends all of the work is an
/// error.
fn copy_photo(
    cx: &JobCx<'_>,
    photo: PhotoId,
    folder: &Path,
    done: u64,
    total: u64,
) -> Result<Vec<Skipped>, EngineError> {
    let catalog = cx.engine().catalog()?;
    let gone = || Skipped {
        path: PathBuf::new(),
        code: "photo_gone",
        reason: EngineError::PhotoGone { id: photo.0 }.to_string(),
    };
    let Some(row) = catalog.photo(photo)? else { return Ok(vec![gone()]) };
    let mut first = None;
    for from in catalog.paths_of(photo)? {
        cx.progress("copy", done, total, Some(&from))?;
        match copy_into(&from, folder, Some(row.hash)) {
            // Its RAW file or film goes with it.
            Ok(()) => return copy_companions(cx, &from, folder),
            Err(error) => {
                let skipped = passed_over(&from, error)?;
                // Another of its files may be whole.
                first.get_or_insert(skipped);
            }
        }
    }
    Ok(vec![first.unwrap_or_else(gone)])
}

/// Copies what belongs to a photo's file. The catalogue knows no hash of it, so its name must say so: the photo's own,
/// with the ending of a RAW file or a film.
fn copy_companions(cx: &JobCx<'_>, main: &Path, folder: &Path) -> Result<Vec<Skipped>, EngineError> {
    let mut skipped = Vec::new();
    for companion in cx.engine().catalog()?.companions_of_file(main)? {
        let path = companion.path;
        let copied = match is_pair(main, &path) {
            true => copy_into(&path, folder, None),
            false => Err(EngineError::ChangedSince { path: path.clone() }),
        };
        if let Err(error) = copied {
            skipped.push(passed_over(&path, error)?);
        }
    }
    Ok(skipped)
}

/// A bad file stops only itself, a full disk all of it.
fn passed_over(path: &Path, error: EngineError) -> Result<Skipped, EngineError> {
    use std::io::ErrorKind::{QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    if let EngineError::Io { source, .. } = &error
        && matches!(source.kind(), StorageFull | QuotaExceeded | ReadOnlyFilesystem)
    {
        return Err(error);
    }
    Ok(Skipped { path: path.into(), code: error.code(), reason: error.to_string() })
}

/// Copies a file under its own name, or with a number after it where that is taken by another content. With a hash, only
/// a photo with that content: the catalogue says which files are photos, and may come from anybody.
fn copy_into(from: &Path, folder: &Path, hash: Option<[u8; 32]>) -> Result<(), EngineError> {
    let io = |path: &Path| {
        let path = path.to_path_buf();
        move |source: std::io::Error| EngineError::Io { path, source }
    };
    let changed = || EngineError::ChangedSince { path: from.into() };
    let metadata = std::fs::metadata(from).map_err(|error| MediaError::io(from, error))?;
    if !metadata.is_file() {
        return Err(changed());
    }
    let mut source = std::fs::File::open(from).map_err(|error| MediaError::io(from, error))?;
    let mut part = new_file_in(folder).map_err(io(folder))?;
    std::io::copy(&mut source, part.as_file_mut()).map_err(io(folder))?;
    // What was copied, and not what lies there now.
    let copied = hash_file(part.path())?;
    if let Some(hash) = hash {
        let mut head = [0; 64];
        part.rewind().map_err(io(folder))?;
        let length = part.read(&mut head).map_err(io(folder))?;
        if copied.0 != hash || !is_photo(from, &head[..length]) {
            return Err(changed());
        }
    }
    if let Ok(changed) = metadata.modified() {
        part.as_file().set_modified(changed).map_err(io(folder))?;
    }
    part.as_file().sync_all().map_err(io(folder))?;
    for number in 1.. {
        let to = folder.join(numbered(from, number));
        match part.persist_noclobber(&to) {
            Ok(_) => return Ok(()),
            Err(error) if to.symlink_metadata().is_ok() => {
                // Run again after a pause: what has been copied is there.
                if to.is_file() && hash_file(&to).is_ok_and(|there| there == copied) {
                    return Ok(());
                }
                part = error.file;
            }
            Err(error) => return Err(io(&to)(error.error)),
        }
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
    #[test]
    fn what_is_missing_or_has_changed_is_passed_over_and_named_at_the_end() {
        let world = World::new();
        for (name, colour, shade) in [("a.jpg", RED, 0), ("b.jpg", BLUE, 0), ("c.jpg", RED, 9), ("d.jpg", BLUE, 9)] {
            world.photo(name, colour, shade);
        }
        world.index();
        let engine = world.engine();
        let all = everything(&engine);
        std::fs::remove_file(world.path("a.jpg")).unwrap();
        std::fs::write(world.path("b.jpg"), "[Desktop Entry]").unwrap();
        std::fs::remove_file(world.path("c.jpg")).unwrap();
        std::fs::create_dir(world.path("c.jpg")).unwrap();
        let out = tempfile::tempdir().unwrap();
        let mut wanted = all.clone();
        // One that the library knows nothing of.
        wanted.insert(0, PhotoId(999));
        let failed = std::sync::Mutex::new(Vec::new());
        let error = engine
            .run_job(&mut CopyJob::new(&wanted, out.path()).unwrap(), &world.control, &|event| {
                if let crate::jobs::JobEvent::ItemFailed { code, .. } = event {
                    failed.lock().unwrap().push(code);
                }
            })
            .unwrap_err();
        assert_eq!(error.code(), "not_all_copied");
        let told = error.to_string();
        assert!(["a.jpg", "b.jpg", "c.jpg", "999"].iter().all(|name| told.contains(name)), "{told}");
        let mut failed = failed.into_inner().unwrap();
        failed.sort();
        assert_eq!(failed, ["changed_since", "changed_since", "missing", "photo_gone"]);
        let copied: Vec<_> = std::fs::read_dir(out.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(copied, ["d.jpg"]);
    }

    #[test]
    fn what_disappears_while_others_are_copied_is_passed_over() {
        let world = World::new();
        for (name, shade) in [("a.jpg", 0), ("b.jpg", 1), ("c.jpg", 2), ("d.jpg", 3)] {
            world.photo(name, RED, shade);
        }
        world.index();
        let (engine, out) = (world.engine(), tempfile::tempdir().unwrap());
        let all = everything(&engine);
        let path_of = |photo: PhotoId| engine.catalog().unwrap().paths_of(photo).unwrap().remove(0);
        let (gone, loop_of_links) = (path_of(all[2]), path_of(all[3]));
        // When the first is under way.
        let spoil = |event| {
            if matches!(event, crate::jobs::JobEvent::Progress(_)) && gone.is_file() {
                std::fs::remove_file(&gone).unwrap();
                std::fs::remove_file(&loop_of_links).unwrap();
                #[cfg(unix)]
                std::os::unix::fs::symlink(&loop_of_links, &loop_of_links).unwrap();
            }
        };
        let mut job = CopyJob::new(&all, out.path()).unwrap();
        let error = engine.run_job(&mut job, &world.control, &spoil).unwrap_err();
        assert_eq!(error.code(), "not_all_copied");
        let names = |path: &Path| path.file_name().unwrap().to_owned();
        let mut copied: Vec<_> =
            std::fs::read_dir(out.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        copied.sort();
        let mut whole = [path_of(all[0]), path_of(all[1])].map(|path| names(&path));
        whole.sort();
        assert_eq!(copied, whole, "{error}");
    }

    #[test]
    fn a_full_disk_ends_it_and_one_bad_file_does_not() {
        use std::io::ErrorKind;
        let of = |kind: ErrorKind| {
            let error = EngineError::Io { path: "/folder".into(), source: std::io::Error::from(kind) };
            passed_over(Path::new("/a.jpg"), error)
        };
        for kind in [ErrorKind::StorageFull, ErrorKind::QuotaExceeded, ErrorKind::ReadOnlyFilesystem] {
            let error = of(kind).map(|_| ()).unwrap_err();
            assert_eq!(error.code(), "io", "{kind}");
            assert!(error.to_string().contains("/folder"), "{error}");
        }
        for kind in [ErrorKind::PermissionDenied, ErrorKind::NotFound, ErrorKind::Other] {
            assert_eq!(of(kind).unwrap().path, Path::new("/a.jpg"));
        }
        let missing = MediaError::Missing { path: "/a.jpg".into() };
        assert_eq!(passed_over(Path::new("/a.jpg"), missing.into()).unwrap().code, "missing");
    }

    #[test]
    fn only_photos_with_the_content_that_the_catalogue_vouches_for_are_copied() {
        let out = tempfile::tempdir().unwrap();
        let from = tempfile::tempdir().unwrap();
        let photo = crate::testing::jpeg(RED, 0);
        let program = b"[Desktop Entry]\nExec=touch /tmp/owned\n".to_vec();
        for (name, content, hash_of) in [
            ("gift.desktop", &program, &program),
            ("gift.desktop", &photo, &photo),
            ("gift.jpg", &program, &program),
            ("gift.jpg", &photo, &program),
            ("gift", &photo, &photo),
        ] {
            let path = from.path().join(name);
            std::fs::write(&path, content).unwrap();
            let hash = sightline_media::ContentHash::of(hash_of).0;
            assert_eq!(copy_into(&path, out.path(), Some(hash)).unwrap_err().code(), "changed_since", "{name}");
        }
        assert_eq!(std::fs::read_dir(out.path()).unwrap().count(), 0);
    }

    #[cfg(unix)]
    #[test]
    fn copies_have_the_rights_of_new_files() {
        use std::os::unix::fs::PermissionsExt;
        let world = World::new();
        world.photo("a.jpg", RED, 0);
        world.index();
        let (engine, out) = (world.engine(), tempfile::tempdir().unwrap());
        let mut job = CopyJob::new(&everything(&engine), out.path()).unwrap();
        engine.run_job(&mut job, &world.control, &|_| {}).unwrap();
        let new = out.path().join("new");
        std::fs::write(&new, "").unwrap();
        let mode = |file: &Path| file.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&out.path().join("a.jpg")), mode(&new));
    }
}
