//! Which photos a lesson has, and what the model makes of them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use sightline_catalog::{AlbumId, Filter, PhotoId, Verdict};
use sightline_media::{FileKind, Fingerprint};
use sightline_vlm::{Embedding, ModelInput, PhotoVectors};

use super::Source;
use crate::batches::{Batches, batch_size};
use crate::eval::{class_name, subfolders};
use crate::jobs::JobCx;
use crate::loading::work_ahead;
use crate::model_host::{Lane, ModelHost};
use crate::serving::VectorKeys;
use crate::{Engine, EngineError};

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
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Gathered {
    pub labels: Vec<String>,
    pub items: Vec<Item>,
    /// Photos that are in several of the albums, and are left out.
    pub in_several: Vec<PhotoId>,
}

/// What the model makes of a photo.
#[derive(Debug, Clone)]
pub(super) struct Read {
    pub vectors: PhotoVectors,
    pub fingerprint: Option<Fingerprint>,
    /// The pixels as the model takes them, if they were asked for.
    pub input: Option<ModelInput>,
}

impl Engine {
    /// The photos of a lesson.
    pub(super) fn gather(&self, source: &Source) -> Result<Gathered, EngineError> {
        let mut gathered = match source {
            Source::Albums(albums) => self.of_albums(albums)?,
            Source::Folders(root) => self.of_folders(root)?,
        };
        self.add_refused(&mut gathered)?;
        Ok(gathered)
    }

    fn of_albums(&self, albums: &[i64]) -> Result<Gathered, EngineError> {
        let catalog = self.catalog()?;
        let mut gathered = Gathered::default();
        let mut label_of: HashMap<PhotoId, usize> = HashMap::new();
        let mut several = Vec::new();
        for album in albums {
            let row = catalog.album(AlbumId(*album))?;
            let row = row.ok_or(sightline_catalog::CatalogError::AlbumGone { id: *album })?;
            let filter = Filter { album: Some(AlbumId(*album)), ..Filter::default() };
            for photo in catalog.select(&filter)? {
                if label_of.insert(photo, gathered.labels.len()).is_some() {
                    several.push(photo);
                }
            }
            gathered.labels.push(row.name);
        }
        several.sort_unstable();
        several.dedup();
        let mut photos: Vec<(PhotoId, usize)> =
            label_of.into_iter().filter(|(photo, _)| several.binary_search(photo).is_err()).collect();
        photos.sort_unstable();
        for (photo, label) in photos {
            let captions = self.captions_by_person(photo)?;
            gathered.items.push(Item { photo: Some(photo), path: self.file_of(photo)?, label: Some(label), captions });
        }
        gathered.in_several = several;
        Ok(gathered)
    }

    fn of_folders(&self, root: &Path) -> Result<Gathered, EngineError> {
        let mut gathered = Gathered::default();
        let catalog = self.catalog()?;
        let mut label_of: HashMap<String, usize> = HashMap::new();
        for folder in subfolders(root)? {
            let name = class_name(&folder.file_name().unwrap_or_default().to_string_lossy());
            // `red_car` and `red car` are one label.
            let label = *label_of.entry(name).or_insert_with_key(|name| {
                gathered.labels.push(name.clone());
                gathered.labels.len() - 1
            });
            let mut paths: Vec<PathBuf> = sightline_media::walk(&folder)
                .filter_map(Result::ok)
                .filter(|found| matches!(found.kind, FileKind::Photo))
                .map(|found| found.path)
                .collect();
            paths.sort();
            for path in paths {
                let absolute = std::fs::canonicalize(&path).unwrap_or(path);
                let photo = catalog.known(&absolute)?.and_then(|known| known.photo);
                let captions = match photo {
                    Some(photo) => self.captions_by_person(photo)?,
                    None => Vec::new(),
                };
                gathered.items.push(Item { photo, path: absolute, label: Some(label), captions });
            }
        }
        Ok(gathered)
    }

