//! Bad input: a clear error, and nothing lost.

use std::fs;
use std::path::Path;

use crate::harness::{World, root};

/// The code of the JSON error on the standard error.
fn error_code(world: &World, args: &[&str]) -> String {
    let output = world.run(args);
    assert_eq!(output.status.code(), Some(2), "{args:?}");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let line = text.lines().find(|l| l.starts_with('{')).unwrap_or_else(|| panic!("no JSON error in {text}"));
    let error: serde_json::Value = serde_json::from_str(line).unwrap();
    assert!(!error["error"]["message"].as_str().unwrap().is_empty());
    error["error"]["code"].as_str().unwrap().to_owned()
}

#[test]
fn a_missing_folder_is_named_and_forgets_nothing() {
    let world = World::with_samples();
    world.index();
    let gone = world.photos().join("gone");
    let output = world.run(&["index", gone.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("gone"));
    fs::rename(world.photos(), world.photos().with_extension("away")).unwrap();
    let photos = world.photos();
    assert_eq!(world.run(&["index", photos.to_str().unwrap()]).status.code(), Some(2));
    assert_eq!(world.search("a cup of coffee")[0], "coffee.png", "an unplugged folder stays searchable");
}

#[test]
fn a_file_that_is_no_catalogue_is_left_as_it_is() {
    let world = World::new();
    fs::create_dir(world.library()).unwrap();
    let file = world.library().join("catalogue.sqlite");
    fs::write(&file, b"this is my diary").unwrap();
    assert_eq!(error_code(&world, &["search", "--json", "a dog"]), "not_a_catalogue");
    assert_eq!(fs::read(&file).unwrap(), b"this is my diary");
}

#[test]
fn a_damaged_model_is_told_by_doctor_and_a_cut_one_by_every_command() {
    let world = World::with_samples();
    let model = world.photos().with_file_name("model");
    fs::create_dir(&model).unwrap();
    for file in fs::read_dir(root().join("assets/models/home-1")).unwrap() {
        let file = file.unwrap().path();
        fs::copy(&file, model.join(file.file_name().unwrap())).unwrap();
    }
    let model_arg = model.to_str().unwrap();
    assert_eq!(world.run(&["--model", model_arg, "doctor"]).status.code(), Some(0));
    let heads = model.join("heads.safetensors");
    let mut bytes = fs::read(&heads).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&heads, &bytes).unwrap();
    assert_eq!(world.run(&["--model", model_arg, "doctor"]).status.code(), Some(1));
    fs::write(&heads, &bytes[..middle]).unwrap();
    let photos = world.photos();
    let index = ["--model", model_arg, "index", "--json", photos.to_str().unwrap()];
    assert_eq!(error_code(&world, &index), "model_wrong_file");
}

#[test]
fn every_odd_file_is_either_found_or_on_the_problem_list() {
    let shared = std::env::var_os("SIGHTLINE_SHARED").map_or_else(|| root().join("../shared/data"), Into::into);
    let corpus = Path::new(&shared).join("corpus");
    if !corpus.is_dir() {
        println!("SKIPPED: {} is not here", corpus.display());
        return;
    }
    let world = World::new();
    let lines = world.json(&["index", "--json", corpus.to_str().unwrap()], 0);
    let summary = lines.iter().find(|l| l["event"] == "summary").unwrap();
    let problems = world.json(&["problems", "--json"], 0);
    assert!(problems.iter().all(|p| !p["reason"].as_str().unwrap().is_empty()));
    let status = &world.json(&["status", "--json"], 0)[0];
    let files = status["files"].as_u64().unwrap();
    assert!(files >= 100, "{files} readable files");
    assert_eq!(status["photos"], status["searchable"]);
    assert_eq!(
        files + problems.len() as u64,
        summary["found"].as_u64().unwrap() + summary["unsupported"].as_u64().unwrap()
    );
}
