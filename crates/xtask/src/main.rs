//! Chores of the workspace: `cargo xtask check`, `cargo xtask bindings`, `cargo xtask notices`, `cargo xtask model`.

#![recursion_limit = "256"]

mod check;
mod model;
mod notices;

use anyhow::Context;
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
    /// Write the interface's TypeScript types from the Rust types
    Bindings,
    /// Write the notices of everything that goes out with Sightline
    Notices {
        /// Write nothing; fail where the notices are out of date
        #[arg(long)]
        check: bool,
    },
    /// Build the default model from its published sources
    #[command(subcommand)]
    Model(model::Step),
}

fn main() -> anyhow::Result<()> {
    match Args::parse().chore {
        Chore::Check => check::run(),
        Chore::Bindings => bindings(),
        Chore::Notices { check } => notices::run(check),
        Chore::Model(step) => model::run(step),
    }
}

fn bindings() -> anyhow::Result<()> {
    let file = std::path::Path::new("ui/src/api/bindings.ts");
    std::fs::write(file, sightline_api::bindings::typescript()).with_context(|| file.display().to_string())?;
    println!("wrote {}", file.display());
    Ok(())
}
