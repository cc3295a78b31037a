//! Labels that the model was taught, in the words of a query.

use sightline_vlm::Embedding;
use sightline_vlm::tune::Version;

/// How much a label counts beside the words that it stands in.
const LABEL_WEIGHT: f32 = 0.8;

/// A term's embedding, drawn to where the photos of the labels that it names lie.
pub(super) fn taught_text(taught: &Version, text: &str, embedding: &Embedding) -> Embedding {
    let named = named_labels(taught.labels(), text).into_iter().filter_map(|label| taught.direction(label));
    let parts = std::iter::once((1.0, embedding)).chain(named.map(|direction| (LABEL_WEIGHT, direction)));
    Embedding::combined(parts).unwrap_or_else(|| embedding.clone())
}

/// The labels that stand in a text as whole words; of two that overlap the longer.
fn named_labels(labels: &[String], text: &str) -> Vec<usize> {
    let folded = |text: &str| -> Vec<String> { words(text).map(str::to_lowercase).collect() };
    let text_words = folded(text);
    let mut by_length: Vec<(usize, Vec<String>)> = labels
        .iter()
        .enumerate()
        .map(|(index, label)| (index, folded(label)))
        .filter(|(_, words)| !words.is_empty())
        .collect();
    by_length.sort_by_key(|(_, words)| std::cmp::Reverse(words.len()));
    let mut free = vec![true; text_words.len()];
    let mut named = Vec::new();
    for (index, label) in by_length {
        for start in 0..(text_words.len() + 1).saturating_sub(label.len()) {
            let place = start..start + label.len();
            if text_words[place.clone()] == label[..] && free[place.clone()].iter().all(|free| *free) {
                free[place].fill(false);
                named.push(index);
            }
        }
    }
    named.sort_unstable();
    named.dedup();
    named
}

/// Runs of letters and digits; each character of a script without spaces is a word.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches(|c: char| !c.is_alphanumeric());
        let first = rest.chars().next()?;
        let end = if is_unspaced(first) {
            first.len_utf8()
        } else {
            rest.find(|c: char| !c.is_alphanumeric() || is_unspaced(c)).unwrap_or(rest.len())
        };
        let (word, later) = rest.split_at(end);
        rest = later;
        Some(word)
    })
}

/// Whether words of the character's script are written without spaces between them.
fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{0e00}'..='\u{0e7f}' | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_found_as_whole_words_and_the_longer_first() {
        let labels = ["Rex", "grandma's kitchen", "Kitchen", "\u{7ea2}\u{8272}", "C++"].map(String::from);
        let found = |text| named_labels(&labels, text);
        assert_eq!(found("rex on the beach"), [0]);
        assert_eq!(found("a T-rexlike dog"), Vec::<usize>::new());
        assert_eq!(found("Grandma's kitchen at night"), [1]);
        assert_eq!(found("the kitchen, and REX"), [0, 2]);
        assert_eq!(found("\u{4e00}\u{53ea}\u{7ea2}\u{8272}\u{7684}\u{732b}"), [3]);
        assert_eq!(found("c code"), [4]);
        assert_eq!(found(""), Vec::<usize>::new());
    }
}
