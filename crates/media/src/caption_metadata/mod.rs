//! Captions and keywords of photos as XMP: in sidecar files, and inside JPEG files.
//!
//! Properties: `dc:description` and `dc:subject` (XMP Specification Part 1, section 8.3). Files: XMP Specification
//! Part 3. Older captions: IPTC IIM 4.2. A write changes these two properties and nothing else; what cannot be
//! changed safely is refused with an error whose [`MetadataError::suggests_sidecar`] says so.

mod boxes;
mod container;
mod error;
mod iptc;
mod jpeg;
mod packet;
pub(crate) mod png;
mod replace;
mod sidecar;
#[cfg(test)]
mod tests;
pub(crate) mod words;
mod written;

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use container::Source;
pub(crate) use container::{Ahead, bytes, piece, skip};
pub use error::{IptcFault, JpegFault, MetadataError, PacketError};
pub(crate) use packet::LARGEST as LARGEST_PACKET;
pub use sidecar::{
    Beside, beside, copy_of as copy_sidecar, default_path as sidecar_path, existing as existing_sidecar,
    is_sidecar_name, possible as possible_sidecars,
};
pub use written::{WriteTo, Written, write};

/// Caption and keywords of one photo.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaptionMetadata {
    /// `dc:description` in the language `x-default`.
    pub caption: Option<String>,
    /// `dc:subject`, in the order of the file.
    pub keywords: Vec<String>,
}

impl CaptionMetadata {
    /// Whether there is neither a caption nor a keyword.
    pub fn is_empty(&self) -> bool {
        self.caption.is_none() && self.keywords.is_empty()
    }

    /// As it is written: without characters that XML forbids, blank captions and blank keywords.
    fn normalized(&self) -> Self {
        let clean = |text: &String| Some(packet::clean(text)).filter(|text| !text.trim().is_empty());
        Self {
            caption: self.caption.as_ref().and_then(clean),
            keywords: self.keywords.iter().filter_map(clean).collect(),
        }
    }

    /// Takes from `other` what is missing here.
    pub(crate) fn or(self, other: Self) -> Self {
        Self {
            caption: self.caption.or(other.caption),
            keywords: if self.keywords.is_empty() { other.keywords } else { self.keywords },
        }
    }
}

/// What one place says of a photo.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Told {
    pub words: CaptionMetadata,
    /// What stands in other fields that a person may have put words in: titles, headlines, alternative texts; what is
    /// most of a caption first.
    pub elsewhere: Vec<String>,
    /// Names of people that are marked in it.
    pub people: Vec<String>,
    /// In the form of [`crate::dates`].
    pub taken_at: Option<String>,
    /// -1 to 5.
    pub rating: Option<i8>,
    /// Degrees north and degrees east.
    pub position: Option<(f64, f64)>,
    /// Where a person or a program says that it was taken.
    pub place: RecordedPlace,
    /// Maker and model of the camera.
    pub camera: Option<String>,
    /// Lens model.
    pub lens: Option<String>,
    /// How it is to be turned, as in EXIF: 1 to 8.
    pub orientation: Option<u8>,
    /// Whether the date is that of taking, and not of making the file.
    pub is_of_taking: bool,
}

/// Names of the place where a photo was taken, as they stand in its metadata.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedPlace {
    /// A part of the town, or a spot outside of it.
    pub sublocation: Option<String>,
    /// Town.
    pub city: Option<String>,
    /// State, province or region.
    pub state: Option<String>,
    /// Country, by name.
    pub country: Option<String>,
    /// Country, by code of two or three letters.
    pub country_code: Option<String>,
}

impl RecordedPlace {
    /// All names, the smallest first.
    pub fn names(&self) -> impl Iterator<Item = &String> {
        [&self.sublocation, &self.city, &self.state, &self.country, &self.country_code].into_iter().flatten()
    }

    /// Whether nothing is recorded.
    pub fn is_empty(&self) -> bool {
        self.names().next().is_none()
    }

    /// This, or `other` where nothing is recorded here.
    #[must_use]
    pub(crate) fn or(self, other: Self) -> Self {
        if self.is_empty() { other } else { self }
    }
}

/// What each place that is no EXIF says of a photo.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Sources {
    pub sidecar: Told,
    pub embedded: Told,
    pub iptc: Told,
    /// Texts of a PNG.
    pub text: Option<String>,
    /// When a PNG says that it was made.
    pub created_at: Option<String>,
    /// Why the packet in the photo was not read, if it is more than any photo needs.
    pub embedded_refused: Option<OverLimit>,
    /// The same of one of the files beside it, by its place among them.
    pub sidecar_refused: Option<(usize, OverLimit)>,
}

impl Sources {
    /// The caption, and where there is none what else a person wrote; `exif` is what stands in EXIF.
    pub fn caption(&self, exif: Option<&String>) -> Option<String> {
        let places = [&self.sidecar, &self.embedded, &self.iptc];
        let captions = places.iter().map(|told| told.words.caption.as_ref());
        // EXIF's description is a caption; a title is less than one.
        let others = places.iter().map(|told| told.elsewhere.first());
        captions.chain([exif]).chain(others).chain([self.text.as_ref()]).flatten().next().cloned()
    }

