//! How fast captions are: to the first word, to the end, and many at once.

use std::path::Path;
use std::time::Instant;

use serde::Serialize;
use sightline_vlm::{ModelInput, Search};

use super::{photos, quantile, timed};
use crate::EngineError;
use crate::batches::batch_size;
use crate::jobs::JobCx;
use crate::model_host::Lane;

/// Captions as measured, warm, with the default search.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct CaptionSpeed {
    /// Median milliseconds from a 12-megapixel JPEG on disk to the first word.
    pub first_word_ms: f64,
    /// Median milliseconds from the same to the whole caption.
    pub whole_ms: f64,
    /// Captions a second of prepared photos in batches.
    pub photos_per_second: f64,
    /// Photos a batch.
    pub batch: usize,
}

/// Measures captions; none if the model writes none.
pub(super) fn captions(cx: &JobCx<'_>, scratch: &Path, runs: usize) -> Result<Option<CaptionSpeed>, EngineError> {
    let (engine, search) = (cx.engine(), Search::default());
    if !engine.host().spec()?.writes_captions {
        return Ok(None);
    }
    let file = photos::large(scratch)?;
    engine.describe_file(&file, &search, |_| {})?;
    let (mut first, mut whole) = (Vec::new(), Vec::new());
    for run in 0..runs {
        cx.progress("caption", run as u64, runs as u64, None)?;
        let start = Instant::now();
        let mut heard = None;
        engine.describe_file(&file, &search, |_| {
            heard.get_or_insert_with(|| start.elapsed());
        })?;
        whole.push(start.elapsed().as_secs_f64() * 1000.0);
        first.extend(heard.map(|at| at.as_secs_f64() * 1000.0));
    }
    let preprocess = engine.host().ready(Lane::Batch).wait()?.preprocess;
    let photo = engine.loader(preprocess).load(&file)?;
    let batch = batch_size();
    let mut rates = Vec::new();
    for _ in 0..runs {
        cx.check()?;
        let photos: Vec<ModelInput> = vec![photo.clone(); batch];
        let seconds = timed(|| engine.host().describe(Lane::Batch, photos, search).wait().map(drop))?;
        rates.push(batch as f64 / seconds);
    }
    Ok(Some(CaptionSpeed {
        first_word_ms: quantile(&mut first, 0.5),
        whole_ms: quantile(&mut whole, 0.5),
        photos_per_second: quantile(&mut rates, 0.5),
        batch,
    }))
}
