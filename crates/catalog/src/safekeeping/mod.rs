//! Copies of the catalogue: a backup, its way back, and the one kept before an upgrade.

mod copying;
mod part;
mod replacing;

use std::path::{Path, PathBuf};

use rusqlite::Connection;

pub(crate) use copying::{examine, open, watched};
pub(crate) use part::{Part, SIDE_FILES, folder_of, remove_abandoned};
pub(crate) use replacing::Held;

use crate::deadline::{WRITING, within};
use crate::status::beside;
use crate::tables::job_mark;
use crate::{Catalog, CatalogError, connection, plain};
use copying::{PAGES_A_STEP, copy_to_file, source};

/// Is told of long work: what is being done, how many pages of how many are done (0: not known). It stops the work by
/// answering `false`, which then fails with [`CatalogError::Stopped`].
pub type Watch<'a> = dyn FnMut(&'static str, u64, u64) -> bool + 'a;

impl Catalog {
    /// Copies the library in `dir` to `file`, as it is at this moment, while others go on reading and writing. The copy
    /// is checked before it takes the name. Not for a library that this process has open: [`Catalog::back_up_to`].
    /// Returns the bytes written.
    ///
    /// # Errors
    /// When there is no library or it is damaged, `file` is there already and `force` is not set, or cannot be
    /// written. Then what was there before is there still.
    pub fn back_up(dir: &Path, file: &Path, force: bool, watch: &mut Watch<'_>) -> Result<u64, CatalogError> {
        let library = dir.join(Self::FILE);
        plain::must_be_plain(&library)?;
        connection::leave_log(&library);
        may_be_written(&library, file, force)?;
        let source = source(&library).map_err(|error| match error {
            CatalogError::Missing { .. } => CatalogError::Missing { path: dir.into() },
            error => error,
        })?;
        back_up_from(&source, &library, file, force, PAGES_A_STEP, watch)
    }

    /// As [`Catalog::back_up`], of the library that is open here.
    ///
    /// # Errors
    /// As [`Catalog::back_up`].
    pub fn back_up_to(&self, file: &Path, force: bool, watch: &mut Watch<'_>) -> Result<u64, CatalogError> {
        may_be_written(self.file(), file, force)?;
        let source = self.another_reader()?;
        copying::hold_state(&source).map_err(|error| CatalogError::sql(self.file(), error))?;
        back_up_from(&source, self.file(), file, force, PAGES_A_STEP, watch)
    }

    /// Puts the backup `file` in the place of the library in `dir`, without the jobs in it, which may be anybody's.
    /// Returns where the library lies now that was there before. A backup of an earlier release is brought up to date
    /// when it is opened next.
    ///
    /// # Errors
    /// When `file` is not a sound catalogue, has a schema that Sightline does not make or comes from a later release,
    /// when another process has the library open, or the disk is full; then the library stays as it is.
    pub fn restore(dir: &Path, file: &Path, watch: &mut Watch<'_>) -> Result<Option<PathBuf>, CatalogError> {
        let target = dir.join(Self::FILE);
        if is_same(&target, file) {
            return Err(CatalogError::LibraryItself { path: file.into() });
        }
        let of_backup = |error| as_backup(error, file);
        let backup = source(file).map_err(of_backup)?;
        let size = page_bytes(&backup).map_err(|error| CatalogError::sql(file, error))?;
        if let Some(detail) = cut_short(file, size)? {
            return Err(CatalogError::BackupDamaged { path: file.into(), detail });
        }
        plain::make_folder(dir)?;
        plain::must_be_plain(&target)?;
        // Before anything is copied: the commonest reason why it cannot be done.
        let held = Held::take(&target)?;
        let part = Part::of(&target)?;
        let named = |error: CatalogError| error.renamed(part.path(), file);
        copy_to_file(&backup, part.path(), PAGES_A_STEP, "copy", watch).map_err(|failure| named(failure.at(file)))?;
        drop(backup);
        examine(part.path(), watch).map_err(|error| of_backup(named(error)))?;
        let forgotten = connection::open_to_write(part.path()).map_err(crate::error::Failure::from);
        let forgotten = forgotten.and_then(|mut connection| {
            within(&mut connection, part.path(), WRITING, |connection| job_mark::forget_all(connection))
        });
        forgotten.map_err(|failure| named(failure.at(part.path())))?;
        held.replace(&target, part, watch)
    }
}

