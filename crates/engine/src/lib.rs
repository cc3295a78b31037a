//! Sightline's use cases: index, search, evaluate, measure.
//!
//! Threads, channels and jobs live here. The engine knows the three leaves (`media` reads photos,
//! `vlm` turns them into vectors, `catalog` keeps them) and brings them together; it contains no
//! SQL, no tensors and no codecs, and knows nothing of the shells above it.

mod batches;
pub mod bench;
pub mod doctor;
mod engine;
mod error;
pub mod eval;
pub mod index;
pub mod jobs;
mod loading;
pub mod model_host;
mod paths;
pub mod search;
pub mod status;
#[cfg(test)]
mod testing;

pub use engine::{Engine, EngineConfig};
pub use error::EngineError;
pub use sightline_catalog::Problem;
pub use sightline_vlm::{DeviceChoice, Match};
