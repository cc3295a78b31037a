//! `sightline watch [FOLDER...]`

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};
use sightline_engine::index::{IndexJob, IndexSummary};
use sightline_engine::model_host::Lane;
use sightline_engine::watch::{Hearing, Watch as FolderWatch, WatchEvent};
use sightline_engine::{Engine, EngineError};

use super::index::{held, question};
use crate::Outcome;
use crate::args::Global;
use crate::interrupt::job_control;
use crate::output::{Output, count, put_path, shown};
use crate::progress::Screen;
use crate::setup;

/// Watch folders and keep the library up to date while they change, until interrupted
#[derive(Debug, Args)]
pub(crate) struct Watch {
    /// Folders of photos, which are added to the library; without any, all that the library has
    #[arg(value_name = "FOLDER")]
    folders: Vec<PathBuf>,
}

impl Watch {
    pub fn run(&self, global: &Global, output: Output) -> anyhow::Result<Outcome> {
        // Before the library is opened: a slip in a name should leave nothing behind.
        let first = (!self.folders.is_empty()).then(|| IndexJob::new(&self.folders, false)).transpose()?;
        let engine = setup::writer(global)?;
        setup::note_share(&engine, output);
        let control = job_control(output)?;
        // The first photo should not wait for the weights.
        drop(engine.host().ready(Lane::Batch));
        let mut only = Vec::new();
        if let Some(mut job) = first {
            let screen = Screen::new(output).without_item_lines();
            let result = engine.run_job(&mut job, &control, &|event| screen.show(event));
            screen.close();
            match result {
                Ok(()) => {}
                Err(EngineError::Cancelled) => return Ok(Outcome::Done),
                Err(error) => return Err(error.into()),
            }
            only = job.roots().to_vec();
            followed(output, &only, &job.summary)?;
        }
        if engine.folders()?.is_empty() {
            output.note("nothing_to_watch", "the library has no folder yet; name one: `sightline watch FOLDER`");
        }
        watch(&engine, only, output, &control)
    }
}

fn watch(
    engine: &Engine,
    only: Vec<PathBuf>,
    output: Output,
    control: &sightline_engine::jobs::JobControl,
) -> anyhow::Result<Outcome> {
    let closed = std::cell::RefCell::new(None);
    let tell = |event: WatchEvent| {
        if let Err(error) = print(output, event) {
            // Nobody reads any more.
            *closed.borrow_mut() = Some(error);
            control.cancel();
        }
    };
    let screen = Screen::new(output).without_item_lines();
    let follow = |job: &mut sightline_engine::watch::FollowJob| engine.run_job(job, control, &|_| {});
    FolderWatch::new(engine, only, control, &tell).run(&follow)?;
    screen.close();
    match closed.into_inner() {
        Some(error) => Err(error),
        None => Ok(Outcome::Done),
    }
}

fn print(output: Output, event: WatchEvent) -> anyhow::Result<()> {
    match event {
        WatchEvent::Watching { folder, hearing, interval } => {
            let seconds = interval.map(|interval| interval.as_secs_f64());
            if output.json {
                let how = match hearing {
                    Hearing::Told => "told",
                    Hearing::Shared => "polled_share",
                    Hearing::Crowded => "polled_limit",
                };
                let mut object = json!({ "event": "watching", "how": how, "every_seconds": seconds });
                put_path(&mut object, &folder);
                return output.object(&object);
            }
            let every = seconds.unwrap_or_default();
            output.line(&match hearing {
                Hearing::Told => format!("watching {}", shown(&folder)),
                Hearing::Shared => format!("looking through {} every {every:.0} s: a network share", shown(&folder)),
                Hearing::Crowded => format!(
                    "looking through {} every {every:.0} s: the system's limit of watched folders is reached. To raise it: \
                     sudo sysctl fs.inotify.max_user_watches=1048576 fs.inotify.max_user_instances=1024",
                    shown(&folder)
                ),
            })
        }
        WatchEvent::Left { folder } => path_line(output, "left", "no longer watching", &folder),
        WatchEvent::Moved { from, to } => {
            if output.json {
                let (mut before, mut now) = (json!({}), json!({ "event": "moved" }));
                put_path(&mut before, &from);
                put_path(&mut now, &to);
                now["from"] = before["path"].take();
                return output.object(&now);
            }
            output.line(&format!("the disk of {} is now at {}", shown(&from), shown(&to)))
        }
        WatchEvent::Followed { touched, summary } => followed(output, &touched, &summary),
        WatchEvent::Failed { error } => {
            output.note(error.code(), &error.to_string());
            Ok(())
        }
    }
}

fn path_line(output: Output, event: &str, words: &str, folder: &std::path::Path) -> anyhow::Result<()> {
    if !output.json {
        return output.line(&format!("{words} {}", shown(folder)));
    }
    let mut object = json!({ "event": event });
    put_path(&mut object, folder);
    output.object(&object)
}

/// What a change led to; nothing when it led to nothing.
fn followed(output: Output, touched: &[PathBuf], summary: &IndexSummary) -> anyhow::Result<()> {
    let numbers = [
        ("embedded", summary.embedded, "new"),
        ("moved_or_copied", summary.relocated, "moved or copied"),
        ("reread", summary.reread, "with metadata read anew"),
        ("removed", summary.removed, "gone"),
        ("problems", summary.problems, "unreadable"),
    ];
    if output.json {
        let paths = touched.iter().map(|path| {
            let mut object = json!({});
            put_path(&mut object, path);
            object
        });
        let mut object = json!({ "event": "change", "touched": paths.collect::<Value>(), "held": held(&summary.held) });
        for (name, number, _) in numbers {
            object[name] = number.into();
        }
        return output.object(&object);
    }
    let parts: Vec<String> = numbers
        .iter()
        .filter(|(_, number, _)| *number > 0)
        .map(|(_, number, words)| format!("{number} {words}"))
        .collect();
    if !parts.is_empty() {
        let first = touched.first().map(|path| shown(path)).unwrap_or_default();
        let more = touched.len().saturating_sub(1) as u64;
        let more = if more == 0 { String::new() } else { format!(" and {}", count(more, "other")) };
        output.line(&format!("{}: {first}{more}", parts.join(", ")))?;
    }
    summary.held.iter().for_each(|absence| output.note("much_is_missing", &question(absence)));
    Ok(())
}
