//! What a change must pass, cheapest first.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

/// Runs every check; stops at the first that fails.
pub fn run() -> anyhow::Result<()> {
    step("formatting", cargo(&["fmt", "--all", "--check"]))?;
    step("licences and sources", deny()?)?;
    println!("== third-party notices");
    crate::notices::run(true)?;
    // The lints share the profile of the tests, so that build scripts and C libraries are built once.
    step(
        "lints",
        cargo(&["clippy", "--release", "--workspace", "--all-targets", "--quiet", "--", "--deny", "warnings"]),
    )?;
    step("the interface's types", npm("ui:check"))?;
    step("the interface's tests", npm("ui:test"))?;
    step("tests", cargo(&["test", "--release", "--workspace"]))?;
    if installed("xvfb-run") {
        step("the app in a window", npm("test:desktop"))
    } else {
        println!("SKIPPED the app in a window: Xvfb is not installed (scripts/setup.sh --tests)");
        Ok(())
    }
}

/// cargo-deny from the path, or where `scripts/setup.sh --tests` put it. It reads the crates of every system that
/// `deny.toml` names, and so may fetch some that this one does not build.
fn deny() -> anyhow::Result<Command> {
    let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    let program = if installed("cargo-deny") {
        PathBuf::from("cargo-deny")
    } else {
        Path::new(&target).join("tools/bin/cargo-deny")
    };
    if !installed(&program) {
        bail!("cargo-deny is not installed: run scripts/setup.sh --tests, or cargo install cargo-deny --locked");
    }
    let mut command = Command::new(program);
    command.args(["--log-level", "error", "check", "licenses", "bans", "sources"]);
    Ok(command)
}

pub(crate) fn npm(script: &str) -> Command {
    let mut command = Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" });
    command.args(["run", "--silent", script]);
    command
}

pub(crate) fn cargo(args: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(args);
    command
}

fn installed(tool: impl AsRef<OsStr>) -> bool {
    let tool = tool.as_ref();
    let flag = if tool == "xvfb-run" { "--help" } else { "--version" };
    Command::new(tool).arg(flag).output().is_ok_and(|o| o.status.success())
}

fn step(name: &str, mut command: Command) -> anyhow::Result<()> {
    let start = std::time::Instant::now();
    println!("== {name}");
    let status = command.status().with_context(|| format!("cannot start {:?}", command.get_program()))?;
    if !status.success() {
        bail!("{name}: failed ({status})");
    }
    println!("== {name}: passed in {:.0} s", start.elapsed().as_secs_f64());
    Ok(())
}
