//! A file that is to be there whole or not at all: written under a name of its own, flushed, and renamed.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::{Builder, TempPath};

use crate::CatalogError;
use crate::status::beside;

/// A part that nobody has written to for so long is what a killed process left.
const ABANDONED: Duration = Duration::from_hours(24);
/// How a part's name ends.
const SUFFIX: &str = ".part";
/// What SQLite may lay beside a database.
pub(crate) const SIDE_FILES: [&str; 3] = ["-wal", "-shm", "-journal"];

/// A file to be; removed, unless it takes its name.
#[derive(Debug)]
pub(crate) struct Part {
    file: TempPath,
    logs: Logs,
}

/// What SQLite may have laid beside a part.
#[derive(Debug)]
struct Logs(PathBuf);

impl Drop for Logs {
    fn drop(&mut self) {
        for end in SIDE_FILES {
            // What is not there need not be removed.
            std::fs::remove_file(beside(&self.0, end)).ok();
        }
    }
}

impl Part {
    /// Makes an empty file in the folder of `file`, under a name that nobody else has.
    pub fn of(file: &Path) -> Result<Self, CatalogError> {
        let folder = folder_of(file);
        let mut prefix = std::ffi::OsString::from(".");
        prefix.push(file.file_name().unwrap_or_default());
        prefix.push(".");
        sweep(folder, &prefix);
        // For its owner alone, as temporary files are: a backup holds all that a library holds.
        let part = Builder::new().prefix(&prefix).suffix(SUFFIX).tempfile_in(folder);
        let file = part.map_err(|source| CatalogError::NotWritten { path: file.into(), source })?.into_temp_path();
        let logs = Logs(file.to_path_buf());
        Ok(Self { file, logs })
    }

    /// Where it lies until it takes its name.
    pub fn path(&self) -> &Path {
        &self.file
    }

    /// Flushes it and gives it the name `file`, whatever had that name before.
    pub fn take_name(self, file: &Path) -> Result<(), CatalogError> {
        flush(&self.file)?;
        let Self { file: part, logs } = self;
        part.persist(file).map_err(|fault| CatalogError::io(file, fault.error))?;
        drop(logs);
        flush_folder(file)
    }

    /// As [`Part::take_name`], unless there is a file of that name.
    pub fn take_free_name(self, file: &Path) -> Result<(), CatalogError> {
        flush(&self.file)?;
        let Self { file: part, logs } = self;
        if let Err(fault) = part.persist_noclobber(file) {
            if fault.error.kind() == std::io::ErrorKind::AlreadyExists || file.symlink_metadata().is_ok() {
                return Err(CatalogError::BackupExists { path: file.into() });
            }
            // Some network disks know no such renaming.
            fault.path.persist(file).map_err(|fault| CatalogError::io(file, fault.error))?;
        }
        drop(logs);
        flush_folder(file)
    }
}

/// The folder that a file lies in.
pub(crate) fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Brings a file's bytes to the disk.
fn flush(file: &Path) -> Result<(), CatalogError> {
    let open = File::options().write(true).open(file);
    open.and_then(|open| open.sync_all()).map_err(|error| CatalogError::io(file, error))
}

/// Brings the names in a file's folder to the disk.
pub(crate) fn flush_folder(file: &Path) -> Result<(), CatalogError> {
    // Windows opens no folder, and writes names down by itself.
    #[cfg(unix)]
    File::open(folder_of(file)).and_then(|dir| dir.sync_all()).map_err(|error| CatalogError::io(file, error))?;
    #[cfg(not(unix))]
    let _ = file;
    Ok(())
}

/// Removes the parts of killed processes.
fn sweep(folder: &Path, prefix: &std::ffi::OsStr) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.as_encoded_bytes();
        let is_part = name.starts_with(prefix.as_encoded_bytes())
            && (name.ends_with(SUFFIX.as_bytes())
                || SIDE_FILES.iter().any(|end| name.ends_with(format!("{SUFFIX}{end}").as_bytes())));
        if is_part {
            remove_abandoned(&entry.path(), ABANDONED);
        }
    }
}

/// Removes a file that nobody has written to for `age`. One that cannot be removed does no harm.
pub(crate) fn remove_abandoned(file: &Path, age: Duration) {
    let modified = std::fs::symlink_metadata(file).and_then(|metadata| metadata.modified());
    if modified.ok().and_then(|time| time.elapsed().ok()).is_some_and(|since| since > age) {
        std::fs::remove_file(file).ok();
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    #[test]
    fn a_part_that_takes_no_name_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let part = Part::of(&dir.path().join("backup")).unwrap();
        std::fs::write(beside(part.path(), "-wal"), "log").unwrap();
        drop(part);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn only_what_a_process_killed_long_ago_left_is_swept_away() {
        let dir = tempfile::tempdir().unwrap();
        let (old, young) = (dir.path().join(".backup.Abc123.part"), dir.path().join(".backup.Def456.part"));
        let other = dir.path().join(".other.Abc123.part");
        for file in [&old, &young, &other] {
            std::fs::write(file, "half").unwrap();
        }
        for file in [&old, &other] {
            let long_ago = SystemTime::now() - ABANDONED * 2;
            File::options().write(true).open(file).unwrap().set_modified(long_ago).unwrap();
        }
        drop(Part::of(&dir.path().join("backup")).unwrap());
        assert!(!old.exists() && young.exists() && other.exists());
    }
}
