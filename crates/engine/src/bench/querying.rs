//! Milliseconds a query takes, and a cold start.

use std::time::Instant;

use sightline_catalog::{PhotoId, VectorIndex};

use super::{QueryLatency, quantile, two_decimals};
use crate::jobs::JobCx;
use crate::model_host::Lane;
use crate::{Engine, EngineError};

const QUERIES: [&str; 8] = [
    "a dog swimming in a lake",
    "two children on a beach at sunset",
    "red car",
    "a plate of pasta with basil",
    "snow on the mountains",
    "people dancing at a wedding",
    "an old stone bridge over a river",
    "a cat asleep on a keyboard",
];
/// Times each query is asked.
const REPEATS: usize = 25;
/// Hits asked for, as a screen shows them.
const HITS: usize = 50;

/// Milliseconds to load the model and embed a first text.
pub(super) fn first_answer(cx: &JobCx<'_>) -> Result<f64, EngineError> {
    let started = Instant::now();
    let engine = Engine::without_library(cx.engine().config().clone())?;
    engine.host().embed_texts(Lane::Interactive, vec![QUERIES[0].into()]).wait()?;
    Ok(two_decimals(started.elapsed().as_secs_f64() * 1000.0))
}

/// Milliseconds until this engine's model has embedded a first text; then it embeds some more.
pub(super) fn first_texts(cx: &JobCx<'_>) -> Result<f64, EngineError> {
    let started = Instant::now();
    let ask = |text: &str| cx.engine().host().embed_texts(Lane::Interactive, vec![text.into()]).wait();
    ask(QUERIES[0])?;
    let first = two_decimals(started.elapsed().as_secs_f64() * 1000.0);
    QUERIES.iter().try_for_each(|text| ask(text).map(drop))?;
    Ok(first)
}

/// Latencies among random vectors, whose search costs the same as that of real ones.
pub(super) fn latencies(cx: &JobCx<'_>, sizes: &[usize]) -> Result<Vec<QueryLatency>, EngineError> {
    let host = cx.engine().host();
    let dims = host.spec()?.dims;
    let mut latencies = Vec::with_capacity(sizes.len());
    for (number, &size) in sizes.iter().enumerate() {
        let vectors = random_vectors(size, dims);
        let (mut search, mut total) = (Vec::new(), Vec::new());
        for repeat in 0..REPEATS {
            for query in QUERIES {
                cx.check()?;
                let started = Instant::now();
                let text = vec![query.to_owned()];
                let question = host.embed_texts(Lane::Interactive, text).wait()?.swap_remove(0);
                let embedded = Instant::now();
                let hits = vectors.nearest(question.as_slice(), HITS, None);
                let found = Instant::now();
                // The first round warms the caches; the hits are used, so that none is optimised away.
                if repeat > 0 && !hits.is_empty() {
                    search.push((found - embedded).as_secs_f64() * 1000.0);
                    total.push((found - started).as_secs_f64() * 1000.0);
                }
            }
        }
        latencies.push(QueryLatency {
            vectors: size,
            search_p50_ms: two_decimals(quantile(&mut search, 0.5)),
            search_p95_ms: two_decimals(quantile(&mut search, 0.95)),
            total_p50_ms: two_decimals(quantile(&mut total, 0.5)),
            total_p95_ms: two_decimals(quantile(&mut total, 0.95)),
        });
        cx.progress("query", number as u64 + 1, sizes.len() as u64, None)?;
    }
    Ok(latencies)
}

/// Vectors of about unit length from a fixed seed.
fn random_vectors(count: usize, dims: usize) -> VectorIndex {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let scale = (3.0 / dims.max(1) as f32).sqrt();
    let mut row = vec![0.0f32; dims];
    let rows = (0..count).map(|id| {
        for value in &mut row {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            *value = ((state >> 40) as f32 / (1 << 23) as f32 - 1.0) * scale;
        }
        (PhotoId(id as i64), row.clone())
    });
    VectorIndex::from_rows(dims, rows)
}
