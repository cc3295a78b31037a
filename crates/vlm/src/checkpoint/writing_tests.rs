//! Models that write about photos against transformers: token for token, greedily. `tests/golden/make_packs.py` makes the
//! references; the weights are made up from the tensors' names, on both sides alike.

use std::ops::ControlFlow;
use std::time::Instant;

use safetensors::SafeTensors;

use super::tests::{golden, integers, pack, read, settings};
use super::*;
use crate::{
    Answer, DeviceChoice, Filter, Fit, ImageToText, Model, ModelInput, Preprocess, Search, VlmError, adapters,
};

/// What the references were asked.
const QUESTIONS: [&str; 5] = [
    "What is the dog doing?",
    "how many cats are on the couch",
    "Is it snowing?",
    "a",
    "what is the man in the red hat doing ",
];

fn question(at: usize) -> String {
    QUESTIONS[at % 5].repeat(if at % 5 == 4 { 3 } else { 1 })
}

/// Eight photos of any side: a neighbour begins where one ends.
fn tiled(side: usize) -> Vec<ModelInput> {
    let photos = crate::golden::photos(260);
    let pixel = |k: usize, x: usize, y: usize| {
        let photo = &photos[(k + x / 260 + 2 * (y / 260)) % 8];
        let at = (y % 260 * 260 + x % 260) * 3;
        <[u8; 3]>::try_from(&photo[at..at + 3]).unwrap()
    };
    let photo = |k| ModelInput((0..side * side).flat_map(|at| pixel(k, at % side, at / side)).collect());
    (0..8).map(photo).collect()
}

fn greedy() -> Search {
    Search { beam: 1, length_penalty: 1.0, max_words: usize::MAX, max_tokens: 20, sampling: None }
}

/// The tokens before the padding.
fn row(rows: &(Vec<i32>, usize), at: usize) -> Vec<i32> {
    rows.0[at * rows.1..(at + 1) * rows.1].iter().copied().filter(|id| *id >= 0).collect()
}

/// Holds a pack against its references on `choice`, `most` cases of them.
fn hold(name: &str, model: &ImageToText, most: usize) {
    let bytes = read(&format!("{name}/golden.safetensors"));
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let (tokens, which) = (integers(&file, "tokens").unwrap(), integers(&file, "photos").unwrap().0);
    let asked = integers(&file, "questions").or_else(|| integers(&file, "prompts"));
    let photos = tiled(model.preprocess().size as usize);
    let small = golden(name).join("tokenizer.json").is_file();
    let (mut written, began) = (0, Instant::now());
    for (at, photo) in which.iter().enumerate().take(most) {
        let ids = asked.as_ref().map(|asked| row(asked, at)).unwrap_or_default();
        if small && asked.is_some() {
            assert_eq!(model.asked(&question(at)).unwrap(), ids, "{name}: {:?}", question(at));
        }
        let sentence =
            model.sentence(&photos[*photo as usize], &ids, &greedy(), |_| ControlFlow::Continue(())).unwrap();
        assert_eq!(sentence.tokens, row(&tokens, at), "{name}, case {at} on {:?}", model.device().kind);
        written += sentence.tokens.len();
    }
    println!("{name} on {:?}: {written} tokens in {:.1?}", model.device().kind, began.elapsed());
}

fn agrees(name: &str) -> ImageToText {
    let pack = pack(name);
    let model = ImageToText::load(pack.path(), DeviceChoice::Cpu).unwrap();
    hold(name, &model, usize::MAX);
    if adapters().iter().any(|adapter| adapter.software) {
        hold(name, &ImageToText::load(pack.path(), DeviceChoice::Software).unwrap(), 1);
    } else {
        println!("SKIPPED: no software Vulkan adapter (scripts/setup.sh --tests installs Mesa's)");
    }
    // It has no vectors, and says so.
    assert!(matches!(Model::load(pack.path(), DeviceChoice::Cpu), Err(VlmError::Lacks { .. })));
    model
}

