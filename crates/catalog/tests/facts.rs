//! Facts of photos: places, ratings and lenses as filters, and what is read of files anew.
#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use sightline_catalog::{
    Batch, CaptionAuthor, Catalog, DateSource, FactsUpdate, Filter, Inside, NewCaption, Overwrite, PhotoFacts, PhotoId,
    PlaceNames, Reading,
};
use support::{commit, location, open, photo_at};

fn place(name: &str, others: &[&str]) -> Option<PlaceNames> {
    Some(PlaceNames { name: name.into(), other_names: others.iter().map(|name| (*name).to_owned()).collect() })
}

/// Photos numbered from 1, with their facts.
fn with_facts(catalog: &Catalog, facts: &[(&str, PhotoFacts)]) -> Vec<PhotoId> {
    let photo = |((path, facts), number): (&(&str, PhotoFacts), u32)| {
        let mut photo = photo_at(number, path);
        photo.facts = facts.clone();
        photo
    };
    commit(catalog, facts.iter().zip(1..).map(photo).collect())
}

#[test]
fn filters_find_photos_by_place_rating_and_lens() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = open(&dir);
    let lisbon = || place("Lisbon, Portugal", &["PT"]);
    let lens = |lens: &str| Some(lens.to_owned());
    let ids = with_facts(
        &catalog,
        &[
            ("/p/Lisbon/1.jpg", PhotoFacts { rating: Some(5), lens: lens("XF 23mm"), ..PhotoFacts::default() }),
            ("/p/2.jpg", PhotoFacts { rating: Some(4), place: lisbon(), ..PhotoFacts::default() }),
            ("/p/3.jpg", PhotoFacts { rating: Some(-1), place: lisbon(), ..PhotoFacts::default() }),
            ("/p/4.jpg", PhotoFacts { place: place("São Paulo, Brazil", &["BR"]), ..PhotoFacts::default() }),
            ("/p/5.jpg", PhotoFacts { rating: Some(0), lens: lens("RF 50mm"), ..PhotoFacts::default() }),
        ],
    );
    let selected = |filter: Filter| {
        let found = catalog.select(&filter).unwrap();
        found.iter().map(|id| ids.iter().position(|other| other == id).unwrap() + 1).collect::<Vec<_>>()
    };
    let at = |place: &str| selected(Filter { place: Some(place.into()), ..Filter::default() });
    assert_eq!(at("lisbon"), [2, 3]);
    assert_eq!(at("Lisbon, PORTUGAL"), [2, 3]);
    assert_eq!(at("sao paulo"), [4]);
    assert_eq!(at("lis"), [] as [usize; 0]);
    assert_eq!(at("Lisbon, Brazil"), [] as [usize; 0]);
    assert_eq!(at(" , "), [] as [usize; 0]);
    let any = |place: &str| catalog.any(&Filter { place: Some(place.into()), ..Filter::default() }).unwrap();
    assert!(any("pt") && !any("Madrid"));

    let within = |folder: Option<&str>, place: &str, unfinished| {
        let folders = folder.into_iter().map(Into::into).collect();
        let inside = Inside { folders, place: place.into(), unfinished, album: None };
        selected(Filter { inside: vec![inside], ..Filter::default() })
    };
    assert_eq!(within(Some("/p/Lisbon"), "Lisbon", false), [1, 2, 3]);
    assert_eq!(within(None, "Lisbon", false), [2, 3]);
    assert_eq!(within(None, "Lisb", false), [] as [usize; 0]);
    assert_eq!(within(None, "LISB", true), [2, 3], "the last word may go on");
    assert_eq!(within(None, "Lisbon, Port", true), [2, 3]);
    assert_eq!(within(None, "Lisb, Portugal", true), [] as [usize; 0], "and only the last");
    assert_eq!(within(None, "isb", true), [] as [usize; 0], "a word begins where it begins");
    assert_eq!(within(None, " , ", true), [] as [usize; 0]);

    let rated = |stars: std::ops::RangeInclusive<i8>| selected(Filter { rating: Some(stars), ..Filter::default() });
    assert_eq!(rated(4..=5), [1, 2]);
    assert_eq!(rated(5..=5), [1]);
    assert_eq!(rated(0..=0), [4, 5], "no rating is no star");
    assert_eq!(rated(-1..=-1), [3]);
    assert_eq!(rated(-1..=2), [3, 4, 5]);
    #[expect(clippy::reversed_empty_ranges, reason = "a query may ask for nothing")]
    let nothing = rated(5..=4);
    assert!(nothing.is_empty());
    assert_eq!(selected(Filter { lens: Some("xf".into()), ..Filter::default() }), [1]);

    let facets = catalog.facets().unwrap();
    let pairs = |facets: Vec<sightline_catalog::Facet>| -> Vec<(String, u64)> {
        facets.into_iter().map(|facet| (facet.value, facet.photos)).collect()
    };
    assert_eq!(pairs(facets.places), [("Lisbon, Portugal".to_owned(), 2), ("São Paulo, Brazil".to_owned(), 1)]);
    assert_eq!(pairs(facets.lenses), [("RF 50mm".to_owned(), 1), ("XF 23mm".to_owned(), 1)]);
}

