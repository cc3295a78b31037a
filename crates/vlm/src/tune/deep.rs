//! The layers that deep teaching changes, run from what enters them.
//!
//! All before them is frozen, so that it is computed once: the image tower up to its last two blocks, and the text
//! tower up to its last layer.

use std::ops::ControlFlow;
use std::path::Path;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use half::f16;
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::config::TuneConfig;
use super::guard::{Guard, GuardPhotos};
use super::lesson::Lesson;
use super::pupil::{Layout, Pupil};
use super::teacher::{From, Seen, rows};
use super::views::changed;
use crate::caption::decoder::{Decoder, Noise};
use crate::caption::vocabulary::{UNKNOWN, Vocabulary};
use crate::cpu::CpuEfficientNet;
use crate::descriptor::{Descriptor, bands};
use crate::heads::{Heads, Pooled};
use crate::model::{DESCRIPTOR_FILE, HEADS_FILE, IMAGE_FILE, TEXT_FILE, TOKENIZER_FILE, token_tensors};
use crate::model::{Tokenizer, TokenizerConfig};
use crate::nn::bert::{BertConfig, BertEncoder};
use crate::nn::efficientnet::{EfficientNet, EfficientNetConfig, InvertedResidual};
use crate::train::caption::{Lesson as CaptionLesson, loss as caption_loss};
use crate::train::matrix;
use crate::{CAPTION_FILES, Model, ModelInput, Preprocess, VlmError, cleaned_caption, weights};

/// Blocks of the image tower that are changed, from the end.
pub(crate) const CHANGED_BLOCKS: usize = 2;
/// Copies of photos that are kept at most, and photos that can be learned from.
pub const MOST_PHOTOS: usize = 4000;
/// Sentences of one computation.
const SENTENCES: usize = 32;
/// Longest caption that is learned, in tokens.
const LONGEST: usize = 24;
/// Spread of the target over the vocabulary when captions are learned.
const CAPTION_SMOOTHING: f32 = 0.1;

/// The frozen parts of a model on one device.
#[derive(Debug)]
struct Parts {
    tower: EfficientNet,
    text: BertEncoder,
    heads: Heads,
    descriptor: Descriptor,
    decoder: Option<Decoder>,
}

/// What enters the changed layers.
#[derive(Debug, Default)]
struct Entering {
    /// `[positions, channels]` of each photo and copy.
    inputs: Vec<Vec<f16>>,
    /// Summary of the stages before, of each.
    summaries: Vec<Vec<f32>>,
}

/// What enters the last layer of the text tower for a sentence.
#[derive(Debug)]
struct Sentence {
    states: Vec<f32>,
    early: Vec<f32>,
    /// Token ids for the decoder; none when its vocabulary lacks a part of the sentence.
    tokens: Option<Vec<i32>>,
}

/// The changed layers and what enters them.
pub(super) struct Deep {
    training: Parts,
    plain: Parts,
    /// Photo by photo, the photo and then its copies.
    train: Entering,
    watch: Entering,
    general: Entering,
    guard: Entering,
    sentences: Vec<Sentence>,
    copies: usize,
    members: f64,
    /// Places of the photos that could not be had, of those to learn from and of those that watch.
    left_out: [Vec<usize>; 2],
}

impl Parts {
    fn load(model: &Model, device: &Device) -> Result<Self, VlmError> {
        let (dir, info) = (model.dir(), model.info());
        let mut tower = EfficientNetConfig::new().init(device);
        weights::load(&mut tower, &dir.join(IMAGE_FILE))?;
        let mut text = BertConfig::new().with_dropout(0.0).init(device);
        weights::load(&mut text, &dir.join(TEXT_FILE))?;
        let (heads, descriptor) = info.home()?;
        let mut heads = heads.init(device);
        weights::load(&mut heads, &dir.join(HEADS_FILE))?;
        let mut descriptor = descriptor.init(device);
        weights::load(&mut descriptor, &dir.join(DESCRIPTOR_FILE))?;
        let decoder = match &info.decoder {
            None => None,
            Some(config) => {
                let mut decoder = config.init(device);
                weights::load(&mut decoder, &dir.join(CAPTION_FILES[0]))?;
                Some(decoder.no_grad())
            }
        };
        Ok(Self {
            tower: tower.no_grad(),
            text: text.no_grad(),
            heads: heads.no_grad(),
            descriptor: descriptor.no_grad(),
            decoder,
        })
    }
}

