//! The worker's side: a loop from one photo to the next.

use std::io::{self, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel, sync_channel};

use super::remote::Remote;
use super::{AboutBeside, Confinement, MEMORY_BYTES, MOST_BESIDE, PIECE_BYTES, Refused, Reply, Request, frame};
use crate::caption_metadata::{Beside, LARGEST_PACKET, Source};
use crate::{FactsFound, Limits, decode_bytes, decode_with_facts};

/// Decodes and reads what comes over the standard input until it ends; the body of a worker's `main`.
///
/// The process is confined before anything comes ([`Confinement`]), and it ends when the parent is gone, even while a
/// decoder hangs.
///
/// # Errors
/// When the parent sends nonsense or the pipes fail.
pub fn serve() -> io::Result<()> {
    // Codecs may panic by the thousand, and nobody reads it.
    std::panic::set_hook(Box::new(|_| {}));
    let confinement = Confinement::enter()?;
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
    let most = Limits { max_alloc_bytes: MEMORY_BYTES, ..Limits::default() };
    let worker = AtWork { requests: &requests, confinement: &|| confinement.clone().try_out(), most };
    worker.answer_all(&mut io::stdout().lock())
}

/// As [`serve`], in this process and without a confinement: reads all requests, and then answers them with no more spent on
/// any than `most`.
///
/// # Errors
/// As for [`serve`]; what comes before the nonsense is answered.
pub fn answer_all(input: &mut impl Read, output: &mut impl Write, most: &Limits) -> io::Result<()> {
    let (sender, requests) = channel();
    let read = loop {
        match next(input) {
            Ok(Some(request)) => drop(sender.send(request)),
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    drop(sender);
    AtWork { requests: &requests, confinement: &Confinement::default, most: *most }.answer_all(output)?;
    read
}

fn next(input: &mut impl Read) -> io::Result<Option<(Request, Vec<u8>)>> {
    let beside = |files: &[AboutBeside]| match files.len() <= MOST_BESIDE {
        true => AboutBeside::bytes(files).min(MOST_BESIDE as u64 * LARGEST_PACKET),
        false => 0,
    };
    frame::read(input, |request: &Request| match request {
        Request::Decode { photo, beside: files, .. } => {
            photo.bytes.min(photo.limits.max_file_bytes).min(MEMORY_BYTES)
                + beside(files.as_deref().unwrap_or_default())
        }
        Request::Facts { beside: files, .. } => beside(files),
        Request::Piece => PIECE_BYTES,
        Request::Confinement => 0,
    })
}

/// A worker that has what it needs.
struct AtWork<'a> {
    requests: &'a Receiver<(Request, Vec<u8>)>,
    /// Says what confines it.
    confinement: &'a dyn Fn() -> Confinement,
    /// What it spends on a photo at most, whatever it is asked to.
    most: Limits,
}

impl AtWork<'_> {
    fn answer_all(&self, output: &mut dyn Write) -> io::Result<()> {
        while let Ok((request, body)) = self.requests.recv() {
            self.answer(request, body, output)?;
        }
        Ok(())
    }

    fn answer(&self, request: Request, mut body: Vec<u8>, output: &mut dyn Write) -> io::Result<()> {
        let nonsense = || io::Error::from(io::ErrorKind::InvalidData);
        match request {
            Request::Decode { photo, min_short_side, beside } => {
                let bytes =
                    usize::try_from(photo.bytes).ok().filter(|bytes| *bytes <= body.len()).ok_or_else(nonsense)?;
                let files =
                    beside.map(|files| AboutBeside::taken(&files, &body[bytes..]).ok_or_else(nonsense)).transpose()?;
                body.truncate(bytes);
                let name = Path::new(&photo.name);
                let limits = photo.limits.within(&self.most);
                let decoded = match files {
                    Some(files) => decode_with_facts(&body, name, min_short_side, &limits, &files)
                        .map(|(metadata, rgb, facts)| (metadata, rgb, Some(Box::new(facts)))),
                    None => {
                        decode_bytes(&body, name, min_short_side, &limits).map(|(metadata, rgb)| (metadata, rgb, None))
                    }
                };
                let (metadata, rgb, facts) = match decoded {
                    Ok(decoded) => decoded,
                    Err(error) => return frame::write(output, &Reply::Refused(Refused::of(error)), &[]),
                };
                drop(body);
                let (width, height, metadata) = (rgb.width, rgb.height, Box::new(metadata));
                frame::write(output, &Reply::Decoded { metadata, width, height, facts }, &rgb.pixels)
            }
            Request::Facts { photo, beside } => {
                let files = AboutBeside::taken(&beside, &body).ok_or_else(nonsense)?;
                let facts =
                    facts(&mut Remote::new(photo.bytes, self.requests, output), Path::new(&photo.name), &files)?;
                frame::write(output, &Reply::Facts(Box::new(facts)), &[])
            }
            Request::Confinement => frame::write(output, &Reply::Confinement((self.confinement)()), &[]),
            // None was asked for.
            Request::Piece => Err(nonsense()),
        }
    }
}

