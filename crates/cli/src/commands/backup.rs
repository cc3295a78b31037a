//! `sightline backup FILE`

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use sightline_engine::safekeeping;

use crate::Outcome;
use crate::args::Global;
use crate::interrupt::job_control;
use crate::output::{Output, bytes, put_path, shown};
use crate::progress::Screen;
use crate::setup;

/// Copy the library to a file, also while it is in use; `sightline restore` brings it back
///
/// A backup is one file. It holds albums, captions, keywords, answers, settings, taught versions of the model, and what
/// was worked out of the photos: thumbnails, vectors, what their files say. It does not hold the photos themselves, the
/// model that came with the program, or the list of tags (`sightline tags --edit` says where that lies). It is checked
/// before it takes its name, and Ctrl-C leaves nothing behind.
#[derive(Debug, Args)]
pub(crate) struct Backup {
    /// The file to write
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Replace the file if it is there
    #[arg(long)]
    force: bool,
}

impl Backup {
    pub fn run(&self, global: &Global, output: Output) -> anyhow::Result<Outcome> {
        let library = setup::library(global)?;
        let control = job_control(output)?;
        let screen = Screen::new(output);
        let result = safekeeping::back_up(&library, &self.file, self.force, &control, &|event| screen.show(event));
        screen.close();
        let size = result?;
        if output.json {
            let mut object = json!({ "event": "summary", "bytes": size });
            put_path(&mut object, &self.file);
            output.object(&object)?;
        } else {
            output.line(&format!("{} ({}); the photos themselves are not in it", shown(&self.file), bytes(size)))?;
        }
        Ok(Outcome::Done)
    }
}
