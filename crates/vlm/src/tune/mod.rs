//! Teaching a model a person's own albums, at three depths over one training loop.
//!
//! - *probe*: a linear classifier over what is stored of each photo. The shared space stays as it is.
//! - *adapter*: low-rank maps on the stored vectors of photos and of sentences, and the classifier.
//! - *deep*: low-rank changes (LoRA, Hu et al. 2021, arXiv:2106.09685) to the last layers of the image tower, of the
//!   text tower and of the caption decoder, and the classifier.
//!
//! With very many labels the classifier is computed in closed form instead of trained.
//!
//! The joint loss is `L = w_c * contrastive + w_k * cross-entropy + w_g * caption`, and a weight on what general photos
//! must keep ([`Objectives`]). What comes of it is a [`Version`]: a few matrices that a model is loaded with. It knows
//! nothing of albums, files or jobs: the engine gives it a [`Lesson`] and hears of every step.

mod config;
mod deep;
mod discriminant;
mod fit;
mod fitting;
mod guard;
mod lesson;
mod losses;
mod pupil;
mod teacher;
#[cfg(test)]
mod tests;
mod version;
pub(crate) mod views;

pub use config::{Depth, Mixing, Objectives, TuneConfig};
pub use deep::{GuardMaker, MOST_PHOTOS};
pub use fit::{Checkpoint, Ending, Moment, can_go_on, teach};
pub use guard::{Anchors, GUARD_FILE, Guard, GuardPhotos, MARGIN};
pub use lesson::{Example, Lesson};
pub use teacher::Teacher;
pub use version::{LabelScore, MOST_BYTES, Version};
