//! A library damaged in every way that we could think of is found to be, and made sound again.
#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use std::path::{Path, PathBuf};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use rusqlite::Connection;
use sightline_catalog::{
    Catalog, CatalogError, CheckReport, NewCaption, NewVersion, Overwrite, PhotoId, RepairReport, Verdict,
};
use support::{commit, hash, open, photo};

const PAGE: usize = 8192;
const PHOTOS: u32 = 300;

fn go_on(_: &str, _: u64, _: u64) -> bool {
    true
}

fn file(dir: &Path) -> PathBuf {
    dir.join(Catalog::FILE)
}

fn check(dir: &Path) -> Result<CheckReport, CatalogError> {
    Catalog::check_in(dir, &mut go_on)
}

fn repair(dir: &Path) -> Result<RepairReport, CatalogError> {
    Catalog::repair(dir, &mut go_on)
}

fn caption(number: i64) -> NewCaption {
    NewCaption { author: sightline_catalog::CaptionAuthor::Person, ..NewCaption::of_file(&words(number)) }
}

/// A caption long enough that they fill some pages.
fn words(number: i64) -> String {
    format!("Rex number{number} {}", "in the river ".repeat(10))
}

/// A library with something of everything, in one file.
fn library() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let catalog = open(&dir);
    let photos = (0..PHOTOS).map(|number| {
        let mut photo = photo(number);
        photo.facts.taken_at = Some(format!("2021-06-30T12:{:02}:{:02}", number / 60, number % 60));
        photo.thumbnail_jpeg.resize(9_000, number as u8);
        photo.fingerprint = Some(u64::from(number) << 40);
        photo
    });
    let ids = commit(&catalog, photos.collect());
    let (rex, rivers) = (catalog.create_album("Rex").unwrap(), catalog.create_album("Rivers").unwrap());
    catalog.add_to_album(rex, &ids[..100]).unwrap();
    catalog.add_to_album(rivers, &ids[50..250]).unwrap();
    for id in &ids[..200] {
        catalog.put_caption(*id, &caption(id.0), Overwrite::All).unwrap();
        catalog.add_keyword(*id, "dog").unwrap();
    }
    catalog.answer(ids[0], "Rex", Verdict::Yes).unwrap();
    catalog.add_version(&NewVersion { facts: "{}".into(), weights: vec![7; 100_000] }).unwrap();
    catalog.set_setting("language", "zh").unwrap();
    drop(catalog);
    settle(dir.path());
    dir
}

/// Readers that close last leave the log; this brings it all into one file.
fn settle(dir: &Path) {
    let connection = Connection::open(file(dir)).unwrap();
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
}

fn copy_of(bytes: &[u8]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(file(dir.path()), bytes).unwrap();
    dir
}

/// What a person made, in numbers: albums, photos in them, captions, keywords, answers, versions, settings.
fn made(dir: &Path) -> [i64; 7] {
    let connection = Connection::open(file(dir)).unwrap();
    ["album", "album_photo", "caption", "keyword", "verdict", "version", "setting"]
        .map(|table| connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap())
}

fn assert_sound(dir: &Path) {
    assert_eq!(check(dir).unwrap().faults, Vec::<String>::new());
    let catalog = Catalog::open(dir).unwrap();
    commit(&catalog, vec![photo(PHOTOS + 1)]);
    catalog.status().unwrap();
    drop(catalog);
    settle(dir);
}

/// What is found after `sql` has been at a library, after a repair of which everything of a person's is still there.
fn mended(sql: &str) -> RepairReport {
    let dir = library();
    let before = made(dir.path());
    let connection = Connection::open(file(dir.path())).unwrap();
    connection.execute_batch(&format!("PRAGMA foreign_keys = OFF; PRAGMA writable_schema = ON; {sql}")).unwrap();
    drop(connection);
    let faults = check(dir.path()).unwrap().faults;
    assert!(!faults.is_empty(), "{sql}");
    let report = repair(dir.path()).unwrap();
    assert_eq!(report.faults, faults);
    assert_eq!(made(dir.path()), before, "{sql}: {report:?}");
    assert_sound(dir.path());
    let kept = report.kept.as_ref().unwrap();
    assert_eq!(check_of(kept).faults, faults, "the copy kept is as it was");
    report
}

