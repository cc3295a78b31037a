//! What is known of a photo besides its pixels: from its file, from a sidecar beside it, and at last from its name.
//!
//! - **Date**: EXIF's date of exposure, else of digitising; else XMP's, in the file and then beside it; else IPTC's;
//!   else EXIF's date of the last change; else a guess from the file's name. What the camera wrote goes before a
//!   sidecar: programs that correct a date write it into EXIF where they can, and copies of it in sidecars lose
//!   zones.
//! - **Rating**: the sidecar's, else XMP's in the file, else EXIF's. Programs rate raw files beside them.
//! - **Position**: the sidecar's, else EXIF's, else XMP's in the file. Who tags places afterwards writes them beside.
//! - **Caption and keywords**: the sidecar's, else XMP's in the file, else IPTC's. A caption also from EXIF, and where there
//!   is none a title, a headline or another field that a person may have put words in.

use std::path::Path;

use crate::caption_metadata::{self, CaptionMetadata};
use crate::metadata::ExifFacts;
use crate::{MediaError, dates, name_date};

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

/// What is known of a photo besides its pixels.
#[derive(Debug, Clone, Default, PartialEq)]
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
}

impl Facts {
    /// Reads what the file at `path` and its sidecar say. Damaged metadata are passed over.
    ///
    /// Nothing is decoded; of most formats only the first part is read.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read(path: &Path) -> Result<Self, MediaError> {
        Ok(Self::of(ExifFacts::read_file(path)?, path))
    }

    /// As [`Facts::read`], of a file whose EXIF has been read.
    pub fn of(exif: ExifFacts, path: &Path) -> Self {
        let told = caption_metadata::sources(path);
        let caption = told.caption(exif.words.as_ref());
        let (beside, inside, iptc) = (told.sidecar, told.embedded, told.iptc);
        let by = |source| move |date| (date, source);
        let xmp = inside.taken_at.or(beside.taken_at);
        let taken_at = match exif.taken_at {
            Some(date) => Some((dates::with_zone_of(date, xmp.as_deref()), DateSource::Exif)),
            None => xmp
                .map(by(DateSource::Xmp))
                .or_else(|| iptc.taken_at.map(by(DateSource::Iptc)))
                .or_else(|| exif.changed_at.map(by(DateSource::Exif)))
                .or_else(|| name_date::guess(path).map(by(DateSource::Name))),
        };
        Self {
            taken_at,
            camera: exif.camera,
            lens: exif.lens,
            position: beside.position.or(exif.position).or(inside.position),
            rating: beside.rating.or(inside.rating).or(exif.rating),
            words: CaptionMetadata { caption, ..beside.words.or(inside.words).or(iptc.words) },
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
        }
    }
}

#[cfg(test)]
#[path = "facts_tests.rs"]
mod tests;
