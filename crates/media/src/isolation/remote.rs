//! A photo that the parent reads for the worker, a piece at a time.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::mpsc::Receiver;

use super::{PIECE_BYTES, Reply, Request, frame};

/// Reads by asking; what reads it should ask for much at once.
pub(super) struct Remote<'a> {
    pieces: &'a Receiver<(Request, Vec<u8>)>,
    output: &'a mut dyn Write,
    size: u64,
    at: u64,
}

impl<'a> Remote<'a> {
    pub fn new(size: u64, pieces: &'a Receiver<(Request, Vec<u8>)>, output: &'a mut dyn Write) -> Self {
        Self { pieces, output, size, at: 0 }
    }
}

impl Read for Remote<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let bytes = (to.len() as u64).min(PIECE_BYTES).min(self.size.saturating_sub(self.at));
        if bytes == 0 {
            return Ok(0);
        }
        frame::write(self.output, &Reply::Wants { offset: self.at, bytes }, &[])?;
        match self.pieces.recv() {
            Ok((Request::Piece, piece)) if piece.len() as u64 <= bytes => {
                to[..piece.len()].copy_from_slice(&piece);
                self.at += piece.len() as u64;
                Ok(piece.len())
            }
            _ => Err(io::ErrorKind::InvalidData.into()),
        }
    }
}

impl Seek for Remote<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let place = match to {
            SeekFrom::Start(place) => Some(place),
            SeekFrom::End(from) => self.size.checked_add_signed(from),
            SeekFrom::Current(from) => self.at.checked_add_signed(from),
        };
        self.at = place.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}
