//! Losses against finite differences, whole lessons on made-up photos, and the deep path against the model itself.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use burn::optim::{AdamWConfig, GradientsParams};
use burn::tensor::{Device, Distribution, Tensor};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::losses::{classes, contrastive, moved};
use super::teacher::{From, Teacher, rows};
use super::*;
use crate::device::{adapters, select};
use crate::golden;
use crate::heads::unit;
use crate::{DeviceChoice, Embedding, Model, ModelInput, PhotoVectors, VlmError};

/// A learning rate at which made-up photos and sentences, which lie anywhere, do not spoil general search.
const GENTLE: f64 = 5e-4;

/// burn's generator of random numbers is one for the whole process: lessons with dropout take turns.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn untaught() -> Model {
    Model::load(&golden::model(), DeviceChoice::Cpu).unwrap()
}

/// Compares a loss's gradient with central differences at every number of its inputs.
fn check_gradient(inputs: &[Tensor<2>], loss: impl Fn(&[Tensor<2>]) -> Tensor<1>) {
    const STEP: f32 = 2e-3;
    let device = Device::flex().autodiff();
    let tracked: Vec<Tensor<2>> =
        inputs.iter().map(|x| Tensor::from_data(x.clone().into_data(), &device).require_grad()).collect();
    let gradients = loss(&tracked).backward();
    let value = |inputs: &[Tensor<2>]| f64::from(loss(inputs).into_scalar::<f32>());
    let mut largest: f64 = 0.0;
    for (index, x) in inputs.iter().enumerate() {
        let got = tracked[index].grad(&gradients).unwrap().into_data().try_to_vec::<f32>().unwrap();
        let numbers = x.clone().into_data().try_to_vec::<f32>().unwrap();
        for (place, got) in got.iter().enumerate() {
            let at = |by: f32| {
                let mut moved = numbers.clone();
                moved[place] += by;
                let mut all = inputs.to_vec();
                all[index] = Tensor::from_data(burn::tensor::TensorData::new(moved, x.dims()), &Device::flex());
                value(&all)
            };
            let want = (at(STEP) - at(-STEP)) / f64::from(2.0 * STEP);
            largest = largest.max(want.abs());
            assert!((f64::from(*got) - want).abs() < 2e-3 * (1.0 + want.abs()), "input {index}, {place}: {got} {want}");
        }
    }
    assert!(largest > 1e-2, "the loss must have a gradient");
}

#[test]
fn the_gradients_of_the_losses_are_those_of_finite_differences() {
    let device = Device::flex();
    device.seed(11);
    let random = |shape| Tensor::<2>::random(shape, Distribution::Normal(0.0, 0.4), &device);
    let labels = [0, 1, 0, 2];
    check_gradient(&[random([4, 5]), random([4, 5])], |x| {
        // Less sharp than in training, so that differences are exact enough.
        contrastive(x[0].clone() * 0.2, x[1].clone(), &labels)
    });
    check_gradient(&[random([4, 3])], |x| classes(x[0].clone() * 2.0, &labels, 0.1));
    check_gradient(&[random([4, 3]), random([4, 3])], |x| moved(unit(x[0].clone()), x[1].clone()));
}

#[test]
fn the_losses_are_what_their_formulas_say() {
    let device = Device::flex();
    let matrix = |rows: [[f32; 2]; 2]| Tensor::<2>::from_floats(rows, &device);
    // Logits 2 and 0 by class: classes weigh the same, smoothing spreads a tenth.
    let got: f32 = classes(matrix([[2.0, 0.0], [2.0, 0.0]]), &[0, 1], 0.1).into_scalar();
    let log = |logit: f64| logit - (2f64.exp() + 1.0).ln();
    let want = -0.5 * ((0.95 * log(2.0) + 0.05 * log(0.0)) + (0.05 * log(2.0) + 0.95 * log(0.0)));
    assert!((f64::from(got) - want).abs() < 1e-5, "{got} {want}");
    // Two photos of one label attract both of its sentences evenly: cosines do not matter if all are equal.
    let same = matrix([[1.0, 0.0], [1.0, 0.0]]);
    let got: f32 = contrastive(same.clone(), same, &[0, 0]).into_scalar();
    assert!((f64::from(got) - 2f64.ln()).abs() < 1e-5);
    let got: f32 = moved(matrix([[1.0, 0.0], [0.0, 0.0]]), matrix([[0.0, 0.0], [0.0, 2.0]])).into_scalar();
    assert!((got - 2.5).abs() < 1e-6);
}

