//! Disks that fail, fill up or refuse, and a clock that jumps, played by `faults.c`.
#![cfg(target_os = "linux")]

use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::OnceLock;

use serde_json::Value;

use crate::harness::{World, root, samples};

const EIO: &str = "5";
const EACCES: &str = "13";
const ENOSPC: &str = "28";

/// The built shim; `None` where there is no C compiler.
pub fn shim() -> Option<PathBuf> {
    static SHIM: OnceLock<Option<PathBuf>> = OnceLock::new();
    let built = SHIM.get_or_init(|| {
        let library = std::env::current_exe().unwrap().with_file_name("libsightline_faults.so");
        let source = root().join("tests/blackbox/faults.c");
        let cc = Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source).status();
        match cc {
            Ok(status) => {
                assert!(status.success(), "faults.c does not compile");
                Some(library)
            }
            Err(error) => {
                println!("SKIPPED: no C compiler for faults.c: {error}");
                None
            }
        }
    });
    built.clone()
}

fn index_with(world: &World, shim: &PathBuf, faults: &[(&str, &str)]) -> Output {
    let photos = world.photos();
    let mut command = world.command(&["index", "--json", photos.to_str().unwrap()]);
    command.env("LD_PRELOAD", shim).envs(faults.iter().copied()).output().unwrap()
}

fn problems(world: &World) -> Vec<(String, String)> {
    let text = |problem: &Value, key: &str| problem[key].as_str().unwrap().to_owned();
    let listed = world.json(&["problems", "--json"], 0);
    listed.iter().map(|problem| (text(problem, "code"), text(problem, "path"))).collect()
}

fn photos(world: &World) -> u64 {
    world.json(&["status", "--json"], 0)[0]["photos"].as_u64().unwrap()
}

#[test]
fn a_disk_that_fails_twice_costs_no_photo() {
    let Some(shim) = shim() else { return };
    let world = World::with_samples();
    let faults = [("FAULT_READ", "panda.webp"), ("FAULT_ERRNO", EIO), ("FAULT_TIMES", "2")];
    assert!(index_with(&world, &shim, &faults).status.success());
    assert_eq!(problems(&world), []);
    assert_eq!(photos(&world), samples().len() as u64);
}

#[test]
fn a_photo_that_a_disk_or_a_right_withheld_is_tried_again_at_the_next_scan() {
    let Some(shim) = shim() else { return };
    for (errno, code) in [(EIO, "io"), (EACCES, "denied")] {
        let world = World::with_samples();
        let output = index_with(&world, &shim, &[("FAULT_READ", "panda.webp"), ("FAULT_ERRNO", errno)]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let listed = problems(&world);
        assert_eq!(listed.len(), 1, "{listed:?}");
        assert!(listed[0].0 == code && listed[0].1.ends_with("panda.webp"), "{listed:?}");
        world.index();
        assert_eq!(problems(&world), [], "the disk is well again");
        assert_eq!(photos(&world), samples().len() as u64);
    }
}

#[test]
fn a_library_disk_that_fills_up_or_fails_keeps_what_it_has() {
    let Some(shim) = shim() else { return };
    for errno in [ENOSPC, EIO] {
        for after in ["0", "60000", "200000", "700000"] {
            let world = World::new();
            for sample in samples().iter().take(8) {
                std::fs::copy(sample, world.photos().join(sample.file_name().unwrap())).unwrap();
            }
            world.index();
            for sample in samples().iter().skip(8) {
                std::fs::copy(sample, world.photos().join(sample.file_name().unwrap())).unwrap();
            }
            let faults = [("FAULT_WRITE", "catalogue.sqlite"), ("FAULT_ERRNO", errno), ("FAULT_AFTER", after)];
            let output = index_with(&world, &shim, &faults);
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(matches!(output.status.code(), Some(0 | 2)), "after {after}: {} {said}", output.status);
            assert_eq!(output.status.success(), !said.contains("\"error\""), "after {after}: {said}");
            assert_eq!(world.run(&["doctor"]).status.code(), Some(0), "after {after}");
            assert!(photos(&world) >= 8, "after {after}");
            world.index();
            assert_eq!(photos(&world), samples().len() as u64, "after {after}");
        }
    }
}

#[test]
fn a_clock_that_jumps_forgets_and_repeats_nothing() {
    let Some(shim) = shim() else { return };
    let world = World::with_samples();
    const TEN_YEARS: &str = "315360000";
    for jump in ["0", TEN_YEARS, "-315360000", "0"] {
        assert!(index_with(&world, &shim, &[("FAULT_CLOCK", jump)]).status.success(), "{jump}");
        assert_eq!(photos(&world), samples().len() as u64);
    }
    assert_eq!(world.index()["unchanged"], samples().len());
    assert_eq!(world.run(&["doctor"]).status.code(), Some(0));
}
