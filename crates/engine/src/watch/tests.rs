//! Whole watches over real folders, with a fake model.

use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use sightline_catalog::PhotoId;

use super::*;
use crate::testing::{BLUE, GREEN, RED, World, jpeg};

/// What a person may wait for a new photo.
const SOON: Duration = Duration::from_secs(3);

/// Watches the photos of a world while `work` is done.
fn watching(world: &World, work: impl FnOnce(&Engine, &Mutex<Vec<String>>)) {
    let (engine, control, told) = (world.engine(), JobControl::new(), Mutex::<Vec<String>>::default());
    engine.catalog().unwrap().add_folder(&world.photos()).unwrap();
    let engine = &engine;
    std::thread::scope(|scope| {
        let (control, told) = (&control, &told);
        scope.spawn(move || {
            let tell = |event: WatchEvent| told.lock().unwrap().push(format!("{event:?}"));
            let follow = |job: &mut FollowJob| engine.run_job(job, control, &|_| {});
            Watch::new(engine, Vec::new(), control, &tell).run(&follow).unwrap();
        });
        // Stops the watch also when a check fails.
        let _stop = Stop(control);
        wait("it begins", SOON, || told.lock().unwrap().iter().any(|event| event.starts_with("Followed")));
        work(engine, told);
    });
}

/// Names of the photos found; none while the library is empty.
fn found(world: &World, query: &str) -> Vec<String> {
    world.search(query).map_or(Vec::new(), |reply| crate::testing::names(&reply, &world.photos()))
}

struct Stop<'a>(&'a JobControl);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

fn wait(what: &str, limit: Duration, done: impl Fn() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < limit, "{what}: not within {limit:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn photo_at(engine: &Engine, path: &Path) -> Option<PhotoId> {
    engine.catalog().unwrap().known(path).unwrap().and_then(|known| known.photo)
}

#[test]
fn a_new_photo_is_searchable_within_three_seconds_and_a_deleted_one_is_gone_soon() {
    let world = World::new();
    world.photo("old.jpg", BLUE, 0);
    watching(&world, |engine, _| {
        wait("what came before is caught up with", SOON, || photo_at(engine, &world.path("old.jpg")).is_some());
        let start = Instant::now();
        let path = world.photo("red.jpg", RED, 0);
        wait("it is searchable", SOON, || found(&world, "red") == ["red.jpg"]);
        println!("searchable after {:?}", start.elapsed());
        world.photo("new folder/inside/green.jpg", GREEN, 0);
        wait("one in a new folder, too", SOON, || found(&world, "green") == ["new folder/inside/green.jpg"]);
        std::fs::remove_file(path).unwrap();
        wait("it is gone", 3 * SOON, || found(&world, "red").is_empty());
    });
}

#[test]
fn a_file_that_is_being_written_is_not_read_half() {
    use std::io::Write;
    let world = World::new();
    watching(&world, |_, told| {
        let bytes = jpeg(RED, 0);
        let mut file = std::fs::File::create(world.path("slow.jpg")).unwrap();
        for part in bytes.chunks(bytes.len() / 4) {
            file.write_all(part).unwrap();
            std::thread::sleep(Duration::from_millis(900));
        }
        assert!(world.problem_codes().is_empty() && world.fake.embedded() == 0, "{:?}", told.lock().unwrap());
        drop(file);
        wait("it is searchable", SOON, || found(&world, "red") == ["slow.jpg"]);
        assert!(world.problem_codes().is_empty());
    });
}

#[test]
fn a_rename_and_a_move_keep_album_caption_and_vector() {
    let world = World::new();
    let path = world.photo("a/red.jpg", RED, 0);
    world.index();
    watching(&world, |engine, _| {
        let photo = photo_at(engine, &path).unwrap();
        let album = engine.create_album("Rex", &[photo]).unwrap();
        engine.write_caption(photo, "Rex at the lake").unwrap();
        let renamed = world.path("a/RED.jpg");
        std::fs::rename(&path, &renamed).unwrap();
        wait("it is renamed", 3 * SOON, || engine.photo(photo).unwrap().paths == [renamed.clone()]);
        std::fs::rename(world.path("a"), world.path("b")).unwrap();
        wait("its folder is", 3 * SOON, || engine.photo(photo).unwrap().paths == [world.path("b/RED.jpg")]);
        assert_eq!(world.fake.embedded(), 1);
        assert_eq!(engine.photo(photo).unwrap().albums, [album.id]);
        assert_eq!(engine.caption(photo).unwrap().unwrap().text, "Rex at the lake");
    });
}

