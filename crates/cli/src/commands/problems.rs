//! `sightline problems`

use clap::Args;
use serde_json::json;

use crate::Outcome;
use crate::args::Global;
use crate::output::{Output, Tone, count, put_path, shown};
use crate::setup;

/// List the files that could not be read, and why
#[derive(Debug, Args)]
pub(crate) struct Problems {}

impl Problems {
    pub fn run(&self, global: &Global, output: Output) -> anyhow::Result<Outcome> {
        let problems = setup::reader(global)?.problems()?;
        for problem in &problems {
            if output.json {
                let mut object = json!({
                    "code": problem.code,
                    "reason": problem.reason,
                    "size_bytes": problem.size_bytes,
                });
                put_path(&mut object, &problem.path);
                output.object(&object)?;
            } else {
                let code = output.paint(Tone::Fair, &format!("{:12}", problem.code));
                output.line(&format!("{code} {}", shown(&problem.path)))?;
                let reason = problem.reason.replace('\n', " ");
                output.line(&output.paint(Tone::Quiet, &format!("{:12} {reason}", "")))?;
            }
        }
        if !output.json {
            output.line(&match problems.len() {
                0 => "every file could be read".to_owned(),
                number => format!(
                    "{} could not be read; a file is tried again when it changes, or with \
                     `sightline index --retry FOLDER`",
                    count(number as u64, "file")
                ),
            })?;
        }
        Ok(Outcome::Done)
    }
}
