//! A model folder of a published checkpoint: half precision, our names, a description written last.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::layouts::{Place, place};
use super::parts::Part;
use super::recognise::{Networks, Plan, plan};
use super::source::Source;
use super::tokens::tokenizer_json;
use super::writer::{Writer, describe, flush};
use crate::model::{FileInfo, TOKENIZER_FILE, Thresholds};
use crate::{ModelInfo, VlmError};

/// Numbers that are held in memory at once of a tensor that needs no transposing.
const CHUNK: usize = 1 << 20;

/// What a model's description says that its checkpoint does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// Name of the model, such as `clip-vit-b-32`.
    pub name: String,
    /// One sentence for people.
    pub summary: String,
    /// Licences of the weights and their sources.
    pub licences: Vec<String>,
    /// Where the weights come from, such as a repository with a revision.
    pub source: String,
}

/// Makes a model folder at `pack` of the checkpoint in `source`. A tensor is in memory at a time. After each piece
/// `progress` hears how many bytes of how many are written, and whether to go on is its answer.
///
/// # Errors
/// Those of [`recognise`](super::recognise()); [`VlmError::Missing`] for the first file that is; [`VlmError::BadWeights`] and
/// [`VlmError::BadTokenizer`] for what does not fit the settings; [`VlmError::Write`]; [`VlmError::Stopped`]. Then the folder
/// has no description, and is none that can be loaded.
pub fn convert(
    source: &Path,
    pack: &Path,
    about: &About,
    progress: &mut dyn FnMut(u64, u64) -> bool,
) -> Result<ModelInfo, VlmError> {
    let plan = plan(source)?.ok_or_else(|| VlmError::Missing { path: source.join("config.json") })?;
    let ([weights, ..], Some(tokens), []) = (plan.weights.as_slice(), &plan.tokens, plan.missing.as_slice()) else {
        let missing = plan.missing.first().map_or("config.json", String::as_str);
        return Err(VlmError::Missing { path: source.join(missing) });
    };
    let json = tokenizer_json(tokens, plan.family.end_token())?;
    let info = convert_from(&plan, Source::all(&plan.weights)?, weights, &json, pack, about, progress)?;
    for name in info.files.keys() {
        flush(&pack.join(name))?;
    }
    describe(pack, &info)?;
    Ok(info)
}

/// The same of weights at hand, all but the description; `path` is what errors call them.
pub(super) fn convert_from(
    plan: &Plan,
    source: Source,
    path: &Path,
    tokenizer: &[u8],
    pack: &Path,
    about: &About,
    progress: &mut dyn FnMut(u64, u64) -> bool,
) -> Result<ModelInfo, VlmError> {
    let mut info = ModelInfo {
        name: about.name.clone(),
        summary: about.summary.clone(),
        dims: 0,
        heads: None,
        descriptor: None,
        image: None,
        text: None,
        image_to_text: None,
        languages: None,
        tokenizer: plan.tokenizer.clone(),
        decoder: None,
        licences: about.licences.clone(),
        source: about.source.clone(),
        training_data: Vec::new(),
        preprocess: plan.preprocess.clone(),
        prompts: vec!["a photo of a {}.".into()],
        thresholds: Thresholds::default(),
        scores: BTreeMap::new(),
        files: BTreeMap::new(),
    };
    match &plan.networks {
        Networks::Dual { dims, image, text } => {
            (info.dims, info.image, info.text) = (*dims, Some(image.clone()), Some(text.clone()));
        }
        Networks::ImageToText(config) => info.image_to_text = Some(config.clone()),
    }
    info.check().map_err(|reason| VlmError::BadCheckpoint { path: path.into(), reason })?;
    // Only now: it is as long as the settings say.
    let files = plan.files();
    std::fs::create_dir_all(pack).map_err(|source| VlmError::Write { path: pack.into(), source })?;
    let numbers = |part: &Part| part.shape.iter().product::<usize>() as u64;
    let total = files.iter().flat_map(|(_, parts, _)| parts).map(numbers).sum::<u64>() * 2 + tokenizer.len() as u64;
    let mut conversion = Conversion { source, path, progress, done: 0, total, used: BTreeSet::new() };
    // Each tensor is found before anything is written.
    let mut found = Vec::new();
    for (_, parts, table) in &files {
        for part in parts {
            found.push(conversion.find(part, table)?);
        }
    }
    conversion.must_be_all(plan.family.ignored())?;
    let mut found = found.into_iter();
    for (name, parts, _) in &files {
        let mut writer = Writer::safetensors(&pack.join(name), parts)?;
        for (part, place) in parts.iter().zip(found.by_ref()) {
            conversion.copy(part, &place, &mut writer)?;
        }
        info.files.insert((*name).to_owned(), writer.finish()?);
    }
    info.files.insert(TOKENIZER_FILE.into(), conversion.plain(&pack.join(TOKENIZER_FILE), tokenizer)?);
    Ok(info)
}