fn check_of(file: &Path) -> CheckReport {
    check(copy_of(&std::fs::read(file).unwrap()).path()).unwrap()
}

#[test]
fn a_sound_library_is_left_as_it_is() {
    let dir = library();
    assert!(check(dir.path()).unwrap().is_well());
    let before = std::fs::read(file(dir.path())).unwrap();
    assert_eq!(repair(dir.path()).unwrap(), RepairReport::default());
    assert!(std::fs::read(file(dir.path())).unwrap() == before);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().filter(|entry| is_copy(entry.as_ref().unwrap())).count(), 0);
    let nothing = tempfile::tempdir().unwrap();
    assert_eq!(check(nothing.path()).unwrap_err().code(), "library_missing");
    assert_eq!(repair(nothing.path()).unwrap_err().code(), "library_missing");
}

fn is_copy(entry: &std::fs::DirEntry) -> bool {
    let name = entry.file_name().into_string().unwrap();
    name.starts_with("catalogue.sqlite.") || name.contains(".part")
}

#[test]
fn rows_that_refer_to_nothing_are_taken_off() {
    let report = mended(
        "INSERT INTO caption (photo_id, text, author) VALUES (5000, 'Rex', 'person');
         INSERT INTO location (path, photo_id, size_bytes, modified_ns) VALUES (x'2f78', 5000, 1, 1);
         INSERT INTO companion (path, main, kind, size_bytes, modified_ns) VALUES (x'2f79', x'2f78', 'raw', 1, 1);
         INSERT INTO album_photo (album_id, photo_id) VALUES (77, 1);",
    );
    assert_eq!(report.faults.len(), 3, "{report:?}");
    for table in ["album_photo", "caption", "companion", "location"] {
        let sentence = format!("rows of {table} taken off that referred to what is not there: 1");
        assert!(report.mended.contains(&sentence), "{report:?}");
    }
    assert_eq!(report.salvage, None);
}

#[test]
fn vectors_that_no_search_can_use_are_taken_off_to_be_computed_anew() {
    let dir = library();
    let connection = Connection::open(file(dir.path())).unwrap();
    connection.execute_batch("UPDATE vector SET data = x'0000' WHERE photo_id = 3").unwrap();
    connection
        .execute_batch("UPDATE vector SET data = x'0000000000000000000000000000ff7f' WHERE photo_id = 7")
        .unwrap();
    drop(connection);
    assert_eq!(check(dir.path()).unwrap().faults.len(), 2);
    let report = repair(dir.path()).unwrap();
    assert!(report.mended[0].ends_with("computes anew: 2"), "{report:?}");
    let catalog = open(&dir);
    let without: Vec<_> =
        catalog.photos_without_vector(&support::model()).unwrap().into_iter().map(|row| row.0).collect();
    assert_eq!(without, [3, 7].map(PhotoId));
    assert!(catalog.check().unwrap().is_well());
}

#[test]
fn words_are_made_anew_from_captions_and_keywords() {
    for damage in [
        "DELETE FROM words WHERE rowid = 3",
        "UPDATE words SET caption = 'a cat' WHERE rowid = 3",
        "INSERT INTO words (rowid, caption) VALUES (5000, 'a ghost')",
        "DELETE FROM words_data WHERE id > 10",
        "UPDATE words_data SET block = zeroblob(50) WHERE id > 10",
        "DELETE FROM words_config",
        "DROP TABLE words_content",
        "DELETE FROM words_docsize",
    ] {
        let dir = library();
        let before = made(dir.path());
        let connection = Connection::open(file(dir.path())).unwrap();
        connection.pragma_update(None, "writable_schema", true).unwrap();
        connection.execute_batch(damage).unwrap();
        drop(connection);
        assert!(!check(dir.path()).unwrap().is_well(), "{damage}");
        repair(dir.path()).unwrap();
        assert_eq!(made(dir.path()), before, "{damage}");
        assert_sound(dir.path());
        let found = Catalog::open(dir.path()).unwrap().with_words(&["number3", "rivers"]).unwrap();
        assert_eq!(found.len(), 1, "{damage}");
        assert_eq!(found[0], PhotoId(3));
    }
}

