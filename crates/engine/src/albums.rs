//! Albums: what a person puts together, and later teaches from.

use sightline_catalog::{AlbumId, AlbumRow, PhotoId};

use crate::{Engine, EngineError};

impl Engine {
    /// The albums, by name.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn albums(&self) -> Result<Vec<AlbumRow>, EngineError> {
        Ok(self.catalog()?.albums()?)
    }

    /// Makes an album of photos.
    ///
    /// # Errors
    /// When the name is blank or taken, or the library cannot be written.
    pub fn create_album(&self, name: &str, photos: &[PhotoId]) -> Result<AlbumRow, EngineError> {
        let catalog = self.catalog()?;
        let album = catalog.create_album(name)?;
        catalog.add_to_album(album, photos)?;
        Ok(catalog.album(album)?.ok_or(sightline_catalog::CatalogError::AlbumGone { id: album.0 })?)
    }

    /// Gives an album another name.
    ///
    /// # Errors
    /// When the name is blank or taken, the album is gone, or the library cannot be written.
    pub fn rename_album(&self, album: AlbumId, name: &str) -> Result<(), EngineError> {
        Ok(self.catalog()?.rename_album(album, name)?)
    }

    /// Removes an album; its photos stay.
    ///
    /// # Errors
    /// When the library cannot be written.
    pub fn remove_album(&self, album: AlbumId) -> Result<(), EngineError> {
        Ok(self.catalog()?.remove_album(album)?)
    }

    /// Puts photos into an album.
    ///
    /// # Errors
    /// When the album is gone or the library cannot be written.
    pub fn add_to_album(&self, album: AlbumId, photos: &[PhotoId]) -> Result<(), EngineError> {
        Ok(self.catalog()?.add_to_album(album, photos)?)
    }

    /// Takes photos out of an album.
    ///
    /// # Errors
    /// When the library cannot be written.
    pub fn remove_from_album(&self, album: AlbumId, photos: &[PhotoId]) -> Result<(), EngineError> {
        Ok(self.catalog()?.remove_from_album(album, photos)?)
    }
}
