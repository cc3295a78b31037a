//! Files made to hurt: each kind in ten variations, all in one folder with good photos. The program stays small and quick,
//! lists them with a reason, and finds the rest.
#![cfg(target_os = "linux")]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::decoding::{signal, workers_of};
use crate::forging::{Forged, boxed, brotli_of, item_list, jxl_with, packet};
use crate::harness::{World, samples};

/// What the program itself may hold beyond what it holds for good photos, in KiB.
const MOST_MORE_KIB: u64 = 300_000_000 / 1024;
/// What a run over ten such files may take at most.
const LONGEST: Duration = Duration::from_secs(31);
/// Good photos beside the others.
const GOOD: usize = 3;

/// A run of indexing: the summary, the most memory that the program itself held in KiB, and how long it took.
struct Run {
    summary: Value,
    peak_kib: u64,
    took: Duration,
}

fn peak_kib(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.split_whitespace().next()?.parse().ok()
}

fn index(world: &World) -> Run {
    let photos = world.photos();
    let output = world.photos().with_file_name("said");
    let mut command = world.command(&["index", "--json", photos.to_str().unwrap()]);
    let begun = Instant::now();
    let mut child = command.stdout(fs::File::create(&output).unwrap()).stderr(Stdio::null()).spawn().unwrap();
    let mut most = 0;
    let status = loop {
        most = most.max(peak_kib(child.id()).unwrap_or(0));
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        assert!(begun.elapsed() < 4 * LONGEST, "it does not end");
        std::thread::sleep(Duration::from_millis(5));
    };
    assert!(status.success(), "{status}");
    let said = fs::read_to_string(&output).unwrap();
    let mut lines = said.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let summary = lines.rfind(|line| line["event"] == "summary").unwrap();
    Run { summary, peak_kib: most, took: begun.elapsed() }
}

fn with_good_photos() -> World {
    let world = World::new();
    for sample in samples().iter().take(GOOD) {
        fs::copy(sample, world.photos().join(sample.file_name().unwrap())).unwrap();
    }
    world
}

/// What the program holds, and how long it takes, for the good photos alone.
fn usual() -> &'static Run {
    static USUAL: OnceLock<Run> = OnceLock::new();
    USUAL.get_or_init(|| index(&with_good_photos()))
}

/// Code and reason by name of the file.
fn problems(world: &World) -> Vec<(String, String, String)> {
    let text = |problem: &Value, key: &str| problem[key].as_str().unwrap().to_owned();
    let name = |path: String| Path::new(&path).file_name().unwrap().to_string_lossy().into_owned();
    let listed = world.json(&["problems", "--json"], 0);
    listed.iter().map(|p| (name(text(p, "path")), text(p, "code"), text(p, "reason"))).collect()
}

fn searchable(world: &World) -> u64 {
    world.json(&["status", "--json"], 0)[0]["searchable"].as_u64().unwrap()
}

/// Indexes the forged files beside good photos: quick, small, the rest is there. Gives what is on the problem list.
fn hurt(files: &[Forged], more_photos: u64) -> Vec<(String, String, String)> {
    let usual = usual();
    let world = with_good_photos();
    for file in files {
        file.write(&world.photos());
    }
    let run = index(&world);
    let more = run.peak_kib.saturating_sub(usual.peak_kib);
    println!("{}: {} MB more, {:.1} s", files[0].name, more / 1024, run.took.as_secs_f32());
    assert!(more < MOST_MORE_KIB, "{} KiB instead of {}", run.peak_kib, usual.peak_kib);
    // On a machine that does much else, everything takes longer.
    assert!(run.took < LONGEST + 10 * usual.took, "{:?} instead of {:?}", run.took, usual.took);
    assert_eq!(searchable(&world), GOOD as u64 + more_photos, "{}", run.summary);
    let listed = problems(&world);
    // Known by now: nothing is tried again by itself.
    let again = index(&world);
    assert_eq!(again.summary["problems"].as_u64(), Some(listed.len() as u64), "{}", again.summary);
    assert_eq!(again.summary["embedded"], 0);
    listed
}

/// Each of the files is on the list with this code, and a reason that says this.
fn assert_listed(listed: &[(String, String, String)], names: &[String], code: &str, reason: &str) {
    let mut sorted: Vec<&str> = names.iter().map(String::as_str).collect();
    sorted.sort_unstable();
    let mut found: Vec<&str> = listed.iter().map(|(name, ..)| name.as_str()).collect();
    found.sort_unstable();
    assert_eq!(found, sorted, "{listed:?}");
    for (name, its_code, its_reason) in listed {
        assert!(its_code == code && its_reason.contains(reason), "{name}: {its_code}: {its_reason}");
    }
}

