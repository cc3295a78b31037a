//! The words by which photos are found: those of their current captions and of their keywords (SQLite FTS5).

use rusqlite::{Connection, OptionalExtension};

use crate::error::Failure;
use crate::tables::photo::{self, PhotoId};
use crate::{Catalog, CatalogError};

/// What makes the table, in every version since the third.
macro_rules! table {
    () => {
        "CREATE VIRTUAL TABLE words USING fts5 (caption, keywords, tokenize = 'porter unicode61 remove_diacritics 2');"
    };
}

pub(crate) const V3: &str = concat!(
    "\n",
    table!(),
    "
CREATE TRIGGER words_forget AFTER DELETE ON photo BEGIN
    DELETE FROM words WHERE rowid = old.id;
END;
"
);

/// The schema's version from which on there are words.
pub(crate) const SINCE: u32 = 3;

/// Makes the words of the photo's current caption and keywords those that find it; a guess has none.
pub(crate) fn index(connection: &Connection, photo: PhotoId) -> Result<(), Failure> {
    connection.prepare_cached("DELETE FROM words WHERE rowid = ?1")?.execute([photo.0])?;
    let sql = "INSERT INTO words (rowid, caption, keywords)
               SELECT ?1, caption, keywords FROM (SELECT
                   (SELECT iif(author = 'machine' AND confidence IS NULL, NULL, text) FROM caption
                       WHERE photo_id = ?1 AND undone_at IS NULL ORDER BY id DESC LIMIT 1) AS caption,
                   (SELECT group_concat(word, char(10)) FROM keyword WHERE photo_id = ?1 AND NOT removed) AS keywords)
               WHERE caption IS NOT NULL OR keywords IS NOT NULL";
    connection.prepare_cached(sql)?.execute([photo.0])?;
    Ok(())
}

/// Every photo with the words that are to find it.
macro_rules! words_of_photos {
    () => {
        "SELECT photo.id AS id,
            (SELECT iif(author = 'machine' AND confidence IS NULL, NULL, text) FROM caption
                WHERE photo_id = photo.id AND undone_at IS NULL ORDER BY caption.id DESC LIMIT 1) AS caption,
            (SELECT group_concat(word, char(10)) FROM keyword WHERE photo_id = photo.id AND NOT removed) AS keywords
        FROM photo"
    };
}

/// Counts the photos that other words find than those of their captions and keywords, and words of no photo.
pub(crate) const UNEQUAL: &str = concat!(
    "SELECT (SELECT count(*) FROM (",
    words_of_photos!(),
    ") AS photo LEFT JOIN words ON words.rowid = photo.id
        WHERE words.caption IS NOT photo.caption OR words.keywords IS NOT photo.keywords)
     + (SELECT count(*) FROM words WHERE rowid NOT IN (SELECT id FROM photo))"
);

/// Makes the whole table of words anew, whatever is in it. The statement is ours: what the file says of itself may hold
/// others behind it.
pub(crate) fn rebuild(connection: &Connection) -> Result<(), Failure> {
    connection.execute_batch(concat!("DROP TABLE words; ", table!()))?;
    fill(connection)
}

/// Fills the table of words, which is empty.
pub(crate) fn fill(connection: &Connection) -> Result<(), Failure> {
    let sql = concat!(
        "INSERT INTO words (rowid, caption, keywords) SELECT id, caption, keywords FROM (",
        words_of_photos!(),
        ") WHERE caption IS NOT NULL OR keywords IS NOT NULL"
    );
    Ok(connection.execute_batch(sql)?)
}

/// What matches in FTS5's own language: all of `words`. Quoted, a word is no operator.
fn all_of(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("\"{}\"", word.replace('"', "\"\""))).collect();
    quoted.join(" AND ")
}

/// The photos that match, sorted.
fn matching(connection: &Connection, question: &str) -> rusqlite::Result<Vec<PhotoId>> {
    // No other condition: FTS5 would be asked again for each photo that it lets through.
    photo::select(connection, "SELECT rowid FROM words WHERE words MATCH ?1 ORDER BY rowid", [question])
}

impl Catalog {
    /// Photos that lie somewhere and whose current caption and keywords have all of `words`, whatever their endings;
    /// sorted.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn with_words(&self, words: &[&str]) -> Result<Vec<PhotoId>, CatalogError> {
        if words.is_empty() {
            return Ok(Vec::new());
        }
        self.read(|transaction| {
            let mut photos = matching(transaction, &all_of(words))?;
            let missing = photo::select(transaction, "SELECT photo_id FROM missing ORDER BY photo_id", [])?;
            photos.retain(|photo| missing.binary_search(photo).is_err());
            Ok(photos)
        })
    }

    /// Those of `photos` of [`Catalog::with_words`], sorted, whose words are not only a model's: all of them are
    /// keywords, or a person or the photo's file wrote the caption.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn not_only_by_a_model(&self, words: &[&str], photos: &[PhotoId]) -> Result<Vec<PhotoId>, CatalogError> {
        if words.is_empty() {
            return Ok(photos.to_vec());
        }
        self.read(|transaction| {
            let in_keywords = matching(transaction, &format!("keywords : ({})", all_of(words)))?;
            // Mostly few; which of their captions is the current one is looked up for those few.
            let sql = "SELECT photo_id FROM caption WHERE author <> 'machine' AND undone_at IS NULL ORDER BY photo_id";
            let written = photo::select(transaction, sql, [])?;
            let sql = "SELECT author <> 'machine' FROM caption WHERE photo_id = ?1 AND undone_at IS NULL
                       ORDER BY id DESC LIMIT 1";
            let mut is_written = transaction.prepare_cached(sql)?;
            let mut found = Vec::new();
            for photo in photos {
                let is_found = in_keywords.binary_search(photo).is_ok()
                    || written.binary_search(photo).is_ok()
                        && is_written.query_row([photo.0], |row| row.get(0)).optional()?.unwrap_or(false);
                if is_found {
                    found.push(*photo);
                }
            }
            Ok(found)
        })
    }
}
