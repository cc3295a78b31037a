//! Worker processes that decode, and who gets one.
//!
//! Every photo that a person's disk holds is decoded through here. Reading is tried again where a disk is slow or
//! flaky; a worker that dies, hangs or eats memory is replaced, and its photo refused with the reason.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sightline_media::isolation::{Failure, MEMORY_BYTES, Worker};
use sightline_media::{ContentHash, Limits, MediaError, Photo, decode_bytes};

use crate::EngineError;
use crate::idle_workers::IdleWorkers;
use crate::loading::{Budget, Share, threads};

/// How long a decoder may take for one photo; the largest that the limits let pass takes a few seconds.
const TIME: Duration = Duration::from_secs(30);
/// Waits before a disk that failed is asked again.
const PATIENCE: [Duration; 3] = [Duration::from_millis(50), Duration::from_millis(250), Duration::from_millis(1250)];

/// Decodes in workers, or in this process where there is no program for them.
pub(crate) struct Decoders {
    program: Option<PathBuf>,
    time: Duration,
    /// Workers that wait for a photo.
    idle: IdleWorkers<Worker>,
    /// Pictures that may be made at once: a page that is leafed through asks for many, each of tens of megabytes.
    pictures: Budget,
}

impl Decoders {
    /// Decoders that start `program` as their workers when the first photo comes.
    pub fn new(program: Option<PathBuf>) -> Self {
        let pictures = Budget::of(threads() as u64);
        Self { program, time: TIME, idle: IdleWorkers::default(), pictures }
    }

    /// Waits until one more picture may be made.
    pub fn one_more_picture(&self) -> Share<'_> {
        self.pictures.take(1)
    }

    /// Reads and decodes a photo, as [`sightline_media::open`] does.
    pub fn open(&self, path: &Path, min_short_side: u32, limits: &Limits) -> Result<Photo, EngineError> {
        let bytes = read(path, limits)?;
        self.decode(&bytes, path, min_short_side, limits)
    }

    /// Decodes the contents of `path`.
    pub fn decode(
        &self,
        bytes: &[u8],
        path: &Path,
        min_short_side: u32,
        limits: &Limits,
    ) -> Result<Photo, EngineError> {
        let (metadata, rgb) = match &self.program {
            Some(program) => self.in_worker(program, bytes, path, min_short_side, limits)?,
            None => decode_bytes(bytes, path, min_short_side, limits)?,
        };
        Ok(Photo { hash: ContentHash::of(bytes), metadata, rgb })
    }

    fn in_worker(
        &self,
        program: &Path,
        bytes: &[u8],
        path: &Path,
        min_short_side: u32,
        limits: &Limits,
    ) -> Result<(sightline_media::Metadata, sightline_media::Rgb), EngineError> {
        let mut died_before = false;
        loop {
            let mut worker = match self.idle.take() {
                Some(worker) => worker,
                None => start(program)?,
            };
            let path_buf = || path.to_path_buf();
            match worker.decode(bytes, path, min_short_side, limits, self.time) {
                Ok(answer) => {
                    self.idle.put_back(worker);
                    return Ok(answer?);
                }
                // The system may have killed it for another's hunger: only the second death is the photo's.
                Err(Failure::Died) if !died_before => died_before = true,
                Err(Failure::Died) => return Err(MediaError::DecoderDied { path: path_buf() }.into()),
                Err(Failure::TooSlow) => {
                    return Err(MediaError::TooSlow { path: path_buf(), seconds: self.time.as_secs() }.into());
                }
                Err(Failure::OutOfMemory) => {
                    let limit = format!("{} MiB of memory", MEMORY_BYTES >> 20);
                    return Err(MediaError::TooLarge { path: path_buf(), what: "decoding it".into(), limit }.into());
                }
            }
        }
    }
}

/// A new worker; the system may be short of processes for a moment.
fn start(program: &Path) -> Result<Worker, EngineError> {
    let mut waits = PATIENCE.into_iter();
    loop {
        match (Worker::start(program), waits.next()) {
            (Ok(worker), _) => return Ok(worker),
            (Err(_), Some(wait)) => std::thread::sleep(wait),
            (Err(source), None) => return Err(EngineError::NoDecoder { source }),
        }
    }
}