#[test]
fn a_path_that_is_a_photo_and_a_problem_is_a_photo() {
    let report = mended(
        "INSERT INTO problem (path, code, reason, size_bytes, modified_ns)
         SELECT path, 'broken', 'ends too early', 1, 1 FROM location WHERE id < 3;",
    );
    assert_eq!(report.faults, ["files that are listed both as a photo and as a problem: 2"]);
    assert!(report.mended.contains(&"readable files taken off the list of problems: 2".into()), "{report:?}");
}

/// The pages of a table or index.
fn pages_of(dir: &Path, name: &str) -> Vec<usize> {
    let connection = Connection::open(file(dir)).unwrap();
    let mut statement = connection.prepare("SELECT pageno - 1 FROM dbstat WHERE name = ?1 ORDER BY pageno").unwrap();
    let pages = statement.query_map([name], |row| row.get::<_, i64>(0)).unwrap();
    pages.map(|page| page.unwrap() as usize).collect()
}

#[test]
fn an_index_that_is_damaged_or_disagrees_costs_nothing() {
    let report = mended(
        "UPDATE sqlite_schema SET sql = replace(sql, '(taken_at)', '(camera)') WHERE name = 'photo_taken_at';
         UPDATE sqlite_schema SET rootpage = rootpage WHERE name = 'photo_taken_at'",
    );
    assert!(report.faults.iter().any(|fault| fault.contains("photo_taken_at")), "{report:?}");
    for index in ["photo_taken_at", "sqlite_autoindex_photo_1", "location_photo", "album_photo_photo", "vector_model"] {
        let dir = library();
        let before = made(dir.path());
        let pages = pages_of(dir.path(), index);
        let mut bytes = std::fs::read(file(dir.path())).unwrap();
        for page in pages {
            bytes[page * PAGE..(page + 1) * PAGE].fill(0);
        }
        std::fs::write(file(dir.path()), bytes).unwrap();
        assert!(!check(dir.path()).unwrap().is_well(), "{index}");
        let report = repair(dir.path()).unwrap();
        assert_eq!(made(dir.path()), before, "{index}: {report:?}");
        assert_sound(dir.path());
        assert_eq!(Catalog::open(dir.path()).unwrap().status().unwrap().photos, u64::from(PHOTOS) + 1);
    }
}

#[test]
fn whichever_page_is_damaged_no_more_is_lost_than_was_on_it() {
    let whole = library();
    let bytes = std::fs::read(file(whole.path())).unwrap();
    let before = made(whole.path());
    // The most rows of a table that a page holds; albums, photos and places stand in their indexes too.
    let on_a_page = [0, 300, 50, 200, 1, 1, 1];
    let pages_of_thumbnails = pages_of(whole.path(), "thumbnail");
    let mut salvaged = 0;
    for page in 1..bytes.len() / PAGE {
        // Most are thumbnails, one like the other.
        if page % 20 != 0 && pages_of_thumbnails.contains(&page) {
            continue;
        }
        let garbage = page % 2 == 0;
        let mut damaged = bytes.clone();
        for (place, byte) in damaged[page * PAGE..(page + 1) * PAGE].iter_mut().enumerate() {
            *byte = if garbage { (place * 7 + page) as u8 ^ 0x5a } else { 0 };
        }
        let dir = copy_of(&damaged);
        let well = check(dir.path()).unwrap().is_well();
        let report = repair(dir.path()).unwrap_or_else(|error| panic!("page {page}: {error}"));
        assert_eq!(well, report.kept.is_none(), "page {page}");
        if well {
            continue;
        }
        let kept = std::fs::read(report.kept.as_ref().unwrap()).unwrap();
        assert!(kept[PAGE..] == damaged[PAGE..], "page {page}: the damaged library is kept as it was");
        salvaged += usize::from(report.salvage.is_some());
        assert_sound(dir.path());
        for ((now, before), most) in made(dir.path()).into_iter().zip(before).zip(on_a_page) {
            assert!(now >= before - most && now <= before, "page {page}: {:?} {report:?}", made(dir.path()));
        }
        let photos = Catalog::open(dir.path()).unwrap().status().unwrap().photos;
        assert!(photos > u64::from(PHOTOS), "page {page}: {photos} photos {report:?}");
    }
    assert!(salvaged > 20, "{salvaged} files were made anew");
}

