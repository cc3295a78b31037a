//! Captions and keywords out of the library, beside photos or into them: shown before, and taken back after.

use std::path::{Path, PathBuf};

use sightline_catalog::{KeywordOrigin, PhotoId};
use sightline_media::caption_metadata::{self, CaptionMetadata, WriteTo, Written, existing_sidecar, sidecar_path};

use sightline_media::Facts;

use crate::{Engine, EngineError};

/// What writing a photo's caption and keywords out would do to one of its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteOutPreview {
    /// The photo's file.
    pub path: PathBuf,
    /// The file beside it that would be written or made.
    pub sidecar: PathBuf,
    /// Caption and keywords as they are read from the two now.
    pub now: CaptionMetadata,
    /// As they would be read after.
    pub then: CaptionMetadata,
}

/// Caption and keywords of a file; as the caption counts what a person wrote in whichever field of it or beside it.
pub(super) fn words_there(path: &Path) -> Result<CaptionMetadata, EngineError> {
    let found = caption_metadata::read(path)?.unwrap_or_default();
    if found.caption.is_some() {
        return Ok(found);
    }
    Ok(CaptionMetadata { caption: Facts::read(path)?.words.caption, ..found })
}

/// Writes a caption beside or into a file, leaving its keywords as they are; gives the file that was written.
pub(super) fn write_caption(path: &Path, text: &str, to: WriteTo) -> Result<PathBuf, EngineError> {
    let keywords = caption_metadata::read(path)?.map(|metadata| metadata.keywords).unwrap_or_default();
    let metadata = CaptionMetadata { caption: Some(text.to_owned()), keywords };
    Ok(caption_metadata::write(path, &metadata, to)?.path().to_owned())
}

impl Engine {
    /// What writing a photo's current caption and keywords out would do, file by file.
    ///
    /// Keywords of a file stay, but for those that the user took off; the model's proposals are not written.
    ///
    /// # Errors
    /// [`EngineError::PhotoGone`], [`EngineError::CaptionEmpty`] when there is neither, or when a file cannot be read.
    pub fn write_out_preview(&self, photo: PhotoId) -> Result<Vec<WriteOutPreview>, EngineError> {
        let caption = self.caption(photo)?.map(|caption| caption.text);
        let said = self.catalog()?.keywords(photo)?;
        let own: Vec<&str> = said
            .iter()
            .filter(|row| !row.removed && row.origin == KeywordOrigin::Person)
            .map(|row| row.word.as_str())
            .collect();
        if caption.is_none() && own.is_empty() {
            return Err(EngineError::CaptionEmpty);
        }
        let paths = self.catalog()?.paths_of(photo)?;
        if paths.is_empty() {
            return Err(EngineError::PhotoGone { id: photo.0 });
        }
        let same = |a: &str, b: &str| a.to_lowercase() == b.to_lowercase();
        let preview = |path: PathBuf| {
            let now = words_there(&path)?;
            let taken_off = |word: &String| said.iter().any(|row| row.removed && same(&row.word, word));
            let mut keywords: Vec<String> = now.keywords.iter().filter(|word| !taken_off(word)).cloned().collect();
            for word in &own {
                if !keywords.iter().any(|there| same(there, word)) {
                    keywords.push((*word).to_owned());
                }
            }
            let then = CaptionMetadata { caption: caption.clone().or_else(|| now.caption.clone()), keywords };
            let sidecar = existing_sidecar(&path).unwrap_or_else(|| sidecar_path(&path));
            Ok(WriteOutPreview { path, sidecar, now, then })
        };
        paths.into_iter().map(preview).collect()
    }

    /// Writes the current caption and keywords of a photo beside or into each of its files. When one of them cannot
    /// be written, those before it are put back.
    ///
    /// # Errors
    /// As [`Engine::write_out_preview`], and when a file cannot be written.
    pub fn write_out(&self, photo: PhotoId, to: WriteTo) -> Result<Vec<Written>, EngineError> {
        let mut done: Vec<Written> = Vec::new();
        for preview in self.write_out_preview(photo)? {
            match caption_metadata::write(&preview.path, &preview.then, to) {
                Ok(written) => done.push(written),
                Err(error) => {
                    done.iter().try_for_each(Written::undo)?;
                    return Err(error.into());
                }
            }
        }
        Ok(done)
    }
}
