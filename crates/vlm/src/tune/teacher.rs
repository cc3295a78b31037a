//! A lesson made ready: what the pupil sees of each photo and sentence, its loss, and how well it does.

use std::ops::ControlFlow;

use burn::tensor::{Device, Tensor};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

use super::config::{Depth, Mixing, TuneConfig};
use super::deep::Deep;
use super::discriminant::discriminant;
use super::guard::Guard;
use super::lesson::{Example, Lesson};
use super::losses::{classes, contrastive, moved};
use super::pupil::{Layout, Pupil, Start};
use super::version::{Background, Version};
use crate::heads::{drop_units, unit};
use crate::train::{floats, matrix};
use crate::{Embedding, Model, ModelInput, VlmError};

/// The classifier's inputs are of unit length; this makes its weights grow in few steps.
pub(super) const INPUT_SCALE: f64 = 16.0;

/// General photos in a batch at least: fewer would not hold the space in its place.
const LEAST_GENERAL: usize = 40;

/// With more labels than this the classifier is computed in closed form: trained, it would take hours for thousands.
const MOST_TRAINED: usize = 300;

/// Stored vectors, row by row.
#[derive(Debug, Clone, Default)]
pub(super) struct Rows {
    pub shared: Vec<Vec<f32>>,
    pub descriptors: Vec<Vec<f32>>,
    /// The label of each; the number of labels where it has none.
    pub labels: Vec<usize>,
}

/// What the pupil sees of photos.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    /// In the shared space, `[batch, dims]`, of unit length.
    pub shared: Tensor<2>,
    /// Descriptors, `[batch, length]`, of unit length.
    pub descriptors: Tensor<2>,
    /// Feature maps `[batch, positions, features]`: deep only.
    pub maps: Option<Tensor<3>>,
}

/// Which photos are seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum From {
    Train,
    Watch,
    General,
    Guard,
}

/// A lesson with all that its training needs.
pub struct Teacher {
    pub(super) config: TuneConfig,
    pub(super) layout: Layout,
    pub(super) device: Device,
    base: String,
    labels: Vec<String>,
    train: Rows,
    watch: Rows,
    general: Rows,
    guard: Guard,
    sentences: Vec<Vec<f32>>,
    label_sentences: Vec<Vec<usize>>,
    own_sentences: Vec<Vec<usize>>,
    deep: Option<Deep>,
}

impl Teacher {
    /// Makes a lesson ready on the CPU. `model` is the untaught model. Deep teaching needs the photos themselves: `next`
    /// hands over those to learn from and then those that watch, each once and in their order; one that it does not have
    /// is left out, and nothing is taught when it says stop. At most [`super::MOST_PHOTOS`] of either.
    ///
    /// # Errors
    /// [`VlmError::Lacks`] for a model that has no general photos or, beyond a probe, no guard; those of the guard's file and,
    /// for deep teaching, of the model's files; [`VlmError::BadLesson`].
    pub fn new(
        config: TuneConfig,
        lesson: &Lesson,
        model: &Model,
        next: impl FnMut() -> ControlFlow<(), Option<ModelInput>>,
    ) -> Result<Option<Self>, VlmError> {
        Self::on(config, lesson, model, &Device::flex(), next)
    }

