//! Small pictures of the photos, as JPEG.

use rusqlite::{Connection, OptionalExtension};

use crate::tables::photo::PhotoId;
use crate::{Catalog, CatalogError};

pub(crate) const V1: &str = "
CREATE TABLE thumbnail (
    photo_id INTEGER PRIMARY KEY REFERENCES photo (id) ON DELETE CASCADE,
    jpeg BLOB NOT NULL
) STRICT;
";

pub(crate) fn put(connection: &Connection, photo: PhotoId, jpeg: &[u8]) -> rusqlite::Result<()> {
    let sql = "INSERT INTO thumbnail (photo_id, jpeg) VALUES (?1, ?2)
               ON CONFLICT (photo_id) DO UPDATE SET jpeg = excluded.jpeg";
    connection.prepare_cached(sql)?.execute((photo.0, jpeg)).map(drop)
}

impl Catalog {
    /// A photo's thumbnail, a JPEG; none when the photo is unknown.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn thumbnail(&self, photo: PhotoId) -> Result<Option<Vec<u8>>, CatalogError> {
        self.read(|transaction| {
            let mut statement = transaction.prepare_cached("SELECT jpeg FROM thumbnail WHERE photo_id = ?1")?;
            Ok(statement.query_row([photo.0], |row| row.get(0)).optional()?)
        })
    }

    /// The photo with this content, if it was read whole: one without a thumbnail was saved from a damaged library,
    /// and what else there is to know of it stands in its file.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn read_before(&self, hash: &[u8; 32]) -> Result<Option<PhotoId>, CatalogError> {
        self.read(|transaction| {
            let sql = "SELECT id FROM photo WHERE hash = ?1 AND id IN (SELECT photo_id FROM thumbnail)";
            Ok(transaction.prepare_cached(sql)?.query_row([hash], |row| row.get(0).map(PhotoId)).optional()?)
        })
    }
}
