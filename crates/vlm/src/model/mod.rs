//! A loaded model: pixels and words in, [`Embedding`]s out.

mod info;
mod tokenizer;
pub mod weights;

pub(crate) use info::hex;
pub use info::{CaptionBars, FileInfo, INFO_FILE, ModelInfo, Thresholds};
pub use tokenizer::{TokenBatch, Tokenizer};

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use burn::tensor::{Device, Int, Tensor, TensorData};

use crate::caption::{Caption, Captioner, Described, Search};
use crate::cpu::{CpuBert, CpuEfficientNet};
use crate::descriptor::{Descriptor, bands};
use crate::device::{Selected, panic_text, select};
use crate::heads::{Heads, Pooled};
use crate::nn::bert::{BertConfig, BertEncoder};
use crate::nn::efficientnet::{EfficientNet, EfficientNetConfig};
use crate::tune::views::{LOOKS, parts};
use crate::tune::{Depth, GUARD_FILE, Guard, Version};
use crate::{
    Calibration, DeviceChoice, DeviceKind, DeviceReport, Embedding, ModelInput, PhotoVectors, Preprocess, VlmError,
};

/// File of the image tower in a model folder.
pub const IMAGE_FILE: &str = "image.safetensors";
/// File of the text tower in a model folder.
pub const TEXT_FILE: &str = "text.safetensors";
/// File of the heads in a model folder.
pub const HEADS_FILE: &str = "heads.safetensors";
/// File of the descriptors' axes in a model folder.
pub const DESCRIPTOR_FILE: &str = "descriptor.safetensors";
/// File of the background photos' vectors in a model folder.
pub const BACKGROUND_FILE: &str = "background.safetensors";
/// Names of the two lots of vectors in it.
pub const BACKGROUND_LOTS: [&str; 2] = ["shared", "descriptors"];
/// File of the tokenizer in a model folder.
pub const TOKENIZER_FILE: &str = "tokenizer.json";

/// A dual encoder on a device.
#[derive(Debug)]
pub struct Model {
    info: ModelInfo,
    base_id: String,
    version: Option<Arc<Version>>,
    device: Device,
    report: DeviceReport,
    image: ImageTower,
    text: TextTower,
    tokenizer: Tokenizer,
    heads: Heads,
    descriptor: Descriptor,
    /// General photos by the untaught model: in the shared space, and their descriptors.
    background: (Vec<Embedding>, Vec<Embedding>),
    guard: OnceLock<Guard>,
    calibration: Calibration,
    /// Where the decoder is loaded from when it is first needed.
    dir: PathBuf,
    captioner: OnceLock<Captioner>,
}

/// The image tower in the form the device runs best.
#[derive(Debug)]
enum ImageTower {
    Cpu(Box<CpuEfficientNet>),
    Tensor(Box<EfficientNet>),
}

/// The text tower in the form the device runs best.
#[derive(Debug)]
enum TextTower {
    Cpu(Box<CpuBert>),
    Tensor(Box<BertEncoder>),
}

impl Model {
    /// Loads the model in `dir` onto the device that `choice` selects.
    ///
    /// File sizes are checked; checksums are not (see [`ModelInfo::verify`]).
    ///
    /// # Errors
    /// Those of [`ModelInfo::read`], of the device's choice and of each weight file.
    pub fn load(dir: &Path, choice: DeviceChoice) -> Result<Self, VlmError> {
        Self::load_version(dir, choice, None)
    }

