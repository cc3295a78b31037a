//! `sightline doctor`

use clap::Args;
use serde_json::json;

use crate::Outcome;
use crate::args::Global;
use crate::output::{Output, Tone};
use crate::setup;

/// Check the graphics adapters, the model and its checksums, and the library
#[derive(Debug, Args)]
pub(crate) struct Doctor {}

impl Doctor {
    pub fn run(&self, global: &Global, output: Output) -> anyhow::Result<Outcome> {
        let checks = sightline_engine::doctor::examine(setup::config(global)?);
        for check in &checks {
            if output.json {
                output.object(&json!({
                    "check": check.name,
                    "ok": check.ok,
                    "detail": check.detail,
                    "remedy": check.remedy,
                }))?;
                continue;
            }
            let mark = if check.ok { output.paint(Tone::Good, "ok    ") } else { output.paint(Tone::Bad, "failed") };
            output.line(&format!("{mark}  {:10} {}", check.name, check.detail.replace('\n', " ")))?;
            if let Some(remedy) = &check.remedy {
                output.line(&format!("{:19}{remedy}", ""))?;
            }
        }
        let well = checks.iter().all(|check| check.ok);
        Ok(if well { Outcome::Done } else { Outcome::Nothing })
    }
}
