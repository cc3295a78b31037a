//! The versions of the model that a library keeps.

use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sightline_catalog::{Catalog, CatalogError, ModelKey, NewVersion, VersionId, VersionRow};
use sightline_vlm::tune::{Depth, MOST_BYTES, Version};

use super::report::TeachReport;
use crate::foreign_text::is_name;
use crate::model_host::ModelSource;
use crate::new_file::new_file_beside;
use crate::{Engine, EngineError};

/// What is kept of a version beside its weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Facts {
    pub depth: Depth,
    /// What its vectors lie under.
    pub vectors: String,
    /// Id of the model that it goes with.
    pub base: String,
    pub labels: Vec<String>,
    pub report: TeachReport,
    /// The job that made it; none when it was imported.
    #[serde(default)]
    pub job: Option<i64>,
}

/// A version of the model.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VersionSummary {
    /// Its number.
    pub id: i64,
    /// Its name, `v1`.
    pub name: String,
    /// How it was taught: `probe`, `adapter` or `deep`.
    pub depth: &'static str,
    /// Whether the library uses it.
    pub active: bool,
    /// When it was made, in seconds since 1970.
    pub made_at: i64,
    /// What it knows.
    pub labels: Vec<String>,
    /// Percent of the held-out photos told right before; none when none were held out.
    pub before: Option<f64>,
    /// And after.
    pub after: Option<f64>,
    /// Points of recall at 10 that general search gained.
    pub guard_change: f64,
    /// Whether it goes with the model at hand.
    pub fits: bool,
    /// The job that made it.
    pub job: Option<i64>,
}

/// The version that a library uses, if it goes with the model.
pub(crate) fn version_in_use(
    catalog: &Catalog,
    source: &dyn ModelSource,
) -> Result<Option<(VersionId, Arc<Version>)>, EngineError> {
    let Some(id) = catalog.version_in_use()? else { return Ok(None) };
    fitting_version(catalog, id, |version| source.must_fit(version).is_ok())
}

/// A version, if it is there and `fits` the model.
pub(crate) fn fitting_version(
    catalog: &Catalog,
    id: VersionId,
    fits: impl Fn(&Version) -> bool,
) -> Result<Option<(VersionId, Arc<Version>)>, EngineError> {
    // After an update of the model its versions have to be taught again, and one in a library from elsewhere may be
    // anything: until another is taken into use the model is used untaught. `sightline doctor` says why.
    let weights = match catalog.version_weights(id) {
        // It was removed.
        Err(CatalogError::VersionGone { .. }) => return Ok(None),
        weights => weights?,
    };
    let version = Version::from_bytes(&weights).ok().filter(fits);
    Ok(version.map(|version| (id, Arc::new(version))))
}

