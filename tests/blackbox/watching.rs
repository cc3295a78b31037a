//! Folders watched while they change, disks that vanish, and pairs of files.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::{World, root, samples};

/// What a person may wait for a new photo.
const SOON: Duration = Duration::from_secs(3);

/// `sightline watch` on a world's photos.
struct Watching {
    child: Child,
    lines: Receiver<Value>,
}

impl Watching {
    fn start(world: &World) -> Self {
        let photos = world.photos();
        let mut command = world.command(&["watch", "--json", photos.to_str().unwrap()]);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let (sender, lines) = channel();
        let output = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if sender.send(serde_json::from_str(&line).unwrap()).is_err() {
                    return;
                }
            }
        });
        let watching = Self { child, lines };
        watching.wait("it watches", Duration::from_secs(60), |line| line["event"] == "watching");
        // What it catches up with.
        watching.wait("it has caught up", SOON, |line| line["event"] == "change");
        watching
    }

    /// The first line from now on that is `wanted`.
    fn wait(&self, what: &str, limit: Duration, wanted: impl Fn(&Value) -> bool) -> Value {
        let start = Instant::now();
        let mut seen = Vec::new();
        loop {
            let left = limit.saturating_sub(start.elapsed());
            let Ok(line) = self.lines.recv_timeout(left) else { panic!("{what}: not within {limit:?}: {seen:?}") };
            if wanted(&line) {
                return line;
            }
            seen.push(line);
        }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

#[test]
fn a_new_photo_is_searchable_within_three_seconds() {
    let world = World::new();
    fs::copy(root().join("assets/samples/coffee.png"), world.photos().join("old.png")).unwrap();
    let watching = Watching::start(&world);
    let mut slowest = Duration::ZERO;
    for sample in samples().into_iter().filter(|sample| !sample.ends_with("coffee.png")).take(10) {
        let start = Instant::now();
        fs::copy(&sample, world.photos().join(sample.file_name().unwrap())).unwrap();
        watching.wait("it is embedded", SOON, |line| line["embedded"].as_u64().is_some_and(|photos| photos > 0));
        slowest = slowest.max(start.elapsed());
    }
    println!("the slowest of ten photos was searchable after {slowest:?}");
    assert_eq!(world.search("a cup of coffee")[0], "old.png");
    assert_eq!(world.json(&["status", "--json"], 0)[0]["searchable"], 11);

    fs::rename(world.photos().join("old.png"), world.photos().join("new.png")).unwrap();
    let change = watching.wait("it is renamed", SOON, |line| line["moved_or_copied"] == 1);
    assert_eq!(change["embedded"], 0);
    assert_eq!(world.search("a cup of coffee")[0], "new.png");
}

#[cfg(target_os = "linux")]
#[test]
fn a_watch_is_idle_while_nothing_happens_and_ends_when_interrupted() {
    let world = World::with_samples();
    world.index();
    let mut watching = Watching::start(&world);
    let ticks = |pid: u32| -> u64 {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    };
    // The model may still be loading.
    std::thread::sleep(SOON);
    let before = ticks(watching.child.id());
    std::thread::sleep(Duration::from_secs(10));
    let used = ticks(watching.child.id()) - before;
    println!("{used} hundredths of a second of processor time in ten seconds");
    assert!(used <= 10, "{used} hundredths of a second in ten seconds");
    let pid = watching.child.id().to_string();
    std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap();
    let start = Instant::now();
    while watching.child.try_wait().unwrap().is_none() {
        assert!(start.elapsed() < SOON, "it does not end");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(world.index()["embedded"], 0);
}

#[test]
fn much_that_is_missing_is_kept_until_a_person_says_forget() {
    let world = World::with_samples();
    world.index();
    let away = world.photos().with_file_name("away");
    fs::rename(world.photos(), &away).unwrap();
    fs::create_dir(world.photos()).unwrap();
    let photos = world.photos();
    let photos = photos.to_str().unwrap();
    let lines = world.json(&["index", "--json", photos], 1);
    let summary = lines.iter().find(|line| line["event"] == "summary").unwrap();
    let count = samples().len();
    assert_eq!((&summary["removed"], &summary["held"][0]["missing"]), (&0.into(), &count.into()));
    assert_eq!(world.json(&["status", "--json"], 0)[0]["held"][0]["known"], count);
    assert_eq!(world.search("a cup of coffee")[0], "coffee.png", "all stay searchable");
    let told = world.run(&["index", photos]);
    assert!(String::from_utf8_lossy(&told.stderr).contains("--forget-missing"));
    let summary = world.json(&["index", "--json", "--forget-missing", photos], 0);
    assert_eq!(summary.iter().find(|line| line["event"] == "summary").unwrap()["removed"], count);
    assert_eq!(world.json(&["status", "--json"], 0)[0]["held"], serde_json::json!([]));
}

#[test]
fn a_jpeg_and_its_raw_file_are_one_hit() {
    let world = World::new();
    fs::copy(root().join("assets/samples/lock.jpg"), world.photos().join("DSC_1.JPG")).unwrap();
    fs::write(world.photos().join("DSC_1.NEF"), "raw").unwrap();
    assert_eq!(world.index()["companions"], 1);
    let hits = world.json(&["search", "--json", "golden retriever"], 0);
    assert_eq!(hits.len(), 1);
    assert_eq!(hits[0]["companions"][0]["kind"], "raw");
    assert!(hits[0]["companions"][0]["path"].as_str().unwrap().ends_with("DSC_1.NEF"));
    assert!(world.json(&["problems", "--json"], 0).is_empty());
}
