//! Models that come, stay, and go.

use std::path::Path;
use std::sync::Mutex;

use sightline_vlm::packs::PublishedPack;

use super::loopback::{Deed, Server, noise};
use super::*;
use crate::jobs::{JobControl, JobEvent, JobState};
use crate::models::{FetchJob, ImportJob, ModelState, ModelStore, SwitchJob};
use crate::{Engine, EngineConfig};

const FILES: [&str; 2] = ["tokenizer.json", "weights.safetensors"];

/// A library, a folder of models, the bundled model's folder, and a server with a model.
struct Place {
    dir: tempfile::TempDir,
    server: Server,
    pack: PublishedPack,
    contents: Vec<(String, Vec<u8>)>,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let bundled = dir.path().join("bundled");
        std::fs::create_dir(&bundled).unwrap();
        std::fs::write(bundled.join("model.toml"), description("home-1", &[])).unwrap();
        let (server, pack) = (Server::start(), published());
        let weights = [noise(1, 3_000), noise(2, 400_000)];
        let files: Vec<(&str, &[u8])> = FILES.iter().zip(&weights).map(|(name, bytes)| (*name, &bytes[..])).collect();
        let mut contents = vec![("model.toml".to_owned(), description("small", &files).into_bytes())];
        contents.extend(files.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.to_vec())));
        let place = Self { dir, server, pack, contents };
        place.contents.iter().for_each(|(name, bytes)| place.server.put(&address(name), bytes.clone()));
        place
    }

    fn config(&self) -> EngineConfig {
        EngineConfig {
            library: self.dir.path().join("library"),
            model_dir: self.dir.path().join("bundled"),
            models: Some(self.dir.path().join("models")),
            device: crate::DeviceChoice::Cpu,
            decoder: None,
            settings: Some(self.dir.path().join("settings")),
        }
    }

    fn engine(&self) -> Engine {
        Engine::open(self.config()).unwrap()
    }

    fn store(&self) -> ModelStore {
        self.engine().model_store().unwrap()
    }

    fn job(&self) -> FetchJob {
        FetchJob {
            name: "small".into(),
            accepted: "MIT".into(),
            keep_original: false,
            summary: None,
            instead: Some((self.pack.clone(), at(&self.server), hasty(2))),
        }
    }

    fn fetch(&self) -> Result<FetchJob, EngineError> {
        let mut job = self.job();
        self.engine().run_job(&mut job, &JobControl::new(), &|_| {})?;
        Ok(job)
    }

    fn fetch_code(&self) -> &'static str {
        self.fetch().unwrap_err().code()
    }

    fn state(&self, name: &str) -> Option<ModelState> {
        self.engine().models().unwrap().into_iter().find(|model| model.name == name).map(|model| model.state)
    }

    /// Bytes that the server has sent so far.
    fn sent(&self) -> usize {
        self.server.log().iter().map(|request| request.sent).sum()
    }

    fn all_bytes(&self) -> usize {
        self.contents.iter().map(|(_, bytes)| bytes.len()).sum()
    }
}

fn address(name: &str) -> String {
    format!("/owner/small/resolve/{}/{name}", "1".repeat(40))
}

/// As the list says it: a model of our own layout, of whose files only the sizes are planned.
fn published() -> PublishedPack {
    let dir = tempfile::tempdir().unwrap();
    let list = dir.path().join("list.toml");
    let files = ["model.toml", FILES[0], FILES[1]]
        .map(|name| format!("{{ path = {name:?}, at_most = 1_000_000, about = 1_000 }}"));
    let text = format!(
        "[[pack]]\nname = \"small\"\npurpose = \"search\"\nlayout = \"pack\"\noffered = true\nsummary = \"A small one\"\n\
         languages = \"English\"\ndims = 512\nrepository = \"owner/small\"\nrevision = \"{}\"\n\
         licence = {{ name = \"MIT\", url = \"https://spdx.org/licenses/MIT.html\" }}\nfiles = [{}]\n",
        "1".repeat(40),
        files.join(", ")
    );
    std::fs::write(&list, text).unwrap();
    sightline_vlm::packs::published_in(&list).unwrap().remove(0)
}

/// The bundled model's own description, with other files.
fn description(name: &str, files: &[(&str, &[u8])]) -> String {
    let bundled = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/models/home-1/model.toml");
    let text = std::fs::read_to_string(bundled).unwrap();
    let head = text[..text.find("[files.").unwrap()].replace("home-1", name);
    let list = files
        .iter()
        .map(|(file, bytes)| format!("[files.{file:?}]\nbytes = {}\nsha256 = \"{}\"\n", bytes.len(), sha256(bytes)));
    let list: String = list.collect();
    // An empty list is a table, too.
    format!("{head}\n{}", if list.is_empty() { "[files]\n".into() } else { list })
}

