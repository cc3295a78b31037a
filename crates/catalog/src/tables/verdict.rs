//! What a person answered when the model suggested a label for a photo.
//!
//! A "no" is a fact that the next lesson learns from; a "yes" has put the photo into an album, and is kept so that the
//! answers since a lesson can be counted.

use rusqlite::Row;

use crate::tables::photo::PhotoId;
use crate::{Catalog, CatalogError};

pub(crate) const V4: &str = "
CREATE TABLE verdict (
    photo_id INTEGER NOT NULL REFERENCES photo (id) ON DELETE CASCADE,
    label TEXT NOT NULL,
    answer TEXT NOT NULL CHECK (answer IN ('yes', 'no')),
    answered_at INTEGER NOT NULL DEFAULT (unixepoch()),
    PRIMARY KEY (photo_id, label)
) STRICT, WITHOUT ROWID;
";

/// An answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The photo is of the label.
    Yes,
    /// It is not.
    No,
}

/// An answer of a person's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerdictRow {
    /// The photo.
    pub photo: PhotoId,
    /// The label.
    pub label: String,
    /// The answer.
    pub answer: Verdict,
    /// When, in seconds since 1970.
    pub answered_at: i64,
}

impl Catalog {
    /// Keeps an answer in place of the one before it.
    ///
    /// # Errors
    /// When there is no such photo, or the library cannot be written.
    pub fn answer(&self, photo: PhotoId, label: &str, answer: Verdict) -> Result<(), CatalogError> {
        let word = match answer {
            Verdict::Yes => "yes",
            Verdict::No => "no",
        };
        let sql = "INSERT INTO verdict (photo_id, label, answer) VALUES (?1, ?2, ?3)
                   ON CONFLICT DO UPDATE SET answer = excluded.answer, answered_at = unixepoch()";
        self.write(|transaction| {
            if !super::photo::exists(transaction, photo)? {
                return Err(CatalogError::UnknownPhoto { id: photo.0 }.into());
            }
            Ok(transaction.prepare_cached(sql)?.execute((photo.0, label, word)).map(drop)?)
        })
    }

    /// Takes an answer back; gives what it was.
    ///
    /// # Errors
    /// When the library cannot be written.
    pub fn take_back_answer(&self, photo: PhotoId, label: &str) -> Result<(), CatalogError> {
        let sql = "DELETE FROM verdict WHERE photo_id = ?1 AND label = ?2";
        self.write(|transaction| Ok(transaction.prepare_cached(sql)?.execute((photo.0, label)).map(drop)?))
    }

    /// All answers, by label and photo.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn answers(&self) -> Result<Vec<VerdictRow>, CatalogError> {
        self.read(|transaction| {
            let sql = "SELECT photo_id, label, answer, answered_at FROM verdict ORDER BY label, photo_id";
            let row = |row: &Row<'_>| {
                let answer = if row.get::<_, String>(2)? == "yes" { Verdict::Yes } else { Verdict::No };
                Ok(VerdictRow { photo: PhotoId(row.get(0)?), label: row.get(1)?, answer, answered_at: row.get(3)? })
            };
            Ok(transaction.prepare_cached(sql)?.query_map([], row)?.collect::<Result<_, _>>()?)
        })
    }
}
