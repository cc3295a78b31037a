//! Libraries of every earlier release open, with all that was in them.
#![allow(clippy::unwrap_used, reason = "a test may")]

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::Connection;
use sightline_catalog::{
    AlbumId, CaptionAuthor, Catalog, DateSource, Filter, JobState, ModelKey, PhotoId, Reading, Verdict, VersionId,
};

/// One fixture a schema version, the first first.
const FIXTURES: [&str; 12] = [
    include_str!("fixtures/schema-1.sql"),
    include_str!("fixtures/schema-2.sql"),
    include_str!("fixtures/schema-3.sql"),
    include_str!("fixtures/schema-4.sql"),
    include_str!("fixtures/schema-5.sql"),
    include_str!("fixtures/schema-6.sql"),
    include_str!("fixtures/schema-7.sql"),
    include_str!("fixtures/schema-8.sql"),
    include_str!("fixtures/schema-9.sql"),
    include_str!("fixtures/schema-10.sql"),
    include_str!("fixtures/schema-11.sql"),
    include_str!("fixtures/schema-12.sql"),
];

fn library(fixture: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let file = Connection::open(dir.path().join(Catalog::FILE)).unwrap();
    file.execute_batch(fixture).unwrap();
    dir
}

/// Everything that defines the schema, blanks aside.
fn schema(dir: &Path) -> Vec<(String, String, String)> {
    let file = Connection::open(dir.join(Catalog::FILE)).unwrap();
    let sql = "SELECT type, name, coalesce(sql, '') FROM sqlite_schema ORDER BY type, name";
    let mut statement = file.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| {
        let sql: String = row.get(2)?;
        Ok((row.get(0)?, row.get(1)?, sql.split_whitespace().collect::<Vec<_>>().join(" ")))
    });
    rows.unwrap().collect::<Result<_, _>>().unwrap()
}

#[test]
fn an_old_library_becomes_what_a_new_one_is() {
    let new = tempfile::tempdir().unwrap();
    drop(Catalog::open(new.path()).unwrap());
    for (version, fixture) in (1..).zip(FIXTURES) {
        let old = library(fixture);
        drop(Catalog::open(old.path()).unwrap());
        assert_eq!(schema(old.path()), schema(new.path()), "from schema {version}");
    }
}

#[test]
fn there_is_a_fixture_of_every_version() {
    let dir = tempfile::tempdir().unwrap();
    drop(Catalog::open(dir.path()).unwrap());
    let file = Connection::open(dir.path().join(Catalog::FILE)).unwrap();
    let version: u32 = file.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(FIXTURES.len(), version as usize);
}

#[test]
fn a_library_of_schema_1_keeps_everything() {
    let dir = library(FIXTURES[0]);
    let catalog = Catalog::open(dir.path()).unwrap();
    assert!(catalog.check().unwrap().is_well());
    let row = catalog.photo(PhotoId(1)).unwrap().unwrap();
    assert_eq!((row.width, row.height, row.orientation, row.size_bytes), (4000, 3000, 6, 1234));
    assert_eq!(row.taken_at.as_deref(), Some("2021-06-30T12:00:00+02:00"));
    assert_eq!((row.camera.as_deref(), row.lens.as_deref()), (Some("FUJIFILM X100V"), Some("23 mm")));
    assert_eq!((row.latitude, row.longitude, row.format.as_str()), (Some(38.7), Some(-9.1), "jpeg"));
    assert_eq!(catalog.by_hash(&[5; 32]).unwrap(), Some(PhotoId(5)));
    assert_eq!(catalog.paths_of(PhotoId(1)).unwrap(), ["/photos/a.jpg", "/photos/copy.jpg"].map(PathBuf::from));
    assert_eq!(catalog.known_under("/photos".as_ref()).unwrap().len(), 4);
    let index = catalog.load_vectors(&ModelKey("home-1".into()), 4).unwrap();
    assert_eq!(index.ids(), [1, 2].map(PhotoId));
    assert_eq!(index.vector(PhotoId(1)).unwrap(), [1.0, 0.5, -2.0, 0.0]);
    assert_eq!(catalog.thumbnail(PhotoId(2)).unwrap().unwrap(), [0xff, 0xd8, 0xff, 0xd9]);
    assert_eq!(catalog.problems().unwrap()[0].code, "broken");
    assert_eq!(catalog.folders().unwrap(), [Path::new("/photos")]);
    assert_eq!(catalog.setting("language").unwrap().as_deref(), Some("zh"));
    let states: Vec<_> = catalog.jobs().unwrap().into_iter().map(|job| job.state).collect();
    // Whoever ran the last one is long dead.
    assert_eq!(states, [JobState::Done, JobState::Failed { code: "disk_full".into() }, JobState::Paused]);
}

