//! Classification by name alone: each folder's name is a class, each photo goes to the nearest.

use std::path::{Path, PathBuf};

use serde::Serialize;
use sightline_media::FileKind;
use sightline_vlm::PhotoVectors;
use sightline_vlm::tune::Version;

use super::class_name::class_name;
use super::embed_photos;
use super::score::{percent, rank_of};
use crate::EngineError;
use crate::jobs::JobCx;
use crate::model_host::Lane;

/// What to evaluate on.
#[derive(Debug, Clone)]
pub struct ZeroshotTask {
    /// A folder of folders, each named as the class of the photos in it; an empty one counts as
    /// a class that photos can be mistaken for.
    pub folders: PathBuf,
    /// A version of the library's by name, or `latest`; none for the model as it is used.
    pub adapter: Option<String>,
}

/// The result.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ZeroshotReport {
    /// Percent of the photos whose own class is the nearest.
    pub top1: f64,
    /// Percent of the photos whose own class is among the nearest five.
    pub top5: f64,
    /// Classes to choose from.
    pub classes: usize,
    /// Photos that took part.
    pub photos: usize,
}

impl ZeroshotTask {
    /// Embeds the class names with the model's prompts, and every photo.
    ///
    /// # Errors
    /// When the folder cannot be read, holds no photos, or the job is stopped.
    pub fn run(&self, cx: &JobCx<'_>) -> Result<ZeroshotReport, EngineError> {
        let folders = subfolders(&self.folders)?;
        let version = self.adapter.as_deref().map(|name| cx.engine().version_to_try(name)).transpose()?;
        let host = match &version {
            Some(version) => cx.engine().host().with_version(Some(version.clone()))?,
            None => cx.engine().host(),
        };
        let total = folders.len() as u64;
        let (mut classes, mut names) = (Vec::with_capacity(folders.len()), Vec::with_capacity(folders.len()));
        let (mut paths, mut labels) = (Vec::new(), Vec::new());
        for (label, folder) in folders.iter().enumerate() {
            cx.check()?;
            let name = class_name(&folder.file_name().unwrap_or_default().to_string_lossy());
            classes.push(host.embed_class(Lane::Batch, name.clone()).wait()?);
            names.push(name);
            for found in sightline_media::walk(folder) {
                match found {
                    Ok(found) if matches!(found.kind, FileKind::Photo) => {
                        paths.push(found.path);
                        labels.push(label);
                    }
                    Ok(_) => {}
                    Err(error) => cx.item_failed(folder, error.code(), &error.to_string()),
                }
            }
            cx.progress("classes", label as u64 + 1, total, Some(folder))?;
        }
        if paths.is_empty() {
            let reason = "there is no photo in its folders; each folder is a class".into();
            return Err(EngineError::BadInput { path: self.folders.clone(), reason });
        }
        let embedded = embed_photos(cx, &host, &paths)?;
        let learned = version.as_deref().and_then(|version| learned(version, &names).map(|labels| (version, labels)));
        let mut ranks = Vec::with_capacity(paths.len());
        for (photo, label) in embedded.iter().zip(labels) {
            let Some(photo) = photo else { continue };
            let scores = match &learned {
                Some((version, labels)) => label_scores(version, labels, photo),
                None => classes.iter().map(|class| class.dot(&photo.shared)).collect(),
            };
            ranks.push(rank_of(&scores, label));
        }
        let within = |k| percent(ranks.iter().filter(|&&rank| rank < k).count(), ranks.len());
        Ok(ZeroshotReport { top1: within(1), top5: within(5), classes: classes.len(), photos: ranks.len() })
    }
}

/// The labels of `version` that the classes are, if each of them is one.
fn learned(version: &Version, names: &[String]) -> Option<Vec<usize>> {
    names.iter().map(|name| version.labels().iter().position(|label| label == name)).collect()
}

/// How surely a photo is of each of `labels`, in their order.
fn label_scores(version: &Version, labels: &[usize], photo: &PhotoVectors) -> Vec<f32> {
    let scores = version.classify(std::slice::from_ref(photo)).swap_remove(0);
    let of = |label: usize| scores.iter().find(|score| score.label == label).map_or(0.0, |score| score.confidence);
    labels.iter().map(|&label| of(label)).collect()
}

/// The folders directly below `root`, by name; hidden ones are passed over.
pub(crate) fn subfolders(root: &Path) -> Result<Vec<PathBuf>, EngineError> {
    let io = |source| EngineError::Io { path: root.into(), source };
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(root).map_err(io)? {
        let path = entry.map_err(io)?.path();
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if path.is_dir() && !hidden {
            folders.push(path);
        }
    }
    folders.sort();
    Ok(folders)
}
