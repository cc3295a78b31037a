//! A query's filters in the catalogue's terms.

use std::path::{Path, PathBuf};

use sightline_catalog::{Catalog, Filter, Inside, PhotoId, fold_name};
use sightline_media::place_names;

use super::dates::DatePrefix;
use super::query::Filters;
use super::understand::{Chip, ChipMeaning, Day, When, is_screenshot};
use super::{Unknown, UnknownKind};
use crate::EngineError;

/// What the query says; what it leaves open, `besides` says.
pub(super) fn to_catalog(
    filters: &Filters,
    besides: &Filter,
    base: &Path,
    catalog: &Catalog,
) -> Result<Filter, EngineError> {
    let inside: Vec<Inside> =
        filters.inside.as_deref().map(|name| inside(name, base, catalog)).transpose()?.into_iter().collect();
    // Where to look is said once, in the query or besides.
    let (folder, place) = match inside.as_slice() {
        [_, ..] => (None, None),
        [] => (besides.folder.clone(), besides.place.clone()),
    };
    let date = |date: &Option<DatePrefix>| date.as_ref().map(|date| date.as_str().to_owned());
    let or = |own: Option<String>, other: &Option<String>| own.or_else(|| other.clone());
    Ok(Filter {
        folder,
        place,
        inside: if inside.is_empty() { besides.inside.clone() } else { inside },
        taken_after: or(date(&filters.after), &besides.taken_after),
        taken_before: or(date(&filters.before), &besides.taken_before),
        camera: or(filters.camera.clone(), &besides.camera),
        lens: or(filters.lens.clone(), &besides.lens),
        rating: filters.rating.clone().or_else(|| besides.rating.clone()),
        format: or(filters.format.clone(), &besides.format),
        album: besides.album,
        each_year: besides.each_year.clone(),
        keywords: filters.keywords.iter().chain(&besides.keywords).cloned().collect(),
        among: besides.among.clone(),
    })
}

/// What was understood of a query's words, beside what it says in its own language, which comes first.
pub(super) fn narrow(filter: &mut Filter, chips: &[Chip], catalog: &Catalog) -> Result<(), EngineError> {
    for chip in chips {
        match &chip.meaning {
            ChipMeaning::Date(When::Between { from, before }) => {
                let (from, before) = (from.map(Day::text), before.map(Day::text));
                filter.taken_after = filter.taken_after.take().max(from);
                filter.taken_before = match (filter.taken_before.take(), before) {
                    (Some(one), Some(other)) => Some(one.min(other)),
                    (one, other) => one.or(other),
                };
            }
            ChipMeaning::Date(When::EachYear { month, day }) => {
                let day = day.map(|day| format!("-{day:02}")).unwrap_or_default();
                filter.each_year = Some(format!("{month:02}{day}"));
            }
            ChipMeaning::Place { inside, .. }
            | ChipMeaning::Folder { inside, .. }
            | ChipMeaning::Album { inside, .. } => filter.inside.push(inside.clone()),
            ChipMeaning::Camera { name } => filter.camera = filter.camera.take().or_else(|| Some(name.clone())),
            ChipMeaning::Stars { least, most } => {
                filter.rating = filter.rating.take().or(Some(*least..=*most));
            }
            ChipMeaning::Format { format } => filter.format = filter.format.take().or_else(|| Some(format.clone())),
            ChipMeaning::Raw => keep_only(filter, catalog.photos_with_raw()?),
            ChipMeaning::Screenshots => keep_only(filter, catalog.photos_by_file(is_screenshot)?),
            ChipMeaning::File { name } => keep_only(filter, catalog.photos_by_file(|path| is_named(path, name))?),
            ChipMeaning::Without { .. } => {}
        }
    }
    Ok(())
}

/// Lets only these photos through, which are sorted, of those that the filter lets through now.
fn keep_only(filter: &mut Filter, mut photos: Vec<PhotoId>) {
    if let Some(among) = &filter.among {
        photos.retain(|photo| among.contains(photo));
    }
    filter.among = Some(photos);
}

/// Whether a file's name contains this, in whatever case.
pub(super) fn is_named(path: &Path, name: &str) -> bool {
    path.file_name().is_some_and(|file| file.to_string_lossy().to_lowercase().contains(&name.to_lowercase()))
}

