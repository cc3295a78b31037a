//! What a catalogue promises, on real SQLite files.
#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use std::path::{Path, PathBuf};

use sightline_catalog::{Batch, CatalogError, Filter, JobState, Known, ModelKey, PhotoId, Problem, Reading};
use support::{commit, forget, hash, location, model, open, photo, photo_at, vector};

#[test]
fn everything_committed_is_there_after_opening_again() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = open(&dir);
    let mut dog = photo_at(1, "/p/dog.jpg");
    dog.facts.taken_at = Some("2021-06-30T12:00:00+02:00".into());
    dog.facts.camera = Some("FUJIFILM X100V".into());
    dog.facts.lens = Some("23 mm".into());
    (dog.facts.latitude, dog.facts.longitude) = (Some(38.7), Some(-9.1));
    let id = commit(&catalog, vec![dog.clone()])[0];
    drop(catalog);
    let catalog = open(&dir);
    assert_eq!(catalog.by_hash(&hash(1)).unwrap(), Some(id));
    assert_eq!(catalog.paths_of(id).unwrap(), [Path::new("/p/dog.jpg")]);
    assert_eq!(catalog.thumbnail(id).unwrap().unwrap(), dog.thumbnail_jpeg);
    let row = catalog.photo(id).unwrap().unwrap();
    assert_eq!((row.width, row.height, row.orientation), (dog.width, dog.height, dog.orientation));
    assert_eq!((&row.taken_at, &row.camera, &row.lens), (&dog.facts.taken_at, &dog.facts.camera, &dog.facts.lens));
    assert_eq!((row.latitude, row.longitude), (dog.facts.latitude, dog.facts.longitude));
    assert_eq!((row.hash, row.format, row.size_bytes), (dog.hash, dog.format, dog.size_bytes));
    let index = catalog.load_vectors(&model(), 8).unwrap();
    assert_eq!(index.vector(id).unwrap(), vector(1));
    assert!(catalog.check().unwrap().is_well());
}

#[test]
fn a_batch_is_whole_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = open(&dir);
    commit(&catalog, vec![photo(1)]);
    let mut short = photo(3);
    short.vectors = vec![(model(), vec![1.0; 7])];
    let error = catalog.commit_batch(&Batch { photos: vec![photo(2), short], ..Batch::default() }).unwrap_err();
    assert!(matches!(error, CatalogError::WrongDims { expected: 8, got: 7, .. }), "{error}");
    let mut odd = photo(3);
    odd.vectors = vec![(model(), vec![f32::NAN; 8])];
    let error = catalog.commit_batch(&Batch { photos: vec![photo(2), odd], ..Batch::default() }).unwrap_err();
    assert_eq!(error.code(), "vector_not_finite");
    let nobody = PhotoId(99);
    let error = catalog
        .commit_batch(&Batch {
            photos: vec![photo(2)],
            moves: vec![(location("/p/x.jpg"), nobody)],
            ..Batch::default()
        })
        .unwrap_err();
    assert_eq!(error.code(), "photo_unknown");
    let error =
        catalog.commit_batch(&Batch { vectors: vec![(nobody, model(), vector(1))], ..Batch::default() }).unwrap_err();
    assert_eq!(error.code(), "photo_unknown");
    assert_eq!(catalog.status().unwrap().photos, 1);
    assert_eq!(catalog.load_vectors(&model(), 9).unwrap_err().code(), "vector_wrong_dims");
}

#[test]
fn copies_are_one_photo_in_several_places() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = open(&dir);
    let id = commit(&catalog, vec![photo_at(1, "/p/b.jpg")])[0];
    // The same content read twice, by another run, and found in a third place.
    assert_eq!(commit(&catalog, vec![photo_at(1, "/p/a.jpg")]), [id]);
    catalog.commit_batch(&Batch { moves: vec![(location("/q/c.jpg"), id)], ..Batch::default() }).unwrap();
    assert_eq!(catalog.paths_of(id).unwrap(), ["/p/a.jpg", "/p/b.jpg", "/q/c.jpg"].map(PathBuf::from));
    let status = catalog.status().unwrap();
    assert_eq!((status.photos, status.locations), (1, 3));
    assert_eq!(catalog.load_vectors(&model(), 8).unwrap().len(), 1);
}

