//! Finding the sample photos.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::harness::{World, root, samples};

#[test]
fn the_samples_are_found_by_what_they_show() {
    let world = World::with_samples();
    assert_eq!(world.index()["embedded"], samples().len());
    let text = std::fs::read_to_string(root().join("assets/samples/queries.json")).unwrap();
    let list: Value = serde_json::from_str(&text).unwrap();
    let mut right = 0;
    let queries = list["queries"].as_array().unwrap();
    for query in queries {
        let words = query["query"].as_str().unwrap();
        let expected: Vec<&str> = query["first"].as_array().unwrap().iter().map(|f| f.as_str().unwrap()).collect();
        let hits = world.search(words);
        let good = match hits.first() {
            Some(first) => expected.contains(&first.as_str()),
            None => expected.is_empty(),
        };
        right += usize::from(good);
        println!("{} {words:?}: {:?}", if good { "right" } else { "WRONG" }, hits.first());
        if query["required"] == true {
            assert!(good, "{words:?} finds {hits:?}, expected {expected:?}");
        }
    }
    println!("{right} of {} queries right", queries.len());
    assert!(right * 2 > queries.len(), "only {right} of {} queries are right", queries.len());
}

#[test]
fn nothing_is_said_to_match_when_nothing_does() {
    let world = World::with_samples();
    world.index();
    let output = world.run(&["search", "a submarine in an aquarium"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stdout).contains("nothing matches"));
}

#[test]
fn the_same_question_gets_the_same_bytes() {
    let world = World::with_samples();
    world.index();
    let answer = || world.run(&["search", "--json", "a bird"]).stdout;
    assert_eq!(answer(), answer());
}

#[test]
fn zero_shot_counts_classes_without_photos() {
    let world = World::new();
    for (class, photo) in
        [("golden_retriever", Some("lock.jpg")), ("espresso", Some("coffee.png")), ("submarine", None)]
    {
        let folder = world.photos().join(class);
        std::fs::create_dir(&folder).unwrap();
        if let Some(photo) = photo {
            std::fs::copy(root().join("assets/samples").join(photo), folder.join(photo)).unwrap();
        }
    }
    let photos = world.photos();
    let lines = world.json(&["eval", "zeroshot", "--json", "--folders", photos.to_str().unwrap()], 0);
    let result = lines.last().unwrap();
    assert_eq!((result["classes"].as_u64(), result["photos"].as_u64()), (Some(3), Some(2)));
    assert_eq!(result["top1"], 100.0);
}

/// Photos of Flickr8k with what people wrote about them, if they are there: the folder, and the names of a split with the
/// words of their captions, in the singular as far as the pairs below need it.
fn captioned_photos(split: &str) -> Option<(PathBuf, HashMap<String, HashSet<String>>)> {
    let shared = std::env::var_os("SIGHTLINE_SHARED").map_or_else(|| root().join("../shared/data"), Into::into);
    let folder = shared.join("flickr8k");
    let names = std::fs::read_to_string(folder.join(format!("{split}.txt"))).ok()?;
    let mut words: HashMap<String, HashSet<String>> =
        names.lines().map(|name| (name.trim().to_owned(), HashSet::new())).collect();
    let captions = std::fs::read_to_string(folder.join("captions.csv")).ok()?;
    for line in captions.lines().skip(1) {
        let Some((name, text)) = line.split_once(',') else { continue };
        let Some(of) = words.get_mut(name) else { continue };
        for word in text.to_lowercase().split(|c: char| !c.is_alphanumeric()) {
            let word = match word {
                "person" | "persons" => "people",
                "beaches" => "beach",
                word if word.ends_with("ss") => word,
                word => word.strip_suffix('s').unwrap_or(word),
            };
            of.insert(word.to_owned());
        }
    }
    Some((folder.join("images"), words))
}

