//! From options and the environment to an engine.

use std::path::{Path, PathBuf};

use anyhow::Context;
use sightline_engine::{Engine, EngineConfig, decoder_program, home};

use crate::args::Global;
use crate::output::{Output, complain};

/// The folder of the model that ships with the program.
const MODEL: &str = "assets/models/home-1";
/// Where an installed program finds its data, seen from the executable.
const INSTALLED: [&str; 3] =
    ["../share/sightline/models/home-1", "../lib/sightline/models/home-1", "../Resources/models/home-1"];

/// What the options say.
pub(crate) fn config(global: &Global) -> anyhow::Result<EngineConfig> {
    let (decoder, settings) = (decoder_program(), home::settings_folder());
    let named = global.model.is_some() || home::named_model().is_some();
    Ok(EngineConfig {
        library: library(global)?,
        model_dir: model(global)?,
        models: if named { None } else { home::models_folder() },
        device: global.device(),
        decoder,
        settings,
    })
}

/// An engine that may write to its library, which is made if it is not there. What was asked to be forgotten, by a
/// process that died of whatever, is forgotten first.
pub(crate) fn writer(global: &Global) -> anyhow::Result<Engine> {
    let engine = Engine::open(config(global)?)?;
    if engine.is_forgetting()? {
        if !global.json {
            complain("goes on with what was to be forgotten");
        }
        // It is kept out in any case, and the work that was asked for can be done.
        if let Err(error) = engine.finish_forgetting() {
            Output::new(global.json).note(error.code(), &format!("not all of what was forgotten is erased: {error}"));
        }
    }
    Ok(engine)
}

/// Says what it means that a library lies on a network share, if it does.
pub(crate) fn note_share(engine: &Engine, output: Output) {
    if engine.library_is_on_share() {
        let text = "the library lies on a network share, where it is slower and one Sightline at a time can write to it; \
                    name one on a disk of this computer with --library";
        output.note("library_on_share", text);
    }
}

/// An engine that only reads its library, or has none where nothing is indexed yet.
pub(crate) fn reader_if_there(global: &Global) -> anyhow::Result<Engine> {
    if !home::is_library(&library(global)?) {
        return without_library(global);
    }
    match Engine::open_read_only(config(global)?) {
        // Whoever was making it was killed before there was anything in it.
        Err(error) if error.code() == "library_missing" => without_library(global),
        opened => Ok(opened?),
    }
}

/// An engine that only reads its library, which must be there.
pub(crate) fn reader(global: &Global) -> anyhow::Result<Engine> {
    Ok(Engine::open_read_only(config(global)?)?)
}

/// An engine without a library.
pub(crate) fn without_library(global: &Global) -> anyhow::Result<Engine> {
    Ok(Engine::without_library(config(global)?)?)
}

/// Where the library lies.
pub(crate) fn library(global: &Global) -> anyhow::Result<PathBuf> {
    let chosen = global.library.clone().or_else(home::default_library);
    let folder = chosen.context("this user has no home folder; name a library with --library DIR")?;
    std::path::absolute(&folder).with_context(|| format!("{}: not a folder name", folder.display()))
}

/// The model's folder; the first candidate where none exists, so that the error names a path.
fn model(global: &Global) -> anyhow::Result<PathBuf> {
    if let Some(folder) = global.model.clone().or_else(home::named_model) {
        return Ok(folder);
    }
    let executable = std::env::current_exe().and_then(std::fs::canonicalize).ok();
    let here = std::env::current_dir().ok();
    let candidates = candidates(executable.as_deref(), here.as_deref());
    let found = candidates.iter().find(|folder| folder.join("model.toml").is_file());
    Ok(found.or(candidates.first()).cloned().unwrap_or_else(|| MODEL.into()))
}

/// Beside the executable or in a folder above it, where it was installed, in the current tree.
fn candidates(executable: Option<&Path>, here: Option<&Path>) -> Vec<PathBuf> {
    let beside = executable.and_then(Path::parent);
    let above = beside.into_iter().flat_map(|folder| folder.ancestors().take(5));
    let installed = beside.into_iter().flat_map(|folder| INSTALLED.iter().map(|path| folder.join(path)));
    let tree = here.into_iter().flat_map(Path::ancestors);
    above.map(|folder| folder.join(MODEL)).chain(installed).chain(tree.map(|f| f.join(MODEL))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_is_looked_for_beside_above_installed_and_here() {
        let found = candidates(Some(Path::new("/opt/s/bin/sightline")), Some(Path::new("/home/u/x")));
        for path in [
            "/opt/s/bin/assets/models/home-1",
            "/opt/s/assets/models/home-1",
            "/opt/s/bin/../share/sightline/models/home-1",
            "/home/u/assets/models/home-1",
        ] {
            assert!(found.contains(&PathBuf::from(path)), "{path}");
        }
        assert_eq!(found[0], Path::new("/opt/s/bin/assets/models/home-1"));
    }
}
