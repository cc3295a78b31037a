//! A process that writes is killed at any moment; the photo is whole all the same.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::{Numbers, leftovers, metadata, picture_with, put};
use crate::caption_metadata::{embed, read, write_sidecar};

/// Names the photo to the process that is to be killed.
const VARIABLE: &str = "CAPTION_METADATA_KILLED_PHOTO";

/// The file by which that process says that it has started.
fn ready(photo: &Path) -> PathBuf {
    photo.with_extension("ready")
}

/// Not a test but the body of the process that gets killed; it does nothing in a normal run.
#[test]
fn process_to_be_killed() {
    let Some(photo) = std::env::var_os(VARIABLE) else { return };
    let start = Instant::now();
    fs::write(ready(photo.as_ref()), b"").unwrap();
    // Ends by itself should the killer die first.
    for round in (0..).take_while(|_| start.elapsed() < Duration::from_secs(30)) {
        let wanted = if round % 2 == 0 { metadata("even", &["a"]) } else { metadata(&"odd ".repeat(900), &[]) };
        embed(photo.as_ref(), &wanted).unwrap();
        write_sidecar(photo.as_ref(), &wanted).unwrap();
    }
}

#[test]
fn a_photo_whose_writer_is_killed_50_times_is_always_the_old_or_the_new_one() {
    let folder = tempfile::tempdir().unwrap();
    // Large enough that a kill falls into the writing, too.
    let film = b"\0\0\0\x18ftypmp42 film".repeat(100_000);
    let photo = put(folder.path(), "photo.jpg", &picture_with(&[], &film));
    let whole = [metadata("even", &["a"]), metadata(&"odd ".repeat(900), &[])];
    let states: Vec<Vec<u8>> = whole
        .iter()
        .map(|wanted| {
            embed(&photo, wanted).unwrap();
            fs::read(&photo).unwrap()
        })
        .collect();
    let sidecar = write_sidecar(&photo, &whole[1]).unwrap();
    let sidecars: Vec<Vec<u8>> = whole
        .iter()
        .map(|wanted| {
            write_sidecar(&photo, wanted).unwrap();
            fs::read(&sidecar).unwrap()
        })
        .collect();
    let module = module_path!().split_once("::").unwrap().1;
    let mut numbers = Numbers(50);
    let (mut left_behind, mut changes, mut last) = (0, 0, 1);
    for _ in 0..50 {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", &format!("{module}::process_to_be_killed")])
            .env(VARIABLE, &photo)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let start = Instant::now();
        while fs::remove_file(ready(&photo)).is_err() {
            assert!(start.elapsed() < Duration::from_secs(60), "the process does not start");
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_millis(numbers.below(60) as u64));
        // SIGKILL on Unix.
        process.kill().unwrap();
        process.wait().unwrap();
        let bytes = fs::read(&photo).unwrap();
        let state = states.iter().position(|state| *state == bytes).expect("the photo is neither old nor new");
        changes += usize::from(state != last);
        last = state;
        let bytes = fs::read(&sidecar).unwrap();
        assert!(sidecars.contains(&bytes), "the sidecar is neither old nor new");
        left_behind += leftovers(folder.path()).len();
        assert!(leftovers(folder.path()).len() <= 1, "each run removes what the one before left");
    }
    eprintln!("50 kills: {changes} changed the photo, {left_behind} left a temporary file behind");
    assert!(changes > 0 && left_behind > 0, "the kills never hit a write");
    std::thread::sleep(Duration::from_millis(2100));
    embed(&photo, &metadata("last", &[])).unwrap();
    assert_eq!(leftovers(folder.path()), [""; 0]);
    write_sidecar(&photo, &metadata("last", &[])).unwrap();
    assert_eq!(read(&photo).unwrap().unwrap().caption.as_deref(), Some("last"));
}
