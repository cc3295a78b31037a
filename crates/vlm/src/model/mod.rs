//! A loaded model: pixels and words in, [`Embedding`]s out.

pub(crate) mod architecture;
#[cfg(test)]
mod bounds_tests;
mod dual;
mod home;
mod info;
mod proof;
mod rounding;
mod token_table;
mod tokenizer;
pub(crate) mod tokenizer_file;
pub mod weights;

pub use architecture::TextConfig;
pub(crate) use info::hex;
pub use info::{CaptionBars, FileInfo, INFO_FILE, ModelInfo, Thresholds};
pub use proof::{Agreement, Fault, Firsts, Language, Proof, proof_photos, proof_sentences, prove, prove_firsts};
pub(crate) use token_table::{TABLE, TokenTable};
pub use tokenizer::{TokenBatch, Tokenizer, TokenizerConfig};

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use burn::tensor::{Device, Int, Tensor, TensorData};

use self::dual::{DualEncoder, Reading};
use self::home::HomeEncoder;
use crate::caption::{Caption, Captioner, Described, Search};
use crate::cpu::vit::Precision;
use crate::descriptor::bands;
use crate::device::{Selected, panic_text, select};
use crate::heads::Pooled;
use crate::languages::Languages;
use crate::tune::views::{LOOKS, parts};
use crate::tune::{Depth, GUARD_FILE, Guard, Version};
use crate::{
    Calibration, DeviceChoice, DeviceReport, Embedding, ModelInput, PhotoVectors, Preprocess, VlmError, measure_bars,
};

/// File of the image tower in a model folder.
pub const IMAGE_FILE: &str = "image.safetensors";
/// File of the text tower in a model folder.
pub const TEXT_FILE: &str = "text.safetensors";
/// File of the token table in the folder of a published dual encoder.
pub const TOKENS_FILE: &str = "tokens.safetensors";
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
    encoder: Encoder,
    tokenizer: Tokenizer,
    languages: Option<Languages>,
    /// General photos by the untaught model: in the shared space, and their descriptors.
    background: (Vec<Embedding>, Vec<Embedding>),
    guard: OnceLock<Guard>,
    calibration: Calibration,
    /// Where the decoder is loaded from when it is first needed.
    dir: PathBuf,
    captioner: OnceLock<Captioner>,
}

/// What people search for, by which bars are measured: things, places, actions.
const QUERIES: [&str; 32] = [
    "a dog",
    "a cat",
    "a beach",
    "snow",
    "a car",
    "a bicycle",
    "a child",
    "a mountain",
    "a city at night",
    "a street",
    "a boat",
    "food on a table",
    "a flower",
    "a bird",
    "a horse",
    "a train",
    "a football match",
    "a sunset",
    "a house",
    "a bridge",
    "a kitchen",
    "a book",
    "a guitar",
    "an umbrella",
    "a crowd",
    "somebody dancing",
    "a tent",
    "a birthday cake",
    "a castle",
    "a forest",
    "somebody swimming",
    "a document",
];

/// The towers, by what the description says.
#[derive(Debug)]
enum Encoder {
    Home(Box<HomeEncoder>),
    Dual(Box<DualEncoder>),
}

