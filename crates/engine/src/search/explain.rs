//! Why a photo matched: where in it the query is.

use std::path::Path;

use sightline_catalog::PhotoId;

use super::{Interpretation, terms};
use crate::model_host::Lane;
use crate::{Engine, EngineError};

/// How much each part of a photo has of a query.
#[derive(Debug, Clone, PartialEq)]
pub struct HeatMap {
    /// Parts in a row and in a column, over the whole upright photo.
    pub side: usize,
    /// From 0, the part that has least of it, to 1, row by row.
    pub values: Vec<f32>,
}

impl Engine {
    /// Tells where in a photo of the library a query is; what the query excludes does not count.
    ///
    /// # Errors
    /// [`EngineError::PhotoGone`]; [`EngineError::NothingToLocate`]; when the query makes no sense; when the photo, the
    /// library or the model cannot be used.
    pub fn explain(
        &self,
        photo: PhotoId,
        query: &str,
        base: &Path,
        reading: Interpretation<'_>,
    ) -> Result<HeatMap, EngineError> {
        let serving = self.serving();
        let embedded = terms::embed(self, &serving, &self.read_query(query, reading)?.0, base)?;
        let question = embedded.wanted.ok_or(EngineError::NothingToLocate)?;
        let ready = serving.host.ready(Lane::Interactive).wait()?;
        let input = self.loader(ready.preprocess).load(&self.file_of(photo)?)?;
        let cosines = serving.host.locate(Lane::Interactive, input, question).wait()?;
        let (least, most) = cosines.iter().fold((f32::MAX, f32::MIN), |(a, b), &c| (a.min(c), b.max(c)));
        let span = (most - least).max(1e-6);
        let values: Vec<f32> = cosines.iter().map(|c| (c - least) / span).collect();
        Ok(HeatMap { side: values.len().isqrt(), values })
    }
}
