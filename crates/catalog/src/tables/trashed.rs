//! What was moved to the system's trash, and what the photos kept in its place were given, so that it can be undone.
//!
//! A move is written down before it is made: whoever is killed in between leaves a row that says so. What a photo that
//! goes has of a person's (albums, caption, keywords given and taken off, answers, stars) is handed to the one kept at the
//! same time.

use std::path::PathBuf;

use rusqlite::{Connection, OptionalExtension};

use crate::error::Failure;
use crate::path_bytes;
use crate::tables::caption::{self, CaptionAuthor, NewCaption, Overwrite};
use crate::tables::location::{self, Location, Reading};
use crate::tables::photo::PhotoId;
use crate::tables::words;
use crate::{Catalog, CatalogError, Conclusion};

pub(crate) const V6: &str = "
CREATE TABLE trashed (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    batch INTEGER NOT NULL,
    path BLOB NOT NULL,
    photo_id INTEGER NOT NULL REFERENCES photo (id) ON DELETE CASCADE,
    kept_id INTEGER NOT NULL REFERENCES photo (id) ON DELETE CASCADE,
    size_bytes INTEGER,
    modified_ns INTEGER,
    trashed_at INTEGER NOT NULL DEFAULT (unixepoch())
) STRICT;
CREATE INDEX trashed_batch ON trashed (batch);
CREATE INDEX trashed_photo ON trashed (photo_id);
CREATE INDEX trashed_kept ON trashed (kept_id);
CREATE TABLE handed_on (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    batch INTEGER NOT NULL,
    photo_id INTEGER NOT NULL REFERENCES photo (id) ON DELETE CASCADE,
    kept_id INTEGER NOT NULL REFERENCES photo (id) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('album', 'keyword', 'caption')),
    item TEXT NOT NULL
) STRICT;
CREATE INDEX handed_on_photo ON handed_on (photo_id, batch);
CREATE INDEX handed_on_kept ON handed_on (kept_id);
";

/// More kinds of what is handed on.
pub(crate) const V9: &str = "
CREATE TABLE handed_on_9 (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    batch INTEGER NOT NULL,
    photo_id INTEGER NOT NULL REFERENCES photo (id) ON DELETE CASCADE,
    kept_id INTEGER NOT NULL REFERENCES photo (id) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('album', 'keyword', 'caption', 'word_taken_off', 'answer', 'rating')),
    item TEXT NOT NULL
) STRICT;
INSERT INTO handed_on_9 (id, batch, photo_id, kept_id, kind, item)
    SELECT id, batch, photo_id, kept_id, kind, item FROM handed_on;
DROP TABLE handed_on;
ALTER TABLE handed_on_9 RENAME TO handed_on;
CREATE INDEX handed_on_photo ON handed_on (photo_id, batch);
CREATE INDEX handed_on_kept ON handed_on (kept_id, kind);
";

/// A number under which files went to the trash together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TrashBatch(pub i64);

/// A file that goes to the trash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToTrash {
    /// Where it lies.
    pub path: PathBuf,
    /// The photo that it holds, or belongs to.
    pub photo: PhotoId,
    /// The photo that is kept in its place; the same one when only a copy goes.
    pub kept: PhotoId,
}

/// A file that went to the trash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrashedRow {
    /// Where it lay.
    pub path: PathBuf,
    /// The photo that it holds, or belongs to.
    pub photo: PhotoId,
    /// The photo that was kept in its place.
    pub kept: PhotoId,
    /// Whether it holds the photo, and so has its hash; else it belongs to it.
    pub is_photo: bool,
    /// When it was written last, in nanoseconds since 1970, if it holds the photo.
    pub modified_ns: Option<i64>,
    /// When it was to go, in seconds since 1970.
    pub trashed_at: i64,
}