    /// The same on a device.
    pub(super) fn on(
        config: TuneConfig,
        lesson: &Lesson,
        model: &Model,
        plain: &Device,
        next: impl FnMut() -> ControlFlow<(), Option<ModelInput>>,
    ) -> Result<Option<Self>, VlmError> {
        if lesson.labels.is_empty() || lesson.train.iter().all(|example| example.label.is_none()) {
            return Err(VlmError::BadLesson { reason: "there is no labelled photo to learn from".into() });
        }
        plain.seed(config.seed);
        let device = plain.clone().autodiff();
        let guard = match model.guard() {
            // A classifier moves no vector: there is nothing to watch.
            Err(VlmError::Lacks { .. }) if config.depth == Depth::Probe => Guard::default(),
            guard => guard?.clone(),
        };
        let deep = match config.depth {
            Depth::Deep => match Deep::prepare(&config, lesson, model, &guard, plain, next)? {
                Some(deep) => Some(deep),
                None => return Ok(None),
            },
            _ => None,
        };
        let none = lesson.labels.len();
        let nothing = [Vec::new(), Vec::new()];
        let left_out = deep.as_ref().map_or(&nothing, Deep::left_out);
        let [train, watch] = [(&lesson.train, &left_out[0]), (&lesson.watch, &left_out[1])].map(|(all, left_out)| {
            let had = all.iter().enumerate().filter(|(place, _)| left_out.binary_search(place).is_err());
            had.map(|(_, example)| example).collect::<Vec<&Example>>()
        });
        if train.iter().all(|example| example.label.is_none()) {
            return Err(VlmError::BadLesson { reason: "no photo to learn from could be read".into() });
        }
        let of = |examples: &[&Example]| Rows {
            shared: examples.iter().map(|e| e.vectors.base().as_slice().to_vec()).collect(),
            descriptors: examples.iter().map(|e| e.vectors.descriptor.as_slice().to_vec()).collect(),
            labels: examples.iter().map(|e| e.label.unwrap_or(none)).collect(),
        };
        let general = match config.depth {
            Depth::Deep => (guard.anchors.shared.as_slice(), guard.anchors.descriptors.as_slice()),
            _ => model.background(),
        };
        if general.0.is_empty() {
            let model = model.info().name.clone();
            return Err(VlmError::Lacks { model, needs: "general photos to tell others from" });
        }
        let plain_rows = |rows: &[Embedding]| rows.iter().map(|row| row.as_slice().to_vec()).collect::<Vec<_>>();
        let general = Rows {
            shared: plain_rows(general.0),
            descriptors: plain_rows(general.1),
            labels: vec![none; general.0.len()],
        };
        let mut teacher = Self {
            base: model.base_id().to_owned(),
            labels: lesson.labels.clone(),
            train: of(&train),
            watch: of(&watch),
            general,
            guard,
            sentences: plain_rows(&lesson.sentence_vectors),
            label_sentences: lesson.label_sentences.clone(),
            own_sentences: train.iter().map(|example| example.sentences.clone()).collect(),
            layout: Layout::default(),
            device,
            config,
            deep,
        };
        teacher.layout = teacher.plan();
        Ok(Some(teacher))
    }

    /// The settings.
    pub fn config(&self) -> &TuneConfig {
        &self.config
    }

    /// Photos to learn from.
    pub fn photos(&self) -> usize {
        self.train.labels.len()
    }

    /// Places in the lesson of the photos that could not be had, of those to learn from and of those that watch.
    pub fn left_out(&self) -> [&[usize]; 2] {
        self.deep.as_ref().map_or([&[], &[]], |deep| deep.left_out().each_ref().map(Vec::as_slice))
    }

    /// Recall at 10 of the guard before anything is taught, in percent.
    pub fn guard_before(&self) -> f64 {
        self.guard.base_recall()
    }

    /// Whether there are too many labels to train a classifier.
    fn is_classified_in_closed_form(&self) -> bool {
        self.labels.len() > MOST_TRAINED
    }

    /// Whether a fresh pupil is all that there will be.
    pub(super) fn is_learned_at_once(&self) -> bool {
        self.config.depth == Depth::Probe && self.is_classified_in_closed_form()
    }

    fn plan(&self) -> Layout {
        let mut layout = Layout::default();
        let (shared, descriptor) = (self.general.shared[0].len(), self.general.descriptors[0].len());
        layout.add("classifier.weight", [descriptor, self.labels.len() + 1], Start::Zero);
        layout.add("classifier.bias", [1, self.labels.len() + 1], Start::Zero);
        match &self.deep {
            Some(deep) => deep.plan(&mut layout, self.config.rank),
            None if self.config.depth == Depth::Adapter => {
                layout.add_low_rank("image", descriptor, self.config.rank, shared);
                layout.add_low_rank("text", shared, self.config.rank, shared);
            }
            None => {}
        }
        layout
    }

