//! Fingerprints, pairs that are no duplicates, and what goes to the trash and comes back.
#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use std::path::PathBuf;

use sightline_catalog::{
    CaptionAuthor, Conclusion, FactsUpdate, KeywordOrigin, NewCaption, NewPhoto, Overwrite, PhotoFacts, PhotoId,
    ToTrash, Verdict,
};
use support::{commit, location, open, photo, photo_at};

fn to_trash(path: &str, photo: PhotoId, kept: PhotoId) -> ToTrash {
    ToTrash { path: path.into(), photo, kept }
}

fn person(text: &str) -> NewCaption {
    NewCaption { author: CaptionAuthor::Person, ..NewCaption::of_file(text) }
}

#[test]
fn a_fingerprint_is_kept_and_asked_for_only_where_it_lacks() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = open(&dir);
    let known = NewPhoto { fingerprint: Some(u64::MAX), ..photo(1) };
    let ids = commit(&catalog, vec![known, photo(2), photo(3)]);
    let gone = vec![PathBuf::from("/photos/000003.jpg")];
    catalog.conclude(&Conclusion { gone, ..Conclusion::default() }).unwrap();
    assert_eq!(catalog.photos_without_fingerprint().unwrap(), [ids[1]], "one is known, one lies nowhere");
    catalog.put_fingerprints(&[(ids[1], 1 << 63), (PhotoId(99), 1)]).unwrap();
    assert_eq!(catalog.fingerprints().unwrap(), [(ids[0], u64::MAX), (ids[1], 1 << 63)]);
    assert!(catalog.photos_without_fingerprint().unwrap().is_empty());
    // Of many photos at once, in their order.
    let asked = [ids[1], PhotoId(99), ids[0], ids[2]];
    assert_eq!(catalog.fingerprints_of(&asked).unwrap(), [Some(1 << 63), None, Some(u64::MAX), None]);
    let paths: Vec<Vec<PathBuf>> = asked.iter().map(|photo| catalog.paths_of(*photo).unwrap()).collect();
    assert_eq!(catalog.paths_of_each(&asked).unwrap(), paths);
    assert!(catalog.put_caption(ids[0], &person("Rex"), Overwrite::All).unwrap());
    let captions: Vec<_> = asked.iter().map(|photo| catalog.caption(*photo).unwrap()).collect();
    assert_eq!(catalog.captions_of(&asked).unwrap(), captions);
    assert!(captions[2].is_some() && captions[0].is_none());
}

#[test]
fn pairs_that_are_no_duplicates_are_remembered_in_either_order() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = open(&dir);
    let ids = commit(&catalog, (1..=3).map(photo).collect());
    catalog.say_no_duplicates(&[ids[2], ids[0]]).unwrap();
    catalog.say_no_duplicates(&[ids[1]]).unwrap();
    let pairs = catalog.no_duplicates().unwrap();
    assert_eq!(pairs.len(), 2);
    assert!(pairs.contains(&(ids[0], ids[2])) && pairs.contains(&(ids[1], ids[1])));
    catalog.take_back_no_duplicates(&[ids[0], ids[2]]).unwrap();
    assert_eq!(catalog.no_duplicates().unwrap().len(), 1);
}

#[test]
fn a_photo_that_goes_hands_on_what_a_person_gave_it_and_gets_it_back() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = open(&dir);
    let ids = commit(&catalog, vec![photo(1), photo(2)]);
    let (kept, gone) = (ids[0], ids[1]);
    let (both, only) = (catalog.create_album("both").unwrap(), catalog.create_album("only").unwrap());
    catalog.add_to_album(both, &[kept, gone]).unwrap();
    catalog.add_to_album(only, &[gone]).unwrap();
    catalog.put_caption(gone, &person("Rex swims"), Overwrite::All).unwrap();
    catalog.add_keyword(gone, "dog").unwrap();
    catalog.add_keyword(gone, "river").unwrap();
    catalog.add_keyword(kept, "river").unwrap();
    let before = catalog.known("/photos/000002.jpg".as_ref()).unwrap();

    let path = "/photos/000002.jpg";
    let batch = catalog.begin_trash(None, &[to_trash(path, gone, kept)]).unwrap();
    catalog.end_trash(&[path.into()]).unwrap();
    assert!(catalog.paths_of(gone).unwrap().is_empty());
    assert_eq!(catalog.albums_of(kept).unwrap(), [both, only]);
    assert_eq!(catalog.caption(kept).unwrap().unwrap().text, "Rex swims");
    assert_eq!(catalog.with_words(&["dog"]).unwrap(), [kept]);
    assert_eq!(catalog.not_only_by_a_model(&["dog"], &[kept]).unwrap(), [kept]);
    let (last, rows) = catalog.last_trashed().unwrap().unwrap();
    assert_eq!((last, rows.len(), rows[0].path.clone(), rows[0].kept), (batch, 1, path.into(), kept));

    catalog.untrash(batch, &[path.into()]).unwrap();
    assert_eq!(catalog.known(path.as_ref()).unwrap(), before, "the next scan finds it unchanged");
    assert_eq!(catalog.albums_of(kept).unwrap(), [both], "what it had of its own it keeps");
    assert_eq!(catalog.caption(kept).unwrap(), None);
    let words: Vec<_> = catalog.keywords(kept).unwrap().into_iter().map(|row| (row.word, row.origin)).collect();
    assert_eq!(words, [("river".into(), KeywordOrigin::Person)]);
    assert_eq!(catalog.last_trashed().unwrap(), None);
}

