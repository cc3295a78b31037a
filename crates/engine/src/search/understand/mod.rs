//! What people mean by the words that they type: dates, places, folders, albums, cameras, files, stars and kinds of
//! files are conditions, and what they say is not wanted is excluded. The rest is what a photo shows.
//!
//! Each part that is understood is a [`Chip`], and whoever shows it can give its words back: then they are words. What
//! is not certain is never taken. Words in quotes and what is written in the query's own language are not looked at.
//! Pure: what the library knows and which day it is are given.

mod calendar;
mod date_words;
mod dates;
mod kinds;
mod known;
mod names;
mod negation;
mod tokens;

use sightline_catalog::{Inside, fold_name};

pub use calendar::Day;
pub use dates::When;
pub use known::HeldFolders;
pub use names::Known;

pub(in crate::search) use kinds::is_screenshot;
use tokens::{Token, tokens};

/// How the words of a query are read.
#[derive(Debug, Clone, Copy, Default)]
pub enum Interpretation<'a> {
    /// All of them are what a photo shows.
    #[default]
    Plain,
    /// What is certain is understood.
    Understood {
        /// Which day it is; the day of the computer's clock where there is none.
        today: Option<Day>,
        /// Words that stay words, each as it stands in a chip.
        as_words: &'a [String],
    },
}

impl<'a> Interpretation<'a> {
    /// What is certain is understood, by the computer's clock, but for these words.
    pub fn now(as_words: &'a [String]) -> Self {
        Self::Understood { today: None, as_words }
    }
}

/// A part of a query that is understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chip {
    /// The words that mean it, as typed.
    pub words: String,
    /// What they mean.
    pub meaning: ChipMeaning,
}

/// What a part of a query means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChipMeaning {
    /// When a photo was taken.
    Date(When),
    /// Where it was taken; folders and an album of the same name count too.
    Place {
        /// As typed.
        name: String,
        /// All that has this name.
        inside: Inside,
    },
    /// The folder in which it lies.
    Folder {
        /// As typed.
        name: String,
        /// All that has this name.
        inside: Inside,
    },
    /// The album in which it is.
    Album {
        /// The album's name.
        name: String,
        /// All that has this name.
        inside: Inside,
    },
    /// The camera's name contains this.
    Camera {
        /// As typed.
        name: String,
    },
    /// A file's name contains this.
    File {
        /// As typed.
        name: String,
    },
    /// It has as many stars.
    Stars {
        /// At least.
        least: i8,
        /// At most.
        most: i8,
    },
    /// The file has this format.
    Format {
        /// As the library calls it.
        format: String,
    },
    /// It is a RAW file, or has one.
    Raw,
    /// It is a picture of a screen.
    Screenshots,
    /// It does not show these.
    Without {
        /// What it does not show.
        unwanted: Vec<String>,
    },
}

/// A query's bare words, understood.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Understood {
    /// What was understood, in the order of the words.
    pub chips: Vec<Chip>,
    /// What is left: what a photo shows.
    pub rest: String,
}

/// Words that say nothing where nothing else is left.
const FILLERS: &[&str] = &[
    "all",
    "my",
    "our",
    "the",
    "of",
    "from",
    "taken",
    "shot",
    "in",
    "at",
    "on",
    "with",
    "by",
    "show",
    "me",
    "find",
    "and",
    "alle",
    "meine",
    "unsere",
    "die",
    "von",
    "aus",
    "im",
    "mit",
    "und",
    "zeige",
    "mir",
    "的",
    "在",
    "和",
    "拍的",
    "拍摄的",
    "里",
];
/// Words that lead to a chip, and go with it.
const LEADS: &[&str] = &[
    "in", "from", "at", "on", "during", "taken", "of", "the", "im", "in", "am", "vom", "von", "aus", "bei", "mit",
    "with", "by", "在", "and", "und",
];

/// Understands `words`, which are parts of `query`. `has_file` tells whether a file of the library has a name.
pub(super) fn read<'q>(
    query: &'q str,
    words: &[&'q str],
    known: &Known,
    has_file: &dyn Fn(&str) -> bool,
    (today, as_words): (Day, &[String]),
) -> Understood {
    let tokens = tokens(query, words);
    let mut reader = Reader { query, tokens, chips: Vec::new(), kept: as_words.iter().map(|w| fold_name(w)).collect() };
    reader.conditions(known, has_file, today);
    reader.negations();
    reader.raw_alone();
    reader.chips.sort_by_key(|(start, _, _)| *start);
    if reader.chips.is_empty() {
        return Understood { chips: Vec::new(), rest: words.join(" ") };
    }
    let rest = reader.rest();
    Understood { chips: reader.chips.into_iter().map(|(_, _, chip)| chip).collect(), rest }
}

