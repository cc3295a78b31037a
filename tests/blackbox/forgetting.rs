//! What a person has forgotten: by command and by the commands of a window, with what is left on disk read byte by byte.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::desk::{Seat, no_filters};
use crate::harness::{World, samples};

const MARK: &str = "SECRETMARK";
/// Bytes by which traces are looked for; none is shorter.
const BEGIN: usize = 8;

/// A world in which one photo lies twice, with words in its file names, beside it and from a person.
fn world() -> World {
    let world = World::with_samples();
    let first = world.photos().join(samples()[0].file_name().unwrap());
    std::fs::create_dir(world.photos().join("else")).unwrap();
    std::fs::copy(&first, world.photos().join("else").join(format!("{MARK} copy.jpg"))).unwrap();
    std::fs::rename(&first, photo(&world)).unwrap();
    let words = format!(
        "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>\
         <rdf:Description xmlns:dc='http://purl.org/dc/elements/1.1/'><dc:subject><rdf:Bag><rdf:li>{MARK}keyword</rdf:li>\
         </rdf:Bag></dc:subject><dc:description><rdf:Alt><rdf:li xml:lang='x-default'>{MARK}caption of it</rdf:li></rdf:Alt>\
         </dc:description></rdf:Description></rdf:RDF></x:xmpmeta>"
    );
    std::fs::write(photo(&world).with_extension("jpg.xmp"), words).unwrap();
    assert_eq!(world.index()["problems"], 0);
    world
}

fn photo(world: &World) -> PathBuf {
    world.photos().join(format!("{MARK} one.jpg"))
}

/// What must not be left of the photo: the mark, its thumbnail in pieces, its vectors, its hash.
fn traces(library: &Path) -> Vec<Vec<u8>> {
    let file = Connection::open(library.join("catalogue.sqlite")).unwrap();
    let sql = "SELECT DISTINCT photo.id, hash, jpeg FROM photo JOIN thumbnail ON thumbnail.photo_id = photo.id
               JOIN location ON location.photo_id = photo.id WHERE CAST(path AS TEXT) LIKE '%SECRETMARK%'";
    let (id, hash, jpeg): (i64, Vec<u8>, Vec<u8>) =
        file.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
    let mut statement = file.prepare("SELECT data FROM vector WHERE photo_id = ?1").unwrap();
    let vectors: Vec<Vec<u8>> = statement.query_map([id], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert!(!vectors.is_empty() && jpeg.len() > 1000);
    // The first pieces, with the tables of a JPEG, are those of others too.
    let pieces = jpeg.chunks_exact(64).skip(10).map(<[u8]>::to_vec);
    [MARK.as_bytes().to_vec(), hash].into_iter().chain(vectors).chain(pieces).collect()
}

/// The files of the library's folder that have one of the traces, with where they begin.
fn found(library: &Path, traces: &[Vec<u8>]) -> Vec<(PathBuf, String)> {
    let mut by_begin: HashMap<&[u8], Vec<&[u8]>> = HashMap::new();
    for trace in traces {
        by_begin.entry(&trace[..BEGIN]).or_default().push(trace);
    }
    let mut found = Vec::new();
    for entry in std::fs::read_dir(library).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        for at in 0..bytes.len().saturating_sub(BEGIN - 1) {
            for trace in by_begin.get(&bytes[at..at + BEGIN]).into_iter().flatten() {
                if bytes[at..].starts_with(trace) {
                    found.push((path.clone(), String::from_utf8_lossy(trace).into_owned()));
                }
            }
        }
    }
    found
}

fn is_sound(world: &World) {
    assert_eq!(world.run(&["check"]).status.code(), Some(0));
}

