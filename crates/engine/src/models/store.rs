//! Where packs lie: `MODELS/NAME/` is a pack, whole; `NAME.partial/` one that is being made, to be gone on with;
//! `NAME.original/` the checkpoint that it was made from, if that was to be kept.
//!
//! A pack appears by one rename of a folder whose files have been flushed to the disk. Who makes or removes one holds its lock.

use std::fs::{File, TryLockError};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use sightline_vlm::packs::is_pack_name;

use super::ModelsError;
use crate::new_file::new_file_in;

/// The file beside the packs that says what files had at their first download.
const PINS: &str = "digests.json";

/// A folder of packs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelStore {
    folder: PathBuf,
}

/// Held by whoever makes or removes a pack; given up when dropped, or when the process ends.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl ModelStore {
    /// The packs in `folder`, which need not be there.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Bytes that are free on its disk, where the system says.
    pub fn free_bytes(&self) -> Option<u64> {
        // It may not be there yet; then what is above it says.
        let there = self.folder.ancestors().find(|folder| folder.is_dir())?;
        fs4::available_space(there).ok()
    }

    /// Where the pack of this name lies, or would.
    pub fn pack(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Where it is made.
    pub(super) fn partial(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.partial"))
    }

    /// Where the checkpoint is kept that it was made from.
    pub(super) fn original(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.original"))
    }

    /// The names of the packs that are there, whole or not, in order.
    pub fn names(&self) -> Vec<String> {
        self.entries(|name| Some(name.to_owned()))
    }

    /// The names of those that are being made, or were when that was stopped.
    pub(super) fn unfinished(&self) -> Vec<String> {
        self.entries(|name| name.strip_suffix(".partial").map(str::to_owned))
    }

    fn entries(&self, of: impl Fn(&str) -> Option<String>) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(&self.folder) else { return Vec::new() };
        let folders = entries.flatten().filter(|entry| entry.path().is_dir());
        let names = folders.filter_map(|entry| entry.file_name().into_string().ok());
        let mut names: Vec<String> = names.filter_map(|name| of(&name)).filter(|name| is_pack_name(name)).collect();
        names.sort();
        names
    }

    /// Takes the lock of a name; makes the folder if it is not there.
    pub(super) fn lock(&self, name: &str) -> Result<Lock, ModelsError> {
        make_folder(&self.folder)?;
        let path = self.folder.join(format!("{name}.lock"));
        let file = File::options().create(true).truncate(false).write(true).open(&path);
        let file = file.map_err(ModelsError::io(&path))?;
        match file.try_lock() {
            Ok(()) => Ok(Lock { _file: file }),
            Err(TryLockError::WouldBlock) => Err(ModelsError::Busy { name: name.into() }),
            // A share without locks: nobody else is known to be at work.
            Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => Ok(Lock { _file: file }),
            Err(TryLockError::Error(source)) => Err(ModelsError::Io { path, source }),
        }
    }

    /// Puts a finished folder in the place of the pack, in one step.
    pub(super) fn publish(&self, made: &Path, name: &str) -> Result<(), ModelsError> {
        let pack = self.pack(name);
        // One that is there is not whole, or nobody would have made another.
        remove_folder(&pack)?;
        flush_folder(made)?;
        std::fs::rename(made, &pack).map_err(ModelsError::io(&pack))?;
        flush(&self.folder)
    }

    /// What a file had at its first download: its SHA-256 by repository, revision and path.
    pub(super) fn pins(&self) -> Result<std::collections::BTreeMap<String, String>, ModelsError> {
        Ok(read_json(&self.folder.join(PINS))?.unwrap_or_default())
    }

    /// Remembers what a file has.
    pub(super) fn pin(&self, key: String, sha256: &str) -> Result<(), ModelsError> {
        let mut pins = self.pins()?;
        pins.insert(key, sha256.to_owned());
        write_json(&self.folder.join(PINS), &pins)
    }
}

/// Makes a folder with those above it.
pub(super) fn make_folder(folder: &Path) -> Result<(), ModelsError> {
    std::fs::create_dir_all(folder).map_err(ModelsError::io(folder))
}

