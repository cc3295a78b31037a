//! Which photos a lesson has, and what the model makes of them.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use sightline_catalog::{AlbumId, Catalog, Filter, PhotoId, Verdict};
use sightline_media::{FileKind, Fingerprint};
use sightline_vlm::{Embedding, PhotoVectors};

use super::Source;
use crate::batches::{Batches, batch_size};
use crate::eval::{class_name, subfolders};
use crate::jobs::JobCx;
use crate::loading::work_ahead;
use crate::model_host::{Lane, ModelHost};
use crate::serving::VectorKeys;
use crate::{Engine, EngineError};

/// Stored vectors that are read at once.
const AT_ONCE: usize = 1024;

/// A photo with a label.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Labelled {
    pub photo: Option<PhotoId>,
    /// Where it was found, if it was looked for in folders.
    pub found: Option<PathBuf>,
    /// By index; none when a person said that it is not what it seemed to be.
    pub label: Option<usize>,
}

/// A photo with a label, before anything is known of its looks.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Item {
    pub photo: Option<PhotoId>,
    pub path: PathBuf,
    /// By index; none when a person said that it is not what it seemed to be.
    pub label: Option<usize>,
    /// Captions that a person wrote.
    pub captions: Vec<String>,
}

/// All photos of a lesson.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Gathered<T> {
    pub labels: Vec<String>,
    pub items: Vec<T>,
    /// Photos that are in several of the albums, and are left out.
    pub in_several: Vec<PhotoId>,
}

/// What the model makes of a photo.
#[derive(Debug, Clone)]
pub(super) struct Read {
    pub vectors: PhotoVectors,
    pub fingerprint: Option<Fingerprint>,
}

impl Engine {
    /// The photos of a lesson with their labels, and no more: a plan needs no files.
    pub(super) fn labelled(&self, source: &Source) -> Result<Gathered<Labelled>, EngineError> {
        let mut gathered = match source {
            Source::Albums(albums) => self.of_albums(albums)?,
            Source::Folders(root) => self.of_folders(root)?,
        };
        self.add_refused(&mut gathered)?;
        Ok(gathered)
    }

    /// The photos of a lesson.
    pub(super) fn gather(&self, source: &Source) -> Result<Gathered<Item>, EngineError> {
        let catalog = self.catalog()?;
        let Gathered { labels, items, in_several } = self.labelled(source)?;
        let photos: Vec<PhotoId> = items.iter().filter_map(|item| item.photo).collect();
        let mut known = catalog.paths_of_each(&photos)?.into_iter().zip(catalog.captions_of(&photos)?);
        let item = |Labelled { photo, found, label }: Labelled| -> Result<Item, EngineError> {
            let (paths, caption) = photo.and_then(|_| known.next()).unwrap_or_default();
            let path = match (found, photo) {
                (Some(path), _) => path,
                (None, photo) => {
                    // As `Engine::file_of`.
                    let there = paths.iter().find(|path| path.is_file()).or(paths.first());
                    there.cloned().ok_or(EngineError::PhotoGone { id: photo.map_or(0, |photo| photo.0) })?
                }
            };
            let is_learned = label.is_some();
            let by_person =
                caption.filter(|caption| is_learned && caption.author != sightline_catalog::CaptionAuthor::Machine);
            Ok(Item { photo, path, label, captions: by_person.map(|caption| caption.text).into_iter().collect() })
        };
        let items = items.into_iter().map(item).collect::<Result<_, _>>()?;
        Ok(Gathered { labels, items, in_several })
    }

    fn of_albums(&self, albums: &[i64]) -> Result<Gathered<Labelled>, EngineError> {
        let catalog = self.catalog()?;
        let mut labels = Vec::with_capacity(albums.len());
        let mut label_of: HashMap<PhotoId, usize> = HashMap::new();
        let mut in_several = Vec::new();
        for album in albums {
            let row = catalog.album(AlbumId(*album))?;
            let row = row.ok_or(sightline_catalog::CatalogError::AlbumGone { id: *album })?;
            let filter = Filter { album: Some(AlbumId(*album)), ..Filter::default() };
            for photo in catalog.select(&filter)? {
                if label_of.insert(photo, labels.len()).is_some() {
                    in_several.push(photo);
                }
            }
            labels.push(row.name);
        }
        in_several.sort_unstable();
        in_several.dedup();
        let mut photos: Vec<(PhotoId, usize)> =
            label_of.into_iter().filter(|(photo, _)| in_several.binary_search(photo).is_err()).collect();
        photos.sort_unstable();
        let labelled = |(photo, label)| Labelled { photo: Some(photo), found: None, label: Some(label) };
        Ok(Gathered { labels, items: photos.into_iter().map(labelled).collect(), in_several })
    }

