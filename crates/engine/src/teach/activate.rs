//! Taking a version into use, or going back.
//!
//! First every photo gets its vector by the version, while the model in use goes on serving: an adapter's from the stored
//! vectors, a deep version's from the photos. Then one transaction changes which version is in use, and this process
//! changes over. A process that dies before leaves the old version, one that dies after the new one.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use sightline_catalog::{Batch, PhotoId, VersionId};
use sightline_vlm::tune::Depth;
use sightline_vlm::{Embedding, PhotoVectors};

use crate::EngineError;
use crate::batches::{Batches, batch_size};
use crate::jobs::{Job, JobCx};
use crate::loading::work_ahead;
use crate::model_host::Lane;
use crate::serving::{Serving, VectorKeys};

/// Stored vectors that one transaction maps.
const AT_ONCE: usize = 1024;

/// Takes a version into use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActivateJob {
    /// The version's number; none for the untaught model.
    version: Option<i64>,
    /// Whether this is a way back.
    back: bool,
}

impl ActivateJob {
    /// A job that takes a version into use.
    pub fn new(version: i64) -> Self {
        Self { version: Some(version), back: false }
    }

    /// A job that takes the untaught model into use.
    pub fn untaught() -> Self {
        Self { version: None, back: false }
    }
}

impl crate::Engine {
    /// A job that goes back to what was in use before the present version.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn rollback(&self) -> Result<ActivateJob, EngineError> {
        let version = self.catalog()?.version_before()?.map(|version| version.0);
        Ok(ActivateJob { version, back: true })
    }
}

impl Job for ActivateJob {
    const KIND: &'static str = "activate";

    fn run(&mut self, cx: &JobCx<'_>) -> Result<(), EngineError> {
        let engine = cx.engine();
        let catalog = engine.catalog()?;
        let version = match self.version {
            None => None,
            Some(id) => Some((VersionId(id), engine.load_version(VersionId(id))?)),
        };
        let now = engine.serving();
        let host = now.host.with_version(version.as_ref().map(|(_, version)| version.clone()))?;
        let next = Serving { host, version };
        let keys = next.keys()?;
        // Photos may be indexed meanwhile: until none lacks its vector.
        let mut gone: Vec<PhotoId> = Vec::new();
        loop {
            cx.check()?;
            let mut lacking = catalog.photos_without_vector(&keys.shared)?;
            lacking.retain(|(photo, _)| gone.binary_search(photo).is_err());
            if lacking.is_empty() {
                break;
            }
            if next.taught().is_some_and(|version| version.depth() == Depth::Adapter) {
                lacking = map_stored(cx, &next, &keys, lacking)?;
            }
            gone.extend(embed(cx, &next, &keys, lacking)?);
            gone.sort_unstable();
        }
        catalog.use_version(next.version.as_ref().map(|(id, _)| *id), self.back)?;
        engine.serve(next);
        engine.save_vectors()
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
    let (total, mut done, mut gone) = (lacking.len() as u64, 0, Vec::new());
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
