//! Settings that belong to the library, as text under a name.

use rusqlite::{Connection, OptionalExtension};

use crate::{Catalog, CatalogError};

pub(crate) const V1: &str = "
CREATE TABLE setting (
    key TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
";

/// Sets a setting.
pub(crate) fn put(connection: &Connection, key: &str, value: &str) -> rusqlite::Result<()> {
    let sql = "INSERT INTO setting (key, value) VALUES (?1, ?2)
               ON CONFLICT (key) DO UPDATE SET value = excluded.value";
    connection.prepare_cached(sql)?.execute((key, value)).map(drop)
}

impl Catalog {
    /// A setting's value, if it was ever set.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn setting(&self, key: &str) -> Result<Option<String>, CatalogError> {
        self.read(|transaction| {
            let mut statement = transaction.prepare_cached("SELECT value FROM setting WHERE key = ?1")?;
            Ok(statement.query_row([key], |row| row.get(0)).optional()?)
        })
    }

    /// Sets a setting.
    ///
    /// # Errors
    /// When the library cannot be written.
    pub fn set_setting(&self, key: &str, value: &str) -> Result<(), CatalogError> {
        self.write(|transaction| Ok(put(transaction, key, value)?))
    }
}