#[test]
fn stars_answers_and_words_taken_off_are_handed_on_and_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = open(&dir);
    let rated = NewPhoto { facts: PhotoFacts { rating: Some(5), ..PhotoFacts::default() }, ..photo(2) };
    let ids = commit(&catalog, vec![photo(1), rated]);
    let (kept, gone) = (ids[0], ids[1]);
    catalog.answer(gone, "Rex", Verdict::No).unwrap();
    catalog.answer(gone, "Ida", Verdict::Yes).unwrap();
    catalog.answer(kept, "Ida", Verdict::No).unwrap();
    catalog.remove_keyword(gone, "cat").unwrap();
    let path = "/photos/000002.jpg";
    let batch = catalog.begin_trash(None, &[to_trash(path, gone, kept)]).unwrap();
    catalog.end_trash(&[path.into()]).unwrap();
    let of_kept = || {
        let rating = catalog.photo(kept).unwrap().unwrap().rating;
        let answers = catalog.answers().unwrap().into_iter().filter(|row| row.photo == kept);
        let words = catalog.keywords(kept).unwrap().into_iter().map(|row| (row.word, row.removed));
        (rating, answers.map(|row| (row.label, row.answer)).collect::<Vec<_>>(), words.collect::<Vec<_>>())
    };
    let both = vec![("Ida".to_owned(), Verdict::No), ("Rex".to_owned(), Verdict::No)];
    assert_eq!(of_kept(), (Some(5), both, vec![("cat".to_owned(), true)]), "its own answer stays");
    // Its file is read anew and says nothing of stars.
    let anew = FactsUpdate { photo: kept, facts: PhotoFacts::default(), readings: Vec::new() };
    catalog.put_facts(&[anew]).unwrap();
    assert_eq!(of_kept().0, Some(5));
    catalog.untrash(batch, &[path.into()]).unwrap();
    assert_eq!(of_kept(), (None, vec![("Ida".to_owned(), Verdict::No)], Vec::new()));
}

#[test]
fn keywords_of_a_file_in_the_trash_stay_with_the_one_that_was_kept() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = open(&dir);
    let tagged =
        NewPhoto { facts: PhotoFacts { keywords: vec!["Bascule".into()], ..PhotoFacts::default() }, ..photo(2) };
    let ids = commit(&catalog, vec![photo(1), tagged]);
    catalog.begin_trash(None, &[to_trash("/photos/000002.jpg", ids[1], ids[0])]).unwrap();
    let anew = FactsUpdate { photo: ids[0], facts: PhotoFacts::default(), readings: Vec::new() };
    catalog.put_facts(&[anew]).unwrap();
    assert_eq!(catalog.with_words(&["bascule"]).unwrap(), [ids[0], ids[1]]);
}

