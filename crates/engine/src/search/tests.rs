//! Searches over an indexed folder, with a fake model.

use sightline_catalog::{CaptionAuthor, DateOrder, Filter, NewCaption, Overwrite};
use sightline_vlm::Match;

use super::{Beyond, Interpretation, SearchRequest, Unknown, UnknownKind};
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

/// Gives a photo a caption by an author.
fn put_caption(world: &World, name: &str, text: &str, author: CaptionAuthor) {
    let engine = world.engine();
    let catalog = engine.catalog().unwrap();
    let photo = catalog.known(&world.path(name)).unwrap().unwrap().photo.unwrap();
    let confidence = (author == CaptionAuthor::Machine).then_some(-0.5);
    let new = NewCaption { text: text.into(), author, model: None, settings: None, confidence };
    assert!(catalog.put_caption(photo, &new, Overwrite::All).unwrap());
}

#[test]
fn the_best_comes_first_and_chance_is_not_shown() {
    let world = world();
    assert_eq!(world.found("red"), ["red.jpg", "darker.jpg"]);
    assert!(world.found("grey").is_empty());
}

/// Red with some green in it.
const REDDISH: [u8; 3] = [180, 70, 0];

#[test]
fn what_is_excluded_is_taken_away_and_the_others_stay_as_they_are() {
    let world = world();
    world.photo("reddish.jpg", REDDISH, 0);
    world.index();
    assert_eq!(world.found("red"), ["red.jpg", "darker.jpg", "reddish.jpg"]);
    let scores = |query| world.search(query).unwrap().hits.iter().map(|hit| hit.score).collect::<Vec<_>>();
    assert_eq!(scores("red -green"), scores("red")[..2], "in the same order, with the same scores");
    assert_eq!(world.found("red -green"), ["red.jpg", "darker.jpg"]);
    assert_eq!(world.found("red -blue"), ["red.jpg", "darker.jpg", "reddish.jpg"]);
    assert_eq!(world.found("red -0.5*green").len(), 3, "less weight takes away only the surest");
    assert_eq!(world.found("red -green -blue"), ["red.jpg", "darker.jpg"]);
    assert!(world.found("red -red").is_empty(), "it is what is not wanted");
    assert_eq!(world.found("red -like:reddish.jpg"), ["red.jpg", "darker.jpg"]);
    assert_eq!(world.found("like:red.jpg -green"), ["red.jpg", "darker.jpg"]);
    assert_eq!(world.search("red after:x").unwrap_err().code(), "query_wrong");
}

#[test]
fn a_query_that_only_excludes_finds_all_others() {
    let world = world();
    let mut found = world.found("-red");
    found.sort();
    assert_eq!(found, ["trip/blue.jpg", "trip/green.jpg"]);
    assert_eq!(world.found("-red -blue"), ["trip/green.jpg"]);
    assert_eq!(world.found("-green in:trip"), ["trip/blue.jpg"]);
    assert_eq!(world.found("").len(), 4, "a query that says nothing finds all");
    let photo = world.search("-red").unwrap().hits[0].photo;
    let error = world.engine().explain(photo, "-red", &world.photos(), Interpretation::Plain).unwrap_err();
    assert_eq!(error.code(), "nothing_to_locate");
}

#[test]
fn words_about_a_photo_are_believed_where_they_say_what_is_excluded() {
    let world = world();
    let caption = |name: &str, text: &str, author| put_caption(&world, name, text, author);
    caption("red.jpg", "a red and blue wall", CaptionAuthor::Person);
    assert_eq!(world.found("red"), ["red.jpg", "darker.jpg"]);
    assert_eq!(world.found("red -blue"), ["darker.jpg"], "also where the caption has the words that are wanted");
    assert_eq!(world.found("red -\"blue sky\""), ["red.jpg", "darker.jpg"], "all of its words");
    let mut others = world.found("-blue");
    others.sort();
    assert_eq!(others, ["darker.jpg", "trip/green.jpg"]);
    // What a model says counts where the photo has more of it than most.
    caption("darker.jpg", "a blue wall", CaptionAuthor::Machine);
    caption("trip/green.jpg", "a blue field", CaptionAuthor::Machine);
    assert!(world.found("red -blue").is_empty());
    assert_eq!(world.found("green -blue"), ["trip/green.jpg"]);
}

