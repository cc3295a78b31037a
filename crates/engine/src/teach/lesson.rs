//! What of the photos becomes a lesson: which are learned from, with which sentences.

use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use sightline_vlm::PhotoVectors;
use sightline_vlm::tune::{Example, Lesson};

use super::checkpoint::Identity;
use super::gather::Item;
use super::options::TeachOptions;
use super::split::Part;
use crate::EngineError;
use crate::jobs::JobCx;
use crate::model_host::{Lane, ModelHost};

/// With more labels each is named by one sentence: five would take long to embed.
pub(super) const LABELS_WITH_ALL_PROMPTS: usize = 200;
/// Sentences that are embedded at once.
const SENTENCES: usize = 64;

/// Which photos are learned from or watch, by place: all that are not held out, but `most` of them at most. Of more, each
/// label has the same number, or all that it has; those without a label count as of one. The seed says which.
pub(super) fn chosen(labels: &[Option<usize>], parts: &[Part], most: usize, seed: u64) -> Vec<usize> {
    let mut of_label: Vec<Vec<usize>> = vec![Vec::new(); labels.iter().flatten().max().map_or(1, |most| most + 2)];
    let none = of_label.len() - 1;
    for (index, part) in parts.iter().enumerate() {
        if *part != Part::HeldOut {
            of_label[labels[index].unwrap_or(none)].push(index);
        }
    }
    let total: usize = of_label.iter().map(Vec::len).sum();
    if total > most {
        let each = quota(of_label.iter().map(Vec::len), most);
        let mut rng = StdRng::seed_from_u64(seed);
        of_label.shuffle(&mut rng);
        for own in &mut of_label {
            own.shuffle(&mut rng);
            own.truncate(each);
        }
    }
    let mut all: Vec<usize> = of_label.into_iter().flatten().take(most).collect();
    all.sort_unstable();
    all
}

/// The largest number of which each label can have as many, if it has them, so that all together are `most` at most; one
/// where even that is too many.
fn quota(counts: impl Iterator<Item = usize>, most: usize) -> usize {
    let mut counts: Vec<usize> = counts.filter(|count| *count > 0).collect();
    counts.sort_unstable();
    let mut left = most;
    for (place, count) in counts.iter().enumerate() {
        let share = left / (counts.len() - place);
        if *count > share {
            return share.max(1);
        }
        left -= count;
    }
    counts.last().copied().unwrap_or(1)
}

