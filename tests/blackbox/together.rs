//! Two processes on one library at once.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::harness::{World, samples};

#[test]
fn the_second_says_whom_it_waits_for_and_then_goes_on() {
    let world = World::with_samples();
    world.index();
    // This test is the other Sightline.
    let lock = File::create(world.library().join("turn-index.lock")).unwrap();
    lock.lock().unwrap();
    fs::write(world.library().join("turn-index.process"), "4711").unwrap();
    let photos = world.photos();
    let mut command = world.command(&["index", photos.to_str().unwrap()]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
    let waits = said.by_ref().map(Result::unwrap).find(|line| line.contains("waits"));
    assert_eq!(waits.as_deref(), Some("waits for another Sightline (process 4711) that is indexing"));
    assert!(child.try_wait().unwrap().is_none(), "it waits");
    assert!(!world.search("a dog").is_empty(), "searching waits for nobody");
    drop(lock);
    assert!(child.wait().unwrap().success());
}

#[test]
fn two_that_index_at_once_leave_one_whole_library() {
    let world = World::with_samples();
    let photos = world.photos();
    let start = || {
        let mut command = world.command(&["index", "--json", photos.to_str().unwrap()]);
        command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
    };
    let both = [start(), start()];
    let numbers = [both[0].id(), both[1].id()];
    let said = both.map(|child| {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    });
    let waits = |said: &str, other: u32| {
        let mut lines = said.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        lines.any(|line| line["event"] == "waiting" && line["process"] == other && line["kind"] == "index")
    };
    assert!(waits(&said[0], numbers[1]) || waits(&said[1], numbers[0]), "{said:?}");
    assert_eq!(world.run(&["doctor"]).status.code(), Some(0));
    assert_eq!(world.index()["unchanged"], samples().len());
}