    /// The same with what it was taught.
    ///
    /// # Errors
    /// Those of [`Model::load`], and those of [`Version::must_fit`].
    pub fn load_version(dir: &Path, choice: DeviceChoice, version: Option<Arc<Version>>) -> Result<Self, VlmError> {
        let info = ModelInfo::read(dir)?;
        info.check_sizes(dir)?;
        let base_id = info.id();
        if let Some(version) = &version {
            version.must_fit(&info)?;
        }
        let Selected { device, report } = select(choice)?;
        let mut tower = EfficientNetConfig::new().init(&device);
        weights::load(&mut tower, &dir.join(IMAGE_FILE))?;
        let bert = BertConfig::new();
        let mut encoder = bert.init(&device);
        weights::load(&mut encoder, &dir.join(TEXT_FILE))?;
        let mut heads = info.heads.init(&device);
        weights::load(&mut heads, &dir.join(HEADS_FILE))?;
        let mut descriptor = info.descriptor.init(&device);
        weights::load(&mut descriptor, &dir.join(DESCRIPTOR_FILE))?;
        if let Some(version) = &version {
            version.merge_image(&mut tower, &device);
            version.merge_text(&mut encoder, &device);
        }
        let lot = |name, dims| weights::load_rows(&dir.join(BACKGROUND_FILE), name, dims);
        let background = (lot(BACKGROUND_LOTS[0], info.dims)?, lot(BACKGROUND_LOTS[1], info.descriptor.dims)?);
        let calibration = Calibration::new(calibrating(version.as_deref(), &background), info.thresholds);
        let (image, text) = match report.kind {
            DeviceKind::Cpu => (
                ImageTower::Cpu(Box::new(CpuEfficientNet::new(&tower))),
                TextTower::Cpu(Box::new(CpuBert::new(&encoder, bert.norm_epsilon))),
            ),
            _ => (ImageTower::Tensor(Box::new(tower)), TextTower::Tensor(Box::new(encoder))),
        };
        Ok(Self {
            base_id,
            version,
            calibration,
            background,
            descriptor,
            guard: OnceLock::new(),
            tokenizer: Tokenizer::read(&dir.join(TOKENIZER_FILE))?,
            info,
            device,
            report,
            image,
            text,
            heads,
            dir: dir.into(),
            captioner: OnceLock::new(),
        })
    }

    /// Identity of the weights and the preparation; vectors of different ids are never compared.
    pub fn id(&self) -> &str {
        self.version.as_ref().map_or(&self.base_id, |version| version.vectors_id())
    }

    /// The same of the untaught model.
    pub fn base_id(&self) -> &str {
        &self.base_id
    }

    /// The folder that it was loaded from.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// General photos by the untaught model: in the shared space, and their descriptors.
    pub fn background(&self) -> (&[Embedding], &[Embedding]) {
        (&self.background.0, &self.background.1)
    }

    /// The guard of the untaught model.
    ///
    /// # Errors
    /// Those of [`Guard::load`].
    pub fn guard(&self) -> Result<&Guard, VlmError> {
        if let Some(guard) = self.guard.get() {
            return Ok(guard);
        }
        let guard = Guard::load(&self.dir.join(GUARD_FILE))?;
        Ok(self.guard.get_or_init(|| guard))
    }

    /// The model's description.
    pub fn info(&self) -> &ModelInfo {
        &self.info
    }

    /// The device in use and why.
    pub fn device(&self) -> &DeviceReport {
        &self.report
    }

    /// How photos are prepared for [`Model::embed_images`].
    pub fn preprocess(&self) -> &Preprocess {
        &self.info.preprocess
    }

    /// When a score is a match.
    pub fn calibration(&self) -> &Calibration {
        &self.calibration
    }

    /// Embeds prepared photos, in their order.
    ///
    /// # Errors
    /// [`VlmError::Device`] when the device fails; the model may be loaded again on another.
    pub fn embed_images(&self, photos: &[ModelInput]) -> Result<Vec<PhotoVectors>, VlmError> {
        if photos.is_empty() {
            return Ok(Vec::new());
        }
        let whole = self.look(photos)?;
        if self.version.as_ref().is_none_or(|version| version.depth() != Depth::Deep) {
            return Ok(whole);
        }
        // The library is read again for a deep version anyway: it may look closer.
        let parts: Vec<ModelInput> = photos.iter().flat_map(|photo| parts(photo, &self.info.preprocess)).collect();
        let parts = self.look(&parts)?;
        let all = whole.into_iter().zip(parts.chunks_exact(LOOKS - 1)).map(|(whole, parts)| {
            let mean = |of: fn(&PhotoVectors) -> &Embedding| {
                Embedding::combined(std::iter::once(&whole).chain(parts).map(|look| (1.0, of(look))))
            };
            let (shared, descriptor) = (mean(|look| &look.shared), mean(|look| &look.descriptor));
            PhotoVectors {
                shared: shared.unwrap_or_else(|| whole.shared.clone()),
                descriptor: descriptor.unwrap_or_else(|| whole.descriptor.clone()),
                base: None,
            }
        });
        Ok(all.collect())
    }

