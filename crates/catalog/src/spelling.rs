//! How texts are laid out for the index of words, and how a word is asked for in it.
//!
//! Scripts that put no blanks between words (and Korean, which joins small words to others) are written as pairs of
//! letters that follow each other, and the last letter: any part of a text is then a run of pairs that stand side by side,
//! and one letter is the beginning of a pair. All else is left to the index, which knows words by what stands between.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Letters of scripts without blanks: Thai to Tibetan, Burmese, Khmer, Japanese, Chinese; and of Korean.
const DENSE: [std::ops::RangeInclusive<char>; 10] = [
    '\u{0e00}'..='\u{0fff}',
    '\u{1000}'..='\u{109f}',
    '\u{1780}'..='\u{17ff}',
    '\u{3005}'..='\u{3007}',
    '\u{3040}'..='\u{30ff}',
    '\u{31f0}'..='\u{31ff}',
    '\u{3400}'..='\u{9fff}',
    '\u{ac00}'..='\u{d7a3}',
    '\u{f900}'..='\u{faff}',
    '\u{20000}'..='\u{3ffff}',
];

/// Letters of a word of a file's name whose beginning alone finds it, unless there is a digit among them.
const SHORTEST_BEGINNING: usize = 4;

/// A piece of a text.
enum Piece {
    /// What is left to the index.
    Plain(String),
    /// Letters of a script without blanks, each with its marks.
    Dense(Vec<String>),
}

/// The pieces of a text, each as long as it goes, with letters in their composed form.
fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for letter in text.nfkc() {
        let is_mark = is_combining_mark(letter);
        let is_dense = (letter.is_alphanumeric() || is_mark) && DENSE.iter().any(|script| script.contains(&letter));
        match pieces.last_mut() {
            Some(Piece::Dense(letters)) if is_mark => {
                if let Some(last) = letters.last_mut() {
                    last.push(letter);
                }
            }
            Some(Piece::Dense(letters)) if is_dense => letters.push(letter.into()),
            Some(Piece::Plain(plain)) if !is_dense => plain.push(letter),
            _ if is_dense => pieces.push(Piece::Dense(vec![letter.into()])),
            _ => pieces.push(Piece::Plain(letter.into())),
        }
    }
    pieces
}

fn pairs(letters: &[String]) -> impl Iterator<Item = String> {
    letters.windows(2).map(<[String]>::concat)
}

/// A text as it stands in the index.
pub(crate) fn spelled(text: &str) -> String {
    let mut spelled = String::with_capacity(text.len());
    for piece in pieces(text) {
        match piece {
            Piece::Plain(plain) => spelled.push_str(&plain),
            Piece::Dense(letters) => {
                for token in pairs(&letters).chain(letters.last().cloned()) {
                    spelled.push(' ');
                    spelled.push_str(&token);
                }
                spelled.push(' ');
            }
        }
    }
    spelled
}

/// Quoted, a word is no operator.
fn quoted(word: &str) -> String {
    format!("\"{}\"", word.replace('"', "\"\""))
}

/// What matches `word` in a text, in FTS5's language.
pub(crate) fn matching_text(word: &str) -> String {
    let of = |piece| match piece {
        Piece::Plain(plain) => quoted(&plain),
        Piece::Dense(letters) => match letters.as_slice() {
            [letter] => format!("{} *", quoted(letter)),
            letters => quoted(&pairs(letters).collect::<Vec<_>>().join(" ")),
        },
    };
    let matching: Vec<String> = pieces(word).into_iter().map(of).collect();
    if matching.is_empty() { quoted("") } else { matching.join(" AND ") }
}

/// What matches in a name: `word`, and where that is not too little also a word that begins so.
pub(crate) fn matching_names(word: &str) -> String {
    let is_telling = word.chars().count() >= SHORTEST_BEGINNING || word.contains(char::is_numeric);
    match pieces(word).as_slice() {
        [Piece::Plain(plain)] if is_telling => format!("{} *", quoted(plain)),
        _ => matching_text(word),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_without_blanks_are_written_in_pairs() {
        assert_eq!(spelled("a red boat, 2024"), "a red boat, 2024");
        assert_eq!(spelled("\u{7267}\u{7f8a}\u{72ac}").trim(), "\u{7267}\u{7f8a} \u{7f8a}\u{72ac} \u{72ac}");
        assert_eq!(spelled("\u{72ac}").trim(), "\u{72ac}");
        // A Thai letter keeps its vowel and its tone.
        let phuket = "\u{e20}\u{e39}\u{e40}\u{e01}\u{e47}\u{e15}";
        assert_eq!(spelled(phuket).split_whitespace().count(), 4);
        assert_eq!(spelled("e\u{301}t\u{e9}"), "\u{e9}t\u{e9}", "composed");
        assert_eq!(spelled("\u{1112}\u{1161}\u{11ab}").trim(), "\u{d55c}", "Korean, too");
    }

    #[test]
    fn a_word_is_asked_for_as_it_is_written() {
        assert_eq!(matching_text("dog"), "\"dog\"");
        assert_eq!(matching_text("a\"b"), "\"a\"\"b\"");
        assert_eq!(matching_text("\u{732b}"), "\"\u{732b}\" *");
        assert_eq!(matching_text("\u{516c}\u{56ed}"), "\"\u{516c}\u{56ed}\"");
        let sheepdog = "\u{7267}\u{7f8a}\u{72ac}2";
        assert_eq!(matching_text(sheepdog), "\"\u{7267}\u{7f8a} \u{7f8a}\u{72ac}\" AND \"2\"");
        assert_eq!(matching_names("dog"), "\"dog\"");
        assert_eq!(matching_names("715"), "\"715\" *");
        assert_eq!(matching_names("catch"), "\"catch\" *");
    }
}