#[test]
fn a_moved_photo_keeps_its_vector() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = open(&dir);
    let id = commit(&catalog, vec![photo_at(1, "/p/a.jpg")])[0];
    assert_eq!(forget(&catalog, &["/p/a.jpg".into(), "/p/never.jpg".into()]), 1);
    // Gone from everything that a person sees.
    assert!(catalog.load_vectors(&model(), 8).unwrap().is_empty());
    assert!(catalog.select(&Filter::default()).unwrap().is_empty());
    assert!(catalog.photos_without_vector(&ModelKey("another".into())).unwrap().is_empty());
    let status = catalog.status().unwrap();
    assert_eq!((status.photos, status.missing, status.vectors.len()), (0, 1, 0));
    // And back again at no cost.
    assert_eq!(catalog.by_hash(&hash(1)).unwrap(), Some(id));
    catalog.commit_batch(&Batch { moves: vec![(location("/q/a.jpg"), id)], ..Batch::default() }).unwrap();
    assert_eq!(catalog.load_vectors(&model(), 8).unwrap().ids(), [id]);
    assert!(catalog.photos_without_vector(&model()).unwrap().is_empty());
}

#[test]
fn a_changed_file_is_another_photo() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = open(&dir);
    let before = commit(&catalog, vec![photo_at(1, "/p/a.jpg")])[0];
    let after = commit(&catalog, vec![photo_at(2, "/p/a.jpg")])[0];
    assert_ne!(before, after);
    assert!(catalog.paths_of(before).unwrap().is_empty());
    assert_eq!(catalog.load_vectors(&model(), 8).unwrap().ids(), [after]);
}

#[test]
fn what_is_missed_for_long_is_deleted_and_what_came_back_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = open(&dir);
    let day = 24 * 3600;
    let ids = commit(&catalog, vec![photo_at(1, "/p/a.jpg"), photo_at(2, "/p/b.jpg"), photo_at(3, "/p/c.jpg")]);
    forget(&catalog, &["/p/a.jpg".into(), "/p/b.jpg".into()]);
    assert_eq!(catalog.collect_garbage(1_000_000, 30 * day).unwrap(), 0);
    catalog.commit_batch(&Batch { moves: vec![(location("/q/b.jpg"), ids[1])], ..Batch::default() }).unwrap();
    let later = 1_000_000 + 30 * day as i64;
    assert_eq!(catalog.collect_garbage(later - 1, 30 * day).unwrap(), 0);
    assert_eq!(catalog.collect_garbage(later, 30 * day).unwrap(), 1);
    assert_eq!(catalog.photo(ids[0]).unwrap(), None);
    assert_eq!(catalog.thumbnail(ids[0]).unwrap(), None);
    // One that goes again is missed from then on.
    forget(&catalog, &["/q/b.jpg".into()]);
    assert_eq!(catalog.collect_garbage(later, 30 * day).unwrap(), 0);
    assert!(catalog.check().unwrap().is_well());
    // A number is never given twice: a search may still hold it.
    forget(&catalog, &["/p/c.jpg".into()]);
    assert_eq!(catalog.collect_garbage(later, 0).unwrap(), 2);
    assert!(commit(&catalog, vec![photo(4)])[0] > ids[2]);
}

