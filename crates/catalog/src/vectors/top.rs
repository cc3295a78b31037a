//! The best few of many scores, without sorting the many.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use crate::tables::photo::PhotoId;

/// A photo and its score; the greater entry is the worse one.
#[derive(Debug, Clone, Copy)]
struct Entry {
    id: PhotoId,
    score: f32,
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        // Never of a NaN, see `push`. Of equal scores the first photo is the better.
        other.score.partial_cmp(&self.score).unwrap_or(Ordering::Equal).then(self.id.cmp(&other.id))
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Entry {}

/// Keeps the best `limit` of what it is given: a heap with the worst of them on top. What it
/// keeps does not depend on the order in which they came.
#[derive(Debug)]
pub(super) struct Top {
    limit: usize,
    heap: BinaryHeap<Entry>,
    /// What scores less is of no interest: most of what comes, so it is known without the heap.
    floor: f32,
}

impl Top {
    pub fn new(limit: usize) -> Self {
        Self { limit, heap: BinaryHeap::new(), floor: f32::NEG_INFINITY }
    }

    /// Takes a score; one that is not a number is no match for anything.
    pub fn push(&mut self, id: PhotoId, score: f32) {
        if score < self.floor || score.is_nan() {
            return;
        }
        let entry = Entry { id, score };
        if self.heap.len() < self.limit {
            self.heap.push(entry);
        } else if let Some(mut worst) = self.heap.peek_mut()
            && entry < *worst
        {
            *worst = entry;
        }
        if let Some(worst) = self.worst_if_full() {
            self.floor = worst;
        }
    }

    /// Takes what another has kept.
    pub fn merge(&mut self, other: Self) {
        for Entry { id, score } in other.heap {
            self.push(id, score);
        }
    }

    /// The worst score that it keeps, once it has as many as it may.
    pub fn worst_if_full(&self) -> Option<f32> {
        (self.heap.len() == self.limit).then(|| self.heap.peek().map(|entry| entry.score)).flatten()
    }

    /// Best first.
    pub fn into_sorted(self) -> Vec<(PhotoId, f32)> {
        self.heap.into_sorted_vec().into_iter().map(|Entry { id, score }| (id, score)).collect()
    }
}
