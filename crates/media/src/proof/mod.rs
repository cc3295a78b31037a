//! Whether two pictures show the very same: the proof without which no two photos are called duplicates.
//!
//! A fingerprint and a model's vector say that two pictures may be alike; a page of text is alike to any other page.
//! Here the pixels are compared. One picture is laid over the other (`register`: moved, scaled, turned a little, made
//! brighter), and then nothing may stand in either that does not stand in the other (`differ`): another word, another
//! piece on a chess board, another star. A copy that was scaled, compressed, cut at its edges or brightened passes, and so
//! does the next shot of a series in which only the camera moved. A picture in which nothing shows, such as a blank
//! page, is proven to be the same as no other. Bars were chosen on photos and drawn pictures (`benches/README.md`).

mod differ;
mod plane;
mod register;
#[cfg(test)]
mod tests;

use crate::Rgb;
use differ::Difference;
pub use plane::Canvas;
use register::Laid;

/// Correlation that two equal pictures have at least when they lie over each other: at each of the small sizes, then
/// at every larger one.
const SMALL_CORRELATION: [f32; 3] = [0.60, 0.70, 0.80];
const CORRELATION: f32 = 0.90;
/// The same of two thumbnails, and the pixels of their worst place that may be in doubt: they are not all there is.
const THUMBNAIL_CORRELATION: f32 = 0.85;
const MOST_IN_DOUBT_OF_THUMBNAILS: usize = 30;
/// Part of each picture that has to lie within the other.
const OVERLAP: f32 = 0.70;
/// Blocks of a picture in which something shows, at least: fewer prove nothing.
const LEAST_BLOCKS: usize = 12;
/// Pixels of the short side below which a picture shows too little to be told from another.
const LEAST_SIDE: usize = 64;

/// Why two pictures are not proven to be the same.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Unlike {
    /// One of them is too small, or shows too little.
    Empty,
    /// They do not lie over each other; their correlation where they come nearest to it.
    Elsewhere(f32),
    /// Something stands in one of them only; the pixels in doubt of the worst place.
    Other(usize),
    /// They have other colours; by how many steps of 256.
    Colours(f32),
}

impl Canvas {
    /// A decoded picture, ready to be compared; none when it has no pixels.
    pub fn of(rgb: &Rgb) -> Option<Self> {
        Self::new(rgb.width, rgb.height, &rgb.pixels)
    }
}

/// The smaller one, which stays as it is, and the larger one: what that shows besides cannot be compared.
fn by_size<'a>(one: &'a Canvas, other: &'a Canvas) -> (&'a Canvas, &'a Canvas) {
    if one.long_side() <= other.long_side() { (one, other) } else { (other, one) }
}

fn lay_small(a: &Canvas, b: &Canvas) -> Result<Laid, Unlike> {
    register::lay_small(a, b, &SMALL_CORRELATION).map_err(Unlike::Elsewhere)
}

/// Whether two photos are worth to be read and compared in full, by their thumbnails.
pub fn may_be_same(one: &Canvas, other: &Canvas) -> bool {
    let (a, b) = by_size(one, other);
    if a == b {
        return true;
    }
    let Ok(laid) = lay_small(a, b) else { return false };
    let Ok(laid) = register::lay_whole(laid, a, b, THUMBNAIL_CORRELATION) else { return false };
    laid.overlap() >= OVERLAP && differ::between(a, b, &laid).worst <= MOST_IN_DOUBT_OF_THUMBNAILS
}

/// Compares two pictures, which should have at least [`Canvas::SHORT_SIDE`] pixels where their files have them.
///
/// # Errors
/// Why they are not proven to be the same.
pub fn prove_same(one: &Canvas, other: &Canvas) -> Result<(), Unlike> {
    let (a, b) = by_size(one, other);
    if a.short_side() < LEAST_SIDE || b.short_side() < LEAST_SIDE {
        return Err(Unlike::Empty);
    }
    if a == b {
        // Most copies differ in nothing that is seen; flat ones prove nothing.
        let telling = differ::between(a, b, &register::Laid::SAME).telling;
        return if telling < LEAST_BLOCKS { Err(Unlike::Empty) } else { Ok(()) };
    }
    let laid = register::lay_whole(lay_small(a, b)?, a, b, CORRELATION).map_err(Unlike::Elsewhere)?;
    if laid.overlap() < OVERLAP {
        return Err(Unlike::Elsewhere(0.0));
    }
    let Difference { telling, worst, colour } = differ::between(a, b, &laid);
    if telling < LEAST_BLOCKS {
        return Err(Unlike::Empty);
    }
    if worst > differ::MOST_IN_DOUBT {
        return Err(Unlike::Other(worst));
    }
    if colour > differ::COLOUR {
        return Err(Unlike::Colours(colour));
    }
    Ok(())
}
