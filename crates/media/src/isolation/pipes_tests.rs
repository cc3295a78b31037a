use std::cell::RefCell;
use std::io::Cursor;
use std::rc::Rc;

use super::super::{Refused, answer_all};
use super::*;
use crate::caption_metadata::{CaptionMetadata, OverLimit};
use crate::{DateSource, Facts, decode_bytes};

/// What a worker answers of a photo of 2 by 1 pixels.
fn metadata() -> Metadata {
    let bytes = include_bytes!("../../tests/fixtures/turned-1.jpg");
    let (metadata, _) = decode_bytes(bytes, Path::new("a.jpg"), 64, &Limits::default()).unwrap();
    Metadata { width: 2, height: 1, ..metadata }
}

fn decoded(metadata: Metadata, facts: Option<FactsFound>) -> Reply {
    Reply::Decoded { metadata: Box::new(metadata), width: 2, height: 1, facts: facts.map(Box::new) }
}

fn framed(replies: &[(&Reply, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (reply, body) in replies {
        frame::write(&mut bytes, reply, body).unwrap();
    }
    bytes
}

/// A photo of three bytes, of which a worker asks for what `answers` ask for.
fn facts_by(answers: &[u8], beside: &[Beside]) -> Result<FactsFound, Fault> {
    let (mut contents, limits) = (Cursor::new([1, 2, 3]), Limits::default());
    let asked = Asked { path: Path::new("a.jpg"), contents: &mut contents, bytes: 3, limits: &limits };
    Pipes::new(io::sink(), answers).facts(asked, beside)
}

/// The same, decoded.
fn decoded_by(
    answers: &[u8],
    limits: &Limits,
    beside: Option<&[Beside]>,
) -> Result<Result<Decoded, MediaError>, Fault> {
    let mut contents = Cursor::new([1, 2, 3]);
    let asked = Asked { path: Path::new("a.jpg"), contents: &mut contents, bytes: 3, limits };
    Pipes::new(io::sink(), answers).decode(asked, 64, beside)
}

#[test]
fn a_worker_that_was_taken_over_gives_a_photo_within_the_limits_or_none() {
    let limits = Limits { max_pixels: 100, ..Limits::default() };
    let none = || Some(FactsFound::default());
    let good = decoded_by(&framed(&[(&decoded(metadata(), None), &[9; 6])]), &limits, None).unwrap().unwrap();
    assert_eq!(good.rgb, Rgb { width: 2, height: 1, pixels: vec![9; 6] });
    let of = |width, height| Reply::Decoded { metadata: Box::new(metadata()), width, height, facts: None };
    let exif = |change: fn(&mut Metadata)| {
        let mut metadata = metadata();
        change(&mut metadata);
        decoded(metadata, None)
    };
    for (what, reply, pixels) in [
        ("too few pixels", of(2, 1), 3),
        ("too many", of(2, 1), 9),
        ("none", of(0, 1), 0),
        ("none either way", of(1, 0), 0),
        ("more than fit a number", of(u32::MAX, u32::MAX), 0),
        ("more than was allowed", of(101, 1), 303),
        ("an original without pixels", exif(|m| m.width = 0), 6),
        ("an original larger than any", exif(|m| m.height = 51), 6),
        ("a turn that there is not", exif(|m| m.orientation = 9), 6),
        ("no turn", exif(|m| m.orientation = 0), 6),
        ("a date that is none", exif(|m| m.exif.taken_at = Some("20".into())), 6),
        ("a change that never was", exif(|m| m.exif.changed_at = Some("2021-02-30T10:00:00".into())), 6),
        ("a camera with a name like a book", exif(|m| m.exif.camera = Some("x".repeat(402))), 6),
        ("facts that nobody asked for", decoded(metadata(), none()), 6),
        ("another answer", Reply::Facts(Box::default()), 0),
        ("a wish for bytes that it has", Reply::Wants { offset: 0, bytes: 1 }, 0),
    ] {
        let answer = decoded_by(&framed(&[(&reply, &vec![9; pixels])]), &limits, None);
        assert!(matches!(answer, Err(Fault::Pipe)), "{what}: {answer:?}");
    }
    let answer = decoded_by(&framed(&[(&decoded(metadata(), None), &[9; 6])]), &limits, Some(&[]));
    assert!(matches!(answer, Err(Fault::Pipe)), "facts were asked for: {answer:?}");
    let words = exif(|m| m.exif.words = Some("\u{20ac}".repeat(20_000)));
    let answer = decoded_by(&framed(&[(&words, &[9; 6])]), &limits, None).unwrap().unwrap();
    assert_eq!(answer.metadata.exif.words.unwrap().len(), 32 * 1024 - 2);
}

#[test]
fn facts_of_a_worker_that_was_taken_over_are_facts_or_none() {
    let beside = [Beside { path: "a.xmp".into(), has_full_name: false, contents: None }];
    let ask = |change: fn(&mut FactsFound)| {
        let mut found = FactsFound::default();
        change(&mut found);
        facts_by(&framed(&[(&Reply::Facts(Box::new(found)), &[])]), &beside)
    };
    let over = |letters| OverLimit::new(&"x".repeat(letters), "4 MiB");
    assert!(ask(|found| found.facts.taken_at = Some(("2021-06".into(), DateSource::Xmp))).is_ok());
    for date in ["", "2", "2021-06-30 10:00:00", "2021-06-30T10:00:00\u{20ac}", "20210630", "2021-13", "9999-01-01"] {
        let facts = Facts { taken_at: Some((date.into(), DateSource::Exif)), ..Facts::default() };
        let found = FactsFound { facts, ..FactsFound::default() };
        let answer = facts_by(&framed(&[(&Reply::Facts(Box::new(found)), &[])]), &beside);
        assert!(matches!(answer, Err(Fault::Pipe)), "{date:?}: {answer:?}");
    }
    assert!(ask(|found| found.facts.lens = Some("x".repeat(500))).is_err());
    assert!(ask(|found| found.beside = Some((1, OverLimit::new("a", "b")))).is_err(), "there is only one beside it");
    assert!(ask(|found| found.beside = Some((0, OverLimit::new("a", "b")))).is_ok());
    for (inside, beside_it, good) in
        [(Some(over(200)), None, true), (Some(over(201)), None, false), (None, Some(over(201)), false)]
    {
        let found = FactsFound { facts: Facts::default(), inside, beside: beside_it.map(|over| (0, over)) };
        assert_eq!(facts_by(&framed(&[(&Reply::Facts(Box::new(found)), &[])]), &beside).is_ok(), good);
    }
    // What is only too much is cut.
    let found = ask(|found| {
        let words = CaptionMetadata { caption: Some("x".repeat(100_000)), keywords: vec!["y".into(); 5000] };
        found.facts = Facts { rating: Some(9), position: Some((f64::NAN, 500.0)), words, ..Facts::default() };
    })
    .unwrap()
    .facts;
    assert_eq!((found.rating, found.position), (None, None));
    assert_eq!((found.words.caption.unwrap().len(), found.words.keywords.len()), (32 << 10, 1000));
}

#[test]
fn a_wish_that_no_file_can_fulfil_is_the_workers_fault_and_not_the_files() {
    let facts = Reply::Facts(Box::default());
    let wants = |offset, bytes| Reply::Wants { offset, bytes };
    assert!(facts_by(&framed(&[(&wants(1, 2), &[]), (&wants(3, 1), &[]), (&facts, &[])]), &[]).is_ok());
    for (offset, bytes) in [(4, 1), (u64::MAX, 1), (i64::MAX as u64 + 1, 0), (0, PIECE_BYTES + 1), (0, u64::MAX)] {
        let answer = facts_by(&framed(&[(&wants(offset, bytes), &[]), (&facts, &[])]), &[]);
        assert!(matches!(answer, Err(Fault::Pipe)), "{bytes} from {offset}: {answer:?}");
    }
    let many = framed(&vec![(&wants(0, PIECE_BYTES), [].as_slice()); 100]);
    assert!(
        matches!(facts_by(&[many, framed(&[(&facts, &[])])].concat(), &[]), Err(Fault::Pipe)),
        "more than four times"
    );
}

#[test]
fn a_reason_is_no_longer_than_one() {
    let long = || "x".repeat(100_000);
    let reply = Reply::Refused(Refused::TooLarge { what: long(), limit: long() });
    let error = decoded_by(&framed(&[(&reply, &[])]), &Limits::default(), None).unwrap().unwrap_err();
    assert!(error.to_string().len() < 5000);
    let reply = Reply::Refused(Refused::Broken(long()));
    let error = decoded_by(&framed(&[(&reply, &[])]), &Limits::default(), None).unwrap().unwrap_err();
    assert!(error.to_string().len() < 3000);
}

/// A worker in this process that is at work as soon as it is listened to.
struct Here {
    requests: Rc<RefCell<Vec<u8>>>,
    answers: Option<Cursor<Vec<u8>>>,
}

/// What the worker is sent.
struct Requests(Rc<RefCell<Vec<u8>>>);

impl Write for Requests {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for Here {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let answers = self.answers.get_or_insert_with(|| {
            let mut answers = Vec::new();
            answer_all(&mut self.requests.borrow().as_slice(), &mut answers, &Limits::default()).unwrap();
            Cursor::new(answers)
        });
        answers.read(to)
    }
}

/// A TIFF of one grey pixel with a description of `letters`.
fn described(letters: usize) -> Vec<u8> {
    let start = 8 + 2 + 10 * 12 + 4;
    let mut bytes = [b"II*\0\x08\0\0\0".as_slice(), &10_u16.to_le_bytes()].concat();
    for (tag, kind, count, value) in [
        (256_u16, 4_u16, 1_u32, 1_u32),
        (257, 4, 1, 1),
        (258, 3, 1, 8),
        (259, 3, 1, 1),
        (262, 3, 1, 1),
        (270, 2, letters as u32 + 1, start + 1),
        (273, 4, 1, start),
        (277, 3, 1, 1),
        (278, 4, 1, 1),
        (279, 4, 1, 1),
    ] {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(kind.to_le_bytes());
        bytes.extend(count.to_le_bytes());
        bytes.extend(value.to_le_bytes());
    }
    bytes.extend([0, 0, 0, 0, 77]);
    bytes.extend(vec![b'x'; letters]);
    bytes.push(0);
    bytes
}

#[test]
fn what_an_honest_worker_answers_is_taken_as_it_is_whatever_a_person_wrote() {
    let packet = "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>\
                  <rdf:Description xmlns:xmp='http://ns.adobe.com/xap/1.0/' xmp:Rating='4' xmp:CreateDate='2020-02-03'/>\
                  </rdf:RDF></x:xmpmeta>";
    let beside = [Beside { path: "a.xmp".into(), has_full_name: false, contents: Some(packet.into()) }];
    let fixture =
        |name: &str| std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)).unwrap();
    for (name, bytes) in [
        ("a.tiff", described(10)),
        ("b.tiff", described(3 << 20)),
        ("2021-06-30 a.jpg", fixture("turned-6.jpg")),
        ("p3.png", fixture("p3.png")),
        ("a.jxl", fixture("photo.jxl")),
    ] {
        let limits = Limits::default();
        let (want, rgb) = decode_bytes(&bytes, Path::new(name), 64, &limits).unwrap();
        let facts = FactsFound::read(&mut Cursor::new(&bytes), Path::new(name), &beside).unwrap();
        let requests = Rc::new(RefCell::new(Vec::new()));
        let worker = Here { requests: requests.clone(), answers: None };
        let mut contents = Cursor::new(&bytes);
        let asked =
            Asked { path: Path::new(name), contents: &mut contents, bytes: bytes.len() as u64, limits: &limits };
        let found = Pipes::new(Requests(requests), worker).decode(asked, 64, Some(&beside)).unwrap().unwrap();
        let want = Decoded { hash: ContentHash::of(&bytes), metadata: want, rgb, facts: Some(facts) };
        assert!(
            found == want,
            "{name}: {:?} {:?}, not {:?} {:?}",
            found.metadata,
            found.facts,
            want.metadata,
            want.facts
        );
    }
}
