//! What a catalogue promises of captions.
#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use sightline_catalog::{Batch, CaptionAuthor, Catalog, NewCaption, Overwrite, PhotoId};
use support::{commit, forget, open, photo_at};

fn caption(text: &str, author: CaptionAuthor, confidence: f64) -> NewCaption {
    let machine = author == CaptionAuthor::Machine;
    NewCaption {
        text: text.into(),
        author,
        model: machine.then(|| "m".into()),
        settings: machine.then(|| "beam 3".into()),
        confidence: machine.then_some(confidence),
    }
}

fn machine(text: &str, confidence: f64) -> NewCaption {
    caption(text, CaptionAuthor::Machine, confidence)
}

fn person(text: &str) -> NewCaption {
    caption(text, CaptionAuthor::Person, 0.0)
}

fn text(catalog: &Catalog, photo: PhotoId) -> Option<String> {
    catalog.caption(photo).unwrap().map(|row| row.text)
}

fn found(catalog: &Catalog, words: &[&str]) -> Vec<PhotoId> {
    catalog.with_words(words).unwrap()
}

#[test]
fn what_a_person_wrote_is_only_replaced_on_demand_and_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = open(&dir);
    let photo = commit(&catalog, vec![photo_at(1, "/p/1.jpg")])[0];
    assert!(catalog.put_caption(photo, &machine("A dog.", -0.5), Overwrite::Never).unwrap());
    assert!(!catalog.put_caption(photo, &machine("A hound.", -0.4), Overwrite::Never).unwrap());
    assert!(catalog.put_caption(photo, &machine("A hound.", -0.4), Overwrite::Machine).unwrap());
    assert!(catalog.put_caption(photo, &person("Rex"), Overwrite::All).unwrap());
    assert!(!catalog.put_caption(photo, &machine("A cat.", -0.1), Overwrite::Machine).unwrap());
    assert_eq!(text(&catalog, photo).unwrap(), "Rex");
    assert!(catalog.put_caption(photo, &machine("A cat.", -0.1), Overwrite::All).unwrap());
    assert_eq!(text(&catalog, photo).unwrap(), "A cat.");
    for before in ["Rex", "A hound.", "A dog."] {
        assert!(catalog.undo_caption(photo).unwrap());
        assert_eq!(text(&catalog, photo).unwrap(), before);
    }
    assert!(catalog.undo_caption(photo).unwrap());
    assert_eq!(text(&catalog, photo), None);
    assert!(!catalog.undo_caption(photo).unwrap());
    let history = catalog.caption_history(photo).unwrap();
    assert_eq!(
        history.iter().map(|row| row.text.as_str()).collect::<Vec<_>>(),
        ["A cat.", "Rex", "A hound.", "A dog."]
    );
    assert!(history.iter().all(|row| row.undone));
    assert_eq!((history[0].model.as_deref(), history[0].confidence), (Some("m"), Some(-0.1)));
    assert_eq!((history[1].model.as_deref(), history[1].confidence), (None, None));
}

#[test]
fn only_the_words_of_current_captions_find_photos() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = open(&dir);
    let ids = commit(&catalog, vec![photo_at(1, "/p/1.jpg"), photo_at(2, "/p/2.jpg"), photo_at(3, "/p/3.jpg")]);
    catalog
        .put_captions(
            &[(ids[0], machine("A dog swims in the river.", -0.5)), (ids[1], person("Café \"Rivière\", NOT here"))],
            Overwrite::Never,
        )
        .unwrap();
    assert_eq!(found(&catalog, &["rivers", "dogs"]), ids[..1]);
    assert_eq!(found(&catalog, &["dog", "lake"]), []);
    assert_eq!(found(&catalog, &["cafe"]), ids[1..2]);
    assert_eq!(catalog.not_only_by_a_model(&["cafe"], &ids[..2]).unwrap(), ids[1..2]);
    assert_eq!(catalog.not_only_by_a_model(&["dog"], &ids[..1]).unwrap(), []);
    // What looks like an operator is a word.
    for odd in ["\"", "NOT", "*", "riviere\" OR \"dog", "text:dog", "(", "-"] {
        assert!(catalog.with_words(&[odd]).is_ok(), "{odd}");
    }
    assert_eq!(found(&catalog, &["NOT"]), ids[1..2]);
    catalog.put_caption(ids[0], &person("Rex"), Overwrite::All).unwrap();
    assert_eq!(found(&catalog, &["dog"]), []);
    catalog.undo_caption(ids[0]).unwrap();
    assert_eq!(found(&catalog, &["dog"]), ids[..1]);
    // The file is gone, and then the photo.
    forget(&catalog, &["/p/1.jpg".into(), "/p/2.jpg".into()]);
    assert_eq!(found(&catalog, &["dog"]), []);
    catalog.collect_garbage(1_000, 10).unwrap();
    assert_eq!(catalog.collect_garbage(2_000, 10).unwrap(), 1, "a person's words are kept");
    assert_eq!(commit(&catalog, vec![photo_at(2, "/q/2.jpg")]), ids[1..2]);
    assert_eq!(text(&catalog, ids[1]).unwrap(), "Café \"Rivière\", NOT here");
    let again = commit(&catalog, vec![photo_at(1, "/q/1.jpg")])[0];
    assert_eq!((text(&catalog, again), found(&catalog, &["dog"])), (None, vec![]));
}