#[test]
fn a_path_is_a_photo_or_a_problem_never_both() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = open(&dir);
    let id = commit(&catalog, vec![photo_at(1, "/p/a.jpg")])[0];
    let problem = Problem {
        path: "/p/a.jpg".into(),
        code: "broken".into(),
        reason: "ends too early".into(),
        size_bytes: 5,
        modified_ns: -7,
    };
    catalog.commit_batch(&Batch { problems: vec![problem.clone()], ..Batch::default() }).unwrap();
    assert_eq!(catalog.problems().unwrap(), [problem]);
    assert!(catalog.paths_of(id).unwrap().is_empty());
    let known = catalog.known(Path::new("/p/a.jpg")).unwrap().unwrap();
    assert_eq!(
        known,
        Known { size_bytes: 5, modified_ns: -7, is_problem: true, photo: None, reading: Reading::default() }
    );
    catalog.commit_batch(&Batch { moves: vec![(location("/p/a.jpg"), id)], ..Batch::default() }).unwrap();
    assert!(catalog.problems().unwrap().is_empty());
    assert_eq!(catalog.known(Path::new("/p/a.jpg")).unwrap().unwrap().photo, Some(id));
    assert!(!catalog.clear_problem(Path::new("/p/a.jpg")).unwrap());
    assert!(catalog.known(Path::new("/p")).unwrap().is_none());
}

#[test]
fn the_problem_list_is_cleared_by_hand_or_with_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = open(&dir);
    let problem = |path: &str| Problem {
        path: path.into(),
        code: "unsupported".into(),
        reason: "HEIC".into(),
        size_bytes: 1,
        modified_ns: 2,
    };
    let problems = vec![problem("/p/b.heic"), problem("/p/a.heic"), problem("/p")];
    catalog.commit_batch(&Batch { problems, ..Batch::default() }).unwrap();
    assert_eq!(catalog.status().unwrap().problems, 3);
    assert_eq!(catalog.known_under(Path::new("/p")).unwrap().len(), 3);
    assert!(catalog.clear_problem(Path::new("/p/b.heic")).unwrap());
    assert_eq!(forget(&catalog, &["/p/a.heic".into(), "/p".into()]), 2);
    assert!(catalog.problems().unwrap().is_empty());
}

#[test]
fn vectors_of_two_models_never_mix() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = open(&dir);
    let other = ModelKey("other".into());
    let ids = commit(&catalog, vec![photo_at(1, "/p/a.jpg"), photo_at(2, "/p/b.jpg")]);
    assert!(catalog.load_vectors(&other, 3).unwrap().is_empty());
    let lacking = catalog.photos_without_vector(&other).unwrap();
    assert_eq!(lacking, [(ids[0], "/p/a.jpg".into()), (ids[1], "/p/b.jpg".into())]);
    let vectors = vec![(ids[1], other.clone(), vec![1.0, 2.0, 3.0])];
    catalog.commit_batch(&Batch { vectors, ..Batch::default() }).unwrap();
    assert_eq!(catalog.photos_without_vector(&other).unwrap(), [(ids[0], "/p/a.jpg".into())]);
    assert_eq!(catalog.load_vectors(&other, 3).unwrap().vector(ids[1]).unwrap(), [1.0, 2.0, 3.0]);
    assert_eq!(catalog.load_vectors(&model(), 8).unwrap().len(), 2);
    let status = catalog.status().unwrap();
    assert_eq!(status.vectors, [(model(), 2), (other.clone(), 1)]);
    assert_eq!(catalog.remove_vectors(&other).unwrap(), 1);
    assert_eq!(catalog.status().unwrap().vectors, [(model(), 2)]);
}