#[test]
fn a_model_that_was_fetched_is_whole_and_its_download_is_gone() {
    let place = Place::new();
    assert_eq!(place.state("small"), Some(ModelState::Offered));
    let events = Mutex::new(Vec::new());
    let mut job = place.job();
    let engine = place.engine();
    engine.run_job(&mut job, &JobControl::new(), &|event| events.lock().unwrap().push(event)).unwrap();
    let summary = job.summary.unwrap();
    assert_eq!((summary.already, summary.bytes as usize), (false, place.all_bytes()));
    assert_eq!(summary.pinned.len(), 3, "nobody has published a digest");
    for (name, bytes) in &place.contents {
        assert_eq!(std::fs::read(summary.folder.join(name)).unwrap(), *bytes, "{name}");
    }
    engine.verify_model("small").unwrap();
    assert_eq!(place.state("small"), Some(ModelState::Installed));
    assert!(!place.store().folder().join("small.partial").exists());
    let mut fetched = events.into_inner().unwrap().into_iter().filter_map(|event| match event {
        JobEvent::Progress(progress) if progress.phase == "fetch" => Some(progress),
        _ => None,
    });
    let last = fetched.next_back().unwrap();
    assert_eq!((last.done, last.total), (place.all_bytes() as u64, place.all_bytes() as u64));
    assert!(engine.unfinished_jobs().unwrap().is_empty());
    // Asked for again it is there, and nobody is asked.
    let requests = place.server.log().len();
    assert!(place.fetch().unwrap().summary.unwrap().already);
    assert_eq!(place.server.log().len(), requests);
}

#[test]
fn a_fetch_that_was_stopped_goes_on_with_what_it_has() {
    let place = Place::new();
    let weights = address(FILES[1]);
    let stalled = weights.clone();
    place.server.script(move |request, number| match number {
        0 if request.path == stalled => Deed::StallAfter(150_000),
        _ => Deed::Serve,
    });
    let (engine, control) = (place.engine(), JobControl::new());
    let part = place.store().folder().join("small.partial/source").join(format!("{}.part", FILES[1]));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let there = || std::fs::metadata(&part).is_ok_and(|part| part.len() == 150_000);
            while !there() {
                std::thread::sleep(Duration::from_millis(5));
            }
            control.pause();
        });
        let error = engine.run_job(&mut place.job(), &control, &|_| {}).unwrap_err();
        assert_eq!(error.code(), "cancelled");
    });
    let row = &engine.unfinished_jobs().unwrap()[0];
    assert_eq!((&*row.kind, &*row.state), ("fetch", JobState::Paused.as_str()));
    assert_eq!(place.state("small"), Some(ModelState::Begun));
    place.fetch().unwrap();
    assert_eq!(place.server.log_of(&weights)[1].from, 150_000);
    assert_eq!(place.sent(), place.all_bytes(), "no byte came twice");
    assert!(engine.unfinished_jobs().unwrap().is_empty(), "it went on in the same row");
}

#[test]
fn a_file_that_nobody_has_published_a_digest_of_must_stay_as_it_was_at_first() {
    let place = Place::new();
    place.fetch().unwrap();
    place.engine().remove_model("small").unwrap();
    assert_eq!(place.state("small"), Some(ModelState::Offered));
    place.server.put(&address(FILES[0]), noise(9, 3_000));
    assert_eq!(place.fetch_code(), "download_wrong_digest");
    assert_ne!(place.state("small"), Some(ModelState::Installed));
    // The file of before is taken.
    place.server.put(&address(FILES[0]), place.contents[1].1.clone());
    place.fetch().unwrap();
}

#[test]
fn a_model_whose_files_do_not_fit_together_is_none() {
    let place = Place::new();
    let files: [(&str, &[u8]); 2] = [(FILES[0], &[1; 3_000]), (FILES[1], &place.contents[2].1)];
    place.server.put(&address("model.toml"), description("small", &files).into_bytes());
    assert_eq!(place.fetch_code(), "model_wrong_file");
    assert_eq!(place.state("small"), Some(ModelState::Begun));
    // Nor one that would write elsewhere.
    for name in ["../escaped", "/tmp/packs-escaped", "sub/file"] {
        let place = Place::new();
        place.server.put(&address("model.toml"), description("small", &[(name, b"x")]).into_bytes());
        assert!(matches!(place.fetch_code(), "model_bad" | "model_missing"), "{name}");
        assert!(!place.store().folder().join("escaped").exists());
    }
}

