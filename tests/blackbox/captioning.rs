//! Captions from the command line, of the sample photos.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::harness::{World, root};

fn sample(world: &World, name: &str) -> String {
    let to = world.photos().join(name);
    std::fs::copy(root().join("assets/samples").join(name), &to).unwrap();
    to.to_str().unwrap().to_owned()
}

/// Captions by file name.
fn captions(lines: &[Value]) -> BTreeMap<String, Value> {
    let name =
        |line: &Value| Path::new(line["path"].as_str().unwrap()).file_name().unwrap().to_str().unwrap().to_owned();
    lines.iter().filter(|line| line["caption"].is_string()).map(|line| (name(line), line.clone())).collect()
}

#[test]
fn a_photo_gets_a_sentence_that_says_what_it_shows() {
    let world = World::new();
    let shepherd = sample(&world, "shepherd.webp");
    let lines = world.json(&["caption", "--json", &shepherd], 0);
    let caption = &captions(&lines)["shepherd.webp"];
    let text = caption["caption"].as_str().unwrap();
    assert!(text.contains("dog"), "{text}");
    assert!(text.starts_with(char::is_uppercase) && text.ends_with('.'), "{text}");
    let words: Vec<&str> = caption["words"].as_array().unwrap().iter().map(|w| w["text"].as_str().unwrap()).collect();
    assert_eq!(words.join(" "), text);
    assert!(caption["confidence"].as_f64().unwrap() < 0.0);
    assert_eq!(caption["author"], "machine");
    let shorter = world.json(&["caption", "--json", "--max-words", "3", &shepherd], 0);
    assert!(captions(&shorter)["shepherd.webp"]["words"].as_array().unwrap().len() <= 3);
    // The same seed, the same sentence; the same question, too.
    let sampled = |seed: &str| captions(&world.json(&["caption", "--json", "--sample", "--seed", seed, &shepherd], 0));
    assert_eq!(sampled("1"), sampled("1"));
    assert_eq!(captions(&world.json(&["caption", "--json", &shepherd], 0))["shepherd.webp"], *caption);
}

#[test]
fn a_folder_is_described_with_a_table_and_captions_that_are_there_stay() {
    let world = World::new();
    let (other, shepherd) = (sample(&world, "photographer.jpg"), sample(&world, "shepherd.webp"));
    let photos = world.photos().to_str().unwrap().to_owned();
    world.json(&["caption", "--json", "--write-xmp", &shepherd], 0);
    let sidecar = std::fs::read_to_string(format!("{shepherd}.xmp")).unwrap();
    std::fs::write(format!("{shepherd}.xmp"), replaced_description(&sidecar, "Anna\u{2019}s <first> espresso & cake"))
        .unwrap();
    let table = world.photos().join("captions.csv");
    let arguments = ["caption", "--json", "--csv", table.to_str().unwrap(), &photos];
    let told = captions(&world.json(&arguments, 0));
    assert_eq!(told.len(), 2);
    assert_eq!(told["shepherd.webp"]["caption"], "Anna\u{2019}s <first> espresso & cake");
    assert_eq!(
        (&told["shepherd.webp"]["author"], &told["photographer.jpg"]["author"]),
        (&"file".into(), &"machine".into())
    );
    let text = std::fs::read_to_string(table).unwrap();
    assert_eq!(text.lines().next(), Some("path,caption,author,confidence,tags"));
    assert!(text.contains(&format!("{other},")) && text.contains("espresso & cake,file,"), "{text}");
    let anew = captions(&world.json(&["caption", "--json", "--overwrite", "all", &shepherd], 0));
    assert_eq!(anew["shepherd.webp"]["author"], "machine");
}

fn replaced_description(packet: &str, text: &str) -> String {
    let start = packet.find("x-default\">").unwrap() + "x-default\">".len();
    let end = start + packet[start..].find('<').unwrap();
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!("{}{escaped}{}", &packet[..start], &packet[end..])
}

