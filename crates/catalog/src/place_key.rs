//! The names of a place as they are searched: words without accents and case.
//!
//! A key is the place's names, each folded to words, with a bar around each: `| porto | portugal | pt |`. A name that
//! is asked for matches where its words stand side by side in one of them.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::facts::PlaceNames;

/// Words of letters and digits, without accents and case, one blank between them.
pub fn fold(text: &str) -> String {
    let plain: String = text.nfkd().filter(|letter| !is_combining_mark(*letter)).flat_map(char::to_lowercase).fold(
        String::new(),
        |mut plain, letter| {
            match letter {
                // Letters of their own, of which no accent can be taken off.
                'ß' => plain.push_str("ss"),
                'æ' => plain.push_str("ae"),
                'œ' => plain.push_str("oe"),
                'ø' => plain.push('o'),
                'đ' | 'ð' => plain.push('d'),
                'ł' => plain.push('l'),
                'ı' => plain.push('i'),
                'þ' => plain.push_str("th"),
                _ if letter.is_alphanumeric() => plain.push(letter),
                // As in "Xi'an" and "Coeur d'Alene".
                '\'' | '\u{2019}' | '\u{02bc}' => {}
                _ => plain.push(' '),
            }
            plain
        },
    );
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A name in lower case and composed, as names of folders are compared.
pub(crate) fn lower(text: &str) -> String {
    text.nfc().flat_map(char::to_lowercase).nfc().collect()
}

/// The names between commas, folded; empty ones are left out.
fn names(text: &str) -> impl Iterator<Item = String> {
    text.split(',').map(fold).filter(|name| !name.is_empty())
}

/// The key of a place.
pub(crate) fn of(place: &PlaceNames) -> String {
    let mut all: Vec<String> = Vec::new();
    for name in names(&place.name).chain(place.other_names.iter().flat_map(|name| names(name))) {
        if !all.contains(&name) {
            all.push(name);
        }
    }
    format!("| {} |", all.join(" | "))
}

/// What a key must hold, all of it, to be of the place that is asked for: `Porto, Portugal` gives two pieces. None
/// when nothing is asked for.
pub(crate) fn pieces(asked: &str) -> Vec<String> {
    names(asked).map(|name| format!(" {name} ")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(asked: &str, place: &str, other_names: &[&str]) -> bool {
        let other_names = other_names.iter().map(|name| (*name).to_owned()).collect();
        let key = of(&PlaceNames { name: place.into(), other_names });
        let pieces = pieces(asked);
        !pieces.is_empty() && pieces.iter().all(|piece| key.contains(piece))
    }

    #[test]
    fn a_place_is_found_by_whole_words_of_one_name() {
        let new_york = |asked| matches(asked, "Manhattan, New York, United States", &["New York County", "US", "USA"]);
        for asked in ["New York", "new york", "NEW-YORK", "york", "Manhattan", "united states", "usa", "US", "county"] {
            assert!(new_york(asked), "{asked}");
        }
        for asked in ["Manhattan, New York", "new york,manhattan", "New York, United States", " manhattan , "] {
            assert!(new_york(asked), "{asked}");
        }
        for asked in ["New", "Yor", "Manhattan New", "York United", "Boston, New York", "", " ", ",", "!", "|", "% _"] {
            assert_eq!(new_york(asked), asked == "New", "{asked}");
        }
    }

    #[test]
    fn accents_and_case_do_not_matter() {
        for (asked, place) in [
            ("São Paulo", "Sao Paulo, Brazil"),
            ("sao paulo", "São Paulo, Brazil"),
            ("ZÜRICH", "Zurich, Switzerland"),
            ("Łódź", "Lodz, Poland"),
            ("Tromsø", "Tromso, Troms, Norway"),
            ("Gießen", "Giessen, Hesse, Germany"),
            ("İstanbul", "Istanbul, Turkey"),
            ("Xi'an", "Xi’an, Shaanxi, China"),
            ("cote divoire", "Abidjan, Côte d'Ivoire"),
            ("Zu\u{0308}rich", "Zürich"),
            ("ｔｏｋｙｏ", "Tokyo, Japan"),
            ("東京", "東京, Japan"),
        ] {
            assert!(matches(asked, place, &[]), "{asked}");
        }
        assert!(!matches("東", "東京, Japan", &[]));
    }
}
