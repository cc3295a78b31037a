//! Photos a second: decoding, embedding, and both together with the catalogue.

use std::path::{Path, PathBuf};

use sightline_vlm::{DeviceChoice, ModelInput, adapters};

use super::{DecodeRate, EmbedRate, quantile, timed, two_decimals};
use crate::index::IndexJob;
use crate::jobs::{JobControl, JobCx};
use crate::loading::work_ahead;
use crate::model_host::Lane;
use crate::{Engine, EngineConfig, EngineError};

/// Photos a batch.
const BATCHES: [usize; 4] = [1, 4, 16, 32];

pub(super) fn decode(cx: &JobCx<'_>, paths: &[PathBuf], runs: usize) -> Result<DecodeRate, EngineError> {
    let loader = cx.loader(cx.engine().host().ready(Lane::Batch).wait()?.preprocess);
    let (mut one, mut all) = (Vec::new(), Vec::new());
    for run in 0..runs {
        let seconds = timed(|| {
            paths.iter().try_for_each(|path| {
                cx.check()?;
                loader.load(path).map(drop)
            })
        })?;
        one.push(paths.len() as f64 / seconds);
        let work = |path: PathBuf| loader.load(&path).map(drop);
        let seconds = timed(|| work_ahead(cx, paths.to_vec(), 32, work, |result| result))?;
        all.push(paths.len() as f64 / seconds);
        cx.progress("decode", run as u64 + 1, runs as u64, None)?;
    }
    Ok(DecodeRate {
        one_thread: two_decimals(quantile(&mut one, 0.5)),
        all_threads: two_decimals(quantile(&mut all, 0.5)),
    })
}

/// The model alone, on the CPU, on a GPU if there is one, and on the device asked for.
pub(super) fn embed(cx: &JobCx<'_>, paths: &[PathBuf], runs: usize) -> Result<Vec<EmbedRate>, EngineError> {
    let config = cx.engine().config();
    let loader = cx.loader(cx.engine().host().ready(Lane::Batch).wait()?.preprocess);
    let mut inputs = Vec::new();
    for path in paths.iter().take(BATCHES[BATCHES.len() - 1]) {
        inputs.push(loader.load(path)?);
    }
    let mut devices = vec![DeviceChoice::Cpu];
    if config.device != DeviceChoice::Cpu && adapters().iter().any(|adapter| !adapter.software) {
        devices.push(DeviceChoice::Gpu);
    }
    if config.device == DeviceChoice::Software {
        devices.push(DeviceChoice::Software);
    }
    let mut rates = Vec::new();
    let total = (devices.len() * BATCHES.len()) as u64;
    for device in devices {
        let engine = Engine::without_library(EngineConfig { device, ..config.clone() })?;
        let name = engine.host().ready(Lane::Batch).wait()?.device.name;
        for batch in BATCHES {
            let photos: Vec<ModelInput> = inputs.iter().cycle().take(batch).cloned().collect();
            let rate = two_decimals(embed_rate(cx, &engine, &photos, runs)?);
            rates.push(EmbedRate { device: name.clone(), batch, photos_per_second: rate });
            cx.progress("embed", rates.len() as u64, total, None)?;
        }
    }
    Ok(rates)
}

pub(super) fn embed_rate(
    cx: &JobCx<'_>,
    engine: &Engine,
    photos: &[ModelInput],
    runs: usize,
) -> Result<f64, EngineError> {
    let embed = || engine.host().embed_images(Lane::Batch, photos.to_vec()).wait().map(drop);
    // The first pass compiles kernels and fills caches.
    embed()?;
    let repeats = (16 / photos.len()).max(1);
    let mut rates = Vec::new();
    for _ in 0..runs {
        cx.check()?;
        let seconds = timed(|| (0..repeats).try_for_each(|_| embed()))?;
        rates.push((repeats * photos.len()) as f64 / seconds);
    }
    Ok(quantile(&mut rates, 0.5))
}

/// Walk, hash, decode, embed, thumbnail, commit, with the model loaded.
pub(super) fn end_to_end(cx: &JobCx<'_>, paths: &[PathBuf], scratch: &Path, runs: usize) -> Result<f64, EngineError> {
    // A folder of the measured photos only; copies, as links may not be allowed.
    let folder = scratch.join("photos");
    let io = |path: &Path| {
        let path = path.to_path_buf();
        move |source| EngineError::Io { path, source }
    };
    std::fs::create_dir_all(&folder).map_err(io(&folder))?;
    for (number, path) in paths.iter().enumerate() {
        let extension = path.extension().unwrap_or_default();
        let copy = folder.join(number.to_string()).with_extension(extension);
        std::fs::copy(path, &copy).map_err(io(&copy))?;
    }
    let mut rates = Vec::new();
    for run in 0..runs {
        cx.check()?;
        let library = scratch.join(format!("library-{run}"));
        let engine = cx.engine().with_library(&library)?;
        let mut job = IndexJob::new(std::slice::from_ref(&folder), false)?;
        let seconds = timed(|| engine.run_job(&mut job, &JobControl::new(), &|_| {}))?;
        rates.push(job.summary.embedded as f64 / seconds);
        cx.progress("index", run as u64 + 1, runs as u64, None)?;
    }
    Ok(two_decimals(quantile(&mut rates, 0.5)))
}
