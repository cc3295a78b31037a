//! What a model was taught: a few matrices that go with it.

use burn::tensor::{Device, Tensor};
use half::f16;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::config::Depth;
use super::pupil::{merge_linear, merge_pointwise};
use super::teacher::INPUT_SCALE;
use crate::caption::decoder::Decoder;
use crate::heads::unit;
use crate::model::hex;
use crate::nn::bert::BertEncoder;
use crate::nn::efficientnet::EfficientNet;
use crate::train::matrix;
use crate::{Embedding, PhotoVectors, VlmError};

/// What a model was taught.
#[derive(Debug, Clone, PartialEq)]
pub struct Version {
    facts: Facts,
    matrices: Vec<(String, [usize; 2], Vec<f32>)>,
    /// By label, where its photos lie from general ones in the shared space.
    directions: Vec<Option<Embedding>>,
    background: Option<Background>,
    id: String,
}

/// General photos by a deeply taught model.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Background {
    pub shared: Vec<Embedding>,
    pub descriptors: Vec<Embedding>,
}

/// What is said of a version beside its numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Facts {
    depth: Depth,
    base: String,
    labels: Vec<String>,
}

/// How surely a photo is of a label.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LabelScore {
    /// The label by index.
    pub label: usize,
    /// Probability, 0 to 1, in view of all labels and of "none of them".
    pub confidence: f32,
}

/// Labels of a photo that are told at most.
pub const MOST_ANSWERS: usize = 10;

/// Bytes of a version at most; a deep one has some ten million.
pub const MOST_BYTES: usize = 256 << 20;
/// Labels at most.
const MOST_LABELS: usize = 50_000;
/// Largest number in a matrix: those of training lie far below, and products of such do not leave what a float can hold.
const LARGEST: f32 = 10_000.0;

/// Where the parts lie in a file.
const FACTS: &str = "facts";
const DIRECTIONS: &str = "directions";
const MATRIX: &str = "matrix.";
const SHARED: &str = "background.shared";
const DESCRIPTORS: &str = "background.descriptors";

impl Version {
    pub(super) fn new(
        depth: Depth,
        base: &str,
        labels: &[String],
        matrices: Vec<(String, [usize; 2], Vec<f32>)>,
        directions: Vec<Option<Embedding>>,
        background: Option<Background>,
    ) -> Self {
        let facts = Facts { depth, base: base.to_owned(), labels: labels.to_vec() };
        // As they will be read again.
        let matrices = matrices.into_iter().map(|(name, shape, values)| (name, shape, halved(values))).collect();
        let halve = |rows: Vec<Embedding>| -> Vec<Embedding> {
            rows.into_iter().filter_map(|row| Embedding::normalised(halved(row.as_slice().to_vec()))).collect()
        };
        let background = background.map(|b| Background { shared: halve(b.shared), descriptors: halve(b.descriptors) });
        let mut version = Self { facts, matrices, directions, background, id: String::new() };
        version.id = version.hash(&version.to_bytes());
        version
    }

    /// How deep it goes.
    pub fn depth(&self) -> Depth {
        self.facts.depth
    }

    /// Id of the model that it was taught to, and goes with.
    pub fn base(&self) -> &str {
        &self.facts.base
    }

    /// The labels that it knows.
    pub fn labels(&self) -> &[String] {
        &self.facts.labels
    }

    /// Id of the vectors of the model with this version: the model's own where none changes.
    pub fn vectors_id(&self) -> &str {
        if self.depth() == Depth::Probe { self.base() } else { &self.id }
    }

    /// Hash of what it is and of the model that it goes with.
    pub fn id(&self) -> &str {
        &self.id
    }

    fn hash(&self, bytes: &[u8]) -> String {
        hex(&Sha256::new().chain_update(&self.facts.base).chain_update(bytes).finalize())[..16].to_owned()
    }

    /// Where photos of a label lie from general ones in the shared space.
    pub fn direction(&self, label: usize) -> Option<&Embedding> {
        self.directions.get(label)?.as_ref()
    }

