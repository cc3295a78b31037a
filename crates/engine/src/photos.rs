//! What is known of one photo of the library, and its pictures.

use std::path::PathBuf;

use sightline_catalog::{AlbumId, Companion, PhotoId, PhotoRow};
use sightline_media::{Limits, picture_of, picture_short_side};

pub use sightline_media::has_photo_name;

use crate::{Engine, EngineError};

/// A photo with all that is known of it.
#[derive(Debug, Clone, PartialEq)]
pub struct PhotoData {
    /// What its file says.
    pub row: PhotoRow,
    /// Where it lies, by path; empty when it is gone.
    pub paths: Vec<PathBuf>,
    /// The albums it is in.
    pub albums: Vec<AlbumId>,
    /// Files that belong to it: its RAW file, its film.
    pub companions: Vec<Companion>,
}

impl Engine {
    /// All that is known of a photo.
    ///
    /// # Errors
    /// [`EngineError::PhotoGone`], or when the library cannot be read.
    pub fn photo(&self, photo: PhotoId) -> Result<PhotoData, EngineError> {
        let catalog = self.catalog()?;
        let row = catalog.photo(photo)?.ok_or(EngineError::PhotoGone { id: photo.0 })?;
        let (paths, albums) = (catalog.paths_of(photo)?, catalog.albums_of(photo)?);
        Ok(PhotoData { row, paths, albums, companions: catalog.companions_of(photo)? })
    }

    /// The small picture of a photo, a JPEG.
    ///
    /// # Errors
    /// [`EngineError::PhotoGone`], or when the library cannot be read.
    pub fn thumbnail(&self, photo: PhotoId) -> Result<Vec<u8>, EngineError> {
        self.catalog()?.thumbnail(photo)?.ok_or(EngineError::PhotoGone { id: photo.0 })
    }

    /// The photo upright as a JPEG, its longer side at most `max_side` pixels; `None` for its full size.
    ///
    /// # Errors
    /// [`EngineError::PhotoGone`], or when its file cannot be read.
    pub fn picture(&self, photo: PhotoId, max_side: Option<u32>) -> Result<Vec<u8>, EngineError> {
        let short_side = picture_short_side(max_side);
        let _share = self.decoders().one_more_picture();
        let photo = self.decoders().open(&self.file_of(photo)?, short_side, &Limits::default())?;
        Ok(picture_of(&photo.rgb, max_side)?)
    }

    /// A file of the photo that is there.
    pub(crate) fn file_of(&self, photo: PhotoId) -> Result<PathBuf, EngineError> {
        let paths = self.catalog()?.paths_of(photo)?;
        let there = paths.iter().find(|path| path.is_file()).or(paths.first());
        there.cloned().ok_or(EngineError::PhotoGone { id: photo.0 })
    }
}
