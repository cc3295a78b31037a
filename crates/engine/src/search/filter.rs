//! A query's filters in the catalogue's terms.

use std::path::{Path, PathBuf};

use sightline_catalog::{Catalog, Filter};

use super::dates::DatePrefix;
use super::query::Filters;
use crate::EngineError;

/// What the query says; what it leaves open, `besides` says.
pub(super) fn to_catalog(
    filters: &Filters,
    besides: &Filter,
    base: &Path,
    catalog: &Catalog,
) -> Result<Filter, EngineError> {
    let folder = match &filters.folder {
        Some(folder) => Some(resolve(folder, base, &catalog.folders()?)?),
        None => besides.folder.clone(),
    };
    let date = |date: &Option<DatePrefix>| date.as_ref().map(|date| date.as_str().to_owned());
    let or = |own: Option<String>, other: &Option<String>| own.or_else(|| other.clone());
    Ok(Filter {
        folder,
        taken_after: or(date(&filters.after), &besides.taken_after),
        taken_before: or(date(&filters.before), &besides.taken_before),
        camera: or(filters.camera.clone(), &besides.camera),
        format: or(filters.format.clone(), &besides.format),
        album: besides.album,
    })
}

/// An absolute folder; one below `base`; else one below an indexed folder, or that folder's own
/// name.
fn resolve(folder: &str, base: &Path, indexed: &[PathBuf]) -> Result<PathBuf, EngineError> {
    let given = Path::new(folder);
    let below_base = base.join(given);
    if let Ok(real) = std::fs::canonicalize(&below_base)
        && real.is_dir()
    {
        return Ok(real);
    }
    if given.is_absolute() {
        // Perhaps on a disk that is unplugged; its photos can still be found.
        return Ok(given.into());
    }
    indexed
        .iter()
        .find_map(|root| {
            let inside = root.join(given);
            if inside.is_dir() { Some(inside) } else { root.ends_with(given).then(|| root.clone()) }
        })
        .ok_or_else(|| EngineError::UnknownFolder { folder: folder.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_found_here_below_an_indexed_one_or_by_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let root = std::fs::canonicalize(dir.path()).unwrap();
        let photos = root.join("Photos");
        std::fs::create_dir_all(photos.join("Lisbon")).unwrap();
        std::fs::create_dir(root.join("here")).unwrap();
        let indexed = [photos.clone()];
        let resolve = |folder: &str| resolve(folder, &root, &indexed);
        assert_eq!(resolve("here").unwrap(), root.join("here"));
        assert_eq!(resolve("Lisbon").unwrap(), photos.join("Lisbon"));
        assert_eq!(resolve("Photos").unwrap(), photos);
        assert_eq!(resolve("/unplugged/x").unwrap(), Path::new("/unplugged/x"));
        assert_eq!(resolve("Madrid").unwrap_err().code(), "folder_unknown");
    }
}