    fn of_folders(&self, root: &Path) -> Result<Gathered<Labelled>, EngineError> {
        let catalog = self.catalog()?;
        let (mut labels, mut items) = (Vec::new(), Vec::new());
        let mut label_of: HashMap<String, usize> = HashMap::new();
        for folder in subfolders(root)? {
            let name = class_name(&folder.file_name().unwrap_or_default().to_string_lossy());
            // `red_car` and `red car` are one label.
            let label = *label_of.entry(name).or_insert_with_key(|name| {
                labels.push(name.clone());
                labels.len() - 1
            });
            let folder = std::fs::canonicalize(&folder).unwrap_or(folder);
            let known = catalog.known_under(&folder)?;
            let mut paths: Vec<PathBuf> = sightline_media::walk(&folder)
                .filter_map(Result::ok)
                .filter(|found| matches!(found.kind, FileKind::Photo))
                .map(|found| found.path)
                .collect();
            paths.sort();
            for path in paths {
                let (path, photo) = match known.get(&path) {
                    Some(known) => (path, known.photo),
                    None => {
                        // By way of a link it may be known.
                        let absolute = std::fs::canonicalize(&path).unwrap_or_else(|_| path.clone());
                        let is_link = absolute != path;
                        let known = if is_link { catalog.known(&absolute)? } else { None };
                        (absolute, known.and_then(|known| known.photo))
                    }
                };
                items.push(Labelled { photo, found: Some(path), label: Some(label) });
            }
        }
        Ok(Gathered { labels, items, in_several: Vec::new() })
    }

    /// Adds photos of which a person said that they are not of one of the labels, and which are of no other.
    fn add_refused(&self, gathered: &mut Gathered<Labelled>) -> Result<(), EngineError> {
        let catalog = self.catalog()?;
        let labelled: HashSet<PhotoId> = gathered.items.iter().filter_map(|item| item.photo).collect();
        let labels: HashSet<&str> = gathered.labels.iter().map(String::as_str).collect();
        let mut refused: Vec<PhotoId> = catalog
            .answers()?
            .into_iter()
            .filter(|row| row.answer == Verdict::No && labels.contains(row.label.as_str()))
            .map(|row| row.photo)
            .filter(|photo| !labelled.contains(photo))
            .collect();
        refused.sort_unstable();
        refused.dedup();
        let paths = catalog.paths_of_each(&refused)?;
        for (photo, paths) in refused.into_iter().zip(paths) {
            if !paths.is_empty() {
                gathered.items.push(Labelled { photo: Some(photo), found: None, label: None });
            }
        }
        Ok(())
    }
}

/// The fingerprints that the library has of photos, in their order; of one that was indexed before there were any, that
/// of its thumbnail.
pub(super) fn stored_fingerprints(
    catalog: &Catalog,
    photos: impl Iterator<Item = Option<PhotoId>> + Clone,
) -> Result<Vec<Option<Fingerprint>>, EngineError> {
    let known: Vec<PhotoId> = photos.clone().flatten().collect();
    let mut prints = catalog.fingerprints_of(&known)?.into_iter();
    photos
        .map(|photo| {
            let Some(photo) = photo else { return Ok(None) };
            match prints.next().flatten() {
                Some(bits) => Ok(Some(Fingerprint(bits))),
                None => Ok(catalog.thumbnail(photo)?.and_then(|jpeg| Fingerprint::of_thumbnail(&jpeg).ok())),
            }
        })
        .collect()
}

