//! Files and codecs: which photos a folder holds, what they say of themselves, and their pixels.
//!
//! Everything here survives hostile files: memory is bounded by [`Limits`], a codec's panic is an error,
//! and formats are told by contents. It knows nothing of models or catalogues.

pub mod caption_metadata;
mod decode;
mod error;
mod fingerprint;
mod format;
mod hash;
mod metadata;
mod near;
mod photo;
mod thumbnail;
pub mod trash;
mod walk;

pub use decode::{Limits, Rgb, decode_bytes};
pub use error::MediaError;
pub use fingerprint::Fingerprint;
pub use format::{FileKind, PhotoFormat};
pub use hash::{ContentHash, hash_file};
pub use metadata::Metadata;
pub use near::NearPrints;
pub use photo::{Photo, open};
pub use thumbnail::{picture, thumbnail};
pub use walk::{Found, Walk, walk};
