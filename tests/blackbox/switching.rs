//! Another model for a library: the old one answers until the new one has seen everything, and the way back is free.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};

use crate::desk::Seat;
use crate::harness::{World, root, samples};
use crate::models::{Published, sister};

/// Kills of a change of models; `$SIGHTLINE_KILLS` says another number.
const KILLS: u64 = 6;

/// All that a person sees of some searches, scores included.
fn answers(published: &Published, world: &World) -> String {
    let ask = |query: &str| {
        let output = published.command(world, &["search", "--json", "--limit", "1000", query]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    ["a dog", "mountains", "a cup of coffee"].map(ask).concat()
}

fn get(published: &Published, world: &World) {
    published.well(world, &["model", "get", "other", "--accept-licence", "--json"]);
}

/// What `model list` says of a model.
fn listed(published: &Published, world: &World, name: &str) -> Value {
    let models = published.well(world, &["model", "list", "--json"]);
    models.into_iter().find(|model| model["name"] == name).unwrap_or_default()
}

/// Photos of different content, as the program tells contents: samples with something behind their end.
fn copies(world: &World, count: usize) {
    let jpegs: Vec<_> = samples().into_iter().filter(|file| file.extension().is_some_and(|e| e == "jpg")).collect();
    for number in 0..count {
        let mut bytes = std::fs::read(&jpegs[number % jpegs.len()]).unwrap();
        bytes.extend((number as u64).to_le_bytes());
        std::fs::write(world.photos().join(format!("copy-{number:04}.jpg")), bytes).unwrap();
    }
}

/// Folders of samples, each named as a label.
fn lesson(world: &World) -> PathBuf {
    let lesson = world.folder().join("lesson");
    let labels: [(&str, &[&str]); 2] = [
        ("critters", &["giraffes.webp", "holstein.webp", "horses.webp", "kitten.webp", "macaw.webp", "panda.webp"]),
        ("places", &["beach.jpg", "boats.jpg", "china.jpg", "eiffel.jpg", "leuven.jpg", "picos.jpg"]),
    ];
    for (label, files) in labels {
        std::fs::create_dir_all(lesson.join(label)).unwrap();
        for file in files {
            std::fs::copy(root().join("assets/samples").join(file), lesson.join(label).join(file)).unwrap();
        }
    }
    lesson
}

/// The version in use, and whether it goes with the model in use.
fn version_in_use(published: &Published, world: &World) -> Option<(String, bool)> {
    let versions = published.well(world, &["teach", "list", "--json"]);
    let active = versions.iter().find(|version| version["active"] == true);
    active.map(|version| (version["name"].as_str().unwrap().to_owned(), version["fits"] == true))
}

#[test]
fn a_change_of_models_killed_at_random_leaves_the_old_or_the_new_one_whole() {
    let kills: u64 = std::env::var("SIGHTLINE_KILLS").map_or(KILLS, |number| number.parse().unwrap());
    let photos = if kills > KILLS { 500 } else { 60 };
    let (published, world) = (Published::of(sister()), World::with_samples());
    copies(&world, photos - samples().len());
    world.index();
    get(&published, &world);
    let old = answers(&published, &world);
    let (mut seen, mut changed, mut random) = (Vec::new(), 0, 0x0005_117c_u64);
    for _ in 0..kills {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let mut child = published.command(&world, &["model", "use", "other", "--json"]);
        let mut child = child.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // Where the change ends within a run, the next runs find it done; the way back makes room for more kills.
        std::thread::sleep(Duration::from_millis(300 + random % (photos as u64 * 12)));
        child.kill().unwrap();
        child.wait().unwrap();
        seen.push(answers(&published, &world));
        if listed(&published, &world, "other")["in_use"] == true {
            changed += 1;
            published.well(&world, &["model", "use", "home-1", "--json"]);
            assert_eq!(answers(&published, &world), old, "the way back gives back every score");
            published.well(&world, &["model", "free", "other", "--json"]);
        }
    }
    published.well(&world, &["model", "use", "other", "--json"]);
    let new = answers(&published, &world);
    assert_ne!(new, old);
    assert_eq!(listed(&published, &world, "other")["vectors"]["photos"], photos);
    for (kill, answer) in seen.iter().enumerate() {
        assert!(*answer == old || *answer == new, "kill {kill}: neither the old model's answers nor the new one's");
    }
    published.well(&world, &["model", "use", "home-1", "--json"]);
    assert_eq!(answers(&published, &world), old);
    let doctor = published.command(&world, &["doctor"]).output().unwrap();
    assert_eq!(doctor.status.code(), Some(0), "{}", String::from_utf8_lossy(&doctor.stdout));
    println!("{kills} kills of a change of models over {photos} photos, {changed} after the new one was in use");
}

#[test]
fn while_a_model_looks_at_the_photos_the_one_in_use_answers_and_new_photos_are_not_missed() {
    let (published, world) = (Published::of(sister()), World::with_samples());
    copies(&world, 200);
    world.index();
    get(&published, &world);
    let old = answers(&published, &world);
    let mut change = published.command(&world, &["model", "use", "other", "--json"]);
    let mut change = change.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut asked = 0;
    while change.try_wait().unwrap().is_none() {
        let answer = answers(&published, &world);
        if listed(&published, &world, "other")["in_use"] == false {
            assert_eq!(answer, old);
            asked += 1;
        }
        if asked == 1 {
            // A photo that comes meanwhile.
            let late = world.photos().join("late.jpg");
            let mut bytes = std::fs::read(root().join("assets/samples/beach.jpg")).unwrap();
            bytes.extend(b"late");
            std::fs::write(late, bytes).unwrap();
            published.well(&world, &["index", world.photos().to_str().unwrap(), "--json"]);
            break;
        }
    }
    assert!(change.wait().unwrap().success());
    assert!(asked > 0, "the change was over before anybody asked");
    let status = published.well(&world, &["status", "--json"]).remove(0);
    let searchable = status["searchable"].as_u64().unwrap();
    // Only what another process indexed after the last look has to wait for its next index.
    assert!(searchable >= status["photos"].as_u64().unwrap() - 1, "{status}");
    published.well(&world, &["index", world.photos().to_str().unwrap(), "--json"]);
    let status = published.well(&world, &["status", "--json"]).remove(0);
    assert_eq!(status["searchable"], status["photos"]);
}

#[test]
fn what_was_taught_is_taught_again_and_each_model_comes_back_as_it_was() {
    let (published, world) = (Published::of(sister()), World::with_samples());
    world.index();
    let lesson = lesson(&world);
    let args = ["teach", "--json", "--folders", lesson.to_str().unwrap(), "--depth", "adapter", "--epochs", "30"];
    published.well(&world, &args);
    let old = answers(&published, &world);
    get(&published, &world);
    let said = published.well(&world, &["model", "use", "other", "--json"]);
    assert_eq!(said[0]["labels"], serde_json::json!(["critters", "places"]));
    let taught = &said.last().unwrap()["taught"];
    assert_eq!((taught["from"].as_str(), taught["version"].as_str()), (Some("v1"), Some("v2")), "{taught}");
    assert!(taught["before"].is_number() && taught["after"].is_number(), "shown before and after: {taught}");
    let in_use = || version_in_use(&published, &world);
    assert_eq!(in_use(), Some(("v2".into(), true)));
    let new = answers(&published, &world);
    published.well(&world, &["model", "use", "home-1", "--json"]);
    assert_eq!(in_use(), Some(("v1".into(), true)));
    assert_eq!(answers(&published, &world), old);
    // Nothing is taught a second time.
    let said = published.well(&world, &["model", "use", "other", "--json"]);
    assert_eq!((&said.last().unwrap()["taught"], in_use()), (&Value::Null, Some(("v2".into(), true))));
    assert_eq!(answers(&published, &world), new);
}

#[test]
fn the_room_of_vectors_is_shown_and_freed_and_those_in_use_are_kept() {
    let (published, world) = (Published::of(sister()), World::with_samples());
    world.index();
    get(&published, &world);
    published.well(&world, &["model", "use", "other", "--json"]);
    let count = samples().len() as u64;
    for name in ["home-1", "other"] {
        let vectors = &listed(&published, &world, name)["vectors"];
        assert_eq!(vectors["photos"], count, "{name}");
        assert!(vectors["bytes"].as_u64().unwrap() >= count * 512 * 2, "{name}: {vectors}");
    }
    let (code, _, said) = published.run(&world, &["model", "free", "other", "--json"]);
    assert!(code == 2 && said.contains("vectors_in_use"), "{said}");
    let before = answers(&published, &world);
    let freed = published.well(&world, &["model", "free", "home-1", "--json"]).pop().unwrap();
    assert_eq!(freed["event"], "summary");
    assert_eq!(listed(&published, &world, "home-1")["vectors"], Value::Null);
    assert_eq!(answers(&published, &world), before);
    // The bundled model looks at the photos again, and then the other is on no disk but in the library.
    published.well(&world, &["model", "use", "home-1", "--json"]);
    published.well(&world, &["model", "remove", "other", "--json"]);
    let models = published.well(&world, &["model", "list", "--json"]);
    let gone = models.iter().find(|model| model["state"] == "gone").unwrap();
    assert!(gone["name"].as_str().unwrap().starts_with("other@"), "{gone}");
    assert_eq!(gone["vectors"]["photos"], count);
    published.well(&world, &["model", "free", gone["name"].as_str().unwrap(), "--json"]);
    let models = published.well(&world, &["model", "list", "--json"]);
    assert!(models.iter().all(|model| model["state"] != "gone"));
    let (code, _, said) = published.run(&world, &["model", "free", "no-such", "--json"]);
    assert!(code == 2 && said.contains("model_unknown"), "{said}");
}

#[test]
fn a_model_is_not_taken_into_use_while_a_folder_is_away() {
    let (published, world) = (Published::of(sister()), World::with_samples());
    world.index();
    get(&published, &world);
    let away = world.folder().join("away");
    std::fs::rename(world.photos(), &away).unwrap();
    let old = answers(&published, &world);
    let (code, _, said) = published.run(&world, &["model", "use", "other", "--json"]);
    assert!(code == 2 && said.contains("model_folder_missing") && said.contains("plug its disk in"), "{said}");
    assert_eq!(answers(&published, &world), old);
    std::fs::rename(&away, world.photos()).unwrap();
    published.well(&world, &["model", "use", "other", "--json"]);
    // Back again nothing has to be looked at, whatever is away.
    std::fs::rename(world.photos(), &away).unwrap();
    published.well(&world, &["model", "use", "home-1", "--json"]);
    assert!(Path::new(&away).is_dir());
}

#[test]
fn photos_that_are_indexed_during_a_change_of_models_are_found_by_the_new_one() {
    let world = World::with_samples();
    copies(&world, 150);
    world.index();
    let models = world.folder().join("models");
    std::fs::create_dir_all(models.join("other")).unwrap();
    for (name, bytes) in sister() {
        std::fs::write(models.join("other").join(name), bytes).unwrap();
    }
    let seat = Seat::with_models(&world, Some(models));
    seat.wait_for_jobs();
    let overview = || seat.call("overview", Value::Null);
    let in_use = || {
        let models = seat.call("models", Value::Null)["models"].as_array().unwrap().clone();
        models.into_iter().find(|model| model["in_use"] == true).unwrap()["name"].clone()
    };
    assert_eq!(in_use(), "home-1");
    let plan = seat.call("switch_plan", json!({ "name": "other" }));
    assert_eq!(plan["to_index"], overview()["photos"]);
    seat.call("use_model", json!({ "name": "other" }));
    // They come in while the change is under way, and the index that reads them began with the old model.
    copies(&world, 300);
    seat.call("rescan", json!({ "retry_problems": false }));
    seat.wait_for_jobs();
    assert_eq!(in_use(), "other");
    let after = overview();
    assert_eq!(after["photos"].as_u64().unwrap(), samples().len() as u64 + 300, "{after}");
    assert_eq!(after["searchable"], after["photos"]);
    // Its model may not be removed, nor its vectors freed, and a wrong name does nothing.
    let code = |name: &str, request: Value| seat.try_call(name, request).unwrap_err().code;
    assert_eq!(code("remove_model", json!({ "name": "other" })), "model_in_use");
    assert_eq!(code("switch_plan", json!({ "name": "../other" })), "model_not_installed");
    assert_eq!(
        code("get_model", json!({ "name": "standard", "licence": "", "keep_original": false })),
        "licence_not_accepted"
    );
    // Another process goes back, and this one follows with its next search.
    let mut back = world.command(&["model", "use", "home-1", "--json"]);
    assert!(back.env("SIGHTLINE_MODELS", world.folder().join("models")).output().unwrap().status.success());
    let filters = json!({
        "after": null, "before": null, "camera": null, "lens": null, "rating": null, "place": null, "folder": null,
        "format": null, "album": null,
    });
    let search = json!({ "query": "a dog", "limit": 9, "less_likely": null, "filters": filters, "sort": "match" });
    let found = seat.call("search", search);
    assert_eq!(found["searched"], after["photos"]);
    let card = seat.call("model_card", Value::Null);
    assert_eq!(card["name"], "home-1");
    assert_eq!((in_use(), overview()["searchable"].clone()), (json!("home-1"), after["photos"].clone()));
}

#[test]
fn what_is_taught_later_follows_to_a_model_that_was_used_before_and_a_removed_version_blocks_no_way() {
    let (published, world) = (Published::of(sister()), World::with_samples());
    world.index();
    get(&published, &world);
    let lesson = lesson(&world);
    let teach = || {
        let lesson = lesson.to_str().unwrap();
        published.well(&world, &["teach", "--json", "--folders", lesson, "--depth", "probe"]);
    };
    let change =
        |name: &str| published.well(&world, &["model", "use", name, "--json"]).pop().unwrap()["taught"].clone();
    // Tried and given up before anything was taught.
    assert_eq!((change("other"), change("home-1")), (Value::Null, Value::Null));
    teach();
    assert_eq!(change("other")["version"], "v2");
    assert_eq!(version_in_use(&published, &world), Some(("v2".into(), true)));
    // The same teaching goes back and forth without a copy of a copy.
    assert_eq!((change("home-1"), change("other")), (Value::Null, Value::Null));
    teach();
    assert_eq!(version_in_use(&published, &world), Some(("v3".into(), true)));
    assert_eq!(change("home-1")["from"], "v3");
    assert_eq!(version_in_use(&published, &world), Some(("v4".into(), true)));
    // What the other had in use is gone, and it comes back all the same.
    for name in ["v2", "v3"] {
        published.well(&world, &["teach", "remove", name, "--json"]);
    }
    assert_eq!(change("other")["version"], "v5");
    assert_eq!(version_in_use(&published, &world), Some(("v5".into(), true)));
    published.well(&world, &["teach", "remove", "v4", "--json"]);
    published.well(&world, &["teach", "activate", "base", "--json"]);
    assert_eq!((change("home-1"), version_in_use(&published, &world)), (Value::Null, None));
}

#[test]
fn a_model_is_not_taken_into_use_where_many_photos_cannot_be_read() {
    let (published, world) = (Published::of(sister()), World::with_samples());
    world.index();
    get(&published, &world);
    // As the empty place where a disk is mounted.
    let photos: Vec<_> = samples().iter().take(20).map(|file| world.photos().join(file.file_name().unwrap())).collect();
    photos.iter().for_each(|photo| std::fs::remove_file(photo).unwrap());
    let (code, _, said) = published.run(&world, &["model", "use", "other", "--json"]);
    assert!(code == 2 && said.contains("model_photos_missing") && said.contains("20 of"), "{said}");
    assert_eq!(listed(&published, &world, "home-1")["in_use"], true);
    for photo in photos.iter().skip(3) {
        std::fs::copy(root().join("assets/samples").join(photo.file_name().unwrap()), photo).unwrap();
    }
    let summary = published.well(&world, &["model", "use", "other", "--json"]).pop().unwrap();
    assert_eq!(summary["unreadable"], 3, "a few are passed over");
}