#[test]
fn a_file_that_is_missing_may_be_missing_only_if_it_is_not_needed() {
    let mut place = Place::new();
    place.pack.files.extend(published().files.into_iter().take(1).map(|mut file| {
        file.path = "merges.txt".into();
        file
    }));
    assert_eq!(place.fetch_code(), "download_not_there");
    place.pack.files[3].required = false;
    place.fetch().unwrap();
}

#[test]
fn where_there_is_no_space_nobody_is_asked() {
    let mut place = Place::new();
    place.pack.files[2].bytes = Some(u64::MAX / 4);
    let error = place.fetch().unwrap_err();
    assert_eq!(error.code(), "no_space");
    assert_eq!(place.server.log().len(), 0);
}

#[test]
fn what_is_not_offered_or_not_accepted_is_not_fetched() {
    let place = Place::new();
    let code = |change: &dyn Fn(&mut FetchJob)| {
        let mut job = place.job();
        change(&mut job);
        place.engine().run_job(&mut job, &JobControl::new(), &|_| {}).unwrap_err().code()
    };
    let pack = |change: fn(&mut PublishedPack)| move |job: &mut FetchJob| change(&mut job.instead.as_mut().unwrap().0);
    assert_eq!(code(&|job| job.accepted = String::new()), "licence_not_accepted");
    assert_eq!(code(&|job| job.accepted = "Apache-2.0".into()), "licence_not_accepted");
    assert_eq!(code(&|job| job.name = "other".into()), "model_unknown");
    assert_eq!(code(&pack(|pack| pack.licence = None)), "model_not_offered");
    assert_eq!(code(&pack(|pack| pack.offered = false)), "model_not_offered");
    assert_eq!(place.server.log().len(), 0);
    // Nor by a row that somebody else has written.
    assert!(FetchJob::new("chinese", Some("MIT"), false).is_err());
    assert!(FetchJob::new("no such", Some("MIT"), false).is_err());
}

#[test]
fn the_published_files_are_kept_if_that_is_wanted() {
    let place = Place::new();
    let mut job = FetchJob { keep_original: true, ..place.job() };
    // A checkpoint of our own layout is moved, not copied: the original is what is left of it.
    place.engine().run_job(&mut job, &JobControl::new(), &|_| {}).unwrap();
    let original = job.summary.unwrap().original.unwrap();
    assert_eq!(std::fs::read(original.join(FILES[1])).unwrap(), place.contents[2].1);
    let removed = place.engine().remove_model("small").unwrap();
    assert!(removed.bytes as usize >= 2 * place.all_bytes());
    assert!(!original.exists());
}

