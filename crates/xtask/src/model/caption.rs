//! Fitting the caption decoder, and measuring it.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, ensure};
use clap::Args;
use half::f16;
use sightline_vlm::metrics::{CaptionScores, score};
use sightline_vlm::train::caption::{CaptionConfig, CaptionStep, Decoder, Photos, Sentences, fit};
use sightline_vlm::{
    CAPTION_FILES, DecoderConfig, DeviceChoice, Model, ModelInfo, Search, Vocabulary, cleaned_caption,
};

use super::Place;
use super::dataset::{Split, prepared};

/// Photos of one call of the tower.
const BATCH: usize = 16;
/// Sentences of one call of the text tower.
const SENTENCES: usize = 512;
/// Shorter or longer sentences than this many words are no captions.
const WORDS: std::ops::RangeInclusive<usize> = 3..=20;
/// Dev photos that are described after each epoch.
const JUDGED: usize = 500;

/// How the decoder is fitted.
#[derive(Args)]
pub struct Options {
    /// Passes over the sentences without photos
    #[arg(long, default_value_t = 1)]
    language_epochs: usize,
    /// Use only this many of the sentences, spread over all of them; for comparisons
    #[arg(long)]
    sentences: Option<usize>,
    /// Passes over the photos
    #[arg(long, default_value_t = 8)]
    epochs: usize,
    /// Share of batches of sentences in which masked spans are restored (MASS)
    #[arg(long, default_value_t = 0.0)]
    masked: f64,
    /// Standard deviation of the noise on sentences' embeddings, relative to their length
    #[arg(long, default_value_t = 0.8)]
    noise: f64,
    /// Highest learning rate
    #[arg(long, default_value_t = 1e-3)]
    learning_rate: f64,
    /// Begin from these weights instead of the sentences
    #[arg(long)]
    init: Option<PathBuf>,
    /// Write the weights here instead of into the model folder
    #[arg(long)]
    to: Option<PathBuf>,
    /// Seed of the run
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

/// Learns the vocabulary and fits the decoder: on sentences, then on photos.
pub fn caption(options: &Options, place: &Place) -> anyhow::Result<()> {
    let sentences: Vec<String> = std::fs::read_to_string(place.data.join("text/captions-en.txt"))
        .context("the sentences are missing; pass --data")?
        .lines()
        .map(cleaned_caption)
        .filter(|sentence| WORDS.contains(&sentence.split(' ').count()))
        .collect();
    let train = Split::read(&place.data, "train")?;
    let own: Vec<String> = train.captions.iter().map(|caption| cleaned_caption(caption)).collect();
    let decoder = DecoderConfig::new();
    // The photos' captions count twice: they are what shall be written.
    let vocabulary = Vocabulary::learn(&[sentences.as_slice(), &own, &own].concat(), decoder.vocabulary)?;
    ensure!(vocabulary.size() == decoder.vocabulary, "{} tokens learned", vocabulary.size());
    vocabulary.save(&place.out.join(CAPTION_FILES[1]))?;

    let model = Model::load(&place.out, DeviceChoice::Cpu)?;
    let photos = described(&model, &train, 2, &vocabulary, place, "train")?;
    let dev_split = Split::read(&place.data, "dev")?;
    let dev = described(&model, &dev_split, 1, &vocabulary, place, "dev")?;
    let shared = decoder.shared;
    let config = CaptionConfig::new(decoder).with_learning_rate(options.learning_rate).with_seed(options.seed);
    let photo_mean = mean(&photos.shared[0], shared);

    let language = place.work.join("caption-language.safetensors");
    let init = match &options.init {
        Some(init) => Some(init.as_path()),
        None if options.language_epochs == 0 => None,
        None => {
            let ids: Vec<Vec<i32>> = sentences.iter().map(|s| vocabulary.encode(s)).collect::<Result<_, _>>()?;
            let mut centred = embedded(&model, &sentences, &place.work.join("caption-sentences.f32"))?;
            let mean = mean(&centred, shared);
            centred.chunks_exact_mut(shared).for_each(|row| row.iter_mut().zip(&mean).for_each(|(v, m)| *v -= m));
            let (ids, centred) = match options.sentences {
                None => (ids, centred),
                Some(wanted) => spread(&ids, &centred, shared, wanted),
            };
            let course = Sentences { ids, centred, noise: options.noise, masked: options.masked };
            let config = config.clone().with_epochs(options.language_epochs).with_batch(256);
            fit(&config, &course, photo_mean.clone(), None, &language, progress("sentences"), |_, _| true)?;
            Some(language.as_path())
        }
    };

    let references: Vec<Vec<String>> =
        dev_split.captions.chunks(dev_split.per_photo).take(JUDGED).map(<[String]>::to_vec).collect();
    let out = options.to.clone().unwrap_or_else(|| place.out.join(CAPTION_FILES[0]));
    let mut best = 0.0;
    let greedy = Search { beam: 1, ..Search::default() };
    let config = config.with_epochs(options.epochs);
    fit(&config, &photos, photo_mean, init, &out, progress("photos"), |epoch, decoder| {
        let captions = dev.described(JUDGED, decoder, &vocabulary, &greedy);
        for (caption, own) in captions.iter().zip(&references).take(3) {
            println!("  {caption} ({})", own[0]);
        }
        let scores = score(&references, &captions);
        println!(
            "epoch {epoch}, dev, greedy: CIDEr-D {:.1}, BLEU-4 {:.1}",
            100.0 * scores.cider_d,
            100.0 * scores.bleu[3]
        );
        // Early stopping: the weights that are kept are those of the best epoch.
        let better = scores.cider_d > best;
        best = best.max(scores.cider_d);
        better
    })?;
    Ok(())
}

/// `wanted` sentences, spread evenly over all, with their rows of `width` numbers.
fn spread(ids: &[Vec<i32>], rows: &[f32], width: usize, wanted: usize) -> (Vec<Vec<i32>>, Vec<f32>) {
    let chosen = (0..wanted.min(ids.len())).map(|n| n * ids.len() / wanted.min(ids.len()));
    chosen.map(|at| (ids[at].clone(), &rows[at * width..(at + 1) * width])).fold(
        Default::default(),
        |mut all, (id, row)| {
            all.0.push(id);
            all.1.extend_from_slice(row);
            all
        },
    )
}

/// Length penalties that are compared on dev.
const PENALTIES: [f32; 2] = [0.7, 1.0];
/// Test photos whose captions are printed, good and bad, for the model card: the first of the split.
const PRINTED: usize = 20;

/// Measures the decoder on dev and test and puts it into `model.toml`.
pub fn finish_captions(place: &Place) -> anyhow::Result<()> {
    let decoder = DecoderConfig::new();
    let trained = Decoder::load(&place.out.join(CAPTION_FILES[0]), &decoder)?;
    let vocabulary = Vocabulary::read(&place.out.join(CAPTION_FILES[1]))?;
    let model = Model::load(&place.out, DeviceChoice::Cpu)?;
    let mut info = ModelInfo::read(&place.out)?;
    let measure =
        |name: &str, trained: &Decoder, search: &Search| -> anyhow::Result<(CaptionScores, Vec<String>, Split)> {
            let split = Split::read(&place.data, name)?;
            let photos = described(&model, &split, 1, &vocabulary, place, name)?;
            let captions = photos.described(usize::MAX, trained, &vocabulary, search);
            let references: Vec<Vec<String>> = split.captions.chunks(split.per_photo).map(<[String]>::to_vec).collect();
            Ok((score(&references, &captions), captions, split))
        };
    for beam in [1, Search::default().beam] {
        for length_penalty in PENALTIES {
            let search = Search { beam, length_penalty, ..Search::default() };
            let (scores, ..) = measure("dev", &trained, &search)?;
            println!("dev, beam {beam}, length penalty {length_penalty}: {}", shown(&scores));
            if beam == 1 {
                break; // a single sentence has nothing to be compared with
            }
            if length_penalty == Search::default().length_penalty {
                record(&mut info, "dev", &scores);
            }
        }
    }
    let (scores, captions, split) = measure("test", &trained, &Search::default())?;
    println!("test, beam {}: {}", Search::default().beam, shown(&scores));
    record(&mut info, "test", &scores);
    for ((photo, caption), own) in split.photos.iter().zip(&captions).zip(split.captions.chunks(5)).take(PRINTED) {
        println!("| {} | {caption} | {} |", photo.file_name().unwrap_or_default().display(), own[0]);
    }
    info.decoder = Some(decoder);
    info.files = super::finish::files(place)?;
    super::finish::write(&info, place)?;
    ModelInfo::read(&place.out)?.verify(&place.out)?;
    Ok(())
}

fn shown(scores: &CaptionScores) -> String {
    let [one, two, three, four] = scores.bleu.map(|share| 100.0 * share);
    let (rouge, cider) = (100.0 * scores.rouge_l, 100.0 * scores.cider_d);
    format!("CIDEr-D {cider:.1}, BLEU {one:.1}/{two:.1}/{three:.1}/{four:.1}, ROUGE-L {rouge:.1}")
}

fn record(info: &mut ModelInfo, split: &str, scores: &CaptionScores) {
    let mut put = |name: &str, share: f64| {
        info.scores.insert(format!("flickr8k_{split}_caption_{name}"), (share * 10_000.0).round() / 100.0);
    };
    put("cider_d", scores.cider_d);
    put("bleu4", scores.bleu[3]);
    put("rouge_l", scores.rouge_l);
}

fn progress(what: &'static str) -> impl FnMut(CaptionStep) {
    let start = Instant::now();
    let mut sum = 0.0;
    move |step| {
        sum += step.loss;
        if step.done % 20 == 0 {
            let eta = start.elapsed().as_secs_f64() / step.done as f64 * (step.total - step.done) as f64;
            println!("{what}: step {}/{}, loss {:.3}, {eta:.0} s left", step.done, step.total, sum / 20.0);
            sum = 0.0;
        }
    }
}

/// What the model sees in a split's photos, computed once and kept, with the captions in tokens.
fn described(
    model: &Model,
    split: &Split,
    views: usize,
    vocabulary: &Vocabulary,
    place: &Place,
    name: &str,
) -> anyhow::Result<Photos> {
    let captions: Vec<Vec<i32>> =
        split.captions.iter().map(|c| vocabulary.encode(&cleaned_caption(c))).collect::<Result<_, _>>()?;
    let mut photos =
        Photos { captions: captions.chunks(split.per_photo).map(<[_]>::to_vec).collect(), ..Photos::default() };
    for view in 0..views {
        let file = |what: &str| place.work.join(format!("caption-{name}-{view}-{what}"));
        let (map_file, shared_file) = (file("maps.f16"), file("shared.f32"));
        let (mut maps, mut shared) = (Vec::new(), Vec::new());
        if let (Ok(known), Ok(own)) = (std::fs::read(&map_file), read_floats(&shared_file)) {
            maps = known.chunks_exact(2).map(|b| f16::from_le_bytes([b[0], b[1]])).collect();
            shared = own;
        } else {
            for (n, batch) in split.photos.chunks(BATCH).enumerate() {
                let prepared = batch
                    .iter()
                    .map(|path| prepared(path, model.preprocess()).map(|p| if view == 1 { p.mirrored() } else { p }))
                    .collect::<anyhow::Result<Vec<_>>>()?;
                Photos::append(model, &prepared, &mut maps, &mut shared)?;
                if n % 64 == 0 {
                    println!("{name}, view {view}: {}/{} photos", n * BATCH, split.photos.len());
                }
            }
            std::fs::write(&map_file, maps.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>())?;
            write_floats(&shared_file, &shared)?;
        }
        photos.maps.push(maps);
        photos.shared.push(shared);
    }
    Ok(photos)
}

/// Embeddings of sentences, computed once and kept in `file`.
fn embedded(model: &Model, sentences: &[String], file: &Path) -> anyhow::Result<Vec<f32>> {
    if let Ok(known) = read_floats(file) {
        return Ok(known);
    }
    let mut all = Vec::new();
    for (n, batch) in sentences.chunks(SENTENCES).enumerate() {
        all.extend(model.embed_texts(batch)?.iter().flat_map(|e| e.as_slice().to_vec()));
        if n % 20 == 0 {
            println!("sentences: {}/{}", n * SENTENCES, sentences.len());
        }
    }
    write_floats(file, &all)?;
    Ok(all)
}

fn read_floats(file: &Path) -> std::io::Result<Vec<f32>> {
    let bytes = std::fs::read(file)?;
    Ok(bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect())
}

fn write_floats(file: &Path, values: &[f32]) -> std::io::Result<()> {
    std::fs::write(file, values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>())
}

/// Mean of rows of `width` numbers.
fn mean(rows: &[f32], width: usize) -> Vec<f32> {
    let mut sum = vec![0.0f64; width];
    rows.chunks_exact(width).for_each(|row| sum.iter_mut().zip(row).for_each(|(s, v)| *s += f64::from(*v)));
    let count = (rows.len() / width).max(1) as f64;
    sum.iter().map(|s| (s / count) as f32).collect()
}
