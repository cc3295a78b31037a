//! Fitting the heads.

use std::path::Path;
use std::time::Instant;

use half::f16;
use sightline_vlm::train::{CELLS, ClassTexts, Encoder, GroupTexts, TrainConfig, TrainingData, View, fit};
use sightline_vlm::{HeadsConfig, convert};

use super::dataset::{Split, keep, prepared};
use super::{Place, names, preprocess};

/// Photos of one call of the tower.
const BATCH: usize = 16;

/// Fits the heads on `train`, watches `dev`, writes `heads.safetensors`.
pub fn train(efficientnet: &Path, seed: u64, place: &Place) -> anyhow::Result<()> {
    std::fs::create_dir_all(&place.work)?;
    let classifier = convert::efficientnet_lite(efficientnet, &place.work.join("image.safetensors"))?;
    let encoder = Encoder::load(&place.out)?;
    let (features, summary, width) = encoder.widths();
    let classes = names::classes()?;
    let groups = names::groups(&classes);
    let vectors = |sentences: Vec<Vec<String>>| sentence_lists(&encoder, sentences, width);
    let class_texts = ClassTexts {
        by_class: vectors(classes.iter().map(names::Class::sentences).collect())?,
        evaluation: vectors(classes.iter().map(names::Class::prompts).collect())?,
    };
    let group_texts = GroupTexts {
        by_group: vectors(groups.iter().map(|(name, _)| names::group_sentences(name)).collect())?,
        members: groups.into_iter().map(|(_, members)| members).collect(),
    };
    let data = |split: &str, views: usize| -> anyhow::Result<TrainingData> {
        let photos = Split::read(&place.data, split)?;
        Ok(TrainingData {
            features,
            summary,
            width,
            views: (0..views)
                .map(|view| cached_view(&encoder, &photos, view == 1, &place.work.join(format!("{split}-{view}.f16"))))
                .collect::<anyhow::Result<_>>()?,
            captions: encoder.sentences(&photos.captions, |done| report("captions", done, photos.captions.len()))?,
            captions_per_photo: photos.per_photo,
            classes: class_texts.clone(),
            groups: group_texts.clone(),
            classifier: classifier.clone(),
        })
    };
    let (train, dev) = (data("train", 2)?, data("dev", 1)?);
    let config = TrainConfig::new(HeadsConfig::new()).with_seed(seed);
    let start = Instant::now();
    fit(
        &config,
        &train,
        &dev,
        &place.out.join("heads.safetensors"),
        |step| {
            if step.done % 20 == 0 {
                let eta = start.elapsed().as_secs_f64() / step.done as f64 * (step.total - step.done) as f64;
                println!(
                    "step {}/{}: captions {:.3}, classifier {:.3}, {eta:.0} s left",
                    step.done, step.total, step.contrastive, step.distillation
                );
            }
        },
        |epoch, s| {
            println!(
                "epoch {epoch}, dev: text-to-image {:.1}/{:.1}/{:.1}, image-to-text {:.1}/{:.1}/{:.1}, \
                 classifier {:.1}, probes {:.1}",
                s.text_to_image.r1,
                s.text_to_image.r5,
                s.text_to_image.r10,
                s.image_to_text.r1,
                s.image_to_text.r5,
                s.image_to_text.r10,
                s.agreement,
                s.probe_agreement
            );
        },
    )?;
    Ok(())
}

/// Sentence vectors of lists of sentences, list by list.
fn sentence_lists(encoder: &Encoder, lists: Vec<Vec<String>>, width: usize) -> anyhow::Result<Vec<Vec<f32>>> {
    let all: Vec<String> = lists.concat();
    let vectors = encoder.sentences(&all, |done| report("names", done, all.len()))?;
    let mut rest = vectors.as_slice();
    Ok(lists
        .iter()
        .map(|list| {
            let (own, later) = rest.split_at(list.len() * width);
            rest = later;
            own.to_vec()
        })
        .collect())
}

/// What the tower gives for a split, computed once and kept in `file` (f16: all means, all maxima, all summaries).
pub(super) fn cached_view(encoder: &Encoder, split: &Split, mirrored: bool, file: &Path) -> anyhow::Result<View> {
    if let Ok(bytes) = std::fs::read(file) {
        let numbers: Vec<f16> = bytes.chunks_exact(2).map(|b| f16::from_le_bytes([b[0], b[1]])).collect();
        let (features, summary, _) = encoder.widths();
        let cells = numbers.len() / (2 * CELLS * features + summary) * CELLS * features;
        let (mean, rest) = numbers.split_at(cells);
        let (max, summary) = rest.split_at(cells);
        return Ok(View { mean: mean.to_vec(), max: max.to_vec(), summary: summary.to_vec() });
    }
    let preprocess = preprocess();
    let mut view = View::default();
    for (n, batch) in split.photos.chunks(BATCH).enumerate() {
        let photos = batch
            .iter()
            .map(|path| prepared(path, &preprocess).map(|p| if mirrored { p.mirrored() } else { p }))
            .collect::<anyhow::Result<Vec<_>>>()?;
        encoder.append_cells(&preprocess, &photos, &mut view);
        report("photos", n * BATCH + batch.len(), split.photos.len());
    }
    keep(view.mean.iter().chain(&view.max).chain(&view.summary), file)?;
    Ok(view)
}

fn report(what: &str, done: usize, total: usize) {
    if done == total || done % 1024 < BATCH {
        println!("{what}: {done}/{total}");
    }
}
