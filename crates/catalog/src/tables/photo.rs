//! The photos: contents, known by their hash.

use rusqlite::{Connection, OptionalExtension, Params, Row};

use crate::facts::{DateSource, PhotoFacts, recorded};
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

pub(crate) const V7: &str = "
ALTER TABLE photo ADD COLUMN date_source TEXT CHECK (date_source IN ('exif', 'xmp', 'iptc', 'name'));
ALTER TABLE photo ADD COLUMN rating INTEGER CHECK (rating BETWEEN -1 AND 5);
ALTER TABLE photo ADD COLUMN place TEXT;
ALTER TABLE photo ADD COLUMN place_key TEXT;
UPDATE photo SET date_source = 'exif' WHERE taken_at IS NOT NULL;
CREATE INDEX photo_rating ON photo (rating) WHERE rating IS NOT NULL;
CREATE INDEX photo_place ON photo (place) WHERE place IS NOT NULL;
";

/// What lists of all photos are made from, without reading their rows.
pub(crate) const V12: &str = "
ALTER TABLE photo ADD COLUMN other_words TEXT;
";

pub(crate) const V8: &str = "
CREATE INDEX photo_newest ON photo (taken_at DESC);
CREATE INDEX photo_camera ON photo (camera);
CREATE INDEX photo_lens ON photo (lens) WHERE lens IS NOT NULL;
CREATE INDEX photo_place_key ON photo (place_key) WHERE place_key IS NOT NULL;
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
    /// What its file and its sidecar say of it.
    pub facts: PhotoFacts,
    /// The file's format, in lower case.
    pub format: String,
    /// Size of the file in bytes.
    pub size_bytes: u64,
    /// How it looks, in 64 bits, if that is known.
    pub fingerprint: Option<u64>,
    /// A small picture of it.
    pub thumbnail_jpeg: Vec<u8>,
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
    /// Local time `YYYY-MM-DDTHH:MM:SS`, perhaps with a fraction and with the offset appended; less where less is known.
    pub taken_at: Option<String>,
    /// Where that comes from; none exactly when there is no date.
    pub date_source: Option<DateSource>,
    /// The camera's name.
    pub camera: Option<String>,
    /// The lens's name.
    pub lens: Option<String>,
    /// Degrees, north positive.
    pub latitude: Option<f64>,
    /// Degrees, east positive.
    pub longitude: Option<f64>,
    /// Stars, 0 to 5; -1 for a photo that was rejected.
    pub rating: Option<i8>,
    /// Town, region and country where it was taken.
    pub place: Option<String>,
    /// The file's format, in lower case.
    pub format: String,
    /// Size of the file in bytes.
    pub size_bytes: u64,
}

impl PhotoRow {
    /// When it was taken, if that is recorded and not a guess from its name.
    pub fn recorded_at(&self) -> Option<&str> {
        recorded(self.taken_at.as_deref(), self.date_source)
    }
}

/// Writes the photo's own row, but for its facts; one with the same content keeps its number.
pub(crate) fn put(connection: &Connection, photo: &NewPhoto) -> rusqlite::Result<PhotoId> {
    let sql = "INSERT INTO photo (hash, width, height, orientation, format, size_bytes)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6)
               ON CONFLICT (hash) DO UPDATE SET width = excluded.width, height = excluded.height,
                   orientation = excluded.orientation, format = excluded.format, size_bytes = excluded.size_bytes
               RETURNING id";
    let size = photo.size_bytes.cast_signed();
    let values = (&photo.hash, photo.width, photo.height, photo.orientation, &photo.format, size);
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
        date_source: row.get_ref(6)?.as_str_or_null()?.map(DateSource::from_str),
        camera: row.get(7)?,
        lens: row.get(8)?,
        latitude: row.get(9)?,
        longitude: row.get(10)?,
        rating: row.get(11)?,
        place: row.get(12)?,
        format: row.get(13)?,
        size_bytes: row.get::<_, i64>(14)?.cast_unsigned(),
    })
}

/// The photos that a query names, in its order.
pub(crate) fn select(connection: &Connection, sql: &str, parameters: impl Params) -> rusqlite::Result<Vec<PhotoId>> {
    connection.prepare_cached(sql)?.query_map(parameters, |row| row.get(0).map(PhotoId))?.collect()
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
            let sql = "SELECT id, hash, width, height, orientation, taken_at, date_source, camera, lens,
                           latitude, longitude, rating, place, format, size_bytes
                       FROM photo WHERE id = ?1";
            Ok(transaction.prepare_cached(sql)?.query_row([photo.0], from_row).optional()?)
        })
    }
}
