//! Files and codecs: which photos a folder holds, what they say of themselves, and their pixels.
//!
//! Everything here survives hostile files: memory is bounded by [`Limits`], a codec's panic is an error,
//! and formats are told by contents. It knows nothing of models or catalogues.

mod brotli;
pub mod caption_metadata;
mod dates;
mod decode;
mod error;
mod exif_block;
mod facts;
mod fingerprint;
mod format;
mod hash;
pub mod isolation;
mod listing;
mod metadata;
mod name_date;
mod near;
mod pairs;
mod photo;
mod place;
mod place_names;
mod proof;
mod structure;
mod thumbnail;
pub mod trash;
mod volume;
mod walk;

pub use dates::is_same_moment;
pub use decode::{Limits, Rgb, decode_bytes, decode_thumbnail, decode_with_facts};
pub use error::MediaError;
pub use facts::{DateSource, Facts, FactsFound};
pub use fingerprint::Fingerprint;
pub use format::{FileKind, PhotoFormat, has_photo_name, is_named_as_photo, is_photo};
pub use hash::{ContentHash, hash_file, hash_photo};
pub use listing::Listings;
pub use metadata::{ExifFacts, Metadata};
pub use near::NearPrints;
pub use pairs::{Half, half_of_pair, is_pair, may_lead_pair, pair_key};
pub use photo::{Photo, open, open_bounded, read};
pub use place::{Place, place_of, place_recorded};
pub use place_names::place_names;
pub use proof::{Canvas, Unlike, may_be_same, prove_same};
pub use thumbnail::{picture, picture_of, picture_short_side, thumbnail};
pub use volume::{OnVolume, SystemVolumes, Volumes};
pub use walk::{Found, Walk, is_reached, is_skipped, look, walk};