    /// One look at each photo.
    pub(crate) fn look(&self, photos: &[ModelInput]) -> Result<Vec<PhotoVectors>, VlmError> {
        let both = self.rows(|| {
            let (map, summary) = self.features(photos);
            let bands = bands(map.clone());
            self.vectors(Pooled::of(map, summary), bands)
        })?;
        self.photo_vectors(&both)
    }

    /// Vectors in the shared space and descriptors, side by side.
    fn vectors(&self, pooled: Pooled, bands: Tensor<3>) -> Tensor<2> {
        let pooled = self.heads.standardised(pooled);
        let descriptors = self.descriptor.forward(&pooled, bands);
        Tensor::cat(vec![self.heads.project_images(&pooled), descriptors], 1)
    }

    fn photo_vectors(&self, both: &[f32]) -> Result<Vec<PhotoVectors>, VlmError> {
        let bad = || VlmError::Device {
            device: self.report.name.clone(),
            reason: "it gave a vector that is zero or not finite".into(),
        };
        let vectors = both.chunks_exact(self.info.dims + self.info.descriptor.dims).map(|row| {
            let (shared, descriptor) = row.split_at(self.info.dims);
            let unit = |part: &[f32]| Embedding::normalised(part.to_vec()).ok_or_else(bad);
            Ok(PhotoVectors { shared: unit(shared)?, descriptor: unit(descriptor)?, base: None })
        });
        let vectors = vectors.collect::<Result<Vec<_>, _>>()?;
        Ok(match &self.version {
            Some(version) => version.adapt_photos(vectors),
            None => vectors,
        })
    }

    /// Tells where in a photo `question` is: its cosine with the embedding of each part, row by row over
    /// the map's positions. A part is a position of the map with its neighbours; the stage summary stays
    /// that of the whole photo, so that only what the last features say differs from part to part.
    ///
    /// # Errors
    /// [`VlmError::Device`] when the device fails.
    pub fn locate(&self, photo: &ModelInput, question: &Embedding) -> Result<Vec<f32>, VlmError> {
        let both = self.rows(|| {
            let (map, summary) = self.features(std::slice::from_ref(photo));
            let [_, positions, features] = map.dims();
            let side = positions.isqrt();
            let grid = map.reshape([side, side, features]);
            let part = |position: usize| {
                let around = |at: usize| at.saturating_sub(1)..(at + 2).min(side);
                let (rows, columns) = (around(position / side), around(position % side));
                let count = rows.len() * columns.len();
                grid.clone().slice([rows, columns, 0..features]).reshape([1, count, features])
            };
            let pooled = (0..positions).map(|position| Pooled::of(part(position), summary.clone()));
            let (means, maxima): (Vec<_>, Vec<_>) = pooled.map(|p| (p.mean, p.max)).unzip();
            let summary = summary.clone().repeat_dim(0, positions);
            // The bands, too, stay those of the whole photo.
            let bands = bands(grid.reshape([1, positions, features])).repeat_dim(0, positions);
            self.vectors(Pooled { mean: Tensor::cat(means, 0), max: Tensor::cat(maxima, 0), summary }, bands)
        })?;
        Ok(self.photo_vectors(&both)?.iter().map(|part| part.shared.dot(question)).collect())
    }

