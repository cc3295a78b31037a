//! What the model was taught, version by version, and which of them the library uses.
//!
//! A version's weights lie here whole, so that taking another into use is one transaction: a process that dies leaves
//! the one or the other.

use rusqlite::{Connection, OptionalExtension, Row};

use crate::error::Failure;
use crate::{Catalog, CatalogError};

pub(crate) const V4: &str = "
CREATE TABLE version (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    facts TEXT NOT NULL,
    weights BLOB NOT NULL,
    made_at INTEGER NOT NULL DEFAULT (unixepoch())
) STRICT;
CREATE TABLE version_in_use (
    place INTEGER PRIMARY KEY AUTOINCREMENT,
    version_id INTEGER REFERENCES version (id) ON DELETE CASCADE
) STRICT;
";

/// A version's number; never used for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VersionId(pub i64);

/// A version to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewVersion {
    /// What is known of it, as text that only its maker reads.
    pub facts: String,
    /// Its weights.
    pub weights: Vec<u8>,
}

/// A version, without its weights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionRow {
    /// Its number.
    pub id: VersionId,
    /// Its name, `v1`, `v2` and so on.
    pub name: String,
    /// What its maker said of it.
    pub facts: String,
    /// When it was made, in seconds since 1970.
    pub made_at: i64,
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<VersionRow> {
    Ok(VersionRow { id: VersionId(row.get(0)?), name: row.get(1)?, facts: row.get(2)?, made_at: row.get(3)? })
}

fn must_exist(connection: &Connection, version: VersionId) -> Result<(), Failure> {
    let sql = "SELECT EXISTS (SELECT 1 FROM version WHERE id = ?1)";
    let there: bool = connection.prepare_cached(sql)?.query_row([version.0], |row| row.get(0))?;
    if there { Ok(()) } else { Err(CatalogError::VersionGone { id: version.0 }.into()) }
}

/// The version in use, and how many places the stack of those used has.
pub(crate) fn in_use(connection: &Connection) -> rusqlite::Result<Option<VersionId>> {
    let sql = "SELECT version_id FROM version_in_use ORDER BY place DESC LIMIT 1";
    let found = connection.prepare_cached(sql)?.query_row([], |row| row.get::<_, Option<i64>>(0)).optional()?;
    Ok(found.flatten().map(VersionId))
}

/// Takes a version into use, or the untaught model.
pub(crate) fn put_in_use(connection: &Connection, version: Option<VersionId>) -> Result<(), Failure> {
    if let Some(version) = version {
        must_exist(connection, version)?;
    }
    if in_use(connection)? != version {
        connection.execute("INSERT INTO version_in_use (version_id) VALUES (?1)", [version.map(|v| v.0)])?;
    }
    Ok(())
}

impl Catalog {
    /// Keeps a version under the next free name.
    ///
    /// # Errors
    /// When the library cannot be written.
    pub fn add_version(&self, new: &NewVersion) -> Result<VersionRow, CatalogError> {
        self.write(|transaction| {
            // The number is never used again, so that a name never means another version than it once did.
            let next = "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'version'), 0) + 1";
            let number: i64 = transaction.query_row(next, [], |row| row.get(0))?;
            let sql = "INSERT INTO version (name, facts, weights) VALUES (?1, ?2, ?3)
                       RETURNING id, name, facts, made_at";
            let values = (format!("v{number}"), &new.facts, &new.weights);
            Ok(transaction.query_row(sql, values, from_row)?)
        })
    }

    /// The versions, oldest first.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn versions(&self) -> Result<Vec<VersionRow>, CatalogError> {
        self.read(|transaction| {
            let sql = "SELECT id, name, facts, made_at FROM version ORDER BY id";
            Ok(transaction.prepare_cached(sql)?.query_map([], from_row)?.collect::<Result<_, _>>()?)
        })
    }

    /// A version's weights.
    ///
    /// # Errors
    /// [`CatalogError::VersionGone`], or when the library cannot be read.
    pub fn version_weights(&self, version: VersionId) -> Result<Vec<u8>, CatalogError> {
        self.read(|transaction| {
            let mut statement = transaction.prepare_cached("SELECT weights FROM version WHERE id = ?1")?;
            let found = statement.query_row([version.0], |row| row.get(0)).optional()?;
            found.ok_or_else(|| CatalogError::VersionGone { id: version.0 }.into())
        })
    }

    /// The version in use; none when the model is used untaught.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn version_in_use(&self) -> Result<Option<VersionId>, CatalogError> {
        self.read(|transaction| Ok(in_use(transaction)?))
    }

    /// The version that was in use before the present one.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn version_before(&self) -> Result<Option<VersionId>, CatalogError> {
        self.read(|transaction| {
            let sql = "SELECT version_id FROM version_in_use ORDER BY place DESC LIMIT 1 OFFSET 1";
            let found =
                transaction.prepare_cached(sql)?.query_row([], |row| row.get::<_, Option<i64>>(0)).optional()?;
            Ok(found.flatten().map(VersionId))
        })
    }

    /// Takes a version into use, or the untaught model. Going back to the one before takes a step off the way that was
    /// gone, so that going back again goes further.
    ///
    /// # Errors
    /// [`CatalogError::VersionGone`], or when the library cannot be written; then the one in use stays.
    pub fn use_version(&self, version: Option<VersionId>, back: bool) -> Result<(), CatalogError> {
        self.write(|transaction| {
            if back {
                transaction
                    .execute("DELETE FROM version_in_use WHERE place = (SELECT max(place) FROM version_in_use)", [])?;
            }
            put_in_use(transaction, version)
        })
    }

    /// Deletes a version that is not in use.
    ///
    /// # Errors
    /// [`CatalogError::VersionInUse`], [`CatalogError::VersionGone`], or when the library cannot be written.
    pub fn remove_version(&self, version: VersionId) -> Result<(), CatalogError> {
        self.write(|transaction| {
            must_exist(transaction, version)?;
            if in_use(transaction)? == Some(version) {
                return Err(CatalogError::VersionInUse { id: version.0 }.into());
            }
            Ok(transaction.execute("DELETE FROM version WHERE id = ?1", [version.0]).map(drop)?)
        })
    }
}
