//! Libraries from somebody else: links where files are expected, jobs that nobody here asked for, a schema that is a
//! program, and who may read what.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use serde_json::{Value, json};
use sightline_api::{Desk, FileDialog, JobRow, Places, Shell, dispatch};

use crate::harness::{World, binary, own_home, root};

/// A world with one photo, indexed, its library in one file.
fn world() -> World {
    let world = World::new();
    fs::copy(root().join("assets/samples/lock.jpg"), world.photos().join("lock.jpg")).unwrap();
    world.index();
    settle(&catalogue(&world));
    world
}

fn catalogue(world: &World) -> PathBuf {
    world.library().join("catalogue.sqlite")
}

fn settle(file: &Path) {
    let connection = Connection::open(file).unwrap();
    connection.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(())).unwrap();
}

fn sql(file: &Path, statements: &str) {
    let connection = Connection::open(file).unwrap();
    connection.execute_batch(&format!("PRAGMA writable_schema = ON; {statements}")).unwrap();
    drop(connection);
}

/// The code of the error that `args` end with.
fn error(world: &World, args: &[&str]) -> String {
    let output = world.run(args);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{args:?}: {text}");
    let line = text.lines().rfind(|line| line.starts_with("{\"error\"")).unwrap_or_else(|| panic!("no error: {text}"));
    serde_json::from_str::<Value>(line).unwrap()["error"]["code"].as_str().unwrap().to_owned()
}

