//! What is known of a photo besides its pixels: from its file, from a sidecar beside it, and at last from its name.
//!
//! - **Date**: a date of taking in the sidecar, where it is another than EXIF's: who corrects a date beside a photo means
//!   it. Else EXIF's date of exposure, else of digitising; else XMP's, in the file and then beside it; else IPTC's; else
//!   that of the receiver of GPS, in UTC; else EXIF's date of the last change, or a PNG's own; else a guess from the file's
//!   name. Copies in sidecars lose zones: where they agree with EXIF's date, that is taken.
//! - **Rating**: the sidecar's, else XMP's in the file, else EXIF's. Programs rate raw files beside them.
//! - **Position**: the sidecar's, else EXIF's, else XMP's in the file. Who tags places afterwards writes them beside.
//! - **Place**: names in the sidecar, else in XMP in the file, else in IPTC.
//! - **Camera and lens**: EXIF's, else XMP's in the file, else the sidecar's.
//! - **Orientation**: the sidecar's, else EXIF's, else XMP's in the file.
//! - **Caption and keywords**: the sidecar's, else XMP's in the file, else IPTC's. A caption also from EXIF, and where there
//!   is none a title, a headline or another field that a person may have put words in. What is not taken for the caption
//!   is among the other words, with the names of people.

use std::fs::File;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::caption_metadata::{self, Beside, CaptionMetadata, OverLimit, RecordedPlace, Source, Sources};
use crate::metadata::{self, ExifFacts, on_earth};
use crate::{MediaError, dates, name_date};

/// Bytes of a caption that are kept.
pub(crate) const LONGEST_CAPTION: usize = 32 << 10;
/// Bytes in which it is said what was not read.
const LONGEST_REASON: usize = 200;
/// Bytes of a keyword; a longer one is left out.
const LONGEST_KEYWORD: usize = 1000;
/// Keywords that are kept, and bytes of all of them.
const MOST_KEYWORDS: usize = 1000;
const KEYWORDS_BYTES: usize = 128 << 10;

/// Where a photo's date comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum DateSource {
    /// The camera, or what made the file, wrote it into the file's own fields.
    Exif,
    /// It stands in XMP, in the file or beside it.
    Xmp,
    /// It stands in IPTC.
    Iptc,
    /// It is a guess from the file's name.
    Name,
}

/// What is known of a photo besides its pixels.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// When it was taken: `YYYY-MM-DDTHH:MM:SS` by the clock of the place, perhaps with a fraction and `+HH:MM` after
    /// it; less of it where less is known, down to the year. With where that comes from.
    pub taken_at: Option<(String, DateSource)>,
    /// Maker and model of the camera.
    pub camera: Option<String>,
    /// Lens model.
    pub lens: Option<String>,
    /// Degrees north and degrees east.
    pub position: Option<(f64, f64)>,
    /// Stars, 0 to 5; -1 for a photo that was rejected.
    pub rating: Option<i8>,
    /// Caption and keywords.
    pub words: CaptionMetadata,
    /// What else a person wrote: titles, headlines, and the names of people.
    pub other_words: Vec<String>,
    /// Where it says that it was taken.
    pub place: RecordedPlace,
    /// How its pixels are to be turned, as in EXIF, 1 to 8; `None` where nothing says so.
    pub orientation: Option<u8>,
}

/// Facts of a photo, and what was not read for them because it is larger than any photo needs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FactsFound {
    /// What was read.
    pub facts: Facts,
    /// What in the file was not read.
    pub inside: Option<OverLimit>,
    /// Which of the files beside it was not read, by its place among them.
    pub beside: Option<(usize, OverLimit)>,
}

impl FactsFound {
    /// Reads what a photo of this name, its bytes being `photo`, and the files `beside` it say. Damaged metadata are
    /// passed over.
    ///
    /// Nothing is decoded; of most formats only the first part is read.
    ///
    /// # Errors
    /// When `photo` cannot be read.
    pub fn read(photo: &mut dyn Source, name: &Path, beside: &[Beside]) -> io::Result<Self> {
        Self::of(ExifFacts::read_from(photo, name)?, photo, name, beside)
    }

    /// What came from elsewhere, if it makes sense; `files` lay beside the photo.
    pub(crate) fn checked(mut self, files: usize) -> Option<Self> {
        let facts = &mut self.facts;
        facts.position = facts.position.and_then(|(north, east)| on_earth(north, east));
        facts.rating = facts.rating.filter(|stars| (-1..=5).contains(stars));
        facts.words = bounded(std::mem::take(&mut facts.words));
        let dates_are_such = facts.taken_at.as_ref().is_none_or(|(date, _)| dates::is_in_form(date));
        let names = [&facts.camera, &facts.lens, &facts.place.sublocation, &facts.place.city, &facts.place.state];
        let names = names.into_iter().chain([&facts.place.country, &facts.place.country_code]);
        let are_names = names.into_iter().all(metadata::is_name);
        facts.other_words = bounded_list(std::mem::take(&mut facts.other_words), LONGEST_CAPTION);
        facts.orientation = facts.orientation.filter(|turn| (1..=8).contains(turn));
        let beside = self.beside.as_ref();
        let is_known = beside.is_none_or(|(file, _)| *file < files);
        let mut reasons = self.inside.iter().chain(beside.map(|(_, over)| over));
        let are_short = reasons.all(|over| over.what.len().max(over.limit.len()) <= LONGEST_REASON);
        (dates_are_such && are_names && is_known && are_short).then_some(self)
    }

