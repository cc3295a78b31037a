//! Which tokens may follow what is written: no special ones, no more words than wanted, nothing said twice.
//!
//! A small decoder falls into saying a word again ("a man wearing a hat and hat"). So a telling word is said once,
//! its plural counting as itself; no word returns within the next two; and no three words in a row are said twice.
//! Words that sentences need more than once (articles, prepositions, colours, numbers) may return later.

use super::generate::Rules;
use super::vocabulary::{END, MASK, PAD, START, UNKNOWN};

/// Words that may be said again.
const MAY_RETURN: &[&str] = &[
    "a", "an", "the", "and", "or", "of", "in", "on", "at", "to", "with", "by", "for", "from", "into", "onto", "over",
    "under", "up", "down", "out", "off", "through", "as", "is", "are", "be", "being", "has", "have", "his", "her",
    "their", "its", "it", "he", "she", "they", "them", "him", "that", "this", "who", "which", "while", "other",
    "another", "some", "all", "not", "no", "one", "two", "three", "four", "five", "black", "white", "red", "blue",
    "green", "yellow", "brown", "orange", "pink", "purple", "grey", "gray", "tan", "dark", "light", "blond", "blonde",
    "'s",
];

/// Words after which no sentence ends.
const DANGLING: &[&str] =
    &["a", "an", "the", "and", "or", "of", "with", "his", "her", "their", "its", "is", "are", "into", "from", "as"];

/// A word of a sentence under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    text: String,
}

/// Which tokens may follow.
pub struct Grammar<'a> {
    /// The text of each token; one that begins a word begins with a space.
    pieces: &'a [String],
    max_words: usize,
}

impl<'a> Grammar<'a> {
    /// A grammar over tokens of these pieces, with at most `max_words` words a sentence.
    pub fn new(pieces: &'a [String], max_words: usize) -> Self {
        Self { pieces, max_words: max_words.max(1) }
    }

    fn piece(&self, token: i32) -> &'a str {
        self.pieces.get(token as usize).map_or("", String::as_str)
    }

    fn begins_word(piece: &str) -> bool {
        piece.starts_with(' ')
    }
}

impl Rules for Grammar<'_> {
    type Said = Vec<Word>;

    // The bars of captions were chosen so.
    const ENDS_WITHIN_BEAM: bool = false;

    fn append(&self, words: &mut Vec<Word>, token: i32) {
        let piece = self.piece(token);
        match words.last_mut().filter(|_| !Self::begins_word(piece)) {
            Some(word) => word.text.push_str(piece),
            None => words.push(Word { text: piece.trim_start().to_owned() }),
        }
    }

    fn allows(&self, words: &Vec<Word>, token: i32) -> bool {
        match token {
            PAD | START | UNKNOWN | MASK => return false,
            END => {
                let dangles = words.last().is_some_and(|word| DANGLING.contains(&bare(&word.text)));
                return !dangles || words.len() >= self.max_words;
            }
            _ => {}
        }
        let piece = self.piece(token);
        match words.split_last() {
            Some((last, before)) if !Self::begins_word(piece) => {
                !repeats(before, bare(&format!("{}{piece}", last.text)))
            }
            _ => words.len() < self.max_words && !repeats(words, bare(piece)),
        }
    }

    fn ends(&self, token: i32) -> bool {
        token == END
    }
}

/// Whether `word` after `before` says something again.
fn repeats(before: &[Word], word: &str) -> bool {
    if word.is_empty() {
        return false;
    }
    let mut earlier = before.iter().rev().map(|word| bare(&word.text));
    let [last, second_last] = [earlier.next(), earlier.next()];
    if last == Some(word) || second_last == Some(word) {
        return true;
    }
    let telling = !MAY_RETURN.contains(&word);
    if telling && before.iter().any(|said| singular(bare(&said.text)) == singular(word)) {
        return true;
    }
    before.windows(3).any(|three| {
        let [first, second, third] = [0, 1, 2].map(|at| bare(&three[at].text));
        Some(first) == second_last && Some(second) == last && third == word
    })
}