    /// Embeds sentences, in their order.
    ///
    /// # Errors
    /// [`VlmError::BadText`] or [`VlmError::Device`].
    pub fn embed_texts<S: AsRef<str>>(&self, texts: &[S]) -> Result<Vec<Embedding>, VlmError> {
        let tokens = self.tokenizer.encode(texts)?;
        if tokens.batch == 0 {
            return Ok(Vec::new());
        }
        let rows = self.rows(|| {
            let sentences = match &self.text {
                TextTower::Cpu(tower) => {
                    let data = TensorData::new(tower.forward(&tokens), [tokens.batch, tower.sentence_width()]);
                    Tensor::from_data(data, &self.device)
                }
                TextTower::Tensor(tower) => {
                    let (ids, mask) = token_tensors(&tokens, &self.device);
                    tower.forward(ids, mask)
                }
            };
            self.heads.embed_texts(sentences)
        })?;
        let texts = Embedding::rows(&rows, self.info.dims, &self.report.name)?;
        Ok(match &self.version {
            Some(version) => version.adapt_texts(texts),
            None => texts,
        })
    }

    /// Describes prepared photos, in their order.
    ///
    /// After each token `told` hears of the likeliest captions so far; breaking ends the work with those.
    ///
    /// # Errors
    /// [`VlmError::NoCaptions`], those of the decoder's files, or [`VlmError::Device`].
    pub fn describe(
        &self,
        photos: &[ModelInput],
        search: &Search,
        told: impl FnMut(Vec<Caption>) -> ControlFlow<()>,
    ) -> Result<Vec<Described>, VlmError> {
        if photos.is_empty() {
            return Ok(Vec::new());
        }
        let captioner = self.captioner()?;
        let (captions, both) = self.contained(|| {
            let (map, summary) = self.features(photos);
            let pooled = Pooled::of(map.clone(), summary);
            let both = self.vectors(pooled.clone(), bands(map.clone()));
            let captions = captioner.describe(map, self.embeddings(&pooled), search, told);
            let both = both.try_into_data().map_err(|e| format!("{e:?}"))?;
            Ok((captions, both.convert::<f32>().try_to_vec::<f32>().map_err(|e| format!("{e:?}"))?))
        })?;
        let vectors = self.photo_vectors(&both)?;
        let texts: Vec<&str> = captions.iter().map(|caption| caption.text.as_str()).collect();
        let texts = self.embed_texts(&texts)?;
        let all = vectors.into_iter().zip(captions).zip(texts);
        Ok(all.map(|((photo, caption), text)| Described { photo: photo.shared, caption, text }).collect())
    }

    fn captioner(&self) -> Result<&Captioner, VlmError> {
        if let Some(captioner) = self.captioner.get() {
            return Ok(captioner);
        }
        let config =
            self.info.decoder.as_ref().ok_or_else(|| VlmError::NoCaptions { model: self.info.name.clone() })?;
        let captioner =
            self.contained(|| Ok(Captioner::load(&self.dir, config, &self.device, self.version.as_deref())))??;
        Ok(self.captioner.get_or_init(|| captioner))
    }

    /// Feature maps `[batch, positions, features]` and embeddings `[batch, dims]` of unit length.
    pub(crate) fn map_and_embeddings(&self, photos: &[ModelInput]) -> (Tensor<3>, Tensor<2>) {
        let (map, summary) = self.features(photos);
        let shared = self.embeddings(&Pooled::of(map.clone(), summary));
        (map, shared)
    }

    /// Embeddings `[batch, dims]` of unit length, by the untaught heads.
    fn embeddings(&self, pooled: &Pooled) -> Tensor<2> {
        // Each member has unit length; together they shall.
        self.heads.embed_images(pooled) / (self.info.heads.members as f64).sqrt()
    }