#[test]
fn kept_captions_are_searched_by_their_words() {
    let world = World::with_samples();
    // A caption beside a photo is imported when the photo is indexed.
    let shepherd = world.photos().join("shepherd.webp").to_str().unwrap().to_owned();
    world.json(&["caption", "--json", "--write-xmp", &shepherd], 0);
    let sidecar = std::fs::read_to_string(format!("{shepherd}.xmp")).unwrap();
    std::fs::write(format!("{shepherd}.xmp"), replaced_description(&sidecar, "Grandmother's zucchini breakfast"))
        .unwrap();
    world.index();
    assert_eq!(world.search("zucchini breakfast").first().map(String::as_str), Some("shepherd.webp"));
    let other = world.photos().join("photographer.jpg").to_str().unwrap().to_owned();
    let saved = captions(&world.json(&["caption", "--json", "--save", &other], 0));
    assert_eq!(saved["photographer.jpg"]["saved"], true);
    let again = captions(&world.json(&["caption", "--json", "--save", &other], 0));
    assert_eq!(
        (&again["photographer.jpg"]["caption"], &again["photographer.jpg"]["saved"]),
        (&saved["photographer.jpg"]["caption"], &false.into())
    );
    let words = saved["photographer.jpg"]["caption"].as_str().unwrap().trim_end_matches('.');
    assert_eq!(world.search(words).first().map(String::as_str), Some("photographer.jpg"));
    let stranger = root().join("assets/samples/photographer.jpg");
    std::fs::write(world.photos().join("new.jpg"), [std::fs::read(stranger).unwrap(), vec![1]].concat()).unwrap();
    let output = world.run(&["caption", "--save", world.photos().join("new.jpg").to_str().unwrap()]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("sightline index"), "{output:?}");
}

#[test]
fn a_caption_goes_into_a_file_and_nothing_else_changes() {
    let world = World::new();
    let other = sample(&world, "photographer.jpg");
    let before = std::fs::read(&other).unwrap();
    let told = captions(&world.json(&["caption", "--json", "--embed", &other], 0));
    let after = std::fs::read(&other).unwrap();
    assert_ne!(before, after);
    // From the first quantisation table on all is as it was.
    let scan = |bytes: &[u8]| bytes.windows(2).position(|pair| pair == [0xff, 0xdb]).map(|at| bytes[at..].to_vec());
    assert_eq!(scan(&before), scan(&after));
    let text = told["photographer.jpg"]["caption"].as_str().unwrap();
    match Command::new("exiftool").args(["-s3", "-XMP-dc:Description", &other]).output() {
        Ok(output) => assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), text),
        Err(error) => {
            eprintln!("SKIPPED: exiftool does not start ({error}); the embedded caption was not read back by it")
        }
    }
    // A WebP is not written into, and the message says what to do.
    let shepherd = sample(&world, "shepherd.webp");
    let output = world.run(&["caption", "--embed", &shepherd]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("write a sidecar instead"), "{output:?}");
}

/// Words that a sentence may need again.
const SMALL: [&str; 28] = [
    "a", "an", "the", "and", "of", "in", "on", "at", "to", "with", "is", "are", "his", "her", "their", "its", "one",
    "two", "black", "white", "red", "blue", "green", "yellow", "brown", "orange", "by", "from",
];

#[test]
fn a_photo_of_which_the_model_is_not_sure_gets_tags_and_no_sentence() {
    let world = World::with_samples();
    world.index();
    let photos = world.photos().to_str().unwrap().to_owned();
    let lines = world.json(&["caption", "--json", "--save", "--write-xmp", &photos], 0);
    let name =
        |line: &Value| Path::new(line["path"].as_str().unwrap()).file_name().unwrap().to_string_lossy().into_owned();
    let all: BTreeMap<String, &Value> =
        lines.iter().filter(|line| line["author"].is_string()).map(|line| (name(line), line)).collect();
    assert_eq!(all.len(), 39);
    let said = captions(&lines);
    // What a dog on the floor, or people in an empty place, would be made of.
    for name in
        ["coffee.png", "kitten.webp", "hens.webp", "horses.webp", "fruits.jpg", "beach.jpg", "machu-picchu.webp"]
    {
        let line = all[name];
        assert!(line["caption"].is_null() && line["unsure"] == true, "{line}");
        assert!(line["guess"].as_str().is_some_and(|guess| guess.ends_with('.')), "{line}");
        assert!(!Path::new(&format!("{}.xmp", line["path"].as_str().unwrap())).exists(), "a guess is written nowhere");
    }
    assert!(said.contains_key("photographer.jpg") && said.contains_key("shepherd.webp") && said.len() < 20, "{said:?}");
    let tags =
        |name: &str| all[name]["tags"].as_array().unwrap().iter().map(|tag| tag.as_str().unwrap()).collect::<Vec<_>>();
    assert_eq!(tags("kitten.webp")[0], "cat");
    assert_eq!(tags("hens.webp")[0], "chicken");
    // No telling word is said twice, be it shown or guessed.
    for line in all.values() {
        let text = line["caption"].as_str().or(line["guess"].as_str()).unwrap().to_lowercase();
        let words: Vec<&str> = text.trim_end_matches('.').split_whitespace().collect();
        let repeated = words.iter().enumerate().find(|(at, word)| !SMALL.contains(word) && words[..*at].contains(word));
        assert_eq!(repeated, None, "{text}");
        assert!(words.windows(2).all(|pair| pair[0] != pair[1]), "{text}");
    }
    // A guess is found by no word of its own, and another run works out the same.
    let guess = all["coffee.png"]["guess"].as_str().unwrap().trim_end_matches('.').to_owned();
    assert!(!world.search(&guess).contains(&"coffee.png".to_owned()), "{guess}");
    let again = world.json(&["caption", "--json", "--save", all["coffee.png"]["path"].as_str().unwrap()], 0);
    let line = again.iter().find(|line| line["author"].is_string()).unwrap();
    assert_eq!((&line["guess"], &line["saved"]), (&all["coffee.png"]["guess"], &false.into()));
    let output = world.run(&["caption", all["kitten.webp"]["path"].as_str().unwrap()]);
    assert!(String::from_utf8_lossy(&output.stdout).contains("not sure; seen: cat"), "{output:?}");
    let table = world.photos().join("captions.csv");
    world.json(
        &["caption", "--json", "--csv", table.to_str().unwrap(), all["kitten.webp"]["path"].as_str().unwrap()],
        0,
    );
    let text = std::fs::read_to_string(table).unwrap();
    assert!(text.lines().nth(1).unwrap().contains("kitten.webp,,machine,,"), "{text}");
}

