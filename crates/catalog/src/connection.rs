//! How a database file is opened: for writing, for reading, and on a disk that cannot be written.

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::deadline::{READING, UPGRADING, within};
use crate::error::{CatalogError, Failure};
use crate::safekeeping::folder_of;
use crate::{migrations, plain, schema, share};

/// How long a process waits for another one's transaction.
const BUSY: Duration = Duration::from_secs(10);
/// Seven vectors of 512 dimensions fit one page; of the default size only three.
pub(crate) const PAGE_BYTES: u32 = 8192;
/// How every database of SQLite begins.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// Statements that a connection keeps prepared.
const STATEMENTS: usize = 64;

/// How readers are to open the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReadMode {
    /// With the locks and shared memory that a write-ahead log needs.
    Shared,
    /// As a file that nothing can change, because the disk is read-only.
    Immutable,
}

/// What a library is written down in before a commit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Journal {
    /// A log beside the file, with memory that all who have it open share: on a disk of this computer.
    WriteAhead,
    /// What was there before, beside the file: on a share.
    Rollback,
}

impl Journal {
    /// What the library's `file` is to have where it lies.
    pub fn of(file: &Path) -> Self {
        if share::is_shared(folder_of(file)) { Self::Rollback } else { Self::WriteAhead }
    }

    /// As SQLite names it.
    pub fn mode(self) -> &'static str {
        match self {
            Self::WriteAhead => "wal",
            Self::Rollback => "truncate",
        }
    }
}

/// Opens for writing; makes the file, or brings its schema up to date.
pub(crate) fn writer(file: &Path, journal: Journal) -> Result<Connection, CatalogError> {
    plain::must_be_plain(file)?;
    if file.exists() {
        inspect(file)?;
    } else {
        plain::make_file(file);
    }
    let open = || -> Result<Connection, Failure> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(file, flags)?;
        configure(&connection)?;
        // SQLite quietly opens for reading what it may not write.
        if connection.is_readonly("main")? {
            return Err(CatalogError::ReadOnly { path: file.into() }.into());
        }
        if ours(&mut connection, file)? == 0 {
            connection.pragma_update(None, "page_size", PAGE_BYTES)?;
        }
        keep_journal(&connection, journal)?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        // Only macOS lies about what has reached the disk unless it is asked like this.
        connection.pragma_update(None, "fullfsync", true)?;
        connection.pragma_update(None, "foreign_keys", true)?;
        within(&mut connection, file, UPGRADING, |connection| migrations::migrate(connection, file))?;
        Ok(connection)
    };
    open().map_err(|failure| explained(failure.at(file), file))
}

/// The version of a file whose schema is ours; 0 when it is empty.
pub(crate) fn ours(connection: &mut Connection, file: &Path) -> Result<u32, Failure> {
    within(connection, file, READING, |connection| {
        // One state: between two looks another process may have made the whole schema.
        let _state = if connection.is_autocommit() { Some(connection.unchecked_transaction()?) } else { None };
        let found = migrations::version(connection, file)?;
        if found > 0 {
            schema::must_be_ours(connection, file, found)?;
        }
        Ok(found)
    })
}

/// Opens for reading, and says how further readers are to be opened.
pub(crate) fn first_reader(file: &Path) -> Result<(Connection, ReadMode), CatalogError> {
    inspect(file)?;
    let try_open = |mode| -> Result<Connection, Failure> {
        let mut connection = reader(file, mode)?;
        let found = ours(&mut connection, file)?;
        if found == 0 {
            // Whoever was making it was killed before its first commit.
            return Err(CatalogError::Missing { path: file.into() }.into());
        }
        if found < migrations::KNOWN {
            // Only a writer can bring the schema up to date.
            return Err(CatalogError::NeedsUpgrade { path: file.into(), found, known: migrations::KNOWN }.into());
        }
        Ok(connection)
    };
    match try_open(ReadMode::Shared) {
        Ok(connection) => Ok((connection, ReadMode::Shared)),
        Err(Failure::Sql(error)) if refuses_shared_memory(&error) => {
            // A write-ahead log needs shared memory beside the file, which cannot be made here.
            if log_has_content(file) {
                return Err(CatalogError::NeedsRecovery { path: file.into() });
            }
            let connection = try_open(ReadMode::Immutable).map_err(|failure| failure.at(file))?;
            Ok((connection, ReadMode::Immutable))
        }
        Err(failure) => Err(failure.at(file)),
    }
}