/// Gives `kept` what `photo` has of a person's and writes down what was given.
fn hand_on(connection: &Connection, batch: i64, photo: PhotoId, kept: PhotoId) -> Result<(), Failure> {
    let mut note = connection
        .prepare_cached("INSERT INTO handed_on (batch, photo_id, kept_id, kind, item) VALUES (?1, ?2, ?3, ?4, ?5)")?;
    let mut albums = connection.prepare_cached(
        "INSERT INTO album_photo (album_id, photo_id) SELECT album_id, ?2 FROM album_photo WHERE photo_id = ?1
         ON CONFLICT DO NOTHING RETURNING album_id",
    )?;
    let given: Vec<i64> = albums.query_map((photo.0, kept.0), |row| row.get(0))?.collect::<Result<_, _>>()?;
    for album in given {
        note.execute((batch, photo.0, kept.0, "album", album.to_string()))?;
    }
    // Theirs is the word of the person who chose what stays: no file has to repeat it.
    let mut keywords = connection.prepare_cached(
        "INSERT INTO keyword (photo_id, word, origin) SELECT ?2, word, 'person' FROM keyword
         WHERE photo_id = ?1 AND NOT removed AND origin <> 'model' ON CONFLICT DO NOTHING RETURNING word",
    )?;
    let given: Vec<String> = keywords.query_map((photo.0, kept.0), |row| row.get(0))?.collect::<Result<_, _>>()?;
    for word in &given {
        note.execute((batch, photo.0, kept.0, "keyword", word))?;
    }
    let mut taken_off = connection.prepare_cached(
        "INSERT INTO keyword (photo_id, word, origin, removed) SELECT ?2, word, 'model', 1 FROM keyword
         WHERE photo_id = ?1 AND removed ON CONFLICT DO NOTHING RETURNING word",
    )?;
    let given: Vec<String> = taken_off.query_map((photo.0, kept.0), |row| row.get(0))?.collect::<Result<_, _>>()?;
    for word in &given {
        note.execute((batch, photo.0, kept.0, "word_taken_off", word))?;
    }
    let mut answers = connection.prepare_cached(
        "INSERT INTO verdict (photo_id, label, answer, answered_at) SELECT ?2, label, answer, answered_at FROM verdict
         WHERE photo_id = ?1 ON CONFLICT DO NOTHING RETURNING label",
    )?;
    let given: Vec<String> = answers.query_map((photo.0, kept.0), |row| row.get(0))?.collect::<Result<_, _>>()?;
    for label in &given {
        note.execute((batch, photo.0, kept.0, "answer", label))?;
    }
    let stars = "UPDATE photo SET rating = (SELECT rating FROM photo WHERE id = ?1)
                 WHERE id = ?2 AND rating IS NULL AND (SELECT rating FROM photo WHERE id = ?1) IS NOT NULL
                 RETURNING rating";
    let given: Option<i64> =
        connection.prepare_cached(stars)?.query_row((photo.0, kept.0), |row| row.get(0)).optional()?;
    if let Some(stars) = given {
        note.execute((batch, photo.0, kept.0, "rating", stars.to_string()))?;
    }
    if let Some(id) = hand_caption_on(connection, photo, kept)? {
        note.execute((batch, photo.0, kept.0, "caption", id.to_string()))?;
    }
    words::index(connection, kept)
}

/// A caption takes the place of none, and a person's or a file's that of a model's; any other is kept in the history.
/// A model's guess is no caption.
fn hand_caption_on(connection: &Connection, photo: PhotoId, kept: PhotoId) -> Result<Option<i64>, Failure> {
    let said = |photo| caption::current(connection, photo).map(|now| now.filter(|now| !now.is_guess()));
    let Some(own) = said(photo)? else { return Ok(None) };
    let there = said(kept)?;
    if there.as_ref().is_some_and(|there| there.text == own.text) {
        return Ok(None);
    }
    let better = match &there {
        None => true,
        Some(there) => there.author == CaptionAuthor::Machine && own.author != CaptionAuthor::Machine,
    };
    if !better && own.author == CaptionAuthor::Machine {
        return Ok(None);
    }
    let confidence = own.confidence;
    let new = NewCaption { text: own.text, author: own.author, model: own.model, settings: own.settings, confidence };
    caption::put(connection, kept, &new, Overwrite::All)?;
    // The newest version, whether it is current or not.
    let newest = "SELECT max(id) FROM caption WHERE photo_id = ?1";
    let id: i64 = connection.prepare_cached(newest)?.query_row([kept.0], |row| row.get(0))?;
    if !better {
        connection.prepare_cached("UPDATE caption SET undone_at = unixepoch() WHERE id = ?1")?.execute([id])?;
    }
    Ok(Some(id))
}