fn random_unit(rng: &mut StdRng, dims: usize) -> Vec<f32> {
    (0..dims).map(|_| rng.random_range(-1.0..1.0)).collect()
}

/// Photos of three made-up labels, each around a middle of its own.
fn lesson(model: &Model, each: usize, noise: f32) -> Lesson {
    let mut rng = StdRng::seed_from_u64(5);
    let (dims, long) = (model.info().dims, model.info().descriptor_dims());
    let labels: Vec<String> = ["rex", "bella", "\u{5c0f}\u{767d}"].map(String::from).to_vec();
    let mut near = |middle: &[f32]| {
        let moved = middle.iter().map(|v| v + noise * rng.random_range(-1.0..1.0)).collect();
        Embedding::normalised(moved).unwrap()
    };
    let mut seeds = StdRng::seed_from_u64(6);
    let mut lesson = Lesson { labels: labels.clone(), ..Lesson::default() };
    for (label, name) in labels.iter().enumerate() {
        let (shared, descriptor) = (random_unit(&mut seeds, dims), random_unit(&mut seeds, long));
        for number in 0..each {
            let vectors = PhotoVectors { shared: near(&shared), descriptor: near(&descriptor), base: None };
            let example = Example { vectors, label: Some(label), sentences: Vec::new() };
            if number % 5 == 4 { lesson.watch.push(example) } else { lesson.train.push(example) }
        }
        lesson.label_sentences.push(vec![lesson.sentences.len()]);
        lesson.sentences.push(format!("a photo of {name}."));
        lesson.sentence_vectors.push(Embedding::normalised(random_unit(&mut seeds, dims)).unwrap());
    }
    lesson
}

fn learned(teacher: &Teacher) -> Ending {
    teach(teacher, None, |_| ControlFlow::Continue(())).unwrap().unwrap()
}

/// Only deep teaching asks for photos.
fn no_photos() -> ControlFlow<(), Option<ModelInput>> {
    ControlFlow::Continue(None)
}

fn teacher(model: &Model, lesson: &Lesson, config: TuneConfig) -> Teacher {
    Teacher::new(config, lesson, model, no_photos).unwrap().unwrap()
}

#[test]
fn labels_are_learned_and_a_version_survives_its_file() {
    let _turn = turn();
    let model = untaught();
    let lesson = lesson(&model, 10, 0.6);
    for depth in [Depth::Probe, Depth::Adapter] {
        let config =
            TuneConfig { epochs: 40, watch_every: 10, batch: 12, learning_rate: GENTLE, ..TuneConfig::new(depth) };
        let ending = learned(&teacher(&model, &lesson, config.clone()));
        assert!(!ending.guard_fell && ending.guard > 50.0, "{}", ending.guard);
        let version = ending.version;
        let photos = version.adapt_photos(lesson.watch.iter().map(|e| e.vectors.clone()).collect());
        for (scores, example) in version.classify(&photos).iter().zip(&lesson.watch) {
            assert_eq!(Some(scores[0].label), example.label, "{depth:?}");
        }
        let again = Version::from_bytes(&version.to_bytes()).unwrap();
        again.must_fit(model.info()).unwrap();
        assert_eq!(again.id(), version.id());
        assert_eq!(again.classify(&photos), version.classify(&photos));
        assert_eq!(again.labels()[2], "\u{5c0f}\u{767d}");
        assert_eq!(version.vectors_id() == model.base_id(), depth == Depth::Probe, "only a probe leaves vectors alone");
        assert_eq!(learned(&teacher(&model, &lesson, config)).version.id(), version.id(), "the seed decides all");
    }
    assert!(matches!(Version::from_bytes(b"no version"), Err(VlmError::BadVersion { .. })));
}

