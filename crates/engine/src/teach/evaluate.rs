//! What the untaught model and a version make of the photos held out.

use std::sync::Arc;

use sightline_vlm::tune::{Depth, Lesson, Version};
use sightline_vlm::{Embedding, Match, ModelInput, PhotoVectors};

use super::gather::{Item, stored_vectors, untaught};
use super::lesson::LABELS_WITH_ALL_PROMPTS;
use super::photos::{Photos, Vectors};
use super::pixels::InOrder;
use super::report::Told;
use super::split::Part;
use crate::EngineError;
use crate::jobs::JobCx;
use crate::model_host::{Lane, ModelHost};
use crate::serving::VectorKeys;

/// Photos held out that are looked at at once.
const AT_ONCE: usize = 64;

/// The labels in the shared space.
pub(super) fn label_embeddings(
    cx: &JobCx<'_>,
    host: &ModelHost,
    labels: &[String],
    lesson: &Lesson,
) -> Result<Vec<Embedding>, EngineError> {
    if labels.len() > LABELS_WITH_ALL_PROMPTS {
        // One sentence each, which is there already.
        return Ok(lesson.label_sentences.iter().map(|own| lesson.sentence_vectors[own[0]].clone()).collect());
    }
    let mut classes = Vec::with_capacity(labels.len());
    for label in labels {
        cx.check()?;
        classes.push(host.embed_class(Lane::Batch, label.clone()).wait()?);
    }
    Ok(classes)
}

/// What the untaught model, by the embeddings of the labels, and the version make of the photos held out, and how many of
/// those could not be read. Of a deep lesson a few at a time are read.
pub(super) fn tell(
    cx: &JobCx<'_>,
    host: &ModelHost,
    keys: &VectorKeys,
    classes: &[Embedding],
    version: &Version,
    photos: &Photos,
) -> Result<(Vec<Told>, usize), EngineError> {
    let is_asked = |place: &usize| photos.parts[*place] == Part::HeldOut && photos.items[*place].label.is_some();
    let held_out: Vec<usize> = (0..photos.items.len()).filter(is_asked).collect();
    let total = held_out.len() as u64;
    cx.progress("evaluate", 0, total, None)?;
    if held_out.is_empty() {
        return Ok((Vec::new(), 0));
    }
    let calibration = host.ready(Lane::Batch).wait()?.calibration;
    let before = |vectors: &PhotoVectors| -> Option<usize> {
        let scores: Vec<f32> = classes.iter().map(|class| class.dot(&vectors.shared)).collect();
        let best = scores.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1))?;
        let is_match = classes.len() > 1 || calibration.scale(&classes[0]).judge(*best.1) != Match::None;
        is_match.then_some(best.0)
    };
    let taught = match version.depth() {
        Depth::Deep => Some(host.with_version(Some(Arc::new(version.clone())))?),
        _ => None,
    };
    let (mut told, mut asked) = (Vec::with_capacity(held_out.len()), 0);
    for part in held_out.chunks(AT_ONCE) {
        asked += part.len();
        let (places, first, now) = match (&taught, &photos.vectors) {
            (None, Vectors::OfAll(vectors)) => {
                let first: Vec<PhotoVectors> = part.iter().map(|&place| vectors[place].clone()).collect();
                (part.to_vec(), first.clone(), version.adapt_photos(first))
            }
            (None, Vectors::OfUsed(_)) => (Vec::new(), Vec::new(), Vec::new()),
            (Some(taught), _) => {
                let (places, inputs) = inputs_of(cx, host, photos, part)?;
                let first = vectors_of(cx, host, keys, photos, &places, &inputs)?;
                (places, first, taught.embed_images(Lane::Batch, inputs).wait()?)
            }
        };
        for ((place, first), after) in places.into_iter().zip(&first).zip(version.classify(&now)) {
            let item = &photos.items[place];
            let Some(label) = item.label else { continue };
            told.push(Told {
                photo: item.photo.map(|photo| photo.0),
                path: item.path.clone(),
                label,
                before: before(first),
                after,
            });
        }
        cx.progress("evaluate", asked as u64, total, None)?;
        cx.check()?;
    }
    let not_told = held_out.len() - told.len();
    Ok((told, not_told))
}

/// The pixels of some photos; those that cannot be read are reported and are not among them.
fn inputs_of(
    cx: &JobCx<'_>,
    host: &ModelHost,
    photos: &Photos,
    places: &[usize],
) -> Result<(Vec<usize>, Vec<ModelInput>), EngineError> {
    let loader = cx.loader(host.ready(Lane::Batch).wait()?.preprocess);
    let load = |place: usize| (place, loader.load(&photos.items[place].path));
    let mut in_order = InOrder::new(cx, places.to_vec(), places.len(), load);
    let (mut read, mut inputs) = (Vec::with_capacity(places.len()), Vec::with_capacity(places.len()));
    while let Some((place, input)) = in_order.next()? {
        match input {
            Ok(input) => {
                read.push(place);
                inputs.push(input);
            }
            Err(error) => cx.item_failed(&photos.items[place].path, error.code(), &error.to_string()),
        }
    }
    Ok((read, inputs))
}

/// What the untaught model makes of some photos: as the library has it, else from their pixels.
fn vectors_of(
    cx: &JobCx<'_>,
    host: &ModelHost,
    keys: &VectorKeys,
    photos: &Photos,
    places: &[usize],
    inputs: &[ModelInput],
) -> Result<Vec<PhotoVectors>, EngineError> {
    let items: Vec<Item> = places.iter().map(|&place| photos.items[place].clone()).collect();
    let stored = stored_vectors(cx.engine().catalog()?, keys, &items)?;
    let lacking = stored.iter().zip(inputs).filter(|(stored, _)| stored.is_none()).map(|(_, input)| input.clone());
    let lacking: Vec<ModelInput> = lacking.collect();
    let mut made = match lacking.is_empty() {
        true => Vec::new(),
        false => host.embed_images(Lane::Batch, lacking).wait()?,
    }
    .into_iter();
    Ok(stored.into_iter().filter_map(|stored| stored.or_else(|| made.next().map(untaught))).collect())
}
