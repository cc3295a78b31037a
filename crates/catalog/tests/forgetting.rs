//! What is forgotten leaves not a byte in the library's folder, does not come back, and takes nothing else with it.
#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use half::f16;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use rusqlite::Connection;
use sightline_catalog::{
    Batch, CaptionAuthor, Catalog, Companion, CompanionKind, Conclusion, NewCaption, NewPhoto, NewVersion, Overwrite,
    PhotoId, Problem, ToForget, ToTrash, Verdict,
};
use support::{commit, hash, location, model, open, photo_at};

const DIMS: usize = 8;
/// Bytes by which traces are looked for; none is shorter.
const BEGIN: usize = 8;

/// A photo that nothing else is like: words, a thumbnail and a vector of its own.
fn marked(number: u32, path: &str, marker: &str) -> NewPhoto {
    let mut random = StdRng::seed_from_u64(number.into());
    let mut new = photo_at(number, path);
    new.hash = random.random();
    new.thumbnail_jpeg = (0..9_000).map(|_| random.random()).collect();
    new.vectors = vec![(model(), (0..DIMS).map(|_| random.random_range(-1.0..1.0)).collect())];
    new.facts.camera = Some(format!("{marker}-camera"));
    new.facts.lens = Some(format!("{marker}-lens"));
    new.facts.caption = Some(format!("{marker}caption of a file"));
    new.facts.keywords = vec![format!("{marker}keyword")];
    new
}

/// All that a person and a model may have added, in several versions.
fn adorn(catalog: &Catalog, photo: PhotoId, marker: &str) {
    for text in ["first", "second", "third"] {
        let text = format!("{marker}{text} sentence");
        let new = NewCaption { text, author: CaptionAuthor::Person, model: None, settings: None, confidence: None };
        assert!(catalog.put_caption(photo, &new, Overwrite::All).unwrap());
    }
    catalog.undo_caption(photo).unwrap();
    catalog.add_keyword(photo, &format!("{marker}own")).unwrap();
    catalog.answer(photo, &format!("{marker}label"), Verdict::No).unwrap();
    catalog.put_fingerprints(&[(photo, 0x1122_3344_5566_7788)]).unwrap();
}

/// What must not be found: the marker, pieces of the thumbnail, the vector as it is stored, the hash.
fn traces(new: &NewPhoto, marker: &str) -> Vec<Vec<u8>> {
    let vector: Vec<u8> = new.vectors[0].1.iter().flat_map(|number| f16::from_f32(*number).to_le_bytes()).collect();
    let pieces = new.thumbnail_jpeg.chunks_exact(64).step_by(8).map(<[u8]>::to_vec);
    [marker.as_bytes().to_vec(), vector, new.hash.to_vec()].into_iter().chain(pieces).collect()
}

/// Every file of the library's folder that has one of the traces.
fn found(dir: &Path, traces: &[Vec<u8>]) -> Vec<(PathBuf, String)> {
    let mut by_begin: HashMap<&[u8], Vec<&[u8]>> = HashMap::new();
    for trace in traces {
        by_begin.entry(&trace[..BEGIN]).or_default().push(trace);
    }
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        for at in 0..bytes.len().saturating_sub(BEGIN - 1) {
            for trace in by_begin.get(&bytes[at..at + BEGIN]).into_iter().flatten() {
                if bytes[at..].starts_with(trace) {
                    found.insert((path.clone(), String::from_utf8_lossy(&trace[..trace.len().min(40)]).into_owned()));
                }
            }
        }
    }
    found.into_iter().collect()
}

fn forget_all(catalog: &Catalog, wanted: &ToForget) {
    catalog.ask_to_forget(wanted).unwrap();
    while catalog.forget_some(7).unwrap() > 0 {}
    catalog.erase(&mut |_, _, _| true).unwrap();
    assert!(!catalog.forgetting().unwrap().is_due);
}

fn must_be_well(catalog: &Catalog) {
    let report = catalog.check().unwrap();
    assert!(report.is_well(), "{report:?}");
}