#[test]
fn less_likely_photos_follow_the_matches_when_they_are_asked_for() {
    let world = world();
    let (engine, base, filter) = (world.engine(), world.photos(), Filter::default());
    let ask = |query, limit, less_likely| {
        engine
            .search(&SearchRequest {
                query,
                limit,
                less_likely,
                base: &base,
                filter: &filter,
                reading: Interpretation::Plain,
            })
            .unwrap()
    };
    let reply = ask("red", 9, 0);
    assert_eq!((reply.hits.len(), reply.beyond), (2, Beyond::LessLikely));
    let reply = ask("red", 1, 9);
    assert_eq!((reply.hits.len(), reply.beyond), (1, Beyond::Matches), "matches come first");
    let reply = ask("red", 9, 1);
    assert_eq!((reply.hits.len(), reply.beyond), (3, Beyond::LessLikely));
    assert_eq!(reply.hits[2].confidence, Match::None);
    let all = ask("red", 2, 9);
    assert_eq!((all.hits.len(), all.beyond), (4, Beyond::Nothing));
    assert_eq!(all.hits[..3], reply.hits, "the same order, and more of it");
    assert!(all.hits.is_sorted_by(|a, b| a.score >= b.score));
    let reply = ask("red -blue", 9, 9);
    assert_eq!(names(&reply, &base), ["red.jpg", "darker.jpg", "trip/green.jpg"], "what is excluded stays away");
    assert_eq!(ask("in:trip", 1, 9).beyond, Beyond::Matches);
    assert_eq!(ask("grey", 9, 0).hits.len(), 0);
    assert_eq!(ask("grey", 9, 9).hits.len(), 4);
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
    let reply = world.search("red in:nowhere").unwrap();
    assert_eq!(reply.unknown, Some(Unknown { kind: UnknownKind::Place, value: "nowhere".into() }));
    assert_eq!(world.search("red camera:x100v").unwrap().unknown.unwrap().kind, UnknownKind::Camera);
    assert_eq!(world.search("blue in:trip type:png").unwrap().unknown, None, "nothing is unknown, only nothing is so");
}

#[test]
fn photos_like_a_photo_are_found_and_it_is_not_its_own_answer() {
    let world = world();
    let similar = |name: &str| names(&world.engine().similar(&world.path(name), 10).unwrap(), &world.photos());
    assert_eq!(similar("red.jpg")[0], "darker.jpg");
    assert_eq!(similar("trip/blue.jpg").len(), 3, "the nearest are shown, however far");
    let outside = world.photos().with_file_name("outside.jpg");
    std::fs::write(&outside, jpeg(GREEN, 40)).unwrap();
    assert_eq!(names(&world.engine().similar(&outside, 10).unwrap(), &world.photos())[0], "trip/green.jpg");
    let engine = world.engine();
    let red =
        engine.similar(&outside, 10).unwrap().hits.iter().find(|hit| hit.paths[0].ends_with("red.jpg")).unwrap().photo;
    let ranking = engine.rank_similar(red, 1).unwrap();
    assert_eq!(engine.photo(ranking.photos[0].photo).unwrap().paths, [world.path("darker.jpg")]);
    assert_ne!(ranking.photos[0].confidence, Match::None);
    assert_eq!(engine.rank_similar(sightline_catalog::PhotoId(99), 1).unwrap_err().code(), "photo_gone");
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
        let request = crate::search::SearchRequest {
            query,
            limit: 1,
            less_likely: 0,
            base: &base,
            filter: &Filter::default(),
            reading: Interpretation::Plain,
        };
        names(&engine.search(&request).unwrap(), &base)
    };
    assert_eq!(ask("blue"), ["trip/blue.jpg"]);
    world.photo("purest.jpg", BLUE, 1);
    std::fs::remove_file(world.path("trip/blue.jpg")).unwrap();
    let mut job = crate::index::IndexJob::new(&[world.photos()], false).unwrap();
    engine.run_job(&mut job, &world.control, &|_| {}).unwrap();
    assert_eq!(ask("blue"), ["purest.jpg"]);
    // As another process does: the library has an engine of its own there.
    std::fs::remove_file(world.path("purest.jpg")).unwrap();
    world.photo("trip/new.jpg", BLUE, 2);
    world.index();
    assert_eq!(ask("blue"), ["trip/new.jpg"]);
}

#[test]
fn captions_by_people_come_first_and_those_by_a_model_where_the_photo_looks_like_it() {
    let world = world();
    let caption = |name: &str, text: &str, author| put_caption(&world, name, text, author);
    caption("trip/green.jpg", "a red kite", CaptionAuthor::Machine);
    caption("trip/blue.jpg", "a red boat", CaptionAuthor::Person);
    caption("darker.jpg", "a red wall", CaptionAuthor::Machine);
    // Believed: what looks like it, whoever says so, then what a person says. The rest only looks, or is only said.
    assert_eq!(world.found("red"), ["darker.jpg", "trip/blue.jpg", "red.jpg", "trip/green.jpg"]);
    let (base, filter) = (world.photos(), Filter::default());
    for limit in 1..=4 {
        let request = crate::search::SearchRequest {
            query: "red",
            limit,
            less_likely: 0,
            base: &base,
            filter: &filter,
            reading: Interpretation::Plain,
        };
        assert_eq!(names(&world.engine().search(&request).unwrap(), &base), world.found("red")[..limit], "{limit}");
    }
}

