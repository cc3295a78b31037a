//! The commands that a window calls, over a real library and the model that ships.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sightline_api::{Desk, ErrorReply, FileDialog, JobRow, JobState, PictureSize, Places, Purpose, Shell, dispatch};

use crate::harness::{World, binary, root};

/// A shell without a window that keeps what it is told.
#[derive(Default)]
struct Ears {
    jobs: Mutex<Vec<JobRow>>,
    changes: Mutex<usize>,
    revealed: Mutex<Vec<String>>,
}

impl Shell for Ears {
    fn job_changed(&self, job: &JobRow) {
        self.jobs.lock().unwrap().push(job.clone());
    }

    fn library_changed(&self) {
        *self.changes.lock().unwrap() += 1;
    }

    fn reveal(&self, path: &Path) -> Result<(), String> {
        self.revealed.lock().unwrap().push(path.display().to_string());
        Ok(())
    }

    fn choose(&self, _: &FileDialog) -> Vec<PathBuf> {
        Vec::new()
    }
}

pub(crate) struct Seat {
    desk: Desk,
    ears: Arc<Ears>,
}

impl Seat {
    pub(crate) fn at(world: &World) -> Self {
        Self::with_models(world, None)
    }

    /// With a folder of models.
    pub(crate) fn with_models(world: &World, models: Option<PathBuf>) -> Self {
        let ears = Arc::<Ears>::default();
        let places = Places {
            library: world.library(),
            model: root().join("assets/models/home-1"),
            models,
            samples: root().join("assets/samples"),
            decoder: Some(binary()),
            settings: Some(world.settings()),
        };
        Self { desk: Desk::open(places, ears.clone()).unwrap(), ears }
    }

    pub(crate) fn call(&self, name: &str, request: Value) -> Value {
        self.try_call(name, request).unwrap_or_else(|error| panic!("{name}: {error:?}"))
    }

    pub(crate) fn try_call(&self, name: &str, request: Value) -> Result<Value, ErrorReply> {
        dispatch(&self.desk, name, request)
    }

    /// What a person chose for a command, as the page is given it.
    pub(crate) fn chosen(&self, purpose: Purpose, path: impl Into<PathBuf>) -> Value {
        json!(self.desk.grants().give(purpose, vec![path.into()]).grant)
    }

    pub(crate) fn add_folder(&self, folder: impl Into<PathBuf>) -> Value {
        self.call("add_folders", json!({ "folders": self.chosen(Purpose::AddFolders, folder) }))
    }

