//! Captions: versions of what is written under a photo.
//!
//! A caption belongs to a photo, not to a file. The newest version that was not taken back is the current
//! one, and its words are indexed. What a person wrote is replaced only when that is asked for.
//!
//! A version may also be a guess: what a model would have written, had it been sure enough. A guess is current like any
//! other version, so that the photo is not described again and an older sentence of the model's does not stand in its
//! place, but it is no caption: it is given out as none, indexed by no word, and only the history and the review know
//! it. In the table it is a model's version without a confidence.

use rusqlite::{Connection, OptionalExtension, Row};

use crate::error::Failure;
use crate::tables::forgotten;
use crate::tables::photo::{self, PhotoId};
use crate::tables::words;
use crate::{Catalog, CatalogError};

pub(crate) const V3: &str = "
CREATE TABLE caption (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    photo_id INTEGER NOT NULL REFERENCES photo (id) ON DELETE CASCADE,
    text TEXT NOT NULL,
    author TEXT NOT NULL CHECK (author IN ('machine', 'person', 'file')),
    model TEXT,
    settings TEXT,
    confidence REAL,
    written_at INTEGER NOT NULL DEFAULT (unixepoch()),
    undone_at INTEGER
) STRICT;
CREATE INDEX caption_photo ON caption (photo_id, id);
";

/// Captions in the order in which they are reviewed, and those that no model wrote.
pub(crate) const V8: &str = "
CREATE INDEX caption_written ON caption (photo_id) WHERE author <> 'machine' AND undone_at IS NULL;
CREATE INDEX caption_review ON caption (confidence, photo_id) WHERE author = 'machine' AND undone_at IS NULL;
";

/// Who wrote a caption.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CaptionAuthor {
    /// A model.
    Machine,
    /// The user, in this program.
    Person,
    /// It stood in the photo's file or in one beside it.
    File,
}

impl CaptionAuthor {
    fn as_str(self) -> &'static str {
        match self {
            Self::Machine => "machine",
            Self::Person => "person",
            Self::File => "file",
        }
    }

    pub(crate) fn from_str(text: &str) -> Self {
        match text {
            "machine" => Self::Machine,
            "person" => Self::Person,
            _ => Self::File,
        }
    }
}

/// Which current captions a new one may take the place of. A guess is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overwrite {
    /// None.
    Never,
    /// Those that a model wrote.
    Machine,
    /// All; they stay in the history.
    All,
}

impl Overwrite {
    /// Whether `now`, the current caption, may be replaced.
    fn lets(self, now: Option<&CaptionRow>) -> bool {
        match (self, now) {
            (_, None) | (Self::All, _) => true,
            (_, Some(now)) if now.is_guess() => true,
            (Self::Machine, Some(now)) => now.author == CaptionAuthor::Machine,
            (Self::Never, Some(_)) => false,
        }
    }
}

/// A caption to be kept.
#[derive(Debug, Clone, PartialEq)]
pub struct NewCaption {
    /// The caption.
    pub text: String,
    /// Who wrote it.
    pub author: CaptionAuthor,
    /// Id of the model, if one wrote it.
    pub model: Option<String>,
    /// How the model was asked.
    pub settings: Option<String>,
    /// Mean log-probability of its tokens in nats, if a model wrote it; none makes a model's caption a guess.
    pub confidence: Option<f64>,
}

impl NewCaption {
    /// Whether it is only a guess of a model's; see [`CaptionRow::is_guess`].
    pub fn is_guess(&self) -> bool {
        self.author == CaptionAuthor::Machine && self.confidence.is_none()
    }

    /// A caption that stood in the photo's file or beside it.
    pub fn of_file(text: &str) -> Self {
        Self { text: text.into(), author: CaptionAuthor::File, model: None, settings: None, confidence: None }
    }
}

/// A version of a photo's caption.
#[derive(Debug, Clone, PartialEq)]
pub struct CaptionRow {
    /// Its number.
    pub id: i64,
    /// The caption.
    pub text: String,
    /// Who wrote it.
    pub author: CaptionAuthor,
    /// Id of the model, if one wrote it.
    pub model: Option<String>,
    /// How the model was asked.
    pub settings: Option<String>,
    /// Mean log-probability of its tokens in nats, if a model wrote it and it is no guess.
    pub confidence: Option<f64>,
    /// When it was written, in seconds since 1970.
    pub written_at: i64,
    /// Whether it was taken back.
    pub undone: bool,
}

