//! The exact search: every row, or every row that a filter lets through.

use std::ops::Range;

use rayon::prelude::*;

use super::VectorIndex;
use super::screen::Bounds;
use super::simd::{Kernel, Query};
use super::top::Top;
use crate::tables::photo::PhotoId;

/// Rows that a thread takes at a time: a megabyte at 512 dimensions.
const CHUNK: usize = 1024;

/// Rows below which a first look does not pay.
const SCREENED: usize = 2048;

/// Where all scores of a search lie, for telling a match from chance.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ScoreStats {
    /// Photos compared.
    pub count: usize,
    /// Their mean score; 0 when there are none.
    pub mean: f64,
    /// The standard deviation of their scores; 0 when there are none.
    pub standard_deviation: f64,
}

/// What a search found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Nearest {
    /// Photos and scores, best first.
    pub hits: Vec<(PhotoId, f32)>,
    /// Over all photos compared, hits or not.
    pub stats: ScoreStats,
}

/// What one chunk adds.
struct Part {
    top: Top,
    count: usize,
    sum: f64,
    squares: f64,
}

/// The rows that a search is about.
enum Among {
    All(usize),
    /// Their positions, in order.
    Some(Vec<usize>),
}

impl Among {
    fn len(&self) -> usize {
        match self {
            Self::All(count) => *count,
            Self::Some(positions) => positions.len(),
        }
    }

    /// Calls `work` for each chunk, on all threads; the results are in order.
    fn each_chunk<T: Send>(&self, work: impl Fn(usize, Chunk<'_>) -> T + Sync) -> Vec<T> {
        let chunks = (0..self.len().div_ceil(CHUNK)).into_par_iter();
        let chunk = |number: usize| {
            let range = number * CHUNK..self.len().min((number + 1) * CHUNK);
            work(number, Chunk { among: self, range })
        };
        chunks.map(chunk).collect()
    }
}

/// The positions of a chunk of rows.
#[derive(Clone)]
struct Chunk<'a> {
    among: &'a Among,
    range: Range<usize>,
}

impl Iterator for Chunk<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let index = self.range.next()?;
        Some(match self.among {
            Among::All(_) => index,
            Among::Some(positions) => positions[index],
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.range.size_hint()
    }
}

impl ExactSizeIterator for Chunk<'_> {}

impl VectorIndex {
    /// The `limit` photos whose vectors have the greatest dot products with `query`, best first;
    /// of equal scores the lower photo number comes first. `allow`, sorted, limits the search to
    /// some photos. The same call gives the same answer on any number of threads. Scores that are
    /// not numbers are left out.
    ///
    /// # Panics
    /// When `query` is not of [`dims`](Self::dims) numbers.
    pub fn nearest(&self, query: &[f32], limit: usize, allow: Option<&[PhotoId]>) -> Vec<(PhotoId, f32)> {
        let among = self.among(allow);
        let screened = self.screen.query(query).filter(|_| among.len() >= SCREENED && limit <= among.len() / 16);
        let Some(screened) = screened else {
            return self.all_scores(query, limit, &among).hits;
        };
        let query = self.query(query);
        let looks = among.each_chunk(|_, positions| {
            let mut low = Top::new(limit);
            let bounds = positions.clone().zip(self.screen.bounds(&screened, positions));
            let keep = |(position, bounds): (usize, Bounds)| {
                low.push(self.ids[position], bounds.low);
                bounds.high
            };
            let highs: Vec<f32> = bounds.map(keep).collect();
            (low, highs)
        });
        let mut lows = Top::new(limit);
        let highs: Vec<Vec<f32>> = looks
            .into_iter()
            .map(|(low, highs)| {
                lows.merge(low);
                highs
            })
            .collect();
        // As many rows as are wanted score at least this, so what cannot is not among them.
        let least = lows.worst_if_full().unwrap_or(f32::NEG_INFINITY);
        let parts = among.each_chunk(|chunk, positions| {
            // A bound that is not a number says nothing.
            let possible = |high: f32| high >= least || high.is_nan();
            let positions = positions.zip(&highs[chunk]).filter(|(_, high)| possible(**high));
            self.part(&query, positions.map(|(position, _)| position).collect::<Vec<_>>().into_iter(), limit)
        });
        merge(parts, limit).hits
    }

    /// As [`nearest`](Self::nearest), with the figures of all scores; it has to compute all of
    /// them, and takes about twice as long.
    ///
    /// # Panics
    /// When `query` is not of [`dims`](Self::dims) numbers.
    pub fn nearest_with_stats(&self, query: &[f32], limit: usize, allow: Option<&[PhotoId]>) -> Nearest {
        self.all_scores(query, limit, &self.among(allow))
    }

