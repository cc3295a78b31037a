//! `sightline check [--repair]`

use clap::Args;
use serde_json::{Value, json};
use sightline_engine::safekeeping::{self, RepairReport, Salvage};

use crate::Outcome;
use crate::args::Global;
use crate::interrupt::job_control;
use crate::output::{Output, Tone, count, put_path, shown};
use crate::progress::Screen;
use crate::setup;

/// Examine the library, and repair it with --repair; exits with 1 when something is wrong
///
/// Every page, index and reference is looked at, and whether vectors and the words of captions are what they should be.
/// A repair keeps the library as it was beside it. It makes indexes and the table of words anew, and takes off rows that
/// nothing can use. What SQLite cannot read is saved page by page into a new file. It says how much was saved and how
/// much was lost; what `sightline index` can work out again is worked out by its next run. No photo is touched.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Mend what is wrong; the library must not be in use
    #[arg(long)]
    repair: bool,
}

impl Check {
    pub fn run(&self, global: &Global, output: Output) -> anyhow::Result<Outcome> {
        let library = setup::library(global)?;
        let control = job_control(output)?;
        let screen = Screen::new(output);
        let show = |event| screen.show(event);
        if self.repair {
            let result = safekeeping::repair(&library, &control, &show);
            screen.close();
            report(output, &result?)?;
            return Ok(Outcome::Done);
        }
        let result = safekeeping::check(&library, &control, &show);
        screen.close();
        let found = result?;
        faults(output, &found.faults)?;
        if output.json {
            output.object(&json!({ "event": "summary", "well": found.is_well(), "repaired": false }))?;
        } else if found.is_well() {
            output.line(&format!("{}  {}", output.paint(Tone::Good, "sound"), shown(&library)))?;
        } else {
            output.line(
                "`sightline check --repair` mends it and keeps a copy; `sightline restore FILE` brings a backup back",
            )?;
        }
        Ok(if found.is_well() { Outcome::Done } else { Outcome::Nothing })
    }
}

fn faults(output: Output, faults: &[String]) -> anyhow::Result<()> {
    for fault in faults {
        if output.json {
            output.object(&json!({ "event": "fault", "message": fault }))?;
        } else {
            output.line(&format!("{}  {fault}", output.paint(Tone::Bad, "wrong")))?;
        }
    }
    Ok(())
}

fn report(output: Output, report: &RepairReport) -> anyhow::Result<()> {
    faults(output, &report.faults)?;
    if output.json {
        let mut object = json!({
            "event": "summary",
            "well": true,
            "repaired": report.kept.is_some(),
            "mended": report.mended,
            "salvage": report.salvage.as_ref().map(salvage_object),
            "kept": null,
        });
        if let Some(kept) = &report.kept {
            object["kept"] = json!({});
            put_path(&mut object["kept"], kept);
        }
        return output.object(&object);
    }
    for done in &report.mended {
        output.line(&format!("{}   {done}", output.paint(Tone::Good, "done")))?;
    }
    if let Some(salvage) = &report.salvage {
        salvage_lines(output, salvage)?;
    }
    match &report.kept {
        Some(kept) => output.line(&format!("the library is sound; as it was before it is kept as {}", shown(kept))),
        None => output.line("the library is sound; there was nothing to repair"),
    }
}

fn salvage_object(salvage: &Salvage) -> Value {
    let tables = salvage.tables.iter().map(|table| {
        json!({
            "table": table.table,
            "saved": table.saved,
            "rebuilt": table.rebuilt,
            "lost": table.lost,
            "more_may_be_lost": table.at_least,
        })
    });
    json!({
        "tables": tables.collect::<Value>(),
        "unread_pages": salvage.unread_pages,
        "read_again": salvage.read_again,
    })
}

fn salvage_lines(output: Output, salvage: &Salvage) -> anyhow::Result<()> {
    for table in &salvage.tables {
        let lost = match (table.lost, table.at_least) {
            (0, false) => "none lost".to_owned(),
            (0, true) => "perhaps some lost".to_owned(),
            (lost, false) => format!("{lost} lost"),
            (lost, true) => format!("at least {lost} lost"),
        };
        let tone = if table.lost == 0 && !table.at_least { Tone::Good } else { Tone::Fair };
        output.line(&format!(
            "       {:24} {:>8} saved, {}",
            noun(&table.table),
            table.saved,
            output.paint(tone, &lost)
        ))?;
    }
    output.line(&format!("       {} could not be read", count(salvage.unread_pages, "page")))?;
    if salvage.read_again > 0 {
        let files = count(salvage.read_again, "file");
        output.line(&format!("       {files} will be read again by the next `sightline index`"))?;
    }
    Ok(())
}

/// What a person calls the rows of a table.
fn noun(table: &str) -> &str {
    match table {
        "absence" => "questions of missing files",
        "album" => "albums",
        "album_photo" => "photos in albums",
        "caption" => "captions",
        "checkpoint" => "states of unfinished work",
        "companion" => "RAW files and films",
        "fingerprint" => "fingerprints",
        "folder" => "folders",
        "handed_on" => "things handed on",
        "job" => "jobs",
        "keyword" => "keywords",
        "location" => "files",
        "model" => "models",
        "not_duplicate" => "pairs that are not the same",
        "photo" => "photos",
        "problem" => "problems",
        "setting" => "settings",
        "thumbnail" => "thumbnails",
        "trashed" => "files in the trash",
        "vector" => "vectors",
        "verdict" => "answers",
        "version" => "taught versions",
        "version_in_use" => "versions taken into use",
        "volume" => "disks",
        other => other,
    }
}
