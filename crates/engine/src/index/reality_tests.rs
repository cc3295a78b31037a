//! Whole runs over folders to which something happened: much is gone, disks move, files pair up, photos are edited.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use sightline_catalog::{DateOrder, Filter, PhotoId};
use sightline_media::{OnVolume, Volumes};

use super::*;
use crate::testing::{BLUE, GREEN, RED, World, jpeg};

/// A world of `count` red photos, indexed.
fn reds(count: u8) -> World {
    let world = World::new();
    for number in 0..count {
        world.photo(&format!("{number:02}.jpg"), RED, number);
    }
    world.index();
    world
}

fn remove(world: &World, numbers: std::ops::Range<u8>) {
    numbers.for_each(|number| std::fs::remove_file(world.path(&format!("{number:02}.jpg"))).unwrap());
}

fn photos(world: &World) -> u64 {
    world.engine().status().unwrap().photos
}

fn held(summary: &IndexSummary) -> Vec<(u64, u64)> {
    summary.held.iter().map(|absence| (absence.missing, absence.known)).collect()
}

fn id_at(engine: &Engine, path: &Path) -> PhotoId {
    engine.catalog().unwrap().known(path).unwrap().unwrap().photo.unwrap()
}

#[test]
fn a_fifth_of_a_folder_is_forgotten_and_more_is_asked_about() {
    let world = reds(60);
    remove(&world, 0..12);
    let summary = world.index();
    assert_eq!((summary.removed, held(&summary)), (12, vec![]), "a fifth");
    remove(&world, 12..22);
    let summary = world.index();
    assert_eq!((summary.removed, held(&summary)), (0, vec![(10, 48)]), "more than a fifth");
    assert_eq!(photos(&world), 48);
    // One more that is gone joins the question, also when a run looks at it alone.
    remove(&world, 22..23);
    assert_eq!(held(&world.index()), [(11, 48)]);
    let summary = world.run(&mut IndexJob::forgetting(&[world.photos()]).unwrap()).unwrap();
    assert_eq!((summary.removed, held(&summary)), (11, vec![]));
    assert!(world.engine().absences().unwrap().is_empty());
    assert_eq!(photos(&world), 37);
}

#[test]
fn few_files_are_forgotten_without_a_question() {
    let world = reds(12);
    remove(&world, 0..9);
    assert_eq!(world.index().removed, 9);
}

#[test]
fn what_a_person_keeps_stays_and_is_not_asked_about_again() {
    let world = reds(30);
    let kept = std::fs::read(world.path("00.jpg")).unwrap();
    remove(&world, 0..15);
    assert_eq!(held(&world.index()), [(15, 30)]);
    world.engine().keep_absent(&world.photos()).unwrap();
    remove(&world, 15..16);
    let summary = world.index();
    assert_eq!((summary.removed, held(&summary)), (1, vec![]), "another one is forgotten as ever");
    assert_eq!(photos(&world), 29);
    // It comes back, and goes for good.
    std::fs::write(world.path("00.jpg"), kept).unwrap();
    world.index();
    remove(&world, 0..1);
    assert_eq!(world.index().removed, 1);
    assert_eq!(world.fake.embedded(), 30);
}

#[test]
fn a_question_is_withdrawn_when_everything_is_back() {
    let world = reds(30);
    let away = world.photos().with_file_name("away");
    std::fs::create_dir(&away).unwrap();
    for number in 0..30 {
        let name = format!("{number:02}.jpg");
        std::fs::rename(world.path(&name), away.join(name)).unwrap();
    }
    assert_eq!(held(&world.index()), [(30, 30)]);
    assert_eq!(world.found("red").len(), 30, "all stay searchable");
    for number in 0..30 {
        let name = format!("{number:02}.jpg");
        std::fs::rename(away.join(&name), world.path(&name)).unwrap();
    }
    let summary = world.index();
    // Something about a file changes when it is moved: it is read again, and known.
    assert_eq!((summary.embedded, held(&summary)), (0, vec![]));
    assert!(world.engine().absences().unwrap().is_empty());
}