#[test]
fn what_files_say_now_takes_the_place_of_what_they_said() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = open(&dir);
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let before = PhotoFacts {
        taken_at: Some("2021-06-30".into()),
        date_source: Some(DateSource::Name),
        rating: Some(2),
        place: place("Porto, Portugal", &[]),
        caption: Some("A river".into()),
        keywords: words(&["river", "trip", "boat"]),
        ..PhotoFacts::default()
    };
    let id = with_facts(&catalog, &[("/p/1.jpg", before)])[0];
    catalog.add_keyword(id, "mine").unwrap();
    catalog.remove_keyword(id, "trip").unwrap();
    let row = catalog.photo(id).unwrap().unwrap();
    assert_eq!((row.taken_at.as_deref(), row.recorded_at()), (Some("2021-06-30"), None), "a guess is no record");

    let after = PhotoFacts {
        taken_at: Some("2021-07-01T10:00:00+01:00".into()),
        date_source: Some(DateSource::Xmp),
        caption: Some("A river in Porto".into()),
        keywords: words(&["River", "trip", "mine", "bridge"]),
        ..PhotoFacts::default()
    };
    let reading = Reading { version: 3, sidecar: Some((100, -5)), status_changed_ns: Some(77) };
    let readings = vec![("/p/1.jpg".into(), reading), ("/p/gone.jpg".into(), reading)];
    let gone = FactsUpdate { photo: PhotoId(99), facts: after.clone(), readings: Vec::new() };
    catalog.put_facts(&[gone, FactsUpdate { photo: id, facts: after.clone(), readings }]).unwrap();
    let row = catalog.photo(id).unwrap().unwrap();
    assert_eq!(row.recorded_at(), Some("2021-07-01T10:00:00+01:00"));
    assert_eq!((row.date_source, row.rating, row.place), (Some(DateSource::Xmp), None, None));
    assert_eq!(catalog.known("/p/1.jpg".as_ref()).unwrap().unwrap().reading, reading);
    let kept = || {
        let rows = catalog.keywords(id).unwrap();
        rows.into_iter().filter(|row| !row.removed).map(|row| row.word).collect::<Vec<_>>()
    };
    assert_eq!(kept(), ["bridge", "mine", "river"], "what was taken off stays off");
    assert_eq!(catalog.with_words(&["boat"]).unwrap(), []);
    assert_eq!(catalog.with_words(&["bridge"]).unwrap().len(), 1);
    let caption = || catalog.caption(id).unwrap().unwrap();
    assert_eq!(caption().text, "A river in Porto");

    // A person's word stays, and what a person took back does not return.
    catalog.undo_caption(id).unwrap();
    let again = |text: &str| {
        let facts = PhotoFacts { caption: Some(text.into()), ..after.clone() };
        catalog.put_facts(&[FactsUpdate { photo: id, facts, readings: Vec::new() }]).unwrap();
    };
    again("A river in Porto");
    assert_eq!(caption().text, "A river");
    let mine = NewCaption { author: CaptionAuthor::Person, ..NewCaption::of_file("Mine") };
    catalog.put_caption(id, &mine, Overwrite::All).unwrap();
    again("Another");
    assert_eq!(caption().text, "Mine");
}

#[test]
fn a_file_that_moves_or_changes_is_to_be_read_again() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = open(&dir);
    let mut photo = photo_at(1, "/p/1.jpg");
    photo.locations[0].reading = Reading { version: 1, ..Reading::default() };
    let id = commit(&catalog, vec![photo])[0];
    let reading = |path: &str| catalog.known(path.as_ref()).unwrap().unwrap().reading;
    assert_eq!(reading("/p/1.jpg").version, 1);
    let moves = vec![(location("/p/1.jpg"), id), (location("/p/2.jpg"), id)];
    catalog.commit_batch(&Batch { moves, ..Batch::default() }).unwrap();
    assert_eq!([reading("/p/1.jpg"), reading("/p/2.jpg")], [Reading::default(); 2]);
    let readings: Vec<_> = catalog.locations_of(id).unwrap().into_iter().map(|(_, place)| place.reading).collect();
    assert_eq!(readings, [Reading::default(); 2]);
}
