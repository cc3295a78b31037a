//! What a person may say of a lesson, and what of it can come to anything.

use serde::{Deserialize, Serialize};
use sightline_vlm::tune::{Depth, Mixing, Objectives, TuneConfig};

use crate::EngineError;

/// Passes over the photos that can be asked for.
const MOST_EPOCHS: usize = 10_000;
/// Photos a batch that can be asked for.
const MOST_BATCH: usize = 4096;
/// Weight of an objective that can be asked for.
const MOST_WEIGHT: f64 = 1000.0;
/// What a person may say of a lesson; the rest is the depth's own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TeachOptions {
    /// How deep.
    pub depth: Depth,
    /// Passes over the photos.
    pub epochs: Option<usize>,
    /// Highest learning rate.
    pub learning_rate: Option<f64>,
    /// Photos a batch.
    pub batch: Option<usize>,
    /// Seed of the split and of all chance.
    pub seed: u64,
    /// Photos of each label to learn from; none for three quarters of them.
    pub train_per_label: Option<usize>,
    /// Whether the objectives take turns.
    #[serde(default)]
    pub alternating: bool,
    /// Weights of the losses.
    #[serde(default)]
    pub objectives: Option<Objectives>,
}

impl TeachOptions {
    /// Looks whether a training with these settings can come to anything.
    ///
    /// # Errors
    /// [`EngineError::SettingWrong`].
    pub fn check(&self) -> Result<(), EngineError> {
        let wrong = |name, value: String, allowed| Err(EngineError::SettingWrong { name, value, allowed });
        if let Some(rate) = self.learning_rate.filter(|rate| !(rate.is_finite() && *rate > 0.0 && *rate <= 1.0)) {
            return wrong("learning rate", rate.to_string(), "a number above 0, at most 1");
        }
        let counts = [
            ("epochs", self.epochs, MOST_EPOCHS, "a whole number from 1 to 10000"),
            ("batch size", self.batch, MOST_BATCH, "a whole number from 1 to 4096"),
            ("photos a label", self.train_per_label, usize::MAX, "a whole number above 0"),
        ];
        for (name, count, most, allowed) in counts {
            if let Some(count) = count.filter(|count| !(1..=most).contains(count)) {
                return wrong(name, count.to_string(), allowed);
            }
        }
        if let Some(Objectives { contrastive, classes, captions, keep }) = self.objectives {
            let weights = [contrastive, classes, captions, keep];
            if let Some(weight) = weights.into_iter().find(|weight| !(0.0..=MOST_WEIGHT).contains(weight)) {
                return wrong("weight of an objective", weight.to_string(), "a number from 0 to 1000");
            }
            if weights.iter().sum::<f64>() <= 0.0 {
                return wrong("weights of the objectives", "0".into(), "above 0 together");
            }
        }
        Ok(())
    }

    /// The settings of the training.
    pub(super) fn config(&self) -> TuneConfig {
        let own = TuneConfig::new(self.depth);
        let mixing = if self.alternating { Mixing::Alternating } else { own.mixing };
        TuneConfig {
            epochs: self.epochs.unwrap_or(own.epochs).max(1),
            learning_rate: self.learning_rate.unwrap_or(own.learning_rate),
            batch: self.batch.unwrap_or(own.batch).max(1),
            objectives: self.objectives.unwrap_or(own.objectives),
            seed: self.seed,
            mixing,
            ..own
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::Job;
    use crate::teach::{Source, TeachJob};

    fn options() -> TeachOptions {
        TeachOptions {
            depth: Depth::Adapter,
            epochs: None,
            learning_rate: None,
            batch: None,
            seed: 1,
            train_per_label: None,
            alternating: false,
            objectives: None,
        }
    }

    #[test]
    fn settings_that_lead_nowhere_are_refused_before_anything_begins() {
        assert!(options().check().is_ok());
        for rate in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1e-3, -0.0, 0.0, 1e9] {
            let options = TeachOptions { learning_rate: Some(rate), ..options() };
            assert_eq!(options.check().unwrap_err().code(), "setting_wrong", "{rate}");
            let job = TeachJob::new(Source::Albums(Vec::new()), options);
            assert_eq!(Job::check(&job).unwrap_err().code(), "setting_wrong");
        }
        let wrong = [
            TeachOptions { epochs: Some(0), ..options() },
            TeachOptions { epochs: Some(usize::MAX), ..options() },
            TeachOptions { batch: Some(0), ..options() },
            TeachOptions { batch: Some(usize::MAX), ..options() },
            TeachOptions { train_per_label: Some(0), ..options() },
        ];
        for options in wrong {
            assert_eq!(options.check().unwrap_err().code(), "setting_wrong", "{options:?}");
        }
        let weights = |keep| Some(Objectives { contrastive: 0.0, classes: 0.0, captions: 0.0, keep });
        for keep in [f64::NAN, f64::INFINITY, f64::MAX, -1.0, 0.0] {
            assert!(TeachOptions { objectives: weights(keep), ..options() }.check().is_err(), "{keep}");
        }
        assert!(TeachOptions { objectives: weights(1.0), ..options() }.check().is_ok());
    }
}
