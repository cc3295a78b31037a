//! An open catalogue: one writer, as many readers as threads ask for.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::connection::{self, Journal, ReadMode};
use crate::deadline::{READING, WRITING, within};
use crate::error::{CatalogError, Failure};
use crate::plain::{self, Rights};
use crate::tables::job_mark::Installation;

/// Readers that are kept open when idle.
const IDLE_READERS: usize = 8;

/// An open catalogue; a clone is cheap and shares its connections. Every call blocks, and any
/// thread may make it.
///
/// # Errors
/// Every call fails when the file or its disk does ([`CatalogError`]); a call that writes fails
/// besides when the catalogue is open for reading only, when the disk is full, or when another
/// process writes for longer than ten seconds.
#[derive(Debug, Clone)]
pub struct Catalog {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    dir: PathBuf,
    file: PathBuf,
    /// None when open for reading only.
    writer: Option<Mutex<Connection>>,
    readers: Mutex<Vec<Connection>>,
    read_mode: ReadMode,
    journal: Journal,
    /// Whose jobs may be gone on with; see [`Catalog::keep_jobs_of`].
    installation: OnceLock<Installation>,
    /// Locks on the jobs that this process runs, by job number.
    running: Mutex<HashMap<i64, File>>,
}

impl Catalog {
    /// Name of the database in the library's folder.
    pub const FILE: &'static str = "catalogue.sqlite";

    /// Opens the library in `dir` for reading and writing. Makes it if it is not there, for its owner
    /// alone, brings an older schema up to date, and marks jobs of dead processes as paused.
    ///
    /// # Errors
    /// When the folder cannot be made or written, or the file is not a catalogue, is damaged, has a
    /// schema or links that Sightline does not make, or comes from a later release.
    pub fn open(dir: &Path) -> Result<Self, CatalogError> {
        Self::open_with(dir, Journal::of(&dir.join(Self::FILE)))
    }

    pub(crate) fn open_with(dir: &Path, journal: Journal) -> Result<Self, CatalogError> {
        plain::make_folder(dir)?;
        let file = dir.join(Self::FILE);
        let writer = connection::writer(&file, journal)?;
        let catalog = Self::with(dir, file, Some(writer), Vec::new(), ReadMode::Shared, journal);
        catalog.pause_jobs_of_the_dead()?;
        Ok(catalog)
    }

    /// Opens the library in `dir` for reading only; works on a disk that cannot be written.
    ///
    /// # Errors
    /// When there is no library, or its file is not a catalogue, is damaged, has a schema or links
    /// that Sightline does not make, is of another schema version, or has to be recovered by a
    /// writer first.
    pub fn open_read_only(dir: &Path) -> Result<Self, CatalogError> {
        let file = dir.join(Self::FILE);
        plain::must_be_plain(&file)?;
        connection::leave_log(&file);
        let (reader, mode) = connection::first_reader(&file).map_err(|error| match error {
            CatalogError::Missing { .. } => CatalogError::Missing { path: dir.into() },
            CatalogError::NotAFolder { .. } => CatalogError::NotAFolder { path: dir.into() },
            error => error,
        })?;
        let journal = Journal::of(&file);
        Ok(Self::with(dir, file, None, vec![reader], mode, journal))
    }

    fn with(
        dir: &Path,
        file: PathBuf,
        writer: Option<Connection>,
        readers: Vec<Connection>,
        read_mode: ReadMode,
        journal: Journal,
    ) -> Self {
        let shared = Shared {
            dir: dir.into(),
            file,
            writer: writer.map(Mutex::new),
            readers: Mutex::new(readers),
            read_mode,
            journal,
            installation: OnceLock::new(),
            running: Mutex::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// The library's folder.
    pub fn dir(&self) -> &Path {
        &self.shared.dir
    }

    /// Whether only reading is possible.
    pub fn is_read_only(&self) -> bool {
        self.shared.writer.is_none()
    }

    /// Whether the library lies on a network share, where one process at a time can read or write it.
    pub fn is_on_share(&self) -> bool {
        self.shared.journal == Journal::Rollback
    }

    pub(crate) fn installation(&self) -> &OnceLock<Installation> {
        &self.shared.installation
    }

    /// The rights that files beside the catalogue are to have.
    pub(crate) fn rights(&self) -> Rights {
        Rights::of(self.file())
    }

    pub(crate) fn file(&self) -> &Path {
        &self.shared.file
    }

    pub(crate) fn running(&self) -> MutexGuard<'_, HashMap<i64, File>> {
        self.shared.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One more reader.
    pub(crate) fn another_reader(&self) -> Result<Connection, CatalogError> {
        connection::reader(self.file(), self.shared.read_mode).map_err(|error| CatalogError::sql(self.file(), error))
    }

    /// Runs `work` on a reader, which sees one state of the database from begin to end.
    pub(crate) fn read<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T, Failure>) -> Result<T, CatalogError> {
        let idle = || self.shared.readers.lock().unwrap_or_else(PoisonError::into_inner);
        let reader = idle().pop();
        let mut reader = match reader {
            Some(reader) => reader,
            None => self.another_reader()?,
        };
        let result = within(&mut reader, self.file(), READING, |reader| {
            let transaction = reader.transaction()?;
            let value = work(&transaction)?;
            transaction.finish()?;
            Ok(value)
        });
        let mut idle = idle();
        if idle.len() < IDLE_READERS {
            idle.push(reader);
        }
        drop(idle);
        result.map_err(|failure| failure.at(self.file()))
    }

    /// How what is written is written down first.
    pub(crate) fn journal(&self) -> Journal {
        self.shared.journal
    }

    /// Runs `work` on the writer, outside of any transaction and without a deadline of its own.
    pub(crate) fn on_writer<T>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, Failure>,
    ) -> Result<T, CatalogError> {
        let Some(writer) = &self.shared.writer else {
            return Err(CatalogError::ReadOnly { path: self.file().into() });
        };
        let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
        work(&mut writer).map_err(|failure| failure.at(self.file()))
    }

    /// Runs `work` in one transaction, which is on disk when this returns without an error, and
    /// leaves no trace otherwise.
    pub(crate) fn write<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, Failure>,
    ) -> Result<T, CatalogError> {
        let Some(writer) = &self.shared.writer else {
            return Err(CatalogError::ReadOnly { path: self.file().into() });
        };
        // A panic in `work` rolled its transaction back, so the connection is as good as before.
        let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
        let run = within(&mut writer, self.file(), WRITING, |writer| {
            let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let value = work(&transaction)?;
            transaction.commit()?;
            Ok(value)
        });
        run.map_err(|failure| failure.at(self.file()))
    }
}
