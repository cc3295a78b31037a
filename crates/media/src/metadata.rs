//! What a file says of itself: EXIF date, camera, place, orientation.

use std::io::{self, BufReader, Cursor, Read};
use std::path::Path;

use exif::{Context, Exif, In, Rational, Tag, Value};
use serde::{Deserialize, Serialize};

use crate::caption_metadata::Source;
use crate::caption_metadata::words::{LONGEST_NAME, of_person};
use crate::decode::turns_itself;
use crate::exif_block::Sought;
use crate::format::{PhotoFormat, Sniffed, sniff};
use crate::{Limits, dates, exif_block, facts};

/// Bytes that tell the format.
const HEAD: u64 = 4096;
/// Tags of Microsoft's for stars.
const RATING: u16 = 0x4746;
const RATING_PERCENT: u16 = 0x4749;

/// Facts of a photo besides its pixels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metadata {
    /// Width of the upright photo in pixels.
    pub width: u32,
    /// Height of the upright photo in pixels.
    pub height: u32,
    /// EXIF orientation, 1 to 8; 1 is upright.
    pub orientation: u8,
    /// Format of the file.
    pub format: PhotoFormat,
    /// What its EXIF says.
    pub exif: ExifFacts,
}

impl Metadata {
    /// What came from elsewhere, if it makes sense for a photo within `limits`.
    pub(crate) fn checked(mut self, limits: &Limits) -> Option<Self> {
        let pixels = u64::from(self.width) * u64::from(self.height);
        let is_photo = (1..=limits.max_pixels).contains(&pixels) && (1..=8).contains(&self.orientation);
        self.exif = self.exif.checked()?;
        is_photo.then_some(self)
    }
}

/// What the EXIF block of a file says; nothing where there is none or it cannot be read.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ExifFacts {
    /// EXIF orientation, 1 to 8; 0 where it says nothing of it.
    pub(crate) orientation: u8,
    /// When a receiver of GPS says it was taken; in UTC.
    pub gps_at: Option<String>,
    /// When it was taken, else digitised: `YYYY-MM-DDTHH:MM:SS` by the camera's clock, with a fraction and `+HH:MM`
    /// after it where the camera says so.
    pub taken_at: Option<String>,
    /// When a camera or a program last changed it, in the same form.
    pub changed_at: Option<String>,
    /// Maker and model.
    pub camera: Option<String>,
    /// Lens model.
    pub lens: Option<String>,
    /// Degrees north and degrees east.
    pub position: Option<(f64, f64)>,
    /// Stars, 0 to 5.
    pub rating: Option<i8>,
    /// Whether its block was not read because it is larger than any photo's.
    pub(crate) is_over_limit: bool,
    /// What a person wrote: a description, a comment or a title.
    pub words: Option<String>,
}

impl ExifFacts {
    /// Reads the EXIF of any format that may carry it; a damaged block gives what could be read of it.
    pub(crate) fn read(bytes: &[u8], format: PhotoFormat) -> Self {
        Self::of_block(exif_block::find(bytes, format), format, || {
            reader().read_from_container(&mut Cursor::new(bytes))
        })
    }

    /// What `sought` says, else what the EXIF reader finds by itself.
    fn of_block(sought: Sought, format: PhotoFormat, container: impl FnOnce() -> Result<Exif, exif::Error>) -> Self {
        Self::of_parsed(match (format, sought) {
            (PhotoFormat::Gif | PhotoFormat::Bmp, _) => return Self::default(),
            (_, Sought::OverLimit) => return Self { is_over_limit: true, ..Self::default() },
            (_, Sought::Found(block)) => reader().read_raw(block),
            (_, Sought::None) => container(),
        })
    }

