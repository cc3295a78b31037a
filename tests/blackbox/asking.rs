//! Questions about photos, and packs that describe, from the command line and by the window's commands.

use std::path::Path;

use serde_json::{Value, json};

use crate::desk::{Seat, no_filters};
use crate::harness::{World, root};

/// A world with a folder of models and a photo.
fn world() -> (World, String) {
    let world = World::new();
    let photo = world.photos().join("shepherd.webp");
    std::fs::copy(root().join("assets/samples/shepherd.webp"), &photo).unwrap();
    (world, photo.to_str().unwrap().to_owned())
}

fn run(world: &World, args: &[&str]) -> (i32, Vec<Value>, String) {
    let output = world.command(args).env("SIGHTLINE_MODELS", world.folder().join("models")).output().unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    let lines = lines.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    (output.status.code().unwrap_or(-1), lines, String::from_utf8_lossy(&output.stderr).into_owned())
}

fn well(world: &World, args: &[&str]) -> Vec<Value> {
    let (code, lines, said) = run(world, args);
    assert_eq!(code, 0, "{args:?}: {said}");
    lines
}

/// Imports a checkpoint of a few numbers.
fn import(world: &World, name: &str) {
    let folder = root().join("crates/vlm/tests/golden/packs").join(name);
    well(world, &["model", "import", folder.to_str().unwrap(), "--json"]);
}

#[test]
fn a_question_about_a_photo_is_answered_by_a_model_that_can_and_one_is_offered_where_there_is_none() {
    let (world, photo) = world();
    let (code, _, said) = run(&world, &["ask", &photo, "what", "is", "the", "dog", "doing?", "--json"]);
    let error: Value = serde_json::from_str(said.trim()).unwrap();
    assert_eq!((code, &error["error"]["code"]), (2, &json!("no_answerer")), "{said}");
    let (code, _, said) = run(&world, &["ask", &photo, "why?"]);
    assert!(code == 2 && said.trim().lines().count() == 1, "one sentence: {said}");
    for part in ["`sightline model get smolvlm`", "MB", "Apache-2.0"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!Path::new(&world.library()).exists(), "asking makes no library");
    import(&world, "tiny_questions");
    let lines = well(&world, &["ask", &photo, "what", "is", "the", "dog", "doing?", "--json"]);
    assert_eq!((&lines[0]["question"], &lines[0]["path"]), (&json!("what is the dog doing?"), &json!(photo)));
    assert_eq!(lines[0]["model"], "tiny-questions");
    assert!(!lines[0]["answer"].as_str().unwrap().is_empty() && lines[0]["confidence"].as_f64().unwrap() < 0.0);
    // The same in one line for people.
    let output = world.command(&["ask", &photo, "what is the dog doing?"]);
    let mut output = output;
    let output = output.env("SIGHTLINE_MODELS", world.folder().join("models")).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), lines[0]["answer"].as_str().unwrap());
    // What is no photo, and no question, says so.
    let broken = world.photos().join("broken.jpg");
    std::fs::write(&broken, b"no photo").unwrap();
    for (photo, question) in [(broken.to_str().unwrap(), "why?"), ("nowhere.jpg", "why?"), (&*photo, " ")] {
        assert_eq!(run(&world, &["ask", photo, question]).0, 2, "{photo} {question}");
    }
}

#[test]
fn a_pack_that_describes_is_chosen_apart_from_the_search_model() {
    let (world, photo) = world();
    well(&world, &["index", world.photos().to_str().unwrap(), "--json"]);
    import(&world, "tiny_captions");
    well(&world, &["model", "use", "tiny-captions", "--json"]);
    let (code, _, said) = run(&world, &["model", "use", "tiny-captions", "--for", "search", "--json"]);
    assert!(code == 2 && said.contains("model_purpose"), "{said}");
    let list = well(&world, &["model", "list", "--json"]);
    let entry = |name: &str| list.iter().find(|line| line["name"] == name).unwrap().clone();
    assert_eq!(
        (&entry("tiny-captions")["for"], &entry("tiny-captions")["in_use"]),
        (&json!(["captions"]), &json!(true))
    );
    assert_eq!((&entry("home-1")["for"], &entry("home-1")["in_use"]), (&json!(["search"]), &json!(true)));
    assert_eq!(entry("smolvlm")["for"], json!(["captions", "questions"]));
    let said = |args: &[&str]| {
        let line = well(&world, args).pop().unwrap();
        line["caption"].as_str().or(line["guess"].as_str()).unwrap().to_owned()
    };
    let by_pack = said(&["caption", "--json", &photo]);
    well(&world, &["model", "use", "home-1", "--for", "captions", "--json"]);
    let by_model = said(&["caption", "--json", &photo]);
    assert!(by_model.contains("dog") && by_pack != by_model, "{by_pack:?} {by_model:?}");
    let hits = well(&world, &["search", "a dog", "--json"]);
    assert!(!hits.is_empty(), "the search is as it was");
}

#[test]
fn the_window_asks_about_a_photo_and_hears_where_no_model_answers() {
    let (world, _) = world();
    well(&world, &["index", world.photos().to_str().unwrap(), "--json"]);
    let seat = Seat::with_models(&world, Some(world.folder().join("models")));
    let photo = seat.call("photos", json!({ "filters": no_filters(), "sort": "newest" }))["ids"][0].clone();
    let ask = |question: &str| seat.try_call("ask", json!({ "photo": photo, "question": question }));
    assert_eq!(ask("what is the dog doing?").unwrap_err().code, "no_answerer");
    import(&world, "tiny_questions");
    let answer = ask("what is the dog doing?").unwrap();
    assert_eq!((&answer["model"], &answer["stopped"]), (&json!("tiny-questions"), &json!(false)));
    assert!(!answer["text"].as_str().unwrap().is_empty());
    seat.call("stop_asking", json!(null));
    assert_eq!(ask("").unwrap_err().code, "text_bad");
}
