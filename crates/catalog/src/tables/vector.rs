//! The photos' vectors: 16-bit floats, low byte first, one vector per photo and model.

use std::path::PathBuf;
use std::sync::Arc;

use half::f16;
use half::slice::HalfFloatSliceExt;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row};

use crate::error::Failure;
use crate::path_bytes;
use crate::tables::model::{self, ModelKey, ModelRow};
use crate::tables::photo::{self, PhotoId};
use crate::tables::{change, vector_file};
use crate::vectors::{IndexBuilder, VectorIndex};
use crate::{Catalog, CatalogError};

pub(crate) const V1: &str = "
CREATE TABLE vector (
    photo_id INTEGER NOT NULL REFERENCES photo (id) ON DELETE CASCADE,
    model_id INTEGER NOT NULL REFERENCES model (id) ON DELETE CASCADE,
    data BLOB NOT NULL,
    PRIMARY KEY (photo_id, model_id)
) STRICT;
CREATE INDEX vector_model ON vector (model_id, photo_id);
";

/// So many changes are always followed, one by one.
const FOLLOWED: usize = 1000;

/// Writes a vector in place of the one that was there.
pub(crate) fn put(connection: &Connection, photo: PhotoId, key: &ModelKey, vector: &[f32]) -> Result<(), Failure> {
    if !photo::exists(connection, photo)? {
        return Err(CatalogError::UnknownPhoto { id: photo.0 }.into());
    }
    let mut halves = vec![f16::ZERO; vector.len()];
    halves.convert_from_f32_slice(vector);
    if !halves.iter().all(|half| half.is_finite()) {
        return Err(CatalogError::NotFinite { model: key.0.clone() }.into());
    }
    let model = model::find_or_make(connection, key, vector.len())?;
    let data: Vec<u8> = halves.iter().flat_map(|half| half.to_le_bytes()).collect();
    let sql = "INSERT INTO vector (photo_id, model_id, data) VALUES (?1, ?2, ?3)
               ON CONFLICT (photo_id, model_id) DO UPDATE SET data = excluded.data";
    connection.prepare_cached(sql)?.execute((photo.0, model.id, data))?;
    Ok(())
}

/// The photos that lie somewhere and have no vector of the model, each with one of its paths, by number.
pub(crate) fn lacking(connection: &Connection, key: &ModelKey) -> rusqlite::Result<Vec<(PhotoId, PathBuf)>> {
    let sql = "SELECT photo_id, min(path) FROM location
               WHERE photo_id NOT IN (
                   SELECT vector.photo_id FROM vector JOIN model ON model.id = vector.model_id
                   WHERE model.key = ?1)
               GROUP BY photo_id ORDER BY photo_id";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([&key.0], |row| Ok((PhotoId(row.get(0)?), path_bytes::decode(row.get(1)?))))?;
    rows.collect()
}

/// Vectors that are kept of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptVectors {
    /// What they lie under.
    pub key: ModelKey,
    /// How many.
    pub count: u64,
    /// Bytes of their numbers.
    pub bytes: u64,
}

