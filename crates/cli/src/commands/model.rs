//! `sightline model`

use std::io::{IsTerminal, Write};
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};
use sightline_engine::jobs::{Job, JobControl};
use sightline_engine::models::{
    FetchJob, FreeJob, ImportJob, ModelEntry, ModelState, ModelsError, Offer, Proof, Purpose, SwitchJob, SwitchPlan,
    WritingUse,
};
use sightline_engine::teach::TaughtAgain;
use sightline_engine::{Engine, EngineError};

use super::proof;
use crate::Outcome;
use crate::args::Global;
use crate::interrupt::job_control;
use crate::output::{Output, Tone, bytes, count, duration, put_path, shown};
use crate::progress::Screen;
use crate::setup;

/// List, fetch, import, choose and remove models
///
/// The bundled model works at once. Bigger ones that others have published find more and understand more languages; they
/// are fetched from huggingface.co, or from the address that HF_ENDPOINT names, only when you ask for one. A proxy is used
/// where HTTPS_PROXY names one. SIGHTLINE_MODELS names another folder for models.
#[derive(Debug, Args)]
pub(crate) struct Model {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the models that are here and those that can be fetched
    List,
    /// Fetch a model; asked for again, it goes on where it was stopped
    Get(Get),
    /// Take a model from a folder, for a computer without a network
    Import(Import),
    /// Have the library use a model: it looks at all photos first, while the one in use goes on answering
    ///
    /// One that describes photos or answers questions is used at once, and leaves the search as it is.
    Use(Use),
    /// Free the room that a model's vectors take in the library; to use it again it has to look at all photos
    Free(Name),
    /// Hold models against their checksums and try them on this computer: one, or all that are here
    Verify(Verify),
    /// Remove a model from this computer
    Remove(Name),
}

#[derive(Debug, Args)]
struct Get {
    /// The model, as `sightline model list` names it
    #[arg(value_name = "NAME")]
    name: String,
    /// Accept the model's licence without being asked
    #[arg(long, alias = "accept-license")]
    accept_licence: bool,
    /// Keep the files as they were published, too; they take about twice the model's own space
    #[arg(long)]
    keep_original: bool,
}

#[derive(Debug, Args)]
struct Import {
    /// The folder with the model's files
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    /// What to call it [default: the folder's name]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
}

#[derive(Debug, Args)]
struct Name {
    /// The model, as `sightline model list` names it
    #[arg(value_name = "NAME")]
    name: String,
}