#[test]
fn a_link_in_a_library_leads_no_writing_to_another_file() {
    let base = world();
    let photos = base.photos().to_str().unwrap().to_owned();
    let before = fs::read(catalogue(&base)).unwrap();
    // A job that seems to run, so that its lock is looked at.
    let running = "INSERT INTO job (id, kind, state, payload) VALUES (700, 'index', 'running', '{}')";
    let vectors = "INSERT OR REPLACE INTO vector_file SELECT id, 'vectors-ABCDEFGHIJKLMNOP.bin', 1 FROM model LIMIT 1";
    let cases: [(&str, &str, &[&str]); 12] = [
        ("turn-index.lock", "", &["index", &photos]),
        ("turn-index.process", "", &["index", &photos]),
        ("job-2.lock", "", &["index", &photos]),
        ("job-700.lock", running, &["tags", "--edit"]),
        ("catalogue.sqlite-wal", "", &["index", &photos]),
        ("catalogue.sqlite-journal", "", &["index", &photos]),
        ("catalogue.sqlite-shm", "", &["index", &photos]),
        ("catalogue.sqlite", "", &["index", &photos]),
        ("catalogue.sqlite", "", &["status"]),
        ("vectors-ABCDEFGHIJKLMNOP.bin", vectors, &["search", "a lock"]),
        ("tags.txt", "", &["tags", "--edit"]),
        ("turn-caption.lock", "", &["caption", "--save", &photos]),
    ];
    for (name, statements, args) in cases {
        for is_dangling in [false, true] {
            let world = World::new();
            fs::create_dir(world.library()).unwrap();
            let victim = world.photos().with_file_name("victim");
            if name != "catalogue.sqlite" {
                fs::write(catalogue(&world), &before).unwrap();
                sql(&catalogue(&world), statements);
            }
            match (name, is_dangling) {
                ("catalogue.sqlite", false) => fs::write(&victim, &before).unwrap(),
                (_, false) => fs::write(&victim, "dear diary\n".repeat(60)).unwrap(),
                (_, true) => {}
            }
            let had = fs::read(&victim).ok();
            symlink(&victim, world.library().join(name)).unwrap();
            let output = world.run(args);
            let told = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(fs::read(&victim).ok() == had, "{name}, dangling {is_dangling}: {told}");
            assert!(output.status.code().is_some_and(|code| code <= 2), "{name}: {told}");
        }
    }
    // A second name of the same file: it is not emptied.
    for name in ["turn-index.lock", "turn-index.process", "job-2.lock"] {
        let world = World::new();
        fs::create_dir(world.library()).unwrap();
        fs::write(catalogue(&world), &before).unwrap();
        let victim = world.photos().with_file_name("victim");
        fs::write(&victim, "dear diary").unwrap();
        fs::hard_link(&victim, world.library().join(name)).unwrap();
        let output = world.run(&["index", &photos]);
        assert_eq!(output.status.code(), Some(0), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(fs::read(&victim).unwrap(), b"dear diary", "{name}");
    }
    // The folder itself may be a link: it is the user's own.
    let world = World::new();
    symlink(base.library(), world.library()).unwrap();
    assert_eq!(world.json(&["status", "--json"], 0)[0]["photos"], 1);
}

#[test]
fn a_foreign_schema_is_refused_at_once_with_its_name_and_a_repair_leaves_it_out() {
    let world = world();
    let backup = world.photos().with_file_name("backup").to_str().unwrap().to_owned();
    world.json(&["backup", "--json", &backup], 0);
    let endless = "WITH RECURSIVE c (x) AS (VALUES (1) UNION ALL SELECT x + 1 FROM c) SELECT x FROM c";
    let behind = "UPDATE sqlite_schema SET sql = sql || '; DELETE FROM album' WHERE name = 'words'";
    // What is said of it: that a schema is not ours, or, where SQLite itself does not take it, that it is damaged.
    let foreign = ("backup_foreign", "catalogue_foreign", "Sightline");
    let malformed = ("backup_damaged", "catalogue_corrupt", "malformed");
    let cases = [
        ("CREATE TRIGGER gift AFTER INSERT ON job BEGIN DELETE FROM album; END".to_owned(), foreign),
        (format!("CREATE VIEW other AS {endless}"), foreign),
        (behind.to_owned(), malformed),
    ];
    for (statements, (of_backup, of_library, told)) in &cases {
        sql(Path::new(&backup), statements);
        assert_eq!(error(&world, &["restore", "--json", &backup]), *of_backup, "{statements}");
        let elsewhere = World::new();
        fs::create_dir(elsewhere.library()).unwrap();
        fs::copy(&backup, catalogue(&elsewhere)).unwrap();
        assert_eq!(error(&elsewhere, &["status", "--json"]), *of_library);
        let photos = world.photos();
        assert_eq!(error(&elsewhere, &["index", "--json", photos.to_str().unwrap()]), *of_library);
        let found = elsewhere.json(&["check", "--json"], 1);
        assert_eq!(found.last().unwrap()["well"], false);
        assert!(found[0]["message"].as_str().unwrap().contains(told), "{found:?}");
        elsewhere.json(&["check", "--json", "--repair"], 0);
        elsewhere.json(&["check", "--json"], 0);
        assert_eq!(elsewhere.json(&["status", "--json"], 0)[0]["photos"], 1);
    }
    assert_eq!(world.json(&["status", "--json"], 0)[0]["photos"], 1);
}

/// A shell that nobody listens to.
struct Silence;

impl Shell for Silence {
    fn job_changed(&self, _: &JobRow) {}
    fn library_changed(&self) {}
    fn reveal(&self, _: &Path) -> Result<(), String> {
        Ok(())
    }
    fn choose(&self, _: &FileDialog) -> Vec<PathBuf> {
        Vec::new()
    }
}

/// The app as it starts, without a window.
fn app(world: &World) -> Desk {
    let places = Places {
        library: world.library(),
        model: root().join("assets/models/home-1"),
        models: None,
        samples: root().join("assets/samples"),
        decoder: Some(binary()),
        settings: Some(world.settings()),
    };
    Desk::open(places, Arc::new(Silence)).unwrap()
}

#[test]
fn no_job_of_somebody_else_is_run() {
    let base = world();
    let gift = base.photos().with_file_name("gift.desktop");
    fs::write(&gift, "[Desktop Entry]\nExec=touch /tmp/owned\n").unwrap();
    let autostart = base.photos().with_file_name("autostart");
    fs::create_dir(&autostart).unwrap();
    let bytes = |path: &Path| json!(path.as_os_str().as_encoded_bytes());
    let copy = json!({ "photos": [1], "folder": bytes(&autostart) });
    let index = json!({ "folders": [bytes(&autostart)], "retry": false });
    let cases = [
        ("copy", "paused", &copy),
        ("copy", "queued", &copy),
        ("copy", "running", &copy),
        ("copy", "failed", &copy),
        ("copy", "done", &copy),
        ("copy", "cancelled", &copy),
        ("index", "paused", &index),
        ("trash", "paused", &copy),
        ("caption", "paused", &copy),
        ("nonsense", "paused", &copy),
    ];
    for is_restored in [true, false] {
        let world = World::new();
        let file = world.photos().with_file_name("gift.sightline");
        fs::copy(catalogue(&base), &file).unwrap();
        let connection = Connection::open(&file).unwrap();
        connection.execute("UPDATE location SET path = ?1", [gift.as_os_str().as_encoded_bytes()]).unwrap();
        for (kind, state, payload) in cases {
            let insert = "INSERT INTO job (kind, state, payload) VALUES (?1, ?2, ?3)";
            connection.execute(insert, (kind, state, payload.to_string())).unwrap();
        }
        let last = connection.last_insert_rowid();
        drop(connection);
        if is_restored {
            world.json(&["restore", "--json", file.to_str().unwrap()], 0);
        } else {
            fs::create_dir(world.library()).unwrap();
            fs::copy(&file, catalogue(&world)).unwrap();
        }
        let app = app(&world);
        assert_eq!(dispatch(&app, "overview", Value::Null).unwrap()["jobs"], json!([]));
        for job in 1..=last {
            // Also where somebody asks for it by number.
            let resumed = dispatch(&app, "control_job", json!({ "job": job, "action": "resume" }));
            let error = resumed.unwrap_err();
            assert!(error.code == "job_wrong" && error.message.contains("no such job"), "job {job}: {error:?}");
        }
        std::thread::sleep(Duration::from_millis(500));
        app.close();
        assert_eq!(fs::read_dir(&autostart).unwrap().count(), 0, "restored: {is_restored}");
    }
}

#[test]
fn libraries_and_backups_are_for_their_owner_and_exports_for_whom_new_files_are() {
    let caption = r#"<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:description><rdf:Alt><rdf:li xml:lang="x-default">a lock</rdf:li></rdf:Alt></dc:description></rdf:Description></rdf:RDF></x:xmpmeta>"#;
    for mask in ["000", "002", "007", "022", "027", "037", "026", "077", "066", "023"] {
        let world = World::new();
        let photo = world.photos().join("lock.jpg");
        fs::copy(root().join("assets/samples/lock.jpg"), &photo).unwrap();
        fs::write(world.photos().join("lock.jpg.xmp"), caption).unwrap();
        let under_mask = |args: &[&str]| {
            let mut command = std::process::Command::new("sh");
            own_home(&mut command, world.folder());
            command.args(["-c", "umask $0; exec \"$@\"", mask]).arg(binary()).arg("--library").arg(world.library());
            let output = command.args(["--device", "cpu"]).args(args).output().unwrap();
            assert_eq!(output.status.code(), Some(0), "{mask} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        };
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        let (backup, table) = (world.photos().with_file_name("backup"), world.photos().with_file_name("t.csv"));
        under_mask(&["index", world.photos().to_str().unwrap()]);
        under_mask(&["backup", backup.to_str().unwrap()]);
        under_mask(&["caption", "--csv", table.to_str().unwrap(), photo.to_str().unwrap()]);
        assert_eq!(mode(&world.library()), 0o700, "umask {mask}");
        for entry in fs::read_dir(world.library()).unwrap() {
            let path = entry.unwrap().path();
            assert_eq!(mode(&path), 0o600, "umask {mask}: {}", path.display());
        }
        assert_eq!(mode(&backup), 0o600, "umask {mask}");
        let mask = u32::from_str_radix(mask, 8).unwrap();
        assert_eq!(mode(&table), 0o666 & !mask, "umask {mask:o}");
    }
}

/// A library over two equal photos, `a.jpg` and `b.jpg`, whose trash lies in the world.
fn two_equal() -> World {
    let world = World::new();
    for name in ["a.jpg", "b.jpg"] {
        fs::copy(root().join("assets/samples/desk.jpg"), world.photos().join(name)).unwrap();
    }
    world.index();
    world
}

fn rows(world: &World) -> Connection {
    Connection::open(catalogue(world)).unwrap()
}

fn bytes_of(path: &Path) -> &[u8] {
    use std::os::unix::ffi::OsStrExt;
    path.as_os_str().as_bytes()
}

#[test]
fn no_row_of_somebody_else_moves_a_file_that_is_no_photo_to_the_trash_or_out_of_it() {
    let world = two_equal();
    let (diary, desktop) = (world.folder().join("diary.txt"), world.photos().join("x.desktop"));
    fs::write(&diary, "mine").unwrap();
    fs::write(&desktop, "[Desktop Entry]").unwrap();
    for photo in ["a.jpg", "b.jpg"] {
        for (number, file) in [&diary, &desktop].into_iter().enumerate() {
            let sql = "INSERT OR REPLACE INTO companion VALUES (?1, ?2, 'raw', ?3, 1)";
            let owner = world.photos().join(photo);
            rows(&world).execute(sql, (bytes_of(file), bytes_of(&owner), 7 + number as i64)).unwrap();
        }
    }
    assert_eq!(world.run(&["duplicates", "trash", "--keep", "best", "--yes"]).status.code(), Some(0));
    assert_eq!(
        (fs::read(&diary).unwrap(), fs::read(&desktop).unwrap()),
        (b"mine".to_vec(), b"[Desktop Entry]".to_vec())
    );
    assert_eq!(world.run(&["duplicates", "undo"]).status.code(), Some(0));
    assert!(world.photos().join("a.jpg").is_file() && world.photos().join("b.jpg").is_file());

    // A pipe that nobody writes into, and what the user has thrown away.
    let pipe = world.photos().join("pipe.jpg");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for (path, size) in [(&pipe, Some(5)), (&desktop, None)] {
        let sql = "INSERT INTO trashed (batch, path, photo_id, kept_id, size_bytes, modified_ns)
                   SELECT 9, ?1, min(id), max(id), ?2, ?2 FROM photo";
        rows(&world).execute(sql, (bytes_of(path), size)).unwrap();
    }
    let trash = world.folder().join("home/.local/share/Trash");
    for folder in ["files", "info"] {
        fs::create_dir_all(trash.join(folder)).unwrap();
    }
    fs::rename(&desktop, trash.join("files/x.desktop")).unwrap();
    let info = format!("[Trash Info]\nPath={}\nDeletionDate=2026-01-01T00:00:00\n", desktop.display());
    fs::write(trash.join("info/x.desktop.trashinfo"), info).unwrap();
    let begun = Instant::now();
    world.run(&["duplicates", "undo"]);
    assert!(begun.elapsed() < Duration::from_secs(20), "it waits for a pipe");
    assert!(!desktop.exists() && trash.join("files/x.desktop").is_file());
    // A pipe in the place of a photo that is known.
    fs::remove_file(world.photos().join("a.jpg")).unwrap();
    fs::rename(&pipe, world.photos().join("a.jpg")).unwrap();
    let begun = Instant::now();
    world.run(&["duplicates", "trash", "--keep", "best", "--yes"]);
    assert!(begun.elapsed() < Duration::from_secs(20), "it waits for a pipe");
    assert!(world.photos().join("b.jpg").is_file());
}

#[test]
fn forgetting_wipes_no_file_that_has_a_name_outside_the_library() {
    let world = two_equal();
    let mine = world.folder().join("mine.bin");
    fs::write(&mine, [7; 5000]).unwrap();
    fs::hard_link(&mine, world.library().join("vectors-abcdefghijklmnop.bin")).unwrap();
    let photo = world.photos().join("a.jpg");
    assert_eq!(world.run(&["forget", photo.to_str().unwrap(), "--yes"]).status.code(), Some(0));
    assert_eq!(fs::read(&mine).unwrap(), [7; 5000]);
}

#[test]
fn a_thumbnail_of_a_library_is_decoded_only_as_the_thumbnail_that_it_should_be() {
    let world = two_equal();
    fs::copy(root().join("assets/samples/beach.jpg"), world.photos().join("c.jpg")).unwrap();
    world.index();
    // Of a format that thumbnails are not made in, as a picture that unpacks to gigabytes might be.
    let png = fs::read(root().join("assets/samples/coffee.png")).unwrap();
    let file = rows(&world);
    file.execute("DELETE FROM fingerprint", []).unwrap();
    file.execute("UPDATE thumbnail SET jpeg = ?1", [png]).unwrap();
    drop(file);
    assert_eq!(world.run(&["duplicates", "--near"]).status.code(), Some(1));
    let made: i64 = rows(&world).query_row("SELECT count(*) FROM fingerprint", [], |row| row.get(0)).unwrap();
    assert_eq!(made, 0, "it was decoded");
}