    /// A fresh pupil, with its classifier in closed form where there are very many labels. All but a probe begin with the classifier of one: what maps and layers learn from a random
    /// classifier would have to be unlearned, and a run that spoils general search from the start ends as a probe.
    ///
    /// # Errors
    /// Those of [`super::teach`].
    pub(super) fn pupil(&self) -> Result<Pupil, VlmError> {
        let fresh = self.layout.pupil(&mut StdRng::seed_from_u64(self.config.seed), &self.device);
        if self.is_classified_in_closed_form() {
            let (weight, bias) = discriminant(&self.train, &self.general, self.labels.len());
            let begun = self.layout.values(&fresh).into_iter().map(|(name, _, values)| match name.as_str() {
                "classifier.weight" => weight.clone(),
                "classifier.bias" => bias.clone(),
                _ => values,
            });
            return Ok(self.layout.with(begun.collect(), &self.device));
        }
        if self.config.depth == Depth::Probe {
            return Ok(fresh);
        }
        let config = TuneConfig { seed: self.config.seed, ..TuneConfig::new(Depth::Probe) }.for_photos(self.photos());
        let mut probe = Self {
            config,
            layout: Layout::default(),
            device: self.device.clone(),
            base: self.base.clone(),
            labels: self.labels.clone(),
            train: self.train.clone(),
            watch: Rows::default(),
            general: self.general.clone(),
            guard: self.guard.clone(),
            sentences: Vec::new(),
            label_sentences: Vec::new(),
            own_sentences: Vec::new(),
            deep: None,
        };
        probe.layout = probe.plan();
        let Some(ending) = super::teach(&probe, None, |_| ControlFlow::Continue(()))? else { return Ok(fresh) };
        let begun = self
            .layout
            .values(&fresh)
            .into_iter()
            .map(|(name, _, values)| ending.version.values(&name).unwrap_or(values));
        Ok(self.layout.with(begun.collect(), &self.device))
    }

    fn rows(&self, from: From) -> &Rows {
        match from {
            From::Train => &self.train,
            From::Watch => &self.watch,
            _ => &self.general,
        }
    }

    /// Rows of stored vectors as a matrix.
    fn stored(rows: &[Vec<f32>], which: &[usize], device: &Device) -> Tensor<2> {
        matrix(which.iter().flat_map(|&row| rows[row].iter().copied()).collect(), which.len(), rows[0].len(), device)
    }

    /// What the pupil sees of photos; `view` 0 is the photo as it is.
    pub(super) fn see(
        &self,
        pupil: &Pupil,
        from: From,
        which: &[usize],
        view: usize,
        dropout: f64,
        device: &Device,
    ) -> Seen {
        if let Some(deep) = &self.deep {
            return deep.see(&self.layout, pupil, from, which, view, device);
        }
        let (shared, descriptors) = match from {
            From::Guard => {
                let of = |rows: &[Embedding]| {
                    let numbers = which.iter().flat_map(|&row| rows[row].as_slice().iter().copied()).collect();
                    matrix(numbers, which.len(), rows[0].as_slice().len(), device)
                };
                (of(&self.guard.photos.shared), of(&self.guard.photos.descriptors))
            }
            _ => {
                let rows = self.rows(from);
                (Self::stored(&rows.shared, which, device), Self::stored(&rows.descriptors, which, device))
            }
        };
        let shared = match self.layout.find(pupil, "image.down") {
            None => shared,
            Some(down) => {
                let given = drop_units(descriptors.clone() * INPUT_SCALE, dropout);
                unit(shared + given.matmul(down).matmul(self.layout.get(pupil, "image.up")))
            }
        };
        Seen { shared, descriptors, maps: None }
    }

    /// Embeddings of sentences by the pupil.
    pub(super) fn sentences(&self, pupil: &Pupil, which: &[usize], device: &Device) -> Tensor<2> {
        match &self.deep {
            Some(deep) => deep.sentences(&self.layout, pupil, which, device),
            None => self.adapted_texts(pupil, Self::stored(&self.sentences, which, device)),
        }
    }

    fn adapted_texts(&self, pupil: &Pupil, texts: Tensor<2>) -> Tensor<2> {
        match self.layout.product(pupil, "text") {
            None => texts,
            Some(map) => unit(texts.clone() + texts.matmul(map)),
        }
    }

    /// Logits `[batch, labels + 1]`; the last is that of no label.
    fn logits(&self, pupil: &Pupil, seen: &Seen, dropout: f64) -> Tensor<2> {
        let bias = self.layout.get(pupil, "classifier.bias");
        drop_units(seen.descriptors.clone() * INPUT_SCALE, dropout).matmul(self.layout.get(pupil, "classifier.weight"))
            + bias
    }

