//! The query language: text in, terms and filters out.
//!
//! ```text
//! a dog in the snow            one phrase, understood as a whole
//! dog -cat                     like a dog, unlike a cat
//! beach 2*sunset               the sunset counts twice
//! "red car" -"blue sky"        quotes keep words together
//! like:photo.jpg               like this photo
//! after:2021-06 before:2022    taken from June 2021 on, and before 2022
//! camera:"x100v" lens:23mm type:png
//! in:Lisbon in:"New York"      taken there, or in a folder of that name
//! rating>=4 rating:5 rating<3  by stars
//! ```
//!
//! Bare words form one phrase wherever they stand. Pure: no files, no model.

use std::ops::RangeInclusive;

use super::dates::DatePrefix;

/// A parsed query.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Query {
    /// What to look for, with weights; negative ones push away.
    pub terms: Vec<Term>,
    /// What every result must fulfil.
    pub filters: Filters,
}

/// One weighted part of a query.
#[derive(Debug, Clone, PartialEq)]
pub struct Term {
    /// Times this part counts; below zero it pushes away.
    pub weight: f32,
    /// What it says.
    pub meaning: Meaning,
}

/// What a term is made of.
#[derive(Debug, Clone, PartialEq)]
pub enum Meaning {
    /// Words, embedded as one text.
    Text(String),
    /// A photo, named by its path.
    Photo(String),
}

/// Conditions on a photo's data, each at most once, but for bounds of the rating.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Filters {
    /// Taken on or after the start of this day, month or year.
    pub after: Option<DatePrefix>,
    /// Taken before the start of this day, month or year.
    pub before: Option<DatePrefix>,
    /// The camera's name contains this.
    pub camera: Option<String>,
    /// The lens's name contains this.
    pub lens: Option<String>,
    /// Was taken at this place, or lies in this folder.
    pub inside: Option<String>,
    /// Has as many stars; -1 stands for rejected, 0 for none.
    pub rating: Option<RangeInclusive<i8>>,
    /// Has this format, in lower case.
    pub format: Option<String>,
}

/// What is wrong with a query, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}\n  {query}\n  {}^", " ".repeat(*.column))]
pub struct QueryError {
    /// The query as given.
    pub query: String,
    /// Characters before the place of the error.
    pub column: usize,
    /// What is wrong, and what would be right.
    pub problem: String,
}

const FILTERS: &str = "after:, before:, camera:, lens:, in:, rating:, type: or like:";
/// Stars that there are; -1 is a photo that was rejected.
const STARS: RangeInclusive<i8> = -1..=5;

/// Parses a query.
///
/// # Errors
/// [`QueryError`] points to the character where the query stops making sense.
pub fn parse(text: &str) -> Result<Query, QueryError> {
    let mut parser = Parser { text, at: 0, phrase: Vec::new(), query: Query::default() };
    parser.run().map_err(|(at, problem)| QueryError {
        query: text.replace(char::is_control, " "),
        column: text[..at].chars().count(),
        problem,
    })?;
    Ok(parser.query)
}

/// Byte offset and problem.
type Wrong = (usize, String);

struct Parser<'a> {
    text: &'a str,
    at: usize,
    /// Bare words so far.
    phrase: Vec<&'a str>,
    query: Query,
}

