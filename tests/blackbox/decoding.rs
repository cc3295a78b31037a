//! The processes that decode: killed, stopped, orphaned.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::harness::{World, samples};

/// Processes that decode for `parent`.
pub fn workers_of(parent: u32) -> Vec<u32> {
    let is_worker = |process: &u32| {
        let parent_of = |status: String| status.lines().find_map(|l| l.strip_prefix("PPid:\t")?.parse::<u32>().ok());
        let arguments = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
        let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
        arguments.ends_with(b"--decode-photos-for-parent\0") && parent_of(status) == Some(parent)
    };
    let processes = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    processes.filter(is_worker).collect()
}

pub fn signal(process: u32, name: &str) {
    Command::new("kill").args([name, &process.to_string()]).stderr(Stdio::null()).status().unwrap();
}

fn start_indexing(world: &World) -> Child {
    let photos = world.photos();
    let mut command = world.command(&["index", "--json", photos.to_str().unwrap()]);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// A worker of `child`; `None` when it ends before it has one.
fn next_worker(child: &mut Child) -> Option<u32> {
    while child.try_wait().unwrap().is_none() {
        if let Some(worker) = workers_of(child.id()).first() {
            return Some(*worker);
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    None
}

fn problems(world: &World) -> Vec<String> {
    world.json(&["problems", "--json"], 0).iter().map(|p| p["code"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_killed_decoder_is_replaced_and_costs_no_photo() {
    let world = World::with_samples();
    let mut child = start_indexing(&world);
    let mut kills = 0;
    while let Some(worker) = next_worker(&mut child) {
        signal(worker, "-KILL");
        kills += 1;
        // Long enough for the photo's second try.
        std::thread::sleep(Duration::from_millis(400));
    }
    assert!(child.wait().unwrap().success());
    assert!(kills > 0, "there was no worker");
    assert_eq!(problems(&world), [""; 0]);
    assert_eq!(world.json(&["status", "--json"], 0)[0]["searchable"], samples().len());
}

#[test]
fn a_decoder_that_hangs_puts_its_photo_on_the_shelf_until_it_is_asked_for() {
    let world = World::with_samples();
    let mut child = start_indexing(&world);
    let worker = next_worker(&mut child).expect("there is a worker");
    signal(worker, "-STOP");
    assert!(child.wait().unwrap().success(), "the job goes on");
    assert!(workers_of(child.id()).is_empty());
    let found = problems(&world);
    // Stopped between two photos, it is the next one that waits for it.
    assert_eq!(found, ["too_slow"]);
    assert_eq!(world.index()["problems"], 1, "not tried again by itself");
    let photos = world.photos();
    world.json(&["index", "--json", "--retry", photos.to_str().unwrap()], 0);
    assert_eq!(problems(&world), [""; 0]);
}

#[test]
fn no_decoder_outlives_its_parent_or_holds_its_files() {
    let world = World::with_samples();
    let mut child = start_indexing(&world);
    let worker = next_worker(&mut child).expect("there is a worker");
    let open: Vec<PathBuf> = fs::read_dir(format!("/proc/{worker}/fd"))
        .unwrap()
        .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
        .collect();
    let held = open.iter().filter(|file| file.starts_with(world.library()) || file.starts_with(world.photos()));
    assert_eq!(held.count(), 0, "{open:?}");
    let workers = workers_of(child.id());
    child.kill().unwrap();
    child.wait().unwrap();
    let start = Instant::now();
    let alive =
        |worker: &u32| fs::read(format!("/proc/{worker}/cmdline")).is_ok_and(|words| words.ends_with(b"for-parent\0"));
    while workers.iter().any(alive) {
        assert!(start.elapsed() < Duration::from_secs(10), "a worker is left behind");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_folder_that_goes_away_pauses_the_job_and_lists_no_problems() {
    let world = World::with_samples();
    let photos = world.photos();
    let mut command = world.command(&["index", "--json", photos.to_str().unwrap()]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    next_worker(&mut child).expect("there is a worker");
    let away = photos.with_extension("away");
    fs::rename(&photos, &away).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("folder_gone") && said.contains("plug the disk in"), "{said}");
    let status = &world.json(&["status", "--json"], 0)[0];
    assert_eq!(status["jobs"][0]["state"], "paused", "{status}");
    assert_eq!(problems(&world), [""; 0]);
    fs::rename(&away, &photos).unwrap();
    world.index();
    let status = &world.json(&["status", "--json"], 0)[0];
    assert_eq!(status["searchable"], samples().len());
    assert_eq!(status["jobs"], serde_json::json!([]), "the job that was paused went on and is done");
}
