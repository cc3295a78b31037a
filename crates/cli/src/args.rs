//! The command line, as clap sees it; each subcommand's own options lie beside its code.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use sightline_engine::DeviceChoice;

use crate::commands::{
    ask, backup, bench, caption, check, completions, doctor, duplicates, eval, folders, forget, index, licences, model,
    problems, restore, search, similar, status, suggest, tags, teach, watch,
};

/// Find your photos by describing them. Nothing leaves this computer.
#[derive(Debug, Parser)]
#[command(name = "sightline", version, arg_required_else_help = true, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 done (search: something matches), 1 nothing matches or \
    problems were found, 2 an error or a cancel.";

impl Cli {
    /// Parses a command line, in which words of a query may begin with a minus.
    pub fn try_parse_query_words(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        Self::try_parse_from(shield_query_words(arguments))
    }
}

/// Puts a space before `-word` in a search, so that it is not taken for short options; the query
/// does not mind. There are none but -h.
fn shield_query_words(arguments: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let (mut searching, mut ended) = (false, false);
    let shield = |argument: OsString| {
        searching |= argument == "search";
        ended |= argument == "--";
        match argument.to_str() {
            Some(text) if searching && !ended && text.starts_with('-') && !text.starts_with("--") && text != "-h" => {
                format!(" {text}").into()
            }
            _ => argument,
        }
    };
    arguments.into_iter().map(shield).collect()
}

/// Options that every subcommand takes, before or after its name.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// Folder of the library [default: the user's data folder, or $SIGHTLINE_LIBRARY]
    #[arg(long, global = true, value_name = "DIR", help_heading = "Global options")]
    pub library: Option<PathBuf>,
    /// Folder of the model [default: $SIGHTLINE_MODEL, or the one chosen by `sightline model use`]
    #[arg(long, global = true, value_name = "DIR", help_heading = "Global options")]
    pub model: Option<PathBuf>,
    /// Where the model runs: auto, gpu, cpu, or software (a GPU played by the CPU, for tests)
    #[arg(
        long,
        global = true,
        value_name = "DEVICE",
        default_value = "auto",
        value_parser = clap::builder::PossibleValuesParser::new(["auto", "gpu", "cpu", "software"]),
        hide_possible_values = true,
        help_heading = "Global options"
    )]
    device: String,
    /// Print one JSON object a line, errors on the standard error as {"error":{"code","message"}}
    #[arg(long, global = true, help_heading = "Global options")]
    pub json: bool,
}

impl Global {
    /// Where the model should run.
    pub fn device(&self) -> DeviceChoice {
        self.device.parse().expect("clap let only known names pass")
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Index(index::Index),
    Watch(watch::Watch),
    Search(search::Search),
    Similar(similar::Similar),
    Status(status::Status),
    Backup(backup::Backup),
    Restore(restore::Restore),
    Check(check::Check),
    Problems(problems::Problems),
    Doctor(doctor::Doctor),
    Caption(caption::Caption),
    Ask(ask::Ask),
    Tags(tags::Tags),
    Teach(teach::Teach),
    Suggest(suggest::Suggest),
    Duplicates(duplicates::Duplicates),
    Folders(folders::Folders),
    Forget(forget::Forget),
    Model(model::Model),
    Eval(eval::Eval),
    Bench(bench::Bench),
    Completions(completions::Completions),
    #[command(alias = "licenses")]
    Licences(licences::Licences),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(arguments: &[&str]) -> Cli {
        let arguments = ["sightline"].iter().chain(arguments).map(OsString::from);
        Cli::try_parse_query_words(arguments).unwrap_or_else(|error| panic!("{error}"))
    }

    fn query(arguments: &[&str]) -> (String, bool) {
        let cli = parse(arguments);
        let Command::Search(search) = cli.command else { panic!("{arguments:?} is a search") };
        (search.query(), cli.global.json)
    }

    #[test]
    fn the_commands_fit_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn global_options_stand_before_or_after_the_command() {
        for arguments in [
            ["--library", "l", "--json", "status"],
            ["status", "--library", "l", "--json"],
            ["--json", "status", "--library", "l"],
        ] {
            let global = parse(&arguments).global;
            assert!(global.json);
            assert_eq!(global.library, Some("l".into()));
        }
    }

    #[test]
    fn a_query_may_begin_with_a_minus_and_options_may_follow_it() {
        assert_eq!(query(&["search", "a", "dog"]), ("a dog".into(), false));
        assert_eq!(query(&["search", "dog -cat"]), ("dog -cat".into(), false));
        for word in ["-cat", "-house", "-Vase", "-\"blue sky\"", "-2*jsons"] {
            assert_eq!(query(&["search", "dog", word]), (format!("dog {word}"), false));
            assert_eq!(query(&["search", word, "dog", "--json"]), (format!("{word} dog"), true));
            assert_eq!(query(&["search", "--json", "dog", word]), (format!("dog {word}"), true));
            assert_eq!(query(&["search", "--", "dog", word]), (format!("dog {word}"), false));
        }
        assert_eq!(query(&["search", "a dog", "--limit", "3"]).0, "a dog");
    }
}
