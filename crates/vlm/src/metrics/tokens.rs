//! Tokenisation of captions as in the COCO caption tools.
//!
//! The tools run the Penn Treebank tokeniser of Stanford CoreNLP 3.4.1 (`PTBTokenizer -preserveLines -lowerCase`)
//! and then drop a list of punctuation tokens. This is a reimplementation of what that does to English captions,
//! written from the tokeniser's observed behaviour and not from its source, which has another licence. It gives the
//! same tokens for all 40,455 captions of Flickr8k. Three differences are known and accepted:
//!
//! * Here each caption stands alone. The tools tokenise all captions as one text, and there the first word of the
//!   next caption can decide whether a final single letter keeps its full stop ("plan b.").
//! * Telephone numbers with blanks or brackets in them are not joined into one token.
//! * Emoticons, web addresses and mark-up are recognised in their common forms only.

mod abbreviations;
mod numbers;
mod symbols;
mod words;

/// A token at the start of the text that is left.
struct Token {
    /// How many characters it covers.
    length: usize,
    /// What it becomes, in lower case; empty if the COCO tools drop it.
    text: String,
}

/// Splits a caption into lower-case tokens, without punctuation, as the COCO tools do before every metric.
///
/// Quotation marks, full stops, commas, colons, semicolons, dashes and single `!` and `?` are dropped. Brackets are
/// not: the tools list them as `-LRB-` but compare with the lower-cased `-lrb-`, and published scores include that.
/// A token can contain a no-break space (`3 1/2` is one token).
pub fn tokenise(caption: &str) -> Vec<String> {
    // Before the rules, for it can be the apostrophe of a clitic.
    let text: Vec<char> = caption.replace("&apos;", "'").chars().collect();
    let mut tokens = Vec::new();
    let mut rest = text.as_slice();
    while let Some(first) = rest.first() {
        if first.is_whitespace() {
            rest = &rest[1..];
            continue;
        }
        let token = longest(rest);
        rest = &rest[token.length..];
        tokens.extend(token.text.split(' ').filter(|part| !part.is_empty()).map(str::to_owned));
    }
    tokens
}

/// The longest token that any rule finds; the symbols come last because they always find one.
fn longest(rest: &[char]) -> Token {
    let word = words::longest(rest).max(numbers::longest(rest));
    let symbol = symbols::longest(rest);
    if word < symbol.length {
        return symbol;
    }
    let text = lower(&rest[..word]);
    Token { length: word, text: words::split_compound(text) }
}

/// The characters as lower-case text. Blanks become no-break spaces, for a blank would end the token.
fn lower(characters: &[char]) -> String {
    let text: String = characters.iter().map(|&c| if c.is_whitespace() { '\u{a0}' } else { c }).collect();
    text.to_lowercase()
}

/// Whether the character can be in a word or number.
fn is_word(c: char) -> bool {
    c.is_alphabetic() || c.is_ascii_digit()
}

/// Whether the character is an apostrophe. A typographic one has the same effect as the one on a keyboard.
fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '’')
}

/// How many characters from the start satisfy the condition.
fn run(rest: &[char], condition: impl Fn(char) -> bool) -> usize {
    rest.iter().take_while(|&&c| condition(c)).count()
}

/// Whether the character at an index exists and satisfies the condition.
fn at(rest: &[char], index: usize, condition: impl Fn(char) -> bool) -> bool {
    rest.get(index).is_some_and(|&c| condition(c))
}

/// Whether the text starts with a lower-case prefix, in any case.
fn starts_with(rest: &[char], prefix: &str) -> bool {
    let mut rest = rest.iter();
    prefix.chars().all(|p| rest.next().is_some_and(|c| c.to_ascii_lowercase() == p))
}

#[cfg(test)]
mod tests;