#[test]
fn odd_photos_get_a_caption_or_a_clear_error() {
    let shared = std::env::var_os("SIGHTLINE_SHARED").map_or_else(|| root().join("../shared/data"), Into::into);
    let corpus = shared.join("corpus");
    if !corpus.is_dir() {
        eprintln!("SKIPPED: no odd photos in {}", corpus.display());
        return;
    }
    let world = World::new();
    // More than a pipe holds.
    let output = world.command(&["caption", "--json", "--beam", "1", corpus.to_str().unwrap()]).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told: Vec<&Value> = lines.iter().filter(|line| line["author"].is_string()).collect();
    assert!(told.len() > 100, "{} photos of the corpus were described", told.len());
    let said = |line: &Value| line["caption"].as_str().or(line["guess"].as_str()).unwrap().to_owned();
    assert!(told.iter().all(|line| !said(line).is_empty()));
}

#[test]
fn a_model_without_a_decoder_says_so() {
    let world = World::new();
    let model = world.photos().join("model");
    std::fs::create_dir(&model).unwrap();
    let home = root().join("assets/models/home-1");
    for file in std::fs::read_dir(&home).unwrap() {
        let file = file.unwrap();
        if !file.file_name().to_string_lossy().starts_with("caption") {
            std::fs::copy(file.path(), model.join(file.file_name())).unwrap();
        }
    }
    let description = std::fs::read_to_string(home.join("model.toml")).unwrap();
    let mut kept = Vec::new();
    let mut skipping = false;
    for line in description.lines() {
        if line.starts_with('[') {
            skipping = line.starts_with("[decoder]")
                || line.starts_with("[files.\"caption")
                || line.starts_with("[files.caption");
        }
        if !skipping {
            kept.push(line);
        }
    }
    std::fs::write(model.join("model.toml"), kept.join("\n")).unwrap();
    let lock = sample(&world, "lock.jpg");
    let output = world.run(&["caption", "--model", model.to_str().unwrap(), &lock]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("writes no captions"), "{output:?}");
}

#[test]
fn tags_come_from_the_list_that_the_user_edits() {
    let world = World::new();
    let (lock, hens) = (sample(&world, "lock.jpg"), sample(&world, "hens.webp"));
    let tags = |expected: i32| {
        let lines = world.json(&["tags", "--json", &lock, &hens], expected);
        let names = |line: &Value| {
            line["tags"].as_array().unwrap().iter().map(|t| t["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        lines.iter().map(names).collect::<Vec<_>>()
    };
    let first = tags(0);
    assert!(first[0].iter().any(|tag| tag == "golden retriever"), "{first:?}");
    assert!(first[1].iter().any(|tag| tag == "chicken"), "{first:?}");
    assert!(!world.library().exists(), "asking makes no library");
    let list = world.json(&["tags", "--edit", "--json"], 0)[0]["path"].as_str().unwrap().to_owned();
    assert!(std::fs::read_to_string(&list).unwrap().contains("\ngolden retriever\n"));
    std::fs::write(&list, "Hund = golden retriever\nsubmarine\n").unwrap();
    assert_eq!(tags(0), [vec!["Hund".to_owned()], vec![]]);
    std::fs::write(&list, "submarine\n").unwrap();
    tags(1);
}
