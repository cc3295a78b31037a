//! Any bytes as what comes through the pipe between Sightline and a worker, either way.
//!
//! - What a worker answers that was taken over: Sightline gets a photo within its limits, facts, a refusal or an error.
//! - What a worker is asked by a stream that broke: it answers, or ends with an error, and what it writes are answers.
//! - What an honest worker answers of any photo: it is taken for what was read here.
//!
//! The first byte says which, and whether frames are made of the rest, so that lengths are right more often.
#![no_main]

mod memory;

use std::cell::RefCell;
use std::io::{Cursor, Read, Write, sink};
use std::path::Path;
use std::rc::Rc;

use libfuzzer_sys::fuzz_target;
use memory::{MIB, bounded};
use sightline_media::caption_metadata::Beside;
use sightline_media::isolation::{Asked, Pipes, answer_all};
use sightline_media::{ContentHash, Facts, FactsFound, Limits, decode_bytes, is_same_moment};

const LIMITS: Limits = Limits { max_pixels: 1_000_000, max_alloc_bytes: 16 << 20, max_file_bytes: 1 << 20 };
const FRAME: &[u8] = b"|frame|";
const BODY: &[u8] = b"|body|";
const NAMES: [&str; 4] = ["IMG_20210630_101112.jpg", "a.nef", "a.heic", "a"];

/// The first room for a body and a head, a buffer, and of the rest heads whose lists and texts are unpacked.
const READING: usize = 24 * MIB;
/// What a decoder may hold, pixels of it, tables of profiles, and metadata as in the target of that name.
const DECODING: usize = 16 * MIB + 9 * MIB + 32 * MIB + 64 * MIB;

fuzz_target!(init: drop(std::panic::take_hook()), |bytes: &[u8]| {
    let Some((&kind, rest)) = bytes.split_first() else { return };
    let stream = if kind & 0x80 == 0 { rest.to_vec() } else { framed(rest) };
    // libheif takes no limit: then it is the worker's own.
    let decoding = if rest.windows(4).any(|word| word == b"ftyp") { 1024 * MIB } else { DECODING };
    match kind & 0x7f {
        0 => bounded(READING + 64 * bytes.len(), || decoded(&stream, None)),
        1 => bounded(READING + 64 * bytes.len(), || decoded(&stream, Some(&beside()))),
        2 => bounded(READING + 64 * bytes.len(), || facts(&stream)),
        3 => bounded(READING + 64 * bytes.len(), || drop(Pipes::new(sink(), stream.as_slice()).confinement())),
        4 => bounded(READING + decoding + 64 * bytes.len(), || asked(&stream)),
        _ => bounded(READING + decoding + 64 * bytes.len(), || honest(rest)),
    }
});

/// Frames of which the fuzzer gives heads and bodies, and not the lengths.
fn framed(parts: &[u8]) -> Vec<u8> {
    let mut stream = Vec::new();
    for part in split(parts, FRAME) {
        let mut halves = split(part, BODY).into_iter();
        let (head, body) = (halves.next().unwrap_or_default(), halves.next().unwrap_or_default());
        stream.extend((head.len() as u32).to_le_bytes());
        stream.extend((body.len() as u64).to_le_bytes());
        stream.extend([head, body].concat());
    }
    stream
}

fn split<'a>(mut bytes: &'a [u8], at: &[u8]) -> Vec<&'a [u8]> {
    let mut parts = Vec::new();
    while let Some(end) = bytes.windows(at.len()).position(|window| window == at) {
        parts.push(&bytes[..end]);
        bytes = &bytes[end + at.len()..];
    }
    parts.push(bytes);
    parts
}

fn beside() -> [Beside; 1] {
    [Beside { path: "a.xmp".into(), has_full_name: false, contents: Some(b"<x/>".to_vec()) }]
}

/// A photo of ten bytes that Sightline has decoded by who answers so.
fn decoded(answers: &[u8], beside: Option<&[Beside]>) {
    let mut contents = Cursor::new([7; 10]);
    let asked = Asked { path: Path::new("a.jpg"), contents: &mut contents, bytes: 10, limits: &LIMITS };
    match Pipes::new(sink(), answers).decode(asked, 64, beside) {
        Ok(Ok(found)) => {
            assert_eq!(found.hash, ContentHash::of(&[7; 10]));
            assert_eq!(found.rgb.pixels.len() as u64, u64::from(found.rgb.width) * u64::from(found.rgb.height) * 3);
            assert!(!found.rgb.pixels.is_empty() && found.rgb.pixels.len() as u64 <= LIMITS.max_pixels * 3);
            let pixels = u64::from(found.metadata.width) * u64::from(found.metadata.height);
            assert!((1..=LIMITS.max_pixels).contains(&pixels) && (1..=8).contains(&found.metadata.orientation));
            assert_eq!(found.facts.is_some(), beside.is_some());
            if let Some(facts) = found.facts {
                are_facts(&facts, 1);
            }
        }
        Ok(Err(refusal)) => assert!(refusal.to_string().len() < 8000 && !refusal.code().is_empty()),
        Err(_) => {}
    }
}

