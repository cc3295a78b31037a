//! Files replaced as a whole: after a crash or a power cut there is the old file or the new one.

use std::fs::{self, File, FileTimes, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::error::MetadataError;
use crate::Limits;

/// Names of temporary files: prefix, process, number, suffix.
const PREFIX: &str = ".sightline-caption-";
const SUFFIX: &str = ".tmp";

/// Listing a large folder on each of thousands of writes would cost more than the writes.
const CLEAN_EVERY: Duration = Duration::from_secs(2);

/// The whole file at `path`, unless it is larger than any photo that is read.
pub(super) fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let most = Limits::default().max_file_bytes;
    let (file, mut bytes) = (File::open(path)?, Vec::new());
    if file.metadata()?.len() <= most {
        file.take(most + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 <= most {
            return Ok(bytes);
        }
    }
    Err(io::ErrorKind::FileTooLarge.into())
}

/// A file as it was when read.
pub(super) struct Original {
    /// Its path, with symbolic links followed.
    pub(super) path: PathBuf,
    pub(super) bytes: Vec<u8>,
    metadata: fs::Metadata,
    /// The link that led to it out of the link's own folder.
    link: Option<PathBuf>,
}

/// Whether a file lies in the folder of a link that leads to it.
fn is_beside(link: &Path, real: &Path) -> bool {
    let folder = link.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::canonicalize(folder).is_ok_and(|folder| Some(folder.as_path()) == real.parent())
}

impl Original {
    /// Reads the regular file at `path`.
    pub(super) fn read(path: &Path) -> Result<Self, MetadataError> {
        let failed = |source| MetadataError::io(path, source);
        let real = fs::canonicalize(path).map_err(failed)?;
        let leads_out = fs::symlink_metadata(path).map_err(failed)?.is_symlink() && !is_beside(path, &real);
        // Taken before reading, which may change the time of the last access.
        let metadata = fs::metadata(&real).map_err(failed)?;
        if !metadata.is_file() {
            return Err(failed(io::ErrorKind::InvalidInput.into()));
        }
        let bytes = read_bounded(&real).map_err(failed)?;
        Ok(Self { path: real, bytes, metadata, link: leads_out.then(|| path.to_owned()) })
    }

    /// Whether the file on the disk is still the one that was read.
    fn is_current(&self) -> io::Result<bool> {
        let now = fs::metadata(&self.path)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            // A file replaced with its times kept shows only by its number.
            if now.ino() != self.metadata.ino() {
                return Ok(false);
            }
        }
        Ok(now.len() == self.metadata.len() && now.modified()? == self.metadata.modified()?)
    }

    fn check_writable(&self) -> Result<(), MetadataError> {
        if let Some(link) = &self.link {
            // Who asked for a photo of this folder to be written did not ask for a file somewhere else.
            return Err(MetadataError::Link { path: link.clone(), target: self.path.clone() });
        }
        let read_only = || MetadataError::ReadOnlyFile { path: self.path.clone() };
        if self.metadata.permissions().readonly() {
            return Err(read_only());
        }
        // A rename would replace a file that its owner closed to this user; opening it for writing asks the system.
        match OpenOptions::new().write(true).open(&self.path) {
            Ok(_) => Ok(()),
            Err(fault) if is_read_only(&fault) => Err(read_only()),
            Err(fault) => Err(MetadataError::io(&self.path, fault)),
        }
    }
}

/// Which times a replaced file gets.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Times {
    /// Those of the original: the photo's date is its owner's.
    Kept,
    /// The present.
    New,
}

/// Puts `contents` in the place of `original`, with its permissions.
pub(super) fn replace(original: &Original, contents: &[u8], times: Times) -> Result<(), MetadataError> {
    original.check_writable()?;
    write(&original.path, contents, Some(original), times)
}

/// Puts `contents` at `path`, where no file was.
pub(super) fn create(path: &Path, contents: &[u8]) -> Result<(), MetadataError> {
    write(path, contents, None, Times::New)
}

fn write(target: &Path, contents: &[u8], original: Option<&Original>, times: Times) -> Result<(), MetadataError> {
    let folder = match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    check_folder(folder)?;
    remove_leftovers(folder);
    let mut temporary = Temporary::new(folder, original.is_some())?;
    let failed = |source| MetadataError::io(target, source);
    temporary.file.write_all(contents).map_err(failed)?;
    if let Some(original) = original {
        temporary.take_attributes(original, times).map_err(failed)?;
    }
    temporary.file.sync_all().map_err(failed)?;
    let changed = || MetadataError::Changed { path: target.to_owned() };
    match original {
        Some(original) if !original.is_current().map_err(failed)? => return Err(changed()),
        Some(_) => temporary.rename(target).map_err(failed)?,
        // A second name is given only where there is none yet; the first goes with the temporary file.
        None => match fs::hard_link(&temporary.path, target) {
            Ok(()) => {}
            Err(fault) if fault.kind() == io::ErrorKind::AlreadyExists => return Err(changed()),
            // A disk whose files have one name each, such as a memory card.
            Err(_) if fs::exists(target).map_err(failed)? => return Err(changed()),
            Err(_) => temporary.rename(target).map_err(failed)?,
        },
    }
    sync_folder(folder).map_err(|source| MetadataError::io(folder, source))
}

