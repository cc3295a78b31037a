//! `sightline restore FILE`

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use sightline_engine::safekeeping;

use crate::Outcome;
use crate::args::Global;
use crate::interrupt::job_control;
use crate::output::{Output, put_path, shown};
use crate::progress::Screen;
use crate::setup;

/// Put a backup in the place of the library; the library of before is kept beside it
///
/// The backup is checked first, and refused if it holds anything that Sightline does not make. The library must not be
/// in use: close the app and stop `sightline watch`. Photos are not in a backup, and none is touched; `sightline index`
/// on their folders brings the library up to date with them. Unfinished work is not gone on with: start it again.
#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// The file that `sightline backup` wrote, or a library that an upgrade, a restore or a repair kept
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

impl Restore {
    pub fn run(&self, global: &Global, output: Output) -> anyhow::Result<Outcome> {
        let library = setup::library(global)?;
        let control = job_control(output)?;
        let screen = Screen::new(output);
        let result = safekeeping::restore(&library, &self.file, &control, &|event| screen.show(event));
        screen.close();
        let kept = result?;
        if output.json {
            let mut object = json!({ "event": "summary", "kept": null });
            put_path(&mut object, &library);
            if let Some(kept) = &kept {
                object["kept"] = json!({});
                put_path(&mut object["kept"], kept);
            }
            output.object(&object)?;
            return Ok(Outcome::Done);
        }
        output.line(&format!("{} is restored in {}", shown(&self.file), shown(&library)))?;
        if let Some(kept) = &kept {
            output.line(&format!("the library of before is kept as {}", shown(kept)))?;
        }
        output.line("photos are not in a backup: `sightline index FOLDER` takes in what has changed since")?;
        Ok(Outcome::Done)
    }
}