#[test]
fn the_least_certain_captions_of_the_model_are_reviewed_first() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = open(&dir);
    let ids = commit(&catalog, (1..=4).map(|n| photo_at(n, &format!("/p/{n}.jpg"))).collect());
    for (photo, confidence) in ids.iter().zip([-0.5, -2.0, -1.0]) {
        catalog.put_caption(*photo, &machine("A dog.", confidence), Overwrite::Never).unwrap();
    }
    assert_eq!(catalog.captions_to_review(10).unwrap(), [ids[1], ids[2], ids[0]]);
    assert_eq!(catalog.captions_to_review(1).unwrap(), [ids[1]]);
    catalog.put_caption(ids[1], &person("A cat."), Overwrite::Machine).unwrap();
    assert_eq!(catalog.captions_to_review(10).unwrap(), [ids[2], ids[0]]);
    assert_eq!(catalog.captionable(&ids, Overwrite::Never, "n", "beam 3").unwrap(), ids[3..]);
    assert_eq!(catalog.captionable(&ids, Overwrite::Machine, "n", "beam 3").unwrap(), [ids[0], ids[2], ids[3]]);
    assert_eq!(catalog.captionable(&ids, Overwrite::All, "n", "beam 3").unwrap(), ids);
    let again = catalog.captionable(&ids, Overwrite::All, "m", "beam 3").unwrap();
    assert_eq!(again, [ids[1], ids[3]], "what the same model has written needs no second time");
}

#[test]
fn a_guess_is_no_caption_and_stands_in_nobodys_way() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = open(&dir);
    let ids = commit(&catalog, (1..=3).map(|n| photo_at(n, &format!("/p/{n}.jpg"))).collect());
    let guess = |text: &str| NewCaption { confidence: None, ..machine(text, 0.0) };
    catalog.put_caption(ids[0], &machine("A dog on the floor.", -0.5), Overwrite::Never).unwrap();
    assert!(catalog.put_caption(ids[0], &guess("A black dog."), Overwrite::Machine).unwrap());
    assert_eq!((text(&catalog, ids[0]), found(&catalog, &["dog"])), (None, vec![]));
    let now = catalog.current_version(ids[0]).unwrap().unwrap();
    assert!(now.is_guess() && now.text == "A black dog.");
    assert!(!catalog.put_caption(ids[0], &guess("A black dog."), Overwrite::Machine).unwrap(), "once is enough");
    assert_eq!(catalog.caption_history(ids[0]).unwrap().len(), 2);
    // It is not worked out again, and is reviewed before what the model is surer of.
    assert_eq!(catalog.captionable(&ids, Overwrite::Never, "m", "beam 3").unwrap(), ids[1..]);
    assert_eq!(catalog.captionable(&ids, Overwrite::Never, "n", "beam 3").unwrap(), ids);
    catalog.put_caption(ids[1], &machine("A cat.", -2.0), Overwrite::Never).unwrap();
    assert_eq!(catalog.captions_to_review(10).unwrap(), [ids[0], ids[1]]);
    // What a person said stays, whatever is asked for.
    catalog.put_caption(ids[2], &person("Rex"), Overwrite::Never).unwrap();
    assert!(!catalog.put_caption(ids[2], &guess("A dog."), Overwrite::All).unwrap());
    assert_eq!(text(&catalog, ids[2]).unwrap(), "Rex");
    assert_eq!(catalog.check().unwrap().faults, Vec::<String>::new());
    // Taken back, the sentence before it is there again; and a better one takes a guess's place.
    catalog.undo_caption(ids[0]).unwrap();
    assert_eq!(
        (text(&catalog, ids[0]).unwrap().as_str(), found(&catalog, &["dog"])),
        ("A dog on the floor.", vec![ids[0]])
    );
    catalog.put_caption(ids[0], &guess("A cup."), Overwrite::Machine).unwrap();
    assert!(catalog.put_caption(ids[0], &machine("A cup of coffee.", -0.3), Overwrite::Never).unwrap());
    assert_eq!(found(&catalog, &["coffee"]), [ids[0]]);
}