#[test]
fn an_album_is_whole_while_its_folder_is_away_and_when_it_is_back() {
    let world = reds(30);
    let engine = world.engine();
    let by_date = |filter: &Filter| engine.browse(filter, DateOrder::NewestFirst).unwrap();
    let album = engine.create_album("Rex", &by_date(&Filter::default())).unwrap();
    let filter = Filter { album: Some(album.id), ..Filter::default() };
    let whole = by_date(&filter);
    assert_eq!(whole.len(), 30);
    let photos = world.photos();
    let away = photos.with_file_name("away");
    for _ in 0..2 {
        std::fs::rename(&photos, &away).unwrap();
        std::fs::create_dir(&photos).unwrap();
        world.index();
        assert_eq!(by_date(&filter), whole, "nothing is forgotten unasked");
        std::fs::remove_dir(&photos).unwrap();
        std::fs::rename(&away, &photos).unwrap();
        world.index();
        assert_eq!(by_date(&filter), whole);
    }
    // Forgotten by a person, and found again.
    std::fs::rename(&photos, &away).unwrap();
    std::fs::create_dir(&photos).unwrap();
    world.run(&mut IndexJob::forgetting(std::slice::from_ref(&photos)).unwrap()).unwrap();
    assert_eq!(by_date(&filter), []);
    std::fs::remove_dir(&photos).unwrap();
    std::fs::rename(&away, &photos).unwrap();
    world.index();
    assert_eq!(by_date(&filter), whole, "what a person put together outlives its absence");
    assert_eq!(world.fake.embedded(), 30);
}

#[test]
fn a_folder_that_was_renamed_is_not_a_folder_that_is_gone() {
    let world = World::new();
    for number in 0..30 {
        world.photo(&format!("a/{number}.jpg"), RED, number);
    }
    world.index();
    std::fs::rename(world.path("a"), world.path("b")).unwrap();
    let summary = world.index();
    assert_eq!((summary.relocated, summary.removed, held(&summary)), (30, 30, vec![]));
    assert_eq!(world.fake.embedded(), 30);
}

/// Disks at paths that a test chooses.
#[derive(Default)]
struct Disks(Mutex<Vec<(String, PathBuf)>>);

impl Disks {
    fn mount(&self, id: &str, point: &Path) {
        let mut mounts = self.0.lock().unwrap();
        mounts.retain(|(other, _)| other != id);
        mounts.push((id.into(), point.into()));
    }
}

impl Volumes for Disks {
    fn locate(&self, path: &Path) -> Option<OnVolume> {
        let mounts = self.0.lock().unwrap();
        let (id, point) =
            mounts.iter().filter(|(_, point)| path.starts_with(point)).max_by_key(|(_, p)| p.as_os_str().len())?;
        Some(OnVolume { id: id.clone(), path: path.strip_prefix(point).unwrap().into() })
    }

    fn paths(&self, place: &OnVolume) -> Vec<PathBuf> {
        let mounts = self.0.lock().unwrap();
        let of_volume = mounts.iter().filter(|(id, _)| *id == place.id);
        of_volume.map(|(_, point)| point.join(&place.path).components().collect()).collect()
    }

    fn is_shared(&self, _: &Path) -> bool {
        false
    }
}

#[test]
fn a_disk_under_another_mount_point_brings_its_photos_along_untouched() {
    let world = World::new();
    let disks = Arc::new(Disks::default());
    let (usb, usb2) = (world.photos().with_file_name("usb"), world.photos().with_file_name("usb 2"));
    std::fs::create_dir_all(usb.join("DCIM")).unwrap();
    std::fs::write(usb.join("DCIM/red.jpg"), jpeg(RED, 0)).unwrap();
    std::fs::write(usb.join("DCIM/blue.jpg"), jpeg(BLUE, 0)).unwrap();
    disks.mount("root", Path::new("/"));
    disks.mount("stick", &usb);
    let engine = world.engine();
    engine.believe(disks.clone());
    let run = |folder: &Path| {
        let mut job = IndexJob::new(&[folder.to_path_buf()], false)?;
        engine.run_job(&mut job, &crate::jobs::JobControl::new(), &|_| {}).map(|()| job.summary)
    };
    run(&usb.join("DCIM")).unwrap();
    let photo = id_at(&engine, &usb.join("DCIM/red.jpg"));
    let album = engine.create_album("Rex", &[photo]).unwrap();
    engine.write_caption(photo, "Rex").unwrap();

    // Unplugged: an empty folder stays where it was mounted.
    std::fs::rename(&usb, &usb2).unwrap();
    std::fs::create_dir_all(usb.join("DCIM")).unwrap();
    disks.0.lock().unwrap().retain(|(id, _)| id != "stick");
    assert_eq!(run(&usb.join("DCIM")).unwrap_err().code(), "folder_missing");
    assert!(engine.folders().unwrap()[0].missing);
    assert_eq!(engine.photo(photo).unwrap().paths, [usb.join("DCIM/red.jpg")], "it stays searchable");

    disks.mount("stick", &usb2);
    assert_eq!(engine.follow_volumes().unwrap(), [(usb.join("DCIM"), usb2.join("DCIM"))]);
    let summary = run(&usb2.join("DCIM")).unwrap();
    assert_eq!((summary.unchanged, summary.embedded, summary.relocated, summary.removed), (2, 0, 0, 0));
    let data = engine.photo(photo).unwrap();
    assert_eq!((data.paths, data.albums), (vec![usb2.join("DCIM/red.jpg")], vec![album.id]));
    assert_eq!(engine.caption(photo).unwrap().unwrap().text, "Rex");
    assert_eq!(world.fake.embedded(), 2);
    assert_eq!(engine.folders().unwrap().len(), 1);
}

