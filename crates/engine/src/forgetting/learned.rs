//! What taught versions have of photos: what they learned, which stays, and what their reports say of single photos.

use std::collections::{BTreeSet, HashSet};
use std::path::Path;

use sightline_catalog::{PhotoId, VersionId};

use crate::teach::{Facts, facts};
use crate::{Engine, EngineError};

/// What versions have of some photos.
#[derive(Debug, Default)]
pub(super) struct Learned {
    /// Names of the versions that may have been taught with one of them.
    pub names: Vec<String>,
    /// Reports that name one of them, without it.
    pub without: Vec<(VersionId, String)>,
}

impl Learned {
    /// Of `photos`, and of what lies below `folder`. A version does not say which photos it learned from, but what it can
    /// tell: a photo that is in an album of that name, lies in a folder of that name or was answered for may be one.
    pub fn of(engine: &Engine, photos: &HashSet<PhotoId>, folder: Option<&Path>) -> Result<Self, EngineError> {
        let catalog = engine.catalog()?;
        let versions = catalog.versions()?;
        if versions.is_empty() {
            return Ok(Self::default());
        }
        let (mut labels, mut files) = (BTreeSet::new(), HashSet::new());
        for photo in photos {
            labels.extend(catalog.labels_of(*photo)?);
            for path in catalog.paths_of(*photo)? {
                let names = path.ancestors().skip(1).filter_map(Path::file_name);
                labels.extend(names.map(|name| name.to_string_lossy().into_owned()));
                files.insert(path.display().to_string());
            }
        }
        let mut learned = Self::default();
        for row in versions {
            // One that cannot be read is of no use to anybody and says nothing.
            let Ok(mut known) = facts(&row) else { continue };
            let was_named = drop_photos(&mut known, |photo, path| {
                photo.is_some_and(|photo| photos.contains(&PhotoId(photo)))
                    || path.is_some_and(|path| {
                        files.contains(path) || folder.is_some_and(|folder| Path::new(path).starts_with(folder))
                    })
            });
            if was_named || known.labels.iter().any(|label| labels.contains(label)) {
                learned.names.push(row.name.clone());
            }
            if was_named {
                let text = serde_json::to_string(&known);
                let text = text.map_err(|e| EngineError::BadVersion { reason: e.to_string() })?;
                learned.without.push((row.id, text));
            }
        }
        Ok(learned)
    }
}

/// Takes photos out of a report, by number and path; says whether any was in it.
fn drop_photos(facts: &mut Facts, goes: impl Fn(Option<i64>, Option<&str>) -> bool) -> bool {
    let report = &mut facts.report;
    let count = |report: &crate::teach::TeachReport| {
        report.mistakes.len() + report.labels.iter().map(|label| label.hits.len()).sum::<usize>()
    };
    let before = count(report);
    report.mistakes.retain(|mistake| !goes(mistake.photo, Some(&mistake.path)));
    for label in &mut report.labels {
        label.hits.retain(|photo| !goes(Some(*photo), None));
    }
    count(report) < before
}

impl Facts {
    /// The facts without photos that the library no longer knows: they were forgotten during the training.
    pub(crate) fn without_the_forgotten(mut self, engine: &Engine) -> Result<Self, EngineError> {
        let (catalog, kept_out) = (engine.catalog()?, engine.catalog()?.kept_out()?);
        let named: HashSet<i64> = self.report.mistakes.iter().filter_map(|mistake| mistake.photo).collect();
        let hits = self.report.labels.iter().flat_map(|label| label.hits.iter().copied());
        let mut gone = HashSet::new();
        for photo in named.into_iter().chain(hits) {
            if catalog.photo(PhotoId(photo))?.is_none() {
                gone.insert(photo);
            }
        }
        drop_photos(&mut self, |photo, path| {
            photo.is_some_and(|photo| gone.contains(&photo)) || path.is_some_and(|path| kept_out.file(Path::new(path)))
        });
        Ok(self)
    }
}