/// A folder, a place, an album, or all of them. A name that is neither may be half of a place's; what is that neither, no photo meets.
fn inside(name: &str, base: &Path, catalog: &Catalog) -> Result<Inside, EngineError> {
    let mut folders: Vec<PathBuf> = resolve(name, base, &catalog.folders()?).into_iter().collect();
    if !Path::new(name).is_absolute() {
        // Wherever it lies, in whatever case.
        let named = catalog.folders_named(Path::new(name))?;
        folders.extend(named);
    }
    let folded = fold_name(name);
    let album = catalog.albums()?.into_iter().find(|album| fold_name(&album.name) == folded).map(|album| album.id);
    let inside = |place: &str, unfinished| Inside { folders: folders.clone(), place: place.into(), unfinished, album };
    if !folders.is_empty() || album.is_some() || catalog.any(&meeting(inside(name, false)))? {
        return Ok(inside(name, false));
    }
    // As it is called in another language.
    for other in in_other_words(name) {
        if catalog.any(&meeting(inside(&other, false)))? {
            return Ok(inside(&other, false));
        }
    }
    Ok(inside(name, true))
}

/// What a place's name may be in the library: each name between commas as it is known there.
fn in_other_words(name: &str) -> Vec<String> {
    let parts: Vec<&str> = name.split(',').map(str::trim).collect();
    match parts.as_slice() {
        [whole] => place_names(whole).into_iter().map(str::to_owned).collect(),
        _ => {
            let known = |part: &&str| place_names(part).first().copied().unwrap_or(part).to_owned();
            vec![parts.iter().map(known).collect::<Vec<_>>().join(", ")]
        }
    }
}

fn meeting(inside: Inside) -> Filter {
    Filter { inside: vec![inside], ..Filter::default() }
}

/// The value of a query's filter that no photo of the library has: why nothing was found.
pub(super) fn unknown(filters: &Filters, filter: &Filter, catalog: &Catalog) -> Result<Option<Unknown>, EngineError> {
    let inside = filter.inside.first().filter(|_| filters.inside.is_some()).cloned().map(meeting);
    let camera = filters.camera.clone().map(|camera| Filter { camera: Some(camera), ..Filter::default() });
    let lens = filters.lens.clone().map(|lens| Filter { lens: Some(lens), ..Filter::default() });
    let of = [
        (UnknownKind::Place, &filters.inside, inside),
        (UnknownKind::Camera, &filters.camera, camera),
        (UnknownKind::Lens, &filters.lens, lens),
    ];
    for (kind, value, alone) in of {
        if let (Some(value), Some(alone)) = (value, alone)
            && !catalog.any(&alone)?
        {
            return Ok(Some(Unknown { kind, value: value.clone() }));
        }
    }
    Ok(None)
}

/// An absolute folder; one below `base`, where there may be photos of the library; else one below an indexed folder, or
/// that folder's own name. Of other folders nothing is told, not even that they are there: a query may be a page's.
fn resolve(folder: &str, base: &Path, indexed: &[PathBuf]) -> Option<PathBuf> {
    let given = Path::new(folder);
    let below_base = base.join(given);
    if let Ok(real) = std::fs::canonicalize(&below_base)
        && real.is_dir()
        && indexed.iter().any(|root| root.starts_with(&real) || real.starts_with(root))
    {
        return Some(real);
    }
    if given.is_absolute() {
        // Perhaps on a disk that is unplugged; its photos can still be found.
        return Some(given.into());
    }
    indexed.iter().find_map(|root| {
        let inside = root.join(given);
        if inside.is_dir() { Some(inside) } else { root.ends_with(given).then(|| root.clone()) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_asked_for_in_any_language() {
        assert_eq!(in_other_words("M\u{fc}nchen"), ["Munich"]);
        assert_eq!(in_other_words("Praha, Tschechien"), ["Prague, Czech Republic"]);
        assert_eq!(in_other_words("nowhere at all"), [] as [&str; 0]);
    }

    #[test]
    fn a_folder_is_found_here_below_an_indexed_one_or_by_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let root = std::fs::canonicalize(dir.path()).unwrap();
        let photos = root.join("Photos");
        std::fs::create_dir_all(photos.join("Lisbon")).unwrap();
        std::fs::create_dir(root.join("here")).unwrap();
        let indexed = [photos.clone()];
        let resolve = |folder: &str| resolve(folder, &root, &indexed);
        assert_eq!(resolve(".").unwrap(), root, "above an indexed one");
        assert_eq!(resolve("here"), None, "no photo of the library can be there");
        assert_eq!(resolve("Lisbon").unwrap(), photos.join("Lisbon"));
        assert_eq!(resolve("Photos").unwrap(), photos);
        assert_eq!(resolve("/unplugged/x").unwrap(), Path::new("/unplugged/x"));
        assert_eq!(resolve("Madrid"), None);
    }
}
