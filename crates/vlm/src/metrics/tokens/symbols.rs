//! Everything that is not a word: clitics, punctuation, symbols, entities, addresses and emoticons.

use super::{Token, at, is_apostrophe, is_word, lower, run, starts_with, words};

/// Entities of HTML, and the text they become.
const ENTITIES: &[(&str, &str)] =
    &[("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">"), ("&quot;", ""), ("&nbsp;", ""), ("&ndash;", ""), ("&mdash;", "")];

/// Informal words that start with an apostrophe. They are found at the start of longer words too.
const APOSTROPHE_FIRST: &[&str] = &["till", "til", "em", "cause"];

/// The longest token at the start of the text, which must not be empty, that is not a plain word or number.
pub(super) fn longest(rest: &[char]) -> Token {
    let rules = [apostrophe, entity, initials, address, markup, tag, currency, emoticon, face];
    let found = rules.iter().filter_map(|rule| rule(rest)).max_by_key(|token| token.length);
    found.unwrap_or_else(|| mark(rest))
}

fn token(length: usize, text: impl Into<String>) -> Option<Token> {
    Some(Token { length, text: text.into() })
}

/// The characters as they are.
fn verbatim(rest: &[char], length: usize) -> Option<Token> {
    if length == 0 { None } else { token(length, lower(&rest[..length])) }
}

/// Clitics and other tokens around an apostrophe: "n't", "'s", "'n'", "'90s", "'em", "'tis".
fn apostrophe(rest: &[char]) -> Option<Token> {
    if starts_with(rest, "n") && at(rest, 1, is_apostrophe) && starts_with(&rest[2..], "t") {
        return if at(rest, 3, is_word) { None } else { token(3, "n't") };
    }
    if !at(rest, 0, is_apostrophe) {
        return None;
    }
    let after = &rest[1..];
    let clitic = words::clitic(rest);
    if clitic > 0 {
        return token(clitic, lower(&rest[..clitic]).replace('’', "'"));
    }
    if starts_with(after, "n") && at(after, 1, is_apostrophe) {
        return verbatim(rest, 3);
    }
    if starts_with(after, "n") && after.get(1).is_none_or(|c| c.is_whitespace()) {
        return verbatim(rest, 2);
    }
    if let Some(word) = APOSTROPHE_FIRST.iter().find(|word| starts_with(after, word)) {
        return verbatim(rest, 1 + word.len());
    }
    if rest[0] == '\'' && (starts_with(after, "tis") || starts_with(after, "twas")) {
        return token(2, "'t");
    }
    year(rest)
}

/// A year or decade without its century: "'98", "'90s".
fn year(rest: &[char]) -> Option<Token> {
    let digits = run(&rest[1..], |c| c.is_ascii_digit());
    let decade = at(rest, 1, |c| matches!(c, '2'..='9')) && at(rest, 2, |c| c == '0') && starts_with(&rest[3..], "s");
    let length = if decade { 4 } else { 3 };
    // Before anything but a blank, as in "'93'", the apostrophe is taken as a quotation mark.
    let ends = rest.get(length).is_none_or(|&c| if decade { !is_word(c) } else { c.is_whitespace() });
    if digits == 2 && ends { verbatim(rest, length) } else { None }
}

fn entity(rest: &[char]) -> Option<Token> {
    if let Some((name, text)) = ENTITIES.iter().find(|(name, _)| starts_with(rest, name)) {
        return token(name.len(), *text);
    }
    let digits = if starts_with(rest, "&#") { run(&rest[2..], |c| c.is_ascii_digit()) } else { 0 };
    if digits > 0 && at(rest, 2 + digits, |c| c == ';') { verbatim(rest, digits + 3) } else { None }
}

/// Capitals joined by an ampersand: "AT&T".
fn initials(rest: &[char]) -> Option<Token> {
    let before = run(rest, |c| c.is_ascii_uppercase());
    let ampersand = match &rest[before..] {
        _ if before == 0 => return None,
        after if starts_with(after, "&amp;") => 5,
        after if starts_with(after, "&") => 1,
        _ => return None,
    };
    let after = run(&rest[before + ampersand..], |c| c.is_ascii_uppercase());
    let length = before + ampersand + after;
    if after == 0 { None } else { token(length, lower(&rest[..length]).replace("&amp;", "&")) }
}

/// Web and mail addresses, without the punctuation that follows them.
fn address(rest: &[char]) -> Option<Token> {
    let mut length = run(rest, |c| !c.is_whitespace() && !matches!(c, '<' | '>' | '"' | '(' | ')' | '“' | '”'));
    while length > 0 && matches!(rest[length - 1], '.' | ',' | ';' | ':' | '!' | '?' | '\'' | '’') {
        length -= 1;
    }
    let text = lower(&rest[..length]);
    let web = ["http://", "https://"].iter().any(|scheme| text.starts_with(scheme)) && text.contains('.');
    if web || [".com/", ".net/", ".org/", ".edu/"].iter().any(|end| text.contains(end)) {
        return token(length, text);
    }
    let local = run(rest, |c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'));
    let host = run(&rest[(local + 1).min(length)..length], |c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'));
    let mail = local > 0 && host > 0 && at(rest, local, |c| c == '@');
    if mail { verbatim(rest, local + 1 + host) } else { None }
}

/// A tag of HTML, with its attributes.
fn markup(rest: &[char]) -> Option<Token> {
    let name = 1 + usize::from(at(rest, 1, |c| matches!(c, '/' | '!' | '?')));
    if rest[0] != '<' || !at(rest, name, |c| c.is_ascii_alphabetic()) {
        return None;
    }
    let length = run(&rest[1..], |c| !matches!(c, '<' | '>')) + 1;
    if at(rest, length, |c| c == '>') { verbatim(rest, length + 1) } else { None }
}

/// "#topic", "@user", and the programming languages that end in symbols.
fn tag(rest: &[char]) -> Option<Token> {
    let letters = run(&rest[1..], |c| c.is_ascii_alphabetic());
    match rest[0] {
        '#' if letters > 0 => verbatim(rest, 1 + letters),
        '@' if letters > 0 => verbatim(rest, 1 + run(&rest[1..], |c| c.is_ascii_alphanumeric() || c == '_')),
        'c' | 'C' if starts_with(&rest[1..], "++") => verbatim(rest, 3),
        'c' | 'C' | 'f' | 'F' if at(rest, 1, |c| c == '#') => verbatim(rest, 2),
        _ => None,
    }
}

/// A dollar sign with its country: "US$".
fn currency(rest: &[char]) -> Option<Token> {
    let capitals = run(rest, |c| c.is_ascii_uppercase());
    if matches!(capitals, 1..=3) && at(rest, capitals, |c| c == '$') { verbatim(rest, capitals + 1) } else { None }
}

/// Emoticons such as ":-)", whose brackets are written as every bracket.
fn emoticon(rest: &[char]) -> Option<Token> {
    let hat = usize::from(matches!(rest[0], '<' | '>'));
    let nose = hat + 1 + usize::from(at(rest, hat + 1, |c| matches!(c, '-' | '\'')));
    let mouth = |c: char| matches!(c, '(' | ')' | '[' | ']' | 'D' | 'P' | 'p' | 'O' | '|' | '\\');
    // ":Paul" is a name.
    let ends = !at(rest, nose + 1, is_word);
    if !at(rest, hat, |c| matches!(c, ':' | ';' | '=')) || !at(rest, nose, mouth) || !ends {
        return None;
    }
    token(nose + 1, lower(&rest[..=nose]).replace('(', "-lrb-").replace(')', "-rrb-"))
}

/// Faces such as "-_-".
fn face(rest: &[char]) -> Option<Token> {
    let eyes = |left: char| at(rest, 2, |right| left == right || (left, right) == ('>', '<'));
    let found = matches!(rest[0], '-' | '^' | '=' | '>') && at(rest, 1, |c| c == '_') && eyes(rest[0]);
    if found { verbatim(rest, 3) } else { None }
}

/// Punctuation and any other single character.
fn mark(rest: &[char]) -> Token {
    let first = rest[0];
    let same = run(rest, |c| c == first);
    let (length, text) = match first {
        // Two or more keep together and, unlike one alone, are not on the list of dropped tokens.
        '!' | '?' => match run(rest, |c| matches!(c, '!' | '?')) {
            1 => (1, String::new()),
            several => (several, lower(&rest[..several])),
        },
        // Up to four hyphens are a dash. A longer run stays as it is, and so is not on the list either.
        '-' if same > 4 => (same, lower(&rest[..same])),
        '-' => (same, String::new()),
        '*' | '#' | '@' | '_' => (same, lower(&rest[..same])),
        '<' | '>' if same == 2 => (2, lower(&rest[..2])),
        _ => (1, single(first)),
    };
    Token { length, text }
}

/// What becomes of a character that is a token of its own; nothing for the ones that are dropped.
fn single(c: char) -> String {
    let text = match c {
        '.' | ',' | ':' | ';' | '…' | '‐' | '‑' | '–' | '—' => "",
        '\'' | '"' | '`' | '‘' | '’' | '“' | '”' | '«' | '»' | '‹' | '›' => "",
        '(' => "-lrb-",
        ')' => "-rrb-",
        '[' => "-lsb-",
        ']' => "-rsb-",
        '{' => "-lcb-",
        '}' => "-rcb-",
        // The treebank has only ASCII currency signs.
        '£' => "#",
        '€' | '¤' => "$",
        '¢' => "cents",
        '½' => "1/2",
        '¼' => "1/4",
        '¾' => "3/4",
        '⅓' => "1/3",
        '⅔' => "2/3",
        // The tokeniser has no rule for these and leaves them out.
        '₩' | '₹' | '\u{ad}' | '\u{200b}' | '\u{feff}' | '\u{e000}'..='\u{f8ff}' | '\u{10000}'.. => "",
        _ => return c.to_lowercase().collect(),
    };
    text.to_owned()
}
