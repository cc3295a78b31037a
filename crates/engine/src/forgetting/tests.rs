//! Whole flows of forgetting, with a fake model.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use sightline_catalog::{JobState, NewVersion, Overwrite, Verdict};

use super::*;
use crate::index::IndexJob;
use crate::jobs::{JobBoard, JobControl};
use crate::teach::{LabelReport, Mistake, facts};
use crate::testing::{BLUE, GREEN, RED, World};

fn forget(engine: &Engine, request: &ForgetRequest) {
    engine.ask_to_forget(request).unwrap();
    engine.run_job(&mut ForgetJob::default(), &JobControl::new(), &|_| {}).unwrap();
    assert!(!engine.is_forgetting().unwrap());
}

fn photo_at(engine: &Engine, path: &Path) -> PhotoId {
    engine.catalog().unwrap().known(path).unwrap().and_then(|known| known.photo).unwrap()
}

fn photos(engine: &Engine) -> u64 {
    engine.status().unwrap().photos
}

fn wait(what: &str, done: impl Fn() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(20), "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Files of the library's folder in which `text` stands.
fn naming(engine: &Engine, text: &str) -> Vec<PathBuf> {
    let files = std::fs::read_dir(engine.library()).unwrap().map(|entry| entry.unwrap().path());
    let has = |path: &PathBuf| std::fs::read(path).unwrap().windows(text.len()).any(|window| window == text.as_bytes());
    files.filter(has).collect()
}

#[test]
fn a_forgotten_photo_is_found_no_more_and_not_indexed_again_wherever_it_lies() {
    let world = World::new();
    let red = world.photo("secretmark.jpg", RED, 0);
    std::fs::copy(&red, world.path("secretmark copy.jpg")).unwrap();
    world.photo("green.jpg", GREEN, 0);
    world.index();
    let engine = world.engine();
    let request = engine.known_as(std::slice::from_ref(&red)).unwrap();
    let plan = engine.forget_plan(&request).unwrap();
    assert_eq!((plan.photos, plan.stay, plan.keeps_out, plan.versions.len()), (1, 0, true, 0));
    assert_eq!(world.found("red").len(), 1);
    forget(&engine, &request);
    assert_eq!(photos(&engine), 1);
    assert!(naming(&engine, "secretmark").is_empty());
    // Its files still lie there, and a third one comes.
    std::fs::copy(&red, world.path("third.jpg")).unwrap();
    let summary = world.index();
    assert_eq!((summary.kept_out, summary.embedded, summary.unchanged, summary.problems), (3, 0, 1, 0));
    assert_eq!(photos(&engine), 1);
    assert!(naming(&engine, "secretmark").is_empty(), "not even in passing");
    // Changed in place by another program, it is the same file to a person.
    world.photo("secretmark.jpg", RED, 1);
    assert_eq!(world.index().embedded, 0);
    assert_eq!(engine.kept_out().unwrap(), (1, 0));
    assert_eq!(engine.let_in(&[red], None).unwrap(), 1);
    assert_eq!(world.index().embedded, 1, "let in, it is a photo like any other");
    assert!(std::fs::read(world.path("secretmark copy.jpg")).is_ok(), "no original is touched");
}

#[test]
fn what_a_run_reads_while_it_is_forgotten_is_not_brought_back() {
    let world = World::new();
    for number in 0..100 {
        world.photo(&format!("secretmark {number}.jpg"), RED, number);
    }
    world.photo("keep/green.jpg", GREEN, 0);
    world.fake.delay_ms.store(20, Ordering::SeqCst);
    let board = JobBoard::new(world.engine(), Box::new(|_| {}));
    let index = board.start(IndexJob::new(&[world.photos()], false).unwrap()).unwrap().id;
    wait("some are embedded", || world.fake.embedded() > 20);
    let engine = board.engine().clone();
    let some: Vec<PhotoId> = (0..100)
        .filter_map(|n| engine.catalog().unwrap().known(&world.path(&format!("secretmark {n}.jpg"))).unwrap()?.photo)
        .collect();
    assert!(!some.is_empty());
    engine.ask_to_forget(&ForgetRequest { photos: some.clone(), ..ForgetRequest::default() }).unwrap();
    board.start(ForgetJob::default()).unwrap();
    wait("it is forgotten", || !engine.is_forgetting().unwrap());
    wait("the indexing has gone on and ended", || board.status(index).is_ok_and(|job| job.state == JobState::Done));
    assert_eq!(photos(&engine), 101 - some.len() as u64, "the others were all indexed");
    for photo in some {
        assert!(engine.photo(photo).is_err());
    }
}

#[test]
fn a_folder_that_is_forgotten_is_indexed_no_more_by_jobs_that_wait() {
    let world = World::new();
    for number in 0..60 {
        world.photo(&format!("secretmark/{number}.jpg"), RED, number);
    }
    world.photo("keep/green.jpg", GREEN, 0);
    world.fake.delay_ms.store(20, Ordering::SeqCst);
    let board = JobBoard::new(world.engine(), Box::new(|_| {}));
    let folders = [world.path("secretmark"), world.path("keep")];
    let both = board.start(IndexJob::new(&folders, false).unwrap()).unwrap().id;
    let again = board.start(IndexJob::new(&folders[..1], true).unwrap()).unwrap().id;
    let engine = board.engine().clone();
    wait("some are in the library", || photos(&engine) > 0);
    let request = ForgetRequest { folder: Some(folders[0].clone()), ..ForgetRequest::default() };
    let plan = engine.forget_plan(&request).unwrap();
    assert!(plan.photos > 0 && !plan.keeps_out);
    engine.ask_to_forget(&request).unwrap();
    board.start(ForgetJob::default()).unwrap();
    wait("it is forgotten", || !engine.is_forgetting().unwrap());
    wait("all jobs have ended", || board.unfinished().unwrap().is_empty());
    assert!(board.status(again).is_err() || board.status(again).unwrap().state == JobState::Cancelled);
    assert_eq!(board.status(both).unwrap().state, JobState::Done);
    assert_eq!(
        engine.folders().unwrap().iter().map(|folder| folder.path.clone()).collect::<Vec<_>>(),
        [folders[1].clone()]
    );
    assert_eq!(photos(&engine), 1);
    assert!(naming(&engine, "secretmark").is_empty(), "{:?}", naming(&engine, "secretmark"));
    // In a job's row a path is a list of numbers.
    let bytes: Vec<String> = b"secretmark".iter().map(u8::to_string).collect();
    assert!(naming(&engine, &bytes.join(",")).is_empty());
    assert_eq!(engine.kept_out().unwrap(), (0, 0));
    // Named again, it is a folder like any other.
    world.fake.delay_ms.store(0, Ordering::SeqCst);
    assert_eq!(world.try_index(&folders[..1], false).unwrap().embedded, 60);
}

#[test]
fn what_was_touched_in_a_folder_before_it_was_taken_out_does_not_bring_it_back() {
    let world = World::new();
    let photo = world.photo("photo.jpg", RED, 0);
    world.index();
    let engine = world.engine();
    let follow = |touched: &Path| {
        let mut job = IndexJob::of_touched(vec![world.photos()], vec![touched.into()], true);
        engine.run_job(&mut job, &JobControl::new(), &|_| {}).unwrap();
    };
    forget(&engine, &ForgetRequest { folder: Some(world.photos()), ..ForgetRequest::default() });
    for touched in [&photo, &world.photos()] {
        follow(touched);
        assert_eq!(photos(&engine), 0);
    }
    world.index();
    engine.remove_folder(&world.photos()).unwrap();
    follow(&world.photos());
    assert_eq!(photos(&engine), 0);
}

#[test]
fn versions_that_may_have_learned_are_named_and_their_reports_name_the_photo_no_more() {
    let world = World::new();
    let secret = world.photo("Rex/secretmark.jpg", RED, 0);
    let other = world.photo("Bella/other.jpg", BLUE, 0);
    world.photo("green.jpg", GREEN, 0);
    world.index();
    let engine = world.engine();
    let (photo, kept) = (photo_at(&engine, &secret), photo_at(&engine, &other));
    let mut report = report();
    report.labels = vec![label("Rex", vec![photo.0, kept.0])];
    let mistake = |photo: Option<i64>, path: &Path| Mistake {
        photo,
        path: path.display().to_string(),
        label: "Rex".into(),
        taken_for: "Bella".into(),
        confidence: 0.5,
    };
    report.mistakes = vec![mistake(Some(photo.0), &secret), mistake(None, &secret), mistake(Some(kept.0), &other)];
    for labels in [vec!["Rex"], vec!["Cats"], vec!["Towers"]] {
        let own = if labels == ["Rex"] { report.clone() } else { self::report() };
        let facts = crate::teach::Facts {
            depth: crate::Depth::Probe,
            vectors: "v".into(),
            base: "b".into(),
            labels: labels.into_iter().map(String::from).collect(),
            report: own,
            job: None,
        };
        let facts = serde_json::to_string(&facts).unwrap();
        engine.catalog().unwrap().add_version(&NewVersion { facts, weights: vec![1] }).unwrap();
    }
    engine.catalog().unwrap().answer(photo, "Cats", Verdict::No).unwrap();
    let request = ForgetRequest { photos: vec![photo], ..ForgetRequest::default() };
    assert_eq!(engine.forget_plan(&request).unwrap().versions, ["v1", "v2"]);
    forget(&engine, &request);
    assert!(naming(&engine, "secretmark").is_empty());
    let rows = engine.catalog().unwrap().versions().unwrap();
    assert_eq!(rows.len(), 3, "versions stay");
    let report = facts(&rows[0]).unwrap().report;
    assert_eq!((report.mistakes.len(), report.labels[0].hits.as_slice()), (1, &[kept.0][..]));
    // One whose training ended after that.
    let late = crate::teach::Facts {
        report: {
            let mut late = self::report();
            late.mistakes = vec![mistake(Some(photo.0), &secret), mistake(Some(kept.0), &other)];
            late
        },
        ..facts(&rows[1]).unwrap()
    };
    let late = late.without_the_forgotten(&engine).unwrap();
    assert_eq!(late.report.mistakes.len(), 1);
}

fn report() -> crate::teach::TeachReport {
    crate::teach::TeachReport {
        depth: "probe".into(),
        train: 1,
        held_out: 1,
        before: None,
        after: None,
        guard_before: 1.0,
        guard_after: 1.0,
        guard_fell: false,
        labels: Vec::new(),
        confusion: Vec::new(),
        mistakes: Vec::new(),
        curve: Vec::new(),
        unreadable: 0,
        seconds: [0.0; 3],
    }
}

fn label(name: &str, hits: Vec<i64>) -> LabelReport {
    LabelReport { name: name.into(), train: 1, held_out: 1, precision: None, recall: None, hits }
}

#[test]
fn a_file_that_could_not_be_read_is_forgotten_and_not_tried_again() {
    let world = World::new();
    let bad = world.path("secretmark.jpg");
    std::fs::write(&bad, b"\xff\xd8\xff no photo").unwrap();
    world.photo("green.jpg", GREEN, 0);
    world.index();
    assert_eq!(world.problem_codes().len(), 1);
    let engine = world.engine();
    let request = engine.known_as(std::slice::from_ref(&bad)).unwrap();
    assert_eq!((request.photos.len(), request.files.len()), (0, 1));
    forget(&engine, &request);
    assert_eq!(world.index().kept_out, 1);
    assert!(world.problem_codes().is_empty() && naming(&engine, "secretmark").is_empty());
}

#[test]
fn what_the_library_does_not_know_is_an_error_that_says_so() {
    let world = World::new();
    world.photo("green.jpg", GREEN, 0);
    world.index();
    let engine = world.engine();
    let unknown = world.photo("new.jpg", RED, 0);
    assert_eq!(engine.known_as(&[unknown]).unwrap_err().code(), "not_known");
    assert_eq!(engine.known_as(&["/no/such/photo.jpg".into()]).unwrap_err().code(), "not_known");
    assert_eq!(engine.known_as(&[world.photos()]).unwrap_err().code(), "is_folder");
    let nowhere = ForgetRequest { folder: Some("/no/such/folder".into()), ..ForgetRequest::default() };
    assert_eq!(engine.forget_plan(&nowhere).unwrap_err().code(), "not_known");
    let gone = ForgetRequest { photos: vec![PhotoId(99)], ..ForgetRequest::default() };
    assert_eq!(engine.ask_to_forget(&gone).unwrap_err().code(), "photo_gone");
    assert!(!engine.is_forgetting().unwrap());
}

#[test]
fn captions_that_are_being_written_fail_for_no_photo_that_is_forgotten_meanwhile() {
    let world = World::new();
    let red = world.photo("red.jpg", RED, 0);
    world.photo("green.jpg", GREEN, 0);
    world.index();
    let engine = world.engine();
    let (photo, other) = (photo_at(&engine, &red), photo_at(&engine, &world.path("green.jpg")));
    forget(&engine, &ForgetRequest { photos: vec![photo], ..ForgetRequest::default() });
    let caption = sightline_catalog::NewCaption::of_file("words");
    let both = [(photo, caption.clone()), (other, caption)];
    assert_eq!(engine.catalog().unwrap().put_captions(&both, Overwrite::Never).unwrap(), 1);
}

#[test]
fn searches_are_counted_and_forgotten() {
    let world = World::new();
    let engine = world.engine();
    let settings = serde_json::json!({ "theme": "dark", "recent_searches": ["secretmark", "a dog"] });
    engine.set_setting("desktop", &settings).unwrap();
    let request = ForgetRequest { searches: true, ..ForgetRequest::default() };
    assert_eq!(engine.forget_plan(&request).unwrap().searches, 2);
    forget(&engine, &request);
    assert_eq!(engine.forget_plan(&request).unwrap().searches, 0);
    assert!(naming(&engine, "secretmark").is_empty());
}

#[test]
fn a_large_library_is_erased_while_its_progress_is_told() {
    let world = World::new();
    let red = world.photo("secretmark.jpg", RED, 0);
    world.index();
    let engine = world.engine();
    // So much that the database takes longer to be written anew than progress waits.
    for number in 0..48 {
        engine.catalog().unwrap().set_setting(&format!("note {number}"), &"x".repeat(2 << 20)).unwrap();
    }
    engine.ask_to_forget(&engine.known_as(&[red]).unwrap()).unwrap();
    let (sender, done) = std::sync::mpsc::channel();
    let erasing = engine.clone();
    std::thread::spawn(move || {
        let slow = |_| std::thread::sleep(Duration::from_millis(600));
        sender.send(erasing.run_job(&mut ForgetJob::default(), &JobControl::new(), &slow)).ok();
    });
    done.recv_timeout(Duration::from_secs(60)).expect("who erases waits for itself").unwrap();
    assert!(naming(&engine, "secretmark").is_empty());
}

#[test]
fn a_wish_that_comes_while_another_is_done_is_done_too() {
    let world = World::new();
    let names: Vec<String> = (0..24).map(|number| format!("secretmark {number}.jpg")).collect();
    let files: Vec<_> = names.iter().zip(0..).map(|(name, number)| world.photo(name, RED, number)).collect();
    world.index();
    let engine = world.engine();
    let board = JobBoard::new(engine.clone(), Box::new(|_| {}));
    let mut ids = HashSet::new();
    for file in files {
        engine.ask_to_forget(&engine.known_as(&[file]).unwrap()).unwrap();
        ids.insert(board.start(ForgetJob::of_new_wish()).unwrap().id);
    }
    assert_eq!(ids.len(), names.len(), "each is work of its own");
    wait("all are done", || board.unfinished().unwrap().is_empty());
    assert_eq!(photos(&engine), 0);
    assert!(!engine.is_forgetting().unwrap());
    assert!(naming(&engine, "secretmark").is_empty());
}
