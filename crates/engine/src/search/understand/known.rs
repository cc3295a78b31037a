//! What the library has names for, read from the catalogue.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use sightline_catalog::fold_name;

use super::{Day, Known};
use crate::{Engine, EngineError};

/// Folders by their folded names.
type Folders = HashMap<String, Vec<PathBuf>>;

/// The folders of a library by name, with the number of the change after which they were read: there are as many paths
/// as photos to read them from.
pub type HeldFolders = Mutex<Option<(i64, Arc<Folders>)>>;

impl Engine {
    /// Which day it is.
    pub(crate) fn today(&self) -> Result<Day, EngineError> {
        let today = self.catalog()?.today()?;
        // SQLite writes no other.
        Ok(today.parse().unwrap_or(Day { year: 9999, month: 12, day: 31 }))
    }

    /// What the library has names for.
    pub(crate) fn known_names(&self) -> Result<Known, EngineError> {
        let catalog = self.catalog()?;
        let mut known = Known {
            places: catalog.place_names()?.into_iter().collect(),
            folders: self.folders_by_name()?,
            albums: HashMap::new(),
            cameras: catalog.camera_names()?,
        };
        for album in catalog.albums()? {
            known.albums.insert(fold_name(&album.name), (album.id, album.name));
        }
        Ok(known)
    }

    fn folders_by_name(&self) -> Result<Arc<Folders>, EngineError> {
        let catalog = self.catalog()?;
        let mut held = self.held_folders().lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((number, folders)) = &*held
            && *number == catalog.last_change()?
        {
            return Ok(folders.clone());
        }
        let (number, with_photos) = catalog.folders_of_photos()?;
        let roots = catalog.folders()?;
        let (mut folders, mut seen) = (Folders::new(), HashSet::new());
        for folder in with_photos {
            // A folder of folders has a name, too; what is above the library's own folders is no part of it.
            let above = folder.ancestors().take_while(|above| roots.iter().any(|root| above.starts_with(root)));
            for folder in above {
                if !seen.insert(folder.to_path_buf()) {
                    break;
                }
                let name = folder.file_name().map(|name| fold_name(&name.to_string_lossy())).unwrap_or_default();
                folders.entry(name).or_default().push(folder.to_path_buf());
            }
        }
        let folders = Arc::new(folders);
        *held = Some((number, folders.clone()));
        Ok(folders)
    }
}
