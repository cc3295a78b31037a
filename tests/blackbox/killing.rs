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
        shuffled(&mut random);
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

/// Numbers that look random, the same at every run.
fn shuffled(random: &mut u64) -> u64 {
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    *random
}

fn photos_known(world: &World) -> u64 {
    world.json(&["status", "--json"], 0)[0]["photos"].as_u64().unwrap()
}

#[test]
fn a_restore_killed_at_random_leaves_the_library_of_before_or_of_the_backup() {
    let kills = std::env::var("SIGHTLINE_KILLS").map_or(RANDOM_KILLS, |number| number.parse().unwrap());
    let world = World::new();
    let said = world.folder().join("said");
    let backup = |name: &str, samples: &[&str]| {
        for sample in samples {
            std::fs::copy(root().join("assets/samples").join(sample), world.photos().join(sample)).unwrap();
        }
        world.index();
        let file = world.folder().join(name).to_str().unwrap().to_owned();
        world.json(&["backup", "--json", &file], 0);
        file
    };
    let backups = [backup("first", &["desk.jpg", "coffee.png"]), backup("second", &["beach.jpg", "panda.webp"])];
    let (mut random, mut of_first) = (0x0051_6718_u64, 0);
    for kill in 0..kills {
        let command = world.command(&["restore", "--json", &backups[(kill % 2) as usize]]);
        killed_after(command, shuffled(&mut random) % 250, &said);
        let checked = world.json(&["check", "--json"], 0);
        assert_eq!(checked.last().unwrap()["well"], true, "kill {kill}: {checked:?}");
        let photos = photos_known(&world);
        assert!([2, 4].contains(&photos), "kill {kill}: {photos} photos");
        of_first += u64::from(photos == 2);
    }
    for (file, photos) in backups.iter().zip([2, 4]) {
        world.json(&["restore", "--json", file], 0);
        assert_eq!(photos_known(&world), photos);
    }
    println!("{kills} kills of a restore: {of_first} times the first backup, {} times the second", kills - of_first);
}

#[test]
fn an_import_a_move_to_the_trash_and_an_undo_killed_at_random_lose_nothing() {
    let kills = std::env::var("SIGHTLINE_KILLS").map_or(RANDOM_KILLS, |number| number.parse().unwrap());
    let world = World::new();
    let (said, share) = (world.folder().join("said"), world.folder().join("share"));
    std::fs::create_dir(world.photos().join("Downloads")).unwrap();
    let mut contents = Vec::new();
    for sample in ["boats.jpg", "beach.jpg", "desk.jpg", "panda.webp"] {
        let bytes = std::fs::read(root().join("assets/samples").join(sample)).unwrap();
        for copy in [world.photos().join(sample), world.photos().join("Downloads").join(sample)] {
            std::fs::write(copy, &bytes).unwrap();
        }
        contents.push(bytes);
    }
    world.index();
    let lesson = world.folder().join("lesson");
    for (label, files) in [("critters", ["panda.webp", "horses.webp"]), ("places", ["beach.jpg", "boats.jpg"])] {
        std::fs::create_dir_all(lesson.join(label)).unwrap();
        for file in files {
            std::fs::copy(root().join("assets/samples").join(file), lesson.join(label).join(file)).unwrap();
        }
    }
    world.json(&["teach", "--json", "--depth", "probe", "--folders", lesson.to_str().unwrap()], 0);
    let version = world.folder().join("version").to_str().unwrap().to_owned();
    world.json(&["teach", "export", "latest", "--json", &version], 0);
    // How many files hold each content, here and in the trash.
    let copies = || {
        let folders = [world.photos(), world.photos().join("Downloads"), share.join("Trash/files")];
        let files = folders.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten();
        let held: Vec<Vec<u8>> = files.filter_map(|file| std::fs::read(file.unwrap().path()).ok()).collect();
        contents.iter().map(|bytes| held.iter().filter(|held| *held == bytes).count()).collect::<Vec<_>>()
    };
    let (mut random, mut versions, mut moved) = (0x0051_6719_u64, 1, 0);
    for kill in 0..kills {
        // A move of four files takes some 20 ms, where nothing else is done.
        let (args, longest): (&[&str], u64) = match kill % 3 {
            0 => (&["teach", "import", "--json", &version], 400),
            1 => (&["duplicates", "trash", "--keep", "best", "--yes", "--json"], 60),
            _ => (&["duplicates", "undo", "--json"], 40),
        };
        let mut command = world.command(args);
        command.env("XDG_DATA_HOME", &share);
        killed_after(command, shuffled(&mut random) % longest, &said);
        moved += std::fs::read_dir(share.join("Trash/files")).map_or(0, Iterator::count);
        let doctor = world.run(&["doctor"]);
        assert_eq!(doctor.status.code(), Some(0), "kill {kill}: {}", String::from_utf8_lossy(&doctor.stdout));
        assert!(copies().iter().all(|copies| *copies >= 2), "kill {kill}: a file is gone: {:?}", copies());
        let taught = world.run(&["teach", "list", "--json"]);
        let now = String::from_utf8(taught.stdout).unwrap().lines().count();
        assert!((versions..=versions + 1).contains(&now), "kill {kill}: {now} versions, {versions} before");
        versions = now;
    }
    let undo = || {
        let mut command = world.command(&["duplicates", "undo", "--json"]);
        command.env("XDG_DATA_HOME", &share).output().unwrap().status.code()
    };
    for _ in 0..=kills {
        if undo() != Some(0) {
            break;
        }
    }
    for sample in ["boats.jpg", "beach.jpg", "desk.jpg", "panda.webp"] {
        let copy = world.photos().join("Downloads").join(sample);
        assert!(world.photos().join(sample).is_file() && copy.is_file(), "{sample} is back");
    }
    assert_eq!(world.index()["problems"], 0);
    println!(
        "{kills} kills of an import, a move to the trash and an undo: {versions} versions, {moved} times a file was in the trash"
    );
}
