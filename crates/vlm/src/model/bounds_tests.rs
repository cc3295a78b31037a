//! Descriptions and files that nobody means well with are refused before anything is allocated, and without waiting.

use std::path::Path;
use std::sync::mpsc::channel;
use std::time::Duration;

use super::*;
use crate::{INFO_FILE, VlmError, checkpoint, packs};

#[test]
fn a_description_of_the_bundled_layout_with_sizes_that_cannot_be_is_refused() {
    let good = std::fs::read_to_string(crate::golden::model().join(INFO_FILE)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(INFO_FILE);
    std::fs::write(&path, &good).unwrap();
    ModelInfo::read(folder.path()).unwrap();
    let huge = "100000000000";
    for (section, key, value, expected) in [
        ("preprocess", "size", "100000", "preprocess.size = 100000, expected 1 to 1024"),
        ("preprocess", "size", "4000", "preprocess.size = 4000"),
        ("preprocess", "size", "0", "preprocess.size = 0"),
        ("preprocess", "size", "1", "preprocess.size = 1, which"),
        ("preprocess", "size", "224", "preprocess.size = 224, which"),
        ("preprocess", "size", "288", ""),
        ("preprocess", "std", "[0.5, 0.0, 0.5]", "preprocess.std"),
        ("preprocess", "mean", "[0.5, nan, 0.5]", "preprocess.mean"),
        ("heads", "members", huge, "heads.members = 100000000000"),
        ("heads", "members", "0", "heads.members = 0"),
        ("heads", "members", "3", "heads.members = 3, which does not divide"),
        ("heads", "image_hidden", huge, "heads.image_hidden"),
        ("heads", "text_hidden", huge, "heads.text_hidden"),
        ("heads", "features", huge, "heads.features = 100000000000, expected 1280"),
        ("heads", "summary", huge, "heads.summary"),
        ("heads", "text_width", "2", "heads.text_width"),
        ("heads", "dims", huge, "expected heads.dims"),
        ("descriptor", "dims", huge, "descriptor.dims"),
        ("descriptor", "dims", "0", "descriptor.dims"),
        ("descriptor", "features", huge, "descriptor.features"),
        ("descriptor", "summary", "1", "descriptor.summary"),
        ("decoder", "vocabulary", huge, "decoder.vocabulary"),
        ("decoder", "longest", huge, "decoder.longest"),
        ("decoder", "width", huge, "decoder.width"),
        ("decoder", "hidden", huge, "decoder.hidden"),
        ("decoder", "heads", "0", "decoder.heads = 0"),
        ("decoder", "heads", "7", "decoder.heads = 7, which does not divide"),
        ("decoder", "memory_layers", huge, "decoder.memory_layers"),
        ("decoder", "layers", huge, "decoder.layers"),
        ("decoder", "features", "1", "decoder.features"),
        ("decoder", "positions", huge, "decoder.positions = 100000000000, expected 81"),
        ("decoder", "shared", huge, "decoder.shared"),
        ("languages", "vocabulary", huge, "languages.vocabulary = 100000000000"),
        ("languages", "hidden", "0", "languages.hidden = 0"),
        ("languages", "other", "0.9", "languages.other = 0.9, languages.english = 0.5, expected cosines"),
        ("languages", "english", "nan", "languages.english = NaN"),
        ("tokenizer", "max_len", "1000000000000", "tokenizer.max_len = 1000000000000"),
        ("tokenizer", "max_len", "1", "tokenizer.max_len = 1, expected 2 to 512"),
        ("tokenizer", "pad_id", "40000", "tokenizer.pad_id = 40000"),
    ] {
        let mut info: toml::Table = toml::from_str(&good).unwrap();
        if expected.is_empty() {
            info.remove("decoder");
        }
        let empty = || toml::Value::Table(toml::Table::new());
        let table = info.entry(section).or_insert_with(empty).as_table_mut().unwrap();
        let changed: toml::Table = toml::from_str(&format!("{key} = {value}")).unwrap();
        table.extend(changed);
        std::fs::write(&path, toml::to_string(&info).unwrap()).unwrap();
        match ModelInfo::read(folder.path()) {
            Ok(_) => assert!(expected.is_empty(), "{section}.{key} = {value} is taken"),
            Err(error) => {
                assert!(matches!(error, VlmError::BadInfo { .. }), "{error}");
                assert!(!expected.is_empty() && error.to_string().contains(expected), "{error}, expected {expected:?}");
            }
        }
    }
}

/// What `work` gives; it must not wait for a pipe.
#[cfg(unix)]
fn at_once<T: Send + 'static>(what: &str, work: impl FnOnce() -> T + Send + 'static) -> T {
    let (give, take) = channel();
    std::thread::spawn(move || give.send(work()));
    take.recv_timeout(Duration::from_secs(20)).unwrap_or_else(|_| panic!("{what} waits"))
}