    /// The joint loss of a batch of training photos, in nats; `step` tells which objective has its turn.
    pub(super) fn loss(&self, pupil: &Pupil, batch: &[usize], step: usize, rng: &mut StdRng) -> Tensor<1> {
        let config = &self.config;
        let view = if config.views == 0 { 0 } else { rng.random_range(0..=config.views) };
        let general: Vec<usize> = {
            // Deep teaching is held in its place by its low rate as well, and pays for each of them.
            let least = if self.deep.is_none() { LEAST_GENERAL } else { 0 };
            let count = (batch.len() * config.general).div_ceil(10).max(least).min(self.general.labels.len());
            (0..count).map(|_| rng.random_range(0..self.general.labels.len())).collect()
        };
        let device = &self.device;
        let own = self.see(pupil, From::Train, batch, view, config.dropout, device);
        let others = self.see(pupil, From::General, &general, 0, config.dropout, device);
        let weights = self.turn(step);
        let mut sum = Tensor::<1>::zeros([1], device);
        if weights.classes > 0.0 {
            let logits = Tensor::cat(
                vec![self.logits(pupil, &own, config.dropout), self.logits(pupil, &others, config.dropout)],
                0,
            );
            let labels: Vec<usize> = batch
                .iter()
                .map(|&row| self.train.labels[row])
                .chain(general.iter().map(|_| self.labels.len()))
                .collect();
            sum = sum + classes(logits, &labels, config.label_smoothing) * weights.classes;
        }
        let speaks = weights.contrastive > 0.0 || weights.captions > 0.0;
        let told: Vec<(usize, usize, usize)> = batch
            .iter()
            .filter(|_| speaks)
            .enumerate()
            .filter(|(_, row)| self.train.labels[**row] < self.labels.len())
            .map(|(place, &row)| (place, self.train.labels[row], self.sentence_for(row, rng)))
            .collect();
        let places = |of: &[(usize, usize, usize)]| {
            let numbers: Vec<i32> = of.iter().map(|(place, _, _)| *place as i32).collect();
            Tensor::<1, burn::tensor::Int>::from_data(numbers.as_slice(), device)
        };
        if weights.contrastive > 0.0 && !told.is_empty() {
            let which: Vec<usize> = told.iter().map(|(_, _, sentence)| *sentence).collect();
            let labels: Vec<usize> = told.iter().map(|(_, label, _)| *label).collect();
            let texts = self.sentences(pupil, &which, device);
            sum = sum + contrastive(own.shared.clone().select(0, places(&told)), texts, &labels) * weights.contrastive;
        }
        if weights.captions > 0.0
            && !told.is_empty()
            && let (Some(deep), Some(maps)) = (&self.deep, &own.maps)
        {
            let sentences: Vec<usize> = told.iter().map(|(_, _, sentence)| *sentence).collect();
            let (maps, shared) = (maps.clone().select(0, places(&told)), own.shared.clone().select(0, places(&told)));
            sum = sum + deep.caption_loss(&self.layout, pupil, maps, shared, &sentences, device) * weights.captions;
        }
        if config.objectives.keep > 0.0 && config.depth != Depth::Probe {
            let before = Self::stored(&self.general.shared, &general, device);
            let mut kept = moved(others.shared, before.clone());
            if self.deep.is_none() {
                // Sentences live in the same space as photos: the map of sentences leaves it in place too.
                kept = kept + moved(self.adapted_texts(pupil, before.clone()), before);
            }
            sum = sum + kept * config.objectives.keep;
        }
        sum
    }

    /// A sentence that tells of a training photo: one that a person wrote, if there is one, else one of its label.
    fn sentence_for(&self, row: usize, rng: &mut StdRng) -> usize {
        let of_label = &self.label_sentences[self.train.labels[row]];
        let own = &self.own_sentences[row];
        let from = if own.is_empty() || rng.random_bool(0.5) { of_label } else { own };
        *from.choose(rng).unwrap_or(&0)
    }

    /// The objectives' weights at a step.
    fn turn(&self, step: usize) -> super::Objectives {
        let mut all = self.config.objectives;
        if self.is_classified_in_closed_form() {
            all.classes = 0.0;
        }
        if self.config.mixing == Mixing::Summed {
            return all;
        }
        let in_use: Vec<usize> = [all.contrastive, all.classes, all.captions]
            .iter()
            .enumerate()
            .filter(|(_, w)| **w > 0.0)
            .map(|(i, _)| i)
            .collect();
        let turn = in_use.get(step % in_use.len().max(1)).copied();
        let only = |index: usize, weight: f64| if turn == Some(index) { weight } else { 0.0 };
        super::Objectives {
            contrastive: only(0, all.contrastive),
            classes: only(1, all.classes),
            captions: only(2, all.captions),
            keep: all.keep,
        }
    }

