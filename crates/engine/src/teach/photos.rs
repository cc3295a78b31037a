//! The photos of a lesson: read, divided, and handed to the training.

use std::ops::ControlFlow;

use sightline_media::Fingerprint;
use sightline_vlm::tune::{Depth, Lesson, Teacher, TuneConfig};
use sightline_vlm::{Model, ModelInput, PhotoVectors};

use super::gather::{Gathered, Item, Read, fingerprints, read};
use super::lesson::chosen;
use super::options::TeachOptions;
use super::pixels::InOrder;
use super::plan::TEACHABLE_DEEP;
use super::split::{Division, Part, divide, groups};
use crate::EngineError;
use crate::batches::batch_size;
use crate::jobs::JobCx;
use crate::model_host::{Lane, ModelHost};
use crate::serving::VectorKeys;

/// Share of the photos to learn from that watch over the training, where a label has enough of them.
const WATCH: f64 = 0.1;

/// The photos of a lesson as they are divided.
pub(super) struct Photos {
    pub labels: Vec<String>,
    pub items: Vec<Item>,
    pub parts: Vec<Part>,
    /// Places of those that are learned from or watch.
    pub used: Vec<usize>,
    pub vectors: Vectors,
    /// Photos that could not be read.
    pub unreadable: usize,
}

/// What the untaught model makes of photos.
pub(super) enum Vectors {
    /// Of all of them.
    OfAll(Vec<PhotoVectors>),
    /// Of those that are learned from or watch, as of all there are too many.
    OfUsed(Vec<PhotoVectors>),
}

impl Photos {
    /// Reads and divides the photos. Of a deep lesson only those that it has room for are looked at as a whole; of the
    /// others no more is held than their names and fingerprints.
    pub fn read(
        options: &TeachOptions,
        cx: &JobCx<'_>,
        host: &ModelHost,
        keys: &VectorKeys,
        gathered: Gathered<Item>,
    ) -> Result<Self, EngineError> {
        let Gathered { labels, items, .. } = gathered;
        let deep = options.depth == Depth::Deep;
        let all = items.len();
        if !deep {
            let read = read(cx, host, keys, &items)?;
            let (items, read): (Vec<Item>, Vec<Read>) = with_known(items, read);
            let prints: Vec<_> = read.iter().map(|photo| photo.fingerprint).collect();
            let (parts, used) = divided(options, &items, &prints, usize::MAX);
            let vectors = Vectors::OfAll(read.into_iter().map(|photo| photo.vectors).collect());
            let unreadable = all - items.len();
            return Ok(Self { labels, items, parts, used, vectors, unreadable });
        }
        let prints = fingerprints(cx, host, &items)?;
        let (items, prints) = with_known(items, prints);
        let (parts, used) = divided(options, &items, &prints, TEACHABLE_DEEP);
        let wanted: Vec<Item> = used.iter().map(|&place| items[place].clone()).collect();
        let read = read(cx, host, keys, &wanted)?;
        let mut unreadable = all - items.len();
        unreadable += read.iter().filter(|photo| photo.is_none()).count();
        let (used, read): (Vec<usize>, Vec<Read>) = with_known(used, read);
        let vectors = Vectors::OfUsed(read.into_iter().map(|photo| photo.vectors).collect());
        Ok(Self { labels, items, parts, used, vectors, unreadable })
    }

    /// What the untaught model makes of those that are learned from or watch, in their order.
    pub fn used_vectors(&self) -> Vec<&PhotoVectors> {
        match &self.vectors {
            Vectors::OfAll(vectors) => self.used.iter().map(|&place| &vectors[place]).collect(),
            Vectors::OfUsed(vectors) => vectors.iter().collect(),
        }
    }
}

/// The part of each photo, and the places of those that are learned from or watch.
fn divided(
    options: &TeachOptions,
    items: &[Item],
    prints: &[Option<Fingerprint>],
    most: usize,
) -> (Vec<Part>, Vec<usize>) {
    let labels: Vec<Option<usize>> = items.iter().map(|item| item.label).collect();
    // The others are held in check by their dropout, and would miss the photos.
    let watch = if options.depth == Depth::Deep { WATCH } else { 0.0 };
    let division = Division { train_per_label: options.train_per_label, watch, seed: options.seed };
    let parts = divide(&labels, &groups(prints), division);
    let used = chosen(&labels, &parts, most, options.seed);
    (parts, used)
}

/// Those of which something is known, with that.
fn with_known<A, B>(items: Vec<A>, known: Vec<Option<B>>) -> (Vec<A>, Vec<B>) {
    items.into_iter().zip(known).filter_map(|(item, known)| Some((item, known?))).unzip()
}

/// The lesson made ready, and the places of the photos that are in it: those of a deep one whose pixels cannot be read
/// are not. None when the job should stop.
pub(super) fn prepared(
    cx: &JobCx<'_>,
    host: &ModelHost,
    config: TuneConfig,
    lesson: &Lesson,
    model: &Model,
    photos: &Photos,
) -> Result<Option<(Teacher, Vec<usize>)>, EngineError> {
    let of = |part| photos.used.iter().copied().filter(move |&place| photos.parts[place] == part);
    let in_order: Vec<usize> = of(Part::Train).chain(of(Part::Watch)).collect();
    let (total, mut done) = (in_order.len() as u64, 0);
    let loader = cx.loader(host.ready(Lane::Batch).wait()?.preprocess);
    let load = |place: usize| (place, loader.load(&photos.items[place].path));
    let mut inputs = InOrder::new(cx, in_order.clone(), batch_size(), load);
    let mut failed = None;
    let mut next = || -> Result<Option<ModelInput>, EngineError> {
        let Some((place, input)) = inputs.next()? else { return Ok(None) };
        done += 1;
        let path = &photos.items[place].path;
        cx.progress("look", done, total, Some(path))?;
        Ok(input.map_err(|error| cx.item_failed(path, error.code(), &error.to_string())).ok())
    };
    let teacher = Teacher::new(config, lesson, model, || match next() {
        Ok(input) => ControlFlow::Continue(input),
        Err(error) => {
            failed = Some(error);
            ControlFlow::Break(())
        }
    })?;
    if let Some(error) = failed {
        return Err(error);
    }
    let Some(teacher) = teacher else { return Ok(None) };
    let [train, watch] = teacher.left_out();
    let first_watch = lesson.train.len();
    let left_out = |at: usize| match at.checked_sub(first_watch) {
        None => train.binary_search(&at).is_ok(),
        Some(at) => watch.binary_search(&at).is_ok(),
    };
    let mut used: Vec<usize> =
        in_order.into_iter().enumerate().filter(|(at, _)| !left_out(*at)).map(|(_, place)| place).collect();
    used.sort_unstable();
    Ok(Some((teacher, used)))
}
