//! What is not wanted, in words: `without people`, `no snow`, `ohne Menschen`, `没有人`.

use super::tokens::{Token, is_han};

/// A few words that say what is not wanted.
pub(super) struct Negation {
    /// Tokens of all of it.
    pub length: usize,
    /// What is not wanted, each for itself.
    pub unwanted: Vec<String>,
}

/// Words that stand on signs after "no", which photos show.
const SIGNS: &[&str] = &[
    "smoking",
    "parking",
    "entry",
    "swimming",
    "trespassing",
    "exit",
    "diving",
    "fishing",
    "camping",
    "littering",
    "turn",
    "stopping",
    "admittance",
    "way",
];
/// Words with which what is not wanted is over.
const STOPS: &[&str] = &[
    "in", "on", "at", "with", "but", "by", "near", "under", "over", "from", "during", "behind", "before", "after",
    "and", "or", "und", "oder", "aber", "im", "am", "auf", "mit", "bei", "vor", "hinter", "unter", "an", "aus", "von",
    "for", "fur", "to", "without", "no", "ohne", "since", "seit",
];
const ARTICLES: &[&str] =
    &["a", "an", "the", "any", "ein", "eine", "einen", "einem", "der", "die", "das", "den", "dem"];
/// Words that one of the two sides of "without cars and people" is put together with.
const JOINS: &[&str] = &["and", "or", "und", "oder", "和"];
/// Words that what is not wanted has at most.
const MOST: usize = 2;

/// What the tokens at `at` say is not wanted; `is_taken` tells what means something else.
pub(super) fn read(tokens: &[Token<'_>], at: usize, is_taken: impl Fn(usize) -> bool) -> Option<Negation> {
    let first = tokens.get(at)?;
    if first.is_any(&["没有", "不要", "不含"]) {
        return chinese(tokens, at, is_taken);
    }
    if !first.is_any(&["without", "no", "not", "ohne", "kein", "keine", "keinen", "keinem", "keiner"]) {
        return None;
    }
    let is_sign = |token: &Token<'_>| token.is_any(&["sign", "signs", "allowed", "schild"]) || token.is_any(SIGNS);
    if first.is_any(&["no"]) && tokens[at + 1..].iter().take(3).any(is_sign) || first.ends {
        return None;
    }
    let mut unwanted = Vec::new();
    let mut next = at + 1;
    loop {
        while tokens.get(next).is_some_and(|token| token.is_any(ARTICLES)) {
            next += 1;
        }
        let start = next;
        while let Some(token) = tokens.get(next)
            && !is_taken(next)
            && !token.is_any(STOPS)
            && !token.is_apart
            && !token.key.is_empty()
        {
            next += 1;
            if token.ends {
                break;
            }
        }
        if next == start {
            break;
        }
        // "beach without people sunset": the rest is wanted.
        if next - start > MOST {
            next = start + 1;
        }
        let words: Vec<&str> = tokens[start..next].iter().map(|token| token.word).collect();
        unwanted.push(words.join(" "));
        let joined = tokens.get(next).is_some_and(|token| token.is_any(JOINS)) && !is_taken(next);
        let goes_on = tokens.get(next + 1).is_some_and(|token| !token.is_any(STOPS)) && !is_taken(next + 1);
        // "no snow and mountains" wants mountains.
        if !joined || !goes_on || !first.is_any(&["without", "ohne"]) {
            break;
        }
        next += 1;
    }
    (!unwanted.is_empty()).then(|| Negation { length: next - at, unwanted })
}

/// `没有人的海滩`: a beach without people.
fn chinese(tokens: &[Token<'_>], at: usize, is_taken: impl Fn(usize) -> bool) -> Option<Negation> {
    let mut unwanted = vec![String::new()];
    let mut next = at + 1;
    while let Some(token) = tokens.get(next)
        && !is_taken(next)
        && (token.is_glued || next == at + 1)
        && !token.is_any(&["的", "没有", "不要", "不含"])
    {
        match unwanted.last_mut() {
            Some(last) if !token.is_any(&["和"]) => last.push_str(token.word),
            _ => unwanted.push(String::new()),
        }
        next += 1;
        if token.ends || !token.word.starts_with(is_han) {
            break;
        }
    }
    unwanted.retain(|text| !text.is_empty());
    if unwanted.is_empty() {
        return None;
    }
    next += usize::from(tokens.get(next).is_some_and(|token| token.is_any(&["的"])));
    Some(Negation { length: next - at, unwanted })
}
