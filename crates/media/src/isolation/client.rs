//! The parent's side: one worker, started, asked and killed.

use std::io::{self, Read};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::pipes::{Asked, Decoded, Fault, Pipes};
use super::watch::{Killed, Patience, Watch, kill};
use super::{ARGUMENT, Confinement, confinement};
use crate::caption_metadata::Beside;
use crate::{FactsFound, MediaError};

/// How much of what a worker complained of is kept.
const LAST_WORDS: usize = 2048;
/// A worker that has worked for so long is replaced: what it may use of a processor is limited in all.
const WORKING_LIFE: Duration = Duration::from_secs(60);

/// Why a worker gave no answer; it is of no more use then.
#[derive(Debug)]
pub enum Failure {
    /// It ended, or answered nonsense.
    Died,
    /// It took longer than it was given, and was killed.
    TooSlow,
    /// It needed more memory than [`super::MEMORY_BYTES`].
    OutOfMemory,
    /// Its answer was no longer wanted.
    Stopped,
    /// The file could not be read to its end.
    Unreadable(io::Error),
}

/// A process that decodes; dropping it ends it.
pub struct Worker {
    child: Arc<Mutex<Child>>,
    pipes: Pipes<ChildStdin, ChildStdout>,
    watch: Watch,
    last_words: Option<JoinHandle<String>>,
    worked: Duration,
}

impl Worker {
    /// Starts `program`, which must call [`super::serve`] when its first argument is [`ARGUMENT`].
    ///
    /// # Errors
    /// The system's reason why it cannot be started.
    pub fn start(program: &Path) -> io::Result<Self> {
        let mut command = Command::new(program);
        command.arg(ARGUMENT).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.env_clear().envs(std::env::vars_os().filter(|(name, _)| confinement::is_kept(name)));
        apart(&mut command);
        let mut child = command.spawn()?;
        let (Some(input), Some(output), Some(complaints)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(io::Error::other("a pipe is missing"));
        };
        let child = Arc::new(Mutex::new(child));
        let last_words = std::thread::Builder::new().name("worker's words".into()).spawn(|| listen(complaints))?;
        let (watch, pipes) = (Watch::start(child.clone())?, Pipes::new(input, output));
        Ok(Self { child, pipes, watch, last_words: Some(last_words), worked: Duration::ZERO })
    }

    /// Whether it has worked for so long that another should take its place.
    pub fn is_spent(&self) -> bool {
        self.worked > WORKING_LIFE
    }

    /// Has a photo decoded as [`crate::decode_bytes`] would, and with `beside` its facts read.
    ///
    /// # Errors
    /// Outside, why there is no answer, after which the worker must be dropped; inside, the decoder's refusal.
    pub fn decode(
        &mut self,
        asked: Asked<'_>,
        min_short_side: u32,
        beside: Option<&[Beside]>,
        patience: &Patience,
    ) -> Result<Result<Decoded, MediaError>, Failure> {
        self.wait(patience, |pipes| pipes.decode(asked, min_short_side, beside))
    }

    /// Has the facts of a photo read, of which no more is read than is needed for them.
    ///
    /// # Errors
    /// Why there is no answer; the worker must be dropped then.
    pub fn facts(&mut self, asked: Asked<'_>, beside: &[Beside], patience: &Patience) -> Result<FactsFound, Failure> {
        self.wait(patience, |pipes| pipes.facts(asked, beside))
    }

    /// What confines the worker.
    ///
    /// # Errors
    /// Why there is no answer; the worker must be dropped then.
    pub fn confinement(&mut self, patience: &Patience) -> Result<Confinement, Failure> {
        self.wait(patience, Pipes::confinement)
    }

    fn wait<T>(
        &mut self,
        patience: &Patience,
        exchange: impl FnOnce(&mut Pipes<ChildStdin, ChildStdout>) -> Result<T, Fault>,
    ) -> Result<T, Failure> {
        let begun = Instant::now();
        let answer = self.watch.during(patience, || exchange(&mut self.pipes));
        self.worked += begun.elapsed();
        answer.map_err(|fault| match fault {
            Fault::File(error) => Failure::Unreadable(error),
            Fault::Pipe => self.why(),
        })
    }