/// A library with some photos besides the one, whose pages were written over and over.
fn lived_in(catalog: &Catalog) -> Vec<PhotoId> {
    let others = commit(catalog, (10..70).map(|n| marked(n, &format!("/photos/other-{n}.jpg"), "ORDINARY")).collect());
    for other in &others {
        adorn(catalog, *other, "ORDINARY");
    }
    others
}

#[test]
fn a_photo_that_is_forgotten_leaves_no_byte_and_its_copies_go_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = open(&dir);
    catalog.add_folder(Path::new("/photos")).unwrap();
    let others = lived_in(&catalog);
    let mut new = marked(1, "/photos/SECRETMARK one.jpg", "SECRETMARK");
    new.locations.push(location("/photos/else/SECRETMARK copy.jpg"));
    let id = commit(&catalog, vec![new.clone()])[0];
    adorn(&catalog, id, "SECRETMARK");
    let kind = CompanionKind::Raw;
    let (path, main) = ("/photos/SECRETMARK one.raf".into(), "/photos/SECRETMARK one.jpg".into());
    let raw = Companion { path, main, kind, size_bytes: 5, modified_ns: 6 };
    catalog.conclude(&Conclusion { joined: vec![raw], ..Conclusion::default() }).unwrap();
    let beside = PathBuf::from("/photos/SECRETMARK one.xmp");
    let problem = Problem {
        path: beside.clone(),
        code: "too_large".into(),
        reason: "SECRETMARK".into(),
        size_bytes: 1,
        modified_ns: 1,
    };
    catalog.commit_batch(&Batch { problems: vec![problem], ..Batch::default() }).unwrap();
    catalog.ask_for_absent(Path::new("/photos"), &["/photos/SECRETMARK one.jpg".into()]).unwrap();
    let mut near = marked(2, "/photos/SECRETMARK near.jpg", "SECRETMARK");
    near.vectors.clear();
    let near_id = commit(&catalog, vec![near.clone()])[0];
    let copy = "/photos/SECRETMARK in trash.jpg";
    let files = [(near.locations[0].path.clone(), near_id), (copy.into(), id)];
    let files = files.map(|(path, photo)| ToTrash { path, photo, kept: id });
    catalog.begin_trash(None, &files).unwrap();
    catalog.end_trash(&files.map(|file| file.path)).unwrap();
    catalog.say_no_duplicates(&[id, others[1]]).unwrap();
    let job = catalog.insert_job("index", "{\"roots\":\"SECRETMARK\"}").unwrap();
    catalog.set_job_state(job, &sightline_catalog::JobState::Done).unwrap();
    catalog.keep_checkpoint(job, b"SECRETMARK").unwrap();
    let version = catalog.add_version(&NewVersion { facts: "SECRETMARK".into(), weights: vec![1, 2, 3] }).unwrap();
    let traces = traces(&new, "SECRETMARK");
    assert!(!found(dir.path(), &traces).is_empty(), "the test sees what is there");

    let versions = vec![(version.id, "{}".to_owned())];
    forget_all(&catalog, &ToForget { photos: vec![id], beside: vec![beside], versions, ..ToForget::default() });
    assert_eq!(found(dir.path(), &traces), []);
    assert_eq!(catalog.photo(id).unwrap(), None);
    assert_eq!(catalog.photo(near_id).unwrap(), None, "what went to the trash in its favour goes with it");
    assert_eq!(catalog.kept_out_counts().unwrap(), (2, 0));
    must_be_well(&catalog);
    assert_eq!(catalog.status().unwrap().photos, 60, "the others are there");
    assert_eq!(catalog.with_words(&["ordinarythird"]).unwrap(), []);
    assert_eq!(catalog.with_words(&["ordinarysecond"]).unwrap(), others, "and are found by their words");
    assert_eq!(catalog.version_weights(version.id).unwrap(), [1, 2, 3], "what was learned stays");
    drop(catalog);
    assert_eq!(found(dir.path(), &traces), [], "nor when all is closed");
}

