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
mod photo;
mod thumbnail;
mod walk;
pub mod worker;

pub use decode::{Limits, Rgb, decode_bytes};
pub use error::MediaError;
pub use fingerprint::Fingerprint;
pub use format::{FileKind, PhotoFormat};
pub use hash::{ContentHash, hash_file};
pub use metadata::Metadata;
pub use photo::{Photo, open, read};
pub use thumbnail::{picture, picture_of, picture_short_side, thumbnail};
pub use walk::{Found, Walk, walk};