fn names(files: &[Forged]) -> Vec<String> {
    files.iter().map(|file| file.name.clone()).collect()
}

#[test]
fn metadata_packed_small_that_unpack_to_gigabytes_are_refused() {
    const UNITS: [&[u8; 4]; 10] =
        [b"<a/>", b"    ", b"&lt;", b"<a> ", b"abcd", b"\n\n\n\n", b"<!--", b"\0\0\0\0", b"\xff\xff\xff\xff", b"</a>"];
    let text = packet("");
    let (head, tail) = text.split_at(text.find("/></rdf:RDF>").unwrap());
    let files: Vec<Forged> = (0_u32..10)
        .map(|number| {
            let unpacked = 6_000_000 * (number + 1);
            let packed = brotli_of(format!("{head}>").as_bytes(), UNITS[number as usize], unpacked, tail.as_bytes());
            let kind = if number % 3 == 2 { b"Exif" } else { b"xml " };
            Forged::new(
                &format!("packed-{number}.jxl"),
                jxl_with(&boxed(b"brob", &[kind.as_slice(), &packed].concat())),
            )
        })
        .collect();
    let listed = hurt(&files, 0);
    assert_listed(&listed, &names(&files), "too_large", "over the limit of 4 MiB");
}

#[test]
fn sidecars_with_more_than_any_photo_needs_are_listed_and_their_photos_found() {
    let open = |inner: &str, attributes: &str| {
        let description = format!("<rdf:Description{attributes}>{inner}</rdf:Description>");
        packet("").replace("<rdf:Description />", &description)
    };
    let many = |count: usize, item: &dyn Fn(usize) -> String| (0..count).map(item).collect::<String>();
    let keywords = |count, length: usize| {
        let items = many(count, &|n| format!("<rdf:li>{n}{}</rdf:li>", "k".repeat(length)));
        open(
            &format!("<dc:subject><rdf:Bag>{items}</rdf:Bag></dc:subject>"),
            " xmlns:dc='http://purl.org/dc/elements/1.1/'",
        )
    };
    let texts = [
        open(&"<a/>".repeat(16_700_000), ""),
        open(&"<a/>".repeat(50_001), &many(200, &|n| format!(" xmlns:n{n}='u'"))),
        open("", &many(4080, &|n| format!(" xmlns:n{n}='u'"))),
        keywords(300_000, 1),
        keywords(50_000, 0),
        open("", &many(2_100, &|n| format!(" a{n}=''"))),
        open(&many(60, &|_| format!("<a{}/>", many(900, &|n| format!(" a{n}=''")))), ""),
        open(&" ".repeat((4 << 20) + 1), ""),
        open(&"<a></a>".repeat(60_000), ""),
        keywords(55_000, 20),
    ];
    let (mut files, mut sidecars) = (Vec::new(), Vec::new());
    for (number, text) in texts.into_iter().enumerate() {
        let mut photo = fs::read(&samples()[GOOD + number]).unwrap();
        photo.push(number as u8);
        let extension = samples()[GOOD + number].extension().unwrap().to_str().unwrap().to_owned();
        files.push(Forged::new(&format!("p{number}.{extension}"), photo));
        let name = if number % 2 == 0 { format!("p{number}.{extension}.xmp") } else { format!("p{number}.xmp") };
        files.push(Forged::new(&name, text.into_bytes()));
        sidecars.push(name);
    }
    let listed = hurt(&files, 10);
    assert_listed(&listed, &sidecars, "too_large", "is over the limit of");
}

#[test]
fn a_sidecar_that_was_refused_is_read_when_it_is_mended_or_gone() {
    let world = with_good_photos();
    let photo = samples()[0].file_name().unwrap().to_str().unwrap().to_owned();
    let sidecar = world.photos().join(format!("{photo}.xmp"));
    fs::write(&sidecar, vec![b' '; 5 << 20]).unwrap();
    world.index();
    assert_listed(&problems(&world), &[format!("{photo}.xmp")], "too_large", "4 MiB");
    assert_eq!(world.index()["problems"], 1);
    fs::write(&sidecar, packet("xmlns:xmp='http://ns.adobe.com/xap/1.0/' xmp:Rating='5'")).unwrap();
    assert_eq!(world.index()["problems"], 0);
    assert_eq!(problems(&world), []);
    assert_eq!(world.search("rating:5"), [photo]);
    fs::write(&sidecar, vec![b' '; 5 << 20]).unwrap();
    assert_eq!(world.index()["problems"], 1);
    fs::remove_file(&sidecar).unwrap();
    world.index();
    assert_eq!(problems(&world), []);
    assert_eq!(searchable(&world), GOOD as u64);
}