#[test]
fn what_is_forgotten_does_not_come_back_until_it_is_let_in() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = open(&dir);
    let new = marked(1, "/photos/SECRETMARK.jpg", "SECRETMARK");
    let other = marked(2, "/photos/other.jpg", "ORDINARY");
    let ids = commit(&catalog, vec![new.clone(), other.clone()]);
    forget_all(&catalog, &ToForget { photos: vec![ids[0]], ..ToForget::default() });
    // What a run had read before and writes after, in this process or another.
    let elsewhere = open(&dir);
    let moved = NewPhoto { locations: vec![location("/photos/moved SECRETMARK.jpg")], ..new.clone() };
    let edited = NewPhoto { hash: hash(99), ..new.clone() };
    let mut problem = Problem {
        path: new.locations[0].path.clone(),
        code: "broken".into(),
        reason: "SECRETMARK".into(),
        size_bytes: 1,
        modified_ns: 1,
    };
    let batch = Batch {
        photos: vec![new.clone(), moved, edited, other],
        moves: vec![(new.locations[0].clone(), ids[1]), (location("/photos/b.jpg"), ids[0])],
        vectors: vec![(ids[0], model(), vec![0.5; DIMS])],
        problems: vec![problem.clone()],
        ..Batch::default()
    };
    assert_eq!(elsewhere.commit_batch(&batch).unwrap(), [ids[1]], "only the other photo is let in");
    elsewhere.ask_for_absent(Path::new("/photos"), &[new.locations[0].path.clone()]).unwrap();
    let caption = NewCaption {
        text: "SECRETMARK".into(),
        author: CaptionAuthor::Machine,
        model: None,
        settings: None,
        confidence: Some(-1.0),
    };
    assert_eq!(elsewhere.put_captions(&[(ids[0], caption)], Overwrite::Never).unwrap(), 0);
    assert_eq!(found(dir.path(), &[b"SECRETMARK".to_vec()]), []);
    assert!(elsewhere.absences().unwrap().is_empty());
    let kept_out = catalog.kept_out().unwrap();
    assert!(kept_out.photo(&new.hash) && kept_out.file(&new.locations[0].path));
    assert!(!kept_out.photo(&hash(98)) && !kept_out.file(Path::new("/photos/other.jpg")));
    // Its file is let in, and so is what was said of it.
    assert!(catalog.let_file_in(&new.locations[0].path, Some(&new.hash)).unwrap());
    assert!(!catalog.let_file_in(&new.locations[0].path, Some(&new.hash)).unwrap(), "it is in");
    problem.path = "/photos/bad.jpg".into();
    assert_eq!(commit(&catalog, vec![new]).len(), 1);
    must_be_well(&catalog);
}

#[test]
fn the_marks_tell_nothing_to_who_has_a_list_of_hashes() {
    let dirs = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let marks = dirs.each_ref().map(|dir| {
        let catalog = open(dir);
        let id = commit(&catalog, vec![marked(1, "/photos/a.jpg", "SECRETMARK")])[0];
        forget_all(&catalog, &ToForget { photos: vec![id], ..ToForget::default() });
        let file = Connection::open(dir.path().join(Catalog::FILE)).unwrap();
        let sql = "SELECT mark FROM forgotten WHERE kind = 'photo'";
        file.query_row(sql, [], |row| row.get::<_, Vec<u8>>(0)).unwrap()
    });
    assert_ne!(marks[0], marks[1], "each library has a key of its own");
    let content = marked(1, "/photos/a.jpg", "").hash;
    let plain = blake3::hash(&content);
    assert!(marks.iter().all(|mark| mark != plain.as_bytes() && mark != &content));
}