/// Removes a folder with all in it, if it is there. One that is removed half is still no pack: its description goes first.
/// Of a link only the link goes: what it leads to is somebody else's.
pub(super) fn remove_folder(folder: &Path) -> Result<(), ModelsError> {
    if is_link(folder) {
        return std::fs::remove_file(folder).or_else(|_| std::fs::remove_dir(folder)).map_err(ModelsError::io(folder));
    }
    let description = folder.join(sightline_vlm::INFO_FILE);
    for removed in [std::fs::remove_file(&description), std::fs::remove_dir_all(folder)] {
        match removed {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(ModelsError::io(folder)(error)),
            _ => {}
        }
    }
    Ok(())
}

fn is_link(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|there| there.is_symlink())
}

/// The bytes of all files in a folder; of one that is a link, none.
pub(super) fn folder_bytes(folder: &Path) -> u64 {
    if is_link(folder) {
        return 0;
    }
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let bytes = entries.flatten().map(|entry| match entry.metadata() {
        Ok(there) if there.is_dir() => folder_bytes(&entry.path()),
        Ok(there) => there.len(),
        Err(_) => 0,
    });
    bytes.sum()
}

/// Flushes a folder's files, and then its list of them.
fn flush_folder(folder: &Path) -> Result<(), ModelsError> {
    for entry in std::fs::read_dir(folder).map_err(ModelsError::io(folder))? {
        let path = entry.map_err(ModelsError::io(folder))?.path();
        if path.is_dir() {
            flush_folder(&path)?;
        } else {
            // Windows flushes only what is open for writing.
            let file = File::options().read(true).write(true).open(&path);
            file.and_then(|file| file.sync_all()).map_err(ModelsError::io(&path))?;
        }
    }
    flush(folder)
}

/// Flushes a folder's list of files, where a system has such a thing.
pub(super) fn flush(folder: &Path) -> Result<(), ModelsError> {
    if cfg!(unix) {
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(ModelsError::io(folder))?;
    }
    Ok(())
}

/// Reads a file of our own; `None` when it is not there or was not written whole.
pub(super) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, ModelsError> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(ModelsError::io(path)(error)),
    }
}

/// Writes a file of our own, whole or not at all.
pub(super) fn write_json(path: &Path, value: &impl Serialize) -> Result<(), ModelsError> {
    let folder = path.parent().expect("it lies in a folder of models");
    let write = || {
        let mut file = new_file_in(folder)?;
        file.write_all(&serde_json::to_vec_pretty(value)?)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    };
    write().map_err(ModelsError::io(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_makes_a_pack_is_alone_with_it() {
        let dir = tempfile::tempdir().unwrap();
        let store = ModelStore::new(dir.path().join("models"));
        let lock = store.lock("small").unwrap();
        assert_eq!(store.lock("small").unwrap_err().code(), "model_busy");
        store.lock("other").unwrap();
        drop(lock);
        store.lock("small").unwrap();
        assert_eq!(store.names(), [""; 0], "a lock is no pack");
    }

    #[test]
    fn a_pack_takes_the_place_of_a_broken_one_and_its_bytes_are_counted() {
        let dir = tempfile::tempdir().unwrap();
        let store = ModelStore::new(dir.path());
        make_folder(&store.pack("small")).unwrap();
        std::fs::write(store.pack("small").join("left-over"), "x").unwrap();
        let made = store.partial("small").join("pack");
        make_folder(&made).unwrap();
        std::fs::write(made.join("a"), "12345").unwrap();
        store.publish(&made, "small").unwrap();
        assert_eq!((store.names(), folder_bytes(&store.pack("small"))), (vec!["small".to_owned()], 5));
        assert_eq!(store.unfinished(), ["small"]);
    }

    #[test]
    fn what_a_file_had_at_first_is_remembered() {
        let dir = tempfile::tempdir().unwrap();
        let store = ModelStore::new(dir.path());
        assert!(store.pins().unwrap().is_empty());
        store.pin("owner/name@1/config.json".into(), "ab").unwrap();
        store.pin("owner/name@1/merges.txt".into(), "cd").unwrap();
        assert_eq!(store.pins().unwrap()["owner/name@1/config.json"], "ab");
        assert_eq!(store.pins().unwrap().len(), 2);
    }
}
