//! From photos on disk to groups, to the trash and back, with a fake model.

use std::collections::BTreeSet;
use std::path::PathBuf;

use sightline_media::{Rgb, thumbnail};

use super::*;
use crate::jobs::{Job, JobControl, JobEvent};
use crate::testing::World;

/// A picture of waves, which a fingerprint can tell: `side` pixels, `light` times as bright, of a colour.
fn waves(side: u32, phase: f32, light: f32, colour: [f32; 3]) -> Vec<u8> {
    let value = |x: u32, y: u32, channel: f32| {
        let (x, y) = (x as f32 / side as f32, y as f32 / side as f32);
        (((x * 9.0 + phase).sin() + (y * 7.0 + x * 3.0 * phase).cos() + 2.0) * 50.0 * light * channel) as u8
    };
    let pixels = (0..side).flat_map(|y| (0..side).flat_map(move |x| colour.map(|channel| value(x, y, channel))));
    thumbnail(&Rgb { width: side, height: side, pixels: pixels.collect() }, side).unwrap()
}

const GREY: [f32; 3] = [1.0, 1.0, 1.0];

struct Desk {
    world: World,
    engine: Engine,
}

impl Desk {
    fn with(photos: &[(&str, Vec<u8>)]) -> Self {
        let world = World::new();
        for (name, bytes) in photos {
            let path = world.path(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        world.index();
        let engine = world.engine();
        Self { world, engine }
    }

    fn run<J: Job>(&self, job: &mut J) -> (Result<(), EngineError>, Vec<(String, String)>) {
        let failed = Mutex::new(Vec::new());
        let hear = |event| {
            if let JobEvent::ItemFailed { path, code, .. } = event {
                failed.lock().unwrap().push((path.file_name().unwrap().to_string_lossy().into_owned(), code));
            }
        };
        let result = self.engine.run_job(job, &JobControl::new(), &hear);
        (result, failed.into_inner().unwrap())
    }

    fn find(&self) -> Vec<DuplicateGroup> {
        self.run(&mut DuplicatesJob::default()).0.unwrap();
        self.groups()
    }

    fn groups(&self) -> Vec<DuplicateGroup> {
        self.engine.duplicates(None, None).unwrap().unwrap()
    }

    fn names(&self, group: &DuplicateGroup) -> Vec<String> {
        let root = self.world.photos();
        group.files.iter().map(|file| file.path.strip_prefix(&root).unwrap().display().to_string()).collect()
    }

    fn trash_rest(&self) -> (TrashSummary, Vec<(String, String)>) {
        let keep = |group: &DuplicateGroup| Keep {
            kept: (&group.files[0]).into(),
            gone: group.files[1..].iter().map(Gone::from).collect(),
        };
        let mut job = TrashJob::new(self.groups().iter().map(keep).collect()).unwrap();
        let (result, failed) = self.run(&mut job);
        result.unwrap();
        (job.summary, failed)
    }

    fn there(&self) -> BTreeSet<String> {
        let photos = self.world.photos();
        let files =
            |folder: PathBuf| std::fs::read_dir(folder).unwrap().flatten().filter(|entry| entry.path().is_file());
        files(photos).map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    }
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn copies_and_smaller_darker_ones_are_found_and_others_are_not() {
    let photo = waves(200, 0.3, 0.8, GREY);
    let desk = Desk::with(&[
        ("best.jpg", photo.clone()),
        ("copy/best.jpg", photo),
        ("small.jpg", waves(90, 0.3, 0.7, GREY)),
        ("other.jpg", waves(200, 2.4, 0.8, GREY)),
        // To the fingerprint it is the same, to the model it is not.
        ("red.jpg", waves(200, 0.3, 0.8, [1.0, 0.0, 0.0])),
        ("twin.jpg", waves(150, 5.1, 0.8, GREY)),
        ("twin again.jpg", waves(150, 5.1, 0.8, GREY)),
    ]);
    let groups = desk.find();
    let mut found: Vec<_> = groups.iter().map(|group| (group.kind, desk.names(group))).collect();
    found.sort_by_key(|(_, names)| std::cmp::Reverse(names.len()));
    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!(found[0].0, DuplicateKind::Near);
    assert_eq!(found[0].1[0], "best.jpg");
    assert_eq!(found[0].1.len(), 3, "{found:?}");
    assert_eq!(found[1].0, DuplicateKind::Exact);
    let near = groups.iter().find(|group| group.kind == DuplicateKind::Near).unwrap();
    let told: std::collections::HashMap<_, _> =
        desk.names(near).into_iter().zip(near.files.iter().map(|file| file.why)).collect();
    assert_eq!(told["small.jpg"], Some(Why::Pixels));
    assert_eq!(told["copy/best.jpg"], Some(Why::Place));
    assert_eq!(near.freed_bytes, near.files[1..].iter().map(|file| file.size_bytes).sum::<u64>());
    let below = desk.engine.duplicates(None, Some(&desk.world.path("copy"))).unwrap().unwrap();
    assert_eq!(below.len(), 1);
    assert_eq!(desk.engine.duplicates(Some(DuplicateKind::Exact), None).unwrap().unwrap().len(), 1);
}

/// A page with lines of blocks for words; `seed` chooses them.
fn page(seed: u32) -> Vec<u8> {
    let (width, height) = (300u32, 400u32);
    let mut pixels = vec![250u8; (width * height * 3) as usize];
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state >> 16
    };
    for line in 0..20 {
        let (mut x, top) = (20, 20 + line * 18);
        while x < 260 {
            let word = 6 + next() % 22;
            for (y, x) in (top..top + 9).flat_map(|y| (x..x + word).map(move |x| (y, x))) {
                let at = ((y * width + x) * 3) as usize;
                pixels[at..at + 3].fill(20);
            }
            x += word + 5;
        }
    }
    thumbnail(&Rgb { width, height, pixels }, height).unwrap()
}

#[test]
fn pages_with_other_words_are_not_duplicates_and_flat_pictures_are_none() {
    let flat = |level: u8| thumbnail(&Rgb { width: 90, height: 90, pixels: vec![level; 90 * 90 * 3] }, 90).unwrap();
    let names: Vec<String> = (0..6).map(|seed| format!("page {seed}.jpg")).collect();
    let mut photos: Vec<(&str, Vec<u8>)> =
        names.iter().zip(0..).map(|(name, seed)| (name.as_str(), page(seed))).collect();
    photos.extend([("white.jpg", flat(250)), ("whiter.jpg", flat(252)), ("black.jpg", flat(3))]);
    let smaller = {
        let (_, rgb) = sightline_media::decode_bytes(&page(3), "p".as_ref(), 400, &Default::default()).unwrap();
        thumbnail(&rgb, 300).unwrap()
    };
    photos.push(("page 3 smaller.jpg", smaller));
    let desk = Desk::with(&photos);
    let groups = desk.find();
    let found: Vec<_> = groups.iter().map(|group| desk.names(group)).collect();
    assert_eq!(found, [["page 3.jpg", "page 3 smaller.jpg"]], "only the copy, which is the control");
}

#[test]
fn only_what_is_proven_goes_to_the_trash_whoever_asks() {
    let desk = Desk::with(&[
        ("a.jpg", waves(200, 0.3, 0.8, GREY)),
        ("b.jpg", waves(90, 0.3, 0.7, GREY)),
        ("other.jpg", waves(200, 2.4, 0.8, GREY)),
        ("page.jpg", page(1)),
        ("page too.jpg", page(2)),
    ]);
    let file = |name: &str| {
        let catalog = desk.engine.catalog().unwrap();
        let hash = sightline_media::hash_file(&desk.world.path(name)).unwrap().0;
        let photo = catalog.by_hash(&hash).unwrap().unwrap();
        Gone { photo: photo.0, location: catalog.locations_of(photo).unwrap()[0].0.0 }
    };
    let ask = |kept: &str, gone: &[&str]| {
        let gone = gone.iter().map(|name| file(name)).collect();
        let mut job = TrashJob::new(vec![Keep { kept: file(kept), gone }]).unwrap();
        let (result, failed) = desk.run(&mut job);
        result.unwrap();
        (job.summary.moved, failed)
    };
    let refused = |name: &str| (name.to_owned(), "no_duplicate".to_owned());
    // Nobody has looked for duplicates yet, and what is asked for is believed no more after it.
    for _ in 0..2 {
        assert_eq!(ask("a.jpg", &["other.jpg"]), (0, vec![refused("other.jpg")]));
        assert_eq!(ask("page.jpg", &["page too.jpg", "a.jpg"]), (0, vec![refused("page too.jpg"), refused("a.jpg")]));
        desk.find();
    }
    assert_eq!(desk.there().len(), 5);
    // What a person said is no duplicate is none, though it looks like one.
    let pair = [PhotoId(file("a.jpg").photo), PhotoId(file("b.jpg").photo)];
    desk.engine.say_no_duplicates(&pair).unwrap();
    assert_eq!(ask("a.jpg", &["b.jpg"]), (0, vec![refused("b.jpg")]));
    desk.engine.take_back_no_duplicates(&pair).unwrap();
    assert_eq!(ask("a.jpg", &["b.jpg"]), (1, vec![]));
}

#[test]
fn of_two_equal_files_the_one_with_the_sidecar_stays_and_keeps_it() {
    let photo = waves(200, 0.3, 0.8, GREY);
    let desk = Desk::with(&[("a.jpg", photo.clone()), ("Downloads/a (1).jpg", photo)]);
    let sidecar = desk.world.path("Downloads/a (1).jpg.xmp");
    std::fs::write(&sidecar, "<x:xmpmeta xmlns:x='adobe:ns:meta/'/>").unwrap();
    let groups = desk.find();
    assert_eq!(desk.names(&groups[0]), ["Downloads/a (1).jpg", "a.jpg"]);
    assert_eq!(groups[0].files[1].why, Some(Why::Sidecar));
    // A person chooses otherwise: the words go along with the picture that stays.
    let (bare, with_words) = (&groups[0].files[1], &groups[0].files[0]);
    let mut job = TrashJob::new(vec![Keep { kept: bare.into(), gone: vec![with_words.into()] }]).unwrap();
    desk.run(&mut job).0.unwrap();
    assert_eq!(desk.there(), set(&["a.jpg", "a.jpg.xmp"]));
    assert!(!sidecar.exists());
    assert_eq!(desk.engine.undo_trash().unwrap().back.len(), 2);
    assert!(sidecar.is_file(), "it comes back with its file");
}

#[test]
fn a_sidecar_that_is_the_kept_files_too_stays() {
    let desk = Desk::with(&[("shot.jpg", waves(200, 0.3, 0.8, GREY)), ("shot.jpeg", waves(90, 0.3, 0.7, GREY))]);
    std::fs::write(desk.world.path("shot.xmp"), "<x:xmpmeta xmlns:x='adobe:ns:meta/'/>").unwrap();
    desk.find();
    assert_eq!(desk.trash_rest().0.moved, 1);
    assert_eq!(desk.there(), set(&["shot.jpg", "shot.xmp"]));
}

#[test]
fn what_is_in_the_trash_under_the_same_name_does_not_come_back_for_it() {
    let desk = Desk::with(&[("a.jpg", waves(200, 0.3, 0.8, GREY)), ("b.jpg", waves(90, 0.3, 0.7, GREY))]);
    desk.find();
    desk.trash_rest();
    let bin = desk.world.path(".bin/b.jpg");
    let own = std::fs::read(&bin).unwrap();
    std::fs::write(&bin, "something else").unwrap();
    let undone = desk.engine.undo_trash().unwrap();
    assert_eq!((undone.back.len(), undone.failed[0].code()), (0, "not_the_same"));
    assert_eq!(desk.there(), set(&["a.jpg"]));
    std::fs::write(&bin, own).unwrap();
    assert_eq!(desk.engine.undo_trash().unwrap().back.len(), 1, "it can be tried again");
}

#[test]
fn what_goes_to_the_trash_hands_on_its_albums_and_comes_back() {
    let desk = Desk::with(&[("a.jpg", waves(200, 0.3, 0.8, GREY)), ("b.jpg", waves(90, 0.3, 0.7, GREY))]);
    std::fs::write(desk.world.path("b.jpg.xmp"), "<x:xmpmeta xmlns:x='adobe:ns:meta/'/>").unwrap();
    let groups = desk.find();
    let (kept, gone) = (groups[0].files[0].photo, groups[0].files[1].photo);
    let album = desk.engine.create_album("Lisbon", &[gone]).unwrap();
    let (summary, failed) = desk.trash_rest();
    assert_eq!((summary.moved, summary.failed, failed.len()), (1, 0, 0));
    assert_eq!(desk.there(), set(&["a.jpg"]), "the sidecar went along");
    assert!(desk.groups().is_empty());
    assert_eq!(desk.engine.photo(kept).unwrap().albums, [album.id]);
    assert!(desk.engine.photo(gone).unwrap().paths.is_empty());
    assert_eq!(desk.engine.undoable_trash().unwrap().unwrap().files, 2);

    let undone = desk.engine.undo_trash().unwrap();
    assert_eq!((undone.back.len(), undone.failed.len()), (2, 0));
    assert_eq!(desk.there(), set(&["a.jpg", "b.jpg", "b.jpg.xmp"]));
    assert!(desk.engine.photo(kept).unwrap().albums.is_empty());
    assert_eq!(desk.groups().len(), 1);
    assert_eq!(desk.world.index().unchanged, 2, "nothing has to be looked at again");
    assert_eq!(desk.engine.undoable_trash().unwrap(), None);
}

#[test]
fn a_photo_with_its_raw_file_is_the_best_and_takes_it_along() {
    let desk = Desk::with(&[("shot.jpg", waves(90, 0.3, 0.7, GREY)), ("large.jpg", waves(200, 0.3, 0.8, GREY))]);
    std::fs::write(desk.world.path("shot.NEF"), "a raw file").unwrap();
    std::fs::write(desk.world.path("shot.xmp"), "<x:xmpmeta xmlns:x='adobe:ns:meta/'/>").unwrap();
    desk.world.index();
    let groups = desk.find();
    assert_eq!(desk.names(&groups[0]), ["shot.jpg", "large.jpg"]);
    assert_eq!(groups[0].files[1].why, Some(Why::Format));
    assert_eq!(groups[0].files[0].companions, [desk.world.path("shot.NEF")]);
    // A person chooses otherwise.
    let (raw, large) = (&groups[0].files[0], &groups[0].files[1]);
    let mut job = TrashJob::new(vec![Keep { kept: large.into(), gone: vec![raw.into()] }]).unwrap();
    desk.run(&mut job).0.unwrap();
    assert_eq!(desk.there(), set(&["large.jpg"]), "the raw file and the sidecar of both went along");
    let undone = desk.engine.undo_trash().unwrap();
    assert_eq!((undone.back.len(), undone.failed.len()), (3, 0));
    assert_eq!(desk.world.index().companions, 1);
    assert_eq!(desk.there(), set(&["large.jpg", "shot.NEF", "shot.jpg", "shot.xmp"]));
}

#[test]
fn nothing_goes_when_the_one_to_be_kept_is_gone_or_changed() {
    let photo = waves(200, 0.3, 0.8, GREY);
    let desk = Desk::with(&[("a.jpg", photo.clone()), ("b (1).jpg", photo)]);
    desk.find();
    let kept = desk.world.path("a.jpg");
    std::fs::write(&kept, b"something else").unwrap();
    let (summary, failed) = desk.trash_rest();
    assert_eq!((summary.moved, failed), (0, vec![("b (1).jpg".into(), "changed_since".into())]));
    std::fs::remove_file(&kept).unwrap();
    let (summary, failed) = desk.trash_rest();
    assert_eq!((summary.moved, failed), (0, vec![("b (1).jpg".into(), "missing".into())]));
    assert_eq!(desk.there(), set(&["b (1).jpg"]));
    assert_eq!(desk.engine.undoable_trash().unwrap(), None, "what was not moved is not undone");
}

#[test]
fn a_file_that_is_not_what_it_was_stays() {
    let photo = waves(200, 0.3, 0.8, GREY);
    let desk = Desk::with(&[("a.jpg", photo.clone()), ("b (1).jpg", photo)]);
    desk.find();
    std::fs::write(desk.world.path("b (1).jpg"), b"edited since").unwrap();
    let (summary, failed) = desk.trash_rest();
    assert_eq!((summary.moved, failed), (0, vec![("b (1).jpg".into(), "changed_since".into())]));
}

#[test]
fn a_disk_without_a_trash_keeps_its_files_and_their_albums() {
    let desk = Desk::with(&[("a.jpg", waves(200, 0.3, 0.8, GREY)), ("b.jpg", waves(90, 0.3, 0.7, GREY))]);
    let groups = desk.find();
    let album = desk.engine.create_album("Lisbon", &[groups[0].files[1].photo]).unwrap();
    std::fs::write(desk.world.path(".bin"), b"no folder").unwrap();
    let (summary, failed) = desk.trash_rest();
    assert_eq!((summary.moved, failed), (0, vec![("b.jpg".into(), "no_trash".into())]));
    assert!(desk.engine.photo(groups[0].files[0].photo).unwrap().albums.is_empty(), "not in {album:?}");
    assert_eq!(desk.engine.undoable_trash().unwrap(), None);
    assert_eq!(desk.groups().len(), 1);
}

#[cfg(unix)]
#[test]
fn one_file_under_two_names_is_never_taken_away() {
    let photo = waves(200, 0.3, 0.8, GREY);
    let desk = Desk::with(&[("a.jpg", photo)]);
    std::fs::hard_link(desk.world.path("a.jpg"), desk.world.path("hard link.jpg")).unwrap();
    desk.world.index();
    std::os::unix::fs::symlink("a.jpg", desk.world.path("A link.jpg")).unwrap();
    desk.world.index();
    assert!(desk.find().is_empty(), "links take no room");
    // A copy is one, of the file and of no link to it.
    std::fs::copy(desk.world.path("a.jpg"), desk.world.path("copy.jpg")).unwrap();
    desk.world.index();
    let groups = desk.find();
    let names: Vec<_> = groups[0].files.iter().map(|file| file.path.file_name().unwrap().to_owned()).collect();
    assert!(groups.len() == 1 && names.len() == 2 && !names.contains(&"A link.jpg".into()), "{names:?}");
    assert!(groups[0].freed_bytes > 0);
    // As if a disk were mounted twice: another path leads to the same folder.
    std::os::unix::fs::symlink(desk.world.photos(), desk.world.photos().parent().unwrap().join("again")).unwrap();
    let again = desk.world.photos().parent().unwrap().join("again/a.jpg");
    assert!(seen::is_one_file(&again, &desk.world.path("a.jpg")));
    assert!(!seen::is_one_file(&desk.world.path("hard link.jpg"), &desk.world.path("a.jpg")));
}

#[test]
fn no_file_is_kept_and_thrown_away_at_once() {
    let (one, other) = (Gone { photo: 1, location: 1 }, Gone { photo: 1, location: 2 });
    let groups = vec![Keep { kept: one, gone: vec![other] }, Keep { kept: other, gone: vec![one] }];
    assert_eq!(TrashJob::new(groups).unwrap_err().code(), "last_copy");
}

#[test]
fn what_a_person_said_is_no_duplicate_is_not_shown_again() {
    let copy = waves(150, 5.1, 0.8, GREY);
    let desk = Desk::with(&[
        ("a.jpg", waves(200, 0.3, 0.8, GREY)),
        ("b.jpg", waves(90, 0.3, 0.7, GREY)),
        ("c.jpg", copy.clone()),
        ("d.jpg", copy),
    ]);
    let groups = desk.find();
    assert_eq!(groups.len(), 2);
    for group in &groups {
        desk.engine.say_no_duplicates(&group.photos).unwrap();
    }
    assert!(desk.groups().is_empty() && desk.find().is_empty());
    desk.engine.take_back_no_duplicates(&groups[0].photos).unwrap();
    assert_eq!(desk.groups().len(), 1);
    assert_eq!(desk.find().len(), 1);
}

#[test]
fn photos_of_an_older_library_get_their_fingerprints_from_their_thumbnails() {
    let desk = Desk::with(&[("a.jpg", waves(200, 0.3, 0.8, GREY)), ("b.jpg", waves(90, 0.3, 0.7, GREY))]);
    let catalog = desk.engine.catalog().unwrap();
    assert!(catalog.photos_without_fingerprint().unwrap().is_empty(), "indexing makes them");
    // As an earlier release left it.
    let old = sightline_catalog::NewPhoto {
        hash: [9; 32],
        width: 90,
        height: 90,
        orientation: 1,
        facts: sightline_catalog::PhotoFacts::default(),
        format: "jpeg".into(),
        size_bytes: 1,
        fingerprint: None,
        thumbnail_jpeg: waves(80, 0.3, 0.75, GREY),
        locations: vec![sightline_catalog::Location {
            path: desk.world.path("old.jpg"),
            size_bytes: 1,
            modified_ns: 1,
            reading: sightline_catalog::Reading::default(),
        }],
        vectors: Vec::new(),
    };
    let batch = sightline_catalog::Batch { photos: vec![old], ..sightline_catalog::Batch::default() };
    let old = catalog.commit_batch(&batch).unwrap()[0];
    let control = JobControl::new();
    control.cancel();
    let stopped = desk.engine.run_job(&mut DuplicatesJob::default(), &control, &|_| {});
    assert!(matches!(stopped, Err(EngineError::Cancelled)));
    let groups = desk.find();
    assert_eq!(groups.len(), 1);
    assert!(!groups[0].photos.contains(&old), "without a vector nothing is near");
    let prints = catalog.fingerprints().unwrap();
    let of = |photo| prints.iter().find(|(id, _)| *id == photo).unwrap().1;
    let distance = (of(old) ^ of(groups[0].photos[0])).count_ones();
    assert!(distance <= 4, "a thumbnail gives nearly the same: {distance}");
}

#[test]
fn photos_go_to_the_trash_with_what_belongs_to_them_and_come_back_with_what_is_known() {
    let desk = Desk::with(&[
        ("a.jpg", waves(200, 0.3, 0.8, GREY)),
        ("copies/a.jpg", waves(200, 0.3, 0.8, GREY)),
        ("b.jpg", page(1)),
        ("c.jpg", page(2)),
    ]);
    let sidecar = "<x:xmpmeta xmlns:x='adobe:ns:meta/'/>";
    std::fs::write(desk.world.path("a.jpg.xmp"), sidecar).unwrap();
    let catalog = desk.engine.catalog().unwrap();
    let photo = |name: &str| catalog.known(&desk.world.path(name)).unwrap().unwrap().photo.unwrap();
    let (a, b, c) = (photo("a.jpg"), photo("b.jpg"), photo("c.jpg"));
    let album = desk.engine.create_album("Trip", &[a]).unwrap();
    // What is no longer what the library knows stays.
    std::fs::write(desk.world.path("b.jpg"), page(9)).unwrap();
    let mut job = TrashPhotosJob::new(&[a, b]);
    let (result, failed) = desk.run(&mut job);
    result.unwrap();
    assert_eq!((job.summary.moved, failed), (2, vec![("b.jpg".to_owned(), "changed_since".to_owned())]));
    assert_eq!(desk.there(), set(&["b.jpg", "c.jpg"]));
    assert!(!desk.world.path("copies/a.jpg").exists());
    let shown = || catalog.select(&sightline_catalog::Filter::default()).unwrap();
    assert!(!shown().contains(&a) && shown().contains(&c));
    assert_eq!(desk.engine.undo_trash().unwrap().back.len(), 3, "both files and the words beside one");
    assert_eq!(desk.there(), set(&["a.jpg", "a.jpg.xmp", "b.jpg", "c.jpg"]));
    assert!(desk.world.path("copies/a.jpg").is_file());
    assert!(shown().contains(&a));
    assert_eq!(desk.engine.photo(a).unwrap().albums, [album.id]);
}
