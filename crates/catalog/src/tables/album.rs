//! Albums: named sets of photos that a person puts together.
//!
//! An album holds photos, not files: moving a file keeps it in its albums.

use rusqlite::{Connection, OptionalExtension, Row};

use crate::error::Failure;
use crate::tables::photo::PhotoId;
use crate::{Catalog, CatalogError};

pub(crate) const V2: &str = "
CREATE TABLE album (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE CHECK (trim(name) <> ''),
    made_at INTEGER NOT NULL DEFAULT (unixepoch())
) STRICT;
CREATE TABLE album_photo (
    album_id INTEGER NOT NULL REFERENCES album (id) ON DELETE CASCADE,
    photo_id INTEGER NOT NULL REFERENCES photo (id) ON DELETE CASCADE,
    added_at INTEGER NOT NULL DEFAULT (unixepoch()),
    PRIMARY KEY (album_id, photo_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX album_photo_photo ON album_photo (photo_id);
";

/// An album's number in its catalogue; never used for another album.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AlbumId(pub i64);

/// An album.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlbumRow {
    /// Its number.
    pub id: AlbumId,
    /// Its name, unlike that of any other.
    pub name: String,
    /// Photos in it that lie somewhere.
    pub photos: u64,
    /// The photo last put in, to stand for it.
    pub cover: Option<PhotoId>,
}

const ALBUMS: &str = "
SELECT id, name,
    (SELECT count(*) FROM album_photo AS m WHERE m.album_id = album.id
        AND m.photo_id NOT IN (SELECT photo_id FROM missing)),
    (SELECT photo_id FROM album_photo AS m WHERE m.album_id = album.id
        AND m.photo_id NOT IN (SELECT photo_id FROM missing) ORDER BY added_at DESC, photo_id DESC LIMIT 1)
FROM album";

fn from_row(row: &Row<'_>) -> rusqlite::Result<AlbumRow> {
    Ok(AlbumRow {
        id: AlbumId(row.get(0)?),
        name: row.get(1)?,
        photos: row.get::<_, i64>(2)?.cast_unsigned(),
        cover: row.get::<_, Option<i64>>(3)?.map(PhotoId),
    })
}

/// The name without blanks around it, if it is one and no other album than `but` has it.
fn free_name<'a>(connection: &Connection, name: &'a str, but: Option<AlbumId>) -> Result<&'a str, Failure> {
    let name = name.trim();
    if name.is_empty() {
        return Err(CatalogError::AlbumUnnamed.into());
    }
    let sql = "SELECT EXISTS (SELECT 1 FROM album WHERE name = ?1 AND id IS NOT ?2)";
    let taken = connection.prepare_cached(sql)?.query_row((name, but.map(|id| id.0)), |row| row.get(0))?;
    if taken { Err(CatalogError::AlbumExists { name: name.into() }.into()) } else { Ok(name) }
}

fn must_exist(connection: &Connection, album: AlbumId) -> Result<(), Failure> {
    let sql = "SELECT EXISTS (SELECT 1 FROM album WHERE id = ?1)";
    let there: bool = connection.prepare_cached(sql)?.query_row([album.0], |row| row.get(0))?;
    if there { Ok(()) } else { Err(CatalogError::AlbumGone { id: album.0 }.into()) }
}

impl Catalog {
    /// The albums, by name.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn albums(&self) -> Result<Vec<AlbumRow>, CatalogError> {
        self.read(|transaction| {
            let mut statement = transaction.prepare_cached(&format!("{ALBUMS} ORDER BY name COLLATE NOCASE, id"))?;
            Ok(statement.query_map([], from_row)?.collect::<Result<_, _>>()?)
        })
    }

    /// One album.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn album(&self, album: AlbumId) -> Result<Option<AlbumRow>, CatalogError> {
        self.read(|transaction| {
            let mut statement = transaction.prepare_cached(&format!("{ALBUMS} WHERE id = ?1"))?;
            Ok(statement.query_row([album.0], from_row).optional()?)
        })
    }

    /// Makes an album.
    ///
    /// # Errors
    /// When the name is blank or taken, or the library cannot be written.
    pub fn create_album(&self, name: &str) -> Result<AlbumId, CatalogError> {
        self.write(|transaction| {
            let name = free_name(transaction, name, None)?;
            transaction.execute("INSERT INTO album (name) VALUES (?1)", [name])?;
            Ok(AlbumId(transaction.last_insert_rowid()))
        })
    }

    /// Gives an album another name.
    ///
    /// # Errors
    /// When the name is blank or taken, the album is gone, or the library cannot be written.
    pub fn rename_album(&self, album: AlbumId, name: &str) -> Result<(), CatalogError> {
        self.write(|transaction| {
            must_exist(transaction, album)?;
            let name = free_name(transaction, name, Some(album))?;
            transaction.execute("UPDATE album SET name = ?2 WHERE id = ?1", (album.0, name))?;
            Ok(())
        })
    }

    /// Removes an album; its photos stay.
    ///
    /// # Errors
    /// When the library cannot be written.
    pub fn remove_album(&self, album: AlbumId) -> Result<(), CatalogError> {
        self.write(|transaction| Ok(transaction.execute("DELETE FROM album WHERE id = ?1", [album.0]).map(drop)?))
    }

    /// Puts photos into an album; those that are in it stay in it, unknown ones are passed over.
    ///
    /// # Errors
    /// When the album is gone or the library cannot be written; then no photo is put in.
    pub fn add_to_album(&self, album: AlbumId, photos: &[PhotoId]) -> Result<(), CatalogError> {
        self.write(|transaction| {
            must_exist(transaction, album)?;
            let mut insert = transaction.prepare_cached(
                "INSERT INTO album_photo (album_id, photo_id) SELECT ?1, id FROM photo WHERE id = ?2
                 ON CONFLICT DO NOTHING",
            )?;
            for photo in photos {
                insert.execute((album.0, photo.0))?;
            }
            Ok(())
        })
    }

    /// Takes photos out of an album.
    ///
    /// # Errors
    /// When the library cannot be written; then all stay.
    pub fn remove_from_album(&self, album: AlbumId, photos: &[PhotoId]) -> Result<(), CatalogError> {
        self.write(|transaction| {
            let mut delete =
                transaction.prepare_cached("DELETE FROM album_photo WHERE album_id = ?1 AND photo_id = ?2")?;
            for photo in photos {
                delete.execute((album.0, photo.0))?;
            }
            Ok(())
        })
    }

    /// The albums that a photo is in, by number.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn albums_of(&self, photo: PhotoId) -> Result<Vec<AlbumId>, CatalogError> {
        self.read(|transaction| {
            let sql = "SELECT album_id FROM album_photo WHERE photo_id = ?1 ORDER BY album_id";
            let mut statement = transaction.prepare_cached(sql)?;
            Ok(statement.query_map([photo.0], |row| row.get(0).map(AlbumId))?.collect::<Result<_, _>>()?)
        })
    }
}