/// Reads a file whole; a disk that fails is asked again, ever later.
pub(crate) fn read(path: &Path, limits: &Limits) -> Result<Vec<u8>, MediaError> {
    patiently(|| sightline_media::read(path, limits))
}

/// Does again, a few times and ever later, what a slow or flaky disk refused.
pub(crate) fn patiently<T>(mut attempt: impl FnMut() -> Result<T, MediaError>) -> Result<T, MediaError> {
    for wait in PATIENCE {
        match attempt() {
            Err(MediaError::Io { source, .. }) if may_pass(&source) => std::thread::sleep(wait),
            other => return other,
        }
    }
    attempt()
}

/// Whether another try may do better.
fn may_pass(error: &io::Error) -> bool {
    use io::ErrorKind::{
        HostUnreachable, NetworkDown, NetworkUnreachable, NotConnected, ResourceBusy, StaleNetworkFileHandle, TimedOut,
        WouldBlock,
    };
    /// `EIO` on every Unix.
    const INPUT_OUTPUT: i32 = 5;
    let network = [HostUnreachable, NetworkDown, NetworkUnreachable, NotConnected, StaleNetworkFileHandle];
    network.contains(&error.kind())
        || [ResourceBusy, TimedOut, WouldBlock].contains(&error.kind())
        || cfg!(unix) && error.raw_os_error() == Some(INPUT_OUTPUT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flaky(failures: u32, error: i32) -> (Result<u32, MediaError>, u32) {
        let mut tries = 0;
        let result = patiently(|| {
            tries += 1;
            match tries > failures {
                true => Ok(tries),
                false => Err(MediaError::Io { path: "a.jpg".into(), source: io::Error::from_raw_os_error(error) }),
            }
        });
        (result, tries)
    }

    #[test]
    #[cfg(unix)]
    fn a_flaky_disk_is_asked_again_and_a_broken_one_not_for_ever() {
        const INVALID: i32 = 22;
        assert_eq!(flaky(2, 5).0.unwrap(), 3);
        let (result, tries) = flaky(u32::MAX, 5);
        assert_eq!((result.unwrap_err().code(), tries), ("io", 1 + PATIENCE.len() as u32));
        assert_eq!(flaky(u32::MAX, INVALID).1, 1, "no second try helps");
    }

    #[cfg(unix)]
    fn decoders(script: &str) -> (tempfile::TempDir, Decoders) {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let program = dir.path().join("worker");
        std::fs::write(&program, format!("#!/bin/sh\necho x >>{}/starts\n{script}\n", dir.path().display())).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let decoders = Decoders { time: Duration::from_millis(300), ..Decoders::new(Some(program)) };
        (dir, decoders)
    }

    #[test]
    #[cfg(unix)]
    fn a_worker_that_dies_or_hangs_is_replaced_and_the_photo_told_why() {
        for (script, code, starts) in [
            ("exit 1", "decoder_died", 2),
            ("exec sleep 60", "too_slow", 1),
            ("echo memory allocation of 9 bytes failed >&2; exit 134", "too_large", 1),
        ] {
            let (dir, decoders) = decoders(script);
            for round in 1..=2 {
                let error = decoders.decode(b"photo", Path::new("a.jpg"), 64, &Limits::default()).unwrap_err();
                assert_eq!(error.code(), code);
                assert!(error.to_string().starts_with("a.jpg: "), "{error}");
                let started = std::fs::read_to_string(dir.path().join("starts")).unwrap().lines().count();
                assert_eq!(started, starts * round, "{script}");
            }
        }
    }

    #[test]
    fn a_program_that_cannot_be_started_is_no_fault_of_the_photo() {
        let decoders = Decoders::new(Some("/no/such/program".into()));
        let error = decoders.decode(b"photo", Path::new("a.jpg"), 64, &Limits::default()).unwrap_err();
        assert_eq!(error.code(), "no_decoder");
    }
}
