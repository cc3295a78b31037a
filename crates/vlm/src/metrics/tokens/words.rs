//! Words: with hyphens, slashes, apostrophes and full stops inside.

use super::{abbreviations, at, is_apostrophe, is_word, run, starts_with};

/// Words with an apostrophe that no general rule covers.
const WITH_APOSTROPHE: &[&str] = &[
    "c'est",
    "c'mon",
    "cap'n",
    "d'ye",
    "dunkin'",
    "e'er",
    "n'est",
    "nat'l",
    "nor'easter",
    "ol'",
    "qu'il",
    "qu'ils",
    "s'mores",
    "somethin'",
];

/// Words that are taken as two, and where they are split.
const COMPOUNDS: &[(&str, usize)] =
    &[("cannot", 3), ("gimme", 3), ("gonna", 3), ("gotta", 3), ("lemme", 3), ("wanna", 3)];

/// The most parts that slashes can join into one word.
const MAX_SLASHED: usize = 3;

/// The longest word at the start of the text; zero if there is none.
pub(super) fn longest(rest: &[char]) -> usize {
    if let Some(verb) = negated_verb(rest) {
        return verb;
    }
    let rules = [
        hyphened,
        hyphened_acronym,
        slashed,
        full_stop_before_comma,
        comma_before_compound,
        dotted,
        acronym,
        abbreviation,
        with_apostrophe,
        elision,
        prefix,
    ];
    rules.iter().map(|rule| rule(rest)).max().unwrap_or(0)
}

/// Puts a blank into a word that counts as two ("cannot").
pub(super) fn split_compound(word: String) -> String {
    match COMPOUNDS.iter().find(|(compound, _)| *compound == word) {
        Some((_, index)) => format!("{} {}", &word[..*index], &word[*index..]),
        None => word,
    }
}

/// Parts that each follow a hyphen: "-year-old". Zero if there is none.
pub(super) fn hyphen_parts(rest: &[char]) -> usize {
    let mut length = 0;
    while at(rest, length, |c| c == '-') {
        match part(&rest[length + 1..]) {
            0 => break,
            count => length += 1 + count,
        }
    }
    length
}

/// The "do" of "don't": the "n" belongs to the token that follows.
fn negated_verb(rest: &[char]) -> Option<usize> {
    let letters = run(rest, |c| c.is_ascii_alphabetic());
    let negated = letters > 1
        && starts_with(&rest[letters - 1..], "n")
        && !starts_with(&rest[letters - 2..], "n")
        && at(rest, letters, is_apostrophe)
        && starts_with(&rest[letters + 1..], "t");
    negated.then(|| letters - 1)
}

/// Letters and digits, also with single underscores between them, or a name like "o'neill".
fn part(rest: &[char]) -> usize {
    let mut length = run(rest, is_word);
    while length > 0 && at(rest, length, |c| c == '_') && at(rest, length + 1, is_word) {
        length += 1 + run(&rest[length + 1..], is_word);
    }
    length.max(prefixed_name(rest))
}

/// A name with a one-letter prefix: "o'clock", "d'Artagnan", "L'Oreal".
fn prefixed_name(rest: &[char]) -> usize {
    let prefix = |c: char| matches!(c, 'd' | 'l' | 'n' | 'o') || (c.is_ascii_uppercase() && !matches!(c, 'I' | 'Y'));
    if !at(rest, 0, prefix) || !at(rest, 1, is_apostrophe) || clitic(&rest[1..]) > 0 {
        return 0;
    }
    let letters = run(&rest[2..], char::is_alphabetic);
    if letters < 2 { 0 } else { 2 + letters }
}

fn hyphened(rest: &[char]) -> usize {
    let first = part(rest);
    if first == 0 { 0 } else { first + hyphen_parts(&rest[first..]) }
}

/// A compound that ends in an acronym: "the-u.s.", "non-U.S.-made".
fn hyphened_acronym(rest: &[char]) -> usize {
    let word = part(rest);
    let mut length = word;
    while word > 0 && at(rest, length, |c| c == '-') {
        let letters = initials(&rest[length + 1..]);
        if letters > 2 {
            length += 1 + letters;
            return length + hyphen_parts(&rest[length..]);
        }
        match part(&rest[length + 1..]) {
            0 => break,
            count => length += 1 + count,
        }
    }
    0
}

/// Up to three words joined by slashes: "and/or". The third slash starts a new token.
fn slashed(rest: &[char]) -> usize {
    let mut length = slash_part(rest);
    for _ in 1..MAX_SLASHED {
        let slash = if starts_with(&rest[length..], "\\/") { 2 } else { 1 };
        if length == 0 || !at(rest, length + slash - 1, |c| c == '/') {
            break;
        }
        match slash_part(&rest[length + slash..]) {
            0 => break,
            count => length += slash + count,
        }
    }
    length
}

