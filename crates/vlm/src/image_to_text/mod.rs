//! Models that write about a photo: captions, and answers to questions.
//!
//! A published checkpoint of BLIP or SmolVLM as a pack. Strings come out, no tensor leaves the crate. It is no dual encoder:
//! whether a sentence fits its photo is for one to say.

mod blip;
mod config;
mod idefics3;
mod tower;
pub(crate) mod words;

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

pub use config::{BlipConfig, Idefics3Config, ImageToTextConfig};

use self::blip::Blip;
use self::idefics3::Idefics3;
use self::words::Words;
use crate::caption::generate::{NextToken, Rules, Sentence, generate};
use crate::caption::{Caption, Search, polished};
use crate::device::{Selected, panic_text, select};
use crate::model::TOKENIZER_FILE;
use crate::model::tokenizer_file::MOST_TEXT;
use crate::{DeviceChoice, DeviceReport, ModelInfo, ModelInput, Preprocess, VlmError};

/// File of the network that writes.
pub(crate) const DECODER_FILE: &str = "decoder.safetensors";
/// File of the network that reads questions.
pub(crate) const QUESTION_FILE: &str = "question.safetensors";
/// File of what lies between image tower and language model.
pub(crate) const CONNECTOR_FILE: &str = "connector.safetensors";

/// What a language model is asked for a caption.
const DESCRIBE: &str = "Describe this image in one short sentence.";
/// What ends a turn of Idefics3's.
const END_OF_UTTERANCE: &str = "<end_of_utterance>";
/// Longest question in tokens.
const MOST_QUESTION: usize = 256;

/// An answer to a question about a photo.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Answer {
    /// The answer; empty when nothing could be said.
    pub text: String,
    /// Mean log-probability of its tokens, in nats: 0 is certain.
    pub confidence: f32,
}

/// A model that writes about photos, on a device.
#[derive(Debug)]
pub struct ImageToText {
    info: ModelInfo,
    config: ImageToTextConfig,
    report: DeviceReport,
    network: Network,
    words: Words,
    /// The tokens that end a text.
    ends: Vec<i32>,
}

#[derive(Debug)]
enum Network {
    Blip(Box<Blip>),
    Idefics3(Box<Idefics3>),
}

impl ImageToText {
    /// Loads the model in `dir` onto the device that `choice` selects. File sizes are checked; checksums are not (see
    /// [`ModelInfo::verify`]).
    ///
    /// # Errors
    /// Those of [`ModelInfo::read`], of the device's choice and of each file; [`VlmError::Lacks`] for a model that does not
    /// write.
    pub fn load(dir: &Path, choice: DeviceChoice) -> Result<Self, VlmError> {
        let info = ModelInfo::read(dir)?;
        info.check_sizes(dir)?;
        let lacks = || VlmError::Lacks { model: info.name.clone(), needs: "network that writes about photos" };
        let config = info.image_to_text.clone().ok_or_else(lacks)?;
        let Selected { device, report } = select(choice)?;
        let (network, vocabulary) = match &config {
            ImageToTextConfig::Blip(c) => {
                (Network::Blip(Box::new(Blip::load(dir, c, &device, report.kind)?)), c.text.vocabulary)
            }
            ImageToTextConfig::Idefics3(c) => {
                (Network::Idefics3(Box::new(Idefics3::load(dir, c, &device, report.kind)?)), c.text.vocabulary)
            }
        };
        let words = Words::read(&dir.join(TOKENIZER_FILE), vocabulary)?;
        let ends = match &config {
            ImageToTextConfig::Blip(c) => vec![c.end_id],
            // Which of its ends the settings name has changed from release to release.
            ImageToTextConfig::Idefics3(c) => words.id(END_OF_UTTERANCE).into_iter().chain(c.end_ids.clone()).collect(),
        };
        Ok(Self { info, config, report, network, words, ends })
    }

    /// The model's description.
    pub fn info(&self) -> &ModelInfo {
        &self.info
    }

    /// The device in use and why.
    pub fn device(&self) -> &DeviceReport {
        &self.report
    }

    /// How photos are prepared for it.
    pub fn preprocess(&self) -> &Preprocess {
        &self.info.preprocess
    }

    /// Describes a prepared photo.
    ///
    /// After each token `on_token` hears of the likeliest caption so far; breaking ends the work with that.
    ///
    /// # Errors
    /// [`VlmError::NoCaptions`] for a model that only answers, or [`VlmError::Device`].
    pub fn caption(
        &self,
        photo: &ModelInput,
        search: &Search,
        on_token: impl FnMut(Caption) -> ControlFlow<()>,
    ) -> Result<Caption, VlmError> {
        if !self.config.captions() {
            return Err(VlmError::NoCaptions { model: self.info.name.clone() });
        }
        self.write(photo, DESCRIBE, search, as_sentence, on_token)
    }