    fn why(&mut self) -> Failure {
        kill(&self.child);
        let words = self.last_words.take().and_then(|words| words.join().ok()).unwrap_or_default();
        match self.watch.killed() {
            Some(Killed::TooSlow) => Failure::TooSlow,
            Some(Killed::Stopped) => Failure::Stopped,
            // What Rust says before it gives up.
            None if words.contains("memory allocation of") => Failure::OutOfMemory,
            None => Failure::Died,
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It may be in the middle of a photo that nobody waits for.
        kill(&self.child);
    }
}

/// The end of what a worker writes to its standard error.
fn listen(mut complaints: impl Read) -> String {
    let (mut words, mut buffer) = (Vec::new(), [0; 512]);
    while let Ok(read @ 1..) = complaints.read(&mut buffer) {
        words.extend_from_slice(&buffer[..read]);
        words.drain(..words.len().saturating_sub(LAST_WORDS));
    }
    String::from_utf8_lossy(&words).into_owned()
}

/// Ctrl-C at the terminal stops the parent, which then stops its workers; they must not die before.
#[cfg(unix)]
pub fn apart(command: &mut Command) {
    std::os::unix::process::CommandExt::process_group(command, 0);
}

/// No console window, and no Ctrl-C.
#[cfg(windows)]
pub fn apart(command: &mut Command) {
    const CREATE_NEW_PROCESS_GROUP: u32 = 0x200;
    const CREATE_NO_WINDOW: u32 = 0x0800_0000;
    std::os::windows::process::CommandExt::creation_flags(command, CREATE_NEW_PROCESS_GROUP | CREATE_NO_WINDOW);
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::io::Cursor;
    use std::os::unix::fs::PermissionsExt;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::Limits;

    /// A program that is no decoder, and its folder.
    fn program(script: &str) -> (tempfile::TempDir, std::path::PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let program = dir.path().join("worker");
        std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        (dir, program)
    }

    /// A worker that is no decoder, asked for pixels and for facts.
    fn ask(script: &str, patience: &Patience) -> [Failure; 2] {
        let (_dir, program) = program(script);
        // More than a pipe holds, so that a worker that does not read blocks the writer.
        let (mut contents, limits) = (Cursor::new(vec![1; 1 << 20]), Limits::default());
        let mut ask = |for_pixels| {
            let mut worker = Worker::start(&program).unwrap();
            let (path, contents) = (Path::new("a.jpg"), &mut contents);
            let asked = Asked { path, contents, bytes: 1 << 20, limits: &limits };
            match for_pixels {
                true => worker.decode(asked, 64, None, patience).unwrap_err(),
                false => worker.facts(asked, &[], patience).unwrap_err(),
            }
        };
        [ask(true), ask(false)]
    }

    #[test]
    fn a_worker_that_hangs_is_killed_when_its_time_is_up() {
        for script in ["exec sleep 60", "exec tail -c +99999999", "printf x; exec sleep 60"] {
            let start = Instant::now();
            let failures = ask(script, &Patience::of(Duration::from_millis(200)));
            assert!(matches!(failures, [Failure::TooSlow, Failure::TooSlow]), "{script}: {failures:?}");
            assert!(start.elapsed() < Duration::from_secs(20));
        }
    }

    #[test]
    fn a_worker_whose_answer_is_no_longer_wanted_is_killed_at_once() {
        let asked = Arc::new(AtomicU32::new(0));
        let counted = asked.clone();
        let stop = Arc::new(move || counted.fetch_add(1, Ordering::Relaxed) >= 2);
        let start = Instant::now();
        let failures = ask("exec sleep 60", &Patience { time: Duration::from_secs(30), stop });
        assert!(matches!(failures, [Failure::Stopped, Failure::Stopped]), "{failures:?}");
        assert!(start.elapsed() < Duration::from_secs(5) && asked.load(Ordering::Relaxed) >= 3);
    }

    #[test]
    fn a_worker_that_dies_or_lies_is_told_from_one_without_memory() {
        let long = Patience::of(Duration::from_secs(30));
        for script in ["exit 0", "kill -SEGV $$", "head -c 12 /dev/zero | tr '\\0' '\\377'; exec cat >/dev/null"] {
            let failures = ask(script, &long);
            assert!(matches!(failures, [Failure::Died, Failure::Died]), "{script}: {failures:?}");
        }
        let failures = ask("echo memory allocation of 9 bytes failed >&2; exit 134", &long);
        assert!(matches!(failures, [Failure::OutOfMemory, Failure::OutOfMemory]), "{failures:?}");
    }

    #[test]
    fn a_file_that_ends_early_is_no_fault_of_the_worker() {
        let mut contents = Cursor::new(vec![1; 100]);
        let asked =
            Asked { path: Path::new("a.jpg"), contents: &mut contents, bytes: 1 << 20, limits: &Limits::default() };
        let (_dir, program) = program("exec sleep 60");
        let mut worker = Worker::start(&program).unwrap();
        let failure = worker.decode(asked, 64, None, &Patience::of(Duration::from_secs(30))).unwrap_err();
        assert!(matches!(&failure, Failure::Unreadable(error) if error.kind() == io::ErrorKind::UnexpectedEof));
    }
}
