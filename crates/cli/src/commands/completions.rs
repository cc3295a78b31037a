//! `sightline completions SHELL`

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::Outcome;
use crate::args::Cli;
use crate::output::Output;

/// Print a completion script for a shell
#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// bash, zsh, fish, elvish or powershell
    #[arg(value_enum, hide_possible_values = true)]
    shell: Shell,
}

impl Completions {
    pub fn run(&self, output: Output) -> anyhow::Result<Outcome> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "sightline", &mut script);
        output.own_lines(String::from_utf8(script)?.trim_end())?;
        Ok(Outcome::Done)
    }
}
