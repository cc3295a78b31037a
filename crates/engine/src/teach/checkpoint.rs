//! What is kept of a lesson under way, as bytes in the job's row.
//!
//! | bytes | |
//! |---|---|
//! | 16 | a word that says what this is, with the number of the format |
//! | 32 | BLAKE3 of all that follows |
//! | 32 | identity of the lesson |
//! | 8, 4 | every how many steps the curve has a point; points |
//! | 25 each | step, loss, whether there is an accuracy, accuracy |
//! | 1, 25 | whether there is a last point beside them; that point |
//! | the rest | the state of the training, which only the model's crate can read |
//!
//! All numbers are little endian.

use super::curve::Points;
use super::report::CurvePoint;

/// Of another format no byte is read.
const FORMAT: [u8; 16] = *b"sightline teach2";
/// Bytes of a checkpoint at most: what is larger is neither kept nor read.
pub(super) const MOST_BYTES: usize = 512 << 20;
/// Points of a curve at most.
const MOST_POINTS: usize = 100_000;
/// Bytes of a point.
const POINT: usize = 25;

/// What a lesson is about; another lesson has another.
pub(super) type Identity = [u8; 32];

/// What is kept of a lesson under way.
#[derive(Debug, PartialEq)]
pub(super) struct Kept {
    pub curve: Points,
    /// The state of the training.
    pub state: Vec<u8>,
}

/// Why a lesson does not go on from what was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unusable {
    #[error("it was written by another version of this program, or by another program")]
    OtherFormat,
    #[error("it is damaged")]
    Damaged,
    #[error("the photos, their labels, the settings or the model have changed since")]
    OtherLesson,
}

impl Kept {
    /// As bytes, for the lesson of `identity`; none when they are more than can be kept.
    pub fn to_bytes(&self, identity: &Identity) -> Option<Vec<u8>> {
        let Points { every, kept, last } = &self.curve;
        let mut body = Vec::with_capacity(self.state.len() + (kept.len() + 4) * POINT);
        body.extend(identity);
        body.extend(every.to_le_bytes());
        body.extend(u32::try_from(kept.len()).ok()?.to_le_bytes());
        kept.iter().for_each(|point| put(&mut body, point));
        body.push(u8::from(last.is_some()));
        last.iter().for_each(|point| put(&mut body, point));
        body.extend(&self.state);
        let whole = [&FORMAT[..], blake3::hash(&body).as_bytes(), &body].concat();
        (whole.len() <= MOST_BYTES && kept.len() <= MOST_POINTS).then_some(whole)
    }

    /// Reads what [`Kept::to_bytes`] made for the lesson of `identity`.
    pub fn from_bytes(bytes: &[u8], identity: &Identity) -> Result<Self, Unusable> {
        let mut rest = bytes.strip_prefix(&FORMAT).ok_or(Unusable::OtherFormat)?;
        let sum: [u8; 32] = take(&mut rest).ok_or(Unusable::Damaged)?;
        if bytes.len() > MOST_BYTES || *blake3::hash(rest).as_bytes() != sum {
            return Err(Unusable::Damaged);
        }
        if take(&mut rest) != Some(*identity) {
            return Err(Unusable::OtherLesson);
        }
        Self::read(rest).ok_or(Unusable::Damaged)
    }

    fn read(mut rest: &[u8]) -> Option<Self> {
        let every = u64::from_le_bytes(take(&mut rest)?);
        let points = u32::from_le_bytes(take(&mut rest)?) as usize;
        if points > MOST_POINTS || !every.is_power_of_two() {
            return None;
        }
        let kept = (0..points).map(|_| point(&mut rest)).collect::<Option<Vec<_>>>()?;
        let last = match take::<1>(&mut rest)? {
            [0] => None,
            [1] => Some(point(&mut rest)?),
            _ => return None,
        };
        Some(Self { curve: Points { every, kept, last }, state: rest.to_vec() })
    }
}

fn put(body: &mut Vec<u8>, point: &CurvePoint) {
    body.extend(point.step.to_le_bytes());
    body.extend(point.loss.to_le_bytes());
    body.push(u8::from(point.accuracy.is_some()));
    body.extend(point.accuracy.unwrap_or_default().to_le_bytes());
}

