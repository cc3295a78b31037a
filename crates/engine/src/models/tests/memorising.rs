//! A small CLIP that knows the sample photos and the sentences about them, and nothing else: what a model must be to pass its
//! proof, in the layout that transformers keeps it in. Its towers are random; the maps to the shared space are solved for.
//!
//! `crates/vlm/tests/golden/packs/memorising` is written by
//! `cargo test --release --workspace --lib -- --ignored write_the_memorising_clip`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use sightline_vlm::checkpoint::{About, convert};
use sightline_vlm::{DeviceChoice, Model, ModelInfo, proof_sentences};

use crate::decoding::{Decoders, never};
use crate::loading::Loader;

/// Width of both towers.
const WIDTH: usize = 96;
const FFN: usize = 64;
/// Side of the only patch.
const SIDE: usize = 8;
const MAX_LEN: usize = 32;
/// What is added to the diagonal: less is remembered the more exactly, and more of what is rounded shows.
const RIDGE: f64 = 1e-3;

/// The repository's folder.
pub(super) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The checkpoint as it is committed.
pub(super) fn memorising() -> PathBuf {
    repository().join("crates/vlm/tests/golden/packs/memorising")
}

type Tensors = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

/// Writes 32-bit tensors as a safetensors file.
pub(super) fn write_tensors(path: &Path, tensors: &Tensors) {
    let (mut header, mut data) = (serde_json::Map::new(), Vec::new());
    for (name, (shape, floats)) in tensors {
        assert_eq!(shape.iter().product::<usize>(), floats.len(), "{name}");
        let start = data.len();
        data.extend(floats.iter().flat_map(|value| value.to_le_bytes()));
        header.insert(name.clone(), json!({ "dtype": "F32", "shape": shape, "data_offsets": [start, data.len()] }));
    }
    let header = serde_json::to_vec(&header).unwrap();
    let bytes = [&(header.len() as u64).to_le_bytes()[..], &header, &data].concat();
    std::fs::write(path, bytes).unwrap();
}

fn words() -> Vec<String> {
    let mut words: Vec<String> = proof_sentences()
        .flat_map(|[english, _]| {
            english.split_whitespace().map(|word| word.trim_matches(',').to_owned()).collect::<Vec<_>>()
        })
        .collect();
    words.sort();
    words.dedup();
    words
}

fn tokenizer() -> Value {
    let ids: BTreeMap<String, usize> = ["[UNK]".to_owned(), ",".to_owned()]
        .into_iter()
        .chain(words())
        .chain(["[END]".to_owned()])
        .enumerate()
        .map(|(id, word)| (word, id))
        .collect();
    let end = ids["[END]"];
    json!({
        "version": "1.0",
        "added_tokens": [],
        "pre_tokenizer": { "type": "WhitespaceSplit" },
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [{ "Sequence": { "id": "A", "type_id": 0 } }, { "SpecialToken": { "id": "[END]", "type_id": 0 } }],
            "pair": [{ "Sequence": { "id": "A", "type_id": 0 } }, { "Sequence": { "id": "B", "type_id": 1 } }],
            "special_tokens": { "[END]": { "id": "[END]", "ids": [end], "tokens": ["[END]"] } },
        },
        "model": { "type": "WordLevel", "vocab": ids, "unk_token": "[UNK]" },
    })
}

