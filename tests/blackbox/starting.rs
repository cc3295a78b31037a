//! The start of the app on a library that does not open: what is told, and the ways on.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use sightline_api::{FileDialog, JobRow, LibraryChoice, Places, Shell, Start};

use crate::harness::{World, binary, root};

/// A shell that shows nothing, with a person who has made up their mind.
#[derive(Default)]
struct Silent {
    choice: Mutex<Vec<PathBuf>>,
}

impl Shell for Silent {
    fn job_changed(&self, _: &JobRow) {}
    fn library_changed(&self) {}
    fn reveal(&self, _: &Path) -> Result<(), String> {
        Ok(())
    }
    fn choose(&self, _: &FileDialog) -> Vec<PathBuf> {
        std::mem::take(&mut *self.choice.lock().unwrap())
    }
}

/// The app, as its window calls it.
struct App {
    start: Arc<Start>,
    shell: Arc<Silent>,
}

impl App {
    fn on(world: &World, library: PathBuf, choice: LibraryChoice) -> Self {
        let places = Places {
            library,
            model: root().join("assets/models/home-1"),
            models: None,
            samples: root().join("assets/samples"),
            decoder: Some(binary()),
            settings: Some(world.settings()),
        };
        let shell = Arc::<Silent>::default();
        Self { start: Start::begin(places, choice, shell.clone()), shell }
    }

    fn at(world: &World) -> Self {
        Self::on(world, world.library(), LibraryChoice::default())
    }

    fn call(&self, name: &str, request: Value) -> Value {
        self.start.dispatch(name, request).unwrap_or_else(|error| panic!("{name}: {error:?}"))
    }

    fn code(&self, name: &str, request: Value) -> String {
        self.start.dispatch(name, request).unwrap_err().code
    }

    /// What a person chooses for a command, as the page is given it.
    fn chosen(&self, purpose: &str, path: impl Into<PathBuf>) -> Value {
        *self.shell.choice.lock().unwrap() = vec![path.into()];
        self.call("choose", json!({ "purpose": purpose, "title": "Choose", "name": null }))["grant"].clone()
    }

    /// Asks for a backup that a person chose to take the library's place.
    fn restore(&self, backup: impl Into<PathBuf>) -> Value {
        json!({ "file": self.chosen("restore_backup", backup) })
    }

    /// Asks for the library in a folder that a person chose.
    fn library(&self, folder: impl Into<PathBuf>) -> Value {
        json!({ "folder": self.chosen("choose_library", folder) })
    }

    /// The failure's kind; null when the library is open.
    fn kind(&self) -> Value {
        let state = self.call("start_state", Value::Null);
        match &state["failure"] {
            Value::Null => Value::Null,
            failure => {
                assert!(!failure["message"].as_str().unwrap().is_empty());
                assert!(failure["ways"].as_array().unwrap().contains(&json!("retry")), "{failure}");
                assert_eq!(self.code("overview", Value::Null), "library_not_open");
                failure["kind"].clone()
            }
        }
    }

    fn photos(&self) -> u64 {
        self.call("overview", Value::Null)["photos"].as_u64().unwrap()
    }

    fn found(&self, query: &str) -> usize {
        let filters = json!({ "after": null, "before": null, "camera": null, "lens": null, "rating": null, "place": null,
                              "folder": null, "format": null, "album": null });
        let request = json!({ "query": query, "limit": 50, "filters": filters, "sort": "match" });
        self.call("search", request)["strong"].as_array().unwrap().len()
    }
}

impl Drop for App {
    fn drop(&mut self) {
        self.start.close();
    }
}

/// A library of four photos, all of it in one file.
fn world() -> World {
    let world = World::new();
    for name in ["lock.jpg", "coffee.png", "chelsea.png", "panda.webp"] {
        fs::copy(root().join("assets/samples").join(name), world.photos().join(name)).unwrap();
    }
    world.index();
    let whole = world.photos().with_file_name("whole.sqlite").display().to_string();
    world.json(&["backup", "--json", &whole], 0);
    world.json(&["restore", "--json", &whole], 0);
    world
}

fn file(world: &World) -> PathBuf {
    world.library().join("catalogue.sqlite")
}

fn overwrite(file: &Path, from: usize, with: &[u8]) {
    let mut bytes = fs::read(file).unwrap();
    bytes[from..from + with.len()].copy_from_slice(with);
    fs::write(file, bytes).unwrap();
}

/// Takes the number of the schema, which lies at byte 60, for a later one.
fn make_newer(world: &World) {
    overwrite(&file(world), 60, &99u32.to_be_bytes());
}

#[test]
fn a_sound_library_opens_and_a_new_one_is_made() {
    let world = World::new();
    let app = App::at(&world);
    assert_eq!((app.kind(), app.photos()), (Value::Null, 0));
    // Nothing is to be done about it.
    for name in ["retry_start", "open_read_only", "repair_library"] {
        assert_eq!(app.call(name, Value::Null)["state"]["read_only"], false, "{name}");
    }
}