#[test]
fn packets_in_a_million_pieces_are_refused() {
    let files: Vec<Forged> = (0_u16..10)
        .map(|number| {
            // Where the pieces are, how many they are, and how long each is.
            let (inside, extents) = (number % 2 == 0, [257, 65_535, 40_000, 1000, 300][usize::from(number / 2)]);
            let length = [0, 1, 64 << 20, 4 << 10, 1 << 30][usize::from(number % 5)];
            let boxes = if number < 5 { 100_000 } else { 0 };
            Forged::new(&format!("pieces-{number}.jxl"), jxl_with(&item_list(inside, extents, length, boxes)))
        })
        .collect();
    let listed = hurt(&files, 0);
    assert_listed(&listed, &names(&files), "too_large", "over the limit of 256 pieces");
}

#[test]
fn files_larger_than_a_photo_may_be_are_not_read() {
    let kinds = ["jpg", "png", "heic", "nef", "tif", "webp", "jxl", "avif", "dng", "bmp"];
    let files: Vec<Forged> = kinds
        .iter()
        .enumerate()
        .map(|(number, kind)| {
            let size = [40 << 30, (256 << 20) + 1, 1 << 40][number % 3];
            Forged { sparse: Some(size), ..Forged::new(&format!("sparse.{kind}"), b"\xff\xd8\xff\xe0".to_vec()) }
        })
        .collect();
    let listed = hurt(&files, 0);
    assert_listed(&listed, &names(&files), "too_large", "over the limit of 256 MiB");
}

#[test]
fn pictures_of_hundreds_of_megabytes_do_not_fill_the_program() {
    // Bitmaps of a few bytes on the disk, of up to 256 MiB when they are read.
    let sides = [(8000, 8600), (8600, 8000), (64_000, 1000), (1000, 64_000), (9400, 9500)];
    let files: Vec<Forged> = (0..10)
        .map(|number| {
            let (width, height): (u32, u32) = sides[number / 2];
            let bytes = u64::from(width.next_multiple_of(4)) * 3 * u64::from(height - number as u32) + 54;
            let mut head = b"BM".to_vec();
            for field in [bytes as u32, 0, 54, 40, width, height - number as u32, 24 << 16 | 1, 0, 0, 0, 0, 0, 0] {
                head.extend(field.to_le_bytes());
            }
            Forged { sparse: Some(bytes), ..Forged::new(&format!("large-{number}.bmp"), head) }
        })
        .collect();
    let (photos, too_large) = files.split_at(8);
    for photos in photos.chunks(2) {
        assert_eq!(hurt(photos, 2), [], "they are photos");
    }
    assert_listed(&hurt(too_large, 0), &names(too_large), "too_large", "over the limit of 400 MiB of memory");
}