    /// What else a person wrote than `caption`, each text once, and whom they marked; `exif` is what stands in EXIF.
    pub fn other_words(&self, caption: Option<&String>, exif: Option<&String>) -> Vec<String> {
        let places = [&self.sidecar, &self.embedded, &self.iptc];
        let captions = places.iter().filter_map(|told| told.words.caption.as_ref()).chain(exif);
        let others = places.iter().flat_map(|told| told.elsewhere.iter().chain(&told.people)).chain(&self.text);
        let mut words: Vec<String> = Vec::new();
        for text in captions.chain(others) {
            if Some(text) != caption && !words.contains(text) {
                words.push(text.clone());
            }
        }
        words
    }
}

/// Something that is larger than any photo needs, and was therefore not read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OverLimit {
    /// What is too large.
    pub what: String,
    /// The limit, with its unit.
    pub limit: String,
}

impl OverLimit {
    pub(crate) fn new(what: &str, limit: &str) -> Self {
        Self { what: what.to_owned(), limit: limit.to_owned() }
    }

    /// The error for the file at `path`.
    pub fn at(self, path: &Path) -> crate::MediaError {
        let Self { what, limit } = self;
        crate::MediaError::TooMuchMetadata { path: path.to_owned(), what, limit }
    }
}

/// What a packet says; nothing where it is damaged.
fn told_of(packet: &[u8]) -> Result<Told, OverLimit> {
    match packet::told(packet) {
        Err(PacketError::TooLarge { what, limit }) => Err(OverLimit::new(what, limit)),
        told => Ok(told.unwrap_or_default()),
    }
}

/// Reads all that stands of a photo of this name, `beside` it and in `photo`. What is damaged says nothing.
///
/// # Errors
/// When `photo` cannot be read.
pub(crate) fn sources(photo: &mut dyn Source, name: &Path, beside: &[Beside]) -> io::Result<Sources> {
    let blocks = container::read_from(photo)?;
    let mut sources = Sources {
        iptc: iptc::read(&blocks.photoshop),
        text: blocks.text,
        created_at: blocks.created_at,
        ..Sources::default()
    };
    if let Some(PacketError::TooLarge { what, limit }) = blocks.refused {
        sources.embedded_refused = Some(OverLimit::new(what, limit));
    }
    match blocks.xmp.as_deref().map(told_of) {
        Some(Ok(told)) => sources.embedded = told,
        Some(Err(refused)) => sources.embedded_refused = Some(refused),
        None => {}
    }
    match sidecar::chosen(name, beside).map(|chosen| (chosen, beside[chosen].contents.as_deref().map(told_of))) {
        Some((_, Some(Ok(told)))) => sources.sidecar = told,
        Some((chosen, Some(Err(refused)))) => sources.sidecar_refused = Some((chosen, refused)),
        Some((chosen, None)) => sources.sidecar_refused = Some((chosen, OverLimit::new("the sidecar", "4 MiB"))),
        None => {}
    }
    Ok(sources)
}

/// Reads caption and keywords of the photo at `path`; `None` where it has neither.
///
/// Each of the two comes from the first place that has it: sidecar, XMP in the file (of all formats that
/// hold it but GIF), IPTC (JPEG).
/// So a caption taken out of a sidecar uncovers the embedded one.
///
/// # Errors
///
/// The photo cannot be read, the sidecar is malformed, or without a sidecar the embedded XMP is.
pub fn read(path: &Path) -> Result<Option<CaptionMetadata>, MetadataError> {
    let mut found = sidecar::read(path)?;
    if found.caption.is_none() || found.keywords.is_empty() {
        found = match container::read(path).and_then(|blocks| blocks.words(path)) {
            // The sidecar is the way out of damaged XMP in the photo, so it counts alone then.
            Err(MetadataError::MalformedXmp { .. }) if !found.is_empty() => found,
            embedded => found.or(embedded?),
        };
    }
    Ok(Some(found).filter(|found| !found.is_empty()))
}

/// Writes caption and keywords to the photo's sidecar and returns the sidecar's path.
///
/// That is `photo.jpg.xmp`, or `photo.xmp` where that exists and is for this photo. Everything else in an existing
/// sidecar stays. Nothing is created where there is nothing to say.
///
/// # Errors
///
/// The photo is missing, the sidecar or its folder is read-only, or the existing sidecar is malformed.
pub fn write_sidecar(path: &Path, metadata: &CaptionMetadata) -> Result<PathBuf, MetadataError> {
    sidecar::write(path, metadata)
}

/// Writes caption and keywords into the JPEG file at `path`; a symbolic link is followed within its folder.
///
/// Every byte outside the XMP segment stays, but for an IPTC caption, which follows where there is one. Times and
/// permissions stay too. After a power cut the file is the old or the new one. As with any file replaced as a whole,
/// extended attributes and the date of creation are the new file's, and other hard links keep the old contents.
///
/// # Errors
///
/// The file is no JPEG, is read-only, is a link that leads out of its folder, or cannot be changed without risk to
/// something else in it.
pub fn embed(path: &Path, metadata: &CaptionMetadata) -> Result<(), MetadataError> {
    jpeg::embed(path, metadata)
}
