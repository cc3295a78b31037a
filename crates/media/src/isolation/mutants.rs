//! Damage to what comes through the pipe, in either direction. `fuzz/targets/pipe.rs` looks for more of it for longer.

use std::io::{self, Cursor};
use std::path::Path;

use super::{
    About, AboutBeside, Asked, Confinement, Decoded, Fault, Pipes, Refused, Reply, Request, answer_all, frame,
};
use crate::caption_metadata::{Beside, CaptionMetadata, OverLimit, RecordedPlace};
use crate::{DateSource, Facts, FactsFound, Limits, MediaError, Metadata, decode_bytes};

const PHOTO: &[u8] = include_bytes!("../../tests/fixtures/turned-6.jpg");
const LIMITS: Limits = Limits { max_pixels: 100_000, max_alloc_bytes: 8 << 20, max_file_bytes: 1 << 20 };

/// How much damage is tried; `SIGHTLINE_MUTANTS` says otherwise.
fn mutants() -> u64 {
    std::env::var("SIGHTLINE_MUTANTS").ok().and_then(|number| number.parse().ok()).unwrap_or(2000)
}

/// Numbers that look random and are the same each time (xorshift64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end.max(1) as u64) as usize
    }

    /// A few bytes changed, put in, taken out or repeated.
    fn damage(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len() + 1);
            let end = (at + self.below(9)).min(bytes.len());
            let odd = [0, 1, 0x7f, 0x80, 0xc0, 0xd9, 0xdf, 0xff][self.below(8)];
            match self.below(5) {
                0 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
                1 if at < bytes.len() => bytes[at] = odd,
                2 => drop(bytes.splice(at..at, [odd, odd])),
                3 => drop(bytes.drain(at..end)),
                _ => bytes.extend_from_within(at..end),
            }
        }
    }

    /// A frame with damage to its head, its body or its lengths.
    fn damaged(&mut self, head: &impl serde::Serialize, body: &[u8]) -> Vec<u8> {
        let (mut head, mut body) = (rmp_serde::to_vec_named(head).unwrap(), body.to_vec());
        match self.below(8) {
            0..=4 => self.damage(&mut head),
            5 => self.damage(&mut body),
            _ => {}
        }
        let lengths = [&(head.len() as u32).to_le_bytes()[..], &(body.len() as u64).to_le_bytes()].concat();
        let mut bytes = [lengths, head, body].concat();
        if self.below(8) == 0 {
            self.damage(&mut bytes);
        }
        bytes
    }
}

fn metadata() -> Metadata {
    decode_bytes(PHOTO, Path::new("a.jpg"), 64, &LIMITS).unwrap().0
}

fn found() -> FactsFound {
    let words = CaptionMetadata { caption: Some("a dog".into()), keywords: vec!["dog".into(), "sea".into()] };
    let facts = Facts {
        taken_at: Some(("2024-05-06T07:08:09.25+02:00".into(), DateSource::Exif)),
        camera: Some("Acme One".into()),
        lens: Some("Acme 50mm".into()),
        position: Some((38.7, -9.1)),
        rating: Some(-1),
        words,
        other_words: vec!["Rex".into()],
        place: RecordedPlace { city: Some("Porto".into()), ..RecordedPlace::default() },
        orientation: Some(6),
    };
    FactsFound { facts, inside: Some(OverLimit::new("its XMP", "4 MiB")), beside: Some((0, OverLimit::new("a", "b"))) }
}

fn replies() -> Vec<(Reply, Vec<u8>)> {
    let decoded = |facts: Option<FactsFound>| {
        let facts = facts.map(Box::new);
        (Reply::Decoded { metadata: Box::new(metadata()), width: 3, height: 2, facts }, vec![7; 18])
    };
    let too_large = Refused::TooLarge { what: "9x9 pixels".into(), limit: "8 megapixels".into() };
    vec![
        decoded(None),
        decoded(Some(found())),
        (Reply::Facts(Box::new(found())), Vec::new()),
        (Reply::Wants { offset: 2, bytes: 5 }, Vec::new()),
        (Reply::Confinement(Confinement::default()), Vec::new()),
        (Reply::Refused(too_large), Vec::new()),
        (Reply::Refused(Refused::Unsupported("PSD".into())), Vec::new()),
        (Reply::Refused(Refused::NotAPhoto), Vec::new()),
    ]
}

fn beside() -> [Beside; 1] {
    [Beside { path: "a.xmp".into(), has_full_name: false, contents: Some(b"<x/>".to_vec()) }]
}

