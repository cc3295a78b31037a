//! `sightline caption FILE...`

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::json;
use sightline_engine::captions::{CaptionFiles, CaptionedFile, Judged, UNCERTAIN, WriteTo};
use sightline_engine::foreign_text::for_table;
use sightline_engine::jobs::{JobCx, JobEvent};
use sightline_engine::{CaptionAuthor, EngineError, Overwrite, Sampling, Search};

use crate::Outcome;
use crate::args::Global;
use crate::interrupt::job_control;
use crate::output::{Output, Tone, put_path, shown};
use crate::progress::Screen;
use crate::setup;

/// Describe photos in a sentence each, and keep or write out the captions if asked to
///
/// Where the model's sentence does not fit its photo it says what it is sure of instead, and writes nothing out.
#[derive(Debug, Args)]
pub(crate) struct Caption {
    /// Sentences kept side by side while the best is searched for; 1 is fastest
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=20))]
    beam: u8,
    /// Draw words at random instead, for variety
    #[arg(long)]
    sample: bool,
    /// The same seed gives the same captions
    #[arg(long, value_name = "S", default_value_t = 0, requires = "sample")]
    seed: u64,
    /// Longest caption in words
    #[arg(long, value_name = "N", default_value_t = 24, value_parser = clap::value_parser!(u8).range(1..=40))]
    max_words: u8,
    /// Keep captions in the library, where they can be searched; the photos must be indexed
    #[arg(long)]
    save: bool,
    /// Write each caption to an XMP file beside its photo
    #[arg(long, conflicts_with = "embed")]
    write_xmp: bool,
    /// Write each caption into its photo's file (JPEG only); pixels and other metadata stay as they are
    #[arg(long)]
    embed: bool,
    /// Write a table of all captions to this file; a text that a spreadsheet would take for a formula gets an
    /// apostrophe before it
    #[arg(long, value_name = "OUT")]
    csv: Option<PathBuf>,
    /// Which captions that are there already may be replaced
    #[arg(long, value_name = "WHICH", value_enum, default_value = "never")]
    overwrite: Which,
    /// Photos, and folders whose photos are meant
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Which {
    /// None: photos that have a caption keep it
    Never,
    /// Those that a model wrote
    Machine,
    /// All; in the library they stay in the history
    All,
}

impl Caption {
    pub fn run(&self, global: &Global, output: Output) -> anyhow::Result<Outcome> {
        let sampling = self.sample.then_some(Sampling { seed: self.seed, top_p: 0.9, temperature: 1.0 });
        let search = Search {
            beam: usize::from(self.beam),
            max_words: usize::from(self.max_words),
            sampling,
            ..Search::default()
        };
        let overwrite = match self.overwrite {
            Which::Never => Overwrite::Never,
            Which::Machine => Overwrite::Machine,
            Which::All => Overwrite::All,
        };
        let write = match (self.write_xmp, self.embed) {
            (true, _) => Some(WriteTo::Sidecar),
            (_, true) => Some(WriteTo::File),
            _ => None,
        };
        let task = CaptionFiles { paths: self.files.clone(), search, overwrite, save: self.save, write };
        let engine = match self.save {
            true => setup::writer(global)?,
            // A model that the library has chosen to describe photos describes those outside it, too.
            false => match setup::reader_if_there(global) {
                Ok(reader) if reader.has_captioner() => reader,
                _ => setup::without_library(global)?,
            },
        };
        // Made before any work: a table that cannot be written should cost no time.
        let mut table = self.csv.as_ref().map(csv::Writer::from_path).transpose()?;
        if let Some(table) = &mut table {
            table.write_record(["path", "caption", "author", "confidence", "tags"])?;
        }
        let control = job_control(output)?;
        let screen = Screen::new(output);
        let only_failures = |event| {
            if let JobEvent::ItemFailed { code, message, .. } = event {
                output.note(&code, &message);
            }
        };
        let show = |event| screen.show(event);
        let on_event: &(dyn Fn(_) + Sync) = if output.json { &only_failures } else { &show };
        let (mut captioned, mut problem) = (0, None);
        let result = task.run(&JobCx::without_row(&engine, &control, on_event), |file| {
            captioned += 1;
            if problem.is_none() {
                problem = screen.aside(|| print(output, &file)).and_then(|()| record(&mut table, &file)).err();
            }
            if problem.is_some() { Err(EngineError::Cancelled) } else { Ok(()) }
        });
        screen.close();
        if let Some(problem) = problem {
            return Err(problem);
        }
        result?;
        if let Some(mut table) = table {
            table.flush()?;
        }
        Ok(if captioned == 0 { Outcome::Nothing } else { Outcome::Done })
    }
}

fn author(file: &CaptionedFile) -> &'static str {
    match file.author {
        CaptionAuthor::Machine => "machine",
        CaptionAuthor::Person => "person",
        CaptionAuthor::File => "file",
    }
}

fn record(table: &mut Option<csv::Writer<std::fs::File>>, file: &CaptionedFile) -> anyhow::Result<()> {
    if let Some(table) = table {
        let sure = file.judged.as_ref().filter(|judged| judged.is_shown);
        let confidence = sure.map(|judged| format!("{:.3}", judged.caption.confidence)).unwrap_or_default();
        let (path, text) = (file.path.to_string_lossy(), file.text.as_deref().unwrap_or_default());
        let tags = file.tags.join(", ");
        table.write_record([&*for_table(&path), &*for_table(text), author(file), &confidence, &*for_table(&tags)])?;
    }
    Ok(())
}

fn print(output: Output, file: &CaptionedFile) -> anyhow::Result<()> {
    if output.json {
        let mut object = json!({ "caption": file.text, "author": author(file), "saved": file.saved });
        put_path(&mut object, &file.path);
        if let Some(Judged { caption, fit, is_shown, .. }) = &file.judged {
            object["fit"] = (*fit).into();
            object["unsure"] = (!is_shown).into();
            object["confidence"] = caption.confidence.into();
            if *is_shown {
                let word =
                    |word: &sightline_engine::CaptionWord| json!({ "text": word.text, "confidence": word.confidence });
                object["words"] = caption.words.iter().map(word).collect();
            } else {
                object["guess"] = caption.text.as_str().into();
                object["tags"] = json!(file.tags);
            }
        }
        if let Some(path) = &file.written_to {
            object["written_to"] = path.to_string_lossy().into();
        }
        return output.object(&object);
    }
    let text = match (&file.text, &file.judged) {
        (None, _) if file.tags.is_empty() => output.paint(Tone::Quiet, "not sure"),
        (None, _) => format!("{} {}", output.paint(Tone::Quiet, "not sure; seen:"), file.tags.join(", ")),
        (Some(_), Some(Judged { caption, .. })) => {
            let word = |word: &sightline_engine::CaptionWord| {
                if word.confidence < UNCERTAIN { output.paint(Tone::Fair, &word.text) } else { word.text.clone() }
            };
            caption.words.iter().map(word).collect::<Vec<_>>().join(" ")
        }
        (Some(text), None) => format!("{text} {}", output.paint(Tone::Quiet, "(was there before)")),
    };
    output.line(&format!("{}: {text}", shown(&file.path)))
}