impl Deep {
    /// Runs the frozen layers over the lesson, photo by photo as `next` hands them over: no pixels are kept. None when
    /// `next` says stop.
    pub fn prepare(
        config: &TuneConfig,
        lesson: &Lesson,
        model: &Model,
        guard: &Guard,
        plain: &Device,
        mut next: impl FnMut() -> ControlFlow<(), Option<ModelInput>>,
    ) -> Result<Option<Self>, VlmError> {
        let device = plain.clone().autodiff();
        let parts = Parts::load(model, plain)?;
        let tower = CpuEfficientNet::new(&parts.tower);
        let first = parts.tower.blocks.len() - CHANGED_BLOCKS;
        let most = lesson.train.len().max(lesson.watch.len());
        if most > MOST_PHOTOS {
            return Err(VlmError::BadLesson { reason: format!("{most} photos, expected {MOST_PHOTOS} at most") });
        }
        let copies = config.views.min(MOST_PHOTOS / lesson.train.len().max(1));
        let mut rng = StdRng::seed_from_u64(config.seed);
        let mut enter = |photos: usize, copies: usize| -> Option<(Entering, Vec<usize>)> {
            let (mut entering, mut left_out) = (Entering::default(), Vec::new());
            for place in 0..photos {
                let photo = match next() {
                    ControlFlow::Break(()) => return None,
                    ControlFlow::Continue(None) => {
                        left_out.push(place);
                        continue;
                    }
                    ControlFlow::Continue(Some(photo)) => photo,
                };
                let mut views: Vec<ModelInput> =
                    (0..copies).map(|_| changed(&photo, model.preprocess(), &mut rng)).collect();
                views.insert(0, photo);
                let floats: Vec<Vec<f32>> = views.iter().map(|view| model.preprocess().normalise(view)).collect();
                for given in tower.before(first, &floats, model.preprocess().size as usize) {
                    entering.inputs.push(given.map.into_iter().map(f16::from_f32).collect());
                    entering.summaries.push(given.summary);
                }
            }
            Some((entering, left_out))
        };
        let Some((train, no_train)) = enter(lesson.train.len(), copies) else { return Ok(None) };
        let Some((watch, no_watch)) = enter(lesson.watch.len(), 0) else { return Ok(None) };
        let sentences = sentences(&parts.text, lesson, model, plain)?;
        Ok(Some(Self {
            training: Parts::load(model, &device)?,
            plain: parts,
            train,
            watch,
            general: stored(&guard.anchors),
            guard: stored(&guard.photos),
            sentences,
            copies,
            members: model.info().home()?.0.members as f64,
            left_out: [no_train, no_watch],
        }))
    }

    /// Places of the photos that could not be had, of those to learn from and of those that watch.
    pub fn left_out(&self) -> &[Vec<usize>; 2] {
        &self.left_out
    }

