//! What can go wrong between a model folder, a device and a batch.

use std::path::PathBuf;

/// An error of the model crate; each variant names what was expected and what was found.
#[derive(Debug, thiserror::Error)]
pub enum VlmError {
    /// The model folder or one of its files is not there.
    #[error("{path}: the model file is missing; reinstall the model or pass --model DIR")]
    Missing {
        /// The file looked for.
        path: PathBuf,
    },
    /// The model that was chosen is not on this computer.
    #[error(
        "this library uses the model {name}, which is not on this computer (looked in {}); `sightline model get {name}` fetches it if it is offered, else `sightline model import` its folder again, and `sightline model use home-1` goes back to the bundled one", folder.display()
    )]
    NoPack {
        /// The model's name.
        name: String,
        /// Where it would lie.
        folder: PathBuf,
    },
    /// A file could not be read.
    #[error("{path}: cannot read the model file: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// `model.toml` does not say what it must.
    #[error("{path}: not a model description: {reason}")]
    BadInfo {
        /// The description file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A weight file has another checksum or size than `model.toml` says.
    #[error(
        "{path}: the file is not the one this model was published with (expected {expected}, found {found}); reinstall the model"
    )]
    WrongFile {
        /// The file.
        path: PathBuf,
        /// SHA-256 or size that `model.toml` gives.
        expected: String,
        /// SHA-256 or size of the file on disk.
        found: String,
    },
    /// A weight file cannot be decoded or lacks tensors.
    #[error("{path}: the weights do not fit the model: {reason}; reinstall the model")]
    BadWeights {
        /// The file.
        path: PathBuf,
        /// Missing or unexpected tensors, or the decoder's words.
        reason: String,
    },
    /// The tokenizer file cannot be used.
    #[error("{path}: the tokenizer cannot be used: {reason}; reinstall the model")]
    BadTokenizer {
        /// The file.
        path: PathBuf,
        /// The tokenizer library's words.
        reason: String,
    },
    /// A text could not be turned into tokens.
    #[error("the text cannot be tokenised: {reason}")]
    BadText {
        /// The tokenizer library's words.
        reason: String,
    },
    /// An image has no pixels or its buffer has the wrong length.
    #[error("an image of {width}x{height} pixels needs {expected} bytes of RGB, found {found}")]
    BadImage {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// Bytes that RGB8 of that size takes.
        expected: usize,
        /// Bytes given.
        found: usize,
    },
    /// A published checkpoint is not one that can be used.
    #[error("{path}: the checkpoint cannot be used: {reason}")]
    BadCheckpoint {
        /// The file that says so.
        path: PathBuf,
        /// The key with what was expected and found.
        reason: String,
    },
    /// A file could not be written.
    #[error("{path}: cannot write the model file: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// Whoever asked for the work said stop.
    #[error("stopped")]
    Stopped,
    /// The model has not what the work needs.
    #[error("the model {model} cannot do that: it has no {needs}; the model that comes with Sightline can")]
    Lacks {
        /// Name of the model.
        model: String,
        /// What it would need.
        needs: &'static str,
    },
    /// The model has no caption decoder.
    #[error("the model {model} writes no captions; choose another with --model DIR")]
    NoCaptions {
        /// Name of the model.
        model: String,
    },
    /// A GPU was asked for and none answers.
    #[error("no usable GPU: {reason}; use --device cpu")]
    NoGpu {
        /// What was found instead.
        reason: String,
    },
    /// The device failed during a computation.
    #[error("the device {device} failed: {reason}")]
    Device {
        /// The device's name.
        device: String,
        /// The panic or error it gave.
        reason: String,
    },
    /// A lesson cannot be taught.
    #[error("it cannot be taught: {reason}")]
    BadLesson {
        /// What is wrong with it.
        reason: String,
    },
    /// A version's file cannot be used.
    #[error("not a version of the model: {reason}; export it again")]
    BadVersion {
        /// What is wrong with it.
        reason: String,
    },
    /// A version was taught to another model.
    #[error("the version was taught to another model ({found}, this is {expected}); teach again")]
    OtherModel {
        /// Id of the model at hand.
        expected: String,
        /// Id of the model that the version goes with.
        found: String,
    },
    /// A setting is not among those known.
    #[error("unknown {what} {found:?}; expected {expected}")]
    UnknownSetting {
        /// Which setting.
        what: &'static str,
        /// What was given.
        found: String,
        /// What is known.
        expected: &'static str,
    },
}

impl VlmError {
    /// A short stable code that programs may act on.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "model_missing",
            Self::NoPack { .. } => "model_absent",
            Self::Io { .. } => "model_io",
            Self::BadInfo { .. } | Self::BadWeights { .. } | Self::BadTokenizer { .. } => "model_bad",
            Self::WrongFile { .. } => "model_wrong_file",
            Self::BadText { .. } => "text_bad",
            Self::BadImage { .. } => "image_bad",
            Self::BadCheckpoint { .. } => "checkpoint_unknown",
            Self::Write { .. } => "model_write",
            Self::Stopped => "stopped",
            Self::Lacks { .. } => "model_lacks",
            Self::NoCaptions { .. } => "no_captions",
            Self::NoGpu { .. } => "no_gpu",
            Self::Device { .. } => "device_failed",
            Self::BadLesson { .. } => "lesson_bad",
            Self::BadVersion { .. } => "version_bad",
            Self::OtherModel { .. } => "version_other_model",
            Self::UnknownSetting { .. } => "setting_unknown",
        }
    }
}