#[test]
fn albums_and_captions_of_photos_whose_own_rows_are_lost_are_kept() {
    let dir = library();
    let before = made(dir.path());
    let pages = pages_of(dir.path(), "photo");
    assert!(pages.len() > 2, "{pages:?}");
    let mut bytes = std::fs::read(file(dir.path())).unwrap();
    for page in &pages {
        bytes[page * PAGE..(page + 1) * PAGE].fill(0);
    }
    std::fs::write(file(dir.path()), bytes).unwrap();
    let report = repair(dir.path()).unwrap();
    let salvage = report.salvage.unwrap();
    let photos = salvage.tables.iter().find(|table| table.table == "photo").unwrap();
    assert_eq!((photos.saved, photos.rebuilt, photos.lost), (PHOTOS.into(), PHOTOS.into(), 0));
    assert_eq!(salvage.read_again, PHOTOS.into());
    assert_eq!(made(dir.path()), before);
    let catalog = open(&dir);
    assert_eq!(catalog.caption(PhotoId(3)).unwrap().unwrap().text, words(3));
    // Their files are read again, and are the same photos.
    assert_eq!(catalog.by_hash(&hash(2)).unwrap(), Some(PhotoId(3)));
    assert_eq!(catalog.read_before(&hash(2)).unwrap(), None);
    assert_eq!(commit(&catalog, vec![photo(2)]), [PhotoId(3)]);
    assert_eq!(catalog.read_before(&hash(2)).unwrap(), Some(PhotoId(3)));
    assert_eq!(catalog.photo(PhotoId(3)).unwrap().unwrap().width, 4000);
    assert_eq!(catalog.caption(PhotoId(3)).unwrap().unwrap().text, words(3));
}

#[test]
fn a_library_without_its_head_is_saved_and_a_diary_is_left_alone() {
    let whole = library();
    let before = made(whole.path());
    let mut bytes = std::fs::read(file(whole.path())).unwrap();
    // Its header, and the whole first page, which says what is where.
    for length in [100, PAGE] {
        bytes[..length].fill(0);
        let dir = copy_of(&bytes);
        assert_eq!(check(dir.path()).unwrap_err().code(), "not_a_catalogue");
        let report = repair(dir.path()).unwrap();
        assert_eq!(made(dir.path()), before, "{report:?}");
        assert_sound(dir.path());
        assert!(std::fs::read(report.kept.unwrap()).unwrap() == bytes);
    }
    let texts = [b"this is my diary. ".repeat(1000), vec![0; 3], vec![0; 100 * PAGE]];
    for text in texts {
        let dir = copy_of(&text);
        let error = repair(dir.path()).unwrap_err();
        assert_eq!(error.code(), "beyond_repair", "{error}");
        assert!(error.to_string().contains("restore"), "{error}");
        assert!(error.to_string().starts_with(file(dir.path()).to_str().unwrap()), "{error}");
        assert!(std::fs::read(file(dir.path())).unwrap() == text);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }
    // Other programs' databases, and those of later releases.
    let dir = tempfile::tempdir().unwrap();
    Connection::open(file(dir.path())).unwrap().execute_batch("CREATE TABLE accounts (id INTEGER)").unwrap();
    assert_eq!(repair(dir.path()).unwrap_err().code(), "not_a_catalogue");
    Connection::open(file(whole.path())).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let error = repair(whole.path()).unwrap_err();
    assert_eq!(error.code(), "catalogue_too_new");
    assert!(error.to_string().starts_with(file(whole.path()).to_str().unwrap()), "{error}");
}

#[test]
fn a_file_that_was_cut_keeps_what_is_before_the_cut() {
    let whole = library();
    let bytes = std::fs::read(file(whole.path())).unwrap();
    for length in [bytes.len() - 1, bytes.len() - PAGE, bytes.len() * 3 / 4, bytes.len() / 2] {
        let dir = copy_of(&bytes[..length]);
        let faults = check(dir.path()).unwrap().faults;
        assert_eq!(faults.len(), 1, "cut at {length}: {faults:?}");
        let report = repair(dir.path()).unwrap();
        assert_eq!(report.faults, faults);
        assert_sound(dir.path());
        assert!(std::fs::read(report.kept.unwrap()).unwrap().len() >= length / PAGE * PAGE);
    }
}

