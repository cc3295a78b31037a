//! `sightline suggest`

use clap::Args;
use serde_json::json;

use crate::Outcome;
use crate::args::Global;
use crate::output::{Output, Tone, put_path, shown};
use crate::setup;
use sightline_engine::PhotoId;

/// List photos that seem to be of a label the model was taught, and are not in its album
#[derive(Debug, Args)]
pub(crate) struct Suggest {
    /// Of this label only
    #[arg(long, value_name = "L")]
    label: Option<String>,
    /// Photos at most
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
}

impl Suggest {
    pub fn run(&self, global: &Global, output: Output) -> anyhow::Result<Outcome> {
        let engine = setup::reader(global)?;
        let suggestions = engine.suggestions(self.label.as_deref(), self.limit)?;
        for found in &suggestions.photos {
            let paths = engine.photo(PhotoId(found.photo))?.paths;
            let Some(path) = paths.first() else { continue };
            if output.json {
                let mut object = json!({ "photo": found.photo, "label": found.label, "confidence": found.confidence });
                put_path(&mut object, path);
                output.object(&object)?;
            } else {
                let share = format!("{:3.0}%", 100.0 * found.confidence);
                let share = output.paint(if found.confidence >= 0.9 { Tone::Good } else { Tone::Fair }, &share);
                output.line(&format!("{share} {}: {}", found.label, shown(path)))?;
            }
        }
        Ok(if suggestions.photos.is_empty() { Outcome::Nothing } else { Outcome::Done })
    }
}