/// Takes from the photos kept what `photo` gave them in a batch.
fn take_back(connection: &Connection, batch: i64, photo: PhotoId) -> Result<(), Failure> {
    let sql = "DELETE FROM handed_on WHERE batch = ?1 AND photo_id = ?2 RETURNING kept_id, kind, item";
    let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    let given: Vec<(i64, String, String)> =
        connection.prepare_cached(sql)?.query_map((batch, photo.0), row)?.collect::<Result<_, _>>()?;
    for (kept, kind, item) in given {
        let sql = match kind.as_str() {
            "album" => "DELETE FROM album_photo WHERE photo_id = ?1 AND album_id = CAST(?2 AS INTEGER)",
            "keyword" => "DELETE FROM keyword WHERE photo_id = ?1 AND word = ?2 AND NOT removed",
            "word_taken_off" => {
                "DELETE FROM keyword WHERE photo_id = ?1 AND word = ?2 AND origin = 'model' AND removed"
            }
            "answer" => "DELETE FROM verdict WHERE photo_id = ?1 AND label = ?2",
            // What its own files say by now stays.
            "rating" => "UPDATE photo SET rating = NULL WHERE id = ?1 AND rating = CAST(?2 AS INTEGER)",
            _ => "DELETE FROM caption WHERE photo_id = ?1 AND id = CAST(?2 AS INTEGER)",
        };
        connection.prepare_cached(sql)?.execute((kept, &item))?;
        words::index(connection, PhotoId(kept))?;
    }
    Ok(())
}

/// Whether any file of the photo's own is still said to be in the trash by the batch.
fn gone_from(connection: &Connection, batch: i64, photo: PhotoId) -> rusqlite::Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM trashed WHERE batch = ?1 AND photo_id = ?2 AND size_bytes IS NOT NULL)";
    connection.prepare_cached(sql)?.query_row((batch, photo.0), |row| row.get(0))
}