#[test]
fn another_disk_at_the_same_place_makes_nothing_be_forgotten() {
    let world = World::new();
    let disks = Arc::new(Disks::default());
    disks.mount("one", &world.photos());
    let engine = world.engine();
    engine.believe(disks.clone());
    world.photo("red.jpg", RED, 0);
    let run = || {
        let mut job = IndexJob::new(&[world.photos()], false).unwrap();
        engine.run_job(&mut job, &crate::jobs::JobControl::new(), &|_| {}).unwrap();
        job.summary
    };
    run();
    std::fs::remove_file(world.path("red.jpg")).unwrap();
    world.photo("other.jpg", BLUE, 0);
    disks.0.lock().unwrap().clear();
    disks.mount("two", &world.photos());
    assert_eq!(held(&run()), [(1, 2)], "even one photo");
}

#[cfg(target_os = "linux")]
#[test]
fn a_real_disk_is_followed_to_its_new_mount_point() {
    use std::process::Command;
    let run = |program: &str, args: &[&Path]| {
        Command::new(program).args(args).output().is_ok_and(|output| output.status.success())
    };
    let world = World::new();
    let base = world.photos().parent().unwrap().to_path_buf();
    let (image, by_uuid) = (base.join("disk.img"), base.join("by-uuid"));
    let (one, two) = (base.join("one"), base.join("two"));
    for folder in [&one, &two, &by_uuid] {
        std::fs::create_dir(folder).unwrap();
    }
    std::fs::File::create(&image).unwrap().set_len(8 << 20).unwrap();
    let mount = |point: &Path| run("mount", &["-o".as_ref(), "loop".as_ref(), &image, point]);
    if !run("mkfs.ext4", &["-q".as_ref(), &image]) || !mount(&one) {
        println!("SKIPPED: only root can mount a disk, and not everywhere");
        return;
    }
    let system = sightline_media::SystemVolumes { by_uuid: by_uuid.clone(), ..Default::default() };
    // What udev does where there is one.
    let name_device = |point: &Path| {
        let table = std::fs::read_to_string(&system.mounts).unwrap();
        let line = table.lines().find(|line| line.contains(&format!(" {} ", point.display()))).unwrap();
        let device = line.split(" - ").nth(1).unwrap().split(' ').nth(1).unwrap();
        std::fs::remove_file(by_uuid.join("1234-ABCD")).ok();
        std::os::unix::fs::symlink(device, by_uuid.join("1234-ABCD")).unwrap();
    };
    let engine = world.engine();
    engine.believe(Arc::new(system.clone()));
    let index = |folder: PathBuf| {
        let mut job = IndexJob::new(&[folder], false).unwrap();
        engine.run_job(&mut job, &crate::jobs::JobControl::new(), &|_| {}).unwrap();
        job.summary
    };
    std::fs::create_dir(one.join("DCIM")).unwrap();
    std::fs::write(one.join("DCIM/red.jpg"), jpeg(RED, 0)).unwrap();
    name_device(&one);
    let indexed = index(one.join("DCIM")).embedded;
    let photo = id_at(&engine, &one.join("DCIM/red.jpg"));
    let unmounted = run("umount", &[&one]);
    let unplugged = engine.folders().unwrap()[0].missing;
    let mounted = unmounted && mount(&two);
    if mounted {
        name_device(&two);
    }
    let summary = index(two.join("DCIM"));
    let paths = engine.photo(photo).unwrap().paths;
    assert!(run("umount", &[&two]) && unmounted && mounted && unplugged);
    assert_eq!((indexed, summary.unchanged, summary.embedded), (1, 1, 0));
    assert_eq!(paths, [two.join("DCIM/red.jpg")]);
}

