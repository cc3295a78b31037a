//! `sightline forget PHOTO...`

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};
use sightline_engine::forgetting::{ForgetJob, ForgetPlan, ForgetRequest};
use sightline_engine::jobs::JobEvent;
use sightline_engine::{Engine, EngineError};

use crate::Outcome;
use crate::args::Global;
use crate::interrupt::job_control;
use crate::output::{Output, count, put_path, shown};
use crate::progress::Screen;
use crate::setup;

/// Forget now all that the library knows of photos, a folder or your searches
///
/// Names and places, thumbnails, captions, keywords, albums, answers and vectors go, and their bytes are erased from the
/// library's files. No photo itself is touched. A photo's copies are forgotten with it.
///
/// What is forgotten stays out, also when its folder is indexed again: the library keeps a mark of it, by which nobody can
/// tell what it was who does not have the very photo. `--allow` lets it in again. A folder that lies in no other folder of
/// the library is taken off it, and no mark is kept.
///
/// Older copies of the library, backups among them, have all of it still: those beside the library are named, and none is
/// deleted. What a version of the model learned from a photo stays in the version; those that may have are named.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("what").args(["photos", "folder", "missing", "searches"]).multiple(true))]
pub(crate) struct Forget {
    /// The photos, by file
    #[arg(value_name = "PHOTO")]
    photos: Vec<PathBuf>,
    /// All photos in this folder, and the folder
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// The photos that lie in no folder any more; the library would keep them for a month in case they come back
    #[arg(long)]
    missing: bool,
    /// The searches that the app remembers
    #[arg(long)]
    searches: bool,
    /// Let in again what was forgotten: these photos, this folder, or without either everything
    #[arg(long, conflicts_with_all = ["missing", "searches", "yes"])]
    allow: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

impl Forget {
    pub fn run(&self, global: &Global, output: Output) -> anyhow::Result<Outcome> {
        let engine = setup::writer(global)?;
        let files: Vec<PathBuf> = self.photos.iter().map(|file| absolute(file)).collect();
        let folder = self.folder.as_deref().map(absolute);
        if self.allow {
            return allow(&engine, output, &files, folder.as_deref());
        }
        let request =
            ForgetRequest { folder, missing: self.missing, searches: self.searches, ..engine.known_as(&files)? };
        if request == ForgetRequest::default() {
            anyhow::bail!("nothing to forget was named; name photos, --folder DIR, --missing or --searches");
        }
        let plan = engine.forget_plan(&request)?;
        if !output.json {
            say(output, &request, &plan)?;
        }
        if !(self.yes || !output.json && agrees()?) {
            if output.json {
                output.object(&object(&request, &plan, "would_forget"))?;
            } else {
                output.line("nothing was forgotten; --yes forgets it")?;
            }
            return Ok(Outcome::Nothing);
        }
        let control = job_control(output)?;
        engine.ask_to_forget(&request)?;
        let screen = Screen::new(output);
        let show = |event| screen.show(event);
        let nobody = |_: JobEvent| {};
        let on_event: &(dyn Fn(JobEvent) + Sync) = if output.json { &nobody } else { &show };
        let result = engine.run_job(&mut ForgetJob::of_new_wish(), &control, on_event);
        screen.close();
        match result {
            Err(EngineError::Cancelled) => {
                output.note(
                    "erasing_unfinished",
                    "it is kept out, but not all of its bytes are erased yet; the next command goes on",
                );
                return Err(EngineError::Cancelled.into());
            }
            other => other?,
        }
        if output.json {
            output.object(&object(&request, &plan, "forgotten"))?;
        } else {
            output.line("forgotten, and erased from the library's files")?;
        }
        Ok(Outcome::Done)
    }
}

/// Asks on a terminal; nobody else agrees.
fn agrees() -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Ok(false);
    }
    let mut answer = String::new();
    write!(std::io::stderr(), "forget it? [y/N] ")?;
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

fn say(output: Output, request: &ForgetRequest, plan: &ForgetPlan) -> anyhow::Result<()> {
    if plan.photos > 0 || !request.photos.is_empty() || request.folder.is_some() || request.missing {
        output.line(&format!("{} to forget", count(plan.photos, "photo")))?;
    }
    if !request.files.is_empty() {
        output.line(&format!("{} to forget that could not be read", count(request.files.len() as u64, "file")))?;
    }
    if let Some(folder) = &request.folder {
        let end = if plan.keeps_out { "stays out of the folder that it lies in" } else { "is taken off the library" };
        output.line(&format!("the folder {} {end}", shown(folder)))?;
    }
    if plan.stay > 0 {
        output.line(&format!("{} in other folders too, and stay there", count(plan.stay, "photo")))?;
    }
    if request.searches {
        output.line(&format!("{} searches to forget", plan.searches))?;
    }
    if !plan.versions.is_empty() {
        let names = plan.versions.join(", ");
        output.line(&format!(
            "may have learned from them, and keeps that: {names} (`sightline teach remove` deletes a version)"
        ))?;
    }
    for copy in &plan.copies {
        output.line(&format!("has it still: {}", shown(copy)))?;
    }
    output.line("backups in other places have it still, too")
}

fn object(request: &ForgetRequest, plan: &ForgetPlan, event: &str) -> Value {
    let copies = plan.copies.iter().map(|copy| {
        let mut object = json!({});
        put_path(&mut object, copy);
        object
    });
    json!({
        "event": event,
        "photos": plan.photos,
        "files": request.files.len(),
        "stay": plan.stay,
        "searches": plan.searches,
        "kept_out": plan.keeps_out,
        "versions": plan.versions,
        "copies": copies.collect::<Value>(),
    })
}

fn allow(engine: &Engine, output: Output, files: &[PathBuf], folder: Option<&Path>) -> anyhow::Result<Outcome> {
    let count = if files.is_empty() && folder.is_none() {
        let (photos, folders) = engine.let_all_in()?;
        photos + folders
    } else {
        engine.let_in(files, folder)?
    };
    if output.json {
        output.object(&json!({ "event": "allowed", "count": count }))?;
    } else {
        output.line(&format!("{count} let in again; `sightline index FOLDER` finds what is there"))?;
    }
    Ok(if count == 0 { Outcome::Nothing } else { Outcome::Done })
}

/// The path as the library has it: its folder without links, its own name as it is.
fn absolute(file: &Path) -> PathBuf {
    if file.is_dir() {
        return std::fs::canonicalize(file).unwrap_or_else(|_| file.into());
    }
    super::duplicates::absolute(file)
}
