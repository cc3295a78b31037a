//! `sightline status`

use clap::Args;
use serde_json::{Value, json};
use sightline_engine::status::StatusReport;

use crate::Outcome;
use crate::args::Global;
use crate::output::{Output, bytes, count, put_path, shown};
use crate::setup;

/// Show what the library holds
#[derive(Debug, Args)]
pub(crate) struct Status {}

impl Status {
    pub fn run(&self, global: &Global, output: Output) -> anyhow::Result<Outcome> {
        let status = setup::reader(global)?.status()?;
        if output.json {
            output.object(&object(&status))?
        } else {
            lines(output, &status)?
        }
        Ok(Outcome::Done)
    }
}

fn object(status: &StatusReport) -> Value {
    let folders = status.folders.iter().map(|folder| {
        let mut object = json!({});
        put_path(&mut object, folder);
        object
    });
    let vectors = status.vectors.iter().map(|(model, vectors)| {
        json!({ "model": model, "vectors": vectors, "current": status.model.as_ref() == Some(model) })
    });
    let jobs = status
        .jobs
        .iter()
        .map(|job| json!({ "id": job.id, "kind": job.kind, "state": job.state, "done": job.done, "total": job.total }));
    let mut object = json!({
        "photos": status.photos,
        "files": status.locations,
        "searchable": status.searchable,
        "problems": status.problems,
        "folders": folders.collect::<Value>(),
        "vectors": vectors.collect::<Value>(),
        "model": status.model,
        "model_absent": status.model_absent,
        "jobs": jobs.collect::<Value>(),
        "held": super::index::held(&status.absences),
        "bytes_on_disk": status.bytes_on_disk,
    });
    let mut library = json!({});
    put_path(&mut library, &status.library);
    object["library"] = library["path"].take();
    object
}

fn lines(output: Output, status: &StatusReport) -> anyhow::Result<()> {
    output.line(&format!("library   {} ({})", shown(&status.library), bytes(status.bytes_on_disk)))?;
    let files = count(status.locations, "file");
    output.line(&format!("photos    {} in {files}, {} searchable", status.photos, status.searchable))?;
    let model = match (&status.model, &status.model_absent) {
        (Some(model), _) => model.clone(),
        (None, Some(name)) => format!(
            "{name}, which is not on this computer; `sightline model get {name}` fetches it, and `sightline model use \
             home-1` goes back to the bundled one"
        ),
        (None, None) => "none found; see `sightline doctor`".into(),
    };
    output.line(&format!("model     {model}"))?;
    for (other, vectors) in status.vectors.iter().filter(|(id, _)| Some(id) != status.model.as_ref()) {
        output.line(&format!("          {vectors} vectors of another model, {other}"))?;
    }
    for folder in &status.folders {
        output.line(&format!("folder    {}", shown(folder)))?;
    }
    for absence in &status.absences {
        output.line(&format!("missing   {}", super::index::question(absence)))?;
    }
    for job in &status.jobs {
        output.line(&format!("job       {} {} at {}/{}", job.kind, job.state, job.done, job.total))?;
    }
    if status.problems > 0 {
        output.line(&format!("problems  {} (`sightline problems` lists them)", status.problems))?;
    }
    Ok(())
}
