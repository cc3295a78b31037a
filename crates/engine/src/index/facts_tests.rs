//! Whole runs over photos with sidecars and telling names: what is read anew, and when.

use std::path::Path;

use sightline_catalog::{DateSource, FactsUpdate, PhotoFacts, PhotoRow, Reading};

use super::*;
use crate::testing::{BLUE, GREEN, RED, World, jpeg};

/// Writes a sidecar for the photo of this name.
fn sidecar(world: &World, name: &str, properties: &str) {
    let packet = format!(
        "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>\
         <rdf:Description xmlns:xmp='http://ns.adobe.com/xap/1.0/' xmlns:exif='http://ns.adobe.com/exif/1.0/' \
         xmlns:dc='http://purl.org/dc/elements/1.1/' {properties}/></rdf:RDF></x:xmpmeta>"
    );
    std::fs::write(world.path(name), packet).unwrap();
}

const LISBON: &str = "exif:GPSLatitude='38,42.8N' exif:GPSLongitude='9,8.4W'";

fn row(world: &World, name: &str) -> PhotoRow {
    let engine = world.engine();
    let catalog = engine.catalog().unwrap();
    let photo = catalog.known(&world.path(name)).unwrap().unwrap().photo.unwrap();
    catalog.photo(photo).unwrap().unwrap()
}

#[test]
fn sidecars_are_followed_without_looking_at_the_photo() {
    let world = World::new();
    world.photo("a.jpg", RED, 0);
    world.photo("b.jpg", GREEN, 0);
    assert_eq!(world.index().reread, 0, "a new photo is read once");
    assert_eq!(row(&world, "a.jpg").rating, None);

    sidecar(&world, "a.jpg.xmp", &format!("xmp:Rating='4' dc:subject='river' {LISBON}"));
    let summary = world.index();
    assert_eq!((summary.reread, summary.unchanged, summary.embedded), (1, 2, 0));
    let rated = row(&world, "a.jpg");
    assert_eq!((rated.rating, rated.place.as_deref()), (Some(4), Some("Lisbon, Portugal")));
    assert_eq!(world.index().reread, 0, "and once only");

    sidecar(&world, "a.jpg.xmp", "xmp:Rating='-1' exif:DateTimeOriginal='2021-06-30T12:05:01+01:00'");
    assert_eq!(world.index().reread, 1);
    let changed = row(&world, "a.jpg");
    assert_eq!((changed.rating, changed.place, changed.date_source), (Some(-1), None, Some(DateSource::Xmp)));
    assert_eq!(changed.taken_at.as_deref(), Some("2021-06-30T12:05:01+01:00"));

    std::fs::remove_file(world.path("a.jpg.xmp")).unwrap();
    assert_eq!(world.index().reread, 1);
    assert_eq!(row(&world, "a.jpg").rating, None);
    assert_eq!(world.fake.embedded(), 2);
}

#[test]
fn a_touched_sidecar_leads_to_its_photo_alone() {
    let world = World::new();
    world.photo("a.jpg", RED, 0);
    world.photo("b.jpg", RED, 30);
    world.index();
    let follow = |name: &str| {
        let mut job = IndexJob::of_touched(vec![world.photos()], vec![world.path(name)], false);
        world.run(&mut job).unwrap()
    };
    sidecar(&world, "b.xmp", "xmp:Rating='3'");
    assert_eq!(follow("b.xmp").reread, 1);
    sidecar(&world, "a.jpg.xmp", "xmp:Rating='5'");
    assert_eq!(follow("a.jpg.xmp").reread, 1);
    assert_eq!([row(&world, "a.jpg").rating, row(&world, "b.jpg").rating], [Some(5), Some(3)]);
    assert_eq!(follow("a.jpg").reread, 0, "its sidecar is the one that was read");
    assert_eq!(world.index().reread, 0);
    std::fs::remove_file(world.path("b.xmp")).unwrap();
    assert_eq!(follow("b.xmp").reread, 1);
    assert_eq!(row(&world, "b.jpg").rating, None);
}

#[test]
fn a_library_of_an_earlier_release_is_read_anew_once() {
    let world = World::new();
    world.photo("IMG_20210630_120501.jpg", RED, 0);
    sidecar(&world, "IMG_20210630_120501.xmp", "xmp:Rating='2'");
    world.index();
    let before = row(&world, "IMG_20210630_120501.jpg");
    // As an earlier release left it.
    let path = world.path("IMG_20210630_120501.jpg");
    let readings = vec![(path, Reading::default())];
    let update = FactsUpdate { photo: before.id, facts: PhotoFacts::default(), readings };
    world.engine().catalog().unwrap().put_facts(&[update]).unwrap();
    assert_eq!(row(&world, "IMG_20210630_120501.jpg").taken_at, None);
    let summary = world.index();
    assert_eq!((summary.reread, summary.embedded), (1, 0));
    assert_eq!(row(&world, "IMG_20210630_120501.jpg"), before);
    assert_eq!((before.taken_at.as_deref(), before.rating), (Some("2021-06-30T12:05:01"), Some(2)));
    assert_eq!(before.date_source, Some(DateSource::Name));
    assert_eq!((world.index().reread, world.fake.embedded()), (0, 1));
}

