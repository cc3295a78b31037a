//! Files that were being read when the program died are read once more by a process of its own, one at a time.
//!
//! If that process dies of one, the program has died of it twice, and it goes on the problem list. So a program that was
//! killed for another reason, however often, puts no photo there: its own death proves nothing.

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, unbounded};
use serde::{Deserialize, Serialize};
use sightline_media::caption_metadata::beside;
use sightline_media::{Fingerprint, isolation, thumbnail};
use sightline_vlm::DeviceChoice;

use super::in_flight::{self, InFlight};
use super::load::THUMBNAIL;
use super::scan::Plan;
use crate::jobs::JobCx;
use crate::model_host::Lane;
use crate::{Engine, EngineConfig, EngineError, decoder_program};

/// The argument by which the program is started to read suspects; the model's folder and the device follow.
pub(crate) const ARGUMENT: &str = "--try-photos-for-parent";
/// How long the model may take to be ready, and then one photo.
const TIME: Duration = Duration::from_secs(120);
const TICK: Duration = Duration::from_millis(50);

/// A file to be tried, as a line.
#[derive(Serialize, Deserialize)]
struct Suspect(#[serde(with = "crate::paths")] Vec<PathBuf>);

/// Which of `suspects` a process of its own dies of. Where there can be none, nothing is proved against any.
fn guilty(cx: &JobCx<'_>, suspects: &[PathBuf]) -> Result<Vec<PathBuf>, EngineError> {
    let config = cx.engine().config();
    let mut guilty = Vec::new();
    let (Some(program), false) = (&config.decoder, suspects.is_empty()) else { return Ok(guilty) };
    let mut trial: Option<Trial> = None;
    for (number, suspect) in suspects.iter().enumerate() {
        cx.progress("suspects", number as u64, suspects.len() as u64, Some(suspect))?;
        let running = match trial.take() {
            Some(running) => running,
            None => match Trial::start(cx, program, config)? {
                Some(ready) => ready,
                // Without a process that reads, or a model that works, nothing can be said of a photo.
                None => return Ok(guilty),
            },
        };
        trial = match running.read(cx, suspect)? {
            Some(alive) => Some(alive),
            None => {
                guilty.push(suspect.clone());
                None
            }
        };
    }
    Ok(guilty)
}

impl Plan {
    /// Tries those of its files that were being read when the program died. Those of which a process of its own dies are
    /// no more to be read; the rest are. Gives the list of files that are being read from now on.
    pub fn suspects(&mut self, cx: &JobCx<'_>, whole: bool) -> Result<InFlight, EngineError> {
        let library = cx.engine().library();
        let mut suspects = in_flight::left_behind(library);
        let met: Vec<PathBuf> =
            self.work.iter().map(|found| &found.path).filter(|path| suspects.contains(*path)).cloned().collect();
        for path in guilty(cx, &met)? {
            self.died.insert(path);
        }
        // Of a whole run, what is not met is known by now, or gone.
        suspects.retain(|path| !whole && !met.contains(path));
        Ok(InFlight::start(library, suspects))
    }
}

/// A process that reads suspects.
struct Trial {
    child: Child,
    input: ChildStdin,
    /// One for its being ready, and one for each file that it survived.
    answers: Receiver<()>,
}

impl Trial {
    /// `None` when it cannot be started or is not ready to read anything.
    fn start(cx: &JobCx<'_>, program: &Path, config: &EngineConfig) -> Result<Option<Self>, EngineError> {
        let mut command = Command::new(program);
        command.arg(ARGUMENT).arg(cx.engine().model_dir()).arg(config.device.name());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        // A Ctrl-C must not be taken for a death.
        isolation::apart(&mut command);
        let Ok(mut child) = command.spawn() else { return Ok(None) };
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else { return Ok(None) };
        let (sender, answers) = unbounded();
        std::thread::Builder::new()
            .name("suspects".into())
            .spawn(move || BufReader::new(output).lines().map_while(Result::ok).all(|_| sender.send(()).is_ok()))
            .map_err(|source| EngineError::Thread { source })?;
        Self { child, input, answers }.answered(cx)
    }

    /// `None` when it died of the file.
    fn read(mut self, cx: &JobCx<'_>, suspect: &Path) -> Result<Option<Self>, EngineError> {
        let line = serde_json::to_string(&Suspect(vec![suspect.to_owned()]));
        match line.map_err(io::Error::from).and_then(|line| writeln!(self.input, "{line}")) {
            Ok(()) => self.answered(cx),
            // It ended before it was given this one.
            Err(_) => Ok(Some(self)),
        }
    }

    fn answered(self, cx: &JobCx<'_>) -> Result<Option<Self>, EngineError> {
        let begun = Instant::now();
        loop {
            match self.answers.recv_timeout(TICK) {
                Ok(()) => return Ok(Some(self)),
                Err(RecvTimeoutError::Timeout) if begun.elapsed() < TIME => cx.check()?,
                Err(_) => return Ok(None),
            }
        }
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        // It may have ended by itself; then there is only its entry to be cleared away.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Reads files for the parent process, as indexing does, until its input ends; `arguments` are those after the first.
pub(crate) fn serve(mut arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let mut served = || -> Option<()> {
        let model_dir = arguments.next()?.into();
        let device: DeviceChoice = arguments.next()?.to_str()?.parse().ok()?;
        let decoder = decoder_program();
        let config = EngineConfig { library: PathBuf::new(), model_dir, models: None, device, decoder, settings: None };
        let engine = Engine::without_library(config).ok()?;
        let host = engine.host();
        let loader = engine.loader(host.ready(Lane::Batch).wait().ok()?.preprocess);
        let mut output = io::stdout().lock();
        writeln!(output, "ready").ok()?;
        for line in io::stdin().lines() {
            let Suspect(files) = serde_json::from_str(&line.ok()?).ok()?;
            for file in files {
                // That it cannot be read is not what is asked here.
                let input = loader.with_facts(&file, &beside(&file), |photo, input| {
                    thumbnail(&photo.rgb, THUMBNAIL)?;
                    Fingerprint::of(&photo.rgb)?;
                    Ok(input)
                });
                if let Ok(input) = input {
                    host.embed_images(Lane::Batch, vec![input]).wait().ok();
                }
            }
            writeln!(output, "survived").ok()?;
        }
        Some(())
    };
    if served().is_some() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