#[test]
fn a_damaged_library_of_an_old_schema_is_saved_and_brought_up_to_date() {
    let dir = tempfile::tempdir().unwrap();
    let connection = Connection::open(file(dir.path())).unwrap();
    connection.execute_batch(include_str!("fixtures/schema-4.sql")).unwrap();
    let page_bytes: i64 = connection.pragma_query_value(None, "page_size", |row| row.get(0)).unwrap();
    drop(connection);
    let page = pages_of(dir.path(), "job")[0];
    let mut bytes = std::fs::read(file(dir.path())).unwrap();
    let page_bytes = page_bytes as usize;
    bytes[page * page_bytes..(page + 1) * page_bytes].fill(0xff);
    std::fs::write(file(dir.path()), bytes).unwrap();
    let report = repair(dir.path()).unwrap();
    assert!(report.salvage.is_some(), "{report:?}");
    let catalog = open(&dir);
    assert!(catalog.check().unwrap().is_well());
    assert_eq!(catalog.versions().unwrap().len(), 2);
    assert_eq!(catalog.caption(PhotoId(1)).unwrap().unwrap().text, "Rex in the river");
}

#[test]
fn a_library_in_use_is_not_repaired_and_a_repair_stopped_anywhere_changes_nothing() {
    let dir = library();
    let page = pages_of(dir.path(), "caption")[1];
    let mut bytes = std::fs::read(file(dir.path())).unwrap();
    bytes[page * PAGE..(page + 1) * PAGE].fill(0);
    std::fs::write(file(dir.path()), &bytes).unwrap();
    let user = Connection::open(file(dir.path())).unwrap();
    user.query_row("SELECT count(*) FROM setting", [], |_| Ok(())).unwrap();
    assert_eq!(repair(dir.path()).unwrap_err().code(), "library_in_use");
    drop(user);
    settle(dir.path());
    let before = std::fs::read(file(dir.path())).unwrap();
    for steps in 0.. {
        let mut left = steps;
        let mut stop = |_: &str, done, total| {
            left -= i32::from(done < total || total == 0);
            left >= 0
        };
        match Catalog::repair(dir.path(), &mut stop) {
            Err(error) => assert_eq!(error.code(), "cancelled"),
            Ok(_) => break,
        }
        assert!(std::fs::read(file(dir.path())).unwrap()[PAGE..] == before[PAGE..], "stopped after {steps} steps");
    }
    assert_sound(dir.path());
}

#[test]
fn damage_at_random_ends_in_a_sound_library_or_in_the_one_that_was() {
    let whole = tempfile::tempdir().unwrap();
    let catalog = open(&whole);
    let ids = commit(&catalog, (0..60).map(photo).collect());
    let rex = catalog.create_album("Rex").unwrap();
    catalog.add_to_album(rex, &ids).unwrap();
    for id in &ids {
        catalog.put_caption(*id, &caption(id.0), Overwrite::All).unwrap();
    }
    drop(catalog);
    settle(whole.path());
    let bytes = std::fs::read(file(whole.path())).unwrap();
    let mut random = StdRng::seed_from_u64(20_261_126);
    let mut repaired = 0;
    for round in 0..120 {
        let mut damaged = bytes.clone();
        // From a few bytes to most pages.
        for _ in 0..1 << (round % 10) {
            let at = random.random_range(0..damaged.len());
            damaged[at] = random.random();
        }
        let dir = copy_of(&damaged);
        match repair(dir.path()) {
            Ok(report) => {
                repaired += usize::from(report.kept.is_some());
                assert_eq!(check(dir.path()).unwrap().faults, Vec::<String>::new(), "round {round}");
            }
            Err(error) => {
                let expected = ["beyond_repair", "not_a_catalogue", "catalogue_too_new"];
                assert!(expected.contains(&error.code()), "round {round}: {error:?}");
                assert!(std::fs::read(file(dir.path())).unwrap()[PAGE..] == damaged[PAGE..], "round {round}");
            }
        }
    }
    assert!(repaired > 60, "{repaired} were repaired");
}
