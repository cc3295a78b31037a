//! `sightline`: find your photos by describing them, from the command line.
//!
//! A shell over `sightline-engine`: it reads options, shows progress and prints results. It knows
//! nothing of models, catalogues or codecs.

mod args;
mod commands;
mod interrupt;
mod output;
mod progress;
mod setup;

use std::process::ExitCode;

use serde_json::json;
use sightline_engine::{EngineError, serve_decoder};

use args::{Cli, Command};
use output::{Closed, Output, complain, complain_json};

/// How a command ended; errors are apart.
pub(crate) enum Outcome {
    /// It did what was asked.
    Done,
    /// Nothing matches, or a check found problems.
    Nothing,
}

fn main() -> ExitCode {
    if let Some(ended) = serve_decoder(std::env::args_os()) {
        return ended;
    }
    let cli = match Cli::try_parse_query_words(std::env::args_os()) {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let output = Output::new(cli.global.json);
    match run(&cli, output) {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Nothing) => ExitCode::from(1),
        Err(error) if error.is::<Closed>() => ExitCode::SUCCESS,
        Err(error) => {
            let known = error.downcast_ref::<EngineError>();
            let (code, message) = (known.map_or("failed", EngineError::code), format!("{error:#}"));
            match known {
                // What a person typed, with a mark below the place: lines of this program.
                Some(EngineError::Query(_)) if !output.json => {
                    format!("sightline: {message}").lines().for_each(complain);
                }
                _ => report(output.json, code, &message),
            }
            ExitCode::from(2)
        }
    }
}

fn run(cli: &Cli, output: Output) -> anyhow::Result<Outcome> {
    let global = &cli.global;
    match &cli.command {
        Command::Index(command) => command.run(global, output),
        Command::Watch(command) => command.run(global, output),
        Command::Search(command) => command.run(global, output),
        Command::Similar(command) => command.run(global, output),
        Command::Status(command) => command.run(global, output),
        Command::Backup(command) => command.run(global, output),
        Command::Restore(command) => command.run(global, output),
        Command::Check(command) => command.run(global, output),
        Command::Problems(command) => command.run(global, output),
        Command::Doctor(command) => command.run(global, output),
        Command::Caption(command) => command.run(global, output),
        Command::Ask(command) => command.run(global, output),
        Command::Tags(command) => command.run(global, output),
        Command::Teach(command) => command.run(global, output),
        Command::Suggest(command) => command.run(global, output),
        Command::Duplicates(command) => command.run(global, output),
        Command::Folders(command) => command.run(global, output),
        Command::Forget(command) => command.run(global, output),
        Command::Model(command) => command.run(global, output),
        Command::Eval(command) => command.run(global, output),
        Command::Bench(command) => command.run(global, output),
        Command::Completions(command) => command.run(output),
        Command::Licences(command) => command.run(output),
    }
}

/// Help and version are results; anything else clap says is an error of usage.
fn usage(error: &clap::Error) -> ExitCode {
    let asked_for_json = std::env::args_os().any(|argument| argument == "--json");
    if error.use_stderr() && asked_for_json {
        report(true, "usage", error.to_string().trim());
    } else if error.use_stderr() {
        // Without colours, as a name of a file may stand in it.
        on_their_lines(&error.to_string(), std::env::args_os()).trim_end().lines().for_each(complain);
    } else {
        // If the stream is closed there is nobody to tell.
        error.print().ok();
    }
    ExitCode::from(if error.use_stderr() { 2 } else { 0 })
}

/// `text` with no line that begins inside one of the arguments it quotes: a name of a file forges none.
fn on_their_lines(text: &str, arguments: impl Iterator<Item = std::ffi::OsString>) -> String {
    let mut text = text.to_owned();
    for argument in arguments {
        for line in argument.to_string_lossy().split('\n').skip(1) {
            // What stands before `=` may be quoted alone.
            let begin = line.split('=').next().unwrap_or_default();
            if !begin.is_empty() {
                text = text.replace(&format!("\n{begin}"), &format!("\\n{begin}"));
            }
        }
    }
    text
}

fn report(json: bool, code: &str, message: &str) {
    if json {
        complain_json(&json!({ "error": { "code": code, "message": message } }));
    } else {
        complain(&format!("sightline: {message}"));
    }
}