    fn captions_by_person(&self, photo: PhotoId) -> Result<Vec<String>, EngineError> {
        let caption = self.catalog()?.caption(photo)?;
        let by_person = caption.filter(|caption| caption.author != sightline_catalog::CaptionAuthor::Machine);
        Ok(by_person.map(|caption| caption.text).into_iter().collect())
    }

    /// Adds photos of which a person said that they are not of one of the labels, and which are of no other.
    fn add_refused(&self, gathered: &mut Gathered) -> Result<(), EngineError> {
        let catalog = self.catalog()?;
        let mut labelled: Vec<PhotoId> = gathered.items.iter().filter_map(|item| item.photo).collect();
        labelled.sort_unstable();
        let mut refused: Vec<PhotoId> = catalog
            .answers()?
            .into_iter()
            .filter(|row| row.answer == Verdict::No && gathered.labels.contains(&row.label))
            .map(|row| row.photo)
            .filter(|photo| labelled.binary_search(photo).is_err())
            .collect();
        refused.sort_unstable();
        refused.dedup();
        for photo in refused {
            if catalog.paths_of(photo)?.is_empty() {
                continue;
            }
            gathered.items.push(Item {
                photo: Some(photo),
                path: self.file_of(photo)?,
                label: None,
                captions: Vec::new(),
            });
        }
        Ok(())
    }
}

/// Reads what is not stored of `items`, by the untaught model behind `host`; a photo that cannot be read is reported and
/// is none.
pub(super) fn read(
    cx: &JobCx<'_>,
    host: &ModelHost,
    keys: &VectorKeys,
    items: &[Item],
    with_pixels: bool,
) -> Result<Vec<Option<Read>>, EngineError> {
    let mut all = stored(cx.engine(), keys, items, with_pixels)?;
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
    type Waiting = (usize, Option<Fingerprint>, Option<ModelInput>);
    let keep = |all: &mut Vec<Option<Read>>, embedded: Vec<(Waiting, PhotoVectors)>| {
        for ((index, fingerprint, input), vectors) in embedded {
            let base = vectors.base().clone();
            let vectors = PhotoVectors { shared: base, base: None, ..vectors };
            all[index] = Some(Read { vectors, fingerprint, input });
        }
    };
    work_ahead(cx, missing, 2 * batch_size(), load, |(index, loaded)| {
        match loaded {
            Ok((fingerprint, input)) => {
                let kept = with_pixels.then(|| input.clone());
                keep(&mut all, batches.push((index, fingerprint, kept), input)?);
            }
            Err(error) => cx.item_failed(&items[index].path, error.code(), &error.to_string()),
        }
        done += 1;
        cx.progress("read", done, total, Some(&items[index].path))
    })?;
    keep(&mut all, batches.send()?);
    keep(&mut all, batches.settle()?);
    Ok(all)
}

/// What the library has of the photos already.
fn stored(
    engine: &Engine,
    keys: &VectorKeys,
    items: &[Item],
    with_pixels: bool,
) -> Result<Vec<Option<Read>>, EngineError> {
    let mut all = vec![None; items.len()];
    if with_pixels {
        return Ok(all);
    }
    let catalog = engine.catalog()?;
    let known: Vec<(usize, PhotoId)> =
        items.iter().enumerate().filter_map(|(index, item)| Some((index, item.photo?))).collect();
    let photos: Vec<PhotoId> = known.iter().map(|(_, photo)| *photo).collect();
    let shared = catalog.vectors_of(&keys.base, &photos)?;
    let descriptors = catalog.vectors_of(&keys.descriptor, &photos)?;
    for ((index, photo), (shared, descriptor)) in known.into_iter().zip(shared.into_iter().zip(descriptors)) {
        let unit = |values: Option<Vec<f32>>| values.and_then(Embedding::normalised);
        let (Some(shared), Some(descriptor)) = (unit(shared), unit(descriptor)) else { continue };
        let thumbnail = catalog.thumbnail(photo)?;
        let fingerprint = thumbnail.and_then(|jpeg| Fingerprint::of_bytes(&jpeg).ok());
        let vectors = PhotoVectors { shared, descriptor, base: None };
        all[index] = Some(Read { vectors, fingerprint, input: None });
    }
    Ok(all)
}