/// A word without the marks and spaces around it.
fn bare(word: &str) -> &str {
    word.trim_matches(|c: char| !c.is_alphanumeric() && c != '\'')
}

/// A word without the ending of a regular plural or of a possessive.
fn singular(word: &str) -> &str {
    let word = word.strip_suffix("'s").unwrap_or(word);
    let sibilant = |stem: &&str| ["ch", "sh", "ss", "x"].iter().any(|end| stem.ends_with(end));
    if let Some(stem) = word.strip_suffix("es").filter(sibilant) {
        return stem;
    }
    match word.strip_suffix('s') {
        Some(stem) if stem.len() > 1 && !stem.ends_with('s') => stem,
        _ => word,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pieces of a small vocabulary, behind the five special tokens.
    fn pieces() -> Vec<String> {
        let special = ["<pad>", "<start>", "<end>", "<unknown>", "<mask>"];
        let own = [
            " a", " man", " and", " hat", " hats", " in", " black", " shirt", " dress", "es", ",", " ca", "p",
            " front", " of", " with", " is", "'", "s",
        ];
        special.iter().chain(&own).map(|&piece| piece.to_owned()).collect()
    }

    /// The tokens of a sentence whose pieces are divided by bars.
    fn tokens(sentence: &str) -> Vec<i32> {
        let pieces = pieces();
        let token = |piece: &str| pieces.iter().position(|known| known == piece).unwrap() as i32;
        sentence.split('|').filter(|piece| !piece.is_empty()).map(token).collect()
    }

    /// Whether the last piece may follow those before it.
    fn allowed(sentence: &str) -> bool {
        let (pieces, tokens) = (pieces(), tokens(sentence));
        let grammar = Grammar::new(&pieces, 30);
        let (last, before) = tokens.split_last().unwrap();
        let mut words = Vec::new();
        before.iter().for_each(|&token| grammar.append(&mut words, token));
        grammar.allows(&words, *last)
    }

    #[test]
    fn a_telling_word_is_said_once_whatever_its_ending_and_pieces() {
        assert!(allowed(" a| man| in| a| hat"));
        assert!(!allowed(" a| man| in| a| hat| and| hat"));
        assert!(!allowed(" a| hat| and| a| man| in| hats"));
        assert!(!allowed(" hats|,| a| man| in| a| hat"));
        assert!(allowed(" a| dress| and| a| man| in"));
        assert!(!allowed(" a| dress| and| a| man| in| dress|es"));
        assert!(!allowed(" a| ca|p| and| a| man| in| a| ca|p"), "also a word of several pieces");
        assert!(allowed(" a| ca|p| and| a| man| in| a| ca"));
        assert!(!allowed(" a| man|'|s| hat| and| a| man"));
    }

    #[test]
    fn words_that_sentences_need_return_but_not_at_once() {
        assert!(allowed(" a| black| hat| and| a| black"));
        assert!(!allowed(" a| black| and| black"));
        assert!(!allowed(" a| a"));
        assert!(!allowed(" a| man| in| a| in"));
    }

    #[test]
    fn three_words_in_a_row_are_not_said_twice() {
        assert!(allowed(" in| a| black| hat| and| in| a"));
        assert!(!allowed(" in| a| black| hat| and| in| a| black"));
    }

    #[test]
    fn no_sentence_ends_before_it_has_said_what_follows() {
        let end = |words: &str, max_words| {
            let (pieces, mut said) = (pieces(), Vec::new());
            let grammar = Grammar::new(&pieces, max_words);
            tokens(words).into_iter().for_each(|token| grammar.append(&mut said, token));
            grammar.allows(&said, END)
        };
        assert!(end(" a| man", 30));
        assert!(!end(" a| man| with| a", 30));
        assert!(end(" a| man| with| a", 4), "unless it may have no more words");
    }
}