#[cfg(unix)]
#[test]
fn paths_that_are_not_text_or_hold_line_breaks_come_back_as_they_were() {
    use std::os::unix::ffi::OsStrExt;
    let dir = tempfile::tempdir().unwrap();
    let catalog = open(&dir);
    let odd = |bytes: &[u8]| Path::new(std::ffi::OsStr::from_bytes(bytes)).to_path_buf();
    let paths = [odd(b"/p/\xff\n\xfe.jpg"), odd(b"/p/'\"; DROP TABLE photo.jpg"), odd("/p/\u{72ac}.jpg".as_bytes())];
    let id = commit(&catalog, vec![photo(1)])[0];
    let moves = paths.iter().map(|path| (location(path), id)).collect();
    catalog.commit_batch(&Batch { moves, ..Batch::default() }).unwrap();
    for path in &paths {
        assert!(catalog.paths_of(id).unwrap().contains(path));
        assert!(catalog.known(path).unwrap().is_some());
    }
    assert_eq!(catalog.known_under(&odd(b"/p")).unwrap().len(), paths.len());
    let folder = odd(b"/x/\xff");
    catalog.add_folder(&folder).unwrap();
    catalog.add_folder(&folder.join("")).unwrap();
    assert_eq!(catalog.folders().unwrap(), std::slice::from_ref(&folder));
    assert_eq!(catalog.status().unwrap().folders, 1);
    catalog.remove_folder(&folder).unwrap();
    assert!(catalog.folders().unwrap().is_empty());
}

#[test]
fn filters_find_photos_by_folder_date_camera_and_format() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = open(&dir);
    let rows = [
        ("/p/a/1.jpg", Some("2020-12-31T23:59:59"), Some("Canon EOS R5"), "jpeg"),
        ("/p/a/2.png", Some("2021-06-01T00:00:00+09:00"), None, "png"),
        ("/p/ab/3.jpg", Some("2021-07-01T10:00:00"), Some("X100V"), "jpeg"),
        ("/q/4.jpg", None, Some("canon ixus 100%_x"), "jpeg"),
    ];
    let photos = rows.iter().zip(1..).map(|((path, taken_at, camera, format), number)| {
        let mut photo = photo_at(number, path);
        photo.facts.taken_at = taken_at.map(str::to_owned);
        photo.facts.camera = camera.map(str::to_owned);
        photo.format = (*format).into();
        photo
    });
    let ids = commit(&catalog, photos.collect());
    let selected = |filter: Filter| {
        let found = catalog.select(&filter).unwrap();
        found.iter().map(|id| ids.iter().position(|other| other == id).unwrap() + 1).collect::<Vec<_>>()
    };
    let none = Filter::default;
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(selected(none()), [1, 2, 3, 4]);
    assert_eq!(selected(Filter { folder: Some("/p/a".into()), ..none() }), [1, 2]);
    assert_eq!(selected(Filter { folder: Some("/p/".into()), ..none() }), [1, 2, 3]);
    assert_eq!(selected(Filter { folder: Some("/".into()), ..none() }), [1, 2, 3, 4]);
    assert_eq!(selected(Filter { taken_after: text("2021"), ..none() }), [2, 3]);
    assert_eq!(selected(Filter { taken_before: text("2021"), ..none() }), [1]);
    assert_eq!(selected(Filter { taken_after: text("2021-06"), taken_before: text("2021-07"), ..none() }), [2]);
    assert_eq!(selected(Filter { camera: text("CANON"), ..none() }), [1, 4]);
    assert_eq!(selected(Filter { camera: text("%_"), ..none() }), [4]);
    assert_eq!(selected(Filter { format: text("PNG"), ..none() }), [2]);
    let both = Filter { folder: Some("/p".into()), camera: text("x100v"), format: text("jpeg"), ..none() };
    assert_eq!(selected(both), [3]);
    // A photo with a copy in the folder is in the folder.
    catalog.commit_batch(&Batch { moves: vec![(location("/q/5.jpg"), ids[0])], ..Batch::default() }).unwrap();
    assert_eq!(selected(Filter { folder: Some("/q".into()), ..none() }), [1, 4]);
}

#[test]
fn settings_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = open(&dir);
    assert_eq!(catalog.setting("language").unwrap(), None);
    catalog.set_setting("language", "en").unwrap();
    catalog.set_setting("language", "zh").unwrap();
    assert_eq!(catalog.setting("language").unwrap().as_deref(), Some("zh"));
}