#[test]
fn a_library_of_schema_2_keeps_its_albums() {
    let dir = library(FIXTURES[1]);
    let catalog = Catalog::open(dir.path()).unwrap();
    assert!(catalog.check().unwrap().is_well());
    let albums = catalog.albums().unwrap();
    assert_eq!((albums.len(), albums[0].id, albums[0].name.as_str()), (1, AlbumId(3), "Lisbon"));
    assert_eq!((albums[0].photos, albums[0].cover), (2, Some(PhotoId(2))));
}

#[test]
fn a_library_of_schema_3_keeps_its_captions() {
    let dir = library(FIXTURES[2]);
    let catalog = Catalog::open(dir.path()).unwrap();
    assert!(catalog.check().unwrap().is_well());
    let caption = catalog.caption(PhotoId(1)).unwrap().unwrap();
    assert_eq!((caption.text.as_str(), caption.author), ("Rex in the river", CaptionAuthor::Person));
    assert_eq!(catalog.caption_history(PhotoId(1)).unwrap().len(), 2);
    assert_eq!(catalog.caption(PhotoId(2)).unwrap(), None);
    assert_eq!(catalog.with_words(&["rivers"]).unwrap(), [PhotoId(1)]);
    assert_eq!(catalog.not_only_by_a_model(&["rivers"], &[PhotoId(1)]).unwrap(), [PhotoId(1)]);
}

#[test]
fn a_library_of_schema_4_keeps_its_versions() {
    let dir = library(FIXTURES[3]);
    let catalog = Catalog::open(dir.path()).unwrap();
    assert!(catalog.check().unwrap().is_well());
    let names: Vec<_> = catalog.versions().unwrap().into_iter().map(|version| version.name).collect();
    assert_eq!(names, ["v1", "v2"]);
    assert_eq!(catalog.version_weights(VersionId(2)).unwrap(), [3, 4]);
    assert_eq!(catalog.version_in_use().unwrap(), Some(VersionId(2)));
    assert_eq!(catalog.version_before().unwrap(), Some(VersionId(1)));
    let answers: Vec<_> = catalog.answers().unwrap().into_iter().map(|row| (row.photo, row.answer)).collect();
    assert_eq!(answers, [(PhotoId(1), Verdict::Yes), (PhotoId(2), Verdict::No)]);
}

#[test]
fn a_library_of_schema_5_keeps_its_companions() {
    let dir = library(FIXTURES[4]);
    let catalog = Catalog::open(dir.path()).unwrap();
    assert!(catalog.check().unwrap().is_well());
    let paths: Vec<_> = catalog.companions_of(PhotoId(1)).unwrap().into_iter().map(|row| row.path).collect();
    assert_eq!(paths, [PathBuf::from("/photos/a.raf")]);
}

#[test]
fn a_library_of_schema_6_keeps_its_duplicates() {
    let dir = library(FIXTURES[5]);
    let catalog = Catalog::open(dir.path()).unwrap();
    assert!(catalog.check().unwrap().is_well());
    assert_eq!(catalog.fingerprints().unwrap(), [(PhotoId(1), u64::MAX - 1), (PhotoId(2), 0x0123_4567_89ab_cdef)]);
    let pairs = [(1, 2), (2, 2)].map(|(first, second)| (PhotoId(first), PhotoId(second)));
    assert_eq!(catalog.no_duplicates().unwrap(), HashSet::from(pairs));
    let (_, files) = catalog.last_trashed().unwrap().unwrap();
    assert_eq!(files.len(), 1);
    assert_eq!((files[0].path.as_path(), files[0].kept), (Path::new("/photos/copy of a.jpg"), PhotoId(2)));
    // Its photos are to be read anew: nothing is known of their ratings and places.
    let row = catalog.photo(PhotoId(1)).unwrap().unwrap();
    assert_eq!((row.date_source, row.rating, row.place), (Some(DateSource::Exif), None, None));
    assert!(catalog.known_under("/photos".as_ref()).unwrap().values().all(|known| known.reading == Reading::default()));
}

