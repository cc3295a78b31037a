//! Whole runs of indexing, with a fake model.

use std::path::PathBuf;
use std::sync::atomic::Ordering;

use super::*;
use crate::testing::{BLUE, GREEN, RED, World, jpeg};

/// Three photos of three colours, indexed.
fn indexed() -> World {
    let world = World::new();
    world.photo("red.jpg", RED, 0);
    world.photo("green.jpg", GREEN, 0);
    world.photo("sub/blue.jpg", BLUE, 0);
    let summary = world.index();
    assert_eq!((summary.found, summary.embedded), (3, 3));
    world
}

#[test]
fn photos_are_found_by_what_they_show() {
    let world = indexed();
    assert_eq!(world.found("red"), ["red.jpg"]);
    assert_eq!(world.found("blue"), ["sub/blue.jpg"]);
    assert!(world.found("grey").is_empty());
}

#[test]
fn a_second_run_embeds_nothing_and_loads_no_model() {
    let world = indexed();
    let loads = world.fake.loads.load(Ordering::SeqCst);
    let summary = world.index();
    assert_eq!((summary.unchanged, summary.embedded), (3, 0));
    assert_eq!(world.fake.embedded(), 3);
    assert_eq!(world.fake.loads.load(Ordering::SeqCst), loads);
}

#[test]
fn a_moved_photo_is_not_embedded_again() {
    let world = indexed();
    std::fs::rename(world.path("red.jpg"), world.path("sub/moved.jpg")).unwrap();
    let summary = world.index();
    assert_eq!((summary.embedded, summary.relocated, summary.removed), (0, 1, 1));
    assert_eq!(world.fake.embedded(), 3);
    assert_eq!(world.found("red"), ["sub/moved.jpg"]);
}

#[test]
fn a_renamed_folder_costs_nothing() {
    let world = indexed();
    std::fs::rename(world.path("sub"), world.path("other")).unwrap();
    world.index();
    assert_eq!(world.fake.embedded(), 3);
    assert_eq!(world.found("blue"), ["other/blue.jpg"]);
}

#[test]
fn copies_are_embedded_once_and_all_are_listed() {
    let world = World::new();
    for name in ["a.jpg", "b.jpg", "c.jpg"] {
        world.photo(name, RED, 0);
    }
    let summary = world.index();
    assert_eq!((summary.embedded, summary.relocated), (1, 2));
    world.photo("d.jpg", RED, 0);
    assert_eq!(world.index().relocated, 1);
    assert_eq!(world.fake.embedded(), 1);
    assert_eq!(world.found("red"), ["a.jpg=b.jpg=c.jpg=d.jpg"]);
}

#[test]
fn a_deleted_photo_is_gone_from_the_results() {
    let world = indexed();
    std::fs::remove_file(world.path("red.jpg")).unwrap();
    assert_eq!(world.index().removed, 1);
    assert!(world.found("red").is_empty());
    assert_eq!(world.found("green"), ["green.jpg"]);
}

#[test]
fn a_changed_photo_is_embedded_anew() {
    let world = indexed();
    std::fs::write(world.path("red.jpg"), jpeg(GREEN, 9)).unwrap();
    assert_eq!(world.index().embedded, 1);
    assert_eq!(world.found("red"), ["red.jpg"], "by its name alone");
    assert!(world.found("a red thing").is_empty());
    assert_eq!(world.found("green").len(), 2);
}

#[test]
fn a_photo_that_broke_is_no_longer_found() {
    let world = indexed();
    std::fs::write(world.path("red.jpg"), b"\xff\xd8\xff\xe0 no longer a photo").unwrap();
    assert_eq!(world.index().problems, 1);
    assert!(world.found("red").is_empty());
}

#[test]
fn a_bad_file_is_a_problem_and_is_tried_again_only_when_it_changes_or_on_request() {
    let world = indexed();
    let bad = world.path("bad.jpg");
    std::fs::write(&bad, b"\xff\xd8\xff\xe0 this is not all of it").unwrap();
    let bad_events = |world: &World| {
        let events = world.events.lock().unwrap();
        events.iter().filter(|event| matches!(event, crate::jobs::JobEvent::ItemFailed { .. })).count()
    };
    assert_eq!(world.index().problems, 1);
    assert_eq!(world.problem_codes()[0].0, bad);
    assert_eq!(bad_events(&world), 1);
    assert_eq!(world.index().problems, 1);
    assert_eq!(bad_events(&world), 1, "not tried again");
    world.try_index(&[world.photos()], true).unwrap();
    assert_eq!(bad_events(&world), 2, "tried again on request");
    std::fs::write(&bad, jpeg(RED, 30)).unwrap();
    assert_eq!(world.index().embedded, 1);
    assert!(world.problem_codes().is_empty());
    std::fs::write(&bad, b"\xff\xd8\xff\xe0 broken again").unwrap();
    world.index();
    std::fs::remove_file(&bad).unwrap();
    world.index();
    assert!(world.problem_codes().is_empty(), "a problem goes with its file");
}

