//! Checks that a person can run when something is wrong: each passes, or says what to do.

use std::path::PathBuf;

use sightline_catalog::Catalog;
use sightline_vlm::tune::Version;
use sightline_vlm::{DeviceChoice, ModelInfo, VlmError, adapters};

use crate::decoding::Decoders;
use crate::model_host::Lane;
use crate::models::{ModelInUse, model_in_use};
use crate::{Engine, EngineConfig, EngineError};

/// One check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What was looked at, one word.
    pub name: &'static str,
    /// Whether it is well.
    pub ok: bool,
    /// What was found.
    pub detail: String,
    /// What to do about it, if something is to be done.
    pub remedy: Option<String>,
}

/// Looks at adapters, model, device and library; never fails itself.
pub fn examine(mut config: EngineConfig) -> Vec<Check> {
    let mut checks = vec![graphics()];
    // What is wrong with a library is found below.
    let catalog = Catalog::open_read_only(&config.library).ok();
    let used = model_in_use(&config, catalog.as_ref()).ok();
    drop(catalog);
    let is_absent = used.as_ref().is_some_and(|used| !used.is_there);
    let model = match used {
        Some(ModelInUse { pack: Some(name), is_there: false, folder }) => absent(name, folder),
        used => {
            config.model_dir = used.map_or(config.model_dir, |used| used.folder);
            model(&config)
        }
    };
    config.models = None;
    let model_well = model.ok;
    checks.push(model);
    if model_well {
        checks.push(device(&config));
    }
    checks.push(isolation(&config));
    checks.push(library(&config, is_absent));
    checks
}

fn good(name: &'static str, detail: String) -> Check {
    Check { name, ok: true, detail, remedy: None }
}

fn bad(name: &'static str, error: &EngineError, remedy: &str) -> Check {
    Check { name, ok: false, detail: error.to_string(), remedy: Some(remedy.into()) }
}

fn graphics() -> Check {
    let list: Vec<String> = adapters()
        .into_iter()
        .map(|adapter| {
            let software = if adapter.software { ", software" } else { "" };
            format!("{} ({}{software})", adapter.name, adapter.backend)
        })
        .collect();
    let none = "none found; the CPU is used".to_owned();
    good("graphics", if list.is_empty() { none } else { list.join("; ") })
}

fn model(config: &EngineConfig) -> Check {
    let dir = &config.model_dir;
    let checked = ModelInfo::read(dir).and_then(|info| info.verify(dir).map(|()| info));
    match checked {
        Ok(info) => {
            let (files, id) = (info.files.len(), info.id());
            let detail = format!("{} {id} in {}, {files} files as published", info.name, dir.display());
            good("model", detail)
        }
        Err(error) => {
            bad("model", &error.into(), "install the model anew, or name another with --model DIR or SIGHTLINE_MODEL")
        }
    }
}

/// The model that the library uses is not here.
fn absent(name: String, folder: PathBuf) -> Check {
    let remedy = format!(
        "`sightline model get {name}` or `sightline model import FOLDER` brings it; `sightline model use home-1` goes back \
         to the bundled one"
    );
    bad("model", &VlmError::NoPack { name, folder }.into(), &remedy)
}

/// Loads the model and embeds a word.
fn device(config: &EngineConfig) -> Check {
    let tried = Engine::without_library(config.clone()).and_then(|engine| {
        let host = engine.host();
        host.embed_texts(Lane::Interactive, vec!["a photo".into()]).wait()?;
        host.ready(Lane::Interactive).wait()
    });
    match tried {
        Ok(ready) => good("device", format!("{}: {}", ready.device.name, ready.device.reason)),
        Err(error) => {
            let remedy = match config.device {
                DeviceChoice::Cpu => "install the model anew; if that does not help, report it",
                _ => "use --device cpu, or update the graphics driver",
            };
            bad("device", &error, remedy)
        }
    }
}

/// Whether the version in use can be used.
fn taught(config: &EngineConfig, catalog: &Catalog) -> Result<(), EngineError> {
    if let Some(id) = catalog.version_in_use()? {
        let version = Version::from_bytes(&catalog.version_weights(id)?)?;
        version.must_fit(&ModelInfo::read(&config.model_dir)?)?;
    }
    Ok(())
}

/// Starts a worker and has it try what it must not be able to do.
fn isolation(config: &EngineConfig) -> Check {
    let name = "isolation";
    let found = match Decoders::new(config.decoder.clone()).confinement() {
        Ok(Some(found)) => found,
        Ok(None) => return good(name, "photos are read in this process".into()),
        Err(error) => return bad(name, &error, "install the program anew; if that does not help, report it"),
    };
    let can: Vec<&str> =
        [(found.opens_files, "files"), (found.opens_sockets, "sockets"), (found.starts_programs, "other programs")]
            .into_iter()
            .filter_map(|(can, what)| can.then_some(what))
            .collect();
    let reach = match can.as_slice() {
        [] => "can open no file and no socket and start no program".to_owned(),
        can => format!("can reach {}", can.join(", ")),
    };
    let landlock = match found.landlock {
        Some(version) => format!("landlock {version}"),
        None => "no landlock here".into(),
    };
    let yes_or_no = |what: &str, is: bool| format!("{what}{}", if is { "" } else { ": no" });
    let memory =
        found.memory_bytes.map_or("no limit of memory".into(), |bytes| format!("{} MiB of memory", bytes >> 20));
    let environment = yes_or_no("environment cleared", found.environment_cleared);
    let (privileges, calls) = (
        yes_or_no("no new privileges", found.no_new_privileges),
        yes_or_no("system calls filtered", found.system_calls_filtered),
    );
    let detail =
        format!("the process that reads photos {reach}; {environment}, {privileges}, {landlock}, {calls}, {memory}");
    // Other systems have no such means yet; see SECURITY.md.
    let ok = can.is_empty() || !cfg!(target_os = "linux");
    let remedy = (!ok)
        .then(|| "use a kernel with seccomp or landlock, and see that nothing around the program forbids them".into());
    Check { name, ok, detail, remedy }
}

fn library(config: &EngineConfig, model_is_absent: bool) -> Check {
    let path = &config.library;
    if !path.join(Catalog::FILE).exists() {
        let detail = format!("{}: nothing indexed yet", path.display());
        let remedy = Some("`sightline index FOLDER` makes it".into());
        return Check { name: "library", ok: true, detail, remedy };
    }
    let report = Catalog::open_read_only(path).and_then(|catalog| {
        let report = catalog.check()?;
        Ok((report, catalog.status()?, catalog))
    });
    let remedy = "`sightline check --repair` mends it and keeps a copy; `sightline restore FILE` brings a backup back; \
                  the photos themselves are not touched";
    match report {
        Ok((report, status, catalog)) if report.is_well() => {
            // What the model that is not here was taught goes with that.
            if !model_is_absent && let Err(error) = taught(config, &catalog) {
                return bad(
                    "library",
                    &error,
                    "`sightline teach activate base` uses the model untaught; teach it again",
                );
            }
            let (photos, files) = (status.photos, status.locations);
            let share = if catalog.is_on_share() { ", on a network share, where it is slower" } else { "" };
            good("library", format!("{}: sound, {photos} photos in {files} files{share}", path.display()))
        }
        Ok((report, ..)) => Check {
            name: "library",
            ok: false,
            detail: format!("{}: {}", path.display(), report.faults.join("; ")),
            remedy: Some(remedy.into()),
        },
        Err(error) => bad("library", &error.into(), remedy),
    }
}