#[test]
fn what_a_person_said_of_a_photo_outlives_its_absence() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = open(&dir);
    let ids = commit(&catalog, (1..=10).map(photo).collect());
    catalog.answer(ids[0], "Rex", Verdict::No).unwrap();
    catalog.remove_keyword(ids[1], "cat").unwrap();
    catalog.say_no_duplicates(&[ids[2], ids[3]]).unwrap();
    catalog.add_keyword(ids[4], "dog").unwrap();
    catalog.put_caption(ids[5], &person("Rex swims"), Overwrite::All).unwrap();
    let album = catalog.create_album("Lisbon").unwrap();
    catalog.add_to_album(album, &[ids[6]]).unwrap();
    let batch = catalog.begin_trash(None, &[to_trash("/photos/000008.jpg", ids[7], ids[8])]).unwrap();
    // All are away, for longer than anything is kept.
    let gone = (1..=10).map(|number| PathBuf::from(format!("/photos/{number:06}.jpg"))).collect();
    catalog.conclude(&Conclusion { gone, ..Conclusion::default() }).unwrap();
    catalog.collect_garbage(1_000, 10).unwrap();
    assert_eq!(catalog.collect_garbage(2_000_000_000, 10).unwrap(), 1, "the one of which nobody said anything");
    assert_eq!(catalog.photo(ids[9]).unwrap(), None);
    // They are known by what they hold when they are found again.
    assert_eq!(commit(&catalog, (1..=9).map(photo).collect()), ids[..9]);
    assert_eq!(catalog.answers().unwrap().len(), 1);
    assert!(catalog.keywords(ids[1]).unwrap()[0].removed);
    assert!(catalog.no_duplicates().unwrap().contains(&(ids[2], ids[3])));
    assert_eq!(catalog.caption(ids[5]).unwrap().unwrap().text, "Rex swims");
    assert_eq!(catalog.albums_of(ids[6]).unwrap(), [album]);
    assert_eq!(catalog.last_trashed().unwrap().unwrap().0, batch);
}

#[test]
fn a_persons_caption_stays_current_and_the_others_is_in_its_history() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = open(&dir);
    let ids = commit(&catalog, vec![photo(1), photo(2), photo(3)]);
    catalog.put_caption(ids[0], &person("mine"), Overwrite::All).unwrap();
    catalog.put_caption(ids[1], &person("the other"), Overwrite::All).unwrap();
    let machine = NewCaption { author: CaptionAuthor::Machine, ..NewCaption::of_file("a dog") };
    catalog.put_caption(ids[2], &machine, Overwrite::All).unwrap();
    let files = [to_trash("/photos/000002.jpg", ids[1], ids[0]), to_trash("/photos/000003.jpg", ids[2], ids[0])];
    let batch = catalog.begin_trash(None, &files).unwrap();
    assert_eq!(catalog.caption(ids[0]).unwrap().unwrap().text, "mine");
    let history: Vec<_> = catalog.caption_history(ids[0]).unwrap().into_iter().map(|row| row.text).collect();
    assert_eq!(history, ["the other", "mine"]);
    catalog.abandon_trash(batch, &["/photos/000002.jpg".into(), "/photos/000003.jpg".into()]).unwrap();
    assert_eq!(catalog.caption_history(ids[0]).unwrap().len(), 1);
    assert_eq!(catalog.last_trashed().unwrap(), None);
}

#[test]
fn a_copy_that_goes_leaves_its_photo_and_is_no_photo_without_a_place() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = open(&dir);
    let twice =
        NewPhoto { locations: vec![location("/a/one.jpg"), location("/b/one.jpg")], ..photo_at(1, "/a/one.jpg") };
    let ids = commit(&catalog, vec![twice, photo(2)]);
    assert_eq!(catalog.photos_with_copies().unwrap(), [ids[0]]);
    let places = catalog.locations_of(ids[0]).unwrap();
    assert_eq!(
        places.iter().map(|(_, place)| place.path.clone()).collect::<Vec<_>>(),
        ["/a/one.jpg", "/b/one.jpg"].map(PathBuf::from)
    );
    let batch = catalog.begin_trash(None, &[to_trash("/b/one.jpg", ids[0], ids[0])]).unwrap();
    // A companion lies nowhere of its own.
    assert_eq!(catalog.begin_trash(Some(batch), &[to_trash("/b/one.jpg.xmp", ids[0], ids[0])]).unwrap(), batch);
    catalog.end_trash(&["/b/one.jpg".into(), "/b/one.jpg.xmp".into()]).unwrap();
    assert!(catalog.photos_with_copies().unwrap().is_empty());
    assert_eq!(catalog.last_trashed().unwrap().unwrap().1.len(), 2);
    catalog.untrash(batch, &["/b/one.jpg.xmp".into(), "/b/one.jpg".into()]).unwrap();
    assert_eq!(catalog.locations_of(ids[0]).unwrap().len(), 2);
    assert_eq!(catalog.known("/b/one.jpg.xmp".as_ref()).unwrap(), None);
    assert_ne!(catalog.begin_trash(None, &[to_trash("/b/one.jpg", ids[0], ids[0])]).unwrap().0, 0);
}
