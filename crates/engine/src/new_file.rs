//! A file that is to be there whole or not at all, with the rights of any new file.

use std::io;
use std::path::Path;

use tempfile::{Builder, NamedTempFile};

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