#[test]
fn a_library_of_schema_11_keeps_when_a_files_status_changed() {
    let changed_ns = |fixture: &str| {
        let dir = library(fixture);
        let catalog = Catalog::open(dir.path()).unwrap();
        assert!(catalog.check().unwrap().is_well());
        catalog.known("/photos/a.jpg".as_ref()).unwrap().unwrap().reading.status_changed_ns
    };
    assert_eq!(changed_ns(FIXTURES[10]), Some(1_700_000_000_123_456_789));
    assert_eq!(changed_ns(FIXTURES[9]), None, "to be read with the facts");
}

#[test]
fn a_library_of_schema_12_is_found_by_what_else_a_person_wrote() {
    for (version, fixture) in (1..).zip(FIXTURES).skip(10) {
        let dir = library(fixture);
        let catalog = Catalog::open(dir.path()).unwrap();
        assert!(catalog.check().unwrap().is_well(), "{version}");
        let zumaia = if version >= 12 { vec![PhotoId(1)] } else { Vec::new() };
        assert_eq!(catalog.with_words(&["zumaia"]).unwrap(), zumaia, "{version}");
        assert_eq!(catalog.with_words(&["rivers", "rex"]).unwrap(), [PhotoId(1)], "{version}");
        assert!(catalog.with_words_or_names(&["copy"]).unwrap().contains(&PhotoId(1)), "{version}: a file's name");
    }
}

#[test]
fn a_library_of_schema_7_keeps_ratings_and_places() {
    let dir = library(FIXTURES[6]);
    let catalog = Catalog::open(dir.path()).unwrap();
    assert!(catalog.check().unwrap().is_well());
    let row = catalog.photo(PhotoId(1)).unwrap().unwrap();
    assert_eq!(
        (row.date_source, row.rating, row.place.as_deref()),
        (Some(DateSource::Exif), Some(4), Some("Lisbon, Portugal"))
    );
    let filter = Filter { place: Some("portugal".into()), rating: Some(4..=5), ..Filter::default() };
    assert_eq!(catalog.select(&filter).unwrap(), [PhotoId(1)]);
    let known = catalog.known("/photos/a.jpg".as_ref()).unwrap().unwrap();
    assert_eq!(known.reading, Reading { version: 1, sidecar: Some((321, 9)), status_changed_ns: None });
}

#[test]
fn a_library_of_schema_8_knows_what_lies_nowhere_and_does_without_its_file_of_vectors() {
    let dir = library(FIXTURES[7]);
    let catalog = Catalog::open(dir.path()).unwrap();
    assert!(catalog.check().unwrap().is_well());
    let status = catalog.status().unwrap();
    assert_eq!((status.photos, status.missing), (2, 1));
    let mut index = Arc::new(catalog.load_vectors(&ModelKey("home-1".into()), 4).unwrap());
    assert_eq!(index.ids(), [1, 2].map(PhotoId));
    assert!(!catalog.refresh_vectors(&ModelKey("home-1".into()), &mut index).unwrap());
}

#[test]
fn a_library_of_schema_9_keeps_the_stars_that_a_photo_in_the_trash_handed_on() {
    let dir = library(FIXTURES[8]);
    let catalog = Catalog::open(dir.path()).unwrap();
    assert!(catalog.check().unwrap().is_well());
    let facts = sightline_catalog::FactsUpdate { photo: PhotoId(1), facts: Default::default(), readings: Vec::new() };
    catalog.put_facts(&[facts]).unwrap();
    assert_eq!(catalog.photo(PhotoId(1)).unwrap().unwrap().rating, Some(4), "its files say nothing of stars");
    let (_, files) = catalog.last_trashed().unwrap().unwrap();
    assert!(files[0].is_photo);
}

#[test]
fn an_upgrade_keeps_the_newest_old_library_beside_the_new() {
    let dir = library(FIXTURES[3]);
    std::fs::write(dir.path().join("catalogue.sqlite.v3"), "older").unwrap();
    drop(Catalog::open(dir.path()).unwrap());
    let kept = Connection::open(dir.path().join("catalogue.sqlite.v4")).unwrap();
    let version: u32 = kept.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(version, 4);
    let photos: i64 = kept.query_row("SELECT count(*) FROM photo", [], |row| row.get(0)).unwrap();
    assert!(photos > 0);
    assert!(!dir.path().join("catalogue.sqlite.v3").exists());
    let new = tempfile::tempdir().unwrap();
    drop(Catalog::open(new.path()).unwrap());
    let copies = std::fs::read_dir(new.path())
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().contains(".v"))
        .count();
    assert_eq!(copies, 0, "nothing was there to keep");
}