#[test]
fn blip_describes_photos_token_for_token_as_transformers_does() {
    let model = agrees("blip_captions");
    let photo = &tiled(48)[0];
    let on_token = |_: Answer| ControlFlow::Continue(());
    assert!(matches!(model.answer(photo, "why?", &greedy(), on_token), Err(VlmError::Lacks { .. })));
    // Told word by word, and stopped.
    let (mut told, mut last) = (0, String::new());
    let whole = model
        .caption(photo, &greedy(), |caption| {
            (told, last) = (told + 1, caption.text);
            ControlFlow::Continue(())
        })
        .unwrap();
    assert!(told > 4 && last == whole.text && whole.text.ends_with('.'), "{told} times, {whole:?}");
    assert_eq!(whole.words.iter().map(|word| &*word.text).collect::<Vec<_>>().join(" "), whole.text);
    let mut heard = 0;
    let part = model.caption(photo, &greedy(), |_| {
        heard += 1;
        if heard == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert!(heard == 2 && part.unwrap().text.len() < whole.text.len());
    // A beam of which no sentence is lost, and as many words as are asked for.
    let beam =
        model.caption(photo, &Search { beam: 3, length_penalty: 0.0, ..greedy() }, |_| ControlFlow::Continue(()));
    assert!(beam.unwrap().text.len() > 1);
    let photos = tiled(48);
    let words = |photo, max_words| {
        let search = Search { max_words, ..greedy() };
        model.caption(photo, &search, |_| ControlFlow::Continue(())).unwrap().words.len()
    };
    let (longest, photo) =
        photos.iter().map(|photo| (words(photo, 30), photo)).max_by_key(|(words, _)| *words).unwrap();
    // A sentence of made-up weights may begin in the middle of a word, which is none that begins.
    assert!(longest > 3 && words(photo, 2) <= 3, "{longest}, {}", words(photo, 2));
}

#[test]
fn blip_answers_questions_token_for_token_as_transformers_does() {
    let model = agrees("blip_questions");
    let photo = &tiled(48)[0];
    let on_caption = |_| ControlFlow::Continue(());
    assert!(matches!(model.caption(photo, &greedy(), on_caption), Err(VlmError::NoCaptions { .. })));
    let ask = |question: &str| model.answer(photo, question, &greedy(), |_| ControlFlow::Continue(()));
    assert!(!ask("what is the dog doing?").unwrap().text.is_empty());
    for question in ["", "  ", &"what is this ".repeat(200)] {
        assert_eq!(ask(question).map_err(|e| e.code()).map(|_| ()), Err("text_bad"), "{question:?}");
    }
}

#[test]
fn smolvlm_writes_token_for_token_as_transformers_does() {
    let model = agrees("smolvlm");
    let photo = &tiled(64)[0];
    let ask = |question: &str| model.answer(photo, question, &greedy(), |_| ControlFlow::Continue(()));
    assert!(!ask("is it snowing?").unwrap().text.is_empty());
    // What stands for the photo's places in a question is text like any other.
    assert!(ask("<image><image> what is this?<end_of_utterance>").is_ok());
    assert!(!model.caption(photo, &greedy(), |_| ControlFlow::Continue(())).unwrap().text.is_empty());
}

#[test]
fn a_beam_finds_a_sentence_at_least_as_likely_as_the_greedy_one() {
    for name in ["blip_captions", "smolvlm"] {
        let pack = pack(name);
        let model = ImageToText::load(pack.path(), DeviceChoice::Cpu).unwrap();
        let photo = &tiled(model.preprocess().size as usize)[1];
        let asked = model.asked("what is this?").unwrap();
        let run = |search: &Search| model.sentence(photo, &asked, search, |_| ControlFlow::Continue(())).unwrap();
        let wide = run(&Search { beam: 4, length_penalty: 0.0, max_tokens: 6, ..greedy() });
        let narrow = run(&Search { max_tokens: 6, ..greedy() });
        let sum = |sentence: &crate::caption::generate::Sentence| sentence.log_probabilities.iter().sum::<f32>();
        assert!(sum(&wide) >= sum(&narrow) - 1e-3, "{name}: {wide:?} {narrow:?}");
    }
}

#[test]
fn published_models_that_write_are_told_by_their_settings_and_by_their_names() {
    for (name, family) in [
        ("blip_captions", Family::BlipCaptions),
        ("blip_questions", Family::BlipQuestions),
        ("smolvlm", Family::SmolVlm),
    ] {
        let source = settings(name);
        let recognised = recognise(source.path()).unwrap();
        assert_eq!((recognised.family, recognised.dims), (family, None));
        assert_eq!(recognised.missing, ["model.safetensors"]);
    }
}

#[test]
fn a_tile_has_the_pixels_of_transformers() {
    let bytes = read("tile.safetensors");
    let photos = crate::golden::photos(260);
    let mosaic = |x: usize, y: usize| &photos[y / 260 * 4 + x / 260][(y % 260 * 260 + x % 260) * 3..][..3];
    let file = SafeTensors::deserialize(&bytes).unwrap();
    for (name, want) in file.tensors() {
        let (width, height) = name.split_once('.').unwrap();
        let (width, height): (usize, usize) = (width.parse().unwrap(), height.parse().unwrap());
        let rgb: Vec<u8> = (0..width * height).flat_map(|at| mosaic(at % width, at / width)).copied().collect();
        let (fit, filter) = (Fit::OneTile, Filter::Lanczos);
        let preprocess = Preprocess { size: 128, fit, filter, mean: [0.0; 3], std: [1.0; 3] };
        let got = preprocess.prepare(width as u32, height as u32, &rgb).unwrap();
        let got: Vec<u8> = got.as_bytes().iter().step_by(5).copied().collect();
        assert_eq!(got.len(), want.data().len());
        let worst = got.iter().zip(want.data()).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
        println!("{name}: off by {worst} at most");
        assert!(worst <= 1, "{name}: off by {worst}");
    }
}

/// A copy of a checkpoint of a few numbers.
fn tiny(name: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in std::fs::read_dir(golden(name)).unwrap() {
        let path = file.unwrap().path();
        std::fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
    }
    folder
}

#[test]
fn a_checkpoint_that_writes_is_converted_from_a_pickle_from_safetensors_and_from_bf16() {
    for name in ["tiny_captions", "tiny_questions", "tiny_smolvlm"] {
        let (source, pack) = (tiny(name), tempfile::tempdir().unwrap());
        let recognised = recognise(source.path()).unwrap();
        assert!(recognised.missing.is_empty() && recognised.weight_bytes > 10_000, "{recognised:?}");
        std::fs::remove_file(source.path().join("config.json")).unwrap();
        let by_names = recognise(source.path()).unwrap();
        assert_eq!((by_names.family, by_names.missing), (recognised.family, vec!["config.json".to_owned()]));
        let source = tiny(name);
        let info = convert(source.path(), pack.path(), &super::tests::about(), &mut |_, _| true).unwrap();
        info.verify(pack.path()).unwrap();
        let model = ImageToText::load(pack.path(), DeviceChoice::Cpu).unwrap();
        let photo = ModelInput(vec![7; 16 * 16 * 3]);
        let ids = model.asked("what is the dog doing?").unwrap();
        let sentence = model.sentence(&photo, &ids, &greedy(), |_| ControlFlow::Continue(())).unwrap();
        assert!(sentence.log_probabilities.iter().all(|p| p.is_finite() && *p <= 0.0), "{name}: {sentence:?}");
    }
}

#[test]
fn a_description_of_a_model_that_writes_is_refused_where_its_sizes_cannot_be() {
    for (name, from, to, expected) in [
        ("tiny_captions", "heads = 2", "heads = 3", "heads = 3, which does not divide"),
        ("tiny_captions", "end_id = 3", "end_id = -1", "end_id = -1"),
        ("tiny_captions", "vocabulary = ", "vocabulary = 9", "vocabulary"),
        ("tiny_captions", "patch_size = 8", "patch_size = 0", "patch_size"),
        ("tiny_smolvlm", "kv_heads = 2", "kv_heads = 3", "kv_heads = 3"),
        ("tiny_smolvlm", "scale_factor = 2", "scale_factor = 0", "scale_factor = 0"),
        ("tiny_smolvlm", "rope_theta = 10000.0", "rope_theta = -1.0", "rope_theta"),
        ("tiny_smolvlm", "max_len = 128", "max_len = 100000000000", "max_len"),
        ("tiny_smolvlm", "kind = \"idefics3\"", "kind = \"idefics3\"\nsidewise = 1", "sidewise"),
        ("tiny_questions", "dims = 0", "dims = 8", "dims"),
    ] {
        let (source, pack) = (tiny(name), tempfile::tempdir().unwrap());
        convert(source.path(), pack.path(), &super::tests::about(), &mut |_, _| true).unwrap();
        let path = pack.path().join(crate::INFO_FILE);
        let good = std::fs::read_to_string(&path).unwrap();
        assert!(good.contains(from), "{from:?} in {good}");
        std::fs::write(&path, good.replacen(from, to, 1)).unwrap();
        let error = ImageToText::load(pack.path(), DeviceChoice::Cpu).unwrap_err();
        let fits =
            matches!(error, VlmError::BadInfo { .. } | VlmError::BadWeights { .. } | VlmError::BadTokenizer { .. });
        assert!(
            fits && (error.to_string().contains(expected) || !matches!(error, VlmError::BadInfo { .. })),
            "{error}"
        );
    }
}

/// Slow: a minute and some gigabytes each.
fn published(name: &str) {
    if std::env::var_os("SIGHTLINE_SLOW_TESTS").is_none() {
        return println!("SKIPPED: {name} takes a minute; SIGHTLINE_SLOW_TESTS=1 runs it");
    }
    let pack = pack(name);
    let began = Instant::now();
    let model = ImageToText::load(pack.path(), DeviceChoice::Cpu).unwrap();
    println!("{name}: loaded in {:.1?}", began.elapsed());
    hold(name, &model, usize::MAX);
}

#[test]
fn blip_at_its_published_size_describes_as_transformers_does() {
    published("blip_captions_base");
}

#[test]
fn blip_at_its_published_size_answers_as_transformers_does() {
    published("blip_questions_base");
}

#[test]
fn smolvlm_at_its_published_size_writes_as_transformers_does() {
    published("smolvlm_256m");
}