#[test]
fn a_jpeg_with_its_raw_file_and_a_live_photo_are_one_photo_each() {
    let world = World::new();
    let shot = world.photo("DSC_1.JPG", RED, 0);
    let live = world.photo("IMG_1.jpg", BLUE, 0);
    for name in ["dsc_1.NEF", "IMG_1.MOV", "alone.mov", "alone.nef"] {
        std::fs::write(world.path(name), name).unwrap();
    }
    let summary = world.index();
    assert_eq!((summary.found + summary.unsupported + summary.problems >= 2, summary.companions), (true, 2));
    let engine = world.engine();
    let companions = |path: &Path| {
        let companions = engine.photo(id_at(&engine, path)).unwrap().companions.into_iter();
        companions.map(|companion| (companion.path, companion.kind.as_str())).collect::<Vec<_>>()
    };
    assert_eq!(companions(&shot), [(world.path("dsc_1.NEF"), "raw")]);
    assert_eq!(companions(&live), [(world.path("IMG_1.MOV"), "film")]);
    let problems = world.problem_codes();
    assert!(problems.iter().any(|(path, _)| *path == world.path("alone.mov")), "a film alone is listed as ever");
    assert!(!problems.iter().any(|(path, _)| path.ends_with("IMG_1.MOV") || path.ends_with("dsc_1.NEF")));
    assert_eq!(world.found("red"), ["DSC_1.JPG"]);
    assert_eq!(world.index().companions, 2);
    // The companion goes where its photo goes.
    let out = tempfile::tempdir().unwrap();
    let mut copies = crate::export::CopyJob::new(&[id_at(&engine, &shot)], out.path()).unwrap();
    engine.run_job(&mut copies, &world.control, &|_| {}).unwrap();
    assert!(out.path().join("DSC_1.JPG").is_file() && out.path().join("dsc_1.NEF").is_file());
    // Without the JPEG the RAW file is looked at for itself: a photo, or listed as one that cannot be read.
    std::fs::remove_file(&shot).unwrap();
    world.index();
    let known = engine.catalog().unwrap().known(&world.path("dsc_1.NEF")).unwrap();
    assert!(
        known.is_some() && engine.catalog().unwrap().companions_under(&world.path("dsc_1.NEF")).unwrap().is_empty()
    );
    // And without its film a Live Photo is a photo.
    std::fs::remove_file(world.path("IMG_1.MOV")).unwrap();
    world.index();
    assert_eq!(companions(&live), []);
}

#[test]
fn a_jpeg_that_cannot_be_read_hides_no_raw_file() {
    let world = World::new();
    std::fs::write(world.path("a.jpg"), b"\xff\xd8\xff\xe0 not all of it").unwrap();
    std::fs::write(world.path("a.nef"), b"x").unwrap();
    for _again in 0..2 {
        world.index();
        let catalog = world.engine().catalog().unwrap().clone();
        assert!(catalog.known(&world.path("a.nef")).unwrap().is_some());
        assert!(catalog.companions_under(&world.photos()).unwrap().is_empty());
    }
}

