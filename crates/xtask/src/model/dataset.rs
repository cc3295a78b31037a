//! Photos with captions and their official splits.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use half::f16;
use sightline_media::Limits;
use sightline_vlm::{ModelInput, Preprocess};

/// One split: photos and, photo by photo, their captions.
pub struct Split {
    /// Paths of the photos.
    pub photos: Vec<PathBuf>,
    /// Captions, `per_photo` for each photo in turn.
    pub captions: Vec<String>,
    /// Captions of a photo.
    pub per_photo: usize,
}

impl Split {
    /// Reads split `name` (`train`, `dev` or `test`) of the Flickr8k folder below `data`.
    pub fn read(data: &Path, name: &str) -> anyhow::Result<Self> {
        let root = data.join("flickr8k");
        let list = root.join(format!("{name}.txt"));
        let names = std::fs::read_to_string(&list)
            .with_context(|| format!("{}: the training photos are missing; pass --data", list.display()))?;
        let mut captions: HashMap<String, Vec<String>> = HashMap::new();
        let mut rows = csv::Reader::from_path(root.join("captions.csv"))?;
        for row in rows.deserialize() {
            let (image, caption): (String, String) = row?;
            captions.entry(image).or_default().push(caption);
        }
        let names: Vec<&str> = names.lines().filter(|l| !l.is_empty()).collect();
        let mut split = Self { photos: Vec::new(), captions: Vec::new(), per_photo: 5 };
        for name in names {
            let own = captions.get(name).with_context(|| format!("{name} has no caption"))?;
            ensure!(own.len() == split.per_photo, "{name} has {} captions, expected {}", own.len(), split.per_photo);
            split.captions.extend(own.iter().cloned());
            split.photos.push(root.join("images").join(name));
        }
        Ok(split)
    }

    /// Index of the photo of each caption.
    pub fn owners(&self) -> Vec<usize> {
        (0..self.captions.len()).map(|i| i / self.per_photo).collect()
    }
}

/// Keeps numbers in `file`, whole or not at all.
pub fn keep<'a>(numbers: impl IntoIterator<Item = &'a f16>, file: &Path) -> anyhow::Result<()> {
    let bytes: Vec<u8> = numbers.into_iter().flat_map(|v| v.to_le_bytes()).collect();
    let partial = file.with_extension("partial");
    std::fs::write(&partial, bytes).with_context(|| partial.display().to_string())?;
    std::fs::rename(&partial, file).with_context(|| file.display().to_string())
}

/// Reads and prepares one photo.
pub fn prepared(path: &Path, preprocess: &Preprocess) -> anyhow::Result<ModelInput> {
    let photo = sightline_media::open(path, preprocess.min_short_side(), &Limits::default())?;
    Ok(preprocess.prepare(photo.rgb.width, photo.rgb.height, &photo.rgb.pixels)?)
}
