//! Whether a sentence fits its photo.
//!
//! The decoder writes a sentence about anything, also where it has seen nothing like it: a cup of coffee becomes a dog
//! on the floor. So what it wrote is held against the photo as a search for it would be, and so is each thing that it
//! names, by a list of nouns: what is clearly not there makes the sentence a guess, which is not shown. The bars come
//! with the model (`CaptionBars`); how they were chosen is in its card.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use sightline_catalog::ModelKey;
use sightline_vlm::{Calibration, Caption, CaptionBars, Described, Embedding, QueryScale};

use crate::model_host::{Lane, ModelHost};
use crate::serving::Serving;
use crate::tags::question;
use crate::{Engine, EngineError};

/// What people are held against: other things that a photo may be of.
const OTHER_THINGS: [&str; 30] = [
    "landscape",
    "animal",
    "flower",
    "building",
    "car",
    "dog",
    "meal",
    "mountain",
    "street",
    "bird",
    "tower",
    "boat",
    "house",
    "tree",
    "machine",
    "bridge",
    "cat",
    "horse",
    "forest",
    "beach",
    "lake",
    "castle",
    "fruit",
    "desk",
    "cup",
    "airplane",
    "truck",
    "garden",
    "sky",
    "river",
];
/// What people are asked for by, all together.
const PEOPLE: [&str; 9] = ["man", "woman", "boy", "girl", "person", "child", "player", "couple", "crowd"];

/// What the model wrote of a photo, judged.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// The sentence.
    pub caption: Caption,
    /// How well it fits: standard deviations of its cosine with the photo above that with general photos.
    pub fit: f32,
    /// Whether it fits well enough to be shown; otherwise it is a guess.
    pub is_shown: bool,
    /// What tells the model that wrote it from another.
    pub(crate) written_by: String,
    /// The photo's vector.
    pub(crate) photo: Embedding,
}

/// A word with what tells how well it fits a photo.
type Scaled = (Embedding, QueryScale);

/// Judges sentences of one model.
pub(crate) struct Judge {
    calibration: Calibration,
    bars: CaptionBars,
    /// What tells people from other things; none where the model does not know the difference.
    people: Option<Scaled>,
    /// Nouns that have come up so far.
    things: Mutex<HashMap<&'static str, Scaled>>,
}

/// The judge in use, with the model that it judges by.
pub(crate) type HeldJudge = Mutex<Option<(ModelKey, Arc<Judge>)>>;

impl Engine {
    /// The judge of captions for the model in use.
    pub(crate) fn judge(&self, serving: &Serving, lane: Lane) -> Result<Arc<Judge>, EngineError> {
        let key = serving.key()?;
        let mut held = self.held_judge().lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((by, judge)) = &*held
            && *by == key
        {
            return Ok(judge.clone());
        }
        let judge = Arc::new(Judge::new(&serving.host, lane)?);
        *held = Some((key, judge.clone()));
        Ok(judge)
    }
}

impl Judge {
    pub fn new(host: &ModelHost, lane: Lane) -> Result<Self, EngineError> {
        let calibration = host.ready(lane).wait()?.calibration;
        let phrases = PEOPLE.iter().chain(&OTHER_THINGS).map(|word| question(word)).collect();
        let vectors = host.embed_texts(lane, phrases).wait()?;
        let (people, others) = vectors.split_at(PEOPLE.len().min(vectors.len()));
        let share = |part: &[Embedding]| 1.0 / part.len().max(1) as f32;
        let weighed = people.iter().map(|word| (share(people), word));
        let against = others.iter().map(|word| (-share(others), word));
        let people = Embedding::combined(weighed.chain(against));
        let people = people.map(|vector| (vector.clone(), calibration.scale(&vector)));
        Ok(Self { bars: calibration.thresholds().caption, calibration, people, things: Mutex::default() })
    }

    /// Says of each sentence whether it fits its photo.
    pub fn judge(&self, host: &ModelHost, lane: Lane, described: Vec<Described>) -> Result<Vec<Judged>, EngineError> {
        self.learn(host, lane, described.iter().flat_map(|described| NOUNS.named_in(&described.caption.text)))?;
        let judged = |Described { photo, caption, text }| {
            let fit = self.calibration.scale(&text).z(photo.dot(&text));
            let is_shown = self.fits(&caption.text, fit, &photo);
            Judged { caption, fit, is_shown, written_by: String::new(), photo }
        };
        Ok(described.into_iter().map(judged).collect())
    }

