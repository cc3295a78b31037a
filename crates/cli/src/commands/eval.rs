//! `sightline eval retrieval|zeroshot`

use std::path::PathBuf;

use clap::{Args, Subcommand};
use sightline_engine::EngineError;
use sightline_engine::eval::{Recall, RetrievalTask, ZeroshotTask};
use sightline_engine::jobs::{JobCx, JobEvent};

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
    /// Accuracy of naming photos that lie in folders named by what they show
    Zeroshot {
        /// Folder of folders; every one of them is a class, also when it is empty
        #[arg(long, value_name = "DIR")]
        folders: PathBuf,
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
            What::Zeroshot { folders } => {
                let task = ZeroshotTask { folders: folders.clone() };
                let report = with_progress(global, output, |cx| task.run(cx))?;
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

/// Runs work that leaves nothing in a library; in JSON mode only its result is printed.
pub(crate) fn with_progress<T>(
    global: &Global,
    output: Output,
    work: impl FnOnce(&JobCx<'_>) -> Result<T, EngineError>,
) -> anyhow::Result<T> {
    let engine = setup::without_library(global)?;
    let control = job_control(output)?;
    let screen = Screen::new(output);
    let only_failures = |event| {
        if let JobEvent::ItemFailed { code, message, .. } = event {
            output.note(&code, &message);
        }
    };
    let show = |event| screen.show(event);
    let on_event: &(dyn Fn(_) + Sync) = if output.json { &only_failures } else { &show };
    let result = work(&JobCx::without_row(&engine, &control, on_event));
    screen.close();
    Ok(result?)
}

fn row(name: &str, recall: &Recall) -> String {
    format!("{name}  {:6.2} {:6.2} {:6.2}", recall.r1, recall.r5, recall.r10)
}