#[test]
fn a_name_tells_the_date_also_after_a_renaming() {
    let world = World::new();
    let old = world.photo("holiday.jpg", RED, 0);
    world.index();
    assert_eq!(row(&world, "holiday.jpg").taken_at, None);
    std::fs::rename(old, world.path("2021-06-30 holiday.jpg")).unwrap();
    let summary = world.index();
    assert_eq!((summary.relocated, summary.reread, summary.embedded), (1, 1, 0));
    assert_eq!(row(&world, "2021-06-30 holiday.jpg").taken_at.as_deref(), Some("2021-06-30"));
    assert_eq!(world.found("in:. after:2021-06-30 before:2021-07"), ["2021-06-30 holiday.jpg"]);
}

#[test]
fn copies_share_what_lies_beside_one_of_them() {
    let world = World::new();
    world.photo("one.jpg", RED, 0);
    world.photo("two.jpg", RED, 0);
    sidecar(&world, "two.xmp", "xmp:Rating='5'");
    assert_eq!(world.index().embedded, 1);
    assert_eq!(row(&world, "one.jpg").rating, Some(5));
    assert_eq!(world.index().reread, 0);
}

#[test]
fn a_guessed_date_makes_no_other_photo_an_edit() {
    let world = World::new();
    let path = world.photo("IMG_20210630_120501.jpg", RED, 0);
    world.index();
    let engine = world.engine();
    let at = |path: &Path| engine.catalog().unwrap().known(path).unwrap().unwrap().photo.unwrap();
    let (catalog, before) = (engine.catalog().unwrap(), at(&path));
    catalog.add_keyword(before, "mine").unwrap();
    // The same name, and so the same guess; but it does not look alike.
    std::fs::write(&path, jpeg(BLUE, 0)).unwrap();
    world.index();
    let after = at(&path);
    assert_ne!(after, before);
    assert!(catalog.keywords(after).unwrap().is_empty());
    assert_eq!(row(&world, "IMG_20210630_120501.jpg").recorded_at(), None);
}

#[test]
fn places_and_ratings_narrow_a_search() {
    let world = World::new();
    world.photo("a.jpg", RED, 0);
    world.photo("b.jpg", RED, 30);
    world.photo("Lisbon/c.jpg", RED, 60);
    world.photo("d.jpg", GREEN, 0);
    sidecar(&world, "a.xmp", &format!("xmp:Rating='4' {LISBON}"));
    sidecar(&world, "b.xmp", &format!("xmp:Rating='2' {LISBON}"));
    sidecar(&world, "Lisbon/c.xmp", "xmp:Rating='5'");
    sidecar(&world, "d.xmp", "xmp:Rating='5' exif:GPSLatitude='40,46.87N' exif:GPSLongitude='73,57.99W'");
    world.index();
    let found = |query: &str| {
        let mut found = world.found(query);
        found.sort();
        found
    };
    assert_eq!(found("in:Lisbon"), ["Lisbon/c.jpg", "a.jpg", "b.jpg"], "a place or a folder");
    assert_eq!(found("in:lisbon"), ["Lisbon/c.jpg", "a.jpg", "b.jpg"], "a folder in whatever case");
    assert_eq!(found("in:Lisbon rating>=4"), ["Lisbon/c.jpg", "a.jpg"]);
    assert_eq!(found("in:PORTUGAL rating<3"), ["b.jpg"]);
    assert_eq!(found("in:\"new york\" rating:5"), ["d.jpg"]);
    assert_eq!(found("red in:portugal"), ["a.jpg", "b.jpg"]);
    assert!(found("green in:portugal").is_empty());
    assert_eq!(found("in:Lisb"), ["a.jpg", "b.jpg"], "half a name, while it is typed");
    assert_eq!(found("red in:\"new y\""), [] as [&str; 0]);
    assert_eq!(found("green in:\"new y\""), ["d.jpg"]);
    let reply = world.search("in:Madrid").unwrap();
    assert!(reply.hits.is_empty());
    assert_eq!(reply.unknown.unwrap().value, "Madrid");
}