#[test]
fn a_folder_that_is_forgotten_goes_with_all_that_lies_only_there() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = open(&dir);
    for folder in ["/photos", "/secret", "/secret/SECRETMARK inner", "/secret2"] {
        catalog.add_folder(Path::new(folder)).unwrap();
    }
    let others = lived_in(&catalog);
    let news: Vec<NewPhoto> =
        (100..140).map(|n| marked(n, &format!("/secret/SECRETMARK inner/{n}.jpg"), "SECRETMARK")).collect();
    for id in commit(&catalog, news.clone()) {
        adorn(&catalog, id, "SECRETMARK");
    }
    let mut shared = marked(200, "/photos/shared.jpg", "SECRETMARK");
    (shared.facts.camera, shared.facts.lens) = (None, None);
    shared.locations.push(location("/secret/SECRETMARK shared.jpg"));
    let shared_id = commit(&catalog, vec![shared])[0];
    let neighbour = commit(&catalog, vec![marked(201, "/secret2/a.jpg", "ORDINARY")])[0];
    let problem = Problem {
        path: "/secret/SECRETMARK.txt.jpg".into(),
        code: "broken".into(),
        reason: "SECRETMARK".into(),
        size_bytes: 1,
        modified_ns: 1,
    };
    catalog.commit_batch(&Batch { problems: vec![problem], ..Batch::default() }).unwrap();
    catalog.ask_for_absent(Path::new("/secret"), &["/secret/SECRETMARK gone.jpg".into()]).unwrap();

    forget_all(&catalog, &ToForget { folders: vec!["/secret".into()], ..ToForget::default() });
    let traces: Vec<_> = news.iter().flat_map(|new| traces(new, "SECRETMARK")).collect();
    assert_eq!(found(dir.path(), &traces), []);
    assert_eq!(found(dir.path(), &[b"/secret/".to_vec()]), []);
    assert_eq!(catalog.folders().unwrap(), ["/photos", "/secret2"].map(PathBuf::from));
    assert_eq!(catalog.paths_of(shared_id).unwrap(), [Path::new("/photos/shared.jpg")], "it lies elsewhere too");
    assert_eq!(catalog.paths_of(neighbour).unwrap().len(), 1);
    assert_eq!(catalog.status().unwrap().photos, others.len() as u64 + 2);
    assert_eq!(catalog.kept_out_counts().unwrap(), (0, 0), "nothing would bring it back, so nothing is kept of it");
    must_be_well(&catalog);
}

#[test]
fn a_folder_inside_another_stays_out_until_somebody_names_it() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = open(&dir);
    catalog.add_folder(Path::new("/photos")).unwrap();
    commit(&catalog, vec![marked(1, "/photos/private/a.jpg", "SECRETMARK"), marked(2, "/photos/b.jpg", "ORDINARY")]);
    forget_all(&catalog, &ToForget { folders: vec!["/photos/private".into()], ..ToForget::default() });
    assert_eq!(catalog.kept_out_counts().unwrap(), (0, 1));
    let new = vec![marked(3, "/photos/private/deep/c.jpg", "SECRETMARK")];
    assert_eq!(commit(&catalog, new.clone()), [], "nothing that lies there is let in");
    assert!(catalog.kept_out().unwrap().file(Path::new("/photos/private/deep/c.jpg")));
    assert!(!catalog.kept_out().unwrap().file(Path::new("/photos/private2/c.jpg")));
    assert_eq!(found(dir.path(), &[b"SECRETMARK".to_vec()]), []);
    catalog.add_folder(Path::new("/photos/private/deep")).unwrap();
    assert_eq!(commit(&catalog, new).len(), 1);
    assert_eq!(catalog.let_all_in().unwrap(), (0, 0), "there is nothing left to let in");
}

#[test]
fn photos_that_lie_nowhere_are_forgotten_without_waiting_a_month() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = open(&dir);
    catalog.add_folder(Path::new("/photos")).unwrap();
    let new = marked(1, "/photos/SECRETMARK.jpg", "SECRETMARK");
    let id = commit(&catalog, vec![new.clone(), marked(2, "/photos/b.jpg", "ORDINARY")])[0];
    adorn(&catalog, id, "SECRETMARK");
    support::forget(&catalog, &["/photos/SECRETMARK.jpg".into()]);
    assert_eq!(catalog.missing_photos().unwrap(), [id]);
    forget_all(&catalog, &ToForget { missing: true, ..ToForget::default() });
    assert_eq!(found(dir.path(), &traces(&new, "SECRETMARK")), []);
    assert_eq!(catalog.status().unwrap().photos, 1);
    must_be_well(&catalog);
}

