//! How a database file is opened: for writing, for reading, and on a disk that cannot be written.

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::error::{CatalogError, Failure};
use crate::migrations;

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

/// Opens for writing; makes the file, or brings its schema up to date.
pub(crate) fn writer(file: &Path) -> Result<Connection, CatalogError> {
    if file.exists() {
        inspect(file)?;
    }
    let open = || -> Result<Connection, Failure> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(file, flags)?;
        configure(&connection)?;
        // SQLite quietly opens for reading what it may not write.
        if connection.is_readonly("main")? {
            return Err(CatalogError::ReadOnly { path: file.into() }.into());
        }
        if migrations::version(&connection, file)? == 0 {
            connection.pragma_update(None, "page_size", PAGE_BYTES)?;
        }
        write_ahead(&connection)?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        migrations::migrate(&mut connection, file)?;
        Ok(connection)
    };
    open().map_err(|failure| explained(failure.at(file), file))
}

/// Opens for reading, and says how further readers are to be opened.
pub(crate) fn first_reader(file: &Path) -> Result<(Connection, ReadMode), CatalogError> {
    inspect(file)?;
    let try_open = |mode| -> Result<Connection, Failure> {
        let connection = reader(file, mode)?;
        let found = migrations::version(&connection, file)?;
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
    Ok(())
}

/// Two processes that make a library at once may both want to switch: SQLite does not wait there.
fn write_ahead(connection: &Connection) -> rusqlite::Result<()> {
    let mut tries = 0;
    loop {
        let mode = connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0));
        match mode {
            Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy) && tries < 200 => {
                tries += 1;
                std::thread::sleep(Duration::from_millis(10));
            }
            other => return other.map(drop),
        }
    }
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