/// Finds what SQLite would not name, or would take for an empty database and write over.
pub(crate) fn inspect(file: &Path) -> Result<(), CatalogError> {
    let wrong = |error| CatalogError::io(file, error);
    let mut open = File::open(file).map_err(wrong)?;
    let metadata = open.metadata().map_err(wrong)?;
    if !metadata.is_file() {
        return Err(CatalogError::NotACatalogue { path: file.into() });
    }
    if metadata.len() == 0 {
        // Somebody has just made it, and may be writing its first page.
        return Ok(());
    }
    let mut head = [0; MAGIC.len() + 2];
    match open.read_exact(&mut head) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            return Err(CatalogError::NotACatalogue { path: file.into() });
        }
        Err(error) => return Err(wrong(error)),
    }
    let (magic, page) = head.split_at(MAGIC.len());
    if magic != MAGIC {
        return Err(CatalogError::NotACatalogue { path: file.into() });
    }
    // The page size, high byte first; 1 stands for 65536.
    let page_bytes = page.iter().fold(0u64, |size, byte| size << 8 | u64::from(*byte));
    let page_bytes = if page_bytes == 1 { 1 << 16 } else { page_bytes };
    if metadata.len() < page_bytes {
        let detail = format!("{} bytes are left of its first page", metadata.len());
        return Err(CatalogError::Corrupt { path: file.into(), detail });
    }
    Ok(())
}

/// Opens one more reader.
pub(crate) fn reader(file: &Path, mode: ReadMode) -> Result<Connection, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = match mode {
        ReadMode::Shared => Connection::open_with_flags(file, flags)?,
        ReadMode::Immutable => Connection::open_with_flags(immutable_uri(file), flags | OpenFlags::SQLITE_OPEN_URI)?,
    };
    configure(&connection)?;
    Ok(connection)
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    distrust(connection)
}

/// Has SQLite take nothing that stands in the file for good: no function in its schema, no statement that writes to
/// the schema itself, no page that is not looked at first.
pub(crate) fn distrust(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)
}

/// Opens a database that exists, for reading and writing, without trust.
pub(crate) fn open_to_write(file: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    distrust(&connection)?;
    Ok(connection)
}

/// Two processes that make a library at once may both want to switch: SQLite does not wait there.
fn keep_journal(connection: &Connection, journal: Journal) -> Result<(), Failure> {
    let mut tries = 0;
    loop {
        let wanted = journal.mode();
        let mode = connection.pragma_update_and_check(None, "journal_mode", wanted, |row| row.get::<_, String>(0));
        match mode {
            Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy) && tries < 200 => {
                tries += 1;
                std::thread::sleep(Duration::from_millis(10));
            }
            other => return Ok(other.map(drop)?),
        }
    }
}

/// Has a library that came to lie on a share do without the log that it had before, if it can be written: to read it
/// with one would need memory that is shared between computers.
pub(crate) fn leave_log(file: &Path) {
    if Journal::of(file) == Journal::Rollback && has_log(file).unwrap_or(false) {
        // Where that cannot be done the library is read as it is: nobody writes to it from here.
        open_to_write(file)
            .map_err(Failure::from)
            .and_then(|connection| keep_journal(&connection, Journal::Rollback))
            .ok();
    }
}

/// Whether the file is written with a write-ahead log, by the version of its format.
fn has_log(file: &Path) -> std::io::Result<bool> {
    let mut head = [0; 20];
    File::open(file)?.read_exact(&mut head)?;
    Ok(head[18..] == [2, 2])
}

fn refuses_shared_memory(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{CannotOpen, ReadOnly};
    matches!(error.sqlite_error_code(), Some(CannotOpen | ReadOnly))
}

fn log_has_content(file: &Path) -> bool {
    let log = crate::status::beside(file, "-wal");
    std::fs::metadata(log).is_ok_and(|log| log.len() > 0)
}

/// Every byte that could mean something in a URI is escaped, so any path will do.
fn immutable_uri(file: &Path) -> String {
    let mut uri = String::from("file:");
    let text = file.as_os_str().as_encoded_bytes();
    if cfg!(windows) {
        uri.push('/');
    }
    for &byte in text {
        match byte {
            b'\\' if cfg!(windows) => uri.push('/'),
            b'/' | b'.' | b'-' | b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => uri.push(char::from(byte)),
            b':' if cfg!(windows) => uri.push(':'),
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri.push_str("?immutable=1");
    uri
}

/// SQLite says only that it cannot open the file; the file system knows why.
fn explained(error: CatalogError, file: &Path) -> CatalogError {
    let CatalogError::Database { source, path } = error else { return error };
    let cannot_open = source
        .downcast_ref::<rusqlite::Error>()
        .is_some_and(|source| source.sqlite_error_code() == Some(rusqlite::ErrorCode::CannotOpen));
    if !cannot_open {
        return CatalogError::Database { source, path };
    }
    match OpenOptions::new().write(true).create(true).truncate(false).open(file) {
        Err(reason) => CatalogError::io(file, reason),
        // The file could be opened, so it was one beside it that could not.
        Ok(_) => CatalogError::ReadOnly { path },
    }
}