#[test]
fn ctrl_c_is_heard_while_a_decoder_hangs() {
    let world = World::with_samples();
    let photos = world.photos();
    let mut command = world.command(&["index", "--json", photos.to_str().unwrap()]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    // Every worker hangs: no photo comes any more.
    let mut stopped = Vec::new();
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(3) && child.try_wait().unwrap().is_none() {
        if let Some(worker) = workers_of(child.id()).into_iter().find(|worker| !stopped.contains(worker)) {
            signal(worker, "-STOP");
            stopped.push(worker);
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    assert!(!stopped.is_empty() && child.try_wait().unwrap().is_none(), "nothing hangs");
    let asked = Instant::now();
    signal(child.id(), "-INT");
    while child.try_wait().unwrap().is_none() {
        assert!(asked.elapsed() < Duration::from_secs(20), "it does not hear");
        std::thread::sleep(Duration::from_millis(5));
    }
    let took = asked.elapsed();
    println!("heard after {} ms", took.as_millis());
    // The batch that the model is computing is finished first.
    assert!(took < Duration::from_secs(3), "{took:?}");
    assert_eq!(problems(&world), []);
    world.index();
    assert_eq!(searchable(&world), samples().len() as u64);
}

#[test]
fn a_worker_can_reach_nothing() {
    let world = World::new();
    let checks = world.json(&["doctor", "--json"], 0);
    let isolation = checks.iter().find(|check| check["check"] == "isolation").expect("doctor looks at it");
    let detail = isolation["detail"].as_str().unwrap();
    // It has tried.
    assert!(detail.contains("can open no file and no socket and start no program"), "{detail}");
    assert!(detail.contains("environment cleared,") && detail.contains("no new privileges,"), "{detail}");
}

#[test]
fn a_worker_is_confined_before_it_is_given_anything_whoever_starts_it() {
    let mut child = std::process::Command::new(crate::harness::binary())
        .arg("--decode-photos-for-parent")
        .env("SECRET_TOKEN", "abc123")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let of = |file: &str| fs::read_to_string(format!("/proc/{}/{file}", child.id())).unwrap_or_default();
    let begun = Instant::now();
    while !of("status").contains("Seccomp:\t2") {
        assert!(begun.elapsed() < Duration::from_secs(20), "{}", of("status"));
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(of("status").contains("NoNewPrivs:\t1"), "{}", of("status"));
    let environment = fs::read(format!("/proc/{}/environ", child.id())).unwrap();
    assert!(!environment.windows(6).any(|bytes| bytes == b"SECRET"), "{}", String::from_utf8_lossy(&environment));
    let limits = of("limits");
    let limit = |name: &str| {
        let line =
            limits.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("{name}: {limits}"));
        line.split_whitespace().next().unwrap().to_owned()
    };
    assert_eq!([limit("Max core file size"), limit("Max file size"), limit("Max open files")], ["0", "0", "16"]);
    assert_eq!(limit("Max data size"), (1_u64 << 30).to_string());
    assert_ne!(limit("Max cpu time"), "unlimited");
    for task in fs::read_dir(format!("/proc/{}/task", child.id())).unwrap() {
        let status = fs::read_to_string(task.unwrap().path().join("status")).unwrap();
        assert!(status.contains("Seccomp:\t2") && status.contains("NoNewPrivs:\t1"), "a thread is free: {status}");
    }
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success(), "it ends with its input");
}

/// The photo of which the program dies, on the problem list with this code.
fn assert_blamed(world: &World, photo: &Path) {
    let listed = problems(world);
    let name = photo.file_name().unwrap().to_string_lossy().into_owned();
    assert_listed(&listed, &[name], "program_died", "the program died twice while it read this file");
}

#[test]
fn a_photo_of_which_the_program_dies_twice_is_listed_and_the_rest_is_found() {
    let Some(shim) = crate::faults::shim() else { return };
    let world = World::with_samples();
    let killer = world.photos().join("killer.jpg");
    let mut bytes = fs::read(&samples()[0]).unwrap();
    bytes.push(0);
    fs::write(&killer, &bytes).unwrap();
    let start = || {
        let photos = world.photos();
        let mut command = world.command(&["index", "--json", photos.to_str().unwrap()]);
        command.env("LD_PRELOAD", &shim).env("FAULT_DIE", "killer.jpg").output().unwrap()
    };
    assert!(start().status.code().is_none(), "it dies");
    let second = start();
    // The second time a process of its own died of it; the program itself went on.
    assert!(second.status.success(), "{}", String::from_utf8_lossy(&second.stderr));
    assert_blamed(&world, &killer);
    let third = start();
    assert!(third.status.success());
    assert_blamed(&world, &killer);
    assert_eq!(searchable(&world), samples().len() as u64, "the rest is there");
    let photos = world.photos();
    world.json(&["index", "--json", "--retry", photos.to_str().unwrap()], 0);
    assert_eq!(problems(&world), [], "it was not the photo's fault");
    assert_eq!(searchable(&world), samples().len() as u64 + 1);
}

#[test]
fn a_program_killed_again_and_again_blames_no_photo() {
    let world = World::with_samples();
    let photos = world.photos();
    for kill in 0..8 {
        let mut command = world.command(&["index", "--json", photos.to_str().unwrap()]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let begun = Instant::now();
        // In the middle of photos, whether the program or the process for suspects reads them.
        while begun.elapsed() < Duration::from_secs(5) && workers_of(child.id()).is_empty() {
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_millis(kill * 37 % 200));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    world.index();
    assert_eq!(problems(&world), []);
    assert_eq!(searchable(&world), samples().len() as u64);
    assert!(!world.library().join("in-flight.jsonl").exists(), "the run came to its end");
}

impl Forged {
    fn new(name: &str, bytes: Vec<u8>) -> Self {
        Self { name: name.to_owned(), bytes, sparse: None }
    }

    fn write(&self, folder: &Path) {
        let path: PathBuf = folder.join(&self.name);
        let mut file = fs::File::create(path).unwrap();
        file.write_all(&self.bytes).unwrap();
        if let Some(size) = self.sparse {
            file.set_len(size).unwrap();
        }
    }
}