    /// Answers a question about a prepared photo.
    ///
    /// After each token `on_token` hears of the likeliest answer so far; breaking ends the work with that.
    ///
    /// # Errors
    /// [`VlmError::Lacks`] for a model that only describes, [`VlmError::BadText`] for a question that is empty or too long,
    /// or [`VlmError::Device`].
    pub fn answer(
        &self,
        photo: &ModelInput,
        question: &str,
        search: &Search,
        mut on_token: impl FnMut(Answer) -> ControlFlow<()>,
    ) -> Result<Answer, VlmError> {
        if !self.config.answers() {
            return Err(VlmError::Lacks { model: self.info.name.clone(), needs: "network that reads questions" });
        }
        let answer = |caption: Caption| Answer { text: caption.text, confidence: caption.confidence };
        let written = self.write(photo, question, search, str::to_owned, |so_far| on_token(answer(so_far)))?;
        Ok(answer(written))
    }

    fn write(
        &self,
        photo: &ModelInput,
        question: &str,
        search: &Search,
        finish: fn(&str) -> String,
        mut on_token: impl FnMut(Caption) -> ControlFlow<()>,
    ) -> Result<Caption, VlmError> {
        let on_token = |sentences: &[&Sentence]| {
            on_token(self.words.caption(sentences.first().copied().unwrap_or(NOTHING), finish))
        };
        let sentence = self.sentence(photo, &self.asked(question)?, search, on_token)?;
        Ok(self.words.caption(&sentence, finish))
    }

    /// The tokens that are written of a photo when it is asked `asked`, which [`ImageToText::asked`] gives.
    pub(crate) fn sentence(
        &self,
        photo: &ModelInput,
        asked: &[i32],
        search: &Search,
        on_token: impl FnMut(&[&Sentence]) -> ControlFlow<()>,
    ) -> Result<Sentence, VlmError> {
        let photo = self.info.preprocess.normalise(photo);
        let rules = self.words.rules(&self.ends, search.max_words);
        match (&self.network, &self.config) {
            (Network::Blip(network), ImageToTextConfig::Blip(config)) => {
                let question = network.embedded(asked)?;
                // The start takes a place, too.
                let search = Search { max_tokens: search.max_tokens.min(config.text.max_len - 1), ..*search };
                self.contained(|| one(&mut network.begin(photo, question), &rules, &search, on_token))
            }
            (Network::Idefics3(network), ImageToTextConfig::Idefics3(config)) => {
                let left = config.text.max_len.saturating_sub(asked.len());
                let search = Search { max_tokens: search.max_tokens.min(left), ..*search };
                self.contained(|| one(&mut network.begin(photo, asked), &rules, &search, on_token))
            }
            _ => unreachable!("the network is what the configuration says"),
        }
    }

    /// The tokens of a question as the network takes them; none for one that takes no questions.
    pub(crate) fn asked(&self, question: &str) -> Result<Vec<i32>, VlmError> {
        let (most, text) = match &self.config {
            ImageToTextConfig::Blip(c) if !c.answers => return Ok(Vec::new()),
            ImageToTextConfig::Blip(c) => (MOST_QUESTION.min(c.text.max_len), question.trim().to_owned()),
            ImageToTextConfig::Idefics3(c) => (MOST_QUESTION + c.image_tokens(), c.prompt(question)),
        };
        let bad = |reason: &str| Err(VlmError::BadText { reason: reason.into() });
        if question.trim().is_empty() {
            return bad("the question is empty");
        }
        let too_long = "the question is too long; ask in fewer words";
        if question.len() > MOST_TEXT {
            return bad(too_long);
        }
        let ids = self.words.encode(&text)?;
        if ids.len() > most { bad(too_long) } else { Ok(ids) }
    }

    /// Turns a panic of the device into an error.
    fn contained<T>(&self, compute: impl FnOnce() -> T) -> Result<T, VlmError> {
        catch_unwind(AssertUnwindSafe(compute))
            .map_err(|panic| VlmError::Device { device: self.report.name.clone(), reason: panic_text(&*panic) })
    }
}

const NOTHING: &Sentence = &Sentence { tokens: Vec::new(), log_probabilities: Vec::new() };

/// One photo's sentence.
fn one(
    network: &mut impl NextToken,
    rules: &impl Rules,
    search: &Search,
    on_token: impl FnMut(&[&Sentence]) -> ControlFlow<()>,
) -> Sentence {
    generate(network, rules, 1, search, on_token).pop().unwrap_or_default()
}

/// With a capital and a full stop, unless it ends in another mark.
fn as_sentence(text: &str) -> String {
    let text = text.trim();
    let whole = polished(text.trim_end_matches(['.', ' ']));
    if text.ends_with(['!', '?']) { whole.trim_end_matches('.').to_owned() } else { whole }
}
