//! The photos: contents, known by their hash.

use rusqlite::{Connection, OptionalExtension, Row};

use crate::tables::location::Location;
use crate::tables::model::ModelKey;
use crate::{Catalog, CatalogError};

pub(crate) const V1: &str = "
CREATE TABLE photo (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    orientation INTEGER NOT NULL,
    taken_at TEXT,
    camera TEXT,
    lens TEXT,
    latitude REAL,
    longitude REAL,
    format TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    missed_since INTEGER
) STRICT;
CREATE INDEX photo_taken_at ON photo (taken_at);
CREATE INDEX photo_missed ON photo (missed_since) WHERE missed_since IS NOT NULL;
";

/// What lists of all photos are made from, without reading their rows.
pub(crate) const V7_LISTS: &str = "
CREATE INDEX photo_newest ON photo (taken_at DESC);
CREATE INDEX photo_camera ON photo (camera);
CREATE INDEX photo_format ON photo (format);
";

/// A photo's number in its catalogue; never used for another photo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PhotoId(pub i64);

/// A photo to be committed, with all that was read of it.
#[derive(Debug, Clone, PartialEq)]
pub struct NewPhoto {
    /// BLAKE3 of the file's bytes.
    pub hash: [u8; 32],
    /// Width in pixels, upright.
    pub width: u32,
    /// Height in pixels, upright.
    pub height: u32,
    /// EXIF orientation of the file, 1 to 8.
    pub orientation: u8,
    /// Local time `YYYY-MM-DDTHH:MM:SS`, with the offset appended where it is known.
    pub taken_at: Option<String>,
    /// The camera's name.
    pub camera: Option<String>,
    /// The lens's name.
    pub lens: Option<String>,
    /// Degrees, north positive.
    pub latitude: Option<f64>,
    /// Degrees, east positive.
    pub longitude: Option<f64>,
    /// The file's format, in lower case.
    pub format: String,
    /// Size of the file in bytes.
    pub size_bytes: u64,
    /// How it looks, in 64 bits, if that is known.
    pub fingerprint: Option<u64>,
    /// A small picture of it.
    pub thumbnail_jpeg: Vec<u8>,
    /// The caption that stands in the file or beside it.
    pub caption: Option<String>,
    /// The keywords that stand there.
    pub keywords: Vec<String>,
    /// Where it lies; copies have the same content.
    pub locations: Vec<Location>,
    /// Its vectors, one a model; none if it has not been embedded.
    pub vectors: Vec<(ModelKey, Vec<f32>)>,
}

/// A photo of the catalogue.
#[derive(Debug, Clone, PartialEq)]
pub struct PhotoRow {
    /// Its number.
    pub id: PhotoId,
    /// BLAKE3 of the file's bytes.
    pub hash: [u8; 32],
    /// Width in pixels, upright.
    pub width: u32,
    /// Height in pixels, upright.
    pub height: u32,
    /// EXIF orientation of the file, 1 to 8.
    pub orientation: u8,
    /// Local time `YYYY-MM-DDTHH:MM:SS`, with the offset appended where it is known.
    pub taken_at: Option<String>,
    /// The camera's name.
    pub camera: Option<String>,
    /// The lens's name.
    pub lens: Option<String>,
    /// Degrees, north positive.
    pub latitude: Option<f64>,
    /// Degrees, east positive.
    pub longitude: Option<f64>,
    /// The file's format, in lower case.
    pub format: String,
    /// Size of the file in bytes.
    pub size_bytes: u64,
}

/// Writes the photo's own row; one with the same content keeps its number.
pub(crate) fn put(connection: &Connection, photo: &NewPhoto) -> rusqlite::Result<PhotoId> {
    let sql = "INSERT INTO photo (hash, width, height, orientation, taken_at, camera, lens,
                   latitude, longitude, format, size_bytes)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
               ON CONFLICT (hash) DO UPDATE SET width = excluded.width, height = excluded.height,
                   orientation = excluded.orientation, taken_at = excluded.taken_at,
                   camera = excluded.camera, lens = excluded.lens, latitude = excluded.latitude,
                   longitude = excluded.longitude, format = excluded.format,
                   size_bytes = excluded.size_bytes
               RETURNING id";
    let values = (
        &photo.hash,
        photo.width,
        photo.height,
        photo.orientation,
        &photo.taken_at,
        &photo.camera,
        &photo.lens,
        photo.latitude,
        photo.longitude,
        &photo.format,
        photo.size_bytes.cast_signed(),
    );
    connection.prepare_cached(sql)?.query_row(values, |row| row.get(0).map(PhotoId))
}

pub(crate) fn exists(connection: &Connection, photo: PhotoId) -> rusqlite::Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM photo WHERE id = ?1)";
    connection.prepare_cached(sql)?.query_row([photo.0], |row| row.get(0))
}

/// The photo with this content.
pub(crate) fn find(connection: &Connection, hash: &[u8; 32]) -> rusqlite::Result<Option<PhotoId>> {
    let mut statement = connection.prepare_cached("SELECT id FROM photo WHERE hash = ?1")?;
    statement.query_row([hash], |row| row.get(0).map(PhotoId)).optional()
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<PhotoRow> {
    Ok(PhotoRow {
        id: PhotoId(row.get(0)?),
        hash: row.get(1)?,
        width: row.get(2)?,
        height: row.get(3)?,
        orientation: row.get(4)?,
        taken_at: row.get(5)?,
        camera: row.get(6)?,
        lens: row.get(7)?,
        latitude: row.get(8)?,
        longitude: row.get(9)?,
        format: row.get(10)?,
        size_bytes: row.get::<_, i64>(11)?.cast_unsigned(),
    })
}

impl Catalog {
    /// The photo with this content, wherever it lies or lay.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn by_hash(&self, hash: &[u8; 32]) -> Result<Option<PhotoId>, CatalogError> {
        self.read(|transaction| Ok(find(transaction, hash)?))
    }

    /// What is known of a photo.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn photo(&self, photo: PhotoId) -> Result<Option<PhotoRow>, CatalogError> {
        self.read(|transaction| {
            let sql = "SELECT id, hash, width, height, orientation, taken_at, camera, lens,
                           latitude, longitude, format, size_bytes
                       FROM photo WHERE id = ?1";
            Ok(transaction.prepare_cached(sql)?.query_row([photo.0], from_row).optional()?)
        })
    }
}