fn back_up_from(
    source: &Connection,
    library: &Path,
    file: &Path,
    force: bool,
    pages: i32,
    watch: &mut Watch<'_>,
) -> Result<u64, CatalogError> {
    let part = Part::of(file)?;
    let named = |error: CatalogError| error.renamed(part.path(), file);
    copy_to_file(source, part.path(), pages, "copy", watch).map_err(|failure| named(failure.at(part.path())))?;
    // The copy of a damaged library must not take the place of a good one.
    examine(part.path(), watch).map_err(|error| error.renamed(part.path(), library))?;
    let bytes = std::fs::metadata(part.path()).map_err(|error| named(CatalogError::io(part.path(), error)))?.len();
    if force {
        part.take_name(file)?
    } else {
        part.take_free_name(file)?
    }
    Ok(bytes)
}

/// Keeps a copy of the database of schema version `found` beside it, and removes those of versions before. The caller
/// holds the lock on writing, and has not written yet.
pub(crate) fn keep_before_upgrade(file: &Path, found: u32) -> Result<(), CatalogError> {
    let kept = beside(file, &format!(".v{found}"));
    let part = Part::of(&kept)?;
    let state = open(file).map_err(|error| CatalogError::sql(file, error))?;
    let copied = copying::hold_state(&state).map_err(crate::error::Failure::from);
    let copied = copied.and_then(|()| copy_to_file(&state, part.path(), PAGES_A_STEP, "keep", &mut |_, _, _| true));
    copied.map_err(|failure| failure.at(file))?;
    part.take_name(&kept)?;
    for older in 1..found {
        // One that cannot be removed does no harm.
        std::fs::remove_file(beside(file, &format!(".v{older}"))).ok();
    }
    Ok(())
}

/// What is wrong with a file's length, if anything is: a last page that is cut short would be read as if it ended in
/// zeros.
pub(crate) fn cut_short(file: &Path, page_bytes: u64) -> Result<Option<String>, CatalogError> {
    let bytes = std::fs::metadata(file).map_err(|error| CatalogError::io(file, error))?.len();
    let whole = bytes.is_multiple_of(page_bytes.max(1));
    Ok((!whole).then(|| format!("the file ends in the middle of a page: {bytes} bytes, {page_bytes} a page")))
}

pub(crate) fn page_bytes(connection: &Connection) -> rusqlite::Result<u64> {
    connection.pragma_query_value(None, "page_size", |row| row.get::<_, u32>(0)).map(u64::from)
}

fn may_be_written(library: &Path, file: &Path, force: bool) -> Result<(), CatalogError> {
    if file.is_dir() {
        return Err(CatalogError::BackupIsFolder { path: file.into() });
    }
    let own = SIDE_FILES.iter().map(|end| beside(library, end));
    if is_same(library, file) || own.into_iter().any(|own| is_same(&own, file)) {
        return Err(CatalogError::LibraryItself { path: file.into() });
    }
    if !force && file.symlink_metadata().is_ok() {
        return Err(CatalogError::BackupExists { path: file.into() });
    }
    Ok(())
}

/// Whether two names, of files that may not be there, mean the same file.
fn is_same(one: &Path, other: &Path) -> bool {
    let real = |file: &Path| {
        let name = file.file_name()?;
        std::fs::canonicalize(file).ok().or_else(|| Some(std::fs::canonicalize(folder_of(file)).ok()?.join(name)))
    };
    real(one).is_some_and(|one| real(other) == Some(one))
}

/// Says of a backup what was found wrong with it as a library.
fn as_backup(error: CatalogError, file: &Path) -> CatalogError {
    let path = file.to_path_buf();
    match error {
        CatalogError::Missing { .. } if !file.exists() => CatalogError::BackupMissing { path },
        CatalogError::Missing { .. } | CatalogError::NotACatalogue { .. } => CatalogError::NotABackup { path },
        CatalogError::Corrupt { detail, .. } => CatalogError::BackupDamaged { path, detail },
        CatalogError::ForeignSchema { differences, .. } => CatalogError::BackupForeign { path, differences },
        CatalogError::Endless { .. } => {
            CatalogError::BackupDamaged { path, detail: "reading it does not come to an end".into() }
        }
        error => error,
    }
}

#[cfg(test)]
mod tests;
