//! What can go wrong with a catalogue; each message names the file and the remedy.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// An error of the catalogue.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// There is no library in the folder.
    #[error("{}: there is no library; `sightline index FOLDER` makes one", path.display())]
    Missing {
        /// The library's folder.
        path: PathBuf,
    },
    /// The library's path, or a part of it, is a file.
    #[error("{}: not a folder; name another with --library", path.display())]
    NotAFolder {
        /// The library's folder.
        path: PathBuf,
    },
    /// The system does not let this user read or make the library.
    #[error("{}: permission denied; take ownership of it, or name another library with --library", path.display())]
    Denied {
        /// The library's folder or its file.
        path: PathBuf,
    },
    /// The library can be read but not written.
    #[error("{}: the library is read-only and can only be searched; make it writable, or name another with --library", path.display())]
    ReadOnly {
        /// The library's file.
        path: PathBuf,
    },
    /// The library is on a read-only disk and its last writer was killed.
    #[error(
        "{}: the last writer was interrupted and the disk is read-only; copy the library to a disk that can be written", path.display()
    )]
    NeedsRecovery {
        /// The library's file.
        path: PathBuf,
    },
    /// Another process has been writing for longer than this one waits.
    #[error("{}: another process is writing to the library; wait until it is done, or stop it", path.display())]
    Locked {
        /// The library's file.
        path: PathBuf,
    },
    /// The disk has no room left; what was committed before is safe.
    #[error("{}: the disk is full; nothing committed is lost: make room and run it again", path.display())]
    DiskFull {
        /// The library's folder or its file.
        path: PathBuf,
    },
    /// The file is not a catalogue of this program.
    #[error(