    /// Embeds a class name: the mean over the model's prompts, as CLIP does for zero-shot classification
    /// (Radford et al. 2021, arXiv:2103.00020, section 3.1.4).
    ///
    /// # Errors
    /// As [`Model::embed_texts`].
    pub fn embed_class(&self, name: &str) -> Result<Embedding, VlmError> {
        let prompts: Vec<String> = self.info.prompts.iter().map(|p| p.replace("{}", name)).collect();
        let parts = self.embed_texts(&prompts)?;
        Embedding::combined(parts.iter().map(|p| (1.0, p)))
            .ok_or_else(|| VlmError::BadText { reason: format!("the prompts for {name:?} cancel out") })
    }

    /// Prepared photos to feature maps `[batch, positions, features]` and stage summaries `[batch, summary]`.
    fn features(&self, photos: &[ModelInput]) -> (Tensor<3>, Tensor<2>) {
        let (batch, side) = (photos.len(), self.info.preprocess.size as usize);
        let floats: Vec<Vec<f32>> = photos.iter().map(|p| self.info.preprocess.normalise(p)).collect();
        match &self.image {
            ImageTower::Cpu(tower) => {
                let given = tower.forward(&floats, side);
                let (features, summary) = (tower.features(), tower.summary_width());
                let positions = given[0].map.len() / features;
                let maps = given.iter().flat_map(|photo| &photo.map).copied().collect();
                let summaries = given.iter().flat_map(|photo| &photo.summary).copied().collect();
                (
                    Tensor::from_data(TensorData::new::<f32, _>(maps, [batch, positions, features]), &self.device),
                    Tensor::from_data(TensorData::new::<f32, _>(summaries, [batch, summary]), &self.device),
                )
            }
            ImageTower::Tensor(tower) => {
                let data = TensorData::new(floats.concat(), [batch, side, side, 3]);
                let pixels = Tensor::<4>::from_data(data, &self.device).permute([0, 3, 1, 2]);
                let given = tower.forward(pixels);
                (given.map.flatten::<3>(2, 3).swap_dims(1, 2), given.summary)
            }
        }
    }

    /// Runs a computation, reads its rows back, and turns a panic of the device into an error.
    fn rows(&self, compute: impl FnOnce() -> Tensor<2>) -> Result<Vec<f32>, VlmError> {
        self.contained(|| {
            let data = compute().try_into_data().map_err(|e| format!("{e:?}"))?;
            data.convert::<f32>().try_to_vec::<f32>().map_err(|e| format!("{e:?}"))
        })
    }

    /// Turns a panic or failure of the device into an error.
    fn contained<T>(&self, compute: impl FnOnce() -> Result<T, String>) -> Result<T, VlmError> {
        let failed = |reason| VlmError::Device { device: self.report.name.clone(), reason };
        catch_unwind(AssertUnwindSafe(compute)).map_err(|panic| failed(panic_text(&*panic)))?.map_err(failed)
    }
}

/// The general photos that scores are held against.
fn calibrating(version: Option<&Version>, background: &(Vec<Embedding>, Vec<Embedding>)) -> Vec<Embedding> {
    let Some(version) = version else { return background.0.clone() };
    if let Some((shared, _)) = version.background() {
        return shared.to_vec();
    }
    let photos = background.0.iter().zip(&background.1).map(|(shared, descriptor)| PhotoVectors {
        shared: shared.clone(),
        descriptor: descriptor.clone(),
        base: None,
    });
    version.adapt_photos(photos.collect()).into_iter().map(|photo| photo.shared).collect()
}

/// Token ids `[batch, tokens]` and their mask on a device.
pub(crate) fn token_tensors(tokens: &TokenBatch, device: &Device) -> (Tensor<2, Int>, Tensor<2>) {
    let shape = [tokens.batch, tokens.tokens];
    let ids = Tensor::<2, Int>::from_data(TensorData::new(tokens.ids.clone(), shape), device);
    let mask: Vec<f32> = tokens.mask.iter().map(|&m| m as f32).collect();
    (ids, Tensor::from_data(TensorData::new(mask, shape), device))
}
