//! Sightline's use cases: index, search, evaluate, measure.
//!
//! Threads, channels and jobs live here. The engine knows the three leaves (`media` reads photos,
//! `vlm` turns them into vectors, `catalog` keeps them) and brings them together; it contains no
//! SQL, no tensors and no codecs, and knows nothing of the shells above it.

pub mod albums;
pub mod ask;
mod batches;
pub mod bench;
pub mod captions;
mod decoding;
pub mod devices;
pub mod doctor;
pub mod duplicates;
mod embedding;
mod engine;
mod error;
pub mod eval;
pub mod export;
pub mod foreign_text;
pub mod forgetting;
pub mod home;
mod idle_workers;
pub mod index;
mod installation;
mod job_kinds;
pub mod jobs;
pub mod library;
mod loading;
pub mod model_host;
pub mod models;
mod new_file;
pub mod notices;
mod paths;
pub mod photos;
pub mod safekeeping;
pub mod search;
mod serving;
mod serving_decoder;
pub mod settings;
pub mod status;
pub mod tags;
pub mod teach;
#[cfg(test)]
mod testing;
mod volumes;
pub mod watch;

pub use engine::{Engine, EngineConfig};
pub use error::EngineError;
pub use serving_decoder::{decoder_program, serve_decoder};
pub use sightline_catalog::{
    Absence, AlbumId, AlbumRow, CaptionAuthor, CaptionRow, Companion, CompanionKind, DateOrder, DateSource, Facet,
    Facets, Filter, KeywordOrigin, LocationId, Overwrite, PhotoId, Problem, Verdict,
};
pub use sightline_vlm::tune::{Depth, Objectives};
pub use sightline_vlm::{Caption, CaptionWord, DeviceChoice, DeviceKind, DeviceReport, Match, Sampling, Search};