impl Catalog {
    /// The vectors that are kept, by model.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn kept_vectors(&self) -> Result<Vec<KeptVectors>, CatalogError> {
        self.read(|transaction| {
            // Row by row: SQLite counts a whole table in one step, which no deadline ends.
            let sql = "SELECT model.key, model.dims, coalesce(sum(1), 0) FROM model
                       JOIN vector ON vector.model_id = model.id GROUP BY model.id ORDER BY model.id";
            let mut statement = transaction.prepare_cached(sql)?;
            let row = |row: &Row<'_>| {
                let (dims, count): (i64, i64) = (row.get(1)?, row.get(2)?);
                let (dims, count) = (dims.cast_unsigned(), count.cast_unsigned());
                Ok(KeptVectors { key: ModelKey(row.get(0)?), count, bytes: count * dims * 2 })
            };
            Ok(statement.query_map([], row)?.collect::<Result<_, _>>()?)
        })
    }

    /// Reads a model's vectors of all photos that lie somewhere; none when the model is unknown.
    ///
    /// # Errors
    /// [`CatalogError::WrongDims`] when they are not of `dims` numbers, or when the library
    /// cannot be read.
    pub fn load_vectors(&self, key: &ModelKey, dims: usize) -> Result<VectorIndex, CatalogError> {
        self.read(|transaction| {
            let Some(model) = model::find(transaction, key)? else {
                return Ok(IndexBuilder::new(dims, 0).finish());
            };
            model.expect(key, dims)?;
            if let Some(mut index) = vector_file::read(transaction, self.dir(), model)?
                && let Some(changes) = changes_since(transaction, key, model, &index)?
            {
                index.change(&changes, change::last(transaction)?);
                return Ok(index);
            }
            read_all(transaction, key, model)
        })
    }

    /// Brings vectors of [`Catalog::load_vectors`] up to date, whichever process changed them; in place, unless
    /// somebody else still searches them. Says whether there was anything to do.
    ///
    /// # Errors
    /// As [`Catalog::load_vectors`]; then they are of no use.
    pub fn refresh_vectors(&self, key: &ModelKey, vectors: &mut Arc<VectorIndex>) -> Result<bool, CatalogError> {
        self.read(|transaction| {
            let last = change::last(transaction)?;
            if last == vectors.as_of {
                return Ok(false);
            }
            let dims = vectors.dims();
            let none = || Arc::new(IndexBuilder::new(dims, 0).finish());
            let Some(model) = model::find(transaction, key)? else {
                *vectors = none();
                return Ok(true);
            };
            model.expect(key, dims)?;
            let Some(changes) = changes_since(transaction, key, model, vectors)? else {
                // Not both in memory.
                *vectors = none();
                *vectors = Arc::new(read_all(transaction, key, model)?);
                return Ok(true);
            };
            Arc::make_mut(vectors).change(&changes, last);
            Ok(true)
        })
    }

    /// The photos that lie somewhere and have no vector of the model, each with one of its paths.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn photos_without_vector(&self, key: &ModelKey) -> Result<Vec<(PhotoId, PathBuf)>, CatalogError> {
        self.read(|transaction| Ok(lacking(transaction, key)?))
    }

    /// The vectors of photos by a model, in the photos' order; none of those that have none.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn vectors_of(&self, key: &ModelKey, photos: &[PhotoId]) -> Result<Vec<Option<Vec<f32>>>, CatalogError> {
        self.read(|transaction| {
            let Some(model) = model::find(transaction, key)? else { return Ok(vec![None; photos.len()]) };
            let sql = "SELECT data FROM vector WHERE photo_id = ?1 AND model_id = ?2";
            let mut statement = transaction.prepare_cached(sql)?;
            let mut vectors = Vec::with_capacity(photos.len());
            for photo in photos {
                let data = statement.query_row((photo.0, model.id), |row| row.get::<_, Vec<u8>>(0)).optional()?;
                vectors.push(data.map(|data| floats(&data)));
            }
            Ok(vectors)
        })
    }

    /// Shows each photo that lies somewhere and has a vector by a model, in the photos' order. Vectors are read as they
    /// are shown: a million of them take no memory.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn each_vector(&self, key: &ModelKey, mut show: impl FnMut(PhotoId, Vec<f32>)) -> Result<(), CatalogError> {
        self.read(|transaction| {
            let Some(model) = model::find(transaction, key)? else { return Ok(()) };
            let located = located(transaction)?;
            let sql = "SELECT photo_id, data FROM vector WHERE model_id = ?1 ORDER BY photo_id";
            let mut statement = transaction.prepare_cached(sql)?;
            let mut rows = statement.query([model.id])?;
            while let Some(row) = rows.next()? {
                let photo = PhotoId(row.get(0)?);
                if located.binary_search(&photo).is_ok() {
                    show(photo, floats(row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?));
                }
            }
            Ok(())
        })
    }

    /// Deletes a model's vectors, which another model's have replaced; returns how many.
    ///
    /// # Errors
    /// When the library cannot be written.
    pub fn remove_vectors(&self, key: &ModelKey) -> Result<usize, CatalogError> {
        self.write(|transaction| {
            let Some(model) = model::find(transaction, key)? else { return Ok(0) };
            let removed = remove_all(transaction, model.id)?;
            change::all(transaction, model.id)?;
            Ok(removed)
        })
    }
}

