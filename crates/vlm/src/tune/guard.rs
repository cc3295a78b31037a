//! General photos and sentences that ship with a model, and how well it still finds one by the other.
//!
//! Photos never trained on (Flickr8k dev) are the guard: recall at 10 over them must not fall by more than
//! [`MARGIN`]. Photos of the training split are the anchors: deep teaching holds them in their place. Of both, what
//! enters the image tower's last layers is kept, as bytes, so that those layers can be run again; of sentences, what
//! enters the last layer of the text tower.

use std::path::Path;

use half::f16;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use crate::plain_file::read_plain;
use crate::retrieval::text_to_image;
use crate::{Embedding, VlmError};

/// Largest file that is read: the bundled model's has some megabytes.
const MOST_BYTES: u64 = 1 << 30;

/// File of the guard in a model folder.
pub const GUARD_FILE: &str = "guard.safetensors";

/// Points of recall at 10 that a version may lose.
pub const MARGIN: f64 = 1.0;

/// The guard of a model.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Guard {
    /// Photos that are searched, by the untaught model.
    pub photos: GuardPhotos,
    /// Photos that are held in place, by the untaught model.
    pub anchors: Anchors,
    /// Queries, by the untaught model; an equal number of successive ones for each photo.
    pub queries: Vec<Embedding>,
    /// What enters the text tower's last layer for each query, `[tokens, width]`.
    pub query_states: Vec<Vec<f32>>,
    /// Mean of the early states of each query, `[width]`.
    pub query_early: Vec<Vec<f32>>,
}

/// Stored photos.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct GuardPhotos {
    /// In the shared space.
    pub shared: Vec<Embedding>,
    /// Their descriptors.
    pub descriptors: Vec<Embedding>,
    /// What enters the image tower's last layers, `[positions, channels]` each.
    pub inputs: Vec<Vec<f32>>,
    /// The summary of the stages before them, each.
    pub summaries: Vec<Vec<f32>>,
}

/// Photos that are held in place.
pub type Anchors = GuardPhotos;

impl Guard {
    /// Recall at 10 in percent of the queries over the photos.
    pub fn recall(queries: &[Embedding], photos: &[Embedding]) -> f64 {
        let each = (queries.len() / photos.len().max(1)).max(1);
        let owners: Vec<usize> = (0..queries.len()).map(|query| query / each).collect();
        text_to_image(queries, photos, &owners).r10
    }

    /// Recall at 10 of the untaught model.
    pub fn base_recall(&self) -> f64 {
        Self::recall(&self.queries, &self.photos.shared)
    }

    /// Reads a guard that [`Guard::save`] wrote.
    ///
    /// # Errors
    /// [`VlmError::Missing`], [`VlmError::Io`] or [`VlmError::BadWeights`].
    pub fn load(path: &Path) -> Result<Self, VlmError> {
        let bad = |reason: String| VlmError::BadWeights { path: path.into(), reason };
        let bytes = read_plain(path, MOST_BYTES).map_err(|unread| unread.error(path, |_, reason| bad(reason)))?;
        let file = SafeTensors::deserialize(&bytes).map_err(|e| bad(e.to_string()))?;
        let read = |name: &str| rows(&file, name).map_err(|reason| bad(format!("{name}: {reason}")));
        let unit = |name: &str| -> Result<Vec<Embedding>, VlmError> {
            let made = read(name)?.into_iter().map(Embedding::normalised).collect::<Option<Vec<_>>>();
            made.ok_or_else(|| bad(format!("{name}: a row is zero")))
        };
        let photos = |of: &str| -> Result<GuardPhotos, VlmError> {
            Ok(GuardPhotos {
                shared: unit(&format!("{of}.shared"))?,
                descriptors: unit(&format!("{of}.descriptors"))?,
                inputs: read(&format!("{of}.inputs"))?,
                summaries: read(&format!("{of}.summaries"))?,
            })
        };
        let lengths = read("queries.tokens")?;
        let flat = read("queries.states")?.concat();
        let queries = unit("queries.shared")?;
        let early = read("queries.early")?;
        let width = early.first().map_or(1, Vec::len);
        let mut rest = flat.as_slice();
        let mut states = Vec::with_capacity(queries.len());
        for tokens in lengths.first().into_iter().flatten() {
            let numbers = *tokens as usize * width;
            if numbers > rest.len() {
                return Err(bad("queries.states: too short".into()));
            }
            let (own, later) = rest.split_at(numbers);
            states.push(own.to_vec());
            rest = later;
        }
        let guard = Self {
            photos: photos("guard")?,
            anchors: photos("anchors")?,
            queries,
            query_states: states,
            query_early: early,
        };
        let whole = guard.query_states.len() == guard.queries.len() && guard.query_early.len() == guard.queries.len();
        if whole { Ok(guard) } else { Err(bad("queries: of different lengths".into())) }
    }

