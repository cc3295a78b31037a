//! What a library holds.

use std::path::PathBuf;

use sightline_catalog::{Absence, Problem};

use crate::jobs::JobSummary;
use crate::models::model_in_use;
use crate::{Engine, EngineError};

/// A library in numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct StatusReport {
    /// The library's folder.
    pub library: PathBuf,
    /// Photos of different content.
    pub photos: u64,
    /// Files; copies count.
    pub locations: u64,
    /// Photos with a vector of the model in use.
    pub searchable: u64,
    /// Files that cannot be read.
    pub problems: u64,
    /// Folders that were indexed.
    pub folders: Vec<PathBuf>,
    /// Folders of which so much vanished that a person is asked before it is forgotten.
    pub absences: Vec<Absence>,
    /// Vectors by model id.
    pub vectors: Vec<(String, u64)>,
    /// Id of the model in use, if there is one.
    pub model: Option<String>,
    /// Name of the model that the library uses, when it is not on this computer.
    pub model_absent: Option<String>,
    /// Jobs that could be resumed.
    pub jobs: Vec<JobSummary>,
    /// Size of the library's files.
    pub bytes_on_disk: u64,
}

impl Engine {
    /// Counts what the library holds.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn status(&self) -> Result<StatusReport, EngineError> {
        let catalog = self.catalog()?;
        self.follow_choice()?;
        let status = catalog.status()?;
        let model = self.serving().key().ok().map(|key| key.0);
        // Descriptors come and go with the vectors that are searched.
        let searched = status.vectors.into_iter().filter(|(key, _)| !key.0.ends_with("/descriptor"));
        let vectors: Vec<(String, u64)> = searched.map(|(key, count)| (key.0, count)).collect();
        let of_model = vectors.iter().find(|(key, _)| Some(key) == model.as_ref());
        Ok(StatusReport {
            library: self.library().into(),
            photos: status.photos,
            locations: status.locations,
            searchable: of_model.map_or(0, |(_, count)| *count),
            problems: status.problems,
            folders: catalog.folders()?,
            absences: catalog.absences()?,
            vectors,
            model,
            model_absent: model_in_use(self.config(), Some(catalog))?.absent(),
            jobs: self.unfinished_jobs()?,
            bytes_on_disk: status.bytes_on_disk,
        })
    }

    /// The files that cannot be read, and why, by path.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn problems(&self) -> Result<Vec<Problem>, EngineError> {
        Ok(self.catalog()?.problems()?)
    }
}
