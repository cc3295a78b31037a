//! `sightline bench`

use std::path::{Path, PathBuf};

use clap::Args;
use sightline_engine::bench::{BenchReport, BenchTask, QueryLatency, queries};

use super::eval::with_progress;
use crate::Outcome;
use crate::args::Global;
use crate::output::{Output, bytes};

/// Measure how fast this machine decodes, embeds, indexes and searches
#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// Photos to measure with [default: assets/samples if there, else generated 12 MP JPEGs]
    #[arg(long, value_name = "DIR", conflicts_with = "generated")]
    images: Option<PathBuf>,
    /// Measure with generated 12-megapixel JPEGs
    #[arg(long)]
    generated: bool,
    /// Measure searching alone, and the memory of the model loaded for it
    #[arg(long, conflicts_with_all = ["images", "generated", "runs"])]
    queries: bool,
    /// Runs of which the median is shown
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    runs: u16,
    /// Numbers of vectors to search among
    #[arg(long, value_name = "N", value_delimiter = ',', default_value = "10000,100000,1000000")]
    vectors: Vec<usize>,
}

impl Bench {
    pub fn run(&self, global: &Global, output: Output) -> anyhow::Result<Outcome> {
        if self.queries {
            let report = with_progress(global, output, |cx| queries(cx, &self.vectors))?;
            if output.json {
                output.object(&report)?;
                return Ok(Outcome::Done);
            }
            line(output, "model", format!("{}, {}", report.model, report.device))?;
            line(output, "model load to first answer", format!("{:.0} ms", report.first_answer_ms))?;
            if let (Some(memory), Some(peak)) = (report.memory_bytes, report.peak_memory_bytes) {
                line(output, "memory, loaded for searching", format!("{} (most {})", bytes(memory), bytes(peak)))?;
            }
            report.query.iter().try_for_each(|query| latency(output, query))?;
            return Ok(Outcome::Done);
        }
        let samples = Path::new("assets/samples");
        let samples = (!self.generated && samples.is_dir()).then(|| samples.to_path_buf());
        let task =
            BenchTask { images: self.images.clone().or(samples), runs: self.runs.into(), sizes: self.vectors.clone() };
        let report = with_progress(global, output, |cx| task.run(cx))?;
        if output.json {
            output.object(&report)?
        } else {
            print(output, &report)?
        }
        Ok(Outcome::Done)
    }
}

fn line(output: Output, name: &str, value: String) -> anyhow::Result<()> {
    output.line(&format!("{name:34} {value}"))
}

fn latency(output: Output, query: &QueryLatency) -> anyhow::Result<()> {
    let latency = |p50, p95| format!("p50 {p50:.2} ms, p95 {p95:.2} ms");
    let search = latency(query.search_p50_ms, query.search_p95_ms);
    line(output, &format!("search among {} vectors", query.vectors), search)?;
    line(output, "  with embedding the words", latency(query.total_p50_ms, query.total_p95_ms))
}

fn print(output: Output, report: &BenchReport) -> anyhow::Result<()> {
    let line = |name: &str, value: String| line(output, name, value);
    line("photos", report.photos.clone())?;
    line("cores", report.cores.to_string())?;
    line("model load to first answer", format!("{:.0} ms", report.first_answer_ms))?;
    line("decode, one thread", format!("{:.1} photos/s", report.decode.one_thread))?;
    line("decode, all threads", format!("{:.1} photos/s", report.decode.all_threads))?;
    for rate in &report.embed {
        let name = format!("embed, {}, batch {}", rate.device, rate.batch);
        line(&name, format!("{:.1} photos/s", rate.photos_per_second))?;
    }
    line("index, end to end", format!("{:.1} photos/s", report.end_to_end))?;
    if let Some(caption) = &report.caption {
        line("caption of a 12 MP JPEG, first word", format!("{:.0} ms", caption.first_word_ms))?;
        line("caption of a 12 MP JPEG, whole", format!("{:.0} ms", caption.whole_ms))?;
        let name = format!("captions, batch {}", caption.batch);
        line(&name, format!("{:.1} photos/s", caption.photos_per_second))?;
    }
    report.query.iter().try_for_each(|query| latency(output, query))?;
    for (name, peak) in [
        ("peak memory, indexing", report.index_peak_memory_bytes),
        ("peak memory, with all vectors", report.peak_memory_bytes),
    ] {
        if let Some(peak) = peak {
            line(name, bytes(peak))?;
        }
    }
    Ok(())
}
