//! Finding the sample photos.

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