"{}: not a Sightline catalogue, or damaged at its beginning; try `sightline check --repair` or `sightline restore FILE`, else move the file away and index again", path.display()
    )]
    NotACatalogue {
        /// The library's file.
        path: PathBuf,
    },
    /// The file is damaged.
    #[error(
        "{}: the catalogue is damaged ({detail}); `sightline check --repair` saves what can be read, `sightline restore FILE` brings a backup back", path.display()
    )]
    Corrupt {
        /// The library's file.
        path: PathBuf,
        /// What SQLite found.
        detail: String,
    },
    /// The file's schema is none that this program makes.
    #[error(
        "{}: {}; Sightline made no such library, and it may come from somebody else: `sightline check --repair` makes one of what is in it, without that, `sightline restore FILE` brings a backup back", path.display(), first_of(differences)
    )]
    ForeignSchema {
        /// The library's file.
        path: PathBuf,
        /// How it differs, one sentence each.
        differences: Vec<String>,
    },
    /// A file of the library is a link, or no plain file at all.
    #[error(
        "{}: a link, or no plain file, where Sightline keeps a file of its own: it could lead anywhere; remove it, or name another library with --library", path.display()
    )]
    NotPlain {
        /// The link.
        path: PathBuf,
    },
    /// Reading the file does not come to an end.
    #[error(
        "{}: reading it takes longer than it can take with a sound file of its size; `sightline check --repair` saves what can be read, `sightline restore FILE` brings a backup back", path.display()
    )]
    Endless {
        /// The library's file.
        path: PathBuf,
    },
    /// The catalogue was written by a later release.
    #[error("{}: made by a later version (schema {found}, this one knows {known}); update Sightline", path.display())]
    TooNew {
        /// The library's file.
        path: PathBuf,
        /// Schema version of the file.
        found: u32,
        /// Latest schema version that this release knows.
        known: u32,
    },
    /// The catalogue was written by an earlier release and is open for reading only.
    #[error("{}: made by an earlier version (schema {found}, this one has {known}); run `sightline index` on it once", path.display())]
    NeedsUpgrade {
        /// The library's file.
        path: PathBuf,
        /// Schema version of the file.
        found: u32,
        /// Schema version of this release.
        known: u32,
    },
    /// A file or folder of the library could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The disk under the library failed.
    #[error("{}: the disk cannot be read or written ({detail}); check the disk and its connection", path.display())]
    Disk {
        /// The library's file.
        path: PathBuf,
        /// What SQLite met.
        detail: String,
    },
    /// The database refused a statement.
    #[error("{}: {source}; run `sightline doctor`", path.display())]
    Database {
        /// The library's file.
        path: PathBuf,
        /// What SQLite said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The file that a backup is to be written to is there already.
    #[error("{}: there is a file already; name another, or add --force", path.display())]
    BackupExists {
        /// The backup's file.
        path: PathBuf,
    },
    /// The file that a backup is to be written to is the library's own.
    #[error("{}: this is the library itself; name another file", path.display())]
    LibraryItself {
        /// The file as given.
        path: PathBuf,
    },
    /// A backup is to be written to a folder.
    #[error("{}: a folder; name a file in it, such as {}", path.display(), path.join("sightline-backup.sqlite").display())]
    BackupIsFolder {
        /// The folder.
        path: PathBuf,
    },
    /// There is no such backup.
    #[error("{}: no such file; check the path, or plug the disk in", path.display())]
    BackupMissing {
        /// The backup's file.
        path: PathBuf,
    },
    /// The file that is to be restored is something else.
    #[error("{}: not a backup of a Sightline library; name a file that `sightline backup` wrote", path.display())]
    NotABackup {
        /// The file.
        path: PathBuf,
    },
    /// The file that is to be restored is damaged.
    #[error("{}: the backup is cut short or damaged ({detail}) and the library was left as it is; use an older one", path.display())]
    BackupDamaged {
        /// The backup's file.
        path: PathBuf,
        /// What SQLite found.
        detail: String,
    },
    /// The schema of the file that is to be restored is none that this program makes.
    #[error("{}: {}; Sightline made no such backup, and the library was left as it is; use another backup", path.display(), first_of(differences))]
    BackupForeign {
        /// The backup's file.
        path: PathBuf,
        /// How it differs, one sentence each.
        differences: Vec<String>,
    },
    /// A file could not be made.
    #[error("{}: cannot be written: {source}; name another place", path.display())]
    NotWritten {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// Another process has the library open, and it cannot be replaced under its feet.
    #[error("{}: another Sightline has the library open; close the app, stop `sightline watch`, and try again", path.display())]
    InUse {
        /// The library's file.
        path: PathBuf,
    },
    /// Somebody stopped the work.
    #[error("stopped; nothing was changed")]
    Stopped,
    /// Too much is damaged for a repair.
    #[error(
        "{}: cannot be repaired ({detail}) and was left as it is; `sightline restore FILE` brings a backup back, or move it away and index again: photos are not touched", path.display()
    )]
    BeyondRepair {
        /// The library's file.
        path: PathBuf,
        /// What is in the way.
        detail: String,
    },
    /// A vector's length is not that of its model's other vectors.
    #[error("vectors of model {model} have {expected} numbers, not {got}; name the model anew when its output changes")]
    WrongDims {
        /// The model's key.
        model: String,
        /// Numbers in the vectors that are there.
        expected: usize,
        /// Numbers in the one given or asked for.
        got: usize,
    },
    /// A vector holds something that a 16-bit float cannot.
    #[error("a vector of model {model} holds a number that is not finite; try --device cpu")]
    NotFinite {
        /// The model's key.
        model: String,
    },
    /// There is no such photo.
    #[error("there is no photo {id} in the catalogue; index again")]
    UnknownPhoto {
        /// The photo's number.
        id: i64,
    },
    /// An album's name is blank.
    #[error("an album needs a name; type one")]
    AlbumUnnamed,
    /// Another album has the name.
    #[error("there is an album {name:?} already; choose another name, or add to that album")]
    AlbumExists {
        /// The name.
        name: String,
    },
    /// There is no such version of the model any more.
    #[error("version {id} is no longer there; list the versions again")]
    VersionGone {
        /// The version's number.
        id: i64,
    },
    /// The version is in use, so that it cannot be deleted.
    #[error("version {id} is in use; go back to another one first")]
    VersionInUse {
        /// The version's number.
        id: i64,
    },
    /// There is no such album.
    #[error("the album is gone; it was removed in another window")]
    AlbumGone {
        /// The album's number.
        id: i64,
    },
    /// There is no such job.
    #[error("there is no job {id}; `sightline status` lists them")]
    UnknownJob {
        /// The job's number.
        id: i64,
    },
    /// A living process runs the job.
    #[error("another process is running job {id}; wait until it is done, or stop it")]
    JobRunning {
        /// The job's number.
        id: i64,
    },
}

