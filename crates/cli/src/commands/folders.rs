//! `sightline folders [list|remove]`

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::json;

use crate::Outcome;
use crate::args::Global;
use crate::output::{Output, Tone, count, put_path, shown};
use crate::setup;

/// List the library's folders, or take one off it
#[derive(Debug, Args)]
pub(crate) struct Folders {
    #[command(subcommand)]
    command: Option<FoldersCommand>,
}

#[derive(Debug, Subcommand)]
enum FoldersCommand {
    /// List the folders with their photos, and say which are not there
    List,
    /// Take a folder off the library, whether it is still there or not
    ///
    /// No file in it is touched. For a month, adding it again costs nothing; `sightline forget --folder` erases at once
    /// what is known of it. A folder inside another of the library's folders is no folder of its own: it can be forgotten,
    /// not taken off.
    Remove {
        /// The folder, as `sightline folders` lists it
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
}

impl Folders {
    pub fn run(&self, global: &Global, output: Output) -> anyhow::Result<Outcome> {
        match &self.command {
            None | Some(FoldersCommand::List) => list(global, output),
            Some(FoldersCommand::Remove { folder }) => remove(global, output, folder),
        }
    }
}

fn list(global: &Global, output: Output) -> anyhow::Result<Outcome> {
    let folders = setup::reader(global)?.folders()?;
    for folder in &folders {
        if output.json {
            let mut object = json!({ "photos": folder.photos, "missing": folder.missing });
            put_path(&mut object, &folder.path);
            output.object(&object)?;
        } else {
            let missing = if folder.missing { output.paint(Tone::Fair, "  is not there") } else { String::new() };
            output.line(&format!("{}  {}{missing}", shown(&folder.path), count(folder.photos, "photo")))?;
        }
    }
    if folders.is_empty() && !output.json {
        output.line("the library has no folder; `sightline index DIR` adds one")?;
    }
    Ok(if folders.is_empty() { Outcome::Nothing } else { Outcome::Done })
}

fn remove(global: &Global, output: Output, folder: &Path) -> anyhow::Result<Outcome> {
    let engine = setup::writer(global)?;
    let folders = engine.folders()?;
    let absolute = std::path::absolute(folder)?;
    let real = std::fs::canonicalize(folder).unwrap_or_else(|_| absolute.clone());
    let Some(known) = folders.iter().find(|known| known.path == real || known.path == absolute) else {
        anyhow::bail!("{} is no folder of the library; `sightline folders` lists them", shown(folder));
    };
    engine.remove_folder(&known.path)?;
    if output.json {
        let mut object = json!({ "event": "removed", "photos": known.photos });
        put_path(&mut object, &known.path);
        output.object(&object)?;
    } else {
        output.line(&format!("{} is off the library, with {}", shown(&known.path), count(known.photos, "photo")))?;
    }
    Ok(Outcome::Done)
}
