//! What photos' files and sidecars say of them, in the catalogue's terms; and what is read anew, without decoding.
//!
//! A file's facts are read again when its sidecar came, went or changed, when the file came to lie elsewhere (its name
//! may tell a date), and when an earlier release read less of it.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use sightline_catalog::{Catalog, DateSource, FactsUpdate, PhotoFacts, PhotoId, PlaceNames, Reading};
use sightline_media::caption_metadata::possible_sidecars;
use sightline_media::{Facts, Found, look, place_of};

use super::writer::Writer;
use crate::EngineError;
use crate::batches::batch_size;
use crate::jobs::JobCx;
use crate::loading::work_ahead;

/// Raised when more is read of files, so that all are read again.
const VERSION: u32 = 2;

/// How the facts of the file at `path` would be read now, where `look` tells of sidecars.
pub(super) fn reading(path: &Path, look: impl Fn(&Path) -> Option<(u64, i64)>) -> Reading {
    Reading { version: VERSION, sidecar: possible_sidecars(path).iter().find_map(|sidecar| look(sidecar)) }
}

/// As [`reading`], with a look at the disk.
pub(super) fn reading_on_disk(path: &Path) -> Reading {
    reading(path, |sidecar| look(sidecar).ok().flatten().as_ref().map(stamp))
}

/// Size and time of change.
pub(super) fn stamp(found: &Found) -> (u64, i64) {
    (found.size_bytes, found.modified_ns)
}

/// Facts as the catalogue keeps them, with the name of the place.
pub(super) fn to_catalog(facts: Facts) -> PhotoFacts {
    let (taken_at, source) = facts.taken_at.unzip();
    let place = facts.position.and_then(|(latitude, longitude)| place_of(latitude, longitude));
    let (latitude, longitude) = facts.position.unzip();
    PhotoFacts {
        taken_at,
        date_source: source.map(|source| match source {
            sightline_media::DateSource::Exif => DateSource::Exif,
            sightline_media::DateSource::Xmp => DateSource::Xmp,
            sightline_media::DateSource::Iptc => DateSource::Iptc,
            sightline_media::DateSource::Name => DateSource::Name,
        }),
        camera: facts.camera,
        lens: facts.lens,
        latitude,
        longitude,
        rating: facts.rating,
        place: place.map(|place| PlaceNames { name: place.name, other_names: place.other_names }),
        caption: facts.words.caption,
        keywords: facts.words.keywords,
    }
}

/// Reads the facts of `photos` anew, `foreseen` of which the writer expects already.
pub(super) fn read_anew(
    cx: &JobCx<'_>,
    writer: &mut Writer<'_, '_>,
    photos: BTreeSet<PhotoId>,
    foreseen: u64,
) -> Result<(), EngineError> {
    writer.expect(photos.len() as u64, foreseen)?;
    if photos.is_empty() {
        return Ok(());
    }
    let catalog = cx.engine().catalog()?;
    let photos = photos.into_iter().collect();
    let result =
        work_ahead(cx, photos, 2 * batch_size(), |photo| read(catalog, photo), |read| writer.take_facts(read?));
    // What was read is committed, not lost.
    match result {
        Err(EngineError::Cancelled) => writer.flush().and(Err(EngineError::Cancelled)),
        Err(error) => Err(error),
        Ok(()) => writer.flush(),
    }
}

/// The facts of a photo from all its files; `None` when none of them can be read now.
fn read(catalog: &Catalog, photo: PhotoId) -> Result<Option<FactsUpdate>, EngineError> {
    let mut facts: Option<Facts> = None;
    let mut readings = Vec::new();
    for path in catalog.paths_of(photo)? {
        // Before it is read: a change meanwhile is found by the next run.
        let reading = reading_on_disk(&path);
        let Some(found) = read_file(&path) else { continue };
        facts = Some(match facts {
            Some(before) => before.or(found),
            None => found,
        });
        readings.push((path, reading));
    }
    Ok(facts.map(|facts| FactsUpdate { photo, facts: to_catalog(facts), readings }))
}

/// `None` for a file that cannot be read, be it that a parser gives up on it.
fn read_file(path: &Path) -> Option<Facts> {
    catch_unwind(AssertUnwindSafe(|| Facts::read(path))).ok()?.ok()
}
