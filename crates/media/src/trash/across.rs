//! A file that goes from one disk to another: copied, written through and compared before the first is removed.

use std::fs::{self, File, FileTimes, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::{ContentHash, hash_file};

/// Moves a file to `to`, where nothing may lie. Once it lies there whole, a first one that cannot be removed is left.
///
/// # Errors
/// [`ErrorKind::AlreadyExists`] when something lies there, and the system's. Then `from` is as it was, and where nothing
/// lay nothing lies.
pub(super) fn move_file(from: &Path, to: &Path) -> io::Result<()> {
    if to.symlink_metadata().is_ok() {
        return Err(ErrorKind::AlreadyExists.into());
    }
    if from.symlink_metadata()?.is_symlink() {
        // Its name is all there is of it.
        return fs::rename(from, to);
    }
    match fs::hard_link(from, to) {
        Ok(()) => {
            sync_folder(to)?;
            drop(fs::remove_file(from));
            return Ok(());
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Err(error),
        Err(error) if error.kind() == ErrorKind::CrossesDevices => {}
        // A disk without hard links: a second look is all that is left.
        Err(_) => match fs::rename(from, to) {
            Ok(()) => return sync_folder(to),
            Err(error) if error.kind() == ErrorKind::CrossesDevices => {}
            Err(error) => return Err(error),
        },
    }
    copy_file(from, to)?;
    drop(fs::remove_file(from));
    Ok(())
}

/// Copies a file durably to `to`, where nothing may lie, with its times and permissions, and reads it back.
pub(super) fn copy_file(from: &Path, to: &Path) -> io::Result<()> {
    let temporary = Temporary::beside(to)?;
    let metadata = fs::metadata(from)?;
    let mut source = File::open(from)?;
    io::copy(&mut source, &mut &temporary.file)?;
    temporary.file.set_permissions(metadata.permissions())?;
    let times = FileTimes::new().set_modified(metadata.modified()?).set_accessed(metadata.accessed()?);
    // Some disks keep no such times.
    drop(temporary.file.set_times(times));
    temporary.file.sync_all()?;
    if hash(from)? != hash(&temporary.path)? {
        return Err(io::Error::other("the copy is not what was copied"));
    }
    temporary.publish(to)?;
    sync_folder(to)
}

fn hash(path: &Path) -> io::Result<ContentHash> {
    hash_file(path).map_err(io::Error::other)
}

/// Makes a new name in a folder last.
pub(super) fn sync_folder(file: &Path) -> io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    match File::open(folder).and_then(|folder| folder.sync_all()) {
        // Folders that cannot be read, and network disks that cannot sync them.
        Err(error) if matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::InvalidInput) => Ok(()),
        result => result,
    }
}

/// A file beside another that does not exist yet; it is removed unless it is published.
struct Temporary {
    file: File,
    path: PathBuf,
}

impl Temporary {
    fn beside(to: &Path) -> io::Result<Self> {
        use std::os::unix::fs::OpenOptionsExt;
        let mut number = 0u32;
        loop {
            let name = format!(".sightline-trash-{}-{number}.tmp", std::process::id());
            let path = to.with_file_name(name);
            // Not readable by others, not even before it gets its permissions.
            match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
                Ok(file) => return Ok(Self { file, path }),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => number += 1,
                Err(error) => return Err(error),
            }
        }
    }

    /// Gives it its name, unless something lies there meanwhile.
    fn publish(&self, to: &Path) -> io::Result<()> {
        match fs::hard_link(&self.path, to) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(error),
            Err(_) if to.symlink_metadata().is_ok() => Err(ErrorKind::AlreadyExists.into()),
            Err(_) => fs::rename(&self.path, to),
        }
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // Gone already where it was renamed.
        drop(fs::remove_file(&self.path));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap().flatten();
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn a_copy_has_the_bytes_the_times_and_the_permissions() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("a.jpg"), dir.path().join("b.jpg"));
        fs::write(&from, vec![7u8; 3 << 20]).unwrap();
        fs::set_permissions(&from, fs::Permissions::from_mode(0o640)).unwrap();
        let long_ago = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_600_000_000);
        File::options().write(true).open(&from).unwrap().set_modified(long_ago).unwrap();
        copy_file(&from, &to).unwrap();
        assert_eq!(fs::read(&to).unwrap(), fs::read(&from).unwrap());
        let metadata = fs::metadata(&to).unwrap();
        assert_eq!((metadata.permissions().mode() & 0o777, metadata.modified().unwrap()), (0o640, long_ago));
        assert_eq!(names(dir.path()).len(), 2, "nothing else is left");
    }

    #[test]
    fn nothing_is_written_over_and_a_failure_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("a.jpg"), dir.path().join("b.jpg"));
        fs::write(&from, "a").unwrap();
        fs::write(&to, "b").unwrap();
        for moved in [move_file(&from, &to), copy_file(&from, &to)] {
            assert_eq!(moved.unwrap_err().kind(), ErrorKind::AlreadyExists);
        }
        assert_eq!((fs::read(&from).unwrap(), fs::read(&to).unwrap()), (b"a".to_vec(), b"b".to_vec()));
        assert!(move_file(&dir.path().join("gone"), &dir.path().join("c")).is_err());
        assert!(copy_file(&from, &dir.path().join("no folder/c")).is_err());
        assert_eq!(names(dir.path()).len(), 2);
        move_file(&from, &dir.path().join("c")).unwrap();
        assert!(!from.exists() && dir.path().join("c").is_file());
    }
}