#[test]
fn searches_that_were_typed_are_forgotten_and_other_settings_stay() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = open(&dir);
    for number in 0..20 {
        // Written anew at each search, so that older lists lie in free pages.
        let text = format!(r#"{{"theme":"dark","recent_searches":["SECRETMARK {number}","{}"]}}"#, "x".repeat(9000));
        catalog.set_setting("desktop", &text).unwrap();
    }
    let searches = vec![("desktop", "$.recent_searches"), ("no such", "$.recent_searches")];
    forget_all(&catalog, &ToForget { searches, ..ToForget::default() });
    assert_eq!(found(dir.path(), &[b"SECRETMARK".to_vec()]), []);
    assert_eq!(catalog.setting("desktop").unwrap().unwrap(), r#"{"theme":"dark","recent_searches":[]}"#);
}

#[test]
fn a_file_of_vectors_goes_and_none_is_written_from_before() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = open(&dir);
    let secret = marked(1, "/photos/SECRETMARK.jpg", "SECRETMARK");
    let id = commit(&catalog, vec![secret.clone()])[0];
    let mut many: Vec<NewPhoto> = (100..4_400).map(|n| marked(n, &format!("/photos/{n}.jpg"), "ORDINARY")).collect();
    many.iter_mut().for_each(|new| new.thumbnail_jpeg.truncate(16));
    commit(&catalog, many);
    let mut held = Arc::new(catalog.load_vectors(&model(), DIMS).unwrap());
    assert!(catalog.save_vectors(&model(), &mut held).unwrap());
    let vector = traces(&secret, "SECRETMARK").swap_remove(1);
    let in_files = found(dir.path(), std::slice::from_ref(&vector));
    assert!(in_files.iter().any(|(file, _)| file.extension().is_some_and(|end| end == "bin")), "{in_files:?}");

    forget_all(&catalog, &ToForget { photos: vec![id], ..ToForget::default() });
    assert_eq!(found(dir.path(), &traces(&secret, "SECRETMARK")), []);
    // One that another process is about to write, with what it read before.
    let mut stale = Arc::new(sightline_catalog::VectorIndex::from_rows(
        DIMS,
        (0..4_200).map(|n| (PhotoId(n), secret.vectors[0].1.clone())),
    ));
    catalog.save_vectors(&model(), &mut stale).unwrap();
    assert_eq!(found(dir.path(), std::slice::from_ref(&vector)), [], "what was read before is written nowhere");
    catalog.refresh_vectors(&model(), &mut held).unwrap();
    assert_eq!(held.vector(id), None, "and what is held in memory follows");
    assert_eq!(held.len(), 4_300);
    let mut now = Arc::new(catalog.load_vectors(&model(), DIMS).unwrap());
    assert!(catalog.save_vectors(&model(), &mut now).unwrap(), "the others get their file again");
    must_be_well(&catalog);
}

#[test]
fn older_copies_are_named_and_stay() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = open(&dir);
    let id = commit(&catalog, vec![marked(1, "/photos/a.jpg", "SECRETMARK")])[0];
    let copies = ["catalogue.sqlite.2026-01-01-000000", "my backup.db"].map(|name| dir.path().join(name));
    for copy in &copies {
        catalog.back_up_to(copy, false, &mut |_, _, _| true).unwrap();
    }
    std::fs::write(dir.path().join("catalogue.sqlite.txt"), "no copy").unwrap();
    forget_all(&catalog, &ToForget { photos: vec![id], ..ToForget::default() });
    assert_eq!(catalog.older_copies().unwrap(), copies);
    assert!(!found(dir.path(), &[b"SECRETMARK".to_vec()]).is_empty(), "nothing is deleted unasked");
}