    /// The version as one safetensors file, numbers as f16.
    pub fn to_bytes(&self) -> Vec<u8> {
        let facts = serde_json::to_vec(&self.facts).expect("words can be written");
        let halves = |values: &mut dyn Iterator<Item = f32>| -> Vec<u8> {
            values.flat_map(|v| f16::from_f32(v).to_le_bytes()).collect()
        };
        let mut parts = vec![(FACTS.to_owned(), Dtype::U8, vec![facts.len()], facts)];
        for (name, shape, values) in &self.matrices {
            let data = halves(&mut values.iter().copied());
            parts.push((format!("{MATRIX}{name}"), Dtype::F16, shape.to_vec(), data));
        }
        let dims = self.directions.iter().flatten().map(|d| d.as_slice().len()).next().unwrap_or(0);
        let mut rows = |name: &str, rows: Vec<Vec<f32>>| {
            let shape = vec![rows.len(), rows.first().map_or(0, Vec::len)];
            parts.push((name.to_owned(), Dtype::F16, shape, halves(&mut rows.into_iter().flatten())));
        };
        let direction = |d: &Option<Embedding>| d.as_ref().map_or(vec![0.0; dims], |d| d.as_slice().to_vec());
        rows(DIRECTIONS, self.directions.iter().map(direction).collect());
        if let Some(background) = &self.background {
            let slices = |of: &[Embedding]| of.iter().map(|row| row.as_slice().to_vec()).collect();
            rows(SHARED, slices(&background.shared));
            rows(DESCRIPTORS, slices(&background.descriptors));
        }
        let views = parts.iter().map(|(name, dtype, shape, data)| {
            (name, TensorView::new(*dtype, shape.clone(), data).expect("as many numbers as the shape says"))
        });
        safetensors::serialize(views, None).expect("plain numbers can be written")
    }

