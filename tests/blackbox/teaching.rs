//! Teaching albums, from photos in folders to a search that knows them.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use serde_json::Value;

use crate::harness::{World, root};

const ANIMALS: [&str; 10] = [
    "chelsea.png",
    "churchill.webp",
    "giraffes.webp",
    "holstein.webp",
    "horses.webp",
    "kitten.webp",
    "lock.jpg",
    "macaw.webp",
    "panda.webp",
    "shepherd.webp",
];
const PLACES: [&str; 8] =
    ["beach.jpg", "boats.jpg", "china.jpg", "eiffel.jpg", "giza.webp", "leuven.jpg", "machu-picchu.webp", "picos.jpg"];

/// Folders of samples beside the photos, each named as a label.
fn folders(world: &World, labels: &[(&str, &[&str])]) -> PathBuf {
    let lesson = world.photos().parent().unwrap().join("lesson");
    for (label, files) in labels {
        std::fs::create_dir_all(lesson.join(label)).unwrap();
        for file in *files {
            std::fs::copy(root().join("assets/samples").join(file), lesson.join(label).join(file)).unwrap();
        }
    }
    lesson
}

fn teach(world: &World, lesson: &Path, more: &[&str]) -> Value {
    let args = [&["teach", "--json", "--folders", lesson.to_str().unwrap()], more].concat();
    world.json(&args, 0).pop().expect("teaching ends with a report")
}

fn in_use(world: &World) -> Option<String> {
    let versions = world.json(&["teach", "list", "--json"], 0);
    versions.iter().find(|version| version["active"] == true).map(|version| version["name"].as_str().unwrap().into())
}

/// All that a person sees of some searches, scores included.
fn answers(world: &World) -> String {
    let ask = |query: &str| {
        let output = world.run(&["search", "--json", "--limit", "40", query]);
        String::from_utf8(output.stdout).unwrap()
    };
    ["a dog", "mountains", "a building", "critters at night", "a cup of coffee"].map(ask).concat()
}

#[test]
fn what_was_taught_is_used_proven_and_taken_back() {
    let world = World::with_samples();
    world.index();
    // The label's name is no word that the model knows.
    let lesson = folders(&world, &[("critters", &ANIMALS), ("places", &PLACES)]);
    let before = answers(&world);
    let taught = teach(&world, &lesson, &["--depth", "adapter", "--epochs", "60", "--seed", "1"]);
    let report = &taught["report"];
    assert_eq!(taught["version"]["name"], "v1");
    assert!(report["after"]["percent"].as_f64().unwrap() >= report["before"]["percent"].as_f64().unwrap(), "{report}");
    let guard = report["guard_after"].as_f64().unwrap() - report["guard_before"].as_f64().unwrap();
    assert!(guard > -1.0, "general search fell by {guard}");
    assert_eq!(in_use(&world).as_deref(), Some("v1"));
    assert_ne!(answers(&world), before);
    let found = world.search("critters");
    let animals = found.iter().take(5).filter(|name| ANIMALS.contains(&name.as_str()) || name.as_str() == "hens.webp");
    assert!(animals.count() >= 4, "{found:?}");
    // The hens were in no folder of the lesson.
    let suggested = world.json(&["suggest", "--json", "--label", "critters"], 0);
    let names: Vec<&str> = suggested.iter().map(|s| s["path"].as_str().unwrap().rsplit('/').next().unwrap()).collect();
    assert!(names.contains(&"panda.webp") || names.contains(&"hens.webp"), "{names:?}");
    assert_eq!(world.run(&["suggest", "--label", "nobody"]).status.code(), Some(2));

    let file = world.photos().parent().unwrap().join("critters.sightline");
    world.json(&["teach", "export", "latest", file.to_str().unwrap(), "--json"], 0);
    let taught_answers = answers(&world);
    world.json(&["teach", "rollback", "--json"], 0);
    assert_eq!(in_use(&world), None);
    assert_eq!(answers(&world), before, "the way back gives back every score");
    assert_eq!(world.run(&["suggest"]).status.code(), Some(2), "nothing is taught now");

    let imported = world.json(&["teach", "import", file.to_str().unwrap(), "--json"], 0).pop().unwrap();
    assert_eq!(imported["name"], "v2");
    world.json(&["teach", "remove", "v1", "--json"], 0);
    world.json(&["teach", "activate", "v2", "--json"], 0);
    assert_eq!(answers(&world), taught_answers, "what was exported is what was taught");
    let zeroshot =
        world.json(&["eval", "zeroshot", "--json", "--folders", lesson.to_str().unwrap(), "--adapter", "latest"], 0);
    assert!(zeroshot[0]["top1"].as_f64().unwrap() > 90.0, "{zeroshot:?}");
    assert_eq!(world.run(&["teach", "remove", "v2"]).status.code(), Some(2), "it is in use");
    // A photo that comes later is found by the version in use, and after going back.
    std::fs::copy(root().join("assets/samples/hens.webp"), world.photos().join("later.webp")).unwrap();
    world.index();
    world.json(&["teach", "rollback", "--json"], 0);
    assert!(world.search("chickens")[0].contains("hens") || world.search("chickens")[0].contains("later"));
}

