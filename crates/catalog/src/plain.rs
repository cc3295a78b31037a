//! Files of a library's folder that Sightline keeps for itself.
//!
//! A folder may come from anybody: from an archive, a disk, a share. A name that Sightline writes to may be a link
//! there, to a file of the user that has nothing to do with it. So such files are opened without following links, and
//! only if they are plain files; locks are never emptied, and what is written anew takes the place of what was there.
//!
//! Locks stay in the library's folder: processes that share a library, from other computers and by other paths, meet
//! there and nowhere else.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use crate::error::CatalogError;
use crate::safekeeping::SIDE_FILES;
use crate::status::beside;

/// For the eyes of their owner: a library's files.
#[cfg(unix)]
pub(crate) const OWNERS_FILE: u32 = 0o600;
/// For their owner alone: a library's folder.
#[cfg(unix)]
const OWNERS_FOLDER: u32 = 0o700;
/// How a journal ends that names another one, of a transaction over several files; it says so after the name.
const NAMES_ANOTHER: [u8; 8] = [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];

/// Options that open no link, and wait for nobody at a pipe.
fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;

        use rustix::fs::OFlags;
        options.custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed());
    }
    #[cfg(windows)]
    {
        use std::os::windows::fs::OpenOptionsExt;
        // FILE_FLAG_OPEN_REPARSE_POINT: the link itself.
        options.custom_flags(0x0020_0000);
    }
    options
}

/// The file, if it is a plain one.
fn plain(path: &Path, opened: io::Result<File>) -> Result<File, CatalogError> {
    let is_link = || path.symlink_metadata().is_ok_and(|metadata| !metadata.is_file());
    match opened {
        Ok(file) => match file.metadata() {
            Ok(metadata) if metadata.is_file() => Ok(file),
            Ok(_) => Err(CatalogError::NotPlain { path: path.into() }),
            Err(error) => Err(CatalogError::io(path, error)),
        },
        Err(_) if is_link() => Err(CatalogError::NotPlain { path: path.into() }),
        Err(error) => Err(CatalogError::io(path, error)),
    }
}

/// Opens the file of a lock, which is made if it is not there. What is in it stays.
pub(crate) fn open_lock(path: &Path, rights: Rights) -> Result<File, CatalogError> {
    match options().read(true).write(true).create_new(true).open(path) {
        Ok(new) => {
            // Whatever the user's mask: who shares the library has to take the lock too.
            rights.give(&new);
            Ok(new)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            match plain(path, options().read(true).write(true).open(path)) {
                // Whoever had it took it away between the two.
                Err(CatalogError::Missing { .. }) => {
                    plain(path, options().read(true).write(true).create(true).truncate(false).open(path))
                }
                other => other,
            }
        }
        Err(error) => Err(CatalogError::io(path, error)),
    }
}

/// Opens a file to read it.
pub(crate) fn open(path: &Path) -> Result<File, CatalogError> {
    plain(path, options().read(true).open(path))
}

/// Opens a plain file to be written over, if it has no other name: the bytes of one that lies elsewhere too are not the
/// library's alone.
pub(crate) fn open_to_wipe(path: &Path) -> Result<Option<File>, CatalogError> {
    let file = plain(path, options().write(true).open(path))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        if file.metadata().map_err(|error| CatalogError::io(path, error))?.nlink() > 1 {
            return Ok(None);
        }
    }
    Ok(Some(file))
}

/// Who may read and write the files of a library: those who may its catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rights(#[cfg(unix)] pub u32);

impl Rights {
    /// Those of the library's `file`; its owner's where there is none yet.
    pub fn of(file: &Path) -> Self {
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = file.symlink_metadata().map(|metadata| metadata.permissions().mode() & 0o666);
            Self(mode.unwrap_or(OWNERS_FILE))
        }
        #[cfg(not(unix))]
        {
            let _ = file;
            Self()
        }
    }

    /// Gives them to a file; a disk without rights keeps none.
    pub fn give(self, file: &File) {
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            file.set_permissions(std::fs::Permissions::from_mode(self.0)).ok();
        }
        #[cfg(not(unix))]
        let _ = file;
    }
}