#[test]
fn a_lesson_that_was_stopped_ends_as_if_it_had_not_been() {
    let _turn = turn();
    let model = untaught();
    let lesson = lesson(&model, 10, 0.6);
    let config =
        TuneConfig { epochs: 12, watch_every: 3, batch: 8, learning_rate: GENTLE, ..TuneConfig::new(Depth::Adapter) };
    let teacher = teacher(&model, &lesson, config);
    let whole = learned(&teacher);
    let mut kept = None;
    let stopped = teach(&teacher, None, |moment| {
        kept = moment.checkpoint.or(kept.take());
        if moment.step >= 20 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert!(stopped.unwrap().is_none());
    let mut first = None;
    let ending = teach(&teacher, kept.as_ref(), |moment| {
        first.get_or_insert(moment.step);
        ControlFlow::Continue(())
    });
    assert_eq!(first, Some(19), "it went on after the sixth of 12 epochs of 3 steps");
    assert_eq!(ending.unwrap().unwrap().version.id(), whole.version.id());
    // What is damaged, or of another lesson or run, is an error and no panic.
    let good = kept.unwrap();
    can_go_on(&teacher, &good).unwrap();
    let spoil = |spoil: &dyn Fn(&mut Parts)| {
        let mut parts = Parts::of_bytes(&good.0);
        spoil(&mut parts);
        Checkpoint(parts.bytes())
    };
    let cut = |name: &'static str| move |parts: &mut Parts| parts.shorten(name);
    let damaged = [
        Checkpoint(Vec::new()),
        Checkpoint(b"something else".to_vec()),
        Checkpoint(good.0[..good.0.len() / 2].to_vec()),
        spoil(&cut("now")),
        spoil(&cut("best")),
        spoil(&cut("moments")),
        spoil(&cut("kept")),
        spoil(&|parts| drop(parts.0.remove("moments"))),
        spoil(&|parts| parts.0.get_mut("now").unwrap().2[..4].copy_from_slice(&f32::NAN.to_le_bytes())),
        // More epochs than there are, steps that do not fit, a best of neither kind.
        spoil(&|parts| parts.0.get_mut("kept").unwrap().2[8..16].copy_from_slice(&99u64.to_le_bytes())),
        spoil(&|parts| parts.0.get_mut("kept").unwrap().2[..8].copy_from_slice(&7u64.to_le_bytes())),
        spoil(&|parts| parts.0.get_mut("kept").unwrap().2[25..33].copy_from_slice(&u64::MAX.to_le_bytes())),
        spoil(&|parts| parts.0.get_mut("kept").unwrap().2[16] = 2),
    ];
    for (number, checkpoint) in damaged.iter().enumerate() {
        assert!(matches!(can_go_on(&teacher, checkpoint), Err(VlmError::BadLesson { .. })), "{number}");
        let result = teach(&teacher, Some(checkpoint), |_| ControlFlow::Continue(()));
        assert!(matches!(result, Err(VlmError::BadLesson { .. })), "{number}");
    }
}

#[test]
fn a_lesson_that_spoils_general_search_is_stopped_and_the_state_before_is_kept() {
    let _turn = turn();
    let model = untaught();
    let lesson = lesson(&model, 10, 0.6);
    let spoiling = Objectives { contrastive: 5.0, classes: 0.0, captions: 0.0, keep: 0.0 };
    let config = TuneConfig {
        epochs: 60,
        watch_every: 2,
        batch: 30,
        learning_rate: 0.2,
        dropout: 0.0,
        objectives: spoiling,
        ..TuneConfig::new(Depth::Adapter)
    };
    let teacher = teacher(&model, &lesson, config);
    let mut steps = 0;
    let ending = teach(&teacher, None, |moment| {
        steps = moment.step;
        ControlFlow::Continue(())
    });
    let ending = ending.unwrap().unwrap();
    assert!(ending.guard_fell && steps < 60, "{steps} steps");
    assert!(ending.guard >= teacher.guard_before() - MARGIN, "{}", ending.guard);
    // Killed at that very step it comes to the same end.
    let mut kept = None;
    let stopped = teach(&teacher, None, |moment| {
        kept = moment.checkpoint.or(kept.take());
        if moment.step == steps { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert!(stopped.unwrap().is_none());
    let again = teach(&teacher, kept.as_ref(), |_| ControlFlow::Continue(())).unwrap().unwrap();
    assert!(again.guard_fell);
    assert_eq!(again.version.id(), ending.version.id());
}

#[test]
fn objectives_may_take_turns() {
    let _turn = turn();
    let model = untaught();
    let lesson = lesson(&model, 10, 0.6);
    let config = TuneConfig { mixing: Mixing::Alternating, dropout: 0.0, ..TuneConfig::new(Depth::Adapter) };
    let teacher = teacher(&model, &lesson, config);
    let pupil = teacher.pupil().unwrap();
    let batch: Vec<usize> = (0..12).collect();
    let loss = |step| teacher.loss(&pupil, &batch, step, &mut StdRng::seed_from_u64(1)).into_scalar::<f32>();
    let summed = {
        let config = TuneConfig { dropout: 0.0, ..TuneConfig::new(Depth::Adapter) };
        let teacher = self::teacher(&model, &lesson, config);
        teacher.loss(&pupil, &batch, 0, &mut StdRng::seed_from_u64(1)).into_scalar::<f32>()
    };
    assert!((loss(0) - loss(2)).abs() < 1e-6 && (loss(0) - loss(1)).abs() > 0.1);
    // A fresh pupil moves nothing, so that the sum is that of the turns.
    assert!((loss(0) + loss(1) - summed).abs() < 1e-4);
}

#[test]
fn ten_thousand_labels_are_learned_in_closed_form() {
    let _turn = turn();
    let model = untaught();
    let mut rng = StdRng::seed_from_u64(21);
    let (dims, long) = (model.info().dims, model.info().descriptor_dims());
    let labels = 10_000;
    let mut lesson = Lesson { labels: (0..labels).map(|i| format!("thing {i}")).collect(), ..Lesson::default() };
    let shared = Embedding::normalised(random_unit(&mut rng, dims)).unwrap();
    for label in 0..labels {
        let middle = random_unit(&mut rng, long);
        for number in 0..3 {
            let near = middle.iter().map(|v| v + rng.random_range(-1.0f32..1.0)).collect();
            let descriptor = Embedding::normalised(near).unwrap();
            let vectors = PhotoVectors { shared: shared.clone(), descriptor, base: None };
            let example = Example { vectors, label: Some(label), sentences: Vec::new() };
            if number == 2 { lesson.watch.push(example) } else { lesson.train.push(example) }
        }
    }
    let ending = learned(&teacher(&model, &lesson, TuneConfig::new(Depth::Probe)));
    let version = Version::from_bytes(&ending.version.to_bytes()).unwrap();
    version.must_fit(model.info()).unwrap();
    let every = lesson.watch.iter().step_by(50);
    let photos: Vec<PhotoVectors> = every.clone().map(|example| example.vectors.clone()).collect();
    let told = version.classify(&photos);
    let right = told.iter().zip(every).filter(|(scores, example)| Some(scores[0].label) == example.label).count();
    assert!(right * 10 > photos.len() * 9, "{right} of {}", photos.len());
    assert!(told.iter().all(|scores| scores.len() == 10 && scores.is_sorted_by(|a, b| a.confidence >= b.confidence)));
}

#[test]
fn one_step_on_the_gpu_path_is_one_step_on_the_cpu() {
    if !adapters().iter().any(|adapter| adapter.software) {
        println!("SKIPPED: no software Vulkan adapter (scripts/setup.sh --tests installs Mesa's)");
        return;
    }
    let _turn = turn();
    let model = untaught();
    let lesson = lesson(&model, 6, 0.6);
    let config = TuneConfig { dropout: 0.0, rank: 4, ..TuneConfig::new(Depth::Adapter) };
    // The pupil's own beginning is a probe learned with dropout, and each device has its own chance.
    let begun: Vec<Vec<f32>> = {
        let teacher = self::teacher(&model, &lesson, config.clone());
        let values = teacher.layout.values(&teacher.pupil().unwrap());
        values.into_iter().map(|(_, _, values)| values).collect()
    };
    let step = |device: &Device| {
        let teacher = Teacher::on(config.clone(), &lesson, &model, device, no_photos).unwrap().unwrap();
        let mut pupil = teacher.layout.with(begun.clone(), &teacher.device);
        let mut optimiser = AdamWConfig::new().with_weight_decay(0.02).init();
        let batch: Vec<usize> = (0..10).collect();
        let mut losses = Vec::new();
        for turn in 0..2 {
            let loss = teacher.loss(&pupil, &batch, turn, &mut StdRng::seed_from_u64(2));
            losses.push(loss.clone().into_scalar::<f32>());
            let gradients = GradientsParams::from_grads(loss.backward(), &pupil);
            pupil = optimiser.step(1e-3, pupil, gradients);
        }
        (losses, teacher.layout.values(&pupil))
    };
    let (cpu, gpu) = (step(&Device::flex()), step(&select(DeviceChoice::Software).unwrap().device));
    for (a, b) in cpu.0.iter().zip(&gpu.0) {
        assert!((a - b).abs() < 1e-3, "losses {a} {b}");
    }
    assert!((cpu.0[0] - cpu.0[1]).abs() > 1e-4, "a step must change the loss");
    for ((name, _, a), (_, _, b)) in cpu.1.iter().zip(&gpu.1) {
        let worst = a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst < 1e-3, "{name}: {worst}");
    }
}

/// A picture of stripes.
fn stripes(model: &Model, width: usize, colour: [u8; 3]) -> ModelInput {
    let side = model.preprocess().size;
    let pixel = |x: u32, y: u32| if ((x + y / 3) as usize / width).is_multiple_of(2) { colour } else { [40, 90, 160] };
    let rgb: Vec<u8> = (0..side).flat_map(|y| (0..side).flat_map(move |x| pixel(x, y))).collect();
    model.preprocess().prepare(side, side, &rgb).unwrap()
}

#[test]
fn the_layers_that_deep_teaching_runs_are_those_of_the_model() {
    let _turn = turn();
    let model = untaught();
    let inputs: Vec<ModelInput> =
        [(9, [200, 30, 30]), (31, [220, 200, 90])].map(|(width, colour)| stripes(&model, width, colour)).to_vec();
    let vectors = model.embed_images(&inputs).unwrap();
    let examples = vectors.iter().enumerate().map(|(label, vectors)| Example {
        vectors: vectors.clone(),
        label: Some(label),
        sentences: Vec::new(),
    });
    let sentences: Vec<String> = ["a photo of thin stripes.", "a photo of broad stripes."].map(String::from).to_vec();
    let lesson = Lesson {
        labels: ["thin", "broad"].map(String::from).to_vec(),
        train: examples.clone().collect(),
        watch: examples.collect(),
        sentence_vectors: model.embed_texts(&sentences).unwrap(),
        sentences: sentences.clone(),
        label_sentences: vec![vec![0], vec![1]],
    };
    let config = TuneConfig {
        epochs: 2,
        batch: 2,
        views: 1,
        watch_every: 1,
        learning_rate: 2e-3,
        warm_up: 0.0,
        ..TuneConfig::new(Depth::Deep)
    };
    let mut photos = inputs.iter().chain(&inputs);
    let next = || ControlFlow::Continue(photos.next().cloned());
    let teacher = Teacher::new(config, &lesson, &model, next).unwrap().unwrap();
    let device = Device::flex();
    let near = |got: &[Vec<f32>], want: &[&Embedding], what: &str| {
        for (got, want) in got.iter().zip(want) {
            let cosine = Embedding::normalised(got.clone()).unwrap().dot(want);
            assert!(cosine > 0.9999, "{what}: {cosine}");
        }
    };
    // Before anything is learned it is the model as it is.
    let plain = teacher.layout.pupil(&mut StdRng::seed_from_u64(0), &device);
    let seen = teacher.see(&plain, From::Watch, &[0, 1], 0, 0.0, &device);
    near(&rows(seen.shared), &vectors.iter().map(|v| &v.shared).collect::<Vec<_>>(), "shared, untaught");
    near(&rows(seen.descriptors), &vectors.iter().map(|v| &v.descriptor).collect::<Vec<_>>(), "descriptor, untaught");
    let texts = rows(teacher.sentences(&plain, &[0, 1], &device));
    near(&texts, &lesson.sentence_vectors.iter().collect::<Vec<_>>(), "sentences, untaught");
    // And what was learned is the same in the loaded model as in the lesson.
    let version = Arc::new(learned(&teacher).version);
    let taught = Model::load_version(&golden::model(), DeviceChoice::Cpu, Some(version.clone())).unwrap();
    let values = teacher.layout.values(&plain).into_iter().map(|(name, _, _)| version.values(&name).unwrap());
    let pupil = teacher.layout.with(values.collect(), &device);
    let (now, words) = (taught.look(&inputs).unwrap(), taught.embed_texts(&sentences).unwrap());
    let seen = teacher.see(&pupil, From::Watch, &[0, 1], 0, 0.0, &device);
    let shared = rows(seen.shared);
    near(&shared, &now.iter().map(|v| &v.shared).collect::<Vec<_>>(), "shared, taught");
    near(&rows(seen.descriptors), &now.iter().map(|v| &v.descriptor).collect::<Vec<_>>(), "descriptor, taught");
    near(&rows(teacher.sentences(&pupil, &[0, 1], &device)), &words.iter().collect::<Vec<_>>(), "sentences, taught");
    // Small as the change is, it is the same one.
    let change = |to: &[f32]| -> Vec<f32> { to.iter().zip(vectors[0].shared.as_slice()).map(|(a, b)| a - b).collect() };
    let shared = Embedding::normalised(shared[0].clone()).unwrap();
    let (got, want) = (change(shared.as_slice()), change(now[0].shared.as_slice()));
    let norm = |x: &[f32]| x.iter().map(|v| v * v).sum::<f32>().sqrt();
    let off: Vec<f32> = got.iter().zip(&want).map(|(a, b)| a - b).collect();
    assert!(norm(&want) > 1e-4, "the lesson must have changed something: {}", norm(&want));
    assert!(norm(&off) < 0.2 * norm(&want), "{} of {}", norm(&off), norm(&want));
    assert_ne!(taught.id(), model.id());
}

/// What is done to a version file.
type Spoil<'a> = &'a dyn Fn(&mut Parts);

/// A version file as its parts, to be spoilt.
struct Parts(std::collections::BTreeMap<String, (safetensors::Dtype, Vec<usize>, Vec<u8>)>);

impl Parts {
    fn of(version: &Version) -> Self {
        Self::of_bytes(&version.to_bytes())
    }

    fn of_bytes(bytes: &[u8]) -> Self {
        let file = safetensors::SafeTensors::deserialize(bytes).unwrap();
        let parts = file.tensors().into_iter();
        Self(parts.map(|(name, t)| (name, (t.dtype(), t.shape().to_vec(), t.data().to_vec()))).collect())
    }

    fn bytes(&self) -> Vec<u8> {
        let views = self.0.iter().map(|(name, (dtype, shape, data))| {
            (name.clone(), safetensors::tensor::TensorView::new(*dtype, shape.clone(), data).unwrap())
        });
        safetensors::serialize(views, None).unwrap()
    }

    /// Gives a matrix another shape; its numbers are zeros then.
    fn reshape(&mut self, name: &str, shape: [usize; 2]) {
        let part = self.0.get_mut(name).unwrap();
        (part.1, part.2) = (shape.to_vec(), vec![0; 2 * shape[0] * shape[1]]);
    }

    /// Takes the later half of a list of bytes away.
    fn shorten(&mut self, name: &str) {
        let part = self.0.get_mut(name).unwrap();
        part.2.truncate(part.2.len() / 2);
        part.1 = vec![part.2.len()];
    }

    /// Writes a 16-bit number over the first of a matrix.
    fn begin_with(&mut self, name: &str, number: half::f16) {
        self.0.get_mut(name).unwrap().2[..2].copy_from_slice(&number.to_le_bytes());
    }
}

#[test]
fn a_version_that_does_not_fit_in_every_shape_is_an_error_and_no_panic() {
    let _turn = turn();
    let model = untaught();
    let lesson = lesson(&model, 10, 0.6);
    let config = TuneConfig { epochs: 1, batch: 12, learning_rate: GENTLE, ..TuneConfig::new(Depth::Adapter) };
    let version = learned(&teacher(&model, &lesson, config)).version;
    let (dims, length) = (model.info().dims, model.info().descriptor_dims());
    let classes = lesson.labels.len() + 1;
    let spoilt: [(&str, Spoil<'_>); 14] = [
        ("half the height", &|p| p.reshape("matrix.classifier.weight", [length / 2, classes])),
        ("twice the height", &|p| p.reshape("matrix.classifier.weight", [length * 2, classes])),
        ("no height", &|p| p.reshape("matrix.classifier.weight", [0, classes])),
        ("another width", &|p| p.reshape("matrix.classifier.weight", [length, classes + 1])),
        ("a bias of two rows", &|p| p.reshape("matrix.classifier.bias", [2, classes])),
        ("an adapter for longer descriptors", &|p| p.reshape("matrix.image.down", [length + 1, 8])),
        ("an adapter to longer vectors", &|p| p.reshape("matrix.image.up", [8, dims + 1])),
        ("ranks that differ", &|p| p.reshape("matrix.text.down", [dims, 3])),
        ("no rank", &|p| p.reshape("matrix.text.down", [dims, 0])),
        ("directions of another space", &|p| {
            p.reshape("directions", [classes - 1, dims - 1]);
            // One of zeros is none.
            p.begin_with("directions", half::f16::ONE);
        }),
        ("no text adapter", &|p| drop(p.0.remove("matrix.text.up"))),
        ("a matrix of nobody", &|p| {
            let part = p.0["matrix.text.up"].clone();
            p.0.insert("matrix.head.down".into(), part);
        }),
        ("a number that is infinite", &|p| p.begin_with("matrix.text.up", half::f16::INFINITY)),
        ("a number that is far too large", &|p| p.begin_with("matrix.classifier.weight", half::f16::MAX)),
    ];
    for (what, spoil) in spoilt {
        let mut parts = Parts::of(&version);
        spoil(&mut parts);
        let result = Version::from_bytes(&parts.bytes()).and_then(|version| {
            version.must_fit(model.info())?;
            Model::load_version(&golden::model(), DeviceChoice::Cpu, Some(Arc::new(version))).map(drop)
        });
        assert!(matches!(result, Err(VlmError::BadVersion { .. })), "{what}: {result:?}");
    }
    // As it was, it fits.
    Version::from_bytes(&Parts::of(&version).bytes()).unwrap().must_fit(model.info()).unwrap();
}
