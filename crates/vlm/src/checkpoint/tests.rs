//! Published families at published sizes against transformers and open_clip; `tests/golden/make_packs.py` makes the
//! references. The weights are made up from the tensors' names, on both sides alike.

use std::path::{Path, PathBuf};
use std::time::Instant;

use safetensors::SafeTensors;
use tempfile::TempDir;

use super::convert::convert_from;
use super::made::Made;
use super::recognise::plan;
use super::source::Source;
use super::tokens::tokenizer_json;
use super::writer::describe;
use super::*;
use crate::golden::photos;
use crate::model::TokenBatch;
use crate::{
    DeviceChoice, DeviceKind, Embedding, Fit, INFO_FILE, Model, ModelInfo, ModelInput, Preprocess, TokenizerConfig,
    VlmError, adapters,
};

pub(super) fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/packs").join(name)
}

pub(super) fn read(name: &str) -> Vec<u8> {
    std::fs::read(golden(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

pub(super) fn about() -> About {
    About { name: "test".into(), summary: "A test".into(), licences: vec!["MIT".into()], source: "somewhere@1".into() }
}

/// A copy of the settings that are committed of a family.
pub(super) fn settings(family: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let copy = |family: &str, folder: &Path| {
        for file in std::fs::read_dir(golden(family)).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_some_and(|end| end == "json") {
                std::fs::copy(&path, folder.join(path.file_name().unwrap())).unwrap();
            }
        }
    };
    copy(family, folder.path());
    if family == "multilingual" {
        let inner = folder.path().join("0_CLIPModel");
        std::fs::create_dir(&inner).unwrap();
        copy("clip", &inner);
    }
    folder
}

/// A tokenizer of one word, for towers that are given token ids.
const ONE_WORD: &str = r#"{"version":"1.0","added_tokens":[],"model":
    {"type":"WordLevel","vocab":{"[UNK]":0},"unk_token":"[UNK]"}}"#;

/// CLIP's `vocab.json` and `merges.txt` in a folder: the vocabulary follows from the merges.
fn clip_vocabulary(folder: &Path) {
    let merges = String::from_utf8(read("clip/merges.txt")).unwrap();
    // The printable bytes stand for themselves, the others for the characters from 256 on.
    let printable = |byte: &u32| matches!(byte, 33..=126 | 161..=172 | 174..=255);
    let others = (0..256u32).filter(|byte| !printable(byte)).enumerate().map(|(at, _)| 256 + at as u32);
    let bytes: Vec<String> =
        (0..256).filter(printable).chain(others).map(|c| char::from_u32(c).unwrap().to_string()).collect();
    let ends = bytes.iter().map(|byte| format!("{byte}</w>"));
    let pairs = merges.lines().skip(1).map(|line| line.replace(' ', ""));
    let marks = ["<|startoftext|>", "<|endoftext|>"].map(ToOwned::to_owned);
    let all = bytes.iter().cloned().chain(ends).chain(pairs).chain(marks);
    let ids: std::collections::BTreeMap<String, usize> = all.enumerate().map(|(id, token)| (token, id)).collect();
    std::fs::write(folder.join("vocab.json"), serde_json::to_string(&ids).unwrap()).unwrap();
    std::fs::write(folder.join("merges.txt"), merges).unwrap();
}

/// A pack of a family with made-up weights, and a tokenizer of one word where none is committed.
pub(super) fn pack(family: &str) -> TempDir {
    let (source, pack) = (settings(family), tempfile::tempdir().unwrap());
    let began = Instant::now();
    let plan = plan(source.path()).unwrap().unwrap();
    let made = Made::of(&String::from_utf8(read(&format!("{family}/tensors.txt"))).unwrap());
    let mut last = (0, 0);
    let info = convert_from(
        &plan,
        Source::Made(made),
        Path::new("made"),
        &std::fs::read(source.path().join("tokenizer.json")).unwrap_or_else(|_| ONE_WORD.into()),
        pack.path(),
        &about(),
        &mut |done, total| {
            assert!(done > last.0 && done <= total && (last.1 == 0 || last.1 == total));
            last = (done, total);
            true
        },
    )
    .unwrap();
    describe(pack.path(), &info).unwrap();
    assert_eq!(last.0, last.1, "progress ends at the whole");
    assert_eq!(info, ModelInfo::read(pack.path()).unwrap(), "what is written is read again");
    info.verify(pack.path()).unwrap();
    println!("{family}: converted in {:.1} s", began.elapsed().as_secs_f32());
    pack
}

fn floats(file: &SafeTensors<'_>, name: &str) -> (Vec<f32>, usize) {
    let tensor = file.tensor(name).unwrap();
    let values = tensor.data().as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
    (values, tensor.shape()[1])
}

pub(super) fn integers(file: &SafeTensors<'_>, name: &str) -> Option<(Vec<i32>, usize)> {
    let tensor = file.tensor(name).ok()?;
    let values = tensor.data().as_chunks::<4>().0.iter().map(|b| i32::from_le_bytes(*b)).collect();
    Some((values, tensor.shape()[1]))
}

/// Largest difference as a share of the range of `want`, and the least cosine of two rows.
fn compare(got: &[f32], want: &[f32], width: usize) -> (f32, f32) {
    assert_eq!(got.len(), want.len());
    let (low, high) = want.iter().fold((f32::MAX, f32::MIN), |(l, h), v| (l.min(*v), h.max(*v)));
    let worst = got.iter().zip(want).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    let unit = |row: &[f32]| Embedding::normalised(row.to_vec()).expect("finite and not zero");
    let cosines = got.chunks_exact(width).zip(want.chunks_exact(width)).map(|(a, b)| unit(a).dot(&unit(b)));
    (worst / (high - low), cosines.fold(1.0, f32::min))
}

/// Holds the towers of a pack against the references, on `most` photos and sentences.
fn hold(family: &str, pack: &Path, choice: DeviceChoice, most: usize) {
    let began = Instant::now();
    let model = Model::load(pack, choice).unwrap();
    let loaded = began.elapsed();
    let bytes = read(&format!("{family}/golden.safetensors"));
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let side = model.preprocess().size as usize;
    let photos: Vec<ModelInput> = photos(side).into_iter().take(most).map(ModelInput).collect();
    let began = Instant::now();
    let (images, pooled) = model.raw_photos(&photos).unwrap();
    let seen = began.elapsed();
    let (ids, tokens) = integers(&file, "ids").unwrap();
    let rows = most.min(ids.len() / tokens);
    let ids = ids[..rows * tokens].to_vec();
    let mask = integers(&file, "mask").map_or(vec![1; ids.len()], |(mask, _)| mask[..rows * tokens].to_vec());
    let began = Instant::now();
    let texts = model.raw_texts(&TokenBatch { ids, mask, batch: rows, tokens }).unwrap();
    let read = began.elapsed();
    for (name, got) in [("image", &images), ("pooled", &pooled), ("text", &texts)] {
        if file.tensor(name).is_err() {
            continue;
        }
        let (want, width) = floats(&file, name);
        let (worst, cosine) = compare(got, &want[..got.len()], width);
        println!(
            "{family} on {:?}: {name} differs by {worst:.1e} of the range, cosine {cosine:.7}",
            model.device().kind
        );
        assert!(worst < 1e-3 && cosine > 0.9999, "{family} {name}: {worst} of the range, cosine {cosine}");
        let rows: Vec<&[f32]> = want.chunks_exact(width).collect();
        let apart = rows.windows(2).map(|pair| compare(pair[0], pair[1], width).1).fold(1.0, f32::min);
        assert!(apart < 0.99, "{family} {name}: the reference must tell one from another ({apart})");
    }
    println!("{family}: loaded in {loaded:.1?}, {} photos in {seen:.1?}, {rows} sentences in {read:.1?}", photos.len());
}

fn agrees(family: &str) -> TempDir {
    let pack = pack(family);
    hold(family, pack.path(), DeviceChoice::Cpu, 16);
    if adapters().iter().any(|adapter| adapter.software) {
        hold(family, pack.path(), DeviceChoice::Software, 1);
    } else {
        println!("SKIPPED: no software Vulkan adapter (scripts/setup.sh --tests installs Mesa's)");
    }
    pack
}

#[test]
fn clip_of_hugging_face_agrees_with_transformers() {
    let pack = agrees("clip");
    // The same towers behind the model's own interface.
    let model = Model::load(pack.path(), DeviceChoice::Cpu).unwrap();
    assert_eq!(model.device().kind, DeviceKind::Cpu);
    let photos: Vec<ModelInput> = photos(224).into_iter().take(2).map(ModelInput).collect();
    let vectors = model.embed_images(&photos).unwrap();
    assert_eq!((vectors[0].shared.as_slice().len(), vectors[0].descriptor.as_slice().len()), (512, 768));
    assert_eq!(model.info().descriptor_dims(), 768);
    // What it lacks it says, and does nothing else.
    let code = |error: VlmError| error.code();
    assert_eq!(model.locate(&photos[0], &vectors[0].shared).map_err(code), Err("model_lacks"));
    assert_eq!(model.guard().map(|_| ()).map_err(code), Err("model_lacks"));
    let described = model.describe(&photos, &crate::Search::default(), |_| std::ops::ControlFlow::Continue(()));
    assert_eq!(described.map(|_| ()).map_err(code), Err("no_captions"));
}

#[test]
fn siglip2_agrees_with_transformers() {
    agrees("siglip2");
}

#[test]
fn clip_of_open_clip_agrees_with_open_clip() {
    agrees("open_clip");
}

#[test]
fn chinese_clip_agrees_with_transformers() {
    agrees("chinese_clip");
}

#[test]
fn the_multilingual_text_tower_agrees_with_transformers() {
    agrees("multilingual");
}

#[test]
fn two_thousand_sentences_have_the_token_ids_of_open_clip_and_transformers() {
    let folder = settings("clip");
    clip_vocabulary(folder.path());
    let plan = plan(folder.path()).unwrap().unwrap();
    let json = folder.path().join("made.json");
    std::fs::write(&json, tokenizer_json(plan.tokens.as_ref().unwrap(), None).unwrap()).unwrap();
    let tokenizer = crate::model::Tokenizer::read(&json, &plan.tokenizer).unwrap();
    assert_eq!(tokenizer.vocabulary(), 49_408);
    let lines = String::from_utf8(read("clip/sentences.txt")).unwrap();
    let mut long = 0;
    for line in lines.split('\n').filter(|line| !line.is_empty()) {
        let (want, text) = line.split_once(' ').unwrap();
        let ids = tokenizer.encode(&[text]).unwrap().ids;
        assert!(ids.first() == Some(&49_406) && ids.last() == Some(&49_407), "{text:?}: {ids:?}");
        long += usize::from(ids.len() == 77);
        let bytes: Vec<u8> = ids.iter().flat_map(|id| id.to_le_bytes()).collect();
        let found = crate::model::hex(&<sha2::Sha256 as sha2::Digest>::digest(&bytes));
        assert_eq!(&found[..12], want, "{text:?}: {ids:?}");
    }
    assert_eq!(lines.lines().count(), 2_000);
    assert!(long > 100, "some must be cut: {long}");
}

#[test]
fn prepared_pixels_are_those_of_pillow_and_torchvision() {
    let bytes = read("pixels.safetensors");
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let photos = photos(260);
    let mosaic = |x: usize, y: usize| &photos[y / 260 * 4 + x / 260][(y % 260 * 260 + x % 260) * 3..][..3];
    for (name, want) in file.tensors() {
        let name = name.replace("squash", "stretch");
        let parts: Vec<&str> = name.split('.').collect();
        let (width, height): (usize, usize) = (parts[1].parse().unwrap(), parts[2].parse().unwrap());
        let rgb: Vec<u8> = (0..width * height).flat_map(|at| mosaic(at % width, at / width)).copied().collect();
        let kind: Fit = serde_json::from_value(parts[0].into()).unwrap();
        let filter = if kind == Fit::Stretch { crate::Filter::Bilinear } else { crate::Filter::Bicubic };
        let preprocess = Preprocess { size: 224, fit: kind, filter, mean: [0.0; 3], std: [1.0; 3] };
        let got = preprocess.prepare(width as u32, height as u32, &rgb).unwrap();
        let got: Vec<u8> = got.as_bytes().iter().step_by(5).copied().collect();
        assert_eq!(got.len(), want.data().len());
        let worst = got.iter().zip(want.data()).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
        let unequal = got.iter().zip(want.data()).filter(|(a, b)| a != b).count() as f32 / got.len() as f32;
        println!("{name}: off by {worst} at most, {:.2} % unequal", unequal * 100.0);
        assert!(worst <= 1, "{name}: off by {worst}");
    }
}

/// A CLIP of a few numbers, as a safetensors file and as a pickle.
fn tiny(weights: &str) -> TempDir {
    let folder = settings("tiny");
    std::fs::copy(golden("tiny").join(weights), folder.path().join(weights)).unwrap();
    std::fs::write(folder.path().join("tokenizer.json"), ONE_WORD).unwrap();
    folder
}

#[test]
fn a_checkpoint_on_disk_is_converted_and_a_pickle_gives_the_same() {
    let mut made = Vec::new();
    for weights in ["model.safetensors", "pytorch_model.bin"] {
        let (source, pack) = (tiny(weights), tempfile::tempdir().unwrap());
        let recognised = recognise(source.path()).unwrap();
        assert_eq!((recognised.family, recognised.dims, recognised.image_size), (Family::Clip, Some(6), Some(16)));
        assert!(recognised.missing.is_empty() && recognised.weight_bytes > 1000, "{recognised:?}");
        let info = convert(source.path(), pack.path(), &about(), &mut |_, _| true).unwrap();
        let model = Model::load(pack.path(), DeviceChoice::Cpu).unwrap();
        assert_eq!(model.id(), info.id());
        let vectors = model.embed_images(&[ModelInput(vec![7; 16 * 16 * 3])]).unwrap();
        made.push((info.files.clone(), info.id(), vectors));
    }
    assert_eq!(made[0], made[1]);
}

#[test]
fn what_is_missing_is_named() {
    let source = tiny("model.safetensors");
    let missing = |remove: &str| {
        let path = source.path().join(remove);
        let kept = std::fs::read(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let recognised = recognise(source.path()).unwrap();
        let converted = convert(source.path(), &source.path().join("pack"), &about(), &mut |_, _| true);
        assert!(matches!(converted, Err(VlmError::Missing { path }) if path.ends_with(remove)), "{remove}");
        std::fs::write(&path, kept).unwrap();
        assert_eq!(recognised.family, Family::Clip);
        recognised.missing
    };
    for file in ["config.json", "model.safetensors", "tokenizer.json", "preprocessor_config.json"] {
        assert_eq!(missing(file), [file]);
    }
    assert!(!source.path().join("pack").exists());
    let nothing = tempfile::tempdir().unwrap();
    assert!(matches!(recognise(nothing.path()), Err(VlmError::Missing { .. })));
}

#[test]
fn a_conversion_that_is_stopped_leaves_no_model() {
    let source = tiny("model.safetensors");
    let pack = tempfile::tempdir().unwrap();
    let mut calls = 0;
    convert(source.path(), pack.path(), &about(), &mut |_, _| {
        calls += 1;
        true
    })
    .unwrap();
    for stop in 1..=calls {
        std::fs::remove_dir_all(pack.path()).unwrap();
        let mut heard = 0;
        let stopped = convert(source.path(), pack.path(), &about(), &mut |_, _| {
            heard += 1;
            heard < stop
        });
        assert!(matches!(stopped, Err(VlmError::Stopped)), "at {stop}");
        assert!(!pack.path().join(INFO_FILE).exists(), "at {stop}");
    }
}

#[test]
fn a_checkpoint_that_is_not_what_its_settings_say_is_refused_by_name() {
    let refused = |change: &dyn Fn(&mut serde_json::Value), expected: &str| {
        let source = tiny("model.safetensors");
        let path = source.path().join("config.json");
        let mut settings: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        change(&mut settings);
        std::fs::write(&path, settings.to_string()).unwrap();
        let error = convert(source.path(), &source.path().join("pack"), &about(), &mut |_, _| true).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}, expected {expected:?}");
    };
    refused(&|s| s["model_type"] = "flava".into(), "model_type: expected clip");
    refused(&|s| s["vision_config"]["num_hidden_layers"] = 1.into(), "which the settings do not speak of");
    refused(&|s| s["vision_config"]["num_hidden_layers"] = 3.into(), "no tensor vision_model.encoder.layers.2");
    refused(&|s| s["text_config"]["hidden_size"] = 16.into(), "does not fit");
    refused(&|s| s["text_config"]["hidden_act"] = "relu".into(), "text_config.hidden_act: expected gelu");
    refused(&|s| s["text_config"]["hidden_size"] = (-3).into(), "text_config.hidden_size: expected a whole number");
    refused(&|s| s["text_config"]["hidden_size"] = 1_000_000_000_000u64.into(), "text.d_model");
    refused(&|s| s["vision_config"]["image_size"] = 224.into(), "preprocessor_config.json");
}

#[test]
fn a_description_with_sizes_that_cannot_be_is_refused_before_anything_is_allocated() {
    let (source, pack) = (tiny("model.safetensors"), tempfile::tempdir().unwrap());
    convert(source.path(), pack.path(), &about(), &mut |_, _| true).unwrap();
    let path = pack.path().join(INFO_FILE);
    let good = std::fs::read_to_string(&path).unwrap();
    let refused = |from: &str, to: &str, expected: &str| {
        assert!(good.contains(from), "{from:?} in {good}");
        std::fs::write(&path, good.replacen(from, to, 1)).unwrap();
        let error = Model::load(pack.path(), DeviceChoice::Cpu).unwrap_err();
        assert!(matches!(error, VlmError::BadInfo { .. }), "{error}");
        assert!(error.to_string().contains(expected), "{error}, expected {expected:?}");
    };
    refused("dims = 6", "dims = 99999999999", "dims = 99999999999");
    refused("d_model = 8", "d_model = 1000000000", "d_model");
    refused("heads = 2", "heads = 3", "heads = 3, which does not divide");
    refused("layers = 2", "layers = 1000000", "layers = 1000000");
    refused("patch_size = 8", "patch_size = 0", "patch_size");
    refused("[image]\n", "[image]\nsidewise = 3\n", "unknown field `sidewise`");
    refused("norm_epsilon = 0.00001", "norm_epsilon = -1.0", "norm_epsilon");
    refused("[files.\"image.safetensors\"]", "[files.\"../image.safetensors\"]", "files");
    // Sizes that could be, but are not those of the files.
    std::fs::write(&path, good.replace("ffn_dim = 16", "ffn_dim = 32768")).unwrap();
    assert!(matches!(Model::load(pack.path(), DeviceChoice::Cpu), Err(VlmError::BadWeights { .. })));
}

#[test]
fn siglips_text_is_put_into_lower_case_and_padded_to_its_full_length() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokenizer.json");
    let json = r#"{"version":"1.0","added_tokens":[],"pre_tokenizer":{"type":"Whitespace"},
        "post_processor":{"type":"TemplateProcessing","single":[{"Sequence":{"id":"A","type_id":0}},
            {"SpecialToken":{"id":"<eos>","type_id":0}}],"pair":[{"Sequence":{"id":"A","type_id":0}}],
            "special_tokens":{"<eos>":{"id":"<eos>","ids":[1],"tokens":["<eos>"]}}},
        "model":{"type":"WordLevel","vocab":{"<pad>":0,"<eos>":1,"dog":2,"<unk>":3,",":4},"unk_token":"<unk>"}}"#;
    std::fs::write(&path, json).unwrap();
    let config = plan(settings("siglip2").path()).unwrap().unwrap().tokenizer;
    let tokenizer = crate::model::Tokenizer::read(&path, &config).unwrap();
    let batch = tokenizer.encode(&["DOG", &"dog ".repeat(100)]).unwrap();
    assert_eq!((batch.batch, batch.tokens), (2, 64));
    assert_eq!(batch.ids[..4], [2, 1, 0, 0]);
    assert_eq!(batch.ids[64..][61..], [2, 2, 1], "the end is kept where a sentence is cut");
    let first = TokenizerConfig { strip_punctuation: true, ..config };
    let batch = crate::model::Tokenizer::read(&path, &first).unwrap().encode(&["Dog , dog!"]).unwrap();
    assert_eq!(batch.ids[..4], [2, 2, 1, 0]);
}

#[test]
fn the_bundled_model_has_the_id_that_libraries_know() {
    let info = ModelInfo::read(&crate::golden::model()).unwrap();
    assert_eq!(info.id(), "35023512157bd1f6");
}
