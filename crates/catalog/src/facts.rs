//! What photos' files and sidecars say of them: written when a photo comes, and again when it is read anew.

use std::path::PathBuf;

use rusqlite::Connection;

use crate::error::Failure;
use crate::place_key;
use crate::tables::location::Reading;
use crate::tables::photo::{self, PhotoId};
use crate::tables::{caption, keyword, location, words};
use crate::{Catalog, CatalogError};

/// Where a photo's date comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DateSource {
    /// The camera wrote it.
    Exif,
    /// It stands in XMP, in the file or beside it.
    Xmp,
    /// It stands in IPTC.
    Iptc,
    /// It is a guess from the file's name.
    Name,
}

impl DateSource {
    /// The source in one word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Exif => "exif",
            Self::Xmp => "xmp",
            Self::Iptc => "iptc",
            Self::Name => "name",
        }
    }

    pub(crate) fn from_str(word: &str) -> Self {
        match word {
            "xmp" => Self::Xmp,
            "iptc" => Self::Iptc,
            "name" => Self::Name,
            _ => Self::Exif,
        }
    }
}

/// Names of the place where a photo was taken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlaceNames {
    /// Town, region and country, as a person reads them: `Porto, Portugal`.
    pub name: String,
    /// What else it is found by.
    pub other_names: Vec<String>,
}

/// What a photo's file and sidecar say of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PhotoFacts {
    /// Local time `YYYY-MM-DDTHH:MM:SS`, perhaps with a fraction and with the offset appended; less where less is known.
    pub taken_at: Option<String>,
    /// Where that comes from.
    pub date_source: Option<DateSource>,
    /// The camera's name.
    pub camera: Option<String>,
    /// The lens's name.
    pub lens: Option<String>,
    /// Degrees, north positive.
    pub latitude: Option<f64>,
    /// Degrees, east positive.
    pub longitude: Option<f64>,
    /// Stars, 0 to 5; -1 for a photo that was rejected.
    pub rating: Option<i8>,
    /// What the place is called.
    pub place: Option<PlaceNames>,
    /// The caption that stands in the file or beside it.
    pub caption: Option<String>,
    /// The keywords that stand there.
    pub keywords: Vec<String>,
    /// What else a person wrote there: titles, headlines, names of people.
    pub other_words: Vec<String>,
}

impl PhotoFacts {
    /// When it was taken, if that is recorded and not a guess from its name.
    pub fn recorded_at(&self) -> Option<&str> {
        recorded(self.taken_at.as_deref(), self.date_source)
    }
}

/// A date that is no guess.
pub(crate) fn recorded(taken_at: Option<&str>, source: Option<DateSource>) -> Option<&str> {
    taken_at.filter(|_| source != Some(DateSource::Name))
}

/// A photo's facts, read anew.
#[derive(Debug, Clone, PartialEq)]
pub struct FactsUpdate {
    /// The photo.
    pub photo: PhotoId,
    /// What its files say now.
    pub facts: PhotoFacts,
    /// The files that were read, and how.
    pub readings: Vec<(PathBuf, Reading)>,
}

/// Writes a photo's facts. Stars that a duplicate in the trash handed on stay where its files have none. Its file's caption and keywords are followed as far as a person has not said otherwise.
pub(crate) fn put(connection: &Connection, photo: PhotoId, facts: &PhotoFacts) -> Result<(), Failure> {
    let sql = "UPDATE photo SET taken_at = ?2, date_source = ?3, camera = ?4, lens = ?5, latitude = ?6, longitude = ?7,
                   rating = coalesce(?8, (SELECT CAST(item AS INTEGER) FROM handed_on
                       WHERE kept_id = ?1 AND kind = 'rating' ORDER BY id DESC LIMIT 1)),
                   place = ?9, place_key = ?10, other_words = ?11
               WHERE id = ?1";
    let values = (
        photo.0,
        &facts.taken_at,
        facts.taken_at.as_ref().and(facts.date_source).map(DateSource::as_str),
        &facts.camera,
        &facts.lens,
        facts.latitude,
        facts.longitude,
        facts.rating,
        facts.place.as_ref().map(|place| &place.name),
        facts.place.as_ref().map(place_key::of),
        Some(facts.other_words.join("\n")).filter(|words| !words.is_empty()),
    );
    connection.prepare_cached(sql)?.execute(values)?;
    if let Some(text) = &facts.caption {
        caption::follow_file(connection, photo, text)?;
    }
    keyword::follow_file(connection, photo, &facts.keywords)?;
    words::index(connection, photo)
}

impl Catalog {
    /// Writes what photos' files say now, in one transaction. A photo that is no longer known is passed over.
    ///
    /// # Errors
    /// When the library cannot be written; then nothing is.
    pub fn put_facts(&self, updates: &[FactsUpdate]) -> Result<(), CatalogError> {
        self.write(|transaction| {
            for update in updates {
                if !photo::exists(transaction, update.photo)? {
                    continue;
                }
                put(transaction, update.photo, &update.facts)?;
                for (path, reading) in &update.readings {
                    location::put_reading(transaction, update.photo, path, *reading)?;
                }
            }
            Ok(())
        })
    }
}
