//! Keywords: words that a person gave a photo, or that its file brought along, and words that the person took off.
//!
//! What the model proposes is not kept here, only a person's answer to it.

use rusqlite::{Connection, Row};

use crate::error::Failure;
use crate::tables::photo::{self, PhotoId};
use crate::tables::words;
use crate::{Catalog, CatalogError};

pub(crate) const V3: &str = "
CREATE TABLE keyword (
    photo_id INTEGER NOT NULL REFERENCES photo (id) ON DELETE CASCADE,
    word TEXT NOT NULL COLLATE NOCASE,
    origin TEXT NOT NULL CHECK (origin IN ('person', 'file', 'model')),
    removed INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (photo_id, word)
) STRICT, WITHOUT ROWID;
";

/// Where a keyword comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeywordOrigin {
    /// The user gave it, or took the model's word for it.
    Person,
    /// It stood in the photo's file or in one beside it.
    File,
    /// The model proposed it; such a row stands only for a proposal that was taken off.
    Model,
}

impl KeywordOrigin {
    fn from_str(text: &str) -> Self {
        match text {
            "person" => Self::Person,
            "file" => Self::File,
            _ => Self::Model,
        }
    }
}

/// A word at a photo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeywordRow {
    /// The word, or a few of them.
    pub word: String,
    /// Where it comes from.
    pub origin: KeywordOrigin,
    /// Whether the user took it off the photo.
    pub removed: bool,
}

/// Makes the keywords of a photo's file those that stand there now; what the user gave or took off stays.
pub(crate) fn follow_file(connection: &Connection, photo: PhotoId, keywords: &[String]) -> Result<(), Failure> {
    let now = keywords.iter().map(|word| word.trim()).filter(|word| !word.is_empty()).collect::<Vec<_>>();
    let before = "SELECT word FROM keyword WHERE photo_id = ?1 AND origin = 'file' AND NOT removed";
    let before = connection
        .prepare_cached(before)?
        .query_map([photo.0], |row| row.get::<_, String>(0))?
        .collect::<Result<Vec<_>, _>>()?;
    let mut changed = 0;
    let delete = "DELETE FROM keyword WHERE photo_id = ?1 AND word = ?2";
    for word in before.iter().filter(|word| !now.iter().any(|other| other.eq_ignore_ascii_case(word))) {
        changed += connection.prepare_cached(delete)?.execute((photo.0, word))?;
    }
    let insert = "INSERT INTO keyword (photo_id, word, origin) VALUES (?1, ?2, 'file') ON CONFLICT DO NOTHING";
    for word in now {
        changed += connection.prepare_cached(insert)?.execute((photo.0, word))?;
    }
    if changed > 0 {
        words::index(connection, photo)?;
    }
    Ok(())
}

impl Catalog {
    /// All that was said of a photo's keywords, also those that were taken off, in the order of the alphabet.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn keywords(&self, photo: PhotoId) -> Result<Vec<KeywordRow>, CatalogError> {
        self.read(|transaction| {
            let sql = "SELECT word, origin, removed FROM keyword WHERE photo_id = ?1 ORDER BY word";
            let row = |row: &Row<'_>| {
                let origin = KeywordOrigin::from_str(&row.get::<_, String>(1)?);
                Ok(KeywordRow { word: row.get(0)?, origin, removed: row.get(2)? })
            };
            Ok(transaction.prepare_cached(sql)?.query_map([photo.0], row)?.collect::<Result<_, _>>()?)
        })
    }

    /// Gives a photo a keyword of the user's.
    ///
    /// # Errors
    /// When there is no such photo, or the library cannot be written.
    pub fn add_keyword(&self, photo: PhotoId, word: &str) -> Result<(), CatalogError> {
        let sql = "INSERT INTO keyword (photo_id, word, origin) VALUES (?1, ?2, 'person')
                   ON CONFLICT DO UPDATE SET origin = 'person', removed = 0, word = excluded.word";
        self.change_keyword(photo, word, &[sql])
    }

    /// Takes a word off a photo: it is no keyword, and is not proposed again.
    ///
    /// # Errors
    /// When there is no such photo, or the library cannot be written.
    pub fn remove_keyword(&self, photo: PhotoId, word: &str) -> Result<(), CatalogError> {
        let sql = "INSERT INTO keyword (photo_id, word, origin, removed) VALUES (?1, ?2, 'model', 1)
                   ON CONFLICT DO UPDATE SET removed = 1";
        self.change_keyword(photo, word, &[sql])
    }

    /// Takes back what [`Catalog::remove_keyword`] did.
    ///
    /// # Errors
    /// When there is no such photo, or the library cannot be written.
    pub fn restore_keyword(&self, photo: PhotoId, word: &str) -> Result<(), CatalogError> {
        let proposed = "DELETE FROM keyword WHERE photo_id = ?1 AND word = ?2 AND origin = 'model'";
        let kept = "UPDATE keyword SET removed = 0 WHERE photo_id = ?1 AND word = ?2";
        self.change_keyword(photo, word, &[proposed, kept])
    }

    fn change_keyword(&self, photo: PhotoId, word: &str, statements: &[&str]) -> Result<(), CatalogError> {
        self.write(|transaction| {
            if !photo::exists(transaction, photo)? {
                return Err(CatalogError::UnknownPhoto { id: photo.0 }.into());
            }
            for sql in statements {
                transaction.prepare_cached(sql)?.execute((photo.0, word))?;
            }
            words::index(transaction, photo)
        })
    }
}
