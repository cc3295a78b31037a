//! `sightline licences`

use clap::Args;
use serde_json::json;
use sightline_engine::notices::THIRD_PARTY;

use crate::Outcome;
use crate::output::Output;

/// Print the licences and notices of what Sightline is built from
#[derive(Debug, Args)]
pub(crate) struct Licences {}

impl Licences {
    pub fn run(&self, output: Output) -> anyhow::Result<Outcome> {
        if output.json {
            output.object(&json!({ "notices": THIRD_PARTY }))?;
        } else {
            THIRD_PARTY.lines().try_for_each(|line| output.line(line))?;
        }
        Ok(Outcome::Done)
    }
}
