//! The parent's side: one worker, started, asked and killed.

use std::io::{self, Read};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::{ARGUMENT, Reply, Request, frame};
use crate::{Limits, MediaError, Metadata, Rgb};

/// How much of what a worker complained of is kept.
const LAST_WORDS: usize = 2048;

/// Why a worker gave no answer; it is of no more use then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// It ended, or answered nonsense.
    Died,
    /// It took longer than it was given, and was killed.
    TooSlow,
    /// It needed more memory than [`super::MEMORY_BYTES`].
    OutOfMemory,
}

/// A process that decodes; dropping it ends it.
pub struct Worker {
    child: Arc<Mutex<Child>>,
    input: ChildStdin,
    output: ChildStdout,
    /// Told how long the next answer may take, and by `None` that it has come.
    watch: Sender<Option<Duration>>,
    too_slow: Arc<AtomicBool>,
    last_words: Option<JoinHandle<String>>,
}

impl Worker {
    /// Starts `program`, which must call [`super::serve`] when its first argument is [`ARGUMENT`].
    ///
    /// # Errors
    /// The system's reason why it cannot be started.
    pub fn start(program: &Path) -> io::Result<Self> {
        let mut command = Command::new(program);
        command.arg(ARGUMENT).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        apart(&mut command);
        let mut child = command.spawn()?;
        let (Some(input), Some(output), Some(complaints)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(io::Error::other("a pipe is missing"));
        };
        let child = Arc::new(Mutex::new(child));
        let last_words = std::thread::Builder::new().name("worker's words".into()).spawn(|| listen(complaints))?;
        let (watch, told) = channel::<Option<Duration>>();
        let too_slow = Arc::new(AtomicBool::new(false));
        let (watched, flag) = (child.clone(), too_slow.clone());
        std::thread::Builder::new().name("worker's watch".into()).spawn(move || {
            while let Ok(begun) = told.recv() {
                let Some(limit) = begun else { continue };
                if told.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
                    flag.store(true, Ordering::Release);
                    kill(&watched);
                    return;
                }
            }
        })?;
        Ok(Self { child, input, output, watch, too_slow, last_words: Some(last_words) })
    }

    /// Has `bytes`, the contents of `path`, decoded as [`crate::decode_bytes`] would, within `time`.
    ///
    /// # Errors
    /// Outside, why there is no answer, after which the worker must be dropped; inside, the decoder's refusal.
    pub fn decode(
        &mut self,
        bytes: &[u8],
        path: &Path,
        min_short_side: u32,
        limits: &Limits,
        time: Duration,
    ) -> Result<Result<(Metadata, Rgb), MediaError>, Failure> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let request = Request { name, min_short_side, limits: *limits };
        // The watch ends only after it has killed the worker, which the pipes tell.
        self.watch.send(Some(time)).ok();
        let answer = self.exchange(&request, bytes);
        self.watch.send(None).ok();
        match answer {
            Ok((Reply::Decoded { metadata, width, height }, pixels)) => {
                Ok(Ok((*metadata, Rgb { width, height, pixels })))
            }
            Ok((Reply::Refused(refused), _)) => Ok(Err(refused.at(path))),
            Err(_) => Err(self.why()),
        }
    }

    fn exchange(&mut self, request: &Request, bytes: &[u8]) -> io::Result<(Reply, Vec<u8>)> {
        frame::write(&mut self.input, request, bytes)?;
        let allowed = |reply: &Reply| pixel_bytes(reply).filter(|n| *n <= request.limits.max_pixels * 3).unwrap_or(0);
        let (reply, pixels) =
            frame::read(&mut self.output, allowed)?.ok_or(io::Error::from(io::ErrorKind::UnexpectedEof))?;
        match pixel_bytes(&reply) == Some(pixels.len() as u64) {
            true => Ok((reply, pixels)),
            false => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    fn why(&mut self) -> Failure {
        kill(&self.child);
        let words = self.last_words.take().and_then(|words| words.join().ok()).unwrap_or_default();
        if self.too_slow.load(Ordering::Acquire) {
            Failure::TooSlow
        } else if words.contains("memory allocation of") {
            // What Rust says before it gives up.
            Failure::OutOfMemory
        } else {
            Failure::Died
        }
    }
}

/// The length of the pixels that a reply names; `None` where no memory could hold them.
fn pixel_bytes(reply: &Reply) -> Option<u64> {
    match reply {
        Reply::Decoded { width, height, .. } => (u64::from(*width) * u64::from(*height)).checked_mul(3),
        Reply::Refused(_) => Some(0),
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It may be in the middle of a photo that nobody waits for.
        kill(&self.child);
    }
}

fn kill(child: &Mutex<Child>) {
    let mut child = child.lock().unwrap_or_else(PoisonError::into_inner);
    // It may have ended by itself; then there is only its entry to be cleared away.
    child.kill().ok();
    child.wait().ok();
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
fn apart(command: &mut Command) {
    std::os::unix::process::CommandExt::process_group(command, 0);
}

/// No console window, and no Ctrl-C.
#[cfg(windows)]
fn apart(command: &mut Command) {
    const CREATE_NEW_PROCESS_GROUP: u32 = 0x200;
    const CREATE_NO_WINDOW: u32 = 0x0800_0000;
    std::os::windows::process::CommandExt::creation_flags(command, CREATE_NEW_PROCESS_GROUP | CREATE_NO_WINDOW);
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::time::Instant;

    use super::*;

    /// A worker that is no decoder.
    fn ask(script: &str, time: Duration) -> Failure {
        let dir = tempfile::tempdir().unwrap();
        let program = dir.path().join("worker");
        std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let mut worker = Worker::start(&program).unwrap();
        // More than a pipe holds, so that a worker that does not read blocks the writer.
        let bytes = vec![1; 1 << 20];
        worker.decode(&bytes, Path::new("a.jpg"), 64, &Limits::default(), time).unwrap_err()
    }

    #[test]
    fn a_worker_that_hangs_is_killed_when_its_time_is_up() {
        for script in ["exec sleep 60", "exec tail -c +99999999", "printf x; exec sleep 60"] {
            let start = Instant::now();
            assert_eq!(ask(script, Duration::from_millis(200)), Failure::TooSlow, "{script}");
            assert!(start.elapsed() < Duration::from_secs(20));
        }
    }

    #[test]
    fn a_worker_that_dies_or_lies_is_told_from_one_without_memory() {
        let long = Duration::from_secs(30);
        assert_eq!(ask("exit 0", long), Failure::Died);
        assert_eq!(ask("kill -SEGV $$", long), Failure::Died);
        assert_eq!(ask("head -c 12 /dev/zero | tr '\\0' '\\377'; exec cat >/dev/null", long), Failure::Died);
        assert_eq!(ask("echo memory allocation of 9 bytes failed >&2; exit 134", long), Failure::OutOfMemory);
    }
}
