//! What goes to a worker and comes from it, photo by photo.

use std::io::{self, Read, SeekFrom, Write};
use std::path::Path;
use std::process::{ChildStdin, ChildStdout};

use super::{AboutBeside, Reply, Request, frame};
use crate::caption_metadata::{Beside, Source};
use crate::{ContentHash, Limits};

/// Bytes of a file that are held while they go through the pipe.
const STREAMED: usize = 256 << 10;

/// A photo to be handed to a worker.
pub struct Asked<'a> {
    /// Where it lies; its name goes along.
    pub path: &'a Path,
    /// Its bytes, from their beginning.
    pub contents: &'a mut dyn Source,
    /// How many they are.
    pub bytes: u64,
    /// What may be spent on it.
    pub limits: &'a Limits,
}

/// What went wrong.
pub(super) enum Fault {
    /// The pipes broke, or nonsense came through them.
    Pipe,
    /// The photo could not be read.
    File(io::Error),
}

impl From<io::Error> for Fault {
    fn from(_: io::Error) -> Self {
        Self::Pipe
    }
}

/// Both ends of one worker.
pub(super) struct Pipes {
    input: ChildStdin,
    output: ChildStdout,
    buffer: Vec<u8>,
}

impl Pipes {
    pub fn new(input: ChildStdin, output: ChildStdout) -> Self {
        Self { input, output, buffer: vec![0; STREAMED] }
    }

    pub fn send(&mut self, request: &Request) -> Result<(), Fault> {
        Ok(frame::write(&mut self.input, request, &[])?)
    }

    pub fn read(&mut self, allowed: impl FnOnce(&Reply) -> u64) -> Result<(Reply, Vec<u8>), Fault> {
        frame::read(&mut self.output, allowed)?.ok_or(Fault::Pipe)
    }

    /// Sends a request, the photo, hashed on its way, and what lies beside it.
    pub fn send_photo(&mut self, request: &Request, asked: Asked<'_>, beside: &[Beside]) -> Result<ContentHash, Fault> {
        let bytes = asked.bytes.saturating_add(AboutBeside::bytes(&AboutBeside::list(beside)));
        frame::begin(&mut self.input, request, bytes)?;
        asked.contents.rewind().map_err(Fault::File)?;
        let (mut hasher, mut left) = (blake3::Hasher::new(), asked.bytes);
        while left > 0 {
            let wanted = self.buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            let read = asked.contents.read(&mut self.buffer[..wanted]).map_err(Fault::File)?;
            if read == 0 {
                return Err(Fault::File(io::ErrorKind::UnexpectedEof.into()));
            }
            hasher.update(&self.buffer[..read]);
            self.input.write_all(&self.buffer[..read])?;
            left -= read as u64;
        }
        self.send_contents(beside)?;
        Ok(ContentHash(*hasher.finalize().as_bytes()))
    }

    /// Sends a request and what lies beside its photo.
    pub fn send_beside(&mut self, request: &Request, beside: &[Beside]) -> Result<(), Fault> {
        frame::begin(&mut self.input, request, AboutBeside::bytes(&AboutBeside::list(beside)))?;
        self.send_contents(beside)
    }

    fn send_contents(&mut self, beside: &[Beside]) -> Result<(), Fault> {
        for contents in beside.iter().filter_map(|file| file.contents.as_deref()) {
            self.input.write_all(contents)?;
        }
        Ok(self.input.flush()?)
    }

    /// Sends the `bytes` of a photo from `offset` on, as far as there are so many.
    pub fn send_piece(&mut self, photo: &mut dyn Source, offset: u64, bytes: u64) -> Result<(), Fault> {
        let mut piece = Vec::new();
        photo.seek(SeekFrom::Start(offset)).map_err(Fault::File)?;
        photo.take(bytes).read_to_end(&mut piece).map_err(Fault::File)?;
        Ok(frame::write(&mut self.input, &Request::Piece, &piece)?)
    }
}
