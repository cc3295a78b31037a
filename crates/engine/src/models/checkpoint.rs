//! From a folder with a checkpoint to a pack: what it is, and what is made of it.
//!
//! What published checkpoints look like is `sightline_vlm::checkpoint`'s to know. Here a folder may also be a pack already,
//! such as one copied from another computer.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use sightline_vlm::checkpoint::{self, About, Family};
use sightline_vlm::{INFO_FILE, ModelInfo, VlmError};

/// What a folder holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// A published checkpoint.
    Checkpoint(Family),
    /// A pack.
    Pack,
}

impl Found {
    /// What it is, for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Checkpoint(family) => family.name(),
            Self::Pack => "a model of Sightline",
        }
    }
}

/// Tells what a folder holds, and which files it lacks.
///
/// # Errors
/// When it holds nothing that is known.
pub(super) fn recognise(folder: &Path) -> Result<(Found, Vec<String>), VlmError> {
    if folder.join(INFO_FILE).is_file() {
        let info = ModelInfo::read(folder)?;
        let missing = info.files.keys().filter(|name| !folder.join(name).is_file()).cloned().collect();
        return Ok((Found::Pack, missing));
    }
    let recognised = checkpoint::recognise(folder)?;
    Ok((Found::Checkpoint(recognised.family), recognised.missing))
}

/// Makes a pack of what lies in `source`; `progress` hears of bytes done and in all, and says whether to go on.
///
/// # Errors
/// When the source is not whole, or a file cannot be written; [`VlmError::Stopped`] when `progress` said to stop.
pub(super) fn convert(
    source: &Path,
    pack: &Path,
    about: &About,
    progress: &mut dyn FnMut(u64, u64) -> bool,
) -> Result<ModelInfo, VlmError> {
    if let (Found::Checkpoint(_), _) = recognise(source)? {
        return checkpoint::convert(source, pack, about, progress);
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
        copy(&source.join(name), &pack.join(name), &mut |bytes| {
            done += bytes;
            progress(done, all)
        })?;
    }
    info.verify(pack)?;
    // Last: with it the folder is a model.
    copy(&source.join(INFO_FILE), &pack.join(INFO_FILE), &mut |_| true)?;
    Ok(info)
}

fn copy(from: &Path, to: &Path, on_bytes: &mut dyn FnMut(u64) -> bool) -> Result<(), VlmError> {
    let unread = |source| VlmError::Io { path: from.into(), source };
    let unwritten = |source| VlmError::Write { path: to.into(), source };
    let mut source = File::open(from).map_err(unread)?;
    let mut target = File::create(to).map_err(unwritten)?;
    let mut piece = vec![0; 1 << 20];
    loop {
        let read = source.read(&mut piece).map_err(unread)?;
        if read == 0 {
            return Ok(());
        }
        target.write_all(&piece[..read]).map_err(unwritten)?;
        if !on_bytes(read as u64) {
            return Err(VlmError::Stopped);
        }
    }
}
