//! Black-box tests over the built `sightline`, what a person at the command line sees, and over the commands
//! that a window calls.

// A test that cannot go on ends with a panic.
#![allow(clippy::unwrap_used)]

mod captioning;
mod desk;
mod duplicates;
mod harness;
mod indexing;
mod killing;
mod searching;
mod teaching;
mod trouble;