    /// As [`ExifFacts::read`], of a photo of which no more is read than is needed; its name may tell the format.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) fn read_from(photo: &mut dyn Source, name: &Path) -> io::Result<Self> {
        photo.rewind()?;
        let mut head = Vec::new();
        photo.take(HEAD).read_to_end(&mut head)?;
        let Sniffed::Photo(format) = sniff(&head, name) else { return Ok(Self::default()) };
        photo.rewind()?;
        let mut facts = Self::of_format(photo, format)?;
        if turns_itself(format) {
            facts.orientation = 0;
        }
        Ok(facts)
    }

    fn of_format(photo: &mut dyn Source, format: PhotoFormat) -> io::Result<Self> {
        match format {
            PhotoFormat::Gif | PhotoFormat::Bmp => Ok(Self::default()),
            // Their blocks may lie anywhere.
            PhotoFormat::Raw | PhotoFormat::Tiff | PhotoFormat::Jxl => {
                let mut bytes = Vec::new();
                photo.take(Limits::default().max_file_bytes).read_to_end(&mut bytes)?;
                Ok(Self::read(&bytes, format))
            }
            PhotoFormat::Png | PhotoFormat::WebP => {
                let sought = exif_block::find_in(photo, format)?;
                photo.rewind()?;
                Ok(Self::of_block(sought, format, || reader().read_from_container(&mut BufReader::new(photo))))
            }
            _ => Ok(Self::of_parsed(reader().read_from_container(&mut BufReader::new(photo)))),
        }
    }

    fn checked(mut self) -> Option<Self> {
        self.position = self.position.and_then(|(north, east)| on_earth(north, east));
        self.rating = self.rating.filter(|stars| (0..=5).contains(stars));
        self.words = self.words.map(facts::cut);
        let mut dates = self.taken_at.iter().chain(&self.changed_at).chain(&self.gps_at);
        let dates_are_such = dates.all(|date| dates::is_in_form(date));
        (dates_are_such && self.orientation <= 8 && is_name(&self.camera) && is_name(&self.lens)).then_some(self)
    }

    fn of_parsed(parsed: Result<Exif, exif::Error>) -> Self {
        parsed
            .or_else(|error| error.distill_partial_result(|_| ()))
            .map_or_else(|_| Self::default(), |exif| Self::of(&exif))
    }

    fn of(exif: &Exif) -> Self {
        let orientation = exif.get_field(Tag::Orientation, In::PRIMARY).and_then(|field| field.value.get_uint(0));
        Self {
            orientation: orientation.filter(|turn| (1..=8).contains(turn)).unwrap_or(0) as u8,
            gps_at: gps_at(exif),
            taken_at: taken_at(exif),
            changed_at: changed_at(exif),
            camera: camera(exif),
            lens: text(exif, Tag::LensModel),
            position: position(exif),
            rating: rating(exif),
            is_over_limit: false,
            words: words(exif),
        }
    }

    /// Metadata of a photo stored as `width` x `height`, before it is turned upright.
    pub(crate) fn metadata(self, width: u32, height: u32, format: PhotoFormat) -> Metadata {
        let orientation = self.orientation.max(1);
        let (width, height) = if orientation >= 5 { (height, width) } else { (width, height) };
        Metadata { width, height, orientation, format, exif: self }
    }
}

fn reader() -> exif::Reader {
    let mut reader = exif::Reader::new();
    reader.continue_on_error(true);
    reader
}

/// Whether it is no longer than the name of a camera or a lens, as it is kept.
pub(crate) fn is_name(text: &Option<String>) -> bool {
    // A camera's is two of them, and a blank.
    text.as_ref().is_none_or(|text| text.chars().count() <= 2 * LONGEST_NAME + 1)
}

/// An ASCII field without padding, cut where it is no name any more; `None` when empty.
fn text(exif: &Exif, tag: Tag) -> Option<String> {
    Some(ascii(exif, tag)?.chars().take(LONGEST_NAME).collect())
}

/// A text of letters, of any length, if there is one.
fn ascii(exif: &Exif, tag: Tag) -> Option<String> {
    let Value::Ascii(parts) = &exif.get_field(tag, In::PRIMARY)?.value else { return None };
    let text = String::from_utf8_lossy(parts.first()?);
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
    (!text.is_empty()).then(|| text.to_owned())
}

/// Tags of Microsoft's for texts: comment, subject, title.
const MICROSOFT_TEXTS: [u16; 3] = [0x9c9c, 0x9c9f, 0x9c9b];

/// The first of the fields for a person's words that has some.
fn words(exif: &Exif) -> Option<String> {
    let description = ascii(exif, Tag::ImageDescription).and_then(|text| of_person(&text));
    let comment = || user_comment(exif).and_then(|text| of_person(&text));
    let title = || MICROSOFT_TEXTS.iter().find_map(|tag| of_person(&utf16(exif, *tag)?));
    description.or_else(comment).or_else(title).map(facts::cut)
}

/// A text of Microsoft's, UTF-16 without a mark.
fn utf16(exif: &Exif, tag: u16) -> Option<String> {
    let Value::Byte(bytes) = &exif.get_field(Tag(Context::Tiff, tag), In::PRIMARY)?.value else { return None };
    let units = bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    Some(char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect())
}

/// The comment, whose first eight bytes tell its letters.
fn user_comment(exif: &Exif) -> Option<String> {
    let field = exif.get_field(Tag::UserComment, In::PRIMARY)?;
    let Value::Undefined(bytes, _) = &field.value else { return None };
    let (code, text) = bytes.split_at_checked(8)?;
    match code {
        b"UNICODE\0" => {
            let little = exif.little_endian();
            let unit = |pair: &[u8]| match little {
                true => u16::from_le_bytes([pair[0], pair[1]]),
                false => u16::from_be_bytes([pair[0], pair[1]]),
            };
            Some(String::from_utf16_lossy(&text.chunks_exact(2).map(unit).collect::<Vec<_>>()))
        }
        // What is declared as nothing is mostly ASCII or UTF-8; other letters are passed over.
        b"ASCII\0\0\0" | [0, 0, 0, 0, 0, 0, 0, 0] => std::str::from_utf8(text).ok().map(str::to_owned),
        _ => None,
    }
}