impl<'a> Parser<'a> {
    fn run(&mut self) -> Result<(), Wrong> {
        loop {
            self.at += self.rest().len() - self.rest().trim_start().len();
            if self.rest().is_empty() {
                break;
            }
            self.item()?;
        }
        if !self.phrase.is_empty() {
            let phrase = Meaning::Text(self.phrase.join(" "));
            self.query.terms.insert(0, Term { weight: 1.0, meaning: phrase });
        }
        let terms = &self.query.terms;
        if terms.is_empty() && self.query.filters == Filters::default() {
            return Err((0, "the query is empty; say what the photo shows".into()));
        }
        if !terms.is_empty() && terms.iter().all(|term| term.weight < 0.0) {
            let problem = "the query only says what not to find; add what to find".to_owned();
            return Err((0, problem));
        }
        Ok(())
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// One item: a sign, a weight, and then a quoted text, a filter or a word.
    fn item(&mut self) -> Result<(), Wrong> {
        let start = self.at;
        let sign = match self.rest().chars().next() {
            Some('-' | '\u{2212}') => Some(-1.0),
            Some('+') => Some(1.0),
            _ => None,
        };
        if sign.is_some() {
            self.at += self.rest().chars().next().map_or(0, char::len_utf8);
        }
        let factor = self.factor()?;
        let marked = sign.is_some() || factor.is_some();
        let weight = sign.unwrap_or(1.0) * factor.unwrap_or(1.0);
        if marked && self.rest().chars().next().is_none_or(char::is_whitespace) {
            let mark = &self.text[start..self.at];
            let problem = format!("`{mark}` must stand right before a word or a quoted phrase");
            return Err((start, problem));
        }
        if let Some(quoted) = self.quoted()? {
            self.query.terms.push(Term { weight, meaning: Meaning::Text(quoted) });
            return Ok(());
        }
        let word_at = self.at;
        let end = self.rest().find(char::is_whitespace).unwrap_or(self.rest().len());
        let word = &self.rest()[..end];
        if let Some((name, bound, stars)) = rating(word) {
            if marked {
                return Err((word_at, format!("`{name}` is a filter; it cannot be weighed or negated")));
            }
            let stars_at = word_at + word.len() - stars.len();
            self.at += end;
            return self.rating(bound, stars).map_err(|problem| (stars_at, problem));
        }
        if let Some((name, value)) = word.split_once(':') {
            // "3:30" and "note:" are words; "camra:x100v" is a slip worth telling.
            let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphabetic());
            if is_name && (!value.is_empty() || is_filter(name)) {
                self.at += name.len() + 1;
                return self.named(name, word_at, marked, weight);
            }
        }
        self.at += end;
        if marked {
            self.query.terms.push(Term { weight, meaning: Meaning::Text(word.into()) });
        } else {
            self.phrase.push(word);
        }
        Ok(())
    }

    /// `2*` or `0.5*`, when that is what comes next.
    fn factor(&mut self) -> Result<Option<f32>, Wrong> {
        let digits = self.rest().find(|c: char| !c.is_ascii_digit() && c != '.');
        let Some(end) = digits.filter(|&end| end > 0 && self.rest()[end..].starts_with('*')) else {
            return Ok(None);
        };
        let number = &self.rest()[..end];
        let factor: f32 = number
            .parse()
            .ok()
            .filter(|f| (0.01..=100.0).contains(f))
            .ok_or_else(|| (self.at, format!("`{number}` is no weight; use 0.01 to 100")))?;
        self.at += end + 1;
        Ok(Some(factor))
    }

    /// A text in quotes, when a quote comes next.
    fn quoted(&mut self) -> Result<Option<String>, Wrong> {
        let quotes = |c: char| matches!(c, '"' | '\u{201c}' | '\u{201d}' | '\u{201e}');
        let Some(open) = self.rest().chars().next().filter(|&c| quotes(c)) else {
            return Ok(None);
        };
        let inside = &self.rest()[open.len_utf8()..];
        let Some(end) = inside.find(quotes) else {
            return Err((self.at, "this quote is not closed".into()));
        };
        let text = inside[..end].split_whitespace().collect::<Vec<_>>().join(" ");
        if text.is_empty() {
            return Err((self.at, "there is nothing between the quotes".into()));
        }
        let close = inside[end..].chars().next().map_or(0, char::len_utf8);
        self.at += open.len_utf8() + end + close;
        Ok(Some(text))
    }

    /// The value after `name:`, which has been read.
    fn named(&mut self, name: &str, start: usize, marked: bool, weight: f32) -> Result<(), Wrong> {
        let lower = name.to_ascii_lowercase();
        if !is_filter(&lower) {
            let problem = format!("`{name}:` is not a filter; use {FILTERS}, or put the words in quotes");
            return Err((start, problem));
        }
        let value_at = self.at;
        let value = match self.quoted()? {
            Some(value) => value,
            None => {
                let end = self.rest().find(char::is_whitespace).unwrap_or(self.rest().len());
                let value = self.rest()[..end].to_owned();
                self.at += end;
                value
            }
        };
        if value.is_empty() {
            return Err((value_at, format!("`{name}:` needs a value right after it")));
        }
        if lower == "like" {
            self.query.terms.push(Term { weight, meaning: Meaning::Photo(value) });
            return Ok(());
        }
        if marked {
            let problem = format!("`{name}:` is a filter; it cannot be weighed or negated");
            return Err((start, problem));
        }
        self.filter(&lower, value).map_err(|problem| (value_at, problem))
    }

