//! From a folder with a checkpoint to a pack: what it is, and what is made of it.
//!
//! So far a folder is understood that is a pack already, such as one copied from another computer. Of published layouts
//! only the family is told.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use sightline_vlm::packs::Layout;
use sightline_vlm::{INFO_FILE, ModelInfo, VlmError};

/// What a folder holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Recognised {
    pub family: Layout,
    /// Files that it lacks.
    pub missing: Vec<String>,
}

/// What a pack says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct About {
    pub name: String,
    pub summary: String,
    pub licences: Vec<String>,
    pub source: String,
}

/// Whether this version can make a pack of a checkpoint that is laid out so.
pub(super) fn can_load(layout: Layout) -> bool {
    layout == Layout::Pack
}

/// Tells what a folder holds.
///
/// # Errors
/// [`VlmError::BadInfo`] when it holds no checkpoint that is known.
pub(super) fn recognise(folder: &Path) -> Result<Recognised, VlmError> {
    let there = |name: &str| folder.join(name).is_file();
    if there(INFO_FILE) {
        let info = ModelInfo::read(folder)?;
        let missing = info.files.keys().filter(|name| !there(name)).cloned().collect();
        return Ok(Recognised { family: Layout::Pack, missing });
    }
    let config = ["open_clip_config.json", "config.json"].into_iter().find(|name| there(name));
    let Some(config) = config else {
        let reason = "a checkpoint has a config.json, and a model of Sightline a model.toml".into();
        return Err(VlmError::BadInfo { path: folder.into(), reason });
    };
    let path = folder.join(config);
    let text = std::fs::read(&path).map_err(|source| VlmError::Io { path: path.clone(), source })?;
    let json: serde_json::Value = serde_json::from_slice(&text)
        .map_err(|error| VlmError::BadInfo { path: path.clone(), reason: error.to_string() })?;
    let family = match json["model_type"].as_str() {
        _ if config.starts_with("open_clip") => Layout::OpenClip,
        Some("clip") => Layout::Clip,
        Some("siglip" | "siglip2") => Layout::Siglip,
        Some("chinese_clip") => Layout::ChineseClip,
        other => {
            let reason = format!("{} is no family of models that Sightline knows", other.unwrap_or("what it says"));
            return Err(VlmError::BadInfo { path, reason });
        }
    };
    let weights = if family == Layout::OpenClip { "open_clip_model.safetensors" } else { "model.safetensors" };
    let missing = if there(weights) { Vec::new() } else { vec![weights.to_owned()] };
    Ok(Recognised { family, missing })
}

/// Makes a pack of what lies in `source`; `progress` hears of bytes done and in all, and says whether to go on.
///
/// # Errors
/// When the source is not whole, or a file cannot be written; `None` when `progress` said to stop.
pub(super) fn convert(
    source: &Path,
    pack: &Path,
    about: &About,
    progress: &mut dyn FnMut(u64, u64) -> bool,
) -> Result<Option<ModelInfo>, VlmError> {
    if recognise(source)?.family != Layout::Pack {
        let reason = format!("this version of Sightline cannot use {} yet", about.name);
        return Err(VlmError::BadInfo { path: source.into(), reason });
    }
    let info = ModelInfo::read(source)?;
    info.check_sizes(source)?;
    // What a description lists comes from somebody else: names of files in its folder, and nothing else.
    if let Some(name) = info.files.keys().find(|name| Path::new(name).file_name() != Some(OsStr::new(name))) {
        let reason = format!("{name:?} is no name of a file");
        return Err(VlmError::BadInfo { path: source.join(INFO_FILE), reason });
    }
    let all: u64 = info.files.values().map(|file| file.bytes).sum();
    let mut done = 0;
    for name in info.files.keys() {
        if !copy(&source.join(name), &pack.join(name), &mut |bytes| {
            done += bytes;
            progress(done, all)
        })? {
            return Ok(None);
        }
    }
    info.verify(pack)?;
    // Last: with it the folder is a model.
    copy(&source.join(INFO_FILE), &pack.join(INFO_FILE), &mut |_| true)?;
    Ok(Some(info))
}

fn copy(from: &Path, to: &Path, on_bytes: &mut dyn FnMut(u64) -> bool) -> Result<bool, VlmError> {
    let io = |path: &Path| {
        let path: PathBuf = path.into();
        move |source| VlmError::Io { path, source }
    };
    let mut source = File::open(from).map_err(io(from))?;
    let mut target = File::create(to).map_err(io(to))?;
    let mut piece = vec![0; 1 << 20];
    loop {
        let read = source.read(&mut piece).map_err(io(from))?;
        if read == 0 {
            return Ok(true);
        }
        target.write_all(&piece[..read]).map_err(io(to))?;
        if !on_bytes(read as u64) {
            return Ok(false);
        }
    }
}