    /// Reads what [`Version::to_bytes`] wrote. Whether it fits a model is for [`Version::must_fit`] to say.
    ///
    /// # Errors
    /// [`VlmError::BadVersion`] when the bytes are something else or damaged, or hold a number that no training makes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, VlmError> {
        let bad = |reason: &dyn std::fmt::Display| VlmError::BadVersion { reason: reason.to_string() };
        if bytes.len() > MOST_BYTES {
            return Err(bad(&format!("it has {} bytes, expected {MOST_BYTES} at most", bytes.len())));
        }
        let file = SafeTensors::deserialize(bytes).map_err(|e| bad(&e))?;
        let facts: Facts =
            serde_json::from_slice(file.tensor(FACTS).map_err(|e| bad(&e))?.data()).map_err(|e| bad(&e))?;
        if facts.labels.is_empty() || facts.labels.len() > MOST_LABELS {
            return Err(bad(&format!("it has {} labels, expected 1 to {MOST_LABELS}", facts.labels.len())));
        }
        let numbers = |name: &str| -> Result<([usize; 2], Vec<f32>), VlmError> {
            let tensor = file.tensor(name).map_err(|e| bad(&e))?;
            let (Dtype::F16, [rows, columns]) = (tensor.dtype(), tensor.shape()) else {
                return Err(bad(&format!("{name} is no matrix of 16-bit floats")));
            };
            let values: Vec<f32> =
                tensor.data().as_chunks::<2>().0.iter().map(|b| f16::from_le_bytes(*b).to_f32()).collect();
            if !values.iter().all(|v| v.abs() <= LARGEST) {
                return Err(bad(&format!("{name} has a number that is not finite or above {LARGEST}")));
            }
            Ok(([*rows, *columns], values))
        };
        let rows = |name: &str| -> Result<Vec<Option<Embedding>>, VlmError> {
            let ([_, columns], values) = numbers(name)?;
            Ok(values.chunks_exact(columns.max(1)).map(|row| Embedding::normalised(row.to_vec())).collect())
        };
        let mut names: Vec<&str> = file.names().into_iter().filter_map(|name| name.strip_prefix(MATRIX)).collect();
        names.sort_unstable();
        let mut matrices = Vec::with_capacity(names.len());
        for name in names {
            let (shape, values) = numbers(&format!("{MATRIX}{name}"))?;
            matrices.push((name.to_owned(), shape, values));
        }
        let background = match file.tensor(SHARED) {
            Err(_) => None,
            Ok(_) => {
                let all =
                    |name| -> Result<Vec<Embedding>, VlmError> { Ok(rows(name)?.into_iter().flatten().collect()) };
                Some(Background { shared: all(SHARED)?, descriptors: all(DESCRIPTORS)? })
            }
        };
        let mut version = Self { facts, matrices, directions: rows(DIRECTIONS)?, background, id: String::new() };
        let width = version.labels().len() + 1;
        let fits = version.find("classifier.weight").is_some_and(|(shape, _)| shape[1] == width)
            && version.find("classifier.bias").is_some_and(|(shape, _)| *shape == [1, width])
            && version.directions.len() + 1 == width;
        if !fits {
            return Err(bad(&"its classifier does not fit its labels"));
        }
        version.id = version.hash(bytes);
        Ok(version)
    }

    fn find(&self, name: &str) -> Option<(&[usize; 2], &Vec<f32>)> {
        self.matrices.iter().find(|(own, _, _)| own == name).map(|(_, shape, values)| (shape, values))
    }

    /// Rows and columns of a matrix.
    pub(super) fn shape(&self, name: &str) -> Option<[usize; 2]> {
        self.find(name).map(|(shape, _)| *shape)
    }

    /// The names of all matrices.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.matrices.iter().map(|(name, _, _)| name.as_str())
    }

    /// The length of each direction that there is.
    pub(super) fn direction_lengths(&self) -> impl Iterator<Item = usize> {
        self.directions.iter().flatten().map(|direction| direction.as_slice().len())
    }

    /// The numbers of a matrix.
    pub(super) fn values(&self, name: &str) -> Option<Vec<f32>> {
        self.find(name).map(|(_, values)| values.clone())
    }

    fn tensor(&self, name: &str, device: &Device) -> Option<Tensor<2>> {
        let (shape, values) = self.find(name)?;
        Some(matrix(values.clone(), shape[0], shape[1], device))
    }

    fn change(&self, name: &str, device: &Device) -> Option<Tensor<2>> {
        Some(self.tensor(&format!("{name}.down"), device)?.matmul(self.tensor(&format!("{name}.up"), device)?))
    }

    /// Photos by the untaught model, as this version has them. Only an adapter can be applied to stored vectors.
    pub fn adapt_photos(&self, photos: Vec<PhotoVectors>) -> Vec<PhotoVectors> {
        let device = Device::flex();
        let (Some(down), Some(up)) = (self.tensor("image.down", &device), self.tensor("image.up", &device)) else {
            return photos;
        };
        if photos.is_empty() {
            return photos;
        }
        let numbers = |pick: fn(&PhotoVectors) -> &Embedding| {
            let width = pick(&photos[0]).as_slice().len();
            matrix(
                photos.iter().flat_map(|p| pick(p).as_slice().iter().copied()).collect(),
                photos.len(),
                width,
                &device,
            )
        };
        let (shared, descriptors) = (numbers(PhotoVectors::base), numbers(|p| &p.descriptor) * INPUT_SCALE);
        let adapted =
            super::teacher::embeddings(super::teacher::rows(unit(shared + descriptors.matmul(down).matmul(up))));
        let pairs = photos.into_iter().zip(adapted);
        pairs
            .map(|(photo, shared)| PhotoVectors {
                base: Some(photo.base().clone()),
                shared,
                descriptor: photo.descriptor,
            })
            .collect()
    }

    /// Sentences by the untaught model, as this version has them.
    pub fn adapt_texts(&self, texts: Vec<Embedding>) -> Vec<Embedding> {
        let device = Device::flex();
        let Some(change) = self.change("text", &device).filter(|_| !texts.is_empty()) else { return texts };
        let width = texts[0].as_slice().len();
        let rows =
            matrix(texts.iter().flat_map(|t| t.as_slice().iter().copied()).collect(), texts.len(), width, &device);
        super::teacher::embeddings(super::teacher::rows(unit(rows.clone() + rows.matmul(change))))
    }

    /// How surely each photo is of the [`MOST_ANSWERS`] labels it is of most surely, the surest first. Photos as this
    /// version has them.
    pub fn classify(&self, photos: &[PhotoVectors]) -> Vec<Vec<LabelScore>> {
        let descriptors: Vec<&Embedding> = photos.iter().map(|photo| &photo.descriptor).collect();
        self.classify_descriptors(&descriptors)
    }

    /// The same for descriptors.
    pub fn classify_descriptors(&self, photos: &[&Embedding]) -> Vec<Vec<LabelScore>> {
        let device = Device::flex();
        let (Some(weight), Some(bias)) =
            (self.tensor("classifier.weight", &device), self.tensor("classifier.bias", &device))
        else {
            return vec![Vec::new(); photos.len()];
        };
        let mut all = Vec::with_capacity(photos.len());
        for part in photos.chunks(1024) {
            let width = weight.dims()[0];
            if part.iter().any(|photo| photo.as_slice().len() != width) {
                // Photos of another model; see `Version::must_fit`.
                all.extend(part.iter().map(|_| Vec::new()));
                continue;
            }
            let numbers: Vec<f32> = part.iter().flat_map(|photo| photo.as_slice()).copied().collect();
            let given = matrix(numbers, part.len(), width, &device) * INPUT_SCALE;
            let logits = given.matmul(weight.clone()) + bias.clone();
            let shares = super::teacher::rows(burn::tensor::activation::softmax(logits, 1));
            all.extend(shares.into_iter().map(|row| {
                let labels = row.iter().take(self.labels().len()).enumerate();
                let mut scores: Vec<LabelScore> =
                    labels.map(|(label, &confidence)| LabelScore { label, confidence }).collect();
                let surer = |a: &LabelScore, b: &LabelScore| b.confidence.total_cmp(&a.confidence);
                if scores.len() > MOST_ANSWERS {
                    scores.select_nth_unstable_by(MOST_ANSWERS, surer);
                    scores.truncate(MOST_ANSWERS);
                }
                scores.sort_by(surer);
                scores
            }));
        }
        all
    }

    /// General photos by this version, where they are not those of the untaught model.
    pub(crate) fn background(&self) -> Option<(&[Embedding], &[Embedding])> {
        self.background.as_ref().map(|b| (b.shared.as_slice(), b.descriptors.as_slice()))
    }

    /// Puts the changes into the image tower.
    pub(crate) fn merge_image(&self, tower: &mut EfficientNet, device: &Device) {
        for (index, block) in tower.blocks.iter_mut().enumerate() {
            let change = |part: &str| self.change(&format!("blocks.{index}.{part}"), device);
            if let (Some(expand), Some(change)) = (&mut block.expand, change("expand")) {
                merge_pointwise(expand, change);
            }
            if let Some(change) = change("project") {
                merge_pointwise(&mut block.project, change);
            }
        }
        if let Some(change) = self.change("head", device) {
            merge_pointwise(&mut tower.head, change);
        }
    }

    /// Puts the changes into the text tower.
    pub(crate) fn merge_text(&self, text: &mut BertEncoder, device: &Device) {
        let Some(last) = text.layers.last_mut() else { return };
        if let Some(change) = self.change("text.query", device) {
            merge_linear(&mut last.query, change);
        }
        if let Some(change) = self.change("text.value", device) {
            merge_linear(&mut last.value, change);
        }
    }

    /// Puts the changes into the caption decoder.
    pub(crate) fn merge_decoder(&self, decoder: &mut Decoder, device: &Device) {
        for (index, layer) in decoder.layers.iter_mut().enumerate() {
            let Some(across) = &mut layer.across else { continue };
            if let Some(change) = self.change(&format!("decoder.{index}.query"), device) {
                merge_linear(&mut across.query, change);
            }
            if let Some(change) = self.change(&format!("decoder.{index}.value"), device) {
                merge_linear(&mut across.value, change);
            }
        }
    }
}

fn halved(values: Vec<f32>) -> Vec<f32> {
    values.into_iter().map(|v| f16::from_f32(v).to_f32()).collect()
}
