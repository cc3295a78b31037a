//! Where words go: results to the standard output, progress and errors to the standard error.
//!
//! A reader that stops reading (`| head`) ends the program quietly. Colour is for terminals only
//! and can be switched off with NO_COLOR. All that is printed passes through
//! [`sightline_engine::foreign_text`] here, so that no name, caption or message gives a terminal orders.

use std::fmt::Write as _;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, IsTerminal, Write};
use std::path::Path;

use serde_json::{Value, json};
use sightline_engine::foreign_text::{for_terminal, json_for_terminal};

/// The reader of the standard output has gone; the work ends without a word.
#[derive(Debug, thiserror::Error)]
#[error("the standard output was closed")]
pub(crate) struct Closed;

/// How to print.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    /// One JSON object a line.
    pub json: bool,
    /// The number by which this process knows its own colours from letters that somebody put into a text; none where
    /// there are no colours.
    colour: Option<u64>,
}

/// Before and after the number and code of a colour; letters that no text holds.
const COLOUR: [char; 2] = ['\u{fdd0}', '\u{fdd1}'];

/// A meaning that colour underlines; the words say it too.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Tone {
    Good,
    Fair,
    Bad,
    Quiet,
}

impl Output {
    /// Output for this process's streams.
    pub fn new(json: bool) -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let colours = wanted && !json && io::stdout().is_terminal();
        Self { json, colour: colours.then(|| RandomState::new().hash_one("colours")) }
    }

    /// Prints a line of result, whatever letters are in it.
    pub fn line(&self, text: &str) -> anyhow::Result<()> {
        print(&self.harmless(text))
    }

    /// Prints lines that this program alone wrote.
    pub fn own_lines(&self, text: &str) -> anyhow::Result<()> {
        print(text)
    }

    /// Prints a line of JSON.
    pub fn object(&self, value: &impl serde::Serialize) -> anyhow::Result<()> {
        print(&json_for_terminal(&serde_json::to_string(value)?))
    }

    /// Says something beside the results; as JSON in JSON mode.
    pub fn note(&self, code: &str, text: &str) {
        if self.json {
            complain_json(&json!({ "note": { "code": code, "message": text } }));
        } else {
            complain(text);
        }
    }

    /// The line as a terminal gets it: nothing in it is an order but the colours of this process.
    fn harmless(&self, text: &str) -> String {
        let Some(number) = self.colour else { return for_terminal(text).into_owned() };
        let [begin, end] = COLOUR;
        let own = format!("{begin}{number:016x}");
        let mut parts = text.split(&own);
        let mut line = for_terminal(parts.next().unwrap_or_default()).into_owned();
        for part in parts {
            let (code, text) = part.split_once(end).unwrap_or(("0", part));
            line += &format!("\x1b[{code}m{}", for_terminal(text));
        }
        line
    }

    /// `text` in a colour, where there are colours.
    pub fn paint(&self, tone: Tone, text: &str) -> String {
        let code = match tone {
            Tone::Good => 32,
            Tone::Fair => 33,
            Tone::Bad => 31,
            Tone::Quiet => 2,
        };
        let Some(number) = self.colour else { return text.to_owned() };
        let [begin, end] = COLOUR;
        // Escaped here: a text that holds such letters ends no colour.
        let text = for_terminal(text);
        format!("{begin}{number:016x}{code}{end}{text}{begin}{number:016x}0{end}")
    }
}

fn print(text: &str) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    match writeln!(stdout, "{text}").and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(Closed.into()),
        other => Ok(other?),
    }
}

/// A line on the standard error, whatever letters are in it. If nobody reads that, there is nobody to tell.
pub(crate) fn complain(text: &str) {
    writeln!(io::stderr().lock(), "{}", for_terminal(text)).ok();
}

/// The same for JSON.
pub(crate) fn complain_json(value: &Value) {
    writeln!(io::stderr().lock(), "{}", json_for_terminal(&value.to_string())).ok();
}

/// A path for people: one line whatever it holds, lossy where it is not text.
pub(crate) fn shown(path: &Path) -> String {
    for_terminal(&path.to_string_lossy()).into_owned()
}