#[test]
fn many_threads_read_while_one_writes() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = open(&dir);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let catalog = catalog.clone();
            scope.spawn(move || {
                let mut before = 0;
                while before < 200 {
                    let status = catalog.status().unwrap();
                    // One state of the database: every photo of it has its vector.
                    let vectors = status.vectors.first().map_or(0, |(_, count)| *count);
                    assert_eq!((status.photos, status.locations), (vectors, vectors));
                    assert!(status.photos >= before);
                    before = status.photos;
                }
            });
        }
        for batch in 0..25u32 {
            commit(&catalog, (0..8).map(|number| photo(1 + batch * 8 + number)).collect());
        }
    });
}

#[test]
fn jobs_keep_their_progress_and_their_end() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = open(&dir);
    let id = catalog.insert_job("index", "{\"roots\":[]}").unwrap();
    assert_eq!(catalog.jobs().unwrap()[0].state, JobState::Queued);
    catalog.set_job_state(id, &JobState::Running).unwrap();
    catalog.job_progress(id, "embed", 3, 10).unwrap();
    let row = catalog.jobs().unwrap().remove(0);
    assert_eq!((row.id, row.kind.as_str(), row.payload.as_str()), (id, "index", "{\"roots\":[]}"));
    assert_eq!((row.state, row.phase.as_str(), row.done, row.total), (JobState::Running, "embed", 3, 10));
    for state in [JobState::Paused, JobState::Failed { code: "disk_full".into() }, JobState::Cancelled, JobState::Done]
    {
        catalog.set_job_state(id, &state).unwrap();
        assert_eq!(catalog.jobs().unwrap()[0].state, state);
    }
    let nobody = sightline_catalog::JobId(99);
    assert_eq!(catalog.set_job_state(nobody, &JobState::Running).unwrap_err().code(), "job_unknown");
    assert_eq!(catalog.job_progress(nobody, "", 0, 0).unwrap_err().code(), "job_unknown");
    let files: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!files.iter().any(|name| name.to_string_lossy().ends_with(".lock")), "{files:?}");
}

#[test]
fn a_job_of_the_dead_is_paused_and_one_of_the_living_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let living = open(&dir);
    let job = living.insert_job("index", "{}").unwrap();
    living.set_job_state(job, &JobState::Running).unwrap();
    let second = open(&dir);
    assert_eq!(second.jobs().unwrap()[0].state, JobState::Running);
    assert_eq!(second.set_job_state(job, &JobState::Running).unwrap_err().code(), "job_running");
    drop(living);
    let third = open(&dir);
    assert_eq!(third.jobs().unwrap()[0].state, JobState::Paused);
    second.set_job_state(job, &JobState::Running).unwrap();
}

#[test]
fn folders_are_found_by_name_wherever_they_lie_and_in_whatever_case() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = open(&dir);
    let paths =
        ["/home/p/Lisbon/a.jpg", "/home/p/2018/lisbon/raw/b.jpg", "/home/p/Cafe\u{301}/c.jpg", "/other/Lisbon/d.jpg"];
    let photos = (1..).zip(paths).map(|(number, path)| photo_at(number, path)).collect();
    commit(&catalog, photos);
    catalog.add_folder("/home/p".as_ref()).unwrap();
    let named = |name: &str| catalog.folders_named(name.as_ref()).unwrap();
    let folders = |paths: &[&str]| paths.iter().map(PathBuf::from).collect::<Vec<_>>();
    assert_eq!(named("LISBON"), folders(&["/home/p/2018/lisbon", "/home/p/Lisbon"]));
    assert_eq!(named("2018/Lisbon"), folders(&["/home/p/2018/lisbon"]));
    assert_eq!(named("raw"), folders(&["/home/p/2018/lisbon/raw"]));
    assert_eq!(named("caf\u{e9}"), folders(&["/home/p/Cafe\u{301}"]));
    assert_eq!(named("p"), folders(&["/home/p"]));
    for nothing in ["home", "isbon", "", "..", "/"] {
        assert_eq!(named(nothing), folders(&[]), "{nothing}");
    }
}
