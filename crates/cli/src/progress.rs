//! A job's events on the screen: a bar on a terminal, plain lines in a log, JSON for programs.

use std::io::{self, IsTerminal};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use sightline_engine::jobs::{JobEvent, Progress};

use crate::output::{Output, bytes, complain, duration, put_path, shown};

/// A log gets a line this often, and one at the end of each phase.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Shows the events of one job.
pub(crate) struct Screen {
    output: Output,
    bar: Option<ProgressBar>,
    last_line: Mutex<Option<(&'static str, Instant)>>,
    /// Whether a file that could not be done is worth a line of its own.
    item_lines: bool,
}

impl Screen {
    /// A screen for this process's standard error.
    pub fn new(output: Output) -> Self {
        let bar = (!output.json && io::stderr().is_terminal()).then(ProgressBar::new_spinner);
        Self { output, bar, last_line: Mutex::default(), item_lines: true }
    }

    /// Counts the files that could not be done instead of naming each.
    pub fn without_item_lines(mut self) -> Self {
        self.item_lines = false;
        self
    }

    /// Shows an event; called from several threads.
    pub fn show(&self, event: JobEvent) {
        match event {
            JobEvent::Progress(progress) if self.output.json => self.object(&progress),
            JobEvent::Progress(progress) => match &self.bar {
                Some(bar) => show_bar(bar, &progress),
                None => self.log(&progress),
            },
            JobEvent::Waiting { process, kind } if self.output.json => {
                self.output.object(&json!({ "event": "waiting", "process": process, "kind": kind })).ok();
            }
            JobEvent::Waiting { process, kind } => {
                let line = waits_for(process, kind);
                self.aside(|| complain(&line));
            }
            JobEvent::BeginsAnew { reason } if self.output.json => {
                self.output.object(&json!({ "event": "begins_anew", "reason": reason })).ok();
            }
            JobEvent::BeginsAnew { reason } => self.aside(|| complain(&begins_anew(&reason))),
            JobEvent::ItemFailed { path, code, message } => {
                if self.output.json {
                    let mut object = json!({ "event": "problem", "code": code, "reason": message });
                    put_path(&mut object, &path);
                    // A closed output ends the run at its next line of result.
                    self.output.object(&object).ok();
                } else if self.item_lines {
                    let line = message.replace('\n', " ");
                    self.aside(|| complain(&line));
                }
            }
        }
    }

    /// Prints results without drawing over the bar.
    pub fn aside<T>(&self, print: impl FnOnce() -> T) -> T {
        match &self.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    /// Takes the bar away.
    pub fn close(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn object(&self, progress: &Progress) {
        let mut object = json!({
            "event": "progress",
            "phase": progress.phase,
            "done": progress.done,
            "total": progress.total,
            "rate": (progress.rate * 100.0).round() / 100.0,
            "eta_seconds": progress.eta_seconds.map(|s| (s * 10.0).round() / 10.0),
        });
        if let Some(path) = &progress.current {
            let mut current = json!({});
            put_path(&mut current, path);
            object["current"] = current["path"].take();
        }
        self.output.object(&object).ok();
    }

    fn log(&self, progress: &Progress) {
        let mut last = self.last_line.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let finished = progress.total > 0 && progress.done >= progress.total;
        let (phase, at) = *last.get_or_insert_with(|| (progress.phase, Instant::now()));
        let due = phase != progress.phase || at.elapsed() >= LINE_EVERY;
        if due || finished {
            *last = Some((progress.phase, Instant::now()));
            complain(&format!("{} {}", progress.phase, numbers(progress)));
        }
    }
}

/// That what an earlier run had reached is of no use.
pub(crate) fn begins_anew(reason: &str) -> String {
    format!("the saved state cannot be used, and the work begins anew: {reason}")
}

fn waits_for(process: Option<u32>, kind: &str) -> String {
    let number = process.map(|number| format!(" (process {number})")).unwrap_or_default();
    let work = match kind {
        "index" => "indexing",
        "caption" => "writing captions",
        "teach" => "learning",
        "activate" => "taking a version into use",
        "fetch" => "fetching a model",
        "import_model" => "importing a model",
        _ => "at work",
    };
    format!("waits for another Sightline{number} that is {work}")
}

fn show_bar(bar: &ProgressBar, progress: &Progress) {
    if progress.total == 0 {
        bar.set_style(style("{spinner} {prefix} {msg}"));
    } else {
        bar.set_style(style("{prefix} {bar:24} {msg}"));
        bar.set_length(progress.total);
    }
    bar.set_prefix(progress.phase);
    bar.set_position(progress.done);
    let name = progress.current.as_deref().and_then(|path| path.file_name());
    let name = name.map(|name| shown(name.as_ref())).unwrap_or_default();
    bar.set_message(format!("{}  {name}", numbers(progress)));
    bar.tick();
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the template is one of two constants")
}

/// Phases that count bytes.
const IN_BYTES: [&str; 2] = ["fetch", "convert"];

fn numbers(progress: &Progress) -> String {
    let in_bytes = IN_BYTES.contains(&progress.phase);
    let mut text = match progress.total {
        total if in_bytes => format!("{} of {}", bytes(progress.done), bytes(total)),
        // Work that cannot be counted.
        0 if progress.done == 0 => String::new(),
        0 => progress.done.to_string(),
        total => format!("{}/{total}", progress.done),
    };
    if progress.rate > 0.0 {
        text += &match in_bytes {
            true => format!("  {}/s", bytes(progress.rate as u64)),
            false => format!("  {:.1}/s", progress.rate),
        };
    }
    if let Some(seconds) = progress.eta_seconds.filter(|_| progress.done < progress.total) {
        text += &format!("  {} left", duration(seconds));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_line_says_how_far_how_fast_and_how_long() {
        let progress =
            Progress { phase: "embed", done: 10, total: 100, rate: 4.5, eta_seconds: Some(20.0), current: None };
        assert_eq!(numbers(&progress), "10/100  4.5/s  20.0 s left");
        let finished = Progress { done: 100, ..progress.clone() };
        assert_eq!(numbers(&finished), "100/100  4.5/s");
        let fetched = Progress { phase: "fetch", done: 1_500_000, total: 3_000_000, rate: 1e6, ..progress.clone() };
        assert_eq!(numbers(&fetched), "1.5 MB of 3.0 MB  1.0 MB/s  20.0 s left");
        let uncounted = Progress { total: 0, done: 0, rate: 0.0, eta_seconds: None, ..progress.clone() };
        assert_eq!(numbers(&uncounted), "");
        let unknown = Progress { total: 0, rate: 0.0, eta_seconds: None, ..progress };
        assert_eq!(numbers(&unknown), "10");
    }
}
