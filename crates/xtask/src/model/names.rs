//! Sentences that name the classifier's 1,000 classes and the groups they form.
//!
//! `data/classes.json` lists, in the classifier's order, the names of a class (curated, torchvision's,
//! WordNet's lemmas) and its hypernyms, nearest first.

use std::collections::BTreeMap;

use serde::Deserialize;

/// Sentences for training; the first is the bare name.
const TEMPLATES: &[&str] = &[
    "{}",
    "a photo of a {}.",
    "a photo of the {}.",
    "a {}.",
    "a close-up photo of a {}.",
    "a {} in the background.",
    "a picture of a {}",
    "there is a {} here",
    "a good photo of a {}.",
    "a photo of my {}.",
    "a {} on a table",
    "a {} outside",
    "a large {}",
    "a small {}",
    "two {}s",
    "a person with a {}",
    "a black and white photo of a {}.",
    "a photo of a {} in the wild",
    "a view of a {}",
];

/// Sentences for evaluation and for users' class names.
pub const PROMPTS: &[&str] =
    &["a photo of a {}.", "itap of a {}.", "a {} in a photo", "a cropped photo of the {}.", "{}"];

/// Names of a class that are used, the most common first.
const NAMES: usize = 6;

/// Groups of fewer or more classes teach nothing new.
const GROUP_SIZES: std::ops::RangeInclusive<usize> = 2..=300;

/// A class of the classifier.
#[derive(Deserialize)]
pub struct Class {
    names: Vec<String>,
    hypernyms: Vec<Vec<String>>,
}

/// The classes in the classifier's order.
pub fn classes() -> anyhow::Result<Vec<Class>> {
    Ok(serde_json::from_str(include_str!("../../data/classes.json"))?)
}

impl Class {
    /// Sentences for training.
    pub fn sentences(&self) -> Vec<String> {
        let mut sentences = Vec::new();
        for (rank, name) in self.names.iter().take(NAMES).enumerate() {
            // The common name in every sentence, the others in every third, each with another start.
            let step = if rank == 0 { 1 } else { 3 };
            let templates = TEMPLATES.iter().enumerate().filter(|(i, _)| *i == 0 || (i + rank) % step == 0);
            sentences.extend(templates.map(|(_, t)| t.replace("{}", name)));
            sentences.push(name.to_lowercase());
        }
        sentences
    }

    /// The prompts of the common name.
    pub fn prompts(&self) -> Vec<String> {
        PROMPTS.iter().map(|p| p.replace("{}", &self.names[0])).collect()
    }
}

/// Groups of classes by a common hypernym: its name and the classes' indices.
pub fn groups(classes: &[Class]) -> Vec<(String, Vec<usize>)> {
    let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, class) in classes.iter().enumerate() {
        for name in class.hypernyms.iter().flat_map(|words| words.iter().take(2)) {
            let members = groups.entry(name).or_default();
            if members.last() != Some(&index) {
                members.push(index);
            }
        }
    }
    groups
        .into_iter()
        .filter(|(_, members)| GROUP_SIZES.contains(&members.len()))
        .map(|(name, members)| (name.to_owned(), members))
        .collect()
}

/// Sentences that name a group.
pub fn group_sentences(name: &str) -> Vec<String> {
    ["{}", "a photo of a {}.", "a {} in the picture", "a picture of a {}"].map(|t| t.replace("{}", name)).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_a_thousand_classes_with_names_and_common_groups() {
        let classes = classes().unwrap();
        assert_eq!(classes.len(), 1000);
        assert!(classes.iter().all(|c| !c.names.is_empty() && c.sentences().contains(&c.names[0])));
        assert_eq!(classes[207].names[0], "Golden Retriever", "the order is the classifier's");
        let groups = groups(&classes);
        let dogs = groups.iter().find(|(name, _)| name == "dog").expect("dogs are a group");
        assert!(dogs.1.contains(&207) && !dogs.1.contains(&281));
    }
}
