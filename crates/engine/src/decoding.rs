//! Worker processes that decode photos and read their facts, and who gets one.
//!
//! Everything that a person's disk holds is read through here. Reading is tried again where a disk is slow or flaky; a
//! worker that dies, hangs or eats memory is replaced, and its photo refused with the reason. A file goes to a worker
//! piece by piece, so that none is held here.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Cursor};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use sightline_media::caption_metadata::{self, Beside, Source};
use sightline_media::isolation::{Asked, Confinement, Failure, MEMORY_BYTES, Patience, Stop, Worker};
use sightline_media::{ContentHash, FactsFound, Limits, MediaError, Photo, decode_with_facts};

use crate::EngineError;
use crate::idle_workers::IdleWorkers;
use crate::loading::{Budget, Share, threads};

/// How long workers may take for one photo; the largest that the limits let pass takes a few seconds.
const TIME: Duration = Duration::from_secs(28);
/// Waits before a disk that failed is asked again.
const PATIENCE: [Duration; 3] = [Duration::from_millis(50), Duration::from_millis(250), Duration::from_millis(1250)];
/// What a wait is made of, so that a stop is heard.
const NAP: Duration = Duration::from_millis(50);

/// Decodes in workers, or in this process where there is no program for them.
pub(crate) struct Decoders {
    program: Option<PathBuf>,
    time: Duration,
    /// Workers that wait for a photo.
    idle: IdleWorkers<Worker>,
    /// Pictures that may be made at once: a page that is leafed through asks for many, each of tens of megabytes.
    pictures: Budget,
}

/// What is made of a photo.
pub(crate) struct Wanted<'a> {
    /// Its short side, as far as the photo's is not shorter.
    pub min_short_side: u32,
    /// What may be spent on it.
    pub limits: &'a Limits,
    /// What lies beside it, where that has been read; else it is read now, since it may say how the photo is to be turned.
    pub beside: Option<&'a [Beside]>,
    /// What workers have spent on it so far: of all its tries together no more than of one.
    pub spent: &'a Cell<Duration>,
}

