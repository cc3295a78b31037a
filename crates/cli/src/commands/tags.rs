//! `sightline tags FILE...`

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::Outcome;
use crate::args::Global;
use crate::output::{Output, put_path, shown};
use crate::setup;

/// Propose tags for photos, which need not be in the library; nothing is kept or written
///
/// The list of tags is the file tags.txt in the library's folder, once the app or --edit has made it.
#[derive(Debug, Args)]
pub(crate) struct Tags {
    /// Make the list of tags if it is not there, and print where it lies
    #[arg(long)]
    edit: bool,
    /// The photos
    #[arg(required_unless_present = "edit", value_name = "FILE")]
    files: Vec<PathBuf>,
}

impl Tags {
    pub fn run(&self, global: &Global, output: Output) -> anyhow::Result<Outcome> {
        if self.edit {
            let list = setup::writer(global)?.tag_list()?;
            if output.json {
                let mut object = json!({});
                put_path(&mut object, &list);
                output.object(&object)?;
            } else {
                output.line(&shown(&list))?;
            }
        }
        if self.files.is_empty() {
            return Ok(Outcome::Done);
        }
        let engine = setup::without_library(global)?;
        let mut any = false;
        for file in &self.files {
            let tags = engine.tags_of_file(file)?;
            any |= !tags.is_empty();
            if output.json {
                let tag = |tag: &sightline_engine::tags::PhotoTag| json!({ "name": tag.name, "score": tag.score });
                let mut object = json!({ "tags": tags.iter().map(tag).collect::<Vec<_>>() });
                put_path(&mut object, file);
                output.object(&object)?;
            } else {
                let names: Vec<&str> = tags.iter().map(|tag| tag.name.as_str()).collect();
                let names = if names.is_empty() { "no tag fits".to_owned() } else { names.join(", ") };
                output.line(&format!("{}: {names}", shown(file)))?;
            }
        }
        Ok(if any { Outcome::Done } else { Outcome::Nothing })
    }
}
