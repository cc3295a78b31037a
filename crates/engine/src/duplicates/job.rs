//! Finding duplicates among all photos, in the background.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sightline_catalog::PhotoId;
use sightline_media::Fingerprint;

use super::DuplicateGroup;
use super::best::better;
use super::find::{Candidates, FARTHEST, are_near, led_by_the_best};
use super::proof::proven;
use crate::EngineError;
use crate::jobs::{Job, JobCx};
use crate::loading::work_ahead;

/// Fingerprints that one transaction keeps.
const KEPT_AT_ONCE: usize = 512;
/// Items between two looks at whether to stop.
const STEP: usize = 256;

/// Looks for duplicates among all photos; [`crate::Engine::duplicates`] has them afterwards. Fingerprints that are
/// missing are made of thumbnails first and kept, so that a job that was stopped goes on from there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DuplicatesJob {}

impl Job for DuplicatesJob {
    const KIND: &'static str = "duplicates";

    fn run(&mut self, cx: &JobCx<'_>) -> Result<(), EngineError> {
        fingerprint_the_rest(cx)?;
        let pairs = proven(cx, near_pairs(cx)?)?;
        let groups = group(cx, &pairs)?;
        *cx.engine().held_groups() = Some(Arc::new(groups));
        Ok(())
    }
}

/// Makes the fingerprints that are missing, of the photos' thumbnails.
fn fingerprint_the_rest(cx: &JobCx<'_>) -> Result<(), EngineError> {
    let catalog = cx.engine().catalog()?;
    let lacking = catalog.photos_without_fingerprint()?;
    let (total, mut done, mut waiting) = (lacking.len() as u64, 0, Vec::with_capacity(KEPT_AT_ONCE));
    let of = |photo: PhotoId| -> Result<Option<(PhotoId, u64)>, EngineError> {
        let print = catalog.thumbnail(photo)?.and_then(|jpeg| Fingerprint::of_thumbnail(&jpeg).ok());
        Ok(print.map(|print| (photo, print.0)))
    };
    let made = work_ahead(cx, lacking, KEPT_AT_ONCE, of, |print| {
        waiting.extend(print?);
        done += 1;
        if waiting.len() == KEPT_AT_ONCE {
            catalog.put_fingerprints(&waiting)?;
            waiting.clear();
        }
        cx.progress("fingerprints", done, total, None)
    });
    // What a stop leaves unfinished is kept as well.
    catalog.put_fingerprints(&waiting)?;
    made
}

/// Pairs of photos that may be near-duplicates by fingerprint and vector, without those a person said are none.
fn near_pairs(cx: &JobCx<'_>) -> Result<Vec<(i64, i64)>, EngineError> {
    let engine = cx.engine();
    let catalog = engine.catalog()?;
    let base = engine.serving().keys()?.base;
    let refused = catalog.no_duplicates()?;
    let prints = catalog.fingerprints()?;
    let prints = prints.iter().map(|(photo, bits)| (*photo, Fingerprint(*bits)));
    let candidates = Candidates::new(prints, FARTHEST);
    let (total, mut found, mut pairs) = (candidates.len() as u64, Vec::new(), Vec::new());
    let mut maybe: Vec<(PhotoId, PhotoId, u32)> = Vec::new();
    for number in 0..candidates.len() {
        candidates.pairs(number, &mut found, |one, other, distance| maybe.push((one, other, distance)));
        if number % STEP == 0 || number + 1 == candidates.len() || maybe.len() > 8 * STEP {
            cx.check()?;
            let near = alike(catalog, &base, std::mem::take(&mut maybe))?;
            pairs.extend(
                near.into_iter().filter(|(one, other)| !refused.contains(&((*one).min(*other), (*one).max(*other)))),
            );
            cx.progress("compare", number as u64 + 1, total, None)?;
        }
    }
    Ok(pairs.into_iter().map(|(one, other)| (one.0, other.0)).collect())
}

/// Those of the candidates whose vectors agree. A photo without a vector is near nothing.
fn alike(
    catalog: &sightline_catalog::Catalog,
    base: &sightline_catalog::ModelKey,
    maybe: Vec<(PhotoId, PhotoId, u32)>,
) -> Result<Vec<(PhotoId, PhotoId)>, EngineError> {
    let mut photos: Vec<PhotoId> = maybe.iter().flat_map(|(one, other, _)| [*one, *other]).collect();
    photos.sort_unstable();
    photos.dedup();
    let vectors = catalog.vectors_of(base, &photos)?;
    let of = |photo: PhotoId| vectors[photos.binary_search(&photo).expect("it is among them")].as_deref();
    let near = |(one, other, distance): &(PhotoId, PhotoId, u32)| {
        of(*one).zip(of(*other)).is_some_and(|(a, b)| are_near(*distance, cosine(a, b)))
    };
    Ok(maybe.into_iter().filter(near).map(|(one, other, _)| (one, other)).collect())
}

/// The cosine of two vectors; 0 when one is zero or they are of different lengths.
fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    let length = (dot(a, a) * dot(b, b)).sqrt();
    if length > 0.0 && a.len() == b.len() { dot(a, b) / length } else { 0.0 }
}

/// Near groups, then photos with exact copies that are in none; what frees most comes first.
fn group(cx: &JobCx<'_>, pairs: &[(i64, i64)]) -> Result<Vec<DuplicateGroup>, EngineError> {
    let catalog = cx.engine().catalog()?;
    let best_of = |photos: &[i64]| -> Result<usize, EngineError> {
        cx.check()?;
        let mut best: Option<(usize, super::DuplicateFile)> = None;
        for (at, photo) in photos.iter().enumerate() {
            for file in super::files_of(catalog, PhotoId(*photo))? {
                if best.as_ref().is_none_or(|(_, best)| better(&file, best).is_some()) {
                    best = Some((at, file));
                }
            }
        }
        Ok(best.map_or(0, |(at, _)| at))
    };
    let mut groups: Vec<Vec<PhotoId>> =
        led_by_the_best(pairs, best_of)?.into_iter().map(|group| group.into_iter().map(PhotoId).collect()).collect();
    let grouped: std::collections::HashSet<PhotoId> = groups.iter().flatten().copied().collect();
    let wanted = catalog.no_duplicates()?;
    let copied = catalog.photos_with_copies()?.into_iter();
    groups.extend(
        copied.filter(|photo| !grouped.contains(photo) && !wanted.contains(&(*photo, *photo))).map(|photo| vec![photo]),
    );
    let (total, mut known) = (groups.len() as u64, Vec::with_capacity(groups.len()));
    for photos in groups {
        cx.check()?;
        known.push(DuplicateGroup::of(catalog, photos)?);
        cx.progress("group", known.len() as u64, total, None)?;
    }
    known.sort_by(|a, b| b.freed_bytes.cmp(&a.freed_bytes).then_with(|| a.photos.cmp(&b.photos)));
    Ok(known)
}