    /// Narrows the stars to those on this side of `stars`.
    fn rating(&mut self, bound: Bound, stars: &str) -> Result<(), String> {
        let given = stars.trim_matches(['"', '\u{201c}', '\u{201d}']);
        let stars = given.parse().ok().filter(|stars| STARS.contains(stars));
        let stars: i8 = stars
            .ok_or_else(|| format!("`{given}` is no rating; use 0 to 5 stars, or -1 for photos that were rejected"))?;
        let (least, most) = match bound {
            Bound::AtLeast => (stars, *STARS.end()),
            Bound::AtMost => (*STARS.start(), stars),
            Bound::Above => (stars + 1, *STARS.end()),
            Bound::Below => (*STARS.start(), stars - 1),
            Bound::Exactly => (stars, stars),
        };
        let before = self.query.filters.rating.clone().unwrap_or(STARS);
        let both = least.max(*before.start())..=most.min(*before.end());
        if both.is_empty() {
            return Err("no photo can have such a rating".into());
        }
        self.query.filters.rating = Some(both);
        Ok(())
    }

    fn filter(&mut self, name: &str, value: String) -> Result<(), String> {
        let filters = &mut self.query.filters;
        let twice = match name {
            "after" => filters.after.replace(value.parse()?).is_some(),
            "before" => filters.before.replace(value.parse()?).is_some(),
            "camera" => filters.camera.replace(value).is_some(),
            "lens" => filters.lens.replace(value).is_some(),
            "in" => filters.inside.replace(value).is_some(),
            _ => filters.format.replace(known_format(&value)?.into()).is_some(),
        };
        if twice { Err(format!("`{name}:` is given twice")) } else { Ok(()) }
    }
}

/// On which side of a number of stars.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bound {
    AtLeast,
    AtMost,
    Above,
    Below,
    Exactly,
}

/// Name and sign, side and stars of a word such as `rating>=4`; `None` for any other word.
fn rating(word: &str) -> Option<(&str, Bound, &str)> {
    const NAME: usize = "rating".len();
    let rest = word.get(NAME..).filter(|_| word[..NAME].eq_ignore_ascii_case("rating"))?;
    // The longer signs before those that they begin with.
    let signs = [
        (">=", Bound::AtLeast),
        ("=>", Bound::AtLeast),
        ("\u{2265}", Bound::AtLeast),
        ("<=", Bound::AtMost),
        ("=<", Bound::AtMost),
        ("\u{2264}", Bound::AtMost),
        (">", Bound::Above),
        ("<", Bound::Below),
        ("=", Bound::Exactly),
        (":", Bound::Exactly),
    ];
    let (sign, bound) = signs.into_iter().find(|(sign, _)| rest.starts_with(sign))?;
    Some((&word[..NAME + sign.len()], bound, &rest[sign.len()..]))
}

fn is_filter(name: &str) -> bool {
    ["after", "before", "camera", "lens", "in", "type", "like"].iter().any(|filter| filter.eq_ignore_ascii_case(name))
}

fn known_format(value: &str) -> Result<&'static str, String> {
    Ok(match value.to_ascii_lowercase().as_str() {
        "jpg" | "jpeg" => "jpeg",
        "png" => "png",
        "webp" => "webp",
        "gif" => "gif",
        "bmp" => "bmp",
        "tif" | "tiff" => "tiff",
        "heic" | "heif" => "heic",
        "avif" => "avif",
        "jxl" => "jxl",
        "raw" => "raw",
        _ => {
            return Err(format!(
                "`{value}` is not a type of photo that can be searched; \
                 use jpeg, png, webp, gif, bmp, tiff, heic, avif, jxl or raw"
            ));
        }
    })
}

#[cfg(test)]
#[path = "query_tests.rs"]
mod tests;
