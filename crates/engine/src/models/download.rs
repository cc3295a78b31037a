//! One file, fetched whole: gone on with where an earlier try ended, held against its size and digest, and given its name
//! only when both are right.
//!
//! `NAME.part` holds the bytes that came, `NAME.part.json` the tag under which the server gave them. They outlive a cut, a
//! pause and a crash. The digest is worked out as bytes come, and over those kept when a try begins.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sightline_vlm::FileInfo;
use url::Url;

use super::ModelsError;
use super::http::{Answer, Failure, Head, Http};
use super::store::{flush, read_json, write_json};
use crate::EngineError;

/// After so many bytes they are flushed to the disk.
const FLUSH_EVERY: u64 = 64 << 20;
/// How often somebody who waits looks whether to stop.
const TICK: Duration = Duration::from_millis(50);

/// Whether to go on: an error when a person has stopped it.
pub(super) type Stop<'a> = &'a dyn Fn() -> Result<(), EngineError>;

/// A file to be fetched.
pub(super) struct Download<'a> {
    pub http: &'a Http,
    pub url: Url,
    /// The name that it gets.
    pub file: PathBuf,
    /// Its exact size, where that is known.
    pub bytes: Option<u64>,
    /// More bytes are never taken.
    pub at_most: u64,
    /// Its SHA-256, where that is known.
    pub sha256: Option<String>,
}

/// What came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Got {
    pub bytes: u64,
    pub sha256: String,
}

/// Under what the server gave the bytes that are kept.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Tag {
    etag: Option<String>,
}

/// The bytes that are kept, with their digest so far.
struct Part {
    path: PathBuf,
    file: File,
    bytes: u64,
    digest: Sha256,
    unflushed: u64,
}

/// How one try ended.
enum Try {
    Whole,
    /// Another may do better; how long the server asks to wait, with its status.
    Again(String, Option<(u16, Duration)>),
    /// What is kept is of no use.
    Anew,
}

