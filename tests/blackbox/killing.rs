//! SIGKILL at any moment.

use std::process::Stdio;
use std::time::Duration;

use crate::harness::{World, samples};

/// Kills, each at another moment.
const KILLS: u64 = 20;

#[test]
fn an_index_killed_twenty_times_ends_as_if_it_had_not_been() {
    let undisturbed = World::with_samples();
    undisturbed.index();
    let killed = World::with_samples();
    for kill in 0..KILLS {
        let photos = killed.photos();
        let mut child = killed
            .command(&["index", "--json", photos.to_str().unwrap()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(60 + 97 * kill % 1500));
        child.kill().unwrap();
        child.wait().unwrap();
        let doctor = killed.run(&["doctor"]);
        assert_eq!(doctor.status.code(), Some(0), "after kill {kill}: {}", String::from_utf8_lossy(&doctor.stdout));
    }
    killed.index();
    assert_eq!(killed.index()["unchanged"], samples().len());
    for query in ["a dog", "mountains", "flowers", "a cup of coffee"] {
        let answer = |world: &World| -> Vec<(String, String)> {
            world
                .json(&["search", "--json", "--limit", "40", query], 0)
                .iter()
                .map(|hit| {
                    let path = hit["path"].as_str().unwrap();
                    (path.rsplit('/').next().unwrap().to_owned(), hit["score"].to_string())
                })
                .collect()
        };
        assert_eq!(answer(&killed), answer(&undisturbed), "{query}");
    }
}