    pub(crate) fn wait_for_jobs(&self) {
        let start = Instant::now();
        while !self.call("overview", Value::Null)["jobs"].as_array().unwrap().is_empty() {
            assert!(start.elapsed() < Duration::from_secs(120), "the job hangs");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn search(&self, query: &str, filters: Value) -> Vec<i64> {
        let request = json!({ "query": query, "limit": 50, "filters": filters, "sort": "match" });
        let reply = self.call("search", request);
        let ids = |key: &str| reply[key].as_array().unwrap().iter().map(|id| id.as_i64().unwrap()).collect::<Vec<_>>();
        [ids("strong"), ids("possible")].concat()
    }

    fn name(&self, photo: i64) -> String {
        self.call("photo", json!({ "photo": photo }))["name"].as_str().unwrap().to_owned()
    }
}

pub(crate) fn no_filters() -> Value {
    json!({ "after": null, "before": null, "camera": null, "lens": null, "rating": null, "place": null, "folder": null, "format": null, "album": null })
}

#[test]
fn a_first_evening_with_the_samples() {
    let world = World::new();
    let seat = Seat::at(&world);
    assert_eq!(seat.call("overview", Value::Null)["photos"], 0);
    assert_eq!(
        seat.try_call("search", json!({ "query": "dog", "limit": 1, "filters": no_filters(), "sort": "match" }))
            .unwrap_err()
            .code,
        "library_empty"
    );
    seat.call("add_samples", Value::Null);
    seat.wait_for_jobs();
    assert!(seat.ears.jobs.lock().unwrap().iter().any(|job| job.state == JobState::Done));
    assert!(*seat.ears.changes.lock().unwrap() > 0);

    let dogs = seat.search("golden retriever", no_filters());
    let judged = |query: &str| {
        let asked = json!({ "query": query, "limit": 5, "filters": no_filters(), "sort": "match" });
        seat.call("search", asked)["judged"] == true
    };
    assert!(
        judged("dog") && !judged("-dog") && !judged("type:jpeg"),
        "what is only filtered is no match of any strength"
    );
    assert_eq!(seat.name(dogs[0]), "lock.jpg");
    let listed = seat.call("photos", json!({ "filters": no_filters(), "sort": "newest" }));
    let all: Vec<i64> = serde_json::from_value(listed["ids"].clone()).unwrap();
    assert_eq!(all.len() as u64, seat.call("overview", Value::Null)["searchable"].as_u64().unwrap());

    let album = seat.call("create_album", json!({ "name": "Rex", "photos": [dogs[0]] }))["id"].clone();
    let mut in_album = no_filters();
    in_album["album"] = album.clone();
    assert_eq!(seat.search("a cup of coffee", in_album.clone()), Vec::<i64>::new());
    assert_eq!(seat.search("golden retriever", in_album), dogs[..1]);
    assert_eq!(seat.call("photo", json!({ "photo": dogs[0] }))["albums"], json!([album]));
    assert_eq!(seat.try_call("create_album", json!({ "name": "Rex", "photos": [] })).unwrap_err().code, "album_exists");

    let similar = seat.call("similar", json!({ "photo": dogs[0], "limit": 5 }));
    let count = |key: &str| similar[key].as_array().unwrap().len();
    assert_eq!(count("strong") + count("possible"), 5);

    let map = seat.call("explain", json!({ "photo": dogs[0], "query": "golden retriever" }));
    let values: Vec<f64> = serde_json::from_value(map["values"].clone()).unwrap();
    assert_eq!((map["side"].as_u64(), values.len()), (Some(9), 81));
    // The dog is in the middle; at the top right there are leaves.
    assert!(values[40] > 0.5 && values[8] < 0.5, "{values:?}");

    for size in ["thumb", "screen", "full"] {
        let jpeg = seat.desk.picture(PictureSize::parse(size).unwrap(), dogs[0]).unwrap();
        assert!(jpeg.starts_with(&[0xff, 0xd8, 0xff]), "{size}");
    }
    assert_eq!(seat.desk.picture(PictureSize::Thumbnail, 99_999).unwrap_err().code, "photo_gone");
}

#[test]
fn a_seat_taken_again_finds_everything_and_work_goes_on() {
    let world = World::with_samples();
    let photos = world.photos().display().to_string();
    let first = Seat::at(&world);
    let job = first.add_folder(&photos)["id"].clone();
    first.call("control_job", json!({ "job": job, "action": "pause" }));
    first.call(
        "save_settings",
        json!({ "theme": "dark", "language": "zh", "device": "cpu", "recent_searches": ["dog"] }),
    );
    first.desk.close();
    drop(first);
    let second = Seat::at(&world);
    let settings = second.call("settings", Value::Null);
    assert_eq!((&settings["theme"], &settings["recent_searches"]), (&json!("dark"), &json!(["dog"])));
    // A person paused it: it waits. (If all was done before the pause, there is nothing to wait for.)
    let jobs = second.call("overview", Value::Null)["jobs"].clone();
    if let Some(waiting) = jobs.as_array().unwrap().first() {
        assert_eq!(waiting["state"], "paused");
        second.call("control_job", json!({ "job": job, "action": "resume" }));
    }
    second.wait_for_jobs();
    let overview = second.call("overview", Value::Null);
    assert_eq!(overview["searchable"], overview["photos"]);
    assert!(overview["photos"].as_u64().unwrap() > 30);

    second.call("remove_folder", json!({ "path": photos }));
    assert_eq!(second.call("photos", json!({ "filters": no_filters(), "sort": "newest" }))["ids"], json!([]));
    assert!(world.photos().join("lock.jpg").is_file(), "no photo on disk is touched");
}

#[test]
fn only_what_the_library_knows_is_revealed_and_unknown_requests_are_refused() {
    let world = World::new();
    let seat = Seat::at(&world);
    let code = |name: &str, request: Value| seat.try_call(name, request).unwrap_err().code;
    assert_eq!(code("reveal", json!({ "path": "/etc/passwd" })), "path_unknown");
    assert!(seat.ears.revealed.lock().unwrap().is_empty());
    seat.call("reveal", json!({ "path": world.library().display().to_string() }));
    assert_eq!(seat.ears.revealed.lock().unwrap().len(), 1);
    assert_eq!(code("no_such_command", Value::Null), "command_unknown");
    assert_eq!(code("photo", json!({ "photo": "1" })), "request_wrong");
    assert_eq!(code("photo", json!({ "photo": 1, "path": "/etc/passwd" })), "request_wrong");
    assert_eq!(code("remove_folder", json!({ "path": "/home" })), "path_unknown");
    let gone = seat.chosen(Purpose::AddFolders, "/no/such/folder");
    assert_eq!(code("add_folders", json!({ "folders": gone })), "folder_missing");
    let gone = seat.chosen(Purpose::ExportCopies, "/no/such/folder");
    assert_eq!(code("export_copies", json!({ "photos": [], "folder": gone })), "no_folder_for_copies");
    assert_eq!(code("control_job", json!({ "job": 5, "action": "resume" })), "job_wrong");
}

#[test]
fn no_photo_and_no_device_is_written_over_whatever_the_dialog_gave() {
    let world = World::with_samples();
    let seat = Seat::at(&world);
    let (photo, film) = (world.photos().join("beach.jpg"), world.photos().join("film.mp4"));
    let sidecar = world.photos().join("beach.jpg.xmp");
    for file in [&film, &sidecar] {
        std::fs::write(file, "mine").unwrap();
    }
    let bytes = std::fs::read(&photo).unwrap();
    for file in [&photo, &film, &sidecar, &PathBuf::from("/dev/null")] {
        let code = |command: &str, purpose, request: &dyn Fn(Value) -> Value| {
            seat.try_call(command, request(seat.chosen(purpose, file))).unwrap_err().code
        };
        let table = code("export_table", Purpose::ExportTable, &|file| json!({ "photos": [], "file": file }));
        let backup = code("back_up", Purpose::BackUp, &|file| json!({ "file": file }));
        assert_eq!((table.as_str(), backup.as_str()), ("not_replaced", "not_replaced"), "{}", file.display());
    }
    assert_eq!(std::fs::read(&photo).unwrap(), bytes);
    assert_eq!(std::fs::read_to_string(&film).unwrap() + &std::fs::read_to_string(&sidecar).unwrap(), "minemine");
}

#[test]
fn no_command_of_the_page_reads_or_writes_a_file_that_nobody_chose() {
    let world = World::new();
    for (folder, name) in [(world.photos(), "lock.jpg"), (world.photos().with_file_name("private"), "coffee.png")] {
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::copy(root().join("assets/samples").join(name), folder.join(name)).unwrap();
    }
    let (mine, private) = (world.photos().with_file_name("mine.csv"), world.photos().with_file_name("private"));
    std::fs::write(&mine, "mine").unwrap();
    let seat = Seat::at(&world);
    seat.add_folder(world.photos());
    seat.wait_for_jobs();
    let photo = seat.search("golden retriever", no_filters())[0];
    let code = |name: &str, request: Value| seat.try_call(name, request).unwrap_err().code;

    let commands = |file: Value| {
        [
            ("add_folders", json!({ "folders": file })),
            ("similar_to_file", json!({ "file": file, "limit": 5 })),
            ("export_table", json!({ "photos": [photo], "file": file })),
            ("export_copies", json!({ "photos": [photo], "folder": file })),
            ("back_up", json!({ "file": file })),
            ("export_version", json!({ "version": 1, "file": file })),
            ("import_version", json!({ "file": file })),
        ]
    };
    // One for another command does as little as none.
    for forged in [json!(mine), json!(private), json!(""), seat.chosen(Purpose::RestoreBackup, &mine)] {
        for (name, request) in commands(forged) {
            assert_eq!(code(name, request), "grant_gone", "{name}");
        }
    }
    // A query names files, too.
    let secret = private.join("coffee.png");
    for file in [secret.display().to_string(), "/etc/passwd".into(), "../x.jpg".into()] {
        let query = format!("like:\"{file}\"");
        let request = json!({ "query": query, "limit": 5, "filters": no_filters(), "sort": "match" });
        assert_eq!(code("search", request), "path_unknown", "{query}");
        assert_eq!(code("explain", json!({ "photo": photo, "query": query })), "path_unknown", "{query}");
    }
    let own = format!("like:\"{}\"", world.photos().join("lock.jpg").display());
    assert_eq!(seat.search(&own, no_filters()), [photo], "photos of the library may be named");

    // What was chosen to compare with serves until something else is.
    let first = seat.chosen(Purpose::SimilarToFile, &secret);
    let like = |file: &Value| seat.try_call("similar_to_file", json!({ "file": file, "limit": 5 }));
    assert_eq!(like(&first).unwrap()["possible"].as_array().unwrap().len(), 1);
    assert!(like(&first).is_ok());
    for (name, request) in commands(first.clone()).into_iter().filter(|(name, _)| *name != "similar_to_file") {
        assert_eq!(code(name, request), "grant_gone", "{name}");
    }
    let second = seat.chosen(Purpose::SimilarToFile, world.photos().join("lock.jpg"));
    assert!(like(&second).is_ok());
    assert_eq!(like(&first).unwrap_err().code, "grant_gone");

    let table = seat.chosen(Purpose::ExportTable, &mine);
    let export = |file: &Value| seat.try_call("export_table", json!({ "photos": [photo], "file": file }));
    assert!(export(&table).is_ok(), "the dialog asked whether it may go");
    std::fs::write(&mine, "mine again").unwrap();
    assert_eq!(export(&table).unwrap_err().code, "grant_gone");
    assert_eq!(std::fs::read_to_string(&mine).unwrap(), "mine again");
    assert_eq!(seat.call("overview", Value::Null)["folders"].as_array().unwrap().len(), 1);
}

#[test]
fn captions_and_tags_are_written_beside_a_photo_after_a_preview_and_taken_back() {
    let world = World::new();
    let lock = world.photos().join("lock.jpg");
    std::fs::copy(root().join("assets/samples/lock.jpg"), &lock).unwrap();
    let original = std::fs::read(&lock).unwrap();
    let seat = Seat::at(&world);
    seat.add_folder(world.photos());
    seat.wait_for_jobs();
    let photo = seat.search("golden retriever", no_filters())[0];

    let names = |rows: &Value| rows.as_array().unwrap().iter().map(|row| row["name"].clone()).collect::<Vec<_>>();
    let proposed = seat.call("tags", json!({ "photo": photo }));
    assert!(names(&proposed).contains(&json!("golden retriever")), "{proposed}");
    assert!(proposed.as_array().unwrap().iter().all(|row| row["origin"] == "model"));
    let change =
        |name: &str, change: &str| seat.call("change_tag", json!({ "photo": photo, "name": name, "change": change }));
    assert!(!names(&change("golden retriever", "remove")).contains(&json!("golden retriever")));
    assert_eq!(change("golden retriever", "restore"), proposed);
    change("Rex", "keep");
    assert_eq!(seat.search("rex", no_filters()), [photo], "a keyword finds its photo");
    assert_eq!(std::fs::read_dir(world.photos()).unwrap().count(), 1, "nothing is written unasked");

    seat.call("write_caption", json!({ "photo": photo, "text": "Rex by the river" }));
    let preview = seat.call("write_out_preview", json!({ "photo": photo }));
    assert_eq!((&preview[0]["caption_now"], &preview[0]["keywords_now"]), (&Value::Null, &json!([])));
    assert_eq!((&preview[0]["caption"], &preview[0]["keywords"]), (&json!("Rex by the river"), &json!(["Rex"])));
    assert_eq!(std::fs::read_dir(world.photos()).unwrap().count(), 1, "a preview writes nothing");
    let sidecar = preview[0]["sidecar"].as_str().unwrap().to_owned();
    for into_file in [false, true] {
        let written = seat.call("write_out_caption", json!({ "photo": photo, "into_file": into_file }));
        let path = written["paths"][0].as_str().unwrap().to_owned();
        assert_eq!(path, if into_file { lock.to_str().unwrap().to_owned() } else { sidecar.clone() });
        assert!(String::from_utf8_lossy(&std::fs::read(&path).unwrap()).contains("Rex by the river"));
        assert_eq!(seat.call("undo_write_out", Value::Null), written);
        assert_eq!(std::fs::read(&lock).unwrap(), original);
        assert!(!Path::new(&sidecar).exists());
        assert_eq!(seat.call("undo_write_out", Value::Null)["paths"], json!([]), "once is enough");
    }

    let table = world.photos().with_file_name("list.json");
    let chosen = seat.chosen(Purpose::ExportTable, &table);
    seat.call("export_table", json!({ "photos": [photo], "file": chosen }));
    let list: Value = serde_json::from_slice(&std::fs::read(&table).unwrap()).unwrap();
    assert_eq!((&list[0]["caption"], &list[0]["keywords"]), (&json!("Rex by the river"), &json!(["Rex"])));
    seat.call("reveal_tag_list", Value::Null);
    assert_eq!(*seat.ears.revealed.lock().unwrap(), [world.library().join("tags.txt").display().to_string()]);
}

#[test]
fn a_window_shows_new_photos_unasked_and_stops_when_it_is_told_not_to() {
    let world = World::new();
    let seat = Seat::at(&world);
    seat.add_folder(world.photos());
    seat.wait_for_jobs();
    let add = |name: &str| std::fs::copy(root().join("assets/samples").join(name), world.photos().join(name)).unwrap();
    let listed =
        || seat.call("photos", json!({ "filters": no_filters(), "sort": "newest" }))["ids"].as_array().unwrap().len();
    // The folder is listened to from the next look at the list of folders.
    std::thread::sleep(Duration::from_secs(4));
    for (name, photos) in [("lock.jpg", 1), ("coffee.png", 2)] {
        let (start, told) = (Instant::now(), *seat.ears.changes.lock().unwrap());
        add(name);
        while listed() < photos || *seat.ears.changes.lock().unwrap() == told {
            assert!(start.elapsed() < Duration::from_secs(3), "{name} is not there after three seconds");
            std::thread::sleep(Duration::from_millis(20));
        }
        println!("{name} was listed after {:?}", start.elapsed());
    }
    assert_eq!(seat.name(seat.search("golden retriever", no_filters())[0]), "lock.jpg");
    let mut settings = seat.call("settings", Value::Null);
    assert_eq!(settings["watch"], true, "unless a person says otherwise");
    settings["watch"] = false.into();
    seat.call("save_settings", settings);
    add("chelsea.png");
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(listed(), 2);
    seat.desk.close();
}

#[test]
fn a_window_asks_before_it_forgets_much() {
    let world = World::with_samples();
    let seat = Seat::at(&world);
    let photos = world.photos().display().to_string();
    seat.add_folder(&photos);
    seat.wait_for_jobs();
    let away = world.photos().with_file_name("away");
    std::fs::create_dir(&away).unwrap();
    for file in std::fs::read_dir(world.photos()).unwrap() {
        let file = file.unwrap();
        std::fs::rename(file.path(), away.join(file.file_name())).unwrap();
    }
    let asked = || seat.call("overview", Value::Null)["absences"].clone();
    let start = Instant::now();
    while asked() == json!([]) {
        assert!(start.elapsed() < Duration::from_secs(20), "nobody asks");
        std::thread::sleep(Duration::from_millis(50));
    }
    let known = seat.call("overview", Value::Null)["photos"].clone();
    assert_eq!(asked(), json!([{ "path": photos, "missing": known, "known": known }]));
    seat.call("answer_absence", json!({ "path": photos, "forget": false }));
    assert_eq!(asked(), json!([]));
    assert_eq!(seat.call("overview", Value::Null)["photos"], known);
    seat.desk.close();
}

#[test]
fn a_library_is_backed_up_and_checked_while_it_is_open() {
    let world = World::with_samples();
    world.index();
    let seat = Seat::at(&world);
    let file = world.photos().with_file_name("backup.sqlite");
    // The system's dialog has asked whether a file that is there may go.
    for _ in 0..2 {
        let reply = seat.call("back_up", json!({ "file": seat.chosen(Purpose::BackUp, &file) }));
        assert_eq!(reply["bytes"].as_u64(), Some(std::fs::metadata(&file).unwrap().len()));
    }
    assert_eq!(seat.call("check_library", Value::Null)["faults"], json!([]));
    assert_eq!(
        seat.try_call("back_up", json!({ "file": seat.chosen(Purpose::BackUp, world.photos()) })).unwrap_err().code,
        "backup_is_folder"
    );
    drop(seat);
    let elsewhere = World::new();
    elsewhere.json(&["restore", "--json", file.to_str().unwrap()], 0);
    let photos = |world: &World| world.json(&["status", "--json"], 0)[0]["photos"].clone();
    assert_eq!(photos(&elsewhere), photos(&world));
}

#[test]
fn settings_of_a_lesson_that_lead_nowhere_are_refused_to_a_window_and_leave_no_job() {
    let world = World::with_samples();
    world.index();
    let seat = Seat::at(&world);
    let good =
        json!({ "albums": [], "depth": "adapter", "epochs": null, "learning_rate": null, "batch": null, "seed": 0 });
    let nonsense = [
        ("learning_rate", json!(0)),
        ("learning_rate", json!(-0.001)),
        ("learning_rate", json!(1e300)),
        ("epochs", json!(0)),
        ("epochs", json!(9_007_199_254_740_991_u64)),
        ("batch", json!(0)),
        ("batch", json!(9_007_199_254_740_991_u64)),
    ];
    for (name, value) in nonsense {
        let mut request = good.clone();
        request[name] = value.clone();
        let error = seat.try_call("teach_start", request).unwrap_err();
        assert_eq!(error.code, "setting_wrong", "{name} {value}: {error:?}");
    }
    assert_eq!(seat.call("overview", Value::Null)["jobs"], json!([]));
}