    /// Percent of the watched photos that the pupil tells right; none when none watch.
    pub(super) fn accuracy(&self, pupil: &Pupil) -> Option<f64> {
        let labels = &self.watch.labels;
        let all: Vec<usize> = (0..labels.len()).filter(|&row| labels[row] < self.labels.len()).collect();
        if all.is_empty() {
            return None;
        }
        let plain = self.device.clone().inner();
        let mut right = 0;
        for part in all.chunks(64) {
            let seen = self.see(pupil, From::Watch, part, 0, 0.0, &plain);
            let logits = rows(self.logits(pupil, &seen, 0.0));
            right += part
                .iter()
                .zip(logits)
                .filter(|(row, logits)| best(&logits[..self.labels.len()]) == labels[**row])
                .count();
        }
        Some(100.0 * right as f64 / all.len() as f64)
    }

    /// Recall at 10 of the guard by the pupil, in percent.
    pub(super) fn guard_recall(&self, pupil: &Pupil) -> f64 {
        if self.config.depth == Depth::Probe {
            return self.guard.base_recall();
        }
        let (photos, _) = self.guard_photos(pupil);
        let plain = self.device.clone().inner();
        let queries = match &self.deep {
            Some(deep) => deep.guard_queries(&self.layout, pupil, &self.guard, &plain),
            None => {
                let which: Vec<usize> = (0..self.guard.queries.len()).collect();
                let all: Vec<Vec<f32>> = self.guard.queries.iter().map(|q| q.as_slice().to_vec()).collect();
                rows(self.adapted_texts(pupil, Self::stored(&all, &which, &plain)))
            }
        };
        Guard::recall(&embeddings(queries), &photos)
    }

    fn guard_photos(&self, pupil: &Pupil) -> (Vec<Embedding>, Vec<Embedding>) {
        let plain = self.device.clone().inner();
        let all: Vec<usize> = (0..self.guard.photos.shared.len()).collect();
        let (mut shared, mut descriptors) = (Vec::new(), Vec::new());
        for part in all.chunks(50) {
            let seen = self.see(pupil, From::Guard, part, 0, 0.0, &plain);
            shared.extend(embeddings(rows(seen.shared)));
            descriptors.extend(embeddings(rows(seen.descriptors)));
        }
        (shared, descriptors)
    }

    /// What the pupil has become.
    pub(super) fn version(&self, pupil: &Pupil) -> Version {
        let plain = self.device.clone().inner();
        let seen = |from: From, which: &[usize]| -> Vec<Vec<f32>> {
            which.chunks(64).flat_map(|part| rows(self.see(pupil, from, part, 0, 0.0, &plain).shared)).collect()
        };
        let general: Vec<usize> = (0..self.general.labels.len().min(256)).collect();
        let middle = mean(&seen(From::General, &general));
        let mut of_label = vec![Vec::new(); self.labels.len() + 1];
        (0..self.photos()).for_each(|row| of_label[self.train.labels[row]].push(row));
        let direction = |label: usize| {
            let own = mean(&seen(From::Train, &of_label[label]));
            Embedding::normalised(own.iter().zip(&middle).map(|(a, b)| a - b).collect())
        };
        let directions = (0..self.labels.len()).map(direction).collect();
        let background = (self.config.depth == Depth::Deep).then(|| {
            let (shared, descriptors) = self.guard_photos(pupil);
            Background { shared, descriptors }
        });
        Version::new(self.config.depth, &self.base, &self.labels, self.layout.values(pupil), directions, background)
    }
}

/// The rows of a matrix.
pub(super) fn rows(tensor: Tensor<2>) -> Vec<Vec<f32>> {
    let width = tensor.dims()[1];
    floats(tensor).chunks_exact(width).map(<[f32]>::to_vec).collect()
}

pub(super) fn embeddings(rows: Vec<Vec<f32>>) -> Vec<Embedding> {
    rows.into_iter().map(|row| Embedding::normalised(row).expect("a unit row has a direction")).collect()
}

fn mean(rows: &[Vec<f32>]) -> Vec<f32> {
    let mut sum = vec![0.0; rows.first().map_or(0, Vec::len)];
    for row in rows {
        sum.iter_mut().zip(row).for_each(|(sum, value)| *sum += value / rows.len() as f32);
    }
    sum
}

pub(super) fn best(values: &[f32]) -> usize {
    values.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map_or(0, |(index, _)| index)
}