/// Deletes a model with its vectors; returns how many.
pub(crate) fn remove_all(connection: &Connection, model: i64) -> rusqlite::Result<usize> {
    let removed = connection.execute("DELETE FROM vector WHERE model_id = ?1", [model])?;
    connection.execute("DELETE FROM model WHERE id = ?1", [model])?;
    Ok(removed)
}

/// Reads all rows of a model.
fn read_all(connection: &Connection, key: &ModelKey, model: ModelRow) -> Result<VectorIndex, Failure> {
    let located = located(connection)?;
    let mut index = IndexBuilder::new(model.dims, located.len());
    let mut statement =
        connection.prepare_cached("SELECT photo_id, data FROM vector NOT INDEXED WHERE model_id = ?1")?;
    let mut rows = statement.query([model.id])?;
    while let Some(row) = rows.next()? {
        let photo = PhotoId(row.get(0)?);
        if located.binary_search(&photo).is_ok() {
            index.push_bytes(photo, whole(row.get_ref(1)?, key, model)?);
        }
    }
    let mut index = index.finish();
    (index.model, index.as_of) = (model.id, change::last(connection)?);
    index.unsaved = index.len();
    Ok(index)
}

/// A row's bytes, as many as they must be.
fn whole<'a>(data: ValueRef<'a>, key: &ModelKey, model: ModelRow) -> Result<&'a [u8], Failure> {
    let data = data.as_blob().map_err(rusqlite::Error::from)?;
    if data.len() == 2 * model.dims {
        return Ok(data);
    }
    Err(CatalogError::WrongDims { model: key.0.clone(), expected: model.dims, got: data.len() / 2 }.into())
}

/// Photos that changed, each with its vector if it has one and lies somewhere.
type Changes = Vec<(PhotoId, Option<Vec<u8>>)>;

/// What changed of a model's vectors after those that `index` knows of, where it follows it faster than it is read anew.
fn changes_since(
    connection: &Connection,
    key: &ModelKey,
    model: ModelRow,
    index: &VectorIndex,
) -> Result<Option<Changes>, Failure> {
    if index.model != model.id {
        return Ok(None);
    }
    let photos = change::since(connection, model.id, index.as_of)?;
    let Some(photos) = photos.filter(|photos| photos.len() <= FOLLOWED.max(index.len() / 2)) else {
        return Ok(None);
    };
    let sql = "SELECT data FROM vector WHERE photo_id = ?1 AND model_id = ?2
               AND photo_id NOT IN (SELECT photo_id FROM missing)";
    let mut statement = connection.prepare_cached(sql)?;
    let mut changes = Vec::with_capacity(photos.len());
    for photo in photos {
        let mut rows = statement.query((photo.0, model.id))?;
        let row = rows.next()?.map(|row| Ok::<_, Failure>(whole(row.get_ref(0)?, key, model)?.to_vec())).transpose()?;
        changes.push((photo, row));
    }
    Ok(Some(changes))
}

/// 16-bit floats, low byte first, as numbers.
fn floats(data: &[u8]) -> Vec<f32> {
    data.as_chunks::<2>().0.iter().map(|bytes| f16::from_le_bytes(*bytes).to_f32()).collect()
}

/// The photos that lie somewhere, sorted.
fn located(connection: &Connection) -> rusqlite::Result<Vec<PhotoId>> {
    let sql = "SELECT id FROM photo WHERE id NOT IN (SELECT photo_id FROM missing) ORDER BY id";
    photo::select(connection, sql, [])
}