    /// The changes of rank `rank`.
    pub fn plan(&self, layout: &mut Layout, rank: usize) {
        let parts = &self.plain;
        let mut pointwise = |name: String, conv: &burn::nn::conv::Conv2d| {
            let [output, input, _, _] = conv.weight.dims();
            layout.add_low_rank(&name, input, rank, output);
        };
        let first = parts.tower.blocks.len() - CHANGED_BLOCKS;
        for (index, block) in parts.tower.blocks.iter().enumerate().skip(first) {
            if let Some(expand) = &block.expand {
                pointwise(format!("blocks.{index}.expand"), expand);
            }
            pointwise(format!("blocks.{index}.project"), &block.project);
        }
        pointwise("head".into(), &parts.tower.head);
        let mut linear = |name: String, layer: &burn::nn::Linear| {
            let [input, output] = layer.weight.dims();
            layout.add_low_rank(&name, input, rank, output);
        };
        let last = parts.text.layers.last().expect("the text tower has layers");
        linear("text.query".into(), &last.query);
        linear("text.value".into(), &last.value);
        for (index, layer) in parts.decoder.iter().flat_map(|decoder| decoder.layers.iter().enumerate()) {
            if let Some(across) = &layer.across {
                linear(format!("decoder.{index}.query"), &across.query);
                linear(format!("decoder.{index}.value"), &across.value);
            }
        }
    }

    fn parts(&self, device: &Device) -> &Parts {
        if device.is_autodiff() { &self.training } else { &self.plain }
    }

    /// What the pupil sees of photos.
    pub fn see(
        &self,
        layout: &Layout,
        pupil: &Pupil,
        from: From,
        which: &[usize],
        view: usize,
        device: &Device,
    ) -> Seen {
        let (entering, each) = match from {
            From::Train => (&self.train, 1 + self.copies),
            From::Watch => (&self.watch, 1),
            From::General => (&self.general, 1),
            From::Guard => (&self.guard, 1),
        };
        let places: Vec<usize> = which.iter().map(|&row| row * each + view.min(each - 1)).collect();
        let parts = self.parts(device);
        let first = parts.tower.blocks.len() - CHANGED_BLOCKS;
        let channels = parts.tower.blocks[first].expand.as_ref().map_or(1, |expand| expand.weight.dims()[1]);
        let numbers: Vec<f32> = places.iter().flat_map(|&p| &entering.inputs[p]).map(|v| v.to_f32()).collect();
        let positions = numbers.len() / channels / places.len();
        let side = positions.isqrt();
        let mut x =
            Tensor::<3>::from_data(burn::tensor::TensorData::new(numbers, [places.len(), positions, channels]), device)
                .swap_dims(1, 2)
                .reshape([places.len(), channels, side, side]);
        let before = places.iter().flat_map(|&p| &entering.summaries[p]).copied().collect();
        let mut summary = vec![matrix(before, places.len(), entering.summaries[places[0]].len(), device)];
        for (index, block) in parts.tower.blocks.iter().enumerate().skip(first) {
            let name = |part: &str| format!("blocks.{index}.{part}");
            let block = InvertedResidual {
                expand: block.expand.as_ref().map(|expand| layout.pointwise(pupil, &name("expand"), expand)),
                depthwise: block.depthwise.clone(),
                project: layout.pointwise(pupil, &name("project"), &block.project),
                skip: block.skip,
            };
            x = block.forward(x);
            if parts.tower.is_summarised(index) {
                summary.extend(crate::nn::efficientnet::stage_summary(&x));
            }
        }
        let head = layout.pointwise(pupil, "head", &parts.tower.head);
        let map = burn::tensor::activation::relu6(head.forward(x)).flatten::<3>(2, 3).swap_dims(1, 2);
        let pooled = parts.heads.standardised(Pooled::of(map.clone(), Tensor::cat(summary, 1)));
        Seen {
            shared: parts.heads.project_images(&pooled) / self.members.sqrt(),
            descriptors: parts.descriptor.forward(&pooled, bands(map.clone())),
            maps: Some(map),
        }
    }

    /// Embeddings of the lesson's sentences.
    pub fn sentences(&self, layout: &Layout, pupil: &Pupil, which: &[usize], device: &Device) -> Tensor<2> {
        let of = |pick: fn(&Sentence) -> &Vec<f32>| which.iter().map(|&s| pick(&self.sentences[s])).collect::<Vec<_>>();
        self.texts(layout, pupil, &of(|s| &s.states), &of(|s| &s.early), device)
    }

