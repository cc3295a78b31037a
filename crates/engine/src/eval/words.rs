//! Words of captions, held against the words of questions.

/// A caption's words, each in the singular.
pub(super) fn words(caption: &str) -> impl Iterator<Item = String> {
    caption.split(|c: char| !c.is_alphanumeric()).filter_map(singular)
}

/// A word without a plural's ending, in small letters; `None` for several words or none.
pub(super) fn singular(word: &str) -> Option<String> {
    let word = word.to_lowercase();
    if word.is_empty() || !word.chars().all(char::is_alphanumeric) {
        return None;
    }
    if word.len() < 3 {
        return Some(word);
    }
    let irregular = match word.as_str() {
        "men" => Some("man"),
        "women" => Some("woman"),
        "children" => Some("child"),
        "people" => Some("person"),
        "leaves" => Some("leaf"),
        _ => None,
    };
    let regular = || {
        let without = |ending: &str, put: &str| word.strip_suffix(ending).map(|stem| format!("{stem}{put}"));
        without("ies", "y")
            .or_else(|| ["ches", "shes", "sses", "xes"].iter().find_map(|end| without(end, &end[..end.len() - 2])))
            .or_else(|| if word.ends_with("ss") { None } else { without("s", "") })
            .unwrap_or_else(|| word.clone())
    };
    Some(irregular.map_or_else(regular, str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_and_its_plural_are_the_same() {
        let both = [
            ("dog", "Dogs"),
            ("beach", "beaches"),
            ("puppy", "puppies"),
            ("man", "men"),
            ("dress", "dresses"),
            ("grass", "grass"),
            ("bus", "bus"),
        ];
        for (one, many) in both {
            assert_eq!(singular(one), singular(many), "{one}");
        }
        assert_eq!(singular("dress").as_deref(), Some("dress"));
        assert_eq!(singular("group of people"), None);
        assert_eq!(words("A man's dogs run.").collect::<Vec<_>>(), ["a", "man", "s", "dog", "run"]);
    }
}
