//! Models beside the bundled one: fetched from a server on this computer, chosen, killed on the way, missed and removed.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::Value;

use crate::faults::shim;
use crate::harness::{World, root, samples};
use crate::loopback::{Deed, Server, noise};

const REVISION: &str = "0123456789012345678901234567890123456789";

/// A server with a model, and the list that names it.
pub struct Published {
    server: Server,
    folder: tempfile::TempDir,
}

impl Published {
    /// A model of our own layout with these files, of which all digests are published.
    pub fn of(files: &[(String, Vec<u8>)]) -> Self {
        Self::laid_out("pack", files)
    }

    fn laid_out(layout: &str, files: &[(String, Vec<u8>)]) -> Self {
        let (server, folder) = (Server::start(), tempfile::tempdir().unwrap());
        let line = |(name, bytes): &(String, Vec<u8>)| {
            server.put(&address(name), bytes.clone());
            format!("{{ path = {name:?}, bytes = {}, sha256 = \"{}\" }}", bytes.len(), sha256(bytes))
        };
        let lines: Vec<String> = files.iter().map(line).collect();
        let text = format!(
            "[[pack]]\nname = \"other\"\npurpose = \"search\"\nlayout = {layout:?}\noffered = true\nsummary = \"Another\"\n\
             languages = \"English\"\ndims = 512\nrepository = \"owner/other\"\nrevision = \"{REVISION}\"\n\
             licence = {{ name = \"MIT\", url = \"https://spdx.org/licenses/MIT.html\" }}\nfiles = [{}]\n",
            lines.join(", ")
        );
        std::fs::write(folder.path().join("list.toml"), text).unwrap();
        Self { server, folder }
    }

    /// `sightline` that finds this server, and has its models in this world.
    pub fn command(&self, world: &World, args: &[&str]) -> Command {
        let mut command = world.command(args);
        command.env("SIGHTLINE_PACKS", self.folder.path().join("list.toml"));
        command.env("SIGHTLINE_MODELS", models(world)).env("HF_ENDPOINT", self.server.url());
        for variable in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"] {
            command.env_remove(variable);
        }
        command
    }

    pub fn run(&self, world: &World, args: &[&str]) -> (i32, Vec<Value>, String) {
        let output = self.command(world, args).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let text = String::from_utf8(output.stdout).unwrap();
        let lines = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        (output.status.code().unwrap_or(-1), lines, said)
    }

    pub fn well(&self, world: &World, args: &[&str]) -> Vec<Value> {
        let (code, lines, said) = self.run(world, args);
        assert_eq!(code, 0, "{args:?}: {said}");
        lines
    }
}

pub fn models(world: &World) -> PathBuf {
    world.folder().join("models")
}

fn address(name: &str) -> String {
    format!("/owner/other/resolve/{REVISION}/{name}")
}

/// The digest, by the program that tells it here.
fn sha256(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bundled model under another name, and with another preparation of photos, so that its vectors and its answers are its own.
pub fn sister() -> &'static [(String, Vec<u8>)] {
    static FILES: OnceLock<Vec<(String, Vec<u8>)>> = OnceLock::new();
    FILES.get_or_init(|| {
        let folder = root().join("assets/models/home-1");
        let text = std::fs::read_to_string(folder.join("model.toml")).unwrap();
        let text = text.replace("\"home-1\"", "\"other\"").replacen("0.49803922", "0.44", 1);
        let mut files = vec![("model.toml".to_owned(), text.clone().into_bytes())];
        for line in text.lines().filter_map(|line| line.strip_prefix("[files.\"")?.strip_suffix("\"]")) {
            files.push((line.to_owned(), std::fs::read(folder.join(line)).unwrap()));
        }
        files
    })
}

