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

/// Divides photos label by label; a group is in one part as a whole, whatever its photos' labels. Photos without a label
/// are learned from, unless they are of a group that is not.
///
/// Takes time in proportion to the photos. `groups` are numbered by one of their photos.
pub(super) fn divide(labels: &[Option<usize>], groups: &[usize], division: Division) -> Vec<Part> {
    let mut rng = StdRng::seed_from_u64(division.seed);
    let mut part_of: Vec<Option<Part>> = vec![None; labels.len()];
    let mut of_label: Vec<Vec<usize>> = vec![Vec::new(); labels.iter().flatten().max().map_or(0, |most| most + 1)];
    for (index, label) in labels.iter().enumerate() {
        if let Some(label) = label {
            of_label[*label].push(index);
        }
    }
    // How many of the label's photos each group has.
    let mut members = vec![0usize; labels.len()];
    for mut own in of_label {
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
            members[groups[index]] += 1;
            match part_of[groups[index]] {
                Some(Part::Train) => learned += 1,
                Some(Part::Watch) => watching += 1,
                Some(Part::HeldOut) | None => {}
            }
        }
        for &index in &own {
            let group = groups[index];
            if part_of[group].is_none() {
                let part = if watching < watch {
                    watching += members[group];
                    Part::Watch
                } else if learned + watching < train {
                    learned += members[group];
                    Part::Train
                } else {
                    Part::HeldOut
                };
                part_of[group] = Some(part);
            }
        }
        own.iter().for_each(|&index| members[groups[index]] = 0);
    }
    groups.iter().map(|&group| part_of[group].unwrap_or(Part::Train)).collect()
}

#[cfg(test)]
mod tests {
    use rand::Rng;

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

    /// As it was done before it was done in linear time: photo by photo, each looking at all others.
    fn divided_one_by_one(labels: &[Option<usize>], groups: &[usize], division: Division) -> Vec<Part> {
        let mut rng = StdRng::seed_from_u64(division.seed);
        let mut parts: Vec<Option<Part>> = vec![None; labels.len()];
        let of_group = |parts: &[Option<Part>], index: usize| {
            (0..groups.len()).find(|&other| groups[other] == groups[index] && parts[other].is_some()).map(|o| parts[o])
        };
        for label in 0..labels.iter().flatten().max().map_or(0, |most| most + 1) {
            let mut own: Vec<usize> = (0..labels.len()).filter(|&index| labels[index] == Some(label)).collect();
            own.shuffle(&mut rng);
            let train = match division.train_per_label {
                Some(wanted) => wanted.min(own.len()),
                None if own.len() < LEAST_TO_HOLD_OUT => own.len(),
                None => own.len() - ((own.len() as f64 * HELD_OUT).round() as usize).max(1),
            };
            let watch = (train as f64 * division.watch) as usize;
            let count = |part| own.iter().filter(|&&index| of_group(&parts, index) == Some(Some(part))).count();
            let (mut learned, mut watching) = (count(Part::Train), count(Part::Watch));
            for &index in &own {
                if parts[index].is_some() {
                    continue;
                }
                let decided = of_group(&parts, index).flatten();
                let part = decided.unwrap_or(if watching < watch {
                    Part::Watch
                } else if learned + watching < train {
                    Part::Train
                } else {
                    Part::HeldOut
                });
                for &other in own.iter().filter(|&&other| groups[other] == groups[index]) {
                    match (decided, part) {
                        (None, Part::Train) => learned += 1,
                        (None, Part::Watch) => watching += 1,
                        _ => {}
                    }
                    parts[other] = Some(part);
                }
            }
        }
        parts.into_iter().map(|part| part.unwrap_or(Part::Train)).collect()
    }

    #[test]
    fn the_same_seed_divides_as_it_always_did() {
        for seed in 0..60u64 {
            let mut rng = StdRng::seed_from_u64(1000 + seed);
            let count = rng.random_range(1..120);
            let labels: Vec<Option<usize>> = (0..count).map(|_| Some(rng.random_range(0..4))).collect();
            let mut groups: Vec<usize> = (0..count).collect();
            for index in 1..count {
                if rng.random_bool(0.4) {
                    groups[index] = groups[rng.random_range(0..index)];
                }
            }
            let train_per_label = rng.random_bool(0.5).then(|| rng.random_range(1..30));
            let division = Division { train_per_label, watch: [0.0, 0.1][seed as usize % 2], seed };
            assert_eq!(divide(&labels, &groups, division), divided_one_by_one(&labels, &groups, division), "{seed}");
        }
    }

    #[test]
    fn a_photo_of_no_label_is_not_learned_from_when_its_like_is_held_out() {
        let labels: Vec<Option<usize>> = (0..40).map(|index| (index < 20).then_some(0)).collect();
        // Each of the later photos looks like one of the labelled ones.
        let groups: Vec<usize> = (0..40).map(|index| index % 20).collect();
        let parts = divide(&labels, &groups, division(None, 3));
        assert!(parts.contains(&Part::HeldOut));
        assert!((0..20).all(|index| parts[index] == parts[index + 20]));
    }

    #[test]
    fn equal_flat_pictures_are_never_on_both_sides() {
        // Blank pages tell nothing apart; the same one twice would prove what was learned by heart.
        let prints: Vec<Option<Fingerprint>> = (0..40u64)
            .map(|i| Some(Fingerprint(if i < 12 { 0 } else { i.wrapping_mul(0x9e37_79b9_7f4a_7c15) })))
            .collect();
        let labels: Vec<Option<usize>> = (0..40).map(|index| Some(index % 2)).collect();
        for seed in 0..20 {
            let parts = divide(&labels, &groups(&prints), division(None, seed));
            assert!(parts[..12].iter().all(|part| *part == parts[0]), "seed {seed}");
        }
    }

    /// Seconds to group and divide so many photos, in bursts of a few that look alike; every tenth is a blank page.
    fn seconds(count: u64, labels: u64) -> f64 {
        let print = |i: u64| match i % 10 {
            0 => Fingerprint(0),
            _ => Fingerprint((i / 4 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (1 << (i % 4))),
        };
        let prints: Vec<Option<Fingerprint>> = (0..count).map(|i| Some(print(i))).collect();
        let of: Vec<Option<usize>> = (0..count).map(|i| Some((i % labels) as usize)).collect();
        let started = std::time::Instant::now();
        let parts = divide(&of, &groups(&prints), Division { train_per_label: None, watch: 0.1, seed: 1 });
        let seconds = started.elapsed().as_secs_f64();
        assert!(parts.len() as u64 == count && parts.contains(&Part::Train));
        seconds
    }

    #[test]
    fn a_hundred_thousand_photos_are_divided_in_a_moment_and_four_times_the_photos_take_little_more_than_four_times() {
        for labels in [2, 20_000] {
            // The best of three: other programs take their share of the machine.
            let best = |count| (0..3).map(|_| seconds(count, labels)).fold(f64::INFINITY, f64::min);
            let (few, many) = (best(25_000), best(100_000));
            println!("{labels} labels: 25,000 photos {few:.3} s, 100,000 photos {many:.3} s");
            assert!(many < 2.0, "{labels} labels: {many} s");
            // In quadratic time it would be sixteen times, and many seconds.
            assert!(many < 12.0 * few.max(0.05), "{labels} labels: {few} s, then {many} s");
        }
    }
}
