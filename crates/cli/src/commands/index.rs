//! `sightline index FOLDER...`

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use serde_json::{Value, json};
use sightline_engine::index::{IndexJob, IndexSummary};
use sightline_engine::{Absence, EngineError};

use crate::Outcome;
use crate::args::Global;
use crate::interrupt::job_control;
use crate::output::{Output, count, duration, put_path, shown};
use crate::progress::Screen;
use crate::setup;

/// Read photos into the library, so that they can be found; run it again to bring it up to date
#[derive(Debug, Args)]
pub(crate) struct Index {
    /// Try files again that could not be read before, although they have not changed
    #[arg(long)]
    retry: bool,
    /// Forget the photos that are gone from the folders, however many they are
    #[arg(long)]
    forget_missing: bool,
    /// Folders of photos; they are only read, never written
    #[arg(required = true, value_name = "FOLDER")]
    folders: Vec<PathBuf>,
}

impl Index {
    pub fn run(&self, global: &Global, output: Output) -> anyhow::Result<Outcome> {
        // Before the library is opened: a slip in a name should leave nothing behind.
        let mut job = match self.forget_missing {
            true => IndexJob::forgetting(&self.folders)?,
            false => IndexJob::new(&self.folders, self.retry)?,
        };
        let engine = setup::writer(global)?;
        setup::note_share(&engine, output);
        let control = job_control(output)?;
        let screen = Screen::new(output).without_item_lines();
        let started = Instant::now();
        let result = engine.run_job(&mut job, &control, &|event| screen.show(event));
        screen.close();
        let seconds = started.elapsed().as_secs_f64();
        let summary = &job.summary;
        match result {
            Ok(()) => {}
            Err(EngineError::Cancelled) => {
                print(output, summary, seconds, true)?;
                return Err(EngineError::Cancelled.into());
            }
            Err(error) => return Err(error.into()),
        }
        print(output, summary, seconds, false)?;
        for absence in &summary.held {
            output.note("much_is_missing", &question(absence));
        }
        let nothing = summary.found == 0 && summary.removed == 0;
        Ok(if nothing || !summary.held.is_empty() { Outcome::Nothing } else { Outcome::Done })
    }
}

/// What a person is asked when much of a folder is gone.
pub(crate) fn question(absence: &Absence) -> String {
    let Absence { folder, missing, known } = absence;
    format!(
        "{missing} of {known} photos of {folder} are not there, and none of them was forgotten; is a disk unplugged? \
         `sightline index --forget-missing {folder}` forgets them",
        folder = shown(folder),
    )
}

/// The folders of which too much is gone, for programs.
pub(crate) fn held(absences: &[Absence]) -> Value {
    let rows = absences.iter().map(|absence| {
        let mut object = json!({ "missing": absence.missing, "known": absence.known });
        put_path(&mut object, &absence.folder);
        object
    });
    rows.collect()
}

fn print(output: Output, summary: &IndexSummary, seconds: f64, cancelled: bool) -> anyhow::Result<()> {
    if output.json {
        return output.object(&json!({
            "event": "summary",
            "cancelled": cancelled,
            "found": summary.found,
            "embedded": summary.embedded,
            "unchanged": summary.unchanged,
            "moved_or_copied": summary.relocated,
            "reread": summary.reread,
            "removed": summary.removed,
            "problems": summary.problems,
            "unsupported": summary.unsupported,
            "companions": summary.companions,
            "kept_out": summary.kept_out,
            "held": held(&summary.held),
            "device": summary.device,
            "seconds": (seconds * 1000.0).round() / 1000.0,
        }));
    }
    let mut parts = vec![format!("{} embedded", summary.embedded)];
    let mut part = |number: u64, words: &str| {
        if number > 0 {
            parts.push(format!("{number} {words}"));
        }
    };
    part(summary.unchanged, "unchanged");
    part(summary.relocated, "moved or copied");
    part(summary.reread, "with metadata read anew");
    part(summary.removed, "gone");
    part(summary.companions, "beside a photo, as its RAW file or film");
    part(summary.kept_out, "kept out because you had them forgotten");
    part(summary.unsupported, "of formats not read yet");
    part(summary.problems, "unreadable");
    let found = count(summary.found, "photo");
    output.line(&format!("{found} found in {}: {}", duration(seconds), parts.join(", ")))?;
    if let Some(device) = summary.device.as_ref().filter(|_| summary.embedded > 0) {
        let rate = summary.embedded as f64 / seconds.max(1e-3);
        output.line(&format!("{rate:.1} photos a second on {device}"))?;
    }
    if summary.problems + summary.unsupported > 0 {
        output.line("`sightline problems` says which files could not be read and why")?;
    }
    Ok(())
}