/// A model that is none inside: its description goes with its files, which hold noise.
fn hollow(bytes: usize) -> Vec<(String, Vec<u8>)> {
    let text = std::fs::read_to_string(root().join("assets/models/home-1/model.toml")).unwrap();
    let head = text[..text.find("[files.").unwrap()].replace("\"home-1\"", "\"other\"");
    let files =
        vec![("tokenizer.json".to_owned(), noise(1, 5_000)), ("weights.safetensors".to_owned(), noise(2, bytes))];
    let list = files
        .iter()
        .map(|(file, bytes)| format!("[files.{file:?}]\nbytes = {}\nsha256 = \"{}\"\n", bytes.len(), sha256(bytes)));
    let description = format!("{head}\n{}", list.collect::<String>());
    [vec![("model.toml".to_owned(), description.into_bytes())], files].concat()
}

fn state(published: &Published, world: &World) -> String {
    let models = published.well(world, &["model", "list", "--json"]);
    let other = models.iter().find(|model| model["name"] == "other").unwrap();
    other["state"].as_str().unwrap().to_owned()
}

#[test]
fn a_model_is_fetched_used_missed_and_given_up() {
    let (published, world) = (Published::of(sister()), World::with_samples());
    world.index();
    let before = world.search("a dog");
    // Not without its licence.
    let (code, _, said) = published.run(&world, &["model", "get", "other", "--json"]);
    assert!(code == 2 && said.contains("licence_not_accepted") && said.contains("MIT"), "{code} {said}");
    assert_eq!(published.server.log().len(), 0);
    let lines = published.well(&world, &["model", "get", "other", "--json", "--accept-licence"]);
    assert_eq!(lines.last().unwrap()["event"], "summary");
    assert!(lines.iter().any(|line| line["phase"] == "fetch" && line["rate"].is_number()), "{lines:?}");
    assert_eq!(state(&published, &world), "installed");
    assert_eq!(published.well(&world, &["model", "verify", "other", "--json"])[0]["ok"], true);
    // It looks at all photos before it is used, and then finds them.
    let said = published.well(&world, &["model", "use", "other", "--json"]);
    let (plan, chosen) = (&said[0], said.last().unwrap());
    assert_eq!((plan["already"].as_bool(), plan["to_index"].as_u64()), (Some(false), Some(samples().len() as u64)));
    assert!(plan["seconds"].as_f64().unwrap() > 0.0 && plan["bytes"].as_u64().unwrap() > 0, "{plan}");
    assert_eq!((chosen["already"].as_bool(), chosen["unreadable"].as_u64()), (Some(false), Some(0)));
    let photos = world.photos();
    let index = ["index", "--json", photos.to_str().unwrap()];
    assert_eq!(published.well(&world, &index).last().unwrap()["embedded"], 0);
    let found = |lines: Vec<Value>| -> Vec<String> {
        let name = |line: &Value| Path::new(line["path"].as_str().unwrap()).file_name().unwrap().to_owned();
        lines.iter().map(|line| name(line).into_string().unwrap()).collect()
    };
    let after = found(published.well(&world, &["search", "--json", "a dog"]));
    assert_eq!(after.first(), before.first());
    let status = published.well(&world, &["status", "--json"]).remove(0);
    assert_eq!(status["model"], chosen["id"]);
    assert_eq!(published.well(&world, &["doctor", "--json"]).len(), 5);
    let (code, _, said) = published.run(&world, &["model", "remove", "other", "--json"]);
    assert!(code == 2 && said.contains("model_in_use") && said.contains("model use home-1"), "{said}");

    // On a computer without it the library opens, says so, and goes back.
    let elsewhere = |args: &[&str]| {
        let empty = world.folder().join("no models");
        let output = published.command(&world, args).env("SIGHTLINE_MODELS", empty).output().unwrap();
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        (output.status.code().unwrap(), said)
    };
    let (code, said) = elsewhere(&["search", "a dog"]);
    assert!(code == 2 && said.contains("model get other") && said.contains("model use home-1"), "{said}");
    let (code, said) = elsewhere(&["status"]);
    assert!(code == 0 && said.contains("not on this computer"), "{said}");
    let (code, said) = elsewhere(&["doctor"]);
    assert!(code == 1 && said.contains("model use home-1"), "{said}");
    let (code, said) = elsewhere(&["model", "use", "home-1"]);
    assert!(code == 0 && !said.contains("has to look at"), "the way back costs nothing: {said}");
    let (code, said) = elsewhere(&["search", "--json", "a dog"]);
    assert!(code == 0 && said.contains(&before[0]), "{said}");
    published.well(&world, &["model", "remove", "other", "--json"]);
    assert_eq!(state(&published, &world), "offered");
}