struct Reader<'q> {
    query: &'q str,
    tokens: Vec<Token<'q>>,
    /// Chips with the tokens that they are made of, from the first to before the second.
    chips: Vec<(usize, usize, Chip)>,
    /// Words that stay words, folded.
    kept: Vec<String>,
}

impl<'q> Reader<'q> {
    fn words(&self, at: usize, length: usize) -> &'q str {
        match (self.tokens.get(at), self.tokens.get(at + length - 1)) {
            (Some(first), Some(last)) => &self.query[first.place.start..last.place.end],
            _ => "",
        }
    }

    /// Adds a chip unless its words are to stay words.
    fn put(&mut self, at: usize, length: usize, meaning: ChipMeaning) {
        let words = self.words(at, length).to_owned();
        if !self.kept.contains(&fold_name(&words)) {
            self.chips.push((at, at + length, Chip { words, meaning }));
        }
    }

    fn is_taken(&self, at: usize) -> bool {
        self.chips.iter().any(|(start, end, _)| (*start..*end).contains(&at))
    }

    /// Whether the tokens stand side by side.
    fn is_together(&self, at: usize, length: usize) -> bool {
        self.tokens[at + 1..(at + length).min(self.tokens.len())].iter().all(|token| !token.is_apart)
    }

    fn conditions(&mut self, known: &Known, has_file: &dyn Fn(&str) -> bool, today: Day) {
        let mut at = 0;
        while at < self.tokens.len() {
            let date = dates::read(&self.tokens, at, today).map(|(length, when)| (length, ChipMeaning::Date(when)));
            let found = [
                date,
                kinds::read(&self.tokens, at),
                names::read(self.query, &self.tokens, at, known),
                names::camera(self.query, &self.tokens, at, known),
            ];
            // The longest; of two as long the first.
            let together = |(length, _): &(usize, ChipMeaning)| self.is_together(at, *length);
            let longest = found.into_iter().flatten().filter(together).rev().max_by_key(|(length, _)| *length);
            let word = self.tokens[at].word;
            let found = longest.or_else(|| {
                let is_file = names::can_be_file(word) && has_file(word);
                is_file.then(|| (1, ChipMeaning::File { name: word.to_owned() }))
            });
            match found {
                Some((length, meaning)) => {
                    self.put(at, length, meaning);
                    at += length;
                }
                None => at += 1,
            }
        }
    }

    fn negations(&mut self) {
        let mut at = 0;
        while at < self.tokens.len() {
            if !self.is_taken(at)
                && let Some(negation) = negation::read(&self.tokens, at, |at| self.is_taken(at))
                && self.is_together(at, negation.length)
            {
                self.put(at, negation.length, ChipMeaning::Without { unwanted: negation.unwanted });
                at += negation.length;
            } else {
                at += 1;
            }
        }
    }

    /// "raw" with nothing that could be raw.
    fn raw_alone(&mut self) {
        let left: Vec<usize> = (0..self.tokens.len()).filter(|at| !self.is_taken(*at)).collect();
        let said: Vec<usize> = left.into_iter().filter(|at| !self.is_filler(*at)).collect();
        if let [at] = said.as_slice()
            && self.tokens[*at].key == "raw"
        {
            self.put(*at, 1, ChipMeaning::Raw);
        }
    }

    fn is_filler(&self, at: usize) -> bool {
        let token = &self.tokens[at];
        token.is_any(FILLERS) || token.is_any(kinds::PHOTOS) || token.key.is_empty()
    }

    /// What is left, without the words that lead to what was taken.
    fn rest(&self) -> String {
        let mut left: Vec<bool> = (0..self.tokens.len()).map(|at| !self.is_taken(at)).collect();
        for (start, end, chip) in &self.chips {
            if matches!(chip.meaning, ChipMeaning::Without { .. }) {
                continue;
            }
            let mut lead = *start;
            while lead > 0 && left[lead - 1] && self.tokens[lead - 1].is_any(LEADS) && !self.tokens[lead].is_apart {
                lead -= 1;
                left[lead] = false;
            }
            let joins = |at: usize| {
                self.tokens.get(at).is_some_and(|token| token.is_glued && token.is_any(&["的", "拍的", "拍摄的", "里"]))
            };
            let mut after = *end;
            while joins(after) && left[after] {
                left[after] = false;
                after += 1;
            }
        }
        if (0..left.len()).all(|at| !left[at] || self.is_filler(at)) {
            return String::new();
        }
        let mut rest = String::new();
        let mut before = None;
        for (at, token) in self.tokens.iter().enumerate().filter(|(at, _)| left[*at]) {
            let is_next = before.is_some_and(|before: usize| before + 1 == at);
            let goes_on = rest.is_empty() || token.is_glued && is_next;
            if !goes_on {
                rest.push(' ');
            }
            rest.push_str(token.text);
            before = Some(at);
        }
        rest.trim_end_matches([',', '\u{ff0c}', '\u{3001}']).to_owned()
    }
}

#[cfg(test)]
mod tests;
