//! The towers against PyTorch and transformers on fixed inputs; `tests/golden/make.py` makes the references.

use std::path::{Path, PathBuf};

use std::ops::ControlFlow;

use burn::tensor::activation::{log_softmax, relu6};
use burn::tensor::{Device, Int, Tensor, TensorData};
use safetensors::SafeTensors;

use crate::caption::decoder::Decoder;
use crate::cpu::CpuEfficientNet;
use crate::languages::{LANGUAGE_FILES, LanguageTower};
use crate::model::{IMAGE_FILE, TEXT_FILE, TOKENIZER_FILE, token_tensors};
use crate::model::{Tokenizer, TokenizerConfig};
use crate::nn::bert::BertConfig;
use crate::nn::efficientnet::EfficientNetConfig;
use crate::{CAPTION_FILES, DecoderConfig, DeviceChoice, DeviceKind, Model, ModelInfo, Search, adapters, weights};

/// Largest difference from the reference that is let pass.
const TOLERANCE: f32 = 1e-4;

pub(crate) fn model() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/models/home-1")
}

fn golden(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)).unwrap()
}

fn floats(file: &SafeTensors<'_>, name: &str) -> Vec<f32> {
    file.tensor(name).unwrap().data().chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect()
}

fn worst(got: &[f32], want: &[f32]) -> f32 {
    assert_eq!(got.len(), want.len());
    assert!(got.iter().all(|v| v.is_finite()));
    got.iter().zip(want).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

/// Eight photos, their upper left corners of `side` pixels, RGB8.
pub(crate) fn photos(side: usize) -> Vec<Vec<u8>> {
    let bytes = golden("image.safetensors");
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let pixels = file.tensor("pixels").unwrap();
    let own = pixels.shape()[1];
    let corner =
        |photo: &[u8]| photo.chunks_exact(own * 3).take(side).flat_map(|row| &row[..side * 3]).copied().collect();
    pixels.data().chunks_exact(own * own * 3).map(corner).collect()
}

/// Eight photos, normalised, `[8, 260, 260, 3]`.
fn normalised(file: &SafeTensors<'_>) -> (Vec<f32>, usize) {
    let pixels = file.tensor("pixels").unwrap();
    let side = pixels.shape()[1];
    (pixels.data().iter().map(|&v| (f32::from(v) - 127.0) / 128.0).collect(), side)
}

#[test]
fn the_image_tower_agrees_with_pytorch_layer_by_layer() {
    let bytes = golden("image.safetensors");
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let (floats_of_photos, side) = normalised(&file);
    let device = Device::flex();
    let mut tower = EfficientNetConfig::new().init(&device);
    weights::load(&mut tower, &model().join(IMAGE_FILE)).unwrap();
    let first = floats_of_photos[..side * side * 3].to_vec();
    let pixels = Tensor::<4>::from_data(TensorData::new(first, [1, side, side, 3]), &device).permute([0, 3, 1, 2]);
    let mut x = relu6(tower.stem.forward(pixels));
    for layer in 0..=tower.blocks.len() {
        if layer > 0 {
            x = tower.blocks[layer - 1].forward(x);
        }
        let rows = x.dims()[2];
        let row = x.clone().narrow(2, rows / 2, 1).into_data().try_to_vec::<f32>().unwrap();
        let off = worst(&row, &floats(&file, &format!("layer.{layer}")));
        assert!(off < TOLERANCE, "layer {layer} is off by {off}");
    }
}

#[test]
fn the_features_of_eight_photos_agree_with_pytorch() {
    let bytes = golden("image.safetensors");
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let (photos, side) = normalised(&file);
    let photos: Vec<Vec<f32>> = photos.chunks_exact(side * side * 3).map(<[f32]>::to_vec).collect();
    assert_eq!(photos.len(), 8);
    let mut tower = EfficientNetConfig::new().init(&Device::flex());
    weights::load(&mut tower, &model().join(IMAGE_FILE)).unwrap();
    let got = CpuEfficientNet::new(&tower).forward(&photos, side);
    let maps: Vec<f32> = got.iter().flat_map(|photo| &photo.map).copied().collect();
    let off = worst(&maps, &floats(&file, "features"));
    assert!(off < TOLERANCE, "off by {off}");
    let summaries: Vec<f32> = got.iter().flat_map(|photo| &photo.summary).copied().collect();
    let off = worst(&summaries, &floats(&file, "summary"));
    assert!(off < TOLERANCE, "the summary is off by {off}");
}

#[test]
fn the_text_tower_agrees_with_transformers() {
    let bytes = golden("text.safetensors");
    let want = floats(&SafeTensors::deserialize(&bytes).unwrap(), "sentences");
    let text = String::from_utf8(golden("sentences.txt")).unwrap();
    let sentences: Vec<&str> = text.split('\n').collect();
    let device = Device::flex();
    let mut tower = BertConfig::new().init(&device);
    weights::load(&mut tower, &model().join(TEXT_FILE)).unwrap();
    let tokenizer = Tokenizer::read(&model().join(TOKENIZER_FILE), &TokenizerConfig::default()).unwrap();
    let (ids, mask) = token_tensors(&tokenizer.encode(&sentences).unwrap(), &device);
    let got = tower.forward(ids, mask).into_data().try_to_vec::<f32>().unwrap();
    let off = worst(&got, &want);
    assert!(off < TOLERANCE, "off by {off}");
}

/// Whole numbers as features: `(i * factor + shift) % modulus / modulus`, as the reference makes them.
fn made_up(count: usize, factor: usize, shift: usize, modulus: usize) -> Vec<f32> {
    (0..count).map(|i| ((i * factor + shift) % modulus) as f32 / modulus as f32).collect()
}

#[test]
fn the_caption_decoder_agrees_with_pytorchs_layers() {
    let bytes = golden("caption.safetensors");
    let want = floats(&SafeTensors::deserialize(&bytes).unwrap(), "log_probabilities");
    let device = Device::flex();
    let decoder = Decoder::load(&model().join(CAPTION_FILES[0]), &DecoderConfig::new()).unwrap();
    let maps: Vec<f32> = made_up(2 * 81 * 1280, 37, 11, 601).into_iter().map(|v| v * 3.0).collect();
    let mut shared: Vec<f32> = made_up(2 * 512, 53, 7, 211).into_iter().map(|v| v - 0.5).collect();
    for row in shared.chunks_exact_mut(512) {
        let norm = row.iter().map(|v| v * v).sum::<f32>().sqrt();
        row.iter_mut().for_each(|v| *v /= norm);
    }
    let maps = Tensor::<3>::from_data(TensorData::new(maps, [2, 81, 1280]), &device);
    let shared = Tensor::<2>::from_data(TensorData::new(shared, [2, 512]), &device);
    let ids = vec![1, 40, 300, 2000, 77, 7999, 5, 12, 1, 6, 7, 8, 9, 10, 11, 4000];
    let ids = Tensor::<2, Int>::from_data(TensorData::new(ids, [2, 8]), &device);
    let states = decoder.states(ids, &decoder.read(maps, shared, None), None);
    let logits = states.reshape([16, 256]).matmul(decoder.word.weight.val().transpose());
    let table = log_softmax(logits, 1).into_data().try_to_vec::<f32>().unwrap();
    let got: Vec<f32> = table.chunks_exact(8000).flat_map(|row| row.iter().step_by(40)).copied().collect();
    let off = worst(&got, &want);
    assert!(off < TOLERANCE, "off by {off}");
    assert!(want.iter().any(|v| *v > -5.0) && want.iter().any(|v| *v < -12.0), "the reference must say something");
}

#[test]
fn the_multilingual_tower_agrees_with_transformers_on_the_published_weights() {
    let bytes = golden("languages.safetensors");
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let text = String::from_utf8(golden("languages.txt")).unwrap();
    let sentences: Vec<&str> = text.split('\n').collect();
    let config = ModelInfo::read(&model()).unwrap().languages.unwrap();
    let tower = LanguageTower::load(&model(), config.vocabulary).unwrap();

    let tokenizer: serde_json::Value =
        serde_json::from_slice(&std::fs::read(model().join(LANGUAGE_FILES[2])).unwrap()).unwrap();
    let tokens = tower.tokens(&sentences).unwrap();
    for (n, (ids, mask)) in tokens.ids.chunks(tokens.tokens).zip(tokens.mask.chunks(tokens.tokens)).enumerate() {
        let piece = |id: &i32| tokenizer["model"]["vocab"][*id as usize][0].as_str().unwrap().to_owned() + "\0";
        let got: String = ids.iter().zip(mask).filter(|(_, mask)| **mask == 1).map(|(id, _)| piece(id)).collect();
        let want = file.tensor(&format!("pieces.{n}")).unwrap();
        assert_eq!(got.as_bytes(), want.data(), "{}: {got}", sentences[n]);
    }

    let want = floats(&file, "sentences");
    let got = tower.sentences(&sentences).unwrap();
    let range = want.iter().fold(0f32, |most, value| most.max(value.abs()));
    let off = worst(&got, &want);
    // Halves of the weights, which have four bits.
    assert!(off < 2e-3 * range, "off by {off} of {range}");
}

/// Mesa's software Vulkan stands in for a GPU: the same tensors, the same kernels' source, another processor.
#[test]
fn the_gpu_path_agrees_with_the_cpu_path() {
    if !adapters().iter().any(|adapter| adapter.software) {
        println!("SKIPPED: no software Vulkan adapter (scripts/setup.sh --tests installs Mesa's)");
        return;
    }
    let bytes = golden("image.safetensors");
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let pixels = file.tensor("pixels").unwrap();
    let side = pixels.shape()[1];
    let texts = ["a dog", "Two dogs run through the snow .", "a cup of coffee on a wooden table"];
    let embed = |choice| {
        let model = Model::load(&model(), choice).unwrap();
        let photos: Vec<_> = pixels
            .data()
            .chunks_exact(side * side * 3)
            .take(2)
            .map(|rgb| model.preprocess().prepare(side as u32, side as u32, rgb).unwrap())
            .collect();
        let mut embeddings =
            model.embed_images(&photos).unwrap().into_iter().map(|photo| photo.shared).collect::<Vec<_>>();
        embeddings.extend(model.embed_texts(&texts).unwrap());
        let search = Search { beam: 1, max_words: 5, ..Search::default() };
        let captions = model.describe(&photos, &search, |_| ControlFlow::Continue(())).unwrap();
        (model.device().kind, embeddings, captions)
    };
    let ((cpu, want, said), (gpu, got, said_there)) = (embed(DeviceChoice::Cpu), embed(DeviceChoice::Software));
    assert_eq!((cpu, gpu), (DeviceKind::Cpu, DeviceKind::SoftwareGpu));
    for (said, there) in said.iter().zip(&said_there) {
        let (caption, caption_there) = (&said.caption, &there.caption);
        assert_eq!(caption.text, caption_there.text);
        assert!((caption.confidence - caption_there.confidence).abs() < 1e-3, "{caption:?} {caption_there:?}");
        assert!(said.photo.dot(&there.photo) > 0.999 && said.text.dot(&there.text) > 0.999);
    }
    assert!(want.iter().zip(&said).all(|(photo, said)| photo.dot(&said.photo) > 0.9999), "the same vector in passing");
    for (number, (want, got)) in want.iter().zip(&got).enumerate() {
        let cosine = want.dot(got);
        assert!(cosine > 0.999, "embedding {number}: cosine {cosine}");
    }
}