#[test]
fn an_activation_that_is_killed_leaves_one_version_or_the_other_whole() {
    let world = World::with_samples();
    world.index();
    let lesson = folders(&world, &[("critters", &ANIMALS), ("places", &PLACES)]);
    let base = answers(&world);
    teach(&world, &lesson, &["--depth", "adapter", "--epochs", "30", "--keep-inactive"]);
    world.json(&["teach", "activate", "v1", "--json"], 0);
    let taught = answers(&world);
    assert_ne!(base, taught);
    let (mut old, mut new) = (0, 0);
    for kill in 0..12u64 {
        // As if never activated: the vectors have to be made again.
        world.json(&["teach", "activate", "base", "--json"], 0);
        forget_vectors(&world, "v1");
        let mut command = world.command(&["teach", "activate", "latest"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(2 * kill));
        child.kill().unwrap();
        child.wait().unwrap();
        match in_use(&world) {
            None => {
                old += 1;
                assert_eq!(answers(&world), base, "kill {kill}");
            }
            Some(_) => {
                new += 1;
                assert_eq!(answers(&world), taught, "kill {kill}");
            }
        }
        assert_eq!(world.run(&["doctor"]).status.code(), Some(0), "kill {kill}");
    }
    assert!(old > 0, "no kill came before the change ({new} after it)");
}

/// Removes a version and takes it back from its file, so that its vectors are gone.
fn forget_vectors(world: &World, _name: &str) {
    let file = world.photos().parent().unwrap().join("kept.sightline");
    let latest = world.json(&["teach", "list", "--json"], 0).pop().unwrap()["name"].as_str().unwrap().to_owned();
    world.json(&["teach", "export", &latest, file.to_str().unwrap(), "--json"], 0);
    world.json(&["teach", "remove", &latest, "--json"], 0);
    world.json(&["teach", "import", file.to_str().unwrap(), "--json"], 0);
}

/// The database of a world's library, to be looked into from outside.
fn database(world: &World) -> Connection {
    let connection = Connection::open(world.library().join("catalogue.sqlite")).unwrap();
    connection.busy_timeout(Duration::from_secs(10)).unwrap();
    connection
}

/// What the lesson under way has reached, as bytes.
fn checkpoint(world: &World) -> Option<Vec<u8>> {
    database(world).query_row("SELECT data FROM checkpoint", [], |row| row.get(0)).ok()
}

/// The one version, as bytes.
fn version_bytes(world: &World) -> Vec<u8> {
    database(world).query_row("SELECT weights FROM version", [], |row| row.get(0)).unwrap()
}

/// Runs the program until it has kept another checkpoint than `before`, and kills it.
fn kill_at_a_checkpoint(world: &World, args: &[&str], before: Option<Vec<u8>>) -> Vec<u8> {
    let mut child = world.command(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let start = Instant::now();
    let reached = loop {
        if let Some(now) = checkpoint(world).filter(|now| Some(now) != before.as_ref()) {
            break now;
        }
        assert!(child.try_wait().unwrap().is_none(), "it ended before it was killed");
        assert!(start.elapsed() < Duration::from_secs(120), "it keeps no checkpoint");
        std::thread::sleep(Duration::from_millis(10));
    };
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(world.json(&["teach", "list", "--json"], 0).is_empty());
    reached
}

#[test]
fn a_lesson_that_is_killed_goes_on_and_ends_in_the_version_of_one_that_was_not() {
    let world = World::with_samples();
    world.index();
    let lesson = folders(&world, &[("critters", &ANIMALS), ("places", &PLACES)]);
    let args = [
        "teach",
        "--folders",
        lesson.to_str().unwrap(),
        "--depth",
        "adapter",
        "--epochs",
        "400",
        "--lr",
        "0.0003",
        "--json",
    ];
    let first = kill_at_a_checkpoint(&world, &args, None);
    assert!(first.starts_with(b"sightline teach2"), "no text with numbers");
    let second = kill_at_a_checkpoint(&world, &args, Some(first));
    assert!(second.len() < 2_000_000, "{} bytes", second.len());
    let output = world.run(&args);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && !said.contains("begins_anew"), "{said}");
    assert_eq!(checkpoint(&world), None, "what is over needs none");
    let undisturbed = World::with_samples();
    undisturbed.index();
    let lesson = folders(&undisturbed, &[("critters", &ANIMALS), ("places", &PLACES)]);
    let whole = teach(&undisturbed, &lesson, &["--depth", "adapter", "--epochs", "400", "--lr", "0.0003"]);
    assert!(version_bytes(&world) == version_bytes(&undisturbed), "they learned something else");
    let own = world.json(&["teach", "report", "latest", "--json"], 0).pop().unwrap();
    for what in ["after", "curve", "train", "held_out"] {
        assert_eq!(own["report"][what], whole["report"][what], "{what}");
    }

    // What is damaged, or was written by an earlier release, is of no use, and the lesson says so and begins anew.
    for damaged in [0, 1] {
        let world = World::with_samples();
        world.index();
        let lesson = folders(&world, &[("critters", &ANIMALS), ("places", &PLACES)]);
        let args = [
            "teach",
            "--folders",
            lesson.to_str().unwrap(),
            "--depth",
            "adapter",
            "--epochs",
            "400",
            "--lr",
            "0.0003",
            "--json",
        ];
        let mut bytes = kill_at_a_checkpoint(&world, &args, None);
        let middle = bytes.len() / 2;
        match damaged {
            0 => bytes[middle] ^= 4,
            _ => bytes = br#"{"lesson":1,"curve":[],"checkpoint":[1,2,3]}"#.to_vec(),
        }
        database(&world).execute("UPDATE checkpoint SET data = ?1", [&bytes]).unwrap();
        let output = world.run(&args);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.contains("begins_anew"), "{said}");
        assert!(version_bytes(&world) == version_bytes(&undisturbed), "they learned something else");
    }
}