/// A word with at most two hyphens, each before a letter.
fn slash_part(rest: &[char]) -> usize {
    let mut length = run(rest, is_word);
    for _ in 0..2 {
        if length > 0 && at(rest, length, |c| c == '-') && at(rest, length + 1, char::is_alphabetic) {
            length += 1 + run(&rest[length + 1..], is_word);
        }
    }
    length
}

/// A full stop between a word and a comma is that of an abbreviation.
fn full_stop_before_comma(rest: &[char]) -> usize {
    let word = hyphened(rest);
    let kept = word > 0 && at(rest, word, |c| c == '.') && at(rest, word + 1, |c| matches!(c, ',' | ';' | ':'));
    if kept { word + 1 } else { 0 }
}

/// A comma without a blank after it does not end a word if a compound follows: "shirt,black-and-white".
fn comma_before_compound(rest: &[char]) -> usize {
    let word = run(rest, is_word);
    if word == 0 || !at(rest, word, |c| c == ',') {
        return 0;
    }
    let compound = hyphened(&rest[word + 1..]);
    if rest[word + 1..word + 1 + compound].contains(&'-') { word + 1 + compound } else { 0 }
}

/// Words with a full stop, `!` or `?` and no blank between them: "u.s.a", "word.word", "dog!cat".
fn dotted(rest: &[char]) -> usize {
    let first = run(rest, is_word);
    let mut length = first;
    let starts = at(rest, 0, char::is_alphabetic);
    while starts && at(rest, length, |c| matches!(c, '.' | '!' | '?')) && at(rest, length + 1, char::is_alphabetic) {
        length += 1 + run(&rest[length + 1..], is_word);
    }
    if length == first { 0 } else { length + hyphen_parts(&rest[length..]) }
}

/// Single letters with a full stop after each: "u.s.", "p.m.", or one initial.
fn acronym(rest: &[char]) -> usize {
    let length = initials(rest);
    if length == 2 && abbreviations::starts_sentence(&rest[2..]) {
        return 1;
    }
    if length == 0 { 0 } else { length + hyphen_parts(&rest[length..]) }
}

fn initials(rest: &[char]) -> usize {
    let mut length = 0;
    while at(rest, length, |c| c.is_ascii_alphabetic()) && at(rest, length + 1, |c| c == '.') {
        length += 2;
    }
    length
}

fn abbreviation(rest: &[char]) -> usize {
    let word = run(rest, char::is_alphabetic);
    if !at(rest, word, |c| c == '.') || !abbreviations::keeps_stop(&rest[..word], &rest[word + 1..]) {
        return 0;
    }
    word + 1 + hyphen_parts(&rest[word + 1..])
}

/// Words with an apostrophe that is neither a clitic's nor a quotation mark: "ma'am", "hallowe'en", "c'mon".
fn with_apostrophe(rest: &[char]) -> usize {
    let before = run(rest, char::is_alphabetic);
    if before == 0 || !at(rest, before, is_apostrophe) {
        return 0;
    }
    let after = run(&rest[before + 1..], char::is_alphabetic);
    let end = before + 1 + after;
    let word: String = super::lower(&rest[..end]).replace('’', "'");
    let listed = WITH_APOSTROPHE.contains(&word.as_str());
    let vowel = |c: char| matches!(c.to_ascii_lowercase(), 'a' | 'e' | 'i' | 'o' | 'u');
    let between_vowels =
        before > 1 && at(rest, before - 1, |c| vowel(c) || matches!(c, 'y' | 'Y')) && at(rest, before + 1, vowel);
    if listed || between_vowels { end } else { 0 }
}

/// The "y'" of "y'all" and the "j'" of "j'ai", which are tokens of their own.
fn elision(rest: &[char]) -> usize {
    let elided = at(rest, 1, is_apostrophe)
        && clitic(&rest[1..]) == 0
        && match rest[0].to_ascii_lowercase() {
            'd' | 'j' | 'l' => true,
            'y' => at(rest, 2, char::is_alphabetic),
            _ => false,
        };
    if elided { 2 } else { 0 }
}

/// The two prefixes that keep a hyphen with no word after it.
fn prefix(rest: &[char]) -> usize {
    let found = ["anti-", "pro-"].iter().find(|prefix| starts_with(rest, prefix));
    found.map_or(0, |prefix| prefix.len())
}

/// The length of a clitic at the start of the text, with its apostrophe: "'s", "'ll". Zero if there is none.
pub(super) fn clitic(rest: &[char]) -> usize {
    if !at(rest, 0, is_apostrophe) {
        return 0;
    }
    let letters = run(&rest[1..], is_word);
    let found = ["s", "m", "d", "re", "ve", "ll"].iter().any(|c| c.len() == letters && starts_with(&rest[1..], c));
    if found { 1 + letters } else { 0 }
}