/// A parser that gives up costs what it would have found, and no more.
fn facts(photo: &mut dyn Source, name: &Path, beside: &[Beside]) -> io::Result<FactsFound> {
    let read = || FactsFound::read(photo, name, beside);
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| Ok(FactsFound::default()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isolation::About;
    use crate::{Facts, Rgb, thumbnail};

    fn about(name: &str, bytes: u64) -> About {
        About { name: name.into(), bytes, limits: Limits::default() }
    }

    fn at_work(requests: &Receiver<(Request, Vec<u8>)>) -> AtWork<'_> {
        AtWork { requests, confinement: &Confinement::default, most: Limits::default() }
    }

    /// What is answered to `request`, which reads `photo` piece by piece.
    fn ask(request: Request, body: Vec<u8>, photo: &[u8]) -> (Reply, Vec<u8>) {
        let (sender, requests) = sync_channel(1);
        let (mut ours, theirs) = io::pipe().unwrap();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                let mut theirs = theirs;
                at_work(&requests).answer(request, body, &mut theirs).unwrap();
            });
            loop {
                let (reply, body) = frame::read(&mut ours, |_| 1 << 20).unwrap().unwrap();
                let Reply::Wants { offset, bytes } = reply else { return (reply, body) };
                let start = photo.len().min(offset as usize);
                let piece = &photo[start..photo.len().min(start + bytes as usize)];
                sender.send((Request::Piece, piece.to_vec())).unwrap();
            }
        })
    }

    fn decode(bytes: Vec<u8>, name: &str) -> (Reply, Vec<u8>) {
        let photo = about(name, bytes.len() as u64);
        ask(Request::Decode { photo, min_short_side: 64, beside: None }, bytes, &[])
    }

    fn photo() -> Vec<u8> {
        let pixels = (0..200 * 100 * 3).map(|v| (v % 251) as u8).collect();
        thumbnail(&Rgb { width: 200, height: 100, pixels }, 200).unwrap()
    }

    #[test]
    fn a_photo_through_the_worker_is_the_photo_decoded_here() {
        let (want, rgb) = decode_bytes(&photo(), Path::new("a.jpg"), 64, &Limits::default()).unwrap();
        let (reply, pixels) = decode(photo(), "a.jpg");
        let Reply::Decoded { metadata, width, height, facts } = reply else { panic!("{reply:?}") };
        assert_eq!((*metadata, width, height, pixels, facts), (want, rgb.width, rgb.height, rgb.pixels, None));
    }

    #[test]
    fn facts_through_the_worker_are_those_read_here() {
        let folder = tempfile::tempdir().unwrap();
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
        let sidecar = "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>\
                       <rdf:Description xmlns:xmp='http://ns.adobe.com/xap/1.0/' xmp:Rating='4'/></rdf:RDF></x:xmpmeta>";
        for name in ["turned-3.heic", "boxed.jxl", "turned-5.jpg", "inks.tiff", "p3.png", "p3.webp", "turned-2.avif"] {
            let bytes = std::fs::read(fixtures.join(name)).unwrap();
            let path = folder.path().join(format!("2021-06-30 {name}"));
            std::fs::write(&path, &bytes).unwrap();
            std::fs::write(path.with_extension("xmp"), sidecar).unwrap();
            let want = Facts::read(&path).unwrap();
            assert_eq!(want.rating, Some(4));
            let (name, files) = (path.file_name().unwrap().to_str().unwrap(), crate::caption_metadata::beside(&path));
            let list = AboutBeside::list(&files);
            let body = files[0].contents.clone().unwrap();
            let request = Request::Facts { photo: about(name, bytes.len() as u64), beside: list };
            let (Reply::Facts(found), _) = ask(request, body.clone(), &bytes) else { panic!("{name}") };
            assert_eq!(found.facts, want, "{name}");
            let photo = about(name, bytes.len() as u64);
            let request = Request::Decode { photo, min_short_side: 64, beside: Some(AboutBeside::list(&files)) };
            match ask(request, [bytes, body].concat(), &[]).0 {
                Reply::Decoded { facts, .. } => assert_eq!(facts.unwrap().facts, want, "{name}"),
                // Built without libheif.
                reply => assert!(matches!(reply, Reply::Refused(Refused::Unsupported(_))), "{name}: {reply:?}"),
            }
        }
    }

    #[test]
    fn a_refusal_comes_back_with_its_code_and_reason() {
        for (bytes, name) in [(b"".to_vec(), "a.jpg"), (b"text".to_vec(), "a.jpg"), (b"8BPS".to_vec(), "a.psd")] {
            let want = decode_bytes(&bytes, Path::new(name), 64, &Limits::default()).unwrap_err();
            let (Reply::Refused(refused), _) = decode(bytes, name) else { panic!("{name}") };
            let got = refused.at(Path::new(name));
            assert_eq!((got.code(), got.to_string()), (want.code(), want.to_string()));
        }
    }

    #[test]
    fn a_file_longer_than_its_own_limit_is_refused_unread() {
        let mut photo = about("a.jpg", 4);
        photo.limits.max_file_bytes = 3;
        let mut bytes = Vec::new();
        frame::write(&mut bytes, &Request::Decode { photo, min_short_side: 64, beside: None }, b"four").unwrap();
        assert!(next(&mut bytes.as_slice()).is_err());
    }

    #[test]
    fn a_request_that_announces_more_than_it_brings_is_nonsense() {
        let (_sender, requests) = sync_channel(1);
        let beside = vec![AboutBeside { has_full_name: true, bytes: Some(9) }];
        let many = (0..=MOST_BESIDE).map(|_| AboutBeside { has_full_name: true, bytes: None }).collect();
        for request in [
            Request::Facts { photo: about("a.jpg", 4), beside: many },
            Request::Decode { photo: about("a.jpg", 5), min_short_side: 64, beside: None },
            Request::Decode { photo: about("a.jpg", 2), min_short_side: 64, beside: Some(beside) },
            Request::Piece,
        ] {
            let mut output = Vec::new();
            assert!(at_work(&requests).answer(request, b"four".to_vec(), &mut output).is_err());
        }
    }
}