#[test]
fn a_photo_that_is_forgotten_leaves_no_byte_and_stays_out_until_it_is_allowed() {
    let world = world();
    let file = photo(&world);
    let file = file.to_str().unwrap();
    world.json(&["caption", "--json", "--save", file], 0);
    let traces = traces(&world.library());
    assert!(found(&world.library(), &traces).len() > 20, "the test sees what is there");
    let others = world.search("a dog");
    let original = std::fs::read(file).unwrap();

    let asked = world.json(&["forget", "--json", file], 1);
    assert_eq!((&asked[0]["event"], &asked[0]["photos"]), (&json!("would_forget"), &json!(1)));
    assert!(!found(&world.library(), &traces).is_empty(), "nothing is forgotten unasked");
    let copy = world.library().join("catalogue.sqlite.old");
    world.run(&["backup", copy.to_str().unwrap()]);
    let done = world.json(&["forget", "--json", "--yes", file], 0);
    let last = done.last().unwrap();
    assert_eq!((&last["event"], &last["kept_out"]), (&json!("forgotten"), &json!(true)));
    assert_eq!(last["copies"][0]["path"], copy.to_str().unwrap(), "the older copy is named");
    assert!(copy.is_file(), "and stays");
    std::fs::remove_file(copy).unwrap();

    assert_eq!(found(&world.library(), &traces), []);
    assert_eq!(std::fs::read(file).unwrap(), original, "no original is touched");
    is_sound(&world);
    let again = world.index();
    assert_eq!((&again["kept_out"], &again["embedded"], &again["problems"]), (&json!(2), &json!(0), &json!(0)));
    assert_eq!(found(&world.library(), &traces), [], "nor is it brought back");
    let mut others: Vec<String> = others.into_iter().filter(|name| !name.contains(MARK)).collect();
    let mut now = world.search("a dog");
    others.sort();
    now.sort();
    assert_eq!(now, others, "the others are found as before");

    assert_eq!(world.json(&["forget", "--json", "--allow", file], 0)[0]["count"], 1);
    assert_eq!(world.index()["embedded"], 1, "allowed, it is a photo like any other");
    is_sound(&world);
}

#[test]
fn a_folder_that_is_forgotten_is_gone_and_what_lies_elsewhere_stays() {
    let world = World::with_samples();
    let secret = world.folder().join(format!("{MARK} folder"));
    std::fs::create_dir(&secret).unwrap();
    for sample in &samples()[..5] {
        std::fs::copy(sample, secret.join(sample.file_name().unwrap())).unwrap();
    }
    let mut bytes = std::fs::read(&samples()[1]).unwrap();
    bytes.push(7);
    std::fs::write(secret.join("only here.jpg"), bytes).unwrap();
    std::fs::write(secret.join("broken.jpg"), "no photo").unwrap();
    let (photos, folder) = (world.photos(), secret.to_str().unwrap().to_owned());
    world.json(&["index", "--json", photos.to_str().unwrap(), &folder], 0);
    let before = world.json(&["status", "--json"], 0)[0]["photos"].as_u64().unwrap();
    let traces = [traces(&world.library())[..1].to_vec()].concat();
    let done = world.json(&["forget", "--json", "--yes", "--folder", &folder], 0);
    let done = done.last().unwrap();
    assert_eq!((&done["photos"], &done["stay"], &done["kept_out"]), (&json!(1), &json!(5), &json!(false)));
    assert_eq!(found(&world.library(), &traces), []);
    let status = world.json(&["status", "--json"], 0);
    assert_eq!(status[0]["photos"].as_u64().unwrap(), before - 1);
    assert_eq!(status[0]["folders"].as_array().unwrap().len(), 1);
    assert_eq!(status[0]["problems"], 0);
    is_sound(&world);
    // A part of a folder that stays: it is not brought back by the next run.
    let part = world.photos().join("part");
    std::fs::create_dir(&part).unwrap();
    std::fs::rename(secret.join("only here.jpg"), part.join(format!("{MARK}.jpg"))).unwrap();
    assert_eq!(world.index()["embedded"], 1);
    let done = world.json(&["forget", "--json", "--yes", "--folder", part.to_str().unwrap()], 0);
    assert_eq!(done.last().unwrap()["kept_out"], true);
    assert_eq!(world.index()["kept_out"], 1);
    assert_eq!(found(&world.library(), &traces), []);
}

#[test]
fn what_the_library_does_not_know_is_an_error_with_a_way_out() {
    let world = World::new();
    std::fs::copy(&samples()[0], world.photos().join("a.jpg")).unwrap();
    world.index();
    for (args, code, remedy) in [
        (vec!["forget", "--yes", "/no/such/photo.jpg"], "not_known", "check the path"),
        (vec!["forget", "--yes", world.photos().to_str().unwrap()], "is_folder", "--folder"),
        (vec!["forget", "--yes", "--folder", "/no/such"], "not_known", "check the path"),
        (vec!["forget", "--yes"], "failed", "--missing"),
    ] {
        let args: Vec<&str> = std::iter::once("--json").chain(args).collect();
        let output = world.run(&args);
        let error: Value = serde_json::from_slice(&output.stderr).unwrap();
        assert_eq!((output.status.code(), &error["error"]["code"]), (Some(2), &json!(code)), "{args:?}");
        assert!(error["error"]["message"].as_str().unwrap().contains(remedy), "{error}");
    }
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}