/// A temporary file in the target's folder, locked for as long as it is in use and removed unless renamed.
pub(super) struct Temporary {
    file: File,
    pub(super) path: PathBuf,
    renamed: bool,
}

impl Temporary {
    pub(super) fn new(folder: &Path, private: bool) -> Result<Self, MetadataError> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let path = folder.join(format!("{PREFIX}{}-{number}{SUFFIX}", std::process::id()));
            let file = match options(private).open(&path) {
                Ok(file) => file,
                Err(fault) if fault.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(fault) if is_read_only(&fault) => {
                    return Err(MetadataError::ReadOnlyFolder { path: folder.to_owned() });
                }
                Err(fault) => return Err(MetadataError::io(folder, fault)),
            };
            let temporary = Self { file, path, renamed: false };
            // Where a disk has no locks, nobody can take the file for a leftover either.
            let locked = temporary.file.lock().is_ok();
            // Between creation and lock another process may have taken it for a leftover.
            if !locked || fs::exists(&temporary.path).unwrap_or(false) {
                return Ok(temporary);
            }
        }
    }

    fn rename(&mut self, target: &Path) -> io::Result<()> {
        fs::rename(&self.path, target)?;
        self.renamed = true;
        Ok(())
    }

    fn take_attributes(&self, original: &Original, times: Times) -> io::Result<()> {
        let metadata = &original.metadata;
        #[cfg(unix)]
        {
            use std::os::unix::fs::{MetadataExt, fchown};
            // Only the superuser can give files away; for anyone else the new file is their own.
            drop(fchown(&self.file, Some(metadata.uid()), Some(metadata.gid())));
        }
        self.file.set_permissions(metadata.permissions())?;
        if times == Times::Kept {
            let kept = FileTimes::new().set_modified(metadata.modified()?).set_accessed(metadata.accessed()?);
            self.file.set_times(kept)?;
        }
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.renamed {
            drop(fs::remove_file(&self.path));
        }
    }
}

fn options(private: bool) -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if private {
        // The copy of a private photo must not be readable by others, not even before it gets its permissions.
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    #[cfg(not(unix))]
    let _ = private;
    options
}

fn is_read_only(fault: &io::Error) -> bool {
    matches!(fault.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem)
}

/// Refuses a folder without write permission even to the superuser, whom the system would let through.
fn check_folder(folder: &Path) -> Result<(), MetadataError> {
    let metadata = fs::metadata(folder).map_err(|source| MetadataError::io(folder, source))?;
    if cfg!(unix) && metadata.permissions().readonly() {
        return Err(MetadataError::ReadOnlyFolder { path: folder.to_owned() });
    }
    Ok(())
}

/// Removes temporary files of killed runs: those whose name is ours and whose lock nobody holds.
pub(super) fn remove_leftovers(folder: &Path) {
    static LAST: Mutex<Option<(PathBuf, Instant)>> = Mutex::new(None);
    if let Ok(mut last) = LAST.lock() {
        if last.as_ref().is_some_and(|(path, when)| path == folder && when.elapsed() < CLEAN_EVERY) {
            return;
        }
        *last = Some((folder.to_owned(), Instant::now()));
    }
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        if !is_file || !entry.file_name().to_str().is_some_and(is_temporary) {
            continue;
        }
        let Ok(file) = OpenOptions::new().write(true).open(entry.path()) else { continue };
        if file.try_lock().is_ok() {
            drop(fs::remove_file(entry.path()));
        }
    }
}

/// Whether a file name is one of ours.
pub(super) fn is_temporary(name: &str) -> bool {
    let middle = name.strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix(SUFFIX));
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    middle.and_then(|middle| middle.split_once('-')).is_some_and(|(process, count)| number(process) && number(count))
}

/// Makes the rename itself last.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        match File::open(folder).and_then(|folder| folder.sync_all()) {
            // Folders that cannot be read, and network disks that cannot sync them.
            Err(fault) if matches!(fault.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::InvalidInput) => {}
            result => result?,
        }
    }
    Ok(())
}