#[derive(Debug, Args)]
struct Use {
    /// The model, as `sightline model list` names it
    #[arg(value_name = "NAME")]
    name: String,
    /// For this alone; the bundled model's name takes back another choice [default: all that it is for]
    #[arg(long = "for", value_name = "WHAT", value_enum)]
    purpose: Option<What>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum What {
    /// Finding photos
    Search,
    /// Describing photos
    Captions,
    /// Answering questions about photos
    Questions,
}

#[derive(Debug, Args)]
struct Verify {
    /// The model, as `sightline model list` names it
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// Look at the checksums only
    #[arg(long)]
    checksums: bool,
}

impl Model {
    pub fn run(&self, global: &Global, output: Output) -> anyhow::Result<Outcome> {
        match &self.command {
            Command::List => list(global, output),
            Command::Get(get) => get.run(global, output),
            Command::Import(import) => import.run(global, output),
            Command::Use(model) => choose(global, output, model),
            Command::Free(model) => free(global, output, &model.name),
            Command::Verify(model) => verify(global, output, model),
            Command::Remove(model) => remove(global, output, &model.name),
        }
    }
}

/// Runs a job with its progress shown; Ctrl-C stops it.
fn run_shown<J: Job>(engine: &Engine, job: &mut J, output: Output) -> anyhow::Result<Result<(), EngineError>> {
    let control = job_control(output)?;
    let screen = Screen::new(output);
    let result = engine.run_job(job, &control, &|event| screen.show(event));
    screen.close();
    Ok(result)
}

fn list(global: &Global, output: Output) -> anyhow::Result<Outcome> {
    let engine = setup::reader_if_there(global)?;
    for model in engine.models()? {
        if output.json {
            output.object(&object(&engine, &model))?;
        } else {
            lines(&engine, output, &model)?;
        }
    }
    Ok(Outcome::Done)
}

fn lines(engine: &Engine, output: Output, model: &ModelEntry) -> anyhow::Result<()> {
    let mark = if model.in_use { "*" } else { " " };
    let state = match &model.state {
        ModelState::Begun => output.paint(Tone::Fair, "begun    "),
        ModelState::Broken { .. } => output.paint(Tone::Bad, "broken   "),
        ModelState::Absent => output.paint(Tone::Bad, "not here "),
        ModelState::Offered => output.paint(Tone::Quiet, "to get   "),
        ModelState::Gone => output.paint(Tone::Quiet, "not here "),
        ModelState::Bundled | ModelState::Installed => output.paint(Tone::Good, "here     "),
    };
    let size = match (&model.state, &model.offer) {
        (ModelState::Offered | ModelState::Absent, Some(offer)) => bytes(offer.bytes),
        _ => bytes(model.bytes_on_disk),
    };
    let purpose = model.purpose.map(|purpose| purpose.words().join(", ")).unwrap_or_default();
    output.line(&format!("{mark} {:20} {state} {size:>10}  {purpose}: {}", model.name, model.summary))?;
    if let ModelState::Broken { reason } = &model.state {
        output.line(&format!("  {:20} {reason}", ""))?;
    }
    if let Some(proof) = &model.proof {
        let line = proof::line(engine, &model.name, proof);
        output.line(&output.paint(Tone::Quiet, &format!("  {:20} {line}", "")))?;
    }
    if let Some(vectors) = &model.vectors {
        let (photos, size) = (count(vectors.photos, "photo"), bytes(vectors.bytes));
        output
            .line(&output.paint(Tone::Quiet, &format!("  {:20} has looked at {photos}: {size} in the library", "")))?;
    }
    if let (Some(offer), ModelState::Offered | ModelState::Absent | ModelState::Begun) = (&model.offer, &model.state) {
        let about =
            format!("licence {}, languages: {}", offer.licence, model.languages.as_deref().unwrap_or("not said"));
        output.line(&output.paint(Tone::Quiet, &format!("  {:20} {about}", "")))?;
    }
    Ok(())
}

fn object(engine: &Engine, model: &ModelEntry) -> Value {
    let reason = match &model.state {
        ModelState::Broken { reason } => Some(reason),
        _ => None,
    };
    json!({
        "name": model.name,
        "state": model.state.as_str(),
        "reason": reason,
        "in_use": model.in_use,
        "summary": model.summary,
        "languages": model.languages,
        "for": model.purpose.map(Purpose::words),
        "dims": model.dims,
        "bytes_on_disk": model.bytes_on_disk,
        "vectors": model.vectors.as_ref().map(|vectors| json!({ "photos": vectors.photos, "bytes": vectors.bytes })),
        "proof": model.proof.as_ref().map(|proof| proof::object(engine, &model.name, proof)),
        "offer": model.offer.as_ref().map(|offer| json!({
            "repository": offer.repository,
            "licence": offer.licence,
            "licence_url": offer.licence_url,
            "bytes": offer.bytes,
            "bytes_on_disk": offer.bytes_on_disk,
            "digest_known": offer.digest_known,
        })),
    })
}

impl Get {
    fn run(&self, global: &Global, output: Output) -> anyhow::Result<Outcome> {
        let models = setup::reader_if_there(global)?.models()?;
        let model = models.iter().find(|model| model.name == self.name);
        let offer = model.and_then(|model| model.offer.as_ref());
        let is_here = |state: &ModelState| matches!(state, ModelState::Bundled | ModelState::Installed);
        let here = model.is_some_and(|model| is_here(&model.state));
        if here && offer.is_none() {
            if output.json {
                output.object(&json!({ "event": "summary", "name": self.name, "already": true }))?;
            } else {
                output.line(&format!("{} is here already", self.name))?;
            }
            return Ok(Outcome::Done);
        }
        let accepted = match offer {
            // Nothing is fetched, and what an earlier command left behind is put away.
            Some(offer) if here => Some(&*offer.licence),
            Some(offer) if self.accept_licence || agrees(output, &self.name, offer)? => Some(&*offer.licence),
            _ => None,
        };
        let mut job = FetchJob::new(&self.name, accepted, self.keep_original)?;
        let engine = setup::writer(global)?;
        let result = run_shown(&engine, &mut job, output)?;
        if let Err(EngineError::Cancelled) = result {
            output.note(
                "fetch_stopped",
                &format!("what was fetched is kept; `sightline model get {}` goes on", self.name),
            );
        }
        result?;
        let summary = job.summary.unwrap_or_default();
        if output.json {
            let mut object = json!({
                "event": "summary",
                "name": self.name,
                "id": summary.id,
                "already": summary.already,
                "bytes": summary.bytes,
                "bytes_on_disk": summary.bytes_on_disk,
                "proof": summary.proof.as_ref().map(|proof| proof::object(&engine, &self.name, proof)),
                "pinned": summary.pinned.iter().map(|(file, sha256)| json!({ "file": file, "sha256": sha256 })).collect::<Value>(),
            });
            put_path(&mut object, &summary.folder);
            if let Some(original) = &summary.original {
                object["original"] = json!({});
                put_path(&mut object["original"], original);
            }
            output.object(&object)?;
            return Ok(Outcome::Done);
        }
        for (file, sha256) in &summary.pinned {
            output.line(&format!("{file}: nobody has published its checksum; from now on it must be {sha256}"))?;
        }
        let (there, size) = (shown(&summary.folder), bytes(summary.bytes_on_disk));
        output.line(&match summary.already {
            true => format!("{} is here already: {there}, {size}", self.name),
            false => format!("{} is here: {there}, {size}", self.name),
        })?;
        if let Some(original) = &summary.original {
            output.line(&format!("the files as they were published: {}", shown(original)))?;
        }
        outcome(&engine, output, &self.name, summary.proof.as_ref())?;
        Ok(Outcome::Done)
    }
}

/// Shows what is to be had and under which licence, and asks on a terminal; nobody else agrees.
fn agrees(output: Output, name: &str, offer: &Offer) -> anyhow::Result<bool> {
    if output.json || !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Ok(false);
    }
    let (size, on_disk) = (bytes(offer.bytes), bytes(offer.bytes_on_disk));
    output.line(&format!("{name}: {size} from {}; it takes {on_disk} on the disk", offer.repository))?;
    output.line(&format!("licence: {}, {}", offer.licence, offer.licence_url))?;
    if !offer.digest_known {
        output.line(
            "nobody has published the checksum of its weights: it is kept when they are fetched for the first time",
        )?;
    }
    let mut answer = String::new();
    write!(std::io::stderr(), "accept the licence and fetch it? [y/N] ")?;
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

impl Import {
    fn run(&self, global: &Global, output: Output) -> anyhow::Result<Outcome> {
        let mut job = ImportJob::new(&self.folder, self.name.as_deref())?;
        let engine = setup::writer(global)?;
        run_shown(&engine, &mut job, output)??;
        let Some(summary) = job.summary else { anyhow::bail!("the import ended without a model; try again") };
        if output.json {
            let mut object = json!({
                "event": "summary",
                "name": summary.name,
                "id": summary.id,
                "family": summary.family,
                "bytes_on_disk": summary.bytes_on_disk,
                "licences": summary.licences,
                "unlike": summary.unlike,
                "proof": summary.proof.as_ref().map(|proof| proof::object(&engine, &summary.name, proof)),
            });
            put_path(&mut object, &summary.folder);
            output.object(&object)?;
            return Ok(Outcome::Done);
        }
        let (name, size) = (&summary.name, bytes(summary.bytes_on_disk));
        output.line(&format!("{name} is here ({}): {}, {size}", summary.family, shown(&summary.folder)))?;
        for licence in &summary.licences {
            output.line(&format!("licence: {licence}"))?;
        }
        if let Some(other) = &summary.unlike {
            output.line(&format!(
                "its weights are of the size of {other}, and not the published ones; if that is what you have copied, copy it again"
            ))?;
        }
        outcome(&engine, output, name, summary.proof.as_ref())?;
        Ok(Outcome::Done)
    }
}

/// What came of trying a model, and how to use it if it may be used.
fn outcome(engine: &Engine, output: Output, name: &str, proof: Option<&Proof>) -> anyhow::Result<()> {
    proof.iter().flat_map(|proof| proof::lines(engine, name, proof)).try_for_each(|line| output.line(&line))?;
    if proof.is_none_or(|proof| engine.fault_of(name, proof).is_none()) {
        output.line(&format!("`sightline model use {name}` has your library use it"))?;
    }
    Ok(())
}

fn choose(global: &Global, output: Output, Use { name, purpose }: &Use) -> anyhow::Result<Outcome> {
    let engine = setup::writer(global)?;
    let writing = match purpose {
        None => engine.use_writing(name)?,
        Some(What::Search) => engine.must_search(name).map(|()| None)?,
        Some(What::Captions) => Some(engine.use_model_for(name, Purpose::Captions)?),
        Some(What::Questions) => Some(engine.use_model_for(name, Purpose::Questions)?),
    };
    if let Some(writing) = writing {
        return chosen(output, &writing);
    }
    let plan = engine.switch_plan(name)?;
    announce(output, &plan)?;
    let mut job = SwitchJob::new(name);
    let result = run_shown(&engine, &mut job, output)?;
    if let Err(EngineError::Cancelled) = result {
        output.note(
            "switch_stopped",
            &format!(
                "the library goes on using the model that it used; `sightline model use {name}` goes on from here"
            ),
        );
    }
    result?;
    let Some(summary) = job.summary else { anyhow::bail!("the change ended without a model; try again") };
    if output.json {
        output.object(&json!({
            "event": "summary",
            "name": summary.name,
            "id": summary.id,
            "already": summary.already,
            "photos": summary.photos,
            "unreadable": summary.unreadable,
            "taught": summary.taught,
        }))?;
        return Ok(Outcome::Done);
    }
    output.line(&match summary.already {
        true => format!("the library uses {name} already"),
        false => format!("the library uses {name} from now on, also in an app that is open"),
    })?;
    if summary.unreadable > 0 {
        let photos = count(summary.unreadable, "photo");
        output
            .line(&format!("{photos} could not be read and are not found until they are: `sightline index FOLDER`"))?;
    }
    if let Some(taught) = &summary.taught {
        again(output, taught)?;
    }
    Ok(Outcome::Done)
}

/// Says what a model is used for that describes or answers.
fn chosen(output: Output, used: &WritingUse) -> anyhow::Result<Outcome> {
    if output.json {
        output.object(&json!({
            "event": "summary",
            "name": used.name,
            "id": used.id,
            "already": used.already,
            "for": used.purposes,
        }))?;
        return Ok(Outcome::Done);
    }
    let (name, purposes) = (&used.name, used.purposes.join(" and "));
    output.line(&match used.already {
        true => format!("the library uses {name} for {purposes} already"),
        false => format!("the library uses {name} for {purposes} from now on; the search is as it was"),
    })?;
    Ok(Outcome::Done)
}

/// Says what it takes to use a model, before anything is done.
fn announce(output: Output, plan: &SwitchPlan) -> anyhow::Result<()> {
    if output.json {
        output.object(&json!({
            "event": "plan",
            "name": plan.name,
            "already": plan.already,
            "photos": plan.photos,
            "to_index": plan.to_index,
            "photos_per_second": plan.photos_per_second,
            "seconds": plan.seconds,
            "bytes": plan.bytes,
            "labels": plan.labels,
        }))?;
        return Ok(());
    }
    if plan.to_index > 0 {
        let (photos, size) = (count(plan.to_index, "photo"), bytes(plan.bytes));
        let time = match (plan.seconds, plan.photos_per_second) {
            (Some(seconds), Some(rate)) => format!(", about {} at {rate:.1} a second", duration(seconds)),
            _ => String::new(),
        };
        output.line(&format!(
            "{} has to look at {photos}{time}; {size} more in the library. Until then the model in use answers; stop it with \
             Ctrl-C and go on whenever you like",
            plan.name
        ))?;
    }
    if !plan.labels.is_empty() {
        output.line(&format!("it is then taught your albums again: {}", plan.labels.join(", ")))?;
    }
    Ok(())
}

/// Says what came of teaching the model again.
fn again(output: Output, taught: &TaughtAgain) -> anyhow::Result<()> {
    let percent = |share: Option<f64>| share.map_or_else(|| "not measured".into(), |share| format!("{share:.0}%"));
    let line = match (&taught.version, &taught.problem) {
        (Some(version), _) => format!(
            "taught again as {version} ({}): {} of the held-out photos right, {} with {}",
            taught.depth,
            percent(taught.after),
            percent(taught.before),
            taught.from
        ),
        (None, problem) => format!(
            "{} could not be taught to it: {}; nothing of it is lost, and `sightline teach` tries again",
            taught.from,
            problem.as_deref().unwrap_or("no reason given")
        ),
    };
    output.line(&line)
}

fn free(global: &Global, output: Output, name: &str) -> anyhow::Result<Outcome> {
    let engine = setup::writer(global)?;
    let mut job = FreeJob::new(name);
    run_shown(&engine, &mut job, output)??;
    if output.json {
        output.object(&json!({ "event": "summary", "name": name, "bytes": job.bytes }))?;
    } else {
        output
            .line(&format!("the vectors of {name} are gone from the library; {} are free again", bytes(job.bytes)))?;
    }
    Ok(Outcome::Done)
}

fn verify(global: &Global, output: Output, what: &Verify) -> anyhow::Result<Outcome> {
    let engine = setup::reader_if_there(global)?;
    let names = match &what.name {
        Some(name) => vec![name.clone()],
        None => {
            let here = |model: &ModelEntry| {
                matches!(model.state, ModelState::Bundled | ModelState::Installed | ModelState::Broken { .. })
            };
            engine.models()?.into_iter().filter(here).map(|model| model.name).collect()
        }
    };
    let control = job_control(output)?;
    let mut outcome = Outcome::Done;
    for name in names {
        let (reason, proof) = match engine.verify_model(&name) {
            Ok(()) if what.checksums => (None, None),
            Ok(()) => {
                let proof = tried(&engine, output, &control, &name)?;
                (proof.as_ref().and_then(|proof| engine.fault_of(&name, proof)), proof)
            }
            Err(EngineError::Models(error @ ModelsError::Broken { .. })) => (Some(error.to_string()), None),
            Err(error) => return Err(error.into()),
        };
        if reason.is_some() {
            outcome = Outcome::Nothing;
        }
        if output.json {
            let proof = proof.map(|proof| proof::object(&engine, &name, &proof));
            output.object(&json!({ "name": name, "ok": reason.is_none(), "reason": reason, "proof": proof }))?;
            continue;
        }
        if proof.is_some() || reason.is_none() {
            output.line(&format!("{}  {name}: all files as they should be", output.paint(Tone::Good, "ok    ")))?;
        }
        for line in proof.iter().flat_map(|proof| proof::lines(&engine, &name, proof)) {
            output.line(&format!("        {line}"))?;
        }
        if let (Some(reason), None) = (reason, proof) {
            output.line(&format!("{}  {reason}", output.paint(Tone::Bad, "failed")))?;
        }
    }
    Ok(outcome)
}

/// Tries a model; may take half a minute, and can be stopped.
fn tried(engine: &Engine, output: Output, control: &JobControl, name: &str) -> anyhow::Result<Option<Proof>> {
    let screen = Screen::new(output);
    let proof = match output.json {
        true => engine.prove_model(name, control, &|_| {}),
        false => engine.prove_model(name, control, &|event| screen.show(event)),
    };
    screen.close();
    Ok(proof?)
}

fn remove(global: &Global, output: Output, name: &str) -> anyhow::Result<Outcome> {
    let removed = setup::reader_if_there(global)?.remove_model(name)?;
    if output.json {
        output.object(&json!({ "event": "summary", "name": name, "bytes": removed.bytes }))?;
    } else {
        output.line(&format!("{name} is removed; {} are free again", bytes(removed.bytes)))?;
    }
    Ok(Outcome::Done)
}