impl Download<'_> {
    /// Fetches the file. `None` when the server does not have it. `on_bytes` is told how many bytes are kept.
    ///
    /// # Errors
    /// What stays wrong after some tries; a file that is not what was published is thrown away.
    pub fn fetch(&self, stop: Stop<'_>, on_bytes: &mut dyn FnMut(u64)) -> Result<Option<Got>, EngineError> {
        if let Some(got) = self.there()? {
            return Ok(Some(got));
        }
        let mut part = Part::open(part_of(&self.file), stop)?;
        let (mut idle, mut anew) = (0, 0);
        let patience = &self.http.patience;
        loop {
            stop()?;
            on_bytes(part.bytes);
            let resumed = part.bytes > 0;
            let before = part.bytes;
            let ended = match self.attempt(&mut part, stop, on_bytes) {
                Err(EngineError::Models(ModelsError::NotThere { status: 404 | 410, .. })) if !resumed => {
                    part.remove()?;
                    return Ok(None);
                }
                ended => ended?,
            };
            match ended {
                Try::Whole => match self.finish(part, resumed)? {
                    Ok(got) => return Ok(Some(got)),
                    // What was kept from before may be what is wrong.
                    Err(_) if anew == 0 => (part, anew) = (Part::open(part_of(&self.file), stop)?, 1),
                    Err(wrong) => return Err(wrong.into()),
                },
                Try::Anew => {
                    part.reset()?;
                    anew += 1;
                    if anew > 2 {
                        let reason = "it begins the file anew each time".to_owned();
                        return Err(ModelsError::BadReply { url: self.url.to_string(), reason }.into());
                    }
                }
                Try::Again(reason, asked) => {
                    // What came is there for whoever asks next.
                    part.flush()?;
                    idle = if part.bytes > before { 1 } else { idle + 1 };
                    let url = self.url.to_string();
                    let pause = asked.map_or(patience.pause * 2u32.pow((idle - 1).min(6)), |(_, wait)| wait);
                    match asked {
                        Some((status, wait)) if wait > patience.longest_pause || idle >= patience.tries => {
                            return Err(ModelsError::TooMany { url, status, wait_seconds: wait.as_secs() }.into());
                        }
                        None if idle >= patience.tries => return Err(ModelsError::Unreachable { url, reason }.into()),
                        _ => wait(pause.min(patience.longest_pause), stop)?,
                    }
                }
            }
        }
    }

    /// The file itself, which is there where the process died after it was whole and before that was written down.
    fn there(&self) -> Result<Option<Got>, EngineError> {
        if !self.file.is_file() {
            return Ok(None);
        }
        let FileInfo { bytes, sha256 } = FileInfo::of(&self.file)?;
        if self.bytes.is_none_or(|size| size == bytes) && self.sha256.as_ref().is_none_or(|digest| *digest == sha256) {
            return Ok(Some(Got { bytes, sha256 }));
        }
        remove_if_there(&self.file)?;
        Ok(None)
    }

    fn attempt(&self, part: &mut Part, stop: Stop<'_>, on_bytes: &mut dyn FnMut(u64)) -> Result<Try, EngineError> {
        if self.bytes == Some(part.bytes) {
            return Ok(Try::Whole);
        }
        if self.bytes.is_some_and(|bytes| part.bytes > bytes) {
            return Ok(Try::Anew);
        }
        let kept: Option<Tag> = read_json(&tag_of(&self.file))?;
        let tag = kept.and_then(|tag| tag.etag);
        if part.bytes > 0 && tag.is_none() && self.sha256.is_none() {
            // Nothing would tell whether the rest goes with what is kept.
            return Ok(Try::Anew);
        }
        let answer = match self.http.ask(&self.url, part.bytes, tag.as_deref(), stop)? {
            Ok(answer) => answer,
            Err(Failure::Passing(reason)) => return Ok(Try::Again(reason, None)),
            Err(Failure::Lasting(error)) => return Err(error.into()),
        };
        match self.judge(&answer.head, part.bytes, tag.as_deref())? {
            Verdict::TakeFrom(from) => {
                if from < part.bytes {
                    part.reset()?;
                }
                // A part under no tag is of the file that was asked for.
                let kept = tag.filter(|_| from > 0);
                write_json(&tag_of(&self.file), &Tag { etag: answer.head.etag.clone().or(kept) })?;
                self.take(part, &answer, stop, on_bytes)
            }
            Verdict::Ends(ended) => Ok(ended),
        }
    }

    /// What the beginning of an answer means when `kept` bytes are there.
    fn judge(&self, head: &Head, kept: u64, tag: Option<&str>) -> Result<Verdict, ModelsError> {
        let url = || self.url.to_string();
        let bad = |reason: &str| Err(ModelsError::BadReply { url: url(), reason: reason.into() });
        let total = match head.status {
            206 => head.range.1,
            _ => head.length,
        };
        let wrong_size = |expected: u64, got: u64| Err(ModelsError::WrongSize { url: url(), expected, got });
        if matches!(head.status, 200 | 206) {
            if head.packed {
                return bad("it is packed, which was not asked for");
            }
            match (self.bytes, total) {
                (Some(expected), Some(got)) if expected != got => return wrong_size(expected, got),
                (None, Some(got)) if got > self.at_most => return wrong_size(self.at_most, got),
                _ => {}
            }
        }
        Ok(match head.status {
            200 => Verdict::TakeFrom(0),
            206 if tag.is_some() && head.etag.is_some() && head.etag.as_deref() != tag => Verdict::Ends(Try::Anew),
            206 if head.range.0 == Some(kept) => Verdict::TakeFrom(kept),
            206 if kept > 0 => Verdict::Ends(Try::Anew),
            206 => return bad("it is a part that was not asked for"),
            // All is there already, or the file is another one by now.
            416 if kept > 0 && self.bytes.is_none() && head.range.1 == Some(kept) => Verdict::Ends(Try::Whole),
            416 if kept > 0 => Verdict::Ends(Try::Anew),
            404 | 410 => return Err(ModelsError::NotThere { url: url(), status: head.status }),
            401 | 403 | 451 => return Err(ModelsError::Denied { url: url(), status: head.status }),
            429 | 503 if head.retry_after.is_some() => {
                let asked = head.retry_after.map(|wait| (head.status, wait));
                Verdict::Ends(Try::Again("it has too much to do".into(), asked))
            }
            408 | 425 | 429 | 500.. => {
                Verdict::Ends(Try::Again(format!("the server answers with status {}", head.status), None))
            }
            status => return bad(&format!("status {status}")),
        })
    }

    /// Takes the bytes of an answer.
    fn take(
        &self,
        part: &mut Part,
        answer: &Answer,
        stop: Stop<'_>,
        on_bytes: &mut dyn FnMut(u64),
    ) -> Result<Try, EngineError> {
        let whole = self.bytes.or(match answer.head.status {
            206 => answer.head.range.1,
            _ => answer.head.length,
        });
        loop {
            match answer.next(stop)? {
                Ok(Some(bytes)) => {
                    let most = self.bytes.unwrap_or(self.at_most);
                    if part.bytes + bytes.len() as u64 > most {
                        let got = part.bytes + bytes.len() as u64;
                        part.remove()?;
                        return Err(ModelsError::WrongSize { url: self.url.to_string(), expected: most, got }.into());
                    }
                    part.append(&bytes)?;
                    on_bytes(part.bytes);
                }
                Ok(None) if whole.is_none_or(|whole| part.bytes >= whole) => return Ok(Try::Whole),
                Ok(None) => return Ok(Try::Again("the connection ended early".into(), None)),
                // Whatever went wrong after the last byte.
                Err(_) if whole == Some(part.bytes) => return Ok(Try::Whole),
                Err(Failure::Passing(reason)) => return Ok(Try::Again(reason, None)),
                Err(Failure::Lasting(error)) => return Err(error.into()),
            }
        }
    }

    /// Gives the file its name if its digest is right; else throws it away, and says whether that is for good.
    fn finish(&self, mut part: Part, resumed: bool) -> Result<Result<Got, ModelsError>, EngineError> {
        part.flush()?;
        let got = Got { bytes: part.bytes, sha256: format!("{:x}", part.digest.finalize_reset()) };
        if let Some(expected) = self.sha256.as_ref().filter(|expected| **expected != got.sha256) {
            part.remove()?;
            let (url, expected) = (self.url.to_string(), expected.clone());
            let wrong = ModelsError::WrongDigest { url, expected, got: got.sha256 };
            return if resumed { Ok(Err(wrong)) } else { Err(wrong.into()) };
        }
        std::fs::rename(&part.path, &self.file).map_err(ModelsError::io(&self.file))?;
        remove_if_there(&tag_of(&self.file))?;
        flush(self.file.parent().expect("it lies in a folder of models"))?;
        Ok(Ok(got))
    }
}

