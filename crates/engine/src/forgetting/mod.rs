//! Forgetting at once: all that the library knows of photos, of a folder, of the searches that were typed.
//!
//! A person is told first what will go, which older copies will still have it and which versions may have learned of it
//! ([`Engine::forget_plan`]). Then what is to go is written down ([`Engine::ask_to_forget`]), which keeps it out from that
//! moment on, and a [`ForgetJob`] does the rest: the rows, then their bytes. No original is touched.

mod job;
mod learned;
#[cfg(test)]
mod tests;

pub use job::ForgetJob;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use sightline_catalog::{CompanionKind, Filter, PhotoId, ToForget};
use sightline_media::caption_metadata::possible_sidecars;
use sightline_media::{Limits, hash_photo};

use crate::settings::RECENT_SEARCHES;
use crate::{Engine, EngineError};
use learned::Learned;

/// What a person wants forgotten.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ForgetRequest {
    /// These photos, wherever they lie.
    pub photos: Vec<PhotoId>,
    /// Files that the library knows and that are no photos, such as those that could not be read.
    pub files: Vec<PathBuf>,
    /// All below this folder, and the folder itself.
    pub folder: Option<PathBuf>,
    /// The photos that lie nowhere any more and are kept in case they come back.
    pub missing: bool,
    /// The searches that are remembered.
    pub searches: bool,
}

/// What forgetting will come to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ForgetPlan {
    /// Photos that go.
    pub photos: u64,
    /// Photos of the folder that lie in another one too, and stay for that.
    pub stay: u64,
    /// Whether something would bring them back, so that marks are kept of what stays out.
    pub keeps_out: bool,
    /// Searches that are remembered.
    pub searches: u64,
    /// Names of the versions that may have been taught with one of the photos, and keep what they learned.
    pub versions: Vec<String>,
    /// Older copies of the library beside it, which have all this still.
    pub copies: Vec<PathBuf>,
}

impl Engine {
    /// What forgetting `request` will come to.
    ///
    /// # Errors
    /// [`EngineError::NotKnown`] for a folder of which the library knows nothing, or when it cannot be read.
    pub fn forget_plan(&self, request: &ForgetRequest) -> Result<ForgetPlan, EngineError> {
        let catalog = self.catalog()?;
        let mut plan = ForgetPlan { copies: catalog.older_copies()?, ..ForgetPlan::default() };
        let mut photos: HashSet<PhotoId> = request.photos.iter().copied().collect();
        if let Some(folder) = &request.folder {
            self.must_be_known(folder)?;
            for photo in self.below(folder)? {
                if catalog.paths_of(photo)?.iter().all(|path| path.starts_with(folder)) {
                    photos.insert(photo);
                } else {
                    plan.stay += 1;
                }
            }
        }
        if request.missing {
            photos.extend(catalog.missing_photos()?);
        }
        let inside = |folder: &PathBuf| self.is_inside_another(folder);
        plan.keeps_out = !request.photos.is_empty()
            || !request.files.is_empty()
            || request.folder.as_ref().map(inside).transpose()?.unwrap_or(false);
        plan.photos = photos.len() as u64;
        if request.searches {
            plan.searches = self.remembered_searches()?;
        }
        plan.versions = Learned::of(self, &photos, request.folder.as_deref())?.names;
        Ok(plan)
    }

    /// Writes down what is to be forgotten, which is kept out from now on; a [`ForgetJob`] does the rest.
    ///
    /// # Errors
    /// As [`Engine::forget_plan`]; [`EngineError::PhotoGone`] for a photo that is gone. Then nothing is forgotten.
    pub fn ask_to_forget(&self, request: &ForgetRequest) -> Result<(), EngineError> {
        let catalog = self.catalog()?;
        let mut photos: HashSet<PhotoId> = request.photos.iter().copied().collect();
        let mut beside: Vec<PathBuf> = request.files.iter().flat_map(|file| possible_sidecars(file)).collect();
        let mut contents = Vec::new();
        for photo in &request.photos {
            if catalog.photo(*photo)?.is_none() {
                return Err(EngineError::PhotoGone { id: photo.0 });
            }
            for path in catalog.paths_of(*photo)? {
                beside.extend(possible_sidecars(&path));
            }
            for companion in catalog.companions_of(*photo)?.iter().filter(|one| one.kind == CompanionKind::Raw) {
                // Alone in another place it would be a photo of its own. One that cannot be read now can be named then.
                contents.extend(hash_photo(&companion.path, &Limits::default(), &|| false).ok().map(|hash| hash.0));
            }
        }
        if let Some(folder) = &request.folder {
            self.must_be_known(folder)?;
            photos.extend(self.below(folder)?);
        }
        if request.missing {
            photos.extend(catalog.missing_photos()?);
        }
        let searches = if request.searches { vec![RECENT_SEARCHES] } else { Vec::new() };
        catalog.ask_to_forget(&ToForget {
            photos: request.photos.clone(),
            contents,
            files: request.files.clone(),
            beside,
            folders: request.folder.iter().cloned().collect(),
            missing: request.missing,
            searches,
            versions: Learned::of(self, &photos, request.folder.as_deref())?.without,
        })?;
        self.drop_memory();
        self.library_changed();
        Ok(())
    }