/// A CLIP in the layout that transformers keeps it in, which knows the sample photos by heart: see `memorising.rs` in the
/// engine's tests.
fn memorising_clip() -> Vec<(String, Vec<u8>)> {
    let folder = root().join("crates/vlm/tests/golden/packs/memorising");
    let names = ["config.json", "preprocessor_config.json", "model.safetensors", "tokenizer.json"];
    names.iter().map(|name| ((*name).to_owned(), std::fs::read(folder.join(name)).unwrap())).collect()
}

#[test]
fn a_published_checkpoint_is_fetched_converted_and_searched_with() {
    let (files, world) = (memorising_clip(), World::with_samples());
    let published = Published::laid_out("clip", &files);
    let lines = published.well(&world, &["model", "get", "other", "--accept-licence", "--keep-original", "--json"]);
    let summary = lines.last().unwrap();
    assert!(lines.iter().any(|line| line["phase"] == "convert"), "{lines:?}");
    assert!(lines.iter().any(|line| line["phase"] == "prove"), "{lines:?}");
    let proof = &summary["proof"];
    assert_eq!((&proof["passed"], &proof["right"], &proof["of"]), (&true.into(), &20.into(), &20.into()), "{proof}");
    let original = Path::new(summary["original"]["path"].as_str().unwrap());
    assert_eq!(std::fs::read(original.join("model.safetensors")).unwrap(), files[2].1);
    // Half precision: half the bytes and some.
    let weights = files[2].1.len() as u64;
    assert!(summary["bytes_on_disk"].as_u64().unwrap() < weights * 3 / 4 + 2_000, "{summary}");
    let chosen = published.well(&world, &["model", "use", "other", "--json"]).pop().unwrap();
    assert_eq!(chosen["id"], summary["id"]);
    // Nothing was indexed yet, so it is the first to look at the photos.
    let photos = world.photos();
    let indexed = published.well(&world, &["index", "--json", photos.to_str().unwrap()]);
    assert_eq!(indexed.last().unwrap()["embedded"], samples().len());
    // It knows no such sentence, but all photos have a place.
    let (code, found, said) = published.run(&world, &["search", "--json", "--less-likely", "40", "a photo of a dog"]);
    assert!(code < 2 && found.len() == samples().len(), "{code}, {} photos: {said}", found.len());
    let like = published.well(&world, &["similar", "--json", photos.join("desk.jpg").to_str().unwrap()]);
    assert!(!like.is_empty());
    // What needs only vectors works with it, and the rest says what it needs.
    let desk = photos.join("desk.jpg");
    let desk = desk.to_str().unwrap();
    for args in [&["tags", desk, "--json"][..], &["duplicates", "--json"]] {
        let (code, _, said) = published.run(&world, args);
        assert!(code < 2, "{args:?}: {said}");
    }
    // It describes nothing, and so the bundled model does.
    let described = published.well(&world, &["caption", desk, "--json"]);
    assert!(described[0]["caption"].is_string() || described[0]["tags"].is_array(), "{described:?}");
    let lesson = world.folder().join("lesson");
    for (label, files) in [("critters", ["panda.webp", "horses.webp"]), ("places", ["beach.jpg", "boats.jpg"])] {
        std::fs::create_dir_all(lesson.join(label)).unwrap();
        for file in files {
            std::fs::copy(photos.join(file), lesson.join(label).join(file)).unwrap();
        }
    }
    let lesson = lesson.to_str().unwrap();
    let teach = |depth| published.run(&world, &["teach", "--json", "--folders", lesson, "--depth", depth]);
    for depth in ["adapter", "deep"] {
        let (code, _, said) = teach(depth);
        assert!(code == 2 && said.contains("model_lacks") && said.contains("comes with Sightline"), "{depth}: {said}");
    }
    let (code, said, error) = teach("probe");
    assert!(code == 0 && said.last().unwrap()["version"]["active"] == true, "{error}");
    let (code, _, said) = published.run(&world, &["suggest", "--json", "--label", "critters"]);
    assert!(code < 2, "{said}");
    // The same folder, carried to another computer.
    let other = World::new();
    let lines = published.well(&other, &["model", "import", original.to_str().unwrap(), "--name", "carried", "--json"]);
    let carried = lines.last().unwrap();
    assert_eq!((&carried["id"], carried["family"].as_str()), (&summary["id"], Some("CLIP")));
    // It is a published one, and so its licence is known; of one that only looks like it that is said.
    assert!(carried["licences"][0].as_str().unwrap().starts_with("MIT ") && carried["unlike"].is_null(), "{carried}");
    let weights = original.join("model.safetensors");
    let mut bytes = std::fs::read(&weights).unwrap();
    let last = bytes.len() - 4;
    bytes[last] ^= 1;
    std::fs::write(&weights, bytes).unwrap();
    let lines = published.well(&other, &["model", "import", original.to_str().unwrap(), "--name", "looks", "--json"]);
    let looks = lines.last().unwrap();
    assert!(looks["unlike"] == "other" && looks["licences"] == serde_json::json!([]), "{looks}");
    let pack = models(&world).join("other");
    let lines = published.well(&other, &["model", "import", pack.to_str().unwrap(), "--name", "again", "--json"]);
    assert_eq!(lines.last().unwrap()["id"], summary["id"]);
}

