//! `sightline eval retrieval|caption|tags|exclusion|zeroshot`

use std::path::PathBuf;

use clap::{Args, Subcommand};
use sightline_engine::eval::{
    CaptionTask, EXCLUSION_PAIRS, ExclusionReport, ExclusionScore, ExclusionTask, PairScore, Recall, RetrievalTask,
    TagScore, TagTask, ZeroshotTask,
};
use sightline_engine::jobs::{JobCx, JobEvent};
use sightline_engine::{Engine, EngineError, Search};

use crate::Outcome;
use crate::args::Global;
use crate::interrupt::job_control;
use crate::output::{Output, duration};
use crate::progress::Screen;
use crate::setup;

/// Measure how well the model finds things, on photos whose content is known
#[derive(Debug, Args)]
pub(crate) struct Eval {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Recall at 1, 5 and 10 of photos by their captions and of captions by their photos
    Retrieval {
        /// Folder of the photos
        #[arg(long, value_name = "DIR")]
        images: PathBuf,
        /// CSV file with the columns image and caption
        #[arg(long, value_name = "CSV")]
        captions: PathBuf,
        /// Use only the images listed in this file, one a line
        #[arg(long, value_name = "FILE")]
        split: Option<PathBuf>,
    },
    /// BLEU, ROUGE-L and CIDEr-D of the model's captions
    Caption {
        /// Folder of the photos
        #[arg(long, value_name = "DIR")]
        images: PathBuf,
        /// CSV file with the columns image and caption
        #[arg(long, value_name = "CSV")]
        captions: PathBuf,
        /// Use only the images listed in this file, one a line
        #[arg(long, value_name = "FILE")]
        split: Option<PathBuf>,
        /// Sentences kept side by side while the best is searched for
        #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=20))]
        beam: u8,
        /// Write the model's captions, and which of them are shown, to this CSV file
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// How many of the proposed tags the photos' captions name
    Tags {
        /// Folder of the photos
        #[arg(long, value_name = "DIR")]
        images: PathBuf,
        /// CSV file with the columns image and caption
        #[arg(long, value_name = "CSV")]
        captions: PathBuf,
        /// Use only the images listed in this file, one a line
        #[arg(long, value_name = "FILE")]
        split: Option<PathBuf>,
    },
    /// What excluding a term, as in "dog -snow", takes away and what it leaves
    Exclusion {
        /// Folder of the photos
        #[arg(long, value_name = "DIR")]
        images: PathBuf,
        /// CSV file with the columns image and caption
        #[arg(long, value_name = "CSV")]
        captions: PathBuf,
        /// Use only the images listed in this file, one a line
        #[arg(long, value_name = "FILE")]
        split: Option<PathBuf>,
        /// What is wanted and what is not, as "dog -snow"; may be given again [default: twelve pairs of common words]
        #[arg(long = "pair", value_name = "WORDS", value_parser = pair)]
        pairs: Vec<(String, String)>,
    },
    /// Accuracy of naming photos that lie in folders named by what they show
    Zeroshot {
        /// Folder of folders; every one of them is a class, also when it is empty
        #[arg(long, value_name = "DIR")]
        folders: PathBuf,
        /// Use a version of the library, such as v1, or the latest
        #[arg(long, value_name = "NAME")]
        adapter: Option<String>,
    },
}

impl Eval {
    pub fn run(&self, global: &Global, output: Output) -> anyhow::Result<Outcome> {
        match &self.what {
            What::Retrieval { images, captions, split } => {
                let (images, captions, split) = (images.clone(), captions.clone(), split.clone());
                let task = RetrievalTask { images, captions, split };
                let report = with_progress(global, output, |cx| task.run(cx))?;
                if output.json {
                    output.object(&report)?;
                } else {
                    output.line("                R@1    R@5   R@10")?;
                    output.line(&row("text to image", &report.text_to_image))?;
                    output.line(&row("image to text", &report.image_to_text))?;
                    let (photos, captions) = (report.photos, report.captions);
                    let time = duration(report.seconds);
                    output.line(&format!("{photos} photos, {captions} captions, {time}"))?;
                }
            }
            What::Caption { images, captions, split, beam, out } => {
                let (images, captions, split) = (images.clone(), captions.clone(), split.clone());
                let search = Search { beam: usize::from(*beam), ..Search::default() };
                let task = CaptionTask { images, captions, split, search };
                let report = with_progress(global, output, |cx| task.run(cx))?;
                if let Some(out) = out {
                    let mut table = csv::Writer::from_path(out)?;
                    table.write_record(["image", "caption", "shown", "fit"])?;
                    for (image, judged) in &report.written {
                        let (shown, fit) = (if judged.is_shown { "yes" } else { "no" }, format!("{:.2}", judged.fit));
                        table.write_record([image, judged.caption.text.as_str(), shown, &fit])?;
                    }
                    table.flush()?;
                }
                if output.json {
                    output.object(&report)?;
                } else {
                    let [one, two, three, four] = report.bleu;
                    output.line(&format!("BLEU-1 {one:.1}  BLEU-2 {two:.1}  BLEU-3 {three:.1}  BLEU-4 {four:.1}"))?;
                    output.line(&format!("ROUGE-L {:.1}  CIDEr-D {:.1}", report.rouge_l, report.cider_d))?;
                    let (shown, share, cider) = (report.shown, report.share_shown, report.cider_d_shown);
                    output.line(&format!("{shown} captions are shown ({share:.1}%), CIDEr-D of those {cider:.1}"))?;
                    let (marked, wrong, others) = (report.uncertain, report.uncertain_wrong, report.certain_wrong);
                    output.line(&format!(
                        "{marked:.1}% of the words are uncertain; no person wrote {wrong:.0}% of them and {others:.0}% of the others"
                    ))?;
                    output.line(&format!("{} photos, {}", report.photos, duration(report.seconds)))?;
                }
            }
            What::Tags { images, captions, split } => {
                let (images, captions, split) = (images.clone(), captions.clone(), split.clone());
                let task = TagTask { images, captions, split };
                let report = with_progress(global, output, |cx| task.run(cx))?;
                if output.json {
                    output.object(&report)?;
                } else {
                    output.line("  bar  named  found  a photo")?;
                    for score in report.bars.iter().chain([&report.used]) {
                        let TagScore { bar, precision, recall, tags_per_photo } = score;
                        output.line(&format!("{bar:5.2} {precision:5.1}% {recall:5.1}% {tags_per_photo:8.2}"))?;
                    }
                    output.line(&format!("{} photos, {} tags; the last line is in use", report.photos, report.tags))?;
                }
            }
            What::Exclusion { images, captions, split, pairs } => {
                let (images, captions, split) = (images.clone(), captions.clone(), split.clone());
                let usual = || EXCLUSION_PAIRS.map(|(wanted, unwanted)| (wanted.into(), unwanted.into())).to_vec();
                let pairs = if pairs.is_empty() { usual() } else { pairs.clone() };
                let task = ExclusionTask { images, captions, split, pairs };
                let report = with_progress(global, output, |cx| task.run(cx))?;
                if output.json {
                    output.object(&report)?;
                } else {
                    exclusion_table(output, &report)?;
                }
            }
            What::Zeroshot { folders, adapter } => {
                let task = ZeroshotTask { folders: folders.clone(), adapter: adapter.clone() };
                let engine = match adapter {
                    Some(_) => setup::reader(global)?,
                    None => setup::without_library(global)?,
                };
                let report = with_progress_on(&engine, output, |cx| task.run(cx))?;
                if output.json {
                    output.object(&report)?;
                } else {
                    let (top1, top5) = (report.top1, report.top5);
                    output.line(&format!("top-1 {top1:.2}%  top-5 {top5:.2}%"))?;
                    output.line(&format!("{} photos, {} classes", report.photos, report.classes))?;
                }
            }
        }
        Ok(Outcome::Done)
    }
}

/// The words before and after ` -`.
fn pair(text: &str) -> Result<(String, String), String> {
    let both = text.split_once(" -").map(|(wanted, unwanted)| (wanted.trim().to_owned(), unwanted.trim().to_owned()));
    both.filter(|(wanted, unwanted)| !wanted.is_empty() && !unwanted.is_empty())
        .ok_or_else(|| "name what is wanted and what is not, as in \"dog -snow\"".into())
}

fn exclusion_table(output: Output, report: &ExclusionReport) -> anyhow::Result<()> {
    output.line("query                relevant  found alone  found    kept | unwanted  removed")?;
    for score in &report.pairs {
        let PairScore { relevant, recall_alone, recall, kept, unwanted_found, removed, .. } = score;
        let query = format!("{} -{}", score.wanted, score.unwanted);
        output.line(&format!(
            "{query:20} {relevant:8} {recall_alone:11.1}% {recall:5.1}% {kept:6.1}% | {unwanted_found:8} {removed:7.1}%"
        ))?;
    }
    output.line("  bar    kept   least  removed")?;
    for ExclusionScore { bar, kept, least_kept, removed } in report.bars.iter().chain([&report.used]) {
        output.line(&format!("{bar:5.2} {kept:6.1}% {least_kept:6.1}% {removed:7.1}%"))?;
    }
    output.line(&format!("{} photos; the last line is in use", report.photos))
}

/// Runs work that leaves nothing in a library; in JSON mode only its result is printed.
pub(crate) fn with_progress<T>(
    global: &Global,
    output: Output,
    work: impl FnOnce(&JobCx<'_>) -> Result<T, EngineError>,
) -> anyhow::Result<T> {
    with_progress_on(&setup::without_library(global)?, output, work)
}

fn with_progress_on<T>(
    engine: &Engine,
    output: Output,
    work: impl FnOnce(&JobCx<'_>) -> Result<T, EngineError>,
) -> anyhow::Result<T> {
    let control = job_control(output)?;
    let screen = Screen::new(output);
    let only_failures = |event| {
        if let JobEvent::ItemFailed { code, message, .. } = event {
            output.note(&code, &message);
        }
    };
    let show = |event| screen.show(event);
    let on_event: &(dyn Fn(_) + Sync) = if output.json { &only_failures } else { &show };
    let result = work(&JobCx::without_row(engine, &control, on_event));
    screen.close();
    Ok(result?)
}

fn row(name: &str, recall: &Recall) -> String {
    format!("{name}  {:6.2} {:6.2} {:6.2}", recall.r1, recall.r5, recall.r10)
}
