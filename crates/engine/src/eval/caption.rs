//! BLEU, ROUGE-L and CIDEr-D of the model's captions.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::time::Instant;

use serde::Serialize;
use sightline_vlm::metrics::score;
use sightline_vlm::{Caption, Described, Search};

use super::captions::{read_captions, read_split};
use super::score::two_decimals;
use crate::EngineError;
use crate::batches::{Batches, batch_size};
use crate::captions::{Judged, UNCERTAIN};
use crate::jobs::JobCx;
use crate::loading::work_ahead;
use crate::model_host::Lane;

/// What to evaluate on.
#[derive(Debug, Clone)]
pub struct CaptionTask {
    /// Folder of photos.
    pub images: PathBuf,
    /// CSV with the columns `image` and `caption`.
    pub captions: PathBuf,
    /// List of the images to use, one a line; all that have captions without it.
    pub split: Option<PathBuf>,
    /// How captions are found.
    pub search: Search,
}

/// The result, in percent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CaptionReport {
    /// BLEU-1 to BLEU-4.
    pub bleu: [f64; 4],
    /// ROUGE-L.
    pub rouge_l: f64,
    /// CIDEr-D.
    pub cider_d: f64,
    /// CIDEr-D of the captions that are shown, held against each other's photos only.
    pub cider_d_shown: f64,
    /// Captions that are shown; the others are guesses.
    pub shown: usize,
    /// Their share.
    pub share_shown: f64,
    /// Of the words that are marked as uncertain, the share that stands in none of the photo's captions.
    pub uncertain_wrong: f64,
    /// The same of all other words.
    pub certain_wrong: f64,
    /// Share of the words that are marked.
    pub uncertain: f64,
    /// Photos that took part.
    pub photos: usize,
    /// Wall time of everything.
    pub seconds: f64,
    /// What was written, by image.
    #[serde(skip)]
    pub written: Vec<(String, Judged)>,
}

impl CaptionTask {
    /// Describes the photos and compares with their captions.
    ///
    /// # Errors
    /// When the files cannot be read, no photo is readable, the model writes no captions, or the job is stopped.
    pub fn run(&self, cx: &JobCx<'_>) -> Result<CaptionReport, EngineError> {
        let started = Instant::now();
        let wanted = self.split.as_deref().map(read_split).transpose()?;
        let mut index_of: HashMap<String, usize> = HashMap::new();
        let mut photos: Vec<(String, Vec<String>)> = Vec::new();
        for caption in read_captions(&self.captions)? {
            if wanted.as_ref().is_some_and(|wanted| !wanted.contains(&caption.image)) {
                continue;
            }
            let index = *index_of.entry(caption.image.clone()).or_insert_with(|| {
                photos.push((caption.image.clone(), Vec::new()));
                photos.len() - 1
            });
            photos[index].1.push(caption.text);
        }
        if photos.is_empty() {
            let path = self.split.clone().unwrap_or_else(|| self.captions.clone());
            let reason = "none of these images has a caption".into();
            return Err(EngineError::BadInput { path, reason });
        }
        let paths: Vec<PathBuf> = photos.iter().map(|(name, _)| self.images.join(name)).collect();
        let described = describe_photos(cx, &paths, &self.search)?;
        let mut doubts = Doubts::default();
        let (mut written, mut captions, mut references) = (Vec::new(), Vec::new(), Vec::new());
        let (mut shown, mut references_of_shown) = (Vec::new(), Vec::new());
        for ((name, own), judged) in photos.into_iter().zip(described) {
            let Some(judged) = judged else { continue };
            doubts.count(&judged.caption, &own);
            captions.push(judged.caption.text.clone());
            if judged.is_shown {
                shown.push(judged.caption.text.clone());
                references_of_shown.push(own.clone());
            }
            written.push((name, judged));
            references.push(own);
        }
        if captions.is_empty() {
            let reason = "none of the photos could be read".into();
            return Err(EngineError::BadInput { path: self.images.clone(), reason });
        }
        let scores = score(&references, &captions);
        let percent = |share: f64| two_decimals(100.0 * share);
        Ok(CaptionReport {
            bleu: scores.bleu.map(percent),
            rouge_l: percent(scores.rouge_l),
            cider_d: percent(scores.cider_d),
            cider_d_shown: percent(score(&references_of_shown, &shown).cider_d),
            shown: shown.len(),
            share_shown: percent(shown.len() as f64 / captions.len() as f64),
            uncertain_wrong: percent(doubts.share(true)),
            certain_wrong: percent(doubts.share(false)),
            uncertain: percent(doubts.marked()),
            photos: captions.len(),
            seconds: two_decimals(started.elapsed().as_secs_f64()),
            written,
        })
    }
}

