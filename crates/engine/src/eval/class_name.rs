//! From a folder's name to words a model knows.

/// `n02099601-golden_retriever` and `golden_retriever` are both "golden retriever".
///
/// A WordNet id in front is dropped when a name follows it; underscores become spaces.
pub(crate) fn class_name(folder: &str) -> String {
    let name = without_wordnet_id(folder).unwrap_or(folder);
    let words: Vec<&str> =
        name.split(|c: char| c == '_' || c.is_whitespace()).filter(|word| !word.is_empty()).collect();
    if words.is_empty() { folder.to_owned() } else { words.join(" ") }
}

fn without_wordnet_id(folder: &str) -> Option<&str> {
    let (id, rest) = folder.split_at_checked(9)?;
    let digits = id.strip_prefix(['n', 'N'])?;
    let name = rest.strip_prefix(['_', '-', ' ', '.'])?.trim_matches(['_', '-', ' ', '.']);
    (digits.bytes().all(|b| b.is_ascii_digit()) && !name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folder_names_become_class_names() {
        for (folder, name) in [
            ("dress", "dress"),
            ("golden_retriever", "golden retriever"),
            ("n02099601_golden_retriever", "golden retriever"),
            ("n02099601-golden_retriever", "golden retriever"),
            ("n02099601", "n02099601"),
            ("n02099601_", "n02099601"),
            ("t-shirt", "t-shirt"),
            ("nice_photos_of_x", "nice photos of x"),
            ("_", "_"),
            ("Gro\u{df}mutters_K\u{fc}che", "Gro\u{df}mutters K\u{fc}che"),
        ] {
            assert_eq!(class_name(folder), name);
        }
    }
}
