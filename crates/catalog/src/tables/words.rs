//! The words by which photos are found: those of their current captions and of their keywords (SQLite FTS5).

use rusqlite::{Connection, Row};

use crate::error::Failure;
use crate::tables::caption::CaptionAuthor;
use crate::tables::photo::PhotoId;
use crate::{Catalog, CatalogError};

pub(crate) const V3: &str = "
CREATE VIRTUAL TABLE words USING fts5 (caption, keywords, tokenize = 'porter unicode61 remove_diacritics 2');
CREATE TRIGGER words_forget AFTER DELETE ON photo BEGIN
    DELETE FROM words WHERE rowid = old.id;
END;
";

/// The schema's version from which on there are words.
pub(crate) const SINCE: u32 = 3;

/// Makes the words of the photo's current caption and keywords those that find it.
pub(crate) fn index(connection: &Connection, photo: PhotoId) -> Result<(), Failure> {
    connection.prepare_cached("DELETE FROM words WHERE rowid = ?1")?.execute([photo.0])?;
    let sql = "INSERT INTO words (rowid, caption, keywords)
               SELECT ?1, caption, keywords FROM (SELECT
                   (SELECT text FROM caption WHERE photo_id = ?1 AND undone_at IS NULL
                       ORDER BY id DESC LIMIT 1) AS caption,
                   (SELECT group_concat(word, char(10)) FROM keyword WHERE photo_id = ?1 AND NOT removed) AS keywords)
               WHERE caption IS NOT NULL OR keywords IS NOT NULL";
    connection.prepare_cached(sql)?.execute([photo.0])?;
    Ok(())
}

/// Every photo with the words that are to find it.
macro_rules! words_of_photos {
    () => {
        "SELECT photo.id AS id,
            (SELECT text FROM caption WHERE photo_id = photo.id AND undone_at IS NULL
                ORDER BY caption.id DESC LIMIT 1) AS caption,
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

/// Makes the whole table of words anew, whatever is in it.
pub(crate) fn rebuild(connection: &Connection) -> Result<(), Failure> {
    let made = "SELECT sql FROM sqlite_schema WHERE name = 'words'";
    let sql: String = connection.query_row(made, [], |row| row.get(0))?;
    connection.execute_batch(&format!("DROP TABLE words; {sql}"))?;
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

impl Catalog {
    /// Photos whose current caption and keywords have all of `words`, whatever their endings; the best first. With
    /// each whose word it is: a model's where its caption was needed, else a person's or that of the photo's file.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn with_words(&self, words: &[&str]) -> Result<Vec<(PhotoId, CaptionAuthor)>, CatalogError> {
        // Quoted, a word is no operator of FTS5's own language.
        let words: Vec<String> = words.iter().map(|word| format!("\"{}\"", word.replace('"', "\"\""))).collect();
        if words.is_empty() {
            return Ok(Vec::new());
        }
        let (all, in_keywords) = (words.join(" AND "), format!("keywords : ({})", words.join(" AND ")));
        self.read(|transaction| {
            let sql = "SELECT rowid,
                           CASE WHEN rowid IN (SELECT rowid FROM words WHERE words MATCH ?2) THEN 'person'
                           ELSE coalesce((SELECT author FROM caption WHERE photo_id = words.rowid
                               AND undone_at IS NULL ORDER BY id DESC LIMIT 1), 'person') END
                       FROM words WHERE words MATCH ?1
                         AND rowid IN (SELECT photo_id FROM location) ORDER BY rank, rowid";
            let mut statement = transaction.prepare_cached(sql)?;
            let row = |row: &Row<'_>| Ok((PhotoId(row.get(0)?), CaptionAuthor::from_str(&row.get::<_, String>(1)?)));
            Ok(statement.query_map([all, in_keywords], row)?.collect::<Result<_, _>>()?)
        })
    }
}