#[test]
fn formats_that_are_not_read_are_listed_as_unsupported() {
    let world = World::new();
    std::fs::write(world.path("a.psd"), b"8BPS\0\x01\0\0").unwrap();
    std::fs::write(world.path("notes.txt"), b"hello").unwrap();
    let summary = world.index();
    assert_eq!((summary.unsupported, summary.problems), (1, 0));
    assert_eq!(world.problem_codes(), [(world.path("a.psd"), "unsupported".to_owned())]);
}

#[test]
fn a_missing_folder_is_an_error_and_nothing_is_forgotten() {
    let world = indexed();
    let away = world.photos().with_file_name("away");
    let photos = world.photos();
    let mut job = IndexJob::new(std::slice::from_ref(&photos), false).unwrap();
    std::fs::rename(&photos, &away).unwrap();
    assert_eq!(world.run(&mut job).unwrap_err().code(), "folder_missing");
    assert_eq!(IndexJob::new(std::slice::from_ref(&photos), false).unwrap_err().code(), "folder_missing");
    std::fs::rename(&away, &photos).unwrap();
    assert_eq!(world.found("red"), ["red.jpg"]);
    let file = world.path("red.jpg");
    assert_eq!(IndexJob::new(&[file], false).unwrap_err().code(), "not_a_folder");
}

#[test]
fn a_cancelled_run_keeps_what_it_committed_and_the_next_goes_on() {
    let world = World::new();
    for number in 0..120 {
        world.photo(&format!("{number:03}.jpg"), RED, number);
    }
    world.fake.delay_ms.store(2, Ordering::SeqCst);
    let mut job = IndexJob::new(&[world.photos()], false).unwrap();
    let cancel_late = |event: crate::jobs::JobEvent| {
        if let crate::jobs::JobEvent::Progress(progress) = event
            && progress.phase == "index"
            && progress.done >= 16
        {
            world.control.pause();
        }
    };
    let engine = world.engine();
    let result = engine.run_job(&mut job, &world.control, &cancel_late);
    assert!(matches!(result, Err(EngineError::Cancelled)));
    let committed = engine.status().unwrap().photos as usize;
    assert!((16..120).contains(&committed), "{committed}");
    assert_eq!(committed, world.fake.embedded(), "no computed vector is lost");
    let paused = engine.unfinished_jobs().unwrap();
    assert_eq!((paused.len(), paused[0].state.as_str()), (1, "paused"));
    let control = crate::jobs::JobControl::new();
    let job: IndexJob = engine.resume_job(paused[0].id, &control, &|_| {}).unwrap();
    assert_eq!(job.summary.unchanged as usize, committed);
    assert_eq!(world.fake.embedded(), 120);
    assert!(engine.unfinished_jobs().unwrap().is_empty());
}

#[test]
fn a_library_indexed_with_another_model_is_embedded_anew() {
    let world = indexed();
    world.fake.second_model.store(true, Ordering::SeqCst);
    assert_eq!(world.search("red").unwrap_err().code(), "not_embedded");
    let summary = world.index();
    assert_eq!((summary.unchanged, summary.embedded), (3, 3));
    assert_eq!(world.found("red"), ["red.jpg"]);
    let status = world.engine().status().unwrap();
    assert_eq!((status.vectors.len(), status.searchable), (2, 3));
}

#[test]
fn a_model_that_fails_half_way_loses_no_committed_photo() {
    let world = World::new();
    for number in 0..40 {
        world.photo(&format!("{number:03}.jpg"), BLUE, number);
    }
    world.fake.panics_after.store(20, Ordering::SeqCst);
    assert_eq!(world.try_index(&[world.photos()], false).unwrap_err().code(), "model_panicked");
    assert_eq!(world.engine().status().unwrap().photos, 16);
    world.fake.panics_after.store(usize::MAX, Ordering::SeqCst);
    assert_eq!(world.index().embedded, 24);
}

#[test]
fn folders_inside_folders_are_walked_once() {
    let world = indexed();
    let folders: Vec<PathBuf> = vec![world.path("sub"), world.photos(), world.path("sub/../sub")];
    let summary = world.try_index(&folders, false).unwrap();
    assert_eq!((summary.found, summary.unchanged), (3, 3));
}

#[cfg(unix)]
#[test]
fn names_that_are_not_text_or_hold_line_breaks_work() {
    use std::os::unix::ffi::OsStrExt;
    let world = World::new();
    let odd = world.photos().join(std::ffi::OsStr::from_bytes(b"line\nbreak\xff.jpg"));
    std::fs::write(&odd, jpeg(RED, 0)).unwrap();
    world.index();
    let reply = world.search("red").unwrap();
    assert_eq!(reply.hits[0].paths, [odd]);
    let mut job = IndexJob::new(&[world.photos()], false).unwrap();
    job.roots = vec![world.photos().join(std::ffi::OsStr::from_bytes(b"\xff"))];
    let text = serde_json::to_string(&job).unwrap();
    assert_eq!(serde_json::from_str::<IndexJob>(&text).unwrap().roots, job.roots);
}