#[test]
fn albums_and_folders_narrow_the_search_beside_the_query() {
    let world = world();
    let engine = world.engine();
    let all = engine.browse(&Filter::default(), DateOrder::NewestFirst).unwrap();
    assert_eq!(all.len(), 4);
    let red = all.iter().copied().find(|id| engine.photo(*id).unwrap().paths[0].ends_with("red.jpg")).unwrap();
    let album = engine.create_album("Best", &[red]).unwrap();
    let base = world.photos();
    let ask = |query, filter: Filter| {
        let request = crate::search::SearchRequest {
            query,
            limit: 9,
            less_likely: 0,
            base: &base,
            filter: &filter,
            reading: Interpretation::Plain,
        };
        names(&engine.search(&request).unwrap(), &base)
    };
    assert_eq!(ask("red", Filter { album: Some(album.id), ..Filter::default() }), ["red.jpg"]);
    assert!(ask("red", Filter { folder: Some(base.join("trip")), ..Filter::default() }).is_empty());
    assert!(ask("green in:trip", Filter { folder: Some(base.clone()), ..Filter::default() }).len() == 1);
    assert_eq!(engine.photo(red).unwrap().albums, [album.id]);
}

#[test]
fn a_query_is_found_in_its_part_of_a_photo() {
    let world = World::new();
    // Left half red, right half blue.
    let pixels = (0..32 * 32).flat_map(|i| if i % 32 < 16 { RED } else { BLUE }).collect();
    let rgb = sightline_media::Rgb { width: 32, height: 32, pixels };
    std::fs::write(world.path("two.jpg"), sightline_media::thumbnail(&rgb, 32).unwrap()).unwrap();
    world.index();
    let engine = world.engine();
    let photo = engine.browse(&Filter::default(), DateOrder::NewestFirst).unwrap()[0];
    let map = engine.explain(photo, "red", &world.photos(), Interpretation::Plain).unwrap();
    assert_eq!((map.side, map.values.len()), (4, 16));
    assert!(map.values[0] > 0.9 && map.values[3] < 0.1, "{:?}", map.values);
    assert!(map.values.iter().all(|value| (0.0..=1.0).contains(value)));
}

#[test]
fn words_that_are_understood_narrow_a_search_and_given_back_they_are_words() {
    let world = world();
    world.photo("Lofoten/IMG_2834.jpg", RED, 30);
    world.photo("Lofoten/Screenshot_1.jpg", BLUE, 30);
    world.photo("20150704_120000.jpg", RED, 60);
    world.index();
    let engine = world.engine();
    let (base, filter) = (world.photos(), Filter::default());
    let album = engine.create_album("Anna & Tom", &[]).unwrap();
    let ask = |query, as_words: &[String]| {
        let today = Some("2026-11-30".parse().unwrap());
        let reading = Interpretation::Understood { today, as_words };
        let request = SearchRequest { query, limit: 100, less_likely: 0, base: &base, filter: &filter, reading };
        engine.search(&request).unwrap()
    };
    let found = |query| names(&ask(query, &[]), &base);
    assert_eq!(found("red IMG_2834"), ["Lofoten/IMG_2834.jpg"]);
    assert_eq!(found("img_28341"), Vec::<String>::new(), "a file that is not there is words");
    assert_eq!(found("red Lofoten"), ["Lofoten/IMG_2834.jpg"]);
    assert_eq!(found("Lofoten screenshots"), ["Lofoten/Screenshot_1.jpg"]);
    assert_eq!(found("red 2015"), ["20150704_120000.jpg"]);
    assert_eq!(found("red July"), ["20150704_120000.jpg"]);
    assert_eq!(found("red before 2015"), Vec::<String>::new());
    assert!(found("Anna & Tom").is_empty(), "the album is empty");
    let red = ask("red", &[]).hits[0].photo;
    engine.add_to_album(album.id, &[red]).unwrap();
    assert_eq!(found("Anna & Tom").len(), 1);
    assert_eq!(found("in:\"anna & tom\"").len(), 1, "in: takes albums too");
    engine.keep_tag(red, "Travel").unwrap();
    assert_eq!(found("#travel"), found("Anna & Tom"));
    assert!(found("#nothing").is_empty());
    let without = ask("red without green", &[]);
    assert_eq!(names(&without, &base), world.found("red -green"));
    // Given back, the words are words; the same as without any understanding.
    let reply = ask("red 2015", &["2015".to_owned()]);
    assert!(reply.chips.is_empty());
    assert_eq!(names(&reply, &base), world.found("red 2015"));
    // A folder that comes later is known at once.
    world.photo("Sylt/a.jpg", GREEN, 30);
    world.index();
    assert_eq!(found("Sylt"), ["Sylt/a.jpg"]);
}
