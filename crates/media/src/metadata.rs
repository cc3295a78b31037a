//! What a file says of itself: EXIF date, camera, place, orientation.

use exif::{Exif, In, Rational, Tag, Value};
use serde::{Deserialize, Serialize};

use crate::exif_block;
use crate::format::PhotoFormat;

/// Facts of a photo besides its pixels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metadata {
    /// Width of the upright photo in pixels.
    pub width: u32,
    /// Height of the upright photo in pixels.
    pub height: u32,
    /// EXIF orientation, 1 to 8; 1 is upright.
    pub orientation: u8,
    /// `YYYY-MM-DDTHH:MM:SS` by the camera's clock, with `+HH:MM` after it where the camera says so.
    pub taken_at: Option<String>,
    /// Maker and model.
    pub camera: Option<String>,
    /// Lens model.
    pub lens: Option<String>,
    /// Degrees north.
    pub latitude: Option<f64>,
    /// Degrees east.
    pub longitude: Option<f64>,
    /// Format of the file.
    pub format: PhotoFormat,
}

/// The EXIF block of a file, empty where there is none or it cannot be read.
#[derive(Debug, Default)]
pub(crate) struct ExifFacts {
    pub orientation: u8,
    taken_at: Option<String>,
    camera: Option<String>,
    lens: Option<String>,
    latitude: Option<f64>,
    longitude: Option<f64>,
}

impl ExifFacts {
    /// Reads the EXIF of any format that may carry it; a damaged block gives what could be read of it.
    pub fn read(bytes: &[u8], format: PhotoFormat) -> Self {
        if matches!(format, PhotoFormat::Gif | PhotoFormat::Bmp) {
            return Self { orientation: 1, ..Self::default() };
        }
        let mut reader = exif::Reader::new();
        reader.continue_on_error(true);
        let read = match exif_block::find(bytes, format) {
            Some(block) => reader.read_raw(block),
            None => reader.read_from_container(&mut std::io::Cursor::new(bytes)),
        };
        match read.or_else(|e| e.distill_partial_result(|_| ())) {
            Ok(exif) => Self::of(&exif),
            Err(_) => Self { orientation: 1, ..Self::default() },
        }
    }

    fn of(exif: &Exif) -> Self {
        let orientation = exif.get_field(Tag::Orientation, In::PRIMARY).and_then(|f| f.value.get_uint(0));
        Self {
            orientation: orientation.filter(|o| (1..=8).contains(o)).unwrap_or(1) as u8,
            taken_at: taken_at(exif),
            camera: camera(exif),
            lens: text(exif, Tag::LensModel),
            latitude: degrees(exif, Tag::GPSLatitude, Tag::GPSLatitudeRef, b'S', 90.0),
            longitude: degrees(exif, Tag::GPSLongitude, Tag::GPSLongitudeRef, b'W', 180.0),
        }
    }

    /// Metadata of a photo stored as `width` x `height`, before it is turned upright.
    pub fn metadata(self, width: u32, height: u32, format: PhotoFormat) -> Metadata {
        let (width, height) = if self.orientation >= 5 { (height, width) } else { (width, height) };
        Metadata {
            width,
            height,
            orientation: self.orientation,
            taken_at: self.taken_at,
            camera: self.camera,
            lens: self.lens,
            latitude: self.latitude,
            longitude: self.longitude,
            format,
        }
    }
}

/// An ASCII field without padding; `None` when empty.
fn text(exif: &Exif, tag: Tag) -> Option<String> {
    let Value::Ascii(parts) = &exif.get_field(tag, In::PRIMARY)?.value else { return None };
    let text = String::from_utf8_lossy(parts.first()?);
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
    (!text.is_empty()).then(|| text.to_owned())
}

/// The moment of exposure, else of digitising, else of the last change by a camera.
fn taken_at(exif: &Exif) -> Option<String> {
    [
        (Tag::DateTimeOriginal, Tag::OffsetTimeOriginal),
        (Tag::DateTimeDigitized, Tag::OffsetTimeDigitized),
        (Tag::DateTime, Tag::OffsetTime),
    ]
    .into_iter()
    .find_map(|(date, offset)| {
        let date = exif::DateTime::from_ascii(text(exif, date)?.as_bytes()).ok()?;
        let real = (1..=12).contains(&date.month) && (1..=31).contains(&date.day);
        if !real || date.hour > 23 || date.minute > 59 || date.second > 60 {
            return None;
        }
        let offset = text(exif, offset).filter(|o| o.len() == 6 && o.starts_with(['+', '-'])).unwrap_or_default();
        Some(format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{offset}",
            date.year, date.month, date.day, date.hour, date.minute, date.second
        ))
    })
}

/// Maker and model, the maker only once.
fn camera(exif: &Exif) -> Option<String> {
    let (make, model) = (text(exif, Tag::Make), text(exif, Tag::Model));
    match (make, model) {
        (Some(make), Some(model)) => {
            let maker = make.split_whitespace().next().unwrap_or_default().to_lowercase();
            Some(if model.to_lowercase().starts_with(&maker) { model } else { format!("{make} {model}") })
        }
        (make, model) => model.or(make),
    }
}

/// Degrees, minutes and seconds to signed degrees; `None` when out of range.
fn degrees(exif: &Exif, tag: Tag, side: Tag, negative: u8, limit: f64) -> Option<f64> {
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
    (value <= limit).then_some(sign * value)
}
