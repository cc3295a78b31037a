//! `sightline duplicates`, `duplicates trash|undo`

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};
use sightline_engine::duplicates::{
    DuplicateFile, DuplicateGroup, DuplicateKind, DuplicatesJob, Gone, Keep, TrashJob, Why,
};
use sightline_engine::jobs::{Job, JobControl, JobEvent};
use sightline_engine::{Engine, EngineError};

use crate::Outcome;
use crate::args::Global;
use crate::interrupt::job_control;
use crate::output::{Output, Tone, bytes, count, put_path, shown};
use crate::progress::Screen;
use crate::setup;

/// List photos that are there twice, exactly or nearly, the best of each first
///
/// Photos are compared pixel by pixel: another word on a page or another piece on a board makes another picture.
///
/// The best has its raw file or its film, else has more pixels, else more stars, a person's words, more albums or a
/// sidecar, else is of a camera's format, is compressed less, names its camera and its date, is not called or filed as
/// a copy, has lain unchanged for longer. Nothing is moved without `trash --yes`; albums, captions, keywords, answers
/// and stars of what goes are given to the one that stays.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Duplicates {
    #[command(subcommand)]
    what: Option<What>,
    #[command(flatten)]
    which: Which,
}

/// Which duplicates are meant.
#[derive(Debug, Args)]
struct Which {
    /// Only files of the very same content
    #[arg(long, conflicts_with = "near")]
    exact: bool,
    /// Only photos that show the same: re-encoded, scaled, cropped a little, shot in a burst in which nothing moved
    #[arg(long)]
    near: bool,
    /// Only groups that have a file below this folder
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Move duplicates to the system's trash; without --yes only tell which
    Trash {
        /// Files to move; one of each group has to stay
        #[arg(value_name = "FILE", required_unless_present = "keep")]
        files: Vec<PathBuf>,
        /// Keep the best of each group and move the others
        #[arg(long, value_name = "WHICH", conflicts_with = "files")]
        keep: Option<KeepWhich>,
        #[command(flatten)]
        which: Which,
        /// Do it
        #[arg(long)]
        yes: bool,
    },
    /// Take out of the trash what was moved last
    Undo,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum KeepWhich {
    Best,
}

impl Duplicates {
    pub fn run(&self, global: &Global, output: Output) -> anyhow::Result<Outcome> {
        let engine = setup::writer(global)?;
        match &self.what {
            None => {
                let groups = self.which.find(&engine, output, &job_control(output)?)?;
                list(output, &groups)
            }
            Some(What::Trash { files, which, yes, .. }) => {
                let control = job_control(output)?;
                let groups = which.find(&engine, output, &control)?;
                let chosen = if files.is_empty() { all_but_the_best(&groups) } else { named(&groups, files)? };
                if *yes { trash(&engine, output, &control, &chosen) } else { plan(output, &chosen) }
            }
            Some(What::Undo) => undo(&engine, output),
        }
    }
}

impl Which {
    fn find(&self, engine: &Engine, output: Output, control: &JobControl) -> anyhow::Result<Vec<DuplicateGroup>> {
        let folder = match &self.folder {
            Some(folder) => {
                Some(std::fs::canonicalize(folder).map_err(|_| EngineError::FolderMissing { path: folder.clone() })?)
            }
            None => None,
        };
        let kind = match (self.exact, self.near) {
            (true, _) => Some(DuplicateKind::Exact),
            (_, true) => Some(DuplicateKind::Near),
            _ => None,
        };
        run_job(engine, output, control, &mut DuplicatesJob::default())?;
        Ok(engine.duplicates(kind, folder.as_deref())?.unwrap_or_default())
    }
}

/// A file that stays, and those that go.
struct Choice<'a> {
    kept: &'a DuplicateFile,
    gone: Vec<&'a DuplicateFile>,
}

fn all_but_the_best(groups: &[DuplicateGroup]) -> Vec<Choice<'_>> {
    groups.iter().map(|group| Choice { kept: &group.files[0], gone: group.files[1..].iter().collect() }).collect()
}

/// The named files, each in favour of the best of its group that is not named.
fn named<'a>(groups: &'a [DuplicateGroup], files: &[PathBuf]) -> anyhow::Result<Vec<Choice<'a>>> {
    let mut left: Vec<PathBuf> = files.iter().map(|file| absolute(file)).collect();
    let mut chosen = Vec::new();
    for group in groups {
        let (gone, stay): (Vec<_>, Vec<_>) = group.files.iter().partition(|file| left.contains(&file.path));
        if gone.is_empty() {
            continue;
        }
        left.retain(|path| !gone.iter().any(|file| file.path == *path));
        let Some(kept) = stay.first() else {
            anyhow::bail!("{}: all files of its group are named; leave one out", gone[0].path.display());
        };
        chosen.push(Choice { kept, gone });
    }
    match left.first() {
        Some(path) => anyhow::bail!("{}: no other photo is like it; only duplicates are moved", path.display()),
        None => Ok(chosen),
    }
}

/// The path as the library has it: its folder without links, its own name as it is.
pub(super) fn absolute(file: &Path) -> PathBuf {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match (std::fs::canonicalize(folder), file.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        _ => file.into(),
    }
}

fn run_job<J: Job>(engine: &Engine, output: Output, control: &JobControl, job: &mut J) -> anyhow::Result<()> {
    let screen = Screen::new(output);
    let only_failures = |event| {
        if let JobEvent::ItemFailed { code, message, .. } = event {
            output.note(&code, &message);
        }
    };
    let show = |event| screen.show(event);
    let on_event: &(dyn Fn(_) + Sync) = if output.json { &only_failures } else { &show };
    let result = engine.run_job(job, control, on_event);
    screen.close();
    Ok(result?)
}

