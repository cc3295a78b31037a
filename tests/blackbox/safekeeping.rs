//! Backups, their way back, and repairs, from the command line.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;

use crate::harness::{World, root};

/// A world with a few sample photos, indexed.
fn world() -> World {
    let world = World::new();
    for name in ["boats.jpg", "coffee.png", "desk.jpg", "photographer.jpg"] {
        add(&world, name);
    }
    world.index();
    world
}

fn add(world: &World, name: &str) {
    fs::copy(root().join("assets/samples").join(name), world.photos().join(name)).unwrap();
}

fn beside(world: &World, name: &str) -> String {
    world.photos().with_file_name(name).to_str().unwrap().to_owned()
}

fn photos(world: &World) -> Value {
    world.json(&["status", "--json"], 0)[0]["photos"].clone()
}

fn catalogue(world: &World) -> PathBuf {
    world.library().join("catalogue.sqlite")
}

/// The code and message of the error that `args` end with.
fn error(world: &World, args: &[&str]) -> (String, String) {
    let output = world.run(args);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{args:?}: {text}");
    let line =
        text.lines().rfind(|line| line.starts_with("{\"error\"")).unwrap_or_else(|| panic!("no error in {text}"));
    let error: Value = serde_json::from_str(line).unwrap();
    let said = |key: &str| error["error"][key].as_str().unwrap().to_owned();
    (said("code"), said("message"))
}

fn overwrite(file: &Path, from: usize, to: usize) {
    let mut bytes = fs::read(file).unwrap();
    bytes[from..to].fill(0x5a);
    fs::write(file, bytes).unwrap();
}

#[test]
fn a_restored_backup_brings_the_old_state_back_and_the_new_one_is_kept() {
    let world = world();
    let photo = world.photos().join("photographer.jpg");
    world.json(&["caption", "--json", "--save", photo.to_str().unwrap()], 0);
    let file = beside(&world, "backup.sqlite");
    let lines = world.json(&["backup", "--json", &file], 0);
    let summary = lines.last().unwrap();
    assert_eq!((&summary["event"], &summary["path"]), (&"summary".into(), &file.as_str().into()));
    assert_eq!(summary["bytes"], fs::metadata(&file).unwrap().len());
    assert_eq!(error(&world, &["backup", "--json", &file]).0, "backup_exists");
    world.json(&["backup", "--json", "--force", &file], 0);
    add(&world, "beach.jpg");
    world.index();
    assert_eq!(photos(&world), 5);
    let lines = world.json(&["restore", "--json", &file], 0);
    let kept = lines.last().unwrap()["kept"]["path"].as_str().unwrap().to_owned();
    assert_eq!(photos(&world), 4);
    assert_eq!(world.json(&["check", "--json"], 0).last().unwrap()["well"], true);
    let said = world.run(&["restore", &kept]);
    assert_eq!(said.status.code(), Some(0));
    let said = String::from_utf8(said.stdout).unwrap();
    assert!(said.contains("kept as") && said.contains("photos are not in a backup"), "{said}");
    assert_eq!(photos(&world), 5);
    // In another place, where nothing is yet.
    let elsewhere = World::new();
    assert_eq!(elsewhere.json(&["restore", "--json", &file], 0).last().unwrap()["kept"], Value::Null);
    assert_eq!(photos(&elsewhere), 4);
    let mut left: Vec<_> =
        fs::read_dir(world.photos().parent().unwrap()).unwrap().map(|entry| entry.unwrap().path()).collect();
    left.retain(|path| !world.settings().starts_with(path));
    assert_eq!(left.len(), 3, "photos, library and backup: {left:?}");
}

#[test]
fn what_is_no_backup_is_refused_and_the_library_stays() {
    let world = world();
    let file = beside(&world, "backup.sqlite");
    let restored = |file: &str| error(&world, &["restore", "--json", file]).0;
    assert_eq!(restored(&file), "backup_missing");
    world.json(&["backup", "--json", &file], 0);
    let whole = fs::read(&file).unwrap();
    fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    assert_eq!(restored(&file), "backup_damaged");
    fs::write(&file, "Dear aunt, thank you for the photo album.").unwrap();
    assert_eq!(restored(&file), "not_a_backup");
    // The number of the schema lies at byte 60.
    let mut later = whole.clone();
    later[60..64].copy_from_slice(&99u32.to_be_bytes());
    fs::write(&file, later).unwrap();
    assert_eq!(restored(&file), "catalogue_too_new");
    assert_eq!(restored(catalogue(&world).to_str().unwrap()), "library_itself");
    assert_eq!(photos(&world), 4);
    let nowhere = World::new();
    assert_eq!(error(&nowhere, &["backup", "--json", &beside(&nowhere, "backup")]).0, "library_missing");
    assert_eq!(error(&nowhere, &["check", "--json"]).0, "library_missing");
}

