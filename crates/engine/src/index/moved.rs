//! Folders of the library that were moved, by what of them was found elsewhere.
//!
//! A folder that is gone while its disk is there was moved, renamed or deleted. What of it turned up in another folder
//! does not lie at its old place any more. Of the rest nothing is concluded: a person is asked, as ever.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::roots::disk;
use crate::{Engine, EngineError};

/// Folders of the library that are gone although the disk on which one of `roots` lies is where they were.
pub(super) fn left_folders(engine: &Engine, roots: &[PathBuf]) -> Result<Vec<PathBuf>, EngineError> {
    let catalog = engine.catalog()?;
    let mut left = Vec::new();
    for folder in catalog.folders()? {
        if roots.contains(&folder) || folder.exists() {
            continue;
        }
        let volumes = engine.volumes();
        let is_there = match catalog.folder_volume(&folder)? {
            Some(volume) => roots.iter().any(|root| volumes.locate(root).is_some_and(|there| there.id == volume.id)),
            // Of a volume without an id no more is known than that the folder around it is on the same disk.
            None => {
                let around = folder.parent().and_then(disk);
                around.is_some() && roots.iter().any(|root| volumes.locate(root).is_none() && disk(root) == around)
            }
        };
        if is_there {
            left.push(folder);
        }
    }
    Ok(left)
}

/// Old places below `folders`, which are gone, of photos that lie elsewhere too.
pub(super) fn old_places(engine: &Engine, folders: &[PathBuf]) -> Result<Vec<PathBuf>, EngineError> {
    let catalog = engine.catalog()?;
    let mut places = HashSet::new();
    for folder in folders {
        places.extend(catalog.known_under(folder)?.into_keys().filter(|path| !path.exists()));
    }
    let mut places: Vec<PathBuf> = places.into_iter().collect();
    places.sort();
    Ok(catalog.lost_and_moved(&places)?.1)
}

/// Takes those of `folders` off the list below which nothing is left.
pub(super) fn take_off_empty(engine: &Engine, folders: &[PathBuf]) -> Result<(), EngineError> {
    let catalog = engine.catalog()?;
    let is_empty = |folder: &Path| Ok::<_, EngineError>(catalog.known_under(folder)?.is_empty());
    for folder in folders {
        if is_empty(folder)? {
            catalog.remove_folder(folder)?;
        }
    }
    Ok(())
}