/// Kills, each at another moment.
const KILLS: u64 = 10;

#[test]
fn forgetting_that_is_killed_is_not_begun_or_gone_on_with_by_the_next_command() {
    let world = world();
    let kept = world.folder().join("kept");
    copy_folder(&world.library(), &kept);
    let traces = traces(&world.library());
    let file = photo(&world);
    let (mut untouched, mut went_on) = (0, 0);
    for kill in 0..KILLS {
        std::fs::remove_dir_all(world.library()).unwrap();
        copy_folder(&kept, &world.library());
        let mut child = world
            .command(&["forget", "--yes", file.to_str().unwrap()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(10 + 31 * kill % 300));
        child.kill().unwrap();
        child.wait().unwrap();
        is_sound(&world);
        let left = found(&world.library(), &traces).len();
        // The next that writes, whatever it is asked for.
        let run = world.run(&["index", world.photos().to_str().unwrap()]);
        assert_eq!(run.status.code(), Some(0), "{}", String::from_utf8_lossy(&run.stderr));
        let status = world.json(&["status", "--json"], 0);
        if status[0]["photos"] == samples().len() {
            untouched += 1;
            continue;
        }
        went_on += usize::from(left > 0);
        assert_eq!(status[0]["photos"], samples().len() - 1);
        assert_eq!(found(&world.library(), &traces), [], "kill {kill}");
        is_sound(&world);
    }
    println!("{KILLS} kills: {untouched} before it was written down, {went_on} before it was done");
}

#[test]
fn a_window_forgets_by_number_and_tells_before_what_that_comes_to() {
    let world = world();
    let traces = traces(&world.library());
    let seat = Seat::at(&world);
    let overview = seat.call("overview", Value::Null);
    let list = seat.call("photos", json!({ "sort": "newest", "filters": no_filters() }));
    let ids: Vec<i64> = list["ids"].as_array().unwrap().iter().map(|id| id.as_i64().unwrap()).collect();
    let secret = |id: &i64| seat.call("photo", json!({ "photo": id }))["name"].as_str().unwrap().contains(MARK);
    let photo = ids.iter().copied().find(secret).unwrap();
    let mut settings = seat.call("settings", Value::Null);
    settings["recent_searches"] = json!([format!("{MARK} search")]);
    seat.call("save_settings", settings);

    let none = json!({ "photos": [], "folder": null, "missing": false, "searches": false });
    let with = |key: &str, value: Value| {
        let mut request = none.clone();
        request[key] = value;
        request
    };
    let plan = seat.call("forget_plan", with("photos", json!([photo])));
    assert_eq!((&plan["photos"], &plan["keeps_out"]), (&json!(1), &json!(true)));
    for (key, value) in [("photos", json!([photo])), ("searches", json!(true))] {
        let job = seat.call("forget", with(key, value));
        assert_eq!(job["kind"], "forget");
        seat.wait_for_jobs();
    }
    assert_eq!(found(&world.library(), &traces), []);
    assert_eq!(seat.try_call("photo", json!({ "photo": photo })).unwrap_err().code, "photo_gone");
    assert_eq!(seat.call("settings", Value::Null)["recent_searches"], json!([]));
    assert_eq!(seat.call("privacy", Value::Null), json!({ "missing": 0, "photos_out": 1, "folders_out": 0 }));
    assert_eq!(seat.try_call("forget", with("photos", json!([photo]))).unwrap_err().code, "photo_gone");
    assert_eq!(seat.try_call("forget", with("folder", json!(1))).unwrap_err().code, "folder_gone");

    let folder = &overview["folders"][0]["id"];
    assert!(folder.as_i64().unwrap() > 0);
    seat.call("forget", with("folder", folder.clone()));
    seat.wait_for_jobs();
    let now = seat.call("overview", Value::Null);
    assert_eq!((&now["photos"], now["folders"].as_array().unwrap().len()), (&json!(0), 0));
    assert_eq!(found(&world.library(), &[world.photos().to_str().unwrap().as_bytes().to_vec()]), []);
    seat.call("let_all_in", Value::Null);
    assert_eq!(seat.call("privacy", Value::Null)["photos_out"], 0);
}