/// Fingerprints of `items`, and no more of them: those that the library has, and for the others their files are looked
/// at. A photo that cannot be read is reported and is none.
pub(super) fn fingerprints(
    cx: &JobCx<'_>,
    host: &ModelHost,
    items: &[Item],
) -> Result<Vec<Option<Option<Fingerprint>>>, EngineError> {
    let stored = stored_fingerprints(cx.engine().catalog()?, items.iter().map(|item| item.photo))?;
    let mut all: Vec<Option<Option<Fingerprint>>> = stored.into_iter().map(|print| print.map(Some)).collect();
    let missing: Vec<usize> = (0..items.len()).filter(|&index| all[index].is_none()).collect();
    let (total, mut done) = (items.len() as u64, (items.len() - missing.len()) as u64);
    cx.progress("read", done, total, None)?;
    if missing.is_empty() {
        return Ok(all);
    }
    let loader = cx.loader(host.ready(Lane::Batch).wait()?.preprocess);
    let load =
        |index: usize| (index, loader.with_photo(&items[index].path, |photo, _| Ok(Fingerprint::of(&photo.rgb).ok())));
    work_ahead(cx, missing, 2 * batch_size(), load, |(index, print)| {
        match print {
            Ok(print) => all[index] = Some(print),
            Err(error) => cx.item_failed(&items[index].path, error.code(), &error.to_string()),
        }
        done += 1;
        cx.progress("read", done, total, Some(&items[index].path))
    })?;
    Ok(all)
}

/// What the untaught model behind `host` makes of `items`: what is stored of them, and for the others their files are
/// looked at. A photo that cannot be read is reported and is none.
pub(super) fn read(
    cx: &JobCx<'_>,
    host: &ModelHost,
    keys: &VectorKeys,
    items: &[Item],
) -> Result<Vec<Option<Read>>, EngineError> {
    let catalog = cx.engine().catalog()?;
    let prints = stored_fingerprints(catalog, items.iter().map(|item| item.photo))?;
    let vectors = stored_vectors(catalog, keys, items)?;
    let both = vectors.into_iter().zip(prints);
    let mut all: Vec<Option<Read>> =
        both.map(|(vectors, fingerprint)| Some(Read { vectors: vectors?, fingerprint })).collect();
    let total = items.len() as u64;
    let missing: Vec<usize> = (0..items.len()).filter(|&index| all[index].is_none()).collect();
    let mut done = total - missing.len() as u64;
    cx.progress("read", done, total, None)?;
    if missing.is_empty() {
        return Ok(all);
    }
    let loader = cx.loader(host.ready(Lane::Batch).wait()?.preprocess);
    let mut batches = Batches::new(batch_size(), |inputs| host.embed_images(Lane::Batch, inputs));
    let load = |index: usize| {
        let loaded =
            loader.with_photo(&items[index].path, |photo, input| Ok((Fingerprint::of(&photo.rgb).ok(), input)));
        (index, loaded)
    };
    let keep = |all: &mut Vec<Option<Read>>, embedded: Vec<((usize, Option<Fingerprint>), PhotoVectors)>| {
        for ((index, fingerprint), vectors) in embedded {
            all[index] = Some(Read { vectors: untaught(vectors), fingerprint });
        }
    };
    work_ahead(cx, missing, 2 * batch_size(), load, |(index, loaded)| {
        match loaded {
            Ok((fingerprint, input)) => keep(&mut all, batches.push((index, fingerprint), input)?),
            Err(error) => cx.item_failed(&items[index].path, error.code(), &error.to_string()),
        }
        done += 1;
        cx.progress("read", done, total, Some(&items[index].path))
    })?;
    keep(&mut all, batches.send()?);
    keep(&mut all, batches.settle()?);
    Ok(all)
}

/// Vectors as they are without an adapter.
pub(super) fn untaught(vectors: PhotoVectors) -> PhotoVectors {
    let base = vectors.base().clone();
    PhotoVectors { shared: base, base: None, ..vectors }
}

/// The vectors by the untaught model that the library has, in the order of `items`.
pub(super) fn stored_vectors(
    catalog: &Catalog,
    keys: &VectorKeys,
    items: &[Item],
) -> Result<Vec<Option<PhotoVectors>>, EngineError> {
    let mut all = vec![None; items.len()];
    let known: Vec<(usize, PhotoId)> =
        items.iter().enumerate().filter_map(|(index, item)| Some((index, item.photo?))).collect();
    for some in known.chunks(AT_ONCE) {
        let photos: Vec<PhotoId> = some.iter().map(|(_, photo)| *photo).collect();
        let shared = catalog.vectors_of(&keys.base, &photos)?;
        let descriptors = catalog.vectors_of(&keys.descriptor, &photos)?;
        for ((index, _), (shared, descriptor)) in some.iter().zip(shared.into_iter().zip(descriptors)) {
            let unit = |values: Option<Vec<f32>>| values.and_then(Embedding::normalised);
            let (Some(shared), Some(descriptor)) = (unit(shared), unit(descriptor)) else { continue };
            all[*index] = Some(PhotoVectors { shared, descriptor, base: None });
        }
    }
    Ok(all)
}
