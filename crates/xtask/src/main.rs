//! Chores of the workspace: `cargo xtask check`, `cargo xtask model`.

#![recursion_limit = "256"]

mod check;
mod model;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about = "Chores of the Sightline workspace")]
struct Args {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Formatting, lints, tests, licences: what a change must pass
    Check,
    /// Build the default model from its published sources
    #[command(subcommand)]
    Model(model::Step),
}

fn main() -> anyhow::Result<()> {
    match Args::parse().chore {
        Chore::Check => check::run(),
        Chore::Model(step) => model::run(step),
    }
}
