//! No two of many drawn pictures that look alike are proven to be the same, and copies of them are.
#![allow(clippy::unwrap_used, reason = "a test may")]

#[path = "../examples/alike/draw.rs"]
mod draw;

use std::path::Path;

use sightline_media::{Canvas, Fingerprint, Limits, Rgb, decode_bytes, may_be_same, prove_same, thumbnail};

/// Places in which the fingerprints of two photos may differ that are compared: more than the engine lets through.
const MOST_PLACES: u32 = 16;

fn decoded(jpeg: &[u8]) -> Rgb {
    decode_bytes(jpeg, Path::new("drawn.jpg"), Canvas::SHORT_SIDE, &Limits::default()).unwrap().1
}

/// A picture as the engine compares it: its thumbnail for the quick look, and its file.
struct Drawn {
    name: String,
    print: Fingerprint,
    small: Canvas,
    whole: Canvas,
}

fn drawn(kind: usize, number: u64) -> Drawn {
    let (name, draw) = draw::KINDS[kind];
    let file = decoded(&thumbnail(&draw(number), u32::MAX).unwrap());
    let small = Canvas::of(&decoded(&thumbnail(&file, 256).unwrap())).unwrap();
    let print = Fingerprint::of(&file).unwrap();
    Drawn { name: format!("{name} {number}"), print, small, whole: Canvas::of(&file).unwrap() }
}

/// Pairs that are proven, of all pairs of one kind with near fingerprints, and how many the thumbnails let through.
fn false_pairs(kind: usize, count: u64) -> (Vec<String>, usize) {
    let all: Vec<Drawn> = (0..count).map(|number| drawn(kind, number)).collect();
    let (mut wrong, mut looked) = (Vec::new(), 0);
    for (at, one) in all.iter().enumerate() {
        let near =
            |other: &&Drawn| one.print.distance(other.print) <= MOST_PLACES && may_be_same(&one.small, &other.small);
        for other in all[at + 1..].iter().filter(near) {
            looked += 1;
            if prove_same(&one.whole, &other.whole).is_ok() {
                wrong.push(format!("{} and {}", one.name, other.name));
            }
        }
    }
    (wrong, looked)
}

fn no_false_pair_among(count: u64) {
    let results: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..draw::KINDS.len()).map(|kind| scope.spawn(move || false_pairs(kind, count))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    for ((kind, _), (wrong, looked)) in draw::KINDS.iter().zip(results) {
        println!("{count} of kind {kind}: {looked} pairs compared in full, {} wrong", wrong.len());
        assert_eq!(wrong, [""; 0], "{kind}");
    }
}

#[test]
fn no_two_of_two_hundred_drawn_pictures_are_the_same() {
    no_false_pair_among(34);
}

#[test]
#[ignore = "two thousand pictures, all pairs: cargo test --release --workspace --test no_false_pair -- --ignored --nocapture"]
fn no_two_of_two_thousand_drawn_pictures_are_the_same() {
    no_false_pair_among(334);
}

#[test]
fn a_smaller_or_brighter_copy_of_a_drawn_picture_is_the_same() {
    for kind in 0..draw::KINDS.len() {
        let (name, draw) = draw::KINDS[kind];
        let picture = draw(3);
        let mut darker = picture.clone();
        darker.pixels.iter_mut().for_each(|value| *value = (f32::from(*value) * 0.85) as u8);
        let half = picture.width.max(picture.height) / 2;
        let of = |jpeg: Vec<u8>| Canvas::of(&decoded(&jpeg)).unwrap();
        let whole = of(thumbnail(&picture, u32::MAX).unwrap());
        for copy in [thumbnail(&picture, half).unwrap(), thumbnail(&darker, u32::MAX).unwrap()] {
            assert_eq!(prove_same(&whole, &of(copy)), Ok(()), "{name}");
        }
    }
}