impl Engine {
    /// The versions that were taught or imported, oldest first.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn versions(&self) -> Result<Vec<VersionSummary>, EngineError> {
        let catalog = self.catalog()?;
        let in_use = catalog.version_in_use()?;
        let base = self.host().spec()?.base_id.clone();
        let rows = catalog.versions()?.into_iter();
        rows.map(|row| summary(&row, in_use == Some(row.id), &base)).collect()
    }

    /// A version by name, or `latest`.
    ///
    /// # Errors
    /// [`EngineError::NoVersion`], or when the library cannot be read.
    pub fn version_named(&self, name: &str) -> Result<VersionSummary, EngineError> {
        let mut versions = self.versions()?;
        let found = match name {
            "latest" => versions.pop(),
            name => versions.into_iter().find(|version| version.name == name),
        };
        found.ok_or_else(|| EngineError::NoVersion { name: name.into() })
    }

    /// What a version learned.
    ///
    /// # Errors
    /// [`EngineError::NoVersion`], or when the library cannot be read.
    pub fn version_report(&self, version: i64) -> Result<(VersionSummary, TeachReport), EngineError> {
        let row = self.version_row(version)?;
        let in_use = self.catalog()?.version_in_use()? == Some(row.id);
        let facts = facts(&row)?;
        Ok((summary(&row, in_use, &self.host().spec()?.base_id)?, facts.report.with_score_intervals()))
    }

    /// A version by name, or `latest`, to be tried without taking it into use.
    ///
    /// # Errors
    /// As [`Engine::version_named`].
    pub(crate) fn version_to_try(&self, name: &str) -> Result<Arc<Version>, EngineError> {
        self.load_version(VersionId(self.version_named(name)?.id))
    }

    pub(super) fn version_row(&self, version: i64) -> Result<VersionRow, EngineError> {
        let rows = self.catalog()?.versions()?;
        let row = rows.into_iter().find(|row| row.id.0 == version);
        row.ok_or_else(|| EngineError::NoVersion { name: version.to_string() })
    }

    /// A version, if it goes with the model.
    pub(crate) fn load_version(&self, version: VersionId) -> Result<Arc<Version>, EngineError> {
        let version = Version::from_bytes(&self.catalog()?.version_weights(version)?)?;
        self.host().must_fit(&version)?;
        Ok(Arc::new(version))
    }

    /// Deletes a version that is not in use, with its vectors.
    ///
    /// # Errors
    /// [`EngineError::NoVersion`], when it is in use, or when the library cannot be written.
    pub fn remove_version(&self, version: i64) -> Result<(), EngineError> {
        let row = self.version_row(version)?;
        let facts = facts(&row)?;
        self.catalog()?.remove_version(row.id)?;
        if facts.vectors != facts.base {
            let others = self.catalog()?.versions()?;
            let shared =
                others.iter().any(|other| self::facts(other).is_ok_and(|other| other.vectors == facts.vectors));
            if !shared {
                self.catalog()?.remove_vectors(&ModelKey(facts.vectors.clone()))?;
                self.catalog()?.remove_vectors(&ModelKey(format!("{}/descriptor", facts.vectors)))?;
            }
        }
        self.words_changed();
        Ok(())
    }

    /// Writes a version with its report to one file, whole or not at all.
    ///
    /// # Errors
    /// [`EngineError::NoVersion`], or when the file cannot be written.
    pub fn export_version(&self, version: i64, file: &Path) -> Result<(), EngineError> {
        let row = self.version_row(version)?;
        let weights = self.catalog()?.version_weights(row.id)?;
        let bytes = packed(&row.facts, &weights);
        let io = |source| EngineError::Io { path: file.into(), source };
        let mut partial = new_file_beside(file).map_err(io)?;
        partial.write_all(&bytes).and_then(|()| partial.as_file().sync_all()).map_err(io)?;
        partial.persist(file).map_err(|error| io(error.error))?;
        Ok(())
    }

    /// Keeps a version from a file that [`Engine::export_version`] wrote; it is not taken into use. It is looked at in
    /// every shape, number and name first, as the file may come from anybody.
    ///
    /// # Errors
    /// When the file cannot be read, is no version, or was taught to another model.
    pub fn import_version(&self, file: &Path) -> Result<VersionSummary, EngineError> {
        let io = |source| EngineError::Io { path: file.into(), source };
        let bad = |reason: String| EngineError::BadInput { path: file.into(), reason };
        let mut bytes = Vec::new();
        let limit = (MOST_BYTES + MOST_FACTS) as u64;
        std::fs::File::open(file).map_err(io)?.take(limit + 1).read_to_end(&mut bytes).map_err(io)?;
        if bytes.len() as u64 > limit {
            return Err(bad("it is far too large for a version; export it again".into()));
        }
        let (facts, weights) = unpacked(&bytes)
            .ok_or_else(|| bad("it is not a version that Sightline exported; export it again".into()))?;
        let version = Version::from_bytes(weights).map_err(|error| bad(error.to_string()))?;
        let mut facts: Facts = serde_json::from_str(facts).map_err(|error| bad(error.to_string()))?;
        let base = self.host().spec()?.base_id.clone();
        if version.base() != base {
            return Err(bad("it was taught to another model than the one in use; teach again".into()));
        }
        self.host().must_fit(&version).map_err(|error| bad(error.to_string()))?;
        let names = version.labels().iter().map(String::as_str);
        if let Some(name) = names.chain(facts.report.names()).find(|name| !is_name(name)) {
            let name: String = name.chars().take(40).collect();
            return Err(bad(format!("its label {name:?} is empty, too long or holds control characters")));
        }
        facts.report.depth = version.depth().as_str().into();
        facts.job = None;
        facts.depth = version.depth();
        facts.base = version.base().to_owned();
        facts.vectors = version.vectors_id().to_owned();
        facts.labels = version.labels().to_vec();
        // Photos have other numbers here.
        facts.report.mistakes.iter_mut().for_each(|mistake| mistake.photo = None);
        facts.report.labels.iter_mut().for_each(|label| label.hits.clear());
        let row = self.keep_version(&facts, weights.to_vec())?;
        summary(&row, false, &base)
    }

    pub(super) fn keep_version(&self, facts: &Facts, weights: Vec<u8>) -> Result<VersionRow, EngineError> {
        let facts = facts.clone().without_the_forgotten(self)?;
        let facts = serde_json::to_string(&facts).map_err(|e| EngineError::BadVersion { reason: e.to_string() })?;
        let row = self.catalog()?.add_version(&NewVersion { facts, weights })?;
        self.words_changed();
        Ok(row)
    }
}