#[test]
fn a_library_that_is_watched_can_be_backed_up_and_is_not_replaced() {
    let world = world();
    let file = beside(&world, "backup.sqlite");
    let mut watch = world.command(&["watch", "--json"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    // It watches when it says so.
    let mut said = std::io::BufReader::new(watch.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut said, &mut String::new()).unwrap();
    world.json(&["backup", "--json", &file], 0);
    world.json(&["check", "--json"], 0);
    for args in [["restore", "--json", &file], ["check", "--json", "--repair"]] {
        let (code, message) = error(&world, &args);
        assert_eq!(code, "library_in_use");
        assert!(message.contains("sightline watch"), "{message}");
    }
    watch.kill().unwrap();
    watch.wait().unwrap();
    world.json(&["restore", "--json", &file], 0);
    assert_eq!(photos(&world), 4);
}

#[test]
fn a_damaged_library_is_found_repaired_and_goes_on() {
    let world = world();
    let photo = world.photos().join("photographer.jpg");
    let caption = world.json(&["caption", "--json", "--save", photo.to_str().unwrap()], 0)[0]["caption"].clone();
    // All in one file, for the damage to hit it.
    let file = beside(&world, "backup.sqlite");
    world.json(&["backup", "--json", &file], 0);
    world.json(&["restore", "--json", &file], 0);
    assert_eq!(world.run(&["check"]).status.code(), Some(0));
    assert_eq!(world.json(&["check", "--json", "--repair"], 0).last().unwrap()["repaired"], false);
    // The end of the file, where thumbnails and vectors lie.
    let bytes = fs::metadata(catalogue(&world)).unwrap().len() as usize;
    overwrite(&catalogue(&world), bytes - 3 * 8192, bytes);
    let told = world.run(&["check"]);
    assert_eq!(told.status.code(), Some(1));
    let told = String::from_utf8(told.stdout).unwrap();
    assert!(told.contains("wrong") && told.contains("check --repair") && told.contains("restore FILE"), "{told}");
    assert_eq!(world.json(&["check", "--json"], 1).last().unwrap()["well"], false);
    let (code, message) = error(&world, &["backup", "--json", "--force", &file]);
    assert_eq!(code, "catalogue_corrupt");
    assert!(message.contains("sightline check --repair"), "{message}");
    let repaired = world.json(&["check", "--json", "--repair"], 0);
    let summary = repaired.last().unwrap();
    assert_eq!(summary["repaired"], true);
    let again = summary["salvage"]["read_again"].as_u64().unwrap();
    assert!(again > 0, "something of a photo was lost: {summary}");
    assert!(Path::new(summary["kept"]["path"].as_str().unwrap()).exists());
    world.json(&["check", "--json"], 0);
    // What was lost of the photos is had again from their files.
    assert_eq!(world.index()["unchanged"], 4 - again);
    assert_eq!(world.index()["unchanged"], 4);
    assert_eq!(photos(&world), 4);
    assert_eq!(world.json(&["status", "--json"], 0)[0]["searchable"], 4);
    assert_eq!(world.json(&["caption", "--json", photo.to_str().unwrap()], 0)[0]["caption"], caption);
    assert_eq!(world.run(&["doctor"]).status.code(), Some(0));
}

#[test]
fn a_library_whose_beginning_is_lost_is_saved() {
    let world = world();
    let file = beside(&world, "backup.sqlite");
    world.json(&["backup", "--json", &file], 0);
    world.json(&["restore", "--json", &file], 0);
    overwrite(&catalogue(&world), 0, 8192);
    let (code, message) = error(&world, &["search", "--json", "a dog"]);
    assert_eq!(code, "not_a_catalogue");
    assert!(message.contains("check --repair") && message.contains("restore FILE"), "{message}");
    let lines = world.json(&["check", "--json", "--repair"], 0);
    let tables = lines.last().unwrap()["salvage"]["tables"].as_array().unwrap().clone();
    let photo = tables.iter().find(|table| table["table"] == "photo").unwrap();
    assert_eq!((&photo["saved"], &photo["lost"]), (&4.into(), &0.into()));
    assert_eq!(photos(&world), 4);
    assert_eq!(world.index()["unchanged"], 4);
}

#[cfg(unix)]
#[test]
fn an_interrupted_backup_leaves_nothing() {
    let world = world();
    // Empty pages behind it, for the copy to take a while; that they belong to nothing shows only when it is checked.
    let file = beside(&world, "whole.sqlite");
    world.json(&["backup", "--json", &file], 0);
    let mut bytes = fs::read(&file).unwrap();
    bytes.resize(bytes.len() + 12_000 * 8192, 0);
    let pages = (bytes.len() / 8192) as u32;
    bytes[28..32].copy_from_slice(&pages.to_be_bytes());
    fs::remove_file(&file).unwrap();
    fs::write(catalogue(&world), bytes).unwrap();
    let folder = beside(&world, "backups");
    fs::create_dir(&folder).unwrap();
    let file = format!("{folder}/backup.sqlite");
    let mut cancelled = 0;
    // On a fast disk most are done before the signal comes.
    for _ in 0..100 {
        if cancelled == 3 {
            break;
        }
        let mut command = world.command(&["backup", "--json", &file]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let there = || fs::read_dir(&folder).unwrap().count();
        while there() == 0 && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        let ended = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        if ended.status.success() {
            // It was done before it heard.
            fs::remove_file(&file).unwrap();
        } else {
            assert_eq!(ended.status.code(), Some(2), "{said}");
            assert!(said.contains("\"code\":\"cancelled\""), "{said}");
            cancelled += 1;
        }
        assert_eq!(there(), 0, "{said}");
    }
    assert_eq!(cancelled, 3, "too few were interrupted in the middle");
}
