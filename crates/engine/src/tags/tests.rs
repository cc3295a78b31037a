use sightline_catalog::{KeywordOrigin, PhotoId};

use super::vocabulary;
use crate::testing::{BLUE, GREEN, RED, World};

/// A library of three photos whose list of tags is `list`.
fn world(list: &str) -> World {
    let world = World::new();
    for (name, colour) in [("red.jpg", RED), ("green.jpg", GREEN), ("blue.jpg", BLUE)] {
        world.photo(name, colour, 0);
    }
    world.index();
    std::fs::write(vocabulary::file(world.engine().library()), list).unwrap();
    world
}

fn photo(world: &World, name: &str) -> PhotoId {
    world.search(name).unwrap().hits[0].photo
}

fn tags(world: &World, photo: PhotoId) -> Vec<(String, KeywordOrigin)> {
    world.engine().tags(photo).unwrap().into_iter().map(|tag| (tag.name, tag.origin)).collect()
}

const MODEL: KeywordOrigin = KeywordOrigin::Model;
const PERSON: KeywordOrigin = KeywordOrigin::Person;

#[test]
fn a_photo_gets_the_tags_of_the_edited_list_that_fit_it() {
    let world = world("Rot = red\ngreen");
    let (red, green, blue) = (photo(&world, "red"), photo(&world, "green"), photo(&world, "blue"));
    assert_eq!(tags(&world, red), [("Rot".into(), MODEL)]);
    assert_eq!(tags(&world, green), [("green".into(), MODEL)]);
    assert_eq!(tags(&world, blue), []);
    let engine = world.engine();
    assert_eq!(engine.tags(blue).unwrap(), []);
    std::fs::write(engine.tag_list().unwrap(), "blue").unwrap();
    assert_eq!(engine.tags(blue).unwrap()[0].name, "blue", "an edited list counts at once");
}

#[test]
fn a_tag_taken_off_stays_off_until_that_is_taken_back() {
    let world = world("red\nscarlet = red");
    let engine = world.engine();
    let red = photo(&world, "red");
    engine.remove_tag(red, "Red").unwrap();
    assert_eq!(tags(&world, red), [("scarlet".into(), MODEL)]);
    engine.restore_tag(red, "red").unwrap();
    assert_eq!(tags(&world, red).len(), 2);
    engine.keep_tag(red, "red").unwrap();
    assert_eq!(tags(&world, red), [("red".into(), PERSON), ("scarlet".into(), MODEL)]);
    engine.remove_tag(red, "red").unwrap();
    assert_eq!(tags(&world, red), [("scarlet".into(), MODEL)]);
    engine.restore_tag(red, "red").unwrap();
    assert_eq!(tags(&world, red)[0], ("red".into(), PERSON));
}

#[test]
fn a_keyword_finds_its_photo_and_a_proposal_is_written_nowhere() {
    let world = world("red");
    let engine = world.engine();
    let blue = photo(&world, "blue");
    let before = std::fs::read(world.path("blue.jpg")).unwrap();
    engine.keep_tag(blue, "  Grandma's   kitchen ").unwrap();
    assert_eq!(tags(&world, blue), [("Grandma's kitchen".into(), PERSON)]);
    assert_eq!(world.found("kitchen grandma"), ["blue.jpg"]);
    engine.remove_tag(blue, "grandma's kitchen").unwrap();
    assert_eq!(world.found("kitchen"), Vec::<String>::new());
    assert_eq!(engine.keep_tag(blue, " ").unwrap_err().code(), "keyword_empty");
    assert_eq!(std::fs::read(world.path("blue.jpg")).unwrap(), before);
    assert_eq!(std::fs::read_dir(world.photos()).unwrap().count(), 3);
}
