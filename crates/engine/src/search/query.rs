//! The query language: text in, terms and filters out.
//!
//! ```text
//! a dog in the snow            one phrase, understood as a whole
//! dog -cat                     a dog, and no cat
//! beach 2*sunset               the sunset counts twice
//! "red car" -"blue sky"        quotes keep words together
//! like:photo.jpg               like this photo
//! after:2021-06 before:2022    taken from June 2021 on, and before 2022
//! camera:"x100v" lens:23mm type:png
//! in:Lisbon in:"New York"      taken there, or in a folder of that name
//! rating>=4 rating:5 rating<3  by stars
//! #travel #"new york"          with these keywords
//! ```
//!
//! Bare words form one phrase wherever they stand. Whatever people type is a query: a sign before nothing, a stray
//! quote and a filter without a value say nothing, an unknown `name:value` is a word. Only a filter with a value that
//! it cannot have is wrong. Pure: no files, no model.

use std::ops::RangeInclusive;

use super::dates::DatePrefix;

/// A parsed query.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Query {
    /// What to look for, with weights; what has a negative one is not wanted.
    pub terms: Vec<Term>,
    /// What every result must fulfil.
    pub filters: Filters,
}

impl Query {
    /// Puts what bare words say before all other terms; no words say nothing.
    pub(super) fn put_phrase(&mut self, phrase: String) {
        if !phrase.is_empty() {
            self.terms.insert(0, Term { weight: 1.0, meaning: Meaning::Text(phrase) });
        }
    }
}

/// One weighted part of a query.
#[derive(Debug, Clone, PartialEq)]
pub struct Term {
    /// Times this part counts; below zero its photos are taken away.
    pub weight: f32,
    /// What it says.
    pub meaning: Meaning,
}