/// Nobody stops what a person waits for.
pub(crate) fn never() -> Stop {
    Arc::new(|| false)
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
        self.decode(path, &Wanted { min_short_side, limits, beside: None, spent: &Cell::default() }, &never())
    }

    /// Reads and decodes a photo.
    pub fn decode(&self, path: &Path, wanted: &Wanted<'_>, stop: &Stop) -> Result<Photo, EngineError> {
        let Wanted { min_short_side, limits, .. } = *wanted;
        let read;
        let beside = match wanted.beside {
            Some(beside) => beside,
            None => {
                read = caption_metadata::beside(path);
                &read
            }
        };
        let Some(program) = &self.program else {
            let bytes = patiently(stop, || Ok(sightline_media::read(path, limits)?))?;
            let (metadata, rgb, facts) = decode_with_facts(&bytes, path, min_short_side, limits, beside)?;
            return Ok(Photo { hash: ContentHash::of(&bytes), metadata, rgb, facts: Some(facts) });
        };
        let decoded = patiently(stop, || {
            self.in_worker(program, path, limits, (stop, wanted.spent), |worker, asked, patience| {
                worker.decode(asked, min_short_side, Some(beside), patience)
            })
        })??;
        Ok(Photo { hash: decoded.hash, metadata: decoded.metadata, rgb: decoded.rgb, facts: decoded.facts })
    }

    /// Reads the facts of a photo, and nothing of it that they do not need.
    pub fn facts(&self, path: &Path, beside: &[Beside], stop: &Stop) -> Result<FactsFound, EngineError> {
        let (limits, spent) = (Limits::default(), Cell::default());
        patiently(stop, || match &self.program {
            Some(program) => self.in_worker(program, path, &limits, (stop, &spent), |worker, asked, patience| {
                worker.facts(asked, beside, patience)
            }),
            None => {
                let (mut file, _) = sightline_media::open_bounded(path, &limits)?;
                Ok(FactsFound::read(&mut file, path, beside).map_err(|source| MediaError::io(path, source))?)
            }
        })
    }

    /// What confines the workers; `None` where there are none.
    pub fn confinement(&self) -> Result<Option<Confinement>, EngineError> {
        let Some(program) = &self.program else { return Ok(None) };
        let asked = start(program)?.confinement(&Patience::of(self.time));
        let failed = |_| EngineError::NoDecoder { source: io::Error::other("it does not answer") };
        Ok(Some(asked.map_err(failed)?))
    }

    fn in_worker<T>(
        &self,
        program: &Path,
        path: &Path,
        limits: &Limits,
        (stop, spent): (&Stop, &Cell<Duration>),
        ask: impl Fn(&mut Worker, Asked<'_>, &Patience) -> Result<T, Failure>,
    ) -> Result<T, EngineError> {
        let mut photo = Contents::open(path, limits)?;
        let mut died_before = false;
        loop {
            let mut worker = match self.idle.take() {
                Some(worker) => worker,
                None => start(program)?,
            };
            let (bytes, path_buf) = (photo.bytes, || path.to_path_buf());
            let patience = Patience { time: self.time.saturating_sub(spent.get()), stop: stop.clone() };
            let begun = Instant::now();
            let answer = ask(&mut worker, Asked { path, contents: photo.source(), bytes, limits }, &patience);
            spent.set(spent.get() + begun.elapsed());
            match answer {
                Ok(answer) => {
                    if !worker.is_spent() {
                        self.idle.put_back(worker);
                    }
                    return Ok(answer);
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
                Err(Failure::Stopped) => return Err(EngineError::Cancelled),
                Err(Failure::Unreadable(source)) => return Err(MediaError::io(path, source).into()),
            }
        }
    }
}

/// A file to be given to a worker.
struct Contents {
    file: File,
    /// All of it, where it is no file that can be read from its beginning again.
    whole: Option<Cursor<Vec<u8>>>,
    bytes: u64,
}

impl Contents {
    fn open(path: &Path, limits: &Limits) -> Result<Self, MediaError> {
        let (file, bytes) = sightline_media::open_bounded(path, limits)?;
        if file.metadata().is_ok_and(|metadata| metadata.is_file()) {
            return Ok(Self { file, whole: None, bytes });
        }
        let whole = sightline_media::read(path, limits)?;
        Ok(Self { file, bytes: whole.len() as u64, whole: Some(Cursor::new(whole)) })
    }

    fn source(&mut self) -> &mut dyn Source {
        match &mut self.whole {
            Some(whole) => whole,
            None => &mut self.file,
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

/// Does again, a few times and ever later, what a slow or flaky disk refused; not when it is no longer wanted.
pub(crate) fn patiently<T>(stop: &Stop, mut attempt: impl FnMut() -> Result<T, EngineError>) -> Result<T, EngineError> {
    for wait in PATIENCE {
        match attempt() {
            Err(EngineError::Media(MediaError::Io { source, .. })) if may_pass(&source) => {
                for _ in 0..wait.div_duration_f32(NAP).ceil() as u32 {
                    if stop() {
                        return Err(EngineError::Cancelled);
                    }
                    std::thread::sleep(NAP);
                }
            }
            Err(EngineError::Media(MediaError::Stopped { .. })) => return Err(EngineError::Cancelled),
            other => return other,
        }
    }
    attempt()
}

/// Whether another try may do better.
fn may_pass(error: &io::Error) -> bool {
    use io::ErrorKind::{
        HostUnreachable, NetworkDown, NetworkUnreachable, NotConnected, ResourceBusy, StaleNetworkFileHandle, TimedOut,
        UnexpectedEof, WouldBlock,
    };
    /// `EIO` on every Unix.
    const INPUT_OUTPUT: i32 = 5;
    let network = [HostUnreachable, NetworkDown, NetworkUnreachable, NotConnected, StaleNetworkFileHandle];
    network.contains(&error.kind())
        // It became shorter while it was read.
        || [ResourceBusy, TimedOut, WouldBlock, UnexpectedEof].contains(&error.kind())
        || cfg!(unix) && error.raw_os_error() == Some(INPUT_OUTPUT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flaky(failures: u32, error: i32) -> (Result<u32, EngineError>, u32) {
        let mut tries = 0;
        let result = patiently(&never(), || {
            tries += 1;
            match tries > failures {
                true => Ok(tries),
                false => {
                    Err(MediaError::Io { path: "a.jpg".into(), source: io::Error::from_raw_os_error(error) }.into())
                }
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
                let photo = dir.path().join("a.jpg");
                std::fs::write(&photo, "photo").unwrap();
                let error = match round {
                    1 => decoders.open(&photo, 64, &Limits::default()).unwrap_err(),
                    _ => decoders.facts(&photo, &[], &never()).unwrap_err(),
                };
                assert_eq!(error.code(), code);
                assert!(error.to_string().contains("a.jpg: "), "{error}");
                let started = std::fs::read_to_string(dir.path().join("starts")).unwrap().lines().count();
                assert_eq!(started, starts * round, "{script}");
            }
        }
    }

    #[test]
    fn a_program_that_cannot_be_started_is_no_fault_of_the_photo() {
        let decoders = Decoders::new(Some("/no/such/program".into()));
        let photo = tempfile::NamedTempFile::new().unwrap();
        let error = decoders.open(photo.path(), 64, &Limits::default()).unwrap_err();
        assert_eq!(error.code(), "no_decoder");
    }
}
