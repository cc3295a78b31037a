//! What a training run tells while it goes.

use crate::retrieval::Recall;

/// One step of training.
#[derive(Debug, Clone, Copy)]
pub struct Step {
    /// Steps done.
    pub done: usize,
    /// Steps in all.
    pub total: usize,
    /// Contrastive loss of the step in nats, the mean over members.
    pub contrastive: f32,
    /// Distillation loss of the step in nats, the mean over members.
    pub distillation: f32,
}

/// Scores on photos that are not trained on.
#[derive(Debug, Clone, Copy)]
pub struct DevScores {
    /// Captions ranking photos.
    pub text_to_image: Recall,
    /// Photos ranking captions.
    pub image_to_text: Recall,
    /// Percent of photos of which the nearest class name is what the classifier says, where it is sure
    /// (probability over a half).
    pub agreement: f64,
    /// The same on probes made of those photos, which show all classes.
    pub probe_agreement: f64,
}