impl CaptionRow {
    /// Whether it is only a guess of a model's, which is not shown as a caption.
    pub fn is_guess(&self) -> bool {
        self.author == CaptionAuthor::Machine && self.confidence.is_none()
    }
}

const COLUMNS: &str = "id, text, author, model, settings, confidence, written_at, undone_at IS NOT NULL";
/// Number of the photo's current version.
const CURRENT: &str = "(SELECT max(id) FROM caption WHERE photo_id = ?1 AND undone_at IS NULL)";

fn from_row(row: &Row<'_>) -> rusqlite::Result<CaptionRow> {
    Ok(CaptionRow {
        id: row.get(0)?,
        text: row.get(1)?,
        author: CaptionAuthor::from_str(&row.get::<_, String>(2)?),
        model: row.get(3)?,
        settings: row.get(4)?,
        confidence: row.get(5)?,
        written_at: row.get(6)?,
        undone: row.get(7)?,
    })
}

pub(crate) fn current(connection: &Connection, photo: PhotoId) -> Result<Option<CaptionRow>, Failure> {
    let sql = format!("SELECT {COLUMNS} FROM caption WHERE id = {CURRENT}");
    Ok(connection.prepare_cached(&sql)?.query_row([photo.0], from_row).optional()?)
}

/// Keeps a caption if `overwrite` lets it take the place of the current one; tells whether it did. A guess never takes
/// the place of what a person or a file said, nor of the same guess.
pub(crate) fn put(
    connection: &Connection,
    photo: PhotoId,
    new: &NewCaption,
    overwrite: Overwrite,
) -> Result<bool, Failure> {
    let now = current(connection, photo)?;
    let overwrite = if new.is_guess() && overwrite == Overwrite::All { Overwrite::Machine } else { overwrite };
    let is_known = new.is_guess()
        && now.as_ref().is_some_and(|now| {
            now.is_guess() && (&now.text, &now.model, &now.settings) == (&new.text, &new.model, &new.settings)
        });
    if is_known || !overwrite.lets(now.as_ref()) {
        return Ok(false);
    }
    let sql =
        "INSERT INTO caption (photo_id, text, author, model, settings, confidence) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let author = new.author.as_str();
    let values = (photo.0, &new.text, author, &new.model, &new.settings, new.confidence);
    connection.prepare_cached(sql)?.execute(values)?;
    words::index(connection, photo)?;
    Ok(true)
}

/// Keeps what now stands in the photo's file or beside it, in the place of what stood there before. A caption of a
/// person or a model stays, and one that was taken back does not return.
pub(crate) fn follow_file(connection: &Connection, photo: PhotoId, text: &str) -> Result<(), Failure> {
    let sql = "SELECT EXISTS (SELECT 1 FROM caption WHERE photo_id = ?1 AND author = 'file' AND text = ?2)";
    if connection.prepare_cached(sql)?.query_row((photo.0, text), |row| row.get(0))? {
        return Ok(());
    }
    let of_file = current(connection, photo)?.is_some_and(|now| now.author == CaptionAuthor::File);
    let overwrite = if of_file { Overwrite::All } else { Overwrite::Never };
    put(connection, photo, &NewCaption::of_file(text), overwrite).map(drop)
}

impl Catalog {
    /// Keeps a caption if `overwrite` lets it take the place of the current one; tells whether it did. A guess never
    /// takes the place of what a person or a file said.
    ///
    /// # Errors
    /// When there is no such photo, or the library cannot be written.
    pub fn put_caption(&self, photo: PhotoId, new: &NewCaption, overwrite: Overwrite) -> Result<bool, CatalogError> {
        self.write(|transaction| {
            if !photo::exists(transaction, photo)? {
                return Err(CatalogError::UnknownPhoto { id: photo.0 }.into());
            }
            put(transaction, photo, new, overwrite)
        })
    }