    /// As [`FactsFound::read`], of a photo whose EXIF has been read.
    pub(crate) fn of(exif: ExifFacts, photo: &mut dyn Source, name: &Path, beside: &[Beside]) -> io::Result<Self> {
        let mut sources = caption_metadata::sources(photo, name, beside)?;
        let exif_refused = exif.is_over_limit.then(|| OverLimit::new("its EXIF", "4 MiB"));
        let inside = exif_refused.or(sources.embedded_refused.take());
        let beside = sources.sidecar_refused.take();
        Ok(Self { facts: Facts::of(exif, sources, name), inside, beside })
    }
}

impl Facts {
    /// Reads what the file at `path` and its sidecar say, in this process. Damaged metadata are passed over, and so is
    /// what is larger than any photo needs.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read(path: &Path) -> Result<Self, MediaError> {
        let io = |error| MediaError::io(path, error);
        let mut file = File::open(path).map_err(io)?;
        Ok(FactsFound::read(&mut file, path, &caption_metadata::beside(path)).map_err(io)?.facts)
    }

    fn of(exif: ExifFacts, told: Sources, path: &Path) -> Self {
        let caption = told.caption(exif.words.as_ref());
        let other_words = told.other_words(caption.as_ref(), exif.words.as_ref());
        let (beside, inside, iptc) = (told.sidecar, told.embedded, told.iptc);
        let by = |source| move |date| (date, source);
        let corrected = beside.taken_at.clone().filter(|date| {
            let camera = exif.taken_at.as_ref().or(inside.taken_at.as_ref());
            beside.is_of_taking && camera.is_some_and(|camera| !dates::agrees(camera, date))
        });
        let xmp = inside.taken_at.or(beside.taken_at);
        let taken_at = match (corrected, exif.taken_at) {
            (Some(date), _) => Some((date, DateSource::Xmp)),
            (None, Some(date)) => Some((dates::with_zone_of(date, xmp.as_deref()), DateSource::Exif)),
            (None, None) => xmp
                .map(by(DateSource::Xmp))
                .or_else(|| iptc.taken_at.map(by(DateSource::Iptc)))
                .or_else(|| exif.gps_at.or(exif.changed_at).or(told.created_at).map(by(DateSource::Exif)))
                .or_else(|| name_date::guess(path).map(by(DateSource::Name))),
        };
        let in_exif = (1..=8).contains(&exif.orientation).then_some(exif.orientation);
        Self {
            taken_at,
            camera: exif.camera.or(inside.camera).or(beside.camera),
            lens: exif.lens.or(inside.lens).or(beside.lens),
            position: beside.position.or(exif.position).or(inside.position),
            rating: beside.rating.or(inside.rating).or(exif.rating),
            words: bounded(CaptionMetadata { caption, ..beside.words.or(inside.words).or(iptc.words) }),
            other_words: bounded_list(other_words, LONGEST_CAPTION),
            place: beside.place.or(inside.place).or(iptc.place),
            orientation: beside.orientation.or(in_exif).or(inside.orientation),
        }
    }

    /// When it was taken, if that is recorded and not a guess from its name.
    pub fn recorded_at(&self) -> Option<&str> {
        self.taken_at.as_ref().filter(|(_, source)| *source != DateSource::Name).map(|(date, _)| date.as_str())
    }

    /// What `other`, read of a copy of the same file, adds: what lies beside it, or a date in its name.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        let other_knows = self.recorded_at().is_none() && other.recorded_at().is_some();
        Self {
            taken_at: if other_knows { other.taken_at } else { self.taken_at.or(other.taken_at) },
            camera: self.camera.or(other.camera),
            lens: self.lens.or(other.lens),
            position: self.position.or(other.position),
            rating: self.rating.or(other.rating),
            words: self.words.or(other.words),
            other_words: if self.other_words.is_empty() { other.other_words } else { self.other_words },
            place: self.place.or(other.place),
            orientation: self.orientation.or(other.orientation),
        }
    }
}

/// Words as they are kept for searching: no more than a person writes.
fn bounded(words: CaptionMetadata) -> CaptionMetadata {
    CaptionMetadata { caption: words.caption.map(cut), keywords: bounded_list(words.keywords, LONGEST_KEYWORD) }
}

/// Of texts those that are no longer than `longest` bytes, and no more of them than a person writes.
fn bounded_list(texts: Vec<String>, longest: usize) -> Vec<String> {
    let mut left = KEYWORDS_BYTES;
    let fits = |text: &String| {
        left = left.saturating_sub(text.len());
        left > 0
    };
    let short = |text: &String| text.len() <= longest;
    texts.into_iter().filter(short).take(MOST_KEYWORDS).take_while(fits).collect()
}

/// A caption as it is kept.
pub(crate) fn cut(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(LONGEST_CAPTION));
    text
}

#[cfg(test)]
#[path = "facts_tests.rs"]
mod tests;