#[test]
fn settings_that_lead_nowhere_leave_no_job_and_no_version() {
    let world = World::with_samples();
    let lesson = folders(&world, &[("critters", &ANIMALS), ("places", &PLACES)]);
    let nonsense = [
        "--lr=nan",
        "--lr=inf",
        "--lr=-inf",
        "--lr=-0.001",
        "--lr=0",
        "--lr=1e30",
        "--epochs=0",
        "--epochs=99999999",
        "--batch=0",
        "--batch=18446744073709551615",
        "--train-per-label=0",
    ];
    for depth in ["probe", "adapter", "deep"] {
        for setting in nonsense {
            let args = ["teach", "--json", "--folders", lesson.to_str().unwrap(), "--depth", depth, setting];
            for more in [&[][..], &["--dry-run"]] {
                let output = world.run(&[&args[..], more].concat());
                let said = String::from_utf8_lossy(&output.stderr);
                assert_eq!(output.status.code(), Some(2), "{setting}: {said}");
                assert!(said.contains("setting_wrong"), "{setting}: {said}");
            }
        }
    }
    world.index();
    let count = |table: &str| -> i64 {
        database(&world).query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
    };
    assert_eq!(count("version"), 0);
    let teaching = database(&world).query_row("SELECT count(*) FROM job WHERE kind = 'teach'", [], |row| row.get(0));
    assert_eq!(teaching, Ok(0i64));
}

