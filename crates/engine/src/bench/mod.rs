//! How fast this machine is: decoding, embedding, indexing, describing, searching, starting.
//!
//! Every figure is a median of several runs. It needs no library and leaves nothing behind.

mod captioning;
mod indexing;
mod photos;
mod querying;

pub use captioning::CaptionSpeed;

use std::path::PathBuf;
use std::time::Instant;

use serde::Serialize;

use crate::eval::two_decimals;
use crate::jobs::{JobControl, JobCx};
use crate::model_host::Lane;
use crate::{Engine, EngineError};

/// What to measure, and on what.
#[derive(Debug, Clone)]
pub struct BenchTask {
    /// Photos to use; without it, 12-megapixel JPEGs are generated.
    pub images: Option<PathBuf>,
    /// Runs of which the median is taken; at least 5 make a figure worth quoting.
    pub runs: usize,
    /// Numbers of vectors to search among.
    pub sizes: Vec<usize>,
}

impl Default for BenchTask {
    fn default() -> Self {
        Self { images: None, runs: 5, sizes: vec![10_000, 100_000, 1_000_000] }
    }
}

/// The figures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BenchReport {
    /// Photos used and where they are from.
    pub photos: String,
    /// Cores of the machine.
    pub cores: usize,
    /// Reading, decoding and preparing, photos a second: on one thread and on all.
    pub decode: DecodeRate,
    /// The model alone, by device and batch.
    pub embed: Vec<EmbedRate>,
    /// Indexing into an empty library, photos a second.
    pub end_to_end: f64,
    /// Captions, if the model writes any.
    pub caption: Option<CaptionSpeed>,
    /// Searching, by number of vectors.
    pub query: Vec<QueryLatency>,
    /// Milliseconds from a cold process's first call to the first text embedded.
    pub first_answer_ms: f64,
    /// The most memory held up to the end of indexing, in bytes, where the system tells.
    pub index_peak_memory_bytes: Option<u64>,
    /// The most memory held at all, so with the most vectors searched.
    pub peak_memory_bytes: Option<u64>,
}

/// What a model costs that is loaded for searching, and nothing else.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct QueryReport {
    /// The model's name.
    pub model: String,
    /// The device that it runs on.
    pub device: String,
    /// Milliseconds from a process's first call to the first text embedded.
    pub first_answer_ms: f64,
    /// Memory that the process holds once it has embedded some texts, before there are vectors, where the system tells.
    pub memory_bytes: Option<u64>,
    /// Most that it held so far.
    pub peak_memory_bytes: Option<u64>,
    /// Searching, by number of vectors.
    pub query: Vec<QueryLatency>,
}

/// Photos decoded a second.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct DecodeRate {
    /// On one thread.
    pub one_thread: f64,
    /// On as many threads as there are cores.
    pub all_threads: f64,
}

/// Photos embedded a second.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EmbedRate {
    /// The device's name.
    pub device: String,
    /// Photos a batch.
    pub batch: usize,
    /// Median photos a second.
    pub photos_per_second: f64,
}

/// Milliseconds that a query takes, warm.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct QueryLatency {
    /// Vectors searched.
    pub vectors: usize,
    /// Half of the searches are faster, without embedding the words.
    pub search_p50_ms: f64,
    /// 95 of 100 searches are faster, without embedding the words.
    pub search_p95_ms: f64,
    /// Half of the queries are faster, from words to hits.
    pub total_p50_ms: f64,
    /// 95 of 100 queries are faster, from words to hits.
    pub total_p95_ms: f64,
}

impl BenchTask {
    /// Measures everything; minutes on a small machine.
    ///
    /// # Errors
    /// When the photos or the model cannot be used, or the job is stopped.
    pub fn run(&self, cx: &JobCx<'_>) -> Result<BenchReport, EngineError> {
        let first_answer_ms = querying::first_answer(cx)?;
        let scratch = tempfile::tempdir().map_err(|source| EngineError::Io { path: std::env::temp_dir(), source })?;
        let (paths, photos) = photos::gather(cx, self.images.as_deref(), scratch.path())?;
        let decode = indexing::decode(cx, &paths, self.runs)?;
        let embed = indexing::embed(cx, &paths, self.runs)?;
        let end_to_end = indexing::end_to_end(cx, &paths, scratch.path(), self.runs)?;
        let index_peak_memory_bytes = peak_memory_bytes();
        let caption = captioning::captions(cx, scratch.path(), self.runs)?;
        let query = querying::latencies(cx, &self.sizes)?;
        Ok(BenchReport {
            photos,
            cores: crate::loading::threads(),
            decode,
            embed,
            end_to_end,
            caption,
            query,
            first_answer_ms,
            index_peak_memory_bytes,
            peak_memory_bytes: peak_memory_bytes(),
        })
    }
}

/// Measures searching alone, among so many random vectors at a time: the way to compare the text towers of models.
///
/// # Errors
/// When the model cannot be used, or the job is stopped.
pub fn queries(cx: &JobCx<'_>, sizes: &[usize]) -> Result<QueryReport, EngineError> {
    let first_answer_ms = querying::first_texts(cx)?;
    let (memory_bytes, peak_memory_bytes) = (memory_bytes("VmRSS:"), memory_bytes("VmHWM:"));
    let host = cx.engine().host();
    let (model, device) = (host.spec()?.name.clone(), host.ready(Lane::Interactive).wait()?.device.name);
    let query = querying::latencies(cx, sizes)?;
    Ok(QueryReport { model, device, first_answer_ms, memory_bytes, peak_memory_bytes, query })
}

/// Photos that the model embeds in a second on the device in use, in batches of 16: the median of 5 runs.
///
/// # Errors
/// When the model cannot be used, or the job is stopped.
pub fn device_speed(engine: &Engine, control: &JobControl) -> Result<(String, f64), EngineError> {
    let cx = JobCx::without_row(engine, control, &|_| {});
    let ready = engine.host().ready(Lane::Batch).wait()?;
    let photo = ready.preprocess.prepare(256, 256, &[127; 256 * 256 * 3])?;
    let rate = indexing::embed_rate(&cx, engine, &vec![photo; 16], 5)?;
    Ok((ready.device.name, rate))
}

/// Seconds that `work` takes.
fn timed(work: impl FnOnce() -> Result<(), EngineError>) -> Result<f64, EngineError> {
    let started = Instant::now();
    work()?;
    Ok(started.elapsed().as_secs_f64().max(1e-9))
}

/// The value below which `part` (0..=1) of the samples lie.
fn quantile(samples: &mut [f64], part: f64) -> f64 {
    samples.sort_by(f64::total_cmp);
    let last = samples.len().saturating_sub(1);
    samples.get((part * last as f64).round() as usize).copied().unwrap_or(0.0)
}

/// Linux tells in `/proc`; elsewhere there is no answer without further dependencies.
fn peak_memory_bytes() -> Option<u64> {
    memory_bytes("VmHWM:")
}

fn memory_bytes(what: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(what))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_taken_from_the_sorted_samples() {
        let mut samples = vec![5.0, 1.0, 3.0, 2.0, 4.0];
        assert_eq!(quantile(&mut samples, 0.5), 3.0);
        assert_eq!(quantile(&mut samples, 0.95), 5.0);
        assert_eq!(quantile(&mut [], 0.5), 0.0);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_peak_of_memory_is_known() {
        assert!(peak_memory_bytes().unwrap() > 1 << 20);
    }
}
