//! Training of the caption decoder on frozen towers.
//!
//! First it learns to write: from sentences alone, each from its own embedding with noise, and, if asked for,
//! by restoring masked spans ([`Sentences`]). Then it learns to describe: from photos' feature maps and
//! embeddings ([`Photos`]). One loop serves both ([`fit`]); what differs is the [`Course`].

mod courses;
mod fit;
mod loss;

pub use crate::caption::decoder::Decoder;
pub use courses::{Course, Lesson, Photos, Sentences};
pub(crate) use fit::loss;
pub use fit::{CaptionConfig, CaptionStep, fit};
