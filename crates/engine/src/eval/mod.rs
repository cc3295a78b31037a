//! How good the model is, on photos with captions and on folders named by what is in them.
//!
//! Needs no library and writes nothing.

mod caption;
mod captions;
mod class_name;
mod exclusion;
mod retrieval;
mod score;
mod tags;
mod words;
mod zeroshot;

pub use caption::{CaptionReport, CaptionTask};
pub(crate) use class_name::class_name;
pub use exclusion::{EXCLUSION_PAIRS, ExclusionReport, ExclusionScore, ExclusionTask, PairScore};
pub use retrieval::{RetrievalReport, RetrievalTask};
pub use score::Recall;
pub(crate) use score::two_decimals;
pub use tags::{TagReport, TagScore, TagTask};
pub(crate) use zeroshot::subfolders;
pub use zeroshot::{ZeroshotReport, ZeroshotTask};

use std::path::PathBuf;

use sightline_vlm::{Embedding, PhotoVectors};

use crate::EngineError;
use crate::batches::{Batches, batch_size};
use crate::jobs::JobCx;
use crate::loading::work_ahead;
use crate::model_host::{Lane, ModelHost};

/// Embeds photos in batches while the next are decoded.
///
/// The result is as long as `paths`; a photo that cannot be read is reported and is `None`.
pub(crate) fn embed_photos(
    cx: &JobCx<'_>,
    host: &ModelHost,
    paths: &[PathBuf],
) -> Result<Vec<Option<PhotoVectors>>, EngineError> {
    let loader = cx.loader(host.ready(Lane::Batch).wait()?.preprocess);
    let total = paths.len() as u64;
    let mut vectors: Vec<Option<PhotoVectors>> = vec![None; paths.len()];
    let mut batches = Batches::new(batch_size(), |inputs| host.embed_images(Lane::Batch, inputs));
    let mut done = 0;
    let items: Vec<usize> = (0..paths.len()).collect();
    let work = |index: usize| (index, loader.load(&paths[index]));
    cx.progress("embed", 0, total, None)?;
    work_ahead(cx, items, 2 * batch_size(), work, |(index, loaded)| {
        match loaded {
            Ok(input) => {
                for (index, vector) in batches.push(index, input)? {
                    vectors[index] = Some(vector);
                    done += 1;
                }
            }
            Err(error) => {
                cx.item_failed(&paths[index], error.code(), &error.to_string());
                done += 1;
            }
        }
        cx.progress("embed", done, total, Some(&paths[index]))
    })?;
    for (index, vector) in batches.send()?.into_iter().chain(batches.settle()?) {
        vectors[index] = Some(vector);
    }
    cx.progress("embed", total, total, None)?;
    Ok(vectors)
}

/// Embeds texts in batches.
pub(crate) fn embed_texts(cx: &JobCx<'_>, texts: &[String]) -> Result<Vec<Embedding>, EngineError> {
    let host = cx.engine().host();
    let mut vectors = Vec::with_capacity(texts.len());
    for chunk in texts.chunks(64) {
        cx.check()?;
        vectors.extend(host.embed_texts(Lane::Batch, chunk.to_vec()).wait()?);
        cx.progress("texts", vectors.len() as u64, texts.len() as u64, None)?;
    }
    Ok(vectors)
}