enum Verdict {
    /// The bytes that come are those from here on.
    TakeFrom(u64),
    Ends(Try),
}

impl Part {
    /// The bytes that are kept, read once for their digest.
    fn open(path: PathBuf, stop: Stop<'_>) -> Result<Self, EngineError> {
        let file = File::options().create(true).truncate(false).read(true).write(true).open(&path);
        let mut file = file.map_err(ModelsError::io(&path))?;
        let (mut digest, mut bytes, mut piece) = (Sha256::new(), 0, vec![0; 1 << 20]);
        loop {
            stop()?;
            let read = file.read(&mut piece).map_err(ModelsError::io(&path))?;
            if read == 0 {
                return Ok(Self { path, file, bytes, digest, unflushed: 0 });
            }
            digest.update(&piece[..read]);
            bytes += read as u64;
        }
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), ModelsError> {
        // Also what the disk took before it was full counts.
        self.file.write_all(bytes).map_err(ModelsError::io(&self.path))?;
        self.digest.update(bytes);
        self.bytes += bytes.len() as u64;
        self.unflushed += bytes.len() as u64;
        if self.unflushed >= FLUSH_EVERY {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), ModelsError> {
        self.unflushed = 0;
        self.file.sync_data().map_err(ModelsError::io(&self.path))
    }

    /// Begins anew.
    fn reset(&mut self) -> Result<(), ModelsError> {
        let emptied = self.file.set_len(0).and_then(|()| self.file.seek(SeekFrom::Start(0)));
        emptied.map_err(ModelsError::io(&self.path))?;
        (self.bytes, self.unflushed, self.digest) = (0, 0, Sha256::new());
        Ok(())
    }

    fn remove(&mut self) -> Result<(), ModelsError> {
        self.reset()?;
        remove_if_there(&self.path)?;
        remove_if_there(&self.path.with_added_extension("json"))
    }
}

fn part_of(file: &Path) -> PathBuf {
    file.with_added_extension("part")
}

fn tag_of(file: &Path) -> PathBuf {
    file.with_added_extension("part.json")
}

/// The bytes that are kept of a file, whole or not.
pub(super) fn bytes_kept(file: &Path) -> u64 {
    let bytes = |path: &Path| std::fs::metadata(path).map_or(0, |there| there.len());
    bytes(file).max(bytes(&part_of(file)))
}

fn remove_if_there(path: &Path) -> Result<(), ModelsError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(ModelsError::io(path)(error)),
        _ => Ok(()),
    }
}

fn wait(time: Duration, stop: Stop<'_>) -> Result<(), EngineError> {
    let begun = Instant::now();
    while let Some(left) = time.checked_sub(begun.elapsed()).filter(|left| !left.is_zero()) {
        stop()?;
        std::thread::sleep(left.min(TICK));
    }
    Ok(())
}