fn settings(dims: usize, vocabulary: usize) -> [(&'static str, Value); 3] {
    let tower = json!({ "hidden_size": WIDTH, "intermediate_size": FFN, "num_hidden_layers": 1, "num_attention_heads": 2,
                        "hidden_act": "quick_gelu" });
    let with = |more: Value| -> Value {
        let mut tower = tower.clone();
        tower.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        tower
    };
    let text = json!({ "vocab_size": vocabulary, "max_position_embeddings": MAX_LEN, "eos_token_id": 2 });
    let config = json!({
        "model_type": "clip",
        "projection_dim": dims,
        "text_config": with(text),
        "vision_config": with(json!({ "image_size": SIDE, "patch_size": SIDE })),
    });
    let preparation = json!({ "crop_size": { "height": SIDE, "width": SIDE }, "do_center_crop": true,
                              "size": { "shortest_edge": SIDE } });
    [("config.json", config), ("preprocessor_config.json", preparation), ("tokenizer.json", tokenizer())]
}

/// Both towers with random weights, and maps to the shared space `[WIDTH, dims]`.
fn towers(vocabulary: usize, image: &[f32], text: &[f32], dims: usize) -> Tensors {
    let mut rng = StdRng::seed_from_u64(11);
    let mut tensors = Tensors::new();
    let mut random = |name: &str, shape: &[usize], size: f32| {
        let count = shape.iter().product();
        let floats = (0..count).map(|_| rng.random_range(-size..=size)).collect();
        tensors.insert(name.to_owned(), (shape.to_vec(), floats));
    };
    let of = |fan_in: usize| (3.0 / fan_in as f32).sqrt();
    for tower in ["vision_model", "text_model"] {
        let layer = format!("{tower}.encoder.layers.0");
        for (part, input, output, size) in [
            ("self_attn.q_proj", WIDTH, WIDTH, 0.01),
            ("self_attn.k_proj", WIDTH, WIDTH, 0.01),
            ("self_attn.v_proj", WIDTH, WIDTH, of(WIDTH)),
            ("self_attn.out_proj", WIDTH, WIDTH, of(WIDTH)),
            ("mlp.fc1", WIDTH, FFN, of(WIDTH)),
            ("mlp.fc2", FFN, WIDTH, 0.3 * of(FFN)),
        ] {
            random(&format!("{layer}.{part}.weight"), &[output, input], size);
            random(&format!("{layer}.{part}.bias"), &[output], 0.0);
        }
    }
    random("vision_model.embeddings.class_embedding", &[WIDTH], 0.02);
    random("vision_model.embeddings.patch_embedding.weight", &[WIDTH, 3, SIDE, SIDE], of(3 * SIDE * SIDE));
    random("vision_model.embeddings.position_embedding.weight", &[2, WIDTH], 0.02);
    random("text_model.embeddings.token_embedding.weight", &[vocabulary, WIDTH], 1.0);
    random("text_model.embeddings.position_embedding.weight", &[MAX_LEN, WIDTH], 0.1);
    random("logit_scale", &[], 1.0);
    for norm in [
        "vision_model.pre_layrnorm",
        "vision_model.post_layernorm",
        "text_model.final_layer_norm",
        "vision_model.encoder.layers.0.layer_norm1",
        "vision_model.encoder.layers.0.layer_norm2",
        "text_model.encoder.layers.0.layer_norm1",
        "text_model.encoder.layers.0.layer_norm2",
    ] {
        tensors.insert(format!("{norm}.weight"), (vec![WIDTH], vec![1.0; WIDTH]));
        tensors.insert(format!("{norm}.bias"), (vec![WIDTH], vec![0.0; WIDTH]));
    }
    for (name, map) in [("visual_projection.weight", image), ("text_projection.weight", text)] {
        let turned = (0..dims * WIDTH).map(|at| map[at % WIDTH * dims + at / WIDTH]).collect();
        tensors.insert(name.into(), (vec![dims, WIDTH], turned));
    }
    tensors
}

fn checkpoint(folder: &Path, dims: usize, image: &[f32], text: &[f32]) {
    let vocabulary = words().len() + 3;
    for (name, value) in settings(dims, vocabulary) {
        std::fs::write(folder.join(name), serde_json::to_string_pretty(&value).unwrap() + "\n").unwrap();
    }
    write_tensors(&folder.join("model.safetensors"), &towers(vocabulary, image, text, dims));
}

/// The map `[WIDTH, targets]` that takes each row of `features` to the place in `places`: ridge regression,
/// Fᵀ (F Fᵀ + λ I)⁻¹ T, by Gauss elimination.
fn solved(features: &[Vec<f32>], places: &[usize], targets: usize) -> Vec<f32> {
    let n = features.len();
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    let mut rows: Vec<Vec<f64>> = (0..n)
        .map(|i| {
            let own = (0..n).map(|j| dot(&features[i], &features[j]) + if i == j { RIDGE } else { 0.0 });
            own.chain((0..targets).map(|place| f64::from(u8::from(places[i] == place)))).collect()
        })
        .collect();
    for pivot in 0..n {
        let best = (pivot..n).max_by(|a, b| rows[*a][pivot].abs().total_cmp(&rows[*b][pivot].abs())).unwrap();
        rows.swap(pivot, best);
        let lead = rows[pivot].clone();
        for (_, row) in rows.iter_mut().enumerate().filter(|(at, _)| *at != pivot) {
            let factor = row[pivot] / lead[pivot];
            row.iter_mut().zip(&lead).for_each(|(value, lead)| *value -= factor * lead);
        }
    }
    let weight = |i: usize, place: usize| rows[i][n + place] / rows[i][i];
    (0..WIDTH * targets)
        .map(|at| (0..n).map(|i| f64::from(features[i][at / targets]) * weight(i, at % targets)).sum::<f64>() as f32)
        .collect()
}

#[test]
#[ignore = "writes the checkpoint that the tests use"]
fn write_the_memorising_clip() {
    let dir = tempfile::tempdir().unwrap();
    let identity: Vec<f32> = (0..WIDTH * WIDTH).map(|at| f32::from(at / WIDTH == at % WIDTH)).collect();
    let (plain, pack) = (dir.path().join("plain"), dir.path().join("pack"));
    std::fs::create_dir(&plain).unwrap();
    checkpoint(&plain, WIDTH, &identity, &identity);
    let about = About { name: "plain".into(), summary: String::new(), licences: Vec::new(), source: String::new() };
    convert(&plain, &pack, &about, &mut |_, _| true).unwrap();
    let model = Model::load(&pack, DeviceChoice::Cpu).unwrap();
    let loader =
        Loader::new(std::sync::Arc::new(Decoders::new(None)), ModelInfo::read(&pack).unwrap().preprocess, never());
    let mut names: Vec<PathBuf> = std::fs::read_dir(repository().join("assets/samples"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| ["jpg", "png", "webp"].iter().any(|photo| end == *photo)))
        .collect();
    names.sort();
    let inputs: Vec<_> = names.iter().map(|path| loader.load(path).unwrap()).collect();
    let vector = |vector: &sightline_vlm::Embedding| vector.as_slice().to_vec();
    let photos: Vec<Vec<f32>> =
        model.embed_images(&inputs).unwrap().iter().map(|photo| vector(&photo.shared)).collect();
    let place = |name: &str| names.iter().position(|path| path.ends_with(name)).unwrap();
    let own: Vec<usize> = sightline_vlm::proof_photos().map(place).collect();
    let english: Vec<&str> = proof_sentences().map(|[english, _]| english).collect();
    let sentences: Vec<Vec<f32>> = model.embed_texts(&english).unwrap().iter().map(vector).collect();
    let all: Vec<usize> = (0..photos.len()).collect();
    let image = solved(&photos, &all, photos.len());
    let text = solved(&sentences, &own, photos.len());
    std::fs::create_dir_all(memorising()).unwrap();
    checkpoint(&memorising(), photos.len(), &image, &text);
}