#[test]
fn an_erasure_that_was_stopped_is_gone_on_with() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = open(&dir);
    let new = marked(1, "/photos/SECRETMARK.jpg", "SECRETMARK");
    let id = commit(&catalog, vec![new.clone()])[0];
    lived_in(&catalog);
    catalog.ask_to_forget(&ToForget { photos: vec![id], ..ToForget::default() }).unwrap();
    while catalog.forget_some(7).unwrap() > 0 {}
    // Somebody reads what was there before.
    let reader = Connection::open(dir.path().join(Catalog::FILE)).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM photo").unwrap();
    reader.query_row("SELECT count(*) FROM photo", [], |row| row.get::<_, i64>(0)).unwrap();
    let stopped = catalog.erase(&mut |_, _, _| false).unwrap_err();
    assert_eq!(stopped.code(), "cancelled");
    assert!(catalog.forgetting().unwrap().is_due);
    reader.execute_batch("COMMIT").unwrap();
    drop((reader, catalog));
    let catalog = open(&dir);
    catalog.erase(&mut |_, _, _| true).unwrap();
    assert_eq!(found(dir.path(), &traces(&new, "SECRETMARK")), []);
    must_be_well(&catalog);
}

/// Tells the child where its library is.
const LIBRARY: &str = "SIGHTLINE_TEST_FORGET_LIBRARY";

/// The child: not a test of its own.
#[test]
#[ignore = "run by the test below"]
fn forgets_until_it_is_killed() {
    let Some(library) = std::env::var_os(LIBRARY).map(PathBuf::from) else { return };
    let catalog = Catalog::open(&library).unwrap();
    let secret = |n: u32| catalog.by_hash(&marked(n, "/a.jpg", "").hash).unwrap();
    let wanted: Vec<PhotoId> = (0..10).filter_map(secret).collect();
    // A run before may have asked already.
    catalog
        .ask_to_forget(&ToForget { photos: wanted, folders: vec!["/secret".into()], ..ToForget::default() })
        .unwrap();
    println!("asked");
    while catalog.forget_some(1).unwrap() > 0 {}
    catalog.erase(&mut |_, _, _| true).unwrap();
    println!("erased");
}

#[test]
fn forgetting_that_is_killed_is_not_done_or_is_gone_on_with() {
    const KILLS: usize = 20;
    let mut random = StdRng::seed_from_u64(20_261_130);
    let (mut asked, mut went_on) = (0, 0);
    for kill in 0..KILLS {
        let dir = tempfile::tempdir().unwrap();
        let catalog = open(&dir);
        catalog.add_folder(Path::new("/photos")).unwrap();
        catalog.add_folder(Path::new("/secret")).unwrap();
        let others = lived_in(&catalog).len() as u64;
        let place = |n: u32| if n.is_multiple_of(2) { "photos" } else { "secret" };
        let news: Vec<NewPhoto> =
            (0..10).map(|n| marked(n, &format!("/{}/SECRETMARK {n}.jpg", place(n)), "SECRETMARK")).collect();
        commit(&catalog, news.clone());
        drop(catalog);
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "forgets_until_it_is_killed", "--ignored", "--nocapture"])
            .env(LIBRARY, dir.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_micros(random.random_range(0..120_000)));
        child.kill().unwrap();
        child.wait().unwrap();
        let catalog = open(&dir);
        must_be_well(&catalog);
        let (now, photos) = (catalog.forgetting().unwrap(), catalog.status().unwrap().photos);
        if catalog.folders().unwrap().len() == 2 {
            assert_eq!((now.photos, now.is_due, photos), (0, false, others + 10), "kill {kill}: nothing was asked yet");
            continue;
        }
        asked += 1;
        went_on += usize::from(now.is_due);
        // Whoever comes next goes on.
        while catalog.forget_some(64).unwrap() > 0 {}
        catalog.erase(&mut |_, _, _| true).unwrap();
        let traces: Vec<_> = news.iter().flat_map(|new| traces(new, "SECRETMARK")).collect();
        assert_eq!(found(dir.path(), &traces), [], "kill {kill}");
        assert_eq!(catalog.status().unwrap().photos, others, "kill {kill}");
        assert_eq!(commit(&catalog, news[..1].to_vec()), [], "kill {kill}: it stays out");
        must_be_well(&catalog);
    }
    println!("{KILLS} kills: {asked} after it was asked for, {went_on} before it was done");
    assert!(asked > 3 && went_on > 0, "the kills came at many moments: {asked} {went_on}");
}