/// Makes the library's folder, for its owner alone, if it is not there.
pub(crate) fn make_folder(dir: &Path) -> Result<(), CatalogError> {
    if dir.is_dir() {
        return Ok(());
    }
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(OWNERS_FOLDER);
    }
    let above = dir.parent().filter(|above| !above.as_os_str().is_empty());
    let made = above.map_or(Ok(()), std::fs::create_dir_all).and_then(|()| builder.create(dir));
    match made {
        // Another process was quicker.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && dir.is_dir() => Ok(()),
        made => made.map_err(|source| match CatalogError::io(dir, source) {
            // A part of the path is missing only when it is a link to nowhere.
            CatalogError::Missing { path } => CatalogError::NotAFolder { path },
            error => error,
        }),
    }
}

/// Makes an empty file for a library, for its owner alone, if there is none. SQLite lays its log beside it with the same
/// rights.
pub(crate) fn make_file(file: &Path) {
    let mut options = options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(OWNERS_FILE);
    }
    // Where it cannot be made SQLite says why, or another process has just made it.
    options.open(file).ok();
}

/// Refuses a library of which a file is a link or something else that is no plain file, and one whose journal would
/// have SQLite look for others.
pub(crate) fn must_be_plain(file: &Path) -> Result<(), CatalogError> {
    for end in [""].iter().chain(&SIDE_FILES) {
        let path = beside(file, end);
        match path.symlink_metadata() {
            Ok(metadata) if !metadata.is_file() => return Err(CatalogError::NotPlain { path }),
            _ => {}
        }
    }
    let journal = beside(file, "-journal");
    match names_another(&journal) {
        Ok(true) => Err(CatalogError::NotPlain { path: journal }),
        // One that cannot be read SQLite cannot read either.
        _ => Ok(()),
    }
}

/// Whether a rollback journal belongs to a transaction over several files, which Sightline never makes: SQLite would
/// open, and delete, whatever file it names.
fn names_another(journal: &Path) -> io::Result<bool> {
    let mut file = match options().read(true).open(journal) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        other => other?,
    };
    let mut end = [0; NAMES_ANOTHER.len()];
    if file.metadata()?.len() < end.len() as u64 {
        return Ok(false);
    }
    file.seek(SeekFrom::End(-(end.len() as i64)))?;
    file.read_exact(&mut end)?;
    Ok(end == NAMES_ANOTHER)
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn a_lock_is_no_link_and_is_never_emptied() {
        let dir = tempfile::tempdir().unwrap();
        let (lock, victim) = (dir.path().join("a.lock"), dir.path().join("diary"));
        std::fs::write(&victim, "dear diary").unwrap();
        symlink(&victim, &lock).unwrap();
        assert_eq!(open_lock(&lock, Rights(0o600)).unwrap_err().code(), "library_not_plain");
        assert_eq!(open(&lock).unwrap_err().code(), "library_not_plain");
        std::fs::remove_file(&lock).unwrap();
        // A second name of the same file is none that a program can tell.
        std::fs::hard_link(&victim, &lock).unwrap();
        drop(open_lock(&lock, Rights(0o600)).unwrap());
        assert_eq!(std::fs::read(&victim).unwrap(), b"dear diary");
        std::fs::remove_file(&lock).unwrap();
        std::fs::create_dir(&lock).unwrap();
        assert_eq!(open_lock(&lock, Rights(0o600)).unwrap_err().code(), "library_not_plain");
        std::fs::remove_dir(&lock).unwrap();
        drop(open_lock(&lock, Rights(0o600)).unwrap());
        assert_eq!(lock.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn nobody_waits_at_a_pipe() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("vectors");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert_eq!(open(&pipe).unwrap_err().code(), "library_not_plain");
        assert_eq!(open_lock(&pipe, Rights(0o600)).unwrap_err().code(), "library_not_plain");
    }

    #[test]
    fn a_journal_that_names_another_file_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("catalogue.sqlite");
        let journal = beside(&file, "-journal");
        for (bytes, is_plain) in
            [(vec![], true), (vec![7; 600], true), ([vec![7; 600], NAMES_ANOTHER.to_vec()].concat(), false)]
        {
            std::fs::write(&journal, bytes).unwrap();
            assert_eq!(must_be_plain(&file).is_ok(), is_plain);
        }
    }
}