#[test]
fn excluding_a_word_keeps_the_photos_that_do_not_have_it() {
    const PAIRS: [(&str, &str); 12] = [
        ("dog", "snow"),
        ("beach", "people"),
        ("dog", "grass"),
        ("dog", "water"),
        ("dog", "ball"),
        ("dog", "beach"),
        ("beach", "dog"),
        ("snow", "dog"),
        ("snow", "people"),
        ("mountain", "snow"),
        ("mountain", "people"),
        ("ball", "dog"),
    ];
    let Some((images, words)) = captioned_photos("test") else {
        println!("SKIPPED: ../shared/data/flickr8k is not there");
        return;
    };
    let world = World::new();
    for name in words.keys() {
        std::fs::copy(images.join(name), world.photos().join(name)).unwrap();
    }
    world.index();
    let found = |query: &str| -> HashSet<String> {
        let output = world.run(&["search", "--json", "--limit", "1000", "--", query]);
        assert!(output.status.code().is_some_and(|code| code < 2), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        let name = |line: &str| {
            let hit: Value = serde_json::from_str(line).unwrap();
            Path::new(hit["path"].as_str().unwrap()).file_name().unwrap().to_string_lossy().into_owned()
        };
        text.lines().map(name).collect()
    };
    let mut alone: HashMap<&str, HashSet<String>> = HashMap::new();
    let (mut unwanted_found, mut unwanted_left, mut failed) = (0, 0, Vec::new());
    for (wanted, unwanted) in PAIRS {
        let before = &*alone.entry(wanted).or_insert_with(|| found(wanted));
        let after = found(&format!("{wanted} -{unwanted}"));
        assert!(after.is_subset(before), "{wanted} -{unwanted} finds what {wanted} does not");
        let with = |photos: &HashSet<String>, other: bool| {
            let has = |name: &&String| words[*name].contains(wanted) && words[*name].contains(unwanted) == other;
            photos.iter().filter(has).count()
        };
        let (had, kept) = (with(before, false), with(&after, false));
        println!("{wanted} -{unwanted}: {kept} of {had} kept, {} of {} left", with(&after, true), with(before, true));
        unwanted_found += with(before, true);
        unwanted_left += with(&after, true);
        if had == 0 || (kept as f64) < 0.8 * had as f64 {
            failed.push((wanted, unwanted, had, kept));
        }
    }
    println!("{unwanted_left} of {unwanted_found} photos with the excluded word left");
    assert!(failed.is_empty(), "less than 80% kept: {failed:?}");
    assert!(unwanted_left * 4 < unwanted_found * 3, "{unwanted_left} of {unwanted_found} left: too few are taken away");
}

#[test]
fn excluding_is_measured_on_captioned_photos() {
    let world = World::new();
    let mut table = String::from("image,caption\n");
    for (name, caption) in [("shepherd.webp", "a dog"), ("kitten.webp", "a cat"), ("beach.jpg", "a dog on a beach")] {
        std::fs::copy(root().join("assets/samples").join(name), world.photos().join(name)).unwrap();
        table.push_str(&format!("{name},{caption}\n"));
    }
    let (photos, captions) = (world.photos(), world.photos().join("captions.csv"));
    std::fs::write(&captions, table).unwrap();
    let (photos, captions) = (photos.to_str().unwrap(), captions.to_str().unwrap());
    let what = ["eval", "exclusion", "--json", "--images", photos, "--captions", captions, "--pair", "dog -beach"];
    let report = world.json(&what, 0).pop().unwrap();
    assert_eq!(report["photos"], 3);
    assert_eq!(report["pairs"][0]["relevant"], 1);
    assert_eq!(report["pairs"][0]["kept"], 100.0);
    assert_eq!(world.run(&[&what[..8], &["dog"]].concat()).status.code(), Some(2), "a pair is two words");
}

#[test]
fn whatever_people_type_is_a_question_and_less_likely_photos_can_be_had() {
    let world = World::with_samples();
    world.index();
    for query in ["dog - park", "dog \"", "-", "*", "in:", "mood:happy dog", "rating >= 0", "coffee + cake", "in:Lisbx"]
    {
        let output = world.run(&["search", "--json", "--", query]);
        assert!(output.status.code().is_some_and(|code| code < 2), "{query}");
    }
    let nowhere = world.run(&["search", "in:Lisbx"]);
    assert_eq!(nowhere.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&nowhere.stdout).contains("no place and no folder called \"Lisbx\""));
    assert_eq!(world.run(&["search", "after:soon"]).status.code(), Some(2), "a date that is none is a mistake");
    let matches = world.search("a dog");
    let lines = world.json(&["search", "--json", "--less-likely", "5", "a dog"], 0);
    assert_eq!(lines.len(), matches.len() + 5);
    assert!(lines[matches.len()..].iter().all(|hit| hit["match"] == "none"));
    let dogs = world.search("a dog -people");
    assert!(!dogs.is_empty() && dogs.iter().all(|name| matches.contains(name)), "{dogs:?} of {matches:?}");
    let cut = world.run(&["search", "--limit", "1", "type:jpg"]);
    assert!(String::from_utf8_lossy(&cut.stdout).contains("1 shown; more match"));
}