/// The same, of which the facts are wanted.
fn facts(answers: &[u8]) {
    let mut contents = Cursor::new([7; 10]);
    let asked = Asked { path: Path::new("a.jpg"), contents: &mut contents, bytes: 10, limits: &LIMITS };
    if let Ok(found) = Pipes::new(sink(), answers).facts(asked, &beside()) {
        are_facts(&found, 1);
    }
}

fn are_facts(found: &FactsFound, files: usize) {
    let FactsFound { facts: Facts { taken_at, camera, lens, position, rating, words }, inside, beside } = found;
    if let Some((date, _)) = taken_at {
        assert!(date.is_ascii() && (4..=29).contains(&date.len()) && is_same_moment(date, date));
        assert!(date.bytes().take(4).all(|digit| digit.is_ascii_digit()));
    }
    assert!([camera, lens].into_iter().flatten().all(|name| name.chars().count() <= 401));
    assert!(position.is_none_or(|(north, east)| north.abs() <= 90.0 && east.abs() <= 180.0));
    assert!(rating.is_none_or(|stars| (-1..=5).contains(&stars)));
    assert!(words.caption.as_ref().is_none_or(|caption| caption.len() <= 32 << 10));
    assert!(words.keywords.len() <= 1000 && words.keywords.iter().all(|word| word.len() <= 1000));
    assert!(inside.iter().chain(beside.iter().map(|(_, over)| over)).all(|over| over.what.len() <= 200));
    assert!(beside.as_ref().is_none_or(|(file, _)| *file < files));
}

/// A worker that is asked so.
fn asked(mut requests: &[u8]) {
    let mut answers = Vec::new();
    drop(answer_all(&mut requests, &mut answers, &LIMITS));
    // Each begins with its lengths; the last may have been cut off by the error.
    let mut rest = answers.as_slice();
    while let Some((lengths, after)) = rest.split_first_chunk::<12>() {
        let head = u32::from_le_bytes([lengths[0], lengths[1], lengths[2], lengths[3]]) as usize;
        assert!(head <= MIB);
        let body = u64::from_le_bytes(lengths[4..].try_into().expect("eight bytes")) as usize;
        rest = after.get(head + body..).expect("an answer is whole");
    }
    assert!(rest.is_empty());
}

/// A worker in this process, at work as soon as it is listened to.
struct Here {
    requests: Rc<RefCell<Vec<u8>>>,
    answers: Option<Cursor<Vec<u8>>>,
}

struct Requests(Rc<RefCell<Vec<u8>>>);

impl Write for Requests {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Read for Here {
    fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
        let answers = self.answers.get_or_insert_with(|| {
            let mut answers = Vec::new();
            answer_all(&mut self.requests.borrow().as_slice(), &mut answers, &LIMITS).expect("the request is one");
            Cursor::new(answers)
        });
        answers.read(to)
    }
}

/// Any photo, decoded and read by a worker and here.
fn honest(photo: &[u8]) {
    if photo.len() as u64 > LIMITS.max_file_bytes {
        return;
    }
    let path = Path::new(NAMES[photo.len() % NAMES.len()]);
    let requests = Rc::new(RefCell::new(Vec::new()));
    let worker = Here { requests: requests.clone(), answers: None };
    let mut contents = Cursor::new(photo);
    let asked = Asked { path, contents: &mut contents, bytes: photo.len() as u64, limits: &LIMITS };
    let answer = Pipes::new(Requests(requests), worker).decode(asked, 64, Some(&beside()));
    let answer = answer.expect("an honest worker's answer is taken");
    match (answer, decode_bytes(photo, path, 64, &LIMITS)) {
        (Ok(found), Ok((metadata, rgb))) => {
            assert_eq!((found.metadata, found.rgb), (metadata, rgb));
            are_facts(&found.facts.expect("they were asked for"), 1);
        }
        (Err(refused), Err(refusal)) => assert_eq!(refused.code(), refusal.code()),
        (answer, here) => panic!("{answer:?}, and here {here:?}"),
    }
}
