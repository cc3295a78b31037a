//! Searches over an indexed folder, with a fake model.

use crate::testing::{BLUE, GREEN, RED, World, jpeg, names};

fn world() -> World {
    let world = World::new();
    world.photo("red.jpg", RED, 0);
    world.photo("darker.jpg", RED, 90);
    world.photo("trip/green.jpg", GREEN, 0);
    world.photo("trip/blue.jpg", BLUE, 0);
    world.index();
    world
}

#[test]
fn the_best_comes_first_and_chance_is_not_shown() {
    let world = world();
    assert_eq!(world.found("red"), ["red.jpg", "darker.jpg"]);
    assert!(world.found("grey").is_empty());
}

#[test]
fn a_negative_term_pushes_away_and_terms_that_cancel_out_are_an_error() {
    let world = world();
    assert_eq!(world.found("green -red"), ["trip/green.jpg"]);
    assert_eq!(world.search("red -red").unwrap_err().code(), "query_cancels_out");
    assert_eq!(world.search("red after:x").unwrap_err().code(), "query_wrong");
}

#[test]
fn filters_narrow_the_search() {
    let world = world();
    assert_eq!(world.found("blue in:trip"), ["trip/blue.jpg"]);
    assert!(world.found("red in:trip").is_empty());
    assert!(world.found("red type:png").is_empty());
    assert_eq!(world.found("red type:jpg"), ["red.jpg", "darker.jpg"]);
    let mut everything = world.found("in:trip");
    everything.sort();
    assert_eq!(everything, ["trip/blue.jpg", "trip/green.jpg"]);
    assert_eq!(world.search("red in:nowhere").unwrap_err().code(), "folder_unknown");
}

#[test]
fn photos_like_a_photo_are_found_and_it_is_not_its_own_answer() {
    let world = world();
    let similar = |name: &str| names(&world.engine().similar(&world.path(name), 10).unwrap(), &world.photos());
    assert_eq!(similar("red.jpg"), ["darker.jpg"]);
    assert!(similar("trip/blue.jpg").is_empty());
    let outside = world.photos().with_file_name("outside.jpg");
    std::fs::write(&outside, jpeg(GREEN, 40)).unwrap();
    assert_eq!(names(&world.engine().similar(&outside, 10).unwrap(), &world.photos()), ["trip/green.jpg"]);
    assert_eq!(world.found("like:trip/green.jpg"), ["trip/green.jpg"]);
    assert_eq!(world.search("like:gone.jpg").unwrap_err().code(), "missing");
}

#[test]
fn an_empty_library_says_so() {
    let world = World::new();
    assert_eq!(world.search("red").unwrap_err().code(), "library_empty");
}

#[test]
fn an_engine_sees_what_it_indexed_itself() {
    let world = world();
    let engine = world.engine();
    let base = world.photos();
    let ask = |query| {
        let request = crate::search::SearchRequest { query, limit: 1, base: &base };
        names(&engine.search(&request).unwrap(), &base)
    };
    assert_eq!(ask("blue"), ["trip/blue.jpg"]);
    world.photo("purest.jpg", BLUE, 1);
    std::fs::remove_file(world.path("trip/blue.jpg")).unwrap();
    let mut job = crate::index::IndexJob::new(&[world.photos()], false).unwrap();
    engine.run_job(&mut job, &world.control, &|_| {}).unwrap();
    assert_eq!(ask("blue"), ["purest.jpg"]);
}
