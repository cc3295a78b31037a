//! Which of the files found are halves of one photo.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use sightline_catalog::{Companion, CompanionKind};
use sightline_media::{FileKind, Found, Half, half_of_pair, may_lead_pair, pair_key};

/// Sets halves aside until all files are found.
#[derive(Debug, Default)]
pub(super) struct Pairs {
    /// The file that leads a pair, by what its halves have in common.
    leaders: HashMap<PathBuf, PathBuf>,
    halves: Vec<(Found, Half)>,
}

/// A half with the file that leads its pair.
#[derive(Debug)]
pub(super) struct Pair {
    pub half: Found,
    pub companion: Companion,
}

impl Pairs {
    /// Takes a file; gives it back unless it may be somebody's half.
    pub fn offer(&mut self, found: Found) -> Option<Found> {
        if let Some(half) = half_of_pair(&found.path) {
            self.halves.push((found, half));
            return None;
        }
        if found.kind == FileKind::Photo && may_lead_pair(&found.path) {
            let leader = self.leaders.entry(pair_key(&found.path)).or_insert_with(|| found.path.clone());
            // Of two, the first by name, in whatever order they come.
            if found.path < *leader {
                leader.clone_from(&found.path);
            }
        }
        Some(found)
    }

    /// Says that a file leads no pair, because it is known that it cannot be read.
    pub fn is_bad(&mut self, path: &Path) {
        let key = pair_key(path);
        if self.leaders.get(&key).is_some_and(|leader| leader == path) {
            self.leaders.remove(&key);
        }
    }

    /// The pairs, and the halves that stand alone.
    pub fn settle(self) -> (Vec<Pair>, Vec<Found>) {
        let (mut pairs, mut alone) = (Vec::new(), Vec::new());
        for (half, kind) in self.halves {
            let Some(main) = self.leaders.get(&pair_key(&half.path)) else {
                alone.push(half);
                continue;
            };
            let kind = match kind {
                Half::Raw => CompanionKind::Raw,
                Half::Film => CompanionKind::Film,
            };
            let (path, main) = (half.path.clone(), main.clone());
            let (size_bytes, modified_ns) = (half.size_bytes, half.modified_ns);
            pairs.push(Pair { half, companion: Companion { path, main, kind, size_bytes, modified_ns } });
        }
        (pairs, alone)
    }
}