#[test]
fn a_folder_that_is_emptied_bit_by_bit_is_asked_about_as_a_whole() {
    let world = World::new();
    for number in 0..50 {
        world.photo(&format!("{number}.jpg"), RED, number);
    }
    watching(&world, |engine, _| {
        wait("they are there", SOON, || engine.status().unwrap().photos == 50);
        for number in 0..20 {
            std::fs::remove_file(world.path(&format!("{number}.jpg"))).unwrap();
            std::thread::sleep(Duration::from_millis(150));
        }
        wait("it asks", 4 * SOON, || !engine.absences().unwrap().is_empty());
        let absence = engine.absences().unwrap().remove(0);
        assert_eq!((absence.missing, absence.known), (20, 50));
        assert_eq!(engine.status().unwrap().photos, 50);
    });
}

#[test]
fn folders_come_and_go_while_it_runs() {
    let world = World::new();
    let other = tempfile::tempdir().unwrap();
    let other = std::fs::canonicalize(other.path()).unwrap();
    std::fs::create_dir_all(&other).unwrap();
    watching(&world, |engine, told| {
        std::fs::write(other.join("red.jpg"), jpeg(RED, 0)).unwrap();
        engine.catalog().unwrap().add_folder(&other).unwrap();
        wait("the new folder is looked at", 2 * SOON, || photo_at(engine, &other.join("red.jpg")).is_some());
        std::fs::write(other.join("blue.jpg"), jpeg(BLUE, 0)).unwrap();
        wait("and watched", SOON, || photo_at(engine, &other.join("blue.jpg")).is_some());
        let away = other.with_extension("away");
        std::fs::rename(&other, &away).unwrap();
        wait("it is left", 2 * SOON, || told.lock().unwrap().iter().any(|event| event.starts_with("Left")));
        assert!(photo_at(engine, &other.join("red.jpg")).is_some(), "what is unplugged stays");
        std::fs::rename(&away, &other).unwrap();
        std::fs::write(other.join("green.jpg"), jpeg(GREEN, 0)).unwrap();
        wait("it is back", 2 * SOON, || photo_at(engine, &other.join("green.jpg")).is_some());
        engine.remove_folder(&other).unwrap();
        std::thread::sleep(SOON);
        std::fs::write(other.join("late.jpg"), jpeg(RED, 9)).unwrap();
        std::thread::sleep(SOON);
        assert_eq!(photo_at(engine, &other.join("late.jpg")), None, "nobody asked for it");
    });
    std::fs::remove_dir_all(&other).unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn a_share_is_looked_through_now_and_then() {
    let world = World::new();
    let engine = world.engine();
    engine.believe(std::sync::Arc::new(Share));
    let (sender, heard) = unbounded();
    let mut watched = Watched::new(&world.photos(), &engine.volumes(), &sender).unwrap();
    assert_eq!(watched.hearing, Hearing::Shared);
    let path = world.photo("red.jpg", RED, 0);
    watched.tend(Instant::now() + watched.interval().unwrap());
    let Ok(Heard::Touched(touched, Touch::Changed)) = heard.recv_timeout(SOON) else { panic!("nothing was heard") };
    assert_eq!(touched, path);
}

struct Share;

impl sightline_media::Volumes for Share {
    fn locate(&self, _: &Path) -> Option<sightline_media::OnVolume> {
        None
    }

    fn paths(&self, _: &sightline_media::OnVolume) -> Vec<PathBuf> {
        Vec::new()
    }

    fn is_shared(&self, _: &Path) -> bool {
        true
    }
}

#[cfg(unix)]
#[test]
fn odd_names_hard_links_and_loops_of_links_are_watched_too() {
    use std::os::unix::ffi::OsStrExt;
    let world = World::new();
    watching(&world, |engine, _| {
        let odd = world.photos().join(std::ffi::OsStr::from_bytes(b"caf\xe9\n.jpg"));
        std::fs::write(&odd, jpeg(RED, 0)).unwrap();
        wait("an odd name", SOON, || photo_at(engine, &odd).is_some());
        let link = world.path("sub").join("link.jpg");
        std::fs::create_dir(world.path("sub")).unwrap();
        std::fs::hard_link(&odd, &link).unwrap();
        wait("a hard link", SOON, || photo_at(engine, &link) == photo_at(engine, &odd));
        std::fs::write(&odd, jpeg(BLUE, 1)).unwrap();
        let blue = || (found(&world, "blue").len(), photo_at(engine, &link) == photo_at(engine, &odd));
        wait("written through one name, it changes under both", SOON, || blue() == (1, true));
        std::os::unix::fs::symlink(world.photos(), world.path("sub/loop")).unwrap();
        world.photo("after.jpg", GREEN, 0);
        wait("after a loop", SOON, || found(&world, "green") == ["after.jpg"]);
        // Names of 200 bytes, one in another, up to 4,000 bytes.
        let mut deep = world.photos();
        while deep.as_os_str().len() < 3700 {
            deep.push("d".repeat(200));
        }
        deep.push("d".repeat(4000 - 1 - 5 - deep.as_os_str().len() - 1));
        std::fs::create_dir_all(&deep).unwrap();
        deep.push("g.jpg");
        assert_eq!(deep.as_os_str().len(), 4000);
        std::fs::write(&deep, jpeg(GREEN, 3)).unwrap();
        wait("a path of 4,000 bytes", SOON, || photo_at(engine, &deep).is_some());
    });
}

#[test]
fn a_sidecar_that_another_program_writes_is_followed() {
    let world = World::new();
    let path = world.photo("a.jpg", RED, 0);
    watching(&world, |engine, _| {
        wait("what came before is caught up with", SOON, || photo_at(engine, &path).is_some());
        let rating = || {
            let catalog = engine.catalog().unwrap();
            catalog.photo(photo_at(engine, &path).unwrap()).unwrap().unwrap().rating
        };
        for stars in [4, 2] {
            let packet = format!(
                "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF \
                 xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'><rdf:Description \
                 xmlns:xmp='http://ns.adobe.com/xap/1.0/' xmp:Rating='{stars}'/></rdf:RDF></x:xmpmeta>"
            );
            // As programs write: a new file that takes the old one's place.
            let temporary = world.path("a.jpg.xmp.tmp");
            std::fs::write(&temporary, packet).unwrap();
            std::fs::rename(temporary, world.path("a.jpg.xmp")).unwrap();
            wait("the rating is known", SOON, || rating() == Some(stars));
        }
        std::fs::remove_file(world.path("a.jpg.xmp")).unwrap();
        wait("and is gone with the sidecar", SOON, || rating().is_none());
    });
    assert_eq!(world.fake.embedded(), 1);
}

#[test]
fn what_could_not_be_followed_is_tried_again() {
    let world = World::new();
    let (engine, control, told) = (world.engine(), JobControl::new(), Mutex::<Vec<String>>::default());
    engine.catalog().unwrap().add_folder(&world.photos()).unwrap();
    let path = world.photo("red.jpg", RED, 0);
    world.fake.panics.store(true, std::sync::atomic::Ordering::SeqCst);
    std::thread::scope(|scope| {
        let (engine, control, told) = (&engine, &control, &told);
        scope.spawn(move || {
            let tell = |event: WatchEvent| told.lock().unwrap().push(format!("{event:?}"));
            let follow = |job: &mut FollowJob| engine.run_job(job, control, &|_| {});
            let mut watch = Watch::new(engine, Vec::new(), control, &tell);
            watch.again = (Duration::from_millis(300), 0);
            watch.run(&follow).unwrap();
        });
        let _stop = Stop(control);
        wait("it fails", SOON, || told.lock().unwrap().iter().any(|event| event.starts_with("Failed")));
        wait("and is tried again", SOON, || photo_at(engine, &path).is_some());
    });
    assert!(engine.catalog().unwrap().jobs().unwrap().is_empty(), "no row is left of either");
}