#[test]
fn weights_that_nobody_trained_are_not_used_and_it_is_said_that_it_is_they() {
    let (mut files, world) = (memorising_clip(), World::with_samples());
    world.index();
    // The last numbers of the file are those of the map from photos to what they show.
    let weights = &mut files[2].1;
    let end = weights.len();
    weights[end - 12_000..].as_chunks_mut::<4>().0.reverse();
    let published = Published::laid_out("clip", &files);
    let lines = published.well(&world, &["model", "get", "other", "--accept-licence", "--json"]);
    let proof = &lines.last().unwrap()["proof"];
    assert!(proof["passed"] == false && proof["bundled_right"].as_u64().unwrap() > 10, "{proof}");
    let (code, _, said) = published.run(&world, &["model", "use", "other", "--json"]);
    assert!(code == 2 && said.contains("model_unproven") && said.contains("it is the weights"), "{said}");
    let (code, lines, _) = published.run(&world, &["model", "verify", "other", "--json"]);
    assert!(code == 1 && lines[0]["ok"] == false, "{lines:?}");
    let listed = published.well(&world, &["model", "list", "--json"]);
    let other = listed.iter().find(|model| model["name"] == "other").unwrap();
    assert!(other["in_use"] == false && other["proof"]["passed"] == false, "{other}");
    assert!(!world.search("a dog").is_empty(), "the bundled model answers as before");
}

#[test]
fn a_folder_is_imported_without_a_network() {
    let world = World::new();
    let folder = world.folder().join("carried");
    std::fs::create_dir(&folder).unwrap();
    let published = Published::of(&hollow(200_000));
    for (name, bytes) in hollow(200_000) {
        std::fs::write(folder.join(name), bytes).unwrap();
    }
    let folder = folder.to_str().unwrap();
    let lines = published.well(&world, &["model", "import", folder, "--json"]);
    assert_eq!(lines.last().unwrap()["name"], "carried");
    std::fs::remove_file(Path::new(folder).join("weights.safetensors")).unwrap();
    let (code, _, said) = published.run(&world, &["model", "import", folder, "--name", "b", "--json"]);
    assert!(code == 2 && said.contains("weights.safetensors"), "{said}");
    // It loads nothing, and so it is not used.
    let (code, _, said) = published.run(&world, &["model", "use", "carried", "--json"]);
    assert!(code == 2 && said.contains("model_broken"), "{said}");
    assert_eq!(published.server.log().len(), 0);
}