    fn all_scores(&self, query: &[f32], limit: usize, among: &Among) -> Nearest {
        let query = self.query(query);
        merge(among.each_chunk(|_, positions| self.part(&query, positions, limit)), limit)
    }

    fn part(&self, query: &Query, positions: impl ExactSizeIterator<Item = usize> + Clone, limit: usize) -> Part {
        let scores = Kernel::best().scores(query, positions.clone().map(|position| self.row(position)));
        part(positions.map(|position| self.ids[position]), &scores, limit)
    }

    fn among(&self, allow: Option<&[PhotoId]>) -> Among {
        allow.map_or(Among::All(self.len()), |allow| Among::Some(self.positions(allow)))
    }

    /// The figures of all scores.
    ///
    /// # Panics
    /// When `query` is not of [`dims`](Self::dims) numbers.
    pub fn stats(&self, query: &[f32]) -> ScoreStats {
        self.nearest_with_stats(query, 0, None).stats
    }

    /// The scores of the given photos, in their order; none for one that is not in the index.
    ///
    /// # Panics
    /// When `query` is not of [`dims`](Self::dims) numbers.
    pub fn scores_for(&self, query: &[f32], photos: &[PhotoId]) -> Vec<Option<f32>> {
        let query = self.query(query);
        let score = |position| Kernel::best().scores(&query, std::iter::once(self.row(position))).pop();
        photos.iter().map(|photo| self.ids.binary_search(photo).ok().and_then(score)).collect()
    }

    /// The photos whose dot product with `query` is at least `least`, sorted; `allow`, sorted, limits it to some photos.
    ///
    /// # Panics
    /// When `query` is not of [`dims`](Self::dims) numbers.
    pub fn at_least(&self, query: &[f32], least: f32, allow: Option<&[PhotoId]>) -> Vec<PhotoId> {
        let query = self.query(query);
        let found = self.among(allow).each_chunk(|_, positions| {
            let scores = Kernel::best().scores(&query, positions.clone().map(|position| self.row(position)));
            let high = positions.zip(scores).filter(|(_, score)| *score >= least);
            high.map(|(position, _)| self.ids[position]).collect::<Vec<_>>()
        });
        found.concat()
    }

    fn query(&self, query: &[f32]) -> Query {
        assert_eq!(query.len(), self.dims, "a query of another length than the vectors");
        Query::new(query)
    }

    /// Where the allowed photos' rows are, in order.
    fn positions(&self, allow: &[PhotoId]) -> Vec<usize> {
        debug_assert!(allow.is_sorted(), "the allowed photos are sorted");
        let mut positions = Vec::with_capacity(allow.len().min(self.ids.len()));
        let mut from = 0;
        for (index, id) in allow.iter().enumerate() {
            if index > 0 && allow[index - 1] == *id {
                continue;
            }
            from += skip(&self.ids[from..], *id);
            if self.ids.get(from) == Some(id) {
                positions.push(from);
                from += 1;
            }
        }
        positions
    }
}

/// How many of the sorted `ids` come before `id`: in ever longer steps, so that neighbours are
/// found at once and distant ones in logarithmic time.
fn skip(ids: &[PhotoId], id: PhotoId) -> usize {
    let mut end = 1;
    while end < ids.len() && ids[end - 1] < id {
        end *= 2;
    }
    let start = end / 2;
    let end = end.min(ids.len());
    start.min(end) + ids[start.min(end)..end].partition_point(|other| *other < id)
}

fn part(ids: impl Iterator<Item = PhotoId>, scores: &[f32], limit: usize) -> Part {
    let mut part = Part { top: Top::new(limit), count: 0, sum: 0.0, squares: 0.0 };
    for (id, &score) in ids.zip(scores) {
        if score.is_nan() {
            continue;
        }
        part.top.push(id, score);
        part.count += 1;
        part.sum += f64::from(score);
        part.squares += f64::from(score) * f64::from(score);
    }
    part
}

/// Puts the parts together in their order, so that the sums do not depend on the threads.
fn merge(parts: Vec<Part>, limit: usize) -> Nearest {
    let mut all = Part { top: Top::new(limit), count: 0, sum: 0.0, squares: 0.0 };
    for part in parts {
        all.top.merge(part.top);
        all.count += part.count;
        all.sum += part.sum;
        all.squares += part.squares;
    }
    let count = all.count.max(1) as f64;
    let mean = all.sum / count;
    let standard_deviation = (all.squares / count - mean * mean).max(0.0).sqrt();
    Nearest { hits: all.top.into_sorted(), stats: ScoreStats { count: all.count, mean, standard_deviation } }
}
