//! The proof on pixels without which no two photos are duplicates, and its memory.
//!
//! First the thumbnails that the library has are laid over each other, which throws out most pairs in a moment; what is
//! left is read from disk and compared in full. A photo that cannot be read now is proven to be like no other.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use sightline_catalog::{Catalog, PhotoId};
use sightline_media::isolation::Stop;
use sightline_media::{Canvas, ContentHash, decode_thumbnail, may_be_same, prove_same};

use crate::EngineError;
use crate::decoding::Decoders;
use crate::jobs::JobCx;
use crate::loading::{Budget, open_within, work_ahead};

/// Two contents, the lesser hash first.
type Pair = ([u8; 32], [u8; 32]);

/// What was proven in this process, by contents: which two are the same picture, and which are not.
#[derive(Default)]
pub(crate) struct Proofs(Mutex<HashMap<Pair, bool>>);

fn pair(one: ContentHash, other: ContentHash) -> Pair {
    (one.0.min(other.0), one.0.max(other.0))
}

impl Proofs {
    /// Forgets all of them.
    pub fn drop_all(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Whether two contents are the same picture, if that is known.
    fn of(&self, one: ContentHash, other: ContentHash) -> Option<bool> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&pair(one, other)).copied()
    }

    fn keep(&self, one: ContentHash, other: ContentHash, same: bool) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(pair(one, other), same);
    }
}

/// The last pictures that were read, the newest last.
struct Recent {
    most: usize,
    held: Mutex<VecDeque<(PhotoId, Option<Arc<Canvas>>)>>,
}

impl Recent {
    fn new(most: usize) -> Self {
        Self { most, held: Mutex::default() }
    }

    /// The picture of a photo, as it is held or as `read` reads it; none where there is none.
    fn get(
        &self,
        photo: PhotoId,
        read: impl FnOnce() -> Result<Option<Canvas>, EngineError>,
    ) -> Result<Option<Arc<Canvas>>, EngineError> {
        let lock = || self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, canvas)) = lock().iter().find(|(held, _)| *held == photo) {
            return Ok(canvas.clone());
        }
        let canvas = read()?.map(Arc::new);
        let mut held = lock();
        held.push_back((photo, canvas.clone()));
        if held.len() > self.most {
            held.pop_front();
        }
        Ok(canvas)
    }
}

/// Proves pairs of photos of one library.
pub(super) struct Prover<'a> {
    catalog: &'a Catalog,
    decoders: &'a Decoders,
    proofs: &'a Proofs,
    stop: Stop,
    budget: Budget,
    thumbnails: Recent,
    photos: Recent,
}

impl<'a> Prover<'a> {
    /// A prover that works until the job should stop.
    pub fn new(cx: &JobCx<'a>) -> Result<Self, EngineError> {
        /// Pictures held at once: some 240 KB and 3 MB each.
        const THUMBNAILS: usize = 256;
        const PHOTOS: usize = 24;
        let engine = cx.engine();
        Ok(Self {
            catalog: engine.catalog()?,
            decoders: engine.decoders(),
            proofs: engine.proofs(),
            stop: cx.stop(),
            budget: Budget::default(),
            thumbnails: Recent::new(THUMBNAILS),
            photos: Recent::new(PHOTOS),
        })
    }

    /// Whether two photos show the very same.
    pub fn is_same(&self, one: PhotoId, other: PhotoId) -> Result<bool, EngineError> {
        let Some((first, second)) = self.hash(one)?.zip(self.hash(other)?) else { return Ok(false) };
        if let Some(known) = self.proofs.of(first, second) {
            return Ok(known);
        }
        let Some((a, b)) = self.thumbnail(one)?.zip(self.thumbnail(other)?) else { return Ok(false) };
        if may_be_same(&a, &b) {
            // What cannot be read now may be read later: that is not kept.
            let Some((a, b)) = self.whole(one, first)?.zip(self.whole(other, second)?) else { return Ok(false) };
            let same = prove_same(&a, &b).is_ok();
            self.proofs.keep(first, second, same);
            return Ok(same);
        }
        self.proofs.keep(first, second, false);
        Ok(false)
    }

    fn hash(&self, photo: PhotoId) -> Result<Option<ContentHash>, EngineError> {
        Ok(self.catalog.photo(photo)?.map(|row| ContentHash(row.hash)))
    }

    fn thumbnail(&self, photo: PhotoId) -> Result<Option<Arc<Canvas>>, EngineError> {
        self.thumbnails.get(photo, || {
            let Some(jpeg) = self.catalog.thumbnail(photo)? else { return Ok(None) };
            let decoded = decode_thumbnail(&jpeg, Canvas::SHORT_SIDE);
            Ok(decoded.ok().and_then(|rgb| Canvas::of(&rgb)))
        })
    }

    /// The photo as its file has it; none when no file has its content now.
    fn whole(&self, photo: PhotoId, hash: ContentHash) -> Result<Option<Arc<Canvas>>, EngineError> {
        self.photos.get(photo, || {
            for path in self.catalog.paths_of(photo)? {
                let opened = open_within(&self.budget, self.decoders, &path, (Canvas::SHORT_SIDE, None), &self.stop);
                if let Ok((photo, _share)) = opened
                    && photo.hash == hash
                {
                    return Ok(Canvas::of(&photo.rgb));
                }
            }
            Ok(None)
        })
    }
}

/// Those of `pairs` that show the very same.
pub(super) fn proven(cx: &JobCx<'_>, pairs: Vec<(i64, i64)>) -> Result<Vec<(i64, i64)>, EngineError> {
    let prover = Prover::new(cx)?;
    let total = pairs.len() as u64;
    let (mut done, mut kept) = (0, Vec::new());
    // Pairs of one group one after the other: each of its photos is read once.
    let work = |pair: (i64, i64)| (pair, prover.is_same(PhotoId(pair.0), PhotoId(pair.1)));
    work_ahead(cx, by_group(pairs), 64, work, |(pair, same)| {
        if same? {
            kept.push(pair);
        }
        done += 1;
        cx.progress("prove", done, total, None)
    })?;
    kept.sort_unstable();
    Ok(kept)
}

/// Pairs in an order in which those that hang together follow each other.
fn by_group(mut pairs: Vec<(i64, i64)>) -> Vec<(i64, i64)> {
    fn root(of: &mut HashMap<i64, i64>, photo: i64) -> i64 {
        let mut at = photo;
        while let Some(next) = of.get(&at).copied().filter(|next| *next != at) {
            at = next;
        }
        // The way there is made short.
        of.insert(photo, at);
        at
    }
    let mut of = HashMap::new();
    for (one, other) in &pairs {
        let (one, other) = (root(&mut of, *one), root(&mut of, *other));
        of.insert(one.max(other), one.min(other));
    }
    pairs.sort_by_cached_key(|pair| (root(&mut of, pair.0), *pair));
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_that_hang_together_follow_each_other() {
        let pairs = vec![(1, 9), (2, 3), (4, 9), (3, 7), (5, 6)];
        assert_eq!(by_group(pairs), [(1, 9), (4, 9), (2, 3), (3, 7), (5, 6)]);
    }
}