    /// Embeddings of the guard's queries, row by row.
    pub fn guard_queries(&self, layout: &Layout, pupil: &Pupil, guard: &Guard, device: &Device) -> Vec<Vec<f32>> {
        let (states, early): (Vec<_>, Vec<_>) =
            (guard.query_states.iter().collect(), guard.query_early.iter().collect());
        let parts = states.chunks(SENTENCES).zip(early.chunks(SENTENCES));
        parts.flat_map(|(states, early)| rows(self.texts(layout, pupil, states, early, device))).collect()
    }

    fn texts(
        &self,
        layout: &Layout,
        pupil: &Pupil,
        states: &[&Vec<f32>],
        early: &[&Vec<f32>],
        device: &Device,
    ) -> Tensor<2> {
        let parts = self.parts(device);
        let width = early[0].len();
        let longest = states.iter().map(|s| s.len() / width).max().unwrap_or(1);
        let (mut padded, mut mask) = (Vec::new(), Vec::new());
        for sentence in states {
            padded.extend_from_slice(sentence);
            padded.resize(padded.len() + longest * width - sentence.len(), 0.0);
            mask.extend((0..longest).map(|token| if token < sentence.len() / width { 1.0 } else { 0.0 }));
        }
        let x = Tensor::<3>::from_data(burn::tensor::TensorData::new(padded, [states.len(), longest, width]), device);
        let mask = matrix(mask, states.len(), longest, device);
        let early = matrix(early.iter().flat_map(|row| row.iter().copied()).collect(), early.len(), width, device);
        let mut last = parts.text.layers.last().expect("the text tower has layers").clone();
        last.query = layout.linear(pupil, "text.query", &last.query);
        last.value = layout.linear(pupil, "text.value", &last.value);
        let sentences = parts.text.finish(&last, x, early, mask);
        parts.heads.embed_texts(sentences) / self.members.sqrt()
    }

    /// Cross-entropy of sentences given photos, in nats a token; 0 when the decoder knows none of the words.
    pub fn caption_loss(
        &self,
        layout: &Layout,
        pupil: &Pupil,
        maps: Tensor<3>,
        shared: Tensor<2>,
        sentences: &[usize],
        device: &Device,
    ) -> Tensor<1> {
        let parts = self.parts(device);
        let known: Vec<(i32, &Vec<i32>)> = sentences
            .iter()
            .enumerate()
            .filter_map(|(row, &s)| Some((row as i32, self.sentences[s].tokens.as_ref()?)))
            .collect();
        let (Some(decoder), false) = (&parts.decoder, known.is_empty()) else { return Tensor::zeros([1], device) };
        let mut decoder = decoder.clone();
        for (index, layer) in decoder.layers.iter_mut().enumerate() {
            if let Some(across) = &mut layer.across {
                across.query = layout.linear(pupil, &format!("decoder.{index}.query"), &across.query);
                across.value = layout.linear(pupil, &format!("decoder.{index}.value"), &across.value);
            }
        }
        let places: Vec<i32> = known.iter().map(|(row, _)| *row).collect();
        let places = Tensor::<1, burn::tensor::Int>::from_data(places.as_slice(), device);
        let memory = decoder.read(maps.select(0, places.clone()), shared.select(0, places), None);
        let lesson = CaptionLesson { memory, sentences: known.into_iter().map(|(_, tokens)| tokens.clone()).collect() };
        let (value, surrogate) = caption_loss(&decoder, &lesson, CAPTION_SMOOTHING, &Noise::new(0.0, 0), device);
        // The surrogate has the loss's gradient; this gives it the loss's value too.
        surrogate.clone() - surrogate.detach() + f64::from(value)
    }
}