    /// Makes sure that the vectors of these nouns are at hand.
    fn learn(&self, host: &ModelHost, lane: Lane, nouns: impl Iterator<Item = Noun>) -> Result<(), EngineError> {
        let known = |noun: &str| self.things.lock().unwrap_or_else(PoisonError::into_inner).contains_key(noun);
        let mut new: Vec<&'static str> = nouns.filter_map(Noun::thing).filter(|noun| !known(noun)).collect();
        new.sort_unstable();
        new.dedup();
        if new.is_empty() {
            return Ok(());
        }
        let vectors = host.embed_texts(lane, new.iter().map(|noun| question(noun)).collect()).wait()?;
        let scaled = vectors.into_iter().map(|vector| {
            let scale = self.calibration.scale(&vector);
            (vector, scale)
        });
        self.things.lock().unwrap_or_else(PoisonError::into_inner).extend(new.into_iter().zip(scaled));
        Ok(())
    }

    /// Whether a sentence that fits `photo` so well may be shown: it and all that it names fit.
    fn fits(&self, sentence: &str, fit: f32, photo: &Embedding) -> bool {
        let things = self.things.lock().unwrap_or_else(PoisonError::into_inner);
        let score = |(vector, scale): &Scaled| scale.z(photo.dot(vector));
        let mut nouns = NOUNS.named_in(sentence).enumerate();
        !sentence.is_empty()
            && fit >= self.bars.sentence
            && nouns.all(|(at, noun)| match noun {
                Noun::Person => self.people.as_ref().is_none_or(|people| score(people) >= self.bars.people),
                Noun::Thing(thing) => {
                    let bar = if at == 0 { self.bars.subject } else { self.bars.thing };
                    things.get(thing).is_none_or(|thing| score(thing) >= bar)
                }
            })
    }
}

/// A noun of a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Noun {
    /// Somebody, whoever.
    Person,
    /// Something.
    Thing(&'static str),
}

impl Noun {
    fn thing(self) -> Option<&'static str> {
        match self {
            Self::Person => None,
            Self::Thing(thing) => Some(thing),
        }
    }
}

/// The nouns that are judged.
struct Nouns(HashMap<&'static str, Noun>);

static NOUNS: LazyLock<Nouns> = LazyLock::new(|| Nouns::parse(include_str!("nouns.txt")));

impl Nouns {
    fn parse(list: &'static str) -> Self {
        let (mut nouns, mut people) = (HashMap::new(), false);
        for line in list.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
            match line {
                "[people]" => people = true,
                "[things]" => people = false,
                _ => nouns.extend(line.split_whitespace().map(|word| {
                    let noun = if people { Noun::Person } else { Noun::Thing(word) };
                    (word, noun)
                })),
            }
        }
        Self(nouns)
    }

    /// The nouns that a sentence names, in its order.
    fn named_in(&self, sentence: &str) -> impl Iterator<Item = Noun> {
        let words = sentence.split(|c: char| !c.is_alphanumeric() && c != '-').map(str::to_lowercase);
        words.filter_map(|word| self.find(&word))
    }

    /// A noun in the singular or the plural.
    fn find(&self, word: &str) -> Option<Noun> {
        let singular = match word {
            "leaves" => Some("leaf"),
            _ => word.strip_suffix("es").filter(|stem| self.0.contains_key(stem)).or(word.strip_suffix('s')),
        };
        self.0.get(word).or_else(|| self.0.get(singular?)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(sentence: &str) -> Vec<Noun> {
        NOUNS.named_in(sentence).collect()
    }

    #[test]
    fn a_sentence_names_people_and_things_whatever_their_number() {
        use Noun::{Person, Thing};
        assert_eq!(named("Two women with a t-shirt, on benches."), [Person, Thing("t-shirt"), Thing("bench")]);
        assert_eq!(named("A black and brown dog is sitting on the floor."), [Thing("dog"), Thing("floor")]);
        assert_eq!(named("Autumn leaves in shorts"), [Thing("leaf"), Thing("shorts")]);
        assert_eq!(named(""), []);
        assert!(NOUNS.0.len() > 300, "{} nouns", NOUNS.0.len());
    }
}