/// Kills of a fetch; `$SIGHTLINE_KILLS` says another number.
const KILLS: u64 = 8;

#[test]
fn a_fetch_killed_at_random_leaves_no_half_model_and_fetches_no_byte_twice() {
    let kills: u64 = std::env::var("SIGHTLINE_KILLS").map_or(KILLS, |number| number.parse().unwrap());
    let (files, world) = (hollow(60_000 * (kills as usize + 8)), World::new());
    let published = Published::of(&files);
    published.server.script(|_, _| Deed::Slowly(2_000, 3));
    let (part, pack) =
        (models(&world).join("other.partial/source/weights.safetensors.part"), models(&world).join("other"));
    let (mut random, mut resumed, mut ends) = (0x0051_6719_u64, 0, 0);
    for kill in 0..kills {
        let mut child =
            published.command(&world, &["model", "get", "other", "--accept-licence", "--json"]).spawn().unwrap();
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        std::thread::sleep(Duration::from_millis(20 + random % 200));
        child.kill().unwrap();
        ends += u64::from(child.wait().unwrap().success());
        if pack.exists() {
            // The name appears with all that belongs to it.
            published.well(&world, &["model", "verify", "other", "--checksums", "--json"]);
        }
        let kept = std::fs::metadata(&part).map_or(0, |part| part.len());
        let known = published.server.log_of(&address("weights.safetensors"));
        assert!(kept <= files[2].1.len() as u64, "kill {kill}");
        // Each request asks for what the one before has left.
        for two in known.windows(2) {
            assert!(two[1].from >= two[0].from, "kill {kill}: {} after {}", two[1].from, two[0].from);
            resumed += usize::from(two[1].from > 0);
        }
    }
    published.server.script(|_, _| Deed::Serve);
    let kept = std::fs::metadata(&part).map_or(0, |part| part.len());
    let before = published.server.log_of(&address("weights.safetensors")).len();
    let was_there = pack.exists() || part.with_extension("").exists();
    published.well(&world, &["model", "get", "other", "--accept-licence", "--json"]);
    let last = published.server.log_of(&address("weights.safetensors"));
    match last.get(before) {
        Some(request) => assert_eq!(request.from as u64, kept, "what was kept is not asked for again"),
        None => assert!(was_there || kept == files[2].1.len() as u64),
    }
    published.well(&world, &["model", "verify", "other", "--checksums", "--json"]);
    for (name, bytes) in &files {
        assert_eq!(std::fs::read(pack.join(name)).unwrap(), *bytes, "{name}");
    }
    assert!(!models(&world).join("other.partial").exists());
    println!("{kills} kills of a fetch, {ends} after its end, {resumed} requests for a rest; {} in all", last.len());
}

#[test]
fn a_disk_that_fills_up_keeps_what_was_fetched() {
    let Some(shim) = shim() else { return };
    let (files, world) = (hollow(2_000_000), World::new());
    let published = Published::of(&files);
    let output = published
        .command(&world, &["model", "get", "other", "--accept-licence", "--json"])
        .env("LD_PRELOAD", &shim)
        .envs([("FAULT_WRITE", "weights.safetensors.part"), ("FAULT_ERRNO", "28"), ("FAULT_AFTER", "1000000")])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(2) && said.contains("disk_full") && said.contains("is kept"), "{said}");
    assert_eq!(state(&published, &world), "begun");
    let kept = std::fs::metadata(models(&world).join("other.partial/source/weights.safetensors.part")).unwrap().len();
    assert!(kept >= 700_000, "{kept} bytes are kept");
    published.well(&world, &["model", "get", "other", "--accept-licence", "--json"]);
    let asked = published.server.log_of(&address("weights.safetensors"));
    assert_eq!(asked[1].from as u64, kept);
    published.well(&world, &["model", "verify", "other", "--checksums", "--json"]);
}