#[cfg(unix)]
fn pipe(path: &Path) {
    assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[cfg(unix)]
#[test]
fn a_pipe_in_the_place_of_a_file_is_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    for name in [INFO_FILE, "config.json", "open_clip_config.json", "a.safetensors", "proof.json", TOKENIZER_FILE] {
        pipe(&path(name));
    }
    let dir = folder.path().to_owned();
    let info = at_once(INFO_FILE, move || ModelInfo::read(&dir).unwrap_err());
    assert!(matches!(info, VlmError::BadInfo { .. }), "{info}");
    let list = path(INFO_FILE);
    let list = at_once("a list of packs", move || packs::published_in(&list).unwrap_err());
    assert!(matches!(list, VlmError::BadInfo { .. }), "{list}");
    let weights = path("a.safetensors");
    let rows = at_once("weights", move || weights::load_rows(&weights, "shared", 8).unwrap_err());
    assert!(matches!(rows, VlmError::BadWeights { .. }), "{rows}");
    let weights = path("a.safetensors");
    let guard = at_once("the guard", move || Guard::load(&weights).unwrap_err());
    assert!(matches!(guard, VlmError::BadWeights { .. }), "{guard}");
    let weights = path("a.safetensors");
    let sum = at_once("the checksum", move || FileInfo::of(&weights).unwrap_err());
    assert!(matches!(sum, VlmError::Io { .. }), "{sum}");
    let dir = folder.path().to_owned();
    assert!(at_once("proof.json", move || Proof::read(&dir, "x")).is_none());
    let file = path(TOKENIZER_FILE);
    let tokens = at_once(TOKENIZER_FILE, move || Tokenizer::read(&file, &TokenizerConfig::default()).unwrap_err());
    assert!(matches!(tokens, VlmError::BadTokenizer { .. }), "{tokens}");
    // A description that says that the pipe has no bytes.
    let good = std::fs::read_to_string(crate::golden::model().join(INFO_FILE)).unwrap();
    let mut info: toml::Table = toml::from_str(&good).unwrap();
    let file: toml::Table = toml::from_str("[\"a.safetensors\"]\nbytes = 0\nsha256 = \"\"").unwrap();
    info.insert("files".into(), toml::Value::Table(file));
    std::fs::remove_file(path(INFO_FILE)).unwrap();
    std::fs::write(path(INFO_FILE), toml::to_string(&info).unwrap()).unwrap();
    let info = ModelInfo::read(folder.path()).unwrap();
    let dir = folder.path().to_owned();
    let verified = at_once("the check of a model", move || info.verify(&dir).unwrap_err());
    assert!(matches!(verified, VlmError::WrongFile { .. }), "{verified}");
}