/// A path for programs: `path` as text and, only where that loses something, `path_bytes` in hex.
pub(crate) fn put_path(object: &mut Value, path: &Path) {
    let text = path.to_string_lossy();
    if matches!(text, std::borrow::Cow::Owned(_)) {
        object["path_bytes"] = hex(path.as_os_str().as_encoded_bytes()).into();
    }
    object["path"] = text.into_owned().into();
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string cannot fail");
        text
    })
}

/// Seconds as people say them.
pub(crate) fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match whole {
        0 if seconds < 0.95 => format!("{:.0} ms", seconds * 1000.0),
        0..60 => format!("{seconds:.1} s"),
        60..3600 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
    }
}

/// Bytes as people say them.
pub(crate) fn bytes(count: u64) -> String {
    let units = ["bytes", "kB", "MB", "GB", "TB"];
    let mut value = count as f64;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < units.len() {
        value /= 1000.0;
        unit += 1;
    }
    if unit == 0 { format!("{count} bytes") } else { format!("{value:.1} {}", units[unit]) }
}

/// `1 photo`, `2 photos`.
pub(crate) fn count(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_line_for_people() {
        assert_eq!(shown(Path::new("a\nb\x1b[31m.jpg")), "a\\nb\\u{1b}[31m.jpg");
        assert_eq!(shown(Path::new("K\u{fc}che 1.jpg")), "K\u{fc}che 1.jpg");
    }

    #[test]
    fn a_line_gives_a_terminal_no_orders_but_this_process_s_colours() {
        let plain = Output { json: false, colour: None };
        let colourful = Output { json: false, colour: Some(7) };
        for evil in [
            "\x1b]0;PWNED\x07",
            "\x1b[31m",
            "\u{9b}31m",
            "\u{9d}0;x\u{9c}",
            "a\nFORGED.jpg: b",
            "\r",
            "\u{202e}gpj",
            "\x7f",
            // As if it were a colour of this process, which does not tell its number.
            "\u{fdd0}000000000000000831\u{fdd1}",
            "\u{fdd1}",
        ] {
            let order = |text: &str| {
                text.chars().any(|letter| letter.is_control() || matches!(letter, '\u{202e}' | '\u{fdd0}' | '\u{fdd1}'))
            };
            let line = plain.harmless(&format!("{evil} {}", plain.paint(Tone::Bad, evil)));
            assert!(!order(&line), "{line:?}");
            let line = colourful.harmless(&format!("{evil} {}", colourful.paint(Tone::Bad, evil)));
            let rest = line.replacen("\x1b[31m", "", 1).replacen("\x1b[0m", "", 1);
            assert!(line.contains("\x1b[31m") && !order(&rest), "{line:?}");
        }
        assert_eq!(colourful.harmless(&colourful.paint(Tone::Good, "sound")), "\x1b[32msound\x1b[0m");
        assert_eq!(plain.harmless(&plain.paint(Tone::Good, "sound")), "sound");
    }

    #[cfg(unix)]
    #[test]
    fn a_path_that_is_not_text_keeps_its_bytes_in_json() {
        use std::os::unix::ffi::OsStrExt;
        let mut object = json!({});
        put_path(&mut object, Path::new(std::ffi::OsStr::from_bytes(b"a\xff.jpg")));
        assert_eq!(object["path"], "a\u{fffd}.jpg");
        assert_eq!(object["path_bytes"], "61ff2e6a7067");
        let mut object = json!({});
        put_path(&mut object, Path::new("a.jpg"));
        assert!(object.get("path_bytes").is_none());
    }

    #[test]
    fn amounts_read_well() {
        assert_eq!(duration(0.25), "250 ms");
        assert_eq!(duration(12.34), "12.3 s");
        assert_eq!(duration(125.0), "2 min 5 s");
        assert_eq!(duration(7260.0), "2 h 1 min");
        assert_eq!(bytes(999), "999 bytes");
        assert_eq!(bytes(1_500_000), "1.5 MB");
        assert_eq!(count(1, "photo"), "1 photo");
        assert_eq!(count(0, "photo"), "0 photos");
    }
}