#[test]
fn a_library_whose_beginning_is_lost_is_repaired_from_the_window() {
    let world = world();
    overwrite(&file(&world), 0, &[0; 8192]);
    let app = App::at(&world);
    assert_eq!(app.kind(), "damaged");
    let done = app.call("repair_library", Value::Null);
    assert_eq!((&done["state"]["failure"], &done["lost"]), (&Value::Null, &json!(0)));
    assert!(Path::new(done["kept"].as_str().unwrap()).is_file(), "what was there is kept");
    assert_eq!((app.kind(), app.photos(), app.found("golden retriever") > 0), (Value::Null, 4, true));
}

#[test]
fn damage_that_shows_only_at_the_first_look_is_told_too() {
    let world = world();
    // All but the header and the schema; what is opened is sound.
    let bytes = fs::metadata(file(&world)).unwrap().len() as usize;
    overwrite(&file(&world), 16 * 8192, &vec![0xab; bytes - 16 * 8192]);
    let app = App::at(&world);
    app.start.dispatch("settings", Value::Null).ok();
    app.start.dispatch("overview", Value::Null).ok();
    assert_eq!(app.kind(), "damaged");
    assert_eq!(app.call("repair_library", Value::Null)["state"]["failure"], Value::Null);
    app.photos();
}

#[test]
fn a_backup_takes_the_place_of_a_damaged_library() {
    let world = world();
    let backup = world.photos().with_file_name("backup.sqlite").display().to_string();
    world.json(&["backup", "--json", &backup], 0);
    fs::write(file(&world), "Dear diary").unwrap();
    let app = App::at(&world);
    assert_eq!(app.kind(), "damaged");
    assert_eq!(app.code("restore_backup", app.restore("/no/such/backup")), "backup_missing");
    assert_eq!(app.code("restore_backup", app.restore(root().join("README.md"))), "not_a_backup");
    assert_eq!(app.kind(), "damaged", "nothing has changed");
    let done = app.call("restore_backup", app.restore(backup));
    assert_eq!(fs::read_to_string(done["kept"].as_str().unwrap()).unwrap(), "Dear diary");
    assert_eq!((app.kind(), app.photos()), (Value::Null, 4));
}

#[test]
fn a_library_that_does_not_open_takes_no_path_from_the_page() {
    let world = world();
    let backup = world.photos().with_file_name("backup.sqlite");
    world.json(&["backup", "--json", backup.to_str().unwrap()], 0);
    fs::write(file(&world), "Dear diary").unwrap();
    let app = App::at(&world);
    assert_eq!(app.kind(), "damaged");
    for (name, field, other) in
        [("restore_backup", "file", "choose_library"), ("choose_library", "folder", "restore_backup")]
    {
        for forged in [json!(backup), json!(world.photos()), json!("0".repeat(64)), app.chosen(other, &backup)] {
            assert_eq!(app.code(name, json!({ field: forged })), "grant_gone", "{name} {forged}");
        }
        assert_eq!(app.code(name, json!({ "path": backup })), "request_wrong");
    }
    let unknown = json!({ "purpose": "remove_folder", "title": "", "name": null });
    assert_eq!(app.code("choose", unknown), "request_wrong");
    let closed = app.call("choose", json!({ "purpose": "restore_backup", "title": "", "name": null }));
    assert_eq!(closed, Value::Null, "a person chose nothing");
    assert_eq!((app.kind(), fs::read_to_string(file(&world)).unwrap()), (json!("damaged"), "Dear diary".into()));
    let grant = app.restore(&backup);
    assert_eq!(app.call("restore_backup", grant.clone())["state"]["failure"], Value::Null);
    assert_eq!(app.code("restore_backup", grant), "grant_gone");
}

#[test]
fn a_library_of_a_later_release_is_left_alone_and_another_chosen() {
    let world = world();
    make_newer(&world);
    let before = fs::read(file(&world)).unwrap();
    let (config, standard) = (world.photos().with_file_name("config"), world.photos().with_file_name("standard"));
    let choice = LibraryChoice { file: Some(config.clone()), standard: Some(standard.clone()) };
    let app = App::on(&world, world.library(), choice.clone());
    assert_eq!(app.kind(), "newer");
    let ways = app.call("start_state", Value::Null)["failure"]["ways"].clone();
    assert_eq!(ways, json!(["choose", "retry", "standard"]), "it is not replaced by what is older");
    // Among photos a library gets a folder of its own.
    let done = app.call("choose_library", app.library(world.photos()));
    let own = world.photos().join("Sightline");
    assert_eq!((&done["state"]["library"], &done["choice_lasts"]), (&json!(own), &json!(true)));
    assert_eq!((app.kind(), app.photos(), choice.chosen()), (Value::Null, 0, Some(own.clone())));
    drop(app);
    assert_eq!(fs::read(file(&world)).unwrap(), before);
    // The chosen one is on a disk that is unplugged: no other is made in its place.
    fs::rename(&own, own.with_extension("away")).unwrap();
    let app = App::on(&world, own.clone(), choice.clone());
    assert_eq!((app.kind(), own.exists()), (json!("missing"), false));
    let done = app.call("choose_library", json!({ "folder": null }));
    assert_eq!((&done["state"]["library"], choice.chosen()), (&json!(standard), None));
    assert_eq!(app.kind(), Value::Null);
}

