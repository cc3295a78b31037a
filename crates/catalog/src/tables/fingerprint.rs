//! How the photos look, in 64 bits each, and which of those that look alike a person said are no duplicates.
//!
//! What the bits mean is not known here.

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension};

use crate::tables::photo::{self, PhotoId};
use crate::{Catalog, CatalogError};

pub(crate) const V6: &str = "
CREATE TABLE fingerprint (
    photo_id INTEGER PRIMARY KEY REFERENCES photo (id) ON DELETE CASCADE,
    bits INTEGER NOT NULL
) STRICT;
CREATE TABLE not_duplicate (
    first_id INTEGER NOT NULL REFERENCES photo (id) ON DELETE CASCADE,
    second_id INTEGER NOT NULL REFERENCES photo (id) ON DELETE CASCADE,
    PRIMARY KEY (first_id, second_id),
    CHECK (first_id <= second_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX not_duplicate_second ON not_duplicate (second_id);
";

pub(crate) fn put(connection: &Connection, photo: PhotoId, bits: u64) -> rusqlite::Result<()> {
    let sql = "INSERT INTO fingerprint (photo_id, bits) SELECT id, ?2 FROM photo WHERE id = ?1
               ON CONFLICT (photo_id) DO UPDATE SET bits = excluded.bits";
    connection.prepare_cached(sql)?.execute((photo.0, bits.cast_signed())).map(drop)
}

impl Catalog {
    /// Keeps photos' fingerprints in one transaction; unknown photos are passed over.
    ///
    /// # Errors
    /// When the library cannot be written; then none is kept.
    pub fn put_fingerprints(&self, prints: &[(PhotoId, u64)]) -> Result<(), CatalogError> {
        self.write(|transaction| {
            for (photo, bits) in prints {
                put(transaction, *photo, *bits)?;
            }
            Ok(())
        })
    }

    /// The fingerprints of the photos that lie somewhere, by photo.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn fingerprints(&self) -> Result<Vec<(PhotoId, u64)>, CatalogError> {
        self.read(|transaction| {
            let sql = "SELECT photo_id, bits FROM fingerprint
                       WHERE photo_id NOT IN (SELECT photo_id FROM missing) ORDER BY photo_id";
            let mut statement = transaction.prepare_cached(sql)?;
            let rows =
                statement.query_map([], |row| Ok((PhotoId(row.get(0)?), row.get::<_, i64>(1)?.cast_unsigned())))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// The fingerprints of these photos, in their order.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn fingerprints_of(&self, photos: &[PhotoId]) -> Result<Vec<Option<u64>>, CatalogError> {
        self.read(|transaction| {
            let mut statement = transaction.prepare_cached("SELECT bits FROM fingerprint WHERE photo_id = ?1")?;
            let mut prints = Vec::with_capacity(photos.len());
            for photo in photos {
                let bits = statement.query_row([photo.0], |row| row.get::<_, i64>(0)).optional()?;
                prints.push(bits.map(i64::cast_unsigned));
            }
            Ok(prints)
        })
    }

    /// The photos that lie somewhere, have a thumbnail and have no fingerprint.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn photos_without_fingerprint(&self) -> Result<Vec<PhotoId>, CatalogError> {
        self.read(|transaction| {
            let sql = "SELECT photo_id FROM thumbnail
                       WHERE photo_id NOT IN (SELECT photo_id FROM fingerprint)
                         AND photo_id NOT IN (SELECT photo_id FROM missing) ORDER BY photo_id";
            Ok(photo::select(transaction, sql, [])?)
        })
    }

    /// Keeps that no two of `photos` are duplicates of each other; a single one: that its copies are wanted.
    ///
    /// # Errors
    /// When the library cannot be written.
    pub fn say_no_duplicates(&self, photos: &[PhotoId]) -> Result<(), CatalogError> {
        self.each_pair(
            photos,
            "INSERT INTO not_duplicate (first_id, second_id) SELECT ?1, ?2
             WHERE EXISTS (SELECT 1 FROM photo WHERE id = ?1) AND EXISTS (SELECT 1 FROM photo WHERE id = ?2)
             ON CONFLICT DO NOTHING",
        )
    }

    /// Takes back what [`Catalog::say_no_duplicates`] kept.
    ///
    /// # Errors
    /// When the library cannot be written.
    pub fn take_back_no_duplicates(&self, photos: &[PhotoId]) -> Result<(), CatalogError> {
        self.each_pair(photos, "DELETE FROM not_duplicate WHERE first_id = ?1 AND second_id = ?2")
    }

    fn each_pair(&self, photos: &[PhotoId], sql: &str) -> Result<(), CatalogError> {
        self.write(|transaction| {
            let mut statement = transaction.prepare_cached(sql)?;
            for (at, one) in photos.iter().enumerate() {
                for other in &photos[at..] {
                    // A photo with itself stands for its copies, which are meant when it is alone.
                    if one != other || photos.len() == 1 {
                        statement.execute((one.0.min(other.0), one.0.max(other.0)))?;
                    }
                }
            }
            Ok(())
        })
    }

    /// The pairs that a person said are no duplicates, the lower number first; a photo with itself: its copies are
    /// wanted.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn no_duplicates(&self) -> Result<HashSet<(PhotoId, PhotoId)>, CatalogError> {
        self.read(|transaction| {
            let mut statement = transaction.prepare_cached("SELECT first_id, second_id FROM not_duplicate")?;
            let rows = statement.query_map([], |row| Ok((PhotoId(row.get(0)?), PhotoId(row.get(1)?))))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}
