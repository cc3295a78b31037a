//! On whose terms photos and code go out with Sightline.

use std::collections::BTreeSet;

use crate::harness::{World, root};

/// A credit at most is owed for a photo: no copyleft, nothing for some uses only.
const ALLOWED: [&str; 7] =
    ["public domain", "CC0-1.0", "CC-BY-2.0", "CC-BY-4.0", "MIT", "MIT-CMU", "Apache-2.0 and BSD-3-Clause"];

#[test]
fn every_sample_photo_has_a_credit_and_a_licence_that_asks_for_no_more() {
    let folder = root().join("assets/samples");
    let credits = std::fs::read_to_string(folder.join("CREDITS.md")).unwrap();
    let mut credited = BTreeSet::new();
    for photo in credits.split("\n## ").skip(1) {
        let name = photo.lines().next().unwrap().to_owned();
        let value = |key: &str| photo.lines().find_map(|line| line.strip_prefix(&format!("- {key}: "))).unwrap();
        assert!(ALLOWED.contains(&value("Licence")), "{name}: {}", value("Licence"));
        assert!(!value("Author").is_empty(), "{name}");
        // Where the package's own licence is the photo's, its notice goes along.
        let package = value("Package").split(' ').next().unwrap();
        if value("Licence").starts_with("MIT") || value("Licence").starts_with("Apache") {
            assert!(folder.join(format!("licenses/{package}.txt")).is_file(), "{name}: the notice of {package}");
        }
        credited.insert(name);
    }
    let is_photo = |name: &String| !name.ends_with(".md") && !name.ends_with(".json") && name != "licenses";
    let files = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(files.filter(is_photo).collect::<BTreeSet<_>>(), credited);
}

#[test]
fn the_program_prints_the_notices_of_what_it_is_built_from() {
    let world = World::new();
    // More than a pipe holds.
    let said = |args: &[&str]| String::from_utf8(world.command(args).output().unwrap().stdout).unwrap();
    let text = said(&["licences"]);
    for part in
        ["\nburn 0.", "\nsvelte 5.", "\nturbojpeg-sys ", "\n## lock.jpg", "Permission is hereby granted", "GeoNames"]
    {
        assert!(text.contains(part), "{part:?}");
    }
    let json: serde_json::Value = serde_json::from_str(&said(&["licenses", "--json"])).unwrap();
    assert!(json["notices"].as_str().unwrap().contains("THIRD-PARTY NOTICES"));
    assert!(!world.library().exists(), "asking makes no library");
}
