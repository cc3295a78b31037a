//! Duplicates from the command line: listed, moved to a trash of the test's own, and back.

use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::Value;

use crate::harness::{World, root};

/// A world with one photo twice and another that is there once; `share` holds the trash.
fn twice() -> World {
    let world = World::new();
    let sample = |name: &str| root().join("assets/samples").join(name);
    std::fs::create_dir(world.photos().join("Downloads")).unwrap();
    for to in ["boats.jpg", "Downloads/boats.jpg"] {
        std::fs::copy(sample("boats.jpg"), world.photos().join(to)).unwrap();
    }
    std::fs::copy(sample("desk.jpg"), world.photos().join("desk.jpg")).unwrap();
    world.index();
    world
}

fn share(world: &World) -> PathBuf {
    world.photos().parent().unwrap().join("share")
}

fn run(world: &World, args: &[&str]) -> Output {
    world.command(args).env("XDG_DATA_HOME", share(world)).output().unwrap()
}

fn json(world: &World, args: &[&str], code: i32) -> Vec<Value> {
    let output = run(world, args);
    assert_eq!(output.status.code(), Some(code), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn name(object: &Value) -> String {
    Path::new(object["path"].as_str().unwrap()).file_name().unwrap().to_string_lossy().into_owned()
}

#[test]
fn duplicates_are_listed_with_the_best_first_and_what_would_be_freed() {
    let world = twice();
    let groups = json(&world, &["duplicates", "--json"], 0);
    assert_eq!(groups.len(), 1);
    let size = std::fs::metadata(world.photos().join("boats.jpg")).unwrap().len();
    assert_eq!((&groups[0]["kind"], &groups[0]["freed_bytes"]), (&"exact".into(), &size.into()));
    let files = groups[0]["files"].as_array().unwrap();
    assert!(files[1]["path"].as_str().unwrap().contains("Downloads"));
    assert_eq!((&files[0]["best"], &files[1]["why_not"]), (&true.into(), &"place".into()));
    let downloads = world.photos().join("Downloads");
    assert_eq!(json(&world, &["duplicates", "--json", "--folder", downloads.to_str().unwrap()], 0).len(), 1);
    assert!(json(&world, &["duplicates", "--json", "--near"], 1).is_empty());
}

#[test]
fn nothing_moves_without_yes_and_what_moved_comes_back() {
    let world = twice();
    let copy = world.photos().join("Downloads/boats.jpg");
    let told = json(&world, &["duplicates", "trash", "--keep", "best", "--json"], 0);
    assert_eq!((told[0]["event"].as_str(), name(&told[0])), (Some("would_move"), "boats.jpg".into()));
    assert!(copy.is_file() && !share(&world).join("Trash").exists(), "a dry run");
    let done = json(&world, &["duplicates", "trash", "--keep", "best", "--yes", "--json"], 0);
    assert_eq!(done.last().unwrap()["moved"], 1);
    assert!(!copy.exists() && world.photos().join("boats.jpg").is_file());
    let trashed = share(&world).join("Trash/files/boats.jpg");
    assert_eq!(std::fs::read(trashed).unwrap(), std::fs::read(world.photos().join("boats.jpg")).unwrap());
    assert!(json(&world, &["duplicates", "--json"], 1).is_empty());

    let back = json(&world, &["duplicates", "undo", "--json"], 0);
    assert_eq!(name(&back[0]), "boats.jpg");
    assert!(copy.is_file());
    assert_eq!(json(&world, &["duplicates", "--json"], 0).len(), 1);
    assert_eq!(world.index()["unchanged"], 3, "as if nothing had happened");
    assert!(json(&world, &["duplicates", "undo", "--json"], 1).is_empty());
}

#[test]
fn the_last_copy_and_photos_without_another_stay() {
    let world = twice();
    let path = |name: &str| world.photos().join(name).to_str().unwrap().to_owned();
    let (one, other, alone) = (path("boats.jpg"), path("Downloads/boats.jpg"), path("desk.jpg"));
    for files in [vec![&one, &other], vec![&alone], vec![&other, &alone]] {
        let mut args = vec!["duplicates", "trash", "--yes"];
        args.extend(files.iter().map(|file| file.as_str()));
        assert_eq!(run(&world, &args).status.code(), Some(2), "{files:?}");
    }
    assert!([&one, &other, &alone].into_iter().all(|file| Path::new(file).is_file()));
    // The better one may be the one that goes, when that is said.
    assert_eq!(run(&world, &["duplicates", "trash", "--yes", &one]).status.code(), Some(0));
    assert!(!Path::new(&one).exists() && Path::new(&other).is_file());
}

/// The trash lies on another disk: nothing can be renamed into it or out of it.
#[cfg(target_os = "linux")]
#[test]
fn undo_brings_the_bytes_back_from_the_trash_of_another_disk_or_says_what_it_could_not_do() {
    let Some(shim) = crate::faults::shim() else { return };
    let world = twice();
    let run = |args: &[&str]| {
        let mut command = world.command(args);
        command.env("XDG_DATA_HOME", share(&world)).env("LD_PRELOAD", &shim).env("FAULT_DISK", "/share/");
        command.output().unwrap()
    };
    let (downloads, copy) = (world.photos().join("Downloads"), world.photos().join("Downloads/boats.jpg"));
    let bytes = std::fs::read(&copy).unwrap();
    let modified = copy.metadata().unwrap().modified().unwrap();
    assert_eq!(run(&["duplicates", "trash", "--keep", "best", "--yes"]).status.code(), Some(0));
    let trashed = share(&world).join("Trash/files/boats.jpg");
    assert!(!copy.exists());
    assert_eq!(std::fs::read(&trashed).unwrap(), bytes);

    // A file lies where its folder was.
    std::fs::remove_dir(&downloads).unwrap();
    std::fs::write(&downloads, "no folder").unwrap();
    let refused = run(&["duplicates", "undo"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("could not be put back") && said.contains("still in the trash, as"), "{said}");
    assert_eq!(std::fs::read(&trashed).unwrap(), bytes);

    std::fs::remove_file(&downloads).unwrap();
    assert_eq!(run(&["duplicates", "undo"]).status.code(), Some(0));
    assert_eq!(std::fs::read(&copy).unwrap(), bytes);
    assert_eq!(copy.metadata().unwrap().modified().unwrap(), modified);
    assert!(!trashed.exists());
    assert_eq!(std::fs::read_dir(&downloads).unwrap().count(), 1, "nothing else is left there");
    assert_eq!(world.index()["unchanged"], 3, "as if nothing had happened");
}

#[test]
fn of_two_equal_files_the_one_with_its_owners_sidecar_stays() {
    let world = twice();
    let sidecar = world.photos().join("Downloads/boats.jpg.xmp");
    let text = "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>\
                <rdf:Description xmlns:xmp='http://ns.adobe.com/xap/1.0/' xmp:Rating='5'/></rdf:RDF></x:xmpmeta>";
    std::fs::write(&sidecar, text).unwrap();
    world.index();
    let done = json(&world, &["duplicates", "trash", "--keep", "best", "--yes", "--json"], 0);
    assert_eq!(done.last().unwrap()["moved"], 1);
    assert!(sidecar.is_file() && world.photos().join("Downloads/boats.jpg").is_file());
    assert!(!world.photos().join("boats.jpg").exists());
}
