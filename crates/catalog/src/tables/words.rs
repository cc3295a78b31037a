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
