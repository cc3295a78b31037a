//! A file that is to be there whole or not at all, with the rights of any new file.

use std::io;
use std::path::Path;

use sightline_catalog::CatalogError;
use sightline_media::is_named_as_photo;
use tempfile::{Builder, NamedTempFile};

use crate::EngineError;

/// Refuses to put what is exported in the place of a photo, a film or a sidecar, or of anything but a plain file: whatever
/// a dialog gave, that is never what a person meant.
pub(crate) fn may_be_replaced(file: &Path) -> Result<(), EngineError> {
    // Also a link: it is replaced, and not what it leads to.
    match file.symlink_metadata() {
        // A folder has an error of its own.
        Ok(there) if there.is_dir() => Ok(()),
        Ok(there) if is_named_as_photo(file) || !(there.is_file() || there.is_symlink()) => {
            Err(EngineError::NotReplaced { path: file.into() })
        }
        _ => Ok(()),
    }
}

/// The error of a file that could not be made: the reason without the name under which that was tried.
pub(crate) fn not_written(file: &Path, error: &io::Error) -> EngineError {
    CatalogError::NotWritten { path: file.into(), source: error.kind().into() }.into()
}

/// Makes a file in `folder`, to be written and given its name. It is as readable as the user's mask makes new files,
/// where temporary ones are for their owner alone.
pub(crate) fn new_file_in(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

/// The same in the folder of `file`.
pub(crate) fn new_file_beside(file: &Path) -> io::Result<NamedTempFile> {
    new_file_in(file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")))
}