    /// Writes the guard: embeddings as f16, what enters layers as bytes with a scale a row.
    ///
    /// # Errors
    /// [`VlmError::BadWeights`] when the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), VlmError> {
        let bad = |reason: String| VlmError::BadWeights { path: path.into(), reason };
        let mut parts: Vec<(String, Stored)> = Vec::new();
        for (of, photos) in [("guard", &self.photos), ("anchors", &self.anchors)] {
            let slices = |rows: &[Embedding]| rows.iter().map(|row| row.as_slice().to_vec()).collect::<Vec<_>>();
            parts.push((format!("{of}.shared"), halves(&slices(&photos.shared))));
            parts.push((format!("{of}.descriptors"), halves(&slices(&photos.descriptors))));
            parts.push((format!("{of}.summaries"), halves(&photos.summaries)));
            parts.extend(bytes_of(&format!("{of}.inputs"), &photos.inputs));
        }
        let queries: Vec<Vec<f32>> = self.queries.iter().map(|row| row.as_slice().to_vec()).collect();
        let width = self.query_early.first().map_or(1, Vec::len);
        let tokens: Vec<Vec<f32>> =
            self.query_states.iter().flat_map(|s| s.chunks(width)).map(<[f32]>::to_vec).collect();
        let lengths = vec![self.query_states.iter().map(|states| (states.len() / width) as f32).collect()];
        parts.push(("queries.shared".into(), halves(&queries)));
        parts.push(("queries.early".into(), halves(&self.query_early)));
        parts.push(("queries.tokens".into(), halves(&lengths)));
        parts.extend(bytes_of("queries.states", &tokens));
        let views = parts
            .iter()
            .map(|(name, (dtype, shape, data))| Ok((name, TensorView::new(*dtype, shape.clone(), data)?)))
            .collect::<Result<Vec<_>, safetensors::SafeTensorError>>()
            .map_err(|e| bad(e.to_string()))?;
        safetensors::serialize_to_file(views, None, path).map_err(|e| bad(e.to_string()))
    }
}

/// Type, shape and bytes of a tensor.
type Stored = (Dtype, Vec<usize>, Vec<u8>);

fn halves(rows: &[Vec<f32>]) -> Stored {
    let data = rows.iter().flatten().flat_map(|&v| f16::from_f32(v).to_le_bytes()).collect();
    (Dtype::F16, vec![rows.len(), rows.first().map_or(0, Vec::len)], data)
}

/// Rows as signed bytes, and the scale of each.
fn bytes_of(name: &str, rows: &[Vec<f32>]) -> [(String, Stored); 2] {
    let scale = |row: &[f32]| row.iter().fold(1e-6f32, |most, v| most.max(v.abs())) / 127.0;
    let scales: Vec<Vec<f32>> = rows.iter().map(|row| vec![scale(row)]).collect();
    let data = rows.iter().flat_map(|row| {
        let by = f16::from_f32(scale(row)).to_f32();
        row.iter().map(move |v| (v / by).round().clamp(-127.0, 127.0) as i8 as u8)
    });
    let bytes = (Dtype::I8, vec![rows.len(), rows.first().map_or(0, Vec::len)], data.collect());
    [(name.to_owned(), bytes), (format!("{name}.scale"), halves(&scales))]
}

fn rows(file: &SafeTensors<'_>, name: &str) -> Result<Vec<Vec<f32>>, String> {
    let tensor = file.tensor(name).map_err(|e| e.to_string())?;
    let [count, width] = tensor.shape() else { return Err("not a matrix".into()) };
    let numbers: Vec<f32> = match tensor.dtype() {
        Dtype::F16 => tensor.data().chunks_exact(2).map(|b| f16::from_le_bytes([b[0], b[1]]).to_f32()).collect(),
        Dtype::I8 => {
            let scales = rows(file, &format!("{name}.scale"))?.concat();
            if scales.len() != *count {
                return Err("its scales are missing".into());
            }
            let of = tensor.data().iter().enumerate();
            of.map(|(at, &byte)| f32::from(byte as i8) * scales[at / width.max(&1)]).collect()
        }
        other => return Err(format!("of type {other:?}")),
    };
    Ok(if *width == 0 { vec![Vec::new(); *count] } else { numbers.chunks_exact(*width).map(<[f32]>::to_vec).collect() })
}
