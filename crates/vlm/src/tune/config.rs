//! How deep a model is taught, and with what settings.

use serde::{Deserialize, Serialize};

use crate::VlmError;

/// How much of the model is taught.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Depth {
    /// A classifier over stored vectors; seconds.
    Probe,
    /// Low-rank maps of stored vectors; under a minute.
    Adapter,
    /// The towers' last layers and the caption decoder; minutes.
    Deep,
}

impl Depth {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Probe => "probe",
            Self::Adapter => "adapter",
            Self::Deep => "deep",
        }
    }
}

impl std::str::FromStr for Depth {
    type Err = VlmError;

    fn from_str(text: &str) -> Result<Self, VlmError> {
        match text {
            "probe" => Ok(Self::Probe),
            "adapter" => Ok(Self::Adapter),
            "deep" => Ok(Self::Deep),
            other => {
                Err(VlmError::UnknownSetting { what: "depth", found: other.into(), expected: "probe, adapter or deep" })
            }
        }
    }
}

/// How the objectives share the steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mixing {
    /// All in every step.
    Summed,
    /// One a step, in turn; what general photos must keep is in every step.
    Alternating,
}

/// Steps of a run at most, unless a person says how many passes: as many as over some 2,000 photos.
const MOST_STEPS: usize = 3000;

/// Weights of the losses; one of weight 0 is not computed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Objectives {
    /// Photos and sentences of one label attract each other.
    pub contrastive: f64,
    /// Cross-entropy of the classifier over labels.
    pub classes: f64,
    /// Negative log-likelihood of the captions, a token.
    pub captions: f64,
    /// Squared distance that general photos move in the shared space.
    pub keep: f64,
}

/// Settings of a run; the defaults of each depth were chosen on splits of seeds 100 to 104 (see the model card).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TuneConfig {
    /// How deep.
    pub depth: Depth,
    /// Passes over the photos.
    pub epochs: usize,
    /// Photos a batch.
    pub batch: usize,
    /// General photos that join a batch of ten, as what is none of the labels.
    pub general: usize,
    /// Highest learning rate, reached after the warm-up.
    pub learning_rate: f64,
    /// Share of the steps in which the rate rises; then it falls along a cosine to zero.
    pub warm_up: f64,
    /// Decoupled weight decay.
    pub weight_decay: f32,
    /// Norm that each gradient tensor is clipped to.
    pub clip_norm: f32,
    /// Probability of dropping an input of the classifier or of a map.
    pub dropout: f64,
    /// Share of the target that is spread over all labels.
    pub label_smoothing: f64,
    /// Rank of the maps and changes.
    pub rank: usize,
    /// Epochs without a better score on the watched photos, after which the run ends with the best.
    pub patience: usize,
    /// Epochs between two looks at the watched photos and the guard.
    pub watch_every: usize,
    /// Weights of the losses.
    pub objectives: Objectives,
    /// How the losses share the steps.
    pub mixing: Mixing,
    /// Changed copies of each photo to learn from, besides the photo: deep only.
    pub views: usize,
    /// Seed of weights, batches, dropout and views.
    pub seed: u64,
}

impl TuneConfig {
    /// The same with fewer passes over many photos, and looks at the watched photos and the guard as often in a run.
    pub fn for_photos(self, photos: usize) -> Self {
        let looks = self.epochs / self.watch_every.max(1);
        let most = (MOST_STEPS / photos.div_ceil(self.batch.max(1)).max(1)).max(1);
        let epochs = self.epochs.min(most);
        let watch_every = self.watch_every.min((epochs / looks.max(1)).max(1));
        Self { epochs, watch_every, ..self }
    }

    /// The settings of a depth.
    pub fn new(depth: Depth) -> Self {
        let shared = Self {
            depth,
            epochs: 120,
            batch: 200,
            general: 2,
            learning_rate: 5e-3,
            warm_up: 0.1,
            weight_decay: 0.02,
            clip_norm: 1.0,
            dropout: 0.8,
            label_smoothing: 0.05,
            rank: 32,
            patience: 60,
            watch_every: 20,
            objectives: Objectives { contrastive: 0.0, classes: 1.0, captions: 0.0, keep: 0.0 },
            mixing: Mixing::Summed,
            views: 0,
            seed: 0,
        };
        match depth {
            Depth::Probe => shared,
            Depth::Adapter => Self {
                epochs: 150,
                batch: 100,
                learning_rate: 4e-3,
                watch_every: 25,
                objectives: Objectives { contrastive: 0.5, classes: 1.0, captions: 0.0, keep: 4.0 },
                ..shared
            },
            Depth::Deep => Self {
                epochs: 10,
                batch: 40,
                learning_rate: 1e-3,
                watch_every: 2,
                patience: 6,
                rank: 8,
                views: 3,
                objectives: Objectives { contrastive: 0.25, classes: 1.0, captions: 0.1, keep: 8.0 },
                ..shared
            },
        }
    }
}
