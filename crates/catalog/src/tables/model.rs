//! The models whose vectors the catalogue keeps.

use rusqlite::{Connection, OptionalExtension};

use crate::error::{CatalogError, Failure};

pub(crate) const V1: &str = "
CREATE TABLE model (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    dims INTEGER NOT NULL CHECK (dims > 0)
) STRICT;
";

/// What a vector may be compared with: a hash of base weights, preprocessing and adapter.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModelKey(pub String);

/// A model's row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ModelRow {
    pub id: i64,
    pub dims: usize,
}

pub(crate) fn find(connection: &Connection, key: &ModelKey) -> rusqlite::Result<Option<ModelRow>> {
    connection
        .prepare_cached("SELECT id, dims FROM model WHERE key = ?1")?
        .query_row([&key.0], |row| Ok(ModelRow { id: row.get(0)?, dims: row.get::<_, u32>(1)? as usize }))
        .optional()
}

/// The model's row, made for the first vector; fails when its vectors have other lengths.
pub(crate) fn find_or_make(connection: &Connection, key: &ModelKey, dims: usize) -> Result<ModelRow, Failure> {
    let model = match find(connection, key)? {
        Some(model) => model,
        None => {
            let mut insert = connection.prepare_cached("INSERT INTO model (key, dims) VALUES (?1, ?2)")?;
            let id = insert.insert((&key.0, dims as i64))?;
            ModelRow { id, dims }
        }
    };
    model.expect(key, dims)?;
    Ok(model)
}

impl ModelRow {
    /// Fails when the model's vectors are not of `got` numbers.
    pub fn expect(self, key: &ModelKey, got: usize) -> Result<(), CatalogError> {
        if self.dims == got {
            return Ok(());
        }
        Err(CatalogError::WrongDims { model: key.0.clone(), expected: self.dims, got })
    }
}