/// Words of captions by whether they are marked as uncertain, and how many of them no person wrote.
#[derive(Debug, Default)]
struct Doubts {
    certain: [usize; 2],
    uncertain: [usize; 2],
}

impl Doubts {
    fn count(&mut self, caption: &Caption, references: &[String]) {
        let bare = |word: &str| word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
        let known: HashSet<String> = references.iter().flat_map(|text| text.split_whitespace().map(bare)).collect();
        for word in &caption.words {
            let counts = if word.confidence < UNCERTAIN { &mut self.uncertain } else { &mut self.certain };
            counts[usize::from(!known.contains(&bare(&word.text)))] += 1;
        }
    }

    /// Share of the words, marked or not, that stand in no reference.
    fn share(&self, marked: bool) -> f64 {
        let [right, wrong] = if marked { self.uncertain } else { self.certain };
        wrong as f64 / (right + wrong).max(1) as f64
    }

    /// Share of the words that are marked.
    fn marked(&self) -> f64 {
        let (marked, other) = (self.uncertain.iter().sum::<usize>(), self.certain.iter().sum::<usize>());
        marked as f64 / (marked + other).max(1) as f64
    }
}

/// Describes photos in batches while the next are decoded.
///
/// The result is as long as `paths`; a photo that cannot be read is reported and is `None`.
fn describe_photos(cx: &JobCx<'_>, paths: &[PathBuf], search: &Search) -> Result<Vec<Option<Judged>>, EngineError> {
    let serving = cx.engine().serving();
    let host = &serving.host;
    let loader = cx.loader(host.ready(Lane::Batch).wait()?.preprocess);
    let total = paths.len() as u64;
    let mut captions: Vec<Option<Judged>> = vec![None; paths.len()];
    let mut keep = |described: Vec<(usize, Described)>| -> Result<u64, EngineError> {
        let (indices, described): (Vec<usize>, Vec<Described>) = described.into_iter().unzip();
        let judged = cx.engine().judged(&serving, Lane::Batch, described)?;
        let count = judged.len() as u64;
        indices.into_iter().zip(judged).for_each(|(index, judged)| captions[index] = Some(judged));
        Ok(count)
    };
    let mut batches = Batches::new(batch_size(), |inputs| host.describe(Lane::Batch, inputs, *search));
    let items: Vec<usize> = (0..paths.len()).collect();
    let mut done = 0;
    cx.progress("caption", 0, total, None)?;
    work_ahead(
        cx,
        items,
        2 * batch_size(),
        |index: usize| (index, loader.load(&paths[index])),
        |(index, loaded)| {
            match loaded {
                Ok(input) => {
                    done += keep(batches.push(index, input)?)?;
                }
                Err(error) => {
                    cx.item_failed(&paths[index], error.code(), &error.to_string());
                    done += 1;
                }
            }
            cx.progress("caption", done, total, Some(&paths[index]))
        },
    )?;
    keep(batches.send()?)?;
    keep(batches.settle()?)?;
    cx.progress("caption", total, total, None)?;
    Ok(captions)
}

#[cfg(test)]
mod tests {
    use sightline_vlm::CaptionWord;

    use super::*;

    #[test]
    fn words_are_wrong_where_no_person_wrote_them() {
        let word = |text: &str, confidence| CaptionWord { text: text.into(), confidence };
        let words = vec![word("A", -0.1), word("cat", -3.0), word("runs", -4.0), word("home.", -0.2)];
        let mut doubts = Doubts::default();
        doubts.count(&Caption { words, ..Caption::default() }, &["A dog runs .".into(), "Rex, a dog.".into()]);
        assert_eq!((doubts.share(true), doubts.share(false), doubts.marked()), (0.5, 0.5, 0.5));
    }
}
