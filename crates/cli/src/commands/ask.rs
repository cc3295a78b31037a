//! `sightline ask PHOTO QUESTION`

use std::io::{IsTerminal, Write};
use std::ops::ControlFlow;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use sightline_engine::foreign_text::for_terminal;

use crate::Outcome;
use crate::args::Global;
use crate::output::{Output, put_path};
use crate::setup;

/// Ask a question about a photo
///
/// A model that answers is fetched once: `sightline model list` shows those for questions. The best one here is used, or the
/// one that `sightline model use NAME --for questions` chose. Models make mistakes: an answer is a guess.
#[derive(Debug, Args)]
pub(crate) struct Ask {
    /// The photo, indexed or not
    #[arg(value_name = "PHOTO")]
    photo: PathBuf,
    /// The question; quotes are not needed
    #[arg(required = true, value_name = "QUESTION")]
    question: Vec<String>,
}

impl Ask {
    pub fn run(&self, global: &Global, output: Output) -> anyhow::Result<Outcome> {
        let engine = setup::reader_if_there(global)?;
        let question = self.question.join(" ");
        let streamed = !output.json && std::io::stdout().is_terminal();
        let mut told = 0;
        let answered = engine.ask_file(&self.photo, &question, |so_far| {
            // The last word may yet change, and what was printed stays.
            let whole = so_far.rfind(' ').map_or("", |end| &so_far[..end]);
            match whole.get(told..) {
                Some(new) if streamed && !new.is_empty() => {
                    told = whole.len();
                    let mut screen = std::io::stdout();
                    let printed = write!(screen, "{}", for_terminal(new)).and_then(|()| screen.flush());
                    if printed.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
                }
                _ => ControlFlow::Continue(()),
            }
        })?;
        if output.json {
            let mut object = json!({
                "question": question,
                "answer": answered.text,
                "model": answered.model,
                "confidence": answered.confidence,
            });
            put_path(&mut object, &self.photo);
            output.object(&object)?;
        } else {
            output.line(answered.text.get(told..).unwrap_or_default())?;
        }
        Ok(if answered.text.is_empty() { Outcome::Nothing } else { Outcome::Done })
    }
}