fn stored(photos: &GuardPhotos) -> Entering {
    Entering {
        inputs: photos.inputs.iter().map(|row| row.iter().map(|&v| f16::from_f32(v)).collect()).collect(),
        summaries: photos.summaries.clone(),
    }
}

/// Runs the frozen layers of the text tower over the lesson's sentences.
fn sentences(text: &BertEncoder, lesson: &Lesson, model: &Model, plain: &Device) -> Result<Vec<Sentence>, VlmError> {
    let tokenizer = Tokenizer::read(&model.dir().join(TOKENIZER_FILE), &TokenizerConfig::default())?;
    let vocabulary = match &model.info().decoder {
        Some(_) => Some(Vocabulary::read(&model.dir().join(CAPTION_FILES[1]))?),
        None => None,
    };
    let known = |sentence: &str| {
        let tokens = vocabulary.as_ref()?.encode(&cleaned_caption(sentence)).ok()?;
        (!tokens.is_empty() && tokens.len() <= LONGEST && !tokens.contains(&UNKNOWN)).then_some(tokens)
    };
    let mut all = Vec::with_capacity(lesson.sentences.len());
    for sentence in &lesson.sentences {
        let (states, early) = states_before_last(text, &tokenizer, sentence, plain)?;
        all.push(Sentence { states, early, tokens: known(sentence) });
    }
    Ok(all)
}

/// What enters the text tower's last layer for a sentence, `[tokens, width]`, and the mean of its early states.
pub(crate) fn states_before_last(
    text: &BertEncoder,
    tokenizer: &Tokenizer,
    sentence: &str,
    device: &Device,
) -> Result<(Vec<f32>, Vec<f32>), VlmError> {
    let (ids, mask) = token_tensors(&tokenizer.encode(&[sentence])?, device);
    let (states, early) = text.before_last(ids, mask);
    let floats = |data: burn::tensor::TensorData| data.try_to_vec::<f32>().expect("training computes in f32");
    Ok((floats(states.into_data()), floats(early.into_data())))
}

/// The frozen layers, for making a guard.
#[derive(Debug)]
pub struct GuardMaker {
    tower: CpuEfficientNet,
    first: usize,
    text: BertEncoder,
    tokenizer: Tokenizer,
    preprocess: Preprocess,
    device: Device,
}

impl GuardMaker {
    /// Loads the towers in `dir`.
    ///
    /// # Errors
    /// Those of the weight files and of the tokenizer.
    pub fn load(dir: &Path, preprocess: &Preprocess) -> Result<Self, VlmError> {
        let device = Device::flex();
        let mut tower = EfficientNetConfig::new().init(&device);
        weights::load(&mut tower, &dir.join(IMAGE_FILE))?;
        let mut text = BertConfig::new().init(&device);
        weights::load(&mut text, &dir.join(TEXT_FILE))?;
        let first = tower.blocks.len() - CHANGED_BLOCKS;
        let tokenizer = Tokenizer::read(&dir.join(TOKENIZER_FILE), &TokenizerConfig::default())?;
        Ok(Self { tower: CpuEfficientNet::new(&tower), first, text, tokenizer, preprocess: preprocess.clone(), device })
    }

    /// What enters the changed blocks for a photo, `[positions, channels]`, and the summary of the stages before them.
    pub fn photo(&self, photo: &ModelInput) -> (Vec<f32>, Vec<f32>) {
        let pixels = self.preprocess.normalise(photo);
        let given = self.tower.before(self.first, &[pixels], self.preprocess.size as usize);
        given.into_iter().next().map(|photo| (photo.map, photo.summary)).unwrap_or_default()
    }

    /// What enters the changed layer for a sentence, `[tokens, width]`, and the mean of its early states.
    ///
    /// # Errors
    /// [`VlmError::BadText`].
    pub fn sentence(&self, sentence: &str) -> Result<(Vec<f32>, Vec<f32>), VlmError> {
        states_before_last(&self.text, &self.tokenizer, sentence, &self.device)
    }
}
