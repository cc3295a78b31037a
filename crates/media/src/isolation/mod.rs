//! Decoding in a process of its own, so that a codec that crashes, hangs or eats memory takes nothing with it.
//!
//! The program starts itself anew with [`ARGUMENT`]. The worker is given the bytes of one photo at a time over its
//! standard input and answers with pixels on its standard output ([`frame`]); it opens no file, keeps no state from
//! one photo to the next, and ends when its input does, also in the middle of a photo. Neither side believes the
//! lengths that the other names.

mod client;
mod frame;
mod serve;

use std::path::Path;

use serde::{Deserialize, Serialize};

pub use client::{Failure, Worker};
pub use serve::serve;

use crate::{Limits, MediaError, Metadata};

/// The argument by which the program is started as a worker.
pub const ARGUMENT: &str = "--decode-photos-for-parent";

/// What a worker may hold at most, besides its program: file, decoder and pixels together.
pub const MEMORY_BYTES: u64 = 1 << 30;

/// What the parent asks; the file's bytes follow.
#[derive(Debug, Serialize, Deserialize)]
struct Request {
    /// The file's name without its folder, as far as it is Unicode; formats are told by it where contents do not.
    name: String,
    min_short_side: u32,
    limits: Limits,
}

/// What the worker answers; the pixels follow.
#[derive(Debug, Serialize, Deserialize)]
enum Reply {
    Decoded { metadata: Box<Metadata>, width: u32, height: u32 },
    Refused(Refused),
}

/// A decoder's refusal, without the path.
#[derive(Debug, Serialize, Deserialize)]
enum Refused {
    Unsupported(String),
    Broken(String),
    TooLarge { what: String, limit: String },
    NotAPhoto,
}

impl Refused {
    fn of(error: MediaError) -> Self {
        match error {
            MediaError::Unsupported { format, .. } => Self::Unsupported(format.to_owned()),
            MediaError::Broken { reason, .. } => Self::Broken(reason),
            MediaError::TooLarge { what, limit, .. } => Self::TooLarge { what, limit },
            MediaError::NotAPhoto { .. } => Self::NotAPhoto,
            other => Self::Broken(other.to_string()),
        }
    }

    fn at(self, path: &Path) -> MediaError {
        let path = path.to_path_buf();
        match self {
            Self::Unsupported(format) => MediaError::Unsupported { path, format: known(&format) },
            Self::Broken(reason) => MediaError::Broken { path, reason },
            Self::TooLarge { what, limit } => MediaError::TooLarge { path, what, limit },
            Self::NotAPhoto => MediaError::NotAPhoto { path },
        }
    }
}

/// The name of a format that came from a worker, kept for good: there are few, and one that goes mad adds no more
/// than [`NAMES`].
fn known(format: &str) -> &'static str {
    use std::sync::{Mutex, PoisonError};
    const NAMES: usize = 100;
    static KNOWN: Mutex<Vec<&'static str>> = Mutex::new(Vec::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(name) = known.iter().find(|name| **name == format) {
        return name;
    }
    if known.len() >= NAMES || format.len() > 200 {
        return "this format";
    }
    let name: &'static str = Box::leak(format.to_owned().into_boxed_str());
    known.push(name);
    name
}