impl Term {
    /// Its words; none of a photo.
    pub fn text(&self) -> Option<&str> {
        match &self.meaning {
            Meaning::Text(text) => Some(text),
            Meaning::Photo(_) => None,
        }
    }
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
    /// Has each of these keywords.
    pub keywords: Vec<String>,
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

/// Weights that a term may have.
const WEIGHTS: RangeInclusive<f32> = 0.01..=100.0;
/// Stars that there are; -1 is a photo that was rejected.
const STARS: RangeInclusive<i8> = -1..=5;

/// Parses a query.
///
/// # Errors
/// [`QueryError`] points to the character where the query stops making sense.
pub fn parse(text: &str) -> Result<Query, QueryError> {
    let (mut query, words) = parse_words(text)?;
    query.put_phrase(words.join(" "));
    Ok(query)
}

/// As [`parse`], with the bare words aside, each a part of `text`.
///
/// # Errors
/// As [`parse`].
pub fn parse_words(text: &str) -> Result<(Query, Vec<&str>), QueryError> {
    let mut parser = Parser { text, at: 0, phrase: Vec::new(), query: Query::default() };
    parser.run().map_err(|(at, problem)| QueryError {
        query: text.replace(char::is_control, " "),
        column: text[..at].chars().count(),
        problem,
    })?;
    Ok((parser.query, parser.phrase))
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
        Ok(())
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// One item: a sign, a weight, and then a quoted text, a filter or a word.
    fn item(&mut self) -> Result<(), Wrong> {
        let start = self.at;
        let word_end = self.rest().find(char::is_whitespace).unwrap_or(self.rest().len());
        if self.rest()[..word_end].chars().all(|c| matches!(c, '-' | '+' | '\u{2212}')) {
            // "dog - park", "coffee + cake": marks before nothing mark nothing.
            self.at += word_end;
            return Ok(());
        }
        let sign = match self.rest().chars().next() {
            Some('-' | '\u{2212}') => Some(-1.0),
            Some('+') => Some(1.0),
            _ => None,
        };
        if sign.is_some() {
            self.at += self.rest().chars().next().map_or(0, char::len_utf8);
        }
        let factor_at = self.at;
        let factor = self.factor();
        if self.rest().chars().next().is_none_or(char::is_whitespace) {
            // "2* zoom": a weight of nothing is a word.
            self.phrase.push(&self.text[factor_at..self.at]);
            return Ok(());
        }
        let marked = sign.is_some() || factor.is_some();
        let weight = sign.unwrap_or(1.0) * factor.unwrap_or(1.0);
        if let Some(quoted) = self.quoted() {
            if !quoted.is_empty() {
                self.query.terms.push(Term { weight, meaning: Meaning::Text(quoted) });
            }
            return Ok(());
        }
        if let Some(Stars { name, bound, stars, length }) = rating(self.rest()) {
            if marked {
                return Err((start, unmarkable(name)));
            }
            self.at += length;
            let stars_at = self.at - stars.len();
            // Not typed yet.
            return if stars.is_empty() { Ok(()) } else { self.rating(bound, stars).map_err(|why| (stars_at, why)) };
        }
        if let Some(keyword) = self.keyword() {
            if marked {
                return Err((start, unmarkable("#")));
            }
            self.query.filters.keywords.push(keyword);
            return Ok(());
        }
        let end = self.rest().find(char::is_whitespace).unwrap_or(self.rest().len());
        let word = &self.rest()[..end];
        // "3:30", "note:" and "mood:happy" are words.
        if let Some((name, _)) = word.split_once(':').filter(|(name, _)| is_filter(name)) {
            self.at += name.len() + 1;
            return self.named(name, start, marked, weight);
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
    fn factor(&mut self) -> Option<f32> {
        let digits = self.rest().find(|c: char| !c.is_ascii_digit() && c != '.');
        let end = digits.filter(|&end| end > 0 && self.rest()[end..].starts_with('*'))?;
        let factor = self.rest()[..end].parse().ok().filter(|factor| WEIGHTS.contains(factor))?;
        self.at += end + 1;
        Some(factor)
    }

    /// A text in quotes, when a quote comes next; one that is not closed goes on to the end.
    fn quoted(&mut self) -> Option<String> {
        let quotes = |c: char| matches!(c, '"' | '\u{201c}' | '\u{201d}' | '\u{201e}');
        let open = self.rest().chars().next().filter(|&c| quotes(c))?;
        let inside = &self.rest()[open.len_utf8()..];
        let end = inside.find(quotes).unwrap_or(inside.len());
        let close = inside[end..].chars().next().map_or(0, char::len_utf8);
        self.at += open.len_utf8() + end + close;
        Some(inside[..end].split_whitespace().collect::<Vec<_>>().join(" "))
    }

    /// The keyword after `#`, when that is what comes next; "#" alone and "#1" are words.
    fn keyword(&mut self) -> Option<String> {
        let (at, rest) = (self.at, self.rest().strip_prefix('#')?);
        if !rest.starts_with(|first: char| first.is_alphabetic() || matches!(first, '"' | '\u{201c}' | '\u{201e}')) {
            return None;
        }
        self.at += 1;
        let keyword = match self.quoted() {
            Some(quoted) => quoted,
            None => {
                let end = self.rest().find(char::is_whitespace).unwrap_or(self.rest().len());
                let word = self.rest()[..end].to_owned();
                self.at += end;
                word
            }
        };
        if keyword.is_empty() {
            self.at = at;
            return None;
        }
        Some(keyword)
    }

    /// The value after `name:`, which has been read.
    fn named(&mut self, name: &str, start: usize, marked: bool, weight: f32) -> Result<(), Wrong> {
        let lower = name.to_ascii_lowercase();
        let value_at = self.at;
        let value = match self.quoted() {
            Some(value) => value,
            None => {
                let end = self.rest().find(char::is_whitespace).unwrap_or(self.rest().len());
                let value = self.rest()[..end].to_owned();
                self.at += end;
                value
            }
        };
        if value.is_empty() {
            // Not typed yet.
            return Ok(());
        }
        if lower == "like" {
            self.query.terms.push(Term { weight, meaning: Meaning::Photo(value) });
            return Ok(());
        }
        if marked {
            return Err((start, unmarkable(&format!("{name}:"))));
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

/// Why a filter takes no sign and no weight.
fn unmarkable(name: &str) -> String {
    format!("`{name}` is a filter; it cannot be weighed or negated, take the sign away")
}

/// A condition on stars, at the beginning of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stars<'a> {
    /// The filter's name with its sign.
    name: &'a str,
    bound: Bound,
    /// As written.
    stars: &'a str,
    /// Bytes of all of it.
    length: usize,
}

/// `rating>=4` or `rating >= 4` at the beginning of a text; `None` for any other.
fn rating(text: &str) -> Option<Stars<'_>> {
    const NAME: usize = "rating".len();
    let rest = text.get(NAME..).filter(|_| text[..NAME].eq_ignore_ascii_case("rating"))?;
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
    let after_blank = rest.trim_start();
    let (sign, bound) = signs.into_iter().find(|(sign, _)| after_blank.starts_with(sign))?;
    let name_end = text.len() - after_blank.len() + sign.len();
    let value = &text[name_end..];
    // A blank before the number only where there is a number: "rating: dogs" asks for dogs.
    let apart = value.trim_start();
    let is_number = apart.trim_start_matches('-').starts_with(|c: char| c.is_ascii_digit());
    let value = if is_number { apart } else { value };
    let end = value.find(char::is_whitespace).unwrap_or(value.len());
    let length = text.len() - value.len() + end;
    Some(Stars { name: &text[..name_end], bound, stars: &value[..end], length })
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