    /// Keeps captions in one transaction, as [`Catalog::put_caption`]; returns how many were kept. A photo that a person
    /// had forgotten meanwhile is passed over.
    ///
    /// # Errors
    /// When one of the photos is unknown or the library cannot be written; then none is kept.
    pub fn put_captions(
        &self,
        captions: &[(PhotoId, NewCaption)],
        overwrite: Overwrite,
    ) -> Result<usize, CatalogError> {
        self.write(|transaction| {
            let mut kept = 0;
            let some_are_forgotten = forgotten::marker(transaction)?.is_some();
            for (photo, new) in captions {
                if !photo::exists(transaction, *photo)? {
                    if some_are_forgotten {
                        continue;
                    }
                    return Err(CatalogError::UnknownPhoto { id: photo.0 }.into());
                }
                kept += usize::from(put(transaction, *photo, new, overwrite)?);
            }
            Ok(kept)
        })
    }

    /// Takes the current caption back, so that the one before it is current; tells whether there was one.
    ///
    /// # Errors
    /// When the library cannot be written.
    pub fn undo_caption(&self, photo: PhotoId) -> Result<bool, CatalogError> {
        self.write(|transaction| {
            let sql = format!("UPDATE caption SET undone_at = unixepoch() WHERE id = {CURRENT}");
            let undone = transaction.prepare_cached(&sql)?.execute([photo.0])? > 0;
            words::index(transaction, photo)?;
            Ok(undone)
        })
    }

    /// The current caption of a photo; none where there is only a guess.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn caption(&self, photo: PhotoId) -> Result<Option<CaptionRow>, CatalogError> {
        Ok(self.current_version(photo)?.filter(|now| !now.is_guess()))
    }

    /// The current captions of these photos, in their order, as [`Catalog::caption`] gives them one by one.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn captions_of(&self, photos: &[PhotoId]) -> Result<Vec<Option<CaptionRow>>, CatalogError> {
        self.read(|transaction| {
            let now = |photo: &PhotoId| Ok(current(transaction, *photo)?.filter(|now| !now.is_guess()));
            photos.iter().map(now).collect()
        })
    }

    /// The current version of a photo's caption, which may be a guess.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn current_version(&self, photo: PhotoId) -> Result<Option<CaptionRow>, CatalogError> {
        self.read(|transaction| current(transaction, photo))
    }

    /// All versions of a photo's caption, the newest first.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn caption_history(&self, photo: PhotoId) -> Result<Vec<CaptionRow>, CatalogError> {
        self.read(|transaction| {
            let sql = format!("SELECT {COLUMNS} FROM caption WHERE photo_id = ?1 ORDER BY id DESC");
            let mut statement = transaction.prepare_cached(&sql)?;
            Ok(statement.query_map([photo.0], from_row)?.collect::<Result<_, _>>()?)
        })
    }

    /// Those of `photos` whose current caption may be overwritten and is not what `model`, asked with `settings`,
    /// has written already; in their order.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn captionable(
        &self,
        photos: &[PhotoId],
        overwrite: Overwrite,
        model: &str,
        settings: &str,
    ) -> Result<Vec<PhotoId>, CatalogError> {
        self.read(|transaction| {
            let mut free = Vec::with_capacity(photos.len());
            for photo in photos {
                let now = current(transaction, *photo)?;
                let written = now.as_ref().is_some_and(|now| {
                    now.model.as_deref() == Some(model) && now.settings.as_deref() == Some(settings)
                });
                if !written && overwrite.lets(now.as_ref()) {
                    free.push(*photo);
                }
            }
            Ok(free)
        })
    }

    /// Photos whose current caption a model wrote, the least certain first and guesses before all, at most `limit`.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn captions_to_review(&self, limit: usize) -> Result<Vec<PhotoId>, CatalogError> {
        self.read(|transaction| {
            let sql = "SELECT photo_id FROM caption AS c
                       WHERE author = 'machine' AND undone_at IS NULL
                         AND NOT EXISTS (SELECT 1 FROM caption AS later WHERE later.photo_id = c.photo_id
                             AND later.id > c.id AND later.undone_at IS NULL)
                         AND photo_id NOT IN (SELECT photo_id FROM missing)
                       ORDER BY confidence, photo_id LIMIT ?1";
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            Ok(photo::select(transaction, sql, [limit])?)
        })
    }
}
