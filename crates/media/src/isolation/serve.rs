//! The worker's side: a loop from one photo to the next.

use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::mpsc::sync_channel;

use super::{MEMORY_BYTES, Refused, Reply, Request, frame};
use crate::decode_bytes;

/// Decodes what comes over the standard input until it ends; the body of a worker's `main`.
///
/// Memory is limited to [`MEMORY_BYTES`] where the system can do that for a process (Linux). Ends the process when
/// the parent is gone, even while a decoder hangs.
///
/// # Errors
/// When the parent sends nonsense or the pipes fail.
pub fn serve() -> io::Result<()> {
    limit_memory()?;
    // Codecs may panic by the thousand, and nobody reads it.
    std::panic::set_hook(Box::new(|_| {}));
    let (sender, requests) = sync_channel(1);
    std::thread::Builder::new().name("requests".into()).spawn(move || {
        let mut input = io::stdin().lock();
        loop {
            match next(&mut input) {
                // The other end is gone only when this process ends.
                Ok(Some(request)) => drop(sender.send(request)),
                // The parent has closed the pipe or is dead; a decoder that hangs must not keep this process.
                Ok(None) => std::process::exit(0),
                Err(_) => std::process::exit(2),
            }
        }
    })?;
    let mut output = io::stdout().lock();
    for (request, bytes) in requests {
        answer(&request, bytes, &mut output)?;
    }
    Ok(())
}

fn next(input: &mut impl Read) -> io::Result<Option<(Request, Vec<u8>)>> {
    frame::read(input, |request: &Request| request.limits.max_file_bytes.min(MEMORY_BYTES))
}

fn answer(request: &Request, bytes: Vec<u8>, output: &mut impl Write) -> io::Result<()> {
    let decoded = decode_bytes(&bytes, Path::new(&request.name), request.min_short_side, &request.limits);
    drop(bytes);
    match decoded {
        Ok((metadata, rgb)) => {
            let (width, height) = (rgb.width, rgb.height);
            frame::write(output, &Reply::Decoded { metadata: Box::new(metadata), width, height }, &rgb.pixels)
        }
        Err(error) => frame::write(output, &Reply::Refused(Refused::of(error)), &[]),
    }
}

/// What is written to counts, so that the program's own file and reserved addresses do not.
#[cfg(target_os = "linux")]
fn limit_memory() -> io::Result<()> {
    let (_, hard) = rlimit::Resource::DATA.get()?;
    let bytes = MEMORY_BYTES.min(hard);
    rlimit::Resource::DATA.set(bytes, bytes)?;
    // A decoder that dies should not fill the disk either.
    rlimit::Resource::CORE.set(0, 0)
}

#[cfg(not(target_os = "linux"))]
fn limit_memory() -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, Rgb, thumbnail};

    fn request(name: &str, min_short_side: u32) -> Request {
        Request { name: name.into(), min_short_side, limits: Limits::default() }
    }

    fn ask(bytes: Vec<u8>, name: &str) -> (Reply, Vec<u8>) {
        let mut output = Vec::new();
        answer(&request(name, 64), bytes, &mut output).unwrap();
        frame::read(&mut output.as_slice(), |_| 1 << 20).unwrap().unwrap()
    }

    #[test]
    fn a_photo_through_the_worker_is_the_photo_decoded_here() {
        let pixels = (0..200 * 100 * 3).map(|v| (v % 251) as u8).collect();
        let jpeg = thumbnail(&Rgb { width: 200, height: 100, pixels }, 200).unwrap();
        let (want, rgb) = decode_bytes(&jpeg, Path::new("a.jpg"), 64, &Limits::default()).unwrap();
        let (reply, pixels) = ask(jpeg, "a.jpg");
        let Reply::Decoded { metadata, width, height } = reply else { panic!("{reply:?}") };
        assert_eq!((*metadata, width, height, pixels), (want, rgb.width, rgb.height, rgb.pixels));
    }

    #[test]
    fn a_refusal_comes_back_with_its_code_and_reason() {
        for (bytes, name) in [(b"".to_vec(), "a.jpg"), (b"text".to_vec(), "a.jpg"), (b"8BPS".to_vec(), "a.psd")] {
            let want = decode_bytes(&bytes, Path::new(name), 64, &Limits::default()).unwrap_err();
            let (Reply::Refused(refused), _) = ask(bytes, name) else { panic!("{name}") };
            let got = refused.at(Path::new(name));
            assert_eq!((got.code(), got.to_string()), (want.code(), want.to_string()));
        }
    }

    #[test]
    fn a_file_longer_than_its_own_limit_is_refused_unread() {
        let mut asked = request("a.jpg", 64);
        asked.limits.max_file_bytes = 3;
        let mut bytes = Vec::new();
        frame::write(&mut bytes, &asked, b"four").unwrap();
        assert!(next(&mut bytes.as_slice()).is_err());
    }
}