#[test]
fn a_user_without_a_home_folder_is_told_so_and_chooses_a_place() {
    let world = World::new();
    let app = App::on(&world, PathBuf::new(), LibraryChoice::default());
    assert_eq!(
        (app.kind(), app.code("restore_backup", app.restore("/no/such/backup"))),
        (json!("other"), "backup_missing".into())
    );
    let done = app.call("choose_library", app.library(world.photos()));
    assert_eq!((&done["state"]["failure"], &done["choice_lasts"]), (&Value::Null, &json!(false)));
    assert_eq!(app.photos(), 0);
}

/// A folder mounted by the system, gone at the end of a test.
#[cfg(target_os = "linux")]
struct Mount(PathBuf);

#[cfg(target_os = "linux")]
impl Mount {
    /// `None`, said loudly, where this user may not mount.
    fn new(commands: &[&[&str]], at: &Path) -> Option<Self> {
        for command in commands {
            let done = Command::new("mount").args(*command).arg(at).stderr(Stdio::null()).status();
            if !done.is_ok_and(|status| status.success()) {
                println!("SKIPPED: this user cannot mount");
                return None;
            }
        }
        Some(Self(at.into()))
    }
}

#[cfg(target_os = "linux")]
impl Drop for Mount {
    fn drop(&mut self) {
        Command::new("umount").arg("-l").arg(&self.0).status().unwrap();
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_read_only_library_is_opened_to_look_at_and_nothing_in_it_changes() {
    let world = world();
    let library = world.library();
    let from = library.to_str().unwrap();
    let Some(mount) = Mount::new(&[&["--bind", from], &["-o", "remount,bind,ro"]], &library) else { return };
    let app = App::at(&world);
    assert_eq!(app.kind(), "read_only");
    assert_eq!(app.call("start_state", Value::Null)["failure"]["ways"][0], "read_only");
    assert_eq!(app.call("open_read_only", Value::Null)["state"]["read_only"], true);
    assert_eq!((app.kind(), app.photos(), app.found("golden retriever") > 0), (Value::Null, 4, true));
    let photo = app.call(
        "photos",
        json!({ "filters": { "after": null, "before": null, "camera": null, "lens": null,
        "rating": null, "place": null, "folder": null, "format": null, "album": null }, "sort": "newest" }),
    )["ids"][0]
        .clone();
    assert!(app.start.desk().unwrap().picture(sightline_api::PictureSize::Thumbnail, photo.as_i64().unwrap()).is_ok());
    let names: Vec<_> = fs::read_dir(world.photos()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    let writing = [
        ("add_folders", json!({ "folders": app.chosen("add_folders", world.photos()) })),
        ("create_album", json!({ "name": "Rex", "photos": [photo] })),
        ("write_caption", json!({ "photo": photo, "text": "Rex" })),
        ("write_out_caption", json!({ "photo": photo, "into_file": false })),
        ("describe_photos", json!({ "photos": null, "again": false })),
        ("find_duplicates", Value::Null),
        ("rescan", json!({ "retry_problems": false })),
    ];
    for (name, request) in writing {
        assert_eq!(app.code(name, request), "library_read_only", "{name}");
    }
    let after: Vec<_> = fs::read_dir(world.photos()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(after, names, "no file is written beside a photo");
    drop((app, mount));
    let app = App::at(&world);
    assert_eq!((app.kind(), app.photos()), (Value::Null, 4), "writable again, it opens as ever");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told() {
    let world = World::new();
    fs::create_dir(world.library()).unwrap();
    let options: &[&str] = &["-t", "tmpfs", "-o", "size=64k", "tmpfs"];
    let Some(_mount) = Mount::new(&[options], &world.library()) else { return };
    let app = App::at(&world);
    assert_eq!(app.kind(), "full");
    // Room is made.
    let grown = Command::new("mount").args(["-o", "remount,size=64m"]).arg(world.library()).status().unwrap();
    assert!(grown.success());
    app.call("retry_start", Value::Null);
    assert_eq!((app.kind(), app.photos()), (Value::Null, 0));
}

/// A process that keeps a library for itself.
struct Holder(Child);

impl Holder {
    fn of(file: &Path) -> Option<Self> {
        let mut command = Command::new("sqlite3");
        let Ok(mut child) = command.arg(file).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn() else {
            println!("SKIPPED: no sqlite3 to hold a library with");
            return None;
        };
        let sql = b"PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; SELECT 'held';\n";
        child.stdin.as_mut().unwrap().write_all(sql).unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.map_while(Result::ok).any(|line| line == "held"));
        Some(Self(child))
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[test]
fn a_library_that_another_process_keeps_for_itself_is_told_and_opens_when_it_is_free() {
    let world = world();
    let Some(holder) = Holder::of(&file(&world)) else { return };
    let app = App::at(&world);
    assert_eq!(app.kind(), "locked");
    drop(holder);
    app.call("retry_start", Value::Null);
    assert_eq!((app.kind(), app.photos()), (Value::Null, 4));
}