#[cfg(unix)]
#[test]
fn a_pipe_in_the_place_of_a_checkpoints_settings_is_refused_at_once() {
    for name in ["config.json", "open_clip_config.json", "preprocessor_config.json"] {
        let folder = tempfile::tempdir().unwrap();
        if name.starts_with("pre") {
            std::fs::write(folder.path().join("config.json"), r#"{"model_type":"clip"}"#).unwrap();
        }
        pipe(&folder.path().join(name));
        let dir = folder.path().to_owned();
        let error = at_once(name, move || checkpoint::recognise(&dir).unwrap_err());
        assert!(matches!(&error, VlmError::BadCheckpoint { path, .. } if path.ends_with(name)), "{error}");
    }
}

#[test]
fn a_checkpoint_with_sizes_that_cannot_be_is_refused_by_its_settings_alone() {
    let huge = "4000000000";
    for (settings, expected) in [
        (format!(r#"{{"model_type":"clip","vision_config":{{"num_hidden_layers":{huge}}}}}"#), "image.layers"),
        (format!(r#"{{"model_type":"clip","text_config":{{"num_hidden_layers":{huge}}}}}"#), "text.layers"),
        (format!(r#"{{"model_type":"siglip","text_config":{{"num_hidden_layers":{huge}}}}}"#), "text.layers"),
        (format!(r#"{{"model_type":"chinese_clip","text_config":{{"num_hidden_layers":{huge}}}}}"#), "text.layers"),
        (r#"{"model_type":"clip","vision_config":{"patch_size":0}}"#.into(), "image.patch_size = 0"),
        (r#"{"model_type":"clip","vision_config":{"image_size":0}}"#.into(), "image.image_size = 0"),
        (r#"{"model_type":"clip","vision_config":{"image_size":4294967520}}"#.into(), "image.image_size"),
        (r#"{"model_type":"clip","vision_config":{"num_attention_heads":0}}"#.into(), "image.heads = 0"),
        (blip(r#""patch_size":0"#, ""), "image.patch_size = 0"),
        (blip("", &format!(r#""num_hidden_layers":{huge}"#)), "text.layers"),
        (idefics3(r#""num_attention_heads":0"#), "num_attention_heads"),
        (idefics3(&format!(r#""num_hidden_layers":{huge}"#)), "text.layers"),
        (idefics3(r#""num_key_value_heads":0"#), "kv_heads = 0"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("config.json"), &settings).unwrap();
        refused(folder.path(), "config.json", expected);
    }
    for (settings, expected) in [
        (format!(r#"{{"model_cfg":{{"vision_cfg":{{"layers":{huge}}}}}}}"#), "image.layers"),
        (r#"{"model_cfg":{"vision_cfg":{"patch_size":0}}}"#.into(), "image.patch_size = 0"),
        (format!(r#"{{"model_cfg":{{"text_cfg":{{"context_length":{huge}}}}}}}"#), "text.max_len"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("open_clip_config.json"), &settings).unwrap();
        refused(folder.path(), "open_clip_config.json", expected);
    }
}

fn blip(vision: &str, text: &str) -> String {
    format!(
        r#"{{"model_type":"blip","architectures":["BlipForConditionalGeneration"],"vision_config":{{{vision}}},"text_config":{{{text}}}}}"#
    )
}

fn idefics3(text: &str) -> String {
    format!(
        r#"{{"model_type":"idefics3","vision_config":{{"image_size":512,"patch_size":16}},"text_config":{{{text}}}}}"#
    )
}

fn refused(folder: &Path, name: &str, expected: &str) {
    let about = checkpoint::About {
        name: "test".into(),
        summary: "A test".into(),
        licences: Vec::new(),
        source: String::new(),
    };
    let converted = checkpoint::convert(folder, &folder.join("pack"), &about, &mut |_, _| true).unwrap_err();
    for error in [checkpoint::recognise(folder).unwrap_err(), converted] {
        assert!(matches!(&error, VlmError::BadCheckpoint { path, .. } if path.ends_with(name)), "{error}");
        assert!(error.to_string().contains(expected), "{error}, expected {expected:?}");
    }
}