pub(crate) fn facts(row: &VersionRow) -> Result<Facts, EngineError> {
    serde_json::from_str(&row.facts).map_err(|e| EngineError::BadVersion { reason: format!("{}: {e}", row.name) })
}

pub(super) fn summary(row: &VersionRow, active: bool, base: &str) -> Result<VersionSummary, EngineError> {
    let facts = facts(row)?;
    Ok(VersionSummary {
        id: row.id.0,
        name: row.name.clone(),
        depth: facts.depth.as_str(),
        active,
        made_at: row.made_at,
        before: facts.report.before.map(|interval| interval.percent),
        after: facts.report.after.map(|interval| interval.percent),
        guard_change: crate::eval::two_decimals(facts.report.guard_after - facts.report.guard_before),
        fits: facts.base == base,
        job: facts.job,
        labels: facts.labels,
    })
}

/// Bytes of what is said of a version at most: a report with a table of mistakes has a hundredth of it.
const MOST_FACTS: usize = 16 << 20;
/// What an exported version begins with.
const MAGIC: &[u8; 8] = b"SLversn1";

/// Facts and weights in one file: the mark, the facts' length in eight bytes (low byte first), the facts, the weights.
fn packed(facts: &str, weights: &[u8]) -> Vec<u8> {
    [&MAGIC[..], &(facts.len() as u64).to_le_bytes(), facts.as_bytes(), weights].concat()
}

fn unpacked(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let rest = bytes.strip_prefix(MAGIC)?;
    let (length, rest) = rest.split_first_chunk::<8>()?;
    let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
    let (facts, weights) = rest.split_at_checked(length).filter(|_| length <= MOST_FACTS)?;
    Some((std::str::from_utf8(facts).ok()?, weights))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_unpacked_as_it_was_packed_and_other_files_are_refused() {
        let bytes = packed("{}", &[1, 2, 3]);
        assert_eq!(unpacked(&bytes), Some(("{}", &[1u8, 2, 3][..])));
        assert_eq!(unpacked(&bytes[..12]), None);
        assert_eq!(unpacked(b"SLversn1\xff\xff\xff\xff\xff\xff\xff\xffxx"), None);
        assert_eq!(unpacked(b"something else"), None);
    }
}