fn are_facts(found: &FactsFound) {
    let facts = &found.facts;
    assert!(facts.taken_at.as_ref().is_none_or(|(date, _)| date.is_ascii() && (4..=29).contains(&date.len())));
    assert!([&facts.camera, &facts.lens].into_iter().flatten().all(|name| name.chars().count() <= 401));
    assert!(facts.position.is_none_or(|(north, east)| north.abs() <= 90.0 && east.abs() <= 180.0));
    assert!(facts.rating.is_none_or(|stars| (-1..=5).contains(&stars)));
    assert!(facts.place.names().all(|name| name.chars().count() <= 401));
    assert!(facts.orientation.is_none_or(|turn| (1..=8).contains(&turn)));
    assert!(found.beside.as_ref().is_none_or(|(file, _)| *file == 0));
}

fn is_photo(answer: Result<Result<Decoded, MediaError>, Fault>, with_facts: bool) -> bool {
    match answer {
        Ok(Ok(photo)) => {
            assert_eq!(photo.rgb.pixels.len() as u64, u64::from(photo.rgb.width) * u64::from(photo.rgb.height) * 3);
            assert!(!photo.rgb.pixels.is_empty() && photo.facts.is_some() == with_facts);
            assert!(
                (1..=LIMITS.max_pixels).contains(&(u64::from(photo.metadata.width) * u64::from(photo.metadata.height)))
            );
            assert!((1..=8).contains(&photo.metadata.orientation));
            photo.facts.iter().for_each(are_facts);
            true
        }
        Ok(Err(refusal)) => {
            assert!(refusal.to_string().len() < 8000);
            true
        }
        Err(_) => false,
    }
}

#[test]
fn whatever_a_worker_answers_is_a_photo_facts_or_a_fault() {
    let (replies, mut numbers) = (replies(), Numbers(14));
    let (mut taken, mut refused) = (0, 0);
    for _ in 0..mutants() {
        let (reply, body) = &replies[numbers.below(replies.len())];
        let mut answers = Vec::new();
        for _ in 0..numbers.below(3) {
            frame::write(&mut answers, &Reply::Wants { offset: 1, bytes: 3 }, &[]).unwrap();
        }
        answers.extend(numbers.damaged(reply, body));
        let kind = numbers.below(4);
        let mut contents = Cursor::new([7; 10]);
        let asked = Asked { path: Path::new("a.jpg"), contents: &mut contents, bytes: 10, limits: &LIMITS };
        let mut pipes = Pipes::new(io::sink(), answers.as_slice());
        let is_answer = match kind {
            0 => is_photo(pipes.decode(asked, 64, None), false),
            1 => is_photo(pipes.decode(asked, 64, Some(&beside())), true),
            2 => pipes.facts(asked, &beside()).is_ok_and(|found| {
                are_facts(&found);
                true
            }),
            _ => pipes.confinement().is_ok(),
        };
        if is_answer { taken += 1 } else { refused += 1 }
    }
    // Some damage changes only what a worker may say, and most of it ends the worker.
    assert!(taken > 0 && refused > taken, "{taken} taken, {refused} refused");
}

#[test]
fn whatever_a_worker_is_asked_it_answers_whole_or_ends() {
    let photo = || About { name: "a.jpg".into(), bytes: PHOTO.len() as u64, limits: LIMITS };
    let sidecar = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>";
    let listed = || vec![AboutBeside { has_full_name: true, bytes: Some(sidecar.len() as u64) }];
    let requests = [
        (Request::Decode { photo: photo(), min_short_side: 64, beside: None }, PHOTO.to_vec()),
        (
            Request::Decode { photo: photo(), min_short_side: 64, beside: Some(listed()) },
            [PHOTO, sidecar.as_slice()].concat(),
        ),
        (Request::Facts { photo: photo(), beside: listed() }, sidecar.to_vec()),
        (Request::Piece, PHOTO.to_vec()),
        (Request::Confinement, Vec::new()),
    ];
    let (mut numbers, mut ended, mut answered) = (Numbers(41), 0, 0);
    for _ in 0..mutants() / 4 {
        let mut stream = Vec::new();
        for _ in 0..=numbers.below(3) {
            let (request, body) = &requests[numbers.below(requests.len())];
            match numbers.below(3) {
                0 => frame::write(&mut stream, request, body).unwrap(),
                _ => stream.extend(numbers.damaged(request, body)),
            }
        }
        let mut answers = Vec::new();
        if answer_all(&mut stream.as_slice(), &mut answers, &LIMITS).is_err() {
            ended += 1;
        }
        let mut rest = answers.as_slice();
        while frame::read::<Reply>(&mut rest, |_| LIMITS.max_pixels * 3).expect("answers are whole").is_some() {
            answered += 1;
        }
    }
    assert!(ended > 0 && answered > 0, "{ended} ended, {answered} answered");
}
