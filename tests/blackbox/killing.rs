//! SIGKILL at any moment.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::harness::{World, root, samples};

/// Kills, each at another moment.
const KILLS: u64 = 20;

#[test]
fn an_index_killed_twenty_times_ends_as_if_it_had_not_been() {
    let undisturbed = World::with_samples();
    undisturbed.index();
    let killed = World::with_samples();
    let mut examined = 0;
    for kill in 0..KILLS {
        let photos = killed.photos();
        let mut child = killed
            .command(&["index", "--json", photos.to_str().unwrap()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(60 + 97 * kill % 1500));
        child.kill().unwrap();
        child.wait().unwrap();
        // On a busy machine the first kills may come before there is a library; from then on there is always one.
        let doctor = killed.run(&["doctor"]);
        let said = String::from_utf8_lossy(&doctor.stdout).into_owned();
        if examined > 0 || !said.contains("there is no library") {
            examined += 1;
            assert_eq!(doctor.status.code(), Some(0), "after kill {kill}: {said}");
        }
    }
    assert!(examined > KILLS / 2, "only {examined} kills came after the library was made");
    killed.index();
    assert_eq!(killed.index()["unchanged"], samples().len());
    for query in ["a dog", "mountains", "flowers", "a cup of coffee"] {
        let answer = |world: &World| -> Vec<(String, String)> {
            world
                .json(&["search", "--json", "--limit", "40", query], 0)
                .iter()
                .map(|hit| {
                    let path = hit["path"].as_str().unwrap();
                    (path.rsplit('/').next().unwrap().to_owned(), hit["score"].to_string())
                })
                .collect()
        };
        assert_eq!(answer(&killed), answer(&undisturbed), "{query}");
    }
}

/// Kills by which each of four kinds of work is ended at random; `$SIGHTLINE_KILLS` says another number for all.
const RANDOM_KILLS: u64 = 8;

/// Starts `command`, kills it after `ms`, and gives the whole lines that it had printed.
fn killed_after(mut command: Command, ms: u64, output: &std::path::Path) -> Vec<Value> {
    let file = std::fs::File::create(output).unwrap();
    let mut child = command.stdout(file).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(ms));
    child.kill().unwrap();
    child.wait().unwrap();
    let text = std::fs::read_to_string(output).unwrap();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

#[test]
fn work_killed_at_random_loses_nothing_that_was_committed() {
    let kills = std::env::var("SIGHTLINE_KILLS").map_or(RANDOM_KILLS, |number| number.parse().unwrap());
    let world = World::with_samples();
    world.index();
    let said = world.photos().with_file_name("said");
    let lesson = world.photos().with_file_name("lesson");
    for (label, files) in [("critters", ["panda.webp", "horses.webp"]), ("places", ["beach.jpg", "boats.jpg"])] {
        std::fs::create_dir_all(lesson.join(label)).unwrap();
        for file in files {
            std::fs::copy(root().join("assets/samples").join(file), lesson.join(label).join(file)).unwrap();
        }
    }
    let (photos, lesson) = (world.photos(), lesson.to_str().unwrap().to_owned());
    let photos = photos.to_str().unwrap();
    let (mut known, mut captions, mut versions) = (samples().len() as u64, BTreeMap::<String, String>::new(), 0);
    let mut random = 0x0051_6717_u64;
    for kill in 0..kills {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let (args, longest): (&[&str], u64) = match kill % 4 {
            0 => (&["index", "--json", photos], 3000),
            1 => (&["caption", "--json", "--save", photos], 4000),
            2 => (&["teach", "--json", "--depth", "probe", "--folders", &lesson], 3000),
            _ => (&["teach", "activate", if kill % 8 == 3 { "latest" } else { "base" }, "--json"], 400),
        };
        if kill % 4 == 0 {
            // Something new to be indexed each time.
            let number = kill % samples().len() as u64;
            let mut bytes = std::fs::read(&samples()[number as usize]).unwrap();
            bytes.extend(kill.to_le_bytes());
            std::fs::write(world.photos().join(format!("more-{kill}.jpg")), bytes).unwrap();
        }
        let lines = killed_after(world.command(args), random % longest, &said);
        for line in lines.iter().filter(|line| line["saved"] == true) {
            captions.insert(line["path"].as_str().unwrap().to_owned(), written(line));
        }
        let doctor = world.run(&["doctor"]);
        assert_eq!(doctor.status.code(), Some(0), "kill {kill}: {}", String::from_utf8_lossy(&doctor.stdout));
        let now = world.json(&["status", "--json"], 0)[0]["photos"].as_u64().unwrap();
        assert!(now >= known, "kill {kill}: {now} photos are left of {known}");
        known = now;
        let taught = world.run(&["teach", "list", "--json"]);
        let now = String::from_utf8(taught.stdout).unwrap().lines().count();
        assert!(now >= versions, "kill {kill}: {now} versions are left of {versions}");
        versions = now;
    }
    world.index();
    let kept = world.json(&["caption", "--json", "--save", photos], 0);
    for line in kept.iter().filter(|line| line["path"].is_string()) {
        if let Some(before) = captions.remove(line["path"].as_str().unwrap()) {
            assert_eq!(written(line), before);
            assert_eq!(line["saved"], false, "it was saved before the kill");
        }
    }
    assert!(captions.is_empty(), "captions are lost: {captions:?}");
    println!("{kills} kills: {known} photos, {versions} versions, integrity held");
}

/// The caption of a line, or the guess in its place.
fn written(line: &Value) -> String {
    line["caption"].as_str().or(line["guess"].as_str()).unwrap().to_owned()
}
