//! `sightline teach`, `teach plan|list|report|activate|rollback|remove|export|import`

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;
use sightline_engine::jobs::{Job, JobControl, JobEvent};
use sightline_engine::teach::{ActivateJob, Interval, Source, TeachJob, TeachOptions, TeachReport, VersionSummary};
use sightline_engine::{Depth, Engine, EngineError};

use crate::Outcome;
use crate::args::Global;
use crate::interrupt::job_control;
use crate::output::{Output, Tone, duration};
use crate::progress::{Screen, begins_anew};
use crate::setup;

/// Teach the model your own albums, and manage what it was taught
///
/// Three quarters of the photos of each label are learned from; the others prove what was learned. The version that
/// comes of it is used from then on, unless --keep-inactive is given; `teach rollback` goes back.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Teach {
    #[command(subcommand)]
    what: Option<What>,
    #[command(flatten)]
    lesson: LessonArgs,
}

/// What is taught, and how.
#[derive(Debug, Args)]
struct LessonArgs {
    /// Folder of folders; each is a label, named as the folder
    #[arg(long, value_name = "DIR", conflicts_with = "albums")]
    folders: Option<PathBuf>,
    /// Albums of the library by name; all of them when none is named
    #[arg(long, value_name = "NAME", num_args = 0..)]
    albums: Option<Vec<String>>,
    /// How deep: probe (seconds), adapter (under a minute) or deep (minutes)
    #[arg(long, value_name = "DEPTH", default_value = "adapter", value_parser = ["probe", "adapter", "deep"])]
    depth: String,
    /// Passes over the photos [default: the depth's own]
    #[arg(long, value_name = "N")]
    epochs: Option<usize>,
    /// Highest learning rate [default: the depth's own]
    #[arg(long, value_name = "X")]
    lr: Option<f64>,
    /// Photos a batch [default: the depth's own]
    #[arg(long, value_name = "N")]
    batch: Option<usize>,
    /// Seed of the split and of all chance
    #[arg(long, value_name = "S", default_value_t = 0)]
    seed: u64,
    /// Learn from exactly so many photos of each label, and hold all others out
    #[arg(long, value_name = "N")]
    train_per_label: Option<usize>,
    /// Let the objectives take turns, one a step, instead of adding them up
    #[arg(long)]
    alternating: bool,
    /// Do not take the new version into use
    #[arg(long)]
    keep_inactive: bool,
    /// Only tell what would be learned
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List the versions
    List,
    /// Show what a version learned
    Report {
        /// Its name, such as v1, or latest
        version: String,
    },
    /// Take a version into use
    Activate {
        /// Its name, such as v1, latest, or base for the untaught model
        version: String,
    },
    /// Go back to what was in use before
    Rollback,
    /// Delete a version that is not in use
    Remove {
        /// Its name
        version: String,
    },
    /// Write a version with its report to one file
    Export {
        /// Its name, or latest
        version: String,
        /// The file
        file: PathBuf,
    },
    /// Keep a version from a file
    Import {
        /// The file
        file: PathBuf,
    },
}