struct Conversion<'a> {
    source: Source,
    path: &'a Path,
    progress: &'a mut dyn FnMut(u64, u64) -> bool,
    done: u64,
    total: u64,
    /// What was found of the checkpoint's tensors.
    used: BTreeSet<String>,
}

impl Conversion<'_> {
    fn bad(&self, reason: String) -> VlmError {
        VlmError::BadWeights { path: self.path.into(), reason }
    }

    /// Where a tensor lies in the checkpoint, which has the shape that the settings ask for.
    fn find(&mut self, part: &Part, table: &[(&str, &str)]) -> Result<Place, VlmError> {
        let place = place(table, &part.name)
            .ok_or_else(|| self.bad(format!("{}: this layout has no name for it", part.name)))?;
        let mut expected = part.shape.clone();
        if part.matrix && !place.straight {
            expected.reverse();
        }
        let shape = self.source.shape(&place.name).ok_or_else(|| self.bad(format!("no tensor {}", place.name)))?;
        // Learned vectors come as rows of one.
        let ones = shape.iter().take_while(|size| **size == 1).count().min(shape.len().saturating_sub(expected.len()));
        let mut own = shape[ones..].to_vec();
        if let Some(k) = place.part {
            // Queries, keys and values are thirds; the first of several segments is a row.
            if own.len() > expected.len() && k < own[0] {
                own.remove(0);
            } else if own.first().zip(expected.first()).is_some_and(|(own, part)| *own == 3 * part) {
                own[0] = expected[0];
            }
        }
        if own != expected {
            let shape = shape.to_vec();
            return Err(self.bad(format!("{} is {shape:?}, which does not fit {expected:?}", place.name)));
        }
        self.used.insert(place.name.clone());
        Ok(place)
    }

    /// Whether every tensor of the checkpoint was asked for: one that was not is part of another model.
    fn must_be_all(&self, ignored: &[&str]) -> Result<(), VlmError> {
        let known = |name: &str| self.used.contains(name) || ignored.iter().any(|part| name.contains(part));
        match self.source.names().into_iter().find(|name| !known(name)) {
            Some(name) => Err(self.bad(format!("it has a {name}, which the settings do not speak of"))),
            None => Ok(()),
        }
    }

    fn copy(&mut self, part: &Part, place: &Place, writer: &mut Writer) -> Result<(), VlmError> {
        let count: usize = part.shape.iter().product();
        let first = place.part.unwrap_or(0) * count;
        if part.matrix && !place.straight {
            let [input, output] = part.shape[..] else { return Err(self.bad(format!("{} is no matrix", part.name))) };
            let rows = self.source.floats(&place.name, first, count)?;
            let turned: Vec<f32> = (0..count).map(|at| rows[at % output * input + at / output]).collect();
            return self.write(&turned, &place.name, writer);
        }
        for start in (0..count).step_by(CHUNK) {
            let floats = self.source.floats(&place.name, first + start, CHUNK.min(count - start))?;
            self.write(&floats, &place.name, writer)?;
        }
        Ok(())
    }

    fn write(&mut self, floats: &[f32], name: &str, writer: &mut Writer) -> Result<(), VlmError> {
        if let Err(value) = writer.halves(floats)? {
            return Err(self.bad(format!("{name} has a {value}, which half precision does not hold")));
        }
        self.advance(floats.len() as u64 * 2)
    }

    fn plain(&mut self, path: &Path, bytes: &[u8]) -> Result<FileInfo, VlmError> {
        let mut writer = Writer::plain(path)?;
        writer.bytes(bytes)?;
        self.advance(bytes.len() as u64)?;
        writer.finish()
    }

    fn advance(&mut self, bytes: u64) -> Result<(), VlmError> {
        self.done += bytes;
        if (self.progress)(self.done, self.total) { Ok(()) } else { Err(VlmError::Stopped) }
    }
}