fn explained(why: Option<Why>) -> &'static str {
    match why {
        None => "keep",
        Some(Why::Pixels) => "fewer pixels",
        Some(Why::Format) => "no raw file, or not a camera's format",
        Some(Why::Rating) => "fewer stars",
        Some(Why::Sidecar) => "no sidecar",
        Some(Why::Compression) => "compressed more",
        Some(Why::Camera) => "names no camera",
        Some(Why::Date) => "has no date",
        Some(Why::Place) => "called or filed as a copy",
        Some(Why::Albums) => "in fewer albums, or without your words",
        Some(Why::Age) => "changed later",
        Some(Why::Tie) => "no difference",
    }
}

fn file_object(file: &DuplicateFile) -> Value {
    let mut object = json!({
        "photo": file.photo.0,
        "best": file.why.is_none(),
        "why_not": file.why.map(Why::as_str),
        "width": file.width,
        "height": file.height,
        "format": file.format,
        "size_bytes": file.size_bytes + file.companions_bytes,
        "companions": file.companions.iter().map(|path| shown(path)).collect::<Vec<_>>(),
        "taken_at": file.taken_at,
        "albums": file.albums,
        "rating": file.rating,
        "sidecar": file.has_sidecar,
    });
    put_path(&mut object, &file.path);
    object
}

fn list(output: Output, groups: &[DuplicateGroup]) -> anyhow::Result<Outcome> {
    let freed: u64 = groups.iter().map(|group| group.freed_bytes).sum();
    for group in groups {
        let kind = if group.kind == DuplicateKind::Exact { "exact" } else { "near" };
        if output.json {
            let files: Vec<Value> = group.files.iter().map(file_object).collect();
            output.object(&json!({ "kind": kind, "freed_bytes": group.freed_bytes, "files": files }))?;
            continue;
        }
        output.line(&format!("{kind}, would free {}", bytes(group.freed_bytes)))?;
        for file in &group.files {
            let tone = if file.why.is_none() { Tone::Good } else { Tone::Quiet };
            let why = output.paint(tone, &format!("{:36}", explained(file.why)));
            let size = bytes(file.size_bytes + file.companions_bytes);
            output.line(&format!("  {why} {:>5}x{:<5} {size:>9}  {}", file.width, file.height, shown(&file.path)))?;
            for companion in &file.companions {
                output.line(&format!("{:60}+ {}", "", shown(companion)))?;
            }
        }
    }
    if !output.json {
        let groups = count(groups.len() as u64, "group");
        output.line(&format!("{groups}; keeping the best of each would free {}", bytes(freed)))?;
    }
    Ok(if groups.is_empty() { Outcome::Nothing } else { Outcome::Done })
}

/// Tells what would be moved.
fn plan(output: Output, chosen: &[Choice<'_>]) -> anyhow::Result<Outcome> {
    let (mut files, mut size) = (0, 0);
    for Choice { kept, gone } in chosen {
        for file in gone {
            files += 1;
            size += file.size_bytes + file.companions_bytes;
            if output.json {
                let mut object = json!({ "event": "would_move", "size_bytes": file.size_bytes });
                put_path(&mut object, &file.path);
                let mut other = json!({});
                put_path(&mut other, &kept.path);
                object["kept"] = other;
                output.object(&object)?;
            } else {
                output.line(&format!("{}  (kept: {})", shown(&file.path), shown(&kept.path)))?;
                for companion in &file.companions {
                    output.line(&format!("  + {}", shown(companion)))?;
                }
            }
        }
    }
    if output.json {
        output.object(&json!({ "event": "summary", "moved": 0, "would_move": files, "bytes": size }))?;
    } else {
        let (files, size) = (count(files, "file"), bytes(size));
        output.line(&format!("{files} ({size}) would go to the trash; --yes moves them"))?;
    }
    Ok(if chosen.is_empty() { Outcome::Nothing } else { Outcome::Done })
}

fn trash(engine: &Engine, output: Output, control: &JobControl, chosen: &[Choice<'_>]) -> anyhow::Result<Outcome> {
    let keep = |choice: &Choice<'_>| Keep {
        kept: choice.kept.into(),
        gone: choice.gone.iter().map(|file| Gone::from(*file)).collect(),
    };
    let mut job = TrashJob::new(chosen.iter().map(keep).collect())?;
    let ended = run_job(engine, output, control, &mut job);
    let summary = job.summary;
    if output.json {
        let (moved, size, failed) = (summary.moved, summary.bytes, summary.failed);
        output.object(&json!({ "event": "summary", "moved": moved, "bytes": size, "failed": failed }))?;
    } else {
        let moved = count(summary.moved, "file");
        output.line(&format!(
            "{moved} ({}) moved to the trash; `sightline duplicates undo` takes them back",
            bytes(summary.bytes)
        ))?;
        if summary.failed > 0 {
            output.line(&format!("{} stayed where they are", count(summary.failed, "file")))?;
        }
    }
    ended?;
    Ok(if summary.failed == 0 && summary.moved > 0 { Outcome::Done } else { Outcome::Nothing })
}

fn undo(engine: &Engine, output: Output) -> anyhow::Result<Outcome> {
    let undone = engine.undo_trash()?;
    for error in &undone.failed {
        output.note(error.code(), &error.to_string());
    }
    for path in &undone.back {
        if output.json {
            let mut object = json!({ "event": "restored" });
            put_path(&mut object, path);
            output.object(&object)?;
        } else {
            output.line(&shown(path))?;
        }
    }
    if !output.json {
        output.line(&format!("{} taken out of the trash", count(undone.back.len() as u64, "file")))?;
    }
    Ok(if undone.failed.is_empty() && !undone.back.is_empty() { Outcome::Done } else { Outcome::Nothing })
}