#[test]
fn a_folder_is_imported_or_it_is_said_what_it_lacks() {
    let place = Place::new();
    let folder = place.dir.path().join("My Model");
    std::fs::create_dir(&folder).unwrap();
    let code = |name| ImportJob::new(&folder, name).unwrap_err().code();
    assert_eq!(code(None), "checkpoint_unknown");
    for (name, bytes) in &place.contents[..2] {
        std::fs::write(folder.join(name), bytes).unwrap();
    }
    let error = ImportJob::new(&folder, None).unwrap_err();
    assert_eq!(error.code(), "checkpoint_incomplete");
    assert!(error.to_string().contains(FILES[1]), "{error}");
    std::fs::write(folder.join(FILES[1]), &place.contents[2].1).unwrap();
    assert_eq!(code(Some("../up")), "model_name_bad");
    let import = |name| {
        let mut job = ImportJob::new(&folder, name)?;
        place.engine().run_job(&mut job, &JobControl::new(), &|_| {})?;
        Ok::<_, EngineError>(job.summary.unwrap())
    };
    assert_eq!(import(None).unwrap().name, "my-model");
    place.engine().verify_model("my-model").unwrap();
    assert_eq!(place.state("my-model"), Some(ModelState::Installed));
    assert_eq!(import(None).unwrap_err().code(), "model_name_taken");
    assert_eq!(import(Some("home-1")).unwrap_err().code(), "model_name_taken");
    import(Some("another")).unwrap();
    assert!(folder.join(FILES[1]).exists(), "the folder stays as it is");
    // A checkpoint of a family that is known by its description.
    let known = place.dir.path().join("clip");
    std::fs::create_dir(&known).unwrap();
    std::fs::write(known.join("config.json"), r#"{"model_type": "clip", "text_config": {}, "vision_config": {}}"#)
        .unwrap();
    let error = ImportJob::new(&known, None).unwrap_err();
    assert!(error.code() == "checkpoint_incomplete" && error.to_string().contains("model.safetensors"), "{error}");
    std::fs::write(known.join("config.json"), r#"{"model_type": "gpt2"}"#).unwrap();
    assert_eq!(ImportJob::new(&known, None).unwrap_err().code(), "checkpoint_unknown");
}

/// Takes a model into use; the error's code when it was not.
fn switched(engine: &Engine, name: &str) -> Result<String, &'static str> {
    let mut job = SwitchJob::new(name);
    let run = engine.run_job(&mut job, &JobControl::new(), &|_| {});
    run.map(|()| job.summary.unwrap().name).map_err(|error| error.code())
}

#[test]
fn a_model_that_is_not_whole_or_does_not_load_is_not_taken_into_use() {
    let place = Place::new();
    place.fetch().unwrap();
    let engine = place.engine();
    let code = |name: &str| {
        assert_eq!(
            engine.switch_plan(name).map(|plan| plan.name).map_err(|error| error.code()),
            switched(&engine, name)
        );
        switched(&engine, name).unwrap_err()
    };
    assert_eq!(code("other"), "model_not_installed");
    assert_eq!(code("../bundled"), "model_not_installed");
    // Its weights are noise.
    assert_eq!(code("small"), "model_broken");
    let file = place.store().pack("small").join(FILES[1]);
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[1000] ^= 1;
    std::fs::write(&file, &bytes).unwrap();
    let error = engine.verify_model("small").unwrap_err();
    assert!(error.code() == "model_broken" && error.to_string().contains(FILES[1]), "{error}");
    bytes.pop();
    std::fs::write(&file, &bytes).unwrap();
    assert!(matches!(place.state("small"), Some(ModelState::Broken { .. })));
    // It is fetched anew over the broken one.
    assert!(!place.fetch().unwrap().summary.unwrap().already);
    engine.verify_model("small").unwrap();
}

#[test]
fn a_library_whose_model_is_not_here_opens_and_says_so() {
    let place = Place::new();
    place.engine().set_setting("model", &serde_json::json!({ "name": "small", "id": "0123" })).unwrap();
    let engine = place.engine();
    assert_eq!(engine.status().unwrap().model_absent.as_deref(), Some("small"));
    let models = engine.models().unwrap();
    let here = models.iter().filter(|model| model.state != ModelState::Offered);
    let states: Vec<(&str, bool)> = here.map(|model| (&*model.name, model.in_use)).collect();
    assert_eq!(states, [("home-1", false), ("small", true)]);
    assert_eq!(models[1].state, ModelState::Absent);
    let error = engine.host().spec().unwrap_err();
    assert_eq!(error.code(), "model_absent");
    for remedy in ["model get small", "model use home-1"] {
        assert!(error.to_string().contains(remedy), "{error}");
    }
    // When it has come it is used, and may not be removed under the library.
    place.fetch().unwrap();
    assert_eq!(place.engine().model_dir(), place.store().pack("small"));
    assert_eq!(place.engine().remove_model("small").unwrap_err().code(), "model_in_use");
    assert_eq!(place.engine().remove_model("home-1").unwrap_err().code(), "model_bundled");
    // What the setting holds in a library from elsewhere is a name of a pack, or nothing.
    for odd in [serde_json::json!({ "name": "../bundled", "id": "" }), serde_json::json!(7), serde_json::json!("small")]
    {
        place.engine().set_setting("model", &odd).unwrap();
        assert_eq!(place.engine().model_dir(), place.config().model_dir, "{odd}");
    }
    // A model that was named goes before the choice.
    place.engine().set_setting("model", &serde_json::json!({ "name": "small", "id": "0123" })).unwrap();
    let named = Engine::open(EngineConfig { models: None, ..place.config() }).unwrap();
    assert_eq!(named.model_dir(), place.config().model_dir);
}

#[cfg(unix)]
#[test]
fn of_a_link_among_the_models_only_the_link_is_removed() {
    let place = Place::new();
    place.fetch().unwrap();
    let elsewhere = place.dir.path().join("elsewhere");
    std::fs::rename(place.store().pack("small"), &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, place.store().pack("small")).unwrap();
    assert_eq!(place.engine().remove_model("small").unwrap().bytes, 0);
    assert!(!place.store().pack("small").exists() && elsewhere.join("model.toml").is_file());
}