#[test]
fn a_fetch_that_ends_badly_says_what_to_do() {
    let world = World::new();
    let published = Published::of(&hollow(50_000));
    let get = ["model", "get", "other", "--accept-licence", "--json"];
    published.server.put(&address("weights.safetensors"), noise(5, 50_000));
    let (code, _, said) = published.run(&world, &get);
    assert!(code == 2 && said.contains("download_wrong_digest"), "{said}");
    published.server.put(&address("weights.safetensors"), noise(5, 50_001));
    let (code, _, said) = published.run(&world, &get);
    assert!(code == 2 && said.contains("download_wrong_size"), "{said}");
    published.server.script(|_, _| Deed::Status(404, Vec::new()));
    let (code, _, said) = published.run(&world, &get);
    assert!(code == 2 && said.contains("download_not_there"), "{said}");
    let output = published.command(&world, &get).env("HF_ENDPOINT", "http://example.org").output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("endpoint_bad"));
    let (code, _, said) = published.run(&world, &["model", "get", "no-such", "--accept-licence", "--json"]);
    assert!(code == 2 && said.contains("model_unknown") && said.contains("model list"), "{said}");
    let output =
        published.command(&world, &get).env("SIGHTLINE_MODEL", root().join("assets/models/home-1")).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "a model that was named leaves no choice");
}

#[test]
fn without_a_download_nobody_is_asked() {
    // Whoever is named as the place of models, or as the proxy on the way to it, hears nothing.
    let (world, published) = (World::with_samples(), Published::of(&hollow(50_000)));
    let shim = shim();
    let sockets = world.folder().join("sockets");
    let run = |args: &[&str]| {
        let mut command = published.command(&world, args);
        for variable in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"] {
            command.env(variable, published.server.url());
        }
        if let Some(shim) = &shim {
            command.env("LD_PRELOAD", shim).env("FAULT_SOCKETS", &sockets);
        }
        let output = command.output().unwrap();
        assert!(
            output.status.code().is_some_and(|code| code < 2),
            "{args:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    };
    let photos = world.photos();
    let photos = photos.to_str().unwrap();
    for args in [
        &["index", photos][..],
        &["search", "a dog"],
        &["similar", &format!("{photos}/desk.jpg")],
        &["caption", &format!("{photos}/desk.jpg")],
        &["duplicates"],
        &["status"],
        &["check"],
        &["doctor"],
        &["model", "list"],
        &["model", "verify"],
        &["model", "use", "home-1"],
    ] {
        run(args);
    }
    assert_eq!(published.server.log().len(), 0);
    if let Some(shim) = shim {
        // No socket of a network was made, whatever for.
        assert_eq!(std::fs::read_to_string(&sockets).unwrap_or_default(), "");
        // The list is kept where there is something to put on it.
        let mut command = published.command(&world, &["model", "get", "other", "--accept-licence"]);
        command.env("LD_PRELOAD", shim).env("FAULT_SOCKETS", &sockets);
        assert!(command.output().unwrap().status.success());
        assert!(!std::fs::read_to_string(&sockets).unwrap().is_empty());
    }
}

#[test]
fn one_file_of_the_program_may_open_connections() {
    let words = ["std::net", "ureq", "TcpStream", "UdpSocket", "TcpListener", "reqwest", "hyper::"];
    let allowed = ["crates/engine/src/models/http.rs"];
    // That a worker cannot is tried by a worker.
    let tries = ["crates/media/src/isolation/"];
    let mut found = Vec::new();
    let mut folders = vec![root().join("crates"), root().join("src-tauri/src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else if entry.extension().is_some_and(|ending| ending == "rs") {
                let text = std::fs::read_to_string(&entry).unwrap();
                let name = entry.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/");
                if words.iter().any(|word| text.contains(word)) && !tries.iter().any(|folder| name.starts_with(folder))
                {
                    found.push(name);
                }
            }
        }
    }
    assert_eq!(found, allowed);
}