impl Catalog {
    /// Writes down that files are about to be moved to the trash, and hands what their photos have of a person's to
    /// the photos that are kept. Without a `batch` a new one begins.
    ///
    /// # Errors
    /// When the library cannot be written; then nothing is written down and nothing may be moved.
    pub fn begin_trash(&self, batch: Option<TrashBatch>, files: &[ToTrash]) -> Result<TrashBatch, CatalogError> {
        self.write(|transaction| {
            let batch = match batch {
                Some(batch) => batch.0,
                None => {
                    let sql = "SELECT 1 + max(coalesce((SELECT max(batch) FROM trashed), 0),
                                              coalesce((SELECT max(batch) FROM handed_on), 0))";
                    transaction.query_row(sql, [], |row| row.get(0))?
                }
            };
            let sql = "INSERT INTO trashed (batch, path, photo_id, kept_id, size_bytes, modified_ns)
                       VALUES (?1, ?2, ?3, ?4, (SELECT size_bytes FROM location WHERE path = ?2),
                           (SELECT modified_ns FROM location WHERE path = ?2))";
            let mut insert = transaction.prepare_cached(sql)?;
            for file in files {
                insert.execute((batch, path_bytes::encode(&file.path), file.photo.0, file.kept.0))?;
                if file.photo != file.kept {
                    hand_on(transaction, batch, file.photo, file.kept)?;
                }
            }
            Ok(TrashBatch(batch))
        })
    }

    /// Says that files of a batch are in the trash: they lie where they lay no more.
    ///
    /// # Errors
    /// When the library cannot be written.
    pub fn end_trash(&self, paths: &[PathBuf]) -> Result<(), CatalogError> {
        self.conclude(&Conclusion { gone: paths.to_vec(), ..Conclusion::default() }).map(drop)
    }

    /// Says that files of a batch were not moved after all, and takes back what their photos had given.
    ///
    /// # Errors
    /// When the library cannot be written.
    pub fn abandon_trash(&self, batch: TrashBatch, paths: &[PathBuf]) -> Result<(), CatalogError> {
        self.write(|transaction| {
            for path in paths {
                let sql = "DELETE FROM trashed WHERE batch = ?1 AND path = ?2 RETURNING photo_id";
                let photo: Option<i64> = transaction
                    .prepare_cached(sql)?
                    .query_row((batch.0, path_bytes::encode(path)), |row| row.get(0))
                    .optional()?;
                if let Some(photo) = photo.map(PhotoId)
                    && !gone_from(transaction, batch.0, photo)?
                {
                    take_back(transaction, batch.0, photo)?;
                }
            }
            Ok(())
        })
    }

    /// The files that went to the trash last, and have not been taken out since.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn last_trashed(&self) -> Result<Option<(TrashBatch, Vec<TrashedRow>)>, CatalogError> {
        self.read(|transaction| {
            let last: Option<i64> = transaction.query_row("SELECT max(batch) FROM trashed", [], |row| row.get(0))?;
            let Some(batch) = last else { return Ok(None) };
            let sql = "SELECT path, photo_id, kept_id, size_bytes IS NOT NULL, modified_ns, trashed_at FROM trashed
                       WHERE batch = ?1 ORDER BY id";
            let row = |row: &rusqlite::Row<'_>| {
                Ok(TrashedRow {
                    path: path_bytes::decode(row.get(0)?),
                    photo: PhotoId(row.get(1)?),
                    kept: PhotoId(row.get(2)?),
                    is_photo: row.get(3)?,
                    modified_ns: row.get(4)?,
                    trashed_at: row.get(5)?,
                })
            };
            let rows = transaction.prepare_cached(sql)?.query_map([batch], row)?.collect::<Result<_, _>>()?;
            Ok(Some((TrashBatch(batch), rows)))
        })
    }

    /// Says that files of a batch are not in the trash any more; what was handed on stays where it is.
    ///
    /// # Errors
    /// When the library cannot be written.
    pub fn forget_trashed(&self, batch: TrashBatch, paths: &[PathBuf]) -> Result<(), CatalogError> {
        self.write(|transaction| {
            let mut delete = transaction.prepare_cached("DELETE FROM trashed WHERE batch = ?1 AND path = ?2")?;
            for path in paths {
                delete.execute((batch.0, path_bytes::encode(path)))?;
            }
            Ok(())
        })
    }

    /// Says that files of a batch are back: each lies where it lay, and its photo has what it had given.
    ///
    /// # Errors
    /// When the library cannot be written.
    pub fn untrash(&self, batch: TrashBatch, paths: &[PathBuf]) -> Result<(), CatalogError> {
        self.write(|transaction| {
            for path in paths {
                let sql =
                    "DELETE FROM trashed WHERE batch = ?1 AND path = ?2 RETURNING photo_id, size_bytes, modified_ns";
                let row = |row: &rusqlite::Row<'_>| Ok((PhotoId(row.get(0)?), row.get(1)?, row.get(2)?));
                let bytes = path_bytes::encode(path);
                let found: Option<(PhotoId, Option<i64>, Option<i64>)> =
                    transaction.prepare_cached(sql)?.query_row((batch.0, bytes), row).optional()?;
                let Some((photo, size, modified)) = found else { continue };
                if let (Some(size), Some(modified_ns)) = (size, modified) {
                    let size_bytes = size.cast_unsigned();
                    let (path, reading) = (path.clone(), Reading::default());
                    location::put(transaction, photo, &Location { path, size_bytes, modified_ns, reading })?;
                }
                if !gone_from(transaction, batch.0, photo)? {
                    take_back(transaction, batch.0, photo)?;
                }
            }
            Ok(())
        })
    }
}
