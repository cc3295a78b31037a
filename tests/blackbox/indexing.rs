//! Following a folder that changes.

use std::fs;

use crate::harness::{World, root};

#[test]
fn a_second_index_embeds_nothing() {
    let world = World::with_samples();
    assert_eq!(world.index()["unchanged"], 0);
    let again = world.index();
    assert_eq!(again["embedded"], 0);
    assert_eq!(again["unchanged"], again["found"]);
}

#[test]
fn moved_deleted_copied_and_changed_photos_are_followed() {
    let world = World::with_samples();
    world.index();
    let photos = world.photos();

    fs::create_dir(photos.join("sub")).unwrap();
    fs::rename(photos.join("coffee.png"), photos.join("sub/moved.png")).unwrap();
    fs::copy(photos.join("chelsea.png"), photos.join("copy.png")).unwrap();
    let summary = world.index();
    assert_eq!(summary["embedded"], 0, "neither a move nor a copy is embedded again");
    assert_eq!(world.search("a cup of coffee")[0], "moved.png");

    fs::remove_file(photos.join("sub/moved.png")).unwrap();
    assert_eq!(world.index()["removed"], 1);
    assert!(!world.search("a cup of coffee").contains(&"moved.png".to_owned()));

    // The name stays, the picture is another: the old vector must not answer.
    fs::copy(root().join("assets/samples/coffee.png"), photos.join("beach.jpg")).unwrap();
    let changed = fs::read(photos.join("beach.jpg")).unwrap();
    fs::write(photos.join("beach.jpg"), [changed.as_slice(), b"\n"].concat()).unwrap();
    assert_eq!(world.index()["embedded"], 1);
    assert_eq!(world.search("a cup of coffee")[0], "beach.jpg");
}

#[cfg(unix)]
#[test]
fn names_that_are_no_text_are_found_all_the_same() {
    use std::os::unix::ffi::OsStrExt;
    let world = World::new();
    let name = std::ffi::OsStr::from_bytes(b"caf\xe9\nau lait.png");
    fs::copy(root().join("assets/samples/coffee.png"), world.photos().join(name)).unwrap();
    assert_eq!(world.index()["embedded"], 1);
    let hits = world.json(&["search", "--json", "a cup of coffee"], 0);
    assert_eq!(hits.len(), 1);
    let human = world.run(&["search", "a cup of coffee"]);
    assert_eq!(String::from_utf8_lossy(&human.stdout).trim_end().lines().count(), 1, "a newline in a name is escaped");
}
