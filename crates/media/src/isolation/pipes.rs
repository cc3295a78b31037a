//! What goes to a worker and comes from it, photo by photo. Nothing that comes is believed: a decoder may have been
//! taken over, and then says whatever a photo wants it to say.

use std::io::{self, Read, SeekFrom, Write};
use std::path::Path;

use super::{About, AboutBeside, Confinement, PIECE_BYTES, Reply, Request, frame};
use crate::caption_metadata::{Beside, Source};
use crate::decode::most_bytes;
use crate::{ContentHash, FactsFound, Limits, MediaError, Metadata, Rgb};

/// Bytes of a file that are held while they go through the pipe.
const STREAMED: usize = 256 << 10;
/// Pieces of one file that a worker may ask for.
const MOST_PIECES: u32 = 100_000;
/// Bytes that it may ask for besides four times the file's own size.
const MOST_ASKED: u64 = 64 << 20;

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

/// What a worker made of a photo.
#[derive(Debug, PartialEq)]
pub struct Decoded {
    /// Of the bytes that the worker was given.
    pub hash: ContentHash,
    /// What the file says of itself.
    pub metadata: Metadata,
    /// Its pixels.
    pub rgb: Rgb,
    /// What it and the files beside it say, if that was asked for.
    pub facts: Option<FactsFound>,
}

/// What went wrong.
#[derive(Debug)]
pub enum Fault {
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

/// The parent's ends of one worker's pipes. After a fault they are of no more use.
pub struct Pipes<I, O> {
    input: I,
    output: O,
    buffer: Vec<u8>,
}

impl<I: Write, O: Read> Pipes<I, O> {
    /// Of what the worker reads and what it writes.
    pub fn new(input: I, output: O) -> Self {
        Self { input, output, buffer: vec![0; STREAMED] }
    }

    /// Has a photo decoded as [`crate::decode_bytes`] would, and with `beside` its facts read.
    ///
    /// # Errors
    /// Outside, why there is no answer; inside, the decoder's refusal.
    pub fn decode(
        &mut self,
        asked: Asked<'_>,
        min_short_side: u32,
        beside: Option<&[Beside]>,
    ) -> Result<Result<Decoded, MediaError>, Fault> {
        let (path, limits, files) = (asked.path, *asked.limits, beside.unwrap_or_default());
        let request =
            Request::Decode { photo: About::of(&asked), min_short_side, beside: beside.map(AboutBeside::list) };
        let most = most_bytes(min_short_side, &limits);
        let hash = self.send_photo(&request, asked, files)?;
        let (reply, pixels) = self.read(|reply| pixel_bytes(reply).filter(|bytes| *bytes <= most).unwrap_or(0))?;
        if pixel_bytes(&reply) != Some(pixels.len() as u64) {
            return Err(Fault::Pipe);
        }
        match reply {
            Reply::Decoded { metadata, width: width @ 1.., height: height @ 1.., facts }
                if facts.is_some() == beside.is_some() =>
            {
                let metadata = metadata.checked(&limits).ok_or(Fault::Pipe)?;
                let facts = facts.map(|facts| facts.checked(files.len()).ok_or(Fault::Pipe)).transpose()?;
                Ok(Ok(Decoded { hash, metadata, rgb: Rgb { width, height, pixels }, facts }))
            }
            Reply::Refused(refused) => Ok(Err(refused.at(path))),
            _ => Err(Fault::Pipe),
        }
    }

    /// Has the facts of a photo read, of which no more is read than is needed for them.
    ///
    /// # Errors
    /// Why there is no answer.
    pub fn facts(&mut self, asked: Asked<'_>, beside: &[Beside]) -> Result<FactsFound, Fault> {
        let request = Request::Facts { photo: About::of(&asked), beside: AboutBeside::list(beside) };
        self.send_beside(&request, beside)?;
        let mut left = asked.bytes.saturating_mul(4).saturating_add(MOST_ASKED);
        for _ in 0..MOST_PIECES {
            match self.read(|_| 0)?.0 {
                Reply::Facts(facts) => return facts.checked(beside.len()).ok_or(Fault::Pipe),
                Reply::Wants { offset, bytes } if offset <= asked.bytes && bytes <= PIECE_BYTES.min(left) => {
                    left -= bytes;
                    self.send_piece(&mut *asked.contents, offset, bytes)?;
                }
                _ => break,
            }
        }
        Err(Fault::Pipe)
    }

    /// What confines the worker, as it says.
    ///
    /// # Errors
    /// Why there is no answer.
    pub fn confinement(&mut self) -> Result<Confinement, Fault> {
        frame::write(&mut self.input, &Request::Confinement, &[])?;
        match self.read(|_| 0)?.0 {
            Reply::Confinement(found) => Ok(found),
            _ => Err(Fault::Pipe),
        }
    }

    fn read(&mut self, allowed: impl FnOnce(&Reply) -> u64) -> Result<(Reply, Vec<u8>), Fault> {
        frame::read(&mut self.output, allowed)?.ok_or(Fault::Pipe)
    }

    /// Sends a request, the photo, hashed on its way, and what lies beside it.
    fn send_photo(&mut self, request: &Request, asked: Asked<'_>, beside: &[Beside]) -> Result<ContentHash, Fault> {
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
    fn send_beside(&mut self, request: &Request, beside: &[Beside]) -> Result<(), Fault> {
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
    fn send_piece(&mut self, photo: &mut dyn Source, offset: u64, bytes: u64) -> Result<(), Fault> {
        let mut piece = Vec::new();
        photo.seek(SeekFrom::Start(offset)).map_err(Fault::File)?;
        photo.take(bytes).read_to_end(&mut piece).map_err(Fault::File)?;
        Ok(frame::write(&mut self.input, &Request::Piece, &piece)?)
    }
}

/// The length of the pixels that a reply names; `None` where no memory could hold them.
fn pixel_bytes(reply: &Reply) -> Option<u64> {
    match reply {
        Reply::Decoded { width, height, .. } => (u64::from(*width) * u64::from(*height)).checked_mul(3),
        _ => Some(0),
    }
}

#[cfg(test)]
#[path = "pipes_tests.rs"]
mod tests;
