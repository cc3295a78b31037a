//! Giving photos of the library their vectors by a model that is not in use yet.

use std::path::PathBuf;

use sightline_catalog::{Batch, PhotoId};
use sightline_vlm::tune::Depth;
use sightline_vlm::{Embedding, PhotoVectors};

use crate::EngineError;
use crate::batches::{Batches, batch_size};
use crate::jobs::JobCx;
use crate::loading::work_ahead;
use crate::model_host::Lane;
use crate::serving::{Serving, VectorKeys};

/// Stored vectors that one transaction maps.
const AT_ONCE: usize = 1024;

/// Gives every photo that lies somewhere its vector by `next`: an adapter's from the stored vectors, else from the photos.
/// Photos may be indexed meanwhile: it ends when none lacks its vector but those of `unreadable`, sorted, to which it
/// adds photos whose files cannot be read now.
pub(crate) fn embed_all(cx: &JobCx<'_>, next: &Serving, unreadable: &mut Vec<PhotoId>) -> Result<(), EngineError> {
    let (catalog, keys) = (cx.engine().catalog()?, next.keys()?);
    loop {
        cx.check()?;
        let mut lacking = catalog.photos_without_vector(&keys.shared)?;
        lacking.retain(|(photo, _)| unreadable.binary_search(photo).is_err());
        if lacking.is_empty() {
            return Ok(());
        }
        if next.taught().is_some_and(|version| version.depth() == Depth::Adapter) {
            lacking = map_stored(cx, next, &keys, lacking)?;
        }
        unreadable.extend(embed(cx, next, &keys, lacking)?);
        unreadable.sort_unstable();
    }
}

/// Maps stored vectors; gives back the photos that have none.
fn map_stored(
    cx: &JobCx<'_>,
    next: &Serving,
    keys: &VectorKeys,
    lacking: Vec<(PhotoId, PathBuf)>,
) -> Result<Vec<(PhotoId, PathBuf)>, EngineError> {
    let (engine, Some(version)) = (cx.engine(), next.taught()) else { return Ok(lacking) };
    let catalog = engine.catalog()?;
    let (total, mut rest) = (lacking.len() as u64, Vec::new());
    for (part, some) in lacking.chunks(AT_ONCE).enumerate() {
        cx.check()?;
        let photos: Vec<PhotoId> = some.iter().map(|(photo, _)| *photo).collect();
        let (base, descriptors) =
            (catalog.vectors_of(&keys.base, &photos)?, catalog.vectors_of(&keys.descriptor, &photos)?);
        let (mut known, mut vectors) = (Vec::new(), Vec::new());
        for (own, (shared, descriptor)) in some.iter().zip(base.into_iter().zip(descriptors)) {
            let unit = |values: Option<Vec<f32>>| values.and_then(Embedding::normalised);
            match (unit(shared), unit(descriptor)) {
                (Some(shared), Some(descriptor)) => {
                    known.push(own.0);
                    vectors.push(PhotoVectors { shared, descriptor, base: None });
                }
                _ => rest.push(own.clone()),
            }
        }
        let rows = known.into_iter().zip(version.adapt_photos(vectors));
        let rows = rows.map(|(photo, vectors)| (photo, keys.shared.clone(), vectors.shared.as_slice().to_vec()));
        catalog.commit_batch(&Batch { vectors: rows.collect(), ..Batch::default() })?;
        cx.progress("vectors", ((part * AT_ONCE + some.len()) as u64).min(total), total, None)?;
    }
    Ok(rest)
}

/// Embeds photos from their files; gives back those whose files cannot be read now.
fn embed(
    cx: &JobCx<'_>,
    next: &Serving,
    keys: &VectorKeys,
    lacking: Vec<(PhotoId, PathBuf)>,
) -> Result<Vec<PhotoId>, EngineError> {
    if lacking.is_empty() {
        return Ok(Vec::new());
    }
    let catalog = cx.engine().catalog()?;
    let loader = cx.loader(next.host.ready(Lane::Batch).wait()?.preprocess);
    let mut batches = Batches::new(batch_size(), |inputs| next.host.embed_images(Lane::Batch, inputs));
    let (left, mut gone) = (lacking.len() as u64, Vec::new());
    // What an earlier run has done counts, so that a job that goes on does not begin at nothing.
    let mut done = cx.done_before(left);
    let total = done + left;
    cx.progress("vectors", done, total, None)?;
    let keep = |embedded: Vec<(PhotoId, PhotoVectors)>| -> Result<(), EngineError> {
        let rows = embedded
            .iter()
            .flat_map(|(photo, vectors)| keys.rows(vectors).into_iter().map(|(key, numbers)| (*photo, key, numbers)));
        catalog.commit_batch(&Batch { vectors: rows.collect(), ..Batch::default() })?;
        Ok(())
    };
    let load = |(photo, path): (PhotoId, PathBuf)| {
        let loaded = loader.load(&path);
        (photo, path, loaded)
    };
    work_ahead(cx, lacking, 2 * batch_size(), load, |(photo, path, loaded)| {
        match loaded {
            Ok(input) => keep(batches.push(photo, input)?)?,
            Err(error) => {
                cx.item_failed(&path, error.code(), &error.to_string());
                gone.push(photo);
            }
        }
        done += 1;
        cx.progress("vectors", done, total, Some(&path))
    })?;
    keep(batches.send()?)?;
    keep(batches.settle()?)?;
    Ok(gone)
}