#[test]
fn captions_of_unknown_photos_are_refused_as_a_whole() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = open(&dir);
    let photo = commit(&catalog, vec![photo_at(1, "/p/1.jpg")])[0];
    let both = [(photo, person("a")), (PhotoId(99), person("b"))];
    assert_eq!(catalog.put_captions(&both, Overwrite::All).unwrap_err().code(), "photo_unknown");
    assert_eq!(text(&catalog, photo), None);
}

#[test]
fn a_word_inside_a_text_without_blanks_finds_the_photo() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = open(&dir);
    let captions = [
        "外婆在公园里遛一只牧羊犬",
        "公園で三毛猫が寝ている",
        "หาดทรายในภูเก็ต",
        "공원에서 강아지가 뛰어논다",
        "Ein Hund läuft am Strand",
        "Бабушка гуляет с собакой",
        "Une e\u{301}te\u{301} a\u{300} la plage",
        "ດອກໄມ້ໃນສວນ",
    ];
    let photos = (1..=8).map(|number| photo_at(number, &format!("/p/{number}.jpg"))).collect();
    let ids = commit(&catalog, photos);
    let rows: Vec<_> = ids.iter().zip(captions).map(|(id, text)| (*id, person(text))).collect();
    catalog.put_captions(&rows, Overwrite::Never).unwrap();
    for (word, photo) in [
        (captions[0], 0),
        ("牧羊犬", 0),
        ("公园", 0),
        ("犬", 0),
        ("外", 0),
        ("三毛猫", 1),
        ("猫", 1),
        ("寝ている", 1),
        ("ภูเก็ต", 2),
        ("ทราย", 2),
        ("강아지", 3),
        ("\u{1100}\u{1161}\u{11bc}\u{110b}\u{1161}\u{110c}\u{1175}", 3),
        ("strand", 4),
        ("la\u{308}uft", 4),
        ("собакой", 5),
        ("été", 6),
        ("ສວນ", 7),
    ] {
        assert_eq!(found(&catalog, &[word]), ids[photo..=photo], "{word}");
    }
    // Letters that stand apart, and those of two sentences, are no word.
    for no in ["外公", "犬牧", "猫公園", "ภูต"] {
        assert_eq!(found(&catalog, &[no]), [], "{no}");
    }
    assert!(catalog.check().unwrap().is_well());
}

#[test]
fn a_file_is_found_by_its_name_and_by_the_beginning_of_its_words() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = open(&dir);
    let paths = ["/p/TC_00715.jpg", "/p/100_2550.JPG", "/p/catching.jpg", "/p/家族旅行.jpg"];
    let photos = (1..).zip(paths).map(|(number, path)| photo_at(number, path)).collect();
    let ids = commit(&catalog, photos);
    let named = |words: &[&str]| catalog.with_words_or_names(words).unwrap();
    for (words, photo) in [
        (vec!["tc", "00715"], 0),
        (vec!["00715"], 0),
        (vec!["007"], 0),
        (vec!["100", "2550", "jpg"], 1),
        (vec!["catch"], 2),
        (vec!["旅行"], 3),
    ] {
        assert_eq!(named(&words), ids[photo..=photo], "{words:?}");
    }
    assert_eq!(named(&["jpg"]), [], "nobody names a photo by its format");
    assert_eq!(named(&["cat"]), [], "too short for a beginning");
    // Another name.
    let location = photo_at(1, "/p/boat.jpg").locations.remove(0);
    catalog.commit_batch(&Batch { moves: vec![(location, ids[0])], ..Batch::default() }).unwrap();
    assert_eq!(named(&["boat"]), ids[..1]);
    assert_eq!(found(&catalog, &["boat"]), [], "a name is no caption");
}
