//! What a person gave a photo, handed on to the photo that takes its place: a file edited in place, a JPEG that
//! comes to its RAW file or leaves it.

use std::path::PathBuf;

use rusqlite::{Connection, OptionalExtension};

use crate::error::Failure;
use crate::path_bytes;
use crate::tables::companion::{self, Companion};
use crate::tables::photo::PhotoId;
use crate::tables::{absence, problem, words};
use crate::{Catalog, CatalogError};

/// What a scan concludes when all that it found is committed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Conclusion {
    /// Files that belong to a photo's file beside them, new or changed.
    pub joined: Vec<Companion>,
    /// Companions that stand alone from now on.
    pub parted: Vec<PathBuf>,
    /// Files that are gone.
    pub gone: Vec<PathBuf>,
}

impl Conclusion {
    /// Whether there is nothing to be done.
    pub fn is_empty(&self) -> bool {
        self.joined.is_empty() && self.parted.is_empty() && self.gone.is_empty()
    }
}

/// Hands on albums, and a person's captions, keywords and answers; nothing while `from` lies somewhere.
pub(crate) fn inherit(connection: &Connection, from: PhotoId, to: PhotoId) -> Result<(), Failure> {
    let lies = "SELECT EXISTS (SELECT 1 FROM location WHERE photo_id = ?1)";
    if from == to || connection.prepare_cached(lies)?.query_row([from.0], |row| row.get(0))? {
        return Ok(());
    }
    let copies = [
        "INSERT INTO album_photo (album_id, photo_id, added_at)
         SELECT album_id, ?2, added_at FROM album_photo WHERE photo_id = ?1 ON CONFLICT DO NOTHING",
        // As new rows: the newest is the current one, and a person's goes before that of the file.
        "INSERT INTO caption (photo_id, text, author, model, settings, confidence, written_at, undone_at)
         SELECT ?2, text, author, model, settings, confidence, written_at, undone_at
         FROM caption WHERE photo_id = ?1 AND author = 'person' ORDER BY id",
        "INSERT INTO keyword (photo_id, word, origin, removed)
         SELECT ?2, word, origin, removed FROM keyword WHERE photo_id = ?1 AND (origin = 'person' OR removed)
         ON CONFLICT DO UPDATE SET origin = excluded.origin, removed = excluded.removed",
        "INSERT INTO verdict (photo_id, label, answer, answered_at)
         SELECT ?2, label, answer, answered_at FROM verdict WHERE photo_id = ?1 ON CONFLICT DO NOTHING",
    ];
    let originals = [
        "DELETE FROM album_photo WHERE photo_id = ?1",
        "DELETE FROM caption WHERE photo_id = ?1 AND author = 'person'",
        "DELETE FROM keyword WHERE photo_id = ?1 AND (origin = 'person' OR removed)",
        "DELETE FROM verdict WHERE photo_id = ?1",
    ];
    for sql in copies {
        connection.prepare_cached(sql)?.execute((from.0, to.0))?;
    }
    for sql in originals {
        connection.prepare_cached(sql)?.execute([from.0])?;
    }
    words::index(connection, from)?;
    words::index(connection, to)
}

/// The photo that lies at a path.
fn photo_at(connection: &Connection, path: &[u8]) -> rusqlite::Result<Option<PhotoId>> {
    let sql = "SELECT photo_id FROM location WHERE path = ?1";
    connection.prepare_cached(sql)?.query_row([path], |row| row.get(0).map(PhotoId)).optional()
}

/// Forgets whatever is known of a path; returns whether anything was.
fn forget(connection: &Connection, path: &[u8]) -> rusqlite::Result<bool> {
    let located = connection.prepare_cached("DELETE FROM location WHERE path = ?1")?.execute([path])?;
    let known = located + problem::remove(connection, path)? + companion::remove(connection, path)?;
    absence::remove(connection, path)?;
    Ok(known > 0)
}

impl Catalog {
    /// Concludes a scan in one transaction: joins companions to their photos, lets others stand alone, and forgets
    /// what is gone. Where one half of a pair takes the other's place, it inherits albums and a person's words.
    /// A companion whose photo's file is not known is passed over. Returns how many of the gone were known.
    ///
    /// A photo that lies nowhere any more is found by no search. It keeps its vectors until
    /// [`Catalog::collect_garbage`], so that finding it again elsewhere costs nothing.
    ///
    /// # Errors
    /// When the library cannot be written; then nothing is done.
    pub fn conclude(&self, conclusion: &Conclusion) -> Result<usize, CatalogError> {
        if conclusion.is_empty() {
            return Ok(0);
        }
        self.write(|transaction| {
            let mut heirs = Vec::new();
            for companion in &conclusion.joined {
                let path = path_bytes::encode(&companion.path);
                let Some(main) = photo_at(transaction, &path_bytes::encode(&companion.main))? else { continue };
                heirs.extend(photo_at(transaction, &path)?.map(|alone| (alone, main)));
                forget(transaction, &path)?;
                companion::put(transaction, companion)?;
            }
            for path in &conclusion.parted {
                let path = path_bytes::encode(path);
                let main = companion::main_of(transaction, &path)?;
                let main = main.map(|main| photo_at(transaction, &main)).transpose()?.flatten();
                heirs.extend(main.zip(photo_at(transaction, &path)?));
                companion::remove(transaction, &path)?;
            }
            let mut forgotten = 0;
            for path in &conclusion.gone {
                forgotten += usize::from(forget(transaction, &path_bytes::encode(path))?);
            }
            for (from, to) in heirs {
                inherit(transaction, from, to)?;
            }
            Ok(forgotten)
        })
    }
}
