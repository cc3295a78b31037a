//! Everything foreign in a process of its own, so that a codec or a parser that crashes, hangs, eats memory or is taken
//! over takes nothing with it.
//!
//! The program starts itself anew with [`ARGUMENT`] and confines itself ([`confinement`]). The worker is given the bytes
//! of one photo at a time over its standard input, whole to be decoded or piece by piece as it asks for them to have its
//! facts read, and with them the bytes of what lies beside the photo. It answers on its standard output ([`frame`]). It
//! can open no file, keeps no state from one photo to the next, and ends when its input does, also in the middle of a
//! photo. Neither side believes the lengths that the other names.

mod client;
mod confinement;
mod frame;
#[cfg(test)]
mod mutants;
mod pipes;
mod remote;
mod serve;
mod watch;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use client::{Failure, Worker, apart};
pub use confinement::Confinement;
pub use pipes::{Asked, Decoded, Fault, Pipes};
pub use serve::{answer_all, serve};
pub use watch::Patience;

use crate::caption_metadata::Beside;
use crate::{FactsFound, Limits, MediaError, Metadata};

/// The argument by which the program is started as a worker.
pub const ARGUMENT: &str = "--decode-photos-for-parent";

/// What a worker may hold at most, besides its program: file, decoder and pixels together.
pub const MEMORY_BYTES: u64 = 1 << 30;

/// Most bytes of a file that are asked for at once.
const PIECE_BYTES: u64 = 1 << 20;

/// Files beside a photo that are taken.
const MOST_BESIDE: usize = 4;

/// Whether an answer is no longer wanted; asked a few times a second.
pub type Stop = Arc<dyn Fn() -> bool + Send + Sync>;

/// What the parent asks.
#[derive(Debug, Serialize, Deserialize)]
enum Request {
    /// Pixels, and facts where `beside` is there. The file's bytes follow, and then those of the files beside it.
    Decode { photo: About, min_short_side: u32, beside: Option<Vec<AboutBeside>> },
    /// Facts alone. The bytes of the files beside it follow; those of the photo are asked for.
    Facts { photo: About, beside: Vec<AboutBeside> },
    /// What was asked for, perhaps cut short by the file's end, follows.
    Piece,
    /// What confines the worker, and whether that holds.
    Confinement,
}

/// A photo.
#[derive(Debug, Serialize, Deserialize)]
struct About {
    /// The file's name without its folder, as far as it is Unicode; formats are told by it where contents do not, and it
    /// may tell a date.
    name: String,
    bytes: u64,
    limits: Limits,
}

impl About {
    fn of(asked: &Asked<'_>) -> Self {
        let name = asked.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Self { name, bytes: asked.bytes, limits: *asked.limits }
    }
}

/// A file beside a photo.
#[derive(Debug, Serialize, Deserialize)]
struct AboutBeside {
    has_full_name: bool,
    /// `None` where it is too large to be sent.
    bytes: Option<u64>,
}

impl AboutBeside {
    fn list(beside: &[Beside]) -> Vec<Self> {
        let about = |file: &Beside| {
            let bytes = file.contents.as_ref().map(|contents| contents.len() as u64);
            Self { has_full_name: file.has_full_name, bytes }
        };
        beside.iter().map(about).collect()
    }

    fn bytes(list: &[Self]) -> u64 {
        list.iter().filter_map(|file| file.bytes).fold(0, u64::saturating_add)
    }

    /// The files that `list` announced, out of what came; `None` where that is too little, or they are too many.
    fn taken(list: &[Self], mut bytes: &[u8]) -> Option<Vec<Beside>> {
        if list.len() > MOST_BESIDE {
            return None;
        }
        let mut taken = Vec::with_capacity(list.len());
        for file in list {
            let contents = match file.bytes {
                Some(length) => {
                    let (head, rest) = bytes.split_at_checked(usize::try_from(length).ok()?)?;
                    bytes = rest;
                    Some(head.to_vec())
                }
                None => None,
            };
            taken.push(Beside { path: PathBuf::new(), has_full_name: file.has_full_name, contents });
        }
        Some(taken)
    }
}

/// What the worker answers.
#[derive(Debug, Serialize, Deserialize)]
enum Reply {
    /// The pixels follow.
    Decoded {
        metadata: Box<Metadata>,
        width: u32,
        height: u32,
        facts: Option<Box<FactsFound>>,
    },
    Facts(Box<FactsFound>),
    /// It needs these bytes of the file first.
    Wants {
        offset: u64,
        bytes: u64,
    },
    Confinement(Confinement),
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

/// Bytes of a decoder's reason that are passed on.
const LONGEST_REASON: usize = 2000;

impl Refused {
    fn of(error: MediaError) -> Self {
        match error {
            MediaError::Unsupported { format, .. } => Self::Unsupported(format.to_owned()),
            MediaError::Broken { reason, .. } => Self::Broken(cut(reason)),
            MediaError::TooLarge { what, limit, .. } => Self::TooLarge { what: cut(what), limit },
            MediaError::NotAPhoto { .. } => Self::NotAPhoto,
            other => Self::Broken(cut(other.to_string())),
        }
    }

    fn at(self, path: &Path) -> MediaError {
        let path = path.to_path_buf();
        match self {
            Self::Unsupported(format) => MediaError::Unsupported { path, format: known(&format) },
            Self::Broken(reason) => MediaError::Broken { path, reason: cut(reason) },
            Self::TooLarge { what, limit } => MediaError::TooLarge { path, what: cut(what), limit: cut(limit) },
            Self::NotAPhoto => MediaError::NotAPhoto { path },
        }
    }
}

fn cut(mut reason: String) -> String {
    reason.truncate(reason.floor_char_boundary(LONGEST_REASON));
    reason
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