impl Teach {
    pub fn run(&self, global: &Global, output: Output) -> anyhow::Result<Outcome> {
        match &self.what {
            None => self.lesson.run(global, output),
            Some(What::List) => list(&setup::reader(global)?, output),
            Some(What::Report { version }) => {
                let engine = setup::reader(global)?;
                let version = engine.version_named(version)?;
                let (version, report) = engine.version_report(version.id)?;
                print_report(output, &version, &report)
            }
            Some(What::Activate { version }) => {
                let engine = setup::writer(global)?;
                let job = match version.as_str() {
                    "base" => ActivateJob::untaught(),
                    name => ActivateJob::new(engine.version_named(name)?.id),
                };
                activate(&engine, output, job)
            }
            Some(What::Rollback) => {
                let engine = setup::writer(global)?;
                let job = engine.rollback()?;
                activate(&engine, output, job)
            }
            Some(What::Remove { version }) => {
                let engine = setup::writer(global)?;
                let version = engine.version_named(version)?;
                engine.remove_version(version.id)?;
                said(output, json!({ "removed": version.name }), &format!("{} removed", version.name))
            }
            Some(What::Export { version, file }) => {
                let engine = setup::reader(global)?;
                let version = engine.version_named(version)?;
                engine.export_version(version.id, file)?;
                let text = format!("{} written to {}", version.name, file.display());
                said(output, json!({ "exported": version.name, "file": file.to_string_lossy() }), &text)
            }
            Some(What::Import { file }) => {
                let version = setup::writer(global)?.import_version(file)?;
                let text = format!("kept as {}; use it with `sightline teach activate {0}`", version.name);
                said(output, json!(version), &text)
            }
        }
    }
}

fn said(output: Output, object: serde_json::Value, text: &str) -> anyhow::Result<Outcome> {
    if output.json {
        output.object(&object)?;
    } else {
        output.line(text)?;
    }
    Ok(Outcome::Done)
}

impl LessonArgs {
    fn run(&self, global: &Global, output: Output) -> anyhow::Result<Outcome> {
        let options = TeachOptions {
            depth: self.depth.parse::<Depth>().map_err(EngineError::from)?,
            epochs: self.epochs,
            learning_rate: self.lr,
            batch: self.batch,
            seed: self.seed,
            train_per_label: self.train_per_label,
            alternating: self.alternating,
            objectives: None,
        };
        options.check()?;
        let engine = setup::writer(global)?;
        let source = match (&self.folders, &self.albums) {
            (Some(folders), _) => Source::Folders(
                std::fs::canonicalize(folders).map_err(|_| EngineError::FolderMissing { path: folders.clone() })?,
            ),
            (None, Some(names)) => Source::Albums(albums(&engine, names)?),
            (None, None) => anyhow::bail!("say what to teach: --folders DIR, or --albums for the library's albums"),
        };
        let plan = engine.teach_plan(&source, self.train_per_label)?;
        if !output.json {
            for warning in &plan.warnings {
                output.note(warning, &explained(warning));
            }
        }
        if self.dry_run {
            if output.json {
                output.object(&plan)?;
            } else {
                for label in &plan.labels {
                    let few = if label.few { " (few)" } else { "" };
                    output.line(&format!("{:6} photos  {}{few}", label.photos, label.name))?;
                }
                output.line(&format!("{} to learn from, {} held out", plan.train, plan.held_out))?;
            }
            return Ok(if plan.problem.is_none() { Outcome::Done } else { Outcome::Nothing });
        }
        let mut job = TeachJob::new(source, options);
        let control = job_control(output)?;
        run_job(&engine, output, &control, &mut job)?;
        let Some((version, report)) = job.outcome else { return Ok(Outcome::Nothing) };
        if !self.keep_inactive {
            run_job(&engine, output, &control, &mut ActivateJob::new(version.id))?;
        }
        let active = !self.keep_inactive;
        print_report(output, &VersionSummary { active, ..version }, &report)
    }
}

/// The numbers of albums by name; of all that have photos when none is named.
fn albums(engine: &Engine, names: &[String]) -> anyhow::Result<Vec<i64>> {
    let all = engine.albums()?;
    if names.is_empty() {
        return Ok(all.iter().filter(|album| album.photos > 0).map(|album| album.id.0).collect());
    }
    let number = |name: &String| {
        let found = all.iter().find(|album| album.name == *name).map(|album| album.id.0);
        found.ok_or_else(|| anyhow::anyhow!("there is no album {name:?}"))
    };
    names.iter().map(number).collect()
}