#[test]
fn an_edited_photo_keeps_album_and_caption_and_another_of_the_same_name_does_not() {
    let world = World::new();
    let (edited, other) = (world.photo("edited.jpg", RED, 0), world.photo("other.jpg", RED, 1));
    world.index();
    let engine = world.engine();
    let before = [&edited, &other].map(|path| id_at(&engine, path));
    let album = engine.create_album("Rex", &before).unwrap();
    before.iter().for_each(|photo| engine.write_caption(*photo, "Rex").unwrap());
    let original = std::fs::read(&edited).unwrap();
    std::fs::write(&edited, jpeg(RED, 60)).unwrap();
    std::fs::write(&other, jpeg(GREEN, 0)).unwrap();
    world.index();
    let now = [&edited, &other].map(|path| id_at(&engine, path));
    assert!(now[0] != before[0] && now[1] != before[1]);
    assert_eq!(engine.photo(now[0]).unwrap().albums, [album.id]);
    assert_eq!(engine.caption(now[0]).unwrap().unwrap().text, "Rex");
    assert!(engine.photo(now[1]).unwrap().albums.is_empty() && engine.caption(now[1]).unwrap().is_none());
    // The edit is taken back.
    std::fs::write(&edited, original).unwrap();
    assert_eq!(world.index().relocated, 1);
    assert_eq!(id_at(&engine, &edited), before[0]);
    assert_eq!(engine.photo(before[0]).unwrap().albums, [album.id]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_change_of_case_alone_is_a_rename() {
    let world = World::new();
    let path = world.photo("IMG.jpg", RED, 0);
    world.index();
    let engine = world.engine();
    let photo = id_at(&engine, &path);
    std::fs::rename(&path, world.path("img.jpg")).unwrap();
    let touched = vec![path, world.path("img.jpg")];
    world.run(&mut IndexJob::of_touched(vec![world.photos()], touched, false)).unwrap();
    assert_eq!(engine.photo(photo).unwrap().paths, [world.path("img.jpg")]);
    assert_eq!(world.fake.embedded(), 1);
}

#[cfg(unix)]
#[test]
fn a_file_rewritten_with_its_old_size_and_time_is_noticed() {
    let world = World::new();
    let path = world.photo("a.jpg", RED, 1);
    let mut other = jpeg(BLUE, 1);
    let length = std::fs::metadata(&path).unwrap().len().max(other.len() as u64) as usize;
    let mut red = std::fs::read(&path).unwrap();
    red.resize(length, 0);
    other.resize(length, 0);
    std::fs::write(&path, red).unwrap();
    world.index();
    assert_eq!(world.index().unchanged, 1);
    let before = std::fs::metadata(&path).unwrap().modified().unwrap();
    // So that the clock of the file system has gone on.
    std::thread::sleep(std::time::Duration::from_millis(50));
    std::fs::write(&path, other).unwrap();
    std::fs::File::options().write(true).open(&path).unwrap().set_modified(before).unwrap();
    let summary = world.index();
    assert_eq!((summary.embedded, summary.unchanged), (1, 0));
    assert_eq!(world.found("blue"), ["a.jpg"]);
    // Another right, another name of the same file: it is looked at, and nothing is embedded.
    std::thread::sleep(std::time::Duration::from_millis(50));
    std::fs::hard_link(&path, world.path("b.jpg")).unwrap();
    let embedded = world.fake.embedded();
    world.index();
    assert_eq!((world.fake.embedded(), world.index().unchanged), (embedded, 2));
}

#[test]
fn a_moved_folder_leaves_no_dead_places() {
    let world = reds(12);
    let (old, new) = (world.photos(), world.photos().with_file_name("new place"));
    std::fs::rename(&old, &new).unwrap();
    let engine = world.engine();
    assert_eq!(world.try_index(std::slice::from_ref(&new), false).unwrap().relocated, 12);
    let folders: Vec<PathBuf> = engine.folders().unwrap().into_iter().map(|folder| folder.path).collect();
    assert_eq!(folders, std::slice::from_ref(&new));
    let id = id_at(&engine, &new.join("03.jpg"));
    assert_eq!(engine.catalog().unwrap().paths_of(id).unwrap(), [new.join("03.jpg")]);
    assert_eq!((photos(&world), world.fake.embedded()), (12, 12));
}

#[test]
fn of_a_folder_that_is_gone_only_what_turned_up_elsewhere_is_let_go() {
    let world = reds(12);
    let (old, new) = (world.photos(), world.photos().with_file_name("new place"));
    std::fs::create_dir(&new).unwrap();
    std::fs::rename(old.join("00.jpg"), new.join("00.jpg")).unwrap();
    std::fs::remove_dir_all(&old).unwrap();
    world.try_index(std::slice::from_ref(&new), false).unwrap();
    let engine = world.engine();
    assert_eq!(engine.folders().unwrap().len(), 2, "the others may be asked for");
    assert_eq!(photos(&world), 12);
    assert!(engine.catalog().unwrap().known(&old.join("00.jpg")).unwrap().is_none());
    assert!(engine.catalog().unwrap().known(&old.join("01.jpg")).unwrap().is_some());
}
