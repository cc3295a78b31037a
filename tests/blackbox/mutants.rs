//! Damaged photos by the hundred: nothing crashes or hangs, memory is bounded, and good photos are found.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::harness::{World, root, samples};

/// Damaged copies; `$SIGHTLINE_MUTANTS` says another number.
const MUTANTS: usize = 100;
/// What the program may hold, its workers apart, in KiB.
#[cfg(target_os = "linux")]
const MOST_KIB: u64 = 2 << 20;

/// Numbers that look random and are the same each time (xorshift64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end.max(1) as u64) as usize
    }
}

/// Flips bits, cuts, splices with `other`, or puts telling values into the head; some of it several times.
fn mutate(numbers: &mut Numbers, mut bytes: Vec<u8>, other: &[u8]) -> Vec<u8> {
    const TELLING: [u8; 6] = [0x00, 0x01, 0x7f, 0x80, 0xfe, 0xff];
    for _ in 0..=numbers.below(3) {
        let length = bytes.len();
        match numbers.below(5) {
            0 => (0..=numbers.below(16)).for_each(|_| {
                if length > 0 {
                    bytes[numbers.below(length)] ^= 1 << numbers.below(8);
                }
            }),
            1 => bytes.truncate(numbers.below(length)),
            2 => {
                let (from, at) = (numbers.below(other.len()), numbers.below(length));
                let piece = &other[from..(from + numbers.below(4096)).min(other.len())];
                bytes.splice(at..(at + piece.len() / 2).min(length), piece.iter().copied());
            }
            3 => (0..=numbers.below(8)).for_each(|_| {
                if let Some(byte) = bytes.get_mut(numbers.below(length.min(256))) {
                    *byte = TELLING[numbers.below(TELLING.len())];
                }
            }),
            // A field of four bytes that says the most.
            _ => {
                let at = numbers.below(length.min(512));
                bytes.iter_mut().skip(at).take(4).for_each(|byte| *byte = 0xff);
            }
        }
    }
    bytes
}

fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() { files_below(&path, found) } else { found.push(path) }
    }
}

#[test]
fn damaged_copies_crash_and_hide_nothing() {
    let shared = std::env::var_os("SIGHTLINE_SHARED").map_or_else(|| root().join("../shared/data"), Into::into);
    let corpus = Path::new(&shared).join("corpus");
    let mut originals = samples();
    if corpus.is_dir() {
        files_below(&corpus, &mut originals);
    } else {
        println!("{} is not here: damaging the samples only", corpus.display());
    }
    let count = std::env::var("SIGHTLINE_MUTANTS").map_or(MUTANTS, |number| number.parse().unwrap());
    let world = World::with_samples();
    let damaged = world.photos().join("damaged");
    fs::create_dir(&damaged).unwrap();
    let mut numbers = Numbers(0x5167_4711);
    for number in 0..count {
        let original = &originals[number % originals.len()];
        let other = fs::read(&originals[numbers.below(originals.len())]).unwrap();
        let bytes = mutate(&mut numbers, fs::read(original).unwrap(), &other);
        let extension = original.extension().unwrap_or_default().to_string_lossy().into_owned();
        fs::write(damaged.join(format!("{number}.{extension}")), bytes).unwrap();
    }
    let photos = world.photos();
    let mut command = world.command(&["index", "--json", photos.to_str().unwrap()]);
    let log = world.photos().with_file_name("log");
    let mut child = command.stdout(fs::File::create(&log).unwrap()).stderr(Stdio::inherit()).spawn().unwrap();
    let (start, mut most_kib) = (Instant::now(), 0);
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if start.elapsed() > Duration::from_secs(120 + count as u64) {
            child.kill().unwrap();
            panic!("indexing hangs");
        }
        most_kib = most_kib.max(peak_kib(child.id()));
        std::thread::sleep(Duration::from_millis(50));
    };
    assert!(status.success(), "{status}");
    #[cfg(target_os = "linux")]
    assert!((1..MOST_KIB).contains(&most_kib), "{most_kib} KiB");
    println!("{count} damaged copies in {:.1} s, {} MiB at most", start.elapsed().as_secs_f64(), most_kib >> 10);
    let log = fs::read_to_string(log).unwrap();
    let summary: serde_json::Value = serde_json::from_str(log.lines().last().unwrap()).unwrap();
    // More than a pipe holds.
    let problems = world.command(&["problems", "--json"]).output().unwrap().stdout;
    let problems = String::from_utf8(problems).unwrap();
    let problems: Vec<serde_json::Value> = problems.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let path = |problem: &serde_json::Value| PathBuf::from(problem["path"].as_str().unwrap());
    assert!(problems.iter().all(|problem| path(problem).starts_with(&damaged)), "a good photo is on the problem list");
    let status = &world.json(&["status", "--json"], 0)[0];
    assert_eq!(status["photos"], status["searchable"]);
    let codes = problems.iter().map(|problem| problem["code"].as_str().unwrap());
    let by_code = codes.fold(std::collections::BTreeMap::<&str, u32>::new(), |mut counts, code| {
        *counts.entry(code).or_default() += 1;
        counts
    });
    println!("{} problems: {by_code:?}", problems.len());
    let listed = status["files"].as_u64().unwrap() + problems.len() as u64;
    assert_eq!(listed, summary["found"].as_u64().unwrap() + summary["unsupported"].as_u64().unwrap(), "{summary}");
    for (query, photo) in [("a cup of coffee", "coffee.png"), ("a panda", "panda.webp")] {
        assert!(world.search(query).iter().any(|name| name == photo), "{query}");
    }
    assert_eq!(world.run(&["doctor"]).status.code(), Some(0));
}

/// The most memory that a process ever held, in KiB.
fn peak_kib(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.and_then(|peak| peak.trim().strip_suffix(" kB")?.trim().parse().ok()).unwrap_or(0)
}
