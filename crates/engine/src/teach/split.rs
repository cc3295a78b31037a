//! Which photos are learned from and which are held out to prove what was learned.

use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use sightline_media::Fingerprint;

use crate::duplicates::linked;

/// Places of 64 in which the fingerprints of near-duplicates differ at most.
const NEAR: u32 = 4;
/// Share of a label's photos that is held out.
const HELD_OUT: f64 = 0.25;
/// With fewer photos of a label none is held out: all are needed.
const LEAST_TO_HOLD_OUT: usize = 4;

/// A photo's part in a lesson.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Train,
    Watch,
    HeldOut,
}

/// How photos are divided.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Division {
    /// Photos of each label to learn from; none for a share of them.
    pub train_per_label: Option<usize>,
    /// Share of the photos to learn from that watch over the training instead.
    pub watch: f64,
    pub seed: u64,
}

/// Numbers of groups, so that near-duplicates are of one.
pub(super) fn groups(prints: &[Option<Fingerprint>]) -> Vec<usize> {
    linked(prints, NEAR)
}

/// Divides photos label by label; a group is in one part as a whole. Photos without a label are learned from.
pub(super) fn divide(labels: &[Option<usize>], groups: &[usize], division: Division) -> Vec<Part> {
    let mut rng = StdRng::seed_from_u64(division.seed);
    let mut parts: Vec<Option<Part>> = vec![None; labels.len()];
    let count = labels.iter().flatten().max().map_or(0, |most| most + 1);
    for label in 0..count {
        let mut own: Vec<usize> = (0..labels.len()).filter(|&index| labels[index] == Some(label)).collect();
        own.shuffle(&mut rng);
        let train = match division.train_per_label {
            Some(wanted) => wanted.min(own.len()),
            None if own.len() < LEAST_TO_HOLD_OUT => own.len(),
            None => own.len() - ((own.len() as f64 * HELD_OUT).round() as usize).max(1),
        };
        let watch = (train as f64 * division.watch) as usize;
        let (mut learned, mut watching) = (0, 0);
        // What another label's photos decided for a group holds for these too.
        for &index in &own {
            match group_part(&parts, groups, index) {
                Some(Part::Train) => learned += 1,
                Some(Part::Watch) => watching += 1,
                _ => {}
            }
        }
        for &index in &own {
            if parts[index].is_some() {
                continue;
            }
            let decided = group_part(&parts, groups, index);
            let part = decided.unwrap_or(if watching < watch {
                Part::Watch
            } else if learned + watching < train {
                Part::Train
            } else {
                Part::HeldOut
            });
            let whole: Vec<usize> =
                own.iter().copied().filter(|&other| groups[other] == groups[index] && parts[other].is_none()).collect();
            if decided.is_none() {
                match part {
                    Part::Train => learned += whole.len(),
                    Part::Watch => watching += whole.len(),
                    Part::HeldOut => {}
                }
            }
            for other in whole {
                parts[other] = Some(part);
            }
        }
    }
    parts.into_iter().map(|part| part.unwrap_or(Part::Train)).collect()
}

fn group_part(parts: &[Option<Part>], groups: &[usize], index: usize) -> Option<Part> {
    // Groups are numbered by their first member; members of other labels have been decided before.
    parts
        .iter()
        .zip(groups)
        .find(|(part, group)| **group == groups[index] && part.is_some())
        .and_then(|(part, _)| *part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn division(train_per_label: Option<usize>, seed: u64) -> Division {
        Division { train_per_label, watch: 0.0, seed }
    }

    #[test]
    fn each_label_is_divided_by_itself_and_the_seed_decides() {
        let labels: Vec<Option<usize>> = (0..60).map(|index| Some(index % 3)).collect();
        let alone: Vec<usize> = (0..60).collect();
        let parts = divide(&labels, &alone, division(None, 1));
        for label in 0..3 {
            let held = (0..60).filter(|&i| labels[i] == Some(label) && parts[i] == Part::HeldOut).count();
            assert_eq!(held, 5, "a quarter of 20");
        }
        assert_eq!(parts, divide(&labels, &alone, division(None, 1)));
        assert_ne!(parts, divide(&labels, &alone, division(None, 2)));
        let parts = divide(&labels, &alone, division(Some(7), 1));
        assert_eq!(parts.iter().filter(|part| **part == Part::Train).count(), 21);
    }

    #[test]
    fn near_duplicates_are_never_on_both_sides() {
        // Photos 0..30 of two labels; each three successive ones look alike, and none is flat.
        let prints: Vec<Option<Fingerprint>> = (0..30u64)
            .map(|i| Some(Fingerprint((i / 3 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (1 << (i % 3)))))
            .collect();
        let groups = groups(&prints);
        assert!((0..30).all(|i| groups[i] == i / 3 * 3), "{groups:?}");
        let labels: Vec<Option<usize>> = (0..30).map(|index| Some(index % 2)).collect();
        for seed in 0..20 {
            let parts = divide(&labels, &groups, division(None, seed));
            for i in 0..30 {
                assert_eq!(parts[i], parts[i / 3 * 3], "seed {seed}, photo {i}");
            }
            assert!(parts.contains(&Part::HeldOut) && parts.contains(&Part::Train));
        }
    }

    #[test]
    fn few_photos_are_all_learned_from() {
        let parts = divide(&[Some(0), Some(0), Some(0), None], &[0, 1, 2, 3], division(None, 0));
        assert_eq!(parts, [Part::Train; 4]);
    }
}