    /// The photos and other files that `files` are to the library, by path, or by content where a file was moved.
    ///
    /// # Errors
    /// [`EngineError::NotKnown`] for a file of which the library knows nothing; [`EngineError::IsFolder`].
    pub fn known_as(&self, files: &[PathBuf]) -> Result<ForgetRequest, EngineError> {
        let catalog = self.catalog()?;
        let mut request = ForgetRequest::default();
        for file in files {
            if file.is_dir() {
                return Err(EngineError::IsFolder { path: file.clone() });
            }
            let at = catalog.known(file)?;
            let by_content = || {
                Ok::<_, EngineError>(match hash_photo(file, &Limits::default(), &|| false) {
                    Ok(hash) => catalog.by_hash(&hash.0)?,
                    Err(_) => None,
                })
            };
            let photo = match at {
                Some(known) => known.photo,
                None => match catalog.main_of(file)? {
                    // A RAW file or a film is its photo.
                    Some(main) => catalog.known(&main)?.and_then(|known| known.photo),
                    None => by_content()?,
                },
            };
            match (photo, at) {
                (Some(photo), _) if request.photos.contains(&photo) => {}
                (Some(photo), _) => request.photos.push(photo),
                (None, Some(_)) => request.files.push(file.clone()),
                (None, None) => return Err(EngineError::NotKnown { path: file.clone() }),
            }
        }
        Ok(request)
    }

    /// Whether something was asked to be forgotten, by whichever process, and its bytes are not all erased.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn is_forgetting(&self) -> Result<bool, EngineError> {
        Ok(self.catalog()?.forgetting()?.is_due)
    }

    /// How many photos and folders are kept out of the library.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn kept_out(&self) -> Result<(u64, u64), EngineError> {
        Ok(self.catalog()?.kept_out_counts()?)
    }

    /// How many photos lie nowhere and are kept in case they come back.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn missing_photos(&self) -> Result<u64, EngineError> {
        Ok(self.catalog()?.missing_photos()?.len() as u64)
    }

    /// Lets photos that were forgotten in again, by file, and a folder; the next run finds them. Says how many were kept
    /// out.
    ///
    /// # Errors
    /// When the library cannot be written.
    pub fn let_in(&self, files: &[PathBuf], folder: Option<&Path>) -> Result<u64, EngineError> {
        let catalog = self.catalog()?;
        let mut count = 0;
        for file in files {
            let hash = hash_photo(file, &Limits::default(), &|| false).ok().map(|hash| hash.0);
            count += u64::from(catalog.let_file_in(file, hash.as_ref())?);
        }
        if let Some(folder) = folder {
            count += u64::from(catalog.let_folder_in(folder)?);
        }
        Ok(count)
    }

    /// Lets everything in again that was forgotten. Returns how many photos and folders that are.
    ///
    /// # Errors
    /// When the library cannot be written.
    pub fn let_all_in(&self) -> Result<(u64, u64), EngineError> {
        Ok(self.catalog()?.let_all_in()?)
    }

    fn below(&self, folder: &Path) -> Result<Vec<PhotoId>, EngineError> {
        Ok(self.catalog()?.select(&Filter { folder: Some(folder.to_path_buf()), ..Filter::default() })?)
    }

    fn is_inside_another(&self, folder: &Path) -> Result<bool, EngineError> {
        Ok(self.catalog()?.folders()?.iter().any(|other| folder != other && folder.starts_with(other)))
    }

    fn must_be_known(&self, folder: &Path) -> Result<(), EngineError> {
        let catalog = self.catalog()?;
        let is_known = catalog.folders()?.iter().any(|other| folder.starts_with(other) || other.starts_with(folder))
            || !catalog.known_under(folder)?.is_empty();
        if is_known { Ok(()) } else { Err(EngineError::NotKnown { path: folder.into() }) }
    }

    fn remembered_searches(&self) -> Result<u64, EngineError> {
        let (key, list) = RECENT_SEARCHES;
        let settings: Option<serde_json::Value> = self.setting(key)?;
        let list = settings.and_then(|settings| settings.get(list.trim_start_matches("$.")).cloned());
        Ok(list.and_then(|list| list.as_array().map(Vec::len)).unwrap_or(0) as u64)
    }
}
