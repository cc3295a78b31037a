//! Black-box tests over the built `sightline`, what a person at the command line sees, and over the commands
//! that a window calls.

// A test that cannot go on ends with a panic.
#![allow(clippy::unwrap_used)]

mod asking;
mod captioning;
mod decoding;
mod desk;
mod duplicates;
mod facts;
mod faults;
mod forgetting;
mod forging;
mod harness;
mod hostile;
#[cfg(unix)]
mod hostile_library;
#[cfg(unix)]
mod hostile_output;
#[cfg(unix)]
mod hostile_version;
mod indexing;
mod killing;
mod licences;
#[cfg(target_os = "linux")]
#[path = "../support/loopback.rs"]
mod loopback;
#[cfg(target_os = "linux")]
mod models;
mod mutants;
mod safekeeping;
mod searching;
mod starting;
mod switching;
mod teaching;
mod together;
mod trouble;
mod watching;