impl Model {
    /// Loads the model in `dir` onto the device that `choice` selects. The image tower of a published dual encoder is
    /// loaded when the first photo comes.
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
        let text = Proof::read(dir, &info.id()).map_or(Precision::Float, |proof| proof.text_precision());
        Self::load_reading(dir, choice, version, Reading { text, ..Reading::PLAIN })
    }

    /// The same with weights read in this way.
    fn load_reading(
        dir: &Path,
        choice: DeviceChoice,
        version: Option<Arc<Version>>,
        reading: Reading,
    ) -> Result<Self, VlmError> {
        let info = ModelInfo::read(dir)?;
        info.check_sizes(dir)?;
        if info.image_to_text.is_some() {
            return Err(VlmError::Lacks { model: info.name, needs: "vectors to search by" });
        }
        let base_id = info.id();
        if let Some(version) = &version {
            version.must_fit(&info)?;
        }
        let Selected { device, report } = select(choice)?;
        let encoder = match (&info.image, &info.text) {
            (Some(image), Some(text)) => {
                let encoder = DualEncoder::load(dir, &info, image, text, &device, report.kind, reading)?;
                Encoder::Dual(Box::new(encoder))
            }
            _ => Encoder::Home(Box::new(HomeEncoder::load(dir, &info, version.as_deref(), &device, report.kind)?)),
        };
        let path = dir.join(BACKGROUND_FILE);
        let background = if info.image.is_some() && !path.is_file() {
            // Comes from outside: see `Model::calibrate`.
            (Vec::new(), Vec::new())
        } else {
            let lot = |name, dims| weights::load_rows(&path, name, dims);
            (lot(BACKGROUND_LOTS[0], info.dims)?, lot(BACKGROUND_LOTS[1], info.descriptor_dims())?)
        };
        let calibration = Calibration::new(calibrating(version.as_deref(), &background), info.thresholds);
        let tokenizer = Tokenizer::read(&dir.join(TOKENIZER_FILE), &info.tokenizer)?;
        if let Some(text) = &info.text
            && tokenizer.vocabulary() > text.table()[0]
        {
            let reason = format!("it has {} tokens, the model {}", tokenizer.vocabulary(), text.table()[0]);
            return Err(VlmError::BadTokenizer { path: dir.join(TOKENIZER_FILE), reason });
        }
        let languages = info.languages.as_ref().zip(info.heads.as_ref());
        let languages = languages.map(|(config, heads)| Languages::begin(dir, config, heads));
        Ok(Self {
            languages,
            base_id,
            version,
            calibration,
            background,
            guard: OnceLock::new(),
            tokenizer,
            info,
            device,
            report,
            encoder,
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

    /// Takes photos by the untaught model, such as some of the library, for a model that ships none: scores are held
    /// against them from now on. Bars are `bars`, or measured on the photos and a few dozen words, which takes some
    /// seconds; they are returned, to be kept. At least a few dozen photos, none twice.
    ///
    /// # Errors
    /// Those of [`Model::embed_texts`]; then the model is as it was.
    pub fn calibrate(&mut self, photos: Vec<PhotoVectors>, bars: Option<Thresholds>) -> Result<Thresholds, VlmError> {
        let pairs = photos.into_iter().map(|photo| (photo.base().clone(), photo.descriptor));
        let background: (Vec<Embedding>, Vec<Embedding>) = pairs.unzip();
        let judged = calibrating(self.version.as_deref(), &background);
        let bars = match bars {
            Some(bars) => bars,
            None => {
                let queries = self.embed_texts(&QUERIES)?;
                measure_bars(&judged, &queries, self.info.thresholds).unwrap_or(self.info.thresholds)
            }
        };
        self.background = background;
        self.calibration = Calibration::new(judged, bars);
        Ok(bars)
    }

    /// The guard of the untaught model.
    ///
    /// # Errors
    /// [`VlmError::Lacks`] for a model that ships none, or those of [`Guard::load`].
    pub fn guard(&self) -> Result<&Guard, VlmError> {
        if let Some(guard) = self.guard.get() {
            return Ok(guard);
        }
        if !self.info.files.contains_key(GUARD_FILE) {
            return Err(self.lacks("photos and sentences to watch general search by"));
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
        self.photo_vectors(&self.raw_looks(photos)?)
    }

    /// Numbers of each photo as the heads give them, of any length: in the shared space, then the descriptor.
    fn raw_looks(&self, photos: &[ModelInput]) -> Result<Vec<f32>, VlmError> {
        if let Encoder::Dual(dual) = &self.encoder {
            self.contained(|| Ok(dual.want_image()))??;
        }
        let floats = self.normalised(photos);
        self.contained(|| match &self.encoder {
            Encoder::Home(home) => home.photos(&floats, self.side()),
            Encoder::Dual(dual) => to_rows(dual.photos(&floats, self.side())),
        })
    }

    /// Numbers of each sentence as the heads give them, `[batch, dims]`.
    pub(crate) fn raw_texts(&self, tokens: &TokenBatch) -> Result<Vec<f32>, VlmError> {
        match &self.encoder {
            Encoder::Home(home) => self.rows(|| home.sentences(tokens)),
            Encoder::Dual(dual) => {
                let embedded = dual.embedded(tokens)?;
                self.rows(|| dual.sentences(tokens, embedded))
            }
        }
    }

    /// What [`Model::look`] makes vectors of: all photos in the shared space, and all descriptors.
    #[cfg(test)]
    pub(crate) fn raw_photos(&self, photos: &[ModelInput]) -> Result<(Vec<f32>, Vec<f32>), VlmError> {
        let both = self.raw_looks(photos)?;
        let rows = || both.chunks_exact(self.info.dims + self.info.descriptor_dims());
        let shared = rows().flat_map(|row| &row[..self.info.dims]).copied().collect();
        Ok((shared, rows().flat_map(|row| &row[self.info.dims..]).copied().collect()))
    }

    fn photo_vectors(&self, both: &[f32]) -> Result<Vec<PhotoVectors>, VlmError> {
        let bad = || VlmError::Device {
            device: self.report.name.clone(),
            reason: "it gave a vector that is zero or not finite".into(),
        };
        let vectors = both.chunks_exact(self.info.dims + self.info.descriptor_dims()).map(|row| {
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

    /// Tells where in a photo `question` is: its cosine with the embedding of each part, row by row over the map's
    /// positions; see [`HomeEncoder::parts`].
    ///
    /// # Errors
    /// [`VlmError::Lacks`] for a model without a feature map, or [`VlmError::Device`] when the device fails.
    pub fn locate(&self, photo: &ModelInput, question: &Embedding) -> Result<Vec<f32>, VlmError> {
        let home = self.home()?;
        let floats = self.normalised(std::slice::from_ref(photo));
        let both = self.rows(|| home.parts(&floats, self.side()))?;
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
        let mut rows = self.raw_texts(&tokens)?;
        if let Some(languages) = &self.languages {
            languages.mix(texts, &mut rows)?;
        }
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
        let (home, floats) = (self.home()?, self.normalised(photos));
        let (captions, both) = self.contained(|| {
            let (map, summary) = home.features(&floats, self.side());
            let pooled = Pooled::of(map.clone(), summary);
            let both = home.vectors(pooled.clone(), bands(map.clone()));
            let captions = captioner.describe(map, home.embeddings(&pooled), search, told);
            Ok((captions, to_rows(both)?))
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
    ///
    /// # Errors
    /// [`VlmError::Lacks`] for a model without a feature map.
    pub(crate) fn map_and_embeddings(&self, photos: &[ModelInput]) -> Result<(Tensor<3>, Tensor<2>), VlmError> {
        let home = self.home()?;
        let (map, summary) = home.features(&self.normalised(photos), self.side());
        let shared = home.embeddings(&Pooled::of(map.clone(), summary));
        Ok((map, shared))
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

    fn lacks(&self, needs: &'static str) -> VlmError {
        VlmError::Lacks { model: self.info.name.clone(), needs }
    }

    fn home(&self) -> Result<&HomeEncoder, VlmError> {
        match &self.encoder {
            Encoder::Home(home) => Ok(home),
            Encoder::Dual(_) => Err(self.lacks("feature map")),
        }
    }

    /// Side of the square that the image tower takes.
    fn side(&self) -> usize {
        self.info.preprocess.size as usize
    }

    fn normalised(&self, photos: &[ModelInput]) -> Vec<Vec<f32>> {
        photos.iter().map(|photo| self.info.preprocess.normalise(photo)).collect()
    }

    /// Runs a computation, reads its rows back, and turns a panic of the device into an error.
    fn rows(&self, compute: impl FnOnce() -> Tensor<2>) -> Result<Vec<f32>, VlmError> {
        self.contained(|| to_rows(compute()))
    }

    /// Turns a panic or failure of the device into an error.
    fn contained<T>(&self, compute: impl FnOnce() -> Result<T, String>) -> Result<T, VlmError> {
        let failed = |reason| VlmError::Device { device: self.report.name.clone(), reason };
        catch_unwind(AssertUnwindSafe(compute)).map_err(|panic| failed(panic_text(&*panic)))?.map_err(failed)
    }
}

/// Reads rows back from the device.
fn to_rows(rows: Tensor<2>) -> Result<Vec<f32>, String> {
    let data = rows.try_into_data().map_err(|e| format!("{e:?}"))?;
    data.convert::<f32>().try_to_vec::<f32>().map_err(|e| format!("{e:?}"))
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