/// The moment of exposure, else of digitising. It may lack the zone that another date of the same moment tells.
fn taken_at(exif: &Exif) -> Option<String> {
    let original = date(exif, Tag::DateTimeOriginal, Tag::SubSecTimeOriginal, Tag::OffsetTimeOriginal);
    let digitized = date(exif, Tag::DateTimeDigitized, Tag::SubSecTimeDigitized, Tag::OffsetTimeDigitized);
    let taken = match original {
        Some(original) => dates::with_zone_of(original, digitized.as_deref()),
        None => digitized?,
    };
    Some(dates::with_zone_of(taken, changed_at(exif).as_deref()))
}

fn changed_at(exif: &Exif) -> Option<String> {
    date(exif, Tag::DateTime, Tag::SubSecTime, Tag::OffsetTime)
}

fn gps_at(exif: &Exif) -> Option<String> {
    let Value::Rational(parts) = &exif.get_field(Tag::GPSTimeStamp, In::PRIMARY)?.value else { return None };
    let &[hours, minutes, seconds] = parts.as_slice() else { return None };
    dates::gps(&text(exif, Tag::GPSDateStamp)?, [hours, minutes, seconds].map(|part| part.to_f64()))
}

fn date(exif: &Exif, moment: Tag, subseconds: Tag, offset: Tag) -> Option<String> {
    dates::exif(&text(exif, moment)?, text(exif, subseconds).as_deref(), text(exif, offset).as_deref())
}

/// Microsoft's stars, else its percents.
fn rating(exif: &Exif) -> Option<i8> {
    let number = |tag| exif.get_field(Tag(Context::Tiff, tag), In::PRIMARY)?.value.get_uint(0);
    let stars = number(RATING).filter(|stars| *stars <= 5);
    stars.or_else(|| number(RATING_PERCENT).and_then(stars_of_percent)).and_then(|stars| i8::try_from(stars).ok())
}

/// Stars as Windows writes them in percents: 1, 25, 50, 75 and 99; what lies between counts to the nearer.
pub(crate) fn stars_of_percent(percent: u32) -> Option<u32> {
    match percent {
        0 => Some(0),
        1..=12 => Some(1),
        13..=37 => Some(2),
        38..=62 => Some(3),
        63..=87 => Some(4),
        88..=100 => Some(5),
        _ => None,
    }
}

fn camera(exif: &Exif) -> Option<String> {
    camera_name(text(exif, Tag::Make), text(exif, Tag::Model))
}

/// Maker and model, the maker only once.
pub(crate) fn camera_name(make: Option<String>, model: Option<String>) -> Option<String> {
    match (make, model) {
        (Some(make), Some(model)) => {
            let maker = make.split_whitespace().next().unwrap_or_default().to_lowercase();
            Some(if model.to_lowercase().starts_with(&maker) { model } else { format!("{make} {model}") })
        }
        (make, model) => model.or(make),
    }
}

/// Where it was taken. A receiver without a fix writes zeros.
fn position(exif: &Exif) -> Option<(f64, f64)> {
    let latitude = degrees(exif, Tag::GPSLatitude, Tag::GPSLatitudeRef, b'S')?;
    let longitude = degrees(exif, Tag::GPSLongitude, Tag::GPSLongitudeRef, b'W')?;
    on_earth(latitude, longitude)
}

/// A position, if there is such a one; where the equator meets the meridian of Greenwich there is no land, and no fix.
pub(crate) fn on_earth(latitude: f64, longitude: f64) -> Option<(f64, f64)> {
    let real = latitude.abs() <= 90.0 && longitude.abs() <= 180.0 && (latitude != 0.0 || longitude != 0.0);
    real.then_some((latitude, longitude))
}

/// Degrees, minutes and seconds to signed degrees.
fn degrees(exif: &Exif, tag: Tag, side: Tag, negative: u8) -> Option<f64> {
    let Value::Rational(parts) = &exif.get_field(tag, In::PRIMARY)?.value else { return None };
    let part = |i: usize| parts.get(i).filter(|r| r.denom != 0).map_or(0.0, Rational::to_f64);
    if parts.first()?.denom == 0 {
        return None;
    }
    let value = part(0) + part(1) / 60.0 + part(2) / 3600.0;
    let sign = match &exif.get_field(side, In::PRIMARY)?.value {
        Value::Ascii(s) if s.first()?.first()?.to_ascii_uppercase() == negative => -1.0,
        _ => 1.0,
    };
    Some(sign * value)
}
