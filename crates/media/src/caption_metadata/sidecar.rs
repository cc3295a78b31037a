//! Sidecar files: an XMP packet of its own beside the photo (XMP Specification Part 3).

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::CaptionMetadata;
use super::error::MetadataError;
use super::packet::{self, LARGEST};
use super::replace::{self, Original, Times};

/// A file that may be a photo's sidecar, of which nothing is parsed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beside {
    /// Where it lies.
    pub path: PathBuf,
    /// Whether it has the photo's full name, `photo.jpg.xmp`; as `photo.xmp` it may be another file's.
    pub has_full_name: bool,
    /// What it holds; `None` where that is more than a packet may have.
    pub contents: Option<Vec<u8>>,
}

/// The files beside the photo that may be its sidecar, as far as their names tell; which of them it is stands in them.
/// One that cannot be read counts as empty.
pub fn beside(photo: &Path) -> Vec<Beside> {
    let [full, full_upper, short, short_upper] = possible(photo);
    let read = |path: PathBuf, has_full_name| {
        let contents = read_bounded(&path).unwrap_or_else(|_| Some(Vec::new()));
        Beside { path, has_full_name, contents }
    };
    if let Some(path) = [full, full_upper].into_iter().find(|path| path.is_file()) {
        return vec![read(path, true)];
    }
    let there = [short, short_upper].into_iter().filter(|path| path != photo && path.is_file());
    there.map(|path| read(path, false)).collect()
}

/// `None` for a file of more than [`LARGEST`] bytes, also when it grows meanwhile.
fn read_bounded(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LARGEST + 1).read_to_end(&mut bytes)?;
    Ok(Some(bytes).filter(|bytes| bytes.len() as u64 <= LARGEST))
}

/// Which of `beside` is the sidecar of the photo of this name.
pub(super) fn chosen(photo: &Path, beside: &[Beside]) -> Option<usize> {
    beside.iter().position(|file| match &file.contents {
        Some(contents) => file.has_full_name || says_it_is_for(contents, photo),
        None => true,
    })
}

/// Where a new sidecar goes, as with darktable and digiKam: `photo.jpg.xmp` for `photo.jpg`.
pub fn default_path(photo: &Path) -> PathBuf {
    with_suffix(photo, ".xmp")
}

/// Where a sidecar of the photo may be, the one that counts first.
pub fn possible(photo: &Path) -> [PathBuf; 4] {
    [with_suffix(photo, ".xmp"), with_suffix(photo, ".XMP"), photo.with_extension("xmp"), photo.with_extension("XMP")]
}

/// Whether the file may be a photo's sidecar, by its name.
pub fn is_sidecar_name(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("xmp"))
}

/// The sidecar that the photo has: `photo.jpg.xmp`, else `photo.xmp` as Lightroom writes it.
///
/// A `photo.xmp` that says it is for another extension (`photoshop:SidecarForExtension`), such as that of the raw
/// file beside `photo.jpg`, is left alone.
pub fn existing(photo: &Path) -> Option<PathBuf> {
    let [full, full_upper, short, short_upper] = possible(photo);
    if let Some(path) = [full, full_upper].into_iter().find(|path| path.is_file()) {
        return Some(path);
    }
    [short, short_upper].into_iter().find(|path| path != photo && path.is_file() && is_for(path, photo))
}

/// Caption and keywords from the photo's sidecar; nothing where there is none.
pub(super) fn read(photo: &Path) -> Result<CaptionMetadata, MetadataError> {
    let Some(path) = existing(photo) else { return Ok(CaptionMetadata::default()) };
    let original = load(&path)?;
    packet::read(&original.bytes).map_err(|source| MetadataError::MalformedSidecar { path, source })
}

/// Writes the photo's sidecar; see [`super::write_sidecar`].
pub(super) fn write(photo: &Path, metadata: &CaptionMetadata) -> Result<PathBuf, MetadataError> {
    fs::metadata(photo).map_err(|source| MetadataError::io(photo, source))?;
    let Some(path) = existing(photo) else {
        let path = default_path(photo);
        if !metadata.normalized().is_empty() {
            replace::create(&path, packet::new_sidecar(metadata).as_bytes())?;
        }
        return Ok(path);
    };
    let original = load(&path)?;
    let edited = packet::set(&original.bytes, metadata)
        .map_err(|source| MetadataError::MalformedSidecar { path: path.clone(), source })?;
    if edited != original.bytes {
        replace::replace(&original, &edited, Times::New)?;
    }
    Ok(path)
}

/// Gives the photo `to` a copy of the sidecar of `from`, a photo of the same content, if it has none.
///
/// # Errors
/// The sidecar cannot be read, or the folder of `to` cannot be written.
pub fn copy_of(from: &Path, to: &Path) -> Result<(), MetadataError> {
    match (existing(from), existing(to)) {
        (Some(sidecar), None) => replace::create(&default_path(to), &load(&sidecar)?.bytes),
        _ => Ok(()),
    }
}

fn load(path: &Path) -> Result<Original, MetadataError> {
    let bytes = fs::metadata(path).map_err(|source| MetadataError::io(path, source))?.len();
    if bytes > LARGEST {
        return Err(MetadataError::SidecarTooLarge { path: path.to_owned(), bytes, limit: LARGEST });
    }
    Original::read(path)
}

/// Whether nothing in the sidecar says that it is for another photo. A damaged one is reported when it is read.
fn is_for(sidecar: &Path, photo: &Path) -> bool {
    load(sidecar).map_or(true, |original| says_it_is_for(&original.bytes, photo))
}

fn says_it_is_for(sidecar: &[u8], photo: &Path) -> bool {
    match packet::sidecar_for_extension(sidecar) {
        Some(extension) => photo.extension().is_some_and(|own| own.eq_ignore_ascii_case(extension.trim())),
        None => true,
    }
}

fn with_suffix(photo: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(photo);
    name.push(suffix);
    name.into()
}