fn run_job<J: Job>(engine: &Engine, output: Output, control: &JobControl, job: &mut J) -> anyhow::Result<()> {
    let screen = Screen::new(output);
    let only_failures = |event| match event {
        JobEvent::ItemFailed { code, message, .. } => output.note(&code, &message),
        JobEvent::BeginsAnew { reason } => output.note("begins_anew", &begins_anew(&reason)),
        JobEvent::Progress(_) | JobEvent::Waiting { .. } => {}
    };
    let show = |event| screen.show(event);
    let on_event: &(dyn Fn(_) + Sync) = if output.json { &only_failures } else { &show };
    let result = engine.run_job(job, control, on_event);
    screen.close();
    Ok(result?)
}

fn activate(engine: &Engine, output: Output, mut job: ActivateJob) -> anyhow::Result<Outcome> {
    run_job(engine, output, &job_control(output)?, &mut job)?;
    let active = engine.versions()?.into_iter().find(|version| version.active);
    let name = active.map_or_else(|| "base".to_owned(), |version| version.name);
    said(output, json!({ "active": name }), &format!("{name} is in use"))
}

fn list(engine: &Engine, output: Output) -> anyhow::Result<Outcome> {
    let versions = engine.versions()?;
    if output.json {
        for version in &versions {
            output.object(version)?;
        }
        return Ok(Outcome::Done);
    }
    if versions.is_empty() {
        output.line("the model has not been taught yet")?;
    }
    for version in versions {
        let mark = if version.active { output.paint(Tone::Good, "in use") } else { "      ".into() };
        let after = version.after.map(|after| format!("{after:.1}%")).unwrap_or_default();
        let labels = version.labels.len();
        output.line(&format!("{mark}  {:5} {:8} {after:>6}  {labels} labels", version.name, version.depth))?;
    }
    Ok(Outcome::Done)
}

fn print_report(output: Output, version: &VersionSummary, report: &TeachReport) -> anyhow::Result<Outcome> {
    if output.json {
        output.object(&json!({ "version": version, "report": report }))?;
        return Ok(Outcome::Done);
    }
    let state = if version.active { "in use" } else { "not in use" };
    output.line(&format!("{} ({}), {state}", version.name, version.depth))?;
    let percent = |interval: &Interval| {
        let Interval { percent, low, high } = interval;
        format!("{percent:.1}% ({low:.1} to {high:.1})")
    };
    match (&report.before, &report.after) {
        (Some(before), Some(after)) => output.line(&format!(
            "told right, of {} photos held out: {} before, {} now",
            report.held_out,
            percent(before),
            percent(after)
        ))?,
        _ => output.line("too few photos to hold any out: nothing is proven")?,
    }
    let (before, after) = (report.guard_before, report.guard_after);
    output.line(&format!("general search, recall at 10: {before:.1}% before, {after:.1}% now"))?;
    if report.guard_fell {
        output.line("it was stopped because general search fell by more than a point; the state before is kept")?;
    }
    for label in &report.labels {
        let share = |value: Option<f64>| value.map_or_else(|| "    -".into(), |value| format!("{value:4.0}%"));
        let (precision, recall) = (share(label.precision), share(label.recall));
        output.line(&format!("  precision {precision}  recall {recall}  {}", label.name))?;
    }
    let [read, learn, prove] = report.seconds.map(duration);
    output.line(&format!("{} photos read in {read}, learned in {learn}, proven in {prove}", report.train))?;
    Ok(Outcome::Done)
}

/// A warning of a plan in words.
fn explained(warning: &str) -> String {
    match warning {
        "few_photos" => "some labels have fewer than eight photos and will be learned badly".into(),
        "imbalance" => "some labels have ten times the photos of others".into(),
        "in_several" => "photos that are in several of the albums are left out".into(),
        "near_duplicates" => "some photos nearly repeat others; they are kept on one side of the proof".into(),
        "too_many_for_deep" => "deep teaching takes 4,000 photos of these; an adapter takes all".into(),
        other => other.to_owned(),
    }
}
