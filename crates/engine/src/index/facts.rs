//! What photos' files and sidecars say of them, in the catalogue's terms; and what is read anew, without decoding.
//!
//! A file's facts are read again when its sidecar came, went or changed, when the file came to lie elsewhere (its name
//! may tell a date), and when an earlier release read less of it.

use std::collections::BTreeSet;
use std::path::Path;

use sightline_catalog::{Catalog, DateSource, FactsUpdate, PhotoFacts, PhotoId, PlaceNames, Reading};
use sightline_media::caption_metadata::{Beside, OverLimit, beside, possible_sidecars};
use sightline_media::{Facts, Found, look, place_recorded};

use super::scan::Unreadable;
use super::writer::Writer;
use crate::EngineError;
use crate::batches::batch_size;
use crate::jobs::JobCx;
use crate::loading::work_ahead;

/// Raised when more is read of files, so that all are read again.
const VERSION: u32 = 3;

/// How the facts of the file at `path`, of which something changed last at `status_changed_ns`, would be read now, where
/// `look` tells of sidecars.
pub(super) fn reading(
    path: &Path,
    status_changed_ns: Option<i64>,
    look: impl Fn(&Path) -> Option<(u64, i64)>,
) -> Reading {
    let sidecar = possible_sidecars(path).iter().find_map(|sidecar| look(sidecar));
    Reading { version: VERSION, sidecar, status_changed_ns }
}

/// As [`reading`], with a look at the disk.
pub(super) fn reading_on_disk(path: &Path) -> Reading {
    let at = |path: &Path| look(path).ok().flatten();
    let status_changed_ns = at(path).and_then(|found| found.status_changed_ns);
    reading(path, status_changed_ns, |sidecar| at(sidecar).as_ref().map(stamp))
}

/// Size and time of change.
pub(super) fn stamp(found: &Found) -> (u64, i64) {
    (found.size_bytes, found.modified_ns)
}

/// Facts as the catalogue keeps them, with the name of the place.
pub(super) fn to_catalog(facts: Facts) -> PhotoFacts {
    let (taken_at, source) = facts.taken_at.unzip();
    let place = place_recorded(&facts.place, facts.position);
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
        other_words: facts.other_words,
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
    let result = work_ahead(
        cx,
        photos,
        2 * batch_size(),
        |photo| read(cx, catalog, photo),
        |read| {
            let Reread { update, sidecars } = read?;
            writer.take_facts(update, sidecars)
        },
    );
    // What was read is committed, not lost.
    match result {
        Err(EngineError::Cancelled) => writer.flush().and(Err(EngineError::Cancelled)),
        Err(error) => Err(error),
        Ok(()) => writer.flush(),
    }
}

/// What came of reading a photo anew.
struct Reread {
    /// `None` when none of its files can be read now.
    update: Option<FactsUpdate>,
    /// Sidecars that say more than any photo needs.
    sidecars: Vec<Unreadable>,
}

/// The facts of a photo from all its files. What in one of them is over the limits is passed over: it is in the library.
fn read(cx: &JobCx<'_>, catalog: &Catalog, photo: PhotoId) -> Result<Reread, EngineError> {
    let (decoders, stop) = (cx.engine().decoders(), cx.stop());
    let mut facts: Option<Facts> = None;
    let (mut readings, mut sidecars) = (Vec::new(), Vec::new());
    for path in catalog.paths_of(photo)? {
        // Before it is read: a change meanwhile is found by the next run.
        let reading = reading_on_disk(&path);
        let beside = beside(&path);
        let found = match decoders.facts(&path, &beside, &stop) {
            Ok(found) => found,
            Err(EngineError::Media(_)) => continue,
            Err(error) => return Err(error),
        };
        sidecars.extend(refused_sidecar(found.beside, &beside));
        facts = Some(match facts {
            Some(before) => before.or(found.facts),
            None => found.facts,
        });
        readings.push((path, reading));
    }
    let update = facts.map(|facts| FactsUpdate { photo, facts: to_catalog(facts), readings });
    Ok(Reread { update, sidecars })
}

/// For the problem list: which of the files `beside` a photo was not read, if any.
pub(super) fn refused_sidecar(refused: Option<(usize, OverLimit)>, beside: &[Beside]) -> Option<Unreadable> {
    let (number, over_limit) = refused?;
    let path = &beside.get(number)?.path;
    let found = look(path).ok().flatten()?;
    Some(Unreadable::file(&found, &over_limit.at(path)))
}