fn point(rest: &mut &[u8]) -> Option<CurvePoint> {
    let (step, loss) = (u64::from_le_bytes(take(rest)?), f64::from_le_bytes(take(rest)?));
    let (has_accuracy, accuracy) = (take::<1>(rest)?, f64::from_le_bytes(take(rest)?));
    let accuracy = match has_accuracy {
        [0] => None,
        [1] => Some(accuracy),
        _ => return None,
    };
    Some(CurvePoint { step, loss, accuracy })
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (own, later) = rest.split_first_chunk()?;
    *rest = later;
    Some(*own)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept() -> Kept {
        let mut curve = Points::default();
        // The worst numbers to write as text.
        (1..=900u64).for_each(|step| curve.push(CurvePoint { step, loss: 0.1 + 1.0 / step as f64, accuracy: None }));
        curve.push(CurvePoint { step: 901, loss: f64::NAN, accuracy: Some(1.0 / 3.0) });
        curve.push(CurvePoint { step: 902, loss: f64::MIN_POSITIVE / 3.0, accuracy: None });
        Kept { curve, state: (0..5000u32).map(|byte| byte as u8).collect() }
    }

    #[test]
    fn what_was_kept_comes_back_bit_for_bit_in_little_more_bytes() {
        let (identity, kept) = ([7; 32], kept());
        let bytes = kept.to_bytes(&identity).unwrap();
        let again = Kept::from_bytes(&bytes, &identity).unwrap();
        assert_eq!(again.to_bytes(&identity).unwrap(), bytes);
        assert_eq!(again.state, kept.state);
        let bits = |kept: &Kept| -> Vec<u64> { kept.curve.points().iter().map(|point| point.loss.to_bits()).collect() };
        assert_eq!(bits(&again), bits(&kept));
        assert!(bytes.len() < kept.state.len() + 25 * 402 + 200, "{} bytes", bytes.len());
    }

    #[test]
    fn what_is_damaged_cut_or_of_another_lesson_or_program_is_refused() {
        let (identity, bytes) = ([7; 32], kept().to_bytes(&[7; 32]).unwrap());
        assert_eq!(Kept::from_bytes(&bytes, &[8; 32]), Err(Unusable::OtherLesson));
        for foreign in [&b""[..], b"{\"lesson\":1,\"curve\":[],\"checkpoint\":[1,2]}", b"sightline teach1", &[0; 100]] {
            assert_eq!(Kept::from_bytes(foreign, &identity), Err(Unusable::OtherFormat));
        }
        // Each byte counts, and so does each length.
        for at in (FORMAT.len()..bytes.len()).step_by(37) {
            let mut spoilt = bytes.clone();
            spoilt[at] ^= 1 << (at % 8);
            assert_eq!(Kept::from_bytes(&spoilt, &identity), Err(Unusable::Damaged), "byte {at}");
            assert_eq!(Kept::from_bytes(&bytes[..at], &identity), Err(Unusable::Damaged), "cut at {at}");
        }
    }

    #[test]
    fn lengths_that_a_forger_made_up_are_refused_even_under_a_right_sum() {
        type Change<'a> = &'a dyn Fn(&mut Vec<u8>);
        let identity = [7; 32];
        let bytes = kept().to_bytes(&identity).unwrap();
        let forged = |change: Change<'_>| {
            let mut body = bytes[48..].to_vec();
            change(&mut body);
            [&FORMAT[..], blake3::hash(&body).as_bytes(), &body].concat()
        };
        let changes: [Change<'_>; 5] = [
            &|body| body[40..44].copy_from_slice(&u32::MAX.to_le_bytes()),
            &|body| body[40..44].copy_from_slice(&99_999u32.to_le_bytes()),
            &|body| body[32..40].copy_from_slice(&0u64.to_le_bytes()),
            &|body| body[44 + 16] = 7,
            &|body| body.truncate(50),
        ];
        for (number, change) in changes.into_iter().enumerate() {
            assert_eq!(Kept::from_bytes(&forged(change), &identity), Err(Unusable::Damaged), "change {number}");
        }
        assert!(Kept::from_bytes(&forged(&|_| {}), &identity).is_ok());
    }
}