/// What a lesson is about; another lesson has another. It is the same in every release and on every machine: a checkpoint
/// is found by it. `used` are the places of the photos that are learned from or watch.
pub(super) fn identity(
    base: &str,
    options: &TeachOptions,
    labels: &[String],
    items: &[Item],
    parts: &[Part],
    used: &[usize],
) -> Identity {
    let mut hash = blake3::Hasher::new();
    // Each piece after its length, so that no two lists of pieces read alike.
    let mut add = |bytes: &[u8]| {
        hash.update(&(bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    add(base.as_bytes());
    add(serde_json::to_string(options).unwrap_or_default().as_bytes());
    add(&(labels.len() as u64).to_le_bytes());
    labels.iter().for_each(|label| add(label.as_bytes()));
    for &place in used {
        let (item, part) = (&items[place], parts[place]);
        add(item.path.as_os_str().as_encoded_bytes());
        add(&item.label.map_or(u64::MAX, |label| label as u64).to_le_bytes());
        add(&(item.captions.len() as u64).to_le_bytes());
        item.captions.iter().for_each(|caption| add(caption.as_bytes()));
        add(&[part as u8]);
    }
    *hash.finalize().as_bytes()
}

/// The lesson over the photos at the places `used`, of which `vectors` are what the untaught model makes.
pub(super) fn lesson(
    cx: &JobCx<'_>,
    host: &ModelHost,
    labels: &[String],
    (items, parts): (&[Item], &[Part]),
    used: &[usize],
    vectors: &[&PhotoVectors],
) -> Result<Lesson, EngineError> {
    let prompts = &host.spec()?.prompts;
    let prompts = if labels.len() > LABELS_WITH_ALL_PROMPTS { &prompts[..1.min(prompts.len())] } else { prompts };
    let mut lesson = Lesson { labels: labels.to_vec(), ..Lesson::default() };
    for label in labels {
        let first = lesson.sentences.len();
        lesson.sentences.extend(prompts.iter().map(|prompt| prompt.replace("{}", label)));
        lesson.label_sentences.push((first..lesson.sentences.len()).collect());
    }
    for (&place, &vectors) in used.iter().zip(vectors) {
        let (item, first) = (&items[place], lesson.sentences.len());
        let sentences = match parts[place] {
            Part::Train => {
                lesson.sentences.extend(item.captions.iter().cloned());
                (first..lesson.sentences.len()).collect()
            }
            _ => Vec::new(),
        };
        let example = Example { vectors: vectors.clone(), label: item.label, sentences };
        match parts[place] {
            Part::Train => lesson.train.push(example),
            Part::Watch => lesson.watch.push(example),
            Part::HeldOut => {}
        }
    }
    for chunk in lesson.sentences.chunks(SENTENCES) {
        cx.progress("look", lesson.sentence_vectors.len() as u64, lesson.sentences.len() as u64, None)?;
        lesson.sentence_vectors.extend(host.embed_texts(Lane::Batch, chunk.to_vec()).wait()?);
    }
    Ok(lesson)
}

#[cfg(test)]
mod tests {
    use sightline_vlm::tune::Depth;

    use super::*;

    #[test]
    fn few_photos_are_all_learned_from_and_of_many_each_label_has_its_share() {
        let labels: Vec<Option<usize>> = (0..100).map(|index| (index < 90).then_some(index % 3)).collect();
        let mut parts = vec![Part::Train; 100];
        (0..100).step_by(5).for_each(|index| parts[index] = Part::HeldOut);
        let all: Vec<usize> = (0..100).filter(|index| index % 5 > 0).collect();
        assert_eq!(chosen(&labels, &parts, 80, 1), all, "what is held out does not count");
        let some = chosen(&labels, &parts, 40, 1);
        assert_eq!(some.len(), 8 + 3 * 10, "all eight of no label, and of the others alike");
        assert!(some.is_sorted() && some.iter().all(|place| all.contains(place)));
        for label in 0..3 {
            assert_eq!(some.iter().filter(|&&place| labels[place] == Some(label)).count(), 10);
        }
        assert_eq!(some, chosen(&labels, &parts, 40, 1));
        assert_ne!(some, chosen(&labels, &parts, 40, 2));
    }

    #[test]
    fn no_number_of_labels_or_of_refused_photos_breaks_the_cap() {
        for (labels, photos) in [(1, 9000), (2, 9000), (3999, 9000), (4000, 9000), (9000, 9000), (0, 9000)] {
            let of: Vec<Option<usize>> = (0..photos).map(|index| (labels > 0).then(|| index % labels)).collect();
            let some = chosen(&of, &vec![Part::Train; photos], 4000, 1);
            assert!(some.len() <= 4000 && some.len() >= 3000, "{labels} labels: {}", some.len());
        }
        assert!(chosen(&[], &[], 4000, 1).is_empty());
    }

    #[test]
    fn an_identity_is_of_what_is_learned_and_is_the_same_tomorrow() {
        let options = TeachOptions {
            depth: Depth::Deep,
            epochs: Some(3),
            learning_rate: Some(1e-3),
            batch: None,
            seed: 1,
            train_per_label: None,
            alternating: false,
            objectives: None,
        };
        let item = |path: &str, caption: &str| Item {
            photo: None,
            path: path.into(),
            label: Some(0),
            captions: vec![caption.into()],
        };
        let items = [item("/a.jpg", "one"), item("/b.jpg", "two"), item("/c.jpg", "three")];
        let (parts, labels) = ([Part::Train, Part::Watch, Part::HeldOut], ["rex".to_owned()]);
        let of = |items: &[Item], used: &[usize]| identity("base", &options, &labels, items, &parts, used);
        let own = of(&items, &[0, 1]);
        assert_eq!(own, of(&items, &[0, 1]));
        let hex = own.map(|byte| format!("{byte:02x}")).concat();
        assert_eq!(hex, IDENTITY, "checkpoints of earlier releases are not found any more");
        let others = [
            of(&items, &[0]),
            of(&[items[0].clone(), item("/b.jpg", "2")], &[0, 1]),
            of(&[items[0].clone(), item("/B.jpg", "two")], &[0, 1]),
            identity("other", &options, &labels, &items, &parts, &[0, 1]),
            identity("base", &TeachOptions { seed: 2, ..options.clone() }, &labels, &items, &parts, &[0, 1]),
            identity("base", &options, &["bella".to_owned()], &items, &parts, &[0, 1]),
            identity("base", &options, &labels, &items, &[Part::Watch; 3], &[0, 1]),
        ];
        assert!(others.iter().all(|other| *other != own));
    }

    /// As this release computes it.
    const IDENTITY: &str = "0a70358bddda4c7c7ae52b64ee38b9e60c4ca6bccb89104bb2deb938a7157f60";
}