impl CatalogError {
    /// A short stable code that programs may act on.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "library_missing",
            Self::NotAFolder { .. } => "library_not_a_folder",
            Self::Denied { .. } => "library_denied",
            Self::ReadOnly { .. } => "library_read_only",
            Self::NeedsRecovery { .. } => "library_needs_recovery",
            Self::Locked { .. } => "library_locked",
            Self::DiskFull { .. } => "disk_full",
            Self::NotACatalogue { .. } => "not_a_catalogue",
            Self::Corrupt { .. } => "catalogue_corrupt",
            Self::ForeignSchema { .. } => "catalogue_foreign",
            Self::NotPlain { .. } => "library_not_plain",
            Self::Endless { .. } => "catalogue_endless",
            Self::TooNew { .. } => "catalogue_too_new",
            Self::NeedsUpgrade { .. } => "catalogue_too_old",
            Self::Io { .. } => "library_io",
            Self::Disk { .. } => "disk_failed",
            Self::Database { .. } => "catalogue_failed",
            Self::BackupExists { .. } => "backup_exists",
            Self::LibraryItself { .. } => "library_itself",
            Self::BackupIsFolder { .. } => "backup_is_folder",
            Self::BackupMissing { .. } => "backup_missing",
            Self::NotABackup { .. } => "not_a_backup",
            Self::BackupDamaged { .. } => "backup_damaged",
            Self::BackupForeign { .. } => "backup_foreign",
            Self::NotWritten { .. } => "file_not_written",
            Self::InUse { .. } => "library_in_use",
            Self::Stopped => "cancelled",
            Self::BeyondRepair { .. } => "beyond_repair",
            Self::WrongDims { .. } => "vector_wrong_dims",
            Self::NotFinite { .. } => "vector_not_finite",
            Self::UnknownPhoto { .. } => "photo_unknown",
            Self::AlbumUnnamed => "album_unnamed",
            Self::AlbumExists { .. } => "album_exists",
            Self::AlbumGone { .. } => "album_gone",
            Self::VersionGone { .. } => "version_gone",
            Self::VersionInUse { .. } => "version_in_use",
            Self::UnknownJob { .. } => "job_unknown",
            Self::JobRunning { .. } => "job_running",
        }
    }

    pub(crate) fn io(path: &Path, source: std::io::Error) -> Self {
        use std::io::ErrorKind::{
            AlreadyExists, NotADirectory, NotFound, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull,
        };
        let path = path.to_path_buf();
        match source.kind() {
            NotFound => Self::Missing { path },
            // Making a folder where a file is says that it is already there.
            NotADirectory | AlreadyExists => Self::NotAFolder { path },
            PermissionDenied => Self::Denied { path },
            ReadOnlyFilesystem => Self::ReadOnly { path },
            StorageFull | QuotaExceeded => Self::DiskFull { path },
            _ => Self::Io { path, source },
        }
    }

    /// The same, said of the file `to` where it was said of `from`: a temporary name tells nobody anything.
    pub(crate) fn renamed(mut self, from: &Path, to: &Path) -> Self {
        if let Self::Missing { path }
        | Self::NotAFolder { path }
        | Self::Denied { path }
        | Self::ReadOnly { path }
        | Self::Locked { path }
        | Self::DiskFull { path }
        | Self::NotACatalogue { path }
        | Self::Corrupt { path, .. }
        | Self::ForeignSchema { path, .. }
        | Self::Endless { path }
        | Self::TooNew { path, .. }
        | Self::BeyondRepair { path, .. }
        | Self::Io { path, .. }
        | Self::Disk { path, .. }
        | Self::Database { path, .. } = &mut self
            && path == from
        {
            *path = to.into();
        }
        self
    }

    pub(crate) fn sql(path: &Path, error: rusqlite::Error) -> Self {
        let path = path.to_path_buf();
        let detail = || error.to_string();
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::NotACatalogue { path },
            Some(ErrorCode::DatabaseCorrupt) => Self::Corrupt { detail: detail(), path },
            Some(ErrorCode::ReadOnly) => Self::ReadOnly { path },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked { path },
            Some(ErrorCode::OperationInterrupted) => Self::Stopped,
            Some(ErrorCode::DiskFull) => Self::DiskFull { path },
            Some(ErrorCode::PermissionDenied) => Self::Denied { path },
            Some(ErrorCode::SystemIoFailure) => Self::Disk { detail: detail(), path },
            _ => Self::Database { path, source: Box::new(error) },
        }
    }
}

/// The first of some sentences, and how many more there are.
fn first_of(sentences: &[String]) -> String {
    match sentences {
        [] => String::new(),
        [only] => only.clone(),
        [first, more @ ..] => format!("{first}, and {} more", more.len()),
    }
}

/// What a closure over a connection may return; the file's path is added by its caller.
#[derive(Debug)]
pub(crate) enum Failure {
    Sql(rusqlite::Error),
    Catalog(CatalogError),
}

impl Failure {
    pub fn at(self, path: &Path) -> CatalogError {
        match self {
            Self::Sql(error) => CatalogError::sql(path, error),
            Self::Catalog(error) => error,
        }
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<CatalogError> for Failure {
    fn from(error: CatalogError) -> Self {
        Self::Catalog(error)
    }
}