#[test]
fn a_photo_that_is_gone_when_its_pixels_are_needed_is_left_out_of_a_deep_lesson() {
    let world = World::with_samples();
    let lesson = folders(&world, &[("critters", &ANIMALS), ("places", &PLACES)]);
    // Known to the library, of which all but the pixels is stored.
    assert_eq!(world.run(&["index", lesson.to_str().unwrap()]).status.code(), Some(0));
    std::fs::write(lesson.join("critters/panda.webp"), b"RIFF no photo any more").unwrap();
    std::fs::write(lesson.join("places/beach.jpg"), b"\xff\xd8\xff no photo any more").unwrap();
    let taught = teach(&world, &lesson, &["--depth", "deep", "--epochs", "2", "--keep-inactive"]);
    let report = &taught["report"];
    assert_eq!(report["unreadable"], 2, "{report}");
    let count = |what: &str| report[what].as_u64().unwrap() as usize;
    assert_eq!(count("train") + count("held_out") + 2, ANIMALS.len() + PLACES.len(), "{report}");
}

#[test]
fn odd_lessons_work_or_say_why() {
    let world = World::with_samples();
    world.index();
    // One label, in Chinese, with a file that is no photo.
    let one = folders(
        &world,
        &[("\u{718a}\u{732b}", &["panda.webp", "churchill.webp", "kitten.webp", "lock.jpg", "horses.webp"])],
    );
    std::fs::write(one.join("\u{718a}\u{732b}/broken.jpg"), b"\xff\xd8\xff no photo").unwrap();
    let report = teach(&world, &one, &["--depth", "probe"]);
    assert_eq!(report["version"]["labels"][0], "\u{718a}\u{732b}");
    assert_eq!(report["report"]["unreadable"], 1);
    assert!(!world.search("\u{718a}\u{732b}").is_empty(), "its name finds it");
    // An empty folder is a label without photos; one photo is enough for a lesson.
    let few = world.photos().parent().unwrap().join("few");
    std::fs::create_dir_all(few.join("nothing")).unwrap();
    std::fs::create_dir_all(few.join("single")).unwrap();
    let say = |path: &Path, code: &str| {
        let output = world.run(&["teach", "--json", "--depth", "probe", "--folders", path.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(2));
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(errors.contains(code), "{errors}");
    };
    say(&few, "nothing_to_teach");
    say(&few.join("nowhere"), "folder_missing");
    std::fs::copy(root().join("assets/samples/panda.webp"), few.join("single/panda.webp")).unwrap();
    let report = teach(&world, &few, &["--depth", "probe", "--keep-inactive"]);
    assert_eq!(report["report"]["held_out"], 0);
    assert_eq!(report["report"]["after"], Value::Null, "nothing is proven by no photo");
    let plan = world.json(&["teach", "--json", "--dry-run", "--folders", few.to_str().unwrap()], 0).pop().unwrap();
    assert!(plan["warnings"].as_array().unwrap().iter().any(|warning| warning == "few_photos"), "{plan}");
    assert_eq!(world.run(&["teach", "--albums", "nobody"]).status.code(), Some(2));
    assert_eq!(world.run(&["teach", "activate", "v99"]).status.code(), Some(2));
    let nonsense = world.photos().parent().unwrap().join("nonsense.sightline");
    std::fs::write(&nonsense, b"SLversn1 and nothing").unwrap();
    assert_eq!(world.run(&["teach", "import", nonsense.to_str().unwrap()]).status.code(), Some(2));
}
